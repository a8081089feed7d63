// SPDX-License-Identifier: Apache-2.0
#include "analytic/program.h"

#include <algorithm>

#include "analytic/numbers.h"
#include "analytic/prices.h"
#include "analytic/times.h"

namespace counterpoint::analytic {

namespace {

void grow(const Plan& plan, std::vector<ProgramNode>& arrays, std::size_t self) {
  const std::size_t depth = static_cast<std::size_t>(arrays[self].depth);
  arrays[self].pes = depth + 1 == plan.depths();
  if (!arrays[self].pes)
    for (const ChildClass& c : plan.classes(depth)) {
      const std::size_t child = arrays.size();
      ProgramNode& n = arrays.emplace_back();
      n.depth = static_cast<std::int32_t>(depth) + 1;
      n.above = static_cast<std::int32_t>(self);
      n.multiplicity = arrays[self].multiplicity * c.size;
      grow(plan, arrays, child);
    }
  arrays[self].end = static_cast<std::int32_t>(arrays.size());
}

}  // namespace

void list_arrays(const Plan& plan, std::vector<ProgramNode>& arrays) {
  arrays.clear();
  arrays.emplace_back();
  grow(plan, arrays, 0);
}

namespace {
// Tensors that pass the unit by have their channels for themselves; the others share one, or none.
int channel_of_sums(const hw::BoundMachine& bound, std::size_t depth) {
  if (bound.network[depth].channels != hw::Channels::Shared) return 2;
  for (std::size_t t = 0; t < 2; ++t)
    if (!hw::passes_by(bound, depth, t)) return static_cast<int>(t);
  return 2;
}
}  // namespace

void list_history(const Plan& plan, const std::int64_t* drain_latency, Program& program) {
  program.reads_back = false;
  for (std::size_t d = 0; d < plan.depths(); ++d) {
    const hw::Network& net = plan.mapping().machine.network[d];
    program.reads_back = program.reads_back || net.psum == hw::PsumPolicy::Refetch;
    program.history[d] = 0;
  }
  if (!program.reads_back) return;
  // What left more residences ago has arrived before the children have room for anything: they
  // have two slots, and every residence takes a cycle.
  for (const Kind& k : plan.kinds()) {
    const std::int64_t most = drain_latency[k.depth] + 4;
    std::int32_t& h = program.history[k.depth];
    if (k.read_back > 0 && k.age <= most) h = std::max(h, k.age - 1);
  }
}

void list_moves(const Plan& plan, const hw::BoundMachine& bound, std::vector<Move>& moves) {
  moves.resize(plan.kinds().size());
  std::size_t k = 0;
  for (std::size_t d = 0; d < plan.depths(); ++d) {
    const bool pes = d + 1 == plan.depths();
    std::uint32_t rules = 0;
    for (std::size_t t = 0; t < 3; ++t)
      if (hw::slots(bound.storage[d + 1].buffering, t) == 1) rules |= kSingle0 << t;
    if (bound.network[d].channels == hw::Channels::Shared) rules |= kShared;
    if (bound.network[d].psum == hw::PsumPolicy::Refetch) rules |= kReadsBack;
    if (d > 0 && bound.network[d - 1].psum == hw::PsumPolicy::Refetch) rules |= kReadsBackAbove;
    const int sums = channel_of_sums(bound, d);
    if (sums < 2) rules |= kWith0 << sums;
    for (std::size_t t = 0; t < 2; ++t)
      if (hw::passes_by(bound, d, t)) rules = (rules | kPast0 << t) & ~std::uint32_t{kShared};
    for (; k < static_cast<std::size_t>(plan.kind_end(d)); ++k) {
      const Kind& kind = plan.kinds()[k];
      Move& m = moves[k];
      m.children = kind.children;
      m.flags = rules;
      // Exactly what Engine::enter_as() and leave_as() do.
      using T = Touches;
      m.enter_touches = m.leave_touches = 0;
      if (kind.shape >= 0) {
        std::uint64_t touches = 0;
        for (int x = 0; x < 2; ++x) {
          const Words& words = kind.enter[static_cast<std::size_t>(x)];
          if (!words.changed || !bound.storage[d + 1].holds[static_cast<std::size_t>(x)]) continue;
          m.flags |= kEnters0 << x;
          if (words.total > 0) m.flags |= kCarries0 << x;
        }
        for (int x = 0; x < 2; ++x) {
          if (!m.has(kEnters0 << x)) continue;
          const int channel = m.has(kShared) ? kChannel0 : kChannel0 + x;
          touches |= T::computes(kArrived0 + x) | T::computes(channel) | T::reads(channel);
          touches |= pes ? T::reads(kOwn) : T::reads(kArrived0 + x) | T::reads_below(kRead0 + x);
          if (!m.has(kSingle0 << x)) touches |= T::computes(kNewer0 + x) | T::reads(kNewer0 + x);
          if (m.has(kCarries0 << x))
            touches |= T::computes(kRead0 + x) | T::reads_above(kArrived0 + x);
          else if (!m.has(kShared))
            touches |= T::reads(kArrived0 + x);
          else if (!m.has(kCarries0 | kCarries1))
            touches |= T::reads(kArrived0) | T::reads(kArrived1);
        }
        if (kind.enter[2].changed) {
          m.flags |= kEnters2;
          touches |= T::reads(m.has(kSingle2) ? kDrained : kOlder) | T::computes(kOwn);
          if (kind.read_back > 0) m.flags |= kCarries2;
          if (m.has(kReadsBack)) {
            const int channel = sums == 2 ? int{kChannel2} : kChannel0 + sums;
            touches |= T::computes(kArrived2) | T::computes(channel) | T::reads(channel);
            touches |= T::reads(kArrived2) | T::reads(kReturned) | T::reads_above(kArrived2);
            if (sums < 2) touches |= T::reads(kArrived0 + sums);
            if (m.has(kShared)) touches |= T::reads(kArrived1);
          }
        }
        if (m.has(kReadsBack)) touches |= T::reads(kArrived2);
        if (pes) touches |= T::reads(kOwn) | T::computes(kOwn);
        m.enter_touches = touches;
      }
      if (!kind.cold && kind.leave.changed) {
        m.flags |= kEnds;
        std::uint64_t touches = T::computes(kDrained) | T::reads(kDrained) |
                                T::computes(kDrainArrived) | T::reads(kDrainArrived);
        touches |= pes ? T::reads(kOwn) : T::reads_below(kDrainArrived);
        if (kind.leave.total > 0) {
          m.flags |= kDrains;
          touches |= T::reads_above(kOwn);
        }
        if (!m.has(kSingle2)) touches |= T::computes(kOlder);
        if (m.has(kReadsBack)) touches |= T::computes(kReturned) | T::reads(kArrived2);
        m.leave_touches = touches;
      }
    }
  }
}

namespace {

PaceOf<std::int64_t> pace(hw::Rate rate) {
  if (rate.unlimited()) return {0, 0, 1};
  // Words or bytes per 1000 cycles; a bit is the eighth of a byte.
  if (rate.bytes) return {0, 125, rate.per_kcycle};
  return {1000, 0, rate.per_kcycle};
}

}  // namespace

std::int64_t rate_cycles(const hw::Rate& rate, std::int64_t words, std::int64_t bits) {
  const PaceOf<std::int64_t> p = pace(rate);
  return (words * p.per_word + bits * p.per_bit + p.per - 1) / p.per;
}

void link_numbers(const hw::BoundMachine& bound, std::size_t depth, std::int64_t units,
                  LinkOf<std::int64_t>& n) {
  const hw::Network& net = bound.network[depth];
  const hw::Storage& parent = bound.storage[depth];
  const hw::Storage& child = bound.storage[depth + 1];
  const hw::ClockRatio clock = hw::clock_ratio(bound.machine, net);
  const auto machine_cycles = [&](std::int64_t own) {
    return clock.core == clock.own ? own : over(own, clock.core, clock.own);
  };
  n.pace[kChannelPace] = pace(net.bandwidth);
  n.pace[kDrainPace] = pace(net.drain_bandwidth.value_or(net.bandwidth));
  n.pace[kReadPace] = pace(parent.read_port);
  n.pace[kWritePace] = pace(parent.write_port);
  n.pace[kReceivePace] = pace(child.write_port);
  n.pace[kSendPace] = pace(child.read_port);
  n.pace[kSubtreePace] = pace(net.subtrees.bandwidth);
  n.pace[kLinePace] = pace(net.drain_lines.bandwidth);
  n.burst = {0, 0, 1};
  if (net.burst.size > 0)
    n.burst = net.burst.bytes ? PaceOf<std::int64_t>{0, 1, net.burst.size * 8}
                              : PaceOf<std::int64_t>{1, 0, net.burst.size};
  n.burst_size = net.burst.size;
  n.core = clock.core;
  n.own = clock.own;
  n.fill_overhead = machine_cycles(net.fill_overhead);
  n.drain_overhead = machine_cycles(net.drain_overhead);
  n.fill_latency = machine_cycles(net.latency);
  n.in_flight = 0;
  if (depth == 0) {
    n.fill_latency += parent.latency;
    n.in_flight = parent.in_flight;
  }
  std::int64_t deep = 0;
  if (net.reduction == hw::Reduction::Chain) deep = units - 1;
  if (net.reduction == hw::Reduction::Tree)
    for (std::int64_t reach = 1; reach < units; reach *= 2) ++deep;
  if (net.skew == hw::Network::kChain)
    deep += units - 1;
  else
    deep += net.skew;
  n.drain_latency = machine_cycles(net.latency + deep);
  // A look at the level only where it matters.
  n.out_bits =
      bound.machine.bits.output > 0 ? hw::drain_bits(bound, depth) : bound.machine.bits.psum;
}

void add_traits(const LinkOf<std::int64_t>& link, LinkTraits& traits) {
  for (int p = 0; p < kPaces; ++p)
    if (link.pace[p].per_word != 0 || link.pace[p].per_bit != 0) traits.limits[p] = true;
  if (link.burst_size > 0) traits.bursts = true;
  if (link.in_flight > 0) traits.requests = true;
  if (link.core != link.own) traits.clocked = true;
}

void list_numbers(const Plan& plan, const hw::BoundMachine& bound, Numbers& numbers) {
  const hw::Machine& machine = bound.machine;
  numbers.pipeline_latency = machine.pipeline_latency;
  numbers.startup = machine.startup;
  numbers.width[0] = machine.bits.input;
  numbers.width[1] = machine.bits.weight;
  numbers.width[2] = machine.bits.psum;
  numbers.pe = {machine.lanes, machine.step_minimum, machine.step_overhead};
  for (std::size_t d = 0; d < plan.depths(); ++d)
    link_numbers(bound, d, plan.mapping().nest.levels[d].units, numbers.link[d]);
}

void list_choices(const Plan& plan, const hw::BoundMachine& bound, LevelChoices* levels) {
  for (std::size_t d = 0; d < plan.depths(); ++d) {
    const hw::Network& net = bound.network[d];
    LevelChoices& c = levels[d];
    c = {};
    c.multicast = net.multicast;
    c.shared = net.channels == hw::Channels::Shared;
    c.reduces = net.reduction != hw::Reduction::None;
    c.sums = channel_of_sums(bound, d);
    for (std::size_t t = 0; t < 2; ++t) {
      c.holds[t] = bound.storage[d + 1].holds[t];
      c.past[t] = hw::passes_by(bound, d, t);
      if (c.past[t]) c.shared = false;
    }
  }
}

void list_kinds(const Plan& plan, PriceList& list) {
  list.kinds = plan.kinds().data();
  list.groups = plan.groups().data();
  list.over_subtrees = plan.over_subtrees().data();
  list.kind_end = plan.kind_ends();
  list.depths = plan.depths();
}

void Prices::set(const Plan& plan, const hw::BoundMachine& bound) {
  list_kinds(plan, list_);
  list_choices(plan, bound, list_.levels);
  list_numbers(plan, bound, numbers_);
  for (std::size_t d = 0; d < plan.depths(); ++d)
    add_traits(numbers_.link[d], list_.levels[d].traits);
  kinds_.resize(plan.kinds().size());
  levels_.resize(plan.depths());
  price(list_, numbers_, kinds_.data(), levels_.data());
}

}  // namespace counterpoint::analytic
