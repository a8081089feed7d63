// SPDX-License-Identifier: Apache-2.0
// The canonical text of what was parsed.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "workloads/language.h"
#include "workloads/layer_spec.h"

namespace counterpoint::workloads {
namespace {

using Int = std::int64_t;

std::string pad(int indent) {
  return std::string(static_cast<std::size_t>(indent), ' ');
}

/// How strongly an expression holds together: sums 1, products 2, the rest 3.
int strength(const Expr& e) {
  switch (e.kind) {
    case Expr::Kind::Add:
    case Expr::Kind::Sub: return 1;
    case Expr::Kind::Mul:
    case Expr::Kind::Div: return 2;
    case Expr::Kind::Number: return e.number < 0 ? 1 : 3;
    case Expr::Kind::SizeOf:
    case Expr::Kind::Neg: return 3;
  }
  return 3;
}

std::string operand(const Expr* e, int at_least) {
  if (!e) return "0";
  std::string text = print(*e);
  return strength(*e) < at_least ? "(" + text + ")" : text;
}

/// A name as it must be written so that it is read back: bare if nothing in it could be taken
/// for something else, else quoted. Control characters cannot be written.
std::string quoted(const std::string& name) {
  const auto plain = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  };
  if (!name.empty() && std::all_of(name.begin(), name.end(), plain)) return name;
  std::string out = "\"";
  for (char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  }
  return out + "\"";
}

std::string directive(const Directive& d) {
  return std::string(d.kind == Directive::Kind::Temporal ? "TemporalMap(" : "SpatialMap(") +
         print(d.size) + "," + print(d.offset) + ") " + spelling(d.dim) + ";\n";
}

std::string pair_of(const char* section, Int y, Int x, Int standard, int indent) {
  if (y == standard && x == standard) return "";
  return pad(indent) + section + " { Y: " + std::to_string(y) + ", X: " + std::to_string(x) +
         " }\n";
}

struct Ends {
  Int before = 0;
  Int after = 0;
  Int output_padding = 0;
};

/// Padding is kept in a Window only as far as counts depend on it; this is one statement that
/// gives the same window.
Ends ends(const Window& w, Int outs, Int kernel, bool transposed) {
  Ends e;
  const Int reach = w.dilation * (kernel - 1);
  if (!transposed) {
    e.before = w.offset;
    e.after = std::max<Int>(0, w.stride * (outs - 1) + reach + 1 - w.extent - w.offset);
  } else {
    e.before = reach - w.offset;
    const Int difference = outs - ((w.extent - 1) * w.upsample + reach + 1 - e.before);
    e.output_padding = std::max<Int>(0, difference);
    e.after = std::max<Int>(0, -difference);
  }
  return e;
}

std::string type_name(const Layer& layer) {
  if (layer.op == Operator::Gemm && layer.weight_has_batch) return "BGEMM";
  return std::string(name(layer.op));
}

}  // namespace

std::string print(const Expr& e) {
  switch (e.kind) {
    case Expr::Kind::Number: return std::to_string(e.number);
    case Expr::Kind::SizeOf: return "Sz(" + spelling(e.dim) + ")";
    case Expr::Kind::Neg: return "-" + operand(e.left.get(), 3);
    case Expr::Kind::Add: return operand(e.left.get(), 1) + "+" + operand(e.right.get(), 2);
    case Expr::Kind::Sub: return operand(e.left.get(), 1) + "-" + operand(e.right.get(), 2);
    case Expr::Kind::Mul: return operand(e.left.get(), 2) + "*" + operand(e.right.get(), 3);
    case Expr::Kind::Div: return operand(e.left.get(), 2) + "/" + operand(e.right.get(), 3);
  }
  return "0";
}

std::string print(const Dataflow& dataflow, int indent) {
  std::string out = pad(indent) + "Dataflow ";
  if (!dataflow.name.empty()) out += quoted(dataflow.name) + " ";
  out += "{\n";
  const std::string inner = pad(indent + 2);
  if (dataflow.explicit_offchip) {
    for (const Directive& d : dataflow.offchip.directives) out += inner + directive(d);
    out += inner + "GlobalBuffer;\n";
  }
  for (const DataflowLevel& level : dataflow.levels) {
    if (level.opened_by_cluster) out += inner + "Cluster(" + print(level.cluster_size) + ",P);\n";
    for (const Directive& d : level.directives) out += inner + directive(d);
  }
  return out + pad(indent) + "}\n";
}

std::string print(const NetworkLayer& network_layer, int indent) {
  const Layer& layer = network_layer.layer;
  const std::string inner = pad(indent + 2);
  std::string out = pad(indent) + "Layer " + quoted(layer.name) + " {\n";
  if (!network_layer.modelled) {
    // The reason begins with the type.
    const std::string& reason = network_layer.not_modelled_reason;
    const std::string type = reason.substr(0, reason.find(' '));
    out += inner + "Type: " + (type_kind(type) == TypeKind::NotModelled ? type : "POOL") + "\n";
  } else {
    out += inner + "Type: " + type_name(layer) + "\n";
  }
  if (network_layer.repeat != 1)
    out += inner + "Repeat: " + std::to_string(network_layer.repeat) + "\n";
  if (network_layer.modelled) {
    if (layer.has_window()) {
      const bool transposed = layer.op == Operator::TrConv;
      const auto factor = [&](const Window& w) { return transposed ? w.upsample : w.stride; };
      const Ends y = ends(layer.rows, layer[Dim::Y], layer[Dim::R], transposed);
      const Ends x = ends(layer.cols, layer[Dim::X], layer[Dim::S], transposed);
      out += pair_of("Stride", factor(layer.rows), factor(layer.cols), 1, indent + 2);
      out += pair_of("Dilation", layer.rows.dilation, layer.cols.dilation, 1, indent + 2);
      if (y.before != 0 || y.after != 0 || x.before != 0 || x.after != 0)
        out += inner + "Padding { Top: " + std::to_string(y.before) +
               ", Bottom: " + std::to_string(y.after) + ", Left: " + std::to_string(x.before) +
               ", Right: " + std::to_string(x.after) + " }\n";
      out += pair_of("OutputPadding", y.output_padding, x.output_padding, 0, indent + 2);
    }
    out += inner + "Dimensions {";
    bool first = true;
    const auto dimension = [&](const std::string& word, Int n) {
      out += (first ? " " : ", ") + word + ": " + std::to_string(n);
      first = false;
    };
    for (Dim d : kAllDims) {
      if (!layer.has(d)) continue;
      if (layer.has_window() && d == Dim::Y) dimension("Y", layer.rows.extent);
      if (layer.has_window() && d == Dim::X) dimension("X", layer.cols.extent);
      dimension(std::string(name(d)), layer[d]);
    }
    out += " }\n";
    if (network_layer.dataflow) out += print(*network_layer.dataflow, indent + 2);
  }
  return out + pad(indent) + "}\n";
}

std::string print(const Network& network) {
  std::string out = "Network ";
  if (!network.name.empty()) out += quoted(network.name) + " ";
  out += "{\n";
  for (const NetworkLayer& layer : network.layers) out += print(layer, 2);
  return out + "}\n";
}

}  // namespace counterpoint::workloads
