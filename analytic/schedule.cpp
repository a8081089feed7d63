// SPDX-License-Identifier: Apache-2.0
#include "analytic/schedule.h"

#include <algorithm>
#include <limits>

namespace counterpoint::analytic {

using workloads::kAllTensors;

namespace {

constexpr std::int64_t kLongestPeriod = 4;

std::uint32_t bit(int name) {
  return 1u << name;
}

}  // namespace

// ---- what a kind costs on this machine
// -----------------------------------------------------------

void Schedule::prepare(const Plan& plan, const hw::BoundMachine& bound) {
  const hw::Machine& machine = bound.machine;
  const std::array<std::int64_t, 3> width = {machine.bits.input, machine.bits.weight,
                                             machine.bits.psum};
  const std::size_t depths = plan.depths();
  pipeline_latency_ = machine.pipeline_latency;
  for (std::size_t d = 0; d < depths; ++d) {
    const hw::Network& net = bound.network[d];
    Rules& r = rules_[d];
    multicast_[d] = net.multicast;
    r.shared = net.channels == hw::Channels::Shared;
    r.single = hw::slots(bound.storage[d + 1].buffering) == 1;
    r.fill_latency = net.latency + (d == 0 ? bound.storage[0].latency : 0);
    r.drain_latency = net.latency;
    const std::int64_t units = plan.mapping().nest.levels[d].units;
    if (net.reduction == hw::Reduction::Chain) r.drain_latency += units - 1;
    if (net.reduction == hw::Reduction::Tree)
      for (std::int64_t reach = 1; reach < units; reach *= 2) ++r.drain_latency;
  }
  moves_.resize(plan.kinds().size());
  const Group* groups = plan.groups().data();
  for (std::size_t k = 0; k < moves_.size(); ++k) {
    const Kind& kind = plan.kinds()[k];
    const std::size_t d = static_cast<std::size_t>(kind.depth);
    const hw::Network& net = bound.network[d];
    const hw::Storage& parent = bound.storage[d];
    const hw::Storage& child = bound.storage[d + 1];
    Move& m = moves_[k];
    m = Move{};
    m.cold = kind.cold;
    m.children = kind.children;
    if (kind.shape >= 0) {
      std::array<std::int64_t, 2> words{};
      for (std::size_t t = 0; t < 2; ++t) {
        m.enters[t] = kind.enter[t].changed;
        if (!m.enters[t]) continue;
        words[t] = kind.enter[t].of(net.multicast);
        m.carries[t] = words[t] > 0;
      }
      m.enters[2] = kind.enter[2].changed;
      const auto cycles = [&](std::int64_t inputs, std::int64_t weights, bool of_inputs,
                              bool of_weights) {
        const std::int64_t w = inputs + weights, bits = inputs * width[0] + weights * width[1];
        if (w == 0) return std::int64_t{0};
        std::int64_t c = std::max(transfer_cycles(bits, w, net.bandwidth),
                                  transfer_cycles(bits, w, parent.read_port));
        if (!child.write_port.unlimited())
          for (std::int32_t g = 0; g < kind.group_count; ++g) {
            const Group& x = groups[kind.groups + g];
            const std::int64_t a = of_inputs ? x.words[0] : 0, b = of_weights ? x.words[1] : 0;
            c = std::max(c, transfer_cycles(a * width[0] + b * width[1], a + b, child.write_port));
          }
        return c;
      };
      if (rules_[d].shared) {
        m.inject[0] = cycles(words[0], words[1], true, true);
      } else {
        m.inject[0] = cycles(words[0], 0, true, false);
        m.inject[1] = cycles(0, words[1], false, true);
      }
      if (d + 1 == depths)
        m.work = m.step_work = (kind.macs_largest + machine.lanes - 1) / machine.lanes;
    }
    if (!kind.cold) {
      m.ends = kind.leave.changed;
      const std::int64_t w =
          m.ends ? (net.reduction != hw::Reduction::None ? kind.leave.distinct : kind.leave.total)
                 : 0;
      m.drains = w > 0;
      if (w > 0) {
        m.drain = std::max(transfer_cycles(w * width[2], w, net.bandwidth),
                           transfer_cycles(w * width[2], w, parent.write_port));
        if (!child.read_port.unlimited())
          for (std::int32_t g = 0; g < kind.group_count; ++g) {
            const std::int64_t v = groups[kind.groups + g].words[2];
            m.drain = std::max(m.drain, transfer_cycles(v * width[2], v, child.read_port));
          }
      }
    }
  }
  // Work at full speed, of the innermost arrays first.
  const std::vector<Shape>& shapes = plan.shapes();
  shape_work_.assign(shapes.size(), 0);
  const auto& kinds = plan.kinds();
  for (std::size_t d = depths; d-- > 0;) {
    const std::size_t begin = d == 0 ? 0 : static_cast<std::size_t>(plan.kind_end(d - 1));
    const std::size_t end = static_cast<std::size_t>(plan.kind_end(d));
    if (d + 1 < depths)
      for (std::size_t k = begin; k < end; ++k)
        for (std::size_t c = 0; c < plan.classes(d).size(); ++c) {
          const Entry& e = plan.entries()[static_cast<std::size_t>(kinds[k].children) + c];
          if (e.enter < 0) continue;
          const std::int32_t shape = kinds[static_cast<std::size_t>(e.enter)].shape;
          moves_[k].step_work =
              std::max(moves_[k].step_work, shape_work_[static_cast<std::size_t>(shape)]);
        }
    for (std::size_t s = 0; s < shapes.size(); ++s) {
      if (shapes[s].depth != static_cast<std::int32_t>(d)) continue;
      std::int64_t work = moves_[static_cast<std::size_t>(shapes[s].entry_kind)].step_work;
      for (std::int32_t k = shapes[s].first_kind; k < shapes[s].end_kind; ++k)
        work += kinds[static_cast<std::size_t>(k)].times / shapes[s].visits *
                moves_[static_cast<std::size_t>(k)].step_work;
      shape_work_[s] = work;
    }
  }
}

void Schedule::note_peak(std::int32_t depth, std::int64_t words, std::int64_t work) {
  __extension__ typedef __int128 Wide;
  LevelTotals& l = totals_->level[static_cast<std::size_t>(depth)];
  if (l.peak_cycles == 0 || Wide(words) * l.peak_cycles > Wide(l.peak_words) * work) {
    l.peak_words = words;
    l.peak_cycles = work;
  }
}

// Everything that does not depend on when.
void Schedule::count(const Plan& plan, const hw::BoundMachine& bound, Totals& totals) {
  const std::size_t depths = plan.depths();
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
        if (!m.enters[t]) continue;
        const std::int64_t words = kind.enter[t].of(net.multicast);
        up.access[t][kFillRead] += n * words;
        up.link[t][kInjected] += n * words;
        down.access[t][kFillWrite] += n * kind.enter[t].total;
        up.link[t][kDelivered] += n * kind.enter[t].total;
        sent += words;
      }
      if (m.enters[2]) {
        down.access[2][kEntries] += n * kind.enter[2].total;
        down.access[2][kFresh] += n * kind.enter[2].total;
      }
      up.level[kFillBusy] += n * (m.inject[0] + m.inject[1]);
      up.level[kSumWords] += n * sent;
      up.level[kSumWork] += n * m.step_work;
      if (d + 1 == depths) {
        totals.macs += n * kind.macs_total;
        totals.steps += n;
      }
      if (!m.cold)
        note_peak(kind.depth, sent, moves_[static_cast<std::size_t>(kind.before_work)].step_work);
    }
    if (m.ends) {
      const std::int64_t words =
          net.reduction != hw::Reduction::None ? kind.leave.distinct : kind.leave.total;
      down.access[2][kDrainRead] += n * kind.leave.total;
      up.access[2][kArrivals] += n * words;
      up.link[2][kDrainInjected] += n * words;
      up.link[2][kDrainSenders] += n * kind.leave.total;
      up.level[kDrainBusy] += n * m.drain;
    }
  }
  for (std::size_t s = 0; s <= depths; ++s) {
    totals.level[s].tile_words = plan.tile_words(s);
    totals.level[s].sliding_words = plan.sliding_words(s);
  }
}

