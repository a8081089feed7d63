// SPDX-License-Identifier: Apache-2.0
#include "report/report.h"

#include <fmt/format.h>

#include <fstream>

#include "cli/options.h"
#include "input/data_dir.h"
#include "input/diagnostics.h"

namespace counterpoint::cli {

int report(const std::vector<std::string>& args) {
  // The one argument without a name is the result; boost's parser is strict about names only.
  std::vector<std::string> named = args;
  std::string result;
  if (!named.empty() && named.front().rfind("-", 0) != 0) {
    result = named.front();
    named.erase(named.begin());
  }
  po::options_description options("Options");
  options.add_options()("out,o", po::value<std::string>()->value_name("FILE"),
                        "write the page there instead of to standard output");
  const auto values =
      parse("report", "RESULT.json [--out FILE]",
            "  counterpoint validate -m small -n alexnet -d x_p -l 'CONV*' -f json -o result.json\n"
            "  counterpoint report result.json --out report.html\n",
            options, named);
  if (!values) return kAgree;
  if (result.empty())
    throw UsageError("report RESULT.json: name the file that --format json wrote, first");
  std::string error;
  const auto json = input::read_file(result, error);
  if (!json) throw input::InputError(error);
  const std::string page = report::html(*json, result);
  if (values->count("out") == 0) {
    print(page);
    return kAgree;
  }
  const auto out = (*values)["out"].as<std::string>();
  std::ofstream file(out, std::ios::binary);
  file << page;
  file.close();
  if (!file) throw input::InputError(fmt::format("cannot write {}", out));
  return kAgree;
}

}  // namespace counterpoint::cli
