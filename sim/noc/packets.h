// SPDX-License-Identifier: Apache-2.0
// Packets under way and the queues of the sources.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/noc/network.h"

namespace counterpoint::sim::noc {

struct Packet {
  Delivery record;
  std::int64_t order = 0;    ///< of the offers
  std::int32_t next = -1;    ///< in its source's queue, or among the free ones
  std::int16_t visited = 0;  ///< routers
  std::int32_t excess = 0;   ///< cycles its tail will be late, as far as known
};

/// A flit in a buffer or on a link: which packet, which of its flits. 8 bytes.
struct Flit {
  std::int32_t packet;
  std::int32_t number;
};

/// Slots for packets; a slot is used again once its packet has arrived.
class PacketPool {
 public:
  std::int32_t take() {
    if (free_ < 0) {
      packets_.emplace_back();
      return static_cast<std::int32_t>(packets_.size()) - 1;
    }
    const std::int32_t p = free_;
    free_ = packets_[static_cast<std::size_t>(p)].next;
    return p;
  }
  void give_back(std::int32_t p) {
    packets_[static_cast<std::size_t>(p)].next = free_;
    free_ = p;
  }
  Packet& operator[](std::int32_t p) { return packets_[static_cast<std::size_t>(p)]; }
  const Packet& operator[](std::int32_t p) const { return packets_[static_cast<std::size_t>(p)]; }

 private:
  std::vector<Packet> packets_;
  std::int32_t free_ = -1;
};

/// First in, first out, through the packets' `next`.
struct SourceQueue {
  std::int32_t first = -1;
  std::int32_t last = -1;
  void push(PacketPool& pool, std::int32_t p) {
    pool[p].next = -1;
    if (first < 0)
      first = p;
    else
      pool[last].next = p;
    last = p;
  }
  void pop(PacketPool& pool) { first = pool[first].next; }
};

}  // namespace counterpoint::sim::noc
