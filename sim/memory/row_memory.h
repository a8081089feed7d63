// SPDX-License-Identifier: Apache-2.0
// Off-chip memory that is read row by row, through caches (docs/machine.md, section 4, "Rows").
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "hw/machine.h"
#include "sim/control/traffic.h"

namespace counterpoint::sim {

/// Remembers in which transfer every word was the first of a row, and what was asked of the caches
/// in each transfer.
class RowMemory {
 public:
  RowMemory(const hw::BoundMachine& machine, const Layer& layer);
  /// Reads what a transfer brings of inputs and weights; all transfers in their order. Returns
  /// thousandths of the network's cycles.
  std::int64_t read(const std::array<Residence*, 3>& begins);
  /// Cycles of the network in which what leaves before residence `r` is written, words of so many
  /// bits; 0: words are not written in rows.
  std::int64_t write(const Residence& r, std::int64_t bits);

 private:
  struct Along {  // of the dimension along the rows
    std::int64_t extent = 1, stride = 1;
  };
  struct Place {  // of a word in memory
    std::int64_t line = 0, along = 0;
    bool operator<(const Place& o) const {
      return line != o.line ? line < o.line : along < o.along;
    }
  };
  /// Thousandths of bytes that each cache has been asked for up to the end of a transfer.
  struct Count {
    std::int32_t transfer = 0;
    std::vector<std::int64_t> asked;
  };
  using Counts = std::vector<Count>;  // of the transfers that asked
  struct Operand {
    std::int64_t bits = 8;
    Along along;
    std::vector<std::int32_t> used;  // by word: the transfer, from 1 on; 0: none
    std::int64_t together = 0;       // bytes of a line that were read together first
    std::int64_t sets = 1;           // lines can lie in one of so many parts of a cache
    Counts all;
    std::unordered_map<std::int64_t, Counts> of_set;
  };
  std::int64_t read(Operand& operand, const Operand& other, const Residence& r);
  std::int64_t row(Operand& operand, const Operand& other, std::int64_t set, const Place& first,
                   std::int64_t words);
  /// Where the words are whose numbers a function gives: sorted.
  template <class Id>
  void place(std::size_t words, const Along& rows, Id id);
  std::size_t line_end(std::size_t first) const;
  static Along along(const Layer& layer, Tensor t);
  std::int64_t since(const Counts& counts, std::int32_t transfer, std::size_t cache) const;
  void ask(Counts& counts, std::size_t cache, std::int64_t amount) const;

  hw::Rows rows_;
  hw::Rate bandwidth_, drain_bandwidth_;
  Along along_;  // of outputs
  std::int64_t operand_bytes_ = 0;
  std::int32_t transfer_ = 0;
  std::array<Operand, 2> operands_;
  std::vector<Place> places_;
};

}  // namespace counterpoint::sim
