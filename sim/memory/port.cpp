// SPDX-License-Identifier: Apache-2.0
#include "sim/memory/port.h"

#include <algorithm>

namespace counterpoint::sim {

bool Port::request(int channel, std::int64_t) {
  waiting_[static_cast<std::size_t>(channel)] = true;
  return false;
}

int Port::grant(std::int64_t now) {
  if (now < free_) return -1;
  for (int i = 0; i < kFlows; ++i) {
    const int flow = (first_ + i) % kFlows;
    if (!waiting_[static_cast<std::size_t>(flow)]) continue;
    waiting_[static_cast<std::size_t>(flow)] = false;
    first_ = (flow + 1) % kFlows;
    free_ = now + 1;
    return flow;
  }
  return -1;
}

void Port::occupy(std::int64_t end) {
  free_ = std::max(free_, end);
}

std::int64_t Port::next_grant(std::int64_t now) const {
  const bool any = std::any_of(waiting_.begin(), waiting_.end(), [](bool w) { return w; });
  return any ? std::max(now, free_) : -1;
}

}  // namespace counterpoint::sim
