// SPDX-License-Identifier: Apache-2.0
#include "sim/control/traffic.h"

#include <cstdlib>
#include <new>
#include <stdexcept>
#include <unordered_map>

namespace counterpoint::sim {

using workloads::kAllDims;

ValueBoard::ValueBoard(std::int64_t words)
    // Zero pages that are never touched cost nothing, however large the tensor is.
    : state_(static_cast<std::int32_t*>(
          std::calloc(static_cast<std::size_t>(std::max<std::int64_t>(words, 1)), 4))) {
  if (state_ == nullptr) throw std::bad_alloc();
}
ValueBoard::~ValueBoard() {
  std::free(state_);
}

TensorTraffic::TensorTraffic(Config config)
    : c_(std::move(config)), walker_(*c_.layer, *c_.nest, c_.path), dense_(c_.layer->dense()) {
  const std::size_t n = static_cast<std::size_t>(walker_.children());
  for (const Axis& a : c_.space->axes) {
    AxisState s;
    if (a.kind == Axis::Kind::Plain) {
      s.spatial = walker_.is_spatial(a.dim);
    } else {
      const Dim k = a.dim == Dim::Y ? Dim::R : Dim::S;
      const bool by_outs = a.touch != Touch::Kernel || !dense_;
      const bool by_kernel = a.touch != Touch::Output || !dense_;
      s.spatial = (by_outs && walker_.is_spatial(a.dim)) || (by_kernel && walker_.is_spatial(k));
    }
    s.now.resize(s.spatial ? n : 1);
    s.before.resize(s.spatial ? n : 1);
    axes_.push_back(std::move(s));
  }
  active_now_.assign(n, 0);
  active_before_.assign(n, 0);
  for (std::size_t i = 0, spatial = 0; i < axes_.size(); ++i)
    if (axes_[i].spatial) {
      spatial_ = true;
      spatial_axis_ = ++spatial == 1 ? static_cast<int>(i) : -1;
    }
  pieces_.resize(2 * axes_.size() + 1);
  lists_.resize(axes_.size());
  now_.resize(axes_.size());
  before_.resize(axes_.size());
}

const Runs& TensorTraffic::set(std::size_t axis, std::int64_t p, bool before) const {
  const AxisState& s = axes_[axis];
  const std::vector<Runs>& v = before ? s.before : s.now;
  return v[s.spatial ? static_cast<std::size_t>(p) : 0];
}

std::int64_t TensorTraffic::tile_size(std::int64_t p, bool before) const {
  std::int64_t n = 1;
  for (std::size_t i = 0; i < axes_.size(); ++i) n *= set(i, p, before).count();
  return n;
}

// Brings the sets to the walker's present step; whether any child's tile of the tensor changed.
bool TensorTraffic::refresh() {
  bool changed = false;
  const std::int64_t n = walker_.children();
  if (activity_now_ < 0 || walker_.spatial_version() != activity_version_) {
    activity_version_ = walker_.spatial_version();
    for (std::int64_t p = 0; p < n; ++p) {
      const std::uint8_t a = walker_.active(p);
      if (active_now_[static_cast<std::size_t>(p)] != a) changed = true;
      active_now_[static_cast<std::size_t>(p)] = a;
    }
    if (changed || activity_now_ < 0) describe_activity();
  }
  if (walker_.gap()) changed = true;
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    AxisState& s = axes_[i];
    const Axis& a = c_.space->axes[i];
    const Dim k = a.dim == Dim::Y ? Dim::R : Dim::S;
    const auto compute = [&](std::int64_t p, Runs& out) {
      if (a.kind == Axis::Kind::Plain)
        out.assign(walker_.range(a.dim, p));
      else
        touched(c_.layer->window(a.dim), dense_, walker_.range(a.dim, p), walker_.range(k, p),
                a.touch, c_.scratch->marks, out);
    };
    const Range outs = walker_.common(a.dim);
    const Range kernel = a.kind == Axis::Kind::Window ? walker_.common(k) : Range{};
    const bool same_common = started_ && outs == s.outs && kernel == s.kernel;
    if (same_common && (!s.spatial || walker_.spatial_version() == s.version)) continue;
    s.outs = outs;
    s.kernel = kernel;
    s.version = walker_.spatial_version();
    s.moved = true;
    if (!s.spatial) {
      compute(0, s.now[0]);
      if (s.now[0] != s.before[0]) changed = true;
      describe_pattern(s);
      continue;
    }
    for (std::int64_t p = 0; p < n; ++p) {
      const std::size_t j = static_cast<std::size_t>(p);
      if (!active_now_[j]) continue;
      compute(p, s.now[j]);
      if (active_before_[j] && s.now[j] != s.before[j]) changed = true;
    }
    describe_pattern(s);
  }
  return changed;
}

