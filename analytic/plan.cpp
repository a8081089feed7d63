// SPDX-License-Identifier: Apache-2.0
#include "analytic/plan.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace counterpoint::analytic {

using workloads::Cut;
using workloads::kAllDims;
using workloads::kAllTensors;

namespace {

constexpr std::size_t kMaxKinds = 20000;  // more are walked
constexpr std::int64_t kOldest = std::numeric_limits<std::int32_t>::max();

std::size_t at(Tensor t) {
  return static_cast<std::size_t>(index(t));
}
std::size_t at(Dim d) {
  return static_cast<std::size_t>(index(d));
}
Dim outs_of(Dim d) {
  return d == Dim::R ? Dim::Y : d == Dim::S ? Dim::X : d;
}

// Sets that are added in ascending order: how many members all have together.
class Chain {
 public:
  // n sets [lo + i*step, lo + i*step + length). False if the order is broken.
  bool add(std::int64_t lo, std::int64_t length, std::int64_t step, std::int64_t n) {
    if (n <= 0 || length <= 0) return true;
    const std::int64_t hi = lo + length;
    if (any_ && (lo < lo_ || hi < end_ || (lo == lo_ && hi == end_))) return false;
    count_ += any_ ? hi - std::max(lo, end_) : length;
    count_ += (n - 1) * std::min(length, step);
    lo_ = lo + (n - 1) * step;
    end_ = hi + (n - 1) * step;
    any_ = true;
    return true;
  }
  std::int64_t count() const { return count_; }

 private:
  bool any_ = false;
  std::int64_t lo_ = 0, end_ = 0, count_ = 0;
};

// Of the groups from `first` on one of each kind stays.
void keep_different(std::vector<Group>& groups, std::size_t first) {
  const auto begin = groups.begin() + static_cast<std::ptrdiff_t>(first);
  std::sort(begin, groups.end(), [](const Group& a, const Group& b) { return a.words < b.words; });
  groups.erase(std::unique(begin, groups.end(),
                           [](const Group& a, const Group& b) { return a.words == b.words; }),
               groups.end());
}

std::int64_t floor_mod(std::int64_t a, std::int64_t b) {
  return (a % b + b) % b;
}

void finish(LoopKinds& l) {
  l.low = std::min(l.low, l.trips);
  l.high = std::clamp(l.high, l.low, l.trips);
  l.pair_low = std::min(l.low, l.trips - 1);
  l.pair_high = std::clamp(l.high - 1, l.pair_low, l.trips - 1);
  l.pair_residues = std::min(l.residues, l.pair_high - l.pair_low);
  l.residues = std::min(l.residues, l.high - l.low);
  l.classes = l.low + l.residues + (l.trips - l.high);
  l.pairs = l.pair_low + l.pair_residues + (l.trips - 1 - l.pair_high);
}

// The first position, and perhaps the last one, as classes of their own. Advances stay as they are:
// whether partial sums come back after one depends on other loops.
void set_apart(LoopKinds& l, bool last) {
  if (l.low == 0) {
    l.low = 1;
    l.high = std::max(l.high, l.low);
  }
  if (last) l.high = std::max(std::min(l.high, l.trips - 1), l.low);
  l.residues = std::min(l.residues, l.high - l.low);
  l.classes = l.low + l.residues + (l.trips - l.high);
}

struct Alike {
  std::int64_t first, count;
};
// The positions of one class.
Alike positions_of(const LoopKinds& l, std::int64_t c) {
  if (c < l.low) return {c, 1};
  c -= l.low;
  if (c < l.residues) return {l.low + c, (l.high - l.low - c + l.residues - 1) / l.residues};
  return {l.high + (c - l.residues), 1};
}
Alike advances_of(const LoopKinds& l, std::int64_t c) {
  if (c < l.pair_low) return {c, 1};
  c -= l.pair_low;
  if (c < l.pair_residues)
    return {l.pair_low + c, (l.pair_high - l.pair_low - c + l.pair_residues - 1) / l.pair_residues};
  return {l.pair_high + (c - l.pair_residues), 1};
}

std::uint64_t mix(std::uint64_t h, std::int64_t v) {
  h ^= static_cast<std::uint64_t>(v) + 0x9e3779b97f4a7c15ULL + (h << 6) + (h >> 2);
  h *= 0xff51afd7ed558ccdULL;
  return h ^ (h >> 32);
}

}  // namespace

// ---- description -----------------------------------------------------------------------------

bool Plan::describe() {
  depths_ = mapping_->nest.levels.size();
  if (depths_ > kMaxDepths) return false;
  dense_ = layer_->dense();
  all_inside_ = {true, true};
  if (layer_->has_window()) {
    Tile whole;
    whole.lo.fill(0);
    for (Dim d : kAllDims) whole.length[at(d)] = (*layer_)[d];
    for (std::size_t c = 0; c < 2; ++c) {
      all_inside_[c] = false;
      all_inside_[c] = window(c).upsample == 1 && inside(c, whole);
    }
  }
  for (Tensor t : kAllTensors) {
    std::size_t n = 0;
    for (Dim d : kAllDims) {
      if (!layer_->couples(t, d)) continue;
      // The input's rows and columns stand for the window's dimensions.
      if (t == Tensor::Input && layer_->has_window() && is_window_dim(d)) continue;
      coordinates_[at(t)][n++] = at(d);
    }
    if (t == Tensor::Input && layer_->has_window()) {
      coordinates_[0][n++] = kRows;
      coordinates_[0][n++] = kColumns;
    }
    coordinate_count_[at(t)] = n;
  }
  for (std::size_t d = 0; d < depths_; ++d) {
    if (!describe_level(d)) return false;
  }
  return describe_sums();
}

// False if some outputs of a tile are read back and others are not, or if it is not always the
// first child that takes them.
bool Plan::describe_sums() {
  std::size_t deepest = 0;  // one more than the deepest level with read-backs
  for (std::size_t d = 0; d < depths_; ++d)
    if (level_[d].reads_back) deepest = d + 1;
  if (deepest == 0) return true;
  if (level_[0].keeps) return false;
  if (!dense_) {  // outputs without work
    std::int64_t all = 1;
    for (std::size_t i = 0; i < coordinate_count_[2]; ++i)
      all *= (*layer_)[kAllDims[coordinates_[2][i]]];
    if (output_words(*layer_) != all) return false;
  }
  for (std::size_t d = 0; d < deepest; ++d) {
    bool reduced = false, divided = false;
    for (std::size_t i = 0; i < level_[d].cut_count; ++i) {
      const CutInfo& cut = level_[d].cuts[i];
      const Dim dim = kAllDims[cut.dim];
      const bool kernel = layer_->has_window() && (dim == Dim::R || dim == Dim::S);
      if (cut.skewed || (kernel && !dense_)) return false;
      if (!cut.spatial || level_[d].units == 1) continue;
      if (layer_->is_reduction(dim))
        reduced = true;
      else
        divided = true;
    }
    if (reduced && divided) return false;
    level_[d].shares = reduced && level_[d].reads_back;
  }
  return true;
}

// Rows of the grid that windows slide over; those between inputs, of an upsampled one, are zero.
std::int64_t Plan::reach(std::size_t c) const {
  return window(c).upsample * (window(c).extent - 1) + 1;
}

