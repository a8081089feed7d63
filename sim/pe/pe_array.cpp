// SPDX-License-Identifier: Apache-2.0
#include "sim/pe/pe_array.h"

namespace counterpoint::sim {

PeArray::PeArray(const Layer& layer, const std::array<TensorSpace, 3>& spaces,
                 const std::array<LocalSpace, 3>& local, std::int64_t pes, std::size_t arrays,
                 bool carry_data)
    : layer_(layer),
      spaces_(spaces),
      local_(local),
      pes_(pes),
      arrays_(arrays),
      carry_(carry_data),
      dense_(layer.dense()) {
  for (Dim d : {Dim::B, Dim::N, Dim::G, Dim::M, Dim::K, Dim::C}) {
    if (!layer.has(d)) continue;
    for (std::size_t t = 0; t < 3; ++t)
      plain_axis_[plain_.size()][t] = axis_of(workloads::kAllTensors[t], d);
    plain_.push_back(d);
  }
  for (auto& p : placed_) p = {-1, -1};
  for (auto& s : singles_) s.resize(static_cast<std::size_t>(pes));
  for (auto& p : paired_) p[0] = p[1] = {-1, -1};
  for (std::size_t i = plain_.size(); i < 4; ++i) places_[i] = {Place{}};
  if (!layer.has_window()) {
    pairs_[0] = pairs_[1] = {Place{}};
    pair_count_ = {1, 1};
  }
  if (!carry_) return;
  in_.assign(static_cast<std::size_t>(pes * local[0].words) * arrays, 0);
  weight_.assign(static_cast<std::size_t>(pes * local[1].words) * arrays, 0);
  out_.assign(static_cast<std::size_t>(pes * local[2].words) * arrays, 0);
}

int PeArray::axis_of(Tensor t, Dim d) const {
  const auto& axes = spaces_[static_cast<std::size_t>(index(t))].axes;
  for (std::size_t i = 0; i < axes.size(); ++i)
    if (axes[i].dim == d) return static_cast<int>(i);
  return -1;
}

void PeArray::write_operands(Tensor t, const Residence& r) {
  if (!carry_) return;
  std::vector<std::int32_t>& store = t == Tensor::Input ? in_ : weight_;
  const std::int64_t words = local_[static_cast<std::size_t>(index(t))].words;
  const Moves& m = *r.enter;
  const std::size_t arrays = arrays_;
  for (const Chunk& k : m.chunks)
    for (std::int32_t j = k.receivers_first; j < k.receivers_last; ++j) {
      const std::int32_t* local = m.local.data();
      std::int32_t* mine =
          store.data() +
          static_cast<std::size_t>(m.receivers[static_cast<std::size_t>(j)] * words) * arrays;
      if (arrays == 1) {
        for (std::int32_t i = k.first; i < k.last; ++i)
          mine[local[i]] = r.values[static_cast<std::size_t>(i)];
        continue;
      }
      for (std::int32_t i = k.first; i < k.last; ++i)
        std::copy_n(r.values.data() + static_cast<std::size_t>(i) * arrays, arrays,
                    mine + static_cast<std::size_t>(local[i]) * arrays);
    }
}

void PeArray::begin_outputs(const Residence& r) {
  if (!carry_) return;
  const Moves& m = *r.enter;
  for (const Chunk& k : m.chunks) {
    std::int64_t* mine = outputs_of(m.receivers[static_cast<std::size_t>(k.receivers_first)]);
    for (std::int32_t i = k.first; i < k.last; ++i) {
      const std::size_t w = static_cast<std::size_t>(i);
      std::int64_t* word = mine + static_cast<std::size_t>(m.local[w]) * arrays_;
      for (std::size_t a = 0; a < arrays_; ++a)
        word[a] = r.from_parent(w) ? r.sums[w * arrays_ + a] : 0;
    }
  }
}

void PeArray::take_outputs(Residence& r) {
  if (!carry_) return;
  const Moves& m = *r.leave;
  r.leave_sums.resize(m.size() * arrays_);
  for (const Chunk& k : m.chunks) {
    const std::int64_t* mine = outputs_of(m.receivers[static_cast<std::size_t>(k.receivers_first)]);
    for (std::size_t w = static_cast<std::size_t>(k.first); w < static_cast<std::size_t>(k.last);
         ++w)
      std::copy_n(mine + static_cast<std::size_t>(m.local[w]) * arrays_, arrays_,
                  r.leave_sums.data() + w * arrays_);
  }
}

void PeArray::plain_places(std::size_t slot, Range r, Places& out) const {
  out.clear();
  const auto& axis = plain_axis_[slot];
  for (std::int64_t x = r.lo; x < r.hi; ++x) {
    Place p;
    if (axis[0] >= 0) p.in = local_place(Tensor::Input, axis[0], x);
    if (axis[1] >= 0) p.weight = local_place(Tensor::Weight, axis[1], x);
    if (axis[2] >= 0) p.out = local_place(Tensor::Output, axis[2], x);
    out.push_back(p);
  }
}

void PeArray::pair_places(Dim d, Range outs, Range kernel, Places& out) const {
  out.clear();
  const workloads::Window& w = layer_.window(d);
  const int ai = axis_of(Tensor::Input, d), aw = axis_of(Tensor::Weight, d),
            ao = axis_of(Tensor::Output, d);
  for (std::int64_t o = outs.lo; o < outs.hi; ++o)
    for (std::int64_t k = kernel.lo; k < kernel.hi; ++k) {
      const std::int64_t i = window_input(w, o, k);
      if (i < 0) continue;
      out.push_back({local_place(Tensor::Input, ai, i), local_place(Tensor::Weight, aw, k),
                     local_place(Tensor::Output, ao, o)});
    }
}

// Numbers the children's ranges in the dimensions that differ between them, as they lie to those
// of the first active child.
void PeArray::describe_children(const StepWalker& walker) {
  version_ = walker.spatial_version();
  std::vector<std::int64_t> pattern;
  first_ = -1;
  for (std::int64_t p = 0; p < walker.children(); ++p) {
    if (!walker.active(p)) continue;
    if (first_ < 0) first_ = p;
    pattern.push_back(p);
    for (Dim d : workloads::kAllDims) {
      if (!walker.is_spatial(d)) continue;
      const Range r = walker.range(d, p);
      pattern.push_back(r.lo - walker.range(d, first_).lo);
      pattern.push_back(r.size());
    }
  }
  pattern_ = patterns_.emplace(std::move(pattern), static_cast<std::int64_t>(patterns_.size()))
                 .first->second;
}

// Steps with equal keys have equal places.
void PeArray::describe(const StepWalker& walker) {
  if (pattern_ < 0 || version_ != walker.spatial_version()) describe_children(walker);
  key_.clear();
  key_.push_back(pattern_);
  for (std::size_t i = 0; i < plain_.size(); ++i) {
    const Range r = walker.range(plain_[i], first_);
    key_.push_back(r.size());
    if (!carry_) continue;
    for (std::size_t t = 0; t < 3; ++t)
      if (plain_axis_[i][t] >= 0)
        key_.push_back(r.lo % local_[t].cap[static_cast<std::size_t>(plain_axis_[i][t])]);
  }
  if (!layer_.has_window()) return;
  for (const bool rows : {true, false}) {
    const Dim od = rows ? Dim::Y : Dim::X;
    const Range o = walker.range(od, first_), k = walker.range(rows ? Dim::R : Dim::S, first_);
    key_.push_back(o.size());
    key_.push_back(k.size());
    if (!dense_) {
      key_.push_back(o.lo);
      key_.push_back(k.lo);
    } else if (carry_) {
      const auto cap = [&](Tensor t) {
        return local_[static_cast<std::size_t>(index(t))]
            .cap[static_cast<std::size_t>(axis_of(t, od))];
      };
      key_.push_back(window_input(layer_.window(od), o.lo, k.lo) % cap(Tensor::Input));
      key_.push_back(k.lo % cap(Tensor::Weight));
      key_.push_back(o.lo % cap(Tensor::Output));
    }
  }
}

PeArray::Work PeArray::work(const StepWalker& walker) {
  constexpr std::int64_t kMostListed = 1 << 14;  // multiply-accumulates of a step
  describe(walker);
  const Recipe* known = last_ != nullptr && last_key_ == key_ ? last_ : nullptr;
  if (known == nullptr) {
    const auto found = recipes_.find(key_);
    if (found != recipes_.end()) {
      known = last_ = &found->second;
      last_key_ = key_;
    }
  }
  if (known != nullptr) {
    const Recipe& r = *known;
    last_details_ = r.flat || !carry_ ? &r.details : &details_;
    if (!carry_) return r.work;
    if (!r.flat) return execute(walker, nullptr);
    multiply_accumulate(in_.data(), weight_.data(), out_.data(), r.places.data(), r.places.size(),
                        arrays_);
    return r.work;
  }
  Recipe recipe;
  recipe.work = execute(walker, nullptr);
  if (carry_ && recipe.work.total <= kMostListed) {
    listed_.clear();
    listed_end_.clear();
    execute(walker, &recipe);
    recipe.flat = true;
  }
  // Irregular layers may never repeat: forget rather than grow.
  recipe_words_ += 3 * recipe.places.size() + 64;
  if (recipe_words_ > (std::size_t{1} << 22)) {
    recipes_.clear();
    last_ = nullptr;
    recipe_words_ = 3 * recipe.places.size() + 64;
  }
  if (keep_) recipe.details = details_;
  last_details_ = &details_;
  const Work work = recipe.work;
  recipes_.emplace(key_, std::move(recipe));
  return work;
}

void PeArray::keep_details() {
  keep_ = true;
}

// The last multiply-accumulate in the order of the loops.
void PeArray::note(std::int64_t p, std::int64_t macs) {
  PeDetail& d = details_[static_cast<std::size_t>(p)];
  d.macs = macs;
  if (!carry_ || macs == 0) return;
  Place sum;
  for (const Places* list :
       {&places_[0], &places_[1], &places_[2], &places_[3], &pairs_[0], &pairs_[1]}) {
    sum.in += list->back().in;
    sum.weight += list->back().weight;
    sum.out += list->back().out;
  }
  d.input = static_cast<std::int32_t>(p * local_[0].words) + sum.in;
  d.weight = static_cast<std::int32_t>(p * local_[1].words) + sum.weight;
  d.output = static_cast<std::int32_t>(p * local_[2].words) + sum.out;
}

// The products of the places of PE p.
void PeArray::multiply(std::int64_t p) {
  const std::int64_t n = static_cast<std::int64_t>(arrays_);
  const std::int32_t* in = in_.data() + p * local_[0].words * n;
  const std::int32_t* weight = weight_.data() + p * local_[1].words * n;
  std::int64_t* out = out_.data() + p * local_[2].words * n;
  // The innermost loop runs over the columns of the window, else over the last plain dimension.
  const bool single = pairs_[0].size() == 1 && pairs_[1].size() == 1;
  const Places& inner = single ? places_[3] : pairs_[1];
  static const Places kOne{Place{}};
  const Places& last_plain = single ? kOne : places_[3];
  const Place at =
      single ? Place{pairs_[0][0].in + pairs_[1][0].in, pairs_[0][0].weight + pairs_[1][0].weight,
                     pairs_[0][0].out + pairs_[1][0].out}
             : Place{};
  const Places& rows = single ? kOne : pairs_[0];
  for (const Place& a : places_[0])
    for (const Place& b : places_[1])
      for (const Place& c : places_[2]) {
        const Place abc{at.in + a.in + b.in + c.in, at.weight + a.weight + b.weight + c.weight,
                        at.out + a.out + b.out + c.out};
        for (const Place& d : last_plain)
          for (const Place& y : rows) {
            const std::int32_t* in1 = in + (abc.in + d.in + y.in) * n;
            const std::int32_t* weight1 = weight + (abc.weight + d.weight + y.weight) * n;
            std::int64_t* out1 = out + (abc.out + d.out + y.out) * n;
            multiply_accumulate(in1, weight1, out1, inner.data(), inner.size(), arrays_);
          }
      }
}

// Does the step, or with a recipe only writes down how it is done.
PeArray::Work PeArray::execute(const StepWalker& walker, Recipe* recipe) {
  Work result;
  if (keep_) details_.assign(static_cast<std::size_t>(pes_), {});
  const std::array<Dim, 2> outs = {Dim::Y, Dim::X}, kernels = {Dim::R, Dim::S};
  for (std::int64_t p = 0; p < walker.children(); ++p) {
    if (!walker.active(p)) continue;
    std::int64_t macs = 1;
    for (std::size_t i = 0; i < plain_.size(); ++i) {
      const Range r = walker.range(plain_[i], p);
      macs *= r.size();
      if (!carry_ || r == placed_[i]) continue;
      placed_[i] = r;
      if (r.size() != 1) {
        plain_places(i, r, places_[i]);
        continue;
      }
      Single& known = singles_[i][static_cast<std::size_t>(p)];
      if (known.at != r.lo) {
        plain_places(i, r, places_[i]);
        known = {r.lo, places_[i][0]};
      } else {
        places_[i].assign(1, known.place);
      }
    }
    if (layer_.has_window()) {
      for (std::size_t i = 0; i < 2; ++i) {
        const Range o = walker.range(outs[i], p), k = walker.range(kernels[i], p);
        if (o != paired_[i][0] || k != paired_[i][1]) {
          paired_[i] = {o, k};
          if (carry_ || !dense_) {
            pair_places(outs[i], o, k, pairs_[i]);
            pair_count_[i] = static_cast<std::int64_t>(pairs_[i].size());
          } else {
            pair_count_[i] = o.size() * k.size();
          }
        }
        macs *= pair_count_[i];
      }
    }
    result.total += macs;
    if (keep_) note(p, macs);
    result.largest = std::max(result.largest, macs);
    if (!carry_) continue;
    if (recipe != nullptr) {
      const std::int32_t bases[3] = {static_cast<std::int32_t>(p * local_[0].words),
                                     static_cast<std::int32_t>(p * local_[1].words),
                                     static_cast<std::int32_t>(p * local_[2].words)};
      for (const Place& a : places_[0])
        for (const Place& b : places_[1])
          for (const Place& c : places_[2])
            for (const Place& d : places_[3])
              for (const Place& y : pairs_[0])
                for (const Place& x : pairs_[1])
                  listed_.push_back(
                      {bases[0] + a.in + b.in + c.in + d.in + y.in + x.in,
                       bases[1] + a.weight + b.weight + c.weight + d.weight + y.weight + x.weight,
                       bases[2] + a.out + b.out + c.out + d.out + y.out + x.out});
      listed_end_.push_back(static_cast<std::int32_t>(listed_.size()));
      continue;
    }
    multiply(p);
  }
  if (recipe != nullptr) {  // the first of every PE, then the second ...
    for (std::int32_t k = 0;; ++k) {
      bool any = false;
      std::int32_t begin = 0;
      for (std::int32_t end : listed_end_) {
        if (begin + k < end) {
          recipe->places.push_back(listed_[static_cast<std::size_t>(begin + k)]);
          any = true;
        }
        begin = end;
      }
      if (!any) break;
    }
  }
  return result;
}

}  // namespace counterpoint::sim
