// SPDX-License-Identifier: Apache-2.0
// Random small cases: a layer, a dataflow that divides it, a machine. The same seed gives the same
// case on every platform; nothing here depends on either model.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "hw/machine.h"
#include "input/diagnostics.h"
#include "workloads/network.h"

namespace counterpoint::validation::fuzz {

/// What random cases may contain.
struct Limits {
  std::int64_t max_macs = 1500;
  std::int64_t stretch = 1;  ///< extents are up to so many times larger
  int max_levels = 4;        ///< cluster levels of the dataflow, the top one included
  std::int64_t max_pes = 64;
  bool buses = false;  ///< networks may be buses or routed (the estimator is a lower bound then)
};

struct Case {
  std::uint64_t seed = 0;
  workloads::NetworkLayer layer;  ///< with its dataflow
  hw::Machine machine;
};

/// The case of a seed. Most are legal and some are not: `workloads::bind` decides (with the
/// capacity waived, for the buffers may be too small on purpose).
Case generate(std::uint64_t seed, const Limits& limits = {});

/// A smaller case for which `fails` still holds, by greedy simplification: smaller extents, fewer
/// directives and levels, a plainer machine. `fails` must hold for `c`; it is also asked about
/// cases that are not legal, which should not count as failures.
Case shrink(const Case& c, const std::function<bool(const Case&)>& fails);

/// The layer and its dataflow as a mapping file.
std::string mapping_text(const Case& c);

/// The machine as a file that `hw::read_machine` reads.
std::string machine_yaml(const hw::Machine& machine);

/// A case as text to reproduce it with: mapping file, then machine file.
std::string describe(const Case& c);

/// The case that a mapping file of one layer (with a dataflow) and a machine file describe.
struct ReadCase {
  std::optional<Case> found;  ///< set if and only if there is no error
  std::vector<input::Diagnostic> diagnostics;
};
ReadCase read_case(const std::string& mapping, const std::string& mapping_name,
                   const std::string& machine, const std::string& machine_name);

}  // namespace counterpoint::validation::fuzz
