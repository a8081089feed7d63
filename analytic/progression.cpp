// SPDX-License-Identifier: Apache-2.0
#include "analytic/progression.h"

#include <iterator>

namespace counterpoint::analytic {

using workloads::Range;

namespace {

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

void list(const Progression& p, std::vector<std::int64_t>& out) {
  if (p.listed) {
    out.insert(out.end(), p.members.begin(), p.members.end());
    return;
  }
  for (std::int64_t i = p.lo; i < p.hi; ++i) out.push_back(p.step * i + p.residue);
}

// {step * i + shift : lo <= i < hi}, brought to 0 <= residue < step and cut to [0, extent).
Progression lattice(std::int64_t step, std::int64_t shift, std::int64_t lo, std::int64_t hi,
                    std::int64_t extent) {
  Progression p;
  p.step = step;
  const std::int64_t whole = floor_div(shift, step);
  p.residue = shift - whole * step;
  p.lo = std::max(lo + whole, -floor_div(p.residue, step));
  p.hi = std::min(hi + whole, floor_div(extent - 1 - p.residue, step) + 1);
  p.hi = std::max(p.lo, p.hi);
  return p;
}

}  // namespace

bool operator==(const Progression& a, const Progression& b) {
  if (a.count() != b.count()) return false;
  if (a.count() == 0) return true;
  if (a.comparable(b)) return a.lo == b.lo;
  return common(a, b) == a.count();
}

std::int64_t common(const Progression& a, const Progression& b) {
  if (a.comparable(b))
    return std::max<std::int64_t>(0, std::min(a.hi, b.hi) - std::max(a.lo, b.lo));
  if (!a.listed && !b.listed && a.step == b.step) return 0;  // other residue
  std::vector<std::int64_t> x, y, both;
  list(a, x);
  list(b, y);
  std::set_intersection(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(both));
  return static_cast<std::int64_t>(both.size());
}

Progression touched(const workloads::Window& w, bool dense, Range outs, Range kernel, Side side) {
  if (outs.empty() || kernel.empty()) return Progression::interval(0, 0);
  if (dense && side == Side::Output) return Progression::interval(outs.lo, outs.hi);
  if (dense && side == Side::Kernel) return Progression::interval(kernel.lo, kernel.hi);
  if (side == Side::Input && w.upsample == 1) {
    const std::int64_t no = outs.size(), nk = kernel.size();
    const bool gapless = (w.dilation == 1 && (nk >= w.stride || no == 1)) ||
                         (w.stride == 1 && (no >= w.dilation || nk == 1));
    if (gapless) {
      const std::int64_t first = w.stride * outs.lo + w.dilation * kernel.lo - w.offset;
      const std::int64_t last = w.stride * (outs.hi - 1) + w.dilation * (kernel.hi - 1) - w.offset;
      return Progression::interval(std::max<std::int64_t>(first, 0), std::min(last + 1, w.extent));
    }
    if (nk == 1)
      return lattice(w.stride, w.dilation * kernel.lo - w.offset, outs.lo, outs.hi, w.extent);
    if (no == 1)
      return lattice(w.dilation, w.stride * outs.lo - w.offset, kernel.lo, kernel.hi, w.extent);
  }
  Progression p;
  p.listed = true;
  if (side == Side::Kernel) {
    for (std::int64_t k = kernel.lo; k < kernel.hi; ++k)
      if (window_pairs(w, outs, {k, k + 1}) > 0) p.members.push_back(k);
  } else if (side == Side::Output) {
    for (std::int64_t o = outs.lo; o < outs.hi; ++o)
      if (window_pairs(w, {o, o + 1}, kernel) > 0) p.members.push_back(o);
  } else {
    for (std::int64_t o = outs.lo; o < outs.hi; ++o)
      for (std::int64_t k = kernel.lo; k < kernel.hi; ++k) {
        const std::int64_t u = w.stride * o + w.dilation * k - w.offset;
        if (u >= 0 && u % w.upsample == 0 && u / w.upsample < w.extent)
          p.members.push_back(u / w.upsample);
      }
    std::sort(p.members.begin(), p.members.end());
    p.members.erase(std::unique(p.members.begin(), p.members.end()), p.members.end());
  }
  if (!p.members.empty() &&
      p.members.back() - p.members.front() + 1 == static_cast<std::int64_t>(p.members.size()))
    return Progression::interval(p.members.front(), p.members.back() + 1);
  return p;
}

void Union::clear() {
  any_ = listed_ = false;
  intervals_.clear();
  members_.clear();
}

bool Union::same_lattice(const Progression& a) {
  if (a.listed || listed_) return false;
  if (!any_) {
    any_ = true;
    step_ = a.step;
    residue_ = a.residue;
  }
  return a.step == step_ && a.residue == residue_;
}

// From here on members are listed one by one.
void Union::spill() {
  if (listed_) return;
  for (const Range& r : intervals_)
    for (std::int64_t i = r.lo; i < r.hi; ++i) members_.push_back(step_ * i + residue_);
  intervals_.clear();
  listed_ = true;
}

void Union::add(const Progression& a) {
  if (a.count() == 0) return;
  if (same_lattice(a)) {
    intervals_.push_back({a.lo, a.hi});
    return;
  }
  spill();
  list(a, members_);
}

void Union::add_difference(const Progression& a, const Progression& b) {
  if (a.count() == 0) return;
  if (a.comparable(b) && same_lattice(a)) {
    const std::int64_t left = std::min(a.hi, b.lo), right = std::max(a.lo, b.hi);
    if (b.hi <= b.lo || b.hi <= a.lo || b.lo >= a.hi) {
      intervals_.push_back({a.lo, a.hi});
      return;
    }
    if (a.lo < left) intervals_.push_back({a.lo, left});
    if (right < a.hi) intervals_.push_back({right, a.hi});
    return;
  }
  std::vector<std::int64_t> x, y, rest;
  list(a, x);
  list(b, y);
  std::set_difference(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(rest));
  if (rest.empty()) return;
  spill();
  members_.insert(members_.end(), rest.begin(), rest.end());
}

std::int64_t Union::count() {
  if (listed_) {
    std::sort(members_.begin(), members_.end());
    return std::unique(members_.begin(), members_.end()) - members_.begin();
  }
  const auto earlier = [](const Range& a, const Range& b) { return a.lo < b.lo; };
  if (!std::is_sorted(intervals_.begin(), intervals_.end(), earlier))
    std::sort(intervals_.begin(), intervals_.end(), earlier);
  std::int64_t n = 0, end = 0;
  bool first = true;
  for (const Range& r : intervals_) {
    const std::int64_t from = first ? r.lo : std::max(r.lo, end);
    if (r.hi > from) n += r.hi - from;
    end = first ? r.hi : std::max(end, r.hi);
    first = false;
  }
  return n;
}

}  // namespace counterpoint::analytic
