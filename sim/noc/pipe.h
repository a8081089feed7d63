// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "sim/noc/medium.h"

namespace counterpoint::sim {

/// Every channel has wires of its own.
class Pipe : public Medium {
 public:
  bool request(int channel, std::int64_t now) override;
  int grant(std::int64_t now) override;
  void occupy(std::int64_t end) override;
  std::int64_t next_grant(std::int64_t now) const override;
};

/// One shared medium: a transfer at a time. The earliest request first; of the same cycle, drains
/// before fills, then inputs, weights, partial sums.
class Bus : public Medium {
 public:
  bool request(int channel, std::int64_t now) override;
  int grant(std::int64_t now) override;
  void occupy(std::int64_t end) override;
  std::int64_t next_grant(std::int64_t now) const override;

 private:
  static constexpr std::size_t kChannels = 4;
  std::array<std::int64_t, kChannels> since_{-1, -1, -1, -1};
  std::int64_t free_ = 0;
};

}  // namespace counterpoint::sim
