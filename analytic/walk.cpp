// SPDX-License-Identifier: Apache-2.0
#include "analytic/walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <stdexcept>

#include "analytic/banks.h"
#include "analytic/known_walks.h"
#include "analytic/numbers.h"
#include "analytic/rows.h"
#include "analytic/walk_state.h"

// After the numbers that it is to compute with.
#include "analytic/durations.h"

namespace counterpoint::analytic {
namespace {

using workloads::Cut;
using workloads::kAllDims;
using workloads::kAllTensors;

std::size_t at(Tensor t) {
  return static_cast<std::size_t>(index(t));
}
struct Fraction {
  std::int64_t words = 0, cycles = 0;
};

class Model {
 public:
  Model(const workloads::Mapping& mapping, Effort* effort)
      : m_(mapping),
        layer_(mapping.layer),
        levels_(mapping.nest.levels),
        dense_(mapping.layer.dense()),
        geometry_(mapping),
        banks_(mapping.machine),
        rows_(mapping),
        effort_(effort) {
    const std::size_t depths = levels_.size();
    access_base_ = 0;
    link_base_ = access_base_ + static_cast<int>(depths + 1) * 3 * kAccessNames;
    level_base_ = link_base_ + static_cast<int>(depths) * 3 * kLinkNames;
    stack_base_ = level_base_ + static_cast<int>(depths) * kLevelNames;
    macs_slot_ = stack_base_ + kStackNames;
    steps_slot_ = macs_slot_ + 1;
    counts_.assign(static_cast<std::size_t>(steps_slot_ + 1), 0);
    peak_.resize(depths);
    tile_words_.resize(depths + 1);
    sliding_.resize(depths + 1);
    lengths_ = tile_lengths();
    words_followed_ = irregular_partial_sums();
    const hw::Machine& machine = mapping.machine.machine;
    periods_ = std::max<std::int64_t>(4, machine.step_window.steps);
    pe_ = {machine.lanes, machine.step_minimum, machine.step_overhead};
    link_numbers_.resize(depths);
    link_traits_.resize(depths);
    for (std::size_t d = 0; d < depths; ++d) {
      link_numbers(mapping.machine, d, levels_[d].units, link_numbers_[d]);
      add_traits(link_numbers_[d], link_traits_[d]);
    }
    root_.depth = 0;
    grow(root_);
    for (Tensor t : kAllTensors)
      if (!root_.below.empty() && past(*root_.below[0], t))
        root_.below[0]->time[static_cast<std::size_t>(kChannel0 + index(t))].at =
            m_.machine.machine.startup;
    for (int channel = 0; channel < 3; ++channel)
      root_.time[static_cast<std::size_t>(kChannel0 + channel)].at = m_.machine.machine.startup;
    recalls_ = can_recall();
    for (auto& c : root_.below) {
      collect(*c, times_below_);
      collect_arrays(*c, arrays_of_pes_);
    }
    const hw::Storage& pe = mapping.machine.storage.back();
    reach_ = machine.step_window.latency + machine.pipeline_latency +
             std::max<std::int64_t>({0, pe.follows[0], pe.follows[1]});
  }

  Totals run() {
    walk(root_, layer_.whole());
    leave(root_, nullptr);
    const std::int64_t cycles = root_.time[kDrainArrived].at;
    finish_stack(root_, cycles);
    Totals all = totals(cycles);
    banks_.bound(m_.nest, all);
    return all;
  }

 private:
  // ---- description -----------------------------------------------------------------------

  // Every length that a dimension's range can have in the tile given to each level.
  std::vector<std::array<std::set<std::int64_t>, workloads::kDims>> tile_lengths() const {
    std::vector<std::array<std::set<std::int64_t>, workloads::kDims>> all(levels_.size() + 1);
    for (Dim d : kAllDims)
      all[0][static_cast<std::size_t>(index(d))] = {layer_.has(d) ? layer_[d] : 1};
    for (std::size_t i = 0; i < levels_.size(); ++i)
      for (Dim d : kAllDims) {
        const std::size_t x = static_cast<std::size_t>(index(d));
        const Cut& cut = levels_[i].cut(d);
        for (std::int64_t length : all[i][x]) {
          if (cut.kind == Cut::Kind::Skewed) {  // as many as fit, or fewer at either end
            const std::int64_t most = (cut.size - 1) / layer_.window(d).stride + 1;
            for (std::int64_t n = 1; n <= std::min(length, most); ++n) all[i + 1][x].insert(n);
            continue;
          }
          if (cut.kind == Cut::Kind::Whole || length <= cut.size) {
            all[i + 1][x].insert(length);
            continue;
          }
          all[i + 1][x].insert(cut.size);
          const std::int64_t n = ceil_div(length - cut.size, cut.offset) + 1;
          all[i + 1][x].insert(std::min(cut.size, length - (n - 1) * cut.offset));
        }
      }
    return all;
  }

  // Children of a level in classes that always do the same: between the numbers at which the
  // last fold of some tile ends, and its clipped child.
  std::vector<Range> classes(std::size_t depth) const {
    const Level& level = levels_[depth];
    const std::int64_t n = level.units;
    bool single = false;
    std::set<std::int64_t> cuts{0, n};
    // Partial sums that all children share are read back by the first of them.
    if (m_.machine.network[depth].psum == hw::PsumPolicy::Refetch)
      cuts.insert(std::min<std::int64_t>(1, n));
    for (Dim d : kAllDims) {
      if (!varies(level, d)) continue;
      const Cut& cut = level.cut(d);
      if (cut.kind == Cut::Kind::Skewed || (!dense_ && is_window_dim(d))) single = true;
      if (is_window_dim(d) && layer_.has_window()) {
        const Dim k = d == Dim::Y || d == Dim::R ? Dim::Y : Dim::X;
        if (level.cut(k).kind == Cut::Kind::Skewed) single = true;
      }
      for (std::int64_t length : lengths_[depth][static_cast<std::size_t>(index(d))]) {
        const std::int64_t m = length <= cut.size ? 1 : ceil_div(length - cut.size, cut.offset) + 1;
        const std::int64_t last = (m - 1) % n;
        for (std::int64_t c : {last, last + 1}) cuts.insert(std::min(c, n));
      }
    }
    if (level.loops.empty() || n == 1) return {{0, n}};
    std::vector<Range> out;
    if (single || static_cast<int>(depth) < words_followed_) {
      for (std::int64_t p = 0; p < n; ++p) out.push_back({p, p + 1});
      return out;
    }
    for (auto it = cuts.begin(); std::next(it) != cuts.end(); ++it)
      out.push_back({*it, *std::next(it)});
    return out;
  }

