// SPDX-License-Identifier: Apache-2.0
#include "tests/oracle/model/oracle.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

namespace counterpoint::oracle {
namespace {

using workloads::Box;
using workloads::Dim;
using workloads::Layer;
using workloads::Mapping;
using Word = std::vector<std::int64_t>;  // coordinates
using Words = std::set<Word>;
using Point = std::vector<std::int64_t>;  // all loop indices of one multiply-accumulate
using Time = std::int64_t;

constexpr int kInput = 0, kWeight = 1, kOutput = 2;

Words minus(const Words& a, const Words& b) {
  Words out;
  for (const Word& w : a)
    if (b.count(w) == 0) out.insert(w);
  return out;
}

/// Input coordinate where output index o meets kernel index k, if the pair does work.
std::optional<std::int64_t> meet(const workloads::Window& w, std::int64_t o, std::int64_t k) {
  const std::int64_t distance = w.stride * o + w.dilation * k - w.offset;
  if (distance < 0 || distance % w.upsample != 0 || distance / w.upsample >= w.extent)
    return std::nullopt;
  return distance / w.upsample;
}

/// Section 1: the multiply-accumulates of a box and the words each one touches.
struct Contents {
  std::vector<Point> points;
  std::array<Words, 3> words;
};

Contents contents(const Layer& layer, const Box& box) {
  using workloads::Operator;
  Contents c;
  if (box.empty()) return c;
  Point i(workloads::kDims);
  const auto at = [&](Dim d) { return i[static_cast<std::size_t>(workloads::index(d))]; };
  const auto visit = [&] {
    Word in, weight, out;
    if (layer.op == Operator::Gemm) {
      in = {at(Dim::B), at(Dim::M), at(Dim::K)};
      weight = {layer.weight_has_batch ? at(Dim::B) : 0, at(Dim::K), at(Dim::N)};
      out = {at(Dim::B), at(Dim::M), at(Dim::N)};
    } else {
      const auto row = meet(layer.rows, at(Dim::Y), at(Dim::R));
      const auto column = meet(layer.cols, at(Dim::X), at(Dim::S));
      if (!row || !column) return;
      const bool depthwise = layer.op == Operator::DsConv;
      in = {at(Dim::N), at(Dim::G), at(Dim::C), *row, *column};
      weight = {at(Dim::G), at(Dim::K), at(Dim::C), at(Dim::R), at(Dim::S)};
      out = {at(Dim::N), at(Dim::G), depthwise ? at(Dim::C) : at(Dim::K), at(Dim::Y), at(Dim::X)};
    }
    c.points.push_back(i);
    c.words[kInput].insert(in);
    c.words[kWeight].insert(weight);
    c.words[kOutput].insert(out);
  };
  // Ten nested loops, written as an odometer.
  for (Dim d : workloads::kAllDims) i[static_cast<std::size_t>(workloads::index(d))] = box[d].lo;
  for (;;) {
    visit();
    int d = workloads::kDims - 1;
    for (; d >= 0; --d) {
      const auto k = static_cast<std::size_t>(d);
      if (++i[k] < box.range[k].hi) break;
      i[k] = box.range[k].lo;
    }
    if (d < 0) return c;
  }
}

struct Step {
  int parent_step = 0;          // the step of the array above in which it is executed
  bool after_break = false;     // first of all, or its unit (or one above it) was idle before
  std::vector<Box> box;         // per child
  std::vector<Contents> child;  // per child
  std::int64_t work = 0;        // cycles at full speed
  std::int64_t injected = 0;    // words of all tensors to the children
};

struct Residence {
  int first = 0, last = 0;  // steps
};

struct Transfer {
  bool exists = false;
  std::array<bool, 3> begins{};  // tensors of its channel of which a residence begins
  std::array<std::int64_t, 3> injected{}, delivered{};
  std::vector<std::array<std::int64_t, 3>> to_child, over_subtree;
  std::int64_t rows = 0;  // cycles that its rows take, from memory in rows
  std::set<int> writers;  // residences of this array whose drains wrote the partial sums it carries
  std::int64_t words() const { return injected[0] + injected[1] + injected[2]; }
};

struct Drain {
  std::int64_t injected = 0, senders = 0;
  std::vector<std::int64_t> from_child;
  std::int64_t rows = 0;  // cycles that its rows take, to memory in rows
};

/// A memo that notices when a value is asked for while it is being worked out.
struct Memo {
  std::optional<Time> value;
  bool open = false;
  template <class F>
  Time get(F compute) {
    if (value) return *value;
    if (open) throw std::logic_error("oracle: the rules wait for each other");
    open = true;
    value = compute();
    open = false;
    return *value;
  }
};

/// One unit with its children.
struct Array {
  int level = 0;
  Array* parent = nullptr;
  int number = 0;                // which child of the parent's unit this unit is
  std::vector<Array*> children;  // arrays below; empty for arrays of PEs
  std::deque<Step> steps;
  std::array<std::vector<Residence>, 3> residences;
  std::array<std::vector<int>, 3> residence_of;     // by step
  std::array<std::vector<Transfer>, 3> transfers;   // by channel and step
  std::vector<Drain> drains;                        // by residence of the outputs
  std::map<Word, int> values;                       // of the unit: the drain that wrote, or -1
  std::array<std::vector<Memo>, 3> transfer_start;  // by channel and step
  std::array<std::vector<Memo>, 3> released;        // by tensor and residence
  std::vector<Memo> work_start, drain_start;

  bool pes() const { return children.empty(); }
  int count() const { return static_cast<int>(steps.size()); }
  Step& step(int s) { return steps[static_cast<std::size_t>(s)]; }
};

class Oracle {
 public:
  explicit Oracle(const Mapping& m)
      : m_(m), levels_(static_cast<int>(m.nest.levels.size())), layer_(m.layer) {}

  stats::LayerResult run() {
    build_arrays();
    enumerate_steps();
    check_each_mac_once();
    prepare_result();
    prepare_memory();
    find_residences();
    find_transfers();
    root().values.clear();
    move(root(), 0);
    count_tiles();
    requirement();
    times();
    return r_;
  }

