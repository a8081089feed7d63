// SPDX-License-Identifier: Apache-2.0
// Numbers as text, the same in every printer of the terminal.
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

}  // namespace counterpoint::validation
