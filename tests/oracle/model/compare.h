// SPDX-License-Identifier: Apache-2.0
// Every field of two results, by name.
#pragma once

#include <string>

#include "stats/result.h"

namespace counterpoint::oracle {

/// One line per field that differs, "name: a, b"; empty if nothing does. Ratios are compared as
/// ratios, everything else as integers.
std::string differences(const stats::LayerResult& a, const stats::LayerResult& b);

}  // namespace counterpoint::oracle
