// SPDX-License-Identifier: Apache-2.0
// The ports of the global buffer's banks, at which flows take turns: how long each is held, and
// what that makes of the run time. docs/machine.md, "Banks".
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "analytic/program.h"
#include "analytic/totals.h"
#include "hw/machine.h"

namespace counterpoint::analytic {

class Banks {
 public:
  explicit Banks(const hw::BoundMachine& machine) : machine_(machine) {}

  bool any() const { return machine_.storage[1].banks > 0; }
  /// The name of the total of the bank that holds `tensor`.
  LevelName busy(std::size_t tensor) const {
    return static_cast<LevelName>(kBankBusy0 + machine_.storage[1].bank[tensor]);
  }
  /// Cycles that a transfer of the array at `depth` holds the port: to the children, from off-chip
  /// memory (depth 0) or out of the buffer (depth 1). What passes the buffer by is not among it.
  std::int64_t fill_cycles(std::size_t depth, std::int64_t words, std::int64_t bits) const {
    const hw::Storage& buffer = machine_.storage[1];
    return rate_cycles(depth == 0 ? buffer.write_port : buffer.read_port, words, bits);
  }
  /// The same of a drain.
  std::int64_t drain_cycles(std::size_t depth, std::int64_t words, std::int64_t bits) const {
    const hw::Storage& buffer = machine_.storage[1];
    return rate_cycles(depth == 0 ? buffer.read_port : buffer.write_port, words, bits);
  }
  /// Adds, as contention, what the run takes longer than without turns at the least: nothing goes
  /// through a port before `startup`, and one flow at a time does then.
  void bound(const workloads::Nest& nest, Totals& totals) const {
    if (!any()) return;
    std::int64_t most = 0;
    for (int b = 0; b < machine_.storage[1].banks; ++b)
      most = std::max(most, totals.level[1].level[static_cast<std::size_t>(kBankBusy0 + b)]);
    const std::int64_t more = machine_.machine.startup + most - totals.cycles;
    if (more <= 0) return;
    std::int64_t arrays = 1;
    for (std::size_t d = 0; d + 1 < nest.levels.size(); ++d) arrays *= nest.levels[d].units;
    totals.cycles += more;
    totals.stack[kContention] += arrays * more;
  }

 private:
  const hw::BoundMachine& machine_;
};

}  // namespace counterpoint::analytic