// The first of them that a tile's windows touch, padding included.
std::int64_t Plan::first_row(std::size_t c, const Tile& tile) const {
  const workloads::Window& w = window(c);
  const std::size_t o = at(c == 0 ? Dim::Y : Dim::X), k = at(c == 0 ? Dim::R : Dim::S);
  return w.stride * tile.lo[o] + w.dilation * tile.lo[k] - w.offset;
}

// Whether all rows (columns) that the tile's windows reach exist.
bool Plan::inside(std::size_t c, const Tile& tile) const {
  if (all_inside_[c]) return true;
  const workloads::Window& w = window(c);
  const std::size_t o = at(c == 0 ? Dim::Y : Dim::X), k = at(c == 0 ? Dim::R : Dim::S);
  const std::int64_t first = first_row(c, tile);
  return first >= 0 &&
         first + w.stride * (tile.length[o] - 1) + w.dilation * (tile.length[k] - 1) < reach(c);
}

bool Plan::describe_level(std::size_t depth) {
  const Level& level = mapping_->nest.levels[depth];
  LevelInfo& info = level_[depth];
  info.units = level.units;
  info.enumerated = info.varies = info.uneven = false;
  info.cut_count = 0;
  info.loop_count = level.loops.size();
  const hw::Network& network = mapping_->machine.network[depth];
  info.reads_back = network.psum == hw::PsumPolicy::Refetch;
  info.keeps = network.psum == hw::PsumPolicy::Keep;
  for (std::size_t t = 0; t < 2; ++t) info.afresh[t] = !network.reuse[t];
  info.subtree_pes = network.subtrees.pes;
  info.lines = network.drain_lines;
  info.shares = false;
  info.apart = {};
  info.twice = {};
  if (info.loop_count > kMaxLoops) return false;
  info.reduces = {};
  if (info.reads_back || info.keeps)
    for (std::size_t l = 0; l < info.loop_count; ++l) {
      info.reduces[l] = true;
      for (Dim d : level.loops[l].dims)
        info.reduces[l] = info.reduces[l] && layer_->is_reduction(d);
    }
  for (Dim d : kAllDims) {
    const Cut& cut = level.cut(d);
    if (cut.kind == Cut::Kind::Whole) continue;
    CutInfo& c = info.cuts[info.cut_count++];
    c.dim = at(d);
    c.skewed = cut.kind == Cut::Kind::Skewed;
    c.kernel = at(kernel_of(d));
    c.size = cut.size;
    c.offset = cut.offset;
    c.loop = static_cast<std::size_t>(cut.loop);
    c.spatial = cut.spatial;
    c.per_loop = cut.spatial ? level.units : 1;
    c.varies = cut.spatial || (c.skewed && level.cut(kernel_of(d)).spatial);
    if (!c.varies) continue;
    info.varies = true;
    if (c.skewed) info.enumerated = true;
    info.apart[c.dim] = c.offset;
    info.moving[c.dim] = c.dim;
    if (!layer_->has_window() || !is_window_dim(d)) continue;
    const bool kernel = d == Dim::R || d == Dim::S;
    const Dim outs = outs_of(d);
    const workloads::Window& w = layer_->window(d);
    const std::size_t along = outs == Dim::Y ? kRows : kColumns;
    if (!all_inside_[along - kRows]) info.uneven = true;
    if (info.apart[along] != 0) info.twice[along] = true;
    info.apart[along] = c.offset * (kernel ? w.dilation : w.stride);
    // One input per output: counted in outputs, see step_at().
    if ((*layer_)[kernel_of(outs)] == 1 && all_inside_[along - kRows]) info.apart[along] = c.offset;
    info.moving[along] = c.dim;
  }
  return true;
}

// ---- shapes ------------------------------------------------------------------------------------

std::int64_t Plan::count_positions(const CutInfo& cut, const Tile& tile) const {
  std::int64_t extent = tile.length[cut.dim];
  if (cut.skewed) {
    const workloads::Window& w = layer_->window(cut.dim == at(Dim::Y) ? Dim::Y : Dim::X);
    extent = w.stride * (extent - 1) + w.dilation * (tile.length[cut.kernel] - 1) + 1;
  }
  if (cut.offset > cut.size) return (extent + cut.offset - 1) / cut.offset;
  if (extent <= cut.size) return 1;
  if (cut.offset == 1) return extent - cut.size + 1;
  return (extent - cut.size + cut.offset - 1) / cut.offset + 1;
}

// `sums`: null if they do not matter. -1: there is none.
std::int32_t Plan::known_shape(std::size_t depth, const Tile& tile, const Sums* sums) const {
  const std::array<bool, 2> in = {inside(0, tile), inside(1, tile)};
  const auto same_place = [&](const Shape& s, std::size_t c) {
    if (in[c] != s.inside[c]) return false;
    if (in[c]) {
      // Of an upsampled window where between the inputs it begins.
      const std::int64_t u = window(c).upsample;
      return u == 1 || (first_row(c, tile) - first_row(c, {s.lo, s.length})) % u == 0;
    }
    const std::size_t o = at(c == 0 ? Dim::Y : Dim::X), k = at(c == 0 ? Dim::R : Dim::S);
    return s.lo[o] == tile.lo[o] && s.lo[k] == tile.lo[k];
  };
  for (std::size_t i = shapes_.size(); i-- > 0;) {
    const Shape& s = shapes_[i];
    if (s.depth != static_cast<std::int32_t>(depth)) break;
    if (s.length == tile.length && (sums == nullptr || s.sums == *sums) &&
        (dense_ || (same_place(s, 0) && same_place(s, 1))))
      return static_cast<std::int32_t>(i);
  }
  return -1;
}

std::int32_t Plan::shape_of(std::size_t depth, const Tile& tile, Sums sums) {
  const std::int32_t known = known_shape(depth, tile, &sums);
  if (known >= 0) return known;
  Shape& s = shapes_.emplace_back();
  s.lo = tile.lo;
  s.inside = {inside(0, tile), inside(1, tile)};
  s.sums = sums;
  s.depth = static_cast<std::int32_t>(depth);
  s.length = tile.length;
  if (!describe_loops(s, tile)) return -1;
  return static_cast<std::int32_t>(shapes_.size()) - 1;
}

