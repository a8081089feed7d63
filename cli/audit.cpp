// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "cli/options.h"
#include "hw/machine_file.h"
#include "input/diagnostics.h"
#include "input/progress.h"
#include "validation/audit/audit.h"
#include "workloads/network_file.h"

namespace counterpoint::cli {

namespace audits = validation::audit;

namespace {

struct Tool {
  const char* name;
  const char* summary;
  audits::Import (*read)(const std::string& text, const std::string& file);
};

// An importer is one line here and one file in validation/audit.
const std::vector<Tool>& tools() {
  static const std::vector<Tool> all = {
      {"maestro", "the CSV that the original writes, one row per layer", audits::read_maestro},
  };
  return all;
}

const Tool& tool_of(const std::string& word) {
  std::vector<std::string> names;
  for (const Tool& t : tools()) {
    if (word == t.name) return t;
    names.emplace_back(t.name);
  }
  const std::string nearest = input::did_you_mean(word, names);
  throw UsageError(fmt::format("audit {}: results of that tool are not read{}; known: {}", word,
                               nearest.empty() ? "" : ", did you mean '" + nearest + "'?",
                               names[0]));
}

}  // namespace

int audit(const std::vector<std::string>& args) {
  po::options_description options("Options");
  options.add_options()("mapping,m", po::value<std::string>()->value_name("FILE"),
                        "the mapping file (or network) whose layers were evaluated")(
      "hw", po::value<std::string>()->value_name("FILE"),
      "the hardware file (or machine) on which they were")(
      "dataflow,d", po::value<std::string>()->value_name("DATAFLOW"),
      "for layers without a dataflow of their own")(
      "tolerance", po::value<double>()->default_value(0)->value_name("PERCENT"),
      "differences from the truth that are not reported")(
      "format,f", po::value<std::string>()->default_value("table")->value_name("FORMAT"),
      "table, csv or json")("out,o", po::value<std::string>()->value_name("FILE"),
                            "write there instead of to standard output");
  std::vector<std::string> words;
  std::vector<std::string> rest = args;
  while (!rest.empty() && words.size() < 2 && rest.front().rfind("-", 0) != 0) {
    words.push_back(rest.front());
    rest.erase(rest.begin());
  }
  const auto values = parse(
      "audit", "TOOL RESULT --mapping FILE --hw FILE [OPTIONS]",
      "  counterpoint audit maestro vgg16.csv --mapping vgg16_kcp_ws.m --hw accelerator_1.m\n"
      "\nExit status: 0 nothing false, 1 impossible or different numbers or layers that cannot be "
      "audited, 2 a mistake in the input.\n",
      options, rest);
  if (!values) return kAgree;
  if (words.size() != 2)
    throw UsageError("audit needs a tool and its result: audit maestro RESULT.csv --mapping ...");
  const Tool& tool = tool_of(words[0]);
  for (const char* needed : {"mapping", "hw"})
    if (values->count(needed) == 0)
      throw UsageError(fmt::format("audit needs --{}: the numbers are counted again", needed));
  const std::string format = (*values)["format"].as<std::string>();
  if (format != "table" && format != "csv" && format != "json")
    throw UsageError(fmt::format("--format {}: it is table, csv or json", format));
  const double tolerance = (*values)["tolerance"].as<double>();
  if (!(tolerance >= 0 && tolerance <= 100))
    throw UsageError("--tolerance takes a percentage from 0 to 100");

  std::vector<input::Diagnostic> diagnostics;
  const auto network = workloads::load_network((*values)["mapping"].as<std::string>(), diagnostics);
  const auto machine = hw::load_machine((*values)["hw"].as<std::string>(), diagnostics);
  std::optional<workloads::Dataflow> dataflow;
  if (values->count("dataflow") != 0)
    dataflow = workloads::load_dataflow((*values)["dataflow"].as<std::string>(), diagnostics);
  if (!network || !machine || input::has_errors(diagnostics)) throw input::InputError(diagnostics);
  std::ifstream in(words[1], std::ios::binary);
  if (!in) throw input::InputError(fmt::format("cannot read {}", words[1]));
  std::stringstream text;
  text << in.rdbuf();
  const audits::Import rows = tool.read(text.str(), words[1]);
  input::ProgressLine line("layers", static_cast<double>(rows.rows.size()));
  const audits::Report report =
      audits::check(rows, *network, *machine, dataflow ? &*dataflow : nullptr, tolerance / 100,
                    [&line] { line.advance(1); });
  line.clear();
  const std::string out = format == "csv"    ? audits::write_csv(report)
                          : format == "json" ? audits::write_json(report)
                                             : audits::write_table(report);
  if (values->count("out") != 0) {
    const std::string path = (*values)["out"].as<std::string>();
    std::ofstream file(path, std::ios::binary);
    file << out;
    file.close();
    if (!file) throw input::InputError(fmt::format("cannot write {}", path));
  } else {
    print(out);
  }
  return report.false_layers() + report.unaudited_layers() > 0 ? kDisagree : kAgree;
}

}  // namespace counterpoint::cli
