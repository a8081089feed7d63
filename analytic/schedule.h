// SPDX-License-Identifier: Apache-2.0
// All numbers of a planned mapping: counts by how often each kind occurs, times by engine.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "analytic/estimator.h"
#include "analytic/plan.h"
#include "analytic/program.h"
#include "analytic/totals.h"

namespace counterpoint::analytic {

class Schedule {
 public:
  /// All numbers of the plan on a machine with the plan's nest (other rates, latencies, widths,
  /// bufferings, channels, multicasts and reductions than the plan was made with are fine).
  /// Keeps its memory from call to call. Not thread-safe: one per thread.
  void run(const Plan& plan, const hw::BoundMachine& machine, Totals& totals,
           Effort* effort = nullptr);

 private:
  void sum_work(const Plan& plan);
  template <bool kSums>
  void execute(const Plan& plan, const hw::BoundMachine& machine, const Program& program,
               Totals& totals, Effort* effort);
  void count(const Plan& plan, const hw::BoundMachine& machine, Totals& totals) const;

  std::vector<Move> moves_;
  Prices prices_;
  std::vector<ProgramNode> arrays_;
  std::vector<std::int64_t> step_work_;   ///< per kind, cycles at full speed
  std::vector<std::int64_t> shape_work_;  ///< ... of all steps of a tile
  std::vector<std::byte> memory_;
};

}  // namespace counterpoint::analytic
