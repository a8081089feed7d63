// SPDX-License-Identifier: Apache-2.0
// What every resource does in a window of time, as text.
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/options.h"
#include "input/diagnostics.h"
#include "input/progress.h"
#include "sim/trace/timeline.h"
#include "validation/tracing.h"
#include "workloads/mapping.h"
#include "workloads/network_file.h"

namespace counterpoint::cli {

int timeline(const std::vector<std::string>& args) {
  po::options_description options("Options");
  add_input_options(options);
  options.add_options()("window", po::value<std::string>()->default_value("")->value_name("WINDOW"),
                        "FROM:TO in cycles, step:N, or stall (around the longest); default: all")(
      "columns", po::value<int>()->value_name("N"), "width, at least 40 (default: the terminal's)")(
      "list", po::bool_switch(), "a line per transfer, work and wait instead of a picture");
  const auto values =
      parse("timeline", "--machine M --network N [--dataflow D] --layers LAYER [OPTIONS]",
            "  counterpoint timeline -m small -n alexnet -d x_p -l CONV3 --window 0:400\n"
            "  counterpoint timeline -m small -n alexnet -d x_p -l CONV3 --window stall --list\n",
            options, args);
  if (!values) return kAgree;
  const bool list = (*values)["list"].as<bool>();
  int columns = 100;
  winsize size{};
  if (values->count("columns") != 0) {
    if (list) throw UsageError("--columns has no effect on --list");
    columns = (*values)["columns"].as<int>();
    if (columns < 40 || columns > 10000) throw UsageError("--columns takes 40 to 10000");
  } else if (isatty(STDOUT_FILENO) != 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
             size.ws_col >= 40) {
    columns = size.ws_col;
  }
  const Inputs in = read_inputs(*values);
  if (in.layers.size() != 1)
    throw UsageError(
        fmt::format("a timeline shows one layer and {} are selected: choose one with "
                    "--layers",
                    in.layers.size()));
  const workloads::NetworkLayer& layer = *in.layers.front();
  if (!layer.modelled)
    throw input::InputError(
        fmt::format("layer '{}': not modelled: {}", layer.layer.name, layer.not_modelled_reason));
  std::string refused;
  const workloads::Dataflow* flow =
      workloads::dataflow_of(layer, in.dataflow ? &*in.dataflow : nullptr, refused);
  if (flow == nullptr)
    throw input::InputError(fmt::format("layer '{}': {}", layer.layer.name, refused));
  const workloads::BindResult bound =
      workloads::bind(layer.layer, *flow, in.machine, {(*values)["waive-capacity"].as<bool>()});
  if (!bound.mapping) throw input::InputError(bound.diagnostics);
  const auto chosen = (*values)["window"].as<std::string>();
  input::ProgressLine progress("cycles", validation::simulated_cycles(*bound.mapping, chosen));
  std::int64_t told = 0;
  sim::SimOptions run;
  run.advanced = [&](std::int64_t cycle) {
    progress.advance(static_cast<double>(cycle - told));
    told = cycle;
  };
  const validation::Window window = validation::find_window(*bound.mapping, chosen, run.advanced);
  told = 0;
  constexpr std::int64_t kMost = std::int64_t{512} << 20;  // bytes of slices, about
  sim::Timeline timeline(*bound.mapping, {window.from, window.to, kMost});
  run.carry_data = false;
  run.observer = &timeline;
  sim::simulate(*bound.mapping, run);
  progress.clear();
  if (window.from >= timeline.cycles())
    throw input::InputError(
        fmt::format("--window {}: the run ends after {} cycles", chosen, timeline.cycles()));
  if (timeline.stopped_at() >= 0)
    throw input::InputError(
        fmt::format("too many events ({}) up to cycle {} alone: choose a --window",
                    timeline.slices(), timeline.stopped_at()));
  print(list ? timeline.write_list() : timeline.write_text(columns));
  return kAgree;
}

}  // namespace counterpoint::cli