  void grow(Node& node) {
    const std::size_t depth = static_cast<std::size_t>(node.depth);
    const Level& level = levels_[depth];
    node.at.assign(level.loops.size(), 0);
    node.last_at = node.at;
    node.step_work_index = static_cast<std::int64_t>(counts_.size());
    counts_.push_back(0);
    if (network(node).psum == hw::PsumPolicy::Refetch) {
      const std::int64_t keep = link(node).drain_latency() + 4;
      node.drain_history.resize(static_cast<std::size_t>(std::min<std::int64_t>(keep, 256)));
    }
    if (pes(node)) {
      // The first steps wait for none.
      const hw::StepWindow& window = m_.machine.machine.step_window;
      node.work_history.assign(static_cast<std::size_t>(window.steps), Time{-window.latency, 0});
      return;
    }
    for (const Range& c : classes(depth)) {
      auto child = std::make_unique<Node>();
      child->depth = node.depth + 1;
      child->above = &node;
      child->child_index = c.lo;
      child->multiplicity = node.multiplicity * c.size();
      grow(*child);
      node.below.push_back(std::move(child));
    }
  }

  static std::size_t depth_of(const Node& n) { return static_cast<std::size_t>(n.depth); }
  bool pes(const Node& n) const { return static_cast<std::size_t>(n.depth) + 1 == levels_.size(); }
  const hw::Network& network(const Node& n) const {
    return m_.machine.network[static_cast<std::size_t>(n.depth)];
  }
  const hw::Storage& child_storage(const Node& n) const {
    return m_.machine.storage[static_cast<std::size_t>(n.depth) + 1];
  }
  Link link(const Node& n) const {
    return Link(link_numbers_[depth_of(n)], link_traits_[depth_of(n)]);
  }
  // Whether the unit does not hold the tensor, which passes it by.
  bool past(const Node& n, Tensor t) const { return hw::passes_by(m_.machine, depth_of(n), at(t)); }
  // Tensors of one channel have the number of the first of them.
  int channel_of(const Node& n, Tensor t) const {
    if (network(n).channels == hw::Channels::Separate || past(n, t)) return index(t);
    for (Tensor first : kAllTensors)
      if (!past(n, first)) return index(first);
    return index(t);
  }
  int width(Tensor t) const {
    const hw::WordBits& b = m_.machine.machine.bits;
    return t == Tensor::Input ? b.input : t == Tensor::Weight ? b.weight : b.psum;
  }
  std::int64_t& access(int depth, Tensor t, AccessName n) {
    return counts_[static_cast<std::size_t>(access_base_ + (depth * 3 + index(t)) * kAccessNames +
                                            n)];
  }
  std::int64_t& link(int depth, Tensor t, LinkName n) {
    return counts_[static_cast<std::size_t>(link_base_ + (depth * 3 + index(t)) * kLinkNames + n)];
  }
  std::int64_t& level_count(int depth, LevelName n) {
    return counts_[static_cast<std::size_t>(level_base_ + depth * kLevelNames + n)];
  }
  std::int64_t& stack(StackName n) { return counts_[static_cast<std::size_t>(stack_base_ + n)]; }
  std::int64_t& work_of(const Node& n) {
    return counts_[static_cast<std::size_t>(n.step_work_index)];
  }

  void set(Time& t, std::int64_t value) {
    t.at = value;
    t.stamp = ++clock_;
  }

  // ---- tiles of a step -------------------------------------------------------------------

  // Range of a dimension in the child at position q.
  bool first_step(Node& node, const Box& tile, std::vector<std::int64_t>& index, StepTiles& out) {
    const Level& level = levels_[static_cast<std::size_t>(node.depth)];
    const Box saved = node.tile;
    node.tile = tile;
    index.assign(level.loops.size(), 0);
    bool found = geometry_.tiles_at(depth_of(node), node.tile, index.data(), out);
    while (!found) {
      std::size_t l = index.size();
      while (l-- > 0) {
        if (++index[l] < workloads::trips(layer_, level, tile, static_cast<int>(l))) break;
        index[l] = 0;
      }
      if (l == static_cast<std::size_t>(-1)) break;
      found = geometry_.tiles_at(depth_of(node), node.tile, index.data(), out);
    }
    node.tile = saved;
    return found;
  }

  // ---- partial sums, word by word --------------------------------------------------------

  // The deepest level with read-backs, if the words of one output tile can differ there in having
  // a value in the parent, or the children in who takes it (then visit() would be wrong); else -1.
  int irregular_partial_sums() const {
    int deepest = -1;
    for (std::size_t d = 0; d < levels_.size(); ++d)
      if (m_.machine.network[d].psum == hw::PsumPolicy::Refetch) deepest = static_cast<int>(d);
    bool irregular = false;
    if (!dense_) {  // outputs without work make residences fewer than loop trips
      std::int64_t all = 1;
      for (const Axis& a : geometry_.axes(Tensor::Output)) all *= layer_[a.dim];
      irregular = output_words(layer_) != all;
    }
    // What the global buffer keeps was written in tiles before.
    irregular = irregular || m_.machine.network[0].psum == hw::PsumPolicy::Keep;
    for (int depth = 0; depth <= deepest; ++depth) {
      const Level& level = levels_[static_cast<std::size_t>(depth)];
      for (Dim d : kAllDims) {
        const Cut& cut = level.cut(d);
        if (cut.kind == Cut::Kind::Whole) continue;
        const bool kernel = layer_.has_window() && (d == Dim::R || d == Dim::S);
        irregular = irregular || cut.kind == Cut::Kind::Skewed || (kernel && !dense_) ||
                    (cut.spatial && level.units > 1 && layer_.is_reduction(d));
      }
    }
    return irregular ? deepest : -1;
  }
  bool follows_words(const Node& node) const { return node.depth <= words_followed_; }

  const Progression& axis_of(const StepTiles& s, const Node& node, std::size_t p,
                             std::size_t a) const {
    const int axis = geometry_.spatial_axis(depth_of(node), Tensor::Output);
    const TensorTiles& t = s.tensor[at(Tensor::Output)];
    return static_cast<int>(a) == axis ? t.spatial[p] : t.common[a];
  }

  // Outputs of child p in `of` that it does not have in `without`, as numbers.
  void words_of(const Node& node, const StepTiles& of, const StepTiles& without, std::size_t p,
                std::vector<std::int64_t>& out) const {
    out.clear();
    if (!of.valid || of.active[p] == 0) return;
    const bool both = without.valid && without.active[p] != 0;
    // Prefixes of coordinates: number, and whether `without` has all of them.
    std::vector<std::pair<std::int64_t, bool>> now{{0, both}}, next;
    const auto& axes = geometry_.axes(Tensor::Output);
    for (std::size_t a = 0; a < axes.size(); ++a) {
      const Progression& x = axis_of(of, node, p, a);
      next.clear();
      for (const auto& [number, kept] : now)
        for (std::int64_t i = 0; i < x.count(); ++i) {
          const std::int64_t v = x.at(i);
          next.emplace_back(number * layer_[axes[a].dim] + v,
                            kept && axis_of(without, node, p, a).contains(v));
        }
      std::swap(now, next);
    }
    for (const auto& [number, kept] : now)
      if (!kept) out.push_back(number);
  }

