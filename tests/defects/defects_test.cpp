// SPDX-License-Identifier: Apache-2.0
// Cases that the original tool is known to get wrong (D: impossible numbers, M: wrong ones), or
// that crash it. Unless said otherwise the machine is ideal, so that the time is the number of
// steps times the cycles of the fullest PE.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "analytic/estimator.h"
#include "hw/machine_file.h"
#include "tests/defects/evaluate.h"
#include "tests/oracle/model/compare.h"
#include "validation/report.h"
#include "validation/writers.h"
#include "workloads/language.h"

namespace counterpoint::defects {
namespace {

using testing::HasSubstr;

constexpr int kInput = 0, kWeight = 1, kOutput = 2;

const stats::LayerResult& result(const Verdict& v) {
  static const stats::LayerResult none;
  EXPECT_FALSE(v.refused()) << input::format(v.diagnostics);
  return v.estimated ? *v.estimated : none;
}
std::int64_t buffer_reads(const stats::LayerResult& r, int tensor) {
  return r.storage.size() < 2 ? -1
                              : r.storage[1].access[static_cast<std::size_t>(tensor)].fill_read;
}

// 4 x 4 outputs of a 1 x 1 kernel, with the top level given.
std::string pointwise(int k, int c, const std::string& dataflow) {
  return "Layer L { Type: CONV Dimensions { K: " + std::to_string(k) + ", C: " + std::to_string(c) +
         ", R: 1, S: 1, Y: 4, X: 4 } Dataflow { " + dataflow + " } }";
}
std::string gemm(int m, int n, int k, const std::string& dataflow) {
  return "Layer L { Type: GEMM Dimensions { M: " + std::to_string(m) + ", N: " + std::to_string(n) +
         ", K: " + std::to_string(k) + " } Dataflow { " + dataflow + " } }";
}

// ---- D: provably impossible results ---------------------------------------------------------

TEST(Impossible, D1OnePeDoesOneMacPerCycle) {
  const auto r = result(
      evaluate(gemm(14, 10, 10,
                    "TemporalMap(8,8) M; SpatialMap(10,10) N; TemporalMap(1,1) K; Cluster(1,P); "
                    "SpatialMap(7,7) M; TemporalMap(1,1) N; TemporalMap(1,1) K;"),
               ideal(1)));
  EXPECT_EQ(r.macs, 14 * 10 * 10);
  EXPECT_EQ(r.cycles, 1400);  // the only PE is never idle on an ideal machine
}

TEST(Impossible, D1TheOppositeErrorInnerTilesLargerThanTheirEdge) {
  const auto r = result(
      evaluate(gemm(9, 10, 10,
                    "TemporalMap(8,8) M; SpatialMap(10,10) N; TemporalMap(1,1) K; Cluster(1,P); "
                    "TemporalMap(8,8) M; SpatialMap(1,1) N; TemporalMap(1,1) K;"),
               ideal(1)));
  EXPECT_EQ(r.cycles, 900);
}

TEST(Impossible, D2ThePartialUnitOfTheLastFoldWorksToo) {
  // 7 rows in tiles 2 2 2 1 on 2 PEs: two folds of max(2, 2) and max(2, 1) cycles.
  const auto r = result(evaluate(
      gemm(7, 1, 1, "SpatialMap(2,2) M; TemporalMap(1,1) N; TemporalMap(1,1) K;"), ideal(2)));
  EXPECT_EQ(r.macs, 7);
  EXPECT_EQ(r.cycles, 4);
}

TEST(Impossible, D3UnitsThatDoNotFillTheArrayLoseNothing) {
  // 3 filters on 4 PEs. 12 weights, each read once. Outputs leave after every step: C is the outer
  // loop, so 4 x 16 positions x 3 filters = 192, and the 48 outputs go off-chip once.
  const auto r = result(evaluate(
      pointwise(3, 4,
                "TemporalMap(1,1) C; SpatialMap(1,1) K; TemporalMap(1,1) Y; TemporalMap(1,1) X;"),
      ideal(4)));
  EXPECT_EQ(buffer_reads(r, kWeight), 12);
  EXPECT_EQ(r.network[1].link[kOutput].drain_injected, 192);
  EXPECT_EQ(r.storage[0].access[kOutput].writes(), 48);
}

TEST(Impossible, D4TilesLargerThanTheDimensionHoldAllOfIt) {
  for (const char* size : {"5,1", "5,3", "5,5"}) {
    const auto r = result(evaluate(
        gemm(4, 4, 4,
             "SpatialMap(1,1) M; TemporalMap(1,1) N; TemporalMap(" + std::string(size) + ") K;"),
        ideal(4)));
    EXPECT_EQ(r.macs, 64) << size;
    EXPECT_EQ(r.cycles, 16) << size;  // 64 MACs on 4 PEs that are never idle
  }
  // 5 columns, S = 3: 3 outputs; 4 filters x 3 x 3 MACs on 4 PEs.
  const auto r = result(
      evaluate("Layer L { Type: CONV Dimensions { K: 4, C: 1, R: 1, S: 3, Y: 1, X: 5 } Dataflow { "
               "SpatialMap(1,1) K; TemporalMap(3,3) S; TemporalMap(1,1) Y; TemporalMap(6,4) X; } }",
               ideal(4)));
  EXPECT_EQ(r.macs, 36);
  EXPECT_EQ(r.cycles, 9);
}

TEST(Impossible, D5GapsAreRefusedWithTheWorkThatIsMissing) {
  // Channels 0 and 2 of 4: half of the 256 MACs.
  const Verdict v = evaluate(
      pointwise(4, 4,
                "SpatialMap(1,1) K; TemporalMap(1,2) C; TemporalMap(1,1) Y; TemporalMap(1,1) X;"),
      ideal(4));
  EXPECT_THAT(v.codes(), HasSubstr("work-missing"));
  EXPECT_THAT(input::format(v.diagnostics), HasSubstr("128"));
}

TEST(Impossible, D6LayersOfManySteps) {
  // 100000 x 100000 steps of 100 PEs with one MAC each; the estimator does not walk them.
  const auto r = result(evaluate(
      gemm(100000, 100000, 100, "TemporalMap(1,1) M; TemporalMap(1,1) N; SpatialMap(1,1) K;"),
      ideal(100), false));
  EXPECT_EQ(r.macs, 1'000'000'000'000);
  EXPECT_EQ(r.cycles, 10'000'000'000);
}

TEST(Impossible, D7NoFewerCyclesThanWordsThatMustArrive) {
  // Inputs 8 x 8 once. For every row the 8 steps over K load 8 weights each: 8 x 64 = 512.
  hw::Machine m = ideal(8);
  m.network[1].bandwidth.per_kcycle = 1000;
  const auto r = result(
      evaluate(gemm(8, 8, 8, "TemporalMap(1,1) M; TemporalMap(1,1) K; SpatialMap(1,1) N;"), m));
  EXPECT_EQ(buffer_reads(r, kInput) + buffer_reads(r, kWeight), 576);
  EXPECT_GE(r.cycles, 576);
}

TEST(Impossible, D8OffChipBandwidthIsNotTruncated) {
  // 64 inputs and 64 x 64 weights at 33 words per cycle: 4160 / 33 > 126.
  hw::Machine m = ideal(64);
  m.network[0].bandwidth.per_kcycle = 33000;
  const auto r = result(
      evaluate(gemm(1, 64, 64, "TemporalMap(1,1) K; TemporalMap(1,1) M; SpatialMap(1,1) N;"), m));
  EXPECT_EQ(r.network[0].link[kInput].injected + r.network[0].link[kWeight].injected, 4160);
  EXPECT_GE(r.cycles, 127);
}

TEST(Impossible, D9StrideCounts) {
  // 9 x 9, 3 x 3, stride 2: 4 x 4 outputs. 4 filters x 16 x 9 MACs on 4 PEs.
  const auto r = result(evaluate(
      "Layer L { Type: CONV Stride { Y: 2, X: 2 } Dimensions { K: 4, C: 1, R: 3, S: 3, Y: 9, X: 9 "
      "} "
      "Dataflow { SpatialMap(1,1) K; TemporalMap(3,3) R; TemporalMap(3,3) S; TemporalMap(9,9) Y; "
      "TemporalMap(9,9) X; } }",
      ideal(4)));
  EXPECT_EQ(r.macs, 576);
  EXPECT_EQ(r.cycles, 144);
  EXPECT_EQ(r.storage[2].tile_words[kOutput], 16);
  // Rows (5 - 1) / 3 + 1 = 2, columns (2 - 2) / 2 + 1 = 1: 3 channels x 2 x 2 weights.
  const auto d = result(evaluate(
      "Layer L { Type: DSCONV Stride { Y: 3, X: 2 } Dimensions { C: 3, R: 1, S: 2, Y: 5, X: 2 } "
      "Dataflow { SpatialMap(1,1) Y; } }",
      ideal(3)));
  EXPECT_EQ(d.macs, 12);
  EXPECT_EQ(d.cycles, 6);  // two PEs do a row of 6 MACs each, the third none
}

TEST(Impossible, D10NoLanesAreRefused) {
  std::vector<input::Diagnostic> diagnostics;
  const auto m = hw::read_machine(
      "name: x\npes: 4\nlanes: 0\nstorage:\n  - {level: off_chip, network: {}}\n"
      "  - {level: global_buffer, capacity: unlimited, network: {}}\n"
      "  - {level: pe_buffer, capacity: unlimited}\n",
      "machine.yaml", diagnostics);
  EXPECT_FALSE(m);
  EXPECT_THAT(input::format(diagnostics), HasSubstr("lanes"));
}

// ---- M: silently wrong results --------------------------------------------------------------

TEST(Wrong, M1OutputsThatStayAreWrittenOnce) {
  // 4 filters x 16 outputs; all channels are the innermost loop.
  const auto r = result(evaluate(
      pointwise(4, 8,
                "SpatialMap(1,1) K; TemporalMap(1,1) Y; TemporalMap(1,1) X; TemporalMap(1,1) C;"),
      ideal(4)));
  EXPECT_EQ(r.network[1].link[kOutput].drain_injected, 64);
  EXPECT_EQ(r.storage[0].access[kOutput].writes(), 64);
  // M2: each of the 16 positions loads all 4 x 8 weights again.
  EXPECT_EQ(buffer_reads(r, kWeight), 512);
}

TEST(Wrong, M2WrapAroundReloads) {
  // For every filter 4 positions x 2 channels.
  const auto h = result(
      evaluate("Layer L { Type: CONV Dimensions { K: 16, C: 2, R: 1, S: 1, Y: 2, X: 2 } Dataflow { "
               "TemporalMap(1,1) K; SpatialMap(1,1) C; TemporalMap(1,1) Y; TemporalMap(1,1) X; } }",
               ideal(2)));
  EXPECT_EQ(buffer_reads(h, kInput), 128);
  // 100 rows, 2 weights each; but a tile of both weights stays.
  const auto half = result(evaluate(
      gemm(100, 1, 2, "TemporalMap(1,1) M; SpatialMap(1,1) N; TemporalMap(1,1) K;"), ideal(1)));
  EXPECT_EQ(buffer_reads(half, kWeight), 200);
  const auto full = result(evaluate(
      gemm(100, 1, 2, "TemporalMap(1,1) M; SpatialMap(1,1) N; TemporalMap(2,2) K;"), ideal(1)));
  EXPECT_EQ(buffer_reads(full, kWeight), 2);
}

TEST(Wrong, M3HaloMulticastWhateverTheLoopOrder) {
  const auto halo = [](int rows, const std::string& order) {
    return "Layer L { Type: CONV Dimensions { K: 1, C: 1, R: 1, S: 3, Y: " + std::to_string(rows) +
           ", X: 6 } Dataflow { TemporalMap(3,3) S; " + order + " } }";
  };
  const std::string x = "SpatialMap(3,1) X; ", y = "TemporalMap(1,1) Y; ";
  // 4 PEs with overlapping windows of 6 columns: 6 distinct words per row.
  EXPECT_EQ(buffer_reads(result(evaluate(halo(1, y + x), ideal(4))), kInput), 6);
  EXPECT_EQ(buffer_reads(result(evaluate(halo(10, x + y), ideal(4))), kInput), 60);
  EXPECT_EQ(buffer_reads(result(evaluate(halo(10, y + x), ideal(4))), kInput), 60);
}

TEST(Wrong, M4LastTilesAreAsLargeAsTheyAre) {
  // 5 channels in tiles of 2, 2, 1: 5 x 16 inputs, 4 x 5 weights, each once.
  const auto r = result(evaluate(
      pointwise(4, 5,
                "SpatialMap(1,1) K; TemporalMap(2,2) C; TemporalMap(4,4) Y; TemporalMap(4,4) X;"),
      ideal(4)));
  EXPECT_EQ(buffer_reads(r, kInput), 80);
  EXPECT_EQ(buffer_reads(r, kWeight), 20);
}

TEST(Wrong, M5EveryReceiverOfAMulticastWrites) {
  // 2 channels x 16 positions, received by all 4 PEs.
  const auto r = result(evaluate(
      pointwise(4, 2,
                "SpatialMap(1,1) K; TemporalMap(1,1) C; TemporalMap(1,1) Y; TemporalMap(1,1) X;"),
      ideal(4)));
  EXPECT_EQ(buffer_reads(r, kInput), 32);
  EXPECT_EQ(r.storage[2].access[kInput].fill_write, 128);
  EXPECT_EQ(r.cycles, 32);  // 128 MACs
}

TEST(Wrong, M6LayersDoNotDependOnTheLayersBefore) {
  const std::string small = pointwise(4, 2,
                                      "SpatialMap(1,1) K; TemporalMap(2,2) C; TemporalMap(1,1) Y; "
                                      "TemporalMap(1,1) X; Cluster(2,P); "
                                      "SpatialMap(1,1) C;");
  const auto before = result(evaluate(small, ideal(8)));
  result(evaluate(
      pointwise(64, 64,
                "SpatialMap(1,1) K; TemporalMap(2,2) C; TemporalMap(1,1) Y; TemporalMap(1,1) X; "
                "Cluster(2,P); SpatialMap(1,1) C;"),
      ideal(8)));
  EXPECT_EQ(oracle::differences(before, result(evaluate(small, ideal(8)))), "");
}

TEST(Wrong, M7LowerLevelsDoNotStartAnewInEveryStep) {
  // 8 filters on 8 clusters of 4 PEs (one channel each): one step per position, 64.
  const auto r = result(
      evaluate("Layer L { Type: CONV Dimensions { K: 8, C: 4, R: 1, S: 1, Y: 8, X: 8 } Dataflow { "
               "SpatialMap(1,1) K; TemporalMap(4,4) C; TemporalMap(1,1) Y; TemporalMap(1,1) X; "
               "Cluster(4,P); "
               "SpatialMap(1,1) C; } }",
               ideal(32)));
  EXPECT_EQ(r.cycles, 64);
}

TEST(Wrong, M8M9OffChipTrafficIsWhatTheBufferDoesNotHold) {
  // Everything fits: 2 x 256 inputs, 8 weights, 4 x 256 outputs cross the pins once.
  hw::Machine m = ideal(4);
  m.network[0].bandwidth.per_kcycle = 1000;
  const auto r = result(evaluate(
      "Layer L { Type: CONV Dimensions { K: 4, C: 2, R: 1, S: 1, Y: 16, X: 16 } Dataflow { "
      "SpatialMap(1,1) K; TemporalMap(1,1) C; TemporalMap(1,1) Y; TemporalMap(1,1) X; } }",
      m));
  EXPECT_EQ(r.network[0].link[kInput].injected, 512);
  EXPECT_EQ(r.network[0].link[kWeight].injected, 8);
  EXPECT_EQ(r.network[0].link[kOutput].drain_injected, 1024);
}

TEST(Wrong, M10OutputsOfAStridedLayer) {
  // 4 filters x 4 x 4 outputs (not 7 x 7), one position at a time.
  const auto r = result(evaluate(
      "Layer L { Type: CONV Stride { Y: 2, X: 2 } Dimensions { K: 4, C: 1, R: 3, S: 3, Y: 9, X: 9 "
      "} "
      "Dataflow { SpatialMap(1,1) K; TemporalMap(3,3) R; TemporalMap(3,3) S; TemporalMap(3,1) Y; "
      "TemporalMap(3,1) X; } }",
      ideal(4)));
  EXPECT_EQ(r.storage[0].access[kOutput].writes(), 64);
  EXPECT_EQ(r.network[1].link[kOutput].drain_injected, 64);
}

TEST(Wrong, M10TilesOfOutputsAreNotTheirFirstElement) {
  const auto flow = [](const std::string& y) {
    return "Layer L { Type: CONV Stride { X: 2, Y: 2 } Dimensions { K: 4, C: 2, R: 3, S: 3, Y: 9, "
           "X: 9 "
           "} Dataflow { SpatialMap(1,1) K; TemporalMap(1,1) C; TemporalMap(" +
           y + ") Y'; TemporalMap(1,1) X'; } }";
  };
  EXPECT_EQ(result(evaluate(flow("1,1"), ideal(4))).storage[2].tile_words[kOutput], 1);
  EXPECT_EQ(result(evaluate(flow("2,2"), ideal(4))).storage[2].tile_words[kOutput], 2);
}

TEST(Wrong, M11OutputExtentsAndStridesByAxis) {
  // 4 filters x 2 channels x 9 weights x (4 x 4) outputs; the input has 2 * 3 + 3 = 9 rows.
  const auto r =
      result(evaluate("Layer L { Type: CONV Stride { X: 2, Y: 2 } Dimensions { K: 4, C: 2, R: 3, "
                      "S: 3, Y': 4, X': 4 } "
                      "Dataflow { SpatialMap(1,1) K; TemporalMap(1,1) Y'; TemporalMap(1,1) X'; } }",
                      ideal(4)));
  EXPECT_EQ(r.macs, 1152);
  EXPECT_EQ(r.network[0].link[kInput].injected, 2 * 9 * 9);
  // Stride 2 in rows only, 8 columns: 9 x 10 inputs.
  const auto d =
      result(evaluate("Layer L { Type: CONV Stride { X: 1, Y: 2 } Dimensions { K: 4, C: 2, R: 3, "
                      "S: 3, Y': 4, X': 8 } "
                      "Dataflow { SpatialMap(1,1) K; TemporalMap(1,1) Y'; TemporalMap(1,1) X'; } }",
                      ideal(4)));
  EXPECT_EQ(d.macs, 2304);
  EXPECT_EQ(d.network[0].link[kInput].injected, 2 * 9 * 10);
}

TEST(Wrong, M12LastSpatialTileOfAWindow) {
  // 17 columns, S = 11: 7 outputs in tiles of 2, 2, 2, 1 on 3 PEs: 22 + 11 cycles.
  const auto r = result(evaluate(
      "Layer L { Type: CONV Dimensions { K: 1, C: 1, R: 1, S: 11, Y: 1, X: 17 } Dataflow { "
      "TemporalMap(11,11) S; TemporalMap(1,1) Y; SpatialMap(12,2) X; } }",
      ideal(3)));
  EXPECT_EQ(r.macs, 77);
  EXPECT_EQ(r.cycles, 33);
}

TEST(Wrong, M13OperatorsAreWhatTheyAre) {
  const std::string flow =
      " Dataflow { SpatialMap(1,1) K; TemporalMap(1,1) C; TemporalMap(3,3) R; TemporalMap(3,3) S; "
      "TemporalMap(3,1) Y; TemporalMap(3,1) X; } }";
  // Every one of 4 x 4 inputs meets every one of 3 x 3 weights: 4 * 2 * 144; 6 x 6 outputs.
  const auto t = result(evaluate(
      "Layer L { Type: TRCONV Dimensions { K: 4, C: 2, R: 3, S: 3, Y: 4, X: 4 }" + flow, ideal(4)));
  EXPECT_EQ(t.macs, 1152);
  EXPECT_EQ(t.storage[0].access[kOutput].writes(), 4 * 36);
  // Two groups of 4 filters over 2 channels each: 2 * 4 * 2 * 16.
  const auto g = result(evaluate(
      "Layer L { Type: NGCONV Dimensions { G: 2, K: 4, C: 2, R: 1, S: 1, Y: 4, X: 4 } Dataflow { "
      "TemporalMap(1,1) G; SpatialMap(1,1) K; TemporalMap(1,1) C; TemporalMap(1,1) Y; "
      "TemporalMap(1,1) X; } }",
      ideal(4)));
  EXPECT_EQ(g.macs, 256);
  EXPECT_EQ(g.storage[0].access[kOutput].writes(), 128);
  // 3 images: 3 * 4 * 2 * 16 MACs, 3 * 64 outputs.
  const auto n = result(evaluate(
      "Layer L { Type: CONV Dimensions { N: 3, K: 4, C: 2, R: 1, S: 1, Y: 4, X: 4 } Dataflow { "
      "TemporalMap(1,1) N; SpatialMap(1,1) K; TemporalMap(1,1) C; TemporalMap(1,1) Y; } }",
      ideal(4)));
  EXPECT_EQ(n.macs, 384);
  EXPECT_EQ(n.storage[0].access[kOutput].writes(), 192);
}

TEST(Wrong, M14RowsOfTheKernelCutButNotOfTheInput) {
  // Rows of R cut while a tile of Y holds three rows: outputs would be done again. 1152 MACs or not
  // at all.
  const Verdict v = evaluate(
      "Layer L { Type: CONV Dimensions { K: 4, C: 2, R: 3, S: 3, Y: 6, X: 6 } Dataflow { "
      "TemporalMap(1,1) K; TemporalMap(1,1) C; SpatialMap(1,1) R; TemporalMap(3,3) S; "
      "TemporalMap(3,1) Y; TemporalMap(3,1) X; } }",
      ideal(4));
  EXPECT_THAT(v.codes(), HasSubstr("work-doubled"));
}

TEST(Wrong, M15OverlapIsRefusedWithTheWorkThatIsDoneTwice) {
  // Tiles 0-1, 1-2, 2-3: 6 channels instead of 4, so 2 * 64 MACs again.
  const Verdict v = evaluate(
      pointwise(4, 4,
                "SpatialMap(1,1) K; TemporalMap(2,1) C; TemporalMap(1,1) Y; TemporalMap(1,1) X;"),
      ideal(4));
  EXPECT_THAT(v.codes(), HasSubstr("work-doubled"));
  EXPECT_THAT(input::format(v.diagnostics), HasSubstr("128"));
}

TEST(Wrong, M15DuplicateDirectivesAreRefused) {
  const Verdict v = evaluate(
      pointwise(4, 2, "SpatialMap(1,1) K; TemporalMap(1,1) C; TemporalMap(2,2) C;"), ideal(4));
  EXPECT_TRUE(v.refused());
  EXPECT_THAT(v.codes(), HasSubstr("duplicate"));
}

TEST(Wrong, M16KernelsLargerThanTheInputAreRefused) {
  EXPECT_TRUE(
      evaluate("Layer L { Type: CONV Dimensions { K: 4, C: 2, R: 5, S: 5, Y: 3, X: 3 } Dataflow { "
               "SpatialMap(1,1) K; } }",
               ideal(4))
          .refused());
}

TEST(Wrong, M17LevelsWithoutTheKernelKeepItWhole) {
  const std::string
      head =
          "Layer L { Type: CONV Dimensions { K: 4, C: 2, R: 3, S: 3, Y: 6, X: 6 } Dataflow { "
          "SpatialMap(1,1) K; TemporalMap(1,1) C; ",
      kernel = "TemporalMap(3,3) R; TemporalMap(3,3) S; ",
      top = "TemporalMap(2,2) Y'; TemporalMap(2,2) X'; Cluster(2,P); ",
      below = "SpatialMap(1,1) Y'; TemporalMap(1,1) X'; ";
  const auto without = result(evaluate(head + top + below + "} }", ideal(8)));
  const auto with = result(evaluate(head + kernel + top + below + kernel + "} }", ideal(8)));
  EXPECT_EQ(without.macs, 4 * 2 * 9 * 16);
  EXPECT_EQ(oracle::differences(without, with), "");
}

TEST(Wrong, M18TilesAreClippedToTheLayer) {
  const auto r = result(evaluate(
      gemm(4, 4, 4,
           "TemporalMap(100000,100000) M; TemporalMap(100000,100000) K; SpatialMap(1,1) N;"),
      ideal(4)));
  EXPECT_EQ(r.storage[2].tile_words[kInput], 16);
  EXPECT_EQ(r.storage[2].tile_words[kWeight], 4);
  EXPECT_EQ(r.storage[2].tile_words[kOutput], 4);
}

TEST(Wrong, M19TheLastOutputsHaveToLeave) {
  // 64 weights and an input arrive at one word per cycle, one cycle of work, 64 outputs leave.
  hw::Machine m = ideal(64);
  m.network[1].bandwidth.per_kcycle = 1000;
  const auto r = result(
      evaluate("Layer L { Type: CONV Dimensions { K: 64, C: 1, R: 1, S: 1, Y: 1, X: 1 } Dataflow { "
               "SpatialMap(1,1) K; } }",
               m));
  EXPECT_EQ(r.cycles, 65 + 1 + 64);
}

TEST(Wrong, M20WhatIsReportedIsOfTheWholeLayer) {
  // 9 rows in tiles 4 4 1, one after the other on one PE. Words that are new in a step: 4 inputs
  // and the weight, 4 inputs, 1 input; each word is one cycle of work.
  const std::string text = gemm(9, 1, 1, "SpatialMap(4,4) M; TemporalMap(1,1) N;");
  const Verdict v = evaluate(text, ideal(1));
  const auto r = result(v);
  // The peak is the largest, 4 words during the 4 cycles before them: not that of the last step
  // (1 word in 4 cycles) and not halved by the steps after it.
  EXPECT_EQ(r.network[1].peak_words, 1);
  EXPECT_EQ(r.network[1].peak_cycles, 1);
  EXPECT_EQ(r.network[1].average_words, 10);
  EXPECT_EQ(r.network[1].average_cycles, 9);
  // Intensity: 9 MACs for 9 + 1 operands of one byte and 9 outputs of four.
  const auto roofline = analytic::roofline(*v.bound.mapping, r);
  EXPECT_DOUBLE_EQ(roofline.intensity.at(0), 9.0 / (9 + 1 + 9 * 4));
  // Utilization is of the time, not of the steps: 10 rows in tiles of 4 on 2 PEs are 4 cycles of
  // both and 2 cycles of one, 10 of 12; the mean over the two steps would be 3 of 4.
  const auto two =
      result(evaluate(gemm(10, 1, 1, "SpatialMap(4,4) M; TemporalMap(1,1) N;"), ideal(2)));
  EXPECT_EQ(two.cycles, 6);
  EXPECT_DOUBLE_EQ(two.utilization(), 10.0 / 12);
  // No two columns of the table have one name.
  const auto read = workloads::parse_network("Network n { " + text + " }", "case.m");
  ASSERT_TRUE(read.network);
  validation::RunOptions options;
  const auto report = validation::run_layer(read.network->layers[0], nullptr, ideal(1), options);
  const std::string csv = validation::write_csv({report});
  std::stringstream head(csv.substr(0, csv.find_first_of("\r\n")));
  std::set<std::string> names;
  int columns = 0;
  for (std::string name; std::getline(head, name, ','); ++columns) names.insert(name);
  EXPECT_GT(columns, 50);
  EXPECT_EQ(static_cast<int>(names.size()), columns);
}

TEST(Wrong, M21EveryNetworkHasABandwidthOfItsOwn) {
  const std::string text =
      "Layer L { Type: CONV Dimensions { K: 4, C: 64, R: 1, S: 1, Y: 16, X: 16 } Dataflow { "
      "SpatialMap(1,1) K; TemporalMap(64,64) C; TemporalMap(1,1) Y; TemporalMap(16,16) X; "
      "Cluster(2,P); SpatialMap(1,1) C; TemporalMap(1,1) X; } }";
  hw::Machine top = ideal(8), below = ideal(8);
  top.network[1].bandwidth.per_kcycle = below.network[1].bandwidth.per_kcycle = 0;
  top.implied_network = below.implied_network = hw::Network{};
  top.network[1].bandwidth.per_kcycle = 1000;
  below.implied_network->bandwidth.per_kcycle = 1000;
  const auto a = result(evaluate(text, top)), b = result(evaluate(text, below));
  // Through the top network come 64 x 256 inputs and 4 x 64 weights, one per cycle.
  EXPECT_GE(a.cycles, 64 * 256 + 4 * 64);
  EXPECT_EQ(a.network[2].fill_busy, 0);
  EXPECT_EQ(b.network[1].fill_busy, 0);
  EXPECT_GT(b.network[2].fill_busy, 0);
}

TEST(Wrong, M22OptionsHaveEffects) {
  const std::string text = pointwise(
      4, 2, "SpatialMap(1,1) K; TemporalMap(1,1) C; TemporalMap(1,1) Y; TemporalMap(1,1) X;");
  hw::Machine unicast = ideal(4);
  unicast.network[1].multicast = hw::Multicast::None;
  EXPECT_EQ(buffer_reads(result(evaluate(text, unicast)), kInput), 128);  // 32 for each of 4 PEs
  hw::Machine tiny = ideal(4);
  tiny.storage[2].capacity_bytes = 1;
  EXPECT_THAT(evaluate(text, tiny).codes(), HasSubstr("capacity"));
}

TEST(Wrong, M23TheSameMachineIsTheSameHoweverItIsDescribed) {
  // 32 steps of one cycle behind the first hop. The last outputs leave then: a hop, and two levels
  // of the tree over four PEs (the original adds up between PEs).
  const std::string text = pointwise(
      4, 2, "SpatialMap(1,1) K; TemporalMap(1,1) C; TemporalMap(1,1) Y; TemporalMap(1,1) X;");
  const auto of = [&](const std::string& machine, const char* file) {
    std::vector<input::Diagnostic> diagnostics;
    const auto m = hw::read_machine(machine, file, diagnostics);
    EXPECT_TRUE(m) << input::format(diagnostics);
    return result(evaluate(text, *m));
  };
  const auto yaml = [&](int hops) {
    return of(
        "name: m\npes: 4\nstorage:\n"
        "  - level: off_chip\n    name: off-chip memory\n"
        "    network: {name: off-chip network, bandwidth: unlimited}\n"
        "  - level: global_buffer\n    name: global buffer\n    capacity: 1000 words\n"
        "    network: {name: network, bandwidth: unlimited, latency: " +
            std::to_string(hops) +
            ", reduction: tree}\n"
            "  - level: pe_buffer\n    name: PE buffer\n    capacity: 100 words\n",
        "m.yaml");
  };
  const std::string sizes = "num_pes: 4\nl1_size_cstr: 100\nl2_size_cstr: 1000\n";
  const auto given = of(sizes + "NoC_NumHops: 1\n", "m.m");
  EXPECT_EQ(given.cycles, 1 + 32 + 1 + 2);
  EXPECT_EQ(oracle::differences(given, of(sizes, "m.m")), "");  // one hop is what is meant
  EXPECT_EQ(oracle::differences(given, yaml(1)), "");
  const auto none = of(sizes + "NoC_NumHops: 0\n", "m.m");
  EXPECT_EQ(none.cycles, 32 + 2);
  EXPECT_EQ(oracle::differences(none, yaml(0)), "");
}

// ---- C: crashes -----------------------------------------------------------------------------

TEST(Crash, MoreClustersThanPesAreRefused) {
  const Verdict v = evaluate(
      pointwise(4, 2, "SpatialMap(1,1) K; TemporalMap(2,2) C; Cluster(8,P); SpatialMap(1,1) C;"),
      ideal(4));
  EXPECT_THAT(v.codes(), HasSubstr("cluster-too-large"));
}

TEST(Crash, ClusterSizesThatDoNotDivideThePesLeaveSomeIdle) {
  const Verdict v = evaluate(
      pointwise(4, 2, "SpatialMap(1,1) K; TemporalMap(2,2) C; Cluster(3,P); SpatialMap(1,1) C;"),
      ideal(4));
  ASSERT_FALSE(v.refused()) << input::format(v.diagnostics);
  EXPECT_THAT(input::format(v.diagnostics), HasSubstr("idle-pes"));
}

TEST(Crash, FiveClusterLevels) {
  std::string flow = "SpatialMap(16,16) K; ";
  for (const char* size : {"8,8", "4,4", "2,2", "1,1"})
    flow += "Cluster(2,P); SpatialMap(" + std::string(size) + ") K; ";
  flow += "Cluster(2,P); SpatialMap(1,1) C;";
  // 2 units of 16 filters, halved by each cluster level; the last one shares 4 channels by 2.
  const auto r = result(evaluate(pointwise(32, 4, flow), ideal(64)));
  EXPECT_EQ(r.macs, 32 * 4 * 16);
  EXPECT_EQ(r.cycles, 2 * 16);  // every PE does one filter, 2 of 4 channels, 16 positions
}

TEST(Crash, DuplicateMapsInTwoLevelsOfARowStationaryArray) {
  EXPECT_THAT(
      evaluate(
          "Layer A { Type: CONV Dimensions { K: 1, C: 1, R: 3, S: 3, Y: 4, X: 4 } Dataflow { "
          "SpatialMap(Sz(R),1) Y; TemporalMap(Sz(S),1) X; Cluster(Sz(R),P); SpatialMap(1,1) Y; "
          "SpatialMap(1,1) R; TemporalMap(Sz(R),Sz(R)) R; } }",
          ideal(12))
          .codes(),
      HasSubstr("duplicate"));
}

TEST(Crash, RowStationaryArrays) {
  // 2 x 2 outputs of 3 x 3: 2 clusters (one output row each) of 3 PEs (a kernel row each) do one
  // output column of 3 MACs at a time.
  const auto r = result(evaluate(
      "Layer A { Type: CONV Dimensions { K: 1, C: 1, R: 3, S: 3, Y: 4, X: 4 } Dataflow { "
      "TemporalMap(1,1) C; TemporalMap(1,1) K; SpatialMap(Sz(R),1) Y; TemporalMap(Sz(S),1) X; "
      "TemporalMap(Sz(R),Sz(R)) R; TemporalMap(Sz(S),Sz(S)) S; Cluster(Sz(R),P); SpatialMap(1,1) "
      "Y; "
      "SpatialMap(1,1) R; } }",
      ideal(6)));
  EXPECT_EQ(r.macs, 36);
  EXPECT_EQ(r.cycles, 2 * 3);
}

TEST(Crash, TextThatIsNotAMapping) {
  const std::string dims = "Dimensions { K: 4, C: 2, R: 1, S: 1, Y: 4, X: 4 } ";
  const std::string flow = "Dataflow { SpatialMap(1,1) K; } ";
  const std::vector<std::string> bad = {
      "Netwrok n { Layer A { Type: CONV " + dims + flow + "} } Network",
      "Layer A { Type: CONV Dataflow { SpatialMap(1,1) K; } }",
      "Layer A { Type: CONV Dimensions { K: -4, C: 2, R: 1, S: 1, Y: 4, X: 4 } " + flow + "}",
      "Layer A { Type: CONV Dimensions { K: 0, C: 2, R: 1, S: 1, Y: 4, X: 4 } " + flow + "}",
      "Layer A { Type: CONV Dimensions { K: 4abc, C: 2, R: 1, S: 1, Y: 4.9, X: 4 } " + flow + "}",
      "Layer A { Type: conv " + dims + flow + "}",
      "Layer A { Type: CONV " + dims + "Dataflow { SpatialMap(0,1) K; } }",
      "Layer A { Type: CONV " + dims + "Dataflow { SpatialMap(1,1) Q; } }",
      "Layer A { Type: CONV " + dims + "Dataflow { SpatialMap(1,1,1) K; } }",
      "Layer A { Type: CONV " + dims +
          "Dataflow { SpatialMap(1,1) K; Cluster(2,X); SpatialMap(1,1) C; } }",
      "Layer A { Type: CONV " + dims + "Dataflow { Cluster(2,P); SpatialMap(1,1) K; } }",
      "Layer A { Type: CONV " + dims + "Dataflow { SpatialMap(1,1) K; Cluster(2,P); } }",
      "Layer A { Type: GEMM Dimensions { M: 4, N: 4, K: 4, R: 3 } " + flow + "}",
      "Network t { Layer A { Type: CONV " + dims + flow + "}",
  };
  for (const std::string& text : bad) {
    const Verdict v = evaluate(text, ideal(4));
    EXPECT_TRUE(v.refused()) << text;
    EXPECT_NE(v.codes(), "") << text;
  }
}

TEST(Crash, UnusualButCorrectText) {
  const std::string dims = "Dimensions { K: 4, C: 2, R: 1, S: 1, Y: 4, X: 4 } ";
  const std::string flow = "Dataflow { SpatialMap(1,1) K; } ";
  const std::vector<std::string> good = {
      "\xEF\xBB\xBFNetwork n { Layer A { Type: CONV " + dims + flow + "} }",
      "Network n {\r\n Layer A {\r\n Type: CONV\r\n " + dims + flow + "\r\n } }\r\n",
      "Network n { Layer A { Type: CONV//comment\n" + dims + flow + "} }",
      "/* Network */ Network n { Layer A { Type: CONV " + dims + flow + "} }",
      "Constant KK 4; Network n { Layer A { Type: CONV Dimensions { K: KK, C: 2, R: 1, S: 1, Y: 4, "
      "X: "
      "4 } " +
          flow + "} }",
      "Network n { Layer A { " + dims + flow + "Type: CONV } }",
      "Network n { Layer a-1 { Type: CONV " + flow + dims + "} }",
  };
  for (const std::string& text : good) {
    const auto r = result(evaluate(text, ideal(4)));
    EXPECT_EQ(r.macs, 128) << text;
    EXPECT_EQ(r.cycles, 32) << text;
  }
}

}  // namespace
}  // namespace counterpoint::defects
