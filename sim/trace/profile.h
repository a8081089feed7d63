// SPDX-License-Identifier: Apache-2.0
// Where and when a run is busy, in a bounded amount of numbers: for charts.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/trace/observer.h"

namespace counterpoint::sim {

/// Sums over equal spans of time; the spans double when there are too many. What lasts is spread
/// over its duration, in whole units.
class Bins {
 public:
  void add(std::int64_t amount, std::int64_t from, std::int64_t to);
  std::int64_t cycles() const { return cycles_; }  ///< of one bin
  std::vector<std::int64_t> values;

 private:
  friend class Profile;
  void widen();
  static constexpr std::size_t kMost = 256;
  std::int64_t cycles_ = 1;
};

class Profile : public Observer {
 public:
  bool wants_pes() const override { return true; }
  void begin(const std::vector<ArrayDescription>& arrays) override;
  void fill(const FillEvent& e) override;
  void drain(const DrainEvent& e) override;
  void work(const WorkEvent& e) override;
  void end(std::int64_t cycles) override;

  struct Network {
    Bins to_children, to_parent;          ///< words injected, all instances
    std::vector<std::int64_t> delivered;  ///< words, by receiver: instances x children
  };
  std::vector<Network> networks;  ///< outermost first
  Bins macs;
  std::vector<std::int64_t> pe_macs;     ///< by PE: arrays x PEs of each
  std::vector<std::int64_t> array_busy;  ///< cycles of work, by array of PEs
  std::int64_t bin_cycles = 1;           ///< of all series, after the end

 private:
  struct Unit {
    std::size_t network = 0, first_child = 0, first_pe = 0, array = 0;
  };
  std::vector<Unit> units_;
};

}  // namespace counterpoint::sim
