// SPDX-License-Identifier: Apache-2.0
// One layer through one or both models, as a JSON object (docs/json.md).
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "hw/machine.h"
#include "validation/tracing.h"
#include "workloads/mapping.h"
#include "workloads/network.h"

namespace counterpoint::validation {

using Json = nlohmann::ordered_json;

enum class Mode : std::uint8_t { Validate, Estimate, Simulate };

struct RunOptions {
  Mode mode = Mode::Validate;
  bool waive_capacity = false;
  bool carry_data = true;
  double tolerance_percent = 0;  ///< allowed difference of cycles; counts must always be equal
  TraceOptions trace;            ///< files that the simulation writes; one layer at a time
  /// Told from time to time how much of the simulation is done, 0 to 1; may be empty.
  std::function<void(double)> progress = {};
  bool all_statistics = false;  ///< in tables; JSON and CSV always have all
};

/// Runs one layer. Never throws for a user's mistake or a failing model: the object's "status"
/// says "ok", "disagree", "not-modelled", "refused" (illegal or not fitting) or "error".
/// `dataflow` may be null if the layer has its own.
Json run_layer(const workloads::NetworkLayer& layer, const workloads::Dataflow* dataflow,
               const hw::Machine& machine, const RunOptions& options);

/// The mapping that run_layer() runs; std::nullopt if the layer does not run.
std::optional<workloads::Mapping> mapping_of(const workloads::NetworkLayer& layer,
                                             const workloads::Dataflow* dataflow,
                                             const hw::Machine& machine, const RunOptions& options);

/// What run_layer() gives, from its report of an earlier layer that does the same work, which is
/// named as "same_as".
Json run_again(const Json& report, const workloads::NetworkLayer& layer,
               const workloads::Dataflow* dataflow, const hw::Machine& machine,
               const RunOptions& options);

/// Whether some network of the machine is a shared medium: the estimate is a lower bound then.
bool contended(const hw::BoundMachine& machine);

}  // namespace counterpoint::validation
