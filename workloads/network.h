// SPDX-License-Identifier: Apache-2.0
// A network: layers in order, some of which may not be modelled.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "workloads/dataflow.h"
#include "workloads/layer.h"

namespace counterpoint::workloads {

struct NetworkLayer {
  Layer layer;
  std::int64_t repeat = 1;  ///< executed this often (attention heads, equal blocks)
  bool modelled = true;
  std::string not_modelled_reason;  ///< e.g. "POOL is not modelled: it has no multiply-accumulates"
  std::optional<Dataflow> dataflow;  ///< as written in the layer; else the one named by the user
  SourcePos pos;
};

struct Network {
  std::string name;
  std::string file;
  std::vector<NetworkLayer> layers;
  std::vector<Diagnostic> warnings;
};

}  // namespace counterpoint::workloads
