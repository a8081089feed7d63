// SPDX-License-Identifier: Apache-2.0
// How many layers, and how many machines, the estimator evaluates per second.
//   bench_estimator [google-benchmark's options] [HARDWARE FILE.m ...]
// Files are networks whose layers have dataflows, in any of the spellings that are read; without
// any, the catalogue's networks under its dataflows are taken.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <string>
#include <vector>

#include "analytic/estimator.h"
#include "analytic/schedule.h"
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

// ... as a result with names.
void results(benchmark::State& state) {
  for (auto _ : state)
    for (const workloads::Mapping& m : mappings()) benchmark::DoNotOptimize(analytic::estimate(m));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(mappings().size()));
}
BENCHMARK(results)->Unit(benchmark::kMillisecond);

// One mapping on machines of other bandwidths, latencies and widths.
void machines(benchmark::State& state) {
  std::vector<analytic::Plan> plans(mappings().size());
  std::vector<hw::BoundMachine> changed;
  std::vector<std::size_t> usable;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    changed.push_back(mappings()[i].machine);
    if (plans[i].compile(mappings()[i])) usable.push_back(i);
  }
  analytic::Schedule schedule;
  analytic::Totals totals;
  std::int64_t n = 0;
  for (auto _ : state)
    for (std::size_t i : usable) {
      hw::BoundMachine& m = changed[i];
      for (hw::Network& net : m.network) {
        net.bandwidth = {1000 * (1 + n % 61), false};
        net.latency = n % 7;
      }
      m.machine.bits.input = 8 + static_cast<int>(n % 8);
      ++n;
      schedule.run(plans[i], m, totals);
      benchmark::DoNotOptimize(totals);
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
  }
  if (argc <= 2)
    for (const auto& n : workloads::list_networks()) {
      const auto network = workloads::load_network(n.name, diagnostics);
      for (const auto& d : workloads::list_dataflows()) {
        const auto dataflow = workloads::load_dataflow(d.name, diagnostics);
        if (!network || !dataflow) continue;
        for (const workloads::NetworkLayer& layer : network->layers)
          if (layer.modelled) add(layer.layer, *dataflow, *machine);
      }
    }
  std::printf("%zu layers\n", mappings().size());
  benchmark::RunSpecifiedBenchmarks();
}