// ---- arrays
// --------------------------------------------------------------------------------------

void Schedule::grow(const Plan& plan, std::int32_t id) {
  const std::size_t depth = static_cast<std::size_t>(nodes_[static_cast<std::size_t>(id)].depth);
  nodes_[static_cast<std::size_t>(id)].pes = depth + 1 == plan.depths();
  if (depth + 1 < plan.depths()) {
    // Children side by side, each followed by its own: [first_below ...] are indices in below_.
    const std::vector<ChildClass>& classes = plan.classes(depth);
    nodes_[static_cast<std::size_t>(id)].below_count = static_cast<std::int32_t>(classes.size());
    nodes_[static_cast<std::size_t>(id)].first_below = static_cast<std::int32_t>(below_.size());
    below_.resize(below_.size() + classes.size());
    for (std::size_t c = 0; c < classes.size(); ++c) {
      const std::int32_t child = static_cast<std::int32_t>(nodes_.size());
      Node& n = nodes_.emplace_back();
      n.depth = static_cast<std::int32_t>(depth) + 1;
      n.above = id;
      n.multiplicity = nodes_[static_cast<std::size_t>(id)].multiplicity * classes[c].size;
      below_[static_cast<std::size_t>(nodes_[static_cast<std::size_t>(id)].first_below) + c] =
          child;
      grow(plan, child);
    }
  }
  nodes_[static_cast<std::size_t>(id)].end = static_cast<std::int32_t>(nodes_.size());
}

