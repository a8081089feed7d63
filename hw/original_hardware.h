// SPDX-License-Identifier: Apache-2.0
// The original tool's hardware files: `num_pes: 256`, `l1_size_cstr: 100`, ...
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hw/machine.h"
#include "input/diagnostics.h"

namespace counterpoint::hw {

/// True if the first word of some line is a key of such a file.
bool is_original_hardware(const std::string& text);

/// Reads such a file (docs/hardware.md, "Hardware files of the original tool"). Unlike the
/// original it refuses signs, letters in numbers, zeros, and keys given twice.
std::optional<Machine> read_original_hardware(const std::string& text, const std::string& file,
                                              std::vector<input::Diagnostic>& diagnostics);

}  // namespace counterpoint::hw