// Which positions of each loop cut children of the same lengths, at the same distances.
bool Plan::describe_loops(Shape& shape, const Tile& tile) {
  const LevelInfo& info = level_[static_cast<std::size_t>(shape.depth)];
  const std::int64_t n = info.units;
  shape.loop_count = static_cast<std::int32_t>(info.loop_count);
  std::array<std::int64_t, kMaxLoops> fewest;
  std::array<bool, kMaxLoops> fold{};
  fewest.fill(-1);
  for (std::size_t i = 0; i < info.cut_count; ++i) {
    const CutInfo& cut = info.cuts[i];
    const std::int64_t m = shape.positions[i] = count_positions(cut, tile);
    fewest[cut.loop] = fewest[cut.loop] < 0 ? m : std::min(fewest[cut.loop], m);
    fold[cut.loop] = fold[cut.loop] || cut.spatial;
  }
  for (std::size_t l = 0; l < info.loop_count; ++l) {
    LoopKinds& loop = shape.loops[l];
    if (fewest[l] < 0) fewest[l] = 1;
    loop.trips = fold[l] ? (fewest[l] + n - 1) / n : fewest[l];
    if (loop.trips <= 0) return false;
    loop.high = loop.trips;
    if (fold[l] && loop.trips * n != fewest[l]) loop.high = loop.trips - 1;
  }
  for (std::size_t i = 0; i < info.cut_count; ++i) {
    const CutInfo& cut = info.cuts[i];
    LoopKinds& loop = shape.loops[cut.loop];
    if (loop.trips == 1) continue;
    const std::int64_t last = loop.trips - 1, length = tile.length[cut.dim];
    if (!cut.skewed) {
      const std::int64_t end =
          std::min(cut.spatial ? fewest[cut.loop] : loop.trips, shape.positions[i]) - 1;
      if (end * cut.offset + cut.size > length && end >= last * cut.per_loop)
        loop.high = std::min(loop.high, last);
      if (!layer_->has_window()) continue;
      for (std::size_t j = 0; j < info.cut_count; ++j)
        if (info.cuts[j].skewed && info.cuts[j].kernel == cut.dim && cut.dim != info.cuts[j].dim)
          loop.low = loop.high = loop.trips;  // moves where the skewed range begins
      continue;
    }
    // Skewed: the range is whole unless it is cut off at either end of the tile.
    const workloads::Window& w = layer_->window(cut.dim == at(Dim::Y) ? Dim::Y : Dim::X);
    bool kernel_cut = false;
    for (std::size_t j = 0; j < info.cut_count; ++j)
      kernel_cut = kernel_cut || info.cuts[j].dim == cut.kernel;
    const std::int64_t reach = w.dilation * (tile.length[cut.kernel] - 1);
    const std::int64_t most_before = kernel_cut ? reach : 0, least_after = kernel_cut ? 0 : reach;
    const std::int64_t per = cut.per_loop * cut.offset;
    const std::int64_t span = (cut.per_loop - 1) * cut.offset + cut.size - 1 - least_after;
    const std::int64_t room = w.stride * (length - 1);  // the last output's first row
    const std::int64_t low = (most_before + per - 1) / per;
    const std::int64_t slack = room + w.stride - 1 - span;  // i * per must not exceed it
    const std::int64_t high = slack >= 0 ? slack / per + 1 : 0;
    loop.low = std::max(loop.low, std::min(low, loop.trips));
    loop.high = std::min(loop.high, std::max(high, loop.low));
    loop.residues = std::lcm(loop.residues, w.stride / std::gcd(w.stride, per));
  }
  for (std::size_t c = 0; c < 2; ++c) {
    const workloads::Window& w = window(c);
    if (shape.inside[c] && w.upsample == 1) continue;
    const std::size_t o = at(c == 0 ? Dim::Y : Dim::X), k = at(c == 0 ? Dim::R : Dim::S);
    for (std::size_t i = 0; i < info.cut_count; ++i) {
      const CutInfo& cut = info.cuts[i];
      if (cut.dim != o && cut.dim != k) continue;
      if (cut.skewed && w.upsample > 1) return false;
      LoopKinds& loop = shape.loops[cut.loop];
      if (loop.trips == 1) continue;
      const std::int64_t apart = cut.per_loop * cut.offset * (cut.dim == k ? w.dilation : w.stride);
      loop.residues = std::lcm(loop.residues, w.upsample / std::gcd(w.upsample, apart));
      if (shape.inside[c]) continue;
      if (cut.dim == k || cut.skewed) {
        loop.low = loop.high = loop.trips;
        continue;
      }
      // Positions whose children reach no padding, whatever part of the kernel they have.
      const std::int64_t per = w.stride * cut.per_loop * cut.offset;
      const std::int64_t span = (cut.per_loop - 1) * cut.offset + cut.size - 1;
      const std::int64_t first = first_row(c, tile);
      const std::int64_t room =
          reach(c) - 1 - first - w.stride * span - w.dilation * (tile.length[k] - 1);
      const std::int64_t low = first < 0 ? (-first + per - 1) / per : 0;
      const std::int64_t high = room >= 0 ? room / per + 1 : 0;
      loop.low = std::max(loop.low, std::min(low, loop.trips));
      loop.high = std::min(loop.high, std::max(high, loop.low));
    }
  }
  for (std::size_t l = 0; l < info.loop_count; ++l) {
    shape.loops[l].high = std::max(shape.loops[l].high, shape.loops[l].low);
    finish(shape.loops[l]);
    if (info.reduces[l] && shape.loops[l].trips > 1) set_apart(shape.loops[l], info.keeps);
    if (shape.loops[l].trips > 1)
      shape.advances[static_cast<std::size_t>(shape.advancing_count++)] =
          static_cast<std::int8_t>(l);
  }
  return true;
}

// ---- tiles of a step ---------------------------------------------------------------------------

bool Plan::child_tile(std::size_t depth, const Tile& tile, std::int32_t shape, const Index& index,
                      std::int64_t p, Tile& out) const {
  const LevelInfo& info = level_[depth];
  if (!info.varies && p > 0) return false;
  const Shape& s = shapes_[static_cast<std::size_t>(shape)];
  out = tile;
  for (std::size_t i = 0; i < info.cut_count; ++i) {
    const CutInfo& cut = info.cuts[i];
    const std::int64_t q = index[cut.loop] * cut.per_loop + (cut.spatial ? p : 0);
    if (q >= s.positions[i]) return false;
    const std::int64_t length = tile.length[cut.dim];
    if (!cut.skewed) {
      const std::int64_t begin = q * cut.offset;
      out.lo[cut.dim] += begin;
      out.length[cut.dim] = std::min(cut.size, length - begin);
      continue;
    }
    const workloads::Window& w = layer_->window(cut.dim == at(Dim::Y) ? Dim::Y : Dim::X);
    const std::int64_t row = q * cut.offset, from = out.lo[cut.kernel] - tile.lo[cut.kernel];
    const std::int64_t to = from + out.length[cut.kernel] - 1;
    const std::int64_t first =
        std::max<std::int64_t>(0, ceil_div(row - w.dilation * from, w.stride));
    const std::int64_t end =
        std::min(length, floor_div(row + cut.size - 1 - w.dilation * to, w.stride) + 1);
    if (end <= first) return false;
    out.lo[cut.dim] += first;
    out.length[cut.dim] = end - first;
  }
  if (dense_) return true;
  for (std::size_t c = 0; c < 2; ++c) {
    if (window(c).upsample == 1 && inside(c, out)) continue;
    const std::size_t y = at(c == 0 ? Dim::Y : Dim::X), r = at(c == 0 ? Dim::R : Dim::S);
    if (workloads::window_pairs(c == 0 ? layer_->rows : layer_->cols,
                                {out.lo[y], out.lo[y] + out.length[y]},
                                {out.lo[r], out.lo[r] + out.length[r]}) == 0)
      return false;
  }
  return true;
}

