// SPDX-License-Identifier: Apache-2.0
// The SystemC side of a network: who feeds it, and the process that steps it.
#pragma once

#include <cstdint>
#include <limits>

#include "sim/noc/network.h"

namespace counterpoint::sim::noc {

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

/// Offers packets to a network.
class Source {
 public:
  virtual ~Source() = default;
  /// Offers what is due in cycle `now`. Returns the next cycle in which it wants to be asked,
  /// later than `now`, or kNever.
  virtual std::int64_t feed(std::int64_t now, Network& network) = 0;
};

/// Runs the network in a SystemC kernel of its own, from cycle `from` on, until the source has
/// ended and every packet has arrived, or until cycle `until`. Cycles in which the network is
/// empty are skipped. Returns the first cycle that was not stepped. Throws Deadlock.
std::int64_t run(Network& network, Source& source, std::int64_t from = 0,
                 std::int64_t until = kNever);

}  // namespace counterpoint::sim::noc
