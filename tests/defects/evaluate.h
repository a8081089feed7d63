// SPDX-License-Identifier: Apache-2.0
// The original tool's known defects, as tests: what it got wrong must be right here, or refused.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stats/result.h"
#include "workloads/mapping.h"
#include "workloads/network.h"

namespace counterpoint::defects {

struct Verdict {
  std::vector<input::Diagnostic> diagnostics;
  workloads::BindResult bound;                  ///< if the text could be read
  std::optional<stats::LayerResult> estimated;  ///< set if and only if nothing was refused
  bool refused() const { return !estimated.has_value(); }
  /// Codes of all errors, separated by spaces.
  std::string codes() const;
};

/// An ideal machine (unlimited rates and capacities, no latency) of so many PEs.
hw::Machine ideal(std::int64_t pes);

/// Reads a mapping file (`text` may leave out the network around a layer), binds its first layer
/// and estimates it. If `simulated`, the simulator must agree in every field, which fails the
/// test otherwise.
Verdict evaluate(const std::string& text, const hw::Machine& machine, bool simulated = true);
Verdict evaluate(const workloads::NetworkLayer& layer, const hw::Machine& machine, bool simulated);

}  // namespace counterpoint::defects