void TensorTraffic::describe_activity() {
  activity_now_ =
      activities_.emplace(active_now_, static_cast<std::int32_t>(activities_.size())).first->second;
}

// Numbers the sets of all active children as they lie to the first one.
void TensorTraffic::describe_pattern(AxisState& s) {
  if (!s.spatial && s.now[0].runs.size() == 1 && s.pattern.size() == 3 &&
      s.pattern[1] == s.now[0].runs[0].size()) {  // one run as long as before
    s.now_base = s.now[0].runs[0].lo;
    return;
  }
  std::vector<std::int32_t>& pattern = pattern_;
  pattern.clear();
  bool first = true;
  for (std::size_t p = 0; p < s.now.size(); ++p) {
    if (s.spatial && !active_now_[p]) continue;
    for (const Range& r : s.now[p].runs) {
      if (first) s.now_base = r.lo;
      first = false;
      pattern.push_back(static_cast<std::int32_t>(r.lo - s.now_base));
      pattern.push_back(static_cast<std::int32_t>(r.hi - s.now_base));
    }
    pattern.push_back(std::numeric_limits<std::int32_t>::min());
  }
  if (first) s.now_base = 0;
  if (pattern == s.pattern) return;
  s.now_pattern =
      s.patterns.emplace(pattern, static_cast<std::int32_t>(s.patterns.size())).first->second;
  s.pattern = pattern;
}

void TensorTraffic::change(bool leaves, bool all, std::int64_t& base) {
  key_.clear();
  base = 0;
  const bool whole = leaves ? all : !started_ || walker_.gap() || c_.afresh;
  // What comes whole may come beside an old tile (reuse: none) or not: the room differs.
  key_.push_back(whole && !leaves && started_ && !walker_.gap() ? 2 : whole);
  key_.push_back(activity_before_);
  if (!(leaves && all)) key_.push_back(activity_now_);
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    const AxisState& s = axes_[i];
    const std::int64_t origin = leaves ? s.before_base : s.now_base;
    base += origin * c_.space->axes[i].stride;
    key_.push_back(leaves ? s.before_pattern : s.now_pattern);
    if (c_.local != nullptr) key_.push_back(origin % c_.local->cap[i]);
    if (whole && (leaves || !started_)) continue;
    key_.push_back(leaves ? s.now_pattern : s.before_pattern);
    key_.push_back(s.now_base - s.before_base);
  }
}

void TensorTraffic::remember(Known& known, const std::shared_ptr<const Moves>& moves) {
  // Irregular layers may never repeat: forget rather than grow.
  known_words_ += moves->size() + 64;
  if (known_words_ > (std::size_t{1} << 22)) {
    known_enter_.clear();
    known_leave_.clear();
    known_words_ = moves->size() + 64;
  }
  known.emplace(key_, moves);
}

const std::shared_ptr<const Moves>& TensorTraffic::entering(std::int64_t& base) {
  change(false, false, base);
  if (last_enter_.moves != nullptr && last_enter_.key == key_) return last_enter_.moves;
  last_enter_.key = key_;
  const auto found = known_enter_.find(key_);
  if (found != known_enter_.end()) return last_enter_.moves = found->second;
  const auto m = std::make_shared<Moves>();
  m->base = base;
  if (c_.tensor == Tensor::Output)
    output_words(*m);
  else
    operand_words(*m);
  note_tiles(*m);
  remember(known_enter_, m);
  return last_enter_.moves = m;
}

const std::shared_ptr<const Moves>& TensorTraffic::leaving(bool last, std::int64_t& base) {
  const bool all = last || walker_.gap();
  change(true, all, base);
  if (last_leave_.moves != nullptr && last_leave_.key == key_) return last_leave_.moves;
  last_leave_.key = key_;
  const auto found = known_leave_.find(key_);
  if (found != known_leave_.end()) return last_leave_.moves = found->second;
  const auto m = std::make_shared<Moves>();
  m->base = base;
  leaving_words(*m, last);
  remember(known_leave_, m);
  return last_leave_.moves = m;
}