// What the working pairs of a tile at the border touch; false if it may have gaps.
bool Plan::clip(std::size_t window, Step& step) const {
  const workloads::Window& w = window == 0 ? layer_->rows : layer_->cols;
  const std::size_t y = at(window == 0 ? Dim::Y : Dim::X), r = at(window == 0 ? Dim::R : Dim::S);
  const std::int64_t outs = step.length[y], kernel = step.length[r];
  const std::int64_t first = w.stride * step.lo[y] + w.dilation * step.lo[r] - w.offset;
  const std::int64_t beyond =
      first + w.stride * (outs - 1) + w.dilation * (kernel - 1) - w.extent + 1;
  step.pairs[window] = workloads::window_pairs(w, {step.lo[y], step.lo[y] + outs},
                                               {step.lo[r], step.lo[r] + kernel});
  const bool gapless = ((w.dilation == 1 && (kernel >= w.stride || outs == 1)) ||
                        (w.stride == 1 && (outs >= w.dilation || kernel == 1))) &&
                       w.extent >= w.dilation && w.extent >= w.stride;
  step.lo[kRows + window] = std::max<std::int64_t>(first, 0);
  step.length[kRows + window] =
      w.extent - std::max<std::int64_t>(-beyond, 0) - step.lo[kRows + window];
  // An output works if its last (first) kernel row does not lie before (behind) the input; ...
  const auto trim = [&](std::size_t d, std::int64_t step_of_d, std::int64_t reach) {
    const std::int64_t before = std::max<std::int64_t>(0, -first - reach);
    const std::int64_t behind = std::max<std::int64_t>(0, beyond - reach);
    const std::int64_t skip = (before + step_of_d - 1) / step_of_d;
    step.lo[d] += skip;
    step.length[d] -= skip + (behind + step_of_d - 1) / step_of_d;
  };
  trim(y, w.stride, w.dilation * (kernel - 1));
  trim(r, w.dilation, w.stride * (outs - 1));
  step.last[y] = step.length[y];
  step.last[r] = step.length[r];
  step.last[kRows + window] = step.length[kRows + window];
  return gapless;
}

bool Plan::step_at(std::size_t depth, const Tile& tile, std::int32_t shape, const Index& index,
                   Step& out) const {
  const LevelInfo& info = level_[depth];
  Tile first;
  out.gaps = out.clipped = out.irregular = false;
  out.pairs = {-1, -1};
  out.valid = child_tile(depth, tile, shape, index, 0, first);
  if (!out.valid) {
    // Its window may lie in the padding while those of other children do not.
    out.irregular = out.valid = info.uneven;
    return out.valid;
  }
  for (std::size_t d = 0; d < workloads::kDims; ++d) {
    out.lo[d] = first.lo[d];
    out.last[d] = out.length[d] = first.length[d];
  }
  std::int64_t active = 1;
  if (info.varies) {
    const Shape& s = shapes_[static_cast<std::size_t>(shape)];
    active = info.units;
    for (std::size_t i = 0; i < info.cut_count; ++i)
      if (info.cuts[i].varies)
        active = std::min(active, s.positions[i] - index[info.cuts[i].loop] * info.units);
    for (std::size_t i = 0; i < info.cut_count; ++i) {
      const CutInfo& cut = info.cuts[i];
      if (!cut.varies) continue;
      const std::int64_t begin = first.lo[cut.dim] - tile.lo[cut.dim] + (active - 1) * cut.offset;
      out.last[cut.dim] = std::min(cut.size, tile.length[cut.dim] - begin);
      out.clipped = out.clipped || out.last[cut.dim] != out.length[cut.dim];
    }
  }
  out.active = active;
  if (!layer_->has_window()) return true;
  for (std::size_t c = 0; c < 2; ++c) {
    const std::size_t y = at(c == 0 ? Dim::Y : Dim::X), r = at(c == 0 ? Dim::R : Dim::S);
    const std::size_t to = kRows + c;
    const bool varies = info.apart[y] != 0 || info.apart[r] != 0;
    if (window(c).upsample > 1) {  // sets with holes
      out.irregular = true;
      return true;
    }
    if (!all_inside_[c] && varies) {
      Tile hull = first;  // of all active children
      for (std::size_t d : {y, r})
        if (info.apart[d] != 0) hull.length[d] = (active - 1) * info.apart[d] + out.last[d];
      if (!inside(c, hull)) {
        out.irregular = true;
        return true;
      }
    } else if (!inside(c, first)) {
      if (!clip(c, out)) out.gaps = true;
      continue;
    }
    if ((*layer_)[c == 0 ? Dim::R : Dim::S] == 1 && all_inside_[c]) {  // count in outputs
      out.lo[to] = out.lo[y];
      out.length[to] = out.length[y];
      out.last[to] = out.last[y];
      continue;
    }
    const workloads::Window& w = c == 0 ? layer_->rows : layer_->cols;
    const auto reach = [&](std::int64_t outs, std::int64_t kernel) {
      out.gaps = out.gaps || !((w.dilation == 1 && (kernel >= w.stride || outs == 1)) ||
                               (w.stride == 1 && (outs >= w.dilation || kernel == 1)));
      return w.stride * (outs - 1) + w.dilation * (kernel - 1) + 1;
    };
    out.lo[to] = w.stride * out.lo[y] + w.dilation * out.lo[r] - w.offset;
    out.last[to] = out.length[to] = reach(out.length[y], out.length[r]);
    if (out.clipped) out.last[to] = reach(out.last[y], out.last[r]);
  }
  return true;
}

// ---- what moves --------------------------------------------------------------------------------

void Plan::note(std::size_t depth, std::size_t t, std::int64_t tile, std::int64_t sliding,
                bool changed) {
  std::int64_t& most = tile_words_[depth + 1][t];
  most = std::max(most, tile);
  if (!changed) return;
  std::int64_t& slid = sliding_words_[depth + 1][t];
  slid = std::max(slid, sliding);
}

// Whether every child has the same words of a tensor in both steps.
bool Plan::same(std::size_t t, const Step& a, const Step& b) const {
  if (a.irregular || b.irregular || a.active != b.active) return false;
  std::int64_t apart = 0;
  for (std::size_t i = 0; i < coordinate_count_[t]; ++i) {
    const std::size_t c = coordinates_[t][i];
    apart |= (a.lo[c] ^ b.lo[c]) | (a.length[c] ^ b.length[c]) | (a.last[c] ^ b.last[c]);
  }
  return apart == 0;
}

