// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "sim/noc/pipe.h"

namespace counterpoint::sim {

bool Bus::request(int channel, std::int64_t now) {
  std::int64_t& since = since_[static_cast<std::size_t>(channel)];
  if (since < 0) since = now;
  return false;
}

int Bus::grant(std::int64_t now) {
  if (now < free_) return -1;
  int best = -1;
  for (int c = 0; c < static_cast<int>(kChannels); ++c) {
    const std::int64_t since = since_[static_cast<std::size_t>(c)];
    if (since >= 0 && (best < 0 || since < since_[static_cast<std::size_t>(best)])) best = c;
  }
  if (best >= 0) since_[static_cast<std::size_t>(best)] = -1;
  return best;
}

void Bus::occupy(std::int64_t end) {
  free_ = end;
}

std::int64_t Bus::next_grant(std::int64_t now) const {
  const bool waiting =
      std::any_of(since_.begin(), since_.end(), [](std::int64_t s) { return s >= 0; });
  return waiting ? std::max(now, free_) : -1;
}

}  // namespace counterpoint::sim
