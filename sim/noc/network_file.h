// SPDX-License-Identifier: Apache-2.0
// Names of the choices of a network, and the file that describes one (docs/noc.md).
#pragma once

#include <string>
#include <vector>

#include "sim/noc/traffic.h"

namespace counterpoint::sim::noc {

/// In the order of the enumerations.
const std::vector<std::string>& shape_names();
const std::vector<std::string>& routing_names();
const std::vector<std::string>& arbiter_names();
const std::vector<std::string>& pattern_names();

/// Index of a name; throws input::InputError with "did you mean".
std::size_t choose(const std::string& what, const std::string& name,
                   const std::vector<std::string>& names);

struct NetworkFile {
  NetworkConfig config;
  int flit_bits = 64;
};

/// What the file does not say has its default. Throws input::InputError with every mistake.
NetworkFile read_network_file(const std::string& text, const std::string& file);

}  // namespace counterpoint::sim::noc
