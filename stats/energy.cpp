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
    // Finished outputs may leave narrower than partial sums.
    const auto narrower = [&](double each, std::size_t of) {
      return hw::scaled_energy(each, a.bits, hw::drain_bits(machine, of)) -
             hw::scaled_energy(each, a.bits, bits[2]);
    };
    const AccessCounts& out = result.storage[i].access[2];
    if (i > 0) level.tensor[2] += static_cast<double>(out.drain_read) * narrower(a.read_pj, i - 1);
    if (i < result.network.size())
      level.tensor[2] += static_cast<double>(out.drain_write) * narrower(a.write_pj, i);
    e.storage.push_back(level);
  }
  for (std::size_t i = 0; i < result.network.size(); ++i) {
    const hw::Network& n = machine.network[i];
    Energy::Level level{result.network[i].name, {}};
    for (std::size_t t = 0; t < kTensors; ++t)
      level.tensor[t] = static_cast<double>(result.network[i].link[t].hops) *
                        hw::scaled_energy(n.energy_per_hop_pj, n.energy_bits, bits[t]);
    const LinkCounts& out = result.network[i].link[2];
    const std::int64_t up =
        n.topology == hw::Topology::Bus ? out.drain_injected : out.drain_senders;
    level.tensor[2] +=
        static_cast<double>(up) *
        (hw::scaled_energy(n.energy_per_hop_pj, n.energy_bits, hw::drain_bits(machine, i)) -
         hw::scaled_energy(n.energy_per_hop_pj, n.energy_bits, bits[2]));
    e.network.push_back(level);
  }
  e.macs = static_cast<double>(result.macs) * machine.machine.energy.mac_pj;
  e.leakage = static_cast<double>(result.cycles) * machine.machine.energy.leakage_pj_per_cycle;
  return e;
}

}  // namespace counterpoint::stats