 private:
  const hw::Network& network(const Array& a) const { return m_.machine.network[size(a.level)]; }
  const hw::Storage& storage(int depth) const { return m_.machine.storage[size(depth)]; }
  static std::size_t size(int i) { return static_cast<std::size_t>(i); }
  Array& root() { return arrays_.front(); }
  bool refetch(const Array& a) const { return network(a).psum == hw::PsumPolicy::Refetch; }
  bool shared(const Array& a) const { return network(a).channels == hw::Channels::Shared; }
  /// The array's children do not hold the tensor: it goes to their children.
  bool absent(const Array& a, int tensor) const {
    return !storage(a.level + 1).holds[size(tensor)];
  }
  /// The array's unit does not: it comes from the unit above.
  bool past(const Array& a, int tensor) const { return !storage(a.level).holds[size(tensor)]; }
  int channel(const Array& a, int tensor) const {
    if (!shared(a) || past(a, tensor)) return tensor;
    int first = 0;
    while (past(a, first)) ++first;
    return first;
  }
  static int channels(const Array&) { return 3; }
  std::int64_t units(const Array& a) const { return m_.nest.levels[size(a.level)].units; }

  // --- section 2 ---------------------------------------------------------------------------
  void build_arrays() {
    arrays_.emplace_back();
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
      if (arrays_[i].level + 1 == levels_) continue;
      for (int p = 0; p < units(arrays_[i]); ++p) {
        arrays_.emplace_back();
        arrays_.back().level = arrays_[i].level + 1;
        arrays_.back().parent = &arrays_[i];
        arrays_.back().number = p;
        arrays_[i].children.push_back(&arrays_.back());
      }
    }
  }

  void enumerate_steps() {
    for (Array& a : arrays_) {  // parents come before their children
      if (a.parent == nullptr) {
        execute(a, layer_.whole(), 0, true);
        continue;
      }
      bool idle = true;
      for (int t = 0; t < a.parent->count(); ++t) {
        const Step& given = a.parent->step(t);
        if (given.after_break) idle = true;
        if (given.child[size(a.number)].points.empty()) {
          idle = true;
          continue;
        }
        execute(a, given.box[size(a.number)], t, idle);
        idle = false;
      }
    }
  }

  void execute(Array& a, const Box& tile, int parent_step, bool after_break) {
    const workloads::Level& level = m_.nest.levels[size(a.level)];
    std::vector<std::int64_t> index(level.loops.size(), 0);
    for (;;) {
      Step s;
      s.parent_step = parent_step;
      s.after_break = after_break;
      bool any = false;
      for (int p = 0; p < level.units; ++p) {
        s.box.push_back(workloads::child_box(layer_, level, tile, index, p));
        s.child.push_back(contents(layer_, s.box.back()));
        any = any || !s.child.back().points.empty();
      }
      if (any) {
        a.steps.push_back(std::move(s));
        after_break = false;
      }
      int l = static_cast<int>(index.size()) - 1;
      for (; l >= 0; --l) {
        if (++index[size(l)] < workloads::trips(layer_, level, tile, l)) break;
        index[size(l)] = 0;
      }
      if (l < 0) return;
    }
  }

  void check_each_mac_once() {
    std::map<Point, int> done;
    for (Array& a : arrays_)
      if (a.pes())
        for (Step& s : a.steps)
          for (const Contents& pe : s.child)
            for (const Point& p : pe.points) ++done[p];
    const Contents all = contents(layer_, layer_.whole());
    for (const Point& p : all.points)
      if (done[p] != 1)
        throw std::logic_error("oracle: a multiply-accumulate is done " + std::to_string(done[p]) +
                               " times");
    if (done.size() != all.points.size())
      throw std::logic_error("oracle: multiply-accumulates that the layer does not have");
    r_.macs = static_cast<std::int64_t>(done.size());
    for (Array& a : arrays_)  // children come after their parents: from the back
      if (a.pes())
        for (Step& s : a.steps) {
          for (const Contents& pe : s.child)
            s.work = std::max(s.work, divide_up(static_cast<std::int64_t>(pe.points.size()),
                                                m_.machine.machine.lanes));
          s.work = std::max(s.work, m_.machine.machine.step_minimum);
          s.work += m_.machine.machine.step_overhead;
        }
    for (auto a = arrays_.rbegin(); a != arrays_.rend(); ++a)
      for (int t = 0; t < a->count(); ++t)
        for (Array* below : a->children) {
          std::int64_t sum = 0;
          for (Step& s : below->steps)
            if (s.parent_step == t) sum += s.work;
          a->step(t).work = std::max(a->step(t).work, sum);
        }
  }

  // --- section 4: what moves ----------------------------------------------------------------
  static const Words& tile(Array& a, int s, int p, int tensor) {
    return a.step(s).child[size(p)].words[size(tensor)];
  }
  bool afresh(const Array& a, int tensor) const {
    return tensor != kOutput && !network(a).reuse[size(tensor)];
  }
  Words new_words(Array& a, int s, int p, int tensor) const {
    if (a.step(s).after_break || afresh(a, tensor)) return tile(a, s, p, tensor);
    return minus(tile(a, s, p, tensor), tile(a, s - 1, p, tensor));
  }
  /// Output words of child p that its next step does not use (with `keep`: no later step).
  Words leaving(Array& a, int s, int p) const {
    if (network(a).psum == hw::PsumPolicy::Keep) {
      Words out = tile(a, s, p, kOutput);
      for (int later = s + 1; later < a.count() && !out.empty(); ++later)
        out = minus(out, tile(a, later, p, kOutput));
      return out;
    }
    if (s + 1 == a.count() || a.step(s + 1).after_break) return tile(a, s, p, kOutput);
    return minus(tile(a, s, p, kOutput), tile(a, s + 1, p, kOutput));
  }

  /// Most different output tiles that have begun and are not finished, or leave next.
  std::int64_t kept_tiles() {
    std::set<Words> begun;
    std::size_t most = 1;
    for (int s = 0; s < root().count(); ++s) {
      begun.insert(tile(root(), s, 0, kOutput));
      most = std::max(most, begun.size());
      if (!leaving(root(), s, 0).empty()) begun.erase(tile(root(), s, 0, kOutput));
    }
    return static_cast<std::int64_t>(most);
  }

  void find_residences() {
    for (Array& a : arrays_)
      for (int x = 0; x < 3; ++x)
        for (int s = 0; s < a.count(); ++s) {
          bool change = a.step(s).after_break || afresh(a, x);
          for (int p = 0; p < units(a) && !change; ++p)
            change = tile(a, s, p, x) != tile(a, s - 1, p, x);
          if (change) a.residences[size(x)].push_back({s, s});
          a.residences[size(x)].back().last = s;
          a.residence_of[size(x)].push_back(static_cast<int>(a.residences[size(x)].size()) - 1);
        }
  }

