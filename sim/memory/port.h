// SPDX-License-Identifier: Apache-2.0
// The ports of the global buffer's banks, at which its flows take turns.
#pragma once

#include <array>
#include <vector>

#include "sim/noc/medium.h"

namespace counterpoint::sim {

/// Every bank has one port. Flows take turns, round robin: after a grant the search goes on behind
/// the one that had it. Channels 0 to 3 are those of the array above the buffer, 4 to 7 of the one
/// below it. The turns of a cycle are decided together, when the first of them is asked for: who
/// asks later waits for the next cycle, so that the order of the arrays is no matter.
class Port : public Medium {
 public:
  static constexpr int kOfArray = 4;
  explicit Port(int banks) : banks_(static_cast<std::size_t>(banks)) {}
  void assign(int channel, int bank) { flow(channel).bank = bank; }
  int bank(int channel) const { return flows_[static_cast<std::size_t>(channel)].bank; }

  bool request(int channel, std::int64_t now) override;
  int grant(std::int64_t now) override;
  void occupy(std::int64_t end) override;
  std::int64_t next_grant(std::int64_t now) const override;

 private:
  static constexpr int kFlows = 2 * kOfArray;
  struct Flow {
    int bank = 0;
    bool waits = false;
    std::array<bool, kFlows> overtaken_by{};  // since it waits
  };
  struct Bank {
    int first = 0;  // the flow to be asked first
    std::int64_t free = 0;
  };
  Flow& flow(int channel) { return flows_[static_cast<std::size_t>(channel)]; }
  Bank& bank_of(int channel) { return banks_[static_cast<std::size_t>(bank(channel))]; }
  void take_turn(int bank, std::int64_t now);
  void check_fair(int winner);

  std::array<Flow, kFlows> flows_{};
  std::vector<Bank> banks_;
  std::int64_t decided_ = -1;  // the last cycle whose turns are decided
  std::vector<int> granted_;   // of that cycle, still to be told; the last one first
  int told_ = 0;               // the last one that was
};

}  // namespace counterpoint::sim
