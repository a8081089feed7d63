// SPDX-License-Identifier: Apache-2.0
// Exact cycles of docs/machine.md, section 4, on nests small enough to follow by hand. "T2 [4,5]"
// in a comment is the transfer of step 2, injecting from cycle 4 to 5; W is work, D a drain.
#include <gtest/gtest.h>

#include "tests/sim/nests.h"

namespace counterpoint::sim {
namespace {

// One PE; M = 4, N = K = 1; every step needs one new input and leaves one output, the weight stays.
workloads::Mapping four_steps() {
  return mapping(gemm(4, 1, 1), {LevelPlan().temporal(Dim::M, 1, 1)});
}

TEST(Timing, UnlimitedMachineTakesTheWorkOnly) {
  const auto r = run(four_steps());
  EXPECT_EQ(r.cycles, 4);
  expect_stack(r.stack, {0, 4, 0, 0, 0, 0, 0, 0});
}

TEST(Timing, DoubleBufferingHidesTransfers) {
  auto m = four_steps();
  m.machine.network[0].bandwidth = words_per_cycle(1);
  // T0 [0,2] (input and weight), T1 [2,3], W0 [2,3]; T2 waits for W0: [3,4]; T3 [4,5];
  // W1 [3,4], W2 [4,5], W3 [5,6]; D0 [3,4] ... D3 [6,7].
  const auto r = run(m);
  EXPECT_EQ(r.cycles, 7);
  expect_stack(r.stack, {2, 4, 0, 0, 0, 0, 0, 1});
  EXPECT_EQ(r.network[0].fill_busy, 5);
  EXPECT_EQ(r.network[0].drain_busy, 4);
}

TEST(Timing, SingleBufferingAlternatesTransferAndWork) {
  auto m = four_steps();
  m.machine.network[0].bandwidth = words_per_cycle(1);
  m.machine.storage[1].buffering = hw::Buffering::Single;
  // T0 [0,2], W0 [2,3], then per step T [t,t+1] (and the drain beside it), W [t+1,t+2]:
  // W1 [4,5], W2 [6,7], W3 [8,9], D3 [9,10]. Each of the three gaps is injection.
  const auto r = run(m);
  EXPECT_EQ(r.cycles, 10);
  expect_stack(r.stack, {2, 4, 0, 3, 0, 0, 0, 1});
}

TEST(Timing, TransfersArePipelinedThroughTheLatency) {
  auto m = four_steps();
  m.machine.network[0].bandwidth = words_per_cycle(1);
  m.machine.network[0].latency = 5;
  // T0 [0,2] arrives 7, T1 [2,3] arrives 8; W0 [7,8], W1 [8,9]; T2 [8,9] arrives 14,
  // T3 [9,10] arrives 15; W2 [14,15], W3 [15,16]; D3 [16,17] arrives 22.
  const auto r = run(m);
  EXPECT_EQ(r.cycles, 22);
  expect_stack(r.stack, {7, 4, 0, 0, 0, 5, 0, 6});
}

TEST(Timing, LatencyOfOffchipMemoryDelaysWhatComesOutOfIt) {
  auto m = mapping(gemm(1, 1, 3), {LevelPlan()});
  m.machine.storage[0].latency = 4;
  m.machine.network[0].latency = 1;
  // Arrives 5, work [5,8], the drain flies 1.
  const auto r = run(m);
  EXPECT_EQ(r.cycles, 9);
  expect_stack(r.stack, {5, 3, 0, 0, 0, 0, 0, 1});
}

// M = 2 outside N = 2, K = 3 whole: inputs change every second step, weights every step.
workloads::Mapping two_by_two() {
  auto m = mapping(gemm(2, 2, 3), {LevelPlan().temporal(Dim::M, 1, 1).temporal(Dim::N, 1, 1)});
  m.machine.network[0].bandwidth = words_per_cycle(1);
  return m;
}

TEST(Timing, SharedChannelsCarryTheTensorsOfAStepTogether) {
  // T0 6 words [0,6], T1 [6,9], T2 6 words, after W0: [9,15], T3 [15,18];
  // W0 [6,9], W1 [9,12], W2 [15,18], W3 [18,21]; D3 [21,22].
  const auto r = run(two_by_two());
  EXPECT_EQ(r.cycles, 22);
  expect_stack(r.stack, {6, 12, 0, 3, 0, 0, 0, 1});
}

TEST(Timing, SeparateChannelsRunAhead) {
  auto m = two_by_two();
  m.machine.network[0].channels = hw::Channels::Separate;
  // Inputs [0,3] [3,6]; weights [0,3] [3,6], then after W0 [6,9], after W1 [9,12];
  // W0 [3,6] ... W3 [12,15]; D3 [15,16].
  const auto r = run(m);
  EXPECT_EQ(r.cycles, 16);
  expect_stack(r.stack, {3, 12, 0, 0, 0, 0, 0, 1});
}

// K = 2 outside M = 2: each output is visited twice.
workloads::Mapping revisited() {
  auto m = mapping(gemm(2, 1, 2), {LevelPlan().temporal(Dim::K, 1, 1).temporal(Dim::M, 1, 1)});
  m.machine.network[0].latency = 3;
  return m;
}

TEST(Timing, AccumulationDoesNotWaitForEarlierDrains) {
  // T0, T1 arrive 3; W0 [3,4], W1 [4,5]; T2 at 4 arrives 7, T3 at 5 arrives 8; W2 [7,8],
  // W3 [8,9]; D3 arrives 12.
  const auto r = run(revisited());
  EXPECT_EQ(r.cycles, 12);
  expect_stack(r.stack, {3, 4, 0, 0, 0, 2, 0, 3});
  const auto& off = r.storage[0].access[2];
  EXPECT_EQ(off.drain_write, 2);
  EXPECT_EQ(off.accumulate_read, 2);
  EXPECT_EQ(off.accumulate_write, 2);
  EXPECT_EQ(off.readback_read, 0);
  EXPECT_EQ(r.storage[1].access[2].operand_read, 0);  // every visit starts from zero
}

TEST(Timing, RefetchWaitsForTheDrainThatWroteThePartialSum) {
  auto m = revisited();
  m.machine.network[0].psum = hw::PsumPolicy::Refetch;
  // D0 leaves at 4 and arrives 7, so T2 starts at 7 and arrives 10; D1 arrives 8: T3 arrives 11.
  // W2 [10,11], W3 [11,12]; D3 arrives 15. Gap [5,10): drain until 7, then latency.
  const auto r = run(m);
  EXPECT_EQ(r.cycles, 15);
  expect_stack(r.stack, {3, 4, 0, 0, 2, 3, 0, 3});
  const auto& off = r.storage[0].access[2];
  EXPECT_EQ(off.readback_read, 2);
  EXPECT_EQ(off.drain_write, 4);  // the copies that were taken are void
  EXPECT_EQ(off.accumulate_write, 0);
  EXPECT_EQ(r.storage[1].access[2].readback_write, 2);
  EXPECT_EQ(r.storage[1].access[2].operand_read, 2);  // MACs 4 - 2 first ones onto zero
}

// Eight PEs, each with one term of the same sum; 4 words per cycle.
stats::LayerResult reduced(hw::Reduction reduction) {
  auto m = mapping(gemm(1, 1, 8), {LevelPlan(8).spatial(Dim::K, 1, 1)});
  m.machine.network[0].bandwidth = words_per_cycle(4);
  m.machine.network[0].reduction = reduction;
  return run(m);
}

TEST(Timing, WithoutReductionEverySendersWordTravels) {
  const auto r = reduced(hw::Reduction::None);
  EXPECT_EQ(r.cycles, 16 / 4 + 1 + 8 / 4);
  EXPECT_EQ(r.network[0].link[2].drain_injected, 8);
  EXPECT_EQ(r.storage[0].access[2].drain_write, 1);
  EXPECT_EQ(r.storage[0].access[2].accumulate_write, 7);
}

TEST(Timing, ChainReducesInUnitsMinusOneCycles) {
  const auto r = reduced(hw::Reduction::Chain);
  EXPECT_EQ(r.cycles, 16 / 4 + 1 + 1 + 7);
  EXPECT_EQ(r.network[0].link[2].drain_injected, 1);
  EXPECT_EQ(r.network[0].link[2].drain_senders, 8);
  EXPECT_EQ(r.storage[0].access[2].drain_write, 1);
  EXPECT_EQ(r.storage[0].access[2].accumulate_write, 0);
}

TEST(Timing, TreeReducesInLogarithmicDepth) {
  EXPECT_EQ(reduced(hw::Reduction::Tree).cycles, 16 / 4 + 1 + 1 + 3);
}

// Off-chip memory - global buffer (2 rows of M at a time) - one PE; the outer network is slow.
workloads::Mapping two_levels() {
  auto m = mapping(gemm(4, 1, 1),
                   {LevelPlan().temporal(Dim::M, 2, 2), LevelPlan().temporal(Dim::M, 1, 1)});
  m.machine.network[0].bandwidth = words_per_cycle(1);
  return m;
}

TEST(Timing, LowerArraysFreeRunWhileTheNextTileArrives) {
  // Outer T0 3 words [0,3], T1 [3,5]; inner transfers take no time: W0 [3,4], W1 [4,5], W2 [5,6],
  // W3 [6,7]; outer drains [5,7] and [7,9].
  const auto r = run(two_levels());
  EXPECT_EQ(r.cycles, 9);
  expect_stack(r.stack, {3, 4, 0, 0, 0, 0, 0, 2});
}

TEST(Timing, BufferIsReleasedByTheLastInjectionOutOfIt) {
  auto m = two_levels();
  m.machine.storage[1].buffering = hw::Buffering::Single;
  // The PE takes both rows at cycle 3, so the single global buffer is refilled from 3 as well.
  // Its output slot is free when the outer drain [5,7] is injected: the inner drain of W2 [5,6]
  // waits until 7, that of W3 [6,7] too; outer drain [7,9].
  EXPECT_EQ(run(m).cycles, 9);
}

TEST(Timing, WaitingForTheLevelAboveIsAClassOfItsOwn) {
  auto m = two_levels();
  m.machine.storage[1].buffering = m.machine.storage[2].buffering = hw::Buffering::Single;
  // The PE takes the second row only after W0, at 4: outer T1 [4,6]; W1 [4,5]; W2 [6,7], W3 [7,8];
  // outer drains [5,7], [8,10].
  const auto r = run(m);
  EXPECT_EQ(r.cycles, 10);
  expect_stack(r.stack, {3, 4, 1, 0, 0, 0, 0, 2});
}

TEST(Timing, OutputSlotHoldsBackTheWork) {
  auto m = four_steps();
  m.machine.storage[0].write_port = {250, false};  // a word in 4 cycles
  // W0 [0,1], W1 [1,2]; D0 [1,5], so W2 [5,6]; D1 [5,9], W3 [9,10]; D2 [9,13]; D3 [13,17].
  const auto r = run(m);
  EXPECT_EQ(r.cycles, 17);
  expect_stack(r.stack, {0, 4, 0, 0, 3 + 3, 0, 0, 7});
}

TEST(Timing, PortsLimitTransfersOnTheirOwn) {
  // Two PEs with a row of 4 inputs each and the same 4 weights.
  auto m = mapping(gemm(2, 1, 4), {LevelPlan(2).spatial(Dim::M, 1, 1)});
  m.machine.storage[0].read_port = words_per_cycle(2);
  EXPECT_EQ(run(m).cycles, 12 / 2 + 4) << "8 inputs and 4 weights leave the parent";
  m.machine.storage[1].write_port = words_per_cycle(1);
  EXPECT_EQ(run(m).cycles, 8 + 4) << "a PE receives 8 words";
  m.machine.storage[1].read_port = {500, false};
  EXPECT_EQ(run(m).cycles, 8 + 4 + 2) << "a PE sends one output in 2 cycles";
  m.machine.storage[0].write_port = {500, false};
  EXPECT_EQ(run(m).cycles, 8 + 4 + 4) << "the parent receives two";
}

TEST(Timing, RatesInBytesUseEachTensorsWidth) {
  // 3 outputs of 32 bits, 3 inputs and 1 weight of 8 bits; 4 bytes per cycle.
  auto m = mapping(gemm(3, 1, 1), {LevelPlan()});
  m.machine.network[0].bandwidth = {4000, true};
  EXPECT_EQ(run(m).cycles, 1 + 3 + 3);
  // The same in words: 4 words, then 3 words.
  m.machine.network[0].bandwidth = words_per_cycle(4);
  EXPECT_EQ(run(m).cycles, 1 + 3 + 1);
}

TEST(Timing, FractionalRatesRoundUpPerTransfer) {
  auto m = mapping(gemm(3, 1, 1), {LevelPlan()});
  m.machine.network[0].bandwidth = {800, false};
  EXPECT_EQ(run(m).cycles, 5 + 3 + 4);  // 4 / 0.8 and 3 / 0.8
}

TEST(Timing, LanesDivideTheWorkOfAPeAndThePipelineDelaysTheDrain) {
  auto m = mapping(gemm(1, 1, 5), {LevelPlan()});
  m.machine.machine.lanes = 2;
  m.machine.machine.pipeline_latency = 6;
  const auto r = run(m);
  EXPECT_EQ(r.cycles, 3 + 6);
  expect_stack(r.stack, {0, 3, 0, 0, 0, 0, 0, 6});
}

TEST(Timing, TheSlowestPeEndsTheStep) {
  // Row 1 of two PEs' outputs touches padding: 2 MACs, the other 3.
  auto layer = conv_row(2, 3);
  layer.cols.offset = 1;
  layer.cols.extent = 3;
  const auto r = run(mapping(layer, {LevelPlan(2).spatial(Dim::X, 1, 1)}));
  EXPECT_EQ(r.macs, 5);
  EXPECT_EQ(r.cycles, 3);
}

TEST(Timing, OnABusDrainsAndFillsCollide) {
  auto m = mapping(gemm(3, 2, 1), {LevelPlan().temporal(Dim::M, 1, 1)});
  m.machine.network[0].topology = hw::Topology::Bus;
  m.machine.network[0].bandwidth = words_per_cycle(1);
  m.machine.machine.lanes = 2;
  // T0 [0,3], T1 [3,4]; W0 [3,4], W1 [4,5]; at 4 D0 (2 words) and T2 ask: D0 [4,6], T2 [6,7];
  // W2 [7,8]; D1 asked at 5: [7,9]; D2 [9,11]. Gap [5,7): contention until 6.
  const auto r = run(m);
  EXPECT_EQ(r.cycles, 11);
  expect_stack(r.stack, {3, 3, 0, 1, 0, 0, 1, 3});
}

TEST(Timing, TheSameMachineWithTwoPipesDoesNotCollide) {
  auto m = mapping(gemm(3, 2, 1), {LevelPlan().temporal(Dim::M, 1, 1)});
  m.machine.network[0].bandwidth = words_per_cycle(1);
  m.machine.machine.lanes = 2;
  // T2 [4,5], W2 waits until D0 [4,6] is injected: [6,7]; D1 [6,8], D2 [8,10].
  const auto r = run(m);
  EXPECT_EQ(r.cycles, 10);
  expect_stack(r.stack, {3, 3, 0, 0, 1, 0, 0, 3});
}

// Four rows, one by one, through a global buffer that takes and gives a word per cycle.
workloads::Mapping through_a_port(bool shared) {
  auto m = mapping(gemm(4, 1, 1), {LevelPlan().temporal(Dim::M, 1, 1), LevelPlan()});
  m.machine.storage[1].read_port = m.machine.storage[1].write_port = words_per_cycle(1);
  m.machine.storage[1].banks = shared ? 1 : 0;
  return m;
}

TEST(Timing, FlowsWithPortsOfTheirOwnRunBesideEachOther) {
  // Fills F of the buffer: [0,2] [2,3] [4,5] (its slot is free at 4) [5,6]. Transfers T to the PE:
  // [2,4] [4,5] [5,6] [6,7]. W3 [7,8], D3 [8,9], to off-chip memory [9,10].
  EXPECT_EQ(run(through_a_port(false)).cycles, 10);
}

TEST(Timing, FlowsOfASharedPortTakeTurns) {
  // The turns go E (out of the buffer), F (into it), D (from the PE), T (to the PE).
  // F0 [0,2], T0 [2,4], W0 [4,5], F1 [4,5]; at 5 D0, T1 and F2 ask: D0 [5,6], T1 [6,7], E0 [7,8],
  // F2 [8,9], D1 [9,10], T2 [10,11], E1 [11,12], F3 [12,13], D2 [13,14], T3 [14,15], E2 [15,16],
  // D3 [16,17], E3 [17,18]. The port is never idle: 5 + 5 + 4 + 4 words.
  // The gaps of the PE: [5,7) the port until 6; [8,11) F2 until 9, the port until 10; [12,15)
  // alike.
  const auto r = run(through_a_port(true));
  EXPECT_EQ(r.cycles, 18);
  expect_stack(r.stack, {4, 4, 2, 3, 0, 0, 3, 2});
}

// The same with a transfer of its own for each tensor.
workloads::Mapping through_banks(int banks, std::array<int, 3> bank) {
  auto m = through_a_port(false);
  m.machine.storage[1].banks = banks;
  m.machine.storage[1].bank = bank;
  for (hw::Network& n : m.machine.network) n.channels = hw::Channels::Separate;
  return m;
}

TEST(Timing, OutputsInABankOfTheirOwnLeaveBesideTheOperands) {
  // At the operands' bank the turns go FI, FW (into the buffer), TI, TW (to the PE): FI0 [0,1];
  // at 1 FW and FI1 ask: FW [1,2]; TI0 [2,3], TW [3,4], FI1 [4,5], W0 [4,5]. At 5 FI2 and TI1 ask:
  // TI1 [5,6], FI2 [6,7], TI2 [7,8], FI3 [8,9], TI3 [9,10]; the PE works behind each.
  // At the outputs' bank: D0 [5,6], E0 [6,7], D1 [7,8], ... D3 [11,12], E3 [12,13].
  const auto r = run(through_banks(2, {0, 0, 1}));
  EXPECT_EQ(r.cycles, 13);
  expect_stack(r.stack, {4, 4, 0, 3, 0, 0, 0, 2});
  const std::array<std::int64_t, 3> busy = {5 + 5, 4 + 4, 0};
  EXPECT_EQ(r.storage[1].bank_busy, busy);
}

TEST(Timing, EveryTensorInABankOfItsOwn) {
  // FI0, FW [0,1], TI0, TW [1,2], W0 [2,3], FI1 [2,3], TI1 [3,4], FI2 [4,5], TI2 [5,6], FI3 [6,7],
  // TI3 [7,8], W3 [8,9], D3 [9,10], E3 [10,11].
  const auto r = run(through_banks(3, {0, 1, 2}));
  EXPECT_EQ(r.cycles, 11);
  expect_stack(r.stack, {2, 4, 0, 3, 0, 0, 0, 2});
  const std::array<std::int64_t, 3> busy = {4 + 4, 1 + 1, 4 + 4};
  EXPECT_EQ(r.storage[1].bank_busy, busy);
}

TEST(Timing, TheOrderOfTheModulesIsNoMatterToPorts) {
  for (std::uint64_t seed = 1; seed < 8; ++seed) {
    SimOptions options;
    options.shuffle_seed = seed;
    EXPECT_EQ(simulate(through_a_port(true), options).result.cycles, 18) << seed;
    EXPECT_EQ(simulate(through_banks(2, {0, 0, 1}), options).result.cycles, 13) << seed;
  }
}

TEST(Timing, WhatPassesTheBufferByDoesNotUseItsPort) {
  auto m = through_a_port(true);
  m.machine.storage[1].holds = {true, false, true};
  // F0 [0,1], T0 [1,2], W0 [2,3], F1 [2,3]; from then on as above, two cycles sooner.
  EXPECT_EQ(run(m).cycles, 16);
}

TEST(Timing, SkewedColumnMeetsKernelRowsWithInputRows) {
  // Four outputs of three kernel rows, one after the other in the buffer; PE p holds input row
  // y + p and kernel row p, and a chain adds the column up.
  workloads::Layer layer;
  layer[Dim::Y] = 4;
  layer[Dim::R] = 3;
  layer.rows.extent = 6;
  LevelPlan column(3);
  column.spatial(Dim::R, 1, 1).spatial(Dim::Y, 1, 1);
  column.level.cut(Dim::Y).kind = Cut::Kind::Skewed;
  auto m = mapping(layer, {LevelPlan().temporal(Dim::Y, 1, 1), column});
  m.machine.network[1].reduction = hw::Reduction::Chain;
  // Step t works in [t,t+1]; its sum arrives units - 1 = 2 cycles later.
  const auto r = run(m);
  EXPECT_EQ(r.cycles, 4 + 2);
  expect_stack(r.stack, {0, 4, 0, 0, 0, 0, 0, 2});
  EXPECT_EQ(r.network[0].link[0].injected, 3 + 1 + 1 + 1);  // the buffer's window slides
  EXPECT_EQ(r.network[1].link[0].injected, 4 * 3);          // every PE's own row is new
  EXPECT_EQ(r.network[1].link[1].injected, 3);
  EXPECT_EQ(r.network[1].link[2].drain_injected, 4);
  EXPECT_EQ(r.network[1].link[2].drain_senders, 12);
}

}  // namespace
}  // namespace counterpoint::sim