  // Cycles for the words of one transfer to pass the write port of the child that gets most.
  std::int64_t busiest_child(const Node& node, const std::array<Moved, 3>& in, int channel) const {
    const hw::Storage& child = child_storage(node);
    if (child.write_port.unlimited()) return 0;
    std::int64_t cycles = 0;
    const std::size_t n =
        static_cast<std::size_t>(levels_[static_cast<std::size_t>(node.depth)].units);
    for (std::size_t p = 0; p < n; ++p) {
      Load received{0, 0};
      for (Tensor t : kAllTensors) {
        const Moved& m = in[at(t)];
        if (channel_of(node, t) != channel || !m.changed || p >= m.each.size()) continue;
        if (t == Tensor::Output && !refetch(node)) continue;
        received.words += m.each[p];
        received.bits += m.each[p] * width(t);
      }
      cycles = std::max(cycles, link(node).receive_cycles(received));
    }
    return cycles;
  }

  std::int64_t busiest_subtree(Node& node, const std::array<Moved, 3>& in, int channel) {
    const hw::Network& net = network(node);
    if (net.subtrees.pes == 0) return 0;
    std::array<std::vector<std::int64_t>, 2> words;
    std::size_t n = 0;
    for (Tensor t : {Tensor::Input, Tensor::Weight}) {
      if (channel_of(node, t) != channel || !in[at(t)].changed) continue;
      geometry_.over_subtrees(depth_of(node), t, node.held, !net.reuse[at(t)], node.tile,
                              node.at.data(), net.subtrees.pes, words[at(t)]);
      n = words[at(t)].size();
    }
    std::int64_t cycles = 0;
    for (std::size_t i = 0; i < n; ++i) {
      Load sent{0, 0};
      for (Tensor t : {Tensor::Input, Tensor::Weight}) {
        if (words[at(t)].empty()) continue;
        sent.words += words[at(t)][i];
        sent.bits += words[at(t)][i] * width(t);
      }
      cycles = std::max(cycles, link(node).subtree_cycles(sent));
    }
    return cycles;
  }

  struct Taken {
    std::int64_t words = 0, written = 0;
    std::vector<std::int64_t> each;  ///< words of every child
  };
  // The children take the partial sums of new words, the lowest number first.
  Taken take(Node& node, const StepTiles& held, const StepTiles& next) {
    Taken t;
    t.each.resize(next.active.size());
    for (std::size_t p = 0; p < next.active.size(); ++p) {
      words_of(node, next, held, p, scratch_);
      std::int64_t here = 0;
      for (std::int64_t w : scratch_) {
        const auto value = node.values.find(w);
        if (value == node.values.end()) continue;
        t.written = std::max(t.written, value->second);
        node.values.erase(value);
        ++here;
        if (node.depth < words_followed_) node.below[p]->values[w] = 0;
      }
      t.words += here;
      t.each[p] = here;
    }
    return t;
  }
  // The children's words that leave are values of the unit from now on.
  void give(Node& node, const StepTiles& next, std::int64_t arrived) {
    for (std::size_t p = 0; p < node.held.active.size(); ++p) {
      words_of(node, node.held, next, p, scratch_);
      for (std::int64_t w : scratch_) {
        if (node.depth < words_followed_) node.below[p]->values.erase(w);
        if (refetch(node)) node.values[w] = arrived;
      }
    }
  }

  // ---- what moves ------------------------------------------------------------------------

  // ---- leaving: drains ---------------------------------------------------------------------

  // The unit's next tile (nullptr: it becomes idle, or the layer ends). Everything below first.
  void leave(Node& node, const Box* tile) {
    if (!node.held.valid) return;
    StepTiles& next = node.next;
    std::vector<std::int64_t> index;
    bool more = false;
    if (tile != nullptr) more = first_step(node, *tile, index, next);
    if (!more) {
      for (auto& c : node.below) leave(*c, nullptr);
      drain(node, nullptr);
      node.held.valid = false;
      return;
    }
    leave_below(node, *tile, index);
    drain(node, &next);
  }

  void leave_below(Node& node, const Box& tile, const std::vector<std::int64_t>& index) {
    const Level& level = levels_[static_cast<std::size_t>(node.depth)];
    for (auto& c : node.below) {
      if (!c->held.valid) continue;
      const Box box = geometry_.child_box(level, tile, index.data(), c->child_index);
      leave(*c, box.empty() ? nullptr : &box);
    }
  }

  // The drain at the end of an output residence, if it ends: `next` is the coming step.
  void drain(Node& node, const StepTiles* next) {
    static const StepTiles nothing;
    Moved out;
    if (next != nullptr) {
      out = geometry_.moved(depth_of(node), Tensor::Output, *next, node.held, false);
      if (!out.changed) {
        node.outputs_moved = false;
        return;
      }
    } else {
      out = geometry_.moved(depth_of(node), Tensor::Output, nothing, node.held, false);
    }
    node.outputs_moved = true;
    const bool unfinished = keeps(node) && !reductions_at(node, node.last_at, true);
    if (unfinished) out.total = out.distinct = out.largest = 0;
    const bool reduces = network(node).reduction != hw::Reduction::None;
    const std::int64_t words = reduces ? out.distinct : out.total;
    const std::int64_t bits = hw::drain_bits(m_.machine, depth_of(node));
    std::int64_t start = node.time[kDrainChannel].at;
    if (pes(node)) {
      start = std::max(start, node.time[kWorkEnd].at + m_.machine.machine.pipeline_latency);
    } else {
      for (const auto& c : node.below) start = std::max(start, c->time[kDrainArrived].at);
      if (refetch(node)) start = std::max(start, node.time[kArrived2].at);
    }
    if (words > 0 && node.above != nullptr) start = std::max(start, node.above->time[kSlotOut].at);
    std::int64_t inject = 0;
    if (words > 0) {
      const Load sent{words, words * bits};
      inject = std::max(node.depth == 0 && rows_.writes()
                            ? link(node).drain_rows_cycles(
                                  rows_.write(node.held, next != nullptr ? *next : nothing), sent)
                            : link(node).drain_cycles(sent),
                        link(node).send_cycles({out.largest, out.largest * bits}));
      if (const hw::DrainLines& lines = network(node).drain_lines; lines.children > 0) {
        const std::int64_t most = busiest_line(lines, out.each);
        inject = std::max(inject, link(node).line_cycles({most, most * bits}));
      }
    }
    earliest_ = std::min(earliest_, start);
    const std::int64_t injected = start + inject;
    const std::int64_t arrived = words > 0 ? injected + link(node).drain_latency() : start;
    set(node.time[kDrainChannel], injected);
    set(node.time[kDrainArrived], std::max(arrived, node.time[kDrainArrived].at));
    set(node.time[kOlder2], node.time[kNewer2].at);
    set(node.time[kNewer2], injected);
    if (!node.drain_history.empty()) {
      for (std::size_t i = node.drain_history.size(); i-- > 1;)
        node.drain_history[i] = node.drain_history[i - 1];
      set(node.drain_history[0], arrived);
    }
    if (follows_words(node) && !unfinished) give(node, next != nullptr ? *next : nothing, arrived);
    const std::int64_t k = node.multiplicity;
    access(node.depth + 1, Tensor::Output, kDrainRead) += k * out.total;
    access(node.depth, Tensor::Output, kArrivals) += k * words;
    link(node.depth, Tensor::Output, kDrainInjected) += k * words;
    link(node.depth, Tensor::Output, kDrainSenders) += k * out.total;
    level_count(node.depth, kDrainBusy) += k * inject;
    if (banks_.any() && node.depth < 2 && words > 0)
      level_count(1, banks_.busy(2)) +=
          k * banks_.drain_cycles(depth_of(node), words, words * bits);
  }

