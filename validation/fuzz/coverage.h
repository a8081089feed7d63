// SPDX-License-Identifier: Apache-2.0
// What a case exercises, so that gaps of the generator can be seen.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "stats/result.h"
#include "validation/fuzz/generator.h"
#include "workloads/mapping.h"

namespace counterpoint::validation::fuzz {

/// A case, bound, and what came out (the estimate; of the simulator where it failed).
struct Drawn {
  const Case& c;
  const workloads::BindResult& bound;
  const stats::LayerResult& result;
};

struct Feature {
  std::string group, name;
  std::function<bool(const Drawn&)> has;
};

/// All features, in the order of the report.
const std::vector<Feature>& features();

}  // namespace counterpoint::validation::fuzz