// Words of `to` that `from` does not have. Children 0 .. active-1 hold intervals of one length at
// equal distances, but for the last one, which may be shorter. They fall into four groups: those
// that are whole in both steps, the last one that has a tile in both, and, if more have one now
// than before, the new ones and the last of them.
// `afresh`: what the children had is no use.
bool Plan::moved(std::size_t depth, std::size_t t, const Step& from, const Step& to, Words& words,
                 std::array<std::int64_t, 4>& group, bool note_tiles, bool afresh) {
  const LevelInfo& info = level_[depth];
  const std::size_t count = coordinate_count_[t];
  const bool had = from.valid;
  words = Words{};
  group = {0, 0, 0, 0};
  if (had && !afresh && same(t, from, to)) return true;  // noted when it came
  if (to.irregular || (had && from.irregular)) return false;
  if ((to.gaps || (had && from.gaps)) && !dense_) return false;
  if (t == 0 && (to.gaps || (had && from.gaps))) return false;
  const std::int64_t now = to.active, before = had ? from.active : 0;
  const std::int64_t both = std::min(now, before);
  const auto overlap = [](std::int64_t a, std::int64_t na, std::int64_t b, std::int64_t nb) {
    return std::max<std::int64_t>(0, std::min(a + na, b + nb) - std::max(a, b));
  };
  std::int64_t whole = 1, shared = had && !afresh ? 1 : 0, held = had ? 1 : 0;
  bool changed = !had || afresh || now != before;
  std::size_t spatial = kCoordinates;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t c = coordinates_[t][i];
    if (info.apart[c] != 0) {
      if (spatial != kCoordinates || info.twice[c]) return false;
      spatial = c;
      continue;
    }
    const std::int64_t length = to.length[c];
    whole *= length;
    if (!had) continue;
    const std::int64_t old = from.length[c], kept = overlap(to.lo[c], length, from.lo[c], old);
    shared *= kept;
    held *= old;
    changed = changed || kept != length || kept != old;
  }
  words.changed = changed;
  if (spatial == kCoordinates) {
    const std::int64_t fresh = whole - shared;
    if (both > 1) group[0] = fresh;
    if (both > 0) group[1] = fresh;
    if (now > both) group[3] = whole;
    if (now - 1 > both) group[2] = whole;
    words.total = both * fresh + (now - both) * whole;
    words.distinct = now > both ? whole : fresh;
    words.copies =
        (both > 0 && !(now > both && shared == 0) ? fresh : 0) + (now > both ? whole : 0);
    if (note_tiles) note(depth, t, whole, std::max(whole, both > 0 ? held + fresh : 0), changed);
    return true;
  }

  const std::int64_t step = info.apart[spatial];
  const std::int64_t lo = to.lo[spatial], length = to.length[spatial], last = to.last[spatial];
  std::int64_t old_lo = 0, old_length = 0, old_last = 0;
  if (had) {
    old_lo = from.lo[spatial];
    old_length = from.length[spatial];
    old_last = from.last[spatial];
  }
  Chain all, rest;
  if (!all.add(lo, length, step, now - 1) || !all.add(lo + (now - 1) * step, last, step, 1))
    return false;
  std::int64_t total = 0, tile = 0, sliding = 0;
  const auto some = [&](std::size_t g, std::int64_t n, std::int64_t x, std::int64_t nx,
                        std::int64_t y, std::int64_t ny, bool held_some) {
    const std::int64_t kept = held_some && !afresh ? overlap(x, nx, y, ny) : 0;
    if (held_some && (kept != nx || kept != ny)) changed = true;
    const std::int64_t size = whole * nx, fresh = size - shared * kept;
    group[g] = fresh;
    total += n * fresh;
    tile = std::max(tile, size);
    sliding = std::max(sliding, std::max(size, (held_some ? held * ny : 0) + fresh));
    if (shared == 0) return true;  // the rest does not matter
    if (kept == 0) return rest.add(x, nx, step, n);
    const std::int64_t left = std::max<std::int64_t>(0, y - x);
    const std::int64_t right = std::max<std::int64_t>(0, x + nx - (y + ny));
    if (left > 0 && right > 0 && now > 1) return false;
    return rest.add(x, left, step, n) && rest.add(x + nx - right, right, step, n);
  };
  bool ok = true;
  if (both > 1) ok = some(0, both - 1, lo, length, old_lo, old_length, true);
  if (ok && both > 0)
    ok = some(1, 1, lo + (both - 1) * step, both == now ? last : length, old_lo + (both - 1) * step,
              both == before ? old_last : old_length, true);
  if (ok && now - 1 > both) ok = some(2, now - 1 - both, lo + both * step, length, 0, 0, false);
  if (ok && now > both) ok = some(3, 1, lo + (now - 1) * step, last, 0, 0, false);
  if (!ok) return false;
  words.total = words.copies = total;  // no two children receive the same words
  words.distinct = all.count() * (whole - shared) + rest.count() * shared;
  words.changed = changed;
  if (note_tiles) note(depth, t, tile, sliding, changed);
  return true;
}

Box Plan::box(const Tile& tile) {
  Box b;
  for (Dim d : kAllDims) b[d] = {tile.lo[at(d)], tile.lo[at(d)] + tile.length[at(d)]};
  return b;
}

bool Plan::moved_enumerated(std::size_t depth, const Frame& frame, Kind& kind) {
  if (!geometry_set_) geometry_.reset(*mapping_);
  geometry_set_ = true;
  tiles_before_.valid = tiles_next_.valid = false;
  if (!kind.cold &&
      !geometry_.tiles_at(depth, box(frame.before), frame.before_at.data(), tiles_before_))
    return false;
  if (kind.shape >= 0 &&
      !geometry_.tiles_at(depth, box(frame.next), frame.next_at.data(), tiles_next_))
    return false;
  const std::size_t n = static_cast<std::size_t>(level_[depth].units);
  const std::size_t first = groups_.size();
  groups_.resize(first + n);
  Moved& m = moved_;
  if (kind.shape >= 0) {
    kind.macs_largest = tiles_next_.macs_largest;
    kind.macs_total = tiles_next_.macs_total;
    for (Tensor t : kAllTensors) {
      const bool afresh = t != Tensor::Output && level_[depth].afresh[at(t)];
      geometry_.moved(depth, t, tiles_before_, tiles_next_, true, m, afresh);
      kind.enter[at(t)] = {m.changed, m.total, m.distinct, m.copies};
      note(depth, at(t), m.tile, m.sliding, m.changed);
      if (t == Tensor::Output && !read_back(depth, frame, kind)) return false;
      if (!m.changed || (t == Tensor::Output && kind.read_back == 0)) continue;
      const std::size_t to = t == Tensor::Output ? 3 : at(t);
      for (std::size_t p = 0; p < m.each.size(); ++p) {
        groups_[first + p].words[to] = m.each[p];
        if (to == 3 && level_[depth].shares && m.each[p] > 0) break;  // the others get none
      }
    }
  }
  if (!kind.cold) {
    geometry_.moved(depth, Tensor::Output, tiles_next_, tiles_before_, true, m);
    kind.leave = {m.changed, m.total, m.distinct, m.copies};
    if (stays(depth, frame)) {
      kind.leave = {m.changed, 0, 0, 0};
    } else {
      for (std::size_t p = 0; p < m.each.size(); ++p) groups_[first + p].words[2] = m.each[p];
      if (level_[depth].lines.children > 0)
        kind.over_line = busiest_line(level_[depth].lines, m.each);
    }
  }
  keep_different(groups_, first);
  kind.groups = static_cast<std::int32_t>(first);
  kind.group_count = static_cast<std::int32_t>(groups_.size() - first);
  return true;
}

bool Plan::add_kind(std::size_t depth, std::int32_t shape, bool cold, const Frame& frame,
                    std::int64_t times) {
  if (kinds_.size() >= kMaxKinds) return false;
  Kind& kind = kinds_.emplace_back();
  frames_.push_back(frame);
  kind.depth = static_cast<std::int32_t>(depth);
  kind.shape = shape;
  kind.cold = cold;
  kind.times = times;
  if (!describe_moves(depth, frame, kind)) return false;
  if (level_[depth].subtree_pes > 0 && shape >= 0) divide(depth, frame, kind);
  return true;
}

