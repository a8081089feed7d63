// SPDX-License-Identifier: Apache-2.0
// Laws 1 to 6 of docs/machine.md on random cases.
#include <gtest/gtest.h>

#include <vector>

#include "analytic/estimator.h"
#include "hw/machine_file.h"
#include "sim/simulator.h"
#include "tests/laws/cases.h"
#include "tests/oracle/model/compare.h"
#include "tests/oracle/model/oracle.h"
#include "workloads/language.h"

namespace counterpoint::laws {
namespace {

using validation::fuzz::Case;
using workloads::Dim;
using workloads::Mapping;

TEST(Laws, EveryMacOnceAndNothingLessThanCompulsory) {
  for_cases(300, {}, [](const Case& c, const Mapping& m) {
    const stats::LayerResult r = analytic::estimate(m);
    EXPECT_EQ(r.macs, workloads::macs(c.layer.layer));
    const auto touched = oracle::touched_words(c.layer.layer);
    EXPECT_GE(r.storage[0].access[0].fill_read, touched[0]);
    EXPECT_GE(r.storage[0].access[1].fill_read, touched[1]);
    EXPECT_GE(r.storage[0].access[2].writes(), touched[2]);
    // Every output is left off-chip once, however often it came and went.
    const stats::AccessCounts& out = r.storage[0].access[2];
    EXPECT_EQ(out.drain_write - out.readback_read, touched[2]);
  });
}

TEST(Laws, WordsThatArriveAreWordsSentTimesReceivers) {
  for_cases(300, {}, [](const Case&, const Mapping& m) {
    const stats::LayerResult r = analytic::estimate(m);
    for (std::size_t l = 0; l < r.network.size(); ++l)
      for (std::size_t t = 0; t < 3; ++t) {
        const stats::LinkCounts& x = r.network[l].link[t];
        const stats::AccessCounts &up = r.storage[l].access[t], &down = r.storage[l + 1].access[t];
        EXPECT_EQ(x.injected, up.fill_read + up.readback_read);
        EXPECT_EQ(x.delivered, down.fill_write + down.readback_write);
        EXPECT_GE(x.delivered, x.injected);
        EXPECT_LE(x.delivered, x.injected * m.nest.levels[l].units);
        if (t == 2 || m.machine.network[l].multicast == hw::Multicast::None) {
          EXPECT_EQ(x.delivered, x.injected);
        }
        EXPECT_EQ(x.drain_senders, down.drain_read);
        EXPECT_EQ(x.drain_injected, up.drain_write + up.accumulate_write);
        EXPECT_LE(x.drain_injected, x.drain_senders);
      }
  });
}

TEST(Laws, NoResourceWorksFasterThanItCan) {
  for_cases(300, {}, [](const Case&, const Mapping& m) {
    const stats::LayerResult r = analytic::estimate(m);
    EXPECT_LE(r.utilization(), 1.0);
    EXPECT_EQ(r.stack.total(), r.arrays * r.cycles);
    for (std::size_t l = 0; l < r.network.size(); ++l) {
      const bool separate = m.machine.network[l].channels == hw::Channels::Separate;
      EXPECT_LE(r.network[l].fill_busy, r.cycles * r.network[l].instances * (separate ? 3 : 1));
      EXPECT_LE(r.network[l].drain_busy, r.cycles * r.network[l].instances);
    }
    for (const analytic::Bound& b : analytic::roofline(m, r).bounds)
      EXPECT_LE(b.cycles, r.cycles) << b.resource;
  });
}

TEST(Laws, NothingDependsOnDataOrOnTheOrderOfModules) {
  for_cases(100, {}, [](const Case&, const Mapping& m) {
    const stats::LayerResult r = sim::simulate(m).result;
    sim::SimOptions empty, shuffled, other_data;
    empty.carry_data = false;
    shuffled.shuffle_seed = 77;
    other_data.data_seed = 5;
    EXPECT_EQ(oracle::differences(r, sim::simulate(m, empty).result), "");
    EXPECT_EQ(oracle::differences(r, sim::simulate(m, shuffled).result), "");
    EXPECT_EQ(oracle::differences(r, sim::simulate(m, other_data).result), "");
    EXPECT_EQ(oracle::differences(r, sim::simulate(m).result), "");
  });
}

TEST(Laws, FasterPartsNeverMakeAMachineSlower) {
  for_cases(200, {}, [](const Case&, const Mapping& m) {
    const std::int64_t cycles = analytic::estimate(m).cycles;
    for (std::size_t l = 0; l < m.machine.network.size(); ++l) {
      Mapping faster = m;
      faster.machine.network[l].bandwidth.per_kcycle *= 3;
      EXPECT_LE(analytic::estimate(faster).cycles, cycles) << "network " << l;
      faster = m;
      faster.machine.network[l].latency /= 2;
      EXPECT_LE(analytic::estimate(faster).cycles, cycles) << "latency of network " << l;
      faster = m;
      faster.machine.storage[l].read_port = {};
      EXPECT_LE(analytic::estimate(faster).cycles, cycles) << "read port " << l;
      faster = m;
      faster.machine.storage[l + 1].buffering = hw::Buffering::Double;
      EXPECT_LE(analytic::estimate(faster).cycles, cycles) << "second buffer " << l + 1;
    }
    Mapping faster = m;
    faster.machine.machine.lanes += 1;
    EXPECT_LE(analytic::estimate(faster).cycles, cycles) << "lanes";
  });
}

std::int64_t offchip_words(const Mapping& m) {
  const stats::LayerResult r = analytic::estimate(m);
  std::int64_t n = 0;
  for (const stats::LinkCounts& x : r.network[0].link) n += x.injected + x.drain_injected;
  return n;
}

TEST(Laws, MoreCapacityNeverIncreasesOffChipTraffic) {
  for_cases(200, {}, [](const Case& c, const Mapping&) {
    if (c.layer.dataflow->explicit_offchip) return;
    std::int64_t before = -1, smaller = 0;
    for (std::int64_t capacity = 4; capacity <= 16384; capacity *= 2) {
      Case larger = c;
      larger.machine.storage[1].capacity_bytes = capacity;
      const auto bound =
          workloads::bind(larger.layer.layer, *larger.layer.dataflow, larger.machine);
      if (!bound.mapping) continue;
      const std::int64_t words = offchip_words(*bound.mapping);
      if (before >= 0) {
        EXPECT_LE(words, before) << capacity << " bytes after " << smaller;
      }
      before = words;
      smaller = capacity;
    }
  });
}

TEST(Laws, ADirectiveWithOnePositionChangesNothing) {
  for_cases(150, {}, [](const Case& c, const Mapping& m) {
    const stats::LayerResult r = analytic::estimate(m);
    for (Dim d : workloads::kAllDims) {
      if (!c.layer.layer.has(d)) continue;
      Case with = c;
      auto& directives = with.layer.dataflow->levels[0].directives;
      bool mapped = false;
      for (const workloads::Directive& x : directives) mapped = mapped || x.dim.dim == d;
      if (mapped) continue;
      workloads::Directive whole;
      whole.size.number = whole.offset.number = 1000;
      whole.dim.dim = d;
      const std::size_t places = directives.size() + 1;
      for (std::size_t at = 0; at < places; at += std::max<std::size_t>(1, places - 1)) {
        with = c;
        auto& into = with.layer.dataflow->levels[0].directives;
        into.insert(into.begin() + static_cast<std::ptrdiff_t>(at), whole);
        const auto bound =
            workloads::bind(with.layer.layer, *with.layer.dataflow, with.machine, {true});
        ASSERT_TRUE(bound.mapping) << input::format(bound.diagnostics);
        EXPECT_EQ(oracle::differences(r, analytic::estimate(*bound.mapping)), "") << name(d);
      }
    }
  });
}

// What a failing case prints is enough to have it again.
TEST(Laws, ACaseAsTextIsTheSameCase) {
  for_cases(150, {}, [](const Case& c, const Mapping& m) {
    std::vector<input::Diagnostic> diagnostics;
    const auto machine =
        hw::read_machine(validation::fuzz::machine_yaml(c.machine), "machine", diagnostics);
    ASSERT_TRUE(machine) << input::format(diagnostics);
    const auto network =
        workloads::parse_network("Network text {\n" + workloads::print(c.layer) + "}\n", "mapping");
    ASSERT_TRUE(network.network) << input::format(network.diagnostics);
    const workloads::NetworkLayer& layer = network.network->layers.at(0);
    const auto bound = workloads::bind(layer.layer, *layer.dataflow, *machine, {true});
    ASSERT_TRUE(bound.mapping) << input::format(bound.diagnostics);
    EXPECT_EQ(oracle::differences(analytic::estimate(m), analytic::estimate(*bound.mapping)), "");
  });
}

}  // namespace
}  // namespace counterpoint::laws
