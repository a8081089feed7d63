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
  kNames,         ///< without partial sums that are read back
  kArrived2 = kNames,  ///< the present residence's arrival, partial sums
  kChannel2,           ///< end of injection, if they have a channel of their own
  kReturned,           ///< arrival of the last drain, which may have been overtaken
  kUnused,
  kMoreNames
};

/// Which times something touches, a bit per time: those of the array that it computes and that it
/// reads, and those of the arrays below and of the one above that it reads.
struct Touches {
  static constexpr std::uint64_t computes(int name) { return std::uint64_t{1} << name; }
  static constexpr std::uint64_t reads(int name) { return std::uint64_t{1} << (16 + name); }
  static constexpr std::uint64_t reads_below(int name) { return std::uint64_t{1} << (32 + name); }
  static constexpr std::uint64_t reads_above(int name) { return std::uint64_t{1} << (48 + name); }

  static constexpr std::uint32_t computed(std::uint64_t t) { return t & 0xffffu; }
  static constexpr std::uint32_t read(std::uint64_t t) { return t >> 16 & 0xffffu; }
  static constexpr std::uint32_t read_below(std::uint64_t t) { return t >> 32 & 0xffffu; }
  static constexpr std::uint32_t read_above(std::uint64_t t) {
    return static_cast<std::uint32_t>(t >> 48);
  }
};

/// Classes of the cycle stack that are summed step by step; the others follow in the end.
enum Waiting : int { kAbove, kLine, kSlot, kFlight, kWaitings };

}  // namespace counterpoint::analytic
