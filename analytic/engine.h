// SPDX-License-Identifier: Apache-2.0
// The rules of docs/machine.md, section 4, executed kind by kind, with repetitions of a loop
// skipped as soon as they repeat exactly.
//
// Written once for numbers and for vectors of numbers, one machine per lane: the file that
// includes this one has defined
//   Number                   what a time is counted in,
//   Value                    a time on every lane,
//   everywhere               a number on every lane,
//   larger, smaller          of two values, lane by lane,
//   choose                   of two values, by which of two others is greater,
//   differ, exceeds          whether a lane of one differs from, exceeds that of the other,
//   advanced<n>              whether the chosen of n times advanced by the same, the others not.
// Control flow never depends on a lane: a step is the same on all machines, and what repeats is
// skipped when it repeats on all of them. Everything here has internal linkage, because it is
// compiled for several instruction sets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "analytic/estimator.h"
#include "analytic/program.h"
#include "analytic/times.h"

#ifndef COUNTERPOINT_INLINE
#define COUNTERPOINT_INLINE __attribute__((always_inline)) inline
#endif

namespace counterpoint::analytic {
namespace {

constexpr std::int64_t kLongestPeriod = 4;
constexpr std::int64_t kRing = 2 * kLongestPeriod;
constexpr bool kOneLane = sizeof(Value) == sizeof(Number);
/// Iterations after which several lanes give up to repeat together.
constexpr std::int64_t kPatience = 40;

using Cost = CostOf<Value>;
using Rules = RulesOf<Value>;

/// `kSums`: whether some partial sums are read back. What is needed for that takes time even if
/// there are none.
template <bool kSums>
class Engine {
 public:
  Engine(const Program& program, const Cost* cost, const Rules* rules, Value pipeline_latency,
         Value startup, Arena arena)
      : program_(program),
        shapes_(program.shapes),
        entries_(program.entries),
        moves_(program.moves),
        cost_(cost),
        rules_(rules),
        pipeline_latency_(pipeline_latency),
        first_transfer_(startup),
        low_(arena.begin),
        high_(arena.end) {}

  Ending run();

  Value cycles() const { return times_[kDrainArrived]; }
  Value startup() const { return startup_; }
  Value waiting(int w) const { return waiting_[w]; }
  bool worked(std::int32_t node) const { return nodes_[node].worked; }
  Value work_end(std::int32_t node) const { return times_[node * kTimes + kOwn]; }
  const Resumption* resumptions() const { return resumptions_; }
  const Effort& effort() const { return effort_; }

 private:
  struct Node {
    std::int32_t depth, above, end;
    std::int32_t pending = 0;  // the kind of the coming step
    std::int32_t last_shape = -1;
    bool fresh = false;  // the coming step is its tile's first
    bool pes, worked = false;
    Number multiplicity;
    // Arrivals of the drains before the last, newest first: where in history_, and how many.
    std::int64_t history = 0, remembered = 0;
  };
  // What a whole loop did, to do it at once when it begins in the same state again.
  struct Memory {
    Memory* next;
    std::int32_t id, kinds, pending;
    Value* before;  // times of the arrays, then of the parent
    Value* growth;  // of waiting_
    Value* after;
    Value *history_before, *history_after;
    std::uint64_t* touched;
    std::int32_t *shape_before, *shape_after;
  };
  // A running loop: how it began, and its last iterations.
  struct Track {
    std::int32_t id, nodes;
    std::int64_t history, remembered;  // of all these arrays
    std::int64_t size;        // values of an entry of the ring: times, waiting_, distance, history
    Value* before = nullptr;  // as in Memory, then waiting_
    std::int32_t* shape_before = nullptr;
    Value* ring;                      // after each iteration
    std::uint64_t* masks;             // what it touched
    std::uint64_t *outside, *inside;  // what was touched before the loop, in it
    std::uint64_t* period;            // ... in the last period
    std::int64_t taken = 0;
    std::int32_t entered = 0, workers = 0;

    const Value* latest(std::int64_t b) const { return ring + (taken - b) % kRing * size; }
    const std::uint64_t* latest_masks(std::int64_t b) const {
      return masks + (taken - b) % kRing * nodes;
    }
  };
  static constexpr std::int64_t kTimes = kSums ? kMoreNames : kNames;
  static constexpr std::int64_t kOfParent = kSums ? 4 : 3;  // its times that the arrays below read

  template <class T>
  T* take(std::int64_t n) {
    low_ += (-reinterpret_cast<std::uintptr_t>(low_)) & (alignof(T) - 1);
    T* at = reinterpret_cast<T*>(low_);
    low_ += static_cast<std::size_t>(n) * sizeof(T);
    if (low_ > high_) ending_ = Ending::Memory;
    return at;
  }
  template <class T>
  T* keep(std::int64_t n) {
    high_ -= static_cast<std::size_t>(n) * sizeof(T);
    high_ -= reinterpret_cast<std::uintptr_t>(high_) & (alignof(T) - 1);
    if (low_ > high_) ending_ = Ending::Memory;
    return reinterpret_cast<T*>(high_);
  }
  COUNTERPOINT_INLINE static void copy(const Value* from, std::int64_t n, Value* to) {
    for (std::int64_t i = 0; i < n; ++i) to[i] = from[i];
  }
  static int lowest(std::uint32_t mask) { return __builtin_ctz(mask); }
  static int highest(std::uint32_t mask) { return 31 - __builtin_clz(mask); }

