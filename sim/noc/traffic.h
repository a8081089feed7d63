// SPDX-License-Identifier: Apache-2.0
// Traffic for a network on its own: traces and synthetic patterns, and what is measured on them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sim/noc/network.h"
#include "sim/noc/network_module.h"

namespace counterpoint::sim::noc {

struct TracePacket {
  std::int64_t time = 0;
  int source = 0;
  int destination = 0;
  int flits = 1;
  int flow = 0;  ///< below kFlows
};

/// Lines `time source destination flits [flow]`, in the order of time; `#` begins a comment. Throws
/// input::InputError with every wrong line (order, nodes outside `nodes`, flits below 1).
std::vector<TracePacket> read_trace(const std::string& text, const std::string& file, int nodes);

/// What a run of a trace shows. `deliveries` in the order in which the tails arrive; tag is the
/// packet's line.
struct TraceRun {
  std::vector<Delivery> deliveries;
  std::vector<Link> links;
  std::vector<LinkUse> use;
  std::int64_t cycles = 0;  ///< until the last tail has arrived
  std::int64_t flit_hops = 0;
  std::vector<std::int64_t> waited;  ///< [flow * kFlows + for flow]
};
/// `delivered` is told of so many more packets from time to time; may be empty.
TraceRun run_trace(const NetworkConfig& config, const std::vector<TracePacket>& trace,
                   const std::function<void(std::int64_t more)>& delivered = {});

enum class Pattern : std::uint8_t {
  Uniform,
  Transpose,      ///< (x, y) to (y, x)
  BitComplement,  ///< node i to n - 1 - i
  Hotspot,        ///< a part of the packets to one node, the others uniform
  Neighbour,      ///< node i to i + 1, the last one to the first
  Gather,         ///< all to node 0
};

struct Traffic {
  Pattern pattern = Pattern::Uniform;
  double load = 0.1;  ///< flits per node and cycle
  int packet_flits = 5;
  bool to_itself = true;  ///< whether uniform packets may return to their source
  int hotspot = 0;
  double hotspot_part = 0.1;
  std::uint64_t seed = 1;
};

struct Phases {
  std::int64_t warm_up = 3000;
  std::int64_t measure = 10000;  ///< packets offered in this time are followed to their end
  std::int64_t drain = 20000;    ///< at most this long; the load goes on
  std::function<void(std::int64_t)> advanced = {};  ///< may be empty; told cycles that are done
};

/// Mean and the half width of its 95 % confidence interval, from the means of ten batches.
struct Estimate {
  double mean = 0;
  double half_width = 0;
};

struct LoadPoint {
  double offered = 0;     ///< flits per node and cycle: asked for
  double injected = 0;    ///< offered in the measured time
  double accepted = 0;    ///< arrived in the measured time
  bool stable = true;     ///< every packet followed arrived, mean latency below kUnstable
  Estimate latency;       ///< offer to tail
  Estimate head_latency;  ///< offer to head
  Estimate network;       ///< head's injection to tail
  double routers = 0;     ///< visited per packet
  std::int64_t packets = 0;
  std::int64_t p50 = 0, p95 = 0, p99 = 0, worst = 0;
  std::vector<std::int64_t> histogram;  ///< [i]: packets with a latency in [2^i, 2^(i+1))
  std::array<std::int64_t, kCauses> late{};
  std::vector<Link> links;
  std::vector<LinkUse> use;  ///< in the measured time and after it
  std::int64_t cycles = 0;   ///< of `use`
  std::int64_t flit_hops = 0;
};
inline constexpr double kUnstable = 500;  ///< cycles

/// Same configuration, traffic and seed: the same numbers. Throws input::InputError if the pattern
/// does not suit the network.
LoadPoint measure(const NetworkConfig& config, const Traffic& traffic, const Phases& phases);

/// The highest load that is stable, between 0 and 1 flit per node and cycle, to within
/// `resolution`, and what arrives if kOverload is offered.
inline constexpr double kOverload = 0.95;
struct Saturation {
  double last_stable = 0;
  double throughput = 0;
};
Saturation saturation(const NetworkConfig& config, const Traffic& traffic, const Phases& phases,
                      double resolution);

}  // namespace counterpoint::sim::noc