void TensorTraffic::emit_box(const std::vector<const Runs*>& box, std::vector<std::int32_t>& ids,
                             std::vector<std::int32_t>& local) {
  const std::size_t n = box.size();
  for (std::size_t i = 0; i < n; ++i) {
    auto& list = lists_[i];
    list.clear();
    const std::int64_t stride = c_.space->axes[i].stride;
    for (const Range& r : box[i]->runs)
      for (std::int64_t x = r.lo; x < r.hi; ++x)
        list.emplace_back(
            static_cast<std::int32_t>(x * stride),
            c_.local ? static_cast<std::int32_t>((x % c_.local->cap[i]) * c_.local->stride[i]) : 0);
    if (list.empty()) return;
  }
  std::array<std::size_t, 8> at{};
  const std::size_t last = n - 1;
  for (;;) {
    std::int32_t id = 0, place = 0;
    for (std::size_t i = 0; i < last; ++i) {
      id += lists_[i][at[i]].first;
      place += lists_[i][at[i]].second;
    }
    for (const auto& [g, l] : lists_[last]) {
      ids.push_back(id + g);
      if (c_.local) local.push_back(place + l);
    }
    std::size_t i = last;
    while (i-- > 0) {
      if (++at[i] < lists_[i].size()) break;
      at[i] = 0;
    }
    if (i == static_cast<std::size_t>(-1)) return;
  }
}

// Words of the product a that are not in the product b (all of a if b is null), as disjoint
// products: equal to b on the axes before i, outside b on axis i, anything after.
void TensorTraffic::emit(const std::vector<const Runs*>& a, const std::vector<const Runs*>* b,
                         std::vector<std::int32_t>& ids, std::vector<std::int32_t>& local) {
  if (b == nullptr) {
    emit_box(a, ids, local);
    return;
  }
  const std::size_t n = a.size();
  std::vector<const Runs*>& box = box_;
  box = a;
  for (std::size_t i = 0; i < n; ++i) {
    Runs& outside = pieces_[2 * i];
    Runs& inside = pieces_[2 * i + 1];
    subtract(*a[i], *(*b)[i], outside);
    if (!outside.empty()) {
      box[i] = &outside;
      emit_box(box, ids, local);
    }
    intersect(*a[i], *(*b)[i], inside);
    if (inside.empty()) return;
    box[i] = &inside;
  }
}

// Emits child p's words (b null-like if `whole`), by shifting another child's if they are alike.
void TensorTraffic::emit_like(Model& model, bool whole, const std::vector<const Runs*>& a,
                              const std::vector<const Runs*>& b, std::vector<std::int32_t>& ids,
                              std::vector<std::int32_t>& local) {
  if (!spatial_) {  // all children alike
    if (model.valid && model.whole == whole) return repeat(model, 0, 0, ids, local);
    const std::int32_t first = static_cast<std::int32_t>(ids.size());
    emit(a, whole ? nullptr : &b, ids, local);
    model = {true, whole, {}, 0, 0, first, static_cast<std::int32_t>(ids.size())};
    return;
  }
  const std::size_t axis = static_cast<std::size_t>(spatial_axis_);
  // Places in a PE's buffer wrap around, so only a single coordinate moves as a whole there.
  const bool single = spatial_axis_ >= 0 && a[axis]->runs.size() == 1 &&
                      (!c_.local || a[axis]->runs[0].size() == 1) &&
                      (whole || b[axis]->runs.size() == 1);
  const Range now = single ? a[axis]->runs[0] : Range{};
  const Range old = single && !whole ? b[axis]->runs[0] : now;
  if (single && model.valid && model.whole == whole && model.now.size() == now.size() &&
      model.before_lo == old.lo - now.lo && model.before_hi == old.hi - now.lo) {
    const std::int64_t shift = (now.lo - model.now.lo) * c_.space->axes[axis].stride;
    const std::int64_t place =
        c_.local ? (now.lo % c_.local->cap[axis] - model.now.lo % c_.local->cap[axis]) *
                       c_.local->stride[axis]
                 : 0;
    return repeat(model, static_cast<std::int32_t>(shift), static_cast<std::int32_t>(place), ids,
                  local);
  }
  const std::int32_t first = static_cast<std::int32_t>(ids.size());
  emit(a, whole ? nullptr : &b, ids, local);
  if (single)
    model = {true,
             whole,
             now,
             old.lo - now.lo,
             old.hi - now.lo,
             first,
             static_cast<std::int32_t>(ids.size())};
}

