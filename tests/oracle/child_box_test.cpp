// SPDX-License-Identifier: Apache-2.0
// workloads::child_box against the definition of the directives, index by index: all three models
// take boxes from it, so that none of them would notice its mistakes.
#include <gtest/gtest.h>

#include <set>

#include "validation/fuzz/generator.h"
#include "workloads/mapping.h"

namespace counterpoint {
namespace {

using workloads::Box;
using workloads::Cut;
using workloads::Dim;
using workloads::Layer;
using workloads::Level;

using Indices = std::set<std::int64_t>;

Indices members(workloads::Range r) {
  Indices s;
  for (std::int64_t i = r.lo; i < r.hi; ++i) s.insert(i);
  return s;
}

/// Smallest m with (m - 1) * offset + size >= extent, or ceil(extent / offset) with gaps.
std::int64_t count_positions(std::int64_t extent, std::int64_t size, std::int64_t offset) {
  std::int64_t m = 1;
  if (offset > size)
    while (m * offset < extent) ++m;
  else
    while ((m - 1) * offset + size < extent) ++m;
  return m;
}

struct Definition {
  const Layer& layer;
  const Level& level;
  const Box& tile;

  std::int64_t extent(Dim d) const {
    if (level.cut(d).kind != Cut::Kind::Skewed) return tile[d].size();
    const workloads::Window& w = layer.window(d);
    Indices rows;  // literal rows of the tile's window, from its first one
    const Dim k = d == Dim::Y ? Dim::R : Dim::S;
    for (std::int64_t o = 0; o < tile[d].size(); ++o)
      for (std::int64_t i = 0; i < tile[k].size(); ++i) rows.insert(w.stride * o + w.dilation * i);
    return *rows.rbegin() + 1;
  }
  std::int64_t count(Dim d) const {
    const Cut& cut = level.cut(d);
    return cut.kind == Cut::Kind::Whole ? 1 : count_positions(extent(d), cut.size, cut.offset);
  }
  std::int64_t trips(int loop) const {
    const workloads::Loop& l = level.loops[static_cast<std::size_t>(loop)];
    std::int64_t fewest = count(l.dims.at(0));
    for (Dim d : l.dims) fewest = std::min(fewest, count(d));
    return l.fold ? (fewest + level.units - 1) / level.units : fewest;
  }
  /// Indices of dimension d that child p holds; `kernel`: those of the window's other side.
  Indices holds(Dim d, const std::vector<std::int64_t>& index, std::int64_t p,
                const Indices& kernel) const {
    const Cut& cut = level.cut(d);
    if (cut.kind == Cut::Kind::Whole) return members(tile[d]);
    const std::int64_t i = index[static_cast<std::size_t>(cut.loop)];
    const std::int64_t q = cut.spatial ? i * level.units + p : i;
    Indices out;
    if (q >= count(d)) return out;
    const std::int64_t first = q * cut.offset, end = first + cut.size;
    for (std::int64_t o = tile[d].lo; o < tile[d].hi; ++o) {
      bool inside = !kernel.empty();
      if (cut.kind == Cut::Kind::Plain) {
        inside = o - tile[d].lo >= first && o - tile[d].lo < end;
      } else {
        const workloads::Window& w = layer.window(d);
        const Dim k = d == Dim::Y ? Dim::R : Dim::S;
        for (std::int64_t r : kernel) {
          const std::int64_t row = w.stride * (o - tile[d].lo) + w.dilation * (r - tile[k].lo);
          inside = inside && row >= first && row < end;
        }
      }
      if (inside) out.insert(o);
    }
    return out;
  }
};

int checked = 0;

void check_level(const Layer& layer, const workloads::Nest& nest, std::size_t depth,
                 const Box& tile, int& budget) {
  if (depth == nest.levels.size() || budget <= 0) return;
  const Level& level = nest.levels[depth];
  const Definition def{layer, level, tile};
  std::vector<std::int64_t> index(level.loops.size(), 0);
  for (;;) {
    for (std::int64_t p = 0; p < level.units; ++p) {
      --budget;
      const Box box = workloads::child_box(layer, level, tile, index, p);
      std::array<Indices, workloads::kDims> expected;
      bool empty = false;
      const auto at = [&](Dim d) -> Indices& {
        return expected[static_cast<std::size_t>(workloads::index(d))];
      };
      for (Dim d : workloads::kAllDims)  // R, S come before Y, X
        at(d) = def.holds(d, index, p,
                          d == Dim::Y   ? at(Dim::R)
                          : d == Dim::X ? at(Dim::S)
                                        : Indices{});
      for (const Indices& s : expected) empty = empty || s.empty();
      // Work that exists: windows may have none where the input is padded.
      bool work = !empty;
      if (work && layer.has_window())
        for (const auto& [o, k] : {std::pair{Dim::Y, Dim::R}, std::pair{Dim::X, Dim::S}}) {
          bool some = false;
          const workloads::Window& w = layer.window(o);
          for (std::int64_t i : at(o))
            for (std::int64_t j : at(k)) {
              const std::int64_t u = w.stride * i + w.dilation * j - w.offset;
              some = some || (u >= 0 && u % w.upsample == 0 && u / w.upsample < w.extent);
            }
          work = work && some;
        }
      ASSERT_EQ(box.empty(), !work);
      ++checked;
      if (!work) continue;
      for (Dim d : workloads::kAllDims)
        ASSERT_EQ(members(box[d]), at(d)) << name(d) << " of child " << p << " at depth " << depth;
      check_level(layer, nest, depth + 1, box, budget);
    }
    int l = static_cast<int>(index.size()) - 1;
    for (; l >= 0; --l) {
      const std::int64_t n = def.trips(l);
      ASSERT_EQ(workloads::trips(layer, level, tile, l), n) << "loop " << l;
      if (++index[static_cast<std::size_t>(l)] < n) break;
      index[static_cast<std::size_t>(l)] = 0;
    }
    if (l < 0) return;
  }
}

TEST(ChildBox, IsWhatTheDirectivesSay) {
  for (std::uint64_t seed = 5000; seed < 5400; ++seed) {
    const validation::fuzz::Case c = validation::fuzz::generate(seed);
    const auto bound = workloads::bind(c.layer.layer, *c.layer.dataflow, c.machine, {true});
    if (!bound.mapping) continue;
    SCOPED_TRACE(validation::fuzz::describe(c));
    int budget = 400;
    check_level(c.layer.layer, bound.mapping->nest, 0, c.layer.layer.whole(), budget);
    if (HasFailure()) return;
  }
  EXPECT_GT(checked, 20000);
}

}  // namespace
}  // namespace counterpoint
