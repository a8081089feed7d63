// SPDX-License-Identifier: Apache-2.0
// Flit hops per second of a mesh with BookSim2's router, uniform packets of 5 flits, all statistics
// on, in SystemC. Load: low 10 %, medium 40 % of the ideal 4/k flits per node and cycle.
#include <benchmark/benchmark.h>

#include "sim/noc/traffic.h"

namespace {

using namespace counterpoint::sim::noc;

void mesh(benchmark::State& state, const char* timing, int vcs) {
  NetworkConfig c;
  const int k = static_cast<int>(state.range(0));
  c.topology.width = k;
  c.topology.height = k;
  c.timing = router_timing(timing);
  c.vcs = vcs;
  Traffic t;
  t.load = static_cast<double>(state.range(1)) / 100 * 4 / k;
  const Phases phases{1000, 20000, 0};
  std::int64_t hops = 0;
  std::int64_t cycles = 0;
  for (auto _ : state) {
    const LoadPoint p = measure(c, t, phases);
    hops += p.flit_hops;
    cycles += phases.warm_up + phases.measure;
  }
  state.counters["flit_hops/s"] =
      benchmark::Counter(static_cast<double>(hops), benchmark::Counter::kIsRate);
  state.counters["cycles/s"] =
      benchmark::Counter(static_cast<double>(cycles), benchmark::Counter::kIsRate);
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgsProduct({{4, 8, 16}, {10, 40}})->ArgNames({"k", "load"})->Unit(benchmark::kMillisecond);
}
BENCHMARK_CAPTURE(mesh, a_4vc, "booksim-a", 4)->Apply(sizes);
BENCHMARK_CAPTURE(mesh, b_1vc, "booksim-b", 1)->Apply(sizes);
BENCHMARK_CAPTURE(mesh, noxim_1vc, "noxim", 1)->Apply(sizes);

}  // namespace

BENCHMARK_MAIN();