// Appends the model's words, moved.
void TensorTraffic::repeat(const Model& model, std::int32_t shift, std::int32_t place,
                           std::vector<std::int32_t>& ids, std::vector<std::int32_t>& local) const {
  const std::size_t from = static_cast<std::size_t>(model.first);
  const std::size_t n = static_cast<std::size_t>(model.last - model.first);
  const std::size_t to = ids.size();
  ids.resize(to + n);
  for (std::size_t i = 0; i < n; ++i) ids[to + i] = ids[from + i] + shift;
  if (!c_.local) return;
  local.resize(to + n);
  for (std::size_t i = 0; i < n; ++i) local[to + i] = local[from + i] + place;
}

void TensorTraffic::operand_words(Moves& r) {
  const std::int64_t n = walker_.children();
  std::vector<const Runs*>&now = now_, &before = before_;
  r.per_child.assign(static_cast<std::size_t>(n), 0);
  Model model;
  const auto begin = [&](std::int64_t p, bool continues) {
    for (std::size_t i = 0; i < axes_.size(); ++i) {
      now[i] = &set(i, p, false);
      before[i] = &set(i, p, true);
    }
    Chunk chunk;
    chunk.first = static_cast<std::int32_t>(r.ids.size());
    emit_like(model, !continues || c_.afresh, now, before, r.ids, r.local);
    chunk.last = static_cast<std::int32_t>(r.ids.size());
    return chunk;
  };
  const auto continues = [&](std::int64_t p) {
    return started_ && !walker_.gap() && active_before_[static_cast<std::size_t>(p)];
  };
  if (spatial_) {
    for (std::int64_t p = 0; p < n; ++p) {
      if (!active_now_[static_cast<std::size_t>(p)]) continue;
      Chunk chunk = begin(p, continues(p));
      if (chunk.size() == 0) continue;
      chunk.receivers_first = static_cast<std::int32_t>(r.receivers.size());
      r.receivers.push_back(static_cast<std::int32_t>(p));
      chunk.receivers_last = chunk.receivers_first + 1;
      r.per_child[static_cast<std::size_t>(p)] = chunk.size();
      r.chunks.push_back(chunk);
    }
  } else {
    for (const bool old : {true, false}) {  // those that hold the previous tile, those that do not
      std::int64_t first = -1;
      const std::int32_t from = static_cast<std::int32_t>(r.receivers.size());
      for (std::int64_t p = 0; p < n; ++p) {
        if (!active_now_[static_cast<std::size_t>(p)] || continues(p) != old) continue;
        if (first < 0) first = p;
        r.receivers.push_back(static_cast<std::int32_t>(p));
      }
      if (first < 0) continue;
      Chunk chunk = begin(first, old);
      if (chunk.size() == 0) {
        r.receivers.resize(static_cast<std::size_t>(from));
        continue;
      }
      chunk.receivers_first = from;
      chunk.receivers_last = static_cast<std::int32_t>(r.receivers.size());
      for (std::int32_t j = chunk.receivers_first; j < chunk.receivers_last; ++j)
        r.per_child[static_cast<std::size_t>(r.receivers[static_cast<std::size_t>(j)])] =
            chunk.size();
      r.chunks.push_back(chunk);
    }
  }
  for (const Chunk& k : r.chunks) r.delivered += std::int64_t{k.size()} * k.receivers();
  switch (c_.multicast) {
    case hw::Multicast::None: r.injected = r.delivered; break;
    case hw::Multicast::Tile: {
      // Chunks with the same words in the same (canonical) order share one copy.
      std::unordered_multimap<std::uint64_t, const Chunk*> seen;
      for (const Chunk& k : r.chunks) {
        std::vector<std::int32_t> mine(r.ids.begin() + k.first, r.ids.begin() + k.last);
        std::sort(mine.begin(), mine.end());
        std::uint64_t hash = 1469598103934665603ull;
        for (std::int32_t id : mine)
          hash = (hash ^ static_cast<std::uint32_t>(id)) * 1099511628211ull;
        bool shared = false;
        const auto [lo, hi] = seen.equal_range(hash);
        for (auto it = lo; it != hi && !shared; ++it) {
          std::vector<std::int32_t> other(r.ids.begin() + it->second->first,
                                          r.ids.begin() + it->second->last);
          std::sort(other.begin(), other.end());
          shared = other == mine;
        }
        if (shared) continue;
        seen.emplace(hash, &k);
        r.injected += k.size();
      }
      break;
    }
    case hw::Multicast::Word:
      if (r.chunks.size() == 1) {
        r.injected = r.chunks[0].size();
      } else {
        const std::uint32_t mark = c_.scratch->next_stamp();
        for (std::int32_t id : r.ids) {
          std::uint32_t& s = c_.scratch->stamp[static_cast<std::size_t>(id)];
          r.injected += s != mark;
          s = mark;
        }
      }
      break;
  }
}

