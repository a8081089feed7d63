// SPDX-License-Identifier: Apache-2.0
// What a result must hold so that a report can be drawn of it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace counterpoint::report {

/// The first place of `result` (docs/json.md) that is missing or of another kind than a report
/// needs, and what it must be, as text; "" if there is none.
std::string misshapen(const nlohmann::ordered_json& result);

}  // namespace counterpoint::report
