// SPDX-License-Identifier: Apache-2.0
// A dataflow as written: cluster levels, each an ordered list of directives. Sizes may still
// refer to the layer (Sz(R), constants, arithmetic); bind.h turns it into a mapped loop nest.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "input/diagnostics.h"
#include "workloads/layer.h"

namespace counterpoint::workloads {

using input::Diagnostic;
using input::SourcePos;

/// A dimension as a directive names it: loop dimensions, or the input coordinates Y and X.
struct DimName {
  Dim dim = Dim::K;            ///< Dim::Y for both Y and Y', Dim::X for both X and X'
  bool input_centric = false;  ///< true for un-primed Y and X of a windowed operator
  friend bool operator==(const DimName& a, const DimName& b) {
    return a.dim == b.dim && a.input_centric == b.input_centric;
  }
};

/// A size expression: numbers, constants (already substituted), Sz(D), + - * / and parentheses.
struct Expr {
  enum class Kind { Number, SizeOf, Add, Sub, Mul, Div, Neg };
  Kind kind = Kind::Number;
  std::int64_t number = 0;
  DimName dim;  ///< SizeOf
  std::shared_ptr<const Expr> left, right;
  SourcePos pos;
  int length = 1;
};

struct Directive {
  enum class Kind { Temporal, Spatial };
  Kind kind = Kind::Temporal;
  Expr size, offset;
  DimName dim;
  SourcePos pos;
  int length = 1;
};

/// Directives between two Cluster statements.
struct DataflowLevel {
  std::vector<Directive> directives;
  Expr cluster_size;  ///< sub-units per cluster as given by the Cluster that opens this level;
  bool opened_by_cluster = false;  ///< false for the top level (and the off-chip level)
  SourcePos pos;
};

struct Dataflow {
  std::string name;
  std::string file;
  std::vector<std::string> source_lines;  ///< for carets in later diagnostics (may be empty)
  /// Loops between off-chip memory and global buffer, if given explicitly (before
  /// `GlobalBuffer;`). TemporalMaps only.
  bool explicit_offchip = false;
  DataflowLevel offchip;
  std::vector<DataflowLevel> levels;  ///< outermost first; levels[0] is the top level
  SourcePos pos;
};

}  // namespace counterpoint::workloads