bool Plan::describe_moves(std::size_t depth, const Frame& frame, Kind& kind) {
  const bool cold = kind.cold;
  const std::int32_t shape = kind.shape;
  if (level_[depth].enumerated) return moved_enumerated(depth, frame, kind);
  Step before, next;
  if (!cold && !step_at(depth, frame.before, frame.before_shape, frame.before_at, before))
    return false;
  std::array<std::array<std::int64_t, 4>, 3> group{};
  bool closed = true;
  if (shape >= 0) {
    if (!step_at(depth, frame.next, frame.next_shape, frame.next_at, next)) return false;
    if (depth + 1 == depths_ && !next.irregular) {  // else the lengths are not known here
      std::int64_t regular = 1, last = 1;
      const bool padded[2] = {next.pairs[0] >= 0, next.pairs[1] >= 0};
      for (std::size_t d = 0; d < workloads::kDims; ++d) {
        if (padded[0] && (d == at(Dim::Y) || d == at(Dim::R))) continue;
        if (padded[1] && (d == at(Dim::X) || d == at(Dim::S))) continue;
        regular *= next.length[d];
        last *= next.last[d];
      }
      for (std::size_t c = 0; c < 2; ++c) {
        if (!padded[c]) continue;
        regular *= next.pairs[c];
        last *= next.pairs[c];
      }
      kind.macs_largest = next.active > 1 ? regular : last;
      kind.macs_total = (next.active - 1) * regular + last;
    } else {
      cut_points_.push_back(next.active);
      if (level_[depth].shares) cut_points_.push_back(next.active + 1);  // see sums_of_child()
      if (next.clipped) cut_points_.push_back(next.active - 1);
    }
    const bool* const afresh = level_[depth].afresh;
    closed = moved(depth, 0, before, next, kind.enter[0], group[0], true, afresh[0]) &&
             moved(depth, 1, before, next, kind.enter[1], group[1], true, afresh[1]) &&
             moved(depth, 2, before, next, kind.enter[2], group[2], true);
    if (closed && !read_back(depth, frame, kind)) return false;
  }
  std::array<std::int64_t, 4> back{};
  if (kind.read_back > 0) back = group[2];
  if (level_[depth].shares)  // the first gets all
    for (std::size_t g = 0, taken = 0; g < 4; ++g) {
      if (taken > 0) back[g] = 0;
      taken += back[g] > 0;
    }
  group[2] = {0, 0, 0, 0};
  // What is the same in both directions is known by now.
  if (shape < 0 || kind.enter[2].changed)
    closed = closed && (cold || moved(depth, 2, next, before, kind.leave, group[2], false));
  // Lines have to know which children send what.
  if (!closed || level_[depth].lines.children > 0) return moved_enumerated(depth, frame, kind);
  if (!cold && stays(depth, frame)) {
    kind.leave = {kind.leave.changed, 0, 0, 0};
    group[2] = {0, 0, 0, 0};
  }
  kind.groups = static_cast<std::int32_t>(groups_.size());
  for (std::size_t g = 0; g < 4; ++g) {
    Group x;
    for (std::size_t t = 0; t < 2; ++t) x.words[t] = kind.enter[t].changed ? group[t][g] : 0;
    x.words[2] = group[2][g];
    x.words[3] = back[g];
    if (x.words[0] + x.words[1] + x.words[2] + x.words[3] > 0) groups_.push_back(x);
  }
  kind.group_count = static_cast<std::int32_t>(groups_.size()) - kind.groups;
  return true;
}

// The words of a kind over each subtree of the network.
void Plan::divide(std::size_t depth, const Frame& frame, Kind& kind) {
  if (!geometry_set_) geometry_.reset(*mapping_);
  geometry_set_ = true;
  tiles_before_.valid = false;
  if (!kind.cold)
    geometry_.tiles_at(depth, box(frame.before), frame.before_at.data(), tiles_before_);
  std::size_t n = 0;
  for (const Tensor t : {Tensor::Input, Tensor::Weight}) {
    divided_[at(t)].clear();
    if (!kind.enter[at(t)].changed) continue;
    geometry_.over_subtrees(depth, t, tiles_before_, level_[depth].afresh[at(t)], box(frame.next),
                            frame.next_at.data(), level_[depth].subtree_pes, divided_[at(t)]);
    n = divided_[at(t)].size();
  }
  const std::size_t first = over_subtrees_.size();
  for (std::size_t i = 0; i < n; ++i) {
    Group g;
    for (std::size_t t = 0; t < 2; ++t)
      if (!divided_[t].empty()) g.words[t] = divided_[t][i];
    over_subtrees_.push_back(g);
  }
  keep_different(over_subtrees_, first);
  kind.subtrees = static_cast<std::int32_t>(first);
  kind.subtree_count = static_cast<std::int32_t>(over_subtrees_.size() - first);
}

// ---- partial sums ------------------------------------------------------------------------------

// Whether all loops that move no output stand at their first (last) position.
bool Plan::first_or_last(std::size_t depth, const Shape& shape, const Index& index,
                         bool last) const {
  const LevelInfo& info = level_[depth];
  for (std::size_t l = 0; l < info.loop_count; ++l)
    if (info.reduces[l] && index[l] != (last ? shape.loops[l].trips - 1 : 0)) return false;
  return true;
}

// Whether the outputs that the step which ends had are not finished, and stay in the children.
bool Plan::stays(std::size_t depth, const Frame& frame) const {
  return level_[depth].keeps &&
         !first_or_last(depth, shapes_[static_cast<std::size_t>(frame.before_shape)],
                        frame.before_at, true);
}

// Whether the unit has partial sums for the outputs that begin at `index`; how many residences ago
// they left the children, 0 if they came from elsewhere.
bool Plan::returns(std::size_t depth, const Shape& shape, const Index& index,
                   std::int32_t& age) const {
  const LevelInfo& info = level_[depth];
  const std::size_t n = info.loop_count;
  age = 0;
  std::size_t revisited = n, inner = 0;  // `inner`: one more than the innermost that moves outputs
  for (std::size_t l = 0; l < n; ++l) {
    if (info.reduces[l] && index[l] > 0) revisited = l;
    if (!info.reduces[l] && shape.loops[l].trips > 1) inner = l + 1;
  }
  if (revisited == n && shape.sums == Sums::None) return false;
  if (revisited == n && shape.sums == Sums::Given) return true;
  // Residences since: those of a whole iteration of the loop, but for what the loops inside it that
  // move no output did after they had come to these outputs for the last time.
  const std::size_t from = revisited == n ? 0 : revisited + 1;
  std::int64_t all = 1, since = 0;
  for (std::size_t l = inner; l-- > from;) {
    const std::int64_t trips = shape.loops[l].trips;
    if (info.reduces[l]) since -= (trips - 1) * all;
    all *= trips;
  }
  since += all;
  // The last of the visit counts.
  since = (since - 1) * residences_of_visit(depth, shape, inner) + 1;
  age = static_cast<std::int32_t>(std::min(since, kOldest));
  return true;
}

// How many residences a visit of outputs has: more than one if children that share them become
// idle in its last folds.
std::int64_t Plan::residences_of_visit(std::size_t depth, const Shape& shape,
                                       std::size_t inner) const {
  const LevelInfo& info = level_[depth];
  if (!info.shares) return 1;
  std::int64_t positions = std::numeric_limits<std::int64_t>::max();
  std::size_t fold = 0;
  for (std::size_t i = 0; i < info.cut_count; ++i) {
    if (!info.cuts[i].spatial) continue;
    positions = std::min(positions, shape.positions[i]);
    fold = info.cuts[i].loop;
  }
  if (shape.loops[fold].trips < 2 || positions % info.units == 0 || fold < inner) return 1;
  std::int64_t times = 1;
  for (std::size_t l = inner; l < fold; ++l) times *= shape.loops[l].trips;
  return 2 * times;
}

