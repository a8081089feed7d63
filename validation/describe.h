// SPDX-License-Identifier: Apache-2.0
// The machine of a mapping as JSON, so that a result explains itself (docs/json.md).
#pragma once

#include "hw/machine.h"
#include "validation/report.h"

namespace counterpoint::validation {

/// Storage levels outermost first, the networks between them, the PEs.
Json machine_json(const hw::BoundMachine& machine);

}  // namespace counterpoint::validation
