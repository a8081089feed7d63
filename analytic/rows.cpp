// SPDX-License-Identifier: Apache-2.0
#include "analytic/rows.h"

#include <algorithm>

#include "analytic/program.h"

namespace counterpoint::analytic {

namespace {

// Batches and groups, then rows and columns, then channels.
int place_in_order(const Axis& axis) {
  if (axis.window) return 1;
  return axis.dim == workloads::Dim::B || axis.dim == workloads::Dim::N ||
                 axis.dim == workloads::Dim::G
             ? 0
             : 2;
}

}  // namespace

MemoryRows::Lines::Lines(const hw::Cache& cache, std::int64_t line_bytes)
    : sets_(cache.sets(line_bytes)),
      ways_(static_cast<std::size_t>(cache.ways)),
      held_(static_cast<std::size_t>(sets_) * ways_, -1) {}

bool MemoryRows::Lines::has(std::int64_t line) const {
  const auto first = held_.begin() + static_cast<std::ptrdiff_t>(set(line));
  const auto end = first + static_cast<std::ptrdiff_t>(ways_);
  return std::find(first, end, line) != end;
}

void MemoryRows::Lines::take(std::int64_t line) {
  std::int64_t* const ways = held_.data() + set(line);
  std::size_t way = static_cast<std::size_t>(std::find(ways, ways + ways_, -1) - ways);
  if (way == ways_) {
    shift_ = shift_ & 1 ? shift_ >> 1 ^ 0xB400u : shift_ >> 1;
    way = shift_ % ways_;
  }
  ways[way] = line;
}

MemoryRows::MemoryRows(const workloads::Mapping& mapping)
    : rows_(mapping.machine.storage[0].rows), bandwidth_(mapping.machine.network[0].bandwidth) {
  if (!any()) return;
  const hw::BoundMachine& machine = mapping.machine;
  drain_bandwidth_ = machine.network[0].drain_bandwidth.value_or(bandwidth_);
  for (const hw::Cache& cache : rows_.caches) caches_.emplace_back(cache, rows_.bytes);
  const hw::WordBits& bits = machine.machine.bits;
  std::int64_t end = 0;
  for (Tensor t : workloads::kAllTensors) {
    end = ceil_div(end, hw::kTensorAlignment) * hw::kTensorAlignment;
    const std::int64_t first = end / rows_.bytes;
    end = add(mapping.layer, t,
              t == Tensor::Input    ? bits.input
              : t == Tensor::Weight ? bits.weight
                                    : hw::drain_bits(machine, 0),
              end);
    if (caches_.empty() || (t == Tensor::Output && !writes())) continue;
    for (std::int64_t line = first; line * rows_.bytes < end; ++line) find(line);
  }
}

// Returns the byte after its last one.
std::int64_t MemoryRows::add(const workloads::Layer& layer, Tensor t, std::int64_t bits,
                             std::int64_t base) {
  Place& p = places_[static_cast<std::size_t>(index(t))];
  p.bits = bits;
  p.base = base;
  const std::vector<Axis> axes = axes_of(layer, t);
  const Box whole = layer.whole();
  for (std::size_t a = 0; a < axes.size(); ++a) {
    if (!axes[a].window && axes[a].dim == workloads::row_dim(layer, t))
      p.along = a;
    else
      p.order.push_back(a);
  }
  std::stable_sort(p.order.begin(), p.order.end(), [&](std::size_t a, std::size_t b) {
    return place_in_order(axes[a]) < place_in_order(axes[b]);
  });
  const auto extent = [&](const Axis& axis) {
    if (!axis.window || axis.side == Side::Output) return whole[axis.dim].size();
    return axis.side == Side::Kernel ? whole[kernel_of(axis.dim)].size()
                                     : layer.window(axis.dim).extent;
  };
  p.pitch.assign(axes.size(), 1);
  const std::int64_t line = extent(axes[p.along]);
  std::int64_t words = line;
  for (std::size_t i = p.order.size(); i-- > 0;) {
    p.pitch[p.order[i]] = words;
    words *= extent(axes[p.order[i]]);
  }
  for (const hw::Cache& cache : rows_.caches) {
    const bool one_bank = cache.banks > 0 && line * bits % (8 * cache.banks * rows_.bytes) == 0;
    p.cycles.push_back(one_bank ? cache.bank_cycles : cache.cycles);
  }
  p.cycles.push_back(rows_.cycles);
  return base + ceil_div(words * bits, 8);
}

// Of the lines of a tile: without those that `kept` has as they are; with those that lie between.
void MemoryRows::find_starts(const Place& place, const TensorTiles& tiles, const TensorTiles* kept,
                             bool box) {
  const Progression& row = tiles.common[place.along];
  if (kept != nullptr && !(kept->common[place.along] == row)) kept = nullptr;
  starts_.clear();
  struct Line {
    std::int64_t word;
    bool kept;
  };
  std::vector<Line> lines{{row.at(0), kept != nullptr}}, longer;
  for (const std::size_t a : place.order) {
    const Progression& members = tiles.common[a];
    const std::int64_t count =
        box ? members.at(members.count() - 1) - members.at(0) + 1 : members.count();
    longer.clear();
    for (const Line& l : lines)
      for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t v = box ? members.at(0) + i : members.at(i);
        longer.push_back({l.word + v * place.pitch[a], l.kept && kept->common[a].contains(v)});
      }
    lines.swap(longer);
  }
  for (const Line& l : lines)
    if (!l.kept) starts_.push_back(l.word);
}

