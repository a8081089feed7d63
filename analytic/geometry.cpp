// SPDX-License-Identifier: Apache-2.0
#include "analytic/geometry.h"

#include <algorithm>

namespace counterpoint::analytic {

using workloads::Cut;
using workloads::kAllDims;
using workloads::kAllTensors;

namespace {
std::size_t at(Tensor t) {
  return static_cast<std::size_t>(index(t));
}
}  // namespace

namespace {
void add_axes(const Layer& layer, Tensor t, std::vector<Axis>& axes) {
  axes.clear();
  for (Dim d : kAllDims) {
    const bool window = layer.has_window() && is_window_dim(d);
    if (layer.couples(t, d) && !window) axes.push_back({false, d, Side::Input});
  }
  if (layer.has_window()) {
    const Side side = t == Tensor::Input    ? Side::Input
                      : t == Tensor::Weight ? Side::Kernel
                                            : Side::Output;
    axes.push_back({true, Dim::Y, side});
    axes.push_back({true, Dim::X, side});
  }
}
}  // namespace

std::vector<Axis> axes_of(const Layer& layer, Tensor t) {
  std::vector<Axis> axes;
  add_axes(layer, t, axes);
  return axes;
}

bool varies(const Level& level, Dim d) {
  const Cut& cut = level.cut(d);
  if (cut.kind == Cut::Kind::Whole) return false;
  return cut.spatial || (cut.kind == Cut::Kind::Skewed && level.cut(kernel_of(d)).spatial);
}

std::int64_t output_words(const Layer& layer) {
  std::int64_t n = 1;
  const Box whole = layer.whole();
  for (const Axis& a : axes_of(layer, Tensor::Output))
    n *= a.window ? touched(layer.window(a.dim), layer.dense(), whole[a.dim],
                            whole[kernel_of(a.dim)], a.side)
                        .count()
                  : whole[a.dim].size();
  return n;
}

void Geometry::reset(const workloads::Mapping& mapping) {
  layer_ = &mapping.layer;
  levels_ = &mapping.nest.levels;
  dense_ = layer_->dense();
  for (Tensor t : kAllTensors) add_axes(*layer_, t, axes_[at(t)]);
  spatial_axis_.resize(levels_->size());
  for (std::size_t d = 0; d < levels_->size(); ++d)
    for (Tensor t : kAllTensors) spatial_axis_[d][at(t)] = find_spatial_axis(d, t);
}

int Geometry::find_spatial_axis(std::size_t depth, Tensor t) const {
  const Level& level = (*levels_)[depth];
  int found = -1;
  const auto& axes = axes_[at(t)];
  for (std::size_t i = 0; i < axes.size(); ++i) {
    bool v = false;
    if (!axes[i].window) {
      v = varies(level, axes[i].dim);
    } else {
      const Dim k = kernel_of(axes[i].dim);
      const bool by_outs = axes[i].side != Side::Kernel || !dense_;
      const bool by_kernel = axes[i].side != Side::Output || !dense_;
      v = (by_outs && varies(level, axes[i].dim)) || (by_kernel && varies(level, k));
    }
    if (!v) continue;
    if (found >= 0) return -2;  // two axes: children are enumerated word by word
    found = static_cast<int>(i);
  }
  return found;
}

Range Geometry::cut_range(const Level& level, const Box& tile, Dim d, std::int64_t q,
                          Range kernel) const {
  const Cut& cut = level.cut(d);
  const Range given = tile[d];
  if (cut.kind == Cut::Kind::Plain) {
    const std::int64_t lo = given.lo + q * cut.offset;
    if (lo >= given.hi || (q > 0 && lo - cut.offset + cut.size >= given.hi))
      return {given.lo, given.lo};
    return {lo, std::min(lo + cut.size, given.hi)};
  }
  const workloads::Window& w = layer_->window(d);
  const Range all = tile[kernel_of(d)];
  if (kernel.empty() || q >= workloads::positions(*layer_, level, tile, d))
    return {given.lo, given.lo};
  const std::int64_t row = q * cut.offset;
  const std::int64_t first = ceil_div(row - w.dilation * (kernel.lo - all.lo), w.stride);
  const std::int64_t last =
      floor_div(row + cut.size - 1 - w.dilation * (kernel.hi - 1 - all.lo), w.stride);
  const Range r{given.lo + std::max<std::int64_t>(first, 0),
                std::min(given.lo + last + 1, given.hi)};
  return r.empty() ? Range{given.lo, given.lo} : r;
}

Box Geometry::child_box(const Level& level, const Box& tile, const std::int64_t* index,
                        std::int64_t p) const {
  Box box = tile;
  for (Dim d : kAllDims) {
    const Cut& cut = level.cut(d);
    if (cut.kind == Cut::Kind::Whole) continue;
    const std::int64_t i = index[cut.loop];
    const std::int64_t q = cut.spatial ? i * level.units + p : i;
    const bool skewed = cut.kind == Cut::Kind::Skewed;
    box[d] = cut_range(level, tile, d, q, skewed ? box[kernel_of(d)] : Range{});
  }
  if (!dense_ && !box.empty() && workloads::macs(*layer_, box) == 0)
    box[Dim::Y].hi = box[Dim::Y].lo;
  return box;
}

Progression Geometry::axis_set(const Axis& a, const Box& box) const {
  if (!a.window) return Progression::interval(box[a.dim].lo, box[a.dim].hi);
  return touched(layer_->window(a.dim), dense_, box[a.dim], box[kernel_of(a.dim)], a.side);
}

// Calls f(PE, its tile) for every PE of a unit with this tile that has work, in every step.
template <class F>
void Geometry::for_each_pe(std::size_t depth, const Box& tile, std::int64_t first, F f) const {
  if (depth == levels_->size()) return f(first, tile);
  const Level& level = (*levels_)[depth];
  std::int64_t each = 1;
  for (std::size_t d = depth + 1; d < levels_->size(); ++d) each *= (*levels_)[d].units;
  bool varying = false;
  for (Dim d : kAllDims) varying = varying || varies(level, d);
  const std::size_t n = level.loops.size();
  std::vector<std::int64_t> trips(n), at(n, 0);
  for (std::size_t l = 0; l < n; ++l)
    trips[l] = workloads::trips(*layer_, level, tile, static_cast<int>(l));
  for (;;) {
    for (std::int64_t p = 0; p < (varying ? level.units : 1); ++p) {
      const Box box = child_box(level, tile, at.data(), p);
      if (!box.empty()) for_each_pe(depth + 1, box, first + p * each, f);
    }
    std::size_t l = n;
    while (l-- > 0) {
      if (++at[l] < trips[l]) break;
      at[l] = 0;
    }
    if (l == static_cast<std::size_t>(-1)) return;
  }
}

void Geometry::over_subtrees(std::size_t depth, Tensor t, const StepTiles& from, bool afresh,
                             const Box& tile, const std::int64_t* index, std::int64_t pes,
                             std::vector<std::int64_t>& words) const {
  const Level& level = (*levels_)[depth];
  const std::vector<Axis>& axes = axes_[at(t)];
  const int spatial = spatial_axis_[depth][at(t)];
  std::int64_t each = 1;
  for (std::size_t d = depth + 1; d < levels_->size(); ++d) each *= (*levels_)[d].units;
  const std::size_t subtrees = static_cast<std::size_t>(ceil_div(level.units * each, pes));
  std::vector<std::vector<std::int64_t>> over(subtrees);  // words as numbers
  bool varying = false;
  for (Dim d : kAllDims) varying = varying || varies(level, d);
  std::vector<std::vector<std::int64_t>> members(axes.size());
  std::vector<std::int64_t> extent;
  for (const Axis& a : axes)
    extent.push_back(a.window && a.side == Side::Input    ? layer_->window(a.dim).extent
                     : a.window && a.side == Side::Kernel ? (*layer_)[kernel_of(a.dim)]
                                                          : (*layer_)[a.dim]);
  const auto list = [](const Progression& p, std::vector<std::int64_t>& to) {
    to = p.members;
    if (p.listed) return;
    to.clear();
    for (std::int64_t i = p.lo; i < p.hi; ++i) to.push_back(p.step * i + p.residue);
  };
  const auto has = [](const Progression& p, std::int64_t x) {
    if (p.listed) return std::binary_search(p.members.begin(), p.members.end(), x);
    const std::int64_t i = floor_div(x - p.residue, p.step);
    return p.step * i + p.residue == x && p.lo <= i && i < p.hi;
  };
  for (std::int64_t p = 0; p < (varying ? level.units : 1); ++p) {
    const Box child = child_box(level, tile, index, p);
    if (child.empty()) continue;
    const bool had = !afresh && from.valid && from.active[static_cast<std::size_t>(p)] != 0;
    const TensorTiles& before = from.tensor[at(t)];
    for_each_pe(depth + 1, child, p * each, [&](std::int64_t pe, const Box& box) {
      std::vector<std::int64_t>& to = over[static_cast<std::size_t>(pe / pes)];
      // All members, axis by axis: number of the word, and whether the child had all axes so far.
      std::vector<std::pair<std::int64_t, bool>> found = {{0, had}}, next;
      for (std::size_t a = 0; a < axes.size(); ++a) {
        list(axis_set(axes[a], box), members[a]);
        const Progression* const old = !had ? nullptr
                                       : static_cast<int>(a) == spatial
                                           ? &before.spatial[static_cast<std::size_t>(p)]
                                           : &before.common[a];
        next.clear();
        for (const auto& [number, known] : found)
          for (const std::int64_t x : members[a])
            next.emplace_back(number * extent[a] + x, known && has(*old, x));
        found.swap(next);
      }
      for (const auto& [number, known] : found)
        if (!known) to.push_back(number);
    });
  }
  words.assign(subtrees, 0);
  for (std::size_t i = 0; i < subtrees; ++i) {
    std::sort(over[i].begin(), over[i].end());
    words[i] = std::unique(over[i].begin(), over[i].end()) - over[i].begin();
  }
}

bool Geometry::tiles_at(std::size_t depth, const Box& tile, const std::int64_t* index,
                        StepTiles& out) const {
  const Level& level = (*levels_)[depth];
  const std::int64_t n = level.units;
  out.active.assign(static_cast<std::size_t>(n), 0);
  out.macs_largest = out.macs_total = 0;
  bool varying = false;
  for (Dim d : kAllDims) varying = varying || varies(level, d);
  bool first = true;
  Box box = tile;
  for (Dim d : kAllDims) {
    const Cut& cut = level.cut(d);
    if (cut.kind == Cut::Kind::Whole || varies(level, d)) continue;
    const bool skewed = cut.kind == Cut::Kind::Skewed;
    box[d] = cut_range(level, tile, d, index[cut.loop], skewed ? box[kernel_of(d)] : Range{});
  }
  for (Tensor t : kAllTensors) {
    const int axis = spatial_axis_[depth][at(t)];
    out.tensor[at(t)].spatial.resize(axis >= 0 ? static_cast<std::size_t>(n) : 0);
  }
  for (std::int64_t p = 0; p < n; ++p) {
    if (p > 0 && !varying) break;
    for (Dim d : kAllDims) {
      if (!varies(level, d)) continue;
      const Cut& cut = level.cut(d);
      const std::int64_t i = index[cut.loop];
      const std::int64_t q = cut.spatial ? i * n + p : i;
      const bool skewed = cut.kind == Cut::Kind::Skewed;
      box[d] = cut_range(level, tile, d, q, skewed ? box[kernel_of(d)] : Range{});
    }
    const std::int64_t macs = box.empty() ? 0 : workloads::macs(*layer_, box);
    if (macs == 0) continue;
    out.active[static_cast<std::size_t>(p)] = 1;
    out.macs_total += macs;
    out.macs_largest = std::max(out.macs_largest, macs);
    for (Tensor t : kAllTensors) {
      TensorTiles& tt = out.tensor[at(t)];
      const int axis = spatial_axis_[depth][at(t)];
      const auto& axes = axes_[at(t)];
      for (std::size_t a = 0; a < axes.size(); ++a) {
        if (static_cast<int>(a) == axis)
          tt.spatial[static_cast<std::size_t>(p)] = axis_set(axes[a], box);
        else if (first)
          tt.common[a] = axis_set(axes[a], box);
      }
    }
    first = false;
  }
  out.valid = !first;
  return out.valid;
}

void Geometry::moved(std::size_t depth, Tensor t, const StepTiles& from, const StepTiles& to,
                     bool want_copies, Moved& r, bool afresh) {
  r.distinct = r.total = r.copies = r.largest = r.tile = r.sliding = 0;
  r.changed = false;
  r.each.clear();
  const auto& axes = axes_[at(t)];
  const int axis = spatial_axis_[depth][at(t)];
  const TensorTiles& a = to.tensor[at(t)];
  const TensorTiles& b = from.tensor[at(t)];
  std::int64_t whole = 1, shared = 1;  // of the common axes
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (static_cast<int>(i) == axis) continue;
    whole *= a.common[i].count();
    if (!from.valid) continue;
    const std::int64_t both = common(a.common[i], b.common[i]);
    shared *= both;
    if (both != a.common[i].count() || both != b.common[i].count()) r.changed = true;
  }
  if (!from.valid || afresh) {
    r.changed = true;
    shared = 0;
  }
  static const Progression point = Progression::interval(0, 1);
  all_.clear();
  rest_.clear();
  copies_.clear();
  const std::size_t n = to.active.size();
  for (std::size_t p = 0; p < n; ++p) {
    const bool now = to.active[p] != 0, had = from.valid && from.active[p] != 0;
    const bool before = had && !afresh;
    if (now != had) r.changed = true;
    if (!now) continue;
    const Progression& x = axis >= 0 ? a.spatial[p] : point;
    const Progression& y = axis >= 0 && had ? b.spatial[p] : point;
    const std::int64_t count = x.count();
    const std::int64_t kept = before ? common(x, y) : 0;
    if (before && (kept != count || kept != y.count())) r.changed = true;
    const std::int64_t words = before ? whole * count - shared * kept : whole * count;
    r.total += words;
    if (r.each.empty()) r.each.resize(n);
    r.each[p] = words;
    r.largest = std::max(r.largest, words);
    const std::int64_t size = whole * count;
    r.tile = std::max(r.tile, size);
    std::int64_t held = 0;
    if (had) {
      held = y.count();
      for (std::size_t i = 0; i < axes.size(); ++i)
        if (static_cast<int>(i) != axis) held *= b.common[i].count();
    }
    r.sliding = std::max(r.sliding, std::max(size, held + words));
    all_.add(x);
    if (before)
      rest_.add_difference(x, y);
    else
      rest_.add(x);
    if (want_copies && words > 0) {
      const bool outside = whole != shared;
      Copy c{outside || !before ? x : Progression::interval(0, 0), {}, words};
      // Inside the common axes that stay, only the difference is new.
      if (before) {
        c.kept = y;
        c.before = shared > 0;
      }
      bool known = false;
      for (const Copy& other : copies_) known = known || same_copy(other, c, x, outside);
      if (!known) {
        c.all = x;
        copies_.push_back(c);
        r.copies += words;
      }
    }
  }
  r.distinct = all_.count() * (whole - shared) + rest_.count() * shared;
}

