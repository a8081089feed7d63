// SPDX-License-Identifier: Apache-2.0
// Off-chip memory in rows, behind caches: docs/machine.md, section 4, "Rows".
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "analytic/geometry.h"

namespace counterpoint::analytic {

/// What the rows of each transfer out of and into off-chip memory take. Follows the steps of a nest
/// in their order: what is read for a step before what leaves after it.
class MemoryRows {
 public:
  explicit MemoryRows(const workloads::Mapping& mapping);

  bool any() const { return rows_.bytes > 0; }
  /// Whether words are written in rows, too.
  bool writes() const { return rows_.bytes > 0 && rows_.drain_cycles > 0; }
  /// Cycles of the network for the rows of inputs or weights that a step reads: those of `next`
  /// that hold a word which `held` does not have, or (`afresh`) the whole box around `next`.
  std::int64_t read(Tensor t, const StepTiles& held, const StepTiles& next, bool afresh);
  /// The same for the rows of outputs that were held and are not in `next`.
  std::int64_t write(const StepTiles& held, const StepTiles& next);

 private:
  class Lines {  // of a cache
   public:
    Lines(const hw::Cache& cache, std::int64_t line_bytes);
    bool has(std::int64_t line) const;
    void take(std::int64_t line);

   private:
    std::size_t set(std::int64_t line) const {
      return static_cast<std::size_t>(line % sets_) * ways_;
    }
    std::int64_t sets_ = 1;
    std::size_t ways_ = 1;
    std::vector<std::int64_t> held_;  // set by set
    std::uint32_t shift_ = 0xACE1;
  };
  struct Place {  // of a tensor in memory
    std::int64_t bits = 8, base = 0;
    std::vector<std::int64_t> pitch;  // words from one member of an axis to the next
    std::vector<std::size_t> order;   // of the axes, without the one along the rows
    std::size_t along = 0;
    std::vector<std::int64_t> cycles;  // of a row from each cache, and from memory

    std::int64_t byte(std::int64_t word) const { return base + word * bits / 8; }
  };
  std::int64_t add(const workloads::Layer& layer, Tensor t, std::int64_t bits, std::int64_t base);
  void find_starts(const Place& place, const TensorTiles& tiles, const TensorTiles* kept, bool box);
  std::size_t find(std::int64_t line);
  std::int64_t row(const Place& place, std::int64_t word, std::int64_t words);

  hw::Rows rows_;
  hw::Rate bandwidth_, drain_bandwidth_;
  std::array<Place, 3> places_;
  std::vector<Lines> caches_;
  std::vector<std::int64_t> starts_;  // first words of the lines of a tile
};

}  // namespace counterpoint::analytic
