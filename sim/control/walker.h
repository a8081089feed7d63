// SPDX-License-Identifier: Apache-2.0
// Walks the executed steps of one array (a unit and its children) through the whole layer.
#pragma once

#include <cstdint>
#include <vector>

#include "workloads/mapping.h"

namespace counterpoint::sim {

using workloads::Box;
using workloads::Dim;
using workloads::Layer;
using workloads::Level;
using workloads::Nest;
using workloads::Range;

/// Range of a dimension that a level cuts, in child p of a unit with this tile, where the cut's
/// loop stands at `at`; empty if the child has none. `kernel`: the child's, for skewed cuts.
Range cut_range(const Layer& layer, const Level& level, const Box& tile, std::int64_t at, Dim d,
                std::int64_t p, Range kernel);

/// The loops of all levels down to the array's own. Cheap to copy in number, not in size: every
/// tensor of an array has one, because channels may run ahead of each other.
class StepWalker {
 public:
  /// `path`: which child at each level above leads to the unit; empty for off-chip memory.
  StepWalker(const Layer& layer, const Nest& nest, std::vector<std::int64_t> path);

  /// Moves to the next executed step; false at the end of the layer.
  bool next();

  std::int64_t step() const { return count_.back() - 1; }              ///< of this array, from 0
  std::int64_t parent_step() const { return count_[depth_ - 1] - 1; }  ///< depth > 0 only
  /// Whether the unit was idle between the previous step and this one (true for the first).
  bool gap() const { return gap_; }
  std::int64_t children() const { return level().units; }
  bool active(std::int64_t p) const { return active_[static_cast<std::size_t>(p)] != 0; }
  /// Changes whenever the ranges or the activity of some child in a spatial dimension may have.
  std::uint64_t spatial_version() const { return spatial_version_; }
  bool is_spatial(Dim d) const { return spatial_[static_cast<std::size_t>(index(d))] >= 0; }
  /// Range of a dimension in child p.
  Range range(Dim d, std::int64_t p) const {
    const int s = spatial_[static_cast<std::size_t>(index(d))];
    return s < 0 ? common_[d]
                 : child_ranges_[static_cast<std::size_t>(s)][static_cast<std::size_t>(p)];
  }
  /// Range of a dimension that is not spatial here: the same in all children.
  Range common(Dim d) const { return common_[d]; }
  /// The tile of child p, which is active.
  Box tile(std::int64_t p) const {
    Box box;
    for (Dim d : workloads::kAllDims) box[d] = range(d, p);
    return box;
  }
  /// Whether every loop of the array's own level that moves no output stands at its first (last)
  /// position.
  bool reductions_at(bool last) const;
  const Level& level() const { return nest_.levels[depth_]; }

 private:
  struct State {
    Box tile;
    std::vector<std::int64_t> at, trips;
    std::array<std::int64_t, workloads::kDims> sizes{};  // for which `trips` are
    bool fresh = false;                                  // entered, not yet at its first setting
  };
  void enter(std::size_t depth, const Box& tile);
  bool increment(std::size_t depth);
  bool advance(std::size_t depth);
  bool sibling_active(std::size_t depth) const;
  bool locate_children();
  Range cut_range(std::size_t depth, Dim d, std::int64_t p, Range kernel) const;
  bool box_of(std::size_t depth, std::int64_t p, Box& box) const;

  const Layer& layer_;
  const Nest& nest_;
  std::vector<std::int64_t> path_;
  std::size_t depth_;
  bool dense_;
  std::vector<State> state_;
  std::vector<std::int64_t> count_;
  bool gap_ = true;
  bool ended_ = false;
  Box common_;
  std::array<int, workloads::kDims> spatial_{};
  std::vector<Dim> spatial_dims_;
  std::vector<Range> divided_;          // the tile's ranges in the spatial dimensions
  std::vector<Dim> cut_dims_;           // not spatial
  std::vector<std::vector<Dim>> cuts_;  // of every level, R and S before Y and X
  std::vector<std::vector<Range>> child_ranges_;
  std::vector<std::uint8_t> active_;
  bool any_active_ = false;
  std::uint64_t spatial_version_ = 0;
  std::int64_t last_fold_ = -1;
  bool tile_entered_ = true;
  int fold_loop_ = -1;
  bool spatial_skew_ = false;
};

}  // namespace counterpoint::sim
