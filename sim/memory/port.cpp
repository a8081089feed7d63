// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/port.h"

#include <algorithm>
#include <stdexcept>

namespace counterpoint::sim {

bool Port::request(int channel, std::int64_t) {
  Flow& f = flow(channel);
  if (!f.waits) f.overtaken_by.fill(false);
  f.waits = true;
  return false;
}

int Port::grant(std::int64_t now) {
  if (now > decided_) {
    decided_ = now;
    for (std::size_t b = banks_.size(); b-- > 0;) take_turn(static_cast<int>(b), now);
  }
  if (granted_.empty()) return -1;
  told_ = granted_.back();
  granted_.pop_back();
  return told_;
}

void Port::take_turn(int bank, std::int64_t now) {
  Bank& b = banks_[static_cast<std::size_t>(bank)];
  if (now < b.free) return;
  for (int i = 0; i < kFlows; ++i) {
    const int channel = (b.first + i) % kFlows;
    Flow& f = flow(channel);
    if (!f.waits || f.bank != bank) continue;
    f.waits = false;
    b.first = (channel + 1) % kFlows;
    check_fair(channel);
    granted_.push_back(channel);
    return;
  }
}

// Nobody goes twice while another one waits.
void Port::check_fair(int winner) {
  for (Flow& f : flows_) {
    if (!f.waits || f.bank != bank(winner)) continue;
    bool& before = f.overtaken_by[static_cast<std::size_t>(winner)];
    if (before) throw std::logic_error("simulator: a flow was overtaken twice at a port");
    before = true;
  }
}

void Port::occupy(std::int64_t end) {
  Bank& b = bank_of(told_);
  b.free = std::max(b.free, end);
}

std::int64_t Port::next_grant(std::int64_t now) const {
  std::int64_t next = -1;
  for (const Flow& f : flows_) {
    if (!f.waits) continue;
    const std::int64_t at =
        std::max(banks_[static_cast<std::size_t>(f.bank)].free, decided_ < now ? now : now + 1);
    if (next < 0 || at < next) next = at;
  }
  return next;
}

}  // namespace counterpoint::sim