  bool begins(const Array& a, int tensor, int s) const {
    const int g = a.residence_of[size(tensor)][size(s)];
    return a.residences[size(tensor)][size(g)].first == s;
  }

  void find_transfers() {
    for (Array& a : arrays_) {
      for (int c = 0; c < channels(a); ++c) {
        a.transfers[size(c)].resize(a.steps.size());
        a.transfer_start[size(c)].resize(a.steps.size());
      }
      for (int x = 0; x < 3; ++x) a.released[size(x)].resize(a.residences[size(x)].size());
      a.work_start.resize(a.steps.size());
      a.drains.resize(a.residences[kOutput].size());
      a.drain_start.resize(a.drains.size());
      for (Drain& d : a.drains) d.from_child.resize(static_cast<std::size_t>(units(a)));
      for (int s = 0; s < a.count(); ++s)
        for (int x = 0; x < 3; ++x) {
          Transfer& t = a.transfers[size(channel(a, x))][size(s)];
          t.to_child.resize(static_cast<std::size_t>(units(a)));
          if (!begins(a, x, s) || (x == kOutput && !refetch(a)) || absent(a, x)) continue;
          t.begins[size(x)] = true;
          t.exists = true;
          if (x == kOutput) continue;  // decided while values are followed
          Words distinct;
          std::set<Words> different;
          for (int p = 0; p < units(a); ++p) {
            const Words fresh = new_words(a, s, p, x);
            const auto n = static_cast<std::int64_t>(fresh.size());
            t.to_child[size(p)][size(x)] = n;
            t.delivered[size(x)] += n;
            different.insert(fresh);
            distinct.insert(fresh.begin(), fresh.end());
          }
          if (network(a).subtrees.pes > 0) divide(a, s, x, t);
          switch (network(a).multicast) {
            case hw::Multicast::None: t.injected[size(x)] = t.delivered[size(x)]; break;
            case hw::Multicast::Word:
              t.injected[size(x)] = static_cast<std::int64_t>(distinct.size());
              break;
            case hw::Multicast::Tile:
              for (const Words& w : different)
                t.injected[size(x)] += static_cast<std::int64_t>(w.size());
              break;
          }
        }
    }
  }

  /// Calls f(PE, its tile) for the PEs below child p in all steps that a step has below it.
  template <class F>
  void for_pes(Array& a, int s, int p, int tensor, std::int64_t first, F f) {
    if (a.pes()) return f(first, tile(a, s, p, tensor));
    Array& below = *a.children[size(p)];
    const std::int64_t each = pes_below(below) / units(below);
    for (int q = 0; q < units(below); ++q)
      for (int i = 0; i < below.count(); ++i)
        if (below.step(i).parent_step == s) for_pes(below, i, q, tensor, first + q * each, f);
  }
  std::int64_t pes_below(Array& a) const {
    return a.pes() ? units(a) : units(a) * pes_below(*a.children[0]);
  }

  /// Words of a transfer over each tree of a divided network: of those that are new to a child,
  /// what its PEs in the tree use.
  void divide(Array& a, int s, int tensor, Transfer& t) {
    const std::int64_t pes = network(a).subtrees.pes;
    const std::int64_t each = pes_below(a) / units(a);
    std::map<std::int64_t, Words> over;
    for (int p = 0; p < units(a); ++p) {
      const Words fresh = new_words(a, s, p, tensor);
      for_pes(a, s, p, tensor, p * each, [&](std::int64_t pe, const Words& used) {
        for (const Word& w : used)
          if (fresh.count(w) != 0) over[pe / pes].insert(w);
      });
    }
    t.over_subtree.resize(static_cast<std::size_t>((pes_below(a) + pes - 1) / pes));
    for (const auto& [tree, words] : over)
      t.over_subtree[static_cast<std::size_t>(tree)][size(tensor)] =
          static_cast<std::int64_t>(words.size());
  }

  /// Follows the partial sums through the steps of an array within one step of its parent, in
  /// the order of the nest: transfer of a step, everything below it, drain after it.
  void move(Array& a, int parent_step) {
    for (int s = 0; s < a.count(); ++s) {
      if (a.step(s).parent_step != parent_step) continue;
      read_back(a, s);
      if (a.parent == nullptr && storage(0).rows.bytes > 0) read_rows(a, s);
      count_transfers(a, s);
      for (int p = 0; p < units(a); ++p)
        if (!a.pes() && !a.step(s).child[size(p)].points.empty()) move(*a.children[size(p)], s);
      if (a.pes()) count_operands(a, s);
      drain(a, s);
    }
  }

  void read_back(Array& a, int s) {
    Transfer& t = a.transfers[size(channel(a, kOutput))][size(s)];
    for (int p = 0; p < units(a); ++p)
      for (const Word& w : new_words(a, s, p, kOutput)) {
        auto value = a.values.find(w);
        if (!refetch(a) || value == a.values.end()) {
          if (a.pes()) ++zero_starts_;
          continue;
        }
        if (value->second >= 0) t.writers.insert(value->second);
        a.values.erase(value);  // the parent's copy is void
        ++t.to_child[size(p)][kOutput];
        ++t.injected[kOutput];
        ++t.delivered[kOutput];
        if (!a.pes()) a.children[size(p)]->values[w] = -1;
      }
  }

