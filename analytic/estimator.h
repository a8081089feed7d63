// SPDX-License-Identifier: Apache-2.0
// The estimator: every count and every cycle of a mapped layer without walking its steps. See
// docs/estimator.md; the rules are docs/machine.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stats/result.h"
#include "workloads/mapping.h"

namespace counterpoint::analytic {

/// What the estimate cost, to show that it does not depend on the size of the layer.
struct Effort {
  std::int64_t transitions = 0;  ///< steps of arrays that were evaluated
  std::int64_t jumps = 0;        ///< times that repeated iterations were skipped
  std::int64_t recalls = 0;      ///< off-chip tiles that were known
};

/// All outputs for one layer. On a machine with buses the cycles are a lower bound: collisions
/// are not modelled. Throws std::logic_error on an internal contradiction. Thread-safe.
stats::LayerResult estimate(const workloads::Mapping& mapping, Effort* effort = nullptr);

/// One resource that bounds the run time from below.
struct Bound {
  std::string resource;     ///< e.g. "PEs", "off-chip network to children", "gb read port"
  std::int64_t cycles = 0;  ///< no run is quicker
};

struct Roofline {
  double peak_macs_per_cycle = 0;        ///< PEs * lanes
  double attainable_macs_per_cycle = 0;  ///< MACs / the largest bound
  double achieved_macs_per_cycle = 0;    ///< MACs / cycles of the result
  std::vector<double> intensity;  ///< per network: MACs per byte that crosses it, both directions
  std::vector<Bound> bounds;      ///< most binding first
};

/// From the counts of a result (of either model).
Roofline roofline(const workloads::Mapping& mapping, const stats::LayerResult& result);

}  // namespace counterpoint::analytic
