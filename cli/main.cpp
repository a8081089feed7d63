// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <new>

#include "cli/options.h"
#include "input/diagnostics.h"

namespace counterpoint::cli {

namespace {

using Arguments = std::vector<std::string>;

struct Command {
  const char* name;
  const char* summary;
  int (*run)(const Arguments& arguments);
};

// In the order of the help.
const std::vector<Command>& commands() {
  static const std::vector<Command> all = {
      {"validate", "run both models on every layer and compare everything they report", validate},
      {"estimate", "run the analytic estimator alone", estimate},
      {"simulate", "run the simulator alone, with a check of the computed outputs", simulate},
      {"check", "say whether mappings are legal: what is missing or done twice, and where", check},
      {"show", "print the mapped loop nest of a layer as pseudo-code", show},
      {"fuzz", "check random cases: both models, all laws; make what fails small", fuzz},
      {"audit", "hold another tool's numbers against the laws and the truth", audit},
      {"noc", "a routed network alone: latency over load, traces, where packets lose time", noc},
      {"contention", "one layer on many networks: what a pipe hides, and why", contention},
      {"published", "both models against published measurements", published},
      {"report", "make one HTML page of a result: tables, charts, the machine as a diagram",
       report},
      {"timeline", "print what every resource does in a window of time", timeline},
      {"list", "list machines, networks, dataflows, energy tables, statistics", list},
  };
  return all;
}

std::string overview() {
  std::string text =
      "usage: counterpoint COMMAND [options]\n\n"
      "Predicts and simulates how a neural network's layers run on a spatial accelerator:\n"
      "an analytic estimator and a SystemC simulator that must agree.\n\nCommands:\n";
  for (const Command& c : commands()) text += fmt::format("  {:<11}{}\n", c.name, c.summary);
  text +=
      "\n  --help     this text; `counterpoint COMMAND --help` explains a command\n"
      "  --version  version of the program\n"
      "\nExit status: 0 fine, 1 the models disagree or an output is wrong, 2 a mistake in options\n"
      "or files or an illegal mapping, 3 a defect of the program, 130 interrupted.\n"
      "\nExample:\n"
      "  counterpoint validate --network alexnet --machine eyeriss --dataflow row_stationary\n";
  return text;
}

int run(const Arguments& arguments) {
  if (arguments.empty()) throw UsageError("a command is expected; see counterpoint --help");
  const std::string& word = arguments.front();
  if (word == "--help" || word == "-h") {
    print(overview());
    return kAgree;
  }
  if (word == "--version") {
    print(fmt::format("counterpoint {}\n", kVersion));
    return kAgree;
  }
  std::vector<std::string> names;
  for (const Command& c : commands()) {
    if (word == c.name) return c.run({arguments.begin() + 1, arguments.end()});
    names.emplace_back(c.name);
  }
  const std::string nearest = input::did_you_mean(word, names);
  throw UsageError(fmt::format("unknown {} '{}'{}; see counterpoint --help",
                               word.rfind("-", 0) == 0 ? "option" : "command", word,
                               nearest.empty() ? "" : ", did you mean '" + nearest + "'?"));
}

int guarded(const Arguments& arguments) {
  try {
    return run(arguments);
  } catch (const UsageError& e) {
    fmt::print(stderr, "counterpoint: error: {}\n", e.what());
    return kInput;
  } catch (const input::InputError& e) {
    // Messages without a position come with "error: " themselves.
    fmt::print(stderr, "{}", input::format(e.diagnostics()));
    return kInput;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "counterpoint: error: out of memory\n");
    return kInternal;
  } catch (const std::exception& e) {
    fmt::print(stderr, "counterpoint: internal error: {}\n", e.what());
    return kInternal;
  }
}

}  // namespace
}  // namespace counterpoint::cli

int main(int argc, char** argv) {
  return counterpoint::cli::guarded({argv + (argc > 0 ? 1 : 0), argv + argc});
}
