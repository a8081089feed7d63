// SPDX-License-Identifier: Apache-2.0
// Machines as files: our YAML (docs/hardware.md) and the original tool's hardware files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hw/machine.h"
#include "input/diagnostics.h"

namespace counterpoint::hw {

/// Reads a machine; which of the two formats it is shows in the text. Appends to `diagnostics`,
/// all mistakes at once; std::nullopt if and only if one of them is an error.
std::optional<Machine> read_machine(const std::string& text, const std::string& file,
                                    std::vector<input::Diagnostic>& diagnostics);

/// Names of the machines that come with the program, sorted.
std::vector<std::string> list_presets();

/// Reads the machine that a user means: a preset by name, else a file by path.
std::optional<Machine> load_machine(const std::string& name_or_path,
                                    std::vector<input::Diagnostic>& diagnostics);

}  // namespace counterpoint::hw
