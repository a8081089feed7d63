// SPDX-License-Identifier: Apache-2.0
// The report: a result (docs/json.md) as one HTML file that needs nothing else.
#pragma once

#include <string>

namespace counterpoint::report {

/// The page for `json`, the text that `--format json` wrote; `source` names it in messages. The
/// page makes no network access; the same result gives the same bytes. Throws input::InputError
/// if the text is not a result of this schema, or if the page's parts (web/) cannot be read.
std::string html(const std::string& json, const std::string& source);

}  // namespace counterpoint::report
