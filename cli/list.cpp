// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/options.h"
#include "hw/machine_file.h"
#include "stats/table.h"
#include "workloads/network_file.h"

namespace counterpoint::cli {

int list(const std::vector<std::string>& args) {
  po::options_description options("Options");
  options.add_options()("format,f",
                        po::value<std::string>()->default_value("text")->value_name("FORMAT"),
                        "text; statistics also: markdown");
  std::string what = "all";
  std::vector<std::string> rest = args;
  if (!rest.empty() && rest[0].rfind("-", 0) != 0) {
    what = rest[0];
    rest.erase(rest.begin());
  }
  const auto values = parse("list", "[machines|networks|dataflows|statistics] [OPTIONS]",
                            "  counterpoint list\n  counterpoint list dataflows\n"
                            "  counterpoint list statistics --format markdown\n",
                            options, rest);
  if (!values) return kAgree;
  const std::string format = (*values)["format"].as<std::string>();
  if (what != "all" && what != "machines" && what != "networks" && what != "dataflows" &&
      what != "statistics")
    throw UsageError(fmt::format(
        "counterpoint list {}: it lists machines, networks, dataflows or statistics", what));
  if (format != "text" && !(format == "markdown" && what == "statistics"))
    throw UsageError(fmt::format("--format {}: it is text, for statistics also markdown", format));
  std::string out;
  const auto title = [&](const char* name) {
    out += fmt::format("{}{}:\n", out.empty() ? "" : "\n", name);
  };
  if (what == "all" || what == "machines") {
    title("machines");
    for (const std::string& name : hw::list_presets()) {
      std::vector<input::Diagnostic> ignored;
      const auto m = hw::load_machine(name, ignored);
      out += fmt::format("  {:<22} {}\n", name, m ? m->description : "unreadable");
    }
  }
  if (what == "all" || what == "networks") {
    title("networks");
    for (const auto& e : workloads::list_networks())
      out += fmt::format("  {:<22} {}\n", e.name, e.description);
  }
  if (what == "all" || what == "dataflows") {
    title("dataflows (and what each reuses)");
    for (const auto& e : workloads::list_dataflows()) {
      std::string fits;
      for (const std::string& f : e.fits) fits += (fits.empty() ? "" : ", ") + f;
      out += fmt::format("  {:<22} {}; for {}\n", e.name, e.description,
                         fits.empty() ? "any operator" : fits);
    }
  }
  if (what == "statistics") {
    if (format == "markdown") {
      out = stats::markdown();
    } else {
      for (const auto& d : stats::descriptions())
        out += fmt::format("  {:<22} {:<13} {}\n", d.key, d.unit, d.sentence);
    }
  }
  print(out);
  return kAgree;
}

}  // namespace counterpoint::cli
