// SPDX-License-Identifier: Apache-2.0
#include "analytic/rows.h"

namespace counterpoint::analytic {

namespace {

std::int64_t member(const Progression& p, std::int64_t i) {
  return p.listed ? p.members[static_cast<std::size_t>(i)] : p.step * (p.lo + i) + p.residue;
}

bool contains(const Progression& p, std::int64_t v) {
  if (p.listed) return std::binary_search(p.members.begin(), p.members.end(), v);
  const std::int64_t i = floor_div(v - p.residue, p.step);
  return i >= p.lo && i < p.hi && i * p.step + p.residue == v;
}

}  // namespace

void RowReader::History::add(Step step, std::size_t cache, std::size_t caches,
                             std::int64_t amount) {
  if (steps_.empty() || steps_.back() != step) {
    steps_.push_back(step);
    const std::size_t n = sums_.size();
    sums_.resize(n + caches, 0);
    if (n > 0)
      std::copy(sums_.begin() + static_cast<std::ptrdiff_t>(n - caches),
                sums_.begin() + static_cast<std::ptrdiff_t>(n),
                sums_.begin() + static_cast<std::ptrdiff_t>(n));
  }
  sums_[sums_.size() - caches + cache] += amount;
}

std::int64_t RowReader::History::before(Step step, std::size_t cache, std::size_t caches) const {
  const auto n = static_cast<std::size_t>(std::lower_bound(steps_.begin(), steps_.end(), step) -
                                          steps_.begin());
  return n == 0 ? 0 : sums_[(n - 1) * caches + cache];
}

RowReader::RowReader(const workloads::Mapping& mapping)
    : rows_(mapping.machine.storage[0].rows), bandwidth_(mapping.machine.network[0].bandwidth) {
  if (!any()) return;
  const workloads::Layer& layer = mapping.layer;
  const Box whole = layer.whole();
  for (std::size_t t = 0; t < 2; ++t) {
    const Tensor tensor = workloads::kAllTensors[t];
    const hw::WordBits& bits = mapping.machine.machine.bits;
    Operand& o = operands_[t];
    o.bits = t == 0 ? bits.input : bits.weight;
    o.axes = axes_of(layer, tensor);
    std::int64_t words = 1;
    for (std::size_t a = 0; a < o.axes.size(); ++a) {
      const Axis& axis = o.axes[a];
      if (!axis.window && axis.dim == workloads::row_dim(layer, tensor)) o.inner = a;
      o.extent.push_back(!axis.window                ? whole[axis.dim].size()
                         : axis.side == Side::Kernel ? whole[kernel_of(axis.dim)].size()
                                                     : layer.window(axis.dim).extent);
      words *= o.extent.back();
    }
    o.pitch = o.extent[o.inner] * o.bits / 8;
    o.last.assign(static_cast<std::size_t>(words), kNever);
    footprint_ += words * o.bits / 8;
  }
  found_.resize(rows_.caches.size());
  const hw::Network& network = mapping.machine.network[0];
  drain_bandwidth_ = network.drain_bandwidth.value_or(network.bandwidth);
  const std::vector<Axis> axes = axes_of(layer, Tensor::Output);
  for (std::size_t a = 0; a < axes.size(); ++a)
    if (!axes[a].window && axes[a].dim == workloads::row_dim(layer, Tensor::Output))
      output_axis_ = a;
}

// Lines that lie a multiple of a power of two apart meet in the same sets.
void RowReader::divide(Operand& operand, const Progression& row) const {
  operand.width = ceil_div(row.count() * operand.bits, rows_.bytes * 8) * rows_.bytes;
  const std::int64_t power = operand.pitch & -operand.pitch;
  operand.parts = std::max<std::int64_t>(1, power / operand.width);
}

void RowReader::find(std::size_t t, std::int64_t part, Step last) {
  Operand& mine = operands_[t];
  const Operand& other = operands_[1 - t];
  const History& same = mine.by_part[part];
  const std::size_t caches = rows_.caches.size();
  std::int64_t before = 0;
  for (std::size_t c = 0; c < caches; ++c) {
    std::int64_t asked = footprint_;
    if (last != kNever) {
      const auto since = [&](const History& h) {
        return h.before(now_, c, caches) - h.before(last, c, caches);
      };
      asked = (since(other.all) + mine.parts * since(same)) / 1000;
    }
    before =
        std::max<std::int64_t>(before, hw::hits_of_thousand(asked, rows_.caches[c].capacity_bytes));
    found_[c] = before;
  }
}

std::int64_t RowReader::channel_time(const hw::Rate& rate, std::int64_t words, std::int64_t bits) {
  if (rate.unlimited()) return 0;
  return rate.bytes ? ceil_div(bits * 1000, rate.per_kcycle * 8)
                    : ceil_div(words * 1000, rate.per_kcycle);
}

// Lines leave with all words that the tile has of them.
std::int64_t RowReader::write(const StepTiles& held, std::int64_t words, std::int64_t bits) const {
  const std::int64_t line = held.tensor[2].common[output_axis_].count();
  const std::int64_t most = std::max<std::int64_t>(1, rows_.bytes * 8 / bits);
  const auto row = [&](std::int64_t n) {
    return n == 0 ? 0 : std::max(channel_time(drain_bandwidth_, n, n * bits), rows_.drain_cycles);
  };
  return words / line * (line / most * row(most) + row(line % most));
}

// In thousandths of a cycle.
std::int64_t RowReader::row_time(std::int64_t words, std::int64_t bits) const {
  const std::int64_t least = channel_time(bandwidth_, words, bits);
  std::int64_t time = 0, before = 0;
  for (std::size_t c = 0; c < rows_.caches.size(); ++c) {
    time += (found_[c] - before) * std::max(least, rows_.caches[c].cycles);
    before = found_[c];
  }
  return time + (1000 - before) * std::max(least, rows_.cycles);
}

std::int64_t RowReader::read(Tensor t, const StepTiles& held, const StepTiles& next, bool afresh) {
  const std::size_t x = static_cast<std::size_t>(index(t));
  Operand& o = operands_[x];
  const auto& to = next.tensor[x].common;
  const auto& from = held.tensor[x].common;
  const std::size_t n = o.axes.size();
  const Progression& row = to[o.inner];
  if (o.width == 0) divide(o, row);
  const bool kept = held.valid && !afresh && from[o.inner] == row;
  const std::int64_t most = std::max<std::int64_t>(1, rows_.bytes * 8 / o.bits);
  std::int64_t apart = 1;  // of neighbours in a row, as numbers
  for (std::size_t a = o.inner + 1; a < n; ++a) apart *= o.extent[a];
  at_.assign(n, 0);
  std::int64_t time = 0;
  bool known = false;
  Step known_last = kNever;
  const std::int64_t part = member(row, 0) * o.bits / 8 / o.width % o.parts;
  for (;;) {
    bool stays = kept;
    std::int64_t first = 0;
    for (std::size_t a = 0; a < n; ++a) {
      const std::int64_t v = a == o.inner ? 0 : member(to[a], at_[a]);
      if (a != o.inner && stays) stays = contains(from[a], v);
      first = first * o.extent[a] + v;
    }
    for (std::int64_t i = 0; !stays && i < row.count(); i += most) {
      Step& last = o.last[static_cast<std::size_t>(first + member(row, i) * apart)];
      if (!known || known_last != last) find(x, part, last);
      known = true;
      known_last = last;
      const std::int64_t words = std::min(most, row.count() - i), bits = words * o.bits;
      time += row_time(words, bits);
      for (std::size_t c = 0; c < found_.size(); ++c) {
        const std::int64_t asks = bits * (1000 - (c == 0 ? 0 : found_[c - 1])) / 8;
        o.all.add(now_, c, found_.size(), asks);
        o.by_part[part].add(now_, c, found_.size(), asks);
      }
      last = now_;
    }
    std::size_t a = n;
    while (a-- > 0) {
      if (a == o.inner) continue;
      if (++at_[a] < to[a].count()) break;
      at_[a] = 0;
    }
    if (a == static_cast<std::size_t>(-1)) return time;
  }
}

}  // namespace counterpoint::analytic
