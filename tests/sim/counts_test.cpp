// SPDX-License-Identifier: Apache-2.0
// What the simulator counts (docs/machine.md, section 5), derived by hand on tiny nests.
#include <gtest/gtest.h>

#include "tests/sim/nests.h"

namespace counterpoint::sim {
namespace {

// Two PEs with two outputs each of a 3-tap row: 4 inputs each, 2 of them in both, 3 weights.
stats::LayerResult halo(hw::Multicast multicast) {
  auto m = mapping(conv_row(4, 3), {LevelPlan(2).spatial(Dim::X, 2, 2)});
  m.machine.network[0].multicast = multicast;
  const auto r = run(m);
  EXPECT_EQ(r.network[0].link[0].delivered, 8);
  EXPECT_EQ(r.network[0].link[1].delivered, 6);
  EXPECT_EQ(r.storage[1].access[0].fill_write, 8);
  EXPECT_EQ(r.storage[0].access[0].fill_read, r.network[0].link[0].injected);
  return r;
}

TEST(Counts, WordMulticastSendsDistinctWords) {
  const auto r = halo(hw::Multicast::Word);
  EXPECT_EQ(r.network[0].link[0].injected, 6);
  EXPECT_EQ(r.network[0].link[1].injected, 3);
}

TEST(Counts, TileMulticastSharesEqualSetsOnly) {
  const auto r = halo(hw::Multicast::Tile);
  EXPECT_EQ(r.network[0].link[0].injected, 8);
  EXPECT_EQ(r.network[0].link[1].injected, 3);
}

TEST(Counts, WithoutMulticastEachReceiverHasACopy) {
  const auto r = halo(hw::Multicast::None);
  EXPECT_EQ(r.network[0].link[0].injected, 8);
  EXPECT_EQ(r.network[0].link[1].injected, 6);
}

TEST(Counts, SlidingWindowBringsOnlyNewColumns) {
  // 5 outputs of 3 taps on one PE: 3 inputs, then one per step.
  const auto r = run(mapping(conv_row(5, 3), {LevelPlan().temporal(Dim::X, 1, 1)}));
  EXPECT_EQ(r.storage[1].access[0].fill_write, 3 + 4);
  EXPECT_EQ(r.storage[1].access[1].fill_write, 3);
  EXPECT_EQ(r.storage[1].tile_words[0], 3);
  EXPECT_EQ(r.storage[1].sliding_words[0], 4);  // the tile and one word on the way
  // (3 + 3) bytes and one sum of 4 bytes, twice.
  EXPECT_EQ(r.storage[1].required_bytes, 2 * (3 + 3 + 4));
}

TEST(Counts, ColumnsBetweenStridesNeverMove) {
  // Stride 3, 2 taps: output x touches 3x and 3x + 1, never 3x + 2.
  const auto r = run(mapping(conv_row(4, 2, 3), {LevelPlan()}));
  EXPECT_EQ(r.storage[0].access[0].fill_read, 8);
  EXPECT_EQ(r.storage[1].tile_words[0], 8);
}

TEST(Counts, DilatedTapsLeaveHoles) {
  // One output of 3 taps, 2 apart: columns 0, 2, 4 of 5.
  const auto r = run(mapping(conv_row(1, 3, 1, 2), {LevelPlan()}));
  EXPECT_EQ(r.storage[0].access[0].fill_read, 3);
}

TEST(Counts, ImplicitPaddingIsNeitherReadNorMultiplied) {
  auto layer = conv_row(3, 3);
  layer.cols.offset = 1;
  layer.cols.extent = 3;
  const auto r = run(mapping(layer, {LevelPlan().temporal(Dim::X, 1, 1)}));
  EXPECT_EQ(r.macs, 2 + 3 + 2);
  EXPECT_EQ(r.storage[0].access[0].fill_read, 3);
  // Output 0 uses taps 1, 2; output 1 needs tap 0 too; output 2 only keeps taps 0, 1.
  EXPECT_EQ(r.storage[1].access[1].fill_write, 2 + 1);
}

TEST(Counts, OutputsOfATransposedConvolutionWithoutWorkNeverMove) {
  // Stride 2, one tap: outputs 0 and 2 have one product each, output 1 none.
  auto layer = conv_row(3, 1);
  layer.op = workloads::Operator::TrConv;
  layer.cols = {1, 1, 0, 2, 2};
  const auto r = run(mapping(layer, {LevelPlan().temporal(Dim::X, 1, 1)}));
  EXPECT_EQ(r.macs, 2);
  EXPECT_EQ(r.steps, 2);  // the step of output 1 is not executed
  EXPECT_EQ(r.cycles, 2);
  EXPECT_EQ(r.storage[0].access[2].drain_write, 2);
}

// Five rows on three PEs, for each of two batches with the same weights (2 words): PE 2 has no
// row in the second fold.
stats::LayerResult folded() {
  return run(
      mapping(gemm(5, 1, 2, 2), {LevelPlan(3).temporal(Dim::B, 1, 1).spatial(Dim::M, 1, 1)}));
}

TEST(Counts, AChildThatWasIdleIsLoadedAnew) {
  const auto r = folded();
  EXPECT_EQ(r.steps, 4);
  EXPECT_EQ(r.cycles, 8);
  // Step 0: 2 words to 3 PEs; step 1: PE 2 drops out; step 2: 2 words to PE 2 alone.
  EXPECT_EQ(r.network[0].link[1].injected, 4);
  EXPECT_EQ(r.network[0].link[1].delivered, 8);
  EXPECT_EQ(r.network[0].link[0].delivered, 20);
  EXPECT_EQ(r.storage[0].access[2].drain_write, 10);
}

TEST(Counts, PesReadTwoOperandsPerMacAndASumUnlessItStartsFromZero) {
  const auto r = folded();
  const auto& pe = r.storage[1].access;
  EXPECT_EQ(r.macs, 20);
  EXPECT_EQ(pe[0].operand_read, 20);
  EXPECT_EQ(pe[1].operand_read, 20);
  EXPECT_EQ(pe[2].operand_read, 20 - 10);
  EXPECT_EQ(pe[2].operand_write, 20);
  EXPECT_EQ(pe[2].drain_read, 10);
}

TEST(Counts, PipesHopPerReceiverAndBusesPerWord) {
  auto m = mapping(gemm(2, 1, 1), {LevelPlan(2).spatial(Dim::M, 1, 1)});
  // 2 inputs, 1 weight to both; 2 outputs back.
  auto r = run(m);
  EXPECT_EQ(r.network[0].link[1].hops, 2);
  EXPECT_EQ(r.network[0].link[2].hops, 2);
  m.machine.network[0].topology = hw::Topology::Bus;
  r = run(m);
  EXPECT_EQ(r.network[0].link[1].hops, 1);
}

TEST(Counts, BandwidthRequirementComparesTransfersWithTheWorkBefore) {
  // M = 4 rows of K = 3: steps of 3 cycles that need 3 new words; the first also 3 weights.
  const auto r = run(mapping(gemm(4, 1, 3), {LevelPlan().temporal(Dim::M, 1, 1)}));
  EXPECT_EQ(r.network[0].peak_words, 1);  // 3 / 3, reduced
  EXPECT_EQ(r.network[0].peak_cycles, 1);
  EXPECT_EQ(r.network[0].average_words, 15 / 3);  // 15 / 12, reduced
  EXPECT_EQ(r.network[0].average_cycles, 12 / 3);
}

TEST(Counts, BandwidthRequirementOfABufferUsesTheBusiestChild) {
  // Two clusters of one PE with 2 and 1 of the 3 rows of a step: work 2 * K.
  auto m = mapping(gemm(6, 1, 2),
                   {LevelPlan().temporal(Dim::M, 3, 3), LevelPlan(2).spatial(Dim::M, 2, 2),
                    LevelPlan().temporal(Dim::M, 1, 1)});
  const auto r = run(m);
  // Outer steps: 3 rows of 2 words in 4 cycles; the first also 2 weights.
  EXPECT_EQ(r.network[0].peak_words, 6 / 2);
  EXPECT_EQ(r.network[0].peak_cycles, 4 / 2);
  EXPECT_EQ(r.network[0].average_words, 14 / 2);
  EXPECT_EQ(r.network[0].average_cycles, 8 / 2);
  EXPECT_EQ(r.cycles, 8);
  EXPECT_EQ(r.arrays, 2);
  EXPECT_EQ(r.stack.total(), 16);
}

TEST(Counts, OnlyTheLowestOfSeveralHoldersIsGivenThePartialSum) {
  // K = 4 over two PEs in two folds, one output: in fold 1 both PEs continue it.
  auto m = mapping(gemm(1, 2, 4), {LevelPlan(2).spatial(Dim::K, 1, 1).temporal(Dim::N, 1, 1)});
  m.machine.network[0].psum = hw::PsumPolicy::Refetch;
  const auto r = run(m);
  EXPECT_EQ(r.storage[1].access[2].readback_write, 2);  // one per output
  EXPECT_EQ(r.storage[1].access[2].operand_read, 8 - (8 - 2));
}

}  // namespace
}  // namespace counterpoint::sim
