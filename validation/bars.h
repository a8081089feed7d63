// SPDX-License-Identifier: Apache-2.0
// Cycle stacks as bars of characters, for terminals.
#pragma once

#include <string>
#include <vector>

#include "validation/report.h"

namespace counterpoint::validation {

/// Narrowest terminal for which write_bars makes sense.
inline constexpr int kBarColumns = 80;

/// One bar per layer and model, no line longer than `columns` (at least kBarColumns), and a key.
/// Every class of the stack that has cycles and at least half a character's share is visible; the
/// characters of a bar are divided by largest remainder. Plain ASCII unless `unicode`. Empty if
/// no layer ran.
std::string write_bars(const std::vector<Json>& reports, int columns, bool unicode);

}  // namespace counterpoint::validation
