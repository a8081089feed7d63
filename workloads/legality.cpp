// SPDX-License-Identifier: Apache-2.0
#include "workloads/legality.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

namespace counterpoint::workloads {
namespace {

Dim kernel_dim(Dim d) {
  return d == Dim::Y ? Dim::R : Dim::S;
}

// A group of dimensions that may be cut together: (Y, R), (X, S), or one plain dimension.
struct Group {
  Dim first;
  Dim second;  // equals first for a plain dimension
  bool window() const { return first != second; }
};

using Extents = std::pair<std::int64_t, std::int64_t>;  // of (first, second); second 1 if plain
using Histogram = std::map<Extents, std::int64_t>;      // tiles of these extents

__extension__ typedef __int128 Wide;  // products of counts before they are saturated
std::int64_t saturate(Wide v) {
  constexpr auto top = std::numeric_limits<std::int64_t>::max();
  return v > Wide(top) ? top : static_cast<std::int64_t>(v);
}

// Work of a group's tiles: all of it, what the children cover, what they execute.
struct Coverage {
  Wide total = 0, distinct = 0, executed = 0;
  Histogram children;
};

Box tile_of(const Group& g, const Extents& e) {
  Box box;
  for (Dim d : kAllDims) box[d] = {0, 1};
  box[g.first] = {0, e.first};
  if (g.window()) box[g.second] = {0, e.second};
  return box;
}

Range plain_range(const Cut& cut, std::int64_t extent, std::int64_t q) {
  if (cut.kind == Cut::Kind::Whole) return {0, extent};
  const std::int64_t lo = std::min(q * cut.offset, extent);
  return {lo, std::min(lo + cut.size, extent)};
}

// A plain cut of an extent into n positions: only the first, and the last two can differ.
void cover_plain(const Cut& cut, std::int64_t extent, std::int64_t n, Wide& executed,
                 Wide& distinct, std::map<std::int64_t, std::int64_t>& lengths) {
  if (cut.kind == Cut::Kind::Whole) {
    executed = distinct = extent;
    lengths[extent] += 1;
    return;
  }
  // Positions q with q*offset + size <= extent are full.
  std::int64_t full = extent >= cut.size ? (extent - cut.size) / cut.offset + 1 : 0;
  full = std::min(full, n);
  executed = Wide(full) * cut.size;
  if (full > 0) lengths[cut.size] += full;
  for (std::int64_t q = full; q < n; ++q) {
    const std::int64_t length = plain_range(cut, extent, q).size();
    executed += length;
    if (length > 0) lengths[length] += 1;
  }
  const std::int64_t end = plain_range(cut, extent, n - 1).hi;
  distinct = cut.offset <= cut.size ? Wide(end) : executed;
}

// Positions of a skewed pair are few enough to look at (kernel positions times row positions).
void cover_skewed(const Layer& layer, const Level& level, const Group& g, const Extents& e,
                  std::int64_t count, Coverage& c) {
  const Box tile = tile_of(g, e);
  const std::int64_t first_n = positions(layer, level, tile, g.first);
  const std::int64_t second_n = positions(layer, level, tile, g.second);
  const bool together = level.cut(g.first).loop == level.cut(g.second).loop;
  // executions[k * outs + o], as differences along o.
  const std::int64_t outs = e.first;
  std::vector<std::int64_t> diff(static_cast<std::size_t>((outs + 1) * e.second), 0);
  Level probe = level;  // every position is reached with one unit and the loop index as position
  probe.units = 1;
  std::vector<std::int64_t> index(level.loops.size(), 0);
  if (together) {
    for (std::int64_t q = 0; q < std::min(first_n, second_n); ++q) {
      index[static_cast<std::size_t>(level.cut(g.first).loop)] = q;
      const Box child = child_box(layer, probe, tile, index, 0);
      if (child[g.first].empty() || child[g.second].empty()) continue;
      c.children[{child[g.first].size(), child[g.second].size()}] += count;
      for (std::int64_t k = child[g.second].lo; k < child[g.second].hi; ++k) {
        ++diff[static_cast<std::size_t>(k * (outs + 1) + child[g.first].lo)];
        --diff[static_cast<std::size_t>(k * (outs + 1) + child[g.first].hi)];
      }
    }
  } else {
    for (std::int64_t q = 0; q < second_n; ++q) {
      index[static_cast<std::size_t>(level.cut(g.second).loop)] = q;
      for (std::int64_t j = 0; j < first_n; ++j) {
        index[static_cast<std::size_t>(level.cut(g.first).loop)] = j;
        const Box child = child_box(layer, probe, tile, index, 0);
        if (child[g.first].empty() || child[g.second].empty()) continue;
        c.children[{child[g.first].size(), child[g.second].size()}] += count;
        for (std::int64_t k = child[g.second].lo; k < child[g.second].hi; ++k) {
          ++diff[static_cast<std::size_t>(k * (outs + 1) + child[g.first].lo)];
          --diff[static_cast<std::size_t>(k * (outs + 1) + child[g.first].hi)];
        }
      }
    }
  }
  std::int64_t executed = 0, distinct = 0;
  for (std::int64_t k = 0; k < e.second; ++k) {
    std::int64_t times = 0;
    for (std::int64_t o = 0; o < outs; ++o) {
      times += diff[static_cast<std::size_t>(k * (outs + 1) + o)];
      executed += times;
      distinct += times > 0;
    }
  }
  c.executed += Wide(count) * executed;
  c.distinct += Wide(count) * distinct;
}

Coverage cover(const Layer& layer, const Level& level, const Group& g, const Histogram& tiles) {
  Coverage c;
  for (const auto& [e, count] : tiles) {
    c.total += Wide(count) * e.first * e.second;
    const Cut& a = level.cut(g.first);
    const Cut& b = level.cut(g.second);
    if (g.window() && a.kind == Cut::Kind::Skewed) {
      cover_skewed(layer, level, g, e, count, c);
      continue;
    }
    const Box tile = tile_of(g, e);
    Wide executed1 = 1, distinct1 = 1, executed2 = 1, distinct2 = 1;
    std::map<std::int64_t, std::int64_t> lengths1, lengths2{{1, 1}};
    std::int64_t n1 = positions(layer, level, tile, g.first);
    std::int64_t n2 = g.window() ? positions(layer, level, tile, g.second) : 1;
    if (g.window() && a.loop >= 0 && a.loop == b.loop) {  // both on the fold: the diagonal only
      const std::int64_t n = std::min(n1, n2);
      Wide executed = 0, overlap = 0;
      for (std::int64_t q = 0; q < n; ++q) {
        const Range r1 = plain_range(a, e.first, q), r2 = plain_range(b, e.second, q);
        executed += Wide(r1.size()) * r2.size();
        c.children[{r1.size(), r2.size()}] += count;
        if (q == 0) continue;
        const Range p1 = plain_range(a, e.first, q - 1), p2 = plain_range(b, e.second, q - 1);
        overlap += Wide(Range{r1.lo, p1.hi}.size()) * Range{r2.lo, p2.hi}.size();
      }
      c.executed += Wide(count) * executed;
      c.distinct += Wide(count) * (executed - overlap);
      continue;
    }
    cover_plain(a, e.first, n1, executed1, distinct1, lengths1);
    if (g.window()) {
      lengths2.clear();
      cover_plain(b, e.second, n2, executed2, distinct2, lengths2);
    }
    c.executed += Wide(count) * executed1 * executed2;
    c.distinct += Wide(count) * distinct1 * distinct2;
    for (const auto& [l1, k1] : lengths1)
      for (const auto& [l2, k2] : lengths2) c.children[{l1, l2}] += count * k1 * k2;
  }
  return c;
}

std::string describe(const Layer& layer, const Level& level, const Group& g, const Coverage& c) {
  const auto one = [&](Dim d) {
    const Cut& cut = level.cut(d);
    if (cut.kind == Cut::Kind::Whole) return std::string();
    std::string axis(name(d));
    if (cut.kind == Cut::Kind::Skewed) axis.pop_back();  // literal input rows
    return fmt::format("{}Map({},{}) {}", cut.spatial ? "Spatial" : "Temporal", cut.size,
                       cut.offset, axis);
  };
  std::string maps = one(g.first);
  if (g.window() && !one(g.second).empty()) maps += (maps.empty() ? "" : " with ") + one(g.second);
  std::string extent = fmt::format("{} {}", name(g.first), layer[g.first]);
  if (g.window()) extent += fmt::format(", {} {}", name(g.second), layer[g.second]);
  const char* what = c.distinct < c.total && c.executed > c.distinct ? "loses and repeats work"
                     : c.distinct < c.total                          ? "leaves work out"
                                                                     : "does work more than once";
  return fmt::format("{} {} (layer: {})", maps, what, extent);
}

}  // namespace

std::vector<LevelVerdict> check_levels(const Layer& of, const Nest& nest) {
  Layer layer = of;  // on its dense iteration space
  for (Dim d : {Dim::Y, Dim::X}) {
    Window& w = d == Dim::Y ? layer.rows : layer.cols;
    w.offset = 0;
    w.upsample = 1;
    w.extent = w.stride * (layer[d] - 1) + w.dilation * (layer[kernel_dim(d)] - 1) + 1;
  }
  std::vector<Group> groups;
  for (Dim d : kAllDims) {
    if (!layer.has(d)) continue;
    const bool window = layer.has_window();
    if (window && (d == Dim::R || d == Dim::S)) continue;
    const Dim kernel = d == Dim::Y ? Dim::R : Dim::S;
    groups.push_back(window && (d == Dim::Y || d == Dim::X) ? Group{d, kernel} : Group{d, d});
  }
  std::vector<Histogram> tiles;
  for (const Group& g : groups)
    tiles.push_back({{{layer[g.first], g.window() ? layer[g.second] : 1}, 1}});

  std::vector<LevelVerdict> verdicts;
  for (const Level& level : nest.levels) {
    LevelVerdict v;
    v.level = level.name;
    v.pos = level.pos;
    std::vector<Coverage> c;
    for (std::size_t i = 0; i < groups.size(); ++i)
      c.push_back(cover(layer, level, groups[i], tiles[i]));

    // Groups on one fold loop stand at the same position: only the diagonal is executed.
    int fold = -1;
    for (std::size_t l = 0; l < level.loops.size(); ++l)
      if (level.loops[l].dims.size() > 1) fold = static_cast<int>(l);
    std::vector<std::size_t> shared;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const bool on = fold >= 0 && (level.cut(groups[i].first).loop == fold ||
                                    level.cut(groups[i].second).loop == fold);
      if (on) shared.push_back(i);
    }
    Wide total = 1, distinct = 1, executed = 1;
    if (shared.size() > 1) {
      // Every combination of tiles; positions beyond the fewest are not executed.
      std::vector<Histogram::const_iterator> at;
      for (std::size_t i : shared) at.push_back(tiles[i].begin());
      Wide t = 0, x = 0, o = 0;
      for (bool more = true; more;) {
        Wide count = 1, all = 1;
        std::int64_t n = std::numeric_limits<std::int64_t>::max();
        for (std::size_t j = 0; j < shared.size(); ++j) {
          const Group& g = groups[shared[j]];
          const Extents& e = at[j]->first;
          count *= at[j]->second;
          all *= Wide(e.first) * e.second;
          const Box tile = tile_of(g, e);
          for (Dim d : {g.first, g.second})
            if (level.cut(d).loop == fold) n = std::min(n, positions(layer, level, tile, d));
        }
        t += count * all;
        for (std::int64_t q = 0; q < n; ++q) {
          Wide work = 1, overlap = q > 0 ? 1 : 0;
          for (std::size_t j = 0; j < shared.size(); ++j) {
            const Group& g = groups[shared[j]];
            const Extents& e = at[j]->first;
            std::vector<std::int64_t> index(level.loops.size(), 0);
            Level probe = level;
            probe.units = 1;
            const auto box = [&](std::int64_t pos) {
              index[static_cast<std::size_t>(fold)] = pos;
              return child_box(layer, probe, tile_of(g, e), index, 0);
            };
            const Box now = box(q);
            work *= Wide(now[g.first].size()) * (g.window() ? now[g.second].size() : 1);
            if (q > 0) {
              const Box before = box(q - 1);
              overlap *= Range{now[g.first].lo, before[g.first].hi}.size();
              if (g.window()) overlap *= Range{now[g.second].lo, before[g.second].hi}.size();
            }
          }
          x += count * work;
          o += count * overlap;
        }
        more = false;
        for (std::size_t j = 0; j < at.size() && !more; ++j) {
          if (++at[j] != tiles[shared[j]].end())
            more = true;
          else
            at[j] = tiles[shared[j]].begin();
        }
      }
      total *= t;
      executed *= x;
      distinct *= x - o;
    }
    std::string reasons;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const bool joint =
          shared.size() > 1 && std::find(shared.begin(), shared.end(), i) != shared.end();
      if (!joint) {
        total *= c[i].total;
        distinct *= c[i].distinct;
        executed *= c[i].executed;
        if (c[i].distinct != c[i].total || c[i].executed != c[i].distinct)
          reasons += (reasons.empty() ? "" : "; ") + describe(layer, level, groups[i], c[i]);
      }
      tiles[i] = c[i].children;
      if (tiles[i].empty()) tiles[i] = {{{1, 1}, 1}};
    }
    if (shared.size() > 1 && distinct != total && reasons.empty()) {
      std::string dims;
      for (Dim d : level.loops[static_cast<std::size_t>(fold)].dims)
        dims += (dims.empty() ? "" : ", ") + std::string(name(d));
      reasons = fmt::format(
          "the SpatialMaps of {} share one position, so only the diagonal of their combinations is "
          "executed; put one of them into a level of its own (Cluster)",
          dims);
    }
    v.missing_macs = saturate(total - distinct);
    v.doubled_macs = saturate(executed - distinct);
    v.legal = v.missing_macs == 0 && v.doubled_macs == 0;
    if (!v.legal) {
      v.reason = reasons;
      const auto offending = [&](const Loop& l) {
        return std::any_of(l.dims.begin(), l.dims.end(), [&](Dim d) {
          for (std::size_t i = 0; i < groups.size(); ++i)
            if ((groups[i].first == d || groups[i].second == d) &&
                (c[i].distinct != c[i].total || c[i].executed != c[i].distinct))
              return true;
          return false;
        });
      };
      for (const Loop& l : level.loops)
        if (offending(l) || (shared.size() > 1 && l.dims.size() > 1)) {
          v.pos = l.pos;
          break;
        }
    }
    verdicts.push_back(v);
  }
  return verdicts;
}

