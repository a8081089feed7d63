// SPDX-License-Identifier: Apache-2.0
#include "hw/machine_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "input/data_dir.h"

namespace counterpoint::hw {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A whole machine; every test changes one thing of it.
const std::string kGood = R"(name: demo
description: for tests
clock: 200 MHz
pes: 64
lanes: 2
pipeline_latency: 3
bits: {input: 16, weight: 8, psum: 32}
storage:
  - level: off_chip
    name: DRAM
    latency: 20
    read_port: 16 bytes
    network: {bandwidth: 1.2 words, latency: 4, psum: refetch, topology: bus}
  - level: global_buffer
    capacity: 108 KiB
    buffering: single
    read_port: 8 words
    write_port: 4.5 bytes
    energy: {read: 6, write: 7, bits: 16}
    network: {bandwidth: 8 words, multicast: tile, reduction: tree, channels: separate}
  - level: cluster_buffer
    cluster_pes: 16
    capacity: 1 KiB
    network: {multicast: none, reduction: chain, hop_energy: {energy: 3, bits: 8}}
  - level: pe_buffer
    capacity: 512 B
implied_network: {bandwidth: 2 words, latency: 5}
energy: eyeriss_norm
)";

std::string with(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

struct Read {
  std::vector<input::Diagnostic> diagnostics;
  std::optional<Machine> machine;
  explicit Read(const std::string& text) { machine = read_machine(text, "m.yaml", diagnostics); }
};

/// The text is refused with exactly one message that has all the parts.
void expect_refused(const std::string& text, const std::string& code,
                    const std::vector<std::string>& parts) {
  const Read r(text);
  EXPECT_FALSE(r.machine);
  ASSERT_EQ(r.diagnostics.size(), 1u) << format(r.diagnostics) << "in\n" << text;
  EXPECT_EQ(r.diagnostics[0].code, code);
  for (const std::string& p : parts) EXPECT_THAT(r.diagnostics[0].message, HasSubstr(p));
  EXPECT_EQ(r.diagnostics[0].file, "m.yaml");
  EXPECT_GT(r.diagnostics[0].pos.line, 0);
}

TEST(MachineFile, EveryValueArrives) {
  const Read r(kGood);
  ASSERT_TRUE(r.machine) << format(r.diagnostics);
  EXPECT_THAT(r.diagnostics, IsEmpty());
  const Machine& m = *r.machine;
  EXPECT_EQ(m.name, "demo");
  EXPECT_EQ(m.description, "for tests");
  EXPECT_EQ(m.file, "m.yaml");
  EXPECT_DOUBLE_EQ(m.clock_mhz, 200);
  EXPECT_EQ(m.pes, 64);
  EXPECT_EQ(m.lanes, 2);
  EXPECT_EQ(m.pipeline_latency, 3);
  EXPECT_EQ(m.bits.input, 16);
  EXPECT_EQ(m.bits.weight, 8);
  EXPECT_EQ(m.bits.psum, 32);
  EXPECT_FALSE(m.capacity_in_words);

  ASSERT_EQ(m.storage.size(), 4u);
  EXPECT_EQ(m.storage[0].name, "DRAM");
  EXPECT_EQ(m.storage[0].latency, 20);
  EXPECT_EQ(m.storage[0].capacity_bytes, 0);
  EXPECT_EQ(m.storage[0].read_port, (Rate{16000, true}));
  EXPECT_TRUE(m.storage[0].write_port.unlimited());
  EXPECT_EQ(m.storage[1].name, "global buffer");
  EXPECT_EQ(m.storage[1].capacity_bytes, 108 * 1024);
  EXPECT_EQ(m.storage[1].buffering, Buffering::Single);
  EXPECT_EQ(m.storage[1].read_port, (Rate{8000, false}));
  EXPECT_EQ(m.storage[1].write_port, (Rate{4500, true}));
  EXPECT_EQ(m.storage[2].cluster_pes, 16);
  EXPECT_EQ(m.storage[2].buffering, Buffering::Double);
  EXPECT_EQ(m.storage[3].name, "PE buffer");
  EXPECT_EQ(m.storage[3].capacity_bytes, 512);

  ASSERT_EQ(m.network.size(), 3u);
  EXPECT_EQ(m.network[0].bandwidth, (Rate{1200, false}));
  EXPECT_EQ(m.network[0].latency, 4);
  EXPECT_EQ(m.network[0].psum, PsumPolicy::Refetch);
  EXPECT_EQ(m.network[0].topology, Topology::Bus);
  EXPECT_EQ(m.network[1].multicast, Multicast::Tile);
  EXPECT_EQ(m.network[1].reduction, Reduction::Tree);
  EXPECT_EQ(m.network[1].channels, Channels::Separate);
  EXPECT_EQ(m.network[1].psum, PsumPolicy::Accumulate);
  EXPECT_EQ(m.network[2].multicast, Multicast::None);
  EXPECT_EQ(m.network[2].reduction, Reduction::Chain);
  EXPECT_TRUE(m.network[2].bandwidth.unlimited());
  ASSERT_TRUE(m.implied_network);
  EXPECT_EQ(m.implied_network->bandwidth, (Rate{2000, false}));
  EXPECT_EQ(m.implied_network->latency, 5);
}

TEST(MachineFile, EnergiesComeFromTheTableUnlessTheMachineHasItsOwn) {
  const Read r(kGood);
  ASSERT_TRUE(r.machine);
  const Machine& m = *r.machine;
  // eyeriss_norm: DRAM 200, scratchpad 1, hop 2, each per 16 bits; MAC 1.
  EXPECT_EQ(m.energy.name, "eyeriss_norm");
  EXPECT_EQ(m.energy.unit, "MAC");
  EXPECT_DOUBLE_EQ(m.energy.mac_pj, 1);
  EXPECT_DOUBLE_EQ(m.storage[0].energy.read_pj, 200);
  EXPECT_EQ(m.storage[0].energy.bits, 16);
  EXPECT_DOUBLE_EQ(m.storage[1].energy.read_pj, 6);
  EXPECT_DOUBLE_EQ(m.storage[1].energy.write_pj, 7);
  EXPECT_DOUBLE_EQ(m.storage[3].energy.read_pj, 1);
  EXPECT_DOUBLE_EQ(m.network[0].energy_per_hop_pj, 0);  // paid in the DRAM access
  EXPECT_DOUBLE_EQ(m.network[1].energy_per_hop_pj, 2);
  EXPECT_DOUBLE_EQ(m.network[2].energy_per_hop_pj, 3);
  EXPECT_EQ(m.network[2].energy_bits, 8);
  EXPECT_DOUBLE_EQ(m.implied_network->energy_per_hop_pj, 2);
}

TEST(MachineFile, OnlyNamePesAndStorageAreNeeded) {
  const Read r(
      "name: least\npes: 4\nstorage:\n"
      "  - {level: off_chip, network: {}}\n"
      "  - {level: global_buffer, capacity: unlimited, network: {}}\n"
      "  - {level: pe_buffer, capacity: unlimited}\n");
  ASSERT_TRUE(r.machine) << format(r.diagnostics);
  EXPECT_EQ(r.machine->lanes, 1);
  EXPECT_EQ(r.machine->pipeline_latency, 0);
  EXPECT_DOUBLE_EQ(r.machine->clock_mhz, 1000);
  EXPECT_EQ(r.machine->bits.psum, 32);
  EXPECT_EQ(r.machine->storage[1].capacity_bytes, 0);
  EXPECT_TRUE(r.machine->network[0].bandwidth.unlimited());
  EXPECT_EQ(r.machine->network[1].multicast, Multicast::Word);
  EXPECT_EQ(r.machine->energy.name, "");
  EXPECT_FALSE(r.machine->implied_network);
}

TEST(MachineFile, CapacitiesMayCountWordsButThenAllDo) {
  std::string text = with("108 KiB", "2048 words");
  text.replace(text.find("1 KiB"), 5, "64 words");
  expect_refused(text, "bad-unit",
                 {"'storage[3].capacity' is in bytes, but 'storage[1].capacity' is in words"});
  text.replace(text.find("512 B"), 5, "32 words");
  const Read r(text);
  ASSERT_TRUE(r.machine) << format(r.diagnostics);
  EXPECT_TRUE(r.machine->capacity_in_words);
  EXPECT_EQ(r.machine->storage[1].capacity_bytes, 2048);
}

TEST(MachineFile, ABufferMayBeSeveralMemories) {
  const auto machine = [](const std::string& capacity, const std::string& more = "") {
    return "name: a\npes: 8\nstorage:\n  - {level: off_chip, network: {}}\n"
           "  - {level: global_buffer, capacity: " +
           capacity + ", network: {}" + more +
           "}\n  - {level: pe_buffer, capacity: [{holds: [weight], size: 448 B}, {holds: [input], "
           "size: 24 B}, {holds: [output], size: 48 B}]}\n";
  };
  const std::string two =
      "[{holds: [output], size: 64 KiB}, {holds: [input, weight], size: 256 KiB}]";
  const Read r(machine(two));
  ASSERT_TRUE(r.machine) << format(r.diagnostics);
  const Storage& buffer = r.machine->storage[1];
  EXPECT_EQ(buffer.parts, 2);
  EXPECT_EQ(buffer.part, (std::array<int, 3>{1, 1, 0}));
  EXPECT_EQ(buffer.part_capacity, (std::array<std::int64_t, 3>{65536, 262144, 0}));
  EXPECT_EQ(buffer.capacity_bytes, 65536 + 262144);
  EXPECT_EQ(r.machine->storage[2].parts, 3);
  EXPECT_EQ(r.machine->storage[2].part, (std::array<int, 3>{1, 0, 2}));
  EXPECT_EQ(r.machine->storage[2].capacity_bytes, 448 + 24 + 48);
  const Read unlimited(
      machine("[{holds: [output], size: unlimited}, {holds: [input, weight], size: 1 KiB}]"));
  ASSERT_TRUE(unlimited.machine) << format(unlimited.diagnostics);
  EXPECT_EQ(unlimited.machine->storage[1].capacity_bytes, 0);
  EXPECT_EQ(unlimited.machine->storage[1].part_capacity[1], 1024);

  expect_refused(machine("[{holds: [output], size: 1 KiB}, {holds: [input], size: 1 KiB}]"),
                 "bad-value", {"which memory holds 'weight'"});
  expect_refused(machine("[{holds: [output, input], size: 1 KiB}, {holds: [input, weight], size: "
                         "1 KiB}]"),
                 "duplicate", {"names 'input' twice"});
  expect_refused(machine(two, ", holds: [input, output]"), "no-effect", {"does not hold 'weight'"});
  expect_refused(machine("[{holds: [output, input, weight]}]"), "missing-key", {"size"});
}

TEST(MachineFile, UnknownKeysAreAnsweredAtEveryPlace) {
  expect_refused(with("lanes:", "lane:"), "unknown-key", {"'lane'", "did you mean 'lanes'?"});
  expect_refused(with("read_port: 8", "readport: 8"), "unknown-key",
                 {"'readport'", "'storage[1]'", "'read_port'"});
  expect_refused(with("multicast: tile", "multcast: tile"), "unknown-key",
                 {"'multcast'", "'storage[1].network'", "'multicast'"});
  expect_refused(with("weight: 8", "weights: 8"), "unknown-key", {"'weights'", "'weight'"});
  expect_refused(with("write: 7", "wrte: 7, write: 7"), "unknown-key", {"'wrte'"});
}

TEST(MachineFile, RangesAreChecked) {
  expect_refused(with("pes: 64", "pes: 0"), "out-of-range", {"'pes'", "1 to 1000000", "'0'"});
  expect_refused(with("lanes: 2", "lanes: -1"), "out-of-range", {"'lanes'", "from 1", "'-1'"});
  expect_refused(with("latency: 20", "latency: 20 ns"), "bad-value",
                 {"'storage[0].latency'", "cycles"});
  expect_refused(with("clock: 200 MHz", "clock: 200"), "bad-unit", {"'clock'", "MHz or GHz"});
  expect_refused(with("clock: 200 MHz", "clock: 0 MHz"), "out-of-range", {"'clock'"});
  expect_refused(with("108 KiB", "0 B"), "out-of-range", {"'storage[1].capacity'", "from 1"});
  expect_refused(with("108 KiB", "big"), "bad-value", {"'storage[1].capacity'", "'big'"});
  expect_refused(with("read: 6", "read: -6"), "out-of-range", {"'storage[1].energy.read'"});
  expect_refused(with("write: 7, bits: 16", "write: 7, bits: 0"), "out-of-range", {"bits"});
}

TEST(MachineFile, RatesNeedAUnitAndAtMostThreeDecimals) {
  expect_refused(with("1.2 words", "1.2"), "bad-unit", {"bandwidth", "words", "bytes"});
  expect_refused(with("1.2 words", "1.2345 words"), "bad-value", {"at most 3 decimals"});
  expect_refused(with("1.2 words", "0 words"), "out-of-range", {"from 0.001", "unlimited"});
  expect_refused(with("1.2 words", "2000000000 words"), "out-of-range",
                 {"1000000000 words per cycle"});
  expect_refused(with("1.2 words", "4 GB"), "bad-unit", {"bandwidth"});
  const Read r(with("1.2 words", "unlimited"));
  ASSERT_TRUE(r.machine);
  EXPECT_TRUE(r.machine->network[0].bandwidth.unlimited());
}

TEST(MachineFile, WordWidthsMustHoldTheSums) {
  expect_refused(with("psum: 32", "psum: 32, output: 33"), "bad-value", {"'bits.output' is 33"});
  expect_refused(with("psum: 32", "psum: 12"), "bad-value", {"'bits.psum' is 12", "16 and 8"});
  expect_refused(with("psum: 32", "psum: 65"), "out-of-range", {"1 to 64"});
  expect_refused(with("input: 16", "input: 33"), "out-of-range", {"1 to 32"});
}

TEST(MachineFile, ChoicesAreListed) {
  expect_refused(with("topology: bus", "topology: mash"), "bad-value",
                 {"pipe, bus, mesh, torus", "did you mean 'mesh'?"});
  expect_refused(with("buffering: single", "buffering: triple"), "bad-value", {"single or double"});
  expect_refused(with("psum: refetch", "psum: refech"), "bad-value", {"did you mean 'refetch'?"});
}

TEST(MachineFile, CostsOfTransfersStepsAndStartArrive) {
  std::string text = with("pipeline_latency: 3", "step_overhead: 4\nstep_minimum: 8\nstartup: 90");
  EXPECT_EQ(Read(kGood).machine->bits.output, 0);
  const auto put = [&](const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
  };
  put("psum: 32", "psum: 32, output: 12");
  put("    latency: 20\n", "    latency: 20\n    in_flight: 16\n");
  put("bandwidth: 1.2 words, latency: 4",
      "bandwidth: 16 bytes, drain_bandwidth: 8 bytes, burst: 64 bytes, overhead: 7, clock: 60 MHz");
  put("buffering: single", "buffering: {weight: single}\n    holds: [output, input]");
  put("psum: refetch, topology: bus", "psum: refetch");
  put("bandwidth: 8 words, multicast", "overhead: {drain: 3}, skew: chain, multicast");
  put("multicast: none, reduction: chain", "skew: 9, drain_bandwidth: unlimited");
  const Read r(text);
  ASSERT_TRUE(r.machine) << input::format(r.diagnostics);
  const Machine& m = *r.machine;
  EXPECT_EQ(m.step_overhead, 4);
  EXPECT_EQ(m.step_minimum, 8);
  EXPECT_EQ(m.startup, 90);
  EXPECT_EQ(m.bits.output, 12);
  EXPECT_EQ(m.storage[0].in_flight, 16);
  EXPECT_EQ(m.network[0].drain_bandwidth, (Rate{8000, true}));
  EXPECT_EQ(m.network[0].burst.size, 64);
  EXPECT_TRUE(m.network[0].burst.bytes);
  EXPECT_EQ(m.network[0].fill_overhead, 7);
  EXPECT_EQ(m.network[0].drain_overhead, 7);
  EXPECT_EQ(m.network[0].clock_mhz, 60);
  EXPECT_EQ(clock_ratio(m, m.network[0]).core, 10);
  EXPECT_EQ(clock_ratio(m, m.network[0]).own, 3);
  EXPECT_EQ(clock_ratio(m, m.network[1]).core, clock_ratio(m, m.network[1]).own);
  EXPECT_EQ(m.storage[1].buffering,
            Bufferings(Buffering::Double, Buffering::Single, Buffering::Double));
  EXPECT_EQ(m.storage[1].holds, (std::array<bool, 3>{true, false, true}));
  EXPECT_EQ(m.storage[2].holds, (std::array<bool, 3>{true, true, true}));
  EXPECT_EQ(m.network[1].fill_overhead, 0);
  EXPECT_EQ(m.network[1].drain_overhead, 3);
  EXPECT_EQ(m.network[1].skew, Network::kChain);
  EXPECT_EQ(m.network[2].skew, 9);
  EXPECT_FALSE(m.network[1].drain_bandwidth);
  ASSERT_TRUE(m.network[2].drain_bandwidth);
  EXPECT_TRUE(m.network[2].drain_bandwidth->unlimited());
}

TEST(MachineFile, RowsAndStepsInFlightArrive) {
  std::string text = with("pipeline_latency: 3", "steps_in_flight: {steps: 5, latency: 33}");
  text.replace(text.find("    latency: 20\n"), 16,
               "    rows: {bytes: 64, cycles: 22, drain_cycles: 4, allocate_cycles: 10, caches: "
               "[{capacity: 512 KiB, ways: 4, cycles: 5, banks: 2, bank_cycles: 7}]}\n");
  text.replace(text.find("psum: refetch, topology: bus"), 28, "psum: refetch");
  const std::size_t pe = text.find("level: pe_buffer\n");
  ASSERT_NE(pe, std::string::npos);
  text.insert(pe + 17, "    follows: {weight: 16}\n    slots: together\n");
  const Read r(text);
  ASSERT_TRUE(r.machine) << input::format(r.diagnostics);
  const Machine& m = *r.machine;
  EXPECT_EQ(m.step_window.steps, 5);
  EXPECT_EQ(m.step_window.latency, 33);
  EXPECT_EQ(m.storage.back().follows, (std::array<std::int64_t, 2>{Storage::kAfter, 16}));
  EXPECT_EQ(m.storage[0].rows.bytes, 64);
  EXPECT_EQ(m.storage[0].rows.cycles, 22);
  ASSERT_EQ(m.storage[0].rows.caches.size(), 1u);
  EXPECT_EQ(m.storage[0].rows.caches[0].capacity_bytes, 512 * 1024);
  EXPECT_EQ(m.storage[0].rows.caches[0].cycles, 5);
  EXPECT_EQ(m.storage[0].rows.caches[0].ways, 4);
  EXPECT_EQ(m.storage[0].rows.caches[0].banks, 2);
  EXPECT_EQ(m.storage[0].rows.caches[0].bank_cycles, 7);
  EXPECT_EQ(m.storage[0].rows.drain_cycles, 4);
  EXPECT_EQ(m.storage[0].rows.allocate_cycles, 10);
  EXPECT_TRUE(m.storage.back().slots_together);
  EXPECT_FALSE(m.storage[1].slots_together);
}

TEST(MachineFile, RowsAndStepsInFlightThatMeanNothingAreRefused) {
  const auto rows = [](const std::string& to) {
    std::string text = with("    latency: 20\n", "    rows: " + to + "\n");
    return text.replace(text.find("psum: refetch, topology: bus"), 28, "psum: refetch");
  };
  expect_refused(with("    latency: 20\n", "    rows: {bytes: 64, cycles: 22}\n"), "bad-value",
                 {"only pipes", "rows"});
  expect_refused(rows("{bytes: 0, cycles: 1}"), "out-of-range", {"bytes"});
  expect_refused(rows("{bytes: 64}"), "missing-key", {"cycles"});
  expect_refused(rows("{bytes: 64, cycles: 9, caches: [{capacity: 0 B, cycles: 1}]}"),
                 "out-of-range", {"capacity"});
  expect_refused(rows("{bytes: 64, cycles: 9, caches: [{capacity: 1000 B, cycles: 1}]}"),
                 "bad-value", {"capacity", "multiple of 512"});
  expect_refused(rows("{bytes: 1, cycles: 9, caches: [{capacity: 8 MiB, cycles: 1}]}"), "bad-value",
                 {"8388608 lines"});
  expect_refused(rows("{bytes: 8, cycles: 9, caches: [{capacity: 64 B, cycles: 1, banks: 2}]}"),
                 "missing-key", {"bank_cycles"});
  expect_refused(
      rows("{bytes: 8, cycles: 9, caches: [{capacity: 64 B, cycles: 1, bank_cycles: 2}]}"),
      "no-effect", {"banks"});
  expect_refused(rows("{bytes: 8, cycles: 9, drain_cycles: 1, allocate_cycles: 2}"), "no-effect",
                 {"caches"});
  expect_refused(with("buffering: single", "slots: both"), "bad-value", {"together"});
  expect_refused(with("buffering: single", "rows: {bytes: 64, cycles: 22}"), "misplaced-key",
                 {"off-chip"});
  expect_refused(with("buffering: single", "follows: {weight: 1}"), "misplaced-key", {"PEs"});
  expect_refused(with("pipeline_latency: 3", "steps_in_flight: {steps: 5}"), "missing-key",
                 {"latency"});
  expect_refused(with("pipeline_latency: 3", "steps_in_flight: {steps: 0, latency: 1}"),
                 "out-of-range", {"steps"});
}

TEST(MachineFile, CostsThatMeanNothingAreRefused) {
  const auto network = [](const std::string& to) {
    return with("bandwidth: 8 words, multicast", to + ", multicast");
  };
  expect_refused(network("bandwidth: 8 words, burst: 64 bytes"), "bad-unit", {"burst", "words"});
  expect_refused(network("bandwidth: 8 words, drain_bandwidth: 2 bytes, burst: 64 words"),
                 "bad-unit", {"burst", "bytes"});
  expect_refused(network("burst: 64 bytes"), "no-effect", {"burst", "bandwidth"});
  expect_refused(network("bandwidth: 8 words, burst: 1.5 words"), "out-of-range", {"whole"});
  expect_refused(network("overhead: -1"), "out-of-range", {"overhead"});
  expect_refused(network("overhead: {fills: 1}"), "unknown-key", {"fill"});
  expect_refused(network("skew: row"), "bad-value", {"chain"});
  expect_refused(network("clock: 0 MHz"), "out-of-range", {"clock"});
  expect_refused(network("topology: mesh, clock: 60 MHz"), "no-effect", {"fabric"});
  expect_refused(with("topology: bus}", "topology: bus, skew: chain}"), "no-effect", {"skew"});
  expect_refused(with("    latency: 20", "    in_flight: 4"), "no-effect", {"burst"});
  expect_refused(with("buffering: single", "in_flight: 4"), "misplaced-key", {"off-chip"});
  expect_refused(with("buffering: single", "buffering: {output: triple}"), "bad-value",
                 {"single or double"});
  expect_refused(with("pipeline_latency: 3", "step_overhead: -1"), "out-of-range",
                 {"step_overhead"});
  expect_refused(with("pipeline_latency: 3", "step_minimum: -1"), "out-of-range", {"step_minimum"});
}

// A transfer that no work waits for could outlast the layer.
TEST(MachineFile, WordsThatAreSentAgainNeedOneChannelForAll) {
  expect_refused(with("channels: separate", "channels: separate, reuse: none"), "bad-value",
                 {"'channels: shared'"});
  const std::string passed = R"(name: m
pes: 1
storage:
  - level: off_chip
    network: {reuse: none}
  - level: global_buffer
    capacity: unlimited
    holds: [input, output]
    network: {}
  - level: pe_buffer
    capacity: unlimited
)";
  expect_refused(passed, "bad-value", {"'reuse: none'", "one channel for all"});
}

