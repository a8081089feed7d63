// SPDX-License-Identifier: Apache-2.0
// What engine.h executes: a plan, and the choices of the machine that change what waits for what.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "analytic/plan.h"
#include "hw/machine.h"

namespace counterpoint::analytic {

/// What happens in a kind.
enum MoveFlag : std::uint32_t {
  kEnters0 = 1,  ///< a residence of inputs begins
  kEnters1 = 2,  ///< ... of weights
  kEnters2 = 4,  ///< ... of outputs
  kCarries0 = 8,
  kCarries1 = 16,           ///< words travel for it
  kEnds = 32,               ///< an output residence ends
  kDrains = 64,             ///< words of it travel
  kSingle0 = 128,           ///< the children have one slot for inputs
  kSingle1 = 256,           ///< ... for weights
  kSingle2 = 512,           ///< ... for outputs
  kShared = 1024,           ///< inputs and weights share a channel
  kPast0 = 2048,            ///< the unit does not hold inputs: they pass it by
  kPast1 = 4096,            ///< ... weights
  kReadsBack = 8192,        ///< the children read partial sums back
  kReadsBackAbove = 16384,  ///< the unit does
  kCarries2 = 32768,        ///< ... here
  kWith0 = 65536,           ///< they share the channel of inputs
  kWith1 = 131072,          ///< ... of weights
};
struct Move {
  std::uint32_t flags = 0;
  std::int32_t children = 0;                           ///< first of Plan::entries
  std::uint64_t enter_touches = 0, leave_touches = 0;  ///< see times.h
  bool has(std::uint32_t any) const { return (flags & any) != 0; }
};

/// A rate as a fraction: a load takes (words * per_word + bits * per_bit) / per cycles, rounded up.
/// Unlimited: (0, 0, 1). `Value`, here and below: a number, or one per machine.
template <class Value>
struct PaceOf {
  Value per_word, per_bit, per;
};
enum PaceName : int {
  kChannelPace,  ///< of the network, to the children
  kDrainPace,    ///< ... to the parent
  kReadPace,     ///< the parent's ports
  kWritePace,
  kReceivePace,  ///< a child's write port
  kSendPace,     ///< ... and its read port
  kSubtreePace,
  kLinePace,  ///< of a line that neighbours drain over
  kPaces
};
/// Cycles of so many words, of so many bits together, at a rate; 0 if it is unlimited.
std::int64_t rate_cycles(const hw::Rate& rate, std::int64_t words, std::int64_t bits);
/// The numbers of a network and of the ports at its ends. Overheads and latencies are cycles of
/// the machine; the paces are per cycle of the network.
template <class Value>
struct LinkOf {
  PaceOf<Value> pace[kPaces];
  PaceOf<Value> burst;  ///< of how many bursts a load is
  Value burst_size;     ///< words or bytes
  Value core, own;      ///< so many cycles of the machine and of the network
  Value fill_overhead, drain_overhead;
  Value fill_latency, drain_latency;  ///< drains: through the depth of a reducing network too
  Value in_flight;                    ///< of off-chip memory
  Value out_bits;                     ///< of a word that leaves the children
};
template <class Value>
struct PeOf {
  Value lanes, step_minimum, step_overhead;
};
/// All numbers of a machine that decide when something happens.
template <class Value>
struct NumbersOf {
  Value pipeline_latency, startup;
  Value width[3];  ///< of inputs, weights, partial sums
  PeOf<Value> pe;
  LinkOf<Value> link[kMaxDepths];
};
using Numbers = NumbersOf<std::int64_t>;
/// How many of its numbers a machine of so many levels has.
constexpr std::size_t number_count(std::size_t depths) {
  return (sizeof(Numbers) - (kMaxDepths - depths) * sizeof(LinkOf<std::int64_t>)) /
         sizeof(std::int64_t);
}
/// Which rules a network has: what they do not have need not be computed.
struct LinkTraits {
  bool limits[kPaces]{};  ///< not unlimited
  bool bursts = false, requests = false, clocked = false;
};
/// What of a level is no number.
struct LevelChoices {
  hw::Multicast multicast = hw::Multicast::Word;
  bool shared = false;  ///< inputs and weights share a channel
  bool reduces = false;
  int sums = 2;  ///< the channel of partial sums that are read back: 0, 1 with inputs, weights
  bool holds[2] = {true, true};   ///< the children: inputs, weights
  bool past[2] = {false, false};  ///< they come to the children from further up
  LinkTraits traits;
};

/// What a kind takes, in cycles.
template <class Value>
struct CostOf {
  Value inject[3];  ///< per channel
  Value drain;      ///< injection of the words that leave
  Value work;       ///< PEs: of the step
};
/// Rules of a level that depend on the machine.
template <class Value>
struct RulesOf {
  Value fill_latency[3];  ///< per channel
  Value drain_latency;
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
  bool past[2] = {false, false};  ///< inputs, weights go from off-chip memory to the second array
  bool reads_back = false;        ///< some children read partial sums back
  /// Drains whose arrival an array remembers, besides the last, for those who read them back.
  std::int32_t history[kMaxDepths] = {};
};

/// One array of each class of equal ones, outermost first.
void list_arrays(const Plan& plan, std::vector<ProgramNode>& arrays);
/// What happens in each kind.
void list_moves(const Plan& plan, const hw::BoundMachine& machine, std::vector<Move>& moves);
/// Program::reads_back and history: `drain_latency` is the longest of each level.
void list_history(const Plan& plan, const std::int64_t* drain_latency, Program& program);
/// The machine of a plan as numbers and choices; `link` and `levels` up to plan.depths().
void list_numbers(const Plan& plan, const hw::BoundMachine& machine, Numbers& numbers);
void list_choices(const Plan& plan, const hw::BoundMachine& machine, LevelChoices* levels);
/// ... of one network, of a unit with `units` children.
void link_numbers(const hw::BoundMachine& machine, std::size_t depth, std::int64_t units,
                  LinkOf<std::int64_t>& numbers);
/// Of a link with these numbers, besides what `traits` has.
void add_traits(const LinkOf<std::int64_t>& link, LinkTraits& traits);

/// What prices.h computes prices of.
struct PriceList {
  const Kind* kinds = nullptr;
  const Group* groups = nullptr;
  const Group* over_subtrees = nullptr;
  const std::int32_t* kind_end = nullptr;  ///< of each depth
  std::size_t depths = 0;
  LevelChoices levels[kMaxDepths];
};
/// Of a plan, all but the levels.
void list_kinds(const Plan& plan, PriceList& list);

/// What each kind takes on a machine, and each level. Keeps its memory.
class Prices {
 public:
  void set(const Plan& plan, const hw::BoundMachine& machine);
  const std::vector<CostOf<std::int64_t>>& kinds() const { return kinds_; }
  const std::vector<RulesOf<std::int64_t>>& levels() const { return levels_; }

 private:
  PriceList list_;
  Numbers numbers_;
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
