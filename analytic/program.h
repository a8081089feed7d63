// SPDX-License-Identifier: Apache-2.0
// What engine.h executes: a plan, and the choices of the machine that change what waits for what.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "analytic/durations.h"
#include "analytic/plan.h"
#include "hw/machine.h"

namespace counterpoint::analytic {

/// What happens in a kind.
enum MoveFlag : std::uint32_t {
  kEnters0 = 1,  ///< a residence of inputs begins
  kEnters1 = 2,  ///< ... of weights
  kEnters2 = 4,  ///< ... of outputs
  kCarries0 = 8,
  kCarries1 = 16,  ///< words travel for it
  kEnds = 32,      ///< an output residence ends
  kDrains = 64,    ///< words of it travel
  kSingle0 = 128,  ///< the children have one slot for inputs
  kSingle1 = 256,  ///< ... for weights
  kSingle2 = 512,  ///< ... for outputs
  kShared = 1024,  ///< inputs and weights share a channel
};
struct Move {
  std::uint32_t flags = 0;
  std::uint32_t enter_computes = 0, leave_computes = 0;  ///< a bit per time of the array
  std::int32_t children = 0;                             ///< first of Plan::entries
  bool has(std::uint32_t any) const { return (flags & any) != 0; }
};

/// What a kind takes, in cycles; `Value` is a number, or one per machine.
template <class Value>
struct CostOf {
  Value inject[2];  ///< per channel
  Value drain;      ///< injection of the words that leave
  Value work;       ///< PEs: of the step
};
/// Rules of a level that depend on the machine.
template <class Value>
struct RulesOf {
  Value fill_latency, drain_latency;
};

/// One array of each class of equal ones, followed by the arrays below it.
struct ProgramNode {
  std::int32_t depth = 0, above = -1;
  std::int32_t end = 0;  ///< index after the last array below
  bool pes = false;
  std::int64_t multiplicity = 1;
};

struct Program {
  const Kind* kinds = nullptr;
  const Shape* shapes = nullptr;
  const Entry* entries = nullptr;
  const Move* moves = nullptr;
  const ProgramNode* nodes = nullptr;
  std::int32_t node_count = 0;
  std::int32_t first = 0, last = 1;  ///< the kinds that begin and end the layer
};

/// One array of each class of equal ones, outermost first.
void list_arrays(const Plan& plan, std::vector<ProgramNode>& arrays);
/// What happens in each kind.
void list_moves(const Plan& plan, const hw::BoundMachine& machine, std::vector<Move>& moves);
/// What each kind takes on a machine, and each level. Keeps its memory.
class Prices {
 public:
  void set(const Plan& plan, const hw::BoundMachine& machine);
  const std::vector<CostOf<std::int64_t>>& kinds() const { return kinds_; }
  const std::vector<RulesOf<std::int64_t>>& levels() const { return levels_; }

 private:
  std::vector<CostOf<std::int64_t>> kinds_;
  std::vector<RulesOf<std::int64_t>> levels_;
};

/// Memory for one execution.
struct Arena {
  std::byte *begin = nullptr, *end = nullptr;
};

enum class Ending : std::uint8_t {
  Done,
  Memory,    ///< the arena is too small
  Diverged,  ///< the lanes do not repeat together: execute them one by one
};

/// An array that was idle began a tile: what its last step before that was is not in the kind.
struct Resumption {
  Resumption* next = nullptr;
  std::int32_t kind = 0, last_shape = 0;
};

}  // namespace counterpoint::analytic
