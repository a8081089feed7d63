// SPDX-License-Identifier: Apache-2.0
// The simulator: executes a mapped loop nest on modules that move real words, and counts what
// moved. See docs/simulator.md; the rules are docs/machine.md.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "stats/result.h"
#include "workloads/mapping.h"

namespace counterpoint::sim {

class Observer;

/// How much of a routed network is simulated. Each holds the ones before, so the cycles that a run
/// gains from one to the next have that cause.
enum class NetworkDetail : std::uint8_t {
  Pipe,     ///< no network: bandwidth and latency only, as the estimator has it
  Ways,     ///< packets take what they take in an empty network
  Ports,    ///< and a node sends, and takes, a flit per cycle
  Links,    ///< and a link carries a flit per cycle; buffers of 4096 flits, 16 virtual channels
  Buffers,  ///< and buffers are as deep as they are
  Full,     ///< and there are as many virtual channels as there are
};

/// What a link of a routed network did; the four sum to `network_cycles`.
struct RoutedLink {
  std::string name;  ///< "1,0 > 2,0", "0,0 > child 3"
  int router = 0, to_router = -1, to_child = -1, to_port = -1;
  std::int64_t used = 0, stalled = 0, lost = 0, idle = 0;
};

/// The routed network of one array.
struct RoutedUse {
  std::string network;
  std::vector<std::int64_t> path;  ///< of the array
  std::string plane;               ///< "all", "to children", ..., "input", ...
  std::int64_t network_cycles = 0;
  std::int64_t packets = 0, flit_hops = 0;
  int columns = 0;  ///< of a picture of the routers; 0: none
  std::vector<std::string> routers;
  std::vector<RoutedLink> links;
  /// waited[a][b]: cycles that packets of flow a waited because one of flow b had their link.
  /// Flows: input, weight, partial sums read back, outputs.
  std::array<std::array<std::int64_t, 4>, 4> waited{};
  /// Of these, where the link led to another router.
  std::array<std::array<std::int64_t, 4>, 4> link_waited{};
  /// Cycles that packets were late, by cause: port, link, head of line, buffer full, arbitration.
  std::array<std::int64_t, 5> late{};
};

struct SimOptions {
  bool carry_data = true;          ///< false: words are moved and counted, but carry no values
  std::uint64_t data_seed = 1;     ///< of the input and weight words
  std::uint64_t shuffle_seed = 0;  ///< != 0: another order of evaluation of the modules (test mode)
  /// Units that do the same in the same cycles are evaluated as one. No result depends on it, and
  /// nothing that an observer is told; off with one that wants values, and with routed networks.
  bool merge_alike = true;
  NetworkDetail network_detail = NetworkDetail::Full;
  /// Told from time to time the cycle up to which the run has come; may be empty.
  std::function<void(std::int64_t cycle)> advanced = {};
  Observer* observer = nullptr;  ///< sees the run, changes nothing (sim/trace)
};

enum class Functional : std::uint8_t { Equal, Mismatch, NotChecked };

struct SimOutcome {
  stats::LayerResult result;
  Functional functional = Functional::NotChecked;
  std::int64_t mismatches = 0;    ///< output words that differ from the direct evaluation
  std::vector<RoutedUse> routed;  ///< of every array with a routed network
  std::string first_mismatch;     ///< coordinates, expected and simulated value of the first
};

/// Runs one layer. Throws input::InputError if the accumulators cannot hold the sums of the
/// layer, std::logic_error (with a report) on an internal contradiction: lost words, a
/// deadlock, a cycle stack that does not add up. Several runs in one process are independent;
/// never run two at the same time in threads.
SimOutcome simulate(const workloads::Mapping& mapping, const SimOptions& options = {});

}  // namespace counterpoint::sim
