// SPDX-License-Identifier: Apache-2.0
// Sorted sets of coordinates along one axis of a tensor, as maximal runs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "workloads/layer.h"

namespace counterpoint::sim {

using workloads::Range;

struct Runs {
  std::vector<Range> runs;
  void clear() { runs.clear(); }
  bool empty() const { return runs.empty(); }
  std::int64_t count() const {
    std::int64_t n = 0;
    for (const Range& r : runs) n += r.hi - r.lo;
    return n;
  }
  void assign(Range r) {
    runs.clear();
    if (!r.empty()) runs.push_back(r);
  }
  void append(Range r) {
    if (r.empty()) return;
    if (!runs.empty() && runs.back().hi == r.lo)
      runs.back().hi = r.hi;
    else
      runs.push_back(r);
  }
  friend bool operator==(const Runs& a, const Runs& b) { return a.runs == b.runs; }
  friend bool operator!=(const Runs& a, const Runs& b) { return !(a == b); }
};

inline void intersect(const Runs& a, const Runs& b, Runs& out) {
  out.clear();
  std::size_t i = 0, j = 0;
  while (i < a.runs.size() && j < b.runs.size()) {
    out.append({std::max(a.runs[i].lo, b.runs[j].lo), std::min(a.runs[i].hi, b.runs[j].hi)});
    if (a.runs[i].hi < b.runs[j].hi)
      ++i;
    else
      ++j;
  }
}

/// a minus b.
inline void subtract(const Runs& a, const Runs& b, Runs& out) {
  out.clear();
  std::size_t j = 0;
  for (Range r : a.runs) {
    while (j < b.runs.size() && b.runs[j].hi <= r.lo) ++j;
    std::size_t k = j;
    while (k < b.runs.size() && b.runs[k].lo < r.hi) {
      out.append({r.lo, b.runs[k].lo});
      r.lo = std::max(r.lo, b.runs[k].hi);
      ++k;
    }
    out.append(r);
  }
}

/// What the working pairs of a window in outs x kernel touch.
enum class Touch : std::uint8_t { Input, Kernel, Output };

/// The input coordinate of the pair (o, k), or -1 if the pair does no work.
inline std::int64_t window_input(const workloads::Window& w, std::int64_t o, std::int64_t k) {
  const std::int64_t u = w.stride * o + w.dilation * k - w.offset;
  if (u < 0) return -1;
  if (w.upsample != 1 && u % w.upsample != 0) return -1;
  const std::int64_t i = u / w.upsample;
  return i < w.extent ? i : -1;
}

inline void touched(const workloads::Window& w, bool dense, Range outs, Range kernel, Touch what,
                    std::vector<std::uint8_t>& marks, Runs& set) {
  set.clear();
  if (outs.empty() || kernel.empty()) return;
  if (dense) {
    if (what == Touch::Output) return set.assign(outs);
    if (what == Touch::Kernel) return set.assign(kernel);
    const std::int64_t no = outs.size(), nk = kernel.size();
    const bool gapless = (w.dilation == 1 && (nk >= w.stride || no == 1)) ||
                         (w.stride == 1 && (no >= w.dilation || nk == 1));
    if (gapless)
      return set.assign({w.stride * outs.lo + w.dilation * kernel.lo,
                         w.stride * (outs.hi - 1) + w.dilation * (kernel.hi - 1) + 1});
  }
  const std::int64_t size = what == Touch::Input    ? w.extent
                            : what == Touch::Kernel ? kernel.hi
                                                    : outs.hi;
  marks.assign(static_cast<std::size_t>(size), 0);
  for (std::int64_t o = outs.lo; o < outs.hi; ++o)
    for (std::int64_t k = kernel.lo; k < kernel.hi; ++k) {
      const std::int64_t i = window_input(w, o, k);
      if (i < 0) continue;
      marks[static_cast<std::size_t>(what == Touch::Input ? i : what == Touch::Kernel ? k : o)] = 1;
    }
  for (std::int64_t i = 0; i < size; ++i)
    if (marks[static_cast<std::size_t>(i)]) set.append({i, i + 1});
}

}  // namespace counterpoint::sim