  // `pes`: whether it is an array of PEs, told apart once so that the compiler has both forms.
  COUNTERPOINT_INLINE void leave_as(bool pes, std::int32_t id, std::int32_t kind);
  COUNTERPOINT_INLINE void enter_as(bool pes, std::int32_t id, std::int32_t kind);
  COUNTERPOINT_INLINE void step_as(bool pes, std::int32_t id) {
    Node& node = nodes_[id];
    const std::int32_t kind = node.pending;
    if (!node.fresh) leave_as(pes, id, kind);
    node.fresh = false;
    enter_as(pes, id, kind);
  }
  COUNTERPOINT_INLINE void iterate_as(bool pes, std::int32_t id, const Shape& shape,
                                      std::int32_t at, std::int64_t prefix);
  COUNTERPOINT_INLINE void track_as(bool pes, std::int32_t id, const Shape& shape, std::int32_t at,
                                    std::int64_t prefix);
  COUNTERPOINT_INLINE void work(Node& node, Value* t, const Cost& cost, bool waits,
                                const Value* causes, Value arrival, Value slot);
  COUNTERPOINT_INLINE Value with_sums(const Node& node, std::int32_t kind, const Value* slot,
                                      Value* causes);
  void visit(std::int32_t id, std::int32_t entry);
  void leave_buffer(std::int32_t id, std::int32_t kind) { leave_as(false, id, kind); }
  void iterate_buffer(std::int32_t id, const Shape& shape, std::int32_t at, std::int64_t prefix) {
    iterate_as(false, id, shape, at, prefix);
  }
  void iterate_pes(std::int32_t id, const Shape& shape, std::int32_t at, std::int64_t prefix) {
    iterate_as(true, id, shape, at, prefix);
  }
  void track_buffer(std::int32_t id, const Shape& shape, std::int32_t at, std::int64_t prefix) {
    track_as(false, id, shape, at, prefix);
  }
  void track_pes(std::int32_t id, const Shape& shape, std::int32_t at, std::int64_t prefix) {
    track_as(true, id, shape, at, prefix);
  }
  COUNTERPOINT_INLINE std::int64_t repeat(std::int32_t nodes, const LoopKinds& loop, std::int64_t i,
                                          Track& track);
  const Value* history_of(const Track& track, const Value* entry) const;
  bool history_advanced(const Track& track, std::int32_t x, const Value* now, const Value* then,
                        const Value& lambda) const;
  std::uint32_t read_of(std::int32_t id, std::int32_t x, const std::uint64_t* touched) const;
  Memory* find(std::int32_t id, std::int32_t kinds, std::int32_t pending);
  COUNTERPOINT_INLINE void begin(std::int32_t nodes, Track& track, bool memorable);
  void remember(const Track& track, std::int32_t kinds);
  bool recall(std::int32_t id, const Memory& memory);
  void resume(std::int32_t kind, std::int32_t last_shape);
  void of_parent(std::int32_t id, Value* to) const;

