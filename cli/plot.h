// SPDX-License-Identifier: Apache-2.0
// Pictures drawn by gnuplot.
#pragma once

#include <string>

namespace counterpoint::cli {

/// Runs a gnuplot script, which writes `file`. Throws input::InputError, naming the option that
/// wants the picture, if gnuplot is not installed or fails.
void draw(const std::string& script, const std::string& file, const char* option);

}  // namespace counterpoint::cli
