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
#include "stats/energy.h"

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
/// bandwidths, latencies, widths, energies, lanes, bufferings, channels, multicasts, reductions;
/// not the PEs of subtrees, the children of drain lines, rows of off-chip memory, steps in flight
/// and what follows through PEs), several at once: quickest if neighbours in the list differ in
/// numbers only. Exact, as Schedule::run(). Nothing is allocated once it is warm. Not thread-safe:
/// one per thread.
class Sweep {
 public:
  /// False if the mapping is not regular, see Plan::compile(). Keeps a reference to it.
  bool compile(const workloads::Mapping& mapping);
  /// Outcomes in the order of the machines.
  void run(const hw::BoundMachine* machines, std::size_t count, Outcome* outcomes);
  /// As run(), without the processor's widest vectors: results must not depend on them.
  void run_with(LaneFunction lanes, const hw::BoundMachine* machines, std::size_t count,
                Outcome* outcomes);
  /// Machines that were executed since compile(): the others had the numbers of one of them.
  std::int64_t executed() const { return executed_; }
  /// ... one by one, because they did not repeat together with their neighbours.
  std::int64_t alone() const { return alone_; }

 private:
  /// Machines with the same numbers have the same times, whatever their energies: they are
  /// executed once.
  struct Known {
    std::uint64_t hash = 0;
    const hw::BoundMachine* machine = nullptr;  ///< one of them
    std::int64_t cycles = 0;
    std::array<std::int64_t, kStackNames> stack{};
  };

  void describe(const hw::BoundMachine& machine);
  std::size_t run_alike(LaneFunction lanes, const hw::BoundMachine* machines, std::size_t count,
                        Outcome* outcomes);
  std::size_t known(const hw::BoundMachine& machine);
  bool exact(const Numbers& numbers) const;
  void execute(LaneFunction lanes);
  void execute_alone(Known& k);

  const workloads::Mapping* mapping_ = nullptr;
  Plan plan_;
  Schedule schedule_;
  Totals totals_;
  stats::EnergySum energy_;
  bool described_ = false;
  Structure structure_{};  ///< of the machine that energy_, moves_ and input_ are of
  std::vector<Move> moves_;
  std::vector<ProgramNode> arrays_;
  double most_words_ = 0;  ///< that move in a kind, and multiply-accumulates of a PE
  std::vector<Known> known_;
  std::vector<std::int64_t> numbers_;      ///< of known_, one after the other
  std::vector<std::uint16_t> slots_;       ///< hash table of 1 + index into known_; 0: free
  std::vector<std::uint16_t> of_machine_;  ///< index into known_
  std::vector<double> leakage_;            ///< of each machine, per cycle
  LaneInput input_;
  std::size_t lanes_used_ = 0;
  std::array<std::size_t, kLanes> lane_of_{};  ///< index into known_
  NumbersOf<Lanes> lane_numbers_{};
  std::vector<CostOf<Lanes>> lane_cost_;
  std::vector<RulesOf<Lanes>> lane_rules_;
  std::vector<std::byte> memory_;
  std::int64_t executed_ = 0, alone_ = 0;
};

}  // namespace counterpoint::analytic
