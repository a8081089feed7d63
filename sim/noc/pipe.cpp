// SPDX-License-Identifier: Apache-2.0
// Channels that never meet.
#include "sim/noc/pipe.h"

namespace counterpoint::sim {

bool Pipe::request(int, std::int64_t) {
  return true;
}
int Pipe::grant(std::int64_t) {
  return -1;
}
void Pipe::occupy(std::int64_t) {}
std::int64_t Pipe::next_grant(std::int64_t) const {
  return -1;
}

std::unique_ptr<Medium> make_medium(hw::Topology topology) {
  if (topology == hw::Topology::Bus) return std::make_unique<Bus>();
  return std::make_unique<Pipe>();
}

}  // namespace counterpoint::sim
