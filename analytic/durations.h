// SPDX-License-Identifier: Apache-2.0
// How long a transfer and a step's work take: docs/machine.md, section 4, "Transfers", "Drains",
// "Work". For one machine or one per lane, as engine.h; of `Value` it needs
//   + - * of two, larger, everywhere, and
//   over(a, b), over(a, by, b)   a / b, a * by / b, rounded up.
#pragma once

#include "analytic/program.h"

#ifndef COUNTERPOINT_INLINE
#define COUNTERPOINT_INLINE __attribute__((always_inline)) inline
#endif

namespace counterpoint::analytic {
namespace {

/// Words that travel together, and the bits of all of them.
struct Load {
  Value words, bits;
};

/// A network with the ports at its ends. All cycles are the machine's.
class Link {
 public:
  Link(const LinkOf<Value>& numbers, const LinkTraits& traits) : n_(numbers), traits_(traits) {}

  /// Injection of a transfer with words to the children, as the network and the parent's read port
  /// allow. It takes no less than receive_cycles() of any child and subtree_cycles() of any
  /// subtree.
  COUNTERPOINT_INLINE Value fill_cycles(const Load& sent) const {
    return larger(passing_cycles(sent), read_cycles(sent));
  }
  /// The same of words that the parent does not hold: its port does not count.
  COUNTERPOINT_INLINE Value passing_cycles(const Load& sent) const {
    return n_.fill_overhead +
           (traits_.requests ? requests_cycles(bursts(sent)) : channel_cycles(sent, kChannelPace));
  }
  /// Injection of a transfer of rows, which take so many cycles of the network, and partial sums.
  COUNTERPOINT_INLINE Value rows_cycles(const Value& rows, const Load& sums,
                                        const Load& sent) const {
    return larger(n_.fill_overhead + machine_cycles(rows + transfer_cycles(sums, kChannelPace)),
                  read_cycles(sent));
  }
  /// What one child receives of a transfer.
  COUNTERPOINT_INLINE Value receive_cycles(const Load& received) const {
    return n_.fill_overhead + transfer_cycles(received, kReceivePace);
  }
  /// What goes over one subtree of a transfer.
  COUNTERPOINT_INLINE Value subtree_cycles(const Load& sent) const {
    return n_.fill_overhead + machine_cycles(transfer_cycles(sent, kSubtreePace));
  }
  /// Injection of a drain with words, as the network and the parent's write port allow. It takes no
  /// less than send_cycles() of any child and line_cycles() of any line.
  COUNTERPOINT_INLINE Value drain_cycles(const Load& sent) const {
    return n_.drain_overhead +
           larger(channel_cycles(sent, kDrainPace), transfer_cycles(sent, kWritePace));
  }
  /// Injection of a drain of rows, which take so many of the network's cycles.
  COUNTERPOINT_INLINE Value drain_rows_cycles(const Value& rows, const Load& sent) const {
    return n_.drain_overhead + larger(machine_cycles(rows), transfer_cycles(sent, kWritePace));
  }
  /// What one child sends of a drain.
  COUNTERPOINT_INLINE Value send_cycles(const Load& sent) const {
    return n_.drain_overhead + transfer_cycles(sent, kSendPace);
  }
  /// What goes over one line of a drain.
  COUNTERPOINT_INLINE Value line_cycles(const Load& sent) const {
    return n_.drain_overhead + machine_cycles(transfer_cycles(sent, kLinePace));
  }
  /// From the end of injection of a transfer to its arrival.
  COUNTERPOINT_INLINE Value fill_latency() const { return n_.fill_latency; }
  /// The same of a drain, through the depth of a reducing network; what the last child lags behind
  /// the first comes on top.
  COUNTERPOINT_INLINE Value drain_latency() const { return n_.drain_latency; }

 private:
  COUNTERPOINT_INLINE Value read_cycles(const Load& sent) const {
    return n_.fill_overhead + transfer_cycles(sent, kReadPace);
  }
  COUNTERPOINT_INLINE Value transfer_cycles(const Load& x, PaceName name) const {
    if (!traits_.limits[name]) return Value{};
    const PaceOf<Value>& p = n_.pace[name];
    return over(x.words * p.per_word + x.bits * p.per_bit, p.per);
  }
  COUNTERPOINT_INLINE Value machine_cycles(const Value& own) const {
    return traits_.clocked ? over(own, n_.core, n_.own) : own;
  }
  COUNTERPOINT_INLINE Value bursts(const Load& x) const {
    return over(x.words * n_.burst.per_word + x.bits * n_.burst.per_bit, n_.burst.per);
  }
  COUNTERPOINT_INLINE Value channel_cycles(const Load& x, PaceName name) const {
    if (!traits_.bursts) return machine_cycles(transfer_cycles(x, name));
    const Value amount = bursts(x) * n_.burst_size;
    return machine_cycles(transfer_cycles({amount, amount * 8}, name));
  }
  /// Request j is sent when the one before it is and, at the earliest, when request j - in_flight
  /// has arrived: a round of as many takes the longer of their injection and a round trip.
  COUNTERPOINT_INLINE Value requests_cycles(const Value& count) const {
    const Value each =
        machine_cycles(transfer_cycles({n_.burst_size, n_.burst_size * 8}, kChannelPace));
    const Value round = larger(n_.in_flight * each, n_.fill_latency + each);
    const Value full = over(count, n_.in_flight) - everywhere(1);  // the last one may be
    return full * round + (count - full * n_.in_flight) * each;
  }

  const LinkOf<Value>& n_;
  const LinkTraits& traits_;
};

/// The work of a step in the PE that has most multiply-accumulates: a step is no shorter than its
/// commands.
COUNTERPOINT_INLINE Value work_cycles(const Value& macs, const PeOf<Value>& pe) {
  return larger(over(macs, pe.lanes), pe.step_minimum) + pe.step_overhead;
}

}  // namespace
}  // namespace counterpoint::analytic
