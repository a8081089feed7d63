// SPDX-License-Identifier: Apache-2.0
#include "hw/bind.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

namespace counterpoint::hw {

ClockRatio clock_ratio(const Machine& machine, const Network& network) {
  if (network.clock_mhz <= 0) return {};
  const std::int64_t core = std::llround(machine.clock_mhz * 1000);
  const std::int64_t own = std::llround(network.clock_mhz * 1000);
  const std::int64_t common = std::gcd(core, own);
  return common == 0 ? ClockRatio{} : ClockRatio{core / common, own / common};
}

std::optional<BoundMachine> bind_levels(const Machine& machine,
                                        const std::vector<std::int64_t>& pes_below,
                                        std::string& error) {
  BoundMachine bound;
  bound.machine = machine;
  bound.storage = {machine.storage[0], machine.storage[1]};
  bound.network = {machine.network[0], machine.network[1]};
  const std::size_t pe = machine.storage.size() - 1;
  std::vector<bool> used(machine.storage.size(), false);
  for (std::size_t level = 0; level + 1 < pes_below.size(); ++level) {
    std::size_t match = 0;
    for (std::size_t i = 2; i < pe; ++i)
      if (!used[i] && machine.storage[i].cluster_pes == pes_below[level]) match = i;
    if (match != 0) {
      used[match] = true;
      bound.storage.push_back(machine.storage[match]);
      bound.network.push_back(machine.network[match]);
      continue;
    }
    Storage implied;
    implied.name = fmt::format("cluster of {}", pes_below[level]);
    implied.implied = true;
    implied.cluster_pes = pes_below[level];
    implied.energy.bits = 8;
    bound.storage.push_back(implied);
    Network network =
        machine.implied_network ? *machine.implied_network : Network(bound.network.back());
    network.name = fmt::format("network in cluster of {}", pes_below[level]);
    network.subtrees = {};  // they reach the PEs from the global buffer
    network.drain_lines = {};
    bound.network.push_back(network);
  }
  for (std::size_t i = 2; i < pe; ++i) {
    if (used[i]) continue;
    error = fmt::format(
        "the machine '{}' has a buffer '{}' for every {} PEs, but no level of the dataflow groups "
        "{} PEs: add Cluster statements whose product below that level is {}",
        machine.name, machine.storage[i].name, machine.storage[i].cluster_pes,
        machine.storage[i].cluster_pes, machine.storage[i].cluster_pes);
    return std::nullopt;
  }
  bound.storage.push_back(machine.storage[pe]);
  return bound;
}

}  // namespace counterpoint::hw
