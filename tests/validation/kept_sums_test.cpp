// SPDX-License-Identifier: Apache-2.0
// Partial sums that stay in the global buffer, and transfers that load tiles whole, worked out by
// hand (docs/machine.md): both models must give it.
#include <gmock/gmock.h>

#include "hw/machine_file.h"
#include "tests/validation/exact.h"

namespace counterpoint::validation {
namespace {

using stats::LayerResult;
using ::testing::HasSubstr;

// Two outputs take turns inside two positions of K; a word per cycle to the buffer and from it.
constexpr const char* kTwoSums = "Type: GEMM Dimensions { M: 1, N: 2, K: 2 }";
constexpr const char* kTakeTurns =
    "TemporalMap(1,1) K; TemporalMap(1,1) N; GlobalBuffer; SpatialMap(1,1) M;";

hw::Machine keeps() {
  hw::Machine m = machine(1);
  m.network[0].bandwidth.per_kcycle = 1000;
  m.network[0].psum = hw::PsumPolicy::Keep;
  return m;
}

// The input changes with K, the weight in every step: T0 [0,2], T1 [2,3], T2 [3,5], T3 [5,6]; W0
// [2,3], W1 [3,4], W2 [5,6], W3 [6,7]. Only the sums of steps 2 and 3 are finished: D2 [6,7], D3
// [7,8]. Each output is written in the buffer once and added to once, and leaves once.
TEST(KeptSums, LeaveWhenTheyAreFinished) {
  both(map(kTwoSums, kTakeTurns, keeps()), [](const LayerResult& r) {
    EXPECT_EQ(r.cycles, 8);
    EXPECT_EQ(r.network[0].drain_busy, 2);
    EXPECT_EQ(r.network[0].link[2].drain_injected, 2);
    EXPECT_EQ(r.storage[0].access[2].drain_write, 2);
    EXPECT_EQ(r.storage[0].access[2].accumulate_read, 0);
    EXPECT_EQ(r.storage[1].access[2].drain_write, 2);
    EXPECT_EQ(r.storage[1].access[2].accumulate_write, 2);
    EXPECT_EQ(r.storage[1].access[2].drain_read, 2);
    EXPECT_EQ(r.storage[1].tile_words[2], 2) << "both have begun and are not finished";
  });
}

// However often the loop over K goes round, and is skipped because its rounds are alike: the last
// one differs.
TEST(KeptSums, LeaveInTheLastOfManyRounds) {
  both(map("Type: GEMM Dimensions { M: 1, N: 2, K: 40 }", kTakeTurns, keeps()),
       [](const LayerResult& r) {
         EXPECT_EQ(r.network[0].link[2].drain_injected, 2);
         EXPECT_EQ(r.storage[1].access[2].accumulate_write, 2 * 39);
         EXPECT_EQ(r.cycles, 40 * 3 + 2);
       });
}

// A buffer that has one slot for outputs: its next tile may only arrive when the one before has
// left. With a drain of 4 cycles: D2 [6,10], so the sum of step 3 (W3 [6,7]) waits and leaves in
// [10,14]. The unfinished ones of steps 0 and 1 take no time.
TEST(KeptSums, UnfinishedOnesLeaveTheirSlotAtOnce) {
  hw::Machine m = keeps();
  m.network[0].drain_bandwidth = hw::Rate{250, false};
  m.storage[1].buffering = hw::Buffering::Single;
  m.storage[2].buffering = hw::Buffering::Single;
  both(map(kTwoSums, kTakeTurns, m), [](const LayerResult& r) { EXPECT_EQ(r.cycles, 14); });
}

// Partial sums go on to the PE where they are needed: it adds to what it reads back.
TEST(KeptSums, CanBeReadBackByThePes) {
  hw::Machine m = keeps();
  m.network[1].psum = hw::PsumPolicy::Refetch;
  both(map(kTwoSums, kTakeTurns, m), [](const LayerResult& r) {
    EXPECT_EQ(r.cycles, 8);
    EXPECT_EQ(r.storage[1].access[2].readback_read, 2);
    EXPECT_EQ(r.storage[1].access[2].drain_write, 4);
    EXPECT_EQ(r.storage[1].access[2].accumulate_write, 0);
  });
}

std::string refused(const std::string& layer, const std::string& flow, const hw::Machine& m) {
  try {
    map(layer, flow, m);
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

TEST(KeptSums, NeedOffChipLoopsThatSayWhenOutputsAreFinished) {
  EXPECT_THAT(refused(kTwoSums, "TemporalMap(1,1) K; SpatialMap(1,1) M;", keeps()),
              HasSubstr("must be written"));
  EXPECT_THAT(
      refused("Type: CONV Padding { Y: 1 } Dimensions { K: 1, C: 1, R: 3, S: 1, Y: 4, X: 1 }",
              "TemporalMap(1,1) R; TemporalMap(1,1) Y'; GlobalBuffer; SpatialMap(1,1) K;", keeps()),
      HasSubstr("implicit padding"));
  // Room for one output, but two have begun: 1 input, 1 weight, 2 sums of 4 bytes, each twice.
  hw::Machine m = keeps();
  m.storage[1].capacity_bytes = 19;
  EXPECT_THAT(refused(kTwoSums, kTakeTurns, m), HasSubstr("[capacity]"));
  m.storage[1].capacity_bytes = 20;
  EXPECT_EQ(refused(kTwoSums, kTakeTurns, m), "");
}

TEST(KeptSums, AreThoseOfTheGlobalBuffer) {
  const std::string text =
      "name: x\npes: 1\nstorage:\n  - level: off_chip\n    network: {}\n  - level: global_buffer\n"
      "    capacity: unlimited\n    network: {psum: keep}\n  - level: pe_buffer\n"
      "    capacity: unlimited\n";
  std::vector<input::Diagnostic> diagnostics;
  EXPECT_FALSE(hw::read_machine(text, "x.yaml", diagnostics));
  EXPECT_THAT(input::format(diagnostics), HasSubstr("off_chip only"));
}

// Without reuse every step loads an input and a weight: T0 [0,2], T1 [2,4], T2 [4,6], T3 [6,8]; the
// last work [8,9], its sum leaves in [9,10].
TEST(WholeTiles, AreSentAgainInEveryStep) {
  hw::Machine m = keeps();
  m.network[0].reuse = {false, false};
  both(map(kTwoSums, kTakeTurns, m), [](const LayerResult& r) {
    EXPECT_EQ(r.cycles, 10);
    EXPECT_EQ(r.storage[0].access[0].fill_read, 4);
    EXPECT_EQ(r.storage[0].access[1].fill_read, 4);
    EXPECT_EQ(r.storage[1].sliding_words[0], 2) << "the tile, and beside it the next";
  });
}

}  // namespace
}  // namespace counterpoint::validation