TEST(MachineFile, OnlyOperandsMayPassTheGlobalBufferBy) {
  const auto holds = [](const std::string& what) {
    return with("buffering: single", "holds: " + what);
  };
  expect_refused(holds("[input, weight]"), "bad-value", {"output"});
  expect_refused(holds("[input, weight, output, sum]"), "bad-value", {"input, weight or output"});
  expect_refused(holds("[output, output, input, weight]"), "duplicate", {"twice"});
  expect_refused(holds("[output, input]"), "bad-value", {"pipes", "bus"});
  expect_refused(with("cluster_pes: 16", "cluster_pes: 16\n    holds: [output]"), "misplaced-key",
                 {"global buffer"});
}

TEST(MachineFile, FlowsOfTheGlobalBufferMayTakeTurns) {
  const auto machine = [](const std::string& level, const std::string& network) {
    return "name: a\npes: 1\nstorage:\n  - {level: off_chip, network: {" + network +
           "}}\n  - {level: global_buffer, capacity: unlimited, network: {}, " + level +
           "}\n  - {level: pe_buffer, capacity: unlimited}\n";
  };
  const std::string rates = "read_port: 2 words, write_port: 1 words, ";
  const Read r(machine(rates + "ports: shared", ""));
  ASSERT_TRUE(r.machine) << input::format(r.diagnostics);
  EXPECT_EQ(r.machine->storage[1].banks, 1);
  const Read apart(machine(rates + "ports: separate", "topology: bus"));
  ASSERT_TRUE(apart.machine) << input::format(apart.diagnostics);
  EXPECT_EQ(apart.machine->storage[1].banks, 0);
  expect_refused(machine(rates + "ports: one", ""), "bad-value", {"'separate' nor 'shared'"});
  expect_refused(machine("read_port: 2 words, ports: shared", ""), "no-effect", {"'write_port'"});
  expect_refused(machine(rates + "ports: shared", "topology: bus"), "bad-value", {"pipes"});
  expect_refused(with("cluster_pes: 16", "cluster_pes: 16\n    ports: shared"), "misplaced-key",
                 {"global buffer"});
}

