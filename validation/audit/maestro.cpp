// SPDX-License-Identifier: Apache-2.0
// The original tool's CSV: one row per layer, names in the first line. The defects are those of
// its model (version 4eb08d1), named as in docs/audit.md.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "input/diagnostics.h"
#include "validation/audit/audit.h"

namespace counterpoint::validation::audit {

namespace {

const std::map<std::string, Meaning>& meanings() {
  static const std::map<std::string, Meaning> all = {
      {"NumPEs", Meaning::Pes},
      {"Runtime (Cycles)", Meaning::Cycles},
      {"Throughput (MACs/Cycle)", Meaning::Throughput},
      {"Num MACs", Meaning::Macs},
      {"Avg number of utilized PEs", Meaning::UsedPes},
      {"Num Total Input Pixels", Meaning::Inputs},
      {"Num Total Weight Pixels", Meaning::Weights},
      {"L2 SRAM Size Req (Bytes)", Meaning::BufferRequirement},
      {"L1 SRAM Size Req (Bytes)", Meaning::PeRequirement},
      {"input l1 read", Meaning::PeReadInput},
      {"input l1 write", Meaning::PeWriteInput},
      {"input l2 read", Meaning::BufferReadInput},
      {"input l2 write", Meaning::BufferWriteInput},
      {"filter l1 read", Meaning::PeReadWeight},
      {"filter l1 write", Meaning::PeWriteWeight},
      {"filter l2 read", Meaning::BufferReadWeight},
      {"filter l2 write", Meaning::BufferWriteWeight},
      {"output l1 read", Meaning::PeReadOutput},
      {"output l1 write", Meaning::PeWriteOutput},
      {"output l2 read", Meaning::Outputs},  // it is the number of outputs
      {"output l2 write", Meaning::BufferWriteOutput},
      {"Activity count-based Energy (nJ)", Meaning::Other},
      {"Ops/J", Meaning::Other},
      {"Arithmetic Intensity", Meaning::Other},
  };
  return all;
}

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> cells(1);
  for (char c : line) {
    if (c == ',')
      cells.emplace_back();
    else
      cells.back() += c;
  }
  for (std::string& cell : cells) {
    const std::size_t from = cell.find_first_not_of(" \t\r");
    const std::size_t to = cell.find_last_not_of(" \t\r");
    cell = from == std::string::npos ? "" : cell.substr(from, to - from + 1);
  }
  return cells;
}

[[noreturn]] void refuse(const std::string& file, int line, const std::string& text,
                         const std::string& code, const std::string& message) {
  input::Diagnostic d;
  d.file = file;
  d.pos = {line, 1};
  d.code = code;
  d.message = message;
  d.line_text = text.substr(0, 120);
  throw input::InputError(std::vector<input::Diagnostic>{d});
}

using workloads::Dim;
using workloads::Tensor;

// Trips of the loops of all levels that `take` selects, over the whole tile of each level.
template <class Take>
double trips(const workloads::Mapping& m, Take take) {
  double n = 1;
  workloads::Box box = m.layer.whole();
  for (const workloads::Level& level : m.nest.levels) {
    for (std::size_t l = 0; l < level.loops.size(); ++l)
      if (take(level.loops[l]))
        n *= static_cast<double>(workloads::trips(m.layer, level, box, static_cast<int>(l)));
    box = workloads::child_box(m.layer, level, box,
                               std::vector<std::int64_t>(level.loops.size(), 0), 0);
    if (box.empty()) break;
  }
  return n;
}

bool moves(const workloads::Layer& layer, const workloads::Loop& loop, Tensor t) {
  for (Dim d : loop.dims)
    if (layer.couples(t, d)) return true;
  return false;
}

// In some level, a loop that does not move the tensor stands outside one that does.
bool wraps(const workloads::Mapping& m, Tensor t) {
  for (const workloads::Level& level : m.nest.levels) {
    bool outside = false;
    for (std::size_t l = 0; l < level.loops.size(); ++l) {
      if (workloads::trips(m.layer, level, m.layer.whole(), static_cast<int>(l)) <= 1) continue;
      if (moves(m.layer, level.loops[l], t)) {
        if (outside) return true;
      } else {
        outside = true;
      }
    }
  }
  return false;
}

// Neighbouring children share inputs.
bool halo_between_children(const workloads::Mapping& m) {
  if (!m.layer.has_window()) return false;
  for (const workloads::Level& level : m.nest.levels)
    for (Dim d : {Dim::Y, Dim::X, Dim::R, Dim::S})
      if (level.cut(d).spatial && level.units > 1) return true;
  return false;
}

// Some fold of some level has idle or clipped children.
bool partial_fold(const workloads::Mapping& m) {
  const workloads::Box whole = m.layer.whole();
  for (const workloads::Level& level : m.nest.levels)
    for (Dim d : workloads::kAllDims)
      if (level.cut(d).spatial && workloads::positions(m.layer, level, whole, d) % level.units != 0)
        return true;
  return false;
}

bool clipped_tile(const workloads::Mapping& m) {
  const workloads::Box whole = m.layer.whole();
  for (const workloads::Level& level : m.nest.levels)
    for (Dim d : workloads::kAllDims) {
      const workloads::Cut& cut = level.cut(d);
      if (cut.kind != workloads::Cut::Kind::Plain) continue;
      const std::int64_t n = workloads::positions(m.layer, level, whole, d);
      if ((n - 1) * cut.offset + cut.size != whole[d].size()) return true;
    }
  return false;
}

bool strided(const workloads::Layer& layer) {
  return layer.has_window() && (layer.rows.stride > 1 || layer.cols.stride > 1);
}

bool same(double a, double b) {
  return std::abs(a - b) < 0.5;
}

// The number of outputs if strides were 1.
double outputs_without_stride(const workloads::Layer& layer) {
  double n = 1;
  for (Dim d : workloads::kAllDims)
    if (layer.couples(Tensor::Output, d) && d != Dim::Y && d != Dim::X)
      n *= static_cast<double>(layer[d]);
  n *= static_cast<double>(layer.rows.extent - layer[Dim::R] + 1);
  return n * static_cast<double>(layer.cols.extent - layer[Dim::S] + 1);
}

std::string explain(const Case& c, const Number& n, double truth) {
  const workloads::Mapping& m = c.mapping;
  const workloads::Layer& layer = m.layer;
  const auto value = [&](Meaning x) {
    const Number* other = c.row.find(x);
    return other != nullptr && other->valid ? other->value : -1.0;
  };
  switch (n.meaning) {
    case Meaning::Outputs:
      if (strided(layer) && same(n.value, outputs_without_stride(layer)))
        return "M10: outputs counted as if the stride were 1";
      if (layer.op == workloads::Operator::NgConv &&
          same(n.value,
               outputs_without_stride(layer) * static_cast<double>(layer[Dim::G] * layer[Dim::C])))
        return "M13: outputs of a grouped convolution counted once per input channel";
      return "";
    case Meaning::Macs:
      if (n.value == 0) return "D4: tile larger than the dimension, offset smaller";
      if (strided(layer)) return "D9: the output tile of a strided layer is taken without stride";
      if (n.value < truth && partial_fold(m)) return "D2: work of a partial spatial fold is lost";
      return "";
    case Meaning::Cycles:
      if (n.value == 0) return "D4: tile larger than the dimension, offset smaller";
      if (value(Meaning::Macs) >= 0 && value(Meaning::Macs) < static_cast<double>(c.truth.macs) &&
          n.value < truth)
        return "follows from the lost multiply-accumulates";
      if (n.value > truth && m.nest.levels.size() > 2)
        return "M7, M8: lower levels start anew in every step, off-chip delay is charged per step";
      if (n.value > truth)
        return "M8: the off-chip delay of the first tile is charged in every step";
      if (value(Meaning::BufferWriteInput) >= 0 &&
          value(Meaning::BufferWriteInput) <
              static_cast<double>(c.truth.storage[1].access[0].fill_write))
        return "M9: words that have to be loaded again from off-chip memory are not waited for";
      return "";
    case Meaning::Throughput: return "follows from the cycles";
    case Meaning::PeWriteInput:
    case Meaning::PeWriteWeight: {
      const bool input = n.meaning == Meaning::PeWriteInput;
      const double sent = value(input ? Meaning::BufferReadInput : Meaning::BufferReadWeight);
      if (same(n.value, sent) && truth > n.value)
        return "M5: as many words arrive in the PEs as the buffer sends, whatever the fan-out";
      return "";
    }
    case Meaning::BufferReadInput:
    case Meaning::BufferReadWeight: {
      const Tensor t = n.meaning == Meaning::BufferReadInput ? Tensor::Input : Tensor::Weight;
      if (n.value < truth && wraps(m, t))
        return "M2: what an outer loop makes an inner one load again is not charged";
      if (n.value < truth && partial_fold(m)) return "D3: the share of a partial fold is lost";
      if (n.value > truth && t == Tensor::Input && halo_between_children(m))
        return "M3: inputs that neighbours share are sent to each of them";
      if (n.value > truth && clipped_tile(m)) return "M4: clipped tiles are charged in full";
      return "";
    }
    case Meaning::BufferWriteInput:
    case Meaning::BufferWriteWeight: {
      const Tensor t = n.meaning == Meaning::BufferWriteInput ? Tensor::Input : Tensor::Weight;
      if (same(n.value, static_cast<double>(workloads::stored_words(layer, t))) && n.value < truth)
        return "M9: loaded once, although the buffer does not keep the tensor";
      return "";
    }
    case Meaning::BufferWriteOutput: {
      const double sums =
          trips(m, [&](const workloads::Loop& l) { return !moves(layer, l, Tensor::Output); });
      const double outputs = static_cast<double>(workloads::stored_words(layer, Tensor::Output));
      if (same(n.value, outputs * sums) ||
          (strided(layer) && same(n.value, outputs_without_stride(layer) * sums)))
        return "M1: every step writes its whole output tile";
      if (n.value > truth && sums > 1) return "M1: every step writes its whole output tile";
      if (n.value < outputs && partial_fold(m)) return "D3: the share of a partial fold is lost";
      return "";
    }
    case Meaning::PeReadInput:
    case Meaning::PeReadWeight:
    case Meaning::PeWriteOutput:
      if (same(n.value, value(Meaning::Macs)) && !same(n.value, static_cast<double>(c.truth.macs)))
        return "follows from the false number of multiply-accumulates";
      return "";
    case Meaning::PeReadOutput:
      if (same(n.value, value(Meaning::Macs)))
        return "convention: the first sum of an output, which starts from zero, is read too";
      return "";
    case Meaning::Inputs: return "totals multiply the listed dimensions, whatever the tensor has";
    case Meaning::BufferRequirement: return "M9: the requirement is two tiles of the first step";
    case Meaning::PeRequirement:
      return "M18: tiles are not clipped, outputs counted with their halo";
    default: return "";
  }
}

// Its reader splits words at these characters, also inside of names, and keeps the last piece.
std::string last_piece(const std::string& layer) {
  constexpr const char* kSeparators = " ,->():\t;";
  const std::size_t end = layer.find_last_not_of(kSeparators);
  if (end == std::string::npos) return "";
  const std::size_t before = layer.find_last_of(kSeparators, end);
  return layer.substr(before == std::string::npos ? 0 : before + 1,
                      end - (before == std::string::npos ? 0 : before + 1) + 1);
}

}  // namespace

