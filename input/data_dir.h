// SPDX-License-Identifier: Apache-2.0
// Where the files that come with the program are: machines, energy tables, networks, dataflows.
// The layout is that of the source tree: hw/presets, hw/energy, workloads/networks, ...
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace counterpoint::input {

/// The directory in use: environment variable COUNTERPOINT_DATA if set, else
/// ../share/counterpoint beside the running program if it exists, else the source tree the
/// program was built from.
std::string data_dir();

/// Names (without extension, sorted) of the files in a folder of data_dir() that end in
/// `extension`, e.g. list_data("hw/presets", ".yaml"). Empty if there is no such folder.
std::vector<std::string> list_data(const std::string& folder, const std::string& extension);

/// The file that a user means by `name_or_path`: a file in `folder` of that name (without
/// `extension`), else a path, if the file exists. std::nullopt otherwise, with a sentence in
/// `error` that names what there is ("did you mean" included); `what` is e.g. "machine".
std::optional<std::string> find_data(const std::string& folder, const std::string& extension,
                                     const std::string& name_or_path, const std::string& what,
                                     std::string& error);

/// The whole file; std::nullopt and a sentence in `error` if it cannot be read or has more than
/// 64 MiB.
std::optional<std::string> read_file(const std::string& path, std::string& error);

}  // namespace counterpoint::input
