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
      depth_(depth),
      network_(machine.network[depth]),
      parent_storage_(machine.storage[depth]),
      child_storage_(machine.storage[depth + 1]),
      children_(children),
      in_flight_(depth == 0 ? parent_storage_.in_flight : 0),
      clock_(hw::clock_ratio(machine.machine, network_)),
      fill_latency_(of_network(network_.latency) + (depth == 0 ? parent_storage_.latency : 0)),
      drain_latency_(network_.latency),
      arrivals_(static_cast<std::size_t>(in_flight_)) {
  if (network_.reduction == hw::Reduction::Chain) drain_latency_ += children - 1;
  if (network_.reduction == hw::Reduction::Tree)
    for (std::int64_t reach = 1; reach < children; reach *= 2) ++drain_latency_;
  drain_latency_ += network_.skew == hw::Network::kChain ? children - 1 : network_.skew;
  drain_latency_ = of_network(drain_latency_);
  if (depth > 0 && (passes_by(Tensor::Input) || passes_by(Tensor::Weight)))
    outer_ = std::make_unique<Durations>(machine, depth - 1, 1);
}

bool Durations::passes_by(Tensor t) const {
  return hw::passes_by(machine_, depth_, at(t));
}

// Cycles of the machine in which the network has counted so many of its own.
std::int64_t Durations::of_network(std::int64_t own) const {
  if (clock_.core == clock_.own) return own;
  const std::int64_t whole = own / clock_.own, rest = own % clock_.own;
  return whole * clock_.core + ceil_div(rest * clock_.core, clock_.own);
}

std::int64_t Durations::bursts(std::int64_t bits, std::int64_t words) const {
  const hw::Burst& burst = network_.burst;
  return burst.bytes ? ceil_div(bits, 8 * burst.size) : ceil_div(words, burst.size);
}

std::int64_t Durations::channel(std::int64_t bits, std::int64_t words, hw::Rate rate) const {
  if (network_.burst.size > 0) {
    words = bursts(bits, words) * network_.burst.size;
    bits = words * 8;
  }
  return of_network(cycles(bits, words, rate));
}