TEST(MachineFile, BanksOfTheGlobalBufferHoldTensors) {
  const auto machine = [](const std::string& level, const std::string& network) {
    return "name: a\npes: 1\nstorage:\n  - {level: off_chip, network: {channels: separate}}\n"
           "  - {level: global_buffer, capacity: unlimited, network: {" +
           network + "}, " + level + "}\n  - {level: pe_buffer, capacity: unlimited}\n";
  };
  const std::string rates = "read_port: 2 words, write_port: 1 words, ";
  const std::string separate = "channels: separate";
  const Read two(machine(rates + "banks: [[weight, input], [output]]", separate));
  ASSERT_TRUE(two.machine) << input::format(two.diagnostics);
  EXPECT_EQ(two.machine->storage[1].banks, 2);
  EXPECT_EQ(two.machine->storage[1].bank, (std::array<int, 3>{0, 0, 1}));
  const Read three(machine(rates + "banks: [[output], [weight], [input]]", separate));
  ASSERT_TRUE(three.machine) << input::format(three.diagnostics);
  EXPECT_EQ(three.machine->storage[1].banks, 3);
  EXPECT_EQ(three.machine->storage[1].bank, (std::array<int, 3>{2, 1, 0}));
  // One bank is a shared port, and needs no transfers of their own.
  const Read one(machine(rates + "banks: [[input, weight, output]]", "channels: shared"));
  ASSERT_TRUE(one.machine) << input::format(one.diagnostics);
  EXPECT_EQ(one.machine->storage[1].banks, 1);

  const auto refuse = [&](const std::string& banks, const std::string& code,
                          const std::string& message) {
    expect_refused(machine(rates + banks, separate), code, {message});
  };
  refuse("ports: shared, banks: [[input, weight, output]]", "bad-value", "leave out 'ports'");
  refuse("banks: [[input], [output]]", "bad-value", "which bank holds 'weight'");
  refuse("banks: [[input, weight], [output, input]]", "duplicate", "names 'input' twice");
  refuse("banks: [[input, weight], [], [output]]", "bad-value", "a bank without a tensor");
  refuse("banks: [[input, weight, sum], [output]]", "bad-value", "input, weight or output");
  refuse("banks: 2", "not-a-list", "list");
  refuse("holds: [input, output], banks: [[input, weight], [output]]", "no-effect",
         "does not hold 'weight'");
  expect_refused(machine("read_port: 2 words, banks: [[input, weight], [output]]", separate),
                 "no-effect", {"'write_port'"});
  expect_refused(machine(rates + "banks: [[input, weight], [output]]", "channels: shared"),
                 "bad-value", {"transfers of their own", "'channels: separate'"});
  expect_refused(
      machine(rates + "banks: [[input, weight], [output]]", separate + ", topology: bus"),
      "bad-value", {"pipes"});
  expect_refused(with("cluster_pes: 16", "cluster_pes: 16\n    banks: [[output]]"), "misplaced-key",
                 {"global buffer"});
}