// What leaves after the previous step: each child's old tile minus its new one.
void TensorTraffic::leaving_words(Moves& r, bool last) {
  const std::int64_t n = walker_.children();
  std::vector<const Runs*>&now = now_, &before = before_;
  r.per_child.assign(static_cast<std::size_t>(n), 0);
  Model model;
  for (std::int64_t p = 0; p < n; ++p) {
    const std::size_t j = static_cast<std::size_t>(p);
    if (!active_before_[j]) continue;
    for (std::size_t i = 0; i < axes_.size(); ++i) {
      now[i] = &set(i, p, false);
      before[i] = &set(i, p, true);
    }
    const bool all = last || walker_.gap() || !active_now_[j];
    Chunk chunk;
    chunk.first = static_cast<std::int32_t>(r.ids.size());
    emit_like(model, all, before, now, r.ids, r.local);
    chunk.last = static_cast<std::int32_t>(r.ids.size());
    if (chunk.size() == 0) continue;
    chunk.receivers_first = static_cast<std::int32_t>(r.receivers.size());
    r.receivers.push_back(static_cast<std::int32_t>(p));
    chunk.receivers_last = chunk.receivers_first + 1;
    r.per_child[j] = chunk.size();
    r.chunks.push_back(chunk);
  }
  r.delivered = static_cast<std::int64_t>(r.ids.size());
  r.injected = r.delivered;
  if (!c_.reduces) return;
  const std::uint32_t mark = c_.scratch->next_stamp();
  r.again.assign(r.ids.size(), 0);
  for (std::size_t i = 0; i < r.ids.size(); ++i) {
    std::uint32_t& s = c_.scratch->stamp[static_cast<std::size_t>(r.ids[i])];
    r.again[i] = s == mark;  // summed on the way
    r.injected -= r.again[i];
    s = mark;
  }
}

void TensorTraffic::leave_output(Residence& r, bool last) {
  if (c_.keep && !was_last_visit_) {  // everything stays: a drain without words
    auto nothing = std::make_shared<Moves>();
    nothing->per_child.assign(static_cast<std::size_t>(walker_.children()), 0);
    r.leave = std::move(nothing);
    r.leave_shift = 0;
    r.leave_parent = last_parent_;
    return;
  }
  std::int64_t base = 0;
  r.leave = leaving(last, base);
  r.leave_shift = static_cast<std::int32_t>(base - r.leave->base);
  r.leave_parent = last_parent_;
  r.leave_sent = r.leave->delivered;
  r.leave_injected = r.leave->injected;
  const std::int32_t drain = static_cast<std::int32_t>(base_ + queued_ - 1) + 2;
  const std::int32_t* ids = r.leave->ids.data();
  const std::size_t n = r.leave->size();
  for (std::size_t i = 0; i < n; ++i) {
    if (c_.reduces && r.leave->again[i]) continue;
    std::int32_t& value = (*c_.board)[ids[i] + r.leave_shift];
    r.writes += value == 0;
    value = drain;
  }
  r.accumulations = r.leave_injected - r.writes;
}

