// SPDX-License-Identifier: Apache-2.0
// Numbers of other tools, held against the laws of docs/machine.md and against our own count of
// the same mapping on the same machine. An importer is one small file: it reads a report into
// rows of numbers whose meaning is known, and may name the defects that explain a number.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "hw/machine.h"
#include "stats/result.h"
#include "workloads/mapping.h"
#include "workloads/network.h"

namespace counterpoint::validation::audit {

/// What an imported number says, in our terms. "Buffer" is the level below off-chip memory, "PE"
/// the innermost one; all instances together, words.
enum class Meaning : std::uint8_t {
  Macs,
  Cycles,
  Throughput,  ///< multiply-accumulates per cycle
  Pes,
  UsedPes,
  Inputs,  ///< words of the tensors
  Weights,
  Outputs,
  BufferRequirement,  ///< words of one instance
  PeRequirement,
  BufferReadInput,  ///< sent to the level below
  BufferReadWeight,
  BufferWriteInput,  ///< arrived from off-chip memory
  BufferWriteWeight,
  BufferWriteOutput,  ///< arrived from below
  PeReadInput,        ///< by the multiply-accumulates
  PeReadWeight,
  PeReadOutput,
  PeWriteInput,  ///< arrived from above
  PeWriteWeight,
  PeWriteOutput,  ///< by the multiply-accumulates
  Other           ///< checked for being a number, nothing else
};

struct Number {
  Meaning meaning = Meaning::Other;
  std::string column;  ///< as the tool names it
  std::string text;    ///< as it stands there
  double value = 0;
  bool valid = true;  ///< text is a finite number
};

struct Row {
  std::string layer;
  int line = 0;
  std::vector<Number> numbers;
  const Number* find(Meaning m) const;
};

/// One mapped layer as both we and the explanations of an importer see it.
struct Case {
  const workloads::Mapping& mapping;
  const stats::LayerResult& truth;
  const Row& row;
  const Row* previous = nullptr;  ///< the row before, if any
};

struct Import {
  std::string tool;
  std::vector<Row> rows;
  /// The defect of the tool that a false number shows, or "": only if what it would produce is
  /// what stands there, or its condition certainly holds.
  std::string (*explain)(const Case& c, const Number& n, double truth) = nullptr;
  /// What the tool makes of a layer's name, if it does not keep it. A row belongs to the first
  /// layer, not taken by a row before, whose name it bears as written, else as the tool has it.
  std::string (*name_of)(const std::string& layer) = nullptr;
};

struct Finding {
  std::string column;
  bool impossible = false;  ///< else: merely different from the truth
  std::string reported;
  std::optional<double> truth;  ///< none: nothing of ours corresponds, or the layer is refused
  std::string law;    ///< which law it breaks, with the numbers; "" if it is only different
  std::string cause;  ///< the tool's defect; "" if not explained
};

struct LayerAudit {
  std::string layer;
  int line = 0;
  /// Why there is no truth: not in the mapping file, an illegal mapping ... The laws that need no
  /// mapping are checked all the same if the layer is known.
  std::string refused;
  int compared = 0;  ///< numbers with a counterpart
  std::vector<Finding> findings;
  bool impossible() const;
};

struct Report {
  std::string tool;
  std::vector<LayerAudit> layers;
  std::vector<std::string> missing;  ///< layers of the mapping without a row
  int impossible_layers() const;
  int false_layers() const;      ///< with any finding
  int unaudited_layers() const;  ///< without a truth
};

/// What we count for a meaning; std::nullopt for Other.
std::optional<double> truth_of(Meaning m, const workloads::Mapping& mapping,
                               const stats::LayerResult& result);

/// Holds every row against the layer of its name. `dataflow` is for layers without their own.
/// Differences up to `tolerance` (relative) are none. `row_done`, if given, is called after each
/// but the last.
Report check(const Import& import, const workloads::Network& network, const hw::Machine& machine,
             const workloads::Dataflow* dataflow, double tolerance,
             const std::function<void()>& row_done = {});

/// The original tool's CSV. Throws input::InputError (file, line) if it is not one.
Import read_maestro(const std::string& text, const std::string& file);

std::string write_table(const Report& r);
std::string write_csv(const Report& r);
std::string write_json(const Report& r);

}  // namespace counterpoint::validation::audit
