// SPDX-License-Identifier: Apache-2.0
#include "analytic/schedule.h"

#include <algorithm>
#include <limits>

namespace counterpoint::analytic {

using workloads::kAllTensors;

namespace {

constexpr std::int64_t kLongestPeriod = 4;
constexpr std::size_t kRing = 2 * kLongestPeriod + 1;

std::uint32_t bit(int name) {
  return 1u << name;
}
std::int64_t members(std::uint32_t mask) {  // of 16
  mask -= (mask >> 1) & 0x5555u;
  mask = (mask & 0x3333u) + ((mask >> 2) & 0x3333u);
  mask = (mask + (mask >> 4)) & 0x0f0fu;
  return (mask + (mask >> 8)) & 0x1fu;
}

}  // namespace

// ---- what a kind costs on this machine
// -----------------------------------------------------------

void Schedule::prepare(const Plan& plan, const hw::BoundMachine& bound) {
  const hw::Machine& machine = bound.machine;
  const std::array<std::int64_t, 2> width = {machine.bits.input, machine.bits.weight};
  const std::size_t depths = plan.depths();
  pipeline_latency_ = machine.pipeline_latency;
  startup_ = machine.startup;
  links_.clear();
  for (std::size_t d = 0; d < depths; ++d) {
    const hw::Network& net = bound.network[d];
    Rules& r = rules_[d];
    multicast_[d] = net.multicast;
    r.shared = net.channels == hw::Channels::Shared;
    for (std::size_t t = 0; t < 3; ++t)
      r.single[t] = hw::slots(bound.storage[d + 1].buffering, t) == 1;
    const Link& link = links_.emplace_back(bound, d, plan.mapping().nest.levels[d].units);
    for (std::size_t t = 0; t < 2; ++t) {
      r.past[t] = hw::passes_by(bound, d, t);
      r.fill_latency[t] = link.fill_latency() + (r.past[t] ? links_[d - 1].fill_latency() : 0);
      if (r.past[t]) r.shared = false;
    }
    r.drain_latency = link.drain_latency();
  }
  moves_.resize(plan.kinds().size());
  const Group* groups = plan.groups().data();
  for (std::size_t k = 0; k < moves_.size(); ++k) {
    const Kind& kind = plan.kinds()[k];
    const std::size_t d = static_cast<std::size_t>(kind.depth);
    const hw::Network& net = bound.network[d];
    const Link& link = links_[d];
    const hw::Storage& child = bound.storage[d + 1];
    Move& m = moves_[k];
    m = Move{};
    m.cold = kind.cold;
    m.children = kind.children;
    if (kind.shape >= 0) {
      std::array<std::int64_t, 2> words{};
      for (std::size_t t = 0; t < 2; ++t) {
        m.enters[t] = kind.enter[t].changed && child.holds[t];
        if (!m.enters[t]) continue;
        words[t] = kind.enter[t].of(net.multicast);
        m.carries[t] = words[t] > 0;
      }
      m.enters[2] = kind.enter[2].changed;
      const auto cycles = [&](std::int64_t inputs, std::int64_t weights, bool of_inputs,
                              bool of_weights) {
        const Load sent{inputs + weights, inputs * width[0] + weights * width[1]};
        if (sent.words == 0) return std::int64_t{0};
        const bool past = rules_[d].past[of_inputs ? 0 : 1];  // then it is alone
        std::int64_t c = past ? std::max(link.passing_cycles(sent), links_[d - 1].fill_cycles(sent))
                              : link.fill_cycles(sent);
        if (!child.write_port.unlimited())
          for (std::int32_t g = 0; g < kind.group_count; ++g) {
            const Group& x = groups[kind.groups + g];
            const std::int64_t a = of_inputs && child.holds[0] ? x.words[0] : 0;
            const std::int64_t b = of_weights && child.holds[1] ? x.words[1] : 0;
            c = std::max(c, link.receive_cycles({a + b, a * width[0] + b * width[1]}));
          }
        return c;
      };
      if (rules_[d].shared) {
        m.inject[0] = cycles(words[0], words[1], true, true);
      } else {
        m.inject[0] = cycles(words[0], 0, true, false);
        m.inject[1] = cycles(0, words[1], false, true);
      }
      if (d + 1 == depths) m.work = m.step_work = work_cycles(kind.macs_largest, machine);
    }
    if (!kind.cold) {
      m.ends = kind.leave.changed;
      const std::int64_t w =
          m.ends ? (net.reduction != hw::Reduction::None ? kind.leave.distinct : kind.leave.total)
                 : 0;
      m.drains = w > 0;
      const std::int64_t out = hw::drain_bits(bound, d);
      if (w > 0) {
        m.drain = link.drain_cycles({w, w * out});
        if (!child.read_port.unlimited())
          for (std::int32_t g = 0; g < kind.group_count; ++g) {
            const std::int64_t v = groups[kind.groups + g].words[2];
            m.drain = std::max(m.drain, link.send_cycles({v, v * out}));
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
        (rules_[d].past[t] ? totals.level[d - 1] : up).access[t][kFillRead] += n * words;
        if (rules_[d].past[t]) {
          totals.level[d - 1].link[t][kInjected] += n * words;
          totals.level[d - 1].link[t][kDelivered] += n * words;
        }
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
    for (std::size_t t = 0; t < 2; ++t)
      if (!bound.storage[s].holds[t])
        totals.level[s].tile_words[t] = totals.level[s].sliding_words[t] = 0;
  }
}

// ---- arrays ----------------------------------------------------------------------------------

void Schedule::grow(const Plan& plan, std::int32_t id) {
  const std::size_t self = static_cast<std::size_t>(id);
  const std::size_t depth = static_cast<std::size_t>(nodes_[self].depth);
  nodes_[self].pes = depth + 1 == plan.depths();
  if (!nodes_[self].pes) {
    const std::vector<ChildClass>& classes = plan.classes(depth);
    nodes_[self].below_count = static_cast<std::int32_t>(classes.size());
    for (const ChildClass& c : classes) {
      const std::int32_t child = static_cast<std::int32_t>(nodes_.size());
      Node& n = nodes_.emplace_back();
      n.depth = static_cast<std::int32_t>(depth) + 1;
      n.above = id;
      n.multiplicity = nodes_[self].multiplicity * c.size;
      grow(plan, child);
    }
  }
  nodes_[self].end = static_cast<std::int32_t>(nodes_.size());
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
  nodes_.emplace_back();
  grow(plan, 0);
  nodes_[0].t[kChannel0] = nodes_[0].t[kChannel1] = startup_;
  if (nodes_.size() > 1)
    for (std::size_t t = 0; t < 2; ++t)
      if (rules_[1].past[t]) nodes_[1].t[kChannel0 + t] = startup_;
  snapshots_used_ = saved_used_ = 0;
  memory_.clear();
  memories_.clear();
  stack_ = {};
  visit(nodes_[0], plan.first());
  leave(nodes_[0], plan.last());
  totals.cycles = nodes_[0].t[kDrainArrived];
  for (const Node& n : nodes_) {
    if (!n.pes) continue;
    if (n.worked)
      stack_[kTail] += n.multiplicity * (totals.cycles - n.t[kWorkEnd]);
    else
      stack_[kStartup] += n.multiplicity * totals.cycles;
  }
  totals.stack = stack_;
}

// ---- transitions -----------------------------------------------------------------------------

// The end of the present step: what the next one does not use leaves, below first.
void Schedule::leave(Node& node, std::int32_t kind) {
  const Move& m = moves_[static_cast<std::size_t>(kind)];
  Times& t = node.t;
  const Rules& rules = rules_[static_cast<std::size_t>(node.depth)];
  std::int64_t start = t[kDrainChannel];
  if (node.pes) {
    if (!m.ends) return;
    start = std::max(start, t[kWorkEnd] + pipeline_latency_);
  } else {
    Node* child = &node + 1;
    const Entry* e = entries_ + m.children;
    for (std::int32_t c = 0; c < node.below_count; ++c, ++e) {
      if (e->leave >= 0)
        leave(*child, e->leave);
      else if (e->enter >= 0 && !moves_[static_cast<std::size_t>(e->enter)].cold)
        leave(*child, e->enter);
      start = std::max(start, child->t[kDrainArrived]);
      child = nodes_.data() + child->end;
    }
    if (!m.ends) return;
  }
  std::int64_t arrived = start;
  if (m.drains) {
    if (node.above >= 0)
      start = std::max(start, nodes_[static_cast<std::size_t>(node.above)].t[kSlotOut]);
    arrived = start + m.drain + rules.drain_latency;
  }
  const std::int64_t injected = start + m.drain;
  t[kDrainChannel] = injected;
  t[kDrainArrived] = std::max(arrived, t[kDrainArrived]);
  t[kOlder2] = t[kNewer2];
  t[kNewer2] = injected;
  node.computed |= bit(kDrainChannel) | bit(kDrainArrived);
  node.computed |= bit(kOlder2) | bit(kNewer2);
}

// The transfers of a step; the arrival of the last one (-1: there is none) and what it waited for:
// the parent, the channel, the slot, the end of injection.
std::int64_t Schedule::transfer(Node& node, const Move& m, const std::int64_t* slot,
                                std::int64_t* causes) {
  const Rules& rules = rules_[static_cast<std::size_t>(node.depth)];
  Times& t = node.t;
  const Times* above = node.above >= 0 ? &nodes_[static_cast<std::size_t>(node.above)].t : nullptr;
  if (rules.shared) {
    std::int64_t tp = 0;
    if (above != nullptr) {
      if (m.carries[0]) tp = (*above)[kArrived0];
      if (m.carries[1]) tp = std::max(tp, (*above)[kArrived1]);
    }
    const std::int64_t ts = std::max(slot[0], slot[1]), tc = t[kChannel0];
    const std::int64_t start = std::max(std::max(tp, tc), ts), end = start + m.inject[0];
    std::int64_t arrival = end + rules.fill_latency[0];
    if (!m.carries[0] && !m.carries[1])  // at once, but not before what the children keep
      arrival = std::max(start, std::max(t[kArrived0], t[kArrived1]));
    t[kChannel0] = end;
    node.computed |= bit(kChannel0);
    for (int x = 0; x < 2; ++x) {
      if (!m.enters[x]) continue;
      t[static_cast<std::size_t>(kArrived0 + x)] = arrival;
      node.computed |= bit(kArrived0) << x;
      if (!m.carries[x]) continue;
      t[static_cast<std::size_t>(kRead0 + x)] = end;
      node.computed |= bit(kRead0) << x;
    }
    causes[0] = tp;
    causes[1] = tc;
    causes[2] = ts;
    causes[3] = end;
    return arrival;
  }
  std::int64_t last = -1;
  for (int x = 0; x < 2; ++x) {
    if (!m.enters[x]) continue;
    const std::int64_t tp =
        m.carries[x] && above != nullptr && !rules.past[static_cast<std::size_t>(x)]
            ? (*above)[static_cast<std::size_t>(kArrived0 + x)]
            : 0;
    std::int64_t& channel = t[static_cast<std::size_t>(kChannel0 + x)];
    std::int64_t& arrived = t[static_cast<std::size_t>(kArrived0 + x)];
    const std::int64_t tc = channel, start = std::max(std::max(tp, tc), slot[x]);
    const std::int64_t end = start + m.inject[static_cast<std::size_t>(x)];
    arrived = m.carries[x] ? end + rules.fill_latency[static_cast<std::size_t>(x)]
                           : std::max(start, arrived);
    channel = end;
    node.computed |= bit(kChannel0) << x;
    node.computed |= bit(kArrived0) << x;
    if (m.carries[x]) {
      t[static_cast<std::size_t>(kRead0 + x)] = end;
      node.computed |= bit(kRead0) << x;
    }
    if (arrived <= last) continue;
    last = arrived;
    causes[0] = tp;
    causes[1] = tc;
    causes[2] = slot[x];
    causes[3] = end;
  }
  return last;
}

void Schedule::work(Node& node, const Move& m, std::int64_t slot, std::int64_t arrival,
                    const std::int64_t* causes) {
  const std::int64_t ended = node.t[kWorkEnd], k = node.multiplicity;
  const std::int64_t start = std::max(std::max(ended, slot), arrival);
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
      until(causes[0], kLevelAbove);
      until(causes[1], kBandwidth);
      until(causes[2], kDrainWait);
      until(causes[3], kBandwidth);
      until(arrival, kLatency);
    }
    until(start, kDrainWait);
  }
  stack_[kCompute] += k * m.work;
  node.t[kWorkEnd] = start + m.work;
  node.computed |= bit(kWorkEnd);
}

// The beginning of a step: its transfers, then its work or the arrays below.
void Schedule::enter(Node& node, std::int32_t kind) {
  if (effort_ != nullptr) ++effort_->transitions;
  const Move& m = moves_[static_cast<std::size_t>(kind)];
  const std::array<bool, 3>& single = rules_[static_cast<std::size_t>(node.depth)].single;
  Times& t = node.t;
  std::int64_t slot[3] = {0, 0, 0}, causes[4] = {0, 0, 0, 0}, arrival = -1;
  if (m.enters[0] || m.enters[1]) {
    for (int x = 0; x < 2; ++x) {
      if (!m.enters[x]) continue;
      std::int64_t released = t[kWorkEnd];
      if (!node.pes) {
        released = t[static_cast<std::size_t>(kArrived0 + x)];
        const Node* child = &node + 1;
        for (std::int32_t c = 0; c < node.below_count; ++c) {
          released = std::max(released, child->t[static_cast<std::size_t>(kRead0 + x)]);
          child = nodes_.data() + child->end;
        }
      }
      std::int64_t& newer = t[static_cast<std::size_t>(kNewer0 + x)];
      t[static_cast<std::size_t>(kOlder0 + x)] = newer;
      slot[x] = single[static_cast<std::size_t>(x)] ? released : newer;
      newer = released;
      node.computed |= bit(kNewer0) << x;
      node.computed |= bit(kOlder0) << x;
    }
    arrival = transfer(node, m, slot, causes);
  }
  if (m.enters[2]) {
    slot[2] = t[single[2] ? kNewer2 : kOlder2];
    t[kSlotOut] = slot[2];
    node.computed |= bit(kSlotOut);
  }
  if (node.pes) return work(node, m, slot[2], arrival, causes);
  Node* child = &node + 1;
  const Entry* e = entries_ + m.children;
  for (std::int32_t c = 0; c < node.below_count; ++c, ++e) {
    if (e->enter >= 0) visit(*child, e->enter);
    child = nodes_.data() + child->end;
  }
}

// ---- loops -----------------------------------------------------------------------------------

// All steps of a node in a new tile; what leaves before its first step has left already.
void Schedule::visit(Node& node, std::int32_t entry) {
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
  node.pending = entry;
  node.fresh = true;
  iterate(node, shapes_[kind.shape], 0, 0);
}

inline void Schedule::step(Node& node) {
  const std::int32_t kind = node.pending;
  if (!node.fresh) leave(node, kind);
  node.fresh = false;
  enter(node, kind);
}

void Schedule::iterate(Node& node, const Shape& shape, std::size_t l, std::int64_t prefix) {
  const std::size_t loops = static_cast<std::size_t>(shape.loop_count);
  while (l < loops && shape.loops[l].trips == 1) {
    prefix = prefix * shape.loops[l].classes;
    ++l;
  }
  if (l == loops) return step(node);
  const LoopKinds& loop = shape.loops[l];
  const std::int32_t kinds = loop.first_kind + static_cast<std::int32_t>(prefix * loop.pairs);
  const std::int64_t n = loop.trips;
  if (n <= 3 || (n <= 6 && l + 1 == loops && node.pes)) {  // too few to repeat
    for (std::int64_t i = 0; i < n; ++i) {
      if (i > 0) node.pending = kinds + static_cast<std::int32_t>(loop.pair_of(i - 1));
      iterate(node, shape, l + 1, prefix * loop.classes + loop.class_of(i));
    }
    return;
  }
  Memory* memory = find(node, kinds, node.pending);
  if (memory != nullptr && recall(node, *memory)) return;
  const std::int32_t entered = node.pending;
  // Snapshots after each iteration: the times, which of them it computed, the cycle stack.
  const std::size_t nodes = static_cast<std::size_t>(nodes_.data() + node.end - &node);
  const std::size_t size = snapshot_size(nodes);
  const std::size_t first = snapshots_used_, base = first + state_size(nodes);
  const std::size_t saved = saved_used_;
  snapshots_used_ = base + size * kRing;
  if (snapshots_.size() < snapshots_used_) snapshots_.resize(2 * snapshots_used_);
  saved_used_ += 2 * nodes;  // before the loop, in the loop
  if (saved_.size() < saved_used_) saved_.resize(2 * saved_used_);
  save_state(node, snapshots_.data() + first);
  Node* mine = &node;
  for (std::size_t x = 0; x < nodes; ++x) {
    saved_[saved + x] = mine[x].computed;
    saved_[saved + nodes + x] = 0;
    mine[x].computed = 0;
  }
  std::size_t taken = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    if (i > 0) node.pending = kinds + static_cast<std::int32_t>(loop.pair_of(i - 1));
    iterate(node, shape, l + 1, prefix * loop.classes + loop.class_of(i));
    if (i + 2 >= n) continue;  // nothing left to skip
    std::int64_t* s = snapshots_.data() + base + size * (taken % kRing);
    ++taken;
    std::int64_t* const fingerprint = s++;
    std::int64_t sum = 0;
    for (std::size_t x = 0; x < nodes; ++x) {
      *s++ = mine[x].computed;
      saved_[saved + nodes + x] |= mine[x].computed;
      mine[x].computed = 0;
      for (std::size_t k = 0; k < kNames; ++k) sum += s[k] = mine[x].t[k];
      s += kNames;
    }
    *fingerprint = sum;
    std::copy(stack_.begin(), stack_.end(), s);
    const std::int64_t skipped = repeat(node, loop, i, taken, base);
    if (skipped > 0) {
      i += skipped;
      taken = 0;
    }
  }
  for (std::size_t x = 0; x < nodes; ++x) mine[x].computed |= saved_[saved + nodes + x];
  const std::int64_t* before = snapshots_.data() + first;
  if (before[state_size(nodes) - kStackNames + kStartup] == stack_[kStartup]) {
    if (memory == nullptr) {
      memory = &memory_.emplace_back();
      memory->kinds = kinds;
      memory->pending = entered;
      memory->node = static_cast<std::int32_t>(&node - nodes_.data());
      memory->place = memories_.size();
      memories_.resize(memory->place + state_size(nodes) + nodes * (2 + kNames));
    } else {
      memory = find(node, kinds, entered);
    }
    remember(node, *memory, before);
  }
  for (std::size_t x = 0; x < nodes; ++x) mine[x].computed |= saved_[saved + x];
  saved_used_ = saved;
  snapshots_used_ = first;
}

// If iterations repeat, skips as many more as are alike; returns how many. The body of the loop is
// a (max, +)-linear map of the times that it computes (moving) and of those that it only reads
// (still). Two ways to know that all following iterations advance every moving time by the same λ:
// * one period did, and no still time is later than any moving one was before it: as every
//   maximum has a moving operand, none is decided by a still one, now or later;
// * one period did, and so did the one before it: a still time that decided a maximum would have
//   held that time back.
std::int64_t Schedule::repeat(Node& node, const LoopKinds& loop, std::int64_t i, std::size_t taken,
                              std::size_t base) {
  if (i + 1 >= loop.high) return 0;  // the next position is of another kind
  if (loop.residues == 0) return 0;  // no two are alike
  const std::size_t nodes = static_cast<std::size_t>(nodes_.data() + node.end - &node);
  const std::size_t size = snapshot_size(nodes);
  std::array<const std::int64_t*, kRing> snapshot;  // latest first
  for (std::size_t b = 0, at = (taken - 1) % kRing; b < std::min(taken, kRing); ++b) {
    snapshot[b] = snapshots_.data() + base + size * at;
    at = at == 0 ? kRing - 1 : at - 1;
  }
  masks_.resize(nodes);
  Node* mine = &node;
  for (std::int64_t c = loop.residues; c <= kLongestPeriod; c += loop.residues) {
    const std::size_t p = static_cast<std::size_t>(c);
    // Two slots often make a period of two; longer ones are rare, so shorter ones come first.
    if (taken < (c <= 2 ? p + 1 : 2 * p + 1) || i - c < loop.low) break;
    const std::int64_t* now = snapshot[0];
    const std::int64_t* mid = snapshot[p];
    // If all moving times advance by λ, their sum does so times their number.
    std::int64_t lambda = -1, moving = 0;
    for (std::size_t x = nodes; x-- > 0;) {
      std::uint32_t mask = 0;
      for (std::size_t b = 0; b < p; ++b)
        mask |= static_cast<std::uint32_t>(snapshot[b][1 + x * (1 + kNames)]);
      masks_[x] = mask;
      moving += members(mask);
      if (lambda < 0 && mask != 0) {
        const std::size_t any =
            2 + x * (1 + kNames) + static_cast<std::size_t>(__builtin_ctz(mask));
        lambda = now[any] - mid[any];
      }
    }
    if (lambda < 0 || now[0] - mid[0] != lambda * moving) continue;
    std::int64_t least = std::numeric_limits<std::int64_t>::max(), most_still = 0, bad = 0;
    for (std::size_t x = 0; x < nodes; ++x) {
      const std::uint32_t mask = masks_[x];
      const std::int64_t* z = now + 2 + x * (1 + kNames);
      const std::int64_t* a = mid + 2 + x * (1 + kNames);
      for (std::uint32_t m = mask; m != 0; m &= m - 1) {
        const int name = __builtin_ctz(m);
        bad |= z[name] - a[name] - lambda;
        least = std::min(least, a[name]);
      }
      for (std::uint32_t m = ~mask & 0xffffu; m != 0; m &= m - 1)
        most_still = std::max(most_still, a[__builtin_ctz(m)]);
    }
    if (bad != 0) continue;
    if (node.above >= 0) {
      const Times& above = nodes_[static_cast<std::size_t>(node.above)].t;
      most_still = std::max({most_still, above[kArrived0], above[kArrived1], above[kSlotOut]});
    }
    const std::int64_t* stack_now = now + size - kStackNames;
    const std::int64_t* stack_mid = mid + size - kStackNames;
    if (most_still > least) {
      if (taken < 2 * p + 1 || i - 2 * c < loop.low) continue;
      const std::int64_t* old = snapshot[2 * p];
      for (std::size_t x = 0; x < nodes; ++x) {
        const std::uint32_t mask = masks_[x];
        const std::int64_t* o = old + 2 + x * (1 + kNames);
        const std::int64_t* a = mid + 2 + x * (1 + kNames);
        for (int k = 0; k < kNames; ++k) bad |= a[k] - o[k] - ((mask & bit(k)) != 0 ? lambda : 0);
      }
      const std::int64_t* stack_old = old + size - kStackNames;
      for (std::size_t k = 0; k < kStackNames; ++k)
        bad |= (stack_now[k] - stack_mid[k]) - (stack_mid[k] - stack_old[k]);
      if (bad != 0) continue;
    }
    const std::int64_t periods = (loop.high - 1 - i) / c;
    if (periods <= 0) return 0;
    for (std::size_t x = 0; x < nodes; ++x)
      for (std::uint32_t m = masks_[x]; m != 0; m &= m - 1)
        mine[x].t[static_cast<std::size_t>(__builtin_ctz(m))] += lambda * periods;
    for (std::size_t k = 0; k < kStackNames; ++k)
      stack_[k] += (stack_now[k] - stack_mid[k]) * periods;
    if (effort_ != nullptr) ++effort_->jumps;
    return periods * c;
  }
  return 0;
}

// ---- memory ----------------------------------------------------------------------------------

Schedule::Memory* Schedule::find(const Node& node, std::int32_t kinds, std::int32_t pending) {
  const std::int32_t id = static_cast<std::int32_t>(&node - nodes_.data());
  for (Memory& m : memory_)
    if (m.kinds == kinds && m.pending == pending && m.node == id) return &m;
  return nullptr;
}

// Times, shapes, what the parent's times are, the cycle stack.
void Schedule::save_state(const Node& node, std::int64_t* to) const {
  const std::size_t nodes = static_cast<std::size_t>(nodes_.data() + node.end - &node);
  const Node* mine = &node;
  for (std::size_t x = 0; x < nodes; ++x) {
    to = std::copy(mine[x].t.begin(), mine[x].t.end(), to);
    *to++ = mine[x].last_shape;
  }
  for (Name name : {kArrived0, kArrived1, kSlotOut})
    *to++ = node.above >= 0 ? nodes_[static_cast<std::size_t>(node.above)].t[name] : 0;
  std::copy(stack_.begin(), stack_.end(), to);
}

// The loop that began in the state `before` has ended.
void Schedule::remember(const Node& node, const Memory& memory, const std::int64_t* before) {
  const std::size_t nodes = static_cast<std::size_t>(nodes_.data() + node.end - &node);
  const std::size_t size = state_size(nodes);
  std::int64_t* s = memories_.data() + memory.place;
  std::copy(before, before + size - kStackNames, s);
  s += size - kStackNames;
  before += size - kStackNames;
  for (std::size_t x = 0; x < kStackNames; ++x) *s++ = stack_[x] - before[x];
  const Node* mine = &node;
  for (std::size_t x = 0; x < nodes; ++x) {
    *s++ = mine[x].computed;
    *s++ = mine[x].last_shape;
    s = std::copy(mine[x].t.begin(), mine[x].t.end(), s);
  }
}

// If the node stands where it stood when a loop began, but for a shift in time, does what the loop
// did. Times that the loop only reads may differ if they are no later than all that it computes:
// as in repeat(), they decide nothing.
bool Schedule::recall(Node& node, const Memory& memory) {
  const std::size_t nodes = static_cast<std::size_t>(nodes_.data() + node.end - &node);
  const std::int64_t* before = memories_.data() + memory.place;
  const std::int64_t* growth = before + state_size(nodes) - kStackNames;
  const std::int64_t* after = growth + kStackNames;
  Node* mine = &node;
  constexpr std::size_t kAfter = 2 + kNames;
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::int64_t shift = 0, least = kMost, least_before = kMost;
  bool first = true;
  for (std::size_t x = nodes; x-- > 0;) {
    const std::int64_t* a = before + x * (kNames + 1);
    if (mine[x].last_shape != a[kNames]) return false;
    const std::int64_t* z = mine[x].t.data();
    std::int64_t bad = 0;
    for (std::uint32_t m = static_cast<std::uint32_t>(after[x * kAfter]); m != 0; m &= m - 1) {
      const int name = __builtin_ctz(m);
      const std::int64_t apart = z[name] - a[name];
      if (first) shift = apart;
      first = false;
      bad |= apart - shift;
      least = std::min(least, z[name]);
      least_before = std::min(least_before, a[name]);
    }
    if (bad != 0) return false;
  }
  const auto alike = [&](std::int64_t now, std::int64_t then) {
    return now - then == shift || (now <= least && then <= least_before);
  };
  for (std::size_t x = 0; x < nodes; ++x) {
    const std::int64_t* a = before + x * (kNames + 1);
    const std::uint32_t mask = static_cast<std::uint32_t>(after[x * kAfter]);
    for (std::uint32_t m = ~mask & 0xffffu; m != 0; m &= m - 1) {
      const std::size_t name = static_cast<std::size_t>(__builtin_ctz(m));
      if (!alike(mine[x].t[name], a[name])) return false;
    }
  }
  if (node.above >= 0) {
    const Times& above = nodes_[static_cast<std::size_t>(node.above)].t;
    const std::int64_t* then = before + nodes * (kNames + 1);
    if (!alike(above[kArrived0], then[0]) || !alike(above[kArrived1], then[1]) ||
        !alike(above[kSlotOut], then[2]))
      return false;
  }
  for (std::size_t x = 0; x < nodes; ++x) {
    const std::int64_t* z = after + x * kAfter;
    const std::uint32_t mask = static_cast<std::uint32_t>(z[0]);
    mine[x].computed |= mask;
    mine[x].last_shape = static_cast<std::int32_t>(z[1]);
    for (std::uint32_t m = mask; m != 0; m &= m - 1) {
      const int name = __builtin_ctz(m);
      mine[x].t[static_cast<std::size_t>(name)] = z[2 + name] + shift;
    }
  }
  node.fresh = false;
  for (std::size_t x = 0; x < kStackNames; ++x) stack_[x] += growth[x];
  if (effort_ != nullptr) ++effort_->jumps;
  return true;
}

}  // namespace counterpoint::analytic
