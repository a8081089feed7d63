// SPDX-License-Identifier: Apache-2.0
#include "validation/explain.h"

#include <fmt/format.h>

#include "cli/options.h"
#include "input/diagnostics.h"
#include "workloads/network_file.h"

namespace counterpoint::cli {

int explain(const Inputs& in, const std::string& selection, bool waive_capacity) {
  std::vector<std::string> names;
  for (const workloads::NetworkLayer* l : in.layers) names.push_back(l->layer.name);
  std::string out;
  for (const std::size_t i : select_layers(names, selection)) {
    const workloads::NetworkLayer& l = *in.layers[i];
    if (!l.modelled)
      throw input::InputError(fmt::format("{}: {}", l.layer.name, l.not_modelled_reason));
    std::string refused;
    const workloads::Dataflow* flow =
        workloads::dataflow_of(l, in.dataflow ? &*in.dataflow : nullptr, refused);
    if (flow == nullptr) throw input::InputError(fmt::format("{}: {}", l.layer.name, refused));
    if (!out.empty()) out += "\n";
    out += validation::write_explanation(
        validation::explain(l.layer, *flow, in.machine, waive_capacity));
  }
  print(out);
  return kAgree;
}

}  // namespace counterpoint::cli