  bool keeps(const Node& n) const { return network(n).psum == hw::PsumPolicy::Keep; }
  bool reductions_at(const Node& n, const std::vector<std::int64_t>& index, bool last) const {
    return workloads::reductions_at(layer_, levels_[depth_of(n)], n.tile, index, last);
  }
  bool refetch(const Node& n) const { return network(n).psum == hw::PsumPolicy::Refetch; }

  // ---- entering: transfers and work --------------------------------------------------------

  // Whether the words of an output tile that begins now were in the children before, since the
  // unit holds them; and how many residences ago they last left.
  struct Visit {
    bool again = false;
    std::int64_t age = -1;  ///< -1: no drain to wait for
  };
  Visit visit(const Node& node) const {
    Visit v;
    const Level& level = levels_[static_cast<std::size_t>(node.depth)];
    const auto reduces = [&](const Loop& l) {
      return std::all_of(l.dims.begin(), l.dims.end(),
                         [&](Dim d) { return layer_.is_reduction(d); });
    };
    // Residences per iteration of each loop: products of trips down to the innermost loop that
    // moves outputs.
    std::vector<std::int64_t> per(level.loops.size(), 1), trip(level.loops.size(), 1);
    int innermost = -1;
    for (std::size_t l = 0; l < level.loops.size(); ++l) {
      trip[l] = workloads::trips(layer_, level, node.tile, static_cast<int>(l));
      if (!reduces(level.loops[l]) && trip[l] > 1) innermost = static_cast<int>(l);
    }
    for (int l = innermost - 1; l >= 0; --l)
      per[static_cast<std::size_t>(l)] =
          per[static_cast<std::size_t>(l) + 1] * trip[static_cast<std::size_t>(l) + 1];
    int revisited = -1;
    for (std::size_t l = 0; l < level.loops.size(); ++l)
      if (reduces(level.loops[l]) && node.at[l] > 0) revisited = static_cast<int>(l);
    if (revisited < 0 && !node.unit_value) return v;
    v.again = true;
    std::int64_t age = revisited >= 0 ? per[static_cast<std::size_t>(revisited)] : 1;
    if (revisited < 0) {
      if (!node.value_drained) return v;  // came from the unit's own parent
      for (std::size_t l = 0; static_cast<int>(l) <= innermost; ++l) age *= trip[l];
    }
    for (int l = revisited + 1; l < innermost; ++l)
      if (reduces(level.loops[static_cast<std::size_t>(l)]))
        age -= (trip[static_cast<std::size_t>(l)] - 1) * per[static_cast<std::size_t>(l)];
    v.age = std::max<std::int64_t>(age, 1);
    return v;
  }
  using Loop = workloads::Loop;
  struct Transfer {
    bool exists = false;
    std::int64_t parent = 0, channel = 0, slot = 0, start = 0, injected = 0, arrival = 0;
  };

