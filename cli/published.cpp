// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <thread>

#include "cli/options.h"
#include "cli/plot.h"
#include "input/data_dir.h"
#include "input/diagnostics.h"
#include "validation/published/run.h"

namespace counterpoint::cli {

namespace sets = validation::published;

int published(const std::vector<std::string>& args) {
  po::options_description options("Options");
  options.add_options()("rows", po::value<std::string>()->value_name("FILE.csv"),
                        "take the rows from there instead: a header, then one row per line")(
      "with-faults", po::bool_switch(),
      "add the source's documented faults to our numbers before they are compared")(
      "estimate-only", po::bool_switch(), "do not simulate")(
      "show", po::value<int>()->value_name("ROW"),
      "print the mapping of a row (from 1) instead, as a file that the other commands read")(
      "format,f", po::value<std::string>()->default_value("table")->value_name("FORMAT"),
      "table, csv, json, or markdown: the errors")(
      "plot", po::value<std::string>()->value_name("FILE.svg"),
      "draw predicted against measured (needs gnuplot)")(
      "jobs,j", po::value<int>()->value_name("N"), "rows at a time (default: processors)");
  std::vector<std::string> rest = args;
  std::optional<std::string> name;
  if (!rest.empty() && rest.front().rfind("-", 0) != 0) {
    name = rest.front();
    rest.erase(rest.begin());
  }
  const auto values = parse(
      "published", "[NAME|FILE.yaml] [OPTIONS]",
      "  counterpoint published eyeriss-alexnet\n"
      "  counterpoint published gemm16x16 --rows more.csv --plot gemm.svg\n"
      "\nWithout a name: a summary of every set that comes with the program.\n"
      "Exit status: 0 all bounds of the set hold, 1 one is broken, 2 a mistake in the input.\n",
      options, rest);
  if (!values) return kAgree;
  const std::string format = (*values)["format"].as<std::string>();
  if (format != "table" && format != "csv" && format != "json" && format != "markdown")
    throw UsageError(fmt::format("--format {}: it is table, csv, json or markdown", format));
  sets::RunOptions run;
  run.simulate = !(*values)["estimate-only"].as<bool>();
  run.with_faults = (*values)["with-faults"].as<bool>();
  run.jobs = values->count("jobs") != 0
                 ? (*values)["jobs"].as<int>()
                 : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  if (run.jobs < 1 || run.jobs > 1024) throw UsageError("--jobs takes a number from 1 to 1024");
  if (!name)
    for (const char* alone : {"rows", "plot", "show"})
      if (values->count(alone) != 0)
        throw UsageError(fmt::format("--{} needs the name of one set", alone));

  std::vector<std::string> names = name ? std::vector<std::string>{*name} : sets::list_sets();
  bool broken = false;
  for (const std::string& n : names) {
    std::vector<input::Diagnostic> diagnostics;
    auto set = sets::load_set(n, diagnostics);
    if (!set) throw input::InputError(diagnostics);
    if (values->count("rows") != 0) {
      const std::string path = (*values)["rows"].as<std::string>();
      std::string error;
      const auto text = input::read_file(path, error);
      if (!text) throw input::InputError(error);
      sets::read_rows(*set, *text, path);
    }
    if (set->rows.empty())
      throw input::InputError(fmt::format("{}: no rows; name a file with --rows", set->file));
    if (values->count("show") != 0) {
      const int row = (*values)["show"].as<int>();
      if (row < 1 || static_cast<std::size_t>(row) > set->rows.size())
        throw UsageError(fmt::format("--show {}: rows are 1 to {}", row, set->rows.size()));
      print(sets::mapping_text(*set, static_cast<std::size_t>(row) - 1));
      return kAgree;
    }
    const sets::Result result = sets::run(*set, run);
    if (result.interrupted) return kInterrupted;
    std::string out;
    if (format == "csv")
      out = sets::write_csv(*set, result);
    else if (format == "json")
      out = sets::write_json(*set, result);
    else if (format == "markdown")
      out = sets::write_markdown(*set, result, n == names.front());
    else
      out = sets::write_table(*set, result, name.has_value()) + (name ? "" : "\n");
    print(out);
    if (values->count("plot") != 0) {
      const std::string file = (*values)["plot"].as<std::string>();
      draw(sets::write_plot(*set, result, file), file, "--plot");
    }
    broken = broken || !result.broken.empty();
  }
  return broken ? kDisagree : kAgree;
}

}  // namespace counterpoint::cli
