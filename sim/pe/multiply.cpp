// SPDX-License-Identifier: Apache-2.0
#include "sim/pe/multiply.h"

// A version for the vectors of newer processors, chosen when the program is loaded; the numbers are
// the same. Sanitizers are not yet up when that happens.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define COUNTERPOINT_CLONES [[gnu::target_clones("avx2", "default")]]
#else
#define COUNTERPOINT_CLONES
#endif

namespace counterpoint::sim {
namespace {

template <std::size_t Width>
inline void accumulate(const std::int32_t* in, const std::int32_t* weight,
                       std::int64_t* __restrict out) {
  for (std::size_t a = 0; a < Width; ++a) out[a] += std::int64_t{in[a]} * weight[a];
}

}  // namespace

COUNTERPOINT_CLONES
void multiply_accumulate(const std::int32_t* in, const std::int32_t* weight, std::int64_t* out,
                         const Place* places, std::size_t count, std::size_t arrays) {
  const std::ptrdiff_t n = static_cast<std::ptrdiff_t>(arrays);
  if (arrays == 1) {
    for (std::size_t i = 0; i < count; ++i)
      accumulate<1>(in + places[i].in, weight + places[i].weight, out + places[i].out);
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t* x = in + places[i].in * n;
    const std::int32_t* w = weight + places[i].weight * n;
    std::int64_t* y = out + places[i].out * n;
    std::size_t a = 0;
    for (; a + 16 <= arrays; a += 16) accumulate<16>(x + a, w + a, y + a);
    for (; a + 4 <= arrays; a += 4) accumulate<4>(x + a, w + a, y + a);
    for (; a < arrays; ++a) accumulate<1>(x + a, w + a, y + a);
  }
}

}  // namespace counterpoint::sim
