// SPDX-License-Identifier: Apache-2.0
// A regular mapping as a finite set of kinds of transitions, counted instead of walked.
//
// A tile that a unit is given is described by its *shape*: the lengths of its ranges, and where it
// lies if it touches implicit padding (elsewhere that changes nothing). An array's *transition*
// from one step to the next is described by its *kind*: inside a tile by the loop that advances and
// by whether each outer loop stands at a clipped position; from tile to tile by the kind of the
// parent's transition. What moves is the same for all transitions of a kind, and how often each
// kind occurs is a product of trip counts. So everything but the times follows from the kinds;
// schedule.h computes the times.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "analytic/geometry.h"
#include "analytic/totals.h"

namespace counterpoint::analytic {

inline constexpr std::size_t kMaxLoops = 10;  ///< of one level
inline constexpr std::size_t kMaxDepths = 8;

/// Words of one tensor that move in a transition.
struct Words {
  bool changed = false;  ///< some child's tile differs
  std::int64_t total = 0, distinct = 0, copies = 0;
  std::int64_t of(hw::Multicast m) const {
    return m == hw::Multicast::None ? total : m == hw::Multicast::Tile ? copies : distinct;
  }
};

struct Kind {
  std::int32_t depth = 0;
  std::int32_t shape = -1;    ///< of the tile that holds the step that begins; -1: none begins
  std::int32_t children = 0;  ///< first of Plan::entries, one per class of children
  std::int32_t groups = 0;    ///< first of Plan::groups: children with equal words
  std::int32_t group_count = 0;
  std::int32_t subtrees = 0;  ///< first of Plan::over_subtrees: subtrees with equal words
  std::int32_t subtree_count = 0;
  bool cold = false;           ///< no step ends
  bool visits = true;          ///< the children come to the outputs for the first time
  std::int32_t age = 0;        ///< so many residences ago the outputs that are read back left the
                               ///< children; 0: the unit has them from elsewhere
  std::int64_t read_back = 0;  ///< outputs of those that enter, from the unit
  std::array<Words, 3> enter;  ///< of the step that begins
  Words leave;                 ///< outputs of the step that ends
  std::int64_t over_line = 0;  ///< ... the most over one of the network's lines
  std::int64_t macs_largest = 0, macs_total = 0;
  std::int32_t before_work = -1;  ///< a kind that begins the step that ends here
  std::int64_t times = 0;         ///< executions in the layer, all arrays
};

/// Whether a unit has partial sums for the outputs of its tile when it gets the tile. Matters only
/// where its children read them back.
enum class Sums : std::uint8_t {
  None,
  Given,    ///< from its parent
  Drained,  ///< kept from the tile before
};

/// A loop of a shape: which of its positions are alike.
struct LoopKinds {
  std::int64_t trips = 1;
  std::int64_t low = 0, high = 0;  ///< positions [low, high) are alike, up to their residue
  std::int64_t residues = 1;
  std::int64_t classes = 1, pairs = 0;
  std::int32_t first_kind = 0;  ///< of the transitions in which this loop advances
  std::int64_t pair_low = 0, pair_high = 0, pair_residues = 1;

  std::int64_t class_of(std::int64_t i) const {
    if (i < low) return i;
    if (i < high) return residues == 1 ? low : low + (i - low) % residues;
    return low + residues + (i - high);
  }
  std::int64_t pair_of(std::int64_t i) const {  ///< of the advance from i to i + 1
    if (i < pair_low) return i;
    if (i < pair_high)
      return pair_residues == 1 ? pair_low : pair_low + (i - pair_low) % pair_residues;
    return pair_low + pair_residues + (i - pair_high);
  }
};

struct Shape {
  std::int32_t depth = 0;
  std::array<std::int64_t, workloads::kDims> length{};
  std::array<std::int64_t, workloads::kDims> lo{};  ///< of one tile of this shape
  std::array<bool, 2> inside{};  ///< rows, columns: no padding is touched, so `lo` is irrelevant
  Sums sums = Sums::None;
  std::int32_t loop_count = 0, advancing_count = 0;
  std::array<LoopKinds, kMaxLoops> loops;
  std::array<std::int8_t, kMaxLoops> advances{};           ///< loops of more than one trip
  std::array<std::int64_t, workloads::kDims> positions{};  ///< of the level's cuts
  std::int32_t first_kind = 0, end_kind = 0;               ///< transitions inside a tile
  std::int32_t entry_kind = -1;                            ///< one that begins such a tile
  std::int32_t last_kind = -1;                             ///< one that begins its last step
  std::int64_t visits = 0;                                 ///< in the layer, all arrays

