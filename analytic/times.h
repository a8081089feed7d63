// SPDX-License-Identifier: Apache-2.0
// The times of an array that engine.h computes, and the sums of waiting.
#pragma once

#include <cstdint>

namespace counterpoint::analytic {

enum TimeName : int {
  kArrived0,
  kArrived1,  ///< the present residence's arrival, inputs and weights
  kNewer0,
  kNewer1,  ///< release of the residence before the present one
  kRead0,
  kRead1,  ///< end of the last injection that read from the unit
  kChannel0,
  kChannel1,      ///< end of injection, per channel
  kDrained,       ///< end of injection of the last drain, which releases its output residence
  kOlder,         ///< ... of the drain before
  kDrainArrived,  ///< of the last drain
  kOwn,           ///< PEs: end of the last work; buffers: when the output residence may be used
  kNames
};
inline constexpr std::uint32_t kAllNames = (1u << kNames) - 1;

/// Classes of the cycle stack that are summed step by step; the others follow in the end.
enum Waiting : int { kAbove, kLine, kSlot, kFlight, kWaitings };

}  // namespace counterpoint::analytic
