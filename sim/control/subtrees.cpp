// SPDX-License-Identifier: Apache-2.0
#include "sim/control/subtrees.h"

#include <algorithm>
#include <stdexcept>

namespace counterpoint::sim {

using workloads::Cut;
using workloads::kAllDims;

namespace {
Dim kernel_of(Dim d) {
  return d == Dim::Y ? Dim::R : Dim::S;
}
}  // namespace

Subtrees::Subtrees(const workloads::Mapping& mapping, const TensorSpace& space)
    : layer_(mapping.layer),
      nest_(mapping.nest),
      space_(space),
      dense_(mapping.layer.dense()),
      pes_(mapping.machine.network[1].subtrees.pes),
      walker_(mapping.layer, mapping.nest, {0}) {
  const std::vector<Level>& levels = nest_.levels;
  below_.resize(levels.size());
  for (std::size_t depth = levels.size(); depth-- > 2;) {
    Below& b = below_[depth];
    b.pes = pes_of_child_;
    pes_of_child_ *= levels[depth].units;
    for (Dim d : kAllDims) {  // R and S before Y and X
      if (levels[depth].cut(d).kind == Cut::Kind::Whole) continue;
      b.cuts.push_back(d);
      b.varies = b.varies || levels[depth].cut(d).spatial;
    }
  }
  const std::int64_t children = levels[1].units;
  fresh_.resize(static_cast<std::size_t>(children));
  over_.resize(static_cast<std::size_t>((children * pes_of_child_ + pes_ - 1) / pes_));
}

void Subtrees::list_words(const Box& tile) {
  ids_.assign(1, 0);
  for (const Axis& a : space_.axes) {
    if (a.kind == Axis::Kind::Plain)
      set_.assign(tile[a.dim]);
    else
      touched(layer_.window(a.dim), dense_, tile[a.dim], tile[kernel_of(a.dim)], a.touch, marks_,
              set_);
    longer_.clear();
    for (const std::int32_t id : ids_)
      for (const Range& r : set_.runs)
        for (std::int64_t x = r.lo; x < r.hi; ++x)
          longer_.push_back(id + static_cast<std::int32_t>(x * a.stride));
    ids_.swap(longer_);
  }
}

// All steps that the levels from `depth` on have in a tile.
void Subtrees::visit(std::size_t depth, const Box& tile, std::int64_t first_pe,
                     const std::vector<std::int32_t>& fresh) {
  if (depth == nest_.levels.size()) {
    list_words(tile);
    std::vector<std::int32_t>& over = over_[static_cast<std::size_t>(first_pe / pes_)];
    for (const std::int32_t id : ids_)
      if (std::binary_search(fresh.begin(), fresh.end(), id)) over.push_back(id);
    return;
  }
  const Level& level = nest_.levels[depth];
  Below& b = below_[depth];
  const std::size_t loops = level.loops.size();
  b.at.assign(loops, 0);
  b.trips.resize(loops);
  for (std::size_t l = 0; l < loops; ++l)
    b.trips[l] = workloads::trips(layer_, level, tile, static_cast<int>(l));
  for (bool more = true; more;) {
    for (std::int64_t p = 0; p < (b.varies ? level.units : 1); ++p) {
      Box box = tile;
      bool empty = false;
      for (Dim d : b.cuts) {
        const Cut& cut = level.cut(d);
        const std::int64_t at = b.at[static_cast<std::size_t>(cut.loop)];
        const Range kernel = cut.kind == Cut::Kind::Skewed ? box[kernel_of(d)] : Range{};
        box[d] = cut_range(layer_, level, tile, at, d, p, kernel);
        empty = empty || box[d].empty();
      }
      if (!empty && (dense_ || workloads::macs(layer_, box) > 0))
        visit(depth + 1, box, first_pe + p * b.pes, fresh);
    }
    more = false;
    for (std::size_t l = loops; l-- > 0 && !more;) {
      more = ++b.at[l] < b.trips[l];
      if (!more) b.at[l] = 0;
    }
  }
}

const std::vector<std::int64_t>& Subtrees::words(const Residence& r) {
  for (auto& ids : fresh_) ids.clear();
  for (auto& ids : over_) ids.clear();
  const Moves& m = *r.enter;
  for (const Chunk& chunk : m.chunks)
    for (std::int32_t i = chunk.receivers_first; i < chunk.receivers_last; ++i) {
      auto& ids = fresh_[static_cast<std::size_t>(m.receivers[static_cast<std::size_t>(i)])];
      for (std::int32_t word = chunk.first; word < chunk.last; ++word)
        ids.push_back(r.id(static_cast<std::size_t>(word)));
    }
  while (walker_.step() < r.step)
    if (!walker_.next()) throw std::logic_error("simulator: a transfer after the last step");
  for (std::int64_t p = 0; p < walker_.children(); ++p) {
    auto& fresh = fresh_[static_cast<std::size_t>(p)];
    if (fresh.empty() || !walker_.active(p)) continue;
    std::sort(fresh.begin(), fresh.end());
    visit(2, walker_.tile(p), p * pes_of_child_, fresh);
  }
  words_.clear();
  for (auto& ids : over_) {
    std::sort(ids.begin(), ids.end());
    words_.push_back(std::unique(ids.begin(), ids.end()) - ids.begin());
  }
  return words_;
}

}  // namespace counterpoint::sim
