// SPDX-License-Identifier: Apache-2.0
#include "sim/control/subtrees.h"

#include <algorithm>

namespace counterpoint::sim {

Subtrees::Subtrees(const workloads::Mapping& mapping, const TensorSpace& space)
    : layer_(mapping.layer),
      space_(space),
      dense_(mapping.layer.dense()),
      children_(mapping.nest.levels[1].units),
      pes_(mapping.machine.network[1].subtrees.pes) {
  const std::vector<Level>& levels = mapping.nest.levels;
  // Every way from the global buffer to an array of PEs.
  std::vector<std::vector<std::int64_t>> paths = {{0}};
  for (std::size_t depth = 1; depth + 1 < levels.size(); ++depth) {
    std::vector<std::vector<std::int64_t>> longer;
    for (const auto& path : paths)
      for (std::int64_t p = 0; p < levels[depth].units; ++p) {
        longer.push_back(path);
        longer.back().push_back(p);
      }
    paths.swap(longer);
  }
  std::int64_t pe = 0;
  for (const auto& path : paths) {
    groups_.push_back({StepWalker(mapping.layer, mapping.nest, path),
                       path.size() > 1 ? path[1] : -1, pe, false, false});
    pe += levels.back().units;
  }
  fresh_.resize(static_cast<std::size_t>(children_));
  over_.resize(static_cast<std::size_t>((pe + pes_ - 1) / pes_));
}

// The words of a PE's present tile.
void Subtrees::tile(const PeGroup& group, std::int64_t p) {
  ids_.assign(1, 0);
  for (const Axis& a : space_.axes) {
    if (a.kind == Axis::Kind::Plain)
      set_.assign(group.walker.range(a.dim, p));
    else
      touched(layer_.window(a.dim), dense_, group.walker.range(a.dim, p),
              group.walker.range(a.dim == Dim::Y ? Dim::R : Dim::S, p), a.touch, marks_, set_);
    longer_.clear();
    for (const std::int32_t id : ids_)
      for (const Range& r : set_.runs)
        for (std::int64_t x = r.lo; x < r.hi; ++x)
          longer_.push_back(id + static_cast<std::int32_t>(x * a.stride));
    ids_.swap(longer_);
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
  for (auto& ids : fresh_) std::sort(ids.begin(), ids.end());
  for (PeGroup& g : groups_) {
    for (;;) {
      if (!g.positioned && !g.ended) g.positioned = g.walker.next();
      g.ended = !g.positioned;
      if (g.ended || g.walker.step_of(1) > r.step) break;
      if (g.walker.step_of(1) == r.step)
        for (std::int64_t p = 0; p < g.walker.children(); ++p) {
          if (!g.walker.active(p)) continue;
          const auto& fresh = fresh_[static_cast<std::size_t>(g.child < 0 ? p : g.child)];
          if (fresh.empty()) continue;
          tile(g, p);
          auto& over = over_[static_cast<std::size_t>((g.first_pe + p) / pes_)];
          for (const std::int32_t id : ids_)
            if (std::binary_search(fresh.begin(), fresh.end(), id)) over.push_back(id);
        }
      g.positioned = false;
    }
  }
  words_.clear();
  for (auto& ids : over_) {
    std::sort(ids.begin(), ids.end());
    words_.push_back(std::unique(ids.begin(), ids.end()) - ids.begin());
  }
  return words_;
}

}  // namespace counterpoint::sim