void Schedule::run(const Plan& plan, const hw::BoundMachine& machine, Totals& totals,
                   Effort* effort) {
  plan_ = &plan;
  effort_ = effort;
  totals_ = &totals;
  shapes_ = plan.shapes().data();
  entries_ = plan.entries().data();
  totals.cycles = totals.macs = totals.steps = 0;
  totals.stack = {};
  totals.level.resize(plan.depths() + 1);
  for (LevelTotals& l : totals.level) l = LevelTotals{};
  prepare(plan, machine);
  count(plan, machine, totals);

  nodes_.clear();
  below_.clear();
  nodes_.emplace_back();
  grow(plan, 0);
  times_.assign(nodes_.size(), Times{});
  pending_.assign(nodes_.size(), -1);
  fresh_.assign(nodes_.size(), 0);
  snapshots_.clear();
  stack_ = {};
  visit(0, plan.first());
  leave(0, plan.last());
  totals.cycles = times_[0][kDrainArrived];
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    if (!nodes_[n].pes) continue;
    if (nodes_[n].worked)
      stack_[kTail] += nodes_[n].multiplicity * (totals.cycles - times_[n][kWorkEnd]);
    else
      stack_[kStartup] += nodes_[n].multiplicity * totals.cycles;
  }
  totals.stack = stack_;
}

// ---- transitions
// ---------------------------------------------------------------------------------

void Schedule::leave_below(const Node& node, const Move& move) {
  for (std::int32_t c = 0; c < node.below_count; ++c) {
    const Entry& e = entries_[move.children + c];
    const std::int32_t child = below_[static_cast<std::size_t>(node.first_below + c)];
    if (e.leave >= 0)
      leave(child, e.leave);
    else if (e.enter >= 0 && !moves_[static_cast<std::size_t>(e.enter)].cold)
      leave(child, e.enter);
  }
}

