// SPDX-License-Identifier: Apache-2.0
// The networks and dataflows that come with the program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "hw/machine_file.h"
#include "input/data_dir.h"
#include "workloads/language.h"
#include "workloads/mapping.h"
#include "workloads/network_file.h"

namespace counterpoint::workloads {
namespace {

// Published totals (multiply-accumulates of one inference, convolutions and fully connected).
TEST(Networks, HaveThePublishedNumberOfMultiplyAccumulates) {
  const std::map<std::string, std::int64_t> totals = {
      {"alexnet", 724'406'816},       {"vgg16", 15'470'264'320},
      {"resnet50_v1", 3'857'973'248}, {"resnet50_v1_5", 4'089'184'256},
      {"mobilenet_v2", 300'774'272},  {"squeezenet1_0", 818'924'576},
      {"unet", 150'428'424'448},      {"bert_base", 11'173'625'856}};
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
  d.clear();
  EXPECT_FALSE(read_network_yaml(head + good + good, "x.yaml", d));
  EXPECT_THAT(input::format(d), ::testing::HasSubstr("two layers are called 'a'"));
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
