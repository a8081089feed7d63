// SPDX-License-Identifier: Apache-2.0
#include "stats/energy.h"

namespace counterpoint::stats {

namespace {

using PerTensor = std::array<double, kTensors>;
using Bits = std::array<int, kTensors>;

PerTensor of_storage(const hw::AccessEnergy& a, const StorageResult& counts, const Bits& bits) {
  PerTensor e{};
  for (std::size_t t = 0; t < kTensors; ++t)
    e[t] = static_cast<double>(counts.access[t].reads()) *
               hw::scaled_energy(a.read_pj, a.bits, bits[t]) +
           static_cast<double>(counts.access[t].writes()) *
               hw::scaled_energy(a.write_pj, a.bits, bits[t]);
  return e;
}

PerTensor of_network(const hw::Network& n, const NetworkResult& counts, const Bits& bits) {
  PerTensor e{};
  for (std::size_t t = 0; t < kTensors; ++t)
    e[t] = static_cast<double>(counts.link[t].hops) *
           hw::scaled_energy(n.energy_per_hop_pj, n.energy_bits, bits[t]);
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
    e.storage.push_back(
        {result.storage[i].name, of_storage(machine.storage[i].energy, result.storage[i], bits)});
  for (std::size_t i = 0; i < result.network.size(); ++i)
    e.network.push_back(
        {result.network[i].name, of_network(machine.network[i], result.network[i], bits)});
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
    for (double x : of_storage(machine.storage[i].energy, result.storage[i], bits)) sum += x;
  for (std::size_t i = 0; i < result.network.size(); ++i)
    for (double x : of_network(machine.network[i], result.network[i], bits)) sum += x;
  return sum;
}

}  // namespace counterpoint::stats