bool Geometry::same_copy(const Copy& a, const Copy& b, const Progression& all, bool outside) {
  if (a.words != b.words) return false;
  const auto news = [](const Progression& x, const Copy& c) {
    Union u;
    if (c.before)
      u.add_difference(x, c.kept);
    else
      u.add(x);
    return u;
  };
  if (outside && !(a.all == all)) return false;
  if (a.all.comparable(all) && a.all.comparable(a.before ? a.kept : a.all) &&
      all.comparable(b.before ? b.kept : all)) {  // one lattice: up to two intervals each
    const auto difference = [](const Progression& x, const Copy& c) {
      std::array<Range, 2> r{Range{x.lo, x.hi}, Range{0, 0}};
      if (c.before && c.kept.lo < c.kept.hi && c.kept.lo < x.hi && x.lo < c.kept.hi)
        r = {Range{x.lo, std::max(x.lo, c.kept.lo)}, Range{std::min(x.hi, c.kept.hi), x.hi}};
      if (r[1].empty()) r[1] = {0, 0};
      if (r[0].empty()) r = {r[1], Range{0, 0}};
      return r;
    };
    return difference(a.all, a) == difference(all, b);
  }
  // Equal differences: their union is no larger than each.
  Union both = news(a.all, a);
  const std::int64_t first = both.count();
  if (b.before)
    both.add_difference(all, b.kept);
  else
    both.add(all);
  Union second = news(all, b);
  return both.count() == first && second.count() == first;
}

std::int64_t busiest_line(const hw::DrainLines& lines, const std::vector<std::int64_t>& each) {
  std::int64_t most = 0, line = -1, words = 0;
  for (std::size_t p = 0; p < each.size(); ++p) {
    const std::int64_t child = static_cast<std::int64_t>(p);
    const std::int64_t own = child < lines.first ? 0 : 1 + (child - lines.first) / lines.children;
    words = (own == line ? words : 0) + each[p];
    line = own;
    most = std::max(most, words);
  }
  return most;
}

}  // namespace counterpoint::analytic
