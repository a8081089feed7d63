// SPDX-License-Identifier: Apache-2.0
// What moves between a unit and its children: the residences of one tensor in one array, in the
// order of the steps, with every word that enters or leaves.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <vector>

#include "hw/machine.h"
#include "sim/control/walker.h"
#include "sim/memory/tensor_space.h"

namespace counterpoint::sim {

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

/// Words that move for a group of children with the same set: [first, last) of the event's ids.
struct Chunk {
  std::int32_t first = 0, last = 0;
  std::int32_t receivers_first = 0, receivers_last = 0;  ///< of the event's receivers
  std::int32_t size() const { return last - first; }
  std::int32_t receivers() const { return receivers_last - receivers_first; }
};

/// The beginning of a residence (and, for outputs, the end of the one before).
struct Residence {
  std::int64_t step = 0;    ///< first step
  std::int64_t parent = 0;  ///< the parent's residence that contains the step
  // Entering words.
  std::vector<std::int32_t> ids;    ///< word numbers
  std::vector<std::int32_t> local;  ///< place in a PE's buffer (PE children only)
  std::vector<std::int32_t> values;
  std::vector<std::int64_t> sums;      ///< partial sums read back, per id
  std::vector<std::uint8_t> readback;  ///< outputs, per id: comes from the parent
  std::vector<std::int32_t> receivers;
  std::vector<Chunk> chunks;
  std::int64_t injected = 0;            ///< W
  std::int64_t delivered = 0;           ///< each receiver
  std::vector<std::int32_t> per_child;  ///< words that each child receives
  std::int64_t needs_drain = -1;        ///< outputs: the last drain that wrote a word read back
  std::int64_t fresh = 0;               ///< outputs: words that start from zero
  // Outputs that leave after the previous step.
  std::int64_t leave_parent = 0;  ///< the parent's residence that contains the previous step
  std::vector<std::int32_t> leave_ids, leave_local;
  std::vector<std::int64_t> leave_sums;
  std::vector<Chunk> leave_chunks;  ///< one sender each
  std::vector<std::int32_t> leave_senders;
  std::int64_t leave_injected = 0, leave_sent = 0;
  std::vector<std::int32_t> per_sender;
  std::int64_t writes = 0, accumulations = 0;
  bool end = false;  ///< no residence: only the last words leave (step is kNever)
};

/// Shared scratch, one per simulation.
struct Scratch {
  std::vector<std::uint8_t> marks;
  std::vector<std::uint32_t> stamp;  ///< by word number of the largest tensor
  std::uint32_t now = 0;
  std::uint32_t next_stamp() {
    if (++now == 0) {
      std::fill(stamp.begin(), stamp.end(), 0u);
      now = 1;
    }
    return now;
  }
};

/// Where a unit's partial sums stand, by word, in the order of the steps (not of time).
/// 0: no value. 1: came from the unit's own parent. n >= 2: drain n - 2 of its array wrote it.
class ValueBoard {
 public:
  explicit ValueBoard(std::int64_t words);
  ~ValueBoard();
  ValueBoard(const ValueBoard&) = delete;
  ValueBoard& operator=(const ValueBoard&) = delete;
  std::int32_t& operator[](std::int32_t id) { return state_[id]; }

  /// Words that come to the unit with its residence, in order: applied before the first step.
  struct Entry {
    std::int64_t residence;
    std::vector<std::int32_t> ids;
    std::vector<std::uint8_t> has_value;
  };
  std::deque<Entry> entries;