  /// Memory is one run of bytes: inputs, weights and outputs one after the other, channels (or
  /// columns of matrices) innermost.
  struct Stored {
    std::int64_t base = 0, bits = 8;
    std::vector<std::size_t> order;    // coordinates of a word, outermost first
    std::vector<std::int64_t> extent;  // of each, in this order
  };
  struct CacheState {
    std::map<std::int64_t, std::vector<std::int64_t>> sets;
    std::int64_t number = 0xACE1;  // of the shift register
  };
  void prepare_memory() {
    const hw::Rows& rows = storage(0).rows;
    if (rows.bytes == 0) return;
    const bool gemm = layer_.op == workloads::Operator::Gemm;
    const bool depthwise = layer_.op == workloads::Operator::DsConv;
    caches_.resize(rows.caches.size());
    std::int64_t end = 0;
    for (int x = 0; x < 3; ++x) {
      Stored& t = stored_[size(x)];
      std::vector<std::int64_t> extents;
      const auto of = [&](Dim d) { return layer_[d]; };
      if (gemm) {
        extents = {x == kWeight && !layer_.weight_has_batch ? 1 : of(Dim::B),
                   x == kWeight ? of(Dim::K) : of(Dim::M), x == kInput ? of(Dim::K) : of(Dim::N)};
        t.order = {0, 1, 2};
      } else if (x == kWeight) {
        extents = {of(Dim::G), of(Dim::K), of(Dim::C), of(Dim::R), of(Dim::S)};
        t.order = {0, 3, 4, 2, 1};
        if (depthwise) t.order = {0, 3, 4, 1, 2};
      } else if (x == kInput) {
        extents = {of(Dim::N), of(Dim::G), of(Dim::C), layer_.rows.extent, layer_.cols.extent};
        t.order = {0, 1, 3, 4, 2};
      } else {
        extents = {of(Dim::N), of(Dim::G), depthwise ? of(Dim::C) : of(Dim::K), of(Dim::Y),
                   of(Dim::X)};
        t.order = {0, 1, 3, 4, 2};
      }
      std::int64_t words = 1;
      for (std::size_t c : t.order) {
        t.extent.push_back(extents[c]);
        words *= extents[c];
      }
      t.base = divide_up(end, 4096) * 4096;
      t.bits = x == kOutput ? drain_bits(arrays_.front()) : bits(x);
      end = t.base + divide_up(words * t.bits, 8);
      if (x == kOutput && rows.drain_cycles == 0) continue;
      for (std::int64_t line = t.base / rows.bytes; line <= (end - 1) / rows.bytes; ++line)
        bring(line);
    }
  }
  std::int64_t place(int tensor, const Word& w) const {
    const Stored& t = stored_[size(tensor)];
    std::int64_t n = 0;
    for (std::size_t i = 0; i < t.order.size(); ++i) n = n * t.extent[i] + w[t.order[i]];
    return n;
  }
  /// Puts a line into every cache up to the one that has it. Returns the number of that one.
  int bring(std::int64_t line) {
    const hw::Rows& rows = storage(0).rows;
    for (int c = 0; c < static_cast<int>(caches_.size()); ++c) {
      const hw::Cache& cache = rows.caches[size(c)];
      CacheState& state = caches_[size(c)];
      auto& set = state.sets[line % (cache.capacity_bytes / rows.bytes / cache.ways)];
      if (std::count(set.begin(), set.end(), line) > 0) return c;
      if (static_cast<std::int64_t>(set.size()) < cache.ways) {
        set.push_back(line);
      } else {  // x^16 + x^14 + x^13 + x^11 + 1
        const bool out = state.number % 2 == 1;
        state.number /= 2;
        if (out) state.number ^= 0xB400;
        set[static_cast<std::size_t>(state.number % cache.ways)] = line;
      }
    }
    return static_cast<int>(caches_.size());
  }
  std::int64_t row_cycles(int tensor, int found) const {
    const hw::Rows& rows = storage(0).rows;
    if (found == static_cast<int>(caches_.size())) return rows.cycles;
    const hw::Cache& cache = rows.caches[size(found)];
    // All lines of words begin in the same bank if the next line is whole rounds of banks away.
    const Stored& t = stored_[size(tensor)];
    const bool one =
        cache.banks > 0 && t.extent.back() * t.bits % (8 * rows.bytes * cache.banks) == 0;
    return one ? cache.bank_cycles : cache.cycles;
  }
  void read_rows(Array& a, int s) {
    Transfer& t = a.transfers[0][size(s)];
    if (!t.exists) return;
    const hw::Rows& rows = storage(0).rows;
    for (const int x : {kInput, kWeight}) {
      Words read = new_words(a, s, 0, x);
      if (!t.begins[size(x)] || read.empty()) continue;
      if (!network(a).reuse[size(x)]) read = box_around(read);
      const Stored& tensor = stored_[size(x)];
      std::map<std::int64_t, std::set<std::int64_t>> lines;
      for (const Word& w : read) lines[place(x, w) / tensor.extent.back()].insert(place(x, w));
      const std::int64_t most = std::max<std::int64_t>(rows.bytes * 8 / tensor.bits, 1);
      // The first `most` words of every line, then the next ones.
      for (std::int64_t done = 0; !lines.empty(); done += most)
        for (auto l = lines.begin(); l != lines.end();) {
          const auto count = static_cast<std::int64_t>(l->second.size());
          const std::int64_t words = std::min(most, count - done);
          if (words <= 0) {
            l = lines.erase(l);
            continue;
          }
          const std::int64_t first = *l->second.begin() + done;
          std::int64_t longest = cycles(network(a).bandwidth, {words, words * tensor.bits});
          std::int64_t last = -1;
          for (std::int64_t bit = first * tensor.bits; bit < (first + words) * tensor.bits; ++bit) {
            const std::int64_t line = (tensor.base + bit / 8) / rows.bytes;
            if (line != last) longest = std::max(longest, row_cycles(x, bring(line)));
            last = line;
          }
          t.rows += longest;
          ++l;
        }
    }
  }
  static Words box_around(const Words& words) {
    Word low = *words.begin(), high = low;
    for (const Word& w : words)
      for (std::size_t i = 0; i < w.size(); ++i) {
        low[i] = std::min(low[i], w[i]);
        high[i] = std::max(high[i], w[i]);
      }
    Words box;
    for (Word w = low;;) {
      box.insert(w);
      std::size_t i = w.size();
      while (i > 0 && w[i - 1] == high[i - 1]) {
        w[i - 1] = low[i - 1];
        --i;
      }
      if (i == 0) return box;
      ++w[i - 1];
    }
  }
  std::int64_t write_rows(const std::vector<Word>& leaving) {
    const hw::Rows& rows = storage(0).rows;
    const Stored& t = stored_[kOutput];
    // By the line of words and the line of the caches in which a word begins.
    std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> parts;
    for (const Word& w : leaving) {
      const std::int64_t n = place(kOutput, w);
      ++parts[{n / t.extent.back(), (t.base + n * t.bits / 8) / rows.bytes}];
    }
    const hw::Network& n = network(root());
    std::int64_t sum = 0;
    for (const auto& [where, words] : parts) {
      sum += std::max(
          rows.drain_cycles,
          cycles(n.drain_bandwidth ? *n.drain_bandwidth : n.bandwidth, {words, words * t.bits}));
      const int found = bring(where.second);
      if (found == 0) continue;
      sum += rows.allocate_cycles;
      if (words * t.bits < rows.bytes * 8) sum += row_cycles(kOutput, found);
    }
    return sum;
  }
  void count_transfers(Array& a, int s) {
    stats::StorageResult& up = r_.storage[size(a.level)];
    stats::StorageResult& down = r_.storage[size(a.level + 1)];
    for (int c = 0; c < channels(a); ++c) {
      const Transfer& t = a.transfers[size(c)][size(s)];
      if (!t.exists) continue;
      a.step(s).injected += t.words();
      for (std::size_t x = 0; x < 3; ++x) {
        if (past(a, static_cast<int>(x))) {
          r_.network[size(a.level - 1)].link[x].injected += t.injected[x];
          r_.network[size(a.level - 1)].link[x].delivered += t.injected[x];
        }
        stats::LinkCounts& link = r_.network[size(a.level)].link[x];
        link.injected += t.injected[x];
        link.delivered += t.delivered[x];
        if (x == kOutput) {
          up.access[x].readback_read += t.injected[x];
          down.access[x].readback_write += t.delivered[x];
        } else {
          (past(a, static_cast<int>(x)) ? r_.storage[size(a.level - 1)] : up).access[x].fill_read +=
              t.injected[x];
          down.access[x].fill_write += t.delivered[x];
        }
      }
      r_.network[size(a.level)].fill_busy += duration(a, t);
      if (t.words() > 0 && !passing(a, t))
        for (const int x : {kInput, kWeight, kOutput})
          if (t.begins[size(x)]) {  // all of them have the same port
            hold_bank(a, x, a.level == 0, to_children(t.injected));
            break;
          }
    }
  }