// Whether outputs that a unit keeps from tile to tile left its children as long ago as returns()
// says, or so long that it does not matter. If a loop over a reduction had more trips in the tile
// before, returns() names a later drain of other outputs; but then that tile's own next iteration
// has waited for it.
bool Plan::same_ages(std::size_t depth, const Shape& before, const Shape& next) const {
  const LevelInfo& info = level_[depth];
  std::size_t inner = 0;
  for (std::size_t l = 0; l < info.loop_count; ++l)
    if (!info.reduces[l] && next.loops[l].trips > 1) inner = l + 1;
  return inner == 0 ||
         residences_of_visit(depth, before, inner) == residences_of_visit(depth, next, inner);
}

// Whether a child has the same outputs before and after; `frame`: the unit's.
bool Plan::keeps_outputs(std::size_t depth, const Frame& frame, std::int64_t child) const {
  Tile before, next;
  if (frame.before_shape < 0 || frame.next_shape < 0 ||
      !child_tile(depth, frame.before, frame.before_shape, frame.before_at, child, before) ||
      !child_tile(depth, frame.next, frame.next_shape, frame.next_at, child, next))
    return false;
  for (std::size_t i = 0; i < coordinate_count_[2]; ++i) {
    const std::size_t d = coordinates_[2][i];
    if (before.lo[d] != next.lo[d] || before.length[d] != next.length[d]) return false;
  }
  return true;
}

// What the children read back when the step begins; false if that is not known here.
bool Plan::read_back(std::size_t depth, const Frame& frame, Kind& kind) {
  const LevelInfo& info = level_[depth];
  kind.read_back = 0;
  if (!info.reads_back && !info.keeps) return true;
  const Shape& shape = shapes_[static_cast<std::size_t>(frame.next_shape)];
  if (info.keeps) kind.visits = first_or_last(depth, shape, frame.next_at, false);
  if (!info.reads_back) return true;
  if (info.shares && kind.enter[2].distinct > 0 && !kind.cold && keeps_outputs(depth, frame, 0)) {
    // Children that were idle in the last folds come again: what they had then is with the unit.
    const Shape& before = shapes_[static_cast<std::size_t>(frame.before_shape)];
    if (residences_of_visit(depth, before, 0) == 1) return false;
    kind.age = 2;
    kind.read_back = kind.enter[2].distinct;
    return true;
  }
  if (returns(depth, shape, frame.next_at, kind.age)) kind.read_back = kind.enter[2].distinct;
  return true;
}

// What a child has for its next tile; `kind` and `frame`: the unit's.
Sums Plan::sums_of_child(std::size_t depth, const Kind& kind, const Frame& frame,
                         std::int64_t child) const {
  if (depth + 1 == depths_ || !level_[depth + 1].reads_back) return Sums::None;
  if (!kind.cold && keeps_outputs(depth, frame, child)) return Sums::Drained;
  if (kind.read_back == 0) return Sums::None;
  const bool takes =
      !level_[depth].shares || child == 0 || (!kind.cold && keeps_outputs(depth, frame, child - 1));
  return takes ? Sums::Given : Sums::None;
}

// ---- kinds -------------------------------------------------------------------------------------

// All transitions inside a tile of this shape.
bool Plan::inner_kinds(std::int32_t id) {
  const std::size_t depth = static_cast<std::size_t>(shapes_[static_cast<std::size_t>(id)].depth);
  const std::size_t loops =
      static_cast<std::size_t>(shapes_[static_cast<std::size_t>(id)].loop_count);
  Shape& shape = shapes_[static_cast<std::size_t>(id)];
  shape.first_kind = static_cast<std::int32_t>(kinds_.size());
  Frame frame;
  frame.next.lo = shape.lo;
  frame.next.length = shape.length;
  frame.before = frame.next;
  frame.before_shape = frame.next_shape = id;
  std::int64_t prefixes = 1;
  for (std::size_t j = 0; j < loops; ++j) {
    LoopKinds& loop = shape.loops[j];
    loop.first_kind = static_cast<std::int32_t>(kinds_.size());
    if (loop.pairs > 0) {
      for (std::size_t l = j + 1; l < loops; ++l) {
        frame.before_at[l] = shape.loops[l].trips - 1;
        frame.next_at[l] = 0;
      }
      for (std::int64_t prefix = 0; prefix < prefixes; ++prefix) {
        std::int64_t rest = prefix, times = shape.visits;
        for (std::size_t l = j; l-- > 0;) {
          const Alike alike = positions_of(shape.loops[l], rest % shape.loops[l].classes);
          rest /= shape.loops[l].classes;
          frame.before_at[l] = frame.next_at[l] = alike.first;
          times *= alike.count;
        }
        for (std::int64_t pair = 0; pair < loop.pairs; ++pair) {
          const Alike alike = advances_of(loop, pair);
          frame.before_at[j] = alike.first;
          frame.next_at[j] = alike.first + 1;
          if (!add_kind(depth, id, false, frame, times * alike.count)) return false;
        }
      }
    }
    prefixes *= loop.classes;
    if (prefixes > static_cast<std::int64_t>(kMaxKinds)) return false;
  }
  shape.end_kind = static_cast<std::int32_t>(kinds_.size());
  return true;
}

// Children that do alike in all kinds of this depth.
void Plan::split(std::size_t depth, std::int32_t first, std::int32_t end) {
  std::vector<ChildClass>& classes = classes_[depth];
  classes.clear();
  const std::int64_t n = level_[depth].units;
  if (level_[depth].shares) cut_points_.push_back(1);
  if (!level_[depth].enumerated && !level_[depth].uneven) {
    cut_points_.push_back(n);
    std::sort(cut_points_.begin(), cut_points_.end());
    std::int64_t from = 0;
    for (std::int64_t c : cut_points_) {
      if (c <= from || c > n) continue;
      classes.push_back({from, c - from});
      from = c;
    }
    return;
  }
  signatures_.assign(static_cast<std::size_t>(n), 0);
  for (std::int64_t p = 0; p < n; ++p) {
    std::uint64_t h = 1;
    for (std::int32_t k = first; k < end; ++k) {
      const Kind& kind = kinds_[static_cast<std::size_t>(k)];
      const Frame& f = frames_[static_cast<std::size_t>(k)];
      Tile next, before;
      const bool has_next =
          kind.shape >= 0 && child_tile(depth, f.next, f.next_shape, f.next_at, p, next);
      const bool has_before =
          !kind.cold && child_tile(depth, f.before, f.before_shape, f.before_at, p, before);
      h = mix(h, has_next * 2 + has_before);
      if (level_[depth].shares && has_next)
        h = mix(h, static_cast<std::int64_t>(sums_of_child(depth, kind, f, p)));
      for (std::size_t c = 0; c < 2; ++c) {
        const std::size_t o = at(c == 0 ? Dim::Y : Dim::X), r = at(c == 0 ? Dim::R : Dim::S);
        if (has_next && !inside(c, next)) h = mix(mix(h, next.lo[o]), next.lo[r]);
        if (has_before && !inside(c, before)) h = mix(mix(h, before.lo[o]), before.lo[r]);
        const std::int64_t u = window(c).upsample;
        if (u == 1) continue;
        if (has_next) h = mix(h, floor_mod(first_row(c, next), u));
        if (has_before) h = mix(h, floor_mod(first_row(c, before), u));
      }
      for (std::size_t d = 0; d < workloads::kDims; ++d) {
        if (has_next) h = mix(h, next.length[d]);
        if (has_before) h = mix(h, before.length[d]);
        if (has_next && has_before) h = mix(h, next.lo[d] - before.lo[d]);
      }
    }
    signatures_[static_cast<std::size_t>(p)] = h;
  }
  for (std::int64_t p = 0; p < n; ++p) {
    bool known = false;
    for (ChildClass& c : classes) {
      if (signatures_[static_cast<std::size_t>(c.child)] !=
          signatures_[static_cast<std::size_t>(p)])
        continue;
      ++c.size;
      known = true;
      break;
    }
    if (!known) classes.push_back({p, 1});
  }
}

