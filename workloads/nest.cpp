// SPDX-License-Identifier: Apache-2.0
#include "workloads/nest.h"

#include <algorithm>

namespace counterpoint::workloads {
namespace {

Dim kernel_of(Dim d) {
  return d == Dim::Y ? Dim::R : Dim::S;
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}
std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return -floor_div(-a, b);
}

std::int64_t count_positions(std::int64_t extent, std::int64_t size, std::int64_t offset) {
  if (extent <= 0) return 0;
  if (offset > size) return ceil_div(extent, offset);
  if (extent <= size) return 1;
  return ceil_div(extent - size, offset) + 1;
}

std::int64_t position(const Level& level, const Cut& cut, const std::vector<std::int64_t>& index,
                      std::int64_t p) {
  const std::int64_t i = index[static_cast<std::size_t>(cut.loop)];
  return cut.spatial ? i * level.units + p : i;
}

}  // namespace

std::int64_t positions(const Layer& layer, const Level& level, const Box& tile, Dim d) {
  if (tile.empty()) return 0;
  const Cut& cut = level.cut(d);
  switch (cut.kind) {
    case Cut::Kind::Whole: return 1;
    case Cut::Kind::Plain: return count_positions(tile[d].size(), cut.size, cut.offset);
    case Cut::Kind::Skewed: {
      const Window& w = layer.window(d);
      const std::int64_t rows =
          w.stride * (tile[d].size() - 1) + w.dilation * (tile[kernel_of(d)].size() - 1) + 1;
      return count_positions(rows, cut.size, cut.offset);
    }
  }
  return 0;
}

std::int64_t trips(const Layer& layer, const Level& level, const Box& tile, int loop) {
  const Loop& l = level.loops[static_cast<std::size_t>(loop)];
  if (tile.empty()) return 0;
  std::int64_t m = -1;
  for (Dim d : l.dims) {
    const std::int64_t n = positions(layer, level, tile, d);
    m = m < 0 ? n : std::min(m, n);
  }
  if (m < 0) m = 1;
  return l.fold ? ceil_div(m, level.units) : m;
}

namespace {
bool reduces(const Layer& layer, const Loop& loop) {
  return std::all_of(loop.dims.begin(), loop.dims.end(),
                     [&](Dim d) { return layer.is_reduction(d); });
}
}  // namespace

bool reductions_at(const Layer& layer, const Level& level, const Box& tile,
                   const std::vector<std::int64_t>& index, bool last) {
  for (std::size_t l = 0; l < level.loops.size(); ++l) {
    if (!reduces(layer, level.loops[l])) continue;
    const std::int64_t end = last ? trips(layer, level, tile, static_cast<int>(l)) - 1 : 0;
    if (index[l] != end) return false;
  }
  return true;
}

std::int64_t unfinished_tiles(const Layer& layer, const Level& level, const Box& tile) {
  bool inside = false;
  std::int64_t tiles = 1;
  for (std::size_t l = 0; l < level.loops.size(); ++l) {
    const std::int64_t n = trips(layer, level, tile, static_cast<int>(l));
    if (reduces(layer, level.loops[l]))
      inside = inside || n > 1;
    else if (inside)
      tiles *= n;
  }
  return tiles;
}

Box cut_box(const Layer& layer, const Level& level, const Box& tile,
            const std::vector<std::int64_t>& index, std::int64_t p) {
  Box box = tile;
  if (tile.empty()) return box;
  for (Dim d : kAllDims) {  // R and S come before Y and X in kAllDims
    const Cut& cut = level.cut(d);
    if (cut.kind == Cut::Kind::Whole) continue;
    const std::int64_t q = position(level, cut, index, p);
    if (q >= positions(layer, level, tile, d)) {
      box[d] = {tile[d].lo, tile[d].lo};
      continue;
    }
    if (cut.kind == Cut::Kind::Plain) {
      const std::int64_t lo = tile[d].lo + q * cut.offset;
      box[d] = {lo, std::min(lo + cut.size, tile[d].hi)};
      continue;
    }
    const Window& w = layer.window(d);
    const Dim k = kernel_of(d);
    if (box[k].empty()) continue;
    const std::int64_t k_lo = box[k].lo - tile[k].lo;
    const std::int64_t k_hi = box[k].hi - 1 - tile[k].lo;
    const std::int64_t first = ceil_div(q * cut.offset - w.dilation * k_lo, w.stride);
    const std::int64_t last =
        floor_div(q * cut.offset + cut.size - 1 - w.dilation * k_hi, w.stride);
    box[d] = {tile[d].lo + std::max<std::int64_t>(first, 0),
              std::min(tile[d].lo + last + 1, tile[d].hi)};
    if (box[d].hi < box[d].lo) box[d].hi = box[d].lo;
  }
  return box;
}

Box child_box(const Layer& layer, const Level& level, const Box& tile,
              const std::vector<std::int64_t>& index, std::int64_t p) {
  Box box = cut_box(layer, level, tile, index, p);
  // A sub-unit that has no work has an empty tile, also where padding leaves it none.
  if (!box.empty() && !layer.dense() && macs(layer, box) == 0) box[Dim::Y].hi = box[Dim::Y].lo;
  return box;
}

std::vector<bool> finished_outputs(const Layer& layer, const Nest& nest) {
  std::vector<bool> out;
  bool whole = true;  // what comes to the level is to be summed up there
  Box tile = layer.whole();
  for (const Level& level : nest.levels) {
    bool divided = false, in_turn = unfinished_tiles(layer, level, tile) == 1;
    for (Dim d : kAllDims) {
      if (!layer.is_reduction(d) || positions(layer, level, tile, d) <= 1) continue;
      divided = true;
      if (level.cut(d).spatial) in_turn = false;
      // Then the outputs move with the kernel.
      for (Dim moved : {Dim::Y, Dim::X})
        if (d == kernel_of(moved) && level.cut(moved).kind == Cut::Kind::Skewed) in_turn = false;
    }
    out.push_back(whole && (!divided || in_turn));
    whole = whole && !divided;
    // The first child's first box is the largest.
    tile = cut_box(layer, level, tile, std::vector<std::int64_t>(level.loops.size(), 0), 0);
    if (tile.empty()) break;
  }
  out.resize(nest.levels.size(), false);
  return out;
}

}  // namespace counterpoint::workloads