// The new output words of each child.
void TensorTraffic::output_words(Moves& r) {
  const std::int64_t n = walker_.children();
  Model model;
  std::vector<const Runs*>&now = now_, &before = before_;
  r.per_child.assign(static_cast<std::size_t>(n), 0);
  for (std::int64_t p = 0; p < n; ++p) {
    const std::size_t j = static_cast<std::size_t>(p);
    if (!active_now_[j]) continue;
    for (std::size_t i = 0; i < axes_.size(); ++i) {
      now[i] = &set(i, p, false);
      before[i] = &set(i, p, true);
    }
    const bool continues = started_ && !walker_.gap() && active_before_[j];
    Chunk chunk;
    chunk.first = static_cast<std::int32_t>(r.ids.size());
    emit_like(model, !continues, now, before, r.ids, r.local);
    chunk.last = static_cast<std::int32_t>(r.ids.size());
    if (chunk.size() == 0) continue;
    chunk.receivers_first = static_cast<std::int32_t>(r.receivers.size());
    r.receivers.push_back(static_cast<std::int32_t>(p));
    chunk.receivers_last = chunk.receivers_first + 1;
    r.per_child[j] = chunk.size();
    r.chunks.push_back(chunk);
  }
}

void TensorTraffic::enter_output(Residence& r) {
  std::int64_t base = 0;
  r.enter = entering(base);
  r.shift = static_cast<std::int32_t>(base - r.enter->base);
  const Moves& m = *r.enter;
  r.fresh = static_cast<std::int64_t>(m.size());
  if (c_.refetch) {
    r.readback.assign(m.size(), 0);
    r.readback_per_child.assign(m.per_child.size(), 0);
    for (const Chunk& k : m.chunks) {
      const std::size_t p =
          static_cast<std::size_t>(m.receivers[static_cast<std::size_t>(k.receivers_first)]);
      for (std::int32_t i = k.first; i < k.last; ++i) {
        std::int32_t& value = (*c_.board)[r.id(static_cast<std::size_t>(i))];
        if (value == 0) continue;
        r.readback[static_cast<std::size_t>(i)] = 1;
        r.needs_drain = std::max<std::int64_t>(r.needs_drain, value - 2);
        value = 0;
        ++r.readback_per_child[p];
        ++r.injected;
      }
    }
    r.fresh -= r.injected;
  }
  r.delivered = r.injected;
  if (c_.keep && !first_visit_) {  // the children have them
    r.fresh = 0;
    return;
  }
  if (c_.child_boards.empty()) return;
  for (const Chunk& k : m.chunks) {
    const std::size_t p =
        static_cast<std::size_t>(m.receivers[static_cast<std::size_t>(k.receivers_first)]);
    if (c_.child_boards[p] == nullptr) continue;
    ValueBoard::Entry entry;
    entry.residence = base_ + queued_;
    entry.moves = r.enter;
    entry.chunk = k;
    entry.shift = r.shift;
    if (c_.refetch)
      entry.has_value.assign(r.readback.begin() + k.first, r.readback.begin() + k.last);
    c_.child_boards[p]->entries.push_back(std::move(entry));
  }
}

// The largest tiles, and tiles with what is new beside them, so far.
void TensorTraffic::note_tiles(Moves& m) {
  const std::int64_t n = walker_.children();
  std::int64_t size = -1, active = 0;
  for (const std::uint8_t a : active_now_) active += a != 0 ? 1 : 0;
  for (std::int64_t p = 0; p < n; ++p) {
    const std::size_t j = static_cast<std::size_t>(p);
    if (!active_now_[j]) continue;
    if (spatial_ || size < 0) {
      size = tile_size(p, false);
      m.tile += spatial_ ? size : size * active;
    }
    const bool held = started_ && !walker_.gap() && active_before_[j];
    largest_tile = std::max(largest_tile, size);
    largest_sliding =
        std::max(largest_sliding, std::max(size, (held ? tile_size(p, true) : 0) + m.per_child[j]));
    if (!spatial_ && held) break;  // the others are alike, or receive their tile alone
  }
}

