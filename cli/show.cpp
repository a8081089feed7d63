// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "cli/options.h"
#include "input/diagnostics.h"
#include "workloads/mapping.h"
#include "workloads/network_file.h"
#include "workloads/show.h"

namespace counterpoint::cli {

int show(const std::vector<std::string>& args) {
  po::options_description options("Options");
  add_input_options(options);
  const auto values =
      parse("show", "--machine M --network N [--dataflow D] --layers LIST",
            "  counterpoint show --machine small --network alexnet --dataflow x_p -l CONV3\n",
            options, args);
  if (!values) return kAgree;
  const Inputs in = read_inputs(*values);
  bool all = true;
  for (const workloads::NetworkLayer* l : in.layers) {
    if (!l->modelled) {
      std::printf("%s: not modelled: %s\n\n", l->layer.name.c_str(),
                  l->not_modelled_reason.c_str());
      continue;
    }
    std::string refused;
    const workloads::Dataflow* flow =
        workloads::dataflow_of(*l, in.dataflow ? &*in.dataflow : nullptr, refused);
    if (flow == nullptr) {
      std::fprintf(stderr, "error: layer '%s': %s\n", l->layer.name.c_str(), refused.c_str());
      all = false;
      continue;
    }
    const workloads::BindResult r =
        workloads::bind(l->layer, *flow, in.machine, {(*values)["waive-capacity"].as<bool>()});
    std::fputs(input::format(r.diagnostics).c_str(), stderr);
    all = all && r.mapping.has_value();
    if (r.mapping) std::printf("%s\n", workloads::show(*r.mapping).c_str());
  }
  return all ? kAgree : kInput;
}

}  // namespace counterpoint::cli