// The kinds of the children's transitions.
bool Plan::expand(std::size_t depth, std::int32_t first, std::int32_t end) {
  const std::size_t below = depth + 1;
  // Where a step ends it does not matter which partial sums its unit had, but there must be a
  // shape.
  if (level_[below].reads_back)
    for (std::int32_t k = first; k < end; ++k)
      for (const ChildClass& c : classes_[depth]) {
        const Kind& kind = kinds_[static_cast<std::size_t>(k)];
        const Frame& f = frames_[static_cast<std::size_t>(k)];
        Frame frame;
        if (kind.shape < 0 ||
            !child_tile(depth, f.next, f.next_shape, f.next_at, c.child, frame.next))
          continue;
        if (shape_of(below, frame.next, sums_of_child(depth, kind, f, c.child)) < 0) return false;
      }
  for (std::int32_t k = first; k < end; ++k) {
    kinds_[static_cast<std::size_t>(k)].children = static_cast<std::int32_t>(entries_.size());
    for (const ChildClass& c : classes_[depth]) {
      const bool begins = kinds_[static_cast<std::size_t>(k)].shape >= 0;
      const bool cold = kinds_[static_cast<std::size_t>(k)].cold;
      const std::int64_t times = kinds_[static_cast<std::size_t>(k)].times * c.size;
      const Frame& f = frames_[static_cast<std::size_t>(k)];
      Frame frame;
      const bool has_next =
          begins && child_tile(depth, f.next, f.next_shape, f.next_at, c.child, frame.next);
      const bool has_before =
          !cold && child_tile(depth, f.before, f.before_shape, f.before_at, c.child, frame.before);
      Entry entry;
      if (has_before) {
        frame.before_shape = level_[below].reads_back ? known_shape(below, frame.before, nullptr)
                                                      : shape_of(below, frame.before, Sums::None);
        if (frame.before_shape < 0) return false;
        const Shape& s = shapes_[static_cast<std::size_t>(frame.before_shape)];
        for (std::size_t l = 0; l < static_cast<std::size_t>(s.loop_count); ++l)
          frame.before_at[l] = s.loops[l].trips - 1;
      }
      if (has_next) {
        const Sums sums = sums_of_child(depth, kinds_[static_cast<std::size_t>(k)], f, c.child);
        const std::int32_t shape = shape_of(below, frame.next, sums);
        if (shape < 0) return false;
        if (sums == Sums::Drained &&
            !same_ages(below, shapes_[static_cast<std::size_t>(frame.before_shape)],
                       shapes_[static_cast<std::size_t>(shape)]))
          return false;
        frame.next_shape = shape;
        entry.enter = static_cast<std::int32_t>(kinds_.size());
        if (has_before) entry.leave = entry.enter;
        shapes_[static_cast<std::size_t>(shape)].visits += times;
        if (shapes_[static_cast<std::size_t>(shape)].entry_kind < 0)
          shapes_[static_cast<std::size_t>(shape)].entry_kind = entry.enter;
        if (!add_kind(below, shape, !has_before, frame, times)) return false;
        kinds_.back().before_work = has_before ? -2 - frame.before_shape : -1;
      } else if (has_before) {
        entry.leave = static_cast<std::int32_t>(kinds_.size());
        if (!add_kind(below, -1, false, frame, times)) return false;
      }
      entries_.push_back(entry);
    }
  }
  return true;
}

bool Plan::compile(const workloads::Mapping& mapping) {
  mapping_ = &mapping;
  layer_ = &mapping.layer;
  kinds_.clear();
  frames_.clear();
  shapes_.clear();
  entries_.clear();
  groups_.clear();
  over_subtrees_.clear();
  geometry_set_ = false;
  tile_words_ = {};
  sliding_words_ = {};
  // What a transfer or a step takes depends on those before it.
  const hw::BoundMachine& machine = mapping.machine;
  if (machine.storage[0].rows.bytes > 0 || machine.machine.step_window.steps > 0 ||
      machine.storage.back().any_follows() ||
      std::any_of(machine.storage.begin(), machine.storage.end(),
                  [](const hw::Storage& s) { return s.slots_together; }))
    return false;
  if (!describe()) return false;

  Frame begin, finish;
  for (Dim d : kAllDims) {
    begin.next.lo[at(d)] = 0;
    begin.next.length[at(d)] = layer_->has(d) ? (*layer_)[d] : 1;
  }
  finish.before = begin.next;
  cut_points_.clear();
  const std::int32_t whole = shape_of(0, begin.next, Sums::None);
  if (whole < 0) return false;
  begin.next_shape = finish.before_shape = whole;
  shapes_[0].visits = 1;
  shapes_[0].entry_kind = first();
  for (std::size_t l = 0; l < static_cast<std::size_t>(shapes_[0].loop_count); ++l)
    finish.before_at[l] = shapes_[0].loops[l].trips - 1;
  if (!add_kind(0, whole, true, begin, 1) || !add_kind(0, -1, false, finish, 1)) return false;
  std::int32_t first_kind = 0;
  std::size_t first_shape = 0;
  for (std::size_t depth = 0; depth < depths_; ++depth) {
    const std::size_t end_shape = shapes_.size();
    for (std::size_t s = first_shape; s < end_shape; ++s)
      if (!inner_kinds(static_cast<std::int32_t>(s))) return false;
    first_shape = end_shape;
    const std::int32_t end = static_cast<std::int32_t>(kinds_.size());
    kind_end_[depth] = end;
    if (depth + 1 == depths_) break;
    split(depth, first_kind, end);
    cut_points_.clear();
    if (!expand(depth, first_kind, end)) return false;
    first_kind = end;
  }

  // Which kind begins the step that each kind ends.
  const auto beginning = [&](const Shape& s, const std::array<std::int64_t, kMaxLoops>& index) {
    std::size_t l = static_cast<std::size_t>(s.loop_count);
    while (l > 0 && index[l - 1] == 0) --l;
    if (l == 0) return s.entry_kind;
    --l;
    std::int64_t prefix = 0;
    for (std::size_t i = 0; i < l; ++i)
      prefix = prefix * s.loops[i].classes + s.loops[i].class_of(index[i]);
    return static_cast<std::int32_t>(s.loops[l].first_kind + prefix * s.loops[l].pairs +
                                     s.loops[l].pair_of(index[l] - 1));
  };
  for (Shape& s : shapes_) {
    std::array<std::int64_t, kMaxLoops> index{};
    for (std::size_t l = 0; l < static_cast<std::size_t>(s.loop_count); ++l)
      index[l] = s.loops[l].trips - 1;
    s.last_kind = beginning(s, index);
    for (std::int32_t k = s.first_kind; k < s.end_kind; ++k)
      kinds_[static_cast<std::size_t>(k)].before_work =
          beginning(s, frames_[static_cast<std::size_t>(k)].before_at);
  }
  for (Kind& k : kinds_)
    if (k.before_work <= -2)
      k.before_work = shapes_[static_cast<std::size_t>(-2 - k.before_work)].last_kind;
  return true;
}

}  // namespace counterpoint::analytic
