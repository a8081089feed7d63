// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/options.h"
#include "input/diagnostics.h"
#include "workloads/mapping.h"
#include "workloads/network_file.h"

namespace counterpoint::cli {

int check(const std::vector<std::string>& args) {
  po::options_description options("Options");
  add_input_options(options);
  const auto values =
      parse("check", "--machine M --network N [--dataflow D] [OPTIONS]",
            "  counterpoint check --machine accelerator_1 --network my_mapping.m\n"
            "  counterpoint check -m eyeriss -n vgg16 -d row_stationary -l 'CONV*'\n",
            options, args);
  if (!values) return kAgree;
  const Inputs in = read_inputs(*values);
  bool all_legal = true;
  std::string out;
  for (const workloads::NetworkLayer* l : in.layers) {
    if (!l->modelled) {
      out += fmt::format("{}: not modelled: {}\n", l->layer.name, l->not_modelled_reason);
      continue;
    }
    std::string refused;
    const workloads::Dataflow* flow =
        workloads::dataflow_of(*l, in.dataflow ? &*in.dataflow : nullptr, refused);
    if (flow == nullptr) {
      out += fmt::format("{}: refused: {}\n", l->layer.name, refused);
      all_legal = false;
      continue;
    }
    const workloads::BindResult r =
        workloads::bind(l->layer, *flow, in.machine, {(*values)["waive-capacity"].as<bool>()});
    out += fmt::format("{}: {}\n", l->layer.name, r.mapping ? "legal" : "refused");
    for (const workloads::LevelVerdict& v : r.levels) {
      if (v.legal)
        out += fmt::format("  level '{}': divides its tiles exactly\n", v.level);
      else
        out += fmt::format("  level '{}' ({}:{}): {} MACs missing, {} done again: {}\n", v.level,
                           v.pos.line, v.pos.column, v.missing_macs, v.doubled_macs, v.reason);
    }
    if (r.mapping && !flow->explicit_offchip)
      out += fmt::format("  loops of the top level that run off-chip: {}\n", r.offchip_depth);
    out += input::format(r.diagnostics);
    all_legal = all_legal && r.mapping.has_value();
  }
  print(out);
  return all_legal ? kAgree : kInput;
}

}  // namespace counterpoint::cli
