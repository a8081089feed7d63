// SPDX-License-Identifier: Apache-2.0
// The state of the walk: one node per class of equal arrays, times.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "analytic/geometry.h"
#include "analytic/totals.h"
#include "workloads/mapping.h"

namespace counterpoint::analytic {

/// A point in time, and when it was last computed (see Model::iterate).
struct Time {
  std::int64_t at = 0;
  std::uint64_t stamp = 0;
};

/// Times of one array. Slots: [0] of the residence before the last, [1] of the last one.
enum TimeName : int {
  kChannel0,
  kChannel1,
  kChannel2,  // end of injection, per channel
  kArrived0,
  kArrived1,
  kArrived2,  // the present residence's arrival, per tensor
  kRead0,
  kRead1,
  kRead2,  // end of the last injection that read from the unit
  kOlder0,
  kOlder1,
  kOlder2,  // release of residence g - 2 once g has begun
  kNewer0,
  kNewer1,
  kNewer2,   // release of residence g - 1
  kSlotOut,  // when the present output residence may be used
  kDrainChannel,
  kDrainArrived,
  kWorkStart,
  kWorkEnd,
  kTimes
};

struct Node {
  int depth = 0;
  Node* above = nullptr;
  std::int64_t child_index = 0;   ///< representative among the children of `above`
  std::int64_t multiplicity = 1;  ///< arrays in this class, over the whole machine
  std::vector<std::unique_ptr<Node>> below;
  std::array<Time, kTimes> time;
  std::vector<Time> work_history;   ///< ends of the latest steps' work, newest first (PEs only)
  std::vector<Time> drain_history;  ///< arrivals of the latest drains, newest first (refetch only)

  /// Only if partial sums are followed word by word: outputs that the unit has a value for, and
  /// when the drain that wrote it arrived (0: it came from the unit's own parent).
  std::unordered_map<std::int64_t, std::int64_t> values;

  // The walk.
  Box tile;
  std::vector<std::int64_t> at;       ///< loop indices now
  std::vector<std::int64_t> last_at;  ///< ... of the last executed step
  StepTiles held, next;
  bool unit_value = false;     ///< the unit's tile came with partial sums, or kept some
  bool value_drained = false;  ///< ... which the children drained into it
  bool fresh_run = false;      ///< no step of the present tile was executed yet
  bool worked = false;
  std::int64_t step_work_index = 0;  ///< counter of full-speed work of this node
  std::int64_t previous_work = 0;    ///< of the array's step before
  bool outputs_moved = false;        ///< the pending step begins an output residence
  bool has_previous = false;
};

}  // namespace counterpoint::analytic
