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

/// The total of one set of counts on many machines, which may differ in all but what the counts
/// depend on: energy(...).total() up to rounding, without allocating.
class EnergySum {
 public:
  void set(const hw::BoundMachine& machine, const LayerResult& counts);
  double without_leakage(const hw::BoundMachine& machine) const;

 private:
  struct Counted {  ///< words of each tensor, and of all
    std::array<double, kTensors> words{};
    double all = 0;
    void add(std::size_t tensor, std::int64_t n) {
      words[tensor] += static_cast<double>(n);
      all += static_cast<double>(n);
    }
  };
  struct Storage {
    Counted reads, writes;
    double drain_reads = 0, drain_writes = 0;
  };
  struct Network {
    Counted hops;
    double drained = 0;  ///< hops of words that leave the children
  };
  std::vector<Storage> storage_;
  std::vector<Network> network_;
  double macs_ = 0;
};

}  // namespace counterpoint::stats
