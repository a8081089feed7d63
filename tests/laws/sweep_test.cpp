// SPDX-License-Identifier: Apache-2.0
// Machines that are swept together have the outcomes that they have alone, whatever the processor
// can do at once.
#include <gtest/gtest.h>

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
  for (hw::Network& net : m.network) net.psum = hw::PsumPolicy::Accumulate;
  while (all.size() < n) {
    m.machine.lanes = 1 + next(4);
    m.machine.pipeline_latency = next(5);
    m.machine.startup = next(30);
    m.machine.bits = {static_cast<int>(4 + next(20)), static_cast<int>(4 + next(20)), 32};
    m.machine.energy.leakage_pj_per_cycle = 0.25 * static_cast<double>(next(9));
    for (hw::Network& net : m.network) {
      net.bandwidth = {next(4) * (300 + next(3000)), next(2) == 0};
      net.latency = next(20);
      net.energy_per_hop_pj = static_cast<double>(next(5));
      if (next(40) == 0) net.multicast = static_cast<hw::Multicast>(next(3));
      if (next(40) == 0) net.reduction = static_cast<hw::Reduction>(next(3));
      if (next(40) == 0) net.channels = static_cast<hw::Channels>(next(2));
    }
    for (hw::Storage& s : m.storage) {
      s.read_port = {next(2) * (400 + next(5000)), next(2) == 0};
      s.write_port = {next(2) * (400 + next(5000)), next(2) == 0};
      s.energy.read_pj = static_cast<double>(next(100));
      if (next(40) == 0) s.buffering.of[static_cast<std::size_t>(next(3))] = hw::Buffering::Single;
    }
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
  for_cases(cases, limits, [&](const Case& c, const Mapping& drawn) {
    Mapping m = drawn;
    for (hw::Network& n : m.machine.network) n.psum = hw::PsumPolicy::Accumulate;
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
TEST(Sweep, Avx2AgreesWithOneMachineAtATime) {
  if (!__builtin_cpu_supports("avx2")) GTEST_SKIP() << "this processor has no AVX2";
  compare(100, {}, analytic::run_lanes_avx2);
}

TEST(Sweep, Avx512AgreesWithOneMachineAtATime) {
  if (!__builtin_cpu_supports("avx512f")) GTEST_SKIP() << "this processor has no AVX-512";
  compare(300, {}, analytic::run_lanes_avx512);
}
#endif

TEST(Sweep, AgreesWhereMostIterationsAreSkipped) {
  Limits limits;
  limits.stretch = 30;
  limits.max_macs = 20000000;
  compare(60, limits, analytic::best_lanes());
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