  const Program& program_;
  const Shape* shapes_;
  const Entry* entries_;
  const Move* moves_;
  const Cost* cost_;
  const Rules* rules_;
  Value pipeline_latency_;
  Value first_transfer_;    // off-chip memory is not used before
  std::byte *low_, *high_;  // what is free of the arena
  Node* nodes_ = nullptr;
  Value* times_ = nullptr;
  Value* history_ = nullptr;
  std::uint64_t* touched_ = nullptr;  // per array, since somebody asked: see Touches
  Value startup_{}, waiting_[kWaitings]{};
  std::int32_t workers_ = 0;    // arrays that have worked
  std::int32_t enclosing_ = 0;  // loops that are running
  Memory* memories_ = nullptr;
  Resumption* resumptions_ = nullptr;
  Ending ending_ = Ending::Done;
  Effort effort_;
};

template <bool kSums>
Ending Engine<kSums>::run() {
  const std::int64_t n = program_.node_count;
  times_ = take<Value>(n * kTimes);
  nodes_ = take<Node>(n);
  touched_ = take<std::uint64_t>(n);
  if (ending_ != Ending::Done) return ending_;
  std::int64_t remembered = 0;
  for (std::int64_t x = 0; x < n; ++x) {
    const ProgramNode& from = program_.nodes[x];
    Node& node = *new (nodes_ + x) Node;
    node.depth = from.depth;
    node.above = from.above;
    node.end = from.end;
    node.pes = from.pes;
    node.multiplicity = static_cast<Number>(from.multiplicity);
    touched_[x] = 0;
    if (!kSums) continue;
    node.history = remembered;
    node.remembered = program_.history[from.depth];
    remembered += node.remembered;
  }
  if (kSums) {
    history_ = take<Value>(remembered);
    if (ending_ != Ending::Done) return ending_;
    for (std::int64_t x = 0; x < remembered; ++x) history_[x] = Value{};
  }
  for (std::int64_t x = 0; x < n * kTimes; ++x) times_[x] = Value{};
  times_[kChannel0] = times_[kChannel1] = first_transfer_;
  if (kSums) times_[kChannel2] = first_transfer_;
  for (int x = 0; x < 2; ++x)
    if (program_.past[x]) times_[kTimes + kChannel0 + x] = first_transfer_;
  visit(0, program_.first);
  if (ending_ == Ending::Done) leave_as(program_.nodes[0].pes, 0, program_.last);
  return ending_;
}

// ---- transitions -------------------------------------------------------------------------------

// The end of the present step: what the next one does not use leaves, below first.
template <bool kSums>
void Engine<kSums>::leave_as(bool pes, std::int32_t id, std::int32_t kind) {
  const Move& m = moves_[kind];
  const Node& node = nodes_[id];
  Value* t = times_ + id * kTimes;
  Value start = t[kDrained];
  if (pes) {
    if (!m.has(kEnds)) return;
    start = larger(start, t[kOwn] + pipeline_latency_);
  } else {
    const Entry* e = entries_ + m.children;
    for (std::int32_t child = id + 1; child < node.end; child = nodes_[child].end, ++e) {
      if (e->leave >= 0) {
        if (nodes_[child].pes)
          leave_as(true, child, e->leave);
        else
          leave_buffer(child, e->leave);
      }
      start = larger(start, times_[child * kTimes + kDrainArrived]);
    }
    if (!m.has(kEnds)) return;
    if (kSums && m.has(kReadsBack)) start = larger(start, t[kArrived2]);
  }
  Value injected = start, arrived = start;
  if (m.has(kDrains)) {
    if (node.above >= 0) start = larger(start, times_[node.above * kTimes + kOwn]);
    injected = start + cost_[kind].drain;
    arrived = injected + rules_[node.depth].drain_latency;
  }
  t[kDrainArrived] = larger(arrived, t[kDrainArrived]);
  if (!m.has(kSingle2)) t[kOlder] = t[kDrained];
  t[kDrained] = injected;
  touched_[id] |= m.leave_touches;
  if (!kSums || !m.has(kReadsBack)) return;
  if (node.remembered > 0) {
    Value* const before = history_ + node.history;
    for (std::int64_t i = node.remembered; i-- > 1;) before[i] = before[i - 1];
    before[0] = t[kReturned];
  }
  t[kReturned] = arrived;
}

// The beginning of a step: its transfers, then its work or the arrays below.
template <bool kSums>
void Engine<kSums>::enter_as(bool pes, std::int32_t id, std::int32_t kind) {
  ++effort_.transitions;
  const Move& m = moves_[kind];
  Node& node = nodes_[id];
  Value* t = times_ + id * kTimes;
  const Cost& cost = cost_[kind];
  touched_[id] |= m.enter_touches;
  // When the last transfer arrives, and what it waited for: the parent, the channel, the slot, the
  // end of injection.
  Value arrival{}, causes[4]{}, slot[3]{};
  const bool sums = kSums && m.has(kReadsBack);
  const bool waits = m.has(kEnters0 | kEnters1) || (sums && m.has(kEnters2));
  if (m.has(kEnters2)) slot[2] = t[m.has(kSingle2) ? kDrained : kOlder];
  if (waits) {
    const Value* above = node.above >= 0 ? times_ + node.above * kTimes : nullptr;
    const Value* latency = rules_[node.depth].fill_latency;
    for (int x = 0; x < 2; ++x) {
      if (!m.has(kEnters0 << x)) continue;
      Value released;
      if (pes) {
        released = t[kOwn];
      } else {
        released = t[kArrived0 + x];
        for (std::int32_t child = id + 1; child < node.end; child = nodes_[child].end)
          released = larger(released, times_[child * kTimes + kRead0 + x]);
      }
      if (m.has(kSingle0 << x)) {
        slot[x] = released;
      } else {
        slot[x] = t[kNewer0 + x];
        t[kNewer0 + x] = released;
      }
    }
    if (sums) {
      arrival = with_sums(node, kind, slot, causes);
    } else if (m.has(kShared)) {
      Value tp{};
      if (above != nullptr) {
        if (m.has(kCarries0)) tp = above[kArrived0];
        if (m.has(kCarries1)) tp = larger(tp, above[kArrived1]);
      }
      const Value ts = larger(slot[0], slot[1]), tc = t[kChannel0];
      const Value start = larger(larger(tp, tc), ts), end = start + cost.inject[0];
      if (m.has(kCarries0 | kCarries1))
        arrival = end + latency[0];
      else  // at once, but not before what the children keep
        arrival = larger(start, larger(t[kArrived0], t[kArrived1]));
      t[kChannel0] = end;
      for (int x = 0; x < 2; ++x) {
        if (m.has(kEnters0 << x)) t[kArrived0 + x] = arrival;
        if (m.has(kCarries0 << x)) t[kRead0 + x] = end;
      }
      causes[0] = tp;
      causes[1] = tc;
      causes[2] = ts;
      causes[3] = end;
    } else {
      arrival = everywhere(-1);
      for (int x = 0; x < 2; ++x) {
        if (!m.has(kEnters0 << x)) continue;
        Value tp{};
        if (m.has(kCarries0 << x) && !m.has(kPast0 << x) && above != nullptr)
          tp = above[kArrived0 + x];
        const Value tc = t[kChannel0 + x], start = larger(larger(tp, tc), slot[x]);
        const Value end = start + cost.inject[x];
        Value& arrived = t[kArrived0 + x];
        arrived = m.has(kCarries0 << x) ? end + latency[x] : larger(start, arrived);
        t[kChannel0 + x] = end;
        if (m.has(kCarries0 << x)) t[kRead0 + x] = end;
        const Value last = arrival;  // a tie goes to the inputs
        causes[0] = choose(arrived, last, tp, causes[0]);
        causes[1] = choose(arrived, last, tc, causes[1]);
        causes[2] = choose(arrived, last, slot[x], causes[2]);
        causes[3] = choose(arrived, last, end, causes[3]);
        arrival = larger(arrived, arrival);
      }
    }
  }
  if (pes) return work(node, t, cost, waits, causes, arrival, slot[2]);
  if (m.has(kEnters2)) t[kOwn] = slot[2];
  const Entry* e = entries_ + m.children;
  for (std::int32_t child = id + 1; child < node.end; child = nodes_[child].end, ++e)
    if (e->enter >= 0) visit(child, e->enter);
}

// The transfers of a step whose partial sums are read back; returns when the last one arrives.
template <bool kSums>
Value Engine<kSums>::with_sums(const Node& node, std::int32_t kind, const Value* slot,
                               Value* causes) {
  constexpr int kArrived[3] = {kArrived0, kArrived1, kArrived2};
  constexpr int kChannel[3] = {kChannel0, kChannel1, kChannel2};
  const Move& m = moves_[kind];
  Value* const t = times_ + (&node - nodes_) * kTimes;
  const Value* const above = node.above >= 0 ? times_ + node.above * kTimes : nullptr;
  const bool enters[3] = {m.has(kEnters0), m.has(kEnters1), m.has(kEnters2)};
  const bool carries[3] = {m.has(kCarries0), m.has(kCarries1), m.has(kCarries2)};
  const bool parent[3] = {!m.has(kPast0), !m.has(kPast1), m.has(kReadsBackAbove)};
  const int of[3] = {0, m.has(kShared) ? 0 : 1, m.has(kWith0) ? 0 : m.has(kWith1) ? 1 : 2};
  Value arrival = everywhere(-1);
  for (int c = 0; c < 3; ++c) {
    bool exists = false, some = false;
    Value tp{}, ts{};
    for (int x = 0; x < 3; ++x) {
      if (of[x] != c || !enters[x]) continue;
      exists = true;
      ts = larger(ts, slot[x]);
      if (!carries[x]) continue;
      some = true;
      if (above != nullptr && parent[x]) tp = larger(tp, above[kArrived[x]]);
      const std::int32_t age = x == 2 ? program_.kinds[kind].age : 0;
      if (age > 1 && age - 1 <= node.remembered)  // 1 would be the residence that ends here
        ts = larger(ts, history_[node.history + age - 2]);
    }
    if (!exists) continue;
    Value& channel = t[kChannel[c]];
    const Value tc = channel, start = larger(larger(tp, tc), ts);
    const Value end = start + cost_[kind].inject[c];
    Value arrived = start;
    if (some)
      arrived = end + rules_[node.depth].fill_latency[c];
    else  // at once, but not before what the children keep
      for (int x = 0; x < 3; ++x)
        if (of[x] == c) arrived = larger(arrived, t[kArrived[x]]);
    channel = end;
    for (int x = 0; x < 3; ++x) {
      if (of[x] != c || !enters[x]) continue;
      t[kArrived[x]] = arrived;
      if (carries[x] && x < 2) t[kRead0 + x] = end;
    }
    const Value last = arrival;  // a tie goes to the first channel
    causes[0] = choose(arrived, last, tp, causes[0]);
    causes[1] = choose(arrived, last, tc, causes[1]);
    causes[2] = choose(arrived, last, ts, causes[2]);
    causes[3] = choose(arrived, last, end, causes[3]);
    arrival = larger(arrived, arrival);
  }
  return arrival;
}

template <bool kSums>
void Engine<kSums>::work(Node& node, Value* t, const Cost& cost, bool waits, const Value* causes,
                         Value arrival, Value slot) {
  const Value ended = t[kOwn], start = larger(larger(ended, slot), arrival);
  t[kOwn] = start + cost.work;
  if (!node.worked) {
    startup_ = startup_ + start * node.multiplicity;
    node.worked = true;
    ++workers_;
    return;
  }
  if (!exceeds(start, ended)) return;
  Value now = ended;
  if (waits) {
    const Value tp = smaller(larger(causes[0], now), start);
    const Value tc = smaller(larger(causes[1], tp), start);
    const Value ts = smaller(larger(causes[2], tc), start);
    const Value injected = smaller(larger(causes[3], ts), start);
    const Value flown = smaller(larger(arrival, injected), start);
    waiting_[kAbove] = waiting_[kAbove] + (tp - now) * node.multiplicity;
    waiting_[kLine] = waiting_[kLine] + ((tc - tp) + (injected - ts)) * node.multiplicity;
    waiting_[kSlot] = waiting_[kSlot] + (ts - tc) * node.multiplicity;
    waiting_[kFlight] = waiting_[kFlight] + (flown - injected) * node.multiplicity;
    now = flown;
  }
  waiting_[kSlot] = waiting_[kSlot] + (start - now) * node.multiplicity;
}

// ---- loops -------------------------------------------------------------------------------------

// All steps of an array in a new tile; what leaves before its first step has left already.
template <bool kSums>
void Engine<kSums>::visit(std::int32_t id, std::int32_t entry) {
  const Kind& kind = program_.kinds[entry];
  Node& node = nodes_[id];
  if (kind.cold && node.last_shape >= 0) resume(entry, node.last_shape);
  node.last_shape = kind.shape;
  node.pending = entry;
  node.fresh = true;
  if (node.pes)
    iterate_pes(id, shapes_[kind.shape], 0, 0);
  else
    iterate_buffer(id, shapes_[kind.shape], 0, 0);
}

template <bool kSums>
void Engine<kSums>::resume(std::int32_t kind, std::int32_t last_shape) {
  for (const Resumption* r = resumptions_; r != nullptr; r = r->next)
    if (r->kind == kind && r->last_shape == last_shape) return;
  Resumption* r = keep<Resumption>(1);
  if (ending_ == Ending::Memory) return;
  resumptions_ = new (r) Resumption{resumptions_, kind, last_shape};
}

// The loops of a shape from its `at`th that advances; `prefix`: the classes of those before.
template <bool kSums>
void Engine<kSums>::iterate_as(bool pes, std::int32_t id, const Shape& shape, std::int32_t at,
                               std::int64_t prefix) {
  if (at == shape.advancing_count) return step_as(pes, id);
  const LoopKinds& loop = shape.advancing(at);
  const std::int64_t n = loop.trips;
  const bool inner = at + 1 == shape.advancing_count;
  if (n > (inner && pes ? 6 : 3))
    return pes ? track_pes(id, shape, at, prefix) : track_buffer(id, shape, at, prefix);
  // Too few to repeat.
  const std::int32_t kinds = loop.first_kind + static_cast<std::int32_t>(prefix * loop.pairs);
  ++enclosing_;
  for (std::int64_t i = 0; i < n; ++i) {
    if (i > 0) nodes_[id].pending = kinds + static_cast<std::int32_t>(loop.pair_of(i - 1));
    if (inner)
      step_as(pes, id);
    else if (pes)
      iterate_pes(id, shape, at + 1, prefix * loop.classes + loop.class_of(i));
    else
      iterate_buffer(id, shape, at + 1, prefix * loop.classes + loop.class_of(i));
  }
  --enclosing_;
}

template <bool kSums>
void Engine<kSums>::track_as(bool pes, std::int32_t id, const Shape& shape, std::int32_t at,
                             std::int64_t prefix) {
  const LoopKinds& loop = shape.advancing(at);
  const std::int32_t kinds = loop.first_kind + static_cast<std::int32_t>(prefix * loop.pairs);
  const std::int64_t n = loop.trips;
  const bool inner = at + 1 == shape.advancing_count;
  Node& node = nodes_[id];
  const bool memorable = enclosing_ > 0;
  if (memorable) {
    const Memory* memory = find(id, kinds, node.pending);
    if (memory != nullptr && recall(id, *memory)) return;
  }
  std::byte* const low = low_;
  Track t;
  t.id = id;
  const std::int32_t nodes = pes ? 1 : node.end - id;
  begin(nodes, t, memorable);
  if (ending_ != Ending::Done) return;
  ++enclosing_;
  std::int64_t from = loop.residues == 0 ? n : loop.low;  // no two are alike before
  for (std::int64_t i = 0; i < n && ending_ == Ending::Done; ++i) {
    if (i > 0) node.pending = kinds + static_cast<std::int32_t>(loop.pair_of(i - 1));
    if (inner)
      step_as(pes, id);
    else if (pes)
      iterate_pes(id, shape, at + 1, prefix * loop.classes + loop.class_of(i));
    else
      iterate_buffer(id, shape, at + 1, prefix * loop.classes + loop.class_of(i));
    if (i < from || i + 1 >= loop.high || i + 2 >= n) continue;  // nothing to skip
    const std::int64_t skipped = repeat(nodes, loop, i, t);
    if (skipped > 0) {
      i += skipped;
      from = n;  // what is left of the like iterations is less than a period
    } else if (!kOneLane && i - loop.low > kPatience) {
      ending_ = Ending::Diverged;
    }
  }
  if (ending_ != Ending::Done) return;
  --enclosing_;
  for (std::int32_t x = 0; x < nodes; ++x) t.inside[x] |= touched_[id + x];
  if (memorable && t.workers == workers_) remember(t, kinds);
  for (std::int32_t x = 0; x < nodes; ++x) touched_[id + x] = t.outside[x] | t.inside[x];
  low_ = low;
}

template <bool kSums>
void Engine<kSums>::of_parent(std::int32_t id, Value* to) const {
  const std::int32_t above = nodes_[id].above;
  if (above < 0) {
    for (std::int64_t i = 0; i < kOfParent; ++i) to[i] = Value{};
    return;
  }
  const Value* t = times_ + above * kTimes;
  to[0] = t[kArrived0];
  to[1] = t[kArrived1];
  to[2] = t[kOwn];
  if (kSums) to[3] = t[kArrived2];
}

template <bool kSums>
void Engine<kSums>::begin(std::int32_t nodes, Track& t, bool memorable) {
  t.nodes = nodes;
  t.history = t.remembered = 0;
  if (kSums) {
    t.history = nodes_[t.id].history;
    const Node& last = nodes_[t.id + nodes - 1];
    t.remembered = last.history + last.remembered - t.history;
  }
  t.size = nodes * kTimes + kWaitings + 1 + t.remembered;
  t.ring = take<Value>(kRing * t.size);
  if (memorable) t.before = take<Value>(t.size + kOfParent);
  t.masks = take<std::uint64_t>(kRing * nodes);
  t.outside = take<std::uint64_t>(nodes);
  t.inside = take<std::uint64_t>(nodes);
  t.period = take<std::uint64_t>(nodes);
  if (memorable) t.shape_before = take<std::int32_t>(nodes);
  if (ending_ != Ending::Done) return;
  if (memorable) {
    copy(times_ + t.id * kTimes, nodes * kTimes, t.before);
    of_parent(t.id, t.before + nodes * kTimes);
    copy(waiting_, kWaitings, t.before + nodes * kTimes + kOfParent);
    if (kSums)
      copy(history_ + t.history, t.remembered, t.before + nodes * kTimes + kOfParent + kWaitings);
  }
  t.entered = nodes_[t.id].pending;
  t.workers = workers_;
  for (std::int32_t x = 0; x < nodes; ++x) {
    if (memorable) t.shape_before[x] = nodes_[t.id + x].last_shape;
    t.outside[x] = touched_[t.id + x];
    t.inside[x] = touched_[t.id + x] = 0;
  }
}

// The times of an array that something reads; `touched`: by the arrays from `id` on.
template <bool kSums>
std::uint32_t Engine<kSums>::read_of(std::int32_t id, std::int32_t x,
                                     const std::uint64_t* touched) const {
  std::uint32_t read = Touches::read(touched[x]);
  if (x > 0) read |= Touches::read_below(touched[nodes_[id + x].above - id]);
  const std::int32_t end = nodes_[id + x].end;
  for (std::int32_t child = id + x + 1; child < end; child = nodes_[child].end)
    read |= Touches::read_above(touched[child - id]);
  return read;
}

template <bool kSums>
const Value* Engine<kSums>::history_of(const Track& t, const Value* entry) const {
  return entry + t.nodes * kTimes + kWaitings + 1;
}

// Whether an array's drains before the last moved on as the last one did.
template <bool kSums>
bool Engine<kSums>::history_advanced(const Track& t, std::int32_t x, const Value* now,
                                     const Value* then, const Value& lambda) const {
  const Node& node = nodes_[t.id + x];
  const std::int64_t from = node.history - t.history;
  const bool moving = (Touches::computed(t.period[x]) >> kReturned & 1u) != 0;
  for (std::int64_t h = from; h < from + node.remembered; ++h)
    if (differ(now[h] - then[h], moving ? lambda : Value{})) return false;
  return true;
}

// If iterations repeat, skips as many more as are alike; returns how many. The body of the loop is
// a (max, +)-linear map of the times that it computes (moving) and of those that it only reads
// (still). Two ways to know that all following iterations advance every moving time by the same λ:
// * one period did, and no still time that it reads is later than any moving one was before it: as
// every
//   maximum has a moving operand, none is decided by a still one, now or later;
// * one period did, and so did the one before it: a still time that decided a maximum would have
//   held that time back.
template <bool kSums>
std::int64_t Engine<kSums>::repeat(std::int32_t nodes, const LoopKinds& loop, std::int64_t i,
                                   Track& t) {
  Value* const now = times_ + t.id * kTimes;
  std::uint64_t* const touched = touched_ + t.id;
  // The distance of two times that move: it is the same after a period, and seldom if there is
  // none.
  std::int32_t x = nodes - 1;
  while (x > 0 && Touches::computed(touched[x]) == 0) --x;
  const std::uint32_t far = Touches::computed(touched[x]), near = Touches::computed(touched[0]);
  const std::int64_t some = x * kTimes + (far != 0 ? highest(far) : 0);
  const Value distance = near != 0 ? now[some] - now[lowest(near)] : Value{};
  for (std::int64_t c = loop.residues; c <= kLongestPeriod && far != 0; c += loop.residues) {
    // Two slots often make a period of two; longer ones are rare, so shorter ones come first.
    if (t.taken < (c <= 2 ? c : 2 * c)) break;
    const Value* const mid = t.latest(c);
    const Value* const waited = mid + nodes * kTimes;
    if (differ(distance, waited[kWaitings])) continue;
    for (x = 0; x < nodes; ++x) {
      std::uint64_t mask = touched[x];
      for (std::int64_t b = 1; b < c; ++b) mask |= t.latest_masks(b)[x];
      t.period[x] = mask;
    }
    const Value lambda = now[some] - mid[some];
    for (x = nodes; x-- > 0;)
      if (!advanced<kTimes>(now + x * kTimes, mid + x * kTimes, lambda,
                            Touches::computed(t.period[x])) ||
          (kSums && !history_advanced(t, x, history_ + t.history, history_of(t, mid), lambda)))
        break;
    if (x >= 0) continue;
    Value least = mid[some], still{};
    if (nodes_[t.id].above >= 0) {
      const std::uint32_t read = Touches::read_above(t.period[0]);
      Value parent[kOfParent];
      of_parent(t.id, parent);
      if ((read >> kArrived0 & 1u) != 0) still = larger(still, parent[0]);
      if ((read >> kArrived1 & 1u) != 0) still = larger(still, parent[1]);
      if ((read >> kOwn & 1u) != 0) still = larger(still, parent[2]);
      if (kSums && (read >> kArrived2 & 1u) != 0) still = larger(still, parent[3]);
    }
    for (x = 0; x < nodes; ++x) {
      std::uint32_t mask = Touches::computed(t.period[x]);
      const Value* const then = mid + x * kTimes;
      std::uint32_t stills = read_of(t.id, x, t.period) & ~mask;
      if (kSums) {  // with kReturned goes what came before it
        const Node& node = nodes_[t.id + x];
        const Value* const history = history_of(t, mid) + node.history - t.history;
        const bool moving = (mask >> kReturned & 1u) != 0;
        for (std::int64_t h = 0; h < node.remembered; ++h) {
          if (moving) least = smaller(least, history[h]);
          if ((stills >> kReturned & 1u) != 0) still = larger(still, history[h]);
        }
      }
      for (; stills != 0; stills &= stills - 1) still = larger(still, then[lowest(stills)]);
      for (; mask != 0; mask &= mask - 1) least = smaller(least, then[lowest(mask)]);
    }
    if (exceeds(still, least)) {
      if (t.taken < 2 * c) continue;
      const Value* const old = t.latest(2 * c);
      for (x = nodes; x-- > 0;)
        if (!advanced<kTimes>(mid + x * kTimes, old + x * kTimes, lambda,
                              Touches::computed(t.period[x])) ||
            (kSums && !history_advanced(t, x, history_of(t, mid), history_of(t, old), lambda)))
          break;
      if (x >= 0) continue;
      bool apart = false;
      for (std::int64_t k = 0; k < kWaitings; ++k)
        apart = apart || differ(waiting_[k] - waited[k], waited[k] - old[nodes * kTimes + k]);
      if (apart) continue;
    }
    const std::int64_t periods = (loop.high - 1 - i) / c;
    if (periods <= 0) return 0;
    const Number times = static_cast<Number>(periods);
    for (x = 0; x < nodes; ++x)
      for (std::uint32_t mask = Touches::computed(t.period[x]); mask != 0; mask &= mask - 1)
        now[x * kTimes + lowest(mask)] = now[x * kTimes + lowest(mask)] + lambda * times;
    if (kSums)
      for (x = 0; x < nodes; ++x) {
        if ((Touches::computed(t.period[x]) >> kReturned & 1u) == 0) continue;
        Value* const history = history_ + nodes_[t.id + x].history;
        for (std::int64_t h = 0; h < nodes_[t.id + x].remembered; ++h)
          history[h] = history[h] + lambda * times;
      }
    for (std::int64_t k = 0; k < kWaitings; ++k)
      waiting_[k] = waiting_[k] + (waiting_[k] - waited[k]) * times;
    ++effort_.jumps;
    return periods * c;
  }
  Value* const to = t.ring + t.taken % kRing * t.size;
  for (x = 0; x < nodes; ++x) copy(now + x * kTimes, kTimes, to + x * kTimes);
  copy(waiting_, kWaitings, to + nodes * kTimes);
  to[nodes * kTimes + kWaitings] = distance;
  if (kSums) copy(history_ + t.history, t.remembered, to + nodes * kTimes + kWaitings + 1);
  std::uint64_t* const masks = t.masks + t.taken % kRing * nodes;
  for (x = 0; x < nodes; ++x) {
    masks[x] = touched[x];
    t.inside[x] |= touched[x];
    touched[x] = 0;
  }
  ++t.taken;
  return 0;
}

// ---- memory ------------------------------------------------------------------------------------

template <bool kSums>
typename Engine<kSums>::Memory* Engine<kSums>::find(std::int32_t id, std::int32_t kinds,
                                                    std::int32_t pending) {
  for (Memory* m = memories_; m != nullptr; m = m->next)
    if (m->kinds == kinds && m->pending == pending && m->id == id) return m;
  return nullptr;
}

// The loop that began in the state `t.before` has ended.
template <bool kSums>
void Engine<kSums>::remember(const Track& t, std::int32_t kinds) {
  const std::int64_t times = t.nodes * kTimes;
  Memory* m = find(t.id, kinds, t.entered);
  if (m == nullptr) {
    m = keep<Memory>(1);
    Value* values = keep<Value>(2 * (times + t.remembered) + kOfParent + kWaitings);
    std::int32_t* shapes = keep<std::int32_t>(2 * t.nodes);
    std::uint64_t* masks = keep<std::uint64_t>(t.nodes);
    if (ending_ != Ending::Done) return;
    memories_ = new (m) Memory{memories_,
                               t.id,
                               kinds,
                               t.entered,
                               values,
                               values + times + kOfParent,
                               values + times + kOfParent + kWaitings,
                               values + 2 * times + kOfParent + kWaitings,
                               values + 2 * times + kOfParent + kWaitings + t.remembered,
                               masks,
                               shapes,
                               shapes + t.nodes};
  }
  copy(t.before, times + kOfParent, m->before);
  for (std::int64_t k = 0; k < kWaitings; ++k)
    m->growth[k] = waiting_[k] - t.before[times + kOfParent + k];
  copy(times_ + t.id * kTimes, times, m->after);
  if (kSums) {
    copy(t.before + times + kOfParent + kWaitings, t.remembered, m->history_before);
    copy(history_ + t.history, t.remembered, m->history_after);
  }
  for (std::int32_t x = 0; x < t.nodes; ++x) {
    m->touched[x] = t.inside[x];
    m->shape_before[x] = t.shape_before[x];
    m->shape_after[x] = nodes_[t.id + x].last_shape;
  }
}

// If the array stands where it stood when a loop began, but for a shift in time, does what the loop
// did. Times that the loop only reads may differ if they are no later than all that it computes:
// as in repeat(), they decide nothing. Others do not matter.
template <bool kSums>
bool Engine<kSums>::recall(std::int32_t id, const Memory& m) {
  const std::int32_t nodes = nodes_[id].end - id;
  Value* const now = times_ + id * kTimes;
  Value shift{}, least{}, least_before{};
  bool first = true;
  for (std::int32_t x = nodes; x-- > 0;) {
    if (nodes_[id + x].last_shape != m.shape_before[x]) return false;
    for (std::uint32_t mask = Touches::computed(m.touched[x]); mask != 0; mask &= mask - 1) {
      const std::int64_t at = x * kTimes + lowest(mask);
      const Value apart = now[at] - m.before[at];
      if (first) {
        shift = apart;
        least = now[at];
        least_before = m.before[at];
        first = false;
        continue;
      }
      if (differ(apart, shift)) return false;
      least = smaller(least, now[at]);
      least_before = smaller(least_before, m.before[at]);
    }
  }
  if (kSums)
    for (std::int32_t x = 0; x < nodes; ++x) {
      if ((Touches::computed(m.touched[x]) >> kReturned & 1u) == 0) continue;
      const Node& node = nodes_[id + x];
      const Value* const before = m.history_before + (node.history - nodes_[id].history);
      for (std::int64_t h = 0; h < node.remembered; ++h) {
        const Value at = history_[node.history + h];
        if (differ(at - before[h], shift)) return false;
        least = smaller(least, at);
        least_before = smaller(least_before, before[h]);
      }
    }
  const auto unlike = [&](const Value& at, const Value& then) {
    return differ(at - then, shift) && (exceeds(at, least) || exceeds(then, least_before));
  };
  for (std::int32_t x = 0; x < nodes; ++x) {
    std::uint32_t mask = read_of(id, x, m.touched) & ~Touches::computed(m.touched[x]);
    for (; mask != 0; mask &= mask - 1) {
      const std::int64_t at = x * kTimes + lowest(mask);
      if (unlike(now[at], m.before[at])) return false;
    }
  }
  if (kSums)
    for (std::int32_t x = 0; x < nodes; ++x) {
      const std::uint32_t stills = read_of(id, x, m.touched) & ~Touches::computed(m.touched[x]);
      if ((stills >> kReturned & 1u) == 0) continue;
      const Node& node = nodes_[id + x];
      for (std::int64_t h = 0; h < node.remembered; ++h)
        if (unlike(history_[node.history + h],
                   m.history_before[node.history - nodes_[id].history + h]))
          return false;
    }
  if (nodes_[id].above >= 0) {
    const std::uint32_t read = Touches::read_above(m.touched[0]);
    Value parent[kOfParent];
    of_parent(id, parent);
    const Value* const then = m.before + nodes * kTimes;
    if ((read >> kArrived0 & 1u) != 0 && unlike(parent[0], then[0])) return false;
    if ((read >> kArrived1 & 1u) != 0 && unlike(parent[1], then[1])) return false;
    if ((read >> kOwn & 1u) != 0 && unlike(parent[2], then[2])) return false;
    if (kSums && (read >> kArrived2 & 1u) != 0 && unlike(parent[3], then[3])) return false;
  }
  for (std::int32_t x = 0; x < nodes; ++x) {
    touched_[id + x] |= m.touched[x];
    nodes_[id + x].last_shape = m.shape_after[x];
    for (std::uint32_t mask = Touches::computed(m.touched[x]); mask != 0; mask &= mask - 1) {
      const std::int64_t at = x * kTimes + lowest(mask);
      now[at] = m.after[at] + shift;
    }
    if (!kSums || (Touches::computed(m.touched[x]) >> kReturned & 1u) == 0) continue;
    const Node& node = nodes_[id + x];
    for (std::int64_t h = 0; h < node.remembered; ++h)
      history_[node.history + h] = m.history_after[node.history - nodes_[id].history + h] + shift;
  }
  nodes_[id].fresh = false;
  for (std::int64_t k = 0; k < kWaitings; ++k) waiting_[k] = waiting_[k] + m.growth[k];
  ++effort_.jumps;
  return true;
}

}  // namespace
}  // namespace counterpoint::analytic
