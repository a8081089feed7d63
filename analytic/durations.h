// SPDX-License-Identifier: Apache-2.0
// How long a transfer, a drain and the work of a step take on a machine: docs/machine.md, section
// 4. The only place that knows; both ways of estimating (schedule.h, walk.h) ask here.
#pragma once

#include <algorithm>
#include <cstdint>

#include "hw/machine.h"

namespace counterpoint::analytic {

/// Words that travel together, and the bits of all of them.
struct Load {
  std::int64_t words = 0, bits = 0;
};

/// Cycles to pass a load at a rate.
inline std::int64_t transfer_cycles(Load x, hw::Rate rate) {
  if (rate.unlimited()) return 0;
  return rate.bytes ? (x.bits * 1000 + rate.per_kcycle * 8 - 1) / (rate.per_kcycle * 8)
                    : (x.words * 1000 + rate.per_kcycle - 1) / rate.per_kcycle;
}

/// Injection of a transfer to the children, as the network and the parent's read port allow. It
/// takes no less than receive_cycles() of any child.
inline std::int64_t fill_cycles(Load sent, const hw::Network& net, const hw::Storage& parent) {
  return std::max(transfer_cycles(sent, net.bandwidth), transfer_cycles(sent, parent.read_port));
}
/// What one child receives of a transfer.
inline std::int64_t receive_cycles(Load received, const hw::Storage& child) {
  return transfer_cycles(received, child.write_port);
}

/// Injection of a drain, as the network and the parent's write port allow. It takes no less than
/// send_cycles() of any child.
inline std::int64_t drain_cycles(Load sent, const hw::Network& net, const hw::Storage& parent) {
  return std::max(transfer_cycles(sent, net.bandwidth), transfer_cycles(sent, parent.write_port));
}
/// What one child sends of a drain.
inline std::int64_t send_cycles(Load sent, const hw::Storage& child) {
  return transfer_cycles(sent, child.read_port);
}

/// The work of a step in the PE that has most multiply-accumulates.
inline std::int64_t work_cycles(std::int64_t macs, const hw::Machine& machine) {
  return (macs + machine.lanes - 1) / machine.lanes;
}

/// From the end of injection of a transfer to its arrival.
inline std::int64_t fill_latency(const hw::Network& net, const hw::Storage& parent, bool off_chip) {
  return net.latency + (off_chip ? parent.latency : 0);
}
/// From the end of injection of a drain to its arrival, through the depth of a reducing network.
inline std::int64_t drain_latency(const hw::Network& net, std::int64_t units) {
  std::int64_t cycles = net.latency;
  if (net.reduction == hw::Reduction::Chain) cycles += units - 1;
  if (net.reduction == hw::Reduction::Tree)
    for (std::int64_t reach = 1; reach < units; reach *= 2) ++cycles;
  return cycles;
}

}  // namespace counterpoint::analytic