// The end of the present step: what the next one does not use leaves, below first.
void Schedule::leave(std::int32_t id, std::int32_t kind) {
  Node& node = nodes_[static_cast<std::size_t>(id)];
  const Move& m = moves_[static_cast<std::size_t>(kind)];
  leave_below(node, m);
  if (!m.ends) return;
  Times& t = times_[static_cast<std::size_t>(id)];
  std::int64_t start = t[kDrainChannel];
  if (node.pes) {
    start = std::max(start, t[kWorkEnd] + pipeline_latency_);
  } else {
    for (std::int32_t c = 0; c < node.below_count; ++c)
      start = std::max(start,
                       times_[static_cast<std::size_t>(
                           below_[static_cast<std::size_t>(node.first_below + c)])][kDrainArrived]);
  }
  std::int64_t arrived = 0;
  if (m.drains) {
    if (node.above >= 0)
      start = std::max(start, times_[static_cast<std::size_t>(node.above)][kSlotOut]);
    arrived = start + m.drain + rules_[static_cast<std::size_t>(node.depth)].drain_latency;
  } else {
    arrived = start;
  }
  const std::int64_t injected = start + m.drain;
  t[kDrainChannel] = injected;
  t[kDrainArrived] = std::max(arrived, t[kDrainArrived]);
  t[kOlder2] = t[kNewer2];
  t[kNewer2] = injected;
  node.computed |= bit(kDrainChannel) | bit(kDrainArrived) | bit(kOlder2) | bit(kNewer2);
}

// The beginning of a step: its transfers, then its work or the arrays below.
void Schedule::enter(std::int32_t id, std::int32_t kind) {
  if (effort_ != nullptr) ++effort_->transitions;
  Node& node = nodes_[static_cast<std::size_t>(id)];
  const Move& m = moves_[static_cast<std::size_t>(kind)];
  const Rules& rules = rules_[static_cast<std::size_t>(node.depth)];
  Times& t = times_[static_cast<std::size_t>(id)];
  std::int64_t slot[3] = {0, 0, 0};
  for (int x = 0; x < 2; ++x) {
    if (!m.enters[x]) continue;
    std::int64_t released = t[node.pes ? kWorkEnd : kArrived0 + x];
    for (std::int32_t c = 0; c < node.below_count; ++c)
      released = std::max(
          released,
          times_[static_cast<std::size_t>(below_[static_cast<std::size_t>(node.first_below + c)])]
                [static_cast<std::size_t>(kRead0 + x)]);
    const std::size_t newer = static_cast<std::size_t>(kNewer0 + x);
    const std::size_t older = static_cast<std::size_t>(kOlder0 + x);
    t[older] = t[newer];
    t[newer] = released;
    slot[x] = rules.single ? released : t[older];
    node.computed |= (bit(kOlder0) | bit(kNewer0)) << x;
  }
  if (m.enters[2]) {
    slot[2] = t[rules.single ? kNewer2 : kOlder2];
    t[kSlotOut] = slot[2];
    node.computed |= bit(kSlotOut);
  }

  // Of the transfers that exist, the one that arrives last.
  std::int64_t parent = 0, line = 0, free = 0, injected = 0, arrival = -1;
  const Times* above = node.above >= 0 ? &times_[static_cast<std::size_t>(node.above)] : nullptr;
  const int channels = rules.shared ? 1 : 2;
  for (int c = 0; c < channels; ++c) {
    const bool first = m.enters[0] && c == 0;
    const bool second = m.enters[1] && (rules.shared || c == 1);
    if (!first && !second) continue;
    std::int64_t tp = 0, ts = 0;
    bool words = false;
    if (first) {
      ts = slot[0];
      words = m.carries[0];
      if (m.carries[0] && above != nullptr) tp = (*above)[kArrived0];
    }
    if (second) {
      ts = std::max(ts, slot[1]);
      words = words || m.carries[1];
      if (m.carries[1] && above != nullptr) tp = std::max(tp, (*above)[kArrived1]);
    }
    const std::size_t channel = static_cast<std::size_t>(kChannel0 + c);
    const std::int64_t tc = t[channel];
    const std::int64_t start = std::max(std::max(tp, tc), ts);
    const std::int64_t end = start + m.inject[static_cast<std::size_t>(c)];
    std::int64_t at = end + rules.fill_latency;
    if (!words) {  // at once, but what the children keep may still be on its way to them
      at = start;
      if (rules.shared || c == 0) at = std::max(at, t[kArrived0]);
      if (rules.shared || c == 1) at = std::max(at, t[kArrived1]);
    }
    t[channel] = end;
    node.computed |= bit(kChannel0) << c;
    for (int x = 0; x < 2; ++x) {
      if (!(x == 0 ? first : second)) continue;
      t[static_cast<std::size_t>(kArrived0 + x)] = at;
      node.computed |= bit(kArrived0) << x;
      if (!m.carries[x]) continue;
      t[static_cast<std::size_t>(kRead0 + x)] = end;
      node.computed |= bit(kRead0) << x;
    }
    if (at > arrival) {
      parent = tp;
      line = tc;
      free = ts;
      injected = end;
      arrival = at;
    }
  }

  if (node.pes) {
    const std::int64_t ended = t[kWorkEnd];
    const std::int64_t start = std::max(std::max(ended, slot[2]), arrival);
    const std::int64_t k = node.multiplicity;
    if (!node.worked) {
      stack_[kStartup] += k * start;
      node.worked = true;
    } else if (start > ended) {
      std::int64_t now = ended;
      const auto until = [&](std::int64_t end, StackName into) {
        const std::int64_t stop = std::min(std::max(end, now), start);
        stack_[into] += k * (stop - now);
        now = stop;
      };
      if (arrival >= 0) {
        until(parent, kLevelAbove);
        until(line, kBandwidth);
        until(free, kDrainWait);
        until(injected, kBandwidth);
        until(arrival, kLatency);
      }
      until(start, kDrainWait);
    }
    stack_[kCompute] += k * m.work;
    t[kWorkEnd] = start + m.work;
    node.computed |= bit(kWorkEnd);
    return;
  }
  for (std::int32_t c = 0; c < node.below_count; ++c) {
    const Entry& e = entries_[m.children + c];
    if (e.enter >= 0) visit(below_[static_cast<std::size_t>(node.first_below + c)], e.enter);
  }
}

