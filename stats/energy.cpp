// SPDX-License-Identifier: Apache-2.0
#include "stats/energy.h"

namespace counterpoint::stats {

namespace {

using PerTensor = std::array<double, kTensors>;
using Bits = std::array<int, kTensors>;

// Finished outputs may leave narrower than partial sums: what a drain costs less.
double narrower(const hw::BoundMachine& machine, std::size_t network, double each, int of_bits,
                const Bits& bits) {
  return hw::scaled_energy(each, of_bits, hw::drain_bits(machine, network)) -
         hw::scaled_energy(each, of_bits, bits[2]);
}

PerTensor of_storage(const hw::BoundMachine& machine, const LayerResult& result, std::size_t i,
                     const Bits& bits) {
  const hw::AccessEnergy& a = machine.storage[i].energy;
  const StorageResult& counts = result.storage[i];
  PerTensor e{};
  for (std::size_t t = 0; t < kTensors; ++t)
    e[t] = static_cast<double>(counts.access[t].reads()) *
               hw::scaled_energy(a.read_pj, a.bits, bits[t]) +
           static_cast<double>(counts.access[t].writes()) *
               hw::scaled_energy(a.write_pj, a.bits, bits[t]);
  const AccessCounts& out = counts.access[2];
  if (i > 0)
    e[2] += static_cast<double>(out.drain_read) * narrower(machine, i - 1, a.read_pj, a.bits, bits);
  if (i < result.network.size())
    e[2] += static_cast<double>(out.drain_write) * narrower(machine, i, a.write_pj, a.bits, bits);
  return e;
}

PerTensor of_network(const hw::BoundMachine& machine, const LayerResult& result, std::size_t i,
                     const Bits& bits) {
  const hw::Network& n = machine.network[i];
  const NetworkResult& counts = result.network[i];
  PerTensor e{};
  for (std::size_t t = 0; t < kTensors; ++t)
    e[t] = static_cast<double>(counts.link[t].hops) *
           hw::scaled_energy(n.energy_per_hop_pj, n.energy_bits, bits[t]);
  const LinkCounts& out = counts.link[2];
  const std::int64_t up = n.topology == hw::Topology::Bus ? out.drain_injected : out.drain_senders;
  e[2] += static_cast<double>(up) * narrower(machine, i, n.energy_per_hop_pj, n.energy_bits, bits);
  return e;
}

}  // namespace

double Energy::total() const {
  double sum = macs + leakage;
  for (const auto* levels : {&storage, &network})
    for (const Level& l : *levels)
      for (double x : l.tensor) sum += x;
  return sum;
}

Energy energy(const hw::BoundMachine& machine, const LayerResult& result) {
  Energy e;
  e.unit = machine.machine.energy.unit;
  const std::array<int, kTensors> bits = {machine.machine.bits.input, machine.machine.bits.weight,
                                          machine.machine.bits.psum};
  for (std::size_t i = 0; i < result.storage.size(); ++i)
    e.storage.push_back({result.storage[i].name, of_storage(machine, result, i, bits)});
  for (std::size_t i = 0; i < result.network.size(); ++i)
    e.network.push_back({result.network[i].name, of_network(machine, result, i, bits)});
  e.macs = static_cast<double>(result.macs) * machine.machine.energy.mac_pj;
  e.leakage = static_cast<double>(result.cycles) * machine.machine.energy.leakage_pj_per_cycle;
  return e;
}

void EnergySum::set(const hw::BoundMachine& machine, const LayerResult& counts) {
  storage_.assign(counts.storage.size(), {});
  network_.assign(counts.network.size(), {});
  macs_ = static_cast<double>(counts.macs);
  for (std::size_t i = 0; i < storage_.size(); ++i) {
    const std::array<AccessCounts, kTensors>& access = counts.storage[i].access;
    for (std::size_t t = 0; t < kTensors; ++t) {
      storage_[i].reads.add(t, access[t].reads());
      storage_[i].writes.add(t, access[t].writes());
    }
    if (i > 0) storage_[i].drain_reads = static_cast<double>(access[2].drain_read);
    if (i < network_.size()) storage_[i].drain_writes = static_cast<double>(access[2].drain_write);
  }
  for (std::size_t i = 0; i < network_.size(); ++i) {
    const std::array<LinkCounts, kTensors>& link = counts.network[i].link;
    for (std::size_t t = 0; t < kTensors; ++t) network_[i].hops.add(t, link[t].hops);
    const bool bus = machine.network[i].topology == hw::Topology::Bus;
    network_[i].drained = static_cast<double>(bus ? link[2].drain_injected : link[2].drain_senders);
  }
}

// As of_storage() and of_network(), with one division for each: energies are in proportion to the
// width of a word (scaled_energy), unless the table gives them per word.
double EnergySum::without_leakage(const hw::BoundMachine& machine) const {
  const hw::WordBits& bits = machine.machine.bits;
  const std::array<double, kTensors> width = {static_cast<double>(bits.input),
                                              static_cast<double>(bits.weight),
                                              static_cast<double>(bits.psum)};
  const auto wide = [&](const Counted& c) {
    return c.words[0] * width[0] + c.words[1] * width[1] + c.words[2] * width[2];
  };
  // Finished outputs may leave narrower than partial sums.
  const auto narrower = [&](std::size_t network) {
    return bits.output > 0 ? hw::drain_bits(machine, network) - width[2] : 0.0;
  };
  double sum = macs_ * machine.machine.energy.mac_pj, below = 0, above = 0;
  for (std::size_t i = 0; i < storage_.size(); ++i) {
    const Storage& counts = storage_[i];
    const hw::AccessEnergy& a = machine.storage[i].energy;
    above = below;
    below = i < network_.size() ? narrower(i) : 0;
    if (a.bits == 0)
      sum += a.read_pj * counts.reads.all + a.write_pj * counts.writes.all;
    else
      sum += (a.read_pj * (wide(counts.reads) + counts.drain_reads * above) +
              a.write_pj * (wide(counts.writes) + counts.drain_writes * below)) /
             a.bits;
    if (i >= network_.size()) continue;
    const hw::Network& n = machine.network[i];
    if (n.energy_bits == 0)
      sum += n.energy_per_hop_pj * network_[i].hops.all;
    else
      sum += n.energy_per_hop_pj * (wide(network_[i].hops) + network_[i].drained * below) /
             n.energy_bits;
  }
  return sum;
}

}  // namespace counterpoint::stats