/// A machine of eight PEs with such a network below the global buffer.
std::string with_networks(const std::string& array, const std::string& off_chip = "") {
  return "name: a\npes: 8\nstorage:\n  - {level: off_chip, network: {" + off_chip +
         "}}\n  - {level: global_buffer, capacity: unlimited, network: {" + array +
         "}}\n  - {level: pe_buffer, capacity: unlimited}\n";
}

TEST(MachineFile, ChildrenOfTheGlobalBufferMayShareLines) {
  const std::string two = "drain_lines: {children: 2, bandwidth: 1.5 words}";
  const Read r(with_networks(two)),
      s(with_networks("drain_lines: {children: 3, first: 1, bandwidth: 2 bytes}"));
  ASSERT_TRUE(r.machine) << input::format(r.diagnostics);
  EXPECT_EQ(r.machine->network[1].drain_lines.children, 2);
  EXPECT_EQ(r.machine->network[1].drain_lines.first, 2);
  EXPECT_EQ(r.machine->network[1].drain_lines.bandwidth.per_kcycle, 1500);
  ASSERT_TRUE(s.machine) << input::format(s.diagnostics);
  EXPECT_EQ(s.machine->network[1].drain_lines.first, 1);
  const auto refuse = [&](const std::string& network, const std::string& code,
                          const std::string& message) {
    expect_refused(with_networks(network), code, {message});
  };
  refuse("drain_lines: {children: 9, bandwidth: 1 words}", "out-of-range", "8");
  refuse("drain_lines: {children: 2, first: 3, bandwidth: 1 words}", "out-of-range", "2");
  refuse("drain_lines: {children: 2}", "missing-key", "bandwidth");
  refuse("drain_lines: {children: 2, bandwidth: unlimited}", "no-effect", "leave them out");
  refuse("topology: bus, " + two, "bad-value", "pipes");
  refuse("reduction: tree, " + two, "bad-value", "reduction: none");
  expect_refused(with_networks("", two), "misplaced-key", {"global buffer"});
}