  // The step `next` of the node begins: its transfers, then its work or the arrays below.
  void enter(Node& node, StepTiles& next) {
    if (effort_ != nullptr) ++effort_->transitions;
    const std::int64_t k = node.multiplicity;
    const hw::Network& net = network(node);
    std::array<Moved, 3> in;
    std::array<std::int64_t, 3> words{};
    Visit again;
    Taken taken;
    for (Tensor t : kAllTensors) {
      const std::size_t i = at(t);
      if (!child_storage(node).holds[i]) continue;  // it comes to their children
      in[i] =
          geometry_.moved(depth_of(node), t, node.held, next, net.multicast == hw::Multicast::Tile,
                          t != Tensor::Output && !net.reuse[i]);
      if (t == Tensor::Output && node.held.valid) in[i].changed = node.outputs_moved;
      std::int64_t& tile = tile_words_[static_cast<std::size_t>(node.depth) + 1][i];
      tile = std::max(tile, in[i].tile);
      if (!in[i].changed) continue;
      std::int64_t& sliding = sliding_[static_cast<std::size_t>(node.depth) + 1][i];
      sliding = std::max(sliding, in[i].sliding);
      if (t == Tensor::Output) {
        // What the child kept did not go away.
        if (!keeps(node) || reductions_at(node, node.at, false))
          access(node.depth + 1, t, kEntries) += k * in[i].total;
        if (follows_words(node)) {
          if (refetch(node)) taken = take(node, node.held, next);
          words[i] = taken.words;
          in[i].each = taken.each;
        } else {
          if (refetch(node)) again = visit(node);
          if (again.again) {
            words[i] = in[i].distinct;
          } else {
            in[i].each.clear();
          }
        }
        if (words[i] > 0) {
          access(node.depth, t, kReadbackRead) += k * words[i];
          access(node.depth + 1, t, kReadbackWrite) += k * words[i];
          link(node.depth, t, kInjected) += k * words[i];
          link(node.depth, t, kDelivered) += k * words[i];
        }
        access(node.depth + 1, t, kFresh) += k * (in[i].total - words[i]);
        continue;
      }
      switch (net.multicast) {
        case hw::Multicast::None: words[i] = in[i].total; break;
        case hw::Multicast::Tile: words[i] = in[i].copies; break;
        case hw::Multicast::Word: words[i] = in[i].distinct; break;
      }
      if (past(node, t)) {
        link(node.depth - 1, t, kInjected) += k * words[i];
        link(node.depth - 1, t, kDelivered) += k * words[i];
      }
      access(past(node, t) ? node.depth - 1 : node.depth, t, kFillRead) += k * words[i];
      access(node.depth + 1, t, kFillWrite) += k * in[i].total;
      link(node.depth, t, kInjected) += k * words[i];
      link(node.depth, t, kDelivered) += k * in[i].total;
    }

    // Slots: what the residence before the one that ends now has released.
    std::array<std::int64_t, 3> slot{};
    for (Tensor t : kAllTensors) {
      const std::size_t i = at(t);
      if (!in[i].changed) continue;
      if (t != Tensor::Output) {
        std::int64_t released = node.time[kArrived0 + index(t)].at;
        if (pes(node) && node.worked) {
          const std::int64_t after = child_storage(node).follows[i];
          released = after == hw::Storage::kAfter ? node.time[kWorkEnd].at
                                                  : node.time[kWorkStart].at + after;
        }
        for (const auto& c : node.below)
          released = std::max(released, c->time[kRead0 + index(t)].at);
        set(node.time[kOlder0 + index(t)], node.time[kNewer0 + index(t)].at);
        set(node.time[kNewer0 + index(t)], released);
      }
      slot[i] = node.time[(hw::slots(child_storage(node).buffering, i) == 1 ? kNewer0 : kOlder0) +
                          index(t)]
                    .at;
    }
    if (in[2].changed) set(node.time[kSlotOut], slot[2]);

    // Transfers.
    std::array<Transfer, 3> transfer;
    for (int channel = 0; channel < 3; ++channel) {
      Transfer& x = transfer[static_cast<std::size_t>(channel)];
      Load sent{0, 0};
      for (Tensor t : kAllTensors) {
        const std::size_t i = at(t);
        if (channel_of(node, t) != channel || !in[i].changed) continue;
        if (t == Tensor::Output && !refetch(node)) continue;
        x.exists = true;
        sent.words += words[i];
        sent.bits += words[i] * width(t);
        x.slot = std::max(x.slot, slot[i]);
        if (t == Tensor::Output) x.slot = std::max(x.slot, taken.written);
        if (t == Tensor::Output && words[i] > 0 && again.age > 0 &&
            again.age <= static_cast<std::int64_t>(node.drain_history.size()))
          x.slot = std::max(x.slot, node.drain_history[static_cast<std::size_t>(again.age - 1)].at);
        if (words[i] > 0 && node.above != nullptr && !past(node, t) &&
            (t != Tensor::Output || refetch(*node.above)))
          x.parent = std::max(x.parent, node.above->time[kArrived0 + index(t)].at);
      }
      if (!x.exists) continue;
      if (child_storage(node).slots_together) x.slot = std::max(x.slot, node.time[kSlotOut].at);
      Time& line = node.time[kChannel0 + channel];
      x.channel = line.at;
      x.start = std::max({x.parent, x.channel, x.slot});
      earliest_ = std::min(earliest_, x.start);
      std::int64_t inject = 0;
      const bool passing = past(node, kAllTensors[static_cast<std::size_t>(channel)]);
      if (sent.words > 0)
        inject = std::max(
            node.depth == 0 && rows_.any()
                ? link(node).rows_cycles(read_rows(in, channel, next),
                                         {words[2], words[2] * width(Tensor::Output)}, sent)
            : passing
                ? std::max(link(node).passing_cycles(sent), link(*node.above).fill_cycles(sent))
                : link(node).fill_cycles(sent),
            std::max(busiest_child(node, in, channel), busiest_subtree(node, in, channel)));
      x.injected = x.start + inject;
      x.arrival =
          x.injected + link(node).fill_latency() + (passing ? link(*node.above).fill_latency() : 0);
      if (sent.words == 0) {  // at once, but what the children keep may still be on its way to them
        x.arrival = x.start;
        for (Tensor t : kAllTensors)
          if (channel_of(node, t) == channel)
            x.arrival = std::max(x.arrival, node.time[kArrived0 + index(t)].at);
      }
      set(line, x.injected);
      for (Tensor t : kAllTensors) {
        const std::size_t i = at(t);
        if (channel_of(node, t) != channel || !in[i].changed) continue;
        if (t == Tensor::Output && !refetch(node)) continue;
        set(node.time[kArrived0 + index(t)], x.arrival);
        if (words[i] > 0) set(node.time[kRead0 + index(t)], x.injected);
      }
      level_count(node.depth, kFillBusy) += k * inject;
      if (banks_.any() && node.depth < 2 && sent.words > 0 && !passing)
        level_count(1, banks_.busy(static_cast<std::size_t>(channel))) +=
            k * banks_.fill_cycles(depth_of(node), sent.words, sent.bits);
    }

    const std::int64_t sent = words[0] + words[1] + words[2];
    level_count(node.depth, kSumWords) += k * sent;
    if (node.has_previous) {
      Fraction& f = peak_[static_cast<std::size_t>(node.depth)];
      __extension__ typedef __int128 Wide;
      if (f.cycles == 0 || Wide(sent) * f.cycles > Wide(f.words) * node.previous_work)
        f = {sent, node.previous_work};
    }
    node.has_previous = true;
    node.last_at = node.at;
    std::swap(node.held, next);  // `next` is the step before now

    if (pes(node)) {
      work(node, transfer, in[2].changed ? slot[2] : 0);
      return;
    }
    const Level& level = levels_[static_cast<std::size_t>(node.depth)];
    std::int64_t longest = 0;
    for (auto& c : node.below) {
      const Box box = geometry_.child_box(level, node.tile, node.at.data(), c->child_index);
      if (box.empty()) continue;
      // The child's partial sums: read back with the tile, or kept from the step before.
      const bool kept = same_output(node, next, node.held, c->child_index);
      c->unit_value = kept || (again.again && takes_value(node, c->child_index));
      c->value_drained = kept;
      const std::int64_t before = work_of(*c);
      if (node.depth == 0 && recalls_)
        recall(*c, box);
      else
        walk(*c, box);
      longest = std::max(longest, (work_of(*c) - before));
    }
    node.previous_work = longest;
    work_of(node) += longest;
    level_count(node.depth, kSumWork) += k * longest;
  }

  // What the rows of a channel's words take.
  std::int64_t read_rows(const std::array<Moved, 3>& in, int channel, const StepTiles& next) {
    std::int64_t cycles = 0;
    for (Tensor t : {Tensor::Input, Tensor::Weight})
      if (channel_of(root_, t) == channel && in[at(t)].changed)
        cycles += rows_.read(t, root_.held, next, !network(root_).reuse[at(t)]);
    return cycles;
  }

  // Of the children that hold the same outputs, the first takes the partial sums.
  bool takes_value(const Node& node, std::int64_t p) const {
    const int axis = geometry_.spatial_axis(depth_of(node), Tensor::Output);
    const auto& sets = node.held.tensor[2].spatial;
    for (std::size_t q = 0; q < static_cast<std::size_t>(p); ++q)
      if (node.held.active[q] && (axis < 0 || sets[q] == sets[static_cast<std::size_t>(p)]))
        return false;
    return true;
  }

