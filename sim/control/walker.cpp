// SPDX-License-Identifier: Apache-2.0
#include "sim/control/walker.h"

#include <algorithm>

namespace counterpoint::sim {

using workloads::Cut;
using workloads::kAllDims;

namespace {
Dim kernel_of(Dim d) {
  return d == Dim::Y ? Dim::R : Dim::S;
}
std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}
}  // namespace

StepWalker::StepWalker(const Layer& layer, const Nest& nest, std::vector<std::int64_t> path)
    : layer_(layer),
      nest_(nest),
      path_(std::move(path)),
      depth_(path_.size()),
      dense_(layer.dense()),
      state_(depth_ + 1),
      count_(depth_ + 1, 0) {
  for (std::size_t depth = 0; depth <= depth_; ++depth) {
    auto& dims = cuts_.emplace_back();
    for (Dim d : kAllDims)
      if (nest_.levels[depth].cut(d).kind != Cut::Kind::Whole) dims.push_back(d);
  }
  spatial_.fill(-1);
  const Level& own = nest_.levels[depth_];
  for (Dim d : kAllDims) {
    const Cut& cut = own.cut(d);
    if (cut.kind == Cut::Kind::Whole) continue;
    // A skewed range differs from child to child if either of its positions does.
    const bool moves =
        cut.spatial || (cut.kind == Cut::Kind::Skewed && own.cut(kernel_of(d)).spatial);
    if (!moves) {
      cut_dims_.push_back(d);
      continue;
    }
    spatial_[static_cast<std::size_t>(index(d))] = static_cast<int>(spatial_dims_.size());
    spatial_dims_.push_back(d);
    spatial_skew_ = spatial_skew_ || cut.kind == Cut::Kind::Skewed;
    if (cut.spatial) fold_loop_ = cut.loop;
  }
  child_ranges_.assign(spatial_dims_.size(),
                       std::vector<Range>(static_cast<std::size_t>(own.units)));
  active_.assign(static_cast<std::size_t>(own.units), 0);
  divided_.assign(spatial_dims_.size(), Range{});
  enter(0, layer_.whole());
}

void StepWalker::enter(std::size_t depth, const Box& tile) {
  State& s = state_[depth];
  const Level& level = nest_.levels[depth];
  s.tile = tile;
  s.at.assign(level.loops.size(), 0);
  bool same = s.trips.size() == level.loops.size();
  for (Dim d : kAllDims) {
    std::int64_t& size = s.sizes[static_cast<std::size_t>(index(d))];
    same = same && size == tile[d].size();
    size = tile[d].size();
  }
  if (!same) {
    s.trips.resize(level.loops.size());
    for (std::size_t l = 0; l < level.loops.size(); ++l)
      s.trips[l] = workloads::trips(layer_, level, tile, static_cast<int>(l));
  }
  s.fresh = true;
  if (depth == depth_) tile_entered_ = true;
}

bool StepWalker::increment(std::size_t depth) {
  State& s = state_[depth];
  if (s.fresh) {
    s.fresh = false;
    return true;
  }
  for (std::size_t l = s.at.size(); l-- > 0;) {
    if (++s.at[l] < s.trips[l]) return true;
    s.at[l] = 0;
  }
  return false;
}

bool StepWalker::sibling_active(std::size_t depth) const {
  Box box;
  for (std::int64_t p = 0; p < nest_.levels[depth].units; ++p)
    if (box_of(depth, p, box)) return true;
  return false;
}

// The tile of child p at the present loop indices; whether it has work.
bool StepWalker::box_of(std::size_t depth, std::int64_t p, Box& box) const {
  const Level& level = nest_.levels[depth];
  box = state_[depth].tile;
  for (Dim d : cuts_[depth]) {
    const bool skewed = level.cut(d).kind == Cut::Kind::Skewed;
    box[d] = cut_range(depth, d, p, skewed ? box[kernel_of(d)] : Range{});
    if (box[d].empty()) return false;
  }
  return dense_ || workloads::macs(layer_, box) > 0;
}

bool StepWalker::advance(std::size_t depth) {
  for (;;) {
    if (!increment(depth)) {
      if (depth == 0 || !advance(depth - 1)) return false;
      continue;
    }
    if (depth == depth_) {
      if (!locate_children()) continue;
      ++count_[depth];
      return true;
    }
    Box mine;
    if (box_of(depth, path_[depth], mine)) {
      ++count_[depth];
      enter(depth + 1, mine);
      return true;
    }
    if (sibling_active(depth)) {
      ++count_[depth];
      gap_ = true;
    }
  }
}

bool StepWalker::next() {
  if (ended_) return false;
  gap_ = count_.back() == 0;
  if (advance(depth_)) return true;
  ended_ = true;
  return false;
}

