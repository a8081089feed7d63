// SPDX-License-Identifier: Apache-2.0
// Off-chip memory that is read row by row, through caches: docs/machine.md, section 4, "Rows".
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "analytic/geometry.h"

namespace counterpoint::analytic {

/// What the rows of each transfer out of off-chip memory take. Follows the steps of a nest in
/// their order.
class RowReader {
 public:
  explicit RowReader(const workloads::Mapping& mapping);

  bool any() const { return rows_.bytes > 0; }
  /// Thousandths of the network's cycles for the rows of inputs or weights that a step reads:
  /// those of `next` that hold a word which `held` does not have (`afresh`: all of them).
  std::int64_t read(Tensor t, const StepTiles& held, const StepTiles& next, bool afresh);
  /// Whether words are written in rows, too.
  bool writes() const { return rows_.bytes > 0 && rows_.drain_cycles > 0; }
  /// Cycles of the network for so many words of the outputs that were held, of so many bits each.
  std::int64_t write(const StepTiles& held, std::int64_t words, std::int64_t bits) const;
  /// All of the present step has been read.
  void step() { ++now_; }

 private:
  using Step = std::int32_t;
  static constexpr Step kNever = -1;
  /// What each cache was asked for, in thousandths of bytes: sums after the steps that asked.
  class History {
   public:
    void add(Step step, const std::vector<std::int64_t>& asked);  // once per step
    std::int64_t before(Step step, std::size_t cache, std::size_t caches) const;

   private:
    std::vector<Step> steps_;
    std::vector<std::int64_t> sums_;  // of each step, by cache
  };
  struct Operand {
    std::int64_t bits = 8;
    std::vector<Axis> axes;
    std::vector<std::int64_t> extent;  // of each axis
    std::size_t inner = 0;             // the axis along the rows
    std::vector<Step> last;            // that read the row, by its first word
    std::int64_t pitch = 0;            // bytes from line to line
    std::int64_t width = 0;            // bytes of a line that go together; 0: none was read yet
    std::int64_t parts = 1;            // of the caches: a line can be in one of so many
    History all;
    std::map<std::int64_t, History> by_part;
  };
  void divide(Operand& operand, const Progression& row) const;
  void find(const Operand& mine, const Operand& other, const History& same, Step last);
  std::int64_t row_time(std::int64_t words, std::int64_t bits) const;

  hw::Rows rows_;
  hw::Rate bandwidth_, drain_bandwidth_;
  std::size_t output_axis_ = 0;  // along the rows
  std::array<Operand, 2> operands_;
  std::int64_t footprint_ = 0;  // bytes of both operands
  Step now_ = 0;
  std::vector<std::int64_t> found_;  // of a thousand rows: in this cache or one before
  std::vector<std::int64_t> at_;
};

}  // namespace counterpoint::analytic