  // Whether child p holds the same outputs in both steps.
  bool same_output(const Node& node, const StepTiles& a, const StepTiles& b, std::int64_t p) const {
    const std::size_t child = static_cast<std::size_t>(p);
    if (!a.valid || !a.active[child] || !b.active[child]) return false;
    const TensorTiles& x = a.tensor[2];
    const TensorTiles& y = b.tensor[2];
    const int axis = geometry_.spatial_axis(depth_of(node), Tensor::Output);
    for (std::size_t i = 0; i < geometry_.axes(Tensor::Output).size(); ++i)
      if (static_cast<int>(i) != axis && !(x.common[i] == y.common[i])) return false;
    return axis < 0 || x.spatial[child] == y.spatial[child];
  }

  void work(Node& node, const std::array<Transfer, 3>& transfer, std::int64_t slot) {
    const std::int64_t k = node.multiplicity;
    const Transfer* last = nullptr;
    for (const Transfer& x : transfer)
      if (x.exists && (last == nullptr || x.arrival > last->arrival)) last = &x;
    const std::int64_t ended = node.time[kWorkEnd].at;
    std::int64_t start = std::max(ended, slot);
    if (last != nullptr) start = std::max(start, last->arrival);
    const hw::StepWindow& window = m_.machine.machine.step_window;
    if (window.steps > 0) start = std::max(start, node.work_history.back().at + window.latency);
    const std::int64_t cycles = work_cycles(node.held.macs_largest, pe_);
    earliest_ = std::min(earliest_, start);
    const bool begins_old = ended < origin_ - reach_;
    if (!node.worked || (begins_old && (last == nullptr || last->parent < origin_)))
      earliest_ = kLongAgo;
    if (!node.worked) {
      stack(kStartup) += k * start;
    } else {
      std::int64_t now = ended;
      const auto until = [&](std::int64_t end, StackName into) {
        const std::int64_t stop = std::min(std::max(end, now), start);
        stack(into) += k * (stop - now);
        now = stop;
      };
      if (last != nullptr) {
        until(last->parent, kLevelAbove);
        until(last->channel, kBandwidth);
        until(last->slot, kDrainWait);
        until(last->injected, kBandwidth);
        until(last->arrival, kLatency);
      }
      if (window.steps > 0) until(node.work_history.back().at + window.latency, kLatency);
      until(start, kDrainWait);
    }
    node.worked = true;
    stack(kCompute) += k * cycles;
    set(node.time[kWorkStart], start);
    set(node.time[kWorkEnd], start + cycles);
    for (std::size_t i = node.work_history.size(); i-- > 1;)
      set(node.work_history[i], node.work_history[i - 1].at);
    if (!node.work_history.empty()) set(node.work_history[0], start + cycles);
    counts_[static_cast<std::size_t>(macs_slot_)] += k * node.held.macs_total;
    counts_[static_cast<std::size_t>(steps_slot_)] += k;
    work_of(node) += cycles;
    level_count(node.depth, kSumWork) += k * cycles;
    node.previous_work = cycles;
  }

  // ---- the walk ----------------------------------------------------------------------------

  // All steps of the node in a new tile; what leaves before its first step has left already.
  void walk(Node& node, const Box& tile) {
    node.tile = tile;
    std::fill(node.at.begin(), node.at.end(), 0);
    node.fresh_run = true;
    iterate(node, 0);
  }

  // ---- walks that were made before -----------------------------------------------------------

  // Whether a walk through an off-chip tile can be told from the state that it begins in: where the
  // tile lies must not matter, nor what happened long ago.
  bool can_recall() const {
    if (!dense_ || words_followed_ >= 0) return false;
    for (const Level& level : levels_)
      for (const Cut& cut : level.cuts)
        if (cut.kind == Cut::Kind::Skewed) return false;
    for (std::size_t d = 0; d < levels_.size(); ++d) {
      if (m_.machine.network[d].psum == hw::PsumPolicy::Refetch) return false;
      for (std::size_t t = 0; t < 2; ++t)
        if (hw::passes_by(m_.machine, d, t)) return false;
    }
    return true;
  }

  // What a node below the root is, besides its times. Tiles are told from where `tile` begins.
  void save(const Node& node, const Box& tile, std::vector<std::int64_t>& out) const {
    out.push_back(node.held.valid + 2 * node.unit_value + 4 * node.value_drained + 8 * node.worked +
                  16 * node.outputs_moved + 32 * node.has_previous);
    out.push_back(node.previous_work);
    for (Dim d : kAllDims) {
      out.push_back(node.held.valid ? node.tile[d].lo - tile[d].lo : 0);
      out.push_back(node.held.valid ? node.tile[d].size() : 0);
    }
    out.insert(out.end(), node.last_at.begin(), node.last_at.end());
    for (const auto& c : node.below) save(*c, tile, out);
  }
  void restore(Node& node, const Box& tile, const std::int64_t*& from) {
    const std::int64_t flags = *from++;
    node.held.valid = (flags & 1) != 0;
    node.unit_value = (flags & 2) != 0;
    node.value_drained = (flags & 4) != 0;
    node.worked = (flags & 8) != 0;
    node.outputs_moved = (flags & 16) != 0;
    node.has_previous = (flags & 32) != 0;
    node.fresh_run = false;
    node.previous_work = *from++;
    for (Dim d : kAllDims) {
      const std::int64_t lo = tile[d].lo + *from++, size = *from++;
      if (node.held.valid) node.tile[d] = {lo, lo + size};
    }
    for (std::int64_t& i : node.last_at) i = *from++;
    if (node.held.valid)
      geometry_.tiles_at(depth_of(node), node.tile, node.last_at.data(), node.held);
    for (auto& c : node.below) restore(*c, tile, from);
  }
  void collect_arrays(const Node& node, std::vector<const Node*>& out) const {
    if (pes(node)) out.push_back(&node);
    for (const auto& c : node.below) collect_arrays(*c, out);
  }

  // Before which no transfer to the children starts, in a tile of the root's child.
  std::int64_t first_start(const Node& node) const {
    std::int64_t first = std::numeric_limits<std::int64_t>::max();
    for (Tensor t : {Tensor::Input, Tensor::Weight}) {
      std::int64_t there = std::numeric_limits<std::int64_t>::max();
      for (Tensor x : {Tensor::Input, Tensor::Weight})
        if (channel_of(node, x) == channel_of(node, t))
          there = std::min(there, root_.time[kArrived0 + index(x)].at);
      first = std::min(first, std::max(there, node.time[kChannel0 + channel_of(node, t)].at));
    }
    return first;
  }