// The requests of a transfer, one after the other: each takes the channel, and waits while as many
// as may be in flight have not arrived.
std::int64_t Durations::requests(std::int64_t count) const {
  const std::int64_t size = network_.burst.size;
  const std::int64_t each = of_network(cycles(size * 8, size, network_.bandwidth));
  std::int64_t free = 0;
  for (std::int64_t j = 0; j < count; ++j) {
    std::int64_t& oldest = arrivals_[static_cast<std::size_t>(j % in_flight_)];
    if (j >= in_flight_) free = std::max(free, oldest);
    free += each;
    oldest = free + fill_latency_;
  }
  return free;
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

// Words through the network (rows of them: in so many cycles), and the port that they come from.
std::int64_t Durations::sent(std::int64_t bits, std::int64_t words, bool port,
                             std::optional<std::int64_t> rows) const {
  std::int64_t inject = rows             ? *rows
                        : in_flight_ > 0 ? requests(bursts(bits, words))
                                         : channel(bits, words, network_.bandwidth);
  if (port) inject = std::max(inject, cycles(bits, words, parent_storage_.read_port));
  return of_network(network_.fill_overhead) + inject;
}

std::int64_t Durations::fill(const std::array<Residence*, 3>& begins,
                             std::optional<std::int64_t> rows) const {
  std::int64_t words = 0, bits = 0;
  bool past = false;  // such a tensor is alone
  for (Tensor x : workloads::kAllTensors) {
    const Residence* r = begins[at(x)];
    if (r == nullptr) continue;
    past = passes_by(x);
    words += r->injected;
    bits += r->injected * width(x);
  }
  if (words == 0) return 0;
  if (rows) {
    const std::int64_t sums = begins[2] == nullptr ? 0 : begins[2]->injected;
    rows = of_network(*rows + cycles(sums * width(Tensor::Output), sums, network_.bandwidth));
  }
  std::int64_t inject = sent(bits, words, !past, rows);
  if (past) inject = std::max(inject, outer_->sent(bits, words, true));
  const std::int64_t overhead = of_network(network_.fill_overhead);
  for (std::size_t i = 0;; ++i) {
    std::int64_t w = 0, b = 0;
    bool some = false;
    for (Tensor x : workloads::kAllTensors) {
      const Residence* r = begins[at(x)];
      if (r == nullptr || i >= r->over_subtrees.size()) continue;
      some = true;
      w += r->over_subtrees[i];
      b += r->over_subtrees[i] * width(x);
    }
    if (!some) break;
    inject = std::max(inject, overhead + of_network(cycles(b, w, network_.subtrees.bandwidth)));
  }
  if (child_storage_.write_port.unlimited()) return inject;
  for (std::size_t p = 0; p < static_cast<std::size_t>(children_); ++p) {
    std::int64_t w = 0, b = 0;
    for (Tensor x : workloads::kAllTensors) {
      if (begins[at(x)] == nullptr) continue;
      w += begins[at(x)]->received(p);
      b += std::int64_t{begins[at(x)]->received(p)} * width(x);
    }
    inject = std::max(inject, overhead + cycles(b, w, child_storage_.write_port));
  }
  return inject;
}

std::int64_t Durations::drain(const Residence& r, std::int64_t rows) const {
  const std::int64_t words = r.leave_injected, bits = hw::drain_bits(machine_, depth_);
  if (words == 0) return 0;
  const hw::Rate rate = network_.drain_bandwidth ? *network_.drain_bandwidth : network_.bandwidth;
  std::int64_t inject = std::max(rows > 0 ? of_network(rows) : channel(words * bits, words, rate),
                                 cycles(words * bits, words, parent_storage_.write_port));
  if (!child_storage_.read_port.unlimited())
    for (std::int32_t n : r.leave->per_child)
      inject = std::max(inject, cycles(n * bits, n, child_storage_.read_port));
  inject = std::max(inject, lines(r, bits));
  return of_network(network_.drain_overhead) + inject;
}

// The words of each line wait for those of the children before on it.
std::int64_t Durations::lines(const Residence& r, std::int64_t bits) const {
  const hw::DrainLines& net = network_.drain_lines;
  if (net.children == 0) return 0;
  std::int64_t longest = 0, end = net.first, words = 0;
  for (std::int64_t p = 0; p < children_; ++p) {
    if (p == end) {
      words = 0;
      end += net.children;
    }
    words += r.leave->per_child[static_cast<std::size_t>(p)];
    longest = std::max(longest, cycles(words * bits, words, net.bandwidth));
  }
  return of_network(longest);
}

// The buffer is the child of the array at depth 0 (its only one), the parent of that at depth 1.
std::int64_t Durations::fill_port(const std::array<Residence*, 3>& begins) const {
  std::int64_t words = 0, bits = 0;
  for (Tensor x : workloads::kAllTensors) {
    const Residence* r = begins[at(x)];
    if (r == nullptr) continue;
    words += r->injected;
    bits += r->injected * width(x);
  }
  return cycles(bits, words, depth_ == 0 ? child_storage_.write_port : parent_storage_.read_port);
}

std::int64_t Durations::drain_port(const Residence& r) const {
  const std::int64_t words = r.leave_injected, bits = hw::drain_bits(machine_, depth_);
  return cycles(words * bits, words,
                depth_ == 0 ? child_storage_.read_port : parent_storage_.write_port);
}

std::int64_t Durations::work(const PeArray::Work& w) const {
  std::int64_t busy = ceil_div(w.largest, machine_.machine.lanes);
  if (busy < machine_.machine.step_minimum) busy = machine_.machine.step_minimum;
  return busy + machine_.machine.step_overhead;
}

}  // namespace counterpoint::sim
