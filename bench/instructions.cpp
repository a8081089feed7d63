// SPDX-License-Identifier: Apache-2.0
// Fixed pieces of work whose instructions scripts/instructions.sh counts, so that a slow-down is
// seen on a noisy machine too.
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "analytic/estimator.h"
#include "analytic/schedule.h"
#include "analytic/sweep.h"
#include "analytic/walk.h"
#include "hw/machine_file.h"
#include "sim/simulator.h"
#include "workloads/mapping.h"
#include "workloads/network_file.h"

namespace {

using namespace counterpoint;

std::vector<workloads::Mapping> mappings(const char* machine, const char* network,
                                         const char* dataflow, const char* layer = nullptr) {
  std::vector<input::Diagnostic> diagnostics;
  const auto m = hw::load_machine(machine, diagnostics);
  const auto n = workloads::load_network(network, diagnostics);
  const auto d = workloads::load_dataflow(dataflow, diagnostics);
  std::vector<workloads::Mapping> all;
  if (!m || !n || !d) return all;
  for (const workloads::NetworkLayer& l : n->layers) {
    if (!l.modelled || (layer != nullptr && l.layer.name != layer)) continue;
    workloads::BindResult bound = workloads::bind(l.layer, *d, *m, {true});
    if (bound.mapping) all.push_back(std::move(*bound.mapping));
  }
  return all;
}

bool estimate(const char* machine, const char* network, const char* dataflow) {
  const auto all = mappings(machine, network, dataflow);
  for (const workloads::Mapping& m : all) analytic::estimate(m);
  return !all.empty();
}

// Plain numbers of a network, as a sweep over layers asks for them: what bench_estimator's `layers`
// does. Ten times, so that binding is the smaller part.
bool plan_and_schedule(const char* machine, const char* network, const char* dataflow) {
  const auto all = mappings(machine, network, dataflow);
  analytic::Plan plan;
  analytic::Schedule schedule;
  analytic::Totals totals;
  std::int64_t planned = 0;
  for (int i = 0; i < 10; ++i)
    for (const workloads::Mapping& m : all) {
      if (!plan.compile(m)) continue;
      schedule.run(plan, m.machine, totals);
      ++planned;
    }
  return planned > 0;
}

// Each layer on 512 machines: 73 bandwidths and eight latencies, so nearly all have times of their
// own. The lanes are those of every processor, so that the count does not depend on it.
bool sweep(const char* machine, const char* network, const char* dataflow) {
  const auto all = mappings(machine, network, dataflow);
  analytic::Sweep swept;
  std::vector<analytic::Outcome> outcomes(512);
  std::int64_t planned = 0;
  for (const workloads::Mapping& m : all) {
    if (!swept.compile(m)) continue;
    std::vector<hw::BoundMachine> machines(outcomes.size(), m.machine);
    for (std::size_t i = 0; i < machines.size(); ++i)
      for (hw::Network& net : machines[i].network) {
        const auto n = static_cast<std::int64_t>(i);
        net.bandwidth = {1000 + 437 * (n % 73), false};
        net.latency = n / 73;
      }
    swept.run_with(analytic::run_lanes_baseline, machines.data(), machines.size(), outcomes.data());
    ++planned;
  }
  return planned > 0;
}

bool simulate(const char* machine, const char* dataflow, const char* layer, bool data) {
  const auto all = mappings(machine, "squeezenet1_1", dataflow, layer);
  sim::SimOptions options;
  options.carry_data = data;
  for (const workloads::Mapping& m : all) sim::simulate(m, options);
  return !all.empty();
}

// A hundred small layers, elaboration included: 4,608 multiply-accumulates each, on 16 PEs.
bool simulate_small() {
  std::vector<input::Diagnostic> diagnostics;
  const auto machine = hw::load_machine("small", diagnostics);
  const auto dataflow = workloads::load_dataflow("x_p", diagnostics);
  if (!machine || !dataflow) return false;
  workloads::Layer layer;
  layer.name = "small";
  layer[workloads::Dim::K] = layer[workloads::Dim::C] = 4;
  layer[workloads::Dim::R] = layer[workloads::Dim::S] = 3;
  layer[workloads::Dim::Y] = 4;
  layer[workloads::Dim::X] = 8;
  layer.rows = {1, 1, 0, 1, 6};
  layer.cols = {1, 1, 0, 1, 10};
  const workloads::BindResult bound = workloads::bind(layer, *dataflow, *machine, {true});
  if (!bound.mapping) return false;
  for (int i = 0; i < 100; ++i) sim::simulate(*bound.mapping);
  return true;
}

const std::vector<std::pair<std::string, std::function<bool()>>>& cases() {
  static const std::vector<std::pair<std::string, std::function<bool()>>> all = {
      {"bind", [] { return !mappings("accelerator_1", "resnet50_v1", "kc_p").empty(); }},
      {"estimate-kc_p", [] { return estimate("accelerator_1", "resnet50_v1", "kc_p"); }},
      {"estimate-row_stationary",
       [] { return estimate("accelerator_1", "alexnet", "row_stationary"); }},
      {"estimate-refetch", [] { return estimate("eyeriss", "alexnet", "x_p"); }},
      {"plan-kc_p", [] { return plan_and_schedule("accelerator_1", "resnet50_v1", "kc_p"); }},
      {"sweep-kc_p", [] { return sweep("accelerator_1", "alexnet", "kc_p"); }},
      {"simulate-kc_p", [] { return simulate("accelerator_1", "kc_p", "fire4_s1", true); }},
      {"simulate-kc_p-no-data",
       [] { return simulate("accelerator_1", "kc_p", "fire4_s1", false); }},
      {"simulate-ky_p", [] { return simulate("edge256", "ky_p", "fire4_s1", true); }},
      {"simulate-small", [] { return simulate_small(); }},
      {"simulate-row_stationary",
       [] { return simulate("eyeriss", "row_stationary", "fire4_s1", true); }},
  };
  return all;
}

}  // namespace

int sc_main(int, char**) {
  return 0;
}

int main(int argc, char** argv) {
  if (argc == 1)
    for (const auto& [name, run] : cases()) std::puts(name.c_str());
  for (int i = 1; i < argc; ++i) {
    bool known = false;
    for (const auto& [name, run] : cases())
      if (name == argv[i]) known = run();
    if (!known) {
      std::fprintf(stderr, "%s: unknown, or nothing to run\n", argv[i]);
      return 2;
    }
  }
  return 0;
}