  // The walk of the root's child, if it is known. Nothing happens in it before `origin`: a
  // channel's first transfer waits for the channel and for the words. So times that are older than
  // that by more than anything that is added to a time (`reach`) are as good as any others that
  // are: none of them decides a maximum. They may be told apart by the wait of the PEs that they
  // begin, which is for the level above, however long it is. What cannot be told so is not
  // remembered.
  void recall(Node& node, const Box& tile) {
    if (!node.held.valid) return walk(node, tile);
    const std::int64_t origin = first_start(node);
    const auto from_origin = [&](std::int64_t time) {
      return std::max(time - origin, -reach_ - 1);
    };
    KnownWalks::State state;
    for (Dim d : kAllDims) state.push_back(tile[d].size());
    save(node, tile, state);
    for (const TimeName t : {kArrived0, kArrived1, kSlotOut})
      state.push_back(from_origin(root_.time[t].at));
    for (const Time* t : times_below_) state.push_back(from_origin(t->at));
    // What the PEs have waited before all that is told apart.
    std::vector<const Node*> waiting;
    std::int64_t waited = 0;
    for (const Node* a : arrays_of_pes_) {
      const std::int64_t before = origin - reach_ - a->time[kWorkEnd].at;
      if (before <= 0) continue;
      waited += a->multiplicity * before;
      waiting.push_back(a);
    }

    if (const KnownWalk* known = known_walks_.find(state)) {
      ++clock_;
      if (effort_ != nullptr) ++effort_->recalls;
      for (std::size_t i = 0; i < times_below_.size(); ++i)
        if (known->computed[i] != 0) *times_below_[i] = {origin + known->times[i], clock_};
      for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += known->counts[i];
      stack(kLevelAbove) += waited;
      const std::int64_t* from = known->nodes.data();
      restore(node, tile, from);
      return;
    }
    const std::vector<std::int64_t> before = counts_;
    const std::uint64_t began = clock_;
    earliest_ = std::numeric_limits<std::int64_t>::max();
    origin_ = origin;
    walk(node, tile);
    origin_ = kLongAgo;
    if (earliest_ < origin) return;
    for (const Node* a : waiting)
      if (a->time[kWorkEnd].stamp <= began) return;
    KnownWalk now;
    for (const Time* t : times_below_) {
      const bool computed = t->stamp > began;
      if (computed && t->at < origin) return;
      now.computed.push_back(computed ? 1 : 0);
      now.times.push_back(t->at - origin);
    }
    now.counts.resize(counts_.size());
    for (std::size_t i = 0; i < counts_.size(); ++i) now.counts[i] = counts_[i] - before[i];
    now.counts[static_cast<std::size_t>(stack_base_ + kLevelAbove)] -= waited;
    save(node, tile, now.nodes);
    known_walks_.add(state, std::move(now));
  }

  void step(Node& node) {
    StepTiles& next = node.next;
    if (!geometry_.tiles_at(depth_of(node), node.tile, node.at.data(), next)) return;
    if (!node.fresh_run) {
      leave_below(node, node.tile, node.at);
      drain(node, &next);
    } else if (!node.held.valid) {
      node.outputs_moved = true;
    }
    node.fresh_run = false;
    enter(node, next);
  }

  // What one iteration of a loop does is the same for equal signatures, up to a shift.
  std::int64_t signature(const Node& node, std::size_t l, std::int64_t i) const {
    const Level& level = levels_[static_cast<std::size_t>(node.depth)];
    const Loop& loop = level.loops[l];
    const std::int64_t unique = -(i + 1);
    std::int64_t sig = 0;
    for (Dim d : loop.dims) {
      const Cut& cut = level.cut(d);
      const bool window = layer_.has_window() && is_window_dim(d);
      if (cut.kind == Cut::Kind::Skewed) return unique;
      if (window) {
        const Dim out = d == Dim::Y || d == Dim::R ? Dim::Y : Dim::X;
        if ((d == Dim::R || d == Dim::S) && (!dense_ || level.cut(out).kind == Cut::Kind::Skewed))
          return unique;
      }
      const std::int64_t span = cut.spatial ? (level.units - 1) * cut.offset + cut.size : cut.size;
      const std::int64_t step = cut.spatial ? level.units * cut.offset : cut.offset;
      const Range given = node.tile[d];
      const std::int64_t lo = given.lo + i * step;
      const std::int64_t hi = std::min(lo + span, given.hi);
      std::int64_t mine = hi - lo;
      if (window && !dense_) {
        const workloads::Window& w = layer_.window(d);
        const Range kernel = node.tile[kernel_of(d)];
        const std::int64_t first = w.stride * lo + w.dilation * kernel.lo - w.offset;
        const std::int64_t final = w.stride * (hi - 1) + w.dilation * (kernel.hi - 1) - w.offset;
        if (first < 0 || final > w.upsample * (w.extent - 1)) return unique;
        mine = mine * w.upsample + lo % w.upsample;
      }
      sig = sig * 1000003 + mine;
    }
    return sig;
  }

  struct Snapshot {
    std::vector<std::int64_t> times;
    std::vector<std::int64_t> counts;
    std::uint64_t clock = 0;
    std::int64_t signature = 0;
  };

  static void collect(Node& node, std::vector<Time*>& out) {
    for (Time& t : node.time) out.push_back(&t);
    for (Time& t : node.work_history) out.push_back(&t);
    for (Time& t : node.drain_history) out.push_back(&t);
    for (auto& c : node.below) collect(*c, out);
  }

  void iterate(Node& node, std::size_t l) {
    const Level& level = levels_[static_cast<std::size_t>(node.depth)];
    if (l == level.loops.size()) {
      step(node);
      return;
    }
    const std::int64_t n = workloads::trips(layer_, level, node.tile, static_cast<int>(l));
    // Nothing to gain, or iterations that are not alike: kept sums leave in the last one.
    const std::vector<Dim>& dims = level.loops[l].dims;
    const bool finishes = keeps(node) && std::all_of(dims.begin(), dims.end(),
                                                     [&](Dim d) { return layer_.is_reduction(d); });
    const bool by_history = node.depth == 0 && rows_.any();
    if (n <= 4 || follows_words(node) || finishes || by_history) {
      for (std::int64_t i = 0; i < n; ++i) {
        node.at[l] = i;
        iterate(node, l + 1);
      }
      return;
    }
    std::vector<Time*> times;
    collect(node, times);
    std::vector<Snapshot> history;
    for (std::int64_t i = 0; i < n; ++i) {
      node.at[l] = i;
      iterate(node, l + 1);
      Snapshot s;
      s.signature = signature(node, l, i);
      s.counts = counts_;
      s.clock = clock_;
      s.times.reserve(times.size());
      for (const Time* t : times) s.times.push_back(t->at);
      history.push_back(std::move(s));
      if (static_cast<std::int64_t>(history.size()) > 2 * periods_ + 1)
        history.erase(history.begin());
      for (std::int64_t c = 1; c <= periods_ && 2 * c < static_cast<std::int64_t>(history.size());
           ++c) {
        const std::int64_t jump = try_jump(node, l, i, n, c, history, times);
        if (jump == 0) continue;
        i += jump;
        history.clear();
        break;
      }
    }
  }