// The cache that has a line, or the number of caches. Then all have it.
std::size_t MemoryRows::find(std::int64_t line) {
  std::size_t c = 0;
  while (c < caches_.size() && !caches_[c].has(line)) ++c;
  for (std::size_t before = 0; before < c; ++before) caches_[before].take(line);
  return c;
}

// What is read of a line at once takes as long as the slowest part of it.
std::int64_t MemoryRows::row(const Place& place, std::int64_t word, std::int64_t words) {
  std::int64_t cycles = rate_cycles(bandwidth_, words, words * place.bits);
  const std::int64_t end = place.base + ceil_div((word + words) * place.bits, 8);
  for (std::int64_t line = place.byte(word) / rows_.bytes; line * rows_.bytes < end; ++line)
    cycles = std::max(cycles, place.cycles[find(line)]);
  return cycles;
}

std::int64_t MemoryRows::read(Tensor t, const StepTiles& held, const StepTiles& next, bool afresh) {
  const std::size_t x = static_cast<std::size_t>(index(t));
  const Place& place = places_[x];
  find_starts(place, next.tensor[x], held.valid && !afresh ? &held.tensor[x] : nullptr, afresh);
  const std::int64_t count = next.tensor[x].common[place.along].count();
  const std::int64_t most = std::max<std::int64_t>(1, rows_.bytes * 8 / place.bits);
  std::int64_t cycles = 0;
  for (std::int64_t i = 0; i < count; i += most)
    for (const std::int64_t start : starts_)
      cycles += row(place, start + i, std::min(most, count - i));
  return cycles;
}

std::int64_t MemoryRows::write(const StepTiles& held, const StepTiles& next) {
  const Place& place = places_[2];
  find_starts(place, held.tensor[2], next.valid ? &next.tensor[2] : nullptr, false);
  const std::int64_t count = held.tensor[2].common[place.along].count();
  std::int64_t cycles = 0;
  for (const std::int64_t start : starts_)
    for (std::int64_t word = start, end = start + count, after; word < end; word = after) {
      const std::int64_t line = place.byte(word) / rows_.bytes;
      const std::int64_t bits_to_its_end = ((line + 1) * rows_.bytes - place.base) * 8;
      after = std::min(end, ceil_div(bits_to_its_end, place.bits));
      const std::int64_t words = after - word, bits = words * place.bits;
      cycles += std::max(rate_cycles(drain_bandwidth_, words, bits), rows_.drain_cycles);
      const std::size_t found = find(line);
      if (found == 0) continue;
      cycles += rows_.allocate_cycles;
      if (bits < rows_.bytes * 8) cycles += place.cycles[found];
    }
  return cycles;
}

}  // namespace counterpoint::analytic