TEST(MachineFile, TheNetworkOfTheGlobalBufferMayBeTrees) {
  const std::string two = "subtrees: {pes: 4, bandwidth: 1.5 words}";
  const Read r(with_networks(two));
  ASSERT_TRUE(r.machine) << input::format(r.diagnostics);
  EXPECT_EQ(r.machine->network[1].subtrees.pes, 4);
  EXPECT_EQ(r.machine->network[1].subtrees.bandwidth.per_kcycle, 1500);
  const auto refuse = [&](const std::string& network, const std::string& code,
                          const std::string& message) {
    expect_refused(with_networks(network), code, {message});
  };
  refuse("subtrees: {pes: 3, bandwidth: 1 words}", "bad-value", "8 PEs cannot be divided");
  refuse("subtrees: {pes: 16, bandwidth: 1 words}", "out-of-range", "8");
  refuse("subtrees: {pes: 4}", "missing-key", "bandwidth");
  refuse("subtrees: {pes: 4, bandwidth: unlimited}", "no-effect", "leave it out");
  refuse("topology: bus, " + two, "bad-value", "pipes");
  refuse("multicast: tile, " + two, "bad-value", "multicast: word");
  refuse("psum: refetch, " + two, "bad-value", "psum: accumulate");
  expect_refused(with_networks("", two), "misplaced-key", {"below the global buffer"});
}