Range StepWalker::cut_range(std::size_t depth, Dim d, std::int64_t p, Range kernel) const {
  const Level& level = nest_.levels[depth];
  const State& s = state_[depth];
  const std::int64_t at = s.at[static_cast<std::size_t>(level.cut(d).loop)];
  return sim::cut_range(layer_, level, s.tile, at, d, p, kernel);
}

Range cut_range(const Layer& layer, const Level& level, const Box& tile, std::int64_t at, Dim d,
                std::int64_t p, Range kernel) {
  const Cut& cut = level.cut(d);
  const Range given = tile[d];
  const std::int64_t q = cut.spatial ? at * level.units + p : at;
  if (cut.kind == Cut::Kind::Plain) {
    const std::int64_t lo = given.lo + q * cut.offset;
    const bool beyond = cut.offset <= cut.size
                            ? q > 0 && given.lo + (q - 1) * cut.offset + cut.size >= given.hi
                            : lo >= given.hi;
    if (beyond) return {given.lo, given.lo};
    return {lo, std::min(lo + cut.size, given.hi)};
  }
  const workloads::Window& w = layer.window(d);
  const Range all_kernel = tile[kernel_of(d)];
  if (kernel.empty()) return {given.lo, given.lo};
  const std::int64_t row = q * cut.offset;
  const std::int64_t rows =
      w.stride * (given.size() - 1) + w.dilation * (all_kernel.size() - 1) + 1;
  if (q > 0 && (cut.offset <= cut.size ? row - cut.offset + cut.size >= rows : row >= rows))
    return {given.lo, given.lo};
  const std::int64_t first =
      -floor_div(-(row - w.dilation * (kernel.lo - all_kernel.lo)), w.stride);
  const std::int64_t last =
      floor_div(row + cut.size - 1 - w.dilation * (kernel.hi - 1 - all_kernel.lo), w.stride);
  const Range r{given.lo + std::max<std::int64_t>(first, 0),
                std::min(given.lo + last + 1, given.hi)};
  return r.empty() ? Range{given.lo, given.lo} : r;
}

// Ranges and activity of all children at the present loop indices; whether any is active.
bool StepWalker::locate_children() {
  const State& s = state_[depth_];
  const Level& level = nest_.levels[depth_];
  if (tile_entered_) common_ = s.tile;
  for (Dim d : cut_dims_) {  // R and S stand before Y and X
    const bool skewed = level.cut(d).kind == Cut::Kind::Skewed;
    common_[d] = cut_range(depth_, d, 0, skewed ? common_[kernel_of(d)] : Range{});
  }
  const std::int64_t fold = fold_loop_ < 0 ? 0 : s.at[static_cast<std::size_t>(fold_loop_)];
  bool relocate = fold != last_fold_ || spatial_skew_ || !dense_;
  if (tile_entered_)  // a new tile matters only where children divide it
    for (std::size_t i = 0; i < spatial_dims_.size(); ++i) {
      const Range r = s.tile[spatial_dims_[i]];
      relocate = relocate || r != divided_[i];
      divided_[i] = r;
    }
  last_fold_ = fold;
  tile_entered_ = false;
  bool common_empty = false;  // the tile is not, so only a cut may be
  for (Dim d : cut_dims_) common_empty = common_empty || common_[d].empty();
  if (relocate || common_empty) {
    ++spatial_version_;
    for (std::int64_t p = 0; p < level.units; ++p) {
      bool works = !common_empty;
      for (Dim d : spatial_dims_) {
        const bool skewed = level.cut(d).kind == Cut::Kind::Skewed;
        const Range r = cut_range(depth_, d, p, skewed ? range(kernel_of(d), p) : Range{});
        child_ranges_[static_cast<std::size_t>(spatial_[static_cast<std::size_t>(index(d))])]
                     [static_cast<std::size_t>(p)] = r;
        works = works && !r.empty();
      }
      if (spatial_dims_.empty() && p > 0) works = false;
      if (works && !dense_)
        works = window_pairs(layer_.rows, range(Dim::Y, p), range(Dim::R, p)) > 0 &&
                window_pairs(layer_.cols, range(Dim::X, p), range(Dim::S, p)) > 0;
      active_[static_cast<std::size_t>(p)] = works;
    }
    if (common_empty) last_fold_ = -1;  // activity must be located again
    any_active_ = std::find(active_.begin(), active_.end(), 1) != active_.end();
  }
  return any_active_;
}

bool StepWalker::reductions_at(bool last) const {
  const State& s = state_[depth_];
  for (std::size_t l = 0; l < level().loops.size(); ++l) {
    bool output = false;
    for (Dim d : level().loops[l].dims) output = output || !layer_.is_reduction(d);
    if (!output && s.at[l] != (last ? s.trips[l] - 1 : 0)) return false;
  }
  return true;
}

}  // namespace counterpoint::sim
