// SPDX-License-Identifier: Apache-2.0
// The mapped loop nest: the dataflow bound to a layer and a machine, as data. Both models read
// it; neither shares anything else with the other.
//
// levels[0] runs between off-chip memory and the global buffer (one child), levels[1] between
// the global buffer and the units of the dataflow's top level, ..., the last level's children
// are PEs. Level a is executed by every unit at depth a (depth 0: off-chip memory) on the tile
// it was given: its loops, outermost first, and its children 0 .. units-1.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "input/diagnostics.h"
#include "workloads/layer.h"

namespace counterpoint::workloads {

using input::Diagnostic;
using input::SourcePos;

/// How a level cuts one loop dimension of the tile it is given.
struct Cut {
  enum class Kind : std::uint8_t {
    Whole,   ///< the given range, unmoved
    Plain,   ///< position q: indices [q*offset, q*offset + size), clipped to the range
    Skewed,  ///< only Y, X: position q holds input rows [q*offset, q*offset + size) relative to
             ///< the first row of the tile's window; its outputs are those whose whole kernel
             ///< range (the child's range of R resp. S) lies inside
  };
  Kind kind = Kind::Whole;
  std::int64_t size = 0;
  std::int64_t offset = 0;
  int loop = -1;         ///< index into Level::loops, -1 for Whole
  bool spatial = false;  ///< position of child p in fold f is f*units + p; else the loop index
};

struct Loop {
  bool fold = false;      ///< the level's one fold loop, shared by all its spatial cuts
  std::vector<Dim> dims;  ///< what it moves: exactly one unless fold
  SourcePos pos;
};

struct Level {
  std::string name;         ///< "off-chip", "top", "cluster 1", ...
  std::int64_t units = 1;   ///< children per unit
  std::vector<Loop> loops;  ///< outermost first
  std::array<Cut, kDims> cuts{};
  SourcePos pos;
  const Cut& cut(Dim d) const { return cuts[static_cast<std::size_t>(index(d))]; }
  Cut& cut(Dim d) { return cuts[static_cast<std::size_t>(index(d))]; }
};

struct Nest {
  std::vector<Level> levels;
};

/// Number of positions of dimension d in a tile: the smallest m with (m-1)*offset + size >=
/// extent, and ceil(extent/offset) if offset > size. The extent is the tile's range, for
/// Skewed cuts the rows of its window. 1 for Whole; 0 for an empty tile.
std::int64_t positions(const Layer& layer, const Level& level, const Box& tile, Dim d);

/// Trip count of a loop in a tile: positions of its dimension; for a fold loop
/// ceil(m / units) with m the fewest positions among its dimensions. 0 for an empty tile.
std::int64_t trips(const Layer& layer, const Level& level, const Box& tile, int loop);

/// Whether every loop of the level that moves no output stands at its first (last) position: the
/// outputs of the tile begin (are finished), as far as this level goes. One index per loop.
bool reductions_at(const Layer& layer, const Level& level, const Box& tile,
                   const std::vector<std::int64_t>& index, bool last);

/// Output tiles of a level's child of which partial sums exist at the same time: those that the
/// loops inside the outermost reduction loop move through. 1 if they are finished one by one.
std::int64_t unfinished_tiles(const Layer& layer, const Level& level, const Box& tile);

/// By level: whether outputs that leave its children are finished: no level above it has more than
/// one position of a reduction dimension, and its own ones are steps one after the other of which
/// each has all children at work on the same, inside all loops that move outputs.
std::vector<bool> finished_outputs(const Layer& layer, const Nest& nest);

/// The box of child p when the level's loops stand at `index` (one per loop), whether or not it has
/// work. May be empty: a position beyond the last, or a skewed cut without outputs. `tile` is the
/// unit's own box.
Box cut_box(const Layer& layer, const Level& level, const Box& tile,
            const std::vector<std::int64_t>& index, std::int64_t p);
/// The same, empty if it has no work.
Box child_box(const Layer& layer, const Level& level, const Box& tile,
              const std::vector<std::int64_t>& index, std::int64_t p);

}  // namespace counterpoint::workloads
