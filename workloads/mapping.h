// SPDX-License-Identifier: Apache-2.0
// Binding: layer + dataflow + machine -> mapped loop nest, checked to be legal.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "hw/machine.h"
#include "workloads/dataflow.h"
#include "workloads/nest.h"

namespace counterpoint::workloads {

/// A legal mapping: everything that either model reads.
struct Mapping {
  Layer layer;
  Nest nest;
  hw::BoundMachine machine;  ///< storage.size() == nest.levels.size() + 1
  std::string dataflow_name;
};

/// Whether two mappings of one machine do the same: all is equal but for the names of the layer and
/// of the dataflow. Either model then finds the same for both.
bool same_work(const Mapping& a, const Mapping& b);
/// Equal for mappings that do the same.
std::size_t work_hash(const Mapping& m);

/// What a level of a mapping does to the multiply-accumulates of the layer.
struct LevelVerdict {
  std::string level;  ///< as in Level::name
  bool legal = true;
  std::int64_t missing_macs = 0;  ///< of the layer, never done because of this level
  std::int64_t doubled_macs = 0;  ///< of the layer, done more than once because of this level
                                  ///< (each extra execution counts)
  std::string reason;             ///< dimension, tile and offset in words; empty if legal
  SourcePos pos;
};

/// A storage level whose largest tiles do not fit.
struct CapacityShortfall {
  std::string storage;
  std::int64_t required_bytes = 0;
  std::int64_t capacity_bytes = 0;
};

struct BindOptions {
  bool waive_capacity = false;
};

struct BindResult {
  std::optional<Mapping> mapping;             ///< set if and only if there is no error
  std::vector<LevelVerdict> levels;           ///< one per level of the dataflow that was examined
  std::vector<CapacityShortfall> shortfalls;  ///< also when waived
  int offchip_depth = 0;                      ///< k: loops of the top level that run off-chip
  std::vector<Diagnostic> diagnostics;        ///< errors and named warnings, with positions
};

/// Binds and checks. Never throws for a user's mistake; exact and in closed form (cost does not
/// grow with the layer).
BindResult bind(const Layer& layer, const Dataflow& dataflow, const hw::Machine& machine,
                const BindOptions& options = {});

}  // namespace counterpoint::workloads
