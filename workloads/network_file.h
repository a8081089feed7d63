// SPDX-License-Identifier: Apache-2.0
// Networks as YAML files, and the catalogue of networks and dataflows that come with the program.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "workloads/network.h"

namespace counterpoint::workloads {

/// Reads a network file (docs/workloads.md). Every stated output size and number of
/// multiply-accumulates is checked. Mistakes are appended to `diagnostics`; std::nullopt if
/// there is an error.
std::optional<Network> read_network_yaml(const std::string& text, const std::string& file,
                                         std::vector<Diagnostic>& diagnostics);

/// A network by name (of those in workloads/networks), or a file: YAML, or a mapping file (.m).
std::optional<Network> load_network(const std::string& name_or_path,
                                    std::vector<Diagnostic>& diagnostics);

/// A dataflow by name (of those in workloads/dataflows), or a file.
std::optional<Dataflow> load_dataflow(const std::string& name_or_path,
                                      std::vector<Diagnostic>& diagnostics);

/// One entry of the catalogue.
struct CatalogEntry {
  std::string name;
  std::string description;
  std::vector<std::string> fits;  ///< dataflows: operators, as in Operator names; empty: any
};
std::vector<CatalogEntry> list_networks();
std::vector<CatalogEntry> list_dataflows();

/// Operators that a dataflow template says it fits (its line `// fits: ...`); empty: any.
std::vector<std::string> dataflow_fits(const Dataflow& dataflow);

/// The dataflow that a layer runs under: its own, else `named` (which may be null). nullptr, and
/// the reason in `refused`, if there is none or if `named` says that it fits other operators.
const Dataflow* dataflow_of(const NetworkLayer& layer, const Dataflow* named, std::string& refused);

}  // namespace counterpoint::workloads
