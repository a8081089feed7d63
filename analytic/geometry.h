// SPDX-License-Identifier: Apache-2.0
// Tiles of the children of an array, and what moves between two steps: any mapping, child by
// child. plan.h has closed forms for the regular ones.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "analytic/progression.h"
#include "workloads/mapping.h"

namespace counterpoint::analytic {

using workloads::Box;
using workloads::Dim;
using workloads::Layer;
using workloads::Level;
using workloads::Range;
using workloads::Tensor;

/// One coordinate of a tensor.
struct Axis {
  bool window = false;
  Dim dim = Dim::N;
  Side side = Side::Input;
};

inline Dim kernel_of(Dim d) {
  return d == Dim::Y ? Dim::R : Dim::S;
}
inline bool is_window_dim(Dim d) {
  return d == Dim::Y || d == Dim::X || d == Dim::R || d == Dim::S;
}
inline std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}
inline std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return -floor_div(-a, b);
}

/// Coordinates of a tensor, outermost first.
std::vector<Axis> axes_of(const Layer& layer, Tensor t);
/// Whether a dimension's range differs between the children of a level.
bool varies(const Level& level, Dim d);

/// Outputs that at least one multiply-accumulate touches.
std::int64_t output_words(const Layer& layer);

/// Tiles of one tensor in the children of an array at one step.
struct TensorTiles {
  std::array<Progression, 6> common;  ///< per axis that is the same in all children
  std::vector<Progression> spatial;   ///< per child, the one axis that differs (if any)
};

struct StepTiles {
  bool valid = false;  ///< false: nothing is held (before the first step, or idle)
  std::vector<std::uint8_t> active;
  std::array<TensorTiles, 3> tensor;
  std::int64_t macs_largest = 0, macs_total = 0;
};

/// What of one tensor moves between two steps.
struct Moved {
  std::int64_t distinct = 0;  ///< union over the children
  std::int64_t total = 0;     ///< each child counted
  std::int64_t copies = 0;    ///< equal sets counted once
  std::int64_t largest = 0;   ///< most words of one child
  bool changed = false;       ///< some child's tile differs
  std::int64_t tile = 0, sliding = 0;
  std::vector<std::int64_t> each;  ///< words of every child
};

/// The most words that go over one of the lines, if child p sends `each[p]`.
std::int64_t busiest_line(const hw::DrainLines& lines, const std::vector<std::int64_t>& each);

/// Sets of words, for any legal nest. Not thread-safe (scratch). Keeps its memory.
class Geometry {
 public:
  Geometry() = default;
  explicit Geometry(const workloads::Mapping& mapping) { reset(mapping); }
  void reset(const workloads::Mapping& mapping);

  const std::vector<Axis>& axes(Tensor t) const {
    return axes_[static_cast<std::size_t>(index(t))];
  }
  /// The axis of a tensor that differs between the children of a level; -1: none.
  int spatial_axis(std::size_t depth, Tensor t) const {
    return spatial_axis_[depth][static_cast<std::size_t>(index(t))];
  }
  bool dense() const { return dense_; }

  /// Range of a dimension in the child at position q; `kernel` is the child's, for skewed cuts.
  Range cut_range(const Level& level, const Box& tile, Dim d, std::int64_t q, Range kernel) const;
  Box child_box(const Level& level, const Box& tile, const std::int64_t* index,
                std::int64_t p) const;
  Progression axis_set(const Axis& a, const Box& box) const;
  /// Tiles of all children of a unit at loop indices `index`; false if none has work.
  bool tiles_at(std::size_t depth, const Box& tile, const std::int64_t* index,
                StepTiles& out) const;
  /// Words of `to` that `from` does not have, child by child (to = next, from = held: what
  /// enters; the other way round: what leaves).
  /// `afresh`: what the children had is no use, every step begins a stay.
  void moved(std::size_t depth, Tensor t, const StepTiles& from, const StepTiles& to,
             bool want_copies, Moved& out, bool afresh = false);
  /// Words that go over each subtree of `pes` PEs at the step with loop indices `index` of a unit
  /// with this tile: those that a child does not have from the step before (`from`; `afresh`: as in
  /// moved()) and some PE of the child and of the subtree uses in the step. Counted word by word.
  void over_subtrees(std::size_t depth, Tensor t, const StepTiles& from, bool afresh,
                     const Box& tile, const std::int64_t* index, std::int64_t pes,
                     std::vector<std::int64_t>& words) const;
  Moved moved(std::size_t depth, Tensor t, const StepTiles& from, const StepTiles& to,
              bool want_copies, bool afresh = false) {
    Moved out;
    moved(depth, t, from, to, want_copies, out, afresh);
    return out;
  }

 private:
  struct Copy {
    Progression all;   ///< the child's set along the spatial axis
    Progression kept;  ///< what it had before
    std::int64_t words = 0;
    bool before = false;
  };
  template <class F>
  void for_each_pe(std::size_t depth, const Box& tile, std::int64_t first, F f) const;
  static bool same_copy(const Copy& a, const Copy& b, const Progression& all, bool outside);
  int find_spatial_axis(std::size_t depth, Tensor t) const;

  const Layer* layer_ = nullptr;
  const std::vector<Level>* levels_ = nullptr;
  bool dense_ = true;
  std::array<std::vector<Axis>, 3> axes_;
  std::vector<std::array<int, 3>> spatial_axis_;
  Union all_, rest_;
  std::vector<Copy> copies_;
};

}  // namespace counterpoint::analytic
