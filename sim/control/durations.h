// SPDX-License-Identifier: Apache-2.0
// How many cycles the transfers, drains and steps of one array take (docs/machine.md, section 4).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "hw/machine.h"
#include "sim/control/traffic.h"
#include "sim/pe/pe_array.h"

namespace counterpoint::sim {

class Durations {
 public:
  /// Of the array of `children` whose unit is at `depth`.
  Durations(const hw::BoundMachine& machine, std::size_t depth, std::int64_t children);

  /// Bits of a word on its way to the children.
  int width(Tensor t) const;
  /// Cycles in which a transfer is injected: `begins` are the residences whose words it carries,
  /// by tensor, null for those that it does not; `rows` cycles of the network are what its inputs
  /// and weights take if they are read in rows.
  std::int64_t fill(const std::array<Residence*, 3>& begins,
                    std::optional<std::int64_t> rows = std::nullopt) const;
  /// Cycles in which the drain is injected that leaves when residence `r` begins; `rows` cycles of
  /// the network are what it takes if it is written in rows.
  std::int64_t drain(const Residence& r, std::int64_t rows = 0) const;
  /// Of these, the cycles in which the port of the global buffer is taken.
  std::int64_t fill_port(const std::array<Residence*, 3>& begins) const;
  std::int64_t drain_port(const Residence& r) const;
  std::int64_t work(const PeArray::Work& w) const;

  /// From the end of the injection to the arrival.
  std::int64_t fill_latency(Tensor t) const {
    return fill_latency_ + (passes_by(t) ? outer_->fill_latency_ : 0);
  }
  /// Whether the unit does not hold the tensor: it comes over the network above, too.
  bool passes_by(Tensor t) const;
  std::int64_t drain_latency() const { return drain_latency_; }
  /// Of so many bits and words at a rate; 0 if it is unlimited.
  static std::int64_t cycles(std::int64_t bits, std::int64_t words, hw::Rate rate);

 private:
  std::int64_t of_network(std::int64_t cycles) const;
  std::int64_t bursts(std::int64_t bits, std::int64_t words) const;
  std::int64_t channel(std::int64_t bits, std::int64_t words, hw::Rate rate) const;
  std::int64_t requests(std::int64_t count) const;
  std::int64_t lines(const Residence& r, std::int64_t bits) const;
  std::int64_t sent(std::int64_t bits, std::int64_t words, bool port,
                    std::optional<std::int64_t> rows = std::nullopt) const;

  const hw::BoundMachine& machine_;
  std::size_t depth_;
  const hw::Network& network_;
  const hw::Storage& parent_storage_;
  const hw::Storage& child_storage_;
  std::int64_t children_;
  std::unique_ptr<Durations> outer_;  // of the network above, if a tensor passes the unit by
  std::int64_t in_flight_;
  hw::ClockRatio clock_;
  std::int64_t fill_latency_, drain_latency_;
  mutable std::vector<std::int64_t> arrivals_;  // of the requests in flight
};

}  // namespace counterpoint::sim
