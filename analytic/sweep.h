// SPDX-License-Identifier: Apache-2.0
// One mapping on many machines.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "analytic/lanes.h"
#include "analytic/plan.h"
#include "analytic/schedule.h"
#include "analytic/totals.h"

namespace counterpoint::analytic {

/// What one machine makes of the mapping. Counts are the same on all machines with the same
/// multicasts and reductions; Schedule::run() has them, and everything else.
struct Outcome {
  std::int64_t cycles = 0;
  std::array<std::int64_t, kStackNames> stack{};
  double energy = 0;  ///< in the unit of the machine's table
};

/// The choices of a machine that are no numbers, per level.
using Structure = std::array<std::uint16_t, kMaxDepths>;

/// Evaluates a mapping on machines that differ in anything but what its nest depends on (so:
/// bandwidths, latencies, widths, energies, lanes, bufferings, channels, multicasts, reductions),
/// several at once: quickest if neighbours in the list differ in numbers only. Exact, as
/// Schedule::run(). Nothing is allocated once it is warm. Not thread-safe: one per thread.
class Sweep {
 public:
  /// False if the mapping is not regular, see Plan::compile(). Keeps a reference to it.
  bool compile(const workloads::Mapping& mapping);
  /// Outcomes in the order of the machines.
  void run(const hw::BoundMachine* machines, std::size_t count, Outcome* outcomes);
  /// As run(), without the processor's widest vectors: results must not depend on them.
  void run_with(LaneFunction lanes, const hw::BoundMachine* machines, std::size_t count,
                Outcome* outcomes);
  /// Machines that were executed one by one since compile(), because they did not repeat together
  /// with their neighbours.
  std::int64_t alone() const { return alone_; }

 private:
  void describe(const hw::BoundMachine& machine);
  void run_alone(const hw::BoundMachine& machine, Outcome& outcome);

  const workloads::Mapping* mapping_ = nullptr;
  Plan plan_;
  Schedule schedule_;
  Totals totals_;
  stats::LayerResult counts_;
  bool described_ = false;
  Structure structure_{};  ///< of the machine that counts_ and moves_ are of
  std::vector<Move> moves_;
  std::vector<ProgramNode> arrays_;
  Prices prices_;
  std::vector<CostOf<Lanes>> lane_cost_;
  std::vector<RulesOf<Lanes>> lane_rules_;
  std::vector<std::byte> memory_;
  std::int64_t alone_ = 0;
};

}  // namespace counterpoint::analytic
