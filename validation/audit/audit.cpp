// SPDX-License-Identifier: Apache-2.0
#include "validation/audit/audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analytic/estimator.h"
#include "workloads/network_file.h"

namespace counterpoint::validation::audit {

using workloads::Tensor;

namespace {

// Distinct words of a tensor that the layer's work touches.
std::int64_t distinct(const workloads::Layer& layer, Tensor t) {
  std::int64_t n = 1;
  const bool window = layer.has_window();
  for (workloads::Dim d : workloads::kAllDims) {
    const bool rows = d == workloads::Dim::Y || d == workloads::Dim::R;
    const bool columns = d == workloads::Dim::X || d == workloads::Dim::S;
    if (!layer.couples(t, d) || (window && t == Tensor::Input && (rows || columns))) continue;
    n *= layer[d];
  }
  if (!window || t != Tensor::Input) return n;
  for (const bool rows : {true, false}) {
    const workloads::Window& w = rows ? layer.rows : layer.cols;
    const std::int64_t outs = layer[rows ? workloads::Dim::Y : workloads::Dim::X];
    const std::int64_t kernel = layer[rows ? workloads::Dim::R : workloads::Dim::S];
    std::vector<bool> touched(static_cast<std::size_t>(w.extent), false);
    for (std::int64_t o = 0; o < outs; ++o)
      for (std::int64_t k = 0; k < kernel; ++k) {
        const std::int64_t u = w.stride * o + w.dilation * k - w.offset;
        if (u >= 0 && u % w.upsample == 0 && u / w.upsample < w.extent)
          touched[static_cast<std::size_t>(u / w.upsample)] = true;
      }
    n *= std::count(touched.begin(), touched.end(), true);
  }
  return n;
}

// The laws that a number can break by itself, or together with another of its row.
// None depends on the mapping, so that they hold for layers whose mapping is refused, too.
std::string broken_law(const Number& n, const Row& row, const workloads::Layer& layer,
                       const hw::Machine& machine) {
  const double macs = static_cast<double>(workloads::macs(layer));
  const double units = static_cast<double>(machine.pes * machine.lanes);
  if (!n.valid) return "not a number";
  if (n.value < 0) return "negative";
  const auto at_least = [&](Tensor t, const char* what) -> std::string {
    const std::int64_t words = distinct(layer, t);
    if (n.value >= static_cast<double>(words)) return "";
    return fmt::format("law 2: {} {} have to pass", words, what);
  };
  const auto sent = [&](Meaning from) -> std::string {
    const Number* other = row.find(from);
    if (other == nullptr || !other->valid || n.value >= other->value) return "";
    return fmt::format("law 3: {} words were sent ('{}'), fewer arrived", other->text,
                       other->column);
  };
  switch (n.meaning) {
    case Meaning::Macs:
      if (n.value != macs) return fmt::format("law 1: the layer has {} multiply-accumulates", macs);
      return "";
    case Meaning::Cycles:
      if (n.value * units >= macs) return "";
      return fmt::format("law 4: {} multiply-accumulates on {} units take {} cycles or more", macs,
                         units, std::ceil(macs / units));
    case Meaning::Throughput:
      return n.value <= units * (1 + 1e-5)
                 ? ""
                 : fmt::format("law 4: {} units do at most {} per cycle", units, units);
    case Meaning::UsedPes: {
      const double pes = static_cast<double>(machine.pes);
      return n.value <= pes ? "" : fmt::format("law 4: there are {} PEs", pes);
    }
    case Meaning::Inputs:
    case Meaning::Weights:
    case Meaning::Outputs: {
      const Tensor t = n.meaning == Meaning::Inputs    ? Tensor::Input
                       : n.meaning == Meaning::Weights ? Tensor::Weight
                                                       : Tensor::Output;
      const std::int64_t stored = workloads::stored_words(layer, t);
      return n.value == static_cast<double>(stored)
                 ? ""
                 : fmt::format("law 2: the tensor has {} words", stored);
    }
    case Meaning::BufferReadInput: return at_least(Tensor::Input, "distinct inputs");
    case Meaning::BufferReadWeight: return at_least(Tensor::Weight, "distinct weights");
    case Meaning::BufferWriteInput: return at_least(Tensor::Input, "distinct inputs");
    case Meaning::BufferWriteWeight: return at_least(Tensor::Weight, "distinct weights");
    case Meaning::BufferWriteOutput: return at_least(Tensor::Output, "outputs");
    case Meaning::PeWriteInput: return sent(Meaning::BufferReadInput);
    case Meaning::PeWriteWeight: return sent(Meaning::BufferReadWeight);
    default: return "";
  }
}

// Without a truth: what is impossible under any mapping.
void check_laws(const Row& row, const workloads::Layer& layer, const hw::Machine& machine,
                LayerAudit& out) {
  for (const Number& n : row.numbers) {
    Finding f;
    f.law = broken_law(n, row, layer, machine);
    if (f.law.empty()) continue;
    f.column = n.column;
    f.impossible = true;
    f.reported = n.text;
    out.findings.push_back(std::move(f));
  }
}

}  // namespace

const Number* Row::find(Meaning m) const {
  for (const Number& n : numbers)
    if (n.meaning == m) return &n;
  return nullptr;
}

bool LayerAudit::impossible() const {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& f) { return f.impossible; });
}

