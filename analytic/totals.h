// SPDX-License-Identifier: Apache-2.0
// What either way of estimating arrives at, as plain numbers; assemble() makes the result of it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "stats/result.h"
#include "workloads/mapping.h"

namespace counterpoint::analytic {

/// Words of one tensor at one storage level, all instances.
enum AccessName : int {
  kFillWrite,
  kFillRead,
  kDrainRead,
  kReadbackRead,
  kReadbackWrite,
  kArrivals,  ///< drained words that arrive here
  kEntries,   ///< output words that begin a stay here
  kFresh,     ///< ... that start from zero
  kAccessNames
};
enum LinkName : int { kInjected, kDelivered, kDrainInjected, kDrainSenders, kLinkNames };
enum LevelName : int {
  kFillBusy,
  kDrainBusy,
  kSumWords,
  kSumWork,
  kBankBusy0,  ///< the port of the first bank of the global buffer (level 1) is held
  kBankBusy1,
  kBankBusy2,
  kLevelNames
};
enum StackName : int {
  kStartup,
  kCompute,
  kLevelAbove,
  kBandwidth,
  kDrainWait,
  kLatency,
  kTail,
  kContention,  ///< at the ports of banks
  kStackNames
};

/// A storage level and the network to its children (no network below the last).
struct LevelTotals {
  std::array<std::array<std::int64_t, kAccessNames>, 3> access{};
  std::array<std::array<std::int64_t, kLinkNames>, 3> link{};
  std::array<std::int64_t, kLevelNames> level{};
  std::int64_t peak_words = 0, peak_cycles = 0;  ///< required bandwidth, not reduced
  std::array<std::int64_t, 3> tile_words{};      ///< of one instance
  std::array<std::int64_t, 3> sliding_words{};   ///< of one instance
};

struct Totals {
  std::int64_t cycles = 0, macs = 0, steps = 0;
  std::array<std::int64_t, kStackNames> stack{};
  std::vector<LevelTotals> level;  ///< off-chip first, PE last
};

/// Throws std::logic_error if the numbers contradict each other (a lost multiply-accumulate, a
/// cycle stack that does not add up). `machine` is the mapping's, or another one for its nest.
stats::LayerResult assemble(const workloads::Mapping& mapping, const hw::BoundMachine& machine,
                            const Totals& totals);

}  // namespace counterpoint::analytic
