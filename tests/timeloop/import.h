// SPDX-License-Identifier: Apache-2.0
// Mapped layers of Timeloop (architecture, problem and mapping in one YAML file) as mappings of
// ours: temporal and spatial factors become the loops and cuts of a nest.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "workloads/mapping.h"

namespace counterpoint::timeloop {

struct Imported {
  workloads::Mapping mapping;
  /// Timeloop's storage levels, outermost first, as indices of our storage: spatial factors over
  /// two dimensions take a level between, which is none of Timeloop's.
  std::vector<std::pair<std::string, std::size_t>> storage;
  std::map<std::string, workloads::Tensor> tensor;              ///< data spaces by name
  std::map<std::string, std::vector<std::string>> bypassed_by;  ///< data space: levels
};

/// Throws std::runtime_error with what is not understood.
Imported read(const std::string& path);

}  // namespace counterpoint::timeloop