  // If the last c iterations did what the c before them did, does the same for as many more as
  // are alike, at once. Exact: every time that was computed advanced by the same amount twice, and
  // none of the others did; times that stand still only recede against those that move, so no
  // maximum can be decided otherwise later on. Returns the iterations skipped.
  std::int64_t try_jump(Node& node, std::size_t l, std::int64_t i, std::int64_t n, std::int64_t c,
                        const std::vector<Snapshot>& history, const std::vector<Time*>& times) {
    const std::size_t h = history.size();
    const Snapshot& now = history[h - 1];
    const Snapshot& mid = history[h - 1 - static_cast<std::size_t>(c)];
    const Snapshot& old = history[h - 1 - static_cast<std::size_t>(2 * c)];
    for (std::int64_t j = 0; j < c; ++j)
      if (history[h - 1 - static_cast<std::size_t>(j)].signature !=
          history[h - 1 - static_cast<std::size_t>(j + c)].signature)
        return 0;
    if (now.signature != old.signature) return 0;
    std::int64_t lambda = -1;
    for (std::size_t x = 0; x < times.size(); ++x) {
      const std::int64_t first = mid.times[x] - old.times[x], second = now.times[x] - mid.times[x];
      if (first != second) return 0;
      const bool computed = times[x]->stamp > mid.clock;
      if (!computed) {
        if (second != 0) return 0;
        continue;
      }
      if (lambda < 0) lambda = second;
      if (second != lambda) return 0;
    }
    if (lambda < 0) return 0;
    for (std::size_t x = 0; x < counts_.size(); ++x)
      if (now.counts[x] - mid.counts[x] != mid.counts[x] - old.counts[x]) return 0;
    // How many more periods are alike?
    std::int64_t alike = i;
    if (c == 1) {
      // Signatures of a loop are unlike only at its ends and boundaries: search by bisection.
      std::int64_t lo = i, hi = n - 1;
      if (signature(node, l, hi) == now.signature) {
        lo = hi;
      } else {
        while (hi - lo > 1) {
          const std::int64_t middle = lo + (hi - lo) / 2;
          (signature(node, l, middle) == now.signature ? lo : hi) = middle;
        }
      }
      alike = lo;
    } else {
      while (alike + 1 < n &&
             signature(node, l, alike + 1) ==
                 history[h - 1 - static_cast<std::size_t>((c - (alike + 1 - i) % c) % c)].signature)
        ++alike;
    }
    const std::int64_t periods = (alike - i) / c;
    if (periods == 0) return 0;
    for (std::size_t x = 0; x < times.size(); ++x)
      if (times[x]->stamp > mid.clock) times[x]->at += lambda * periods;
    for (std::size_t x = 0; x < counts_.size(); ++x)
      counts_[x] += (now.counts[x] - mid.counts[x]) * periods;
    node.at[l] = i + periods * c;
    node.last_at[l] += periods * c;
    relocate(node);
    if (effort_ != nullptr) ++effort_->jumps;
    return periods * c;
  }

  // After a jump: the tiles that are held now.
  void relocate(Node& node) {
    if (node.held.valid)
      geometry_.tiles_at(depth_of(node), node.tile, node.last_at.data(), node.held);
    const Level& level = levels_[static_cast<std::size_t>(node.depth)];
    for (auto& c : node.below) {
      if (!c->held.valid) continue;
      const Box box = geometry_.child_box(level, node.tile, node.last_at.data(), c->child_index);
      if (box.empty()) continue;
      c->tile = box;
      relocate(*c);
    }
  }

  // ---- results -----------------------------------------------------------------------------

  void finish_stack(const Node& node, std::int64_t cycles) {
    if (pes(node)) {
      if (node.worked)
        stack(kTail) += node.multiplicity * (cycles - node.time[kWorkEnd].at);
      else
        stack(kStartup) += node.multiplicity * cycles;
    }
    for (const auto& c : node.below) finish_stack(*c, cycles);
  }

  Totals totals(std::int64_t cycles) {
    Totals r;
    r.cycles = cycles;
    r.macs = counts_[static_cast<std::size_t>(macs_slot_)];
    r.steps = counts_[static_cast<std::size_t>(steps_slot_)];
    for (int i = 0; i < kStackNames; ++i)
      r.stack[static_cast<std::size_t>(i)] = stack(static_cast<StackName>(i));
    r.level.resize(levels_.size() + 1);
    for (std::size_t d = 0; d <= levels_.size(); ++d) {
      LevelTotals& l = r.level[d];
      const int depth = static_cast<int>(d);
      for (Tensor t : kAllTensors)
        for (int i = 0; i < kAccessNames; ++i)
          l.access[at(t)][static_cast<std::size_t>(i)] =
              access(depth, t, static_cast<AccessName>(i));
      l.tile_words = tile_words_[d];
      l.sliding_words = sliding_[d];
      if (d == levels_.size()) break;
      for (Tensor t : kAllTensors)
        for (int i = 0; i < kLinkNames; ++i)
          l.link[at(t)][static_cast<std::size_t>(i)] = link(depth, t, static_cast<LinkName>(i));
      for (int i = 0; i < kLevelNames; ++i)
        l.level[static_cast<std::size_t>(i)] = level_count(depth, static_cast<LevelName>(i));
      l.peak_words = peak_[d].words;
      l.peak_cycles = peak_[d].cycles;
    }
    return r;
  }

  const workloads::Mapping& m_;
  const Layer& layer_;
  const std::vector<Level>& levels_;
  bool dense_;
  int words_followed_ = -1;  ///< down to this depth, partial sums are followed word by word
  Geometry geometry_;
  Banks banks_;
  MemoryRows rows_;
  KnownWalks known_walks_;
  bool recalls_ = false;
  std::vector<Time*> times_below_;  ///< the root
  std::vector<const Node*> arrays_of_pes_;
  static constexpr std::int64_t kLongAgo = std::numeric_limits<std::int64_t>::min() / 4;
  std::int64_t reach_ = 0;            ///< most that is added to a time that is kept
  std::int64_t origin_ = kLongAgo;    ///< of the walk that is to be remembered
  std::int64_t earliest_ = kLongAgo;  ///< start of anything in it; long ago: forget it
  PeOf<Value> pe_{};
  std::vector<LinkOf<Value>> link_numbers_;
  std::vector<LinkTraits> link_traits_;
  Effort* effort_;
  std::vector<std::array<std::set<std::int64_t>, workloads::kDims>> lengths_;
  int access_base_ = 0, link_base_ = 0, level_base_ = 0, stack_base_ = 0, macs_slot_ = 0,
      steps_slot_ = 0;
  std::vector<std::int64_t> counts_;
  std::vector<Fraction> peak_;
  std::vector<std::array<std::int64_t, 3>> tile_words_, sliding_;
  std::int64_t periods_ = 4;  ///< most iterations that a pattern is looked for in
  std::uint64_t clock_ = 0;
  Node root_;
  std::vector<std::int64_t> scratch_;
};

}  // namespace

Totals walk(const workloads::Mapping& mapping, Effort* effort) {
  return Model(mapping, effort).run();
}

}  // namespace counterpoint::analytic
