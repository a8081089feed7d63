// SPDX-License-Identifier: Apache-2.0
// A set of published measurements: numbers, source, conditions, the machine and the recipe by
// which each row becomes a layer with a mapping. docs/validation.md describes the file.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "input/diagnostics.h"

namespace counterpoint::validation::published {

struct Column {
  std::string name;    ///< as expressions call it
  std::string header;  ///< as a CSV file calls it
  /// If given, of the file's text only what stands behind this, up to the next space.
  std::string after;
};

/// Limits on the errors of one model over all rows, in percent; what is not given is not checked.
struct Bound {
  std::optional<double> mean;     ///< of the absolute errors, at most
  std::optional<double> largest;  ///< absolute error, at most
  std::optional<double> equal;    ///< share of the rows that are equal, at least
  std::optional<double> upper;  ///< share of the rows that are not below the measurement, at least
  bool empty() const { return !mean && !largest && !equal && !upper; }
};

struct Quantity {
  std::string name, unit;
  std::string measured;   ///< expression in the columns; a row where it is empty has none
  std::string predicted;  ///< expression in the statistics of a result, `clock_mhz`, and columns
  Bound simulated, estimated;
};

/// A documented fault of the source: added to our number of a quantity, in the comparison only.
struct Fault {
  std::string name, says, quantity;
  std::string add;  ///< expression as Quantity::predicted
};

struct Set {
  std::string file, directory;
  std::string name, title, source, conditions;
  std::string machine;  ///< a preset, or a file beside the set; with ${...}
  /// Files beside the set, in the dataflow language, with ${...}: a layer with its dataflow, or, if
  /// there is a network, dataflows: a layer takes the first that fits its operator.
  std::vector<std::string> mapping;
  std::string network;  ///< of the catalogue, or a file beside the set, with ${...}; may be empty
  std::string label;    ///< of a row; with ${...}
  /// Column and text: of a CSV file, only the rows that have it.
  std::vector<std::pair<std::string, std::string>> where;
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;
  std::vector<Quantity> quantities;
  std::vector<Fault> faults;
};

/// Reads a set. Mistakes are appended to `diagnostics`; std::nullopt if there is an error.
std::optional<Set> read_set(const std::string& text, const std::string& file,
                            std::vector<input::Diagnostic>& diagnostics);

/// Names of the sets that come with the program, sorted.
std::vector<std::string> list_sets();

/// A set by name, or a file.
std::optional<Set> load_set(const std::string& name_or_path,
                            std::vector<input::Diagnostic>& diagnostics);

/// Replaces the rows by those of a CSV file whose header names every column of the set (others
/// are ignored). Throws input::InputError with the line.
void read_rows(Set& set, const std::string& text, const std::string& file);

}  // namespace counterpoint::validation::published
