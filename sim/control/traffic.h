// SPDX-License-Identifier: Apache-2.0
// What moves between a unit and its children: the residences of one tensor in one array, in the
// order of the steps, with every word that enters or leaves.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "hw/machine.h"
#include "sim/control/ring.h"
#include "sim/control/walker.h"
#include "sim/memory/tensor_space.h"

namespace counterpoint::sim {

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

/// Words that move for a group of children with the same set: [first, last) of the ids.
struct Chunk {
  std::int32_t first = 0, last = 0;
  std::int32_t receivers_first = 0, receivers_last = 0;  ///< of the receivers (or senders)
  std::int32_t size() const { return last - first; }
  std::int32_t receivers() const { return receivers_last - receivers_first; }
};

/// What enters or leaves the children in one change of their tiles. Changes that differ by a shift
/// of all word numbers share one.
struct Moves {
  std::vector<std::int32_t> ids;        ///< word numbers, of the change that was met first
  std::vector<std::int32_t> local;      ///< place in a PE's buffer (PE children only)
  std::vector<std::int32_t> receivers;  ///< or senders, one for each of their chunks
  std::vector<Chunk> chunks;
  std::vector<std::int32_t> per_child;  ///< words of each child
  std::vector<std::uint8_t> again;      ///< leaving through a reducing network: not the first
  std::int64_t base = 0;                ///< what the word numbers are counted from
  std::int64_t injected = 0;            ///< W
  std::int64_t delivered = 0;           ///< each receiver (sender)
  std::int64_t tile = 0;                ///< entering: words that all children hold then
  std::size_t size() const { return ids.size(); }
};

/// The beginning of a residence (and, for outputs, the end of the one before).
struct Residence {
  std::int64_t step = 0;    ///< first step
  std::int64_t parent = 0;  ///< the parent's residence that contains the step
  // Entering words: those of `enter`, moved by `shift`.
  std::shared_ptr<const Moves> enter;
  std::int32_t shift = 0;
  std::int64_t injected = 0;           ///< W
  std::int64_t delivered = 0;          ///< each receiver
  std::vector<std::int32_t> values;    ///< operands, per word
  std::vector<std::int64_t> sums;      ///< partial sums read back, per word
  std::vector<std::uint8_t> readback;  ///< outputs with read-backs, per word: comes from the parent
  std::vector<std::int32_t> readback_per_child;
  std::vector<std::int64_t> over_subtrees;  ///< operands, divided networks: words, by subtree
  std::int64_t needs_drain = -1;            ///< outputs: the last drain that wrote a word read back
  std::int64_t fresh = 0;                   ///< outputs: words that start from zero
  // Outputs that leave after the previous step.
  std::int64_t leave_parent = 0;  ///< the parent's residence that contains the previous step
  std::shared_ptr<const Moves> leave;
  std::int32_t leave_shift = 0;
  std::vector<std::int64_t> leave_sums;
  std::int64_t leave_injected = 0, leave_sent = 0;
  std::int64_t writes = 0, accumulations = 0;
  bool end = false;  ///< no residence: only the last words leave (step is kNever)

