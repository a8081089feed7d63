// SPDX-License-Identifier: Apache-2.0
// Reports as a table, as CSV, as JSON. Writers return text; they print nothing.
#pragma once

#include <string>
#include <vector>

#include "validation/report.h"

namespace counterpoint::validation {

struct Heading {
  std::string command, network, machine, dataflow, version;
};

std::string write_table(const Heading& heading, const std::vector<Json>& reports,
                        const RunOptions& options);
/// RFC 4180. One row per layer; the columns of statistics are those of the first finished layer,
/// once per model.
std::string write_csv(const std::vector<Json>& reports);
std::string write_json(const Heading& heading, const std::vector<Json>& reports);

/// 0: all agree; 1: a disagreement; 2: a refused layer and nothing worse; 3: an internal error.
int exit_status(const std::vector<Json>& reports);

}  // namespace counterpoint::validation
