// SPDX-License-Identifier: Apache-2.0
// What the files lanes_*.cpp have in common. They define Native, a vector of the instruction set,
// and native_max, native_min, native_choose, native_all, native_over, native_differ,
// native_exceeds.
#pragma once

namespace counterpoint::analytic {
namespace {

using Number = double;
constexpr std::size_t kNatives = sizeof(Lanes) / sizeof(Native);

struct Value {
  Native v[kNatives];
};

#define COUNTERPOINT_LANES(expression)                              \
  Value r;                                                          \
  for (std::size_t i = 0; i < kNatives; ++i) r.v[i] = (expression); \
  return r
#define COUNTERPOINT_INLINE __attribute__((always_inline)) inline

COUNTERPOINT_INLINE Value operator+(const Value& a, const Value& b) {
  COUNTERPOINT_LANES(a.v[i] + b.v[i]);
}
COUNTERPOINT_INLINE Value operator-(const Value& a, const Value& b) {
  COUNTERPOINT_LANES(a.v[i] - b.v[i]);
}
COUNTERPOINT_INLINE Value operator*(const Value& a, Number b) {
  COUNTERPOINT_LANES(a.v[i] * b);
}
COUNTERPOINT_INLINE Value operator*(const Value& a, const Value& b) {
  COUNTERPOINT_LANES(a.v[i] * b.v[i]);
}
// Exact, where a and b are whole numbers below 2^53: the nearest number to a quotient that is not
// whole lies on the same side of every whole number, because it is at least 1 / b away from it.
COUNTERPOINT_INLINE Value over(const Value& a, const Value& b) {
  COUNTERPOINT_LANES(native_over(a.v[i], b.v[i]));
}
COUNTERPOINT_INLINE Value over(const Value& a, const Value& by, const Value& b) {
  COUNTERPOINT_LANES(native_over(a.v[i] * by.v[i], b.v[i]));
}
COUNTERPOINT_INLINE Value larger(const Value& a, const Value& b) {
  COUNTERPOINT_LANES(native_max(a.v[i], b.v[i]));
}
COUNTERPOINT_INLINE Value smaller(const Value& a, const Value& b) {
  COUNTERPOINT_LANES(native_min(a.v[i], b.v[i]));
}
COUNTERPOINT_INLINE Value choose(const Value& a, const Value& b, const Value& if_greater,
                                 const Value& otherwise) {
  COUNTERPOINT_LANES(native_choose(a.v[i], b.v[i], if_greater.v[i], otherwise.v[i]));
}
COUNTERPOINT_INLINE Value everywhere(Number n) {
  COUNTERPOINT_LANES(native_all(n));
}
COUNTERPOINT_INLINE bool differ(const Value& a, const Value& b) {
  bool some = false;
  for (std::size_t i = 0; i < kNatives; ++i) some |= native_differ(a.v[i], b.v[i]);
  return some;
}
COUNTERPOINT_INLINE bool exceeds(const Value& a, const Value& b) {
  bool some = false;
  for (std::size_t i = 0; i < kNatives; ++i) some |= native_exceeds(a.v[i], b.v[i]);
  return some;
}
template <std::int64_t n>
COUNTERPOINT_INLINE bool advanced(const Value* now, const Value* then, const Value& lambda,
                                  std::uint32_t mask) {
  for (std::int64_t k = 0; k < n; ++k, mask >>= 1)
    if (differ(now[k] - then[k], (mask & 1u) != 0 ? lambda : Value{})) return false;
  return true;
}

}  // namespace
}  // namespace counterpoint::analytic

#include "analytic/engine.h"
#include "analytic/prices.h"

namespace counterpoint::analytic {
namespace {

static_assert(sizeof(Value) == sizeof(Lanes) && alignof(Value) <= alignof(Lanes));

COUNTERPOINT_INLINE Value load(const Lanes& from) {
  Value to;
  __builtin_memcpy(&to, &from, sizeof to);
  return to;
}
COUNTERPOINT_INLINE void store(const Value& from, Lanes& to) {
  __builtin_memcpy(&to, &from, sizeof to);
}

template <bool kSums>
Ending run_with_sums(const LaneInput& in, LaneResult& out) {
  const auto& machines = *reinterpret_cast<const NumbersOf<Value>*>(in.machines);
  Cost* cost = reinterpret_cast<Cost*>(in.cost);
  Rules* rules = reinterpret_cast<Rules*>(in.rules);
  price(in.prices, machines, cost, rules);
  Engine<kSums> engine(in.program, cost, rules, machines.pipeline_latency, machines.startup,
                       in.arena);
  const Ending ending = engine.run();
  if (ending != Ending::Done) return ending;
  const Value cycles = engine.cycles();
  Value startup = engine.startup(), tail{};
  for (std::int32_t x = 0; x < in.program.node_count; ++x) {
    const ProgramNode& array = in.program.nodes[x];
    if (!array.pes) continue;
    const Number n = static_cast<Number>(array.multiplicity);
    if (engine.worked(x))
      tail = tail + (cycles - engine.work_end(x)) * n;
    else
      startup = startup + cycles * n;
  }
  Value compute{};
  const std::size_t depths = in.prices.depths;
  const std::int32_t kinds = in.prices.kind_end[depths - 1];
  for (std::int32_t k = depths < 2 ? 0 : in.prices.kind_end[depths - 2]; k < kinds; ++k)
    compute = compute + cost[k].work * static_cast<Number>(in.prices.kinds[k].times);
  store(cycles, out.cycles);
  store(compute, out.compute);
  store(startup, out.startup);
  store(tail, out.tail);
  for (int w = 0; w < kWaitings; ++w) store(engine.waiting(w), out.waiting[w]);
  return ending;
}

Ending run_lanes(const LaneInput& in, LaneResult& out) {
  return in.program.reads_back ? run_with_sums<true>(in, out) : run_with_sums<false>(in, out);
}

}  // namespace
}  // namespace counterpoint::analytic
