// SPDX-License-Identifier: Apache-2.0
// What bounds a layer, what it costs, and which change of the machine or the mapping would help.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hw/machine.h"
#include "stats/result.h"
#include "workloads/mapping.h"

namespace counterpoint::validation {

/// One change, and what the estimator says of the layer with it.
struct Change {
  std::string what;    ///< "twice the bandwidth of network 'gb to pe'"
  bool legal = false;  ///< the changed mapping binds; else there are no numbers
  std::int64_t cycles = 0;
  double energy = 0;  ///< 0 if the machine has no energy table
};

struct Explanation {
  workloads::Mapping mapping;
  stats::LayerResult result;  ///< the layer as it is, estimated
  double energy = 0;
  std::vector<Change> changes;  ///< in a fixed order; every one was re-evaluated
};

/// Tries one change at a time: of every network the bandwidth, channels, multicast, reduction and
/// partial sums; of every buffer the capacity, buffering and ports; the lanes; in the dataflow's
/// top level each swap of two neighbouring directives and each tile doubled and halved. Throws
/// input::InputError if the layer as it is cannot be bound.
Explanation explain(const workloads::Layer& layer, const workloads::Dataflow& dataflow,
                    const hw::Machine& machine, bool waive_capacity);

/// The explanation in a few sentences and a table of the changes that help.
std::string write_explanation(const Explanation& explanation);

}  // namespace counterpoint::validation
