// SPDX-License-Identifier: Apache-2.0
// The dataflow language: mapping files, dataflow templates, and their canonical text.
// docs/language.md describes the language and every code that a diagnostic may carry.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "input/diagnostics.h"
#include "workloads/dataflow.h"
#include "workloads/layer.h"
#include "workloads/network.h"

namespace counterpoint::workloads {

/// Limits of the language, so that no input can exhaust the program.
inline constexpr int kMaxClusters = 16;          ///< Cluster statements in a dataflow
inline constexpr int kMaxExpressionDepth = 64;   ///< nested parentheses and signs
inline constexpr int kMaxExpressionNodes = 512;  ///< operators, numbers and Sz() in one size
inline constexpr int kMaxDiagnostics = 200;      ///< per file; one more says that there are more
inline constexpr std::int64_t kMaxFileBytes = std::int64_t{64} << 20;

struct NetworkResult {
  std::optional<Network> network;       ///< set if and only if there is no error
  std::vector<Diagnostic> diagnostics;  ///< errors and warnings in the order of the file
};

struct DataflowResult {
  std::optional<Dataflow> dataflow;     ///< set if and only if there is no error
  std::vector<Diagnostic> diagnostics;  ///< errors and warnings in the order of the file
};

/// Parses a mapping file: networks, layers, their dataflows. `file` is the name to show. Total
/// on any bytes, never throws for bad input. The dataflow of a layer has been through
/// fit_dataflow; its sizes may still contain Sz().
NetworkResult parse_network(std::string_view text, const std::string& file);

/// Parses a dataflow template: constants and one `Dataflow [name] { ... }`, or the bare
/// directives. It belongs to no layer: call fit_dataflow before binding it to one.
DataflowResult parse_dataflow(std::string_view text, const std::string& file);

/// The same for a file on disk; a missing, unreadable, too large or non-text file is a
/// diagnostic without position ("cannot-read").
NetworkResult read_network(const std::string& path);
DataflowResult read_dataflow(const std::string& path);

/// Whether a text is a dataflow template rather than a mapping file (its first word is
/// `Dataflow` or a directive; constants do not count).
bool looks_like_dataflow(std::string_view text);

/// The dataflow for one layer: directives on dimensions that a depthwise convolution does not
/// have (K, G) are dropped with the warning "depthwise-k"; any other dimension that the operator
/// lacks is the error "unknown-dimension", a size that is not positive or not computable the
/// error that evaluate_size gives. std::nullopt if and only if an error was added.
std::optional<Dataflow> fit_dataflow(const Dataflow& dataflow, const Layer& layer,
                                     std::vector<Diagnostic>& diagnostics);

/// The value of a size for a layer. Sz(D) is the extent of loop dimension D; Sz(Y), Sz(X) are
/// the rows and columns of the grid that the windows slide over: stored inputs plus implicit
/// padding; for a transposed convolution the upsampled inputs with their border. Sz(K) and Sz(G)
/// of a depthwise convolution are 1; Sz of any other dimension that the operator lacks is an
/// error. `/` rounds down. On an error (also division by zero and overflow) the result is
/// std::nullopt and `why` has code, message, position and length; file and text are left to
/// `locate`.
std::optional<std::int64_t> evaluate(const Expr& expr, const Layer& layer, Diagnostic& why);

/// As evaluate, and the value must be at least 1 (error "not-positive").
std::optional<std::int64_t> evaluate_size(const Expr& expr, const Layer& layer, Diagnostic& why);

/// Rows (d = Dim::Y) or columns (Dim::X) of the grid: what Sz(Y), Sz(X) mean.
std::int64_t grid_extent(const Layer& layer, Dim d);

/// Fills file and source text of a diagnostic that points into a dataflow.
void locate(Diagnostic& diagnostic, const Dataflow& dataflow);

/// The name as the language spells it: "K", "Y" (input rows), "Y'" (output rows).
std::string spelling(const DimName& dim);

/// Canonical text. Parsing it gives the same again (positions and source lines aside).
std::string print(const Expr& expr);
std::string print(const Dataflow& dataflow, int indent = 0);
std::string print(const NetworkLayer& layer, int indent = 0);
std::string print(const Network& network);

}  // namespace counterpoint::workloads
