// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/row_memory.h"

#include <algorithm>

#include "sim/control/durations.h"
#include "sim/memory/tensor_space.h"

namespace counterpoint::sim {

namespace {
constexpr std::size_t kMostFound = 256;  // lists of words whose places are kept, of a tensor
}

bool RowMemory::Cache::look(std::int64_t line) const {
  const auto& set = sets[static_cast<std::size_t>(line) % sets.size()];
  return std::find(set.begin(), set.end(), line) != set.end();
}

void RowMemory::Cache::put(std::int64_t line) {
  auto& set = sets[static_cast<std::size_t>(line) % sets.size()];
  if (set.size() < ways) {
    set.push_back(line);
    return;
  }
  const bool carry = (random & 1) != 0;
  random = static_cast<std::uint16_t>(random >> 1);
  if (carry) random ^= 0xB400;
  set[random % ways] = line;
}

RowMemory::RowMemory(const hw::BoundMachine& machine, const Layer& layer)
    : rows_(machine.storage[0].rows),
      read_rate_(machine.network[0].bandwidth),
      write_rate_(machine.network[0].drain_bandwidth.value_or(read_rate_)) {
  for (const hw::Cache& c : rows_.caches) {
    Cache cache;
    cache.ways = static_cast<std::size_t>(c.ways);
    cache.sets.resize(static_cast<std::size_t>(c.sets(rows_.bytes)));
    caches_.push_back(std::move(cache));
  }
  std::int64_t end = 0;
  for (std::size_t t = 0; t < 3; ++t) {
    const Tensor tensor = workloads::kAllTensors[t];
    const TensorSpace space = tensor_space(layer, tensor);
    Area& area = areas_[t];
    area.bits = t == 0   ? machine.machine.bits.input
                : t == 1 ? machine.machine.bits.weight
                         : hw::drain_bits(machine, 0);
    area.afresh = t < 2 && !machine.network[0].reuse[t];
    area.begin = (end + hw::kTensorAlignment - 1) / hw::kTensorAlignment * hw::kTensorAlignment;
    // Outermost first: batches and groups; rows, columns; what remains; the one along the rows.
    const Dim row = workloads::row_dim(layer, tensor);
    for (int rank = 0; rank < 4; ++rank)
      for (const Axis& a : space.axes) {
        int own = 2;
        if (a.kind == Axis::Kind::Window) own = 1;
        if (a.kind == Axis::Kind::Plain && a.dim == row) own = 3;
        if (own == 2 && (a.dim == Dim::B || a.dim == Dim::N || a.dim == Dim::G)) own = 0;
        if (own == rank) area.dimensions.push_back({a.extent, a.stride, 1});
      }
    for (std::size_t d = area.dimensions.size() - 1; d > 0; --d)
      area.dimensions[d - 1].words = area.dimensions[d].words * area.dimensions[d].extent;
    end = area.begin + (space.words * area.bits + 7) / 8;
    const std::int64_t pitch = area.dimensions.back().extent * area.bits;
    for (const hw::Cache& c : rows_.caches) {
      const bool in_turn = c.banks > 0 && pitch % (c.banks * rows_.bytes * 8) == 0;
      area.cycles.push_back(in_turn ? c.bank_cycles : c.cycles);
    }
    area.cycles.push_back(rows_.cycles);
    // What was there before the layer came by once.
    if (t < 2 || writes())
      for (std::int64_t line = area.begin / rows_.bytes; line <= (end - 1) / rows_.bytes; ++line)
        level_of(line);
  }
}

// Where it was found; it is in all caches now.
std::size_t RowMemory::level_of(std::int64_t line) {
  for (std::size_t c = 0; c < caches_.size(); ++c) {
    if (caches_[c].look(line)) return c;
    caches_[c].put(line);
  }
  return caches_.size();
}

std::int64_t RowMemory::Area::place(std::int64_t id) const {
  std::int64_t place = 0;
  for (const Dimension& d : dimensions) place += id / d.number % d.extent * d.words;
  return place;
}

// Words that are shifted in the tensor are shifted in memory.
void RowMemory::find_runs(Area& area, const std::shared_ptr<const Moves>& moves,
                          std::int64_t shift) {
  runs_.clear();
  if (moves->ids.empty()) return;
  const std::int64_t first = area.place(moves->ids[0] + shift);
  const auto known = area.found.find(moves.get());
  if (known != area.found.end()) {
    const std::int64_t by = first - known->second.first;
    for (const Run& r : known->second.runs) runs_.push_back({r.first + by, r.words});
    return;
  }
  sort_runs(area, *moves, shift);
  if (area.afresh) fill_box(area);
  if (area.found.size() >= kMostFound) area.found.clear();
  area.found[moves.get()] = {moves, first, runs_};
}

void RowMemory::sort_runs(const Area& area, const Moves& moves, std::int64_t shift) {
  places_.clear();
  for (const std::int32_t id : moves.ids) places_.push_back(area.place(id + shift));
  std::sort(places_.begin(), places_.end());
  const std::int64_t line = area.dimensions.back().extent;
  for (const std::int64_t place : places_) {
    if (!runs_.empty() && runs_.back().first + runs_.back().words == place &&
        runs_.back().first / line == place / line)
      ++runs_.back().words;
    else
      runs_.push_back({place, 1});
  }
}

// The lines between those that were found, too.
void RowMemory::fill_box(const Area& area) {
  if (runs_.empty()) return;
  const Run any = runs_.front();
  std::vector<Run> box{{any.first % area.dimensions.back().extent, any.words}};
  for (std::size_t d = 0; d + 1 < area.dimensions.size(); ++d) {
    const Dimension& dim = area.dimensions[d];
    std::int64_t low = dim.extent, high = -1;
    for (const Run& r : runs_) {
      const std::int64_t at = r.first / dim.words % dim.extent;
      low = std::min(low, at);
      high = std::max(high, at);
    }
    std::vector<Run> inner;
    for (const Run& r : box)
      for (std::int64_t at = low; at <= high; ++at)
        inner.push_back({r.first + at * dim.words, r.words});
    box = std::move(inner);
  }
  runs_ = std::move(box);
}

std::int64_t RowMemory::read(const std::array<Residence*, 3>& begins) {
  std::int64_t sum = 0;
  for (std::size_t t = 0; t < 2; ++t) {
    if (begins[t] == nullptr || begins[t]->enter->size() == 0) continue;
    Area& area = areas_[t];
    find_runs(area, begins[t]->enter, begins[t]->shift);
    const std::int64_t most = std::max<std::int64_t>(1, 8 * rows_.bytes / area.bits);
    bool more = true;
    for (std::int64_t column = 0; more; ++column) {
      more = false;
      for (const Run& run : runs_) {
        const std::int64_t first = run.first + column * most;
        const std::int64_t words = std::min(most, run.first + run.words - first);
        if (words <= 0) continue;
        more = true;
        std::int64_t longest = Durations::cycles(words * area.bits, words, read_rate_);
        const std::int64_t from = area.begin + first * area.bits / 8;
        const std::int64_t to = area.begin + ((first + words) * area.bits - 1) / 8;
        for (std::int64_t line = from / rows_.bytes; line <= to / rows_.bytes; ++line)
          longest = std::max(longest, area.cycles[level_of(line)]);
        sum += longest;
      }
    }
  }
  return sum;
}

std::int64_t RowMemory::write(const Residence& r) {
  Area& area = areas_[2];
  find_runs(area, r.leave, r.leave_shift);
  const auto line_of = [&](std::int64_t word) {
    return (area.begin + word * area.bits / 8) / rows_.bytes;
  };
  std::int64_t sum = 0;
  for (const Run& run : runs_) {
    const std::int64_t end = run.first + run.words;
    for (std::int64_t first = run.first, next; first < end; first = next) {
      next = first + 1;
      while (next < end && line_of(next) == line_of(first)) ++next;
      const std::int64_t words = next - first;
      sum += std::max(Durations::cycles(words * area.bits, words, write_rate_), rows_.drain_cycles);
      const std::size_t level = level_of(line_of(first));
      if (level > 0) {
        sum += rows_.allocate_cycles;
        if (words * area.bits < 8 * rows_.bytes) sum += area.cycles[level];
      }
    }
  }
  return sum;
}

}  // namespace counterpoint::sim
