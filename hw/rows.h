// SPDX-License-Identifier: Apache-2.0
// Off-chip memory that is read row by row through caches: docs/machine.md, section 4, "Rows".
#pragma once

#include <cstdint>
#include <vector>

namespace counterpoint::hw {

/// A cache on the way from off-chip memory to the global buffer.
struct Cache {
  std::int64_t capacity_bytes = 0;
  std::int64_t cycles = 0;  ///< that a row found in it takes at least
};

/// Words of a tensor that are neighbours in memory, in rows of so many bytes at most.
struct Rows {
  std::int64_t bytes = 0;         ///< 0: words are not read in rows
  std::int64_t cycles = 0;        ///< that a row takes at least, if no cache has it
  std::int64_t drain_cycles = 0;  ///< that one takes which is written; 0: those have no rows
  std::vector<Cache> caches;      ///< nearest to the global buffer first
};

/// How many of a thousand rows a cache with random replacement still has when it was asked for
/// `asked` bytes since they were last used: all if they fit the capacity C, else the smaller
/// solution of h = exp(-(1 - h) asked / C), rounded down (each miss replaces one of C bytes).
int hits_of_thousand(std::int64_t asked, std::int64_t capacity_bytes);

}  // namespace counterpoint::hw
