// SPDX-License-Identifier: Apache-2.0
// The oracle against schedules and counts worked out by hand, so that it deserves its name.
#include <gtest/gtest.h>

#include "tests/oracle/model/compare.h"
#include "tests/oracle/model/oracle.h"
#include "workloads/language.h"
#include "workloads/mapping.h"

namespace counterpoint::oracle {
namespace {

constexpr int kInput = 0, kWeight = 1, kOutput = 2;

hw::Machine machine(std::int64_t pes) {
  hw::Machine m;
  m.name = "hand";
  m.pes = pes;
  m.storage.resize(3);
  m.network.resize(2);
  for (hw::Storage& s : m.storage) s.buffering = hw::Buffering::Single;
  return m;
}

workloads::Mapping bound(const std::string& layer, const hw::Machine& m) {
  const auto network =
      workloads::parse_network("Network t { Layer L { " + layer + " } }", "hand.m");
  if (!network.network) throw std::runtime_error(input::format(network.diagnostics));
  const workloads::NetworkLayer& l = network.network->layers.at(0);
  auto b = workloads::bind(l.layer, *l.dataflow, m);
  if (!b.mapping) throw std::runtime_error(input::format(b.diagnostics));
  return *b.mapping;
}

// Three MACs one after the other on one PE, a new weight and a new input for each; the output
// stays. Network to the PE: 1 word per cycle, latency 3; the way off-chip costs nothing.
const char* const kThreeSteps =
    "Type: GEMM Dimensions { M: 1, N: 1, K: 3 } Dataflow { SpatialMap(1,1) N; TemporalMap(1,1) K; "
    "}";

TEST(Oracle, SingleBufferedTransfersWaitForTheWorkBefore) {
  // Transfer k: 2 words, 2 cycles, +3 latency; work 1; the slot is free when the work ends.
  //   t0: 0-2, arrives 5, work 5-6. t1: 6-8, 11, work 11-12. t2: 12-14, 17, work 17-18.
  //   The output leaves 18-19 and arrives 22.
  hw::Machine m = machine(1);
  m.network[1].bandwidth.per_kcycle = 1000;
  m.network[1].latency = 3;
  const stats::LayerResult r = brute_force(bound(kThreeSteps, m));
  EXPECT_EQ(r.cycles, 22);
  EXPECT_EQ(r.stack.startup, 5);
  EXPECT_EQ(r.stack.compute, 3);
  // In both gaps of 5 cycles the slot is free at once (ts = end of work), then 2 cycles of
  // injection, then 3 of flight.
  EXPECT_EQ(r.stack.bandwidth, 4);
  EXPECT_EQ(r.stack.latency, 6);
  EXPECT_EQ(r.stack.drain, 0);
  EXPECT_EQ(r.stack.tail, 22 - 18);
}

TEST(Oracle, DoubleBufferedTransfersRunOneTileAhead) {
  //   t0: 0-2, arrives 5, work 5-6. t1: 2-4 (second slot), 7, work 7-8.
  //   t2: slot of t0 free at 6: 6-8, arrives 11, work 11-12. Output 12-13, arrives 16.
  hw::Machine m = machine(1);
  m.network[1].bandwidth.per_kcycle = 1000;
  m.network[1].latency = 3;
  m.storage[2].buffering = hw::Buffering::Double;
  const stats::LayerResult r = brute_force(bound(kThreeSteps, m));
  EXPECT_EQ(r.cycles, 16);
  EXPECT_EQ(r.stack.startup, 5);
  EXPECT_EQ(r.stack.compute, 3);
  // Gap 6-7: the transfer of step 1 is flying. Gap 8-11: so is that of step 2 (injected at 8).
  EXPECT_EQ(r.stack.latency, 1 + 3);
  EXPECT_EQ(r.stack.bandwidth, 0);
}

TEST(Oracle, TransfersThatAreSlowerThanTheWorkSetThePace) {
  // A GEMM of 2 x 1 x 2: every step has a new input; the weight changes with K only. Order: K
  // outer, M inner: steps (k,m): 00 01 10 11.
  //   Words: 00: input + weight = 2; 01: 1; 10: 2; 11: 1. Outputs leave after every step (m
  //   changes): accumulate in the parent.
  //   Transfers: 0-2, 2-3, then slots. Inputs: residence per step; weight: per two steps.
  //   work 00: 2-3. work 01: 3-4. Transfer 10: channel 3, input slot of 00 free 3, first weight
  //   residence has a second slot: 3-5; work 5-6. Transfer 11: channel 5, input slot of 01 free 4:
  //   5-6; work 6-7. Drains: one word each, after 3, 4, 6, 7: the last 7-8.
  hw::Machine m = machine(1);
  m.network[1].bandwidth.per_kcycle = 1000;
  m.storage[2].buffering = hw::Buffering::Double;
  const stats::LayerResult r =
      brute_force(bound("Type: GEMM Dimensions { M: 2, N: 1, K: 2 } Dataflow { TemporalMap(1,1) K; "
                        "TemporalMap(1,1) M; SpatialMap(1,1) N; }",
                        m));
  EXPECT_EQ(r.cycles, 8);
  EXPECT_EQ(r.network[1].link[kInput].injected, 4);
  EXPECT_EQ(r.network[1].link[kWeight].injected, 2);
  // Four words arrive at the global buffer, two of them onto a value; two go off-chip.
  EXPECT_EQ(r.storage[1].access[kOutput].drain_write, 2);
  EXPECT_EQ(r.storage[1].access[kOutput].accumulate_write, 2);
  EXPECT_EQ(r.storage[1].access[kOutput].accumulate_read, 2);
  EXPECT_EQ(r.storage[0].access[kOutput].drain_write, 2);
  EXPECT_EQ(r.network[1].fill_busy, 6);
  EXPECT_EQ(r.network[1].drain_busy, 4);
  // Peak: transfer 10 (2 words) during the work of 01 (1 cycle).
  EXPECT_EQ(r.network[1].peak_words, 2 * r.network[1].peak_cycles);
  EXPECT_EQ(r.network[1].average_words * 4, 6 * r.network[1].average_cycles);
}

TEST(Oracle, ReadBacksContinueWhereTheChildLeftOff) {
  // The same nest with `refetch`: the PE takes both partial sums back for k = 1. They were written
  // by the drains of steps 00 and 01 (arrived at 4 and 5, see below).
  //   Transfer 00: 0-2, work 2-3, drain 3-4. Transfer 01: 2-3, work 3-4, drain 4-5.
  //   Transfer 10: input, weight, partial sum of 00: output slot of residence 00 free at 4 (drain
  //   injected), its drain arrived 4: 4-7; work 7-8; drain 8-9.
  //   Transfer 11: input and partial sum: channel 7, drain of 01 arrived 5, slots free: 7-9;
  //   work 9-10; drain 10-11.
  hw::Machine m = machine(1);
  m.network[1].bandwidth.per_kcycle = 1000;
  m.network[1].psum = hw::PsumPolicy::Refetch;
  m.storage[2].buffering = hw::Buffering::Double;
  const stats::LayerResult r =
      brute_force(bound("Type: GEMM Dimensions { M: 2, N: 1, K: 2 } Dataflow { TemporalMap(1,1) K; "
                        "TemporalMap(1,1) M; SpatialMap(1,1) N; }",
                        m));
  EXPECT_EQ(r.cycles, 11);
  EXPECT_EQ(r.storage[1].access[kOutput].readback_read, 2);
  EXPECT_EQ(r.storage[2].access[kOutput].readback_write, 2);
  EXPECT_EQ(r.storage[1].access[kOutput].drain_write, 4);
  EXPECT_EQ(r.storage[1].access[kOutput].accumulate_write, 0);
  // 4 MACs, two of which start from zero.
  EXPECT_EQ(r.storage[2].access[kOutput].operand_read, 2);
  EXPECT_EQ(r.storage[2].access[kOutput].operand_write, 4);
}

TEST(Oracle, MulticastVariantsOfOverlappingWindows) {
  // 6 columns, kernel 3, 4 PEs with one output each: windows 0-2, 1-3, 2-4, 3-5; one weight row.
  const std::string text =
      "Type: CONV Dimensions { K: 1, C: 1, R: 1, S: 3, Y: 1, X: 6 } Dataflow { SpatialMap(3,1) X; "
      "}";
  const auto injected = [&](hw::Multicast kind, int tensor) {
    hw::Machine m = machine(4);
    m.network[1].multicast = kind;
    return brute_force(bound(text, m)).network[1].link[static_cast<std::size_t>(tensor)].injected;
  };
  EXPECT_EQ(injected(hw::Multicast::Word, kInput), 6);
  EXPECT_EQ(injected(hw::Multicast::Tile, kInput), 12);  // no two windows are equal
  EXPECT_EQ(injected(hw::Multicast::None, kInput), 12);
  EXPECT_EQ(injected(hw::Multicast::Word, kWeight), 3);
  EXPECT_EQ(injected(hw::Multicast::Tile, kWeight), 3);  // all kernels are
  EXPECT_EQ(injected(hw::Multicast::None, kWeight), 12);
}

TEST(Oracle, ReductionsAddOnTheWay) {
  // Four channels of one output on 4 PEs; then the drain at 1 word per cycle, latency 2.
  const std::string text =
      "Type: CONV Dimensions { K: 1, C: 4, R: 1, S: 1, Y: 1, X: 1 } Dataflow { SpatialMap(1,1) C; "
      "}";
  const auto run = [&](hw::Reduction kind) {
    hw::Machine m = machine(4);
    m.network[1].reduction = kind;
    m.network[1].latency = 2;
    m.storage[1].write_port.per_kcycle = 1000;
    return brute_force(bound(text, m));
  };
  // 4 inputs and 4 weights into the global buffer: 8 cycles at its port. In the PEs at 10, work
  // ends at 11.
  const auto none = run(hw::Reduction::None), chain = run(hw::Reduction::Chain),
             tree = run(hw::Reduction::Tree);
  EXPECT_EQ(none.cycles, 11 + 4 + 2);       // four words through the port
  EXPECT_EQ(chain.cycles, 11 + 1 + 2 + 3);  // one word, 4 - 1 deep
  EXPECT_EQ(tree.cycles, 11 + 1 + 2 + 2);   // log2 4
  EXPECT_EQ(none.network[1].link[kOutput].drain_injected, 4);
  EXPECT_EQ(none.storage[1].access[kOutput].accumulate_write, 3);
  EXPECT_EQ(tree.network[1].link[kOutput].drain_injected, 1);
  EXPECT_EQ(tree.network[1].link[kOutput].drain_senders, 4);
  EXPECT_EQ(tree.storage[1].access[kOutput].accumulate_write, 0);
}

TEST(Oracle, NoticesADifferenceInAnyField) {
  const stats::LayerResult a = brute_force(bound(kThreeSteps, machine(1)));
  EXPECT_EQ(differences(a, a), "");
  stats::LayerResult b = a;
  b.stack.latency += 1;
  EXPECT_EQ(differences(a, b), "  stack latency: 0, 1\n");
  b = a;
  b.storage[2].access[kWeight].operand_read += 2;
  EXPECT_EQ(differences(a, b), "  storage 2 weight operand_read: 3, 5\n");
}

TEST(Oracle, RefusesANestThatSkipsWork) {
  workloads::Mapping m = bound(kThreeSteps, machine(1));
  for (workloads::Level& level : m.nest.levels) {
    workloads::Cut& cut = level.cut(workloads::Dim::K);
    if (cut.kind == workloads::Cut::Kind::Plain) cut.offset = 2;  // k = 0 and 2 of 3
  }
  EXPECT_THROW(brute_force(m), std::logic_error);
}

}  // namespace
}  // namespace counterpoint::oracle