Import read_maestro(const std::string& text, const std::string& file) {
  Import import;
  import.tool = "maestro";
  import.explain = explain;
  import.name_of = last_piece;
  std::vector<std::string> names;
  int line_number = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = text.find('\n', at);
    if (end == std::string::npos) end = text.size();
    std::string line = text.substr(at, end - at);
    at = end + 1;
    ++line_number;
    if (line_number == 1 && line.rfind("\xEF\xBB\xBF", 0) == 0) line.erase(0, 3);
    const std::vector<std::string> cells = split(line);
    if (cells.size() == 1 && cells[0].empty()) continue;
    const bool header = std::find(cells.begin(), cells.end(), "Layer Number") != cells.end();
    if (header) {  // runs may be appended, each with names or without
      names = cells;
      bool known = false;
      for (const std::string& name : names) known = known || meanings().count(name) > 0;
      if (!known)
        refuse(file, line_number, line, "unknown-columns",
               "no column of the original's results; expected e.g. 'Runtime (Cycles)'");
      continue;
    }
    if (names.empty())
      refuse(file, line_number, line, "no-header",
             "the first line must name the columns, 'Layer Number' among them; is this a result of "
             "the original tool?");
    if (cells.size() != names.size())
      refuse(file, line_number, line, "columns",
             "this line has " + std::to_string(cells.size()) + " cells, the line of names " +
                 std::to_string(names.size()));
    Row row;
    row.line = line_number;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (names[i] == "Layer Number") row.layer = cells[i];
      const auto meaning = meanings().find(names[i]);
      if (meaning == meanings().end()) continue;
      Number n;
      n.meaning = meaning->second;
      n.column = names[i];
      n.text = cells[i];
      char* stop = nullptr;
      n.value = std::strtod(cells[i].c_str(), &stop);
      n.valid = !cells[i].empty() && *stop == '\0' && std::isfinite(n.value);
      row.numbers.push_back(std::move(n));
    }
    import.rows.push_back(std::move(row));
  }
  if (import.rows.empty()) refuse(file, line_number, "", "no-rows", "no layer in this file");
  return import;
}

}  // namespace counterpoint::validation::audit
