// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "sim/noc/traffic.h"

namespace counterpoint::sim::noc {

/// A k x k mesh with BookSim2's router: pipeline "a", "b" or "c".
inline NetworkConfig booksim(int k, const std::string& pipeline, int vcs, int depth) {
  NetworkConfig c;
  c.topology.width = k;
  c.topology.height = k;
  c.timing = router_timing("booksim-" + pipeline);
  c.vcs = vcs;
  c.buffer_depth = depth;
  return c;
}

inline NetworkConfig noxim(int k, int vcs, int depth) {
  NetworkConfig c;
  c.topology.width = k;
  c.topology.height = k;
  c.timing = router_timing("noxim");
  c.vcs = vcs;
  c.buffer_depth = depth;
  return c;
}

/// The cycle in which the tail of every packet of the trace arrives, by line.
inline std::vector<std::int64_t> tails(const NetworkConfig& config,
                                       const std::vector<TracePacket>& trace) {
  std::vector<std::int64_t> out(trace.size(), -1);
  for (const Delivery& d : run_trace(config, trace).deliveries)
    out[static_cast<std::size_t>(d.packet.tag)] = d.tail;
  return out;
}

inline std::int64_t total_late(const Delivery& d) {
  std::int64_t sum = 0;
  for (const std::int32_t c : d.late) sum += c;
  return sum;
}

}  // namespace counterpoint::sim::noc
