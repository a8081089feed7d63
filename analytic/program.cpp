// SPDX-License-Identifier: Apache-2.0
#include "analytic/program.h"

#include <algorithm>

#include "analytic/durations.h"
#include "analytic/times.h"

namespace counterpoint::analytic {

namespace {

constexpr std::uint32_t bit(int name) {
  return 1u << name;
}

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
    for (; k < static_cast<std::size_t>(plan.kind_end(d)); ++k) {
      const Kind& kind = plan.kinds()[k];
      Move& m = moves[k];
      m.children = kind.children;
      m.flags = rules;
      m.enter_computes = m.leave_computes = 0;
      if (kind.shape >= 0) {
        for (int x = 0; x < 2; ++x) {
          const Words& words = kind.enter[static_cast<std::size_t>(x)];
          if (!words.changed) continue;
          m.flags |= kEnters0 << x;
          m.enter_computes |= bit(kArrived0 + x) | bit(m.has(kShared) ? kChannel0 : kChannel0 + x);
          if (!m.has(kSingle0 << x)) m.enter_computes |= bit(kNewer0 + x);
          if (words.total == 0) continue;
          m.flags |= kCarries0 << x;
          m.enter_computes |= bit(kRead0 + x);
        }
        if (kind.enter[2].changed) m.flags |= kEnters2;
        if (pes || kind.enter[2].changed) m.enter_computes |= bit(kOwn);
      }
      if (!kind.cold && kind.leave.changed) {
        m.flags |= kEnds;
        if (kind.leave.total > 0) m.flags |= kDrains;
        m.leave_computes = bit(kDrained) | bit(kDrainArrived);
        if (!m.has(kSingle2)) m.leave_computes |= bit(kOlder);
      }
    }
  }
}

void Prices::set(const Plan& plan, const hw::BoundMachine& bound) {
  const hw::Machine& machine = bound.machine;
  const std::int64_t width[3] = {machine.bits.input, machine.bits.weight, machine.bits.psum};
  const Group* groups = plan.groups().data();
  kinds_.resize(plan.kinds().size());
  levels_.resize(plan.depths());
  std::size_t k = 0;
  for (std::size_t d = 0; d < plan.depths(); ++d) {
    const hw::Network& net = bound.network[d];
    const hw::Storage& child = bound.storage[d + 1];
    const Link link(bound, d, plan.mapping().nest.levels[d].units);
    const bool pes = d + 1 == plan.depths(), reduces = net.reduction != hw::Reduction::None;
    levels_[d] = {link.fill_latency(), link.drain_latency()};
    for (; k < static_cast<std::size_t>(plan.kind_end(d)); ++k) {
      const Kind& kind = plan.kinds()[k];
      CostOf<std::int64_t>& c = kinds_[k];
      c = {};
      if (kind.shape >= 0) {
        std::int64_t words[2] = {0, 0};
        for (std::size_t t = 0; t < 2; ++t)
          if (kind.enter[t].changed) words[t] = kind.enter[t].of(net.multicast);
        const auto cycles = [&](bool of_inputs, bool of_weights) {
          const std::int64_t inputs = of_inputs ? words[0] : 0, weights = of_weights ? words[1] : 0;
          const Load sent{inputs + weights, inputs * width[0] + weights * width[1]};
          if (sent.words == 0) return std::int64_t{0};
          std::int64_t most = link.fill_cycles(sent);
          if (!child.write_port.unlimited())
            for (std::int32_t g = 0; g < kind.group_count; ++g) {
              const Group& x = groups[kind.groups + g];
              const std::int64_t a = of_inputs ? x.words[0] : 0, b = of_weights ? x.words[1] : 0;
              most = std::max(most, link.receive_cycles({a + b, a * width[0] + b * width[1]}));
            }
          return most;
        };
        if (net.channels == hw::Channels::Shared) {
          c.inject[0] = cycles(true, true);
        } else {
          c.inject[0] = cycles(true, false);
          c.inject[1] = cycles(false, true);
        }
        if (pes) c.work = work_cycles(kind.macs_largest, machine);
      }
      if (kind.cold || !kind.leave.changed || kind.leave.total == 0) continue;
      const std::int64_t w = reduces ? kind.leave.distinct : kind.leave.total;
      c.drain = link.drain_cycles({w, w * width[2]});
      if (child.read_port.unlimited()) continue;
      for (std::int32_t g = 0; g < kind.group_count; ++g) {
        const std::int64_t v = groups[kind.groups + g].words[2];
        c.drain = std::max(c.drain, link.send_cycles({v, v * width[2]}));
      }
    }
  }
}

}  // namespace counterpoint::analytic