// ---- loops
// ---------------------------------------------------------------------------------------

// All steps of a node in a new tile; what leaves before its first step has left already.
void Schedule::visit(std::int32_t id, std::int32_t entry) {
  Node& node = nodes_[static_cast<std::size_t>(id)];
  const Kind& kind = plan_->kinds()[static_cast<std::size_t>(entry)];
  if (kind.cold && node.last_shape >= 0) {  // after idling: the step before is not in the kind
    const Shape& last = shapes_[node.last_shape];
    std::int64_t sent = 0;
    for (std::size_t x = 0; x < 2; ++x)
      if (kind.enter[x].changed)
        sent += kind.enter[x].of(multicast_[static_cast<std::size_t>(node.depth)]);
    note_peak(node.depth, sent, moves_[static_cast<std::size_t>(last.last_kind)].step_work);
  }
  node.last_shape = kind.shape;
  pending_[static_cast<std::size_t>(id)] = entry;
  fresh_[static_cast<std::size_t>(id)] = 1;
  iterate(id, shapes_[kind.shape], 0, 0);
}

void Schedule::step(std::int32_t id) {
  const std::int32_t kind = pending_[static_cast<std::size_t>(id)];
  if (fresh_[static_cast<std::size_t>(id)] != 0)
    fresh_[static_cast<std::size_t>(id)] = 0;
  else
    leave(id, kind);
  enter(id, kind);
}

