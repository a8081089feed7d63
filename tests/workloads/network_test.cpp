// SPDX-License-Identifier: Apache-2.0
// The networks and dataflows that come with the program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>

#include "hw/machine_file.h"
#include "input/data_dir.h"
#include "workloads/language.h"
#include "workloads/mapping.h"
#include "workloads/network_file.h"

namespace counterpoint::workloads {
namespace {

// Multiply-accumulates of one inference (convolutions, fully connected layers, GEMMs), worked
// out layer by layer from the publications; most agree with totals printed elsewhere.
TEST(Networks, HaveTheKnownNumberOfMultiplyAccumulates) {
  const std::map<std::string, std::int64_t> totals = {
      {"alexnet", 724'406'816},
      {"bert_base", 11'173'625'856},
      {"bert_base_384", 35'332'816'896},
      {"bert_base_512", 48'318'382'080},
      // GNMT 66'446'557'184 + NCF 655'097'856 + DLRM 304'873'472 + Transformer 2'516'582'400
      {"gemm_suite", 69'923'110'912},
      {"googlenet", 1'582'671'872},
      {"googlenet_torchvision", 1'498'376'192},
      {"mobilenet_v2", 300'774'272},
      {"resnet18", 1'814'073'344},
      {"resnet50_v1", 3'857'973'248},
      {"resnet50_v1_5", 4'089'184'256},
      {"resnext50_32x4d", 4'230'479'872},
      {"squeezenet1_0", 818'924'576},
      {"squeezenet1_1", 349'151'936},
      {"unet", 150'428'424'448},
      {"vgg16", 15'470'264'320}};
  for (const CatalogEntry& e : list_networks())
    EXPECT_EQ(totals.count(e.name), 1u) << "no total to compare " << e.name << " with";
  for (const auto& [name, total] : totals) {
    std::vector<Diagnostic> d;
    const auto network = load_network(name, d);
    ASSERT_TRUE(network) << name << input::format(d);
    std::int64_t sum = 0;
    for (const NetworkLayer& l : network->layers)
      if (l.modelled) sum += l.repeat * macs(l.layer);
    EXPECT_EQ(sum, total) << name;
  }
}

TEST(Networks, AllLoadWithoutAMessage) {
  const auto all = list_networks();
  EXPECT_GE(all.size(), 16u);
  for (const CatalogEntry& e : all) {
    std::vector<Diagnostic> d;
    EXPECT_TRUE(load_network(e.name, d)) << e.name;
    EXPECT_TRUE(d.empty()) << input::format(d);
    EXPECT_FALSE(e.description.empty()) << e.name;
  }
}

TEST(Networks, NameWhatTheyDoNotModel) {
  std::vector<Diagnostic> d;
  const auto vgg = load_network("vgg16", d);
  ASSERT_TRUE(vgg);
  int pools = 0;
  for (const NetworkLayer& l : vgg->layers)
    if (!l.modelled) {
      ++pools;
      EXPECT_FALSE(l.not_modelled_reason.empty());
    }
  EXPECT_EQ(pools, 5);
}

TEST(Networks, WrongNumbersAreErrorsThatNameBoth) {
  std::vector<Diagnostic> d;
  const std::string head = "name: n\nlayers:\n";
  // 3 x 3 on 8 x 8 with padding 1: 8 x 8 outputs, 4 * 2 * 9 * 64 = 4608.
  const std::string good =
      "  - {name: a, op: conv, k: 4, c: 2, r: 3, s: 3, h: 8, w: 8, pad: 1, out: [8, 8], macs: "
      "4608}\n";
  EXPECT_TRUE(read_network_yaml(head + good, "x.yaml", d)) << input::format(d);
  std::string wrong = good;
  wrong.replace(wrong.find("4608"), 4, "4607");
  EXPECT_FALSE(read_network_yaml(head + wrong, "x.yaml", d));
  EXPECT_THAT(input::format(d),
              ::testing::AllOf(::testing::HasSubstr("4607"), ::testing::HasSubstr("4608"),
                               ::testing::HasSubstr("x.yaml:3:")));
  d.clear();
  wrong = good;
  wrong.replace(wrong.find("[8, 8]"), 6, "[8, 7]");
  EXPECT_FALSE(read_network_yaml(head + wrong, "x.yaml", d));
  EXPECT_THAT(input::format(d), ::testing::HasSubstr("8 x 7"));
  d.clear();
  EXPECT_FALSE(read_network_yaml(head + "  - {name: a, op: cnov, k: 1}\n", "x.yaml", d));
  EXPECT_THAT(input::format(d), ::testing::HasSubstr("conv"));
  EXPECT_EQ(d.size(), 1u) << "one mistake, one message: " << input::format(d);
  d.clear();
  EXPECT_FALSE(read_network_yaml(head + good + good, "x.yaml", d));
  EXPECT_THAT(input::format(d), ::testing::HasSubstr("two layers are called 'a'"));
}

TEST(Networks, KeysWithoutMeaningForTheOperatorAreErrors) {
  const std::string conv = "k: 4, c: 2, r: 3, s: 3, h: 8, w: 8";
  // Each would be ignored otherwise: op and its sizes, the key at fault with its value.
  const std::vector<std::array<std::string, 3>> cases = {
      {"op: gemm, m: 4, n: 2, k: 3", "r", "3"},
      {"op: gemm, m: 4, n: 2, k: 3", "stride", "7"},
      {"op: bgemm, m: 4, n: 2, k: 3, b: 2", "out", "[4, 2]"},
      {"op: fc, k: 4, c: 2", "h", "7"},
      {"op: fc, k: 4, c: 2", "m", "7"},
      {"op: pool", "macs", "77"},
      {"op: add", "k", "3"},
      {"op: dsconv, c: 2, r: 3, s: 3, h: 8, w: 8", "k", "99"},
      {"op: conv, " + conv, "out_padding", "1"},
      {"op: conv, " + conv, "b", "2"}};
  for (const auto& [sizes, key, number] : cases) {
    const std::string head = "name: n\nlayers:\n  - {name: a, " + sizes;
    std::vector<Diagnostic> d;
    EXPECT_TRUE(read_network_yaml(head + "}\n", "x.yaml", d)) << input::format(d);
    EXPECT_FALSE(read_network_yaml(head + ", " + key + ": " + number + "}\n", "x.yaml", d)) << key;
    ASSERT_EQ(d.size(), 1u) << input::format(d);
    EXPECT_EQ(d[0].code, "not-applicable");
    EXPECT_THAT(d[0].message, ::testing::StartsWith("'" + key + "' has no meaning"));
    EXPECT_EQ(d[0].pos.line, 3);
    // The key stands behind the text before it, ", " and the end of the line above.
    EXPECT_EQ(d[0].pos.column, static_cast<int>(head.size() - head.rfind('\n')) + 2);
  }
}

TEST(Networks, GroupsCountInEveryConvolutionThatHasThem) {
  std::vector<Diagnostic> d;
  // 2 groups of 4 * 2 * 9 taps on 6 x 6 outputs: 5184; a transposed one of 1 x 1 on 3 x 3: 2 * 9.
  const auto n = read_network_yaml(
      "name: n\nmacs: 5202\nlayers:\n"
      "  - {name: a, op: conv, g: 2, k: 4, c: 2, r: 3, s: 3, h: 8, w: 8, macs: 5184}\n"
      "  - {name: b, op: trconv, g: 2, k: 1, c: 1, r: 1, s: 1, h: 3, w: 3, macs: 18}\n",
      "x.yaml", d);
  ASSERT_TRUE(n) << input::format(d);
  EXPECT_EQ(n->layers[0].layer[Dim::G], 2);
  EXPECT_EQ(n->layers[1].layer[Dim::G], 2);
}

TEST(Networks, TotalsCountLayersThatDoNotStateTheirOwn) {
  const std::string layers =
      "layers:\n  - {name: a, op: gemm, m: 2, n: 3, k: 5, repeat: 4}\n  - {name: p, op: pool}\n"
      "  - {name: b, op: fc, k: 7, c: 10, macs: 70}\n";
  std::vector<Diagnostic> d;
  // 4 * 2 * 3 * 5 + 7 * 10 = 190
  EXPECT_TRUE(read_network_yaml("name: n\nmacs: 190\n" + layers, "x.yaml", d)) << input::format(d);
  EXPECT_FALSE(read_network_yaml("name: n\nmacs: 70\n" + layers, "x.yaml", d));
  EXPECT_THAT(input::format(d),
              ::testing::AllOf(::testing::HasSubstr("70 multiply"), ::testing::HasSubstr("190"),
                               ::testing::HasSubstr("x.yaml:2:")));
}

TEST(Networks, CountsBeyondReachAreRefusedInsteadOfWrappingAround) {
  std::vector<Diagnostic> d;
  // 2^60 multiply-accumulates 2^40 times would be 0 modulo 2^64, as stated.
  EXPECT_FALSE(
      read_network_yaml("name: n\nmacs: 0\nlayers:\n  - {name: a, op: gemm, m: 1048576, n: "
                        "1048576, k: 1048576, repeat: 1099511627776, macs: 0}\n",
                        "x.yaml", d));
  ASSERT_EQ(d.size(), 1u) << input::format(d);
  EXPECT_EQ(d[0].code, "too-large");
  d.clear();
  // Each layer is within reach (2^59), the third is one too many.
  std::string many = "name: n\nlayers:\n";
  for (const char* name : {"a", "b", "c"})
    many += std::string("  - {name: ") + name + ", op: gemm, m: 1048576, n: 1048576, k: 524288}\n";
  EXPECT_FALSE(read_network_yaml(many, "x.yaml", d));
  ASSERT_EQ(d.size(), 1u) << input::format(d);
  EXPECT_EQ(d[0].code, "too-large");
  EXPECT_EQ(d[0].pos.line, 5);
}

TEST(Networks, ImplicitPaddingSavesWork) {
  std::vector<Diagnostic> d;
  const auto n = read_network_yaml(
      "name: n\npadding: implicit\nlayers:\n  - {name: a, op: conv, k: 1, c: 1, r: 3, s: 3, h: 4, "
      "w: 4, "
      "pad: 1, out: [4, 4], macs: 144}\n",
      "x.yaml", d);
  ASSERT_TRUE(n) << input::format(d);
  // Along one axis 4 outputs meet 3 taps less the 2 that fall outside: 10; 10 * 10 of 144.
  EXPECT_EQ(macs(n->layers[0].layer), 100);
  EXPECT_EQ(n->layers[0].layer.rows.extent, 4);
}

TEST(Dataflows, UnknownNamesSuggestTheNearest) {
  std::vector<Diagnostic> d;
  EXPECT_FALSE(load_dataflow("row_stationery", d));
  EXPECT_THAT(input::format(d), ::testing::HasSubstr("row_stationary"));
}

// Every template is legal for every layer of its operators, on a machine with enough PEs. Buffers
// are not the question here.
TEST(Dataflows, AreLegalForEveryFittingLayer) {
  hw::Machine m;
  m.name = "large";
  m.pes = 65536;
  m.storage.resize(3);
  m.network.resize(2);
  int mappings = 0;
  for (const CatalogEntry& e : list_dataflows()) {
    std::vector<Diagnostic> d;
    const auto flow = load_dataflow(e.name, d);
    ASSERT_TRUE(flow) << input::format(d);
    EXPECT_TRUE(d.empty()) << input::format(d);
    EXPECT_FALSE(e.description.empty()) << e.name;
    EXPECT_EQ(dataflow_fits(*flow), e.fits);
    ASSERT_FALSE(e.fits.empty()) << e.name;
    for (const CatalogEntry& net : list_networks()) {
      std::vector<Diagnostic> ignored;
      const auto network = load_network(net.name, ignored);
      ASSERT_TRUE(network);
      for (const NetworkLayer& l : network->layers) {
        if (!l.modelled ||
            std::find(e.fits.begin(), e.fits.end(), name(l.layer.op)) == e.fits.end())
          continue;
        const BindResult r = bind(l.layer, *flow, m);
        EXPECT_TRUE(r.mapping) << e.name << " on " << net.name << "\n"
                               << input::format(r.diagnostics);
        ++mappings;
      }
    }
  }
  EXPECT_GT(mappings, 3000);
}

// The pairs that run.sh validates fit their machines as they are.
TEST(Dataflows, FitTheMachinesTheyAreMadeFor) {
  for (const auto& [machine, flow] :
       {std::pair("eyeriss", "row_stationary"), std::pair("nvdla_like", "nvdla"),
        std::pair("tpu_like", "tpu_conv")}) {
    std::vector<Diagnostic> d;
    const auto m = hw::load_machine(machine, d);
    const auto f = load_dataflow(flow, d);
    ASSERT_TRUE(m && f) << input::format(d);
    for (const char* net : {"vgg16", "alexnet"}) {
      const auto network = load_network(net, d);
      ASSERT_TRUE(network);
      for (const NetworkLayer& l : network->layers) {
        if (!l.modelled || l.layer.op == Operator::Gemm) continue;
        const BindResult r = bind(l.layer, *f, *m);
        EXPECT_TRUE(r.mapping) << machine << " " << l.layer.name << "\n"
                               << input::format(r.diagnostics);
      }
    }
  }
}

}  // namespace
}  // namespace counterpoint::workloads
