// SPDX-License-Identifier: Apache-2.0
// One-dimensional sets of coordinates in closed form.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "workloads/layer.h"

namespace counterpoint::analytic {

/// The numbers step * i + residue for lo <= i < hi. Sets that are no progression are lists of
/// their members (windows with irregular holes; as long as the window, not as the layer).
struct Progression {
  std::int64_t step = 1, residue = 0, lo = 0, hi = 0;
  bool listed = false;
  std::vector<std::int64_t> members;  ///< ascending, if listed

  static Progression interval(std::int64_t lo, std::int64_t hi) {
    Progression p;
    p.lo = lo;
    p.hi = std::max(lo, hi);
    return p;
  }
  std::int64_t count() const {
    return listed ? static_cast<std::int64_t>(members.size()) : hi - lo;
  }
  /// Member i, ascending.
  std::int64_t at(std::int64_t i) const {
    return listed ? members[static_cast<std::size_t>(i)] : step * (lo + i) + residue;
  }
  bool contains(std::int64_t v) const {
    if (listed) return std::binary_search(members.begin(), members.end(), v);
    return v >= step * lo + residue && v < step * hi + residue && (v - residue) % step == 0;
  }
  bool comparable(const Progression& o) const {
    return !listed && !o.listed && step == o.step && residue == o.residue;
  }
};

bool operator==(const Progression& a, const Progression& b);
/// Members of both.
std::int64_t common(const Progression& a, const Progression& b);

enum class Side { Input, Kernel, Output };
/// What the working pairs of outs x kernel touch on one side of a window.
Progression touched(const workloads::Window& w, bool dense, workloads::Range outs,
                    workloads::Range kernel, Side side);

/// Collects sets a, or a minus b, and counts the distinct members of all.
class Union {
 public:
  void add(const Progression& a);
  void add_difference(const Progression& a, const Progression& b);
  std::int64_t count();
  void clear();

 private:
  bool same_lattice(const Progression& a);
  void spill();
  bool any_ = false, listed_ = false;
  std::int64_t step_ = 1, residue_ = 0;
  std::vector<workloads::Range> intervals_;
  std::vector<std::int64_t> members_;
};

}  // namespace counterpoint::analytic