  void count_operands(Array& a, int s) {
    for (const Contents& pe : a.step(s).child) {
      auto& access = r_.storage.back().access;
      const auto n = static_cast<std::int64_t>(pe.points.size());
      access[kInput].operand_read += n;
      access[kWeight].operand_read += n;
      access[kOutput].operand_read += n;  // zero starts are taken off in count_tiles()
      access[kOutput].operand_write += n;
    }
  }

  void drain(Array& a, int s) {
    const int g = a.residence_of[kOutput][size(s)];
    stats::LinkCounts& link = r_.network[size(a.level)].link[kOutput];
    stats::AccessCounts& up = r_.storage[size(a.level)].access[kOutput];
    stats::AccessCounts& down = r_.storage[size(a.level + 1)].access[kOutput];
    std::vector<Word> arriving;
    Words distinct;
    Drain& d = a.drains[size(g)];
    for (int p = 0; p < units(a); ++p)
      for (const Word& w : leaving(a, s, p)) {
        if (a.residences[kOutput][size(g)].last != s)
          throw std::logic_error("oracle: words leave inside a residence");
        if (!a.pes() && a.children[size(p)]->values.erase(w) != 1)
          throw std::logic_error("oracle: a word without a value leaves");
        ++d.from_child[size(p)];
        ++d.senders;
        if (network(a).reduction == hw::Reduction::None || distinct.insert(w).second)
          arriving.push_back(w);
      }
    d.injected = static_cast<std::int64_t>(arriving.size());
    if (a.parent == nullptr && storage(0).rows.drain_cycles > 0) d.rows += write_rows(arriving);
    if (a.residences[kOutput][size(g)].last != s) return;
    link.drain_injected += d.injected;
    link.drain_senders += d.senders;
    down.drain_read += d.senders;
    r_.network[size(a.level)].drain_busy += duration(a, d);
    hold_bank(a, kOutput, a.level == 1, to_parent(a, d.injected));
    for (const Word& w : arriving) {
      if (a.values.count(w) != 0) {
        ++up.accumulate_read;
        ++up.accumulate_write;
      } else {
        ++up.drain_write;
      }
      a.values[w] = g;
    }
  }

  // --- section 5 ---------------------------------------------------------------------------
  void prepare_result() {
    r_.pes = m_.machine.machine.pes;
    r_.lanes = m_.machine.machine.lanes;
    r_.storage.resize(size(levels_ + 1));
    r_.network.resize(size(levels_));
    for (int d = 0; d <= levels_; ++d) {
      stats::StorageResult& s = r_.storage[size(d)];
      s.name = storage(d).name;
      s.capacity_bytes = storage(d).capacity_bytes;
      s.instances = 1;
      for (int l = 0; l < d; ++l) s.instances *= m_.nest.levels[size(l)].units;
    }
    for (int l = 0; l < levels_; ++l) {
      r_.network[size(l)].name = m_.machine.network[size(l)].name;
      r_.network[size(l)].instances = r_.storage[size(l)].instances;
    }
    r_.arrays = r_.storage[size(levels_ - 1)].instances;
  }

  int bits(int tensor) const {
    const hw::WordBits& b = m_.machine.machine.bits;
    return tensor == kInput ? b.input : tensor == kWeight ? b.weight : b.psum;
  }

  void count_tiles() {
    r_.storage.back().access[kOutput].operand_read -= zero_starts_;
    for (Array& a : arrays_)
      for (int s = 0; s < a.count(); ++s)
        for (int p = 0; p < units(a); ++p)
          for (int x = 0; x < 3; ++x) {
            if (absent(a, x)) continue;
            stats::StorageResult& child = r_.storage[size(a.level + 1)];
            const auto now = static_cast<std::int64_t>(tile(a, s, p, x).size());
            child.tile_words[size(x)] = std::max(child.tile_words[size(x)], now);
            const auto fresh = static_cast<std::int64_t>(new_words(a, s, p, x).size());
            const std::int64_t before =
                a.step(s).after_break ? 0 : static_cast<std::int64_t>(tile(a, s - 1, p, x).size());
            child.sliding_words[size(x)] = std::max(child.sliding_words[size(x)], before + fresh);
          }
    if (network(root()).psum == hw::PsumPolicy::Keep) r_.storage[1].tile_words[2] *= kept_tiles();
    for (int d = 1; d <= levels_; ++d) {
      stats::StorageResult& s = r_.storage[size(d)];
      std::array<std::int64_t, 2> copy{};  // the first of all tensors, the second of some
      std::int64_t sliding = 0;
      for (int x = 0; x < 3; ++x) {
        const std::int64_t bytes_x8 = m_.machine.machine.capacity_in_words ? 8 : bits(x);
        for (int slot = 0; slot < hw::slots(storage(d).buffering, size(x)); ++slot)
          copy[size(slot)] += s.tile_words[size(x)] * bytes_x8;
        sliding += s.sliding_words[size(x)] * bytes_x8;
      }
      s.required_bytes = divide_up(copy[0], 8) + divide_up(copy[1], 8);
      s.sliding_bytes = divide_up(sliding, 8);
    }
    for (int l = 0; l < levels_; ++l)
      for (stats::LinkCounts& link : r_.network[size(l)].link)
        link.hops = m_.machine.network[size(l)].topology != hw::Topology::Bus
                        ? link.delivered + link.drain_senders
                        : link.injected + link.drain_injected;
  }

