// SPDX-License-Identifier: Apache-2.0
#include "analytic/schedule.h"

#include <algorithm>

#include "analytic/banks.h"
#include "analytic/numbers.h"
#include "analytic/times.h"

namespace counterpoint::analytic {
namespace {

// Without branches, two times at once.
template <std::int64_t n>
inline bool advanced(const Value* now, const Value* then, Value lambda, std::uint32_t mask) {
  typedef std::int64_t Two __attribute__((vector_size(16), aligned(8), may_alias));
  static const Two chosen[4] = {{0, 0}, {-1, 0}, {0, -1}, {-1, -1}};
  const Two by = {lambda, lambda};
  Two apart = {0, 0};
  static_assert(n % 2 == 0);
  for (std::int64_t k = 0; k < n; k += 2, mask >>= 2) {
    const Two advance =
        *reinterpret_cast<const Two*>(now + k) - *reinterpret_cast<const Two*>(then + k);
    apart |= advance ^ (by & chosen[mask & 3]);
  }
  return (apart[0] | apart[1]) == 0;
}

}  // namespace
}  // namespace counterpoint::analytic

// After the numbers that it is to compute with.
#include "analytic/engine.h"

namespace counterpoint::analytic {

namespace {

void note_peak(LevelTotals& l, std::int64_t words, std::int64_t work) {
  __extension__ typedef __int128 Wide;
  if (l.peak_cycles == 0 || Wide(words) * l.peak_cycles > Wide(l.peak_words) * work) {
    l.peak_words = words;
    l.peak_cycles = work;
  }
}

// The transfers of a kind at the ports of the banks.
void hold_for_fill(const Kind& kind, const Move& m, const Banks& banks,
                   const hw::BoundMachine& bound, LevelTotals& buffer) {
  const std::size_t d = static_cast<std::size_t>(kind.depth);
  const hw::Network& net = bound.network[d];
  const hw::WordBits& bits = bound.machine.bits;
  const std::array<int, 3> width = {bits.input, bits.weight, bits.psum};
  std::int64_t words[3] = {0, 0, kind.enter[2].changed ? kind.read_back : 0};
  for (std::size_t t = 0; t < 2; ++t)
    if (m.has(kEnters0 << t) && !m.has(kPast0 << t)) words[t] = kind.enter[t].of(net.multicast);
  std::int64_t together = 0, bits_together = 0;
  for (std::size_t t = 0; t < 3; ++t) {
    together += words[t];
    bits_together += words[t] * width[t];
    if (net.channels == hw::Channels::Shared && t < 2) continue;
    buffer.level[banks.busy(t)] += kind.times * banks.fill_cycles(d, together, bits_together);
    together = bits_together = 0;
  }
}

}  // namespace

// Work at full speed, of the innermost arrays first: PEs their step's, buffers the longest of the
// arrays below.
void Schedule::sum_work(const Plan& plan) {
  const std::vector<Shape>& shapes = plan.shapes();
  const std::vector<Kind>& kinds = plan.kinds();
  step_work_.assign(kinds.size(), 0);
  shape_work_.assign(shapes.size(), 0);
  std::size_t s = shapes.size();
  for (std::size_t d = plan.depths(); d-- > 0;) {
    const std::size_t begin = d == 0 ? 0 : static_cast<std::size_t>(plan.kind_end(d - 1));
    const std::size_t end = static_cast<std::size_t>(plan.kind_end(d));
    for (std::size_t k = begin; k < end; ++k) {
      if (d + 1 == plan.depths()) {
        step_work_[k] = prices_.kinds()[k].work;
        continue;
      }
      const Entry* e = plan.entries().data() + kinds[k].children;
      for (std::size_t c = 0; c < plan.classes(d).size(); ++c, ++e)
        if (e->enter >= 0)
          step_work_[k] =
              std::max(step_work_[k], shape_work_[static_cast<std::size_t>(
                                          kinds[static_cast<std::size_t>(e->enter)].shape)]);
    }
    for (; s > 0 && shapes[s - 1].depth == static_cast<std::int32_t>(d); --s) {
      const Shape& shape = shapes[s - 1];
      std::int64_t work = step_work_[static_cast<std::size_t>(shape.entry_kind)];
      for (std::size_t k = static_cast<std::size_t>(shape.first_kind);
           k < static_cast<std::size_t>(shape.end_kind); ++k)
        work += kinds[k].times / shape.visits * step_work_[k];
      shape_work_[s - 1] = work;
    }
  }
}

// Everything that does not depend on when.
void Schedule::count(const Plan& plan, const hw::BoundMachine& bound, Totals& totals) const {
  const std::size_t depths = plan.depths();
  const Banks banks(bound);
  const bool turns = banks.any();
  for (std::size_t k = 0; k < moves_.size(); ++k) {
    const Kind& kind = plan.kinds()[k];
    const Move& m = moves_[k];
    const std::int64_t n = kind.times;
    const std::size_t d = static_cast<std::size_t>(kind.depth);
    LevelTotals& up = totals.level[d];
    LevelTotals& down = totals.level[d + 1];
    const hw::Network& net = bound.network[d];
    if (kind.shape >= 0) {
      std::int64_t sent = 0;
      for (std::size_t t = 0; t < 2; ++t) {
        if (!m.has(kEnters0 << t)) continue;
        const std::int64_t words = kind.enter[t].of(net.multicast);
        if (m.has(kPast0 << t)) {
          LevelTotals& outer = totals.level[d - 1];
          outer.access[t][kFillRead] += n * words;
          outer.link[t][kInjected] += n * words;
          outer.link[t][kDelivered] += n * words;
        } else {
          up.access[t][kFillRead] += n * words;
        }
        up.link[t][kInjected] += n * words;
        down.access[t][kFillWrite] += n * kind.enter[t].total;
        up.link[t][kDelivered] += n * kind.enter[t].total;
        sent += words;
      }
      if (kind.enter[2].changed) {
        if (kind.visits) down.access[2][kEntries] += n * kind.enter[2].total;
        down.access[2][kFresh] += n * (kind.enter[2].total - kind.read_back);
        up.access[2][kReadbackRead] += n * kind.read_back;
        down.access[2][kReadbackWrite] += n * kind.read_back;
        up.link[2][kInjected] += n * kind.read_back;
        up.link[2][kDelivered] += n * kind.read_back;
        sent += kind.read_back;
      }
      const CostOf<Value>& cost = prices_.kinds()[k];
      up.level[kFillBusy] += n * (cost.inject[0] + cost.inject[1] + cost.inject[2]);
      up.level[kSumWords] += n * sent;
      up.level[kSumWork] += n * step_work_[k];
      if (d + 1 == depths) {
        totals.macs += n * kind.macs_total;
        totals.steps += n;
      }
      if (turns && d < 2) hold_for_fill(kind, m, banks, bound, totals.level[1]);
      if (!kind.cold) note_peak(up, sent, step_work_[static_cast<std::size_t>(kind.before_work)]);
    }
    if (m.has(kEnds)) {
      const std::int64_t words =
          net.reduction != hw::Reduction::None ? kind.leave.distinct : kind.leave.total;
      down.access[2][kDrainRead] += n * kind.leave.total;
      up.access[2][kArrivals] += n * words;
      up.link[2][kDrainInjected] += n * words;
      up.link[2][kDrainSenders] += n * kind.leave.total;
      up.level[kDrainBusy] += n * prices_.kinds()[k].drain;
      if (turns && d < 2)
        totals.level[1].level[banks.busy(2)] +=
            n * banks.drain_cycles(d, words, words * hw::drain_bits(bound, d));
    }
  }
  for (std::size_t s = 0; s <= depths; ++s) {
    totals.level[s].tile_words = plan.tile_words(s);
    totals.level[s].sliding_words = plan.sliding_words(s);
    for (std::size_t t = 0; t < 2; ++t)
      if (!bound.storage[s].holds[t])
        totals.level[s].tile_words[t] = totals.level[s].sliding_words[t] = 0;
  }
}

void Schedule::run(const Plan& plan, const hw::BoundMachine& machine, Totals& totals,
                   Effort* effort) {
  const std::size_t depths = plan.depths();
  list_arrays(plan, arrays_);
  list_moves(plan, machine, moves_);
  prices_.set(plan, machine);
  sum_work(plan);
  totals.cycles = totals.macs = totals.steps = 0;
  totals.level.resize(depths + 1);
  for (LevelTotals& l : totals.level) l = LevelTotals{};
  count(plan, machine, totals);

  Program program;
  program.kinds = plan.kinds().data();
  program.shapes = plan.shapes().data();
  program.entries = plan.entries().data();
  program.moves = moves_.data();
  program.nodes = arrays_.data();
  program.node_count = static_cast<std::int32_t>(arrays_.size());
  program.first = plan.first();
  program.last = plan.last();
  for (std::size_t t = 0; t < 2; ++t) program.past[t] = hw::passes_by(machine, 1, t);
  std::int64_t drain_latency[kMaxDepths] = {};
  for (std::size_t d = 0; d < depths; ++d) drain_latency[d] = prices_.levels()[d].drain_latency;
  list_history(plan, drain_latency, program);
  if (memory_.empty()) memory_.resize(std::size_t{1} << 16);
  if (program.reads_back)
    execute<true>(plan, machine, program, totals, effort);
  else
    execute<false>(plan, machine, program, totals, effort);
  Banks(machine).bound(plan.mapping().nest, totals);
}

template <bool kSums>
void Schedule::execute(const Plan& plan, const hw::BoundMachine& machine, const Program& program,
                       Totals& totals, Effort* effort) {
  const std::size_t kinds = plan.kinds().size();
  for (;; memory_.resize(2 * memory_.size())) {
    Engine<kSums> engine(program, prices_.kinds().data(), prices_.levels().data(),
                         machine.machine.pipeline_latency, machine.machine.startup,
                         {memory_.data(), memory_.data() + memory_.size()});
    if (engine.run() == Ending::Memory) continue;
    totals.cycles = engine.cycles();
    totals.stack = {};
    totals.stack[kStartup] = engine.startup();
    for (std::size_t k = 0; k < kinds; ++k)
      totals.stack[kCompute] += plan.kinds()[k].times * prices_.kinds()[k].work;
    totals.stack[kLevelAbove] = engine.waiting(kAbove);
    totals.stack[kBandwidth] = engine.waiting(kLine);
    totals.stack[kDrainWait] = engine.waiting(kSlot);
    totals.stack[kLatency] = engine.waiting(kFlight);
    for (std::int32_t x = 0; x < program.node_count; ++x) {
      const ProgramNode& array = arrays_[static_cast<std::size_t>(x)];
      if (!array.pes) continue;
      if (engine.worked(x))
        totals.stack[kTail] += array.multiplicity * (totals.cycles - engine.work_end(x));
      else
        totals.stack[kStartup] += array.multiplicity * totals.cycles;
    }
    // An array that was idle: the step before is not in the kind.
    for (const Resumption* r = engine.resumptions(); r != nullptr; r = r->next) {
      const Kind& kind = plan.kinds()[static_cast<std::size_t>(r->kind)];
      const std::size_t d = static_cast<std::size_t>(kind.depth);
      std::int64_t sent = 0;
      for (std::size_t t = 0; t < 2; ++t)
        if (kind.enter[t].changed && machine.storage[d + 1].holds[t])
          sent += kind.enter[t].of(machine.network[d].multicast);
      sent += kind.read_back;
      const Shape& last = plan.shapes()[static_cast<std::size_t>(r->last_shape)];
      note_peak(totals.level[d], sent, step_work_[static_cast<std::size_t>(last.last_kind)]);
    }
    if (effort != nullptr) {
      effort->transitions += engine.effort().transitions;
      effort->jumps += engine.effort().jumps;
    }
    return;
  }
}

}  // namespace counterpoint::analytic
