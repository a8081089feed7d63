// SPDX-License-Identifier: Apache-2.0
// The estimator's two ways, kinds of transitions and the walk on concrete tiles, agree where both
// apply; and a plan serves every machine with its nest.
#include <gtest/gtest.h>

#include "analytic/estimator.h"
#include "analytic/schedule.h"
#include "analytic/walk.h"
#include "tests/laws/cases.h"
#include "tests/oracle/model/compare.h"

namespace counterpoint::laws {
namespace {

using analytic::Plan;
using analytic::Schedule;
using analytic::Totals;
using validation::fuzz::Case;
using validation::fuzz::Limits;
using workloads::Mapping;

stats::LayerResult walked(const Mapping& m) {
  return analytic::assemble(m, m.machine, analytic::walk(m));
}

void compare(std::uint64_t cases, const Limits& limits, double planned_at_least) {
  Plan plan;
  Schedule schedule;
  int planned = 0, all = 0;
  for_cases(cases, limits, [&](const Case&, const Mapping& m) {
    ++all;
    if (!plan.compile(m)) return;
    ++planned;
    Totals totals;
    schedule.run(plan, m.machine, totals);
    EXPECT_EQ(oracle::differences(walked(m), analytic::assemble(m, m.machine, totals)), "");
  });
  EXPECT_GE(planned, planned_at_least * all) << "too few cases are regular";
}

TEST(TwoWays, KindsAndWalkAgreeOnSmallLayers) {
  compare(600, {}, 0.5);
}

TEST(TwoWays, KindsAndWalkAgreeWhereMostIterationsAreSkipped) {
  Limits limits;
  limits.stretch = 30;
  limits.max_macs = 20000000;
  compare(60, limits, 0.4);
}

// Everything but the nest may change: rates, latencies, widths, bufferings, channels, reductions.
TEST(TwoWays, OnePlanServesOtherMachines) {
  Plan plan;
  Schedule schedule;
  int checked = 0;
  for_cases(300, {}, [&](const Case& c, const Mapping& m) {
    if (!plan.compile(m)) return;
    hw::BoundMachine other = m.machine;
    std::uint64_t x = c.seed;
    const auto next = [&x](std::uint64_t n) {
      x = x * 6364136223846793005ULL + 1442695040888963407ULL;
      return static_cast<std::int64_t>((x >> 33) % n);
    };
    other.machine.lanes = 1 + next(4);
    other.machine.pipeline_latency = next(5);
    other.machine.bits = {static_cast<int>(4 + next(20)), static_cast<int>(4 + next(20)),
                          static_cast<int>(16 + next(40))};
    other.machine.bits.output = static_cast<int>(next(2) * next(16));
    other.machine.step_overhead = next(2) * next(5);
    other.machine.startup = next(2) * next(40);
    other.machine.step_minimum = next(2) * next(9);
    for (hw::Network& n : other.network) {
      n.burst = {};
      n.drain_bandwidth.reset();
      if (next(2) == 0) n.drain_bandwidth = hw::Rate{next(3) * (700 + next(5000)), next(2) == 0};
      n.fill_overhead = next(2) * next(7);
      n.drain_overhead = next(2) * next(7);
      n.clock_mhz = static_cast<double>(next(3)) * 300;
      n.skew = next(2) * (next(9) - 1);
      n.bandwidth = {next(3) * (700 + next(5000)), next(2) == 0};
      n.latency = next(9);
      n.multicast = static_cast<hw::Multicast>(next(3));
      n.reduction = static_cast<hw::Reduction>(next(3));
      if (n.reuses_all()) n.channels = static_cast<hw::Channels>(next(2));  // else they are shared
    }
    for (hw::Storage& s : other.storage) {
      s.read_port = {next(3) * (400 + next(5000)), next(2) == 0};
      s.write_port = {next(3) * (400 + next(5000)), next(2) == 0};
      for (hw::Buffering& b : s.buffering.of) b = static_cast<hw::Buffering>(next(2));
    }
    if (m.machine.network[0].reuses_all() && m.machine.network[1].reuses_all())
      for (std::size_t t = 0; t < 2; ++t) other.storage[1].holds[t] = next(3) > 0;
    if (next(2) == 0) {
      other.network[0].bandwidth = {1000 + next(3000), next(2) == 0};
      other.network[0].burst = {1 + next(9), other.network[0].bandwidth.bytes};
      other.network[0].drain_bandwidth.reset();
      other.storage[0].in_flight = next(5);
    } else {
      other.storage[0].in_flight = 0;
    }
    Totals totals;
    schedule.run(plan, other, totals);
    Mapping elsewhere = m;
    elsewhere.machine = other;
    EXPECT_EQ(oracle::differences(walked(elsewhere), analytic::assemble(m, other, totals)), "");
    ++checked;
  });
  EXPECT_GT(checked, 50);
}

}  // namespace
}  // namespace counterpoint::laws
