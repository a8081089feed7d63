// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "cli/options.h"
#include "hw/energy_table.h"
#include "hw/machine_file.h"
#include "input/data_dir.h"
#include "input/diagnostics.h"
#include "input/yaml.h"
#include "stats/table.h"
#include "workloads/network_file.h"

namespace counterpoint::cli {
namespace {

std::string row(const std::string& name, const std::string& description) {
  return fmt::format("  {:<22} {}\n", name, description);
}

std::string machines() {
  std::string out;
  for (const std::string& name : hw::list_presets()) {
    std::vector<input::Diagnostic> all;
    const auto m = hw::load_machine(name, all);
    out += row(name, m ? m->description : "cannot be read");
  }
  return out;
}

std::string networks() {
  std::string out;
  for (const auto& e : workloads::list_networks()) out += row(e.name, e.description);
  return out;
}

std::string dataflows() {
  std::string out;
  for (const auto& e : workloads::list_dataflows()) {
    std::string fits;
    for (const std::string& f : e.fits) fits += (fits.empty() ? "" : ", ") + f;
    out += row(e.name, e.description + "; for " + (fits.empty() ? "any operator" : fits));
  }
  return out;
}

std::string energy() {
  std::string out;
  for (const std::string& name : hw::list_energy_tables()) {
    std::vector<input::Diagnostic> all;
    std::string error;
    const auto text = input::read_file(input::data_dir() + "/hw/energy/" + name + ".yaml", error);
    const auto root = text ? input::parse_yaml(*text, name, all) : std::nullopt;
    const auto table = root ? hw::read_energy_rates(*root) : std::nullopt;
    out += row(name, table ? fmt::format("{}, {}; in {}", table->description,
                                         table->head.technology, table->head.unit)
                           : "cannot be read");
  }
  return out;
}

std::string statistics() {
  std::string out;
  for (const stats::Description& d : stats::descriptions())
    out += fmt::format("  {:<22} {:<13} {}\n", d.key, d.unit, d.sentence);
  return out;
}

struct Kind {
  const char* name;
  const char* title;
  std::string (*rows)();
};

constexpr Kind kKinds[] = {
    {"machines", "machines", machines},
    {"networks", "networks", networks},
    {"dataflows", "dataflows (and what each reuses)", dataflows},
    {"energy", "energy tables", energy},
    {"statistics", "statistics", statistics},
};

}  // namespace

int list(const std::vector<std::string>& args) {
  po::options_description options("Options");
  options.add_options()("format,f",
                        po::value<std::string>()->default_value("text")->value_name("FORMAT"),
                        "text; statistics also: markdown");
  std::string what;
  std::vector<std::string> rest = args;
  if (!rest.empty() && rest[0].rfind("-", 0) != 0) {
    what = rest[0];
    rest.erase(rest.begin());
  }
  const auto values = parse("list", "[machines|networks|dataflows|energy|statistics] [OPTIONS]",
                            "  counterpoint list\n"
                            "  counterpoint list dataflows\n"
                            "  counterpoint list statistics --format markdown\n",
                            options, rest);
  if (!values) return kAgree;
  std::vector<std::string> known;
  for (const Kind& k : kKinds) known.emplace_back(k.name);
  if (!what.empty() && std::find(known.begin(), known.end(), what) == known.end()) {
    const std::string nearest = input::did_you_mean(what, known);
    throw UsageError(
        fmt::format("list knows machines, networks, dataflows, energy and statistics, not '{}'{}",
                    what, nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
  }
  const std::string format = (*values)["format"].as<std::string>();
  if (format == "markdown" && what == "statistics") {
    print(stats::markdown());
    return kAgree;
  }
  if (format != "text")
    throw UsageError(fmt::format("--format {}: it is text, for statistics also markdown", format));
  std::string out;
  for (const Kind& k : kKinds)
    if (what.empty() || what == k.name)
      out += fmt::format("{}{}:\n{}", out.empty() ? "" : "\n", k.title, k.rows());
  print(out);
  return kAgree;
}

}  // namespace counterpoint::cli
