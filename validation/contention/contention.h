// SPDX-License-Identifier: Apache-2.0
// One layer on many networks: what a pipe hides, and why.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "validation/report.h"
#include "workloads/mapping.h"

namespace counterpoint::validation {

/// What is varied; every combination is a point. An empty list: as the machine has it.
struct Sweep {
  std::vector<hw::Topology> topology;
  std::vector<std::int64_t> bandwidth;  ///< words per 1000 cycles; 0: unlimited
  std::vector<int> flit_bits, vcs, buffer_depth, packet_words, ports, clock;
  std::vector<hw::PortPlace> place;
  std::vector<hw::Multicast> multicast;
  std::vector<hw::Collective> collective;
  std::vector<hw::Planes> planes;
  std::vector<int> west_first, oldest_first;  ///< 0 or 1
};

/// A network of the sweep, with what makes it differ.
struct SweepPoint {
  hw::Network network;
  std::string name;  ///< "mesh, 64 bit, 2 channels"
};

/// The points for the network at `depth` of the mapping. Combinations that are the same (a pipe has
/// no flits, a tree one port at its root) stand once.
std::vector<SweepPoint> points_of(const workloads::Mapping& mapping, std::size_t depth,
                                  const Sweep& sweep);

/// Runs one point: the estimate, the simulation in full, and (attribute) with less and less detail
/// of the network. Keys: docs/contention.md. A point that cannot be built has "error".
Json run_point(const workloads::Mapping& mapping, std::size_t depth, const SweepPoint& point,
               bool carry_data, bool attribute);

struct ContentionRun {
  const workloads::Mapping* mapping = nullptr;
  std::size_t depth = 0;
  std::vector<SweepPoint> points;
  bool carry_data = true;
  bool attribute = true;
  int jobs = 1;
  std::string journal;  ///< file that keeps finished points; "": none
  bool resume = false;
  std::string fingerprint;  ///< of the inputs and the sweep
};
struct ContentionResult {
  std::vector<Json> points;  ///< in the order of the sweep; null where it was interrupted
  bool interrupted = false;
};

/// All points, each in a process of its own. Throws input::InputError if the journal cannot be
/// used.
ContentionResult run_contention(const ContentionRun& run);

/// Index of the cheapest point within 5 % of the quickest, or -1.
int recommended(const std::vector<Json>& points);

std::string contention_table(const std::vector<Json>& points);
std::string contention_csv(const std::vector<Json>& points);
/// Every link of every point: its cycles used, stalled by the receiver, lost, idle.
std::string links_csv(const std::vector<Json>& points);
/// The links of a point: a picture of a grid in characters, and the busiest.
std::string link_map(const Json& point);
/// Scripts for gnuplot that write an SVG: slow-down and causes of every point; the links of one.
std::string curve_script(const std::vector<Json>& points, const std::string& file);
std::string map_script(const Json& point, const std::string& file);

}  // namespace counterpoint::validation