  const LoopKinds& advancing(std::int32_t at) const {
    return loops[static_cast<std::size_t>(advances[static_cast<std::size_t>(at)])];
  }
};

/// Children of a level that always do alike.
struct ChildClass {
  std::int64_t child = 0;  ///< one of them
  std::int64_t size = 1;
};

/// A child of a transition: the kinds of its own.
struct Entry {
  std::int32_t enter = -1;  ///< begins a tile; -1: the child is idle after
  std::int32_t leave = -1;  ///< ends the tile before (the same kind if one follows); -1: none
};

struct Group {
  /// Entering inputs and weights, leaving outputs, outputs that are read back.
  std::array<std::int64_t, 4> words{};
};

class Plan {
 public:
  /// False if the mapping is not regular (steps without work, partial sums of which only some of
  /// a tile are read back, upsampled rows cut together with the kernel's): then walk() it. May be
  /// called again; keeps its memory.
  bool compile(const workloads::Mapping& mapping);

  const workloads::Mapping& mapping() const { return *mapping_; }
  const std::vector<Kind>& kinds() const { return kinds_; }
  const std::vector<Shape>& shapes() const { return shapes_; }
  const std::vector<Entry>& entries() const { return entries_; }
  const std::vector<Group>& groups() const { return groups_; }
  const std::vector<Group>& over_subtrees() const { return over_subtrees_; }
  const std::vector<ChildClass>& classes(std::size_t depth) const { return classes_[depth]; }
  std::size_t depths() const { return depths_; }
  std::int32_t first() const { return 0; }  ///< the kind that begins the layer
  std::int32_t last() const { return 1; }   ///< the kind that ends it
  /// Kinds of a depth: [kind_end(depth - 1), kind_end(depth)).
  std::int32_t kind_end(std::size_t depth) const { return kind_end_[depth]; }
  const std::int32_t* kind_ends() const { return kind_end_.data(); }
  /// The first kind of arrays of PEs.
  std::int32_t pe_kinds() const { return depths_ < 2 ? 0 : kind_end_[depths_ - 2]; }
  /// Largest tiles and sliding tiles of one instance at a storage level.
  const std::array<std::int64_t, 3>& tile_words(std::size_t storage) const {
    return tile_words_[storage];
  }
  const std::array<std::int64_t, 3>& sliding_words(std::size_t storage) const {
    return sliding_words_[storage];
  }

 private:
  // Coordinates: the dimensions, and the rows and columns of the input that a window touches.
  static constexpr std::size_t kRows = workloads::kDims, kColumns = kRows + 1,
                               kCoordinates = kRows + 2;
  using Index = std::array<std::int64_t, kMaxLoops>;

  struct Tile {
    std::array<std::int64_t, workloads::kDims> lo, length;
  };
  struct CutInfo {
    std::size_t dim = 0, kernel = 0;  ///< `kernel` of a skewed cut
    bool skewed = false;
    std::int64_t size = 1, offset = 1;
    std::size_t loop = 0;
    bool spatial = false, varies = false;
    std::int64_t per_loop = 1;  ///< positions per iteration: the units, if spatial
  };
  struct LevelInfo {
    std::int64_t units = 1;
    bool enumerated = false;  ///< skewed between children: closed forms do not apply
    bool uneven = false;      ///< children that touch padding differ from those that do not
    bool varies = false;
    bool reads_back = false, keeps = false;  ///< the network: partial sums
    bool afresh[2] = {false, false};         ///< ... sends all inputs, weights again
    std::int64_t subtree_pes = 0;            ///< ... is divided
    hw::DrainLines lines;                    ///< ... has lines to the unit
    std::array<bool, kMaxLoops> reduces{};   ///< loops that move no output
    bool shares = false;  ///< all children have the same outputs, and the first new one takes them
    std::size_t cut_count = 0, loop_count = 0;
    std::array<CutInfo, workloads::kDims> cuts;
    /// Distance between neighbouring children; 0: all have the same.
    std::array<std::int64_t, kCoordinates> apart{};
    std::array<std::size_t, kCoordinates> moving{};  ///< the dimension that sets them apart
    std::array<bool, kCoordinates> twice{};          ///< two dimensions do
  };
  /// Tiles of all children in one step, as intervals.
  struct Step {
    bool valid = false, gaps = false;
    bool irregular = false;  ///< children differ by more than a shift: enumerate them
    std::array<std::int64_t, 2> pairs{-1, -1};  ///< of rows, columns, where padding is touched
    bool clipped = false;                       ///< the last active child's lengths differ
    std::int64_t active = 0;
    std::array<std::int64_t, kCoordinates> lo, length, last;  ///< of child 0; of the last one
  };
  /// Where a kind happens, for one of its occurrences.
  struct Frame {
    Tile before, next;  ///< tiles of the unit
    Index before_at{}, next_at{};
    std::int32_t before_shape = -1, next_shape = -1;
  };

