// SPDX-License-Identifier: Apache-2.0
// One port for all flows of the global buffer.
#pragma once

#include <array>

#include "sim/noc/medium.h"

namespace counterpoint::sim {

/// Flows take turns, round robin: after a grant the search goes on behind the one that had it.
/// Channels 0 to 3 are those of the array above the buffer, 4 to 7 of the one below it. A grant is
/// held for at least a cycle, so there is one in a cycle and the order of the arrays is no matter.
class Port : public Medium {
 public:
  static constexpr int kOfArray = 4;
  bool request(int channel, std::int64_t now) override;
  int grant(std::int64_t now) override;
  void occupy(std::int64_t end) override;
  std::int64_t next_grant(std::int64_t now) const override;

 private:
  static constexpr int kFlows = 2 * kOfArray;
  std::array<bool, kFlows> waiting_{};
  int first_ = 0;  // the flow to be asked first
  std::int64_t free_ = 0;
};

}  // namespace counterpoint::sim
