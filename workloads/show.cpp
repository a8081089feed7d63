// SPDX-License-Identifier: Apache-2.0
#include "workloads/show.h"

#include <fmt/format.h>

#include <algorithm>

#include "workloads/legality.h"

namespace counterpoint::workloads {
namespace {

using Extent = std::array<std::int64_t, kDims>;

std::int64_t& of(Extent& e, Dim d) {
  return e[static_cast<std::size_t>(index(d))];
}
Dim kernel_of(Dim d) {
  return d == Dim::Y ? Dim::R : Dim::S;
}

std::string lower(std::string_view name) {
  std::string s(name);
  std::transform(s.begin(), s.end(), s.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return s;
}

std::string extents(const Layer& layer, Extent e) {
  std::string out;
  for (Dim d : kAllDims)
    if (layer.has(d)) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name(d), of(e, d));
  return out;
}

}  // namespace

std::string show(const Mapping& m) {
  const Layer& layer = m.layer;
  Extent tile = layer.extent;
  std::string out = fmt::format("layer '{}': {}, {} multiply-accumulates\n  {}\n", layer.name,
                                name(layer.op), macs(layer), extents(layer, tile));
  if (layer.has_window())
    out += fmt::format(
        "  rows: stride {}, dilation {}, {} stored; columns: stride {}, dilation {}, {} stored\n",
        layer.rows.upsample > 1 ? layer.rows.upsample : layer.rows.stride, layer.rows.dilation,
        layer.rows.extent, layer.cols.upsample > 1 ? layer.cols.upsample : layer.cols.stride,
        layer.cols.dilation, layer.cols.extent);
  out += fmt::format("machine '{}', dataflow '{}'\n\n", m.machine.machine.name,
                     m.dataflow_name.empty() ? "own" : m.dataflow_name);
  std::string indent;
  const hw::WordBits& bits = m.machine.machine.bits;
  const bool in_words = m.machine.machine.capacity_in_words;
  for (std::size_t depth = 0; depth <= m.nest.levels.size(); ++depth) {
    const hw::Storage& s = m.machine.storage[depth];
    out += fmt::format("{}# {}{} holds", indent, s.name, s.implied ? " (implied)" : "");
    std::int64_t total = 0, second = 0;
    const char* comma = "";
    for (Tensor t : kAllTensors) {
      if (!s.holds[static_cast<std::size_t>(index(t))]) continue;
      const std::int64_t words = tile_words_bound(layer, t, tile);
      const int width = t == Tensor::Input    ? bits.input
                        : t == Tensor::Weight ? bits.weight
                                              : bits.psum;
      total += words * (in_words ? 8 : width);
      if (depth > 0 && !s.implied && hw::slots(s.buffering, static_cast<std::size_t>(index(t))) > 1)
        second += words * (in_words ? 8 : width);
      out += fmt::format("{} {} {} words", comma, name(t), words);
      comma = ",";
    }
    const std::int64_t need = (total + 7) / 8 + (second + 7) / 8;
    if (depth > 0 && s.capacity_bytes > 0)
      out += fmt::format(": {} of {} {}{}", need, s.capacity_bytes, in_words ? "words" : "bytes",
                         second == 0       ? ""
                         : second == total ? " (double buffered)"
                                           : " (partly double buffered)");
    if (s.parts > 1) out += fmt::format(", in {} memories", s.parts);
    out += "\n";
    if (depth == m.nest.levels.size()) {
      out += fmt::format("{}multiply-accumulate {}\n", indent, extents(layer, tile));
      break;
    }
    const Level& level = m.nest.levels[depth];
    Box box;
    for (Dim d : kAllDims) box[d] = {0, of(tile, d)};
    out += fmt::format("{}# level '{}' over network '{}'\n", indent, level.name,
                       m.machine.network[depth].name);
    for (std::size_t l = 0; l < level.loops.size(); ++l) {
      const Loop& loop = level.loops[l];
      const std::int64_t trip = trips(layer, level, box, static_cast<int>(l));
      for (Dim d : loop.dims) {
        const Cut& cut = level.cut(d);
        std::string v = lower(name(d));
        const std::int64_t extent = of(tile, d);
        const std::int64_t n = positions(layer, level, box, d);
        const std::int64_t last =
            cut.kind == Cut::Kind::Plain ? extent - (n - 1) * cut.offset : cut.size;
        std::string note = fmt::format("{} step{}, tile {}", n, n == 1 ? "" : "s", cut.size);
        if (n > 1 && last < cut.size) note += fmt::format(", last {}", last);
        if (cut.kind == Cut::Kind::Skewed)
          note = fmt::format(
              "input rows; {} positions of {} rows; holds the outputs whose rows of {} lie inside",
              n, cut.size, lower(name(kernel_of(d))));
        if (loop.fold)
          out += fmt::format(
              "{}for fold in 0..{}: parallel-for p in 0..{}: {} = (fold*{} + p)*{}  # {}\n", indent,
              trip, level.units, v, level.units, cut.offset, note);
        else
          out +=
              fmt::format("{}for {} in 0..{} step {}  # {}\n", indent, v, extent, cut.offset, note);
      }
      indent += "  ";
    }
    for (Dim d : kAllDims)
      if (level.cut(d).kind == Cut::Kind::Plain)
        of(tile, d) = std::min(of(tile, d), level.cut(d).size);
    for (Dim d : {Dim::Y, Dim::X}) {
      const Cut& cut = level.cut(d);
      if (cut.kind != Cut::Kind::Skewed) continue;
      const Window& w = layer.window(d);
      of(tile, d) = std::min(
          of(tile, d), (cut.size - w.dilation * (of(tile, kernel_of(d)) - 1) - 1) / w.stride + 1);
    }
  }
  return out;
}

}  // namespace counterpoint::workloads