  bool describe();
  static Box box(const Tile& tile);
  bool inside(std::size_t window, const Tile& tile) const;
  const workloads::Window& window(std::size_t c) const {
    return c == 0 ? layer_->rows : layer_->cols;
  }
  std::int64_t reach(std::size_t window) const;
  std::int64_t first_row(std::size_t window, const Tile& tile) const;
  bool describe_level(std::size_t depth);
  std::int64_t count_positions(const CutInfo& cut, const Tile& tile) const;
  bool describe_sums();
  std::int32_t shape_of(std::size_t depth, const Tile& tile, Sums sums);
  std::int32_t known_shape(std::size_t depth, const Tile& tile, const Sums* sums) const;
  bool keeps_outputs(std::size_t depth, const Frame& frame, std::int64_t child) const;
  Sums sums_of_child(std::size_t depth, const Kind& kind, const Frame& frame,
                     std::int64_t child) const;
  bool describe_loops(Shape& shape, const Tile& tile);
  bool inner_kinds(std::int32_t shape);
  bool add_kind(std::size_t depth, std::int32_t shape, bool cold, const Frame& frame,
                std::int64_t times);
  bool describe_moves(std::size_t depth, const Frame& frame, Kind& kind);
  void divide(std::size_t depth, const Frame& frame, Kind& kind);
  bool clip(std::size_t window, Step& step) const;
  bool step_at(std::size_t depth, const Tile& tile, std::int32_t shape, const Index& at,
               Step& out) const;
  bool same(std::size_t tensor, const Step& a, const Step& b) const;
  bool moved(std::size_t depth, std::size_t tensor, const Step& from, const Step& to, Words& words,
             std::array<std::int64_t, 4>& group, bool note_tiles, bool afresh = false);
  bool first_or_last(std::size_t depth, const Shape& shape, const Index& at, bool last) const;
  bool returns(std::size_t depth, const Shape& shape, const Index& at, std::int32_t& age) const;
  bool same_ages(std::size_t depth, const Shape& before, const Shape& next) const;
  std::int64_t residences_of_visit(std::size_t depth, const Shape& shape, std::size_t inner) const;
  bool read_back(std::size_t depth, const Frame& frame, Kind& kind);
  bool stays(std::size_t depth, const Frame& frame) const;
  bool moved_enumerated(std::size_t depth, const Frame& frame, Kind& kind);
  void note(std::size_t depth, std::size_t tensor, std::int64_t tile, std::int64_t sliding,
            bool changed);
  void split(std::size_t depth, std::int32_t first, std::int32_t end);
  bool expand(std::size_t depth, std::int32_t first, std::int32_t end);
  /// False if child p has no tile.
  bool child_tile(std::size_t depth, const Tile& tile, std::int32_t shape, const Index& at,
                  std::int64_t p, Tile& out) const;

  const workloads::Mapping* mapping_ = nullptr;
  const Layer* layer_ = nullptr;
  std::size_t depths_ = 0;
  bool dense_ = true;                           ///< no tile touches implicit padding
  std::array<bool, 2> all_inside_{true, true};  ///< ... in its rows, in its columns
  std::array<std::size_t, 3> coordinate_count_{};
  std::array<std::array<std::size_t, 8>, 3> coordinates_{};  ///< of each tensor
  std::array<LevelInfo, kMaxDepths> level_;
  std::vector<Kind> kinds_;
  std::vector<Frame> frames_;
  std::vector<Shape> shapes_;
  std::vector<Entry> entries_;
  std::vector<Group> groups_, over_subtrees_;
  std::array<std::vector<ChildClass>, kMaxDepths> classes_;
  std::array<std::int32_t, kMaxDepths> kind_end_{};
  std::array<std::array<std::int64_t, 3>, kMaxDepths + 1> tile_words_{}, sliding_words_{};
  std::vector<std::int64_t> cut_points_;
  std::vector<std::uint64_t> signatures_;
  Geometry geometry_;
  bool geometry_set_ = false;
  Moved moved_;
  StepTiles tiles_before_, tiles_next_;
  std::array<std::vector<std::int64_t>, 2> divided_;
};

}  // namespace counterpoint::analytic
