// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "workloads/mapping.h"

namespace counterpoint::workloads {

/// The mapped loop nest as pseudo-code: loops with their ranges, steps, trip counts and edges,
/// and what each storage level holds of each tensor.
std::string show(const Mapping& mapping);

}  // namespace counterpoint::workloads
