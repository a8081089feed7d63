// SPDX-License-Identifier: Apache-2.0
#include "input/data_dir.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "input/diagnostics.h"

namespace counterpoint::input {
namespace fs = std::filesystem;

std::string data_dir() {
  const char* const set = std::getenv("COUNTERPOINT_DATA");
  if (set != nullptr && *set != '\0') return set;
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  if (!failed) {
    const fs::path installed = program.parent_path().parent_path() / "share" / "counterpoint";
    if (fs::is_directory(installed, failed)) return installed.string();
  }
  return COUNTERPOINT_SOURCE_DIR;
}

std::vector<std::string> list_data(const std::string& folder, const std::string& extension) {
  std::vector<std::string> names;
  std::error_code failed;
  fs::directory_iterator it(fs::path(data_dir()) / folder, failed);
  if (failed) return names;
  for (const fs::directory_iterator end; it != end; it.increment(failed)) {
    if (failed) break;
    if (it->path().extension() == extension) names.push_back(it->path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<std::string> find_data(const std::string& folder, const std::string& extension,
                                     const std::string& name_or_path, const std::string& what,
                                     std::string& error) {
  // Names come first, so that a stray file in the working directory does not change what a
  // command line means; ./name is a path.
  const std::vector<std::string> names = list_data(folder, extension);
  if (std::find(names.begin(), names.end(), name_or_path) != names.end())
    return (fs::path(data_dir()) / folder / (name_or_path + extension)).string();
  std::error_code failed;
  if (fs::is_regular_file(name_or_path, failed)) return name_or_path;
  const std::string nearest = did_you_mean(name_or_path, names);
  std::string known;
  for (const std::string& n : names) known += (known.empty() ? "" : ", ") + n;
  error =
      fmt::format("there is no {} '{}', neither by that name nor as a file; {}", what, name_or_path,
                  !nearest.empty() ? fmt::format("did you mean '{}'?", nearest)
                  : known.empty()  ? fmt::format("no names are known, because {} has no {}/*{}",
                                                 data_dir(), folder, extension)
                                   : "known names: " + known);
  return std::nullopt;
}

std::optional<std::string> read_file(const std::string& path, std::string& error) {
  constexpr std::streamoff kMost = std::streamoff{64} << 20;
  std::error_code failed;
  if (fs::is_directory(path, failed)) {
    error = fmt::format("'{}' is a directory, a file is expected", path);
    return std::nullopt;
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    error = fmt::format("cannot open '{}'", path);
    return std::nullopt;
  }
  std::string text;
  char block[1 << 14];
  while (in.read(block, sizeof block) || in.gcount() > 0) {
    text.append(block, static_cast<std::size_t>(in.gcount()));
    if (static_cast<std::streamoff>(text.size()) > kMost) {
      error = fmt::format("'{}' has more than {} MiB", path, kMost >> 20);
      return std::nullopt;
    }
  }
  if (in.bad()) {
    error = fmt::format("cannot read '{}'", path);
    return std::nullopt;
  }
  return text;
}

}  // namespace counterpoint::input