int Report::impossible_layers() const {
  return static_cast<int>(std::count_if(layers.begin(), layers.end(),
                                        [](const LayerAudit& l) { return l.impossible(); }));
}

int Report::unaudited_layers() const {
  return static_cast<int>(std::count_if(layers.begin(), layers.end(),
                                        [](const LayerAudit& l) { return !l.refused.empty(); }));
}

int Report::false_layers() const {
  return static_cast<int>(std::count_if(layers.begin(), layers.end(),
                                        [](const LayerAudit& l) { return !l.findings.empty(); }));
}

std::optional<double> truth_of(Meaning m, const workloads::Mapping& mapping,
                               const stats::LayerResult& r) {
  const stats::StorageResult& buffer = r.storage[1];
  const stats::StorageResult& pe = r.storage.back();
  // With the second copy of tensors that are double buffered.
  const auto words = [&](std::size_t depth) {
    std::int64_t n = 0;
    for (std::size_t t = 0; t < 3; ++t)
      n += r.storage[depth].tile_words[t] * hw::slots(mapping.machine.storage[depth].buffering, t);
    return static_cast<double>(n);
  };
  const auto of = [](std::int64_t n) { return std::optional<double>(static_cast<double>(n)); };
  const std::size_t last = mapping.machine.storage.size() - 1;
  switch (m) {
    case Meaning::Macs: return of(r.macs);
    case Meaning::Cycles: return of(r.cycles);
    case Meaning::Throughput:
      return static_cast<double>(r.macs) / static_cast<double>(std::max<std::int64_t>(r.cycles, 1));
    case Meaning::Pes: return of(r.pes);
    case Meaning::Inputs: return of(workloads::stored_words(mapping.layer, Tensor::Input));
    case Meaning::Weights: return of(workloads::stored_words(mapping.layer, Tensor::Weight));
    case Meaning::Outputs: return of(workloads::stored_words(mapping.layer, Tensor::Output));
    case Meaning::BufferRequirement: return words(1);
    case Meaning::PeRequirement: return words(last);
    case Meaning::BufferReadInput: return of(buffer.access[0].fill_read);
    case Meaning::BufferReadWeight: return of(buffer.access[1].fill_read);
    case Meaning::BufferWriteInput: return of(buffer.access[0].fill_write);
    case Meaning::BufferWriteWeight: return of(buffer.access[1].fill_write);
    case Meaning::BufferWriteOutput:
      return of(buffer.access[2].drain_write + buffer.access[2].accumulate_write);
    case Meaning::PeReadInput: return of(pe.access[0].operand_read);
    case Meaning::PeReadWeight: return of(pe.access[1].operand_read);
    case Meaning::PeReadOutput: return of(pe.access[2].operand_read);
    case Meaning::PeWriteInput: return of(pe.access[0].fill_write);
    case Meaning::PeWriteWeight: return of(pe.access[1].fill_write);
    case Meaning::PeWriteOutput: return of(pe.access[2].operand_write);
    case Meaning::UsedPes:
    case Meaning::Other: return std::nullopt;
  }
  return std::nullopt;
}

