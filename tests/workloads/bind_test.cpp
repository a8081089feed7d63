// SPDX-License-Identifier: Apache-2.0
// Binding and legality: hand-derived cases, and a comparison with counting every multiply-
// accumulate of small random mappings.
#include "workloads/mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <numeric>

#include "workloads/language.h"
#include "workloads/legality.h"
#include "workloads/show.h"

namespace counterpoint::workloads {
namespace {

hw::Machine machine(std::int64_t pes, std::int64_t buffer_bytes = 0, std::int64_t pe_bytes = 0) {
  hw::Machine m;
  m.name = "test";
  m.pes = pes;
  m.storage.resize(3);
  m.storage[0].name = "DRAM";
  m.storage[1].name = "buffer";
  m.storage[1].capacity_bytes = buffer_bytes;
  m.storage[2].name = "PE";
  m.storage[2].capacity_bytes = pe_bytes;
  m.network.resize(2);
  return m;
}

BindResult bind_text(const std::string& layer, const std::string& flow, const hw::Machine& m,
                     bool waive = false) {
  const NetworkResult r =
      parse_network("Network n { Layer A { " + layer + " Dataflow { " + flow + " } } }", "test.m");
  EXPECT_TRUE(r.network) << input::format(r.diagnostics);
  if (!r.network) return {};
  return bind(r.network->layers[0].layer, *r.network->layers[0].dataflow, m, {waive});
}

bool has_code(const BindResult& r, const std::string& code) {
  for (const Diagnostic& d : r.diagnostics)
    if (d.code == code) return true;
  return false;
}

const LevelVerdict& first_illegal(const BindResult& r) {
  for (const LevelVerdict& v : r.levels)
    if (!v.legal) return v;
  throw std::runtime_error("all levels are legal");
}

const char* const kOneByOne =
    "Type: CONV Dimensions { K: 4, C: 4, R: 1, S: 1, Y: 4, X: 4 }";  // 256 MACs
const char* const kThree = "Type: CONV Dimensions { K: 4, C: 2, R: 3, S: 3, Y: 6, X: 6 }";

TEST(Legality, AGapLosesTheWorkBetweenTheTiles) {
  // C = 4 in tiles of 1 with offset 2: half of the channels, 128 of 256 MACs.
  const BindResult r = bind_text(kOneByOne, "SpatialMap(1,1) K; TemporalMap(1,2) C;", machine(4));
  EXPECT_FALSE(r.mapping);
  EXPECT_TRUE(has_code(r, "work-missing"));
  EXPECT_EQ(first_illegal(r).missing_macs, 128);
  EXPECT_EQ(first_illegal(r).doubled_macs, 0);
  EXPECT_THAT(input::format(r.diagnostics), ::testing::HasSubstr("TemporalMap(1,2) C"));
}

TEST(Legality, AnOverlapDoesWorkTwice) {
  // C = 4 in tiles of 2 with offset 1: 0-1, 1-2, 2-3, so channels 1 and 2 twice: 2 * 64 MACs.
  const BindResult r = bind_text(kOneByOne, "SpatialMap(1,1) K; TemporalMap(2,1) C;", machine(4));
  EXPECT_FALSE(r.mapping);
  EXPECT_EQ(first_illegal(r).missing_macs, 0);
  EXPECT_EQ(first_illegal(r).doubled_macs, 128);
}

TEST(Legality, ATileBeyondTheDimensionIsClipped) {
  // K = 4 in TemporalMap(5,3): one position covers all, so nothing is lost or repeated.
  const BindResult r = bind_text("Type: GEMM Dimensions { M: 4, N: 4, K: 4 }",
                                 "SpatialMap(1,1) M; TemporalMap(5,3) K;", machine(4));
  EXPECT_TRUE(r.mapping) << input::format(r.diagnostics);
}

TEST(Legality, TwoSpatialMapsOfALevelCoverTheDiagonalOnly) {
  // K and C, four positions each, on 4 PEs: (0,0) .. (3,3), 4 of 16 combinations, 64 of 256 MACs.
  const BindResult r = bind_text(kOneByOne, "SpatialMap(1,1) K; SpatialMap(1,1) C;", machine(4));
  EXPECT_FALSE(r.mapping);
  EXPECT_EQ(first_illegal(r).missing_macs, 192);
}

TEST(Legality, ARowStationaryClusterIsLegalWithEveryStride) {
  for (int stride : {1, 2, 4}) {
    const BindResult r = bind_text(
        "Type: CONV Stride { Y: " + std::to_string(stride) + ", X: " + std::to_string(stride) +
            " } Dimensions { K: 4, C: 2, R: 3, S: 3, Y': 5, X': 5 }",
        "SpatialMap(1,1) Y'; TemporalMap(1,1) X'; Cluster(Sz(R),P); SpatialMap(1,1) Y; "
        "SpatialMap(1,1) R;",
        machine(6));
    EXPECT_TRUE(r.mapping) << input::format(r.diagnostics);
  }
}

TEST(Legality, SpatialKernelRowsUnderOneOutputAreLegal) {
  // SpatialMap(1,1) R alone, with windows of one output: row r of every window is on PE r. The
  // level cuts R, so TemporalMap(3,1) Y counts literal rows, and outputs are done several times.
  const BindResult literal = bind_text(
      kThree, "TemporalMap(1,1) K; SpatialMap(1,1) R; TemporalMap(3,1) Y; TemporalMap(3,1) X;",
      machine(4));
  EXPECT_FALSE(literal.mapping);
  EXPECT_GT(first_illegal(literal).doubled_macs, 0);
  const BindResult outputs = bind_text(
      kThree, "TemporalMap(1,1) K; SpatialMap(1,1) R; TemporalMap(1,1) Y'; TemporalMap(1,1) X';",
      machine(4));
  EXPECT_TRUE(outputs.mapping) << input::format(outputs.diagnostics);
}

TEST(Binding, InputMapsAdvanceByWhatTheyHold) {
  // X = 14 rows, S = 3: 12 outputs. 10 rows hold 8 outputs: offset 8 is right, 6 is not.
  const std::string layer = "Type: CONV Dimensions { K: 2, C: 1, R: 3, S: 3, Y: 14, X: 14 }";
  EXPECT_TRUE(bind_text(layer, "SpatialMap(1,1) K; TemporalMap(10,8) X;", machine(2)).mapping);
  const BindResult wrong = bind_text(layer, "SpatialMap(1,1) K; TemporalMap(10,6) X;", machine(2));
  EXPECT_FALSE(wrong.mapping);
  EXPECT_TRUE(has_code(wrong, "window-offset"));
  // Stride 2, 5 of 9 rows hold 2 outputs: offsets 2 (outputs) and 4 (rows) mean the same.
  const std::string strided =
      "Type: CONV Stride { Y: 2, X: 2 } Dimensions { K: 2, C: 1, R: 3, S: 3, Y: 9, X: 9 }";
  EXPECT_TRUE(bind_text(strided, "SpatialMap(1,1) K; TemporalMap(5,2) Y;", machine(2)).mapping);
  EXPECT_TRUE(bind_text(strided, "SpatialMap(1,1) K; TemporalMap(5,4) Y;", machine(2)).mapping);
  EXPECT_FALSE(bind_text(strided, "SpatialMap(1,1) K; TemporalMap(5,3) Y;", machine(2)).mapping);
}

TEST(Binding, DilationWidensTheWindow) {
  const std::string layer =
      "Type: CONV Dilation { Y: 2, X: 2 } Dimensions { K: 2, C: 1, R: 3, S: 3, Y: 9, X: 9 }";
  const BindResult r = bind_text(layer, "SpatialMap(1,1) K; TemporalMap(Sz(R),1) Y;", machine(2));
  EXPECT_FALSE(r.mapping);
  EXPECT_TRUE(has_code(r, "window-too-small"));
  EXPECT_THAT(input::format(r.diagnostics), ::testing::HasSubstr("dilation 2"));
  EXPECT_TRUE(bind_text(layer, "SpatialMap(1,1) K; TemporalMap(5,1) Y;", machine(2)).mapping);
}

TEST(Binding, ClustersMustFitTheArrayAndSayHowTheyShareTheWork) {
  const BindResult large =
      bind_text(kOneByOne, "SpatialMap(1,1) K; Cluster(8,P); SpatialMap(1,1) C;", machine(4));
  EXPECT_TRUE(has_code(large, "cluster-too-large"));
  const BindResult idle = bind_text(kOneByOne, "TemporalMap(1,1) K;", machine(4));
  EXPECT_TRUE(has_code(idle, "no-spatial-map"));
  const BindResult left =
      bind_text(kOneByOne, "SpatialMap(1,1) K; Cluster(3,P); SpatialMap(1,1) C;", machine(4));
  EXPECT_TRUE(left.mapping);
  EXPECT_TRUE(has_code(left, "idle-pes"));
}

TEST(Binding, OffChipLoopsAreTheFewestThatFit) {
  // GEMM 8 x 8 x 8, 8-bit operands, 32-bit sums. Whole: 64 + 64 + 4 * 64 = 384 bytes, doubled 768.
  // With M off-chip (one row at a time): 8 + 64 + 4 * 8 = 104, doubled 208.
  const std::string layer = "Type: GEMM Dimensions { M: 8, N: 8, K: 8 }";
  const std::string flow = "TemporalMap(1,1) M; SpatialMap(1,1) N; TemporalMap(1,1) K;";
  EXPECT_EQ(bind_text(layer, flow, machine(8, 768)).offchip_depth, 0);
  EXPECT_EQ(bind_text(layer, flow, machine(8, 767)).offchip_depth, 1);
  EXPECT_EQ(bind_text(layer, flow, machine(8, 208)).offchip_depth, 1);
  const BindResult refused = bind_text(layer, flow, machine(8, 1));
  EXPECT_FALSE(refused.mapping);
  EXPECT_TRUE(has_code(refused, "capacity"));
  const BindResult waived = bind_text(layer, flow, machine(8, 1), true);
  EXPECT_TRUE(waived.mapping);
  ASSERT_FALSE(waived.shortfalls.empty());
  EXPECT_EQ(waived.shortfalls[0].capacity_bytes, 1);
}

// The same layer, operands and outputs in memories of their own: whole 2 * 128 and 2 * 256 bytes, a
// row at a time 2 * 72 and 2 * 32.
TEST(Binding, EveryMemoryOfABufferHoldsItsOwn) {
  const std::string layer = "Type: GEMM Dimensions { M: 8, N: 8, K: 8 }";
  const std::string flow = "TemporalMap(1,1) M; SpatialMap(1,1) N; TemporalMap(1,1) K;";
  const auto parts = [](std::int64_t operands, std::int64_t outputs) {
    hw::Machine m = machine(8, operands + outputs);
    m.storage[1].parts = 2;
    m.storage[1].part = {0, 0, 1};
    m.storage[1].part_capacity = {operands, outputs, 0};
    return m;
  };
  EXPECT_EQ(bind_text(layer, flow, parts(256, 512)).offchip_depth, 0);
  EXPECT_EQ(bind_text(layer, flow, parts(255, 1000)).offchip_depth, 1);
  EXPECT_EQ(bind_text(layer, flow, parts(1000, 511)).offchip_depth, 1);
  EXPECT_EQ(bind_text(layer, flow, parts(144, 64)).offchip_depth, 1);
  EXPECT_EQ(bind_text(layer, flow, parts(0, 512)).offchip_depth, 0) << "unlimited";
  const BindResult refused = bind_text(layer, flow, parts(1000, 1));
  EXPECT_FALSE(refused.mapping);
  ASSERT_EQ(refused.shortfalls.size(), 1u);
  EXPECT_EQ(refused.shortfalls[0].storage, "buffer for outputs");
  EXPECT_EQ(refused.shortfalls[0].capacity_bytes, 1);
  EXPECT_TRUE(has_code(refused, "capacity"));
  EXPECT_EQ(bind_text(layer, flow, parts(1, 1), true).shortfalls.size(), 2u);
}

// Outputs are finished where no loop over C, R or S is outside, at the level itself or above.
TEST(Binding, OutputsAreFinishedOutsideTheLoopsOverReductions) {
  const auto finished = [](const std::string& flow, std::int64_t pes) {
    const BindResult r = bind_text(kThree, flow, machine(pes));
    EXPECT_TRUE(r.mapping) << input::format(r.diagnostics);
    return r.mapping ? r.mapping->machine.finished : std::vector<bool>{};
  };
  using Levels = std::vector<bool>;
  EXPECT_EQ(finished("SpatialMap(1,1) K;", 4), (Levels{true, true}));
  // A loop inside all others that move outputs, and one outside.
  EXPECT_EQ(finished("TemporalMap(2,2) X'; TemporalMap(1,1) C; SpatialMap(4,4) K;", 1),
            (Levels{true, true}));
  EXPECT_EQ(finished("TemporalMap(1,1) C; TemporalMap(2,2) X'; SpatialMap(4,4) K;", 1),
            (Levels{true, false}));
  EXPECT_EQ(finished("SpatialMap(1,1) K; Cluster(2,P); SpatialMap(1,1) C;", 8),
            (Levels{true, true, false}));
  EXPECT_EQ(finished("TemporalMap(1,1) C; GlobalBuffer; SpatialMap(1,1) K;", 4),
            (Levels{true, false}));
}

TEST(Binding, ExplicitOffChipLoopsComeFirst) {
  const BindResult r =
      bind_text("Type: GEMM Dimensions { M: 8, N: 8, K: 8 }",
                "TemporalMap(4,4) N; GlobalBuffer; SpatialMap(1,1) M;", machine(8));
  ASSERT_TRUE(r.mapping);
  ASSERT_EQ(r.mapping->nest.levels[0].loops.size(), 1u);
  EXPECT_EQ(r.mapping->nest.levels[0].cut(Dim::N).size, 4);
  EXPECT_THAT(show(*r.mapping), ::testing::HasSubstr("for n in 0..8 step 4"));
  EXPECT_THAT(show(*r.mapping), ::testing::HasSubstr("parallel-for p in 0..8"));
}

TEST(SameWork, NamesAndSpellingsDoNotMatterNumbersDo) {
  const char* const three = "Type: CONV Dimensions { K: 4, C: 2, R: 3, S: 3, Y: 6, X: 6 }";
  const char* const flow = "SpatialMap(1,1) K; TemporalMap(1,1) C; TemporalMap(3,1) Y;";
  const Mapping one = *bind_text(three, flow, machine(4)).mapping;
  Mapping other = *bind_text(three, flow, machine(4)).mapping;
  other.layer.name = "another";
  other.dataflow_name = "another";
  EXPECT_TRUE(same_work(one, other));
  EXPECT_EQ(work_hash(one), work_hash(other));

  const auto differs = [&](const Mapping& m) {
    EXPECT_FALSE(same_work(one, m));
    EXPECT_NE(work_hash(one), work_hash(m));
  };
  for (const char* layer :
       {"Type: CONV Dimensions { K: 4, C: 2, R: 3, S: 3, Y: 7, X: 6 }",
        "Type: CONV Stride { Y: 2, X: 1 } Dimensions { K: 4, C: 2, R: 3, S: 3, "
        "Y: 6, X: 6 }",
        "Type: CONV Padding { Y: 1, X: 1 } Dimensions { K: 4, C: 2, R: 3, S: 3, Y: 4, X: 4 }",
        "Type: CONV Dilation { Y: 1, X: 2 } Dimensions { K: 4, C: 2, R: 3, S: 3, Y: 6, X: 6 }"}) {
    const BindResult r = bind_text(layer, flow, machine(4));
    ASSERT_TRUE(r.mapping) << layer << input::format(r.diagnostics);
    differs(*r.mapping);
  }
  for (const char* other_flow :
       {"SpatialMap(2,2) K; TemporalMap(1,1) C; TemporalMap(3,1) Y;",
        "SpatialMap(1,1) K; TemporalMap(3,1) Y; TemporalMap(1,1) C;",
        "SpatialMap(2,2) K; TemporalMap(1,1) C; TemporalMap(3,1) Y; Cluster(2,P); "
        "SpatialMap(1,1) K;"}) {
    const BindResult r = bind_text(three, other_flow, machine(4));
    ASSERT_TRUE(r.mapping) << other_flow << input::format(r.diagnostics);
    differs(*r.mapping);
  }
  differs(*bind_text(three, flow, machine(2)).mapping);  // two PEs: two folds
}

TEST(DistinctRows, EqualsCounting) {
  for (std::int64_t s = 1; s <= 5; ++s)
    for (std::int64_t d = 1; d <= 4; ++d)
      for (std::int64_t outs = 1; outs <= 7; ++outs)
        for (std::int64_t k = 1; k <= 6; ++k) {
          std::map<std::int64_t, int> seen;
          for (std::int64_t o = 0; o < outs; ++o)
            for (std::int64_t i = 0; i < k; ++i) ++seen[s * o + d * i];
          EXPECT_EQ(distinct_rows(s, d, outs, k), static_cast<std::int64_t>(seen.size()));
        }
}

// Executes every step and counts how often each multiply-accumulate is done.
void execute(const Layer& layer, const Nest& nest, std::size_t depth, const Box& tile,
             std::map<std::array<std::int64_t, kDims>, int>& done) {
  if (tile.empty()) return;
  if (depth == nest.levels.size()) {
    std::array<std::int64_t, kDims> at{};
    const std::function<void(int)> walk = [&](int d) {
      if (d == kDims) {
        ++done[at];
        return;
      }
      for (std::int64_t i = tile.range[static_cast<std::size_t>(d)].lo;
           i < tile.range[static_cast<std::size_t>(d)].hi; ++i) {
        at[static_cast<std::size_t>(d)] = i;
        walk(d + 1);
      }
    };
    walk(0);
    return;
  }
  const Level& level = nest.levels[depth];
  std::vector<std::int64_t> index(level.loops.size(), 0);
  const std::function<void(std::size_t)> loops = [&](std::size_t l) {
    if (l == level.loops.size()) {
      for (std::int64_t p = 0; p < level.units; ++p)
        execute(layer, nest, depth + 1, child_box(layer, level, tile, index, p), done);
      return;
    }
    const std::int64_t n = trips(layer, level, tile, static_cast<int>(l));
    for (index[l] = 0; index[l] < n; ++index[l]) loops(l + 1);
    index[l] = 0;
  };
  loops(0);
}

TEST(Legality, EqualsCountingOnRandomNests) {
  std::uint64_t state = 12345;
  const auto draw = [&](std::int64_t lo, std::int64_t hi) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return lo + static_cast<std::int64_t>((state >> 33) % static_cast<std::uint64_t>(hi - lo + 1));
  };
  int legal = 0, illegal = 0;
  for (int n = 0; n < 3000; ++n) {
    Layer layer;
    layer.op = Operator::Conv;
    for (Dim d : {Dim::K, Dim::C}) layer[d] = draw(1, 4);
    for (Dim d : {Dim::R, Dim::S}) layer[d] = draw(1, 3);
    for (Dim d : {Dim::Y, Dim::X}) layer[d] = draw(1, 4);
    layer.rows.stride = draw(1, 2);
    layer.rows.extent = layer.rows.stride * (layer[Dim::Y] - 1) + layer[Dim::R];
    layer.cols.extent = layer[Dim::X] - 1 + layer[Dim::S];
    Nest nest;
    for (std::int64_t l = draw(1, 2); l > 0; --l) {
      Level level;
      level.units = draw(1, 3);
      bool folded = false;
      for (Dim d : {Dim::K, Dim::C, Dim::R, Dim::Y, Dim::X}) {
        if (draw(0, 1) == 0) continue;
        Cut cut;
        cut.kind = Cut::Kind::Plain;
        cut.size = draw(1, 3);
        cut.offset = draw(0, 3) == 0 ? draw(1, 3) : cut.size;
        if (d == Dim::Y && level.cut(Dim::R).kind == Cut::Kind::Plain && draw(0, 1) == 1) {
          cut.kind = Cut::Kind::Skewed;
          cut.size = level.cut(Dim::R).size - 1 + draw(1, 2);
          cut.offset = draw(1, 2);
        }
        cut.spatial = !folded && draw(0, 2) == 0;
        folded = folded || cut.spatial;
        cut.loop = static_cast<int>(level.loops.size());
        level.loops.push_back({cut.spatial, {d}, {}});
        level.cut(d) = cut;
      }
      if (!folded) level.units = 1;
      nest.levels.push_back(level);
    }
    std::map<std::array<std::int64_t, kDims>, int> done;
    execute(layer, nest, 0, layer.whole(), done);
    std::int64_t executed = 0;
    for (const auto& [point, times] : done) executed += times;
    const std::int64_t total = macs(layer);
    const std::vector<LevelVerdict> verdicts = check_levels(layer, nest);
    bool all = true;
    for (const LevelVerdict& v : verdicts) all = all && v.legal;
    const bool truth = executed == total && static_cast<std::int64_t>(done.size()) == total;
    EXPECT_EQ(all, truth) << "case " << n;
    (all ? legal : illegal) += 1;
    if (nest.levels.size() == 1) {  // with one level the numbers are those of the layer
      EXPECT_EQ(verdicts[0].missing_macs, total - static_cast<std::int64_t>(done.size()));
      EXPECT_EQ(verdicts[0].doubled_macs, executed - static_cast<std::int64_t>(done.size()));
    }
  }
  EXPECT_GT(legal, 300);
  EXPECT_GT(illegal, 300);
}

}  // namespace
}  // namespace counterpoint::workloads
