// SPDX-License-Identifier: Apache-2.0
// Both models on every row of a set of published measurements.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hw/machine.h"
#include "validation/published/set.h"
#include "workloads/network.h"

namespace counterpoint::validation::published {

struct RunOptions {
  bool simulate = true;      ///< false: the estimator alone
  bool with_faults = false;  ///< add the source's documented faults to our numbers
  int jobs = 1;
};

struct Value {
  std::optional<double> measured, simulated, estimated;
};

struct RowResult {
  std::string label;
  std::string failed;         ///< why there are no numbers; "" if there are
  std::vector<Value> values;  ///< one per quantity
};

/// Errors of one model on one quantity.
struct Errors {
  int rows = 0, equal = 0, upper = 0;  ///< upper: predictions that are not below the measurement
  double mean = 0;                     ///< of the absolute errors, percent
  double signed_mean = 0;
  double largest = 0;  ///< percent, with its sign
  std::string where;   ///< the row that has it
};

struct Result {
  std::vector<RowResult> rows;
  std::vector<Errors> simulated, estimated;  ///< one per quantity
  std::vector<std::string> broken;           ///< bounds that do not hold, in words
  bool checked = false;  ///< whether bounds were held against: not if faults are to be switched on
  bool interrupted = false;
};

/// What a row stands for: its machine, its layer with the mapping.
struct Case {
  hw::Machine machine;
  workloads::Network network;  ///< modelled layers, each with its dataflow
};

/// By the set's recipe. Throws input::InputError.
Case make_case(const Set& set, std::size_t row);
/// The text of the recipe's mapping, or mappings, filled in for a row. Throws input::InputError.
std::string mapping_text(const Set& set, std::size_t row);

/// Runs all rows.
Result run(const Set& set, const RunOptions& options);

/// Error of a prediction in percent of the measurement.
double error_percent(double measured, double predicted);

std::string write_table(const Set& set, const Result& result, bool rows);
/// Rows of a table in Markdown: the errors. `head`: with the table's head.
std::string write_markdown(const Set& set, const Result& result, bool head);
std::string write_csv(const Set& set, const Result& result);
std::string write_json(const Set& set, const Result& result);
/// A gnuplot script: predicted against measured, both axes logarithmic.
std::string write_plot(const Set& set, const Result& result, const std::string& svg);

}  // namespace counterpoint::validation::published
