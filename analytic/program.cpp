// SPDX-License-Identifier: Apache-2.0
#include "analytic/program.h"

#include <algorithm>

#include "analytic/durations.h"
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

void list_moves(const Plan& plan, const hw::BoundMachine& bound, std::vector<Move>& moves) {
  moves.resize(plan.kinds().size());
  std::size_t k = 0;
  for (std::size_t d = 0; d < plan.depths(); ++d) {
    const bool pes = d + 1 == plan.depths();
    std::uint32_t rules = 0;
    for (std::size_t t = 0; t < 3; ++t)
      if (hw::slots(bound.storage[d + 1].buffering, t) == 1) rules |= kSingle0 << t;
    if (bound.network[d].channels == hw::Channels::Shared) rules |= kShared;
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
        }
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
        m.leave_touches = touches;
      }
    }
  }
}

void Prices::set(const Plan& plan, const hw::BoundMachine& bound) {
  const hw::Machine& machine = bound.machine;
  const std::int64_t width[2] = {machine.bits.input, machine.bits.weight};
  const Group* groups = plan.groups().data();
  kinds_.resize(plan.kinds().size());
  levels_.resize(plan.depths());
  std::size_t k = 0;
  for (std::size_t d = 0; d < plan.depths(); ++d) {
    const hw::Network& net = bound.network[d];
    const hw::Storage& child = bound.storage[d + 1];
    const Link link(bound, d, plan.mapping().nest.levels[d].units);
    const bool pes = d + 1 == plan.depths(), reduces = net.reduction != hw::Reduction::None;
    // What passes the unit by comes over the network above it, too.
    const bool past[2] = {hw::passes_by(bound, d, 0), hw::passes_by(bound, d, 1)};
    const Link outer(bound, d == 0 ? 0 : d - 1, 1);
    const auto latency = [&](bool passes) {
      return link.fill_latency() + (passes ? outer.fill_latency() : 0);
    };
    levels_[d] = {{latency(past[0]), latency(past[1])}, link.drain_latency()};
    const std::int64_t out = hw::drain_bits(bound, d);
    struct Last {
      std::int64_t inputs = 0, weights = 0, cycles = 0;
    } last[2];
    for (; k < static_cast<std::size_t>(plan.kind_end(d)); ++k) {
      const Kind& kind = plan.kinds()[k];
      CostOf<std::int64_t>& c = kinds_[k];
      c = {};
      if (kind.shape >= 0) {
        std::int64_t words[2] = {0, 0};
        for (std::size_t t = 0; t < 2; ++t)
          if (kind.enter[t].changed && child.holds[t]) words[t] = kind.enter[t].of(net.multicast);
        // Most kinds of a level move one of a few numbers of words: no need to divide again.
        const bool ports = !child.write_port.unlimited();
        const auto cycles = [&](Last& before, bool of_inputs, bool of_weights) {
          const std::int64_t inputs = of_inputs ? words[0] : 0, weights = of_weights ? words[1] : 0;
          const Load sent{inputs + weights, inputs * width[0] + weights * width[1]};
          if (sent.words == 0) return std::int64_t{0};
          if (!ports && inputs == before.inputs && weights == before.weights) return before.cycles;
          const bool passes = past[of_inputs ? 0 : 1];  // then it is alone
          std::int64_t most = passes ? std::max(link.passing_cycles(sent), outer.fill_cycles(sent))
                                     : link.fill_cycles(sent);
          if (ports)
            for (std::int32_t g = 0; g < kind.group_count; ++g) {
              const Group& x = groups[kind.groups + g];
              const std::int64_t a = of_inputs && child.holds[0] ? x.words[0] : 0;
              const std::int64_t b = of_weights && child.holds[1] ? x.words[1] : 0;
              most = std::max(most, link.receive_cycles({a + b, a * width[0] + b * width[1]}));
            }
          before = {inputs, weights, most};
          return most;
        };
        if (net.channels == hw::Channels::Shared && !past[0] && !past[1]) {
          c.inject[0] = cycles(last[words[1] > 0 ? 1 : 0], true, true);
        } else {
          c.inject[0] = cycles(last[0], true, false);
          c.inject[1] = cycles(last[1], false, true);
        }
        if (pes) c.work = work_cycles(kind.macs_largest, machine);
      }
      if (kind.cold || !kind.leave.changed || kind.leave.total == 0) continue;
      const std::int64_t w = reduces ? kind.leave.distinct : kind.leave.total;
      c.drain = link.drain_cycles({w, w * out});
      if (child.read_port.unlimited()) continue;
      for (std::int32_t g = 0; g < kind.group_count; ++g) {
        const std::int64_t v = groups[kind.groups + g].words[2];
        c.drain = std::max(c.drain, link.send_cycles({v, v * out}));
      }
    }
  }
}

}  // namespace counterpoint::analytic
