// SPDX-License-Identifier: Apache-2.0
// How many layers, and how many machines, the estimator evaluates per second.
//   bench_estimator [google-benchmark's options] [HARDWARE FILE.m ...]
// Files are networks whose layers have dataflows, in any of the spellings that are read; without
// any, the catalogue's networks under its dataflows are taken.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <unordered_map>
#include <vector>

#include "analytic/estimator.h"
#include "analytic/schedule.h"
#include "analytic/sweep.h"
#include "analytic/walk.h"
#include "hw/machine_file.h"
#include "workloads/language.h"
#include "workloads/mapping.h"
#include "workloads/network_file.h"

namespace {

using namespace counterpoint;

std::vector<workloads::Mapping>& mappings() {
  static std::vector<workloads::Mapping> all;
  return all;
}

// Where the mappings of each network end.
std::vector<std::size_t>& network_ends() {
  static std::vector<std::size_t> all;
  return all;
}

void add(const workloads::Layer& layer, const workloads::Dataflow& dataflow,
         const hw::Machine& machine) {
  workloads::BindResult bound = workloads::bind(layer, dataflow, machine, {true});
  if (bound.mapping) mappings().push_back(std::move(*bound.mapping));
}

// All numbers of every layer, from the bound mapping.
void layers(benchmark::State& state) {
  analytic::Plan plan;
  analytic::Schedule schedule;
  analytic::Totals totals;
  for (auto _ : state)
    for (const workloads::Mapping& m : mappings()) {
      if (plan.compile(m))
        schedule.run(plan, m.machine, totals);
      else
        totals = analytic::walk(m);
      benchmark::DoNotOptimize(totals);
    }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(mappings().size()));
}
BENCHMARK(layers)->Unit(benchmark::kMillisecond);

// ... where layers of one network that do the same are evaluated once, as the commands do it.
void networks(benchmark::State& state) {
  analytic::Plan plan;
  analytic::Schedule schedule;
  std::vector<analytic::Totals> totals(mappings().size());
  std::unordered_multimap<std::size_t, std::size_t> first;
  std::int64_t evaluated = 0;
  for (auto _ : state) {
    std::size_t i = 0;
    for (const std::size_t end : network_ends()) {
      first.clear();
      for (; i < end; ++i) {
        const workloads::Mapping& m = mappings()[i];
        const std::size_t hash = workloads::work_hash(m);
        const auto [from, to] = first.equal_range(hash);
        const auto same = std::find_if(
            from, to, [&](const auto& x) { return workloads::same_work(mappings()[x.second], m); });
        if (same != to) {
          totals[i] = totals[same->second];
          continue;
        }
        first.emplace(hash, i);
        ++evaluated;
        if (plan.compile(m))
          schedule.run(plan, m.machine, totals[i]);
        else
          totals[i] = analytic::walk(m);
      }
    }
    benchmark::DoNotOptimize(totals.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(mappings().size()));
  state.counters["evaluated"] = static_cast<double>(evaluated / state.iterations());
}
BENCHMARK(networks)->Unit(benchmark::kMillisecond);

// ... as a result with names.
void results(benchmark::State& state) {
  for (auto _ : state)
    for (const workloads::Mapping& m : mappings()) benchmark::DoNotOptimize(analytic::estimate(m));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(mappings().size()));
}
BENCHMARK(results)->Unit(benchmark::kMillisecond);

// One mapping on machines of other bandwidths, latencies, widths and energies: a grid of 512 for
// each of 40 mappings from all over the list, planning included. In `all_different` nearly every
// machine has times of its own; in `grid` four energies and four widths share the times of the
// machines whose durations they leave alone.
enum class Points { Grid, AllDifferent };

