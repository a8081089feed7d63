// SPDX-License-Identifier: Apache-2.0
// What real machines have beside rates and latencies (docs/machine.md, section 4), worked out by
// hand: both models must give it. "T2 [4,5]" is the transfer of step 2, injecting from cycle 4 to
// 5; W is work, D a drain.
#include "stats/energy.h"
#include "tests/validation/exact.h"

namespace counterpoint::validation {
namespace {

using stats::LayerResult;

// A word per cycle between the buffer and its one PE.
hw::Machine one_word() {
  hw::Machine m = machine(1);
  m.network[1].bandwidth.per_kcycle = 1000;
  return m;
}

// T0 [0,4], 2 words; T1 [4,7], T2 [7,10], T3 [10,13]; W0 [4,5], W1 [7,8], W2 [10,11], W3 [13,14];
// D0 [5,9], D1 [9,13], D2 [13,17], D3 [17,21].
TEST(MachineCosts, EveryTransferWithWordsHasItsOverhead) {
  hw::Machine m = one_word();
  m.network[1].fill_overhead = 2;
  m.network[1].drain_overhead = 3;
  both(map(kFourRows, kRowByRow, m), [](const LayerResult& r) {
    EXPECT_EQ(r.cycles, 21);
    EXPECT_EQ(r.network[1].fill_busy, 4 + 3 * 3);
    EXPECT_EQ(r.network[1].drain_busy, 4 * 4);
    EXPECT_EQ(r.network[0].fill_busy, 0);  // unlimited, no overhead
  });
}

// The overhead comes before the words whatever limits them: here the PE's write port, half a word
// per cycle: T0 takes 2 + 4 cycles, the others 2 + 2. W3 starts at 18; the drains take no time.
TEST(MachineCosts, OverheadComesBeforeTheWordsOfANarrowPortToo) {
  hw::Machine m = machine(1);
  m.storage[2].write_port.per_kcycle = 500;
  m.network[1].fill_overhead = 2;
  both(map(kFourRows, kRowByRow, m), [](const LayerResult& r) {
    EXPECT_EQ(r.cycles, 19);
    EXPECT_EQ(r.network[1].fill_busy, 6 + 3 * 4);
  });
}

// A transfer without words has no overhead: N is inside M, so every second step brings only a new
// weight, on a channel of its own; the inputs' channel sends twice.
TEST(MachineCosts, TransfersWithoutWordsHaveNoOverhead) {
  hw::Machine m = machine(1);
  m.network[1].channels = hw::Channels::Separate;
  m.network[1].fill_overhead = 5;
  both(map("Type: GEMM Dimensions { M: 2, N: 2, K: 1 }",
           "TemporalMap(1,1) M; TemporalMap(1,1) N; SpatialMap(1,1) K;", m),
       [](const LayerResult& r) { EXPECT_EQ(r.network[1].fill_busy, 2 * 5 + 4 * 5); });
}

// A quarter of a word per cycle towards the parent: T0 [0,2], T1 [2,3], T2 [3,4], T3 [4,5];
// W0 [2,3], W1 [3,4]; D0 [3,7], so W2 [7,8]; D1 [7,11], W3 [11,12]; D2 [11,15], D3 [15,19].
TEST(MachineCosts, DrainsMayHaveABandwidthOfTheirOwn) {
  hw::Machine m = one_word();
  m.network[1].drain_bandwidth = hw::Rate{250, false};
  both(map(kFourRows, kRowByRow, m), [](const LayerResult& r) {
    EXPECT_EQ(r.cycles, 19);
    EXPECT_EQ(r.network[1].fill_busy, 5);
    EXPECT_EQ(r.network[1].drain_busy, 16);
    EXPECT_EQ(r.stack.drain, 3 + 3);
  });
}

// Unlimited drains beside limited fills: as DoubleBufferingHidesTheTransfers, without the last D.
TEST(MachineCosts, DrainsMayBeUnlimitedBesideLimitedFills) {
  hw::Machine m = one_word();
  m.network[1].drain_bandwidth = hw::Rate{};
  both(map(kFourRows, kRowByRow, m), [](const LayerResult& r) {
    EXPECT_EQ(r.cycles, 6);
    EXPECT_EQ(r.network[1].drain_busy, 0);
  });
}

// Bursts of 4 words: whatever travels takes 4 cycles. T0 [0,4], T1 [4,8], T2 [8,12], T3 [12,16];
// W3 [16,17]; D0 [5,9], D1 [9,13], D2 [13,17], D3 [17,21].
TEST(MachineCosts, BurstsAreWhole) {
  hw::Machine m = one_word();
  m.network[1].burst = {4, false};
  both(map(kFourRows, kRowByRow, m), [](const LayerResult& r) { EXPECT_EQ(r.cycles, 21); });
}

// Bursts of 8 bytes, 4 bytes per cycle: input and weight (2 bytes) take 2 cycles, an output (4)
// too. T0 [0,2], T1 [2,4], T2 [4,6], T3 [6,8]; W3 [8,9]; D0 [3,5], D1 [5,7], D2 [7,9], D3 [9,11].
TEST(MachineCosts, BurstsMayBeOfBytes) {
  hw::Machine m = machine(1);
  m.network[1].bandwidth = {4000, true};
  m.network[1].burst = {8, true};
  both(map(kFourRows, kRowByRow, m), [](const LayerResult& r) { EXPECT_EQ(r.cycles, 11); });
}

const char* const kTenProducts = "Type: GEMM Dimensions { M: 1, N: 1, K: 10 }";
const char* const kAtOnce = "SpatialMap(1,1) N;";

// 20 words are 5 bursts of 4, each 2 cycles on the link; a round trip is 7 + 1 cycles. Two in
// flight: bursts are sent at 0, 2, 10, 12 and 20, so the injection ends at 22; arrival at 30, work
// to 40; one word leaves as a burst of 2 cycles and flies 1. Five in flight: sent at 0, 2, 4, 6, 8.
// Four: the fifth waits for the first, which is there at 10.
TEST(MachineCosts, RequestsInFlightAreBounded) {
  hw::Machine m = machine(1);
  m.storage[0].latency = 7;
  m.network[0].latency = 1;
  m.network[0].bandwidth.per_kcycle = 2000;
  m.network[0].burst = {4, false};
  for (const auto& [in_flight, injected] : {std::pair(1, 42), {2, 22}, {3, 14}, {4, 12}, {5, 10}}) {
    m.storage[0].in_flight = in_flight;
    both(map(kTenProducts, kAtOnce, m), [end = injected](const LayerResult& r) {
      EXPECT_EQ(r.network[0].fill_busy, end);
      EXPECT_EQ(r.cycles, end + 8 + 10 + 2 + 1);
    });
  }
  m.storage[0].in_flight = 0;
  both(map(kTenProducts, kAtOnce, m), [](const LayerResult& r) { EXPECT_EQ(r.cycles, 31); });
}

// A core of 200 MHz, a link of 60: 20 words take 20 cycles of the link, 66 2/3 of the core, so 67;
// the latency of 3 is 10. Arrival 77, work to 87, one word up 4 cycles, 10 more of latency. The
// overhead of 2 is 7 cycles (6 2/3) in either direction.
TEST(MachineCosts, ANetworkMayHaveItsOwnClock) {
  hw::Machine m = machine(1);
  m.clock_mhz = 200;
  m.network[0].clock_mhz = 60;
  m.network[0].bandwidth.per_kcycle = 1000;
  m.network[0].latency = 3;
  both(map(kTenProducts, kAtOnce, m), [](const LayerResult& r) { EXPECT_EQ(r.cycles, 101); });
  m.network[0].fill_overhead = m.network[0].drain_overhead = 2;
  both(map(kTenProducts, kAtOnce, m), [](const LayerResult& r) { EXPECT_EQ(r.cycles, 115); });
}

// Four times as fast: 20 words take 5 cycles, 1 word 1, the latency of 3 is 1.
TEST(MachineCosts, ANetworkMayBeFasterThanTheMachine) {
  hw::Machine m = machine(1);
  m.network[0].clock_mhz = 4 * m.clock_mhz;
  m.network[0].bandwidth.per_kcycle = 1000;
  m.network[0].latency = 3;
  both(map(kTenProducts, kAtOnce, m), [](const LayerResult& r) { EXPECT_EQ(r.cycles, 18); });
}

// Four steps of 1 + 3 cycles, after 10 cycles of configuration.
TEST(MachineCosts, StepsHaveAnOverheadAndTheMachineStartsUp) {
  hw::Machine m = machine(1);
  m.step_overhead = 3;
  m.startup = 10;
  both(map(kFourRows, kRowByRow, m), [](const LayerResult& r) {
    EXPECT_EQ(r.cycles, 26);
    EXPECT_EQ(r.stack.startup, 10);
    EXPECT_EQ(r.stack.compute, 16);
    EXPECT_EQ(r.network[1].average_cycles, 16);  // over 5 words: not reduced
  });
}

// Four steps of 1 product take 4 cycles each, as above; with an overhead 4 + 3. Ten products in one
// step are nine cycles longer than one, and only more than ten cycles is longer still.
TEST(MachineCosts, StepsTakeALeastTime) {
  hw::Machine m = machine(1);
  m.step_minimum = 4;
  m.startup = 10;
  both(map(kFourRows, kRowByRow, m), [](const LayerResult& r) {
    EXPECT_EQ(r.cycles, 26);
    EXPECT_EQ(r.stack.compute, 16);
    EXPECT_EQ(r.network[1].average_cycles, 16);
  });
  m.step_overhead = 3;
  both(map(kFourRows, kRowByRow, m), [](const LayerResult& r) {
    EXPECT_EQ(r.cycles, 10 + 4 * (4 + 3));
    EXPECT_EQ(r.stack.compute, 28);
  });
  m.step_overhead = m.startup = 0;
  for (const std::int64_t least : {0, 9, 10, 12}) {
    m.step_minimum = least;
    both(map(kTenProducts, kAtOnce, m),
         [&](const LayerResult& r) { EXPECT_EQ(r.stack.compute, least == 12 ? 12 : 10); });
  }
}

// W0 [0,1]; of one step in flight, the next starts 5 cycles after its end: W1 [6,7], W2 [12,13],
// W3 [18,19]. Of two: W0 [0,1], W1 [1,2], W2 [6,7], W3 [7,8].
TEST(MachineCosts, FewStepsAreInFlight) {
  hw::Machine m = machine(1);
  for (const auto& [steps, cycles, latency] :
       {std::tuple(1, 19, 15), {2, 8, 4}, {3, 7, 3}, {4, 4, 0}}) {
    m.step_window = {steps, 5};
    both(map(kFourRows, kRowByRow, m), [&, c = cycles, l = latency](const LayerResult& r) {
      EXPECT_EQ(r.cycles, c);
      EXPECT_EQ(r.stack.latency, l);
      EXPECT_EQ(r.stack.compute, 4);
    });
  }
}

// One slot for inputs, T0 [0,2], W0 [2,3]. The next input may follow at once: T1 [2,3], W1 [3,4],
// T2 [3,4], W2 [4,5], T3 [4,5], W3 [5,6], D3 [6,7]. Or 3 cycles after the start of W0, longer than
// it works: T1 [5,6], W1 [6,7], T2 [9,10], W2 [10,11], T3 [13,14], W3 [14,15], D3 [15,16].
TEST(MachineCosts, InputsFollowEachOtherThroughThePe) {
  hw::Machine m = one_word();
  m.storage[2].buffering = {hw::Buffering::Single, hw::Buffering::Double, hw::Buffering::Double};
  for (const auto& [behind, cycles] : {std::pair(0, 7), {1, 10}, {3, 16}}) {
    m.storage[2].follows[0] = behind;
    both(map(kFourRows, kRowByRow, m),
         [c = cycles](const LayerResult& r) { EXPECT_EQ(r.cycles, c); });
  }
}

// Two tiles of one row of 4 inputs each; the weights are 4 lines of one word. In rows of 2 bytes
// the first tile has 2 + 4 rows, the second 2.
const char* const kTwoPixels = "Type: CONV Dimensions { N: 1, K: 1, C: 4, R: 1, S: 1, Y: 2, X: 1 }";
const char* const kPixelByPixel = "TemporalMap(1,1) Y'; GlobalBuffer; TemporalMap(4,4) C;";

TEST(MachineCosts, MemoryIsReadInRows) {
  hw::Machine m = machine(1);
  const auto busy = [&](std::int64_t cycles) {
    both(map(kTwoPixels, kPixelByPixel, m),
         [&](const LayerResult& r) { EXPECT_EQ(r.network[0].fill_busy, cycles); });
  };
  m.storage[0].rows.bytes = 2;
  m.storage[0].rows.cycles = 7;
  busy(6 * 7 + 2 * 7);
  m.storage[0].rows.bytes = 4;  // a tile's inputs are one row
  busy(5 * 7 + 7);
  m.network[0].bandwidth = {250, true};  // 4 bytes take 16 cycles
  busy(4 * 7 + 16 + 16);
}

// A pixel has one output channel, of 4 bytes; both leave alone.
TEST(MachineCosts, MemoryIsWrittenInRows) {
  hw::Machine m = machine(1);
  m.storage[0].rows.bytes = 64;
  m.storage[0].rows.drain_cycles = 9;
  both(map(kTwoPixels, kPixelByPixel, m),
       [&](const LayerResult& r) { EXPECT_EQ(r.network[0].drain_busy, 9 + 9); });
  // Two filters are next to each other: one row for both. Outputs begin at byte 8192, which is the
  // third of a row of 7 bytes: so the first pixel's words begin in one, the second's in two.
  const std::string two = "Type: CONV Dimensions { N: 1, K: 2, C: 4, R: 1, S: 1, Y: 2, X: 1 }";
  for (const auto& [bytes, cycles] : {std::pair(8, 9 + 9), {7, 9 + 2 * 9}}) {
    m.storage[0].rows.bytes = bytes;
    both(map(two, kPixelByPixel, m),
         [c = cycles](const LayerResult& r) { EXPECT_EQ(r.network[0].drain_busy, c); });
  }
  m.network[0].drain_bandwidth = hw::Rate{250, true};  // 4 bytes take 16 cycles
  both(map(two, kPixelByPixel, m),
       [&](const LayerResult& r) { EXPECT_EQ(r.network[0].drain_busy, 4 * 16); });
}

// Lines of 2 bytes: 0 to 3 inputs, 2048 and 2049 weights. Step 0 reads lines 0 and 1, then four
// rows of one weight each: two of each line. Step 1 reads lines 2 and 3.
TEST(MachineCosts, RowsAreFoundInCaches) {
  hw::Machine m = machine(1);
  hw::Rows& rows = m.storage[0].rows;
  const auto busy = [&](std::int64_t cycles) {
    both(map(kTwoPixels, kPixelByPixel, m),
         [&](const LayerResult& r) { EXPECT_EQ(r.network[0].fill_busy, cycles); });
  };
  rows.bytes = 2;
  rows.cycles = 7;
  rows.caches.resize(1);
  hw::Cache& cache = rows.caches[0];
  cache.cycles = 3;
  cache.capacity_bytes = 12;  // has all of them from the start
  cache.ways = 6;
  busy(6 * 3 + 2 * 3);
  // Even lines in one set, odd ones in the other: only the second weight of a line is found.
  cache.capacity_bytes = 4;
  cache.ways = 1;
  busy(2 * 7 + 2 * (7 + 3) + 2 * 7);
  rows.caches.push_back({12, 6, 4, 0, 0});  // what the first cache misses, the second has
  busy(2 * 4 + 2 * (4 + 3) + 2 * 4);
  rows.caches.pop_back();
  m.network[0].reuse = {true, false};  // the weights once more, behind lines 2 and 3
  busy(2 * (2 * 7 + 2 * (7 + 3)));
}

// One set of two ways. The register goes through ACE1, E270, 7138, 389C, 1C4E, 0E27, B313, ED89,
// C2C4: the last bit is the way. Before step 0: lines 0 and 1 take the free ways, 2, 3, 2048 and
// 2049 way 0 one after the other. Step 0: line 0 takes way 1, line 1 the same, 2048, too, and 2049
// is still there. Step 1: lines 2 and 3 are not.
TEST(MachineCosts, AShiftRegisterSaysWhichLineGoes) {
  hw::Machine m = machine(1);
  m.storage[0].rows.bytes = 2;
  m.storage[0].rows.cycles = 7;
  m.storage[0].rows.caches = {{4, 2, 3, 0, 0}};
  both(map(kTwoPixels, kPixelByPixel, m), [&](const LayerResult& r) {
    EXPECT_EQ(r.network[0].fill_busy, 2 * 7 + (7 + 3) + (3 + 3) + 2 * 7);
  });
}

// Pixels of 3 bytes, lines of 4: the second pixel is in two lines, which are read at once. The
// cache has one line, so the three weights, which share one, miss once.
TEST(MachineCosts, ARowTakesAsLongAsItsSlowestLine) {
  hw::Machine m = machine(1);
  m.storage[0].rows.bytes = 4;
  m.storage[0].rows.cycles = 7;
  m.storage[0].rows.caches = {{4, 1, 3, 0, 0}};
  both(map("Type: CONV Dimensions { N: 1, K: 1, C: 3, R: 1, S: 1, Y: 2, X: 1 }", kPixelByPixel, m),
       [&](const LayerResult& r) { EXPECT_EQ(r.network[0].fill_busy, 7 + (7 + 3 + 3) + 7); });
}

// Inputs have lines of 4 bytes: with two banks of 2 bytes all begin in the same one.
TEST(MachineCosts, LinesOfOneBankTakeTurns) {
  hw::Machine m = machine(1);
  m.storage[0].rows.bytes = 2;
  m.storage[0].rows.cycles = 7;
  for (const auto& [banks, cycles] : {std::pair(2, 5), {4, 3}}) {
    m.storage[0].rows.caches = {{12, 6, 3, banks, 5}};
    both(map(kTwoPixels, kPixelByPixel, m), [c = cycles](const LayerResult& r) {
      EXPECT_EQ(r.network[0].fill_busy, 2 * c + 4 * 3 + 2 * c);
    });
  }
}

// Every third pixel of a row of 7 works. Loaded whole, all of them are read (and 4 weights).
TEST(MachineCosts, WholeTilesAreBoxes) {
  hw::Machine m = machine(1);
  m.storage[0].rows.bytes = 4;
  m.storage[0].rows.cycles = 7;
  const auto busy = [&](std::int64_t cycles) {
    both(map("Type: CONV Stride { Y: 3, X: 1 } "
             "Dimensions { N: 1, K: 1, C: 4, R: 1, S: 1, Y: 7, X: 1 }",
             "TemporalMap(3,3) Y'; GlobalBuffer; TemporalMap(4,4) C;", m),
         [&](const LayerResult& r) { EXPECT_EQ(r.network[0].fill_busy, cycles); });
  };
  busy((3 + 4) * 7);
  m.network[0].reuse = {false, true};
  busy((7 + 4) * 7);
}

// Lines of 8 bytes: 0 is of inputs, 512 of weights, 1024 and (two filters) 1025 of outputs. A cache
// of one line never has an output's: the step's inputs are read before. It is allocated, and read
// if half of it is written. A cache of four lines has it from the start.
TEST(MachineCosts, LinesThatAreWrittenAreAllocated) {
  hw::Machine m = machine(1);
  hw::Rows& rows = m.storage[0].rows;
  rows.bytes = 8;
  rows.cycles = 7;
  rows.drain_cycles = 2;
  rows.allocate_cycles = 5;
  const auto busy = [&](std::int64_t filters, std::int64_t lines, std::int64_t cycles) {
    rows.caches = {{8 * lines, lines, 3, 0, 0}};
    both(map("Type: CONV Dimensions { N: 1, K: " + std::to_string(filters) +
                 ", C: 4, R: 1, S: 1, Y: 2, X: 1 }",
             kPixelByPixel, m),
         [&](const LayerResult& r) { EXPECT_EQ(r.network[0].drain_busy, cycles); });
  };
  busy(1, 1, 2 * (2 + 5 + 7));
  busy(2, 1, 2 * (2 + 5));
  busy(1, 4, 2 * 2);
}

// Two slots of each tensor: T0 [0,2], W0 [2,3], T1 [2,3], D0 [3,4], W1 [3,4], D1 [4,5]. T2 waits
// for D0, too: [4,5], W2 [5,6], D2 [6,7]; T3 for D1: [5,6], W3 [6,7], D3 [7,8]. With one slot of
// outputs, T1 [4,5], W1 [5,6], D1 [6,7], T2 [7,8], W2, D2 [9,10], T3 [10,11], W3, D3 [12,13].
TEST(MachineCosts, SlotsAreTakenTogether) {
  hw::Machine m = one_word();
  for (const auto& [outputs, cycles] :
       {std::pair(hw::Buffering::Double, 8), {hw::Buffering::Single, 13}}) {
    m.storage[2].buffering = {hw::Buffering::Double, hw::Buffering::Double, outputs};
    m.storage[2].slots_together = true;
    both(map(kFourRows, kRowByRow, m),
         [c = cycles](const LayerResult& r) { EXPECT_EQ(r.cycles, c); });
  }
}

// One slot for outputs only: T0 [0,2], T1 [2,3], T2 [3,4]; W0 [2,3], D0 [3,4], W1 [4,5], D1 [5,6],
// W2 [6,7], D2 [7,8], W3 [8,9], D3 [9,10]. In the PE a tile is 1 + 1 + 4 bytes, of which the output
// is there once.
TEST(MachineCosts, EachTensorHasItsOwnSlots) {
  hw::Machine m = one_word();
  m.storage[2].buffering = {hw::Buffering::Double, hw::Buffering::Double, hw::Buffering::Single};
  both(map(kFourRows, kRowByRow, m), [](const LayerResult& r) {
    EXPECT_EQ(r.cycles, 10);
    EXPECT_EQ(r.stack.drain, 3);
    EXPECT_EQ(r.stack.bandwidth, 0);
    EXPECT_EQ(r.storage[2].required_bytes, 6 + 2);
  });
  // One slot for inputs: as SingleBufferingAlternates, while outputs leave beside it.
  m.storage[2].buffering = {hw::Buffering::Single, hw::Buffering::Double, hw::Buffering::Double};
  both(map(kFourRows, kRowByRow, m), [](const LayerResult& r) {
    EXPECT_EQ(r.cycles, 10);
    EXPECT_EQ(r.stack.bandwidth, 3);
    EXPECT_EQ(r.storage[2].required_bytes, 6 + 5);
  });
}

// Two partial products of each of two outputs in turn, added in the buffer: what leaves the PE is
// 32 bits wide, what leaves the buffer is finished and has 8. At a byte per cycle and word a drain
// takes 4 cycles. T0 [0,2] (input, weight), T1 [2,3], T2 [3,5] (both), T3 [5,6]; W0 [2,3], D0
// [3,7], W1 [3,4], D1 [7,11]; W2 waits for the slot of D0: [7,8], W3 for that of D1: [11,12]; D2
// [11,15], D3 [15,19]; then two words on the link: 8 cycles, or 2. Energy: per bit read or written
// 1, and 1 per bit and hop: each of the two words costs 8 where it is read from the buffer, written
// off-chip and moved, instead of 32.
TEST(MachineCosts, FinishedOutputsMayBeNarrower) {
  hw::Machine m = machine(1);
  m.energy.name = "per bit";
  for (hw::Storage& s : m.storage) s.energy = {1, 1, 1};
  for (hw::Network& n : m.network) {
    n.bandwidth = {1000, true};
    n.energy_per_hop_pj = 1;
    n.energy_bits = 1;
  }
  m.network[0].bandwidth = {};
  m.network[0].drain_bandwidth = hw::Rate{1000, true};
  const char* const layer = "Type: GEMM Dimensions { M: 2, N: 1, K: 2 }";
  const char* const flow = "TemporalMap(1,1) K; TemporalMap(1,1) M; SpatialMap(1,1) N;";
  double wide = 0;
  both(map(layer, flow, m), [&](const LayerResult& r) {
    EXPECT_EQ(r.cycles, 27);
    wide = stats::energy(map(layer, flow, m).machine, r).total();
  });
  m.bits.output = 8;
  both(map(layer, flow, m), [&](const LayerResult& r) {
    EXPECT_EQ(r.network[1].drain_busy, 4 * 4);
    EXPECT_EQ(r.network[0].drain_busy, 2);
    EXPECT_EQ(r.cycles, 21);
    EXPECT_EQ(stats::energy(map(layer, flow, m).machine, r).total(), wide - 2 * 3 * 24);
  });
  // In one visit they are finished in the PE.
  both(map(layer, kAtOnce, m), [](const LayerResult& r) { EXPECT_EQ(r.network[1].drain_busy, 2); });
  // In two visits one after the other, too.
  both(map(layer, "TemporalMap(1,1) M; TemporalMap(1,1) K; SpatialMap(1,1) N;", m),
       [](const LayerResult& r) { EXPECT_EQ(r.network[1].drain_busy, 2); });
}

// --- what passes the global buffer by
// --------------------------------------------------------------

// 1 word per cycle off-chip, 5 + 2 cycles away; 2 words per cycle and 1 cycle to the PE. The buffer
// gets 4 inputs: [0,4], there at 11. The weight comes in one cycle over both networks: there at 9.
// T0 [11,12], T1 [12,13]; W0 [13,14], W1 [14,15]; T2 [14,15], T3 [15,16]; W2 [16,17], W3 [17,18];
// D3 [18,19], there at 20; 4 outputs leave the buffer in [20,24] and are there at 26.
TEST(PassingBy, WeightsComeStraightFromMemory) {
  hw::Machine m = machine(1);
  m.storage[0].latency = 5;
  m.network[0].bandwidth.per_kcycle = 1000;
  m.network[0].latency = 2;
  m.network[1].bandwidth.per_kcycle = 2000;
  m.network[1].latency = 1;
  m.storage[1].holds[1] = false;
  both(map(kFourRows, kRowByRow, m), [](const LayerResult& r) {
    EXPECT_EQ(r.cycles, 26);
    EXPECT_EQ(r.storage[0].access[1].fill_read, 1);
    EXPECT_EQ(r.storage[1].access[1].reads() + r.storage[1].access[1].writes(), 0);
    EXPECT_EQ(r.storage[2].access[1].fill_write, 1);
    EXPECT_EQ(r.network[0].link[1].injected, 1);
    EXPECT_EQ(r.network[1].link[1].injected, 1);
    EXPECT_EQ(r.network[0].fill_busy, 4);
    EXPECT_EQ(r.network[1].fill_busy, 1 + 4);
    EXPECT_EQ(r.storage[1].tile_words[1], 0);
    EXPECT_EQ(r.storage[1].required_bytes, 2 * (4 * 1 + 4 * 4));
  });
  // Its own overheads: the longer of 3 + 1 and 1 + 1 cycles; with memory used from cycle 20 on the
  // weight is there at 20 + 4 + 8, the inputs (3 + 4 cycles) at 20 + 7 + 7.
  m.network[0].fill_overhead = 3;
  m.network[1].fill_overhead = 1;
  m.startup = 20;
  both(map(kFourRows, kRowByRow, m), [](const LayerResult& r) {
    EXPECT_EQ(r.network[0].fill_busy, 3 + 4);
    EXPECT_EQ(r.network[1].fill_busy, 4 + 4 * 2);
    EXPECT_EQ(r.stack.startup, 34 + 2 + 1);
  });
}

// M outside N: the PE needs weights 0, 1, 0, 1. The buffer reads them once from memory, else all
// four come from there; and inputs likewise, which stay while N moves.
TEST(PassingBy, NothingIsReusedThatIsNotHeld) {
  const char* const layer = "Type: GEMM Dimensions { M: 2, N: 2, K: 1 }";
  const char* const flow = "TemporalMap(1,1) M; TemporalMap(1,1) N; SpatialMap(1,1) K;";
  hw::Machine m = machine(1);
  both(map(layer, flow, m),
       [](const LayerResult& r) { EXPECT_EQ(r.storage[0].access[1].fill_read, 2); });
  m.storage[1].holds = {false, false, true};
  both(map(layer, flow, m), [](const LayerResult& r) {
    EXPECT_EQ(r.storage[0].access[1].fill_read, 4);
    EXPECT_EQ(r.storage[0].access[0].fill_read, 2);
    EXPECT_EQ(r.storage[1].access[0].reads() + r.storage[1].access[1].reads(), 0);
  });
}

// Two PEs get the same weight: memory reads it once if the network copies words, else twice.
TEST(PassingBy, TheNetworkToTheChildrenCopiesWords) {
  hw::Machine m = machine(2);
  m.storage[1].holds[1] = false;
  for (const auto& [multicast, words] :
       {std::pair(hw::Multicast::Word, 1), {hw::Multicast::None, 2}}) {
    m.network[1].multicast = multicast;
    both(map("Type: GEMM Dimensions { M: 2, N: 1, K: 1 }", "SpatialMap(1,1) M;", m),
         [n = words](const LayerResult& r) {
           EXPECT_EQ(r.storage[0].access[1].fill_read, n);
           EXPECT_EQ(r.network[1].link[1].delivered, 2);
         });
  }
}

// 10 inputs, 10 weights, 1 output of 4 bytes, two of each: 48 bytes, without the weights 28.
TEST(PassingBy, WhatIsNotHeldNeedsNoRoom) {
  hw::Machine m = machine(1);
  m.storage[1].capacity_bytes = 28;
  m.storage[1].holds[1] = false;
  both(map(kTenProducts, kAtOnce, m), [](const LayerResult& r) {
    EXPECT_EQ(r.storage[1].required_bytes, 28);
    EXPECT_EQ(r.cycles, 10);
  });
}

// --- systolic arrays --------------------------------------------------------------------------

// SCALE-Sim's run time of folds that do not overlap (its "total cycles" are the index of the last
// one): R + C + T - 2 per fold if outputs stay, 2R + C + T - 2 if weights stay, on 8 x 8 PEs with
// M = N = K = 16: 119 and 151. A fold is a step; what its 16 MACs do not show is its overhead.
TEST(Systolic, FoldsThatDoNotOverlapAreStepsWithAnOverhead) {
  const char* const layer = "Type: GEMM Dimensions { M: 16, N: 16, K: 16 }";
  hw::Machine m = machine(64);
  m.step_overhead = 8 + 8 - 2;
  both(map(layer, "SpatialMap(1,1) M; TemporalMap(8,8) N; Cluster(8,P); SpatialMap(1,1) N;", m),
       [](const LayerResult& r) { EXPECT_EQ(r.cycles, 119 + 1); });
  m.step_overhead = 2 * 8 + 8 - 2;
  both(map(layer, "SpatialMap(1,1) N; TemporalMap(8,8) K; Cluster(8,P); SpatialMap(1,1) K;", m),
       [](const LayerResult& r) { EXPECT_EQ(r.cycles, 151 + 1); });
}

// Outputs stay, operands stream through 2 x 3 PEs, K = 5 steps: the last PE does everything 1 + 2
// cycles after the first, so a fold takes 5 + 3 = R + C + T - 2 cycles. The second fold follows in
// the wake of the first: 2 T + R + C - 2.
TEST(Systolic, OperandsStreamThroughUnitsOneAfterTheOther) {
  const char* const flow =
      "SpatialMap(1,1) M; TemporalMap(3,3) N; TemporalMap(1,1) K; Cluster(3,P); SpatialMap(1,1) N;";
  hw::Machine m = machine(6);
  m.network[1].skew = hw::Network::kChain;
  both(map("Type: GEMM Dimensions { M: 2, N: 3, K: 5 }", flow, m), [](const LayerResult& r) {
    EXPECT_EQ(r.cycles, 2 + 3 + 5 - 2);
    EXPECT_EQ(r.stack.compute, 2 * 5);  // of two rows
  });
  const char* const two = "Type: GEMM Dimensions { M: 4, N: 3, K: 5 }";
  both(map(two, flow, m), [](const LayerResult& r) { EXPECT_EQ(r.cycles, 2 * 5 + 2 + 3 - 2); });
}

// Weights stay: 2 x 3 of them come in 2 cycles (a row of 3 per cycle), 5 rows of inputs stream,
// sums go down 2 PEs (a chain, 1 cycle) and leave over 3 columns (2 cycles): 2R + C + T - 2 = 10.
// The second fold's weights come while the first one's inputs stream: T more.
TEST(Systolic, StationaryOperandsArePreloaded) {
  const char* const flow =
      "SpatialMap(1,1) N; TemporalMap(2,2) K; TemporalMap(1,1) M; Cluster(2,P); SpatialMap(1,1) K;";
  hw::Machine m = machine(6);
  m.network[1].channels = hw::Channels::Separate;
  m.network[1].bandwidth.per_kcycle = 3000;
  m.network[1].drain_bandwidth = hw::Rate{};
  m.network[1].skew = hw::Network::kChain;
  m.implied_network = hw::Network{};
  m.implied_network->channels = hw::Channels::Separate;
  m.implied_network->reduction = hw::Reduction::Chain;
  both(map("Type: GEMM Dimensions { M: 5, N: 3, K: 2 }", flow, m),
       [](const LayerResult& r) { EXPECT_EQ(r.cycles, 2 * 2 + 3 + 5 - 2); });
  both(map("Type: GEMM Dimensions { M: 5, N: 3, K: 4 }", flow, m),
       [](const LayerResult& r) { EXPECT_EQ(r.cycles, 2 * 2 + 3 + 2 * 5 - 2); });
}

// The lag may be given in cycles, and the depth of a reducing network comes on top.
TEST(Systolic, TheLagMayBeGivenInCycles) {
  hw::Machine m = machine(4);
  m.network[1].skew = 6;
  m.network[1].reduction = hw::Reduction::Tree;
  both(map("Type: GEMM Dimensions { M: 1, N: 1, K: 4 }", "SpatialMap(1,1) K;", m),
       [](const LayerResult& r) { EXPECT_EQ(r.cycles, 1 + 6 + 2); });
}

}  // namespace
}  // namespace counterpoint::validation