  void requirement() {
    for (Array& a : arrays_) {
      stats::NetworkResult& n = r_.network[size(a.level)];
      for (int s = 0; s < a.count(); ++s) {
        n.average_words += a.step(s).injected;
        n.average_cycles += a.step(s).work;
        if (s == 0) continue;
        const std::int64_t words = a.step(s).injected, cycles = a.step(s - 1).work;
        if (n.peak_cycles == 0 || words * n.peak_cycles > n.peak_words * cycles) {
          n.peak_words = words;
          n.peak_cycles = cycles;
        }
      }
    }
  }

  // --- section 4: when ---------------------------------------------------------------------
  static std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

  struct Load {
    std::int64_t words = 0, bits = 0;
  };
  Load to_children(const std::array<std::int64_t, 3>& words) const {
    Load l;
    for (int x = 0; x < 3; ++x) {
      l.words += words[size(x)];
      l.bits += words[size(x)] * bits(x);
    }
    return l;
  }
  Load to_parent(const Array& a, std::int64_t words) { return {words, words * drain_bits(a)}; }

  std::int64_t cycles(const hw::Rate& rate, const Load& load) const {
    if (rate.unlimited()) return 0;
    if (rate.bytes) return divide_up(load.bits * 1000, rate.per_kcycle * 8);
    return divide_up(load.words * 1000, rate.per_kcycle);
  }

  /// Width of what leaves an array's children: of finished outputs, if no step of the array or of
  /// one above it divides a dimension that is summed over.
  int drain_bits(const Array& a) {
    const hw::WordBits& b = m_.machine.machine.bits;
    if (b.output == 0) return b.psum;
    int& known = drain_bits_[a.level];
    if (known == 0) known = finished(a) ? b.output : b.psum;
    return known;
  }
  bool finished(const Array& a) const {
    if (network(a).psum == hw::PsumPolicy::Keep) return true;
    for (const Array* x = a.parent; x != nullptr; x = x->parent)
      for (const Array& any : arrays_) {
        if (any.level != x->level) continue;
        for (const Step& s : any.steps)
          for (const Box& box : s.box)
            for (Dim d : workloads::kAllDims)
              if (!box.empty() && layer_.is_reduction(d) && box[d].size() < layer_[d]) return false;
      }
    return sums_in_turn(a.level);
  }
  /// Whether the loops of a level that sum up, over one child's part after the other, are inside
  /// those that move on to other outputs; in its first tile, which is the largest.
  bool sums_in_turn(int level) const {
    Box tile = layer_.whole();
    for (int l = 0;; ++l) {
      const workloads::Level& now = m_.nest.levels[size(l)];
      const std::vector<std::int64_t> start(now.loops.size(), 0);
      const auto child = [&](std::int64_t p) {
        return workloads::cut_box(layer_, now, tile, start, p);
      };
      if (l < level) {
        tile = child(0);
        continue;
      }
      for (std::int64_t p = 1; p < now.units; ++p)
        for (Dim d : workloads::kAllDims)
          if (layer_.is_reduction(d) && !child(p).empty() && child(p)[d].lo != child(0)[d].lo)
            return false;
      bool summing = false;
      for (int i = 0; i < static_cast<int>(now.loops.size()); ++i) {
        if (workloads::trips(layer_, now, tile, i) == 1) continue;
        for (Dim d : now.loops[size(i)].dims) {
          const bool sums = layer_.is_reduction(d);
          const bool moves = d == Dim::R   ? now.cut(Dim::Y).kind == workloads::Cut::Kind::Skewed
                             : d == Dim::S ? now.cut(Dim::X).kind == workloads::Cut::Kind::Skewed
                                           : !sums;
          if ((summing || sums) && (moves || now.cut(d).spatial)) return false;
          if (sums) summing = true;
        }
      }
      return true;
    }
  }
  /// Cycles of the machine that so many cycles of the array's network take.
  std::int64_t in_machine_cycles(const Array& a, std::int64_t own) const {
    const double mhz = network(a).clock_mhz;
    if (mhz <= 0) return own;
    // In units of kHz: both clocks are given with three decimals of a MHz.
    const auto khz = [](double m) { return static_cast<std::int64_t>(m * 1000 + 0.5); };
    return divide_up(own * khz(m_.machine.machine.clock_mhz), khz(mhz));
  }
  /// Whole bursts of a transfer.
  std::int64_t bursts(const Array& a, const Load& load) const {
    const hw::Burst& burst = network(a).burst;
    return burst.bytes ? divide_up(load.bits, burst.size * 8) : divide_up(load.words, burst.size);
  }
  std::int64_t channel(const Array& a, const hw::Rate& rate, const Load& load) const {
    const hw::Burst& burst = network(a).burst;
    if (burst.size == 0 || rate.unlimited()) return in_machine_cycles(a, cycles(rate, load));
    return in_machine_cycles(a, divide_up(bursts(a, load) * burst.size * 1000, rate.per_kcycle));
  }
  /// Request after request: at most in_flight of them are on their way.
  std::int64_t requests(const Array& a, const Load& load) const {
    const std::int64_t each = in_machine_cycles(
        a, divide_up(network(a).burst.size * 1000, network(a).bandwidth.per_kcycle));
    std::vector<Time> back;
    Time now = 0;
    for (std::int64_t n = bursts(a, load); n > 0; --n) {
      const auto before = static_cast<std::int64_t>(back.size()) - storage(0).in_flight;
      if (before >= 0) now = std::max(now, back[static_cast<std::size_t>(before)]);
      now += each;
      back.push_back(now + fill_latency(a));
    }
    return now;
  }
  std::int64_t fill_latency(const Array& a) const {
    return in_machine_cycles(a, network(a).latency) +
           (a.parent == nullptr ? storage(0).latency : 0);
  }