std::int64_t distinct_rows(std::int64_t stride, std::int64_t dilation, std::int64_t outs,
                           std::int64_t kernel) {
  if (outs <= 0 || kernel <= 0) return 0;
  const std::int64_t g = std::gcd(stride, dilation);
  const std::int64_t same_o = std::max<std::int64_t>(0, outs - dilation / g);
  const std::int64_t same_k = std::max<std::int64_t>(0, kernel - stride / g);
  return outs * kernel - same_o * same_k;
}

std::int64_t tile_words_bound(const Layer& layer, Tensor t,
                              const std::array<std::int64_t, kDims>& extent) {
  const auto e = [&](Dim d) { return extent[static_cast<std::size_t>(index(d))]; };
  Wide words = 1;
  for (Dim d : kAllDims) {
    const bool window =
        layer.has_window() && (d == Dim::Y || d == Dim::R || d == Dim::X || d == Dim::S);
    if (layer.couples(t, d) && !(window && t == Tensor::Input)) words *= e(d);
  }
  if (t == Tensor::Input && layer.has_window()) {
    const auto rows = [](const Window& w, std::int64_t outs, std::int64_t kernel) {
      std::int64_t n = distinct_rows(w.stride, w.dilation, outs, kernel);
      if (w.upsample > 1) n = (n + w.upsample - 1) / w.upsample;
      return std::min(n, w.extent);
    };
    words *= rows(layer.rows, e(Dim::Y), e(Dim::R));
    words *= rows(layer.cols, e(Dim::X), e(Dim::S));
  }
  return saturate(words);
}

}  // namespace counterpoint::workloads