  std::int32_t id(std::size_t word) const { return enter->ids[word] + shift; }
  /// Words that child p receives: all of them, or of partial sums those read back.
  std::int32_t received(std::size_t p) const {
    return readback_per_child.empty() ? enter->per_child[p] : readback_per_child[p];
  }
  bool from_parent(std::size_t word) const { return !readback.empty() && readback[word] != 0; }
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
    std::shared_ptr<const Moves> moves;
    Chunk chunk;
    std::int32_t shift;
    std::vector<std::uint8_t> has_value;  ///< of the chunk's words; empty: none has
  };
  Ring<Entry> entries;

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
    bool afresh = false;  ///< operands: every step begins a residence, and all words are sent
    bool keep = false;    ///< children keep partial sums until they are finished
    TensorTraffic* above = nullptr;  ///< same tensor, the array above
    ValueBoard* board = nullptr;     ///< outputs: of the unit
    std::vector<ValueBoard*>
        child_boards;  ///< outputs: of children that are buffers, if they are kept
    Scratch* scratch = nullptr;
  };
  explicit TensorTraffic(Config config);

  /// Residence g, generating as needed; nullptr if there is none. The last one has `end` set
  /// for outputs; inputs and weights have no end record.
  Residence* at(std::int64_t g) {
    if (g < base_ || g >= base_ + queued_) return make(g);
    return ring_[static_cast<std::size_t>(g) & (ring_.size() - 1)].get();
  }
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
    // The sets of all active children, from the first one's first member (`base`) on, by number.
    std::int32_t now_pattern = 0, before_pattern = 0;
    std::int64_t now_base = 0, before_base = 0;
    std::map<std::vector<std::int32_t>, std::int32_t> patterns;
    std::vector<std::int32_t> pattern;  ///< the sets that `now_pattern` stands for
  };
  using Key = std::vector<std::int64_t>;
  struct KeyHash {
    std::size_t operator()(const Key& k) const {
      std::uint64_t h = 1469598103934665603ull;
      for (std::int64_t x : k) {
        h = (h ^ static_cast<std::uint64_t>(x)) * 0x9e3779b97f4a7c15ull;
        h ^= h >> 29;
      }
      return static_cast<std::size_t>(h);
    }
  };
  using Known = std::unordered_map<Key, std::shared_ptr<const Moves>, KeyHash>;
  Residence* make(std::int64_t g);
  void grow();
  bool generate();
  bool refresh();
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
  void describe_pattern(AxisState& s);
  void describe_activity();
  /// The key of the present change; `base` gets what its word numbers are counted from.
  void change(bool leaving, bool all, std::int64_t& base);
  const std::shared_ptr<const Moves>& entering(std::int64_t& base);
  const std::shared_ptr<const Moves>& leaving(bool last, std::int64_t& base);
  void remember(Known& known, const std::shared_ptr<const Moves>& moves);
  void operand_words(Moves& m);
  void output_words(Moves& m);
  void leaving_words(Moves& m, bool last);
  void note_tiles(Moves& m);
  void enter_output(Residence& r);
  void leave_output(Residence& r, bool last);
  const Runs& set(std::size_t axis, std::int64_t p, bool before) const;
  std::int64_t tile_size(std::int64_t p, bool before) const;

  Config c_;
  StepWalker walker_;
  bool dense_;
  std::vector<AxisState> axes_;
  std::vector<std::uint8_t> active_now_, active_before_;
  std::map<std::vector<std::uint8_t>, std::int32_t> activities_;
  std::int32_t activity_now_ = -1, activity_before_ = -1;
  std::uint64_t activity_version_ = 0;
  Known known_enter_, known_leave_;
  /// The last change and its list: most steps are like the one before.
  struct Last {
    Key key;
    std::shared_ptr<const Moves> moves;
  };
  Last last_enter_, last_leave_;
  std::size_t known_words_ = 0;
  Key key_;
  bool started_ = false, finished_ = false;
  // With `keep`: whether all reductions stand at their first, and stood at their last, position.
  bool first_visit_ = true, was_last_visit_ = false;
  std::int64_t last_parent_ = 0;
  std::int64_t parent_cursor_ = 0;
  // Residences base_ .. base_ + queued_ - 1, each at its number modulo the size, a power of two;
  // the other places hold records to be used again.
  std::vector<std::unique_ptr<Residence>> ring_;
  std::int64_t base_ = 0, queued_ = 0;
  std::vector<std::int64_t> starts_;
  std::int64_t walked_step_ = -1;
  std::int64_t next_read_hint_ = 0;
  // Scratch of emit.
  std::vector<Runs> pieces_;
  std::vector<std::int32_t> pattern_;
  std::vector<const Runs*> box_, now_, before_;
  bool spatial_ = false;   ///< some axis differs between children
  int spatial_axis_ = -1;  ///< the one axis that differs between children; -1 if none or several
  std::vector<std::vector<std::pair<std::int32_t, std::int32_t>>> lists_;
};

}  // namespace counterpoint::sim