  std::int64_t duration(const Array& a, const Transfer& t) const {
    if (t.words() == 0) return 0;
    const Load load = to_children(t.injected);
    std::int64_t d = through(a, load);
    if (a.parent == nullptr && storage(0).rows.bytes > 0) {
      const std::int64_t sums = t.injected[kOutput];
      d = overhead(a) +
          in_machine_cycles(a, t.rows + cycles(network(a).bandwidth, {sums, sums * bits(kOutput)}));
    }
    if (passing(a, t))  // the slower of both networks; the port is off-chip memory's
      d = std::max(
          {d, through(*a.parent, load), cycles(storage(0).read_port, load) + overhead(*a.parent)});
    else
      d = std::max(d, cycles(storage(a.level).read_port, load) + overhead(a));
    for (const auto& child : t.to_child)
      d = std::max(d, cycles(storage(a.level + 1).write_port, to_children(child)) + overhead(a));
    for (const auto& words : t.over_subtree) {
      const std::int64_t own = cycles(network(a).subtrees.bandwidth, to_children(words));
      d = std::max(d, overhead(a) + in_machine_cycles(a, own));
    }
    return d;
  }
  /// The port of a tensor's bank in the global buffer, if `a` is on one of its sides.
  void hold_bank(const Array& a, int tensor, bool written, const Load& load) {
    const hw::Storage& buffer = storage(1);
    if (buffer.banks == 0 || a.level > 1) return;
    r_.storage[1].bank_busy[size(buffer.bank[size(tensor)])] +=
        cycles(written ? buffer.write_port : buffer.read_port, load);
  }
  std::int64_t overhead(const Array& a) const {
    return in_machine_cycles(a, network(a).fill_overhead);
  }
  std::int64_t through(const Array& a, const Load& load) const {
    return overhead(a) + (a.parent == nullptr && storage(0).in_flight > 0
                              ? requests(a, load)
                              : channel(a, network(a).bandwidth, load));
  }
  /// Whether it carries a tensor that the unit does not hold. Then it carries nothing else.
  bool passing(const Array& a, const Transfer& t) const {
    return (past(a, kInput) && t.begins[kInput]) || (past(a, kWeight) && t.begins[kWeight]);
  }
  std::int64_t duration(const Array& a, const Drain& t) {
    if (t.injected == 0) return 0;
    const hw::Network& n = network(a);
    const Load load = to_parent(a, t.injected);
    const hw::Rate& rate = n.drain_bandwidth ? *n.drain_bandwidth : n.bandwidth;
    std::int64_t d = std::max(channel(a, rate, load), cycles(storage(a.level).write_port, load));
    const hw::Rows& rows = storage(0).rows;
    if (a.parent == nullptr && rows.bytes > 0 && rows.drain_cycles > 0) {
      d = std::max(in_machine_cycles(a, t.rows), cycles(storage(0).write_port, load));
    }
    for (std::int64_t words : t.from_child)
      d = std::max(d, cycles(storage(a.level + 1).read_port, to_parent(a, words)));
    if (n.drain_lines.children > 0) {
      std::map<std::int64_t, std::int64_t> line;
      for (int p = 0; p < units(a); ++p)  // before the first line stand the children it lacks
        line[(p + n.drain_lines.children - n.drain_lines.first) / n.drain_lines.children] +=
            t.from_child[size(p)];
      for (const auto& [number, words] : line)
        d = std::max(d, in_machine_cycles(a, cycles(n.drain_lines.bandwidth, to_parent(a, words))));
    }
    return d + in_machine_cycles(a, n.drain_overhead);
  }
  /// How much later the last child does what the first one does.
  std::int64_t skew(const Array& a) const {
    return network(a).skew == hw::Network::kChain ? units(a) - 1 : network(a).skew;
  }

  int slots(const Array& a, int tensor) const {
    return hw::slots(storage(a.level + 1).buffering, size(tensor));
  }

  /// When residence g of a tensor may take its slot in the children.
  Time slot_free(Array& a, int tensor, int g) {
    return g < slots(a, tensor) ? 0 : released(a, tensor, g - slots(a, tensor));
  }

  Time wait_parent(Array& a, int c, int s) {
    const Transfer& t = a.transfers[size(c)][size(s)];
    Time at = 0;
    if (a.parent == nullptr) return at;
    for (int x = 0; x < 3; ++x)
      if (t.injected[size(x)] > 0 && !past(a, x))
        at = std::max(at, arrived(*a.parent, x,
                                  a.parent->residence_of[size(x)][size(a.step(s).parent_step)]));
    return at;
  }
  Time wait_channel(Array& a, int c, int s) {
    for (int before = s - 1; before >= 0; --before)
      if (a.transfers[size(c)][size(before)].exists) return transfer_injected(a, c, before);
    return a.parent == nullptr || past(a, c) ? m_.machine.machine.startup : 0;
  }
  Time wait_slot(Array& a, int c, int s) {
    const Transfer& t = a.transfers[size(c)][size(s)];
    Time at = 0;
    for (int x = 0; x < 3; ++x)
      if (t.begins[size(x)]) at = std::max(at, slot_free(a, x, a.residence_of[size(x)][size(s)]));
    if (storage(a.level + 1).slots_together)
      at = std::max(at, slot_free(a, kOutput, a.residence_of[kOutput][size(s)]));
    for (int g : t.writers) at = std::max(at, drain_arrived(a, g));
    return at;
  }
  Time transfer_start(Array& a, int c, int s) {
    return a.transfer_start[size(c)][size(s)].get([&] {
      return std::max({wait_parent(a, c, s), wait_channel(a, c, s), wait_slot(a, c, s)});
    });
  }
  Time transfer_injected(Array& a, int c, int s) {
    return transfer_start(a, c, s) + duration(a, a.transfers[size(c)][size(s)]);
  }
  Time transfer_arrived(Array& a, int c, int s) {
    if (a.transfers[size(c)][size(s)].words() == 0) {
      // At once, but what the children keep may still be on its way to them.
      for (int before = s - 1; before >= 0; --before)
        if (a.transfers[size(c)][size(before)].exists)
          return std::max(transfer_injected(a, c, s), transfer_arrived(a, c, before));
      return transfer_injected(a, c, s);
    }
    return transfer_injected(a, c, s) + fill_latency(a) +
           (passing(a, a.transfers[size(c)][size(s)]) ? fill_latency(*a.parent) : 0);
  }

