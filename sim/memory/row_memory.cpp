// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/row_memory.h"

#include <algorithm>

#include "sim/control/durations.h"
#include "sim/memory/tensor_space.h"

namespace counterpoint::sim {

RowMemory::RowMemory(const hw::BoundMachine& machine, const Layer& layer)
    : rows_(machine.storage[0].rows),
      bandwidth_(machine.network[0].bandwidth),
      drain_bandwidth_(machine.network[0].drain_bandwidth.value_or(bandwidth_)) {
  along_ = along(layer, Tensor::Output);
  for (std::size_t t = 0; t < 2; ++t) {
    const Tensor tensor = workloads::kAllTensors[t];
    Operand& o = operands_[t];
    o.bits = t == 0 ? machine.machine.bits.input : machine.machine.bits.weight;
    o.along = along(layer, tensor);
    const std::int64_t words = tensor_space(layer, tensor).words;
    o.used.assign(static_cast<std::size_t>(words), 0);
    operand_bytes_ += words * o.bits / 8;
  }
}

RowMemory::Along RowMemory::along(const Layer& layer, Tensor t) {
  Along found;
  for (const Axis& a : tensor_space(layer, t).axes)
    if (a.kind == Axis::Kind::Plain && a.dim == workloads::row_dim(layer, t))
      found = {a.extent, a.stride};
  return found;
}

std::int64_t RowMemory::read(const std::array<Residence*, 3>& begins) {
  ++transfer_;
  std::int64_t thousandths = 0;
  for (std::size_t t = 0; t < 2; ++t)
    if (begins[t] != nullptr) thousandths += read(operands_[t], operands_[1 - t], *begins[t]);
  return thousandths;
}

template <class Id>
void RowMemory::place(std::size_t words, const Along& rows, Id id) {
  places_.clear();
  for (std::size_t w = 0; w < words; ++w) {
    const std::int64_t number = id(w), along = number / rows.stride % rows.extent;
    places_.push_back({number - along * rows.stride, along});
  }
  std::sort(places_.begin(), places_.end());
}

// After the words that are neighbours of the first one.
std::size_t RowMemory::line_end(std::size_t first) const {
  std::size_t end = first + 1;
  while (end < places_.size() && places_[end].line == places_[first].line &&
         places_[end].along == places_[end - 1].along + 1)
    ++end;
  return end;
}

std::int64_t RowMemory::write(const Residence& r, std::int64_t bits) {
  if (rows_.drain_cycles == 0) return 0;
  place(r.leave->size(), along_, [&](std::size_t w) { return r.leave_id(w); });
  const std::size_t most =
      static_cast<std::size_t>(std::max<std::int64_t>(1, 8 * rows_.bytes / bits));
  std::int64_t cycles = 0;
  for (std::size_t first = 0, end; first < places_.size(); first = end) {
    end = std::min(line_end(first), first + most);
    const std::int64_t words = static_cast<std::int64_t>(end - first);
    cycles +=
        std::max(rows_.drain_cycles, Durations::cycles(words * bits, words, drain_bandwidth_));
  }
  return cycles;
}

std::int64_t RowMemory::read(Operand& operand, const Operand& other, const Residence& r) {
  place(r.enter->size(), operand.along, [&](std::size_t w) { return r.id(w); });
  const std::int64_t most = std::max<std::int64_t>(1, 8 * rows_.bytes / operand.bits);
  std::int64_t thousandths = 0;
  for (std::size_t first = 0, end; first < places_.size(); first = end) {
    end = line_end(first);
    const std::int64_t words = static_cast<std::int64_t>(end - first);
    if (operand.together == 0) {
      const std::int64_t bytes = (words * operand.bits + 7) / 8;
      operand.together = (bytes + rows_.bytes - 1) / rows_.bytes * rows_.bytes;
      std::int64_t apart = 1;  // the power of two in the pitch
      for (std::int64_t pitch = operand.along.extent * operand.bits / 8;
           pitch > 0 && pitch % 2 == 0; pitch /= 2)
        apart *= 2;
      operand.sets = std::max<std::int64_t>(1, apart / operand.together);
    }
    const std::int64_t set =
        places_[first].along * operand.bits / 8 / operand.together % operand.sets;
    for (std::int64_t i = 0; i < words; i += most)
      thousandths += row(operand, other, set, places_[first + static_cast<std::size_t>(i)],
                         std::min(most, words - i));
  }
  return thousandths;
}

// What a row takes, from its first word on.
std::int64_t RowMemory::row(Operand& operand, const Operand& other, std::int64_t set,
                            const Place& first, std::int64_t words) {
  const std::int64_t bits = words * operand.bits;
  const std::int64_t least = Durations::cycles(bits, words, bandwidth_);
  const auto takes = [&](std::int64_t cycles) { return std::max(cycles, least); };
  std::int32_t& used =
      operand.used[static_cast<std::size_t>(first.line + first.along * operand.along.stride)];
  Counts& same = operand.of_set[set];
  std::int64_t missing = 1000, thousandths = 0;
  for (std::size_t c = 0; c < rows_.caches.size(); ++c) {
    const std::int64_t asked =
        used == 0 ? operand_bytes_
                  : (since(other.all, used, c) + operand.sets * since(same, used, c)) / 1000;
    const std::int64_t hits = hw::hits_of_thousand(asked, rows_.caches[c].capacity_bytes);
    ask(operand.all, c, bits * missing / 8);
    ask(same, c, bits * missing / 8);
    const std::int64_t found = missing + hits - 1000;  // here, and in no cache before
    if (found <= 0) continue;
    thousandths += found * takes(rows_.caches[c].cycles);
    missing -= found;
  }
  used = transfer_;
  return thousandths + missing * takes(rows_.cycles);
}

// From the beginning of that transfer to the beginning of this one.
std::int64_t RowMemory::since(const Counts& counts, std::int32_t transfer,
                              std::size_t cache) const {
  const auto until = [&](std::int32_t n) {
    const auto first =
        std::lower_bound(counts.begin(), counts.end(), n,
                         [](const Count& c, std::int32_t of) { return c.transfer < of; });
    return first == counts.begin() ? 0 : (first - 1)->asked[cache];
  };
  return until(transfer_) - until(transfer);
}

void RowMemory::ask(Counts& counts, std::size_t cache, std::int64_t amount) const {
  if (counts.empty()) counts.push_back({transfer_, std::vector<std::int64_t>(rows_.caches.size())});
  if (counts.back().transfer != transfer_) {
    counts.push_back(counts.back());
    counts.back().transfer = transfer_;
  }
  counts.back().asked[cache] += amount;
}

}  // namespace counterpoint::sim
