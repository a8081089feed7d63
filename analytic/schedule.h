// SPDX-License-Identifier: Apache-2.0
// The times of a planned mapping: the rules of docs/machine.md, section 4, executed kind by kind,
// with repetitions of a loop skipped as soon as they repeat exactly.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "analytic/durations.h"
#include "analytic/estimator.h"
#include "analytic/plan.h"
#include "analytic/totals.h"

namespace counterpoint::analytic {

class Schedule {
 public:
  /// All numbers of the plan on a machine with the plan's nest (other rates, latencies, widths,
  /// bufferings, channels, multicasts and reductions than the plan was made with are fine).
  /// Keeps its memory from call to call. Not thread-safe: one per thread.
  void run(const Plan& plan, const hw::BoundMachine& machine, Totals& totals,
           Effort* effort = nullptr);

 private:
  enum Name : int {
    kChannel0,
    kChannel1,  // end of injection, per channel
    kArrived0,
    kArrived1,  // the present residence's arrival, inputs and weights
    kRead0,
    kRead1,  // end of the last injection that read from the unit
    kNewer0,
    kNewer1,
    kNewer2,  // release of the residence before the present one
    kOlder0,
    kOlder1,
    kOlder2,   // ... of the one before that
    kSlotOut,  // when the present output residence may be used
    kDrainChannel,
    kDrainArrived,
    kWorkEnd,
    kNames
  };
  using Times = std::array<std::int64_t, kNames>;

  static_assert(kNames == 16, "a snapshot's layout");

  /// What a kind means for the times.
  struct Move {
    std::array<std::int64_t, 2> inject{};  ///< per channel
    std::int64_t drain = 0;                ///< injection of the words that leave
    std::int64_t work = 0;                 ///< PEs: cycles of the step
    std::int64_t step_work = 0;            ///< at full speed: PEs the same, buffers of their arrays
    std::int32_t children = 0;
    bool enters[3] = {false, false, false};  ///< a residence begins
    bool carries[2] = {false, false};        ///< words of it travel
    bool ends = false;                       ///< an output residence ends
    bool drains = false;                     ///< words of it travel
    bool cold = false;
  };
  /// One array of each class of equal ones, followed by the arrays below it.
  struct Node {
    Times t{};
    std::uint32_t computed = 0;  ///< bit per time: set since somebody asked
    std::int32_t depth = 0, above = -1, below_count = 0;
    std::int32_t end = 0;      ///< index after the last array below
    std::int32_t pending = 0;  ///< the kind of the coming step
    std::int32_t last_shape = -1;
    bool fresh = false;  ///< the coming step is its tile's first
    bool pes = false, worked = false;
    std::int64_t multiplicity = 1;
  };
  /// Rules of a level that depend on the machine.
  struct Rules {
    bool shared = true;
    std::array<bool, 2> past{};    ///< the unit does not hold the tensor: it passes it by
    std::array<bool, 3> single{};  ///< of a tensor there is one slot
    std::array<std::int64_t, 2> fill_latency{};
    std::int64_t drain_latency = 0;
  };

  void prepare(const Plan& plan, const hw::BoundMachine& machine);
  void count(const Plan& plan, const hw::BoundMachine& machine, Totals& totals);
  void grow(const Plan& plan, std::int32_t node);
  void visit(Node& node, std::int32_t entry);
  void iterate(Node& node, const Shape& shape, std::size_t loop, std::int64_t prefix);
  void step(Node& node);
  void leave(Node& node, std::int32_t kind);
  void enter(Node& node, std::int32_t kind);
  std::int64_t transfer(Node& node, const Move& move, const std::int64_t* slot,
                        std::int64_t* causes);
  void work(Node& node, const Move& move, std::int64_t slot, std::int64_t arrival,
            const std::int64_t* causes);
  void note_peak(std::int32_t depth, std::int64_t words, std::int64_t work);
  std::int64_t repeat(Node& node, const LoopKinds& loop, std::int64_t i, std::size_t taken,
                      std::size_t base);
  /// What a whole loop did, to do it at once when it begins in the same state again.
  struct Memory {
    std::int32_t kinds = 0, pending = 0, node = 0;
    std::size_t place = 0;  ///< in memories_: masks, shapes before and after, the parent's times,
                            ///< times before and after, growth of the stack
  };
  Memory* find(const Node& node, std::int32_t kinds, std::int32_t pending);
  void remember(const Node& node, const Memory& memory, const std::int64_t* before);
  bool recall(Node& node, const Memory& memory);
  std::size_t state_size(std::size_t nodes) const { return nodes * (kNames + 1) + 3 + kStackNames; }
  /// Of one iteration: a fingerprint, per node which times it computed and all times, the stack.
  std::size_t snapshot_size(std::size_t nodes) const {
    return 1 + nodes * (1 + kNames) + kStackNames;
  }
  void save_state(const Node& node, std::int64_t* to) const;

  const Plan* plan_ = nullptr;
  const Shape* shapes_ = nullptr;
  const Entry* entries_ = nullptr;
  std::vector<Move> moves_;
  std::vector<std::int64_t> shape_work_;
  std::vector<Node> nodes_;
  std::vector<std::int32_t> below_;   ///< children of the nodes
  std::vector<std::uint32_t> saved_;  ///< a stack of Node::computed
  std::array<hw::Multicast, kMaxDepths> multicast_{};
  std::array<Rules, kMaxDepths> rules_;
  std::array<std::int64_t, kStackNames> stack_{};
  std::vector<Link> links_;
  std::int64_t pipeline_latency_ = 0, startup_ = 0;
  std::vector<std::int64_t> snapshots_;  ///< a stack of times and cycle stacks
  std::vector<std::uint32_t> masks_;     ///< scratch of repeat()
  std::vector<Memory> memory_;
  std::vector<std::int64_t> memories_;
  std::size_t snapshots_used_ = 0, saved_used_ = 0;
  Totals* totals_ = nullptr;
  Effort* effort_ = nullptr;
};

}  // namespace counterpoint::analytic
