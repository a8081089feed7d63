// SPDX-License-Identifier: Apache-2.0
#include "sim/control/durations.h"

#include <algorithm>

namespace counterpoint::sim {

namespace {
std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}
std::size_t at(Tensor t) {
  return static_cast<std::size_t>(index(t));
}
}  // namespace

Durations::Durations(const hw::BoundMachine& machine, std::size_t depth, std::int64_t children)
    : machine_(machine),
      network_(machine.network[depth]),
      parent_storage_(machine.storage[depth]),
      child_storage_(machine.storage[depth + 1]),
      children_(children),
      fill_latency_(network_.latency + (depth == 0 ? parent_storage_.latency : 0)),
      drain_latency_(network_.latency) {
  if (network_.reduction == hw::Reduction::Chain) drain_latency_ += children - 1;
  if (network_.reduction == hw::Reduction::Tree)
    for (std::int64_t reach = 1; reach < children; reach *= 2) ++drain_latency_;
}

int Durations::width(Tensor t) const {
  const hw::WordBits& b = machine_.machine.bits;
  return t == Tensor::Input ? b.input : t == Tensor::Weight ? b.weight : b.psum;
}

std::int64_t Durations::cycles(std::int64_t bits, std::int64_t words, hw::Rate rate) {
  if (rate.unlimited()) return 0;
  return rate.bytes ? ceil_div(bits * 1000, rate.per_kcycle * 8)
                    : ceil_div(words * 1000, rate.per_kcycle);
}

std::int64_t Durations::fill(const std::array<Residence*, 3>& begins) const {
  std::int64_t words = 0, bits = 0;
  for (Tensor x : workloads::kAllTensors) {
    const Residence* r = begins[at(x)];
    if (r == nullptr) continue;
    words += r->injected;
    bits += r->injected * width(x);
  }
  if (words == 0) return 0;
  std::int64_t inject = std::max(cycles(bits, words, network_.bandwidth),
                                 cycles(bits, words, parent_storage_.read_port));
  if (child_storage_.write_port.unlimited()) return inject;
  for (std::size_t p = 0; p < static_cast<std::size_t>(children_); ++p) {
    std::int64_t w = 0, b = 0;
    for (Tensor x : workloads::kAllTensors) {
      if (begins[at(x)] == nullptr) continue;
      w += begins[at(x)]->received(p);
      b += std::int64_t{begins[at(x)]->received(p)} * width(x);
    }
    inject = std::max(inject, cycles(b, w, child_storage_.write_port));
  }
  return inject;
}

std::int64_t Durations::drain(const Residence& r) const {
  const std::int64_t words = r.leave_injected, bits = width(Tensor::Output);
  if (words == 0) return 0;
  std::int64_t inject = std::max(cycles(words * bits, words, network_.bandwidth),
                                 cycles(words * bits, words, parent_storage_.write_port));
  if (!child_storage_.read_port.unlimited())
    for (std::int32_t n : r.leave->per_child)
      inject = std::max(inject, cycles(n * bits, n, child_storage_.read_port));
  return inject;
}

std::int64_t Durations::work(const PeArray::Work& w) const {
  return ceil_div(w.largest, machine_.machine.lanes);
}

}  // namespace counterpoint::sim
