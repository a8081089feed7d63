// SPDX-License-Identifier: Apache-2.0
// What sizes and dimensions of a dataflow mean for a given layer.
#include <algorithm>
#include <cstddef>
#include <utility>

#include "workloads/language.h"

namespace counterpoint::workloads {
namespace {

using Int = std::int64_t;

std::string dimensions_of(const Layer& layer) {
  if (!layer.has_window()) return "B M N K";
  std::string out;
  for (Dim d : kAllDims)
    if (layer.has(d)) out += (out.empty() ? "" : " ") + std::string(name(d));
  return out + " Y X";
}

bool is_depthwise_channel(const Layer& layer, Dim d) {
  return layer.op == Operator::DsConv && (d == Dim::K || d == Dim::G);
}

std::string lacks(const Layer& layer, const DimName& dim) {
  return std::string(name(layer.op)) + " has no dimension " + spelling(dim) + "; it has " +
         dimensions_of(layer);
}

std::optional<Int> fail(const Expr& at, Diagnostic& why, const char* code, std::string message) {
  why.severity = input::Severity::Error;
  why.code = code;
  why.message = std::move(message);
  why.pos = at.pos;
  why.length = at.length;
  return std::nullopt;
}

std::optional<Int> evaluate_at(const Expr& e, const Layer& layer, Diagnostic& why, int depth) {
  if (depth > kMaxExpressionNodes)
    return fail(e, why, "expression-too-deep", "the expression is nested too deeply");
  switch (e.kind) {
    case Expr::Kind::Number: return e.number;
    case Expr::Kind::SizeOf: {
      const Dim d = e.dim.dim;
      if (is_depthwise_channel(layer, d)) return 1;
      if (!layer.has(d)) return fail(e, why, "unknown-dimension", lacks(layer, e.dim));
      return e.dim.input_centric ? grid_extent(layer, d) : layer[d];
    }
    case Expr::Kind::Neg: {
      if (!e.left) return fail(e, why, "bad-expression", "the expression is incomplete");
      const std::optional<Int> v = evaluate_at(*e.left, layer, why, depth + 1);
      if (!v) return std::nullopt;
      Int out = 0;
      if (__builtin_sub_overflow(Int{0}, *v, &out))
        return fail(e, why, "number-too-large", "the value does not fit 64 bits");
      return out;
    }
    case Expr::Kind::Add:
    case Expr::Kind::Sub:
    case Expr::Kind::Mul:
    case Expr::Kind::Div: break;
  }
  if (!e.left || !e.right) return fail(e, why, "bad-expression", "the expression is incomplete");
  const std::optional<Int> a = evaluate_at(*e.left, layer, why, depth + 1);
  if (!a) return std::nullopt;
  const std::optional<Int> b = evaluate_at(*e.right, layer, why, depth + 1);
  if (!b) return std::nullopt;
  Int out = 0;
  bool overflow = false;
  if (e.kind == Expr::Kind::Add) {
    overflow = __builtin_add_overflow(*a, *b, &out);
  } else if (e.kind == Expr::Kind::Sub) {
    overflow = __builtin_sub_overflow(*a, *b, &out);
  } else if (e.kind == Expr::Kind::Mul) {
    overflow = __builtin_mul_overflow(*a, *b, &out);
  } else {
    if (*b == 0) return fail(e, why, "division-by-zero", "division by zero");
    // The smallest number divided by -1 is the one quotient that does not fit.
    overflow = *b == -1 && __builtin_sub_overflow(Int{0}, *a, &out);
    if (!overflow && *b != -1) {
      out = *a / *b;
      if (*a % *b != 0 && (*a < 0) != (*b < 0)) --out;
    }
  }
  if (overflow) return fail(e, why, "number-too-large", "the value does not fit 64 bits");
  return out;
}

}  // namespace

std::string spelling(const DimName& dim) {
  if (dim.input_centric) return dim.dim == Dim::X ? "X" : "Y";
  return std::string(name(dim.dim));
}

std::int64_t grid_extent(const Layer& layer, Dim d) {
  // Windows may leave the last stored rows unused (stride), or reach into padding behind them.
  const bool rows = d == Dim::Y;
  const Window& w = layer.window(d);
  const Int outs = layer[rows ? Dim::Y : Dim::X];
  const Int kernel = layer[rows ? Dim::R : Dim::S];
  const Int reached = w.stride * (outs - 1) + w.dilation * (kernel - 1) + 1;
  const Int stored = w.offset + w.upsample * (w.extent - 1) + 1;
  return std::max(reached, stored);
}

std::optional<std::int64_t> evaluate(const Expr& expr, const Layer& layer, Diagnostic& why) {
  return evaluate_at(expr, layer, why, 0);
}

std::optional<std::int64_t> evaluate_size(const Expr& expr, const Layer& layer, Diagnostic& why) {
  const std::optional<Int> v = evaluate(expr, layer, why);
  if (v && *v < 1)
    return fail(expr, why, "not-positive",
                "the value is " + std::to_string(*v) + "; it must be at least 1");
  return v;
}

void locate(Diagnostic& diagnostic, const Dataflow& dataflow) {
  diagnostic.file = dataflow.file;
  const int line = diagnostic.pos.line;
  if (line >= 1 && static_cast<std::size_t>(line) <= dataflow.source_lines.size())
    diagnostic.line_text = dataflow.source_lines[static_cast<std::size_t>(line) - 1];
}

std::optional<Dataflow> fit_dataflow(const Dataflow& dataflow, const Layer& layer,
                                     std::vector<Diagnostic>& diagnostics) {
  Dataflow out = dataflow;
  bool failed = false;
  const auto report = [&](Diagnostic d) {
    failed = failed || d.severity == input::Severity::Error;
    locate(d, dataflow);
    diagnostics.push_back(std::move(d));
  };
  const auto check_size = [&](const Expr& e, const char* of) {
    Diagnostic why;
    if (evaluate_size(e, layer, why)) return;
    why.message = std::string(of) + ": " + why.message;
    report(std::move(why));
  };
  const auto check_level = [&](DataflowLevel& level) {
    if (level.opened_by_cluster) check_size(level.cluster_size, "the size of the cluster");
    std::vector<Directive> kept;
    for (Directive& directive : level.directives) {
      const Dim d = directive.dim.dim;
      if (!layer.has(d)) {
        Diagnostic m;
        m.pos = directive.pos;
        m.length = directive.length;
        if (is_depthwise_channel(layer, d)) {
          m.severity = input::Severity::Warning;
          m.code = "depthwise-k";
          m.message = "the directive on " + spelling(directive.dim) +
                      " is dropped: a depthwise convolution has no such dimension (one filter "
                      "per channel C)";
        } else {
          m.code = "unknown-dimension";
          m.message = lacks(layer, directive.dim);
        }
        report(std::move(m));
        continue;
      }
      check_size(directive.size, "the size");
      check_size(directive.offset, "the offset");
      kept.push_back(std::move(directive));
    }
    level.directives = std::move(kept);
  };
  check_level(out.offchip);
  for (DataflowLevel& level : out.levels) check_level(level);
  if (failed) return std::nullopt;
  return out;
}

}  // namespace counterpoint::workloads