void Schedule::iterate(std::int32_t id, const Shape& shape, std::size_t l, std::int64_t prefix) {
  while (l < static_cast<std::size_t>(shape.loop_count) && shape.loops[l].trips == 1) {
    prefix = prefix * shape.loops[l].classes;
    ++l;
  }
  if (l == static_cast<std::size_t>(shape.loop_count)) {
    step(id);
    return;
  }
  const LoopKinds& loop = shape.loops[l];
  const std::int32_t kinds = loop.first_kind + static_cast<std::int32_t>(prefix * loop.pairs);
  const std::int64_t n = loop.trips;
  if (n <= 2) {
    for (std::int64_t i = 0; i < n; ++i) {
      if (i > 0)
        pending_[static_cast<std::size_t>(id)] =
            kinds + static_cast<std::int32_t>(loop.pair_of(i - 1));
      iterate(id, shape, l + 1, prefix * loop.classes + loop.class_of(i));
    }
    return;
  }
  // Snapshots after each iteration: which times were computed, the times, the cycle stack.
  const std::size_t nodes = static_cast<std::size_t>(nodes_[static_cast<std::size_t>(id)].end - id);
  const std::size_t size = nodes * (kNames + 1) + kStackNames;
  const std::size_t base = snapshots_.size();
  snapshots_.resize(base + size * (2 * kLongestPeriod + 1));
  std::size_t taken = 0;
  Node* mine = &nodes_[static_cast<std::size_t>(id)];
  saved_.resize(saved_.size() + nodes);
  std::uint32_t* before = saved_.data() + (saved_.size() - nodes);
  for (std::size_t x = 0; x < nodes; ++x) before[x] = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    if (i > 0)
      pending_[static_cast<std::size_t>(id)] =
          kinds + static_cast<std::int32_t>(loop.pair_of(i - 1));
    before = saved_.data() + (saved_.size() - nodes);
    for (std::size_t x = 0; x < nodes; ++x) {
      before[x] |= mine[x].computed;
      mine[x].computed = 0;
    }
    iterate(id, shape, l + 1, prefix * loop.classes + loop.class_of(i));
    if (i + 2 >= n) continue;  // nothing left to skip
    std::int64_t* s = snapshots_.data() + base + size * (taken % (2 * kLongestPeriod + 1));
    ++taken;
    for (std::size_t x = 0; x < nodes; ++x) *s++ = mine[x].computed;
    const Times* now = &times_[static_cast<std::size_t>(id)];
    for (std::size_t x = 0; x < nodes; ++x) {
      std::copy(now[x].begin(), now[x].end(), s);
      s += kNames;
    }
    std::copy(stack_.begin(), stack_.end(), s);
    const std::int64_t skipped = repeat(id, shape, loop, i, taken, base);
    if (skipped > 0) {
      i += skipped;
      taken = 0;
    }
  }
  before = saved_.data() + (saved_.size() - nodes);
  for (std::size_t x = 0; x < nodes; ++x) mine[x].computed |= before[x];
  saved_.resize(saved_.size() - nodes);
  snapshots_.resize(base);
}

