// SPDX-License-Identifier: Apache-2.0
// Off-chip memory in rows, behind caches (docs/machine.md, section 4, "Rows").
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "hw/machine.h"
#include "sim/control/traffic.h"

namespace counterpoint::sim {

/// The bytes of three tensors, and the caches on the way to them. To be used in the order of the
/// steps: what is read for a step, then what leaves after it.
class RowMemory {
 public:
  RowMemory(const hw::BoundMachine& machine, const Layer& layer);
  /// Reads what a transfer brings of inputs and weights. Returns cycles of the network.
  std::int64_t read(const std::array<Residence*, 3>& begins);
  /// Writes what leaves before residence `r`. Returns cycles of the network.
  std::int64_t write(const Residence& r);
  /// Whether words are written in rows.
  bool writes() const { return rows_.drain_cycles > 0; }

 private:
  struct Cache {
    std::vector<std::vector<std::int64_t>> sets;  ///< the lines in each
    std::size_t ways = 1;
    std::uint16_t random = 0xACE1;
    bool look(std::int64_t line) const;
    void put(std::int64_t line);
  };
  struct Dimension {  // of a tensor, in memory from the outermost to the one along the rows
    std::int64_t extent = 1;
    std::int64_t number = 1;  // the stride of the word numbers
    std::int64_t words = 1;   // the stride in memory
  };
  struct Run {  // neighbours of a line
    std::int64_t first = 0, words = 0;
  };
  struct Found {  // of a list of words that was asked for before
    std::shared_ptr<const Moves> of;
    std::int64_t first = 0;  // where its first word was then
    std::vector<Run> runs;
  };
  struct Area {  // a tensor's
    std::vector<Dimension> dimensions;
    std::int64_t begin = 0;  // byte
    std::int64_t bits = 8;
    bool afresh = false;
    std::vector<std::int64_t> cycles;  ///< of a row from each cache, and from memory
    std::unordered_map<const Moves*, Found> found;
    std::int64_t place(std::int64_t id) const;
  };
  void find_runs(Area& area, const std::shared_ptr<const Moves>& moves, std::int64_t shift);
  void sort_runs(const Area& area, const Moves& moves, std::int64_t shift);
  void fill_box(const Area& area);
  std::size_t level_of(std::int64_t line);

  hw::Rows rows_;
  hw::Rate read_rate_, write_rate_;
  std::array<Area, 3> areas_;
  std::vector<Cache> caches_;
  std::vector<std::int64_t> places_;  // of words in memory
  std::vector<Run> runs_;
};

}  // namespace counterpoint::sim
