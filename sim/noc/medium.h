// SPDX-License-Identifier: Apache-2.0
// Who may inject when: the interface between an array's channels and its network.
#pragma once

#include <cstdint>
#include <memory>

#include "hw/machine.h"

namespace counterpoint::sim {

/// The network of one array as its channels see it. A channel asks once its transfer could start
/// and injects when it is granted; arbitration happens when all requests of a cycle are in.
class Medium {
 public:
  virtual ~Medium() = default;
  /// A transfer of at least one word could start at `now`. True: it starts now. False: it waits
  /// in the queue of requests until grant() names its channel. Channel 0 drains, others fill.
  virtual bool request(int channel, std::int64_t now) = 0;
  /// Called between cycles: the channel that may start at `now`, or -1.
  virtual int grant(std::int64_t now) = 0;
  /// The granted transfer occupies the medium until `end`.
  virtual void occupy(std::int64_t end) = 0;
  /// When a waiting request may be granted, or -1 if none waits.
  virtual std::int64_t next_grant(std::int64_t now) const = 0;
};

std::unique_ptr<Medium> make_medium(hw::Topology topology);

}  // namespace counterpoint::sim
