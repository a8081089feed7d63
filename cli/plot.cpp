// SPDX-License-Identifier: Apache-2.0
#include "cli/plot.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "input/diagnostics.h"

namespace counterpoint::cli {

void draw(const std::string& script, const std::string& file, const char* option) {
  if (std::system("command -v gnuplot >/dev/null 2>&1") != 0)
    throw input::InputError(
        fmt::format("{}: gnuplot is not installed (Debian's package gnuplot-nox)", option));
  std::FILE* pipe = popen("gnuplot -", "w");
  if (pipe == nullptr) throw input::InputError("gnuplot cannot be started");
  const bool written = std::fwrite(script.data(), 1, script.size(), pipe) == script.size();
  if (pclose(pipe) != 0 || !written)
    throw input::InputError(fmt::format("{}: gnuplot could not write {}", option, file));
}

}  // namespace counterpoint::cli
