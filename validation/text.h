// SPDX-License-Identifier: Apache-2.0
// Numbers and texts, the same wherever they are printed.
#pragma once

#include <cstdint>
#include <string>

namespace counterpoint::validation {

/// Digits in groups of three: "11 501 705".
inline std::string grouped(std::int64_t n) {
  std::string s = std::to_string(n);
  for (std::ptrdiff_t i = static_cast<std::ptrdiff_t>(s.size()) - 3; i > (n < 0 ? 1 : 0); i -= 3)
    s.insert(static_cast<std::size_t>(i), 1, ' ');
  return s;
}

/// A text or a file's name as a string of gnuplot, in single quotes.
inline std::string gnuplot_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

}  // namespace counterpoint::validation
