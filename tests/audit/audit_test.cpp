// SPDX-License-Identifier: Apache-2.0
// Results of other tools against the laws. The false numbers are the original's own, from runs of
// minimal inputs; the true ones are derived in the comments.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "hw/machine_file.h"
#include "input/diagnostics.h"
#include "validation/audit/audit.h"
#include "workloads/language.h"
#include "workloads/network_file.h"

namespace counterpoint::validation::audit {
namespace {

Report audit(const std::string& mapping, const std::string& hw, const std::string& csv) {
  const auto network = workloads::parse_network("Network t { " + mapping + " }", "t.m");
  EXPECT_TRUE(network.network) << input::format(network.diagnostics);
  std::vector<input::Diagnostic> diagnostics;
  const auto machine = hw::read_machine(hw, "hw.m", diagnostics);
  EXPECT_TRUE(machine) << input::format(diagnostics);
  return check(read_maestro(csv, "r.csv"), *network.network, *machine, nullptr, 0);
}

const Finding* find(const Report& r, const std::string& column) {
  for (const LayerAudit& l : r.layers)
    for (const Finding& f : l.findings)
      if (f.column == column) return &f;
  return nullptr;
}

// K = 3 on 4 PEs, C outside: 4 steps, in each 3 PEs with one weight. 12 distinct weights, 4*4
// inputs per channel: 64, read once per step for all PEs. 48 outputs; without a reason to leave
// they would be written once, but K in space and C outside make every step's 48 leave only if the
// tile changes: it does not. MACs: 3*4*16 = 192.
constexpr const char* kUnderfilled =
    "Layer L { Type: CONV Dimensions { K: 3, C: 4, R: 1, S: 1, Y: 4, X: 4 } Dataflow { "
    "TemporalMap(1,1) C; SpatialMap(1,1) K; TemporalMap(4,4) Y; TemporalMap(4,4) X; "
    "TemporalMap(1,1) R; TemporalMap(1,1) S; } }";
constexpr const char* kFourPes =
    "num_pes: 4\nl1_size_cstr: 100000\nl2_size_cstr: 100000\nnoc_bw_cstr: 1000000\n"
    "offchip_bw_cstr: 1000000\n";

TEST(Audit, FewerReadsThanDistinctWordsAreImpossibleAndNamed) {
  const Report r = audit(kUnderfilled, kFourPes,
                         "Layer Number, Num MACs, filter l2 read, output l2 write\n"
                         "L, 192, 9, 128\n");
  ASSERT_EQ(r.layers.size(), 1u);
  EXPECT_EQ(r.layers[0].refused, "");
  EXPECT_EQ(find(r, "Num MACs"), nullptr);
  const Finding* weights = find(r, "filter l2 read");
  ASSERT_NE(weights, nullptr);
  EXPECT_TRUE(weights->impossible);
  EXPECT_EQ(weights->truth.value_or(0), 12);
  EXPECT_EQ(weights->law, "law 2: 12 distinct weights have to pass");
  EXPECT_EQ(weights->cause.substr(0, 2), "D3");
  EXPECT_EQ(r.impossible_layers(), 1);
}

TEST(Audit, TheTruthHasNoFindings) {
  const Report r = audit(kUnderfilled, kFourPes,
                         "Layer Number, Num MACs, input l2 read, filter l2 read, filter l1 write\n"
                         "L, 192, 64, 12, 12\n");
  EXPECT_EQ(r.false_layers(), 0) << write_table(r);
  EXPECT_EQ(r.layers[0].compared, 4);
}

// 7*1*1 multiply-accumulates of which a partial fold loses 2; 4 PEs cannot do 7 in 1 cycle.
TEST(Audit, WorkAndTimeAreHeldAgainstTheLayer) {
  const Report r = audit(
      "Layer L { Type: GEMM Dimensions { M: 7, N: 1, K: 1 } Dataflow { SpatialMap(2,2) M; "
      "TemporalMap(1,1) N; TemporalMap(1,1) K; } }",
      kFourPes, "Layer Number, Runtime (Cycles), Throughput (MACs/Cycle), Num MACs\nL, 1, 5, 5\n");
  ASSERT_NE(find(r, "Num MACs"), nullptr);
  EXPECT_EQ(find(r, "Num MACs")->law, "law 1: the layer has 7 multiply-accumulates");
  ASSERT_NE(find(r, "Runtime (Cycles)"), nullptr);
  EXPECT_EQ(find(r, "Runtime (Cycles)")->law,
            "law 4: 7 multiply-accumulates on 4 units take 2 cycles or more");
  ASSERT_NE(find(r, "Throughput (MACs/Cycle)"), nullptr);
  EXPECT_TRUE(find(r, "Throughput (MACs/Cycle)")->impossible);
}

TEST(Audit, NumbersThatAreNoneAndFewerArrivalsThanWordsSent) {
  const Report r = audit(kUnderfilled, kFourPes,
                         "Layer Number, input l2 read, input l1 write, Ops/J, filter l1 write\n"
                         "L, 64, 63, nan, -12\n");
  EXPECT_EQ(find(r, "input l1 write")->law,
            "law 3: 64 words were sent ('input l2 read'), fewer arrived");
  EXPECT_EQ(find(r, "Ops/J")->law, "not a number");
  EXPECT_EQ(find(r, "filter l1 write")->law, "negative");
}

TEST(Audit, RowsAndLayersThatDoNotMeetAreSaid) {
  const Report r = audit(kUnderfilled, kFourPes, "Layer Number, Num MACs\nother, 1\n");
  EXPECT_EQ(r.layers[0].refused, "the mapping file has no (other) layer of this name");
  EXPECT_EQ(r.missing, std::vector<std::string>{"L"});
}

// The original splits names at '-' and prints the last piece.
TEST(Audit, RowsBearTheLastPieceOfALayersName) {
  std::string mapping = kUnderfilled;
  mapping.replace(mapping.find("Layer L"), 7, "Layer Conv2d-1");
  const Report r = audit(mapping, kFourPes, "Layer Number, Num MACs\n1, 192\n");
  EXPECT_EQ(r.layers[0].refused, "");
  EXPECT_EQ(r.false_layers(), 0);
  EXPECT_TRUE(r.missing.empty());
}

// Channels 0 and 2 of 4: the mapping itself is the finding.
TEST(Audit, AnIllegalMappingIsTheFinding) {
  const Report r = audit(
      "Layer L { Type: CONV Dimensions { K: 4, C: 4, R: 1, S: 1, Y: 4, X: 4 } Dataflow { "
      "TemporalMap(1,2) C; SpatialMap(1,1) K; TemporalMap(4,4) Y; TemporalMap(4,4) X; "
      "TemporalMap(1,1) R; TemporalMap(1,1) S; } }",
      kFourPes, "Layer Number, Num MACs\nL, 128\n");
  EXPECT_NE(r.layers[0].refused.find("128 multiply-accumulates missing"), std::string::npos)
      << r.layers[0].refused;
  EXPECT_EQ(r.unaudited_layers(), 1);
  // The laws need no mapping: 4 * 4 * 16 multiply-accumulates are the layer's, not 128.
  const Finding* macs = find(r, "Num MACs");
  ASSERT_NE(macs, nullptr);
  EXPECT_TRUE(macs->impossible);
  EXPECT_EQ(macs->law, "law 1: the layer has 256 multiply-accumulates");
  EXPECT_FALSE(macs->truth);
}

TEST(Audit, WhatIsNoResultIsRefusedWithItsLine) {
  const auto message = [](const char* csv) -> std::string {
    try {
      read_maestro(csv, "r.csv");
    } catch (const input::InputError& e) {
      return input::format(e.diagnostics());
    }
    return "accepted";
  };
  EXPECT_NE(message("").find("no layer"), std::string::npos);
  EXPECT_NE(message("1,2,3\n").find("r.csv:1:1: error: the first line must name"),
            std::string::npos);
  EXPECT_NE(message("Layer Number, Num MACs\nL, 1, 2\n").find("r.csv:2:1: error: this line has 3"),
            std::string::npos);
  EXPECT_NE(message("Layer Number, colour\nL, 1\n").find("no column of the original"),
            std::string::npos);
}

TEST(Audit, WritersQuoteWhatNeedsIt) {
  const Report r = audit(kUnderfilled, kFourPes, "Layer Number, Num MACs\n\"a, 5\n");
  EXPECT_NE(write_csv(r).find("\"\"\"a\",2,not audited"), std::string::npos) << write_csv(r);
  EXPECT_NE(write_json(r).find("\"counterpoint-audit-1\""), std::string::npos);
}

// The original's own results for its own mapping files.
TEST(Audit, ResultsOfTheOriginal) {
  namespace fs = std::filesystem;
  const fs::path base =
      fs::path(COUNTERPOINT_SOURCE_DIR) / ".." / "shared" / "reference" / "maestro";
  int layers = 0, impossible = 0, explained = 0, findings = 0, refused = 0, refused_impossible = 0;
  for (const char* hw : {"accelerator_1", "hw_64pe"}) {
    const fs::path folder =
        base / "results" / (std::string(hw) == "hw_64pe" ? "hw_64pe" : "hw_accelerator_1");
    if (!fs::exists(folder)) GTEST_SKIP() << "the reference folder is not here";
    std::vector<input::Diagnostic> diagnostics;
    const auto machine =
        hw::load_machine((base / "hw" / (std::string(hw) + ".m")).string(), diagnostics);
    ASSERT_TRUE(machine);
    for (const auto& entry : fs::directory_iterator(folder)) {
      const fs::path mapping = base / "mapping" / (entry.path().stem().string() + ".m");
      if (!fs::exists(mapping)) continue;
      const auto network = workloads::load_network(mapping.string(), diagnostics);
      if (!network) continue;
      std::ifstream in(entry.path());
      std::stringstream text;
      text << in.rdbuf();
      const Report r =
          check(read_maestro(text.str(), entry.path().string()), *network, *machine, nullptr, 0);
      for (const LayerAudit& l : r.layers) {
        if (!l.refused.empty()) {
          ++refused;
          refused_impossible += l.impossible();
          continue;
        }
        ++layers;
        impossible += l.impossible();
        findings += static_cast<int>(l.findings.size());
        for (const Finding& f : l.findings) explained += !f.cause.empty();
      }
    }
  }
  ASSERT_GT(layers, 500);
  // Few of the original's shipped mappings are illegal; a row that finds no layer counts here too.
  EXPECT_LT(refused, layers / 20);
  // About 30 % of its layers carry impossible numbers; the exact share depends on the files.
  EXPECT_GT(impossible, layers / 5);
  EXPECT_LT(impossible, layers * 3 / 5);
  EXPECT_GT(explained, findings * 9 / 10);
  RecordProperty("layers", layers);
  RecordProperty("impossible", impossible);
  RecordProperty("explained", explained);
  RecordProperty("findings", findings);
  RecordProperty("refused", refused);
  RecordProperty("refused_impossible", refused_impossible);
}

}  // namespace
}  // namespace counterpoint::validation::audit
