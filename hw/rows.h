// SPDX-License-Identifier: Apache-2.0
// Off-chip memory that is read row by row through caches: docs/machine.md, section 4, "Rows".
#pragma once

#include <cstdint>
#include <vector>

namespace counterpoint::hw {

/// A set-associative cache on the way from off-chip memory to the global buffer. Its lines are as
/// long as the rows; a line that comes in takes a free way of its set, or the way that a 16 bit
/// shift register says (docs/machine.md).
struct Cache {
  std::int64_t capacity_bytes = 0;  ///< a whole number of sets
  std::int64_t ways = 8;
  std::int64_t cycles = 0;  ///< that a row found in it takes at least
  /// Banks, by line. Rows of a tensor whose lines all begin in one bank take `bank_cycles`. 0:
  /// none.
  std::int64_t banks = 0;
  std::int64_t bank_cycles = 0;
  /// For lines of so many bytes.
  std::int64_t sets(std::int64_t line_bytes) const { return capacity_bytes / line_bytes / ways; }
};

/// Words of a tensor that are neighbours in memory, in rows of so many bytes at most.
struct Rows {
  std::int64_t bytes = 0;            ///< 0: words are not read in rows
  std::int64_t cycles = 0;           ///< that a row takes at least, if no cache has it
  std::int64_t drain_cycles = 0;     ///< that one takes which is written; 0: those have no rows
  std::int64_t allocate_cycles = 0;  ///< besides, if its line is not in the first cache
  std::vector<Cache> caches;         ///< nearest to the global buffer first
};

/// Tensors begin at multiples of so many bytes.
inline constexpr std::int64_t kTensorAlignment = 4096;

}  // namespace counterpoint::hw
