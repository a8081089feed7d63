// SPDX-License-Identifier: Apache-2.0
#include <cstddef>

#include "workloads/mapping.h"

namespace counterpoint::workloads {
namespace {

// Calls f with every pair of numbers of the two that decides what is done; stops at the first
// `false`. The one list of what that is.
template <class F>
bool pairs(const Mapping& a, const Mapping& b, F f) {
  const Layer &l = a.layer, &k = b.layer;
  if (!f(static_cast<int>(l.op), static_cast<int>(k.op)) ||
      !f(static_cast<int>(l.weight_has_batch), static_cast<int>(k.weight_has_batch)))
    return false;
  for (std::size_t d = 0; d < kDims; ++d)
    if (!f(l.extent[d], k.extent[d])) return false;
  for (const auto window : {&Layer::rows, &Layer::cols}) {
    const Window &v = l.*window, &w = k.*window;
    if (!f(v.stride, w.stride) || !f(v.dilation, w.dilation) || !f(v.offset, w.offset) ||
        !f(v.upsample, w.upsample) || !f(v.extent, w.extent))
      return false;
  }
  if (!f(a.nest.levels.size(), b.nest.levels.size())) return false;
  for (std::size_t n = 0; n < a.nest.levels.size(); ++n) {
    const Level &v = a.nest.levels[n], &w = b.nest.levels[n];
    if (!f(v.units, w.units) || !f(v.loops.size(), w.loops.size())) return false;
    for (std::size_t i = 0; i < v.loops.size(); ++i) {
      const Loop &p = v.loops[i], &q = w.loops[i];
      if (!f(static_cast<int>(p.fold), static_cast<int>(q.fold)) ||
          !f(p.dims.size(), q.dims.size()))
        return false;
      for (std::size_t d = 0; d < p.dims.size(); ++d)
        if (!f(static_cast<int>(p.dims[d]), static_cast<int>(q.dims[d]))) return false;
    }
    for (std::size_t d = 0; d < kDims; ++d) {
      const Cut &p = v.cuts[d], &q = w.cuts[d];
      if (!f(static_cast<int>(p.kind), static_cast<int>(q.kind)) || !f(p.size, q.size) ||
          !f(p.offset, q.offset) || !f(p.loop, q.loop) ||
          !f(static_cast<int>(p.spatial), static_cast<int>(q.spatial)))
        return false;
    }
  }
  return true;
}

}  // namespace

bool same_work(const Mapping& a, const Mapping& b) {
  if (!pairs(a, b, [](auto x, auto y) { return x == y; })) return false;
  for (std::size_t n = 0; n < a.nest.levels.size(); ++n)
    if (a.nest.levels[n].name != b.nest.levels[n].name) return false;
  return true;
}

std::size_t work_hash(const Mapping& m) {
  std::uint64_t h = 0;
  pairs(m, m, [&h](auto x, auto) {
    h = (h ^ static_cast<std::uint64_t>(x)) * 0x9e3779b97f4a7c15u;
    h ^= h >> 32;
    return true;
  });
  return static_cast<std::size_t>(h);
}

}  // namespace counterpoint::workloads
