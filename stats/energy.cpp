// SPDX-License-Identifier: Apache-2.0
#include "stats/energy.h"

namespace counterpoint::stats {

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
  for (std::size_t i = 0; i < result.storage.size(); ++i) {
    const hw::AccessEnergy& a = machine.storage[i].energy;
    Energy::Level level{result.storage[i].name, {}};
    for (std::size_t t = 0; t < kTensors; ++t)
      level.tensor[t] = static_cast<double>(result.storage[i].access[t].reads()) *
                            hw::scaled_energy(a.read_pj, a.bits, bits[t]) +
                        static_cast<double>(result.storage[i].access[t].writes()) *
                            hw::scaled_energy(a.write_pj, a.bits, bits[t]);
    e.storage.push_back(level);
  }
  for (std::size_t i = 0; i < result.network.size(); ++i) {
    const hw::Network& n = machine.network[i];
    Energy::Level level{result.network[i].name, {}};
    for (std::size_t t = 0; t < kTensors; ++t)
      level.tensor[t] = static_cast<double>(result.network[i].link[t].hops) *
                        hw::scaled_energy(n.energy_per_hop_pj, n.energy_bits, bits[t]);
    e.network.push_back(level);
  }
  e.macs = static_cast<double>(result.macs) * machine.machine.energy.mac_pj;
  e.leakage = static_cast<double>(result.cycles) * machine.machine.energy.leakage_pj_per_cycle;
  return e;
}

}  // namespace counterpoint::stats
