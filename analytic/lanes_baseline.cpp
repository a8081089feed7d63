// SPDX-License-Identifier: Apache-2.0
// Any processor: one number at a time where the compiler knows no better.
#include "analytic/lanes.h"

namespace counterpoint::analytic {
namespace {

using Native = double;

inline Native native_max(Native a, Native b) {
  return a > b ? a : b;
}
inline Native native_min(Native a, Native b) {
  return a < b ? a : b;
}
inline Native native_choose(Native a, Native b, Native if_greater, Native otherwise) {
  return a > b ? if_greater : otherwise;
}
inline Native native_all(double n) {
  return n;
}
inline Native native_over(Native a, Native b) {
  const Native q = a / b, whole = (q + 0x1p52) - 0x1p52;  // to the nearest, below 2^52
  return whole < q ? whole + 1 : whole;
}
inline bool native_differ(Native a, Native b) {
  return a != b;
}
inline bool native_exceeds(Native a, Native b) {
  return a > b;
}

}  // namespace
}  // namespace counterpoint::analytic

#include "analytic/lanes_body.h"

namespace counterpoint::analytic {

Ending run_lanes_baseline(const LaneInput& in, LaneResult& out) {
  return run_lanes(in, out);
}

LaneFunction best_lanes() {
#if defined(__x86_64__)
  static const LaneFunction best = __builtin_cpu_supports("avx512f") ? run_lanes_avx512
                                   : __builtin_cpu_supports("avx2")  ? run_lanes_avx2
                                                                     : run_lanes_baseline;
  return best;
#else
  return run_lanes_baseline;
#endif
}

}  // namespace counterpoint::analytic
