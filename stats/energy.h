// SPDX-License-Identifier: Apache-2.0
// Energy of a layer: counts times energy per access.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "hw/machine.h"
#include "stats/result.h"

namespace counterpoint::stats {

struct Energy {
  std::string unit;  ///< of all numbers: "pJ", or "MAC" for tables normalised to one MAC
  struct Level {
    std::string name;
    std::array<double, kTensors> tensor{};
  };
  std::vector<Level> storage;  ///< per storage level and tensor
  std::vector<Level> network;  ///< hops, per network and tensor
  double macs = 0;
  double leakage = 0;
  double total() const;
};

/// Sum of accesses times energy per access at the word's width, plus hops, multiply-accumulates
/// and leakage per cycle. A pure function of the counts, for the result of either model.
Energy energy(const hw::BoundMachine& machine, const LayerResult& result);
/// The total alone, without allocating: energy(...).total() up to rounding.
double total_energy(const hw::BoundMachine& machine, const LayerResult& result);

}  // namespace counterpoint::stats
