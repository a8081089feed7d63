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

double total_energy(const hw::BoundMachine& machine, const LayerResult& result) {
  const std::array<int, kTensors> bits = {machine.machine.bits.input, machine.machine.bits.weight,
                                          machine.machine.bits.psum};
  double sum = static_cast<double>(result.macs) * machine.machine.energy.mac_pj +
               static_cast<double>(result.cycles) * machine.machine.energy.leakage_pj_per_cycle;
  for (std::size_t i = 0; i < result.storage.size(); ++i)
    for (double x : of_storage(machine, result, i, bits)) sum += x;
  for (std::size_t i = 0; i < result.network.size(); ++i)
    for (double x : of_network(machine, result, i, bits)) sum += x;
  return sum;
}

}  // namespace counterpoint::stats
