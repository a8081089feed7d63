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

/// A network with the ports at its ends, of a unit with `units` children at depth `depth`. All
/// cycles are the machine's.
class Link {
 public:
  Link(const hw::BoundMachine& bound, std::size_t depth, std::int64_t units)
      : net_(&bound.network[depth]),
        parent_(&bound.storage[depth]),
        child_(&bound.storage[depth + 1]),
        clock_(hw::clock_ratio(bound.machine, *net_)),
        drain_bandwidth_(net_->drain_bandwidth.value_or(net_->bandwidth)),
        fill_overhead_(machine_cycles(net_->fill_overhead)),
        drain_overhead_(machine_cycles(net_->drain_overhead)) {
    fill_latency_ = machine_cycles(net_->latency);
    if (depth == 0) {
      fill_latency_ += parent_->latency;
      in_flight_ = parent_->in_flight;
    }
    std::int64_t deep = 0;
    if (net_->reduction == hw::Reduction::Chain) deep = units - 1;
    if (net_->reduction == hw::Reduction::Tree)
      for (std::int64_t reach = 1; reach < units; reach *= 2) ++deep;
    if (net_->skew == hw::Network::kChain)
      deep += units - 1;
    else
      deep += net_->skew;
    drain_latency_ = machine_cycles(net_->latency + deep);
  }

  /// Injection of a transfer with words to the children, as the network and the parent's read port
  /// allow. It takes no less than receive_cycles() of any child.
  std::int64_t fill_cycles(Load sent) const {
    return std::max(passing_cycles(sent),
                    fill_overhead_ + transfer_cycles(sent, parent_->read_port));
  }
  /// The same of words that the parent does not hold: its port does not count.
  std::int64_t passing_cycles(Load sent) const {
    return fill_overhead_ +
           (in_flight_ > 0 ? requests_cycles(bursts(sent)) : channel_cycles(sent, net_->bandwidth));
  }
  /// What one child receives of a transfer.
  std::int64_t receive_cycles(Load received) const {
    return fill_overhead_ + transfer_cycles(received, child_->write_port);
  }
  /// Injection of a drain with words, as the network and the parent's write port allow. It takes no
  /// less than send_cycles() of any child.
  std::int64_t drain_cycles(Load sent) const {
    return drain_overhead_ + std::max(channel_cycles(sent, drain_bandwidth_),
                                      transfer_cycles(sent, parent_->write_port));
  }
  /// What one child sends of a drain.
  std::int64_t send_cycles(Load sent) const {
    return drain_overhead_ + transfer_cycles(sent, child_->read_port);
  }
  /// From the end of injection of a transfer to its arrival.
  std::int64_t fill_latency() const { return fill_latency_; }
  /// The same of a drain, through the depth of a reducing network; what the last child lags behind
  /// the first comes on top.
  std::int64_t drain_latency() const { return drain_latency_; }

 private:
  std::int64_t machine_cycles(std::int64_t own) const {
    if (clock_.core == 1 && clock_.own == 1) return own;
    __extension__ typedef __int128 Wide;
    return static_cast<std::int64_t>((Wide(own) * clock_.core + clock_.own - 1) / clock_.own);
  }
  std::int64_t bursts(Load x) const {
    const std::int64_t each = net_->burst.size * (net_->burst.bytes ? 8 : 1);
    return ((net_->burst.bytes ? x.bits : x.words) + each - 1) / each;
  }
  std::int64_t channel_cycles(Load x, hw::Rate rate) const {
    if (net_->burst.size > 0) {
      const std::int64_t amount = bursts(x) * net_->burst.size;
      x = {amount, amount * 8};
    }
    return machine_cycles(transfer_cycles(x, rate));
  }
  /// Request j is sent when the one before it is and, at the earliest, when request j - in_flight
  /// has arrived: a round of as many takes the longer of their injection and a round trip.
  std::int64_t requests_cycles(std::int64_t count) const {
    const std::int64_t each =
        machine_cycles(transfer_cycles({net_->burst.size, net_->burst.size * 8}, net_->bandwidth));
    const std::int64_t round = std::max(in_flight_ * each, fill_latency_ + each);
    return (count - 1) / in_flight_ * round + ((count - 1) % in_flight_ + 1) * each;
  }

  const hw::Network* net_;
  const hw::Storage* parent_;
  const hw::Storage* child_;
  hw::ClockRatio clock_;
  hw::Rate drain_bandwidth_;
  std::int64_t fill_overhead_, drain_overhead_;
  std::int64_t fill_latency_ = 0, drain_latency_ = 0, in_flight_ = 0;
};

/// The work of a step in the PE that has most multiply-accumulates: a step is no shorter than its
/// commands.
inline std::int64_t work_cycles(std::int64_t macs, const hw::Machine& machine) {
  return std::max((macs + machine.lanes - 1) / machine.lanes, machine.step_minimum) +
         machine.step_overhead;
}

}  // namespace counterpoint::analytic