  /// When residence g of a tensor has arrived in the children.
  Time arrived(Array& a, int tensor, int g) {
    if (tensor == kOutput && !refetch(a)) return 0;
    return transfer_arrived(a, channel(a, tensor), a.residences[size(tensor)][size(g)].first);
  }

  Time released(Array& a, int tensor, int g) {
    return a.released[size(tensor)][size(g)].get([&]() -> Time {
      if (tensor == kOutput) return drain_injected(a, g);
      const Residence& r = a.residences[size(tensor)][size(g)];
      if (a.pes()) {
        const std::int64_t behind = storage(a.level + 1).follows[size(tensor)];
        return behind < 0 ? work_end(a, r.last) : work_start(a, r.last) + behind;
      }
      Time at = 0;
      for (Array* child : a.children) {
        std::optional<Time> last;
        const int c = channel(*child, tensor);
        for (int s = 0; s < child->count(); ++s) {
          const int t = child->step(s).parent_step;
          if (t >= r.first && t <= r.last &&
              child->transfers[size(c)][size(s)].injected[size(tensor)] > 0)
            last = transfer_injected(*child, c, s);
        }
        at = std::max(at, last ? *last : arrived(a, tensor, g));
      }
      return at;
    });
  }

  Time work_start(Array& a, int s) {
    return a.work_start[size(s)].get([&] {
      Time at = s > 0 ? work_end(a, s - 1) : 0;
      for (int x = 0; x < 3; ++x)
        at = std::max(at, arrived(a, x, a.residence_of[size(x)][size(s)]));
      if (begins(a, kOutput, s))
        at = std::max(at, slot_free(a, kOutput, a.residence_of[kOutput][size(s)]));
      return std::max(at, window(a, s));
    });
  }
  /// When few enough steps are in flight for one more.
  Time window(Array& a, int s) {
    const hw::StepWindow& w = m_.machine.machine.step_window;
    if (w.steps == 0 || s < w.steps) return 0;
    return work_end(a, s - static_cast<int>(w.steps)) + w.latency;
  }
  Time work_end(Array& a, int s) { return work_start(a, s) + a.step(s).work; }

  Time drain_start(Array& a, int g) {
    return a.drain_start[size(g)].get([&] {
      const Residence& r = a.residences[kOutput][size(g)];
      Time at = g > 0 ? drain_injected(a, g - 1) : 0;
      if (a.pes()) at = std::max(at, work_end(a, r.last) + m_.machine.machine.pipeline_latency);
      for (Array* child : a.children)
        for (int h = 0; h < static_cast<int>(child->drains.size()); ++h) {
          const int t = child->step(child->residences[kOutput][size(h)].last).parent_step;
          if (t >= r.first && t <= r.last) at = std::max(at, drain_arrived(*child, h));
        }
      if (!a.pes()) at = std::max(at, arrived(a, kOutput, g));
      if (a.parent != nullptr && a.drains[size(g)].injected > 0)
        at = std::max(at,
                      slot_free(*a.parent, kOutput,
                                a.parent->residence_of[kOutput][size(a.step(r.last).parent_step)]));
      return at;
    });
  }
  Time drain_injected(Array& a, int g) {
    return drain_start(a, g) + duration(a, a.drains[size(g)]);
  }
  Time drain_arrived(Array& a, int g) {
    if (a.drains[size(g)].injected == 0) return drain_injected(a, g);
    std::int64_t depth = 0;
    if (network(a).reduction == hw::Reduction::Chain) depth = units(a) - 1;
    if (network(a).reduction == hw::Reduction::Tree)
      while ((std::int64_t{1} << depth) < units(a)) ++depth;
    return drain_injected(a, g) + in_machine_cycles(a, network(a).latency + depth + skew(a));
  }

  void times() {
    for (int g = 0; g < static_cast<int>(root().drains.size()); ++g)
      r_.cycles = std::max(r_.cycles, drain_arrived(root(), g));
    for (Array& a : arrays_)
      if (a.pes()) stack(a);
  }

  void stack(Array& a) {
    stats::CycleStack& k = r_.stack;
    r_.steps += a.count();
    if (a.count() == 0) {
      k.startup += r_.cycles;
      return;
    }
    k.startup += work_start(a, 0);
    k.tail += r_.cycles - work_end(a, a.count() - 1);
    for (int s = 0; s < a.count(); ++s) {
      k.compute += a.step(s).work;
      if (s == 0) continue;
      int x = -1;
      for (int c = 0; c < channels(a); ++c)
        if (a.transfers[size(c)][size(s)].exists &&
            (x < 0 || transfer_arrived(a, c, s) > transfer_arrived(a, x, s)))
          x = c;
      for (Time now = work_end(a, s - 1); now < work_start(a, s); ++now) {
        if (x < 0)
          ++(now < window(a, s) ? k.latency : k.drain);
        else if (now < wait_parent(a, x, s))
          ++k.level_above;
        else if (now < wait_channel(a, x, s))
          ++k.bandwidth;
        else if (now < wait_slot(a, x, s))
          ++k.drain;
        else if (now < transfer_injected(a, x, s))
          ++k.bandwidth;
        else if (now < std::max(transfer_arrived(a, x, s), window(a, s)))
          ++k.latency;
        else
          ++k.drain;
      }
    }
  }

  const Mapping& m_;
  int levels_;
  const Layer& layer_;
  std::deque<Array> arrays_;
  stats::LayerResult r_;
  std::int64_t zero_starts_ = 0;
  std::array<Stored, 3> stored_;
  std::vector<CacheState> caches_;
  std::map<int, int> drain_bits_;  // by level
};

}  // namespace

stats::LayerResult brute_force(const Mapping& mapping) {
  return Oracle(mapping).run();
}

std::array<std::int64_t, 3> touched_words(const Layer& layer) {
  const Contents all = contents(layer, layer.whole());
  std::array<std::int64_t, 3> n{};
  for (std::size_t x = 0; x < 3; ++x) n[x] = static_cast<std::int64_t>(all.words[x].size());
  return n;
}

}  // namespace counterpoint::oracle
