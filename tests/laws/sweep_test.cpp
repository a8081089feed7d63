// SPDX-License-Identifier: Apache-2.0
// Machines that are swept together have the outcomes that they have alone, whatever the processor
// can do at once.
#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "analytic/schedule.h"
#include "analytic/sweep.h"
#include "stats/energy.h"
#include "tests/laws/cases.h"

namespace counterpoint::laws {
namespace {

using analytic::Outcome;
using analytic::Sweep;
using validation::fuzz::Case;
using validation::fuzz::Limits;
using workloads::Mapping;

struct Draw {
  std::uint64_t x;
  std::int64_t operator()(std::uint64_t n) {
    x = x * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::int64_t>((x >> 33) % n);
  }
};

// Mostly other numbers, now and then other choices.
std::vector<hw::BoundMachine> variants(const hw::BoundMachine& from, std::size_t n, Draw& next) {
  std::vector<hw::BoundMachine> all;
  hw::BoundMachine m = from;
  while (all.size() < n) {
    m.machine.lanes = 1 + next(4);
    m.machine.pipeline_latency = next(5);
    m.machine.startup = next(30);
    m.machine.bits = {static_cast<int>(4 + next(20)), static_cast<int>(4 + next(20)), 32};
    m.machine.bits.output = static_cast<int>(next(2) * (8 + next(24)));
    m.machine.step_minimum = next(2) * next(30);
    m.machine.step_overhead = next(2) * next(5);
    m.machine.energy.leakage_pj_per_cycle = 0.25 * static_cast<double>(next(9));
    m.machine.energy.mac_pj = static_cast<double>(next(5));
    for (hw::Network& net : m.network) {
      net.bandwidth = {next(4) * (300 + next(3000)), next(2) == 0};
      net.drain_bandwidth.reset();
      if (next(3) == 0) net.drain_bandwidth = hw::Rate{next(4) * (300 + next(3000)), next(2) == 0};
      net.latency = next(20);
      net.fill_overhead = next(2) * next(6);
      net.drain_overhead = next(2) * next(6);
      net.clock_mhz = next(4) == 0 ? 400 + 100 * static_cast<double>(next(12)) : 0;
      net.skew = next(5) - 1;  // hw::Network::kChain is -1
      if (net.burst.size > 0) net.burst = {4 + next(60), next(2) == 0};
      net.energy_per_hop_pj = static_cast<double>(next(5));
      net.energy_bits = static_cast<int>(next(3) * 8);
      if (next(40) == 0) net.multicast = static_cast<hw::Multicast>(next(3));
      if (next(40) == 0) net.reduction = static_cast<hw::Reduction>(next(3));
      if (next(40) == 0 && net.reuses_all()) net.channels = static_cast<hw::Channels>(next(2));
    }
    for (hw::Storage& s : m.storage) {
      s.read_port = {next(2) * (400 + next(5000)), next(2) == 0};
      s.write_port = {next(2) * (400 + next(5000)), next(2) == 0};
      s.energy = {static_cast<double>(next(100)), static_cast<double>(next(100)),
                  static_cast<int>(next(3) * 8)};
      if (next(40) == 0) s.buffering.of[static_cast<std::size_t>(next(3))] = hw::Buffering::Single;
    }
    m.storage[0].latency = next(30);
    if (m.storage[0].in_flight > 0) m.storage[0].in_flight = 1 + next(6);
    if (next(60) == 0) m.network[0].burst.size = 1;  // drawn anew above
    if (m.network[0].burst.size > 0 && next(20) == 0) m.storage[0].in_flight = 4;
    all.push_back(m);
  }
  return all;
}

void compare(std::uint64_t cases, const Limits& limits, analytic::LaneFunction lanes) {
  Sweep sweep;
  analytic::Plan plan;
  analytic::Schedule schedule;
  analytic::Totals totals;
  int machines = 0;
  std::int64_t alone = 0;
  for_cases(cases, limits, [&](const Case& c, const Mapping& m) {
    if (!plan.compile(m)) return;
    ASSERT_TRUE(sweep.compile(m));
    Draw next{c.seed};
    const std::vector<hw::BoundMachine> all = variants(m.machine, 29, next);
    std::vector<Outcome> outcomes(all.size());
    sweep.run_with(lanes, all.data(), all.size(), outcomes.data());
    for (std::size_t i = 0; i < all.size(); ++i) {
      schedule.run(plan, all[i], totals);
      EXPECT_EQ(outcomes[i].cycles, totals.cycles);
      EXPECT_EQ(outcomes[i].stack, totals.stack);
      const double energy = stats::energy(all[i], analytic::assemble(m, all[i], totals)).total();
      EXPECT_NEAR(outcomes[i].energy, energy, 1e-9 * energy);
    }
    machines += static_cast<int>(all.size());
    alone += sweep.alone();
  });
  EXPECT_GT(machines, 500);
  EXPECT_LT(alone, machines / 2) << "hardly any machines were executed together";
}

TEST(Sweep, AnyProcessorAgreesWithOneMachineAtATime) {
  compare(100, {}, analytic::run_lanes_baseline);
}

#if defined(__x86_64__)
// A processor without the instructions must not be given them, and agrees with what it is given.
void compare_if(bool supported, std::uint64_t cases, analytic::LaneFunction lanes) {
  const analytic::LaneFunction best = analytic::best_lanes();
  EXPECT_TRUE(supported || best != lanes);
  compare(cases, {}, supported ? lanes : best);
}

TEST(Sweep, Avx2AgreesWithOneMachineAtATime) {
  compare_if(__builtin_cpu_supports("avx2"), 100, analytic::run_lanes_avx2);
}

TEST(Sweep, Avx512AgreesWithOneMachineAtATime) {
  compare_if(__builtin_cpu_supports("avx512f"), 300, analytic::run_lanes_avx512);
}
#endif

TEST(Sweep, AgreesWhereMostIterationsAreSkipped) {
  Limits limits;
  limits.stretch = 30;
  limits.max_macs = 20000000;
  compare(60, limits, analytic::best_lanes());
}

// One mapping that can be planned.
Mapping some_mapping() {
  std::optional<Mapping> found;
  analytic::Plan plan;
  for_cases(60, {}, [&](const Case&, const Mapping& m) {
    if (found) return;
    if (plan.compile(m)) found = m;
  });
  return std::move(found.value());
}

// Energies decide no time, and no more do widths as long as every rate counts words: 4 x 4 machines
// take as long as one. If the network's rate counts bytes, there is one time for each width.
TEST(Sweep, MachinesThatTakeAsLongAreExecutedOnce) {
  Mapping m = some_mapping();
  m.machine.machine.bits.output = 0;
  for (hw::Network& net : m.machine.network) {
    net.bandwidth = {2000, false};
    net.drain_bandwidth.reset();
    net.burst = {};
    net.subtrees = {};
  }
  for (hw::Storage& s : m.machine.storage) {
    s.read_port = s.write_port = {};
    s.in_flight = 0;
  }
  Sweep sweep;
  for (const bool bytes : {false, true}) {
    for (hw::Network& net : m.machine.network) net.bandwidth.bytes = bytes;
    std::vector<hw::BoundMachine> all;
    for (int i = 0; i < 16; ++i) {
      all.push_back(m.machine);
      all.back().machine.bits.input = 8 << i % 4;
      for (hw::Storage& s : all.back().storage) s.energy.read_pj = 1.0 + i / 4;
    }
    std::vector<Outcome> outcomes(all.size());
    ASSERT_TRUE(sweep.compile(m));
    sweep.run(all.data(), all.size(), outcomes.data());
    EXPECT_EQ(sweep.executed(), bytes ? 4 : 1);
    for (std::size_t i = 4; i < all.size(); ++i) {
      EXPECT_EQ(outcomes[i].cycles, outcomes[i % 4].cycles);
      EXPECT_GT(outcomes[i].energy, outcomes[i - 4].energy);
    }
  }
}

// A clock of 999.999 MHz beside one of 1000.001: durations are quotients by products of a million
// and more, which doubles do not hold. Such machines are executed one by one, and exactly.
TEST(Sweep, LargeNumbersAreNotRounded) {
  const Mapping m = some_mapping();
  std::vector<hw::BoundMachine> all(5, m.machine);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].machine.clock_mhz = 1000.001;
    for (hw::Network& net : all[i].network) {
      net.clock_mhz = 999.999;
      net.burst = {std::int64_t{1} << 50, false};  // of which one is enough
      net.bandwidth = {(std::int64_t{1} << 50) - static_cast<std::int64_t>(i), false};
    }
  }
  Sweep sweep;
  ASSERT_TRUE(sweep.compile(m));
  std::vector<Outcome> outcomes(all.size());
  sweep.run(all.data(), all.size(), outcomes.data());
  EXPECT_EQ(sweep.alone(), 5);
  analytic::Plan plan;
  analytic::Schedule schedule;
  analytic::Totals totals;
  ASSERT_TRUE(plan.compile(m));
  for (std::size_t i = 0; i < all.size(); ++i) {
    schedule.run(plan, all[i], totals);
    EXPECT_EQ(outcomes[i].cycles, totals.cycles);
    EXPECT_EQ(outcomes[i].stack, totals.stack);
  }
}

// One plan and one schedule per thread, the mapping shared.
TEST(Sweep, ThreadsDoNotDisturbEachOther) {
  std::vector<Mapping> mappings;
  for_cases(60, {}, [&](const Case&, const Mapping& m) { mappings.push_back(m); });
  const auto all = [&] {
    std::vector<std::int64_t> cycles;
    for (const Mapping& m : mappings) cycles.push_back(analytic::estimate(m).cycles);
    return cycles;
  };
  const std::vector<std::int64_t> expected = all();
  std::vector<std::vector<std::int64_t>> found(4);
  std::vector<std::thread> threads;
  for (auto& f : found) threads.emplace_back([&f, &all] { f = all(); });
  for (std::thread& t : threads) t.join();
  for (const auto& f : found) EXPECT_EQ(f, expected);
}

}  // namespace
}  // namespace counterpoint::laws