 private:
  std::int32_t* state_;
};

/// The residences of one tensor in one array, generated in step order as far as asked for.
class TensorTraffic {
 public:
  struct Config {
    const Layer* layer = nullptr;
    const Nest* nest = nullptr;
    std::vector<std::int64_t> path;
    Tensor tensor = Tensor::Input;
    const TensorSpace* space = nullptr;
    const LocalSpace* local = nullptr;  ///< of the children, if they are PEs
    hw::Multicast multicast = hw::Multicast::Word;
    bool reduces = false;
    bool refetch = false;
    TensorTraffic* above = nullptr;         ///< same tensor, the array above
    ValueBoard* board = nullptr;            ///< outputs: of the unit
    std::vector<ValueBoard*> child_boards;  ///< outputs: of children that are buffers
    Scratch* scratch = nullptr;
  };
  explicit TensorTraffic(Config config);

  /// Residence g, generating as needed; nullptr if there is none. The last one has `end` set
  /// for outputs; inputs and weights have no end record.
  Residence* at(std::int64_t g);
  /// Makes sure that every residence that begins at or before `step` exists; the index of the
  /// one that contains it.
  std::int64_t containing(std::int64_t step);
  /// The step after the last one of residence g.
  std::int64_t end_of(std::int64_t g);
  /// The parent's residence of the first transfer with words from g on, or kNever.
  std::int64_t next_read(std::int64_t g);
  void release_before(std::int64_t g);  ///< residences < g are not asked for any more

  std::int64_t largest_tile = 0;  ///< words, over children and residences
  std::int64_t largest_sliding = 0;

 private:
  struct AxisState {
    bool spatial = false;
    std::vector<Runs> now, before;  // one, or one per child
    std::uint64_t version = 0;
    Range outs, kernel;
    bool moved = false;  ///< `now` was computed anew since it was copied to `before`
  };
  bool generate();
  bool refresh();
  void enter_and_leave(Residence& r, bool last);
  void emit(const std::vector<const Runs*>& a, const std::vector<const Runs*>* b,
            std::vector<std::int32_t>& ids, std::vector<std::int32_t>& local);
  /// The words of a child, of which another's may be a shifted copy: same sets on all axes but
  /// the spatial one, and there ranges that lie alike to each other.
  struct Model {
    bool valid = false, whole = false;
    Range now;                                  ///< on the spatial axis
    std::int64_t before_lo = 0, before_hi = 0;  ///< the other range, from now.lo on
    std::int32_t first = 0, last = 0;
  };
  void emit_like(Model& model, bool whole, const std::vector<const Runs*>& a,
                 const std::vector<const Runs*>& b, std::vector<std::int32_t>& ids,
                 std::vector<std::int32_t>& local);
  void repeat(const Model& model, std::int32_t shift, std::int32_t place,
              std::vector<std::int32_t>& ids, std::vector<std::int32_t>& local) const;
  void emit_box(const std::vector<const Runs*>& box, std::vector<std::int32_t>& ids,
                std::vector<std::int32_t>& local);
  void enter_operand(Residence& r);
  void enter_output(Residence& r);
  void leave_output(Residence& r, bool last);
  const Runs& set(std::size_t axis, std::int64_t p, bool before) const;
  std::int64_t tile_size(std::int64_t p, bool before) const;

  Config c_;
  StepWalker walker_;
  bool dense_;
  std::vector<AxisState> axes_;
  std::vector<std::uint8_t> active_now_, active_before_;
  bool started_ = false, finished_ = false;
  std::int64_t last_parent_ = 0;
  std::int64_t parent_cursor_ = 0;
  std::deque<std::unique_ptr<Residence>> queue_;
  std::vector<std::unique_ptr<Residence>> pool_;
  std::int64_t base_ = 0;
  std::vector<std::int64_t> starts_;
  std::int64_t walked_step_ = -1;
  std::int64_t next_read_hint_ = 0;
  // Scratch of emit.
  std::vector<Runs> pieces_;
  std::vector<const Runs*> box_, now_, before_;
  bool spatial_ = false;   ///< some axis differs between children
  int spatial_axis_ = -1;  ///< the one axis that differs between children; -1 if none or several
  std::vector<std::vector<std::pair<std::int32_t, std::int32_t>>> lists_;
};

}  // namespace counterpoint::sim
