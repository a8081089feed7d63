// SPDX-License-Identifier: Apache-2.0
// The machine as one mapping sees it: a storage for every depth of the loop nest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hw/machine.h"

namespace counterpoint::hw {

/// Gives every depth of a nest its storage and every level its network (docs/machine.md,
/// section 3). `pes_below` holds, for each dataflow level outermost first, the PEs under one of
/// its units; the last is 1. A declared cluster buffer serves the level with as many PEs;
/// levels without one get an implied buffer, whose network is `implied_network` or a copy of the
/// one above. std::nullopt, and a sentence in `error`, if a declared cluster buffer matches no
/// level of the dataflow.
std::optional<BoundMachine> bind_levels(const Machine& machine,
                                        const std::vector<std::int64_t>& pes_below,
                                        std::string& error);

}  // namespace counterpoint::hw