// Walks to the beginning of the next residence; false at the end of the layer.
bool TensorTraffic::generate() {
  if (finished_) return false;
  for (;;) {
    const bool output = c_.tensor == Tensor::Output;
    if (c_.keep && started_) was_last_visit_ = walker_.reductions_at(true);
    const bool more = walker_.next();
    if (more) walked_step_ = walker_.step();
    if (c_.keep && more) first_visit_ = walker_.reductions_at(false);
    if (!more) {
      finished_ = true;
      walked_step_ = kNever - 1;
      if (!output || !started_) return false;
    }
    std::int64_t parent = last_parent_;
    if (more && c_.above != nullptr) parent = c_.above->containing(walker_.parent_step());
    if (more && !refresh() && !c_.afresh) {
      last_parent_ = parent;
      continue;
    }
    if (queued_ == static_cast<std::int64_t>(ring_.size())) grow();
    Residence& r = *ring_[static_cast<std::size_t>(base_ + queued_) & (ring_.size() - 1)];
    r.step = more ? walker_.step() : kNever;
    r.end = !more;
    r.parent = parent;
    if (output) {
      if (started_) leave_output(r, !more);
      if (more) {
        if (c_.board != nullptr && c_.above != nullptr) {
          auto& entries = c_.board->entries;
          while (!entries.empty() && entries.front().residence <= parent) {
            const ValueBoard::Entry& e = entries.front();
            for (std::int32_t i = e.chunk.first; i < e.chunk.last; ++i)
              (*c_.board)[e.moves->ids[static_cast<std::size_t>(i)] + e.shift] =
                  !e.has_value.empty() && e.has_value[static_cast<std::size_t>(i - e.chunk.first)];
            entries.pop_front();
          }
        }
        enter_output(r);
      }
    } else {
      std::int64_t base = 0;
      r.enter = entering(base);
      r.shift = static_cast<std::int32_t>(base - r.enter->base);
      r.injected = r.enter->injected;
      r.delivered = r.enter->delivered;
    }
    if (more) {
      for (AxisState& s : axes_) {
        if (!s.moved) continue;  // nor did the activity of children change
        s.moved = false;
        s.before_pattern = s.now_pattern;
        s.before_base = s.now_base;
        if (!s.spatial) {
          s.before[0] = s.now[0];
          continue;
        }
        for (std::size_t j = 0; j < active_now_.size(); ++j)
          if (active_now_[j]) s.before[j] = s.now[j];
      }
      if (activity_before_ != activity_now_) {
        active_before_ = active_now_;
        activity_before_ = activity_now_;
      }
      started_ = true;
      last_parent_ = parent;
      starts_.push_back(r.step);
    }
    ++queued_;
    return true;
  }
}

Residence* TensorTraffic::make(std::int64_t g) {
  if (g < base_) throw std::logic_error("simulator: a residence was asked for after its end");
  while (g >= base_ + queued_)
    if (!generate()) return nullptr;
  return at(g);
}

void TensorTraffic::grow() {
  std::vector<std::unique_ptr<Residence>> larger(std::max<std::size_t>(2 * ring_.size(), 4));
  for (std::int64_t g = base_; g < base_ + queued_; ++g)
    larger[static_cast<std::size_t>(g) & (larger.size() - 1)] =
        std::move(ring_[static_cast<std::size_t>(g) & (ring_.size() - 1)]);
  for (std::unique_ptr<Residence>& r : larger)
    if (r == nullptr) r = std::make_unique<Residence>();
  ring_ = std::move(larger);
}

std::int64_t TensorTraffic::end_of(std::int64_t g) {
  const Residence* next = at(g + 1);
  return next != nullptr && !next->end ? next->step : walker_.step() + 1;
}

std::int64_t TensorTraffic::containing(std::int64_t step) {
  while (walked_step_ < step && generate()) {
  }
  // `step` never goes back for one caller, but siblings ask in turn: search from the end.
  const auto it = std::upper_bound(starts_.begin(), starts_.end(), step);
  return it - starts_.begin() - 1;
}

std::int64_t TensorTraffic::next_read(std::int64_t g) {
  next_read_hint_ = std::max(next_read_hint_, g);
  for (;; ++next_read_hint_) {
    Residence* r = at(next_read_hint_);
    if (r == nullptr || r->end) return kNever;
    if (r->injected > 0) return r->parent;
  }
}

void TensorTraffic::release_before(std::int64_t g) {
  while (base_ < g && queued_ > 0) {
    Residence* r = at(base_);
    ++base_;
    --queued_;
    r->enter.reset();
    r->over_subtrees.clear();
    r->leave.reset();
    r->values.clear();
    r->sums.clear();
    r->readback.clear();
    r->readback_per_child.clear();
    r->injected = r->delivered = r->fresh = 0;
    r->needs_drain = -1;
    r->leave_sums.clear();
    r->leave_injected = r->leave_sent = r->writes = r->accumulations = 0;
    r->end = false;
  }
}

}  // namespace counterpoint::sim
