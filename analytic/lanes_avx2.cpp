// SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__)
#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <new>

#include "analytic/estimator.h"
#include "analytic/lanes.h"

// After all headers, so that only what stands below is compiled for it.
#pragma GCC push_options
#pragma GCC target("avx2")

namespace counterpoint::analytic {
namespace {

using Native = __m256d;

#define COUNTERPOINT_NATIVE __attribute__((always_inline)) inline
COUNTERPOINT_NATIVE Native native_max(Native a, Native b) {
  return _mm256_max_pd(a, b);
}
COUNTERPOINT_NATIVE Native native_min(Native a, Native b) {
  return _mm256_min_pd(a, b);
}
COUNTERPOINT_NATIVE Native native_choose(Native a, Native b, Native if_greater, Native otherwise) {
  return _mm256_blendv_pd(otherwise, if_greater, _mm256_cmp_pd(a, b, _CMP_GT_OQ));
}
COUNTERPOINT_NATIVE Native native_all(double n) {
  return _mm256_set1_pd(n);
}
COUNTERPOINT_NATIVE Native native_over(Native a, Native b) {
  return _mm256_ceil_pd(_mm256_div_pd(a, b));
}
COUNTERPOINT_NATIVE bool native_differ(Native a, Native b) {
  return _mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_NEQ_UQ)) != 0;
}
COUNTERPOINT_NATIVE bool native_exceeds(Native a, Native b) {
  return _mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_GT_OQ)) != 0;
}

}  // namespace
}  // namespace counterpoint::analytic

#include "analytic/lanes_body.h"

namespace counterpoint::analytic {

Ending run_lanes_avx2(const LaneInput& in, LaneResult& out) {
  return run_lanes(in, out);
}

}  // namespace counterpoint::analytic
#pragma GCC pop_options
#endif
