// SPDX-License-Identifier: Apache-2.0
// Small schedules worked out by hand from docs/machine.md, section 4: both models must give them.
#include "tests/validation/exact.h"

namespace counterpoint::validation {
namespace {

// One word per cycle. Step 0 needs 2 words (input, weight), steps 1 to 3 one input each.
// Double: injection ends at 2, 3, 4, 5 (step 2 needs the slot of step 0, whose work ends at 3);
// work [2,3) [3,4) [4,5) [5,6); the last output leaves in [6,7).
TEST(ExactCycles, DoubleBufferingHidesTheTransfers) {
  hw::Machine m = machine(1);
  m.network[1].bandwidth.per_kcycle = 1000;
  both(map(kFourRows, kRowByRow, m), [](const stats::LayerResult& r) {
    EXPECT_EQ(r.cycles, 7);
    EXPECT_EQ(r.stack.startup, 2);
    EXPECT_EQ(r.stack.compute, 4);
    EXPECT_EQ(r.stack.bandwidth, 0);
    EXPECT_EQ(r.stack.tail, 1);
  });
}

// Single: the next input waits for the end of the work that uses the slot: work [2,3) [4,5) [6,7)
// [8,9), each gap of one cycle is the injection; the last output leaves in [9,10).
TEST(ExactCycles, SingleBufferingAlternates) {
  hw::Machine m = machine(1);
  m.network[1].bandwidth.per_kcycle = 1000;
  m.storage[2].buffering = hw::Buffering::Single;
  both(map(kFourRows, kRowByRow, m), [](const stats::LayerResult& r) {
    EXPECT_EQ(r.cycles, 10);
    EXPECT_EQ(r.stack.startup, 2);
    EXPECT_EQ(r.stack.compute, 4);
    EXPECT_EQ(r.stack.bandwidth, 3);
    EXPECT_EQ(r.stack.tail, 1);
  });
}

// Latency 5, double buffered: arrivals at 7 and 8, then slots are free at 8 and 9, so arrivals at
// 14 and 15; work [7,8) [8,9) [14,15) [15,16); the drain injects in [16,17) and arrives at 22.
TEST(ExactCycles, LatencyIsPipelinedAsFarAsSlotsAllow) {
  hw::Machine m = machine(1);
  m.network[1].bandwidth.per_kcycle = 1000;
  m.network[1].latency = 5;
  both(map(kFourRows, kRowByRow, m), [](const stats::LayerResult& r) {
    EXPECT_EQ(r.cycles, 22);
    EXPECT_EQ(r.stack.startup, 7);
    EXPECT_EQ(r.stack.latency, 5);
    EXPECT_EQ(r.stack.tail, 6);
  });
}

// Separate channels: input and weight of step 0 arrive together at 1, everything a cycle earlier.
TEST(ExactCycles, SeparateChannelsRunSideBySide) {
  hw::Machine m = machine(1);
  m.network[1].bandwidth.per_kcycle = 1000;
  m.network[1].channels = hw::Channels::Separate;
  both(map(kFourRows, kRowByRow, m), [](const stats::LayerResult& r) { EXPECT_EQ(r.cycles, 6); });
}

// Half a word per cycle: 2 words take 4 cycles, 1 word 2: injections end at 4, 6, 8, 10 (slots are
// free at 5 and 7), work [4,5) [6,7) [8,9) [10,11), the last output leaves in [11,13).
TEST(ExactCycles, RatesMayBeFractions) {
  hw::Machine m = machine(1);
  m.network[1].bandwidth.per_kcycle = 500;
  both(map(kFourRows, kRowByRow, m), [](const stats::LayerResult& r) {
    EXPECT_EQ(r.cycles, 13);
    EXPECT_EQ(r.network[1].fill_busy, 10);
    EXPECT_EQ(r.network[1].drain_busy, 8);
  });
}

// Bytes: an 8-bit input and weight are 2 bytes, a 32-bit output 4: at 4 bytes per cycle every
// transfer and drain takes one cycle. Arrivals 1, 2, 3 (slot at 2), 4; work to 5; drain to 6.
TEST(ExactCycles, RatesInBytesUseTheWidths) {
  hw::Machine m = machine(1);
  m.network[1].bandwidth = {4000, true};
  both(map(kFourRows, kRowByRow, m), [](const stats::LayerResult& r) { EXPECT_EQ(r.cycles, 6); });
}

// Four PEs each multiply one k: 1 cycle of work; a tree of 4 is 2 deep, a chain 3. Without
// reduction four words arrive, one is written and three are added.
TEST(ExactCycles, ReductionAddsItsDepth) {
  const char* const layer = "Type: GEMM Dimensions { M: 1, N: 1, K: 4 }";
  for (const auto& [reduction, cycles, words] :
       {std::tuple(hw::Reduction::Tree, 3, 1), std::tuple(hw::Reduction::Chain, 4, 1),
        std::tuple(hw::Reduction::None, 1, 4)}) {
    hw::Machine m = machine(4);
    m.network[1].reduction = reduction;
    both(map(layer, "SpatialMap(1,1) K;", m), [c = cycles, w = words](const stats::LayerResult& r) {
      EXPECT_EQ(r.cycles, c);
      EXPECT_EQ(r.network[1].link[2].drain_injected, w);
      EXPECT_EQ(r.network[1].link[2].drain_senders, 4);
      EXPECT_EQ(r.storage[1].access[2].drain_write, 1);
      EXPECT_EQ(r.storage[1].access[2].accumulate_write, w - 1);
    });
  }
}

// K outside N: both outputs are visited twice. Accumulate: the second visit is added in the
// buffer. Refetch: it is read back, so the PE reads 2 old sums and all 4 drains are plain writes.
TEST(ExactCycles, PartialSumsAreAddedInTheBufferOrReadBack) {
  const char* const layer = "Type: GEMM Dimensions { M: 1, N: 2, K: 2 }";
  const char* const flow = "TemporalMap(1,1) K; TemporalMap(1,1) N; SpatialMap(1,1) M;";
  hw::Machine m = machine(1);
  both(map(layer, flow, m), [](const stats::LayerResult& r) {
    EXPECT_EQ(r.storage[1].access[2].drain_write, 2);
    EXPECT_EQ(r.storage[1].access[2].accumulate_write, 2);
    EXPECT_EQ(r.storage[1].access[2].readback_read, 0);
    EXPECT_EQ(r.storage[2].access[2].operand_read, 0);
  });
  m.network[1].psum = hw::PsumPolicy::Refetch;
  both(map(layer, flow, m), [](const stats::LayerResult& r) {
    EXPECT_EQ(r.storage[1].access[2].drain_write, 4);
    EXPECT_EQ(r.storage[1].access[2].accumulate_write, 0);
    EXPECT_EQ(r.storage[1].access[2].readback_read, 2);
    EXPECT_EQ(r.storage[2].access[2].operand_read, 2);
  });
}

// Three outputs on two PEs: in the last fold PE 1 is idle and its weight of fold 0 is gone. With
// M = 2 outside, PE 0 loads weights 0, 2, 0, 2 and PE 1 weights 1, 1: six words.
TEST(ExactCycles, IdleUnitsLoseTheirTiles) {
  hw::Machine m = machine(2);
  both(map("Type: GEMM Dimensions { M: 2, N: 3, K: 1 }", "TemporalMap(1,1) M; SpatialMap(1,1) N;",
           m),
       [](const stats::LayerResult& r) {
         EXPECT_EQ(r.steps, 4);
         EXPECT_EQ(r.storage[2].access[1].fill_write, 6);
         EXPECT_EQ(r.storage[1].access[1].fill_read, 6);
       });
}

// A window of 3 slides over 8 columns on one PE: 3 inputs, then 1 per step, 8 in all. On two PEs,
// side by side, PE p needs columns 2f+p .. 2f+p+2 in fold f: 3, then 2 new ones in each of two more
// folds, 7 per PE. The network carries columns 0-3, then 3-5 (3, 4 for PE 0 and 4, 5 for PE 1),
// then 5-7: 4 + 3 + 3 = 10.
TEST(ExactCycles, HalosStayAndAreMulticast) {
  const char* const layer = "Type: CONV Dimensions { K: 1, C: 1, R: 1, S: 3, Y: 1, X: 8 }";
  both(map(layer, "TemporalMap(1,1) X'; SpatialMap(1,1) K;", machine(1)),
       [](const stats::LayerResult& r) {
         EXPECT_EQ(r.storage[2].access[0].fill_write, 8);
         EXPECT_EQ(r.storage[1].access[0].fill_read, 8);
       });
  hw::Machine two = machine(2);
  both(map(layer, "SpatialMap(1,1) X';", two), [](const stats::LayerResult& r) {
    EXPECT_EQ(r.steps, 3);
    EXPECT_EQ(r.storage[2].access[0].fill_write, 14);
    EXPECT_EQ(r.storage[1].access[0].fill_read, 10);
  });
  two.network[1].multicast = hw::Multicast::None;  // each copy of its own
  both(map(layer, "SpatialMap(1,1) X';", two),
       [](const stats::LayerResult& r) { EXPECT_EQ(r.storage[1].access[0].fill_read, 14); });
}

// A 1 x 1 kernel with stride 2 touches every second column: 4 of 7 stored ones move.
TEST(ExactCycles, WordsInTheHolesOfAStrideDoNotMove) {
  both(map("Type: CONV Stride { X: 2, Y: 1 } Dimensions { K: 1, C: 1, R: 1, S: 1, Y: 1, X: 7 }",
           "TemporalMap(2,2) X'; SpatialMap(1,1) K;", machine(1)),
       [](const stats::LayerResult& r) {
         EXPECT_EQ(r.storage[0].access[0].fill_read, 4);
         EXPECT_EQ(r.storage[2].access[0].fill_write, 4);
         EXPECT_EQ(r.storage[2].tile_words[0], 2);
       });
}

// Off-chip latency 10, buffer double buffered, a row of M at a time: 2 words at 1 per cycle for row
// 0 (input, weight) are there at 12. The arrays below cost nothing but their cycle of work.
TEST(ExactCycles, OffChipLatencyComesFirst) {
  hw::Machine m = machine(1);
  m.network[0].bandwidth.per_kcycle = 1000;
  m.storage[0].latency = 10;
  both(map(kFourRows, "TemporalMap(1,1) M; GlobalBuffer; SpatialMap(1,1) N;", m),
       [](const stats::LayerResult& r) {
         // Injections end at 2, 3; the slots of rows 0 and 1 are free once they have gone on to the
         // PE, at 12 and 13, so rows 2 and 3 arrive at 23 and 24. Work to 25, drain injected to 26.
         EXPECT_EQ(r.stack.startup, 12);
         EXPECT_EQ(r.cycles, 26);
         // Seen from the PE, in the gap from 14 to 23 the buffer does not hold row 2 yet.
         EXPECT_EQ(r.stack.level_above, 9);
       });
}

// Tiles of one input, one weight and one output, twice: 2 * (1 + 1 + 4) bytes, or 2 * 3 words.
TEST(ExactCycles, RequirementsCountWordsWhereCapacitiesDo) {
  hw::Machine m = machine(1);
  both(map(kFourRows, kRowByRow, m),
       [](const stats::LayerResult& r) { EXPECT_EQ(r.storage[2].required_bytes, 12); });
  m.capacity_in_words = true;
  both(map(kFourRows, kRowByRow, m),
       [](const stats::LayerResult& r) { EXPECT_EQ(r.storage[2].required_bytes, 6); });
}

TEST(ExactCycles, CollisionsOnABusOnlyDelay) {
  hw::Machine m = machine(2);
  m.network[1].bandwidth.per_kcycle = 1000;
  const char* const layer = "Type: GEMM Dimensions { M: 6, N: 2, K: 3 }";
  const char* const flow = "TemporalMap(1,1) M; TemporalMap(1,1) K; SpatialMap(1,1) N;";
  const stats::LayerResult pipe = sim::simulate(map(layer, flow, m)).result;
  m.network[1].topology = hw::Topology::Bus;
  const workloads::Mapping mapping = map(layer, flow, m);
  const sim::SimOutcome bus = sim::simulate(mapping);
  EXPECT_EQ(bus.functional, sim::Functional::Equal);
  EXPECT_GT(bus.result.cycles, pipe.cycles);
  EXPECT_GT(bus.result.stack.contention, 0);
  EXPECT_EQ(bus.result.network[1].fill_busy, pipe.network[1].fill_busy);
  EXPECT_LE(analytic::estimate(mapping).cycles, bus.result.cycles);
}

// Four inputs and a weight into the buffer, a word per cycle, out of it again, four outputs in and
// out: 5 + 5 + 4 + 4 cycles of its one port. Without turns: in [0,5), out [5,7) [7,8) [8,9) [9,10),
// work behind each, the last output in [11,12), all out in [12,16).
TEST(ExactCycles, OnePortIsAsLongAsAllThatGoesThrough) {
  hw::Machine m = machine(1);
  m.storage[1].read_port.per_kcycle = m.storage[1].write_port.per_kcycle = 1000;
  both(map(kFourRows, kRowByRow, m), [](const stats::LayerResult& r) { EXPECT_EQ(r.cycles, 16); });
  m.storage[1].banks = 1;
  both(map(kFourRows, kRowByRow, m), [](const stats::LayerResult& r) {
    EXPECT_EQ(r.storage[1].bank_busy, (std::array<std::int64_t, 3>{18, 0, 0}));
    EXPECT_EQ(r.cycles, 18);
    EXPECT_EQ(r.stack.startup, 7);
    EXPECT_EQ(r.stack.compute, 4);
  });
  // Seen from the PE two inputs come late, behind outputs: the turns were over when it ran dry.
  EXPECT_EQ(sim::simulate(map(kFourRows, kRowByRow, m)).result.stack.contention, 0);
  EXPECT_EQ(analytic::estimate(map(kFourRows, kRowByRow, m)).stack.contention, 2);
}

// Outputs in a bank of their own: the operands' bank is held for 10 cycles, the outputs' for 8.
// Simulated: inputs in [0,4), the weight [4,5); out input [5,6), weight [6,7), inputs [7,8) [8,9)
// [9,10), work behind each, the last output in [11,12), all out in [12,16). Without turns the
// weight comes beside the inputs, twice: 14, which is more than 10.
TEST(ExactCycles, BanksAreCountedByBothModels) {
  hw::Machine m = machine(1);
  m.storage[1].read_port.per_kcycle = m.storage[1].write_port.per_kcycle = 1000;
  for (hw::Network& n : m.network) n.channels = hw::Channels::Separate;
  m.storage[1].banks = 2;
  m.storage[1].bank = {0, 0, 1};
  const workloads::Mapping mapping = map(kFourRows, kRowByRow, m);
  const stats::LayerResult simulated = sim::simulate(mapping).result;
  const stats::LayerResult estimated = analytic::estimate(mapping);
  EXPECT_EQ(simulated.storage[1].bank_busy, (std::array<std::int64_t, 3>{10, 8, 0}));
  EXPECT_EQ(estimated.storage[1].bank_busy, simulated.storage[1].bank_busy);
  EXPECT_EQ(simulated.cycles, 16);
  EXPECT_EQ(estimated.cycles, 14);
}

// Four PEs finish an output each in every cycle. Two that share a line need two cycles for them;
// which two, `first` says.
TEST(ExactCycles, NeighboursShareALineToTheBuffer) {
  struct Case {
    std::int64_t children, first, each;  // cycles of a drain
  };
  for (const Case& c : {Case{1, 1, 1}, {2, 2, 2}, {2, 1, 2}, {3, 1, 3}, {3, 2, 2}, {4, 4, 4}}) {
    hw::Machine m = machine(4);
    m.network[1].drain_lines = {c.children, c.first, {1000, false}};
    both(map("Type: GEMM Dimensions { M: 3, N: 4, K: 1 }",
             "TemporalMap(1,1) M; SpatialMap(1,1) N; TemporalMap(1,1) K;", m),
         [&c](const stats::LayerResult& r) {
           EXPECT_EQ(r.network[1].drain_busy, 3 * c.each) << c.children << ' ' << c.first;
           EXPECT_EQ(r.network[1].link[2].drain_injected, 12);
           // The first results are there after a cycle of work, and drains follow each other.
           EXPECT_EQ(r.cycles, 1 + 3 * c.each);
         });
  }
}

// Bytes, the clock of the network, its overhead: 3 outputs of 4 bytes on a line of 8 bytes take 2
// cycles of the network and 3 of the machine, whose clock is half as fast again. The last line has
// one.
TEST(ExactCycles, LinesHaveTheClockOfTheirNetwork) {
  hw::Machine m = machine(4);
  m.bits.psum = 32;
  m.clock_mhz = 300;
  m.network[1].clock_mhz = 200;
  m.network[1].drain_overhead = 1;  // takes two cycles of the machine
  m.network[1].drain_lines = {3, 3, {8000, true}};
  both(map("Type: GEMM Dimensions { M: 1, N: 4, K: 1 }",
           "TemporalMap(1,1) M; SpatialMap(1,1) N; TemporalMap(1,1) K;", m),
       [](const stats::LayerResult& r) {
         EXPECT_EQ(r.network[1].drain_busy, 2 + 3);
         EXPECT_EQ(r.cycles, 1 + 2 + 3);
       });
}

// Four outputs in four PEs, a weight for each at first, and an input for all of them in every step.
// Over each tree of n PEs go n weights and an input, then three inputs, a word per cycle; the work
// of a step is behind its transfer.
TEST(ExactCycles, TreesBringWordsToTheirPes) {
  for (const std::int64_t pes : {1, 2, 4}) {
    hw::Machine m = machine(4);
    m.network[1].subtrees = {pes, {1000, false}};
    both(map("Type: GEMM Dimensions { M: 4, N: 4, K: 1 }",
             "TemporalMap(1,1) M; SpatialMap(1,1) N; TemporalMap(1,1) K;", m),
         [pes](const stats::LayerResult& r) {
           EXPECT_EQ(r.network[1].fill_busy, pes + 1 + 3);
           EXPECT_EQ(r.cycles, pes + 1 + 3 + 1);
           EXPECT_EQ(r.network[1].link[0].injected, 4);  // not once for each tree
           EXPECT_EQ(r.network[1].link[1].injected, 4);
         });
  }
}

// A cluster of three PEs, one kernel column each, slides over six input columns: the new column
// goes to the last of them. Without reuse of inputs the window is sent whole.
TEST(ExactCycles, TreesBringOnlyWhatTheClusterDoesNotHave) {
  const char* const layer = "Type: CONV Dimensions { K: 1, C: 1, R: 1, S: 3, Y': 1, X': 4 }";
  const char* const flow =
      "SpatialMap(1,1) K; TemporalMap(1,1) X'; Cluster(3,P); SpatialMap(1,1) S;";
  hw::Machine m = machine(3);
  m.network[1].subtrees = {3, {1000, false}};
  both(map(layer, flow, m), [](const stats::LayerResult& r) {
    EXPECT_EQ(r.network[1].fill_busy, (3 + 3) + 1 + 1 + 1);
    EXPECT_EQ(r.cycles, 9 + 1);
  });
  m.network[1].subtrees.pes = 1;
  both(map(layer, flow, m),
       [](const stats::LayerResult& r) { EXPECT_EQ(r.network[1].fill_busy, (1 + 1) + 1 + 1 + 1); });
  m.network[1].subtrees.pes = 3;
  m.network[1].reuse = {false, true};
  both(map(layer, flow, m), [](const stats::LayerResult& r) {
    EXPECT_EQ(r.network[1].fill_busy, (3 + 3) + 3 + 3 + 3);
    EXPECT_EQ(r.cycles, 15 + 1);
    EXPECT_EQ(r.network[1].link[0].injected, 4 * 3);
    EXPECT_EQ(r.network[1].link[1].injected, 3);
  });
}

// Two such clusters, for a filter each, and trees of two PEs: the second tree has the last PE of
// the first cluster and the first PE of the second one.
TEST(ExactCycles, TreesDoNotCareForClusters) {
  const char* const layer = "Type: CONV Dimensions { K: 2, C: 1, R: 1, S: 3, Y': 1, X': 4 }";
  const char* const flow =
      "SpatialMap(1,1) K; TemporalMap(1,1) X'; Cluster(3,P); SpatialMap(1,1) S;";
  hw::Machine m = machine(6);
  m.network[1].subtrees = {2, {1000, false}};
  both(map(layer, flow, m), [](const stats::LayerResult& r) {
    EXPECT_EQ(r.network[1].fill_busy, (2 + 2) + 1 + 1 + 1);  // two weights, two of the three inputs
  });
  m.network[1].subtrees.pes = 6;
  both(map(layer, flow, m),
       [](const stats::LayerResult& r) { EXPECT_EQ(r.network[1].fill_busy, (6 + 3) + 1 + 1 + 1); });
  m.network[1].subtrees.pes = 3;  // 16 bits of weights, 8 of inputs, two bytes per cycle
  m.network[1].subtrees.bandwidth = {2000, true};
  m.bits.input = 8;
  m.bits.weight = 16;
  both(map(layer, flow, m), [](const stats::LayerResult& r) {
    EXPECT_EQ(r.network[1].fill_busy, 5 + 1 + 1 + 1);  // 3 * 2 + 3 bytes, then one
  });
  // Which is what bounds the run: 8 cycles of 9.
  const workloads::Mapping mapping = map(layer, flow, m);
  const analytic::Roofline bounds = analytic::roofline(mapping, analytic::estimate(mapping));
  EXPECT_EQ(bounds.bounds[0].cycles, 8);
  EXPECT_EQ(bounds.bounds[0].resource, "trees of network 'array network'");
}

// The cost of an estimate must not grow with the layer: 1000 times the rows, the same transitions.
TEST(ExactCycles, EffortDoesNotGrowWithTheLayer) {
  hw::Machine m = machine(4);
  m.network[1].bandwidth.per_kcycle = 1500;
  std::array<analytic::Effort, 2> effort;
  for (int i = 0; i < 2; ++i) {
    const std::string rows = i == 0 ? "100" : "100000";
    const auto mapping = map("Type: GEMM Dimensions { M: " + rows + ", N: 64, K: 64 }",
                             "TemporalMap(1,1) M; SpatialMap(1,1) N; TemporalMap(8,8) K;", m);
    analytic::estimate(mapping, &effort[static_cast<std::size_t>(i)]);
  }
  EXPECT_EQ(effort[0].transitions, effort[1].transitions);
  EXPECT_LT(effort[1].transitions, 2000);
}

}  // namespace
}  // namespace counterpoint::validation