Report check(const Import& import, const workloads::Network& network, const hw::Machine& machine,
             const workloads::Dataflow* dataflow, double tolerance,
             const std::function<void()>& row_done) {
  Report report;
  report.tool = import.tool;
  std::vector<bool> used(network.layers.size(), false);
  for (std::size_t i = 0; i < import.rows.size(); ++i) {
    if (i > 0 && row_done) row_done();
    const Row& row = import.rows[i];
    LayerAudit& out = report.layers.emplace_back();
    out.layer = row.layer;
    out.line = row.line;
    const auto first = [&](auto name_of) {
      std::size_t l = 0;
      while (l < network.layers.size() &&
             (used[l] || name_of(network.layers[l].layer.name) != row.layer))
        ++l;
      return l;
    };
    std::size_t found = first([](const std::string& name) { return name; });
    if (found == network.layers.size() && import.name_of != nullptr) found = first(import.name_of);
    if (found == network.layers.size()) {
      out.refused = "the mapping file has no (other) layer of this name";
      continue;
    }
    used[found] = true;
    const workloads::NetworkLayer& layer = network.layers[found];
    if (!layer.modelled) {
      out.refused = layer.not_modelled_reason;
      continue;
    }
    const workloads::Dataflow* flow = workloads::dataflow_of(layer, dataflow, out.refused);
    if (flow == nullptr) {
      check_laws(row, layer.layer, machine, out);
      continue;
    }
    const workloads::BindResult bound = workloads::bind(layer.layer, *flow, machine, {true});
    if (!bound.mapping) {
      for (const workloads::LevelVerdict& v : bound.levels)
        if (!v.legal)
          out.refused += fmt::format(
              "{}level '{}' (line {}): {} multiply-accumulates missing, {} "
              "done again: {}",
              out.refused.empty() ? "illegal mapping: " : "; ", v.level, v.pos.line, v.missing_macs,
              v.doubled_macs, v.reason);
      if (out.refused.empty())
        for (const input::Diagnostic& d : bound.diagnostics)
          if (d.severity == input::Severity::Error)
            out.refused += (out.refused.empty() ? "" : "; ") + d.message;
      check_laws(row, layer.layer, machine, out);
      continue;
    }
    const stats::LayerResult truth = analytic::estimate(*bound.mapping);
    const Case c{*bound.mapping, truth, row, i > 0 ? &import.rows[i - 1] : nullptr};
    for (const Number& n : row.numbers) {
      const std::optional<double> ours = truth_of(n.meaning, *bound.mapping, truth);
      const std::string law = broken_law(n, row, layer.layer, machine);
      if (ours) ++out.compared;
      const bool differs =
          ours && n.valid && std::abs(n.value - *ours) > tolerance * std::abs(*ours) + 1e-9 &&
          // Ratios are printed with six digits.
          !(n.meaning == Meaning::Throughput && std::abs(n.value - *ours) <= 1e-5 * *ours);
      if (law.empty() && !differs) continue;
      Finding f;
      f.column = n.column;
      f.impossible = !law.empty();
      f.reported = n.text;
      f.truth = ours;
      f.law = law;
      if (import.explain != nullptr) f.cause = import.explain(c, n, ours.value_or(0));
      out.findings.push_back(std::move(f));
    }
  }
  for (std::size_t l = 0; l < network.layers.size(); ++l)
    if (!used[l]) report.missing.push_back(network.layers[l].layer.name);
  return report;
}

}  // namespace counterpoint::validation::audit