TEST(MachineFile, OneOperandMayBeReused) {
  const auto reuse = [&](const std::string& text) {
    const Read r(with_networks("reuse: " + text));
    EXPECT_TRUE(r.machine) << input::format(r.diagnostics);
    return r.machine ? r.machine->network[1].reuse : std::array<bool, 2>{};
  };
  EXPECT_EQ(reuse("words"), (std::array<bool, 2>{true, true}));
  EXPECT_EQ(reuse("none"), (std::array<bool, 2>{false, false}));
  EXPECT_EQ(reuse("{input: none}"), (std::array<bool, 2>{false, true}));
  EXPECT_EQ(reuse("{weight: none, input: words}"), (std::array<bool, 2>{true, false}));
  expect_refused(with_networks("reuse: {output: none}"), "unknown-key", {"output"});
  expect_refused(with_networks("reuse: {input: none}, channels: separate"), "bad-value",
                 {"separate channels"});
}

TEST(MachineFile, LevelsComeInTheirOrder) {
  expect_refused(with("level: global_buffer", "level: pe_buffer"), "bad-levels",
                 {"'storage[1].level' must be global_buffer at this place, not pe_buffer"});
  expect_refused("name: a\npes: 1\nstorage:\n  - {level: off_chip, network: {}}\n", "bad-levels",
                 {"from 3 to 16 levels", "not 1"});
  expect_refused(
      with("    network: {bandwidth: 1.2 words, latency: 4, psum: refetch, topology: bus}\n", ""),
      "missing-key", {"'storage[0]' has no 'network'"});
}