// If iterations repeat, skips as many more as are alike; returns how many. The body of the loop is
// a (max, +)-linear map of the times that it computes (moving) and of those that it only reads
// (still). Two ways to know that all following iterations advance every moving time by the same λ:
// * one iteration did, and no still time is later than any moving one was before it: as every
//   maximum has a moving operand, none is decided by a still one, now or later;
// * the last c iterations did, and the c before them: a still time that decided a maximum would
//   have held that time back.
std::int64_t Schedule::repeat(std::int32_t id, const Shape&, const LoopKinds& loop, std::int64_t i,
                              std::size_t taken, std::size_t base) {
  if (i + 1 >= loop.high) return 0;  // the next position is of another kind
  const std::size_t nodes = static_cast<std::size_t>(nodes_[static_cast<std::size_t>(id)].end - id);
  const std::size_t size = nodes * (kNames + 1) + kStackNames;
  constexpr std::size_t kRing = 2 * kLongestPeriod + 1;
  const auto snapshot = [&](std::size_t back) {
    return snapshots_.data() + base + size * ((taken - 1 - back) % kRing);
  };
  Node* mine = &nodes_[static_cast<std::size_t>(id)];
  Times* times = &times_[static_cast<std::size_t>(id)];
  for (std::int64_t c = 1; c <= kLongestPeriod; ++c) {
    const std::size_t p = static_cast<std::size_t>(c);
    if (taken < p + 1) break;
    // The period's advances, and those compared with them, must be between positions alike (of
    // which there may be none).
    if (i - c < loop.low) break;
    if (c % loop.residues != 0) continue;
    const std::int64_t* now = snapshot(0);
    const std::int64_t* mid = snapshot(p);
    std::int64_t lambda = -1, least = std::numeric_limits<std::int64_t>::max(), most_still = 0;
    bool equal = true;
    for (std::size_t x = 0; x < nodes && equal; ++x) {
      std::uint32_t computed = 0;
      for (std::size_t b = 0; b < p; ++b) computed |= static_cast<std::uint32_t>(snapshot(b)[x]);
      const std::int64_t* a = mid + nodes + x * kNames;
      const std::int64_t* z = now + nodes + x * kNames;
      for (int name = 0; name < kNames; ++name) {
        if ((computed & bit(name)) == 0) {
          most_still = std::max(most_still, a[name]);
          continue;
        }
        const std::int64_t advance = z[name] - a[name];
        if (lambda < 0) lambda = advance;
        if (advance != lambda) {
          equal = false;
          break;
        }
        least = std::min(least, a[name]);
      }
    }
    if (!equal || lambda < 0) continue;
    const std::int32_t above = mine->above;
    if (above >= 0)
      for (int name : {kArrived0, kArrived1, kSlotOut})
        most_still = std::max(
            most_still, times_[static_cast<std::size_t>(above)][static_cast<std::size_t>(name)]);
    const std::int64_t* stack_now = now + nodes * (kNames + 1);
    const std::int64_t* stack_mid = mid + nodes * (kNames + 1);
    if (most_still > least) {
      if (taken < 2 * p + 1 || i - 2 * c < loop.low) continue;
      const std::int64_t* old = snapshot(2 * p);
      for (std::size_t x = 0; x < nodes && equal; ++x) {
        std::uint32_t computed = 0;
        for (std::size_t b = 0; b < p; ++b) computed |= static_cast<std::uint32_t>(snapshot(b)[x]);
        const std::int64_t* o = old + nodes + x * kNames;
        const std::int64_t* a = mid + nodes + x * kNames;
        for (int name = 0; name < kNames; ++name) {
          const std::int64_t advance = a[name] - o[name];
          if (advance != ((computed & bit(name)) != 0 ? lambda : 0)) equal = false;
        }
      }
      const std::int64_t* stack_old = old + nodes * (kNames + 1);
      for (int s = 0; s < kStackNames && equal; ++s)
        equal = stack_now[s] - stack_mid[s] == stack_mid[s] - stack_old[s];
      if (!equal) continue;
    }
    const std::int64_t periods = (loop.high - 1 - i) / c;
    if (periods <= 0) return 0;
    for (std::size_t x = 0; x < nodes; ++x) {
      std::uint32_t computed = 0;
      for (std::size_t b = 0; b < p; ++b) computed |= static_cast<std::uint32_t>(snapshot(b)[x]);
      for (int name = 0; name < kNames; ++name)
        if ((computed & bit(name)) != 0)
          times[x][static_cast<std::size_t>(name)] += lambda * periods;
    }
    for (std::size_t s = 0; s < kStackNames; ++s)
      stack_[s] += (stack_now[s] - stack_mid[s]) * periods;
    if (effort_ != nullptr) ++effort_->jumps;
    return periods * c;
  }
  return 0;
}

}  // namespace counterpoint::analytic
