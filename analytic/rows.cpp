// SPDX-License-Identifier: Apache-2.0
#include "analytic/rows.h"

#include "analytic/program.h"

namespace counterpoint::analytic {

namespace {

// Which axis of a tensor its rows lie along.
std::size_t row_axis(const workloads::Layer& layer, Tensor t, const std::vector<Axis>& axes) {
  std::size_t a = 0;
  while (axes[a].window || axes[a].dim != workloads::row_dim(layer, t)) ++a;
  return a;
}

}  // namespace

void RowReader::History::add(Step step, const std::vector<std::int64_t>& asked) {
  const std::size_t caches = asked.size(), n = sums_.size();
  steps_.push_back(step);
  for (std::size_t c = 0; c < caches; ++c)
    sums_.push_back(asked[c] + (n == 0 ? 0 : sums_[n - caches + c]));
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
    o.inner = row_axis(layer, tensor, o.axes);
    for (const Axis& axis : o.axes)
      o.extent.push_back(!axis.window                ? whole[axis.dim].size()
                         : axis.side == Side::Kernel ? whole[kernel_of(axis.dim)].size()
                                                     : layer.window(axis.dim).extent);
    o.pitch = o.extent[o.inner] * o.bits / 8;
    const std::int64_t words = stored_words(layer, tensor);
    o.last.assign(static_cast<std::size_t>(words), kNever);
    footprint_ += words * o.bits / 8;
  }
  found_.resize(rows_.caches.size());
  const hw::Network& network = mapping.machine.network[0];
  drain_bandwidth_ = network.drain_bandwidth.value_or(network.bandwidth);
  output_axis_ = row_axis(layer, Tensor::Output, axes_of(layer, Tensor::Output));
}

// Lines that lie a multiple of a power of two apart meet in the same sets.
void RowReader::divide(Operand& operand, const Progression& row) const {
  operand.width = ceil_div(row.count() * operand.bits, rows_.bytes * 8) * rows_.bytes;
  const std::int64_t power = operand.pitch & -operand.pitch;
  operand.parts = std::max<std::int64_t>(1, power / operand.width);
}

void RowReader::find(const Operand& mine, const Operand& other, const History& same, Step last) {
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

// Lines leave with all words that the tile has of them.
std::int64_t RowReader::write(const StepTiles& held, std::int64_t words, std::int64_t bits) const {
  const std::int64_t line = held.tensor[2].common[output_axis_].count();
  const std::int64_t most = std::max<std::int64_t>(1, rows_.bytes * 8 / bits);
  const auto row = [&](std::int64_t n) {
    return n == 0 ? 0 : std::max(rate_cycles(drain_bandwidth_, n, n * bits), rows_.drain_cycles);
  };
  return words / line * (line / most * row(most) + row(line % most));
}

// In thousandths of a cycle.
std::int64_t RowReader::row_time(std::int64_t words, std::int64_t bits) const {
  const std::int64_t least = rate_cycles(bandwidth_, words, bits);
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
  History& same = o.by_part[row.at(0) * o.bits / 8 / o.width % o.parts];
  std::vector<std::int64_t> asked(found_.size());
  for (;;) {
    bool stays = kept;
    std::int64_t first = 0;
    for (std::size_t a = 0; a < n; ++a) {
      const std::int64_t v = a == o.inner ? 0 : to[a].at(at_[a]);
      if (a != o.inner && stays) stays = from[a].contains(v);
      first = first * o.extent[a] + v;
    }
    for (std::int64_t i = 0; !stays && i < row.count(); i += most) {
      Step& last = o.last[static_cast<std::size_t>(first + row.at(i) * apart)];
      if (!known || known_last != last) find(o, operands_[1 - x], same, last);
      known = true;
      known_last = last;
      const std::int64_t words = std::min(most, row.count() - i), bits = words * o.bits;
      time += row_time(words, bits);
      for (std::size_t c = 0; c < asked.size(); ++c)
        asked[c] += bits * (1000 - (c == 0 ? 0 : found_[c - 1])) / 8;
      last = now_;
    }
    std::size_t a = n;
    while (a-- > 0) {
      if (a == o.inner) continue;
      if (++at_[a] < to[a].count()) break;
      at_[a] = 0;
    }
    if (a == static_cast<std::size_t>(-1)) break;
  }
  o.all.add(now_, asked);
  same.add(now_, asked);
  return time;
}

}  // namespace counterpoint::analytic
