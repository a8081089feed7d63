// SPDX-License-Identifier: Apache-2.0
// What each kind takes, and each level: durations.h for all that moves. For one machine or one per
// lane.
#pragma once

#include <cstddef>
#include <cstdint>

#include "analytic/durations.h"
#include "analytic/program.h"

namespace counterpoint::analytic {
namespace {

void price(const PriceList& list, const NumbersOf<Value>& machine, CostOf<Value>* kinds,
           RulesOf<Value>* levels) {
  const Value(&width)[3] = machine.width;
  std::int32_t k = 0;
  for (std::size_t d = 0; d < list.depths; ++d) {
    const LevelChoices& level = list.levels[d];
    const Link link(machine.link[d], level.traits);
    const std::size_t above = d == 0 ? 0 : d - 1;
    const Link outer(machine.link[above], list.levels[above].traits);
    const bool pes = d + 1 == list.depths;
    for (std::size_t t = 0; t < 2; ++t) {  // what passes the unit by comes over the network above
      levels[d].fill_latency[t] = link.fill_latency();
      if (level.past[t])
        levels[d].fill_latency[t] = levels[d].fill_latency[t] + outer.fill_latency();
    }
    levels[d].fill_latency[2] = link.fill_latency();
    levels[d].drain_latency = link.drain_latency();
    const Value out = machine.link[d].out_bits;
    // Most kinds of a level move one of a few numbers of words: no need to divide again.
    struct Last {
      std::int64_t inputs = 0, weights = 0, sums = 0;
      Value cycles{};
    } last[3];
    std::int64_t last_drained = 0, last_macs = -1;
    Value last_drain{}, last_work{};
    const bool receives = level.traits.limits[kReceivePace], sends = level.traits.limits[kSendPace];
    const bool divided = level.traits.limits[kSubtreePace];
    for (; k < list.kind_end[d]; ++k) {
      const Kind& kind = list.kinds[k];
      CostOf<Value>& c = kinds[k];
      c = {};
      if (kind.shape >= 0) {
        std::int64_t words[3] = {0, 0, kind.read_back};
        for (std::size_t t = 0; t < 2; ++t)
          if (kind.enter[t].changed && level.holds[t]) words[t] = kind.enter[t].of(level.multicast);
        const auto load = [&](std::int64_t inputs, std::int64_t weights, std::int64_t sums) {
          Load l{everywhere(static_cast<Number>(inputs + weights + sums)),
                 width[0] * static_cast<Number>(inputs) + width[1] * static_cast<Number>(weights)};
          if (sums > 0) l.bits = l.bits + width[2] * static_cast<Number>(sums);
          return l;
        };
        const auto cycles = [&](Last& before, bool of_inputs, bool of_weights, bool of_sums) {
          const std::int64_t inputs = of_inputs ? words[0] : 0, weights = of_weights ? words[1] : 0;
          const std::int64_t sums = of_sums ? words[2] : 0;
          if (inputs + weights + sums == 0) return Value{};
          if (!receives && !divided && inputs == before.inputs && weights == before.weights &&
              sums == before.sums)
            return before.cycles;
          const Load sent = load(inputs, weights, sums);
          // What passes is alone.
          const bool passes = (of_inputs || of_weights) && level.past[of_inputs ? 0 : 1];
          Value most = passes ? larger(link.passing_cycles(sent), outer.fill_cycles(sent))
                              : link.fill_cycles(sent);
          if (receives)
            for (std::int32_t g = 0; g < kind.group_count; ++g) {
              const Group& x = list.groups[kind.groups + g];
              const std::int64_t a = of_inputs && level.holds[0] ? x.words[0] : 0;
              const std::int64_t b = of_weights && level.holds[1] ? x.words[1] : 0;
              most = larger(most, link.receive_cycles(load(a, b, of_sums ? x.words[3] : 0)));
            }
          if (divided)
            for (std::int32_t g = 0; g < kind.subtree_count; ++g) {
              const Group& x = list.over_subtrees[kind.subtrees + g];
              most = larger(most, link.subtree_cycles(load(of_inputs ? x.words[0] : 0,
                                                           of_weights ? x.words[1] : 0, 0)));
            }
          before = {inputs, weights, sums, most};
          return most;
        };
        if (level.shared) {
          c.inject[0] = cycles(last[words[1] > 0 ? 1 : 0], true, true, true);
        } else {
          c.inject[0] = cycles(last[0], true, false, level.sums == 0);
          c.inject[1] = cycles(last[1], false, true, level.sums == 1);
          if (words[2] > 0 && level.sums == 2) c.inject[2] = cycles(last[2], false, false, true);
        }
        if (pes) {
          if (kind.macs_largest != last_macs)
            last_work = work_cycles(everywhere(static_cast<Number>(kind.macs_largest)), machine.pe);
          last_macs = kind.macs_largest;
          c.work = last_work;
        }
      }
      if (kind.cold || !kind.leave.changed || kind.leave.total == 0) continue;
      const std::int64_t w = level.reduces ? kind.leave.distinct : kind.leave.total;
      const auto leaving = [&](std::int64_t n) {
        return Load{everywhere(static_cast<Number>(n)), out * static_cast<Number>(n)};
      };
      if (w != last_drained) last_drain = link.drain_cycles(leaving(w));
      last_drained = w;
      c.drain = last_drain;
      if (level.traits.limits[kLinePace])
        c.drain = larger(c.drain, link.line_cycles(leaving(kind.over_line)));
      if (!sends) continue;
      for (std::int32_t g = 0; g < kind.group_count; ++g) {
        const std::int64_t v = list.groups[kind.groups + g].words[2];
        c.drain = larger(c.drain, link.send_cycles(leaving(v)));
      }
    }
  }
}

}  // namespace
}  // namespace counterpoint::analytic