std::vector<hw::BoundMachine> machines_of(const workloads::Mapping& m, Points points) {
  std::vector<hw::BoundMachine> all;
  for (std::int64_t i = 0; i < 512; ++i) {
    hw::BoundMachine& x = all.emplace_back(m.machine);
    const bool grid = points == Points::Grid;
    for (hw::Network& net : x.network) {
      net.bandwidth = {grid ? std::int64_t{4000} << i % 8 : 1000 + 437 * (i % 73), false};
      net.latency = grid ? i / 8 % 4 : i / 73;
    }
    if (!grid) continue;
    x.machine.bits.input = 8 << i / 32 % 4;
    for (hw::Storage& s : x.storage) s.energy.read_pj = 1.0 + static_cast<double>(i / 128);
  }
  return all;
}

struct Swept {
  const workloads::Mapping* mapping = nullptr;
  std::vector<hw::BoundMachine> machines;
};

const std::vector<Swept>& sample(Points points) {
  static std::vector<Swept> of[2];
  std::vector<Swept>& all = of[points == Points::Grid ? 0 : 1];
  analytic::Plan plan;
  if (all.empty())
    for (std::size_t i = 0; i < mappings().size();
         i += std::max<std::size_t>(1, mappings().size() / 40))
      if (plan.compile(mappings()[i]))
        all.push_back({&mappings()[i], machines_of(mappings()[i], points)});
  return all;
}

void sweep(benchmark::State& state, Points points) {
  analytic::Sweep swept;
  std::vector<analytic::Outcome> outcomes(512);
  std::int64_t n = 0;
  for (auto _ : state)
    for (const Swept& s : sample(points)) {
      swept.compile(*s.mapping);
      swept.run(s.machines.data(), s.machines.size(), outcomes.data());
      benchmark::DoNotOptimize(outcomes);
      n += static_cast<std::int64_t>(s.machines.size());
    }
  state.SetItemsProcessed(n);
}
BENCHMARK_CAPTURE(sweep, grid, Points::Grid)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(sweep, all_different, Points::AllDifferent)->Unit(benchmark::kMillisecond);

// ... one machine at a time, with all counts.
void machines(benchmark::State& state) {
  analytic::Plan plan;
  analytic::Schedule schedule;
  analytic::Totals totals;
  std::int64_t n = 0;
  for (auto _ : state)
    for (const Swept& s : sample(Points::AllDifferent)) {
      plan.compile(*s.mapping);
      for (const hw::BoundMachine& m : s.machines) {
        schedule.run(plan, m, totals);
        benchmark::DoNotOptimize(totals);
      }
      n += static_cast<std::int64_t>(s.machines.size());
    }
  state.SetItemsProcessed(n);
}
BENCHMARK(machines)->Unit(benchmark::kMillisecond);

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  std::vector<input::Diagnostic> diagnostics;
  const auto machine = hw::load_machine(argc > 1 ? argv[1] : "accelerator_1", diagnostics);
  if (!machine) {
    std::fprintf(stderr, "cannot read the machine\n");
    return 2;
  }
  for (int i = 2; i < argc; ++i) {
    const workloads::NetworkResult read = workloads::read_network(argv[i]);
    if (!read.network) continue;
    for (const workloads::NetworkLayer& layer : read.network->layers)
      if (layer.modelled && layer.dataflow) add(layer.layer, *layer.dataflow, *machine);
    network_ends().push_back(mappings().size());
  }
  if (argc <= 2)
    for (const auto& n : workloads::list_networks()) {
      const auto network = workloads::load_network(n.name, diagnostics);
      for (const auto& d : workloads::list_dataflows()) {
        const auto dataflow = workloads::load_dataflow(d.name, diagnostics);
        if (!network || !dataflow) continue;
        for (const workloads::NetworkLayer& layer : network->layers)
          if (layer.modelled) add(layer.layer, *dataflow, *machine);
        network_ends().push_back(mappings().size());
      }
    }
  std::printf("%zu layers\n", mappings().size());
  benchmark::RunSpecifiedBenchmarks();
}