TEST(MachineFile, KeysThatMeanNothingAtALevelAreRefused) {
  expect_refused(with("buffering: single", "latency: 3"), "misplaced-key",
                 {"'latency'", "only off-chip memory"});
  expect_refused(with("latency: 20", "capacity: 1 GiB"), "misplaced-key",
                 {"off-chip memory is unlimited"});
  expect_refused(with("latency: 20", "buffering: double"), "misplaced-key", {"'buffering'"});
  expect_refused(with("capacity: 512 B", "capacity: 512 B\n    network: {}"), "misplaced-key",
                 {"nothing is below"});
  expect_refused(with("buffering: single", "cluster_pes: 4"), "misplaced-key", {"cluster_buffer"});
  expect_refused(with("topology: bus", "multicast: word"), "no-effect",
                 {"'multicast'", "one child"});
  expect_refused(with("topology: bus", "reduction: tree"), "no-effect",
                 {"'reduction'", "one child"});
}

TEST(MachineFile, ClusterBuffersDivideWhatIsAboveThem) {
  expect_refused(
      with("cluster_pes: 16", "cluster_pes: 24"), "bad-value",
      {"'storage[2].cluster_pes' must divide the 64 PEs of the machine, but 24 does not"});
  expect_refused(with("cluster_pes: 16", "cluster_pes: 128"), "out-of-range", {"2 to 64", "'128'"});
  expect_refused(with("    cluster_pes: 16\n", ""), "missing-key", {"'cluster_pes'"});
  const std::string second =
      "  - {level: cluster_buffer, name: b, cluster_pes: 6, capacity: 1 KiB, network: {}}\n";
  expect_refused(with("  - level: pe_buffer", second + "  - level: pe_buffer"), "bad-value",
                 {"must divide the 16 PEs of the cluster buffer above, but 6 does not"});
  const std::string same =
      "  - {level: cluster_buffer, name: b, cluster_pes: 16, capacity: 1 KiB, network: {}}\n";
  expect_refused(with("  - level: pe_buffer", same + "  - level: pe_buffer"), "bad-value",
                 {"must be less than the 16 PEs of the cluster buffer above"});
}

TEST(MachineFile, NamesMustTellLevelsApart) {
  expect_refused(with("level: global_buffer", "level: global_buffer\n    name: DRAM"),
                 "duplicate-name", {"'DRAM'"});
}

TEST(MachineFile, EnergyTablesAreFoundOrAnswered) {
  expect_refused(with("energy: eyeriss_norm", "energy: eyeris_norm"), "unknown-energy-table",
                 {"energy table 'eyeris_norm'", "did you mean 'eyeriss_norm'?"});
  expect_refused(with("energy: {read: 6, write: 7, bits: 16}", "energy: {read: 6, bits: 16}"),
                 "missing-key", {"'storage[1].energy' has no 'write'"});
}

TEST(MachineFile, EnergiesWithoutATableAreRefused) {
  const Read r(with("energy: eyeriss_norm\n", ""));
  EXPECT_FALSE(r.machine);
  // Two places give energies of their own.
  ASSERT_EQ(r.diagnostics.size(), 2u) << format(r.diagnostics);
  EXPECT_EQ(r.diagnostics[0].code, "missing-energy-table");
  EXPECT_THAT(r.diagnostics[0].message, HasSubstr("'storage[1].energy'"));
  EXPECT_THAT(r.diagnostics[1].message, HasSubstr("'storage[2].network.hop_energy'"));
}

TEST(MachineFile, ATableMayBeInline) {
  const std::string table = R"(energy:
  name: mine
  source: this test
  technology: none
  unit: pJ
  leakage_per_cycle: 2.5
  mac: [{bits: 8, energy: 0.5}, {bits: 16, energy: 1.5}]
  off_chip: {read: 100, write: 110, bits: 64}
  global_buffer: {read: 9, write: 9, bits: 64}
  cluster_buffer: {read: 8, write: 8, bits: any}
  pe_buffer: {read: 7, write: 7, bits: 64}
  hop: {energy: 0.25, bits: 32}
)";
  const Read r(with("energy: eyeriss_norm\n", table));
  ASSERT_TRUE(r.machine) << format(r.diagnostics);
  EXPECT_EQ(r.machine->energy.name, "mine");
  EXPECT_DOUBLE_EQ(r.machine->energy.leakage_pj_per_cycle, 2.5);
  EXPECT_DOUBLE_EQ(r.machine->energy.mac_pj, 1.5);  // inputs have 16 bits
  EXPECT_DOUBLE_EQ(r.machine->storage[0].energy.write_pj, 110);
  EXPECT_EQ(r.machine->storage[2].energy.bits, 0);
  EXPECT_DOUBLE_EQ(r.machine->network[1].energy_per_hop_pj, 0.25);
  EXPECT_EQ(r.machine->network[1].energy_bits, 32);
  std::string narrow = with("energy: eyeriss_norm\n", table);
  narrow.replace(narrow.find("input: 16"), 9, "input: 20");
  expect_refused(narrow, "energy-too-wide", {"'mine' has no multiply-accumulate of 20 bits"});
}

TEST(MachineFile, AllMistakesAreReportedAtOnce) {
  std::string text = kGood;
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"pes: 64", "pes: many"},
                                 {"lanes: 2", "lanes: 0"},
                                 {"topology: bus", "topology: ring"},
                                 {"bandwidth: 8 words", "bandwidth: 8"},
                                 {"capacity: 512 B", "capacity: -1"},
                                 {"implied_network:", "implied_netwrk:"}})
    text.replace(text.find(from), from.size(), to);
  const Read r(text);
  EXPECT_FALSE(r.machine);
  EXPECT_EQ(r.diagnostics.size(), 6u) << format(r.diagnostics);
}

TEST(MachineFile, TextThatIsNoMachineIsRefusedWithoutThrowing) {
  for (const char* text :
       {"", "[]", "3", "name: x", "storage: 3\nname: a\npes: 3\n", "a: [", "- - -",
        "storage: [1, 2, 3]\nname: a\npes: 1\n", "energy: []\nname: {}\npes: []\n",
        "energy: {mac: {}, hop: 3, pe_buffer: [], off_chip: [1]}\n"}) {
    const Read r(text);
    EXPECT_FALSE(r.machine) << text;
    EXPECT_TRUE(input::has_errors(r.diagnostics)) << text;
  }
}

TEST(MachineFile, WithoutItsNodesItStillNeverThrows) {
  // Every prefix of a good file, and every file with one line left out.
  for (std::size_t n = 0; n < kGood.size(); ++n) Read(kGood.substr(0, n));
  std::size_t begin = 0;
  while (begin < kGood.size()) {
    const std::size_t end = kGood.find('\n', begin) + 1;
    const Read r(kGood.substr(0, begin) + kGood.substr(end));
    EXPECT_EQ(r.machine.has_value(), !input::has_errors(r.diagnostics));
    begin = end;
  }
}

TEST(MachineFile, TheExampleOfTheDocumentationIsOne) {
  std::string error;
  const auto page =
      input::read_file(std::string(COUNTERPOINT_SOURCE_DIR) + "/docs/hardware.md", error);
  ASSERT_TRUE(page) << error;
  const std::string open = "```yaml\n";
  const std::size_t begin = page->find(open) + open.size();
  const Read r(page->substr(begin, page->find("```", begin) - begin));
  ASSERT_TRUE(r.machine) << format(r.diagnostics);
  EXPECT_THAT(r.diagnostics, IsEmpty());
  EXPECT_EQ(r.machine->storage[2].cluster_pes, 16);
  // 2 KiB is below the smallest memory of horowitz45: 10 pJ at 8 KiB, half at a quarter.
  EXPECT_NEAR(r.machine->storage[2].energy.read_pj, 5, 1e-9);
}

TEST(LoadMachine, UnknownNamesAreAnswered) {
  std::vector<input::Diagnostic> diagnostics;
  EXPECT_FALSE(load_machine("eyeris", diagnostics));
  ASSERT_EQ(diagnostics.size(), 1u);
  EXPECT_THAT(diagnostics[0].message, HasSubstr("no machine 'eyeris'"));
  EXPECT_THAT(diagnostics[0].message, HasSubstr("did you mean 'eyeriss'?"));
}

TEST(Presets, AllLoadWithoutADiagnosticAndAreCalledAsTheirFile) {
  const std::vector<std::string> names = list_presets();
  for (const char* name : {"small", "accelerator_1", "eyeriss", "nvdla_like", "shidiannao_like",
                           "maeri64", "tpu_like"})
    EXPECT_THAT(names, ::testing::Contains(name));
  for (const std::string& name : names) {
    std::vector<input::Diagnostic> diagnostics;
    const std::optional<Machine> m = load_machine(name, diagnostics);
    EXPECT_THAT(diagnostics, IsEmpty()) << format(diagnostics);
    ASSERT_TRUE(m) << name;
    EXPECT_EQ(m->name, name);
    EXPECT_FALSE(m->description.empty()) << name;
    EXPECT_FALSE(m->energy.source.empty()) << name;
    EXPECT_EQ(m->network.size() + 1, m->storage.size());
  }
}

TEST(Presets, HaveThePublishedNumbers) {
  std::vector<input::Diagnostic> d;
  // Eyeriss: 12 x 14 PEs; 108 KiB of 16-bit words; 224 + 12 + 24 words per PE, twice.
  const auto eyeriss = load_machine("eyeriss", d);
  ASSERT_TRUE(eyeriss);
  EXPECT_EQ(eyeriss->pes, 12 * 14);
  EXPECT_TRUE(eyeriss->capacity_in_words);
  EXPECT_EQ(eyeriss->storage[1].capacity_bytes, 108 * 1024 / 2);
  EXPECT_EQ(eyeriss->storage[2].capacity_bytes, 2 * (224 + 12 + 24));
  EXPECT_DOUBLE_EQ(eyeriss->clock_mhz, 200);
  // 64 bits at 60 MHz are 4 words of 16 bits in 200/60 core cycles.
  EXPECT_EQ(eyeriss->network[0].bandwidth.per_kcycle, 4 * 60 * 1000 / 200);
  const auto tpu = load_machine("tpu_like", d);
  ASSERT_TRUE(tpu);
  EXPECT_EQ(tpu->pes, 256 * 256);
  EXPECT_EQ(tpu->storage[1].capacity_bytes, 24 << 20);
  const auto nvdla = load_machine("nvdla_like", d);
  ASSERT_TRUE(nvdla);
  EXPECT_EQ(nvdla->pes, 16 * 64);
  EXPECT_EQ(nvdla->storage[1].capacity_bytes, 512 << 10);
}

}  // namespace
}  // namespace counterpoint::hw
