// SPDX-License-Identifier: Apache-2.0
#include "analytic/sweep.h"

#include <algorithm>
#include <cstring>

namespace counterpoint::analytic {

namespace {

constexpr std::size_t kMostKnown = 512;        // different ones that are remembered together
constexpr std::size_t kMostTogether = 4096;    // machines that are evaluated together
constexpr double kExact = 4503599627370496.0;  // 2^52: whole numbers are exact up to here

// What decides the order of events and the counts: equal for machines that are executed together.
Structure structure_of(const hw::BoundMachine& machine, std::size_t depths) {
  Structure s{};
  for (std::size_t d = 0; d < depths; ++d) {
    const hw::Network& net = machine.network[d];
    const hw::Storage& child = machine.storage[d + 1];
    unsigned x = static_cast<unsigned>(net.multicast);
    x = x * 4 + static_cast<unsigned>(net.reduction);
    x = x * 2 + static_cast<unsigned>(net.channels);
    x = x * 2 + static_cast<unsigned>(net.topology == hw::Topology::Bus);
    x = x * 2 + static_cast<unsigned>(net.burst.size > 0);
    x = x * 2 + static_cast<unsigned>(d == 0 && machine.storage[0].in_flight > 0);
    for (std::size_t t = 0; t < 3; ++t) x = x * 2 + static_cast<unsigned>(child.buffering.of[t]);
    for (std::size_t t = 0; t < 2; ++t) x = x * 2 + static_cast<unsigned>(child.holds[t]);
    s[d] = static_cast<std::uint16_t>(x);
  }
  return s;
}

// Machines lie about in memory: the next ones are asked for while one is looked at.
constexpr std::size_t kFetchAhead = 4;
inline void fetch(const void* from, const void* to) {
  const char* line = static_cast<const char*>(from);
  for (; line < static_cast<const char*>(to); line += 64) __builtin_prefetch(line);
  __builtin_prefetch(static_cast<const char*>(to) - 1);
}
// In three portions, because a processor waits for few lines at once.
inline void fetch_machine(const hw::BoundMachine& m) {
  fetch(&m.machine.lanes, &m.machine.storage);
  fetch(&m.machine.energy.mac_pj, &m.finished);
}
inline void fetch_storage(const hw::BoundMachine& m) {
  fetch(&m.storage.front().capacity_bytes, m.storage.data() + m.storage.size());
}
inline void fetch_networks(const hw::BoundMachine& m) {
  fetch(&m.network.front().topology, m.network.data() + m.network.size());
}

// Widths that decide nothing, because all rates count words, do not tell machines apart.
void forget_widths(Numbers& numbers, std::size_t depths) {
  std::int64_t bits = 0;
  for (std::size_t d = 0; d < depths; ++d) {
    for (const PaceOf<std::int64_t>& p : numbers.link[d].pace) bits |= p.per_bit;
    bits |= numbers.link[d].burst.per_bit;
  }
  if (bits != 0) return;
  numbers.width[0] = numbers.width[1] = numbers.width[2] = 0;
  for (std::size_t d = 0; d < depths; ++d) numbers.link[d].out_bits = 0;
}

std::uint64_t hash_of(const std::int64_t* numbers, std::size_t n) {
  constexpr std::size_t kWays = 8;  // independent of each other: a vector of the processor
  std::uint64_t of[kWays] = {};
  std::size_t i = 0;
  for (; i + kWays <= n; i += kWays)
    for (std::size_t way = 0; way < kWays; ++way)
      of[way] = of[way] + (of[way] << 7) + static_cast<std::uint64_t>(numbers[i + way]);
  for (; i < n; ++i) of[i % kWays] += static_cast<std::uint64_t>(numbers[i]) << 32;
  std::uint64_t hash = 0;
  for (std::uint64_t x : of) hash = ((hash >> 32) ^ hash ^ x) * 0x9e3779b97f4a7c15ULL;
  return hash ^ (hash >> 32);
}

}  // namespace

bool Sweep::compile(const workloads::Mapping& mapping) {
  mapping_ = &mapping;
  described_ = false;
  executed_ = alone_ = 0;
  return plan_.compile(mapping);
}

void Sweep::describe(const hw::BoundMachine& machine) {
  list_arrays(plan_, arrays_);
  list_moves(plan_, machine, moves_);
  list_kinds(plan_, input_.prices);
  list_choices(plan_, machine, input_.prices.levels);
  lane_cost_.resize(plan_.kinds().size());
  lane_rules_.resize(plan_.depths());
  schedule_.run(plan_, machine, totals_);
  energy_.set(machine, assemble(*mapping_, machine, totals_));
  structure_ = structure_of(machine, plan_.depths());
  most_words_ = 0;
  for (const Kind& k : plan_.kinds()) {
    double words = static_cast<double>(k.macs_largest);
    for (const Words* w : {&k.enter[0], &k.enter[1], &k.enter[2], &k.leave})
      words += static_cast<double>(w->total);
    most_words_ = std::max(most_words_, words);
  }
  Program& program = input_.program;
  program.kinds = plan_.kinds().data();
  program.shapes = plan_.shapes().data();
  program.entries = plan_.entries().data();
  program.moves = moves_.data();
  program.nodes = arrays_.data();
  program.node_count = static_cast<std::int32_t>(arrays_.size());
  program.first = plan_.first();
  program.last = plan_.last();
  for (std::size_t t = 0; t < 2; ++t) program.past[t] = hw::passes_by(machine, 1, t);
  input_.machines = &lane_numbers_;
  input_.cost = lane_cost_.data();
  input_.rules = lane_rules_.data();
  described_ = true;
}

void Sweep::run(const hw::BoundMachine* machines, std::size_t count, Outcome* outcomes) {
  run_with(best_lanes(), machines, count, outcomes);
}

void Sweep::run_with(LaneFunction lanes, const hw::BoundMachine* machines, std::size_t count,
                     Outcome* outcomes) {
  while (count > 0) {
    const std::size_t n = run_alike(lanes, machines, count, outcomes);
    machines += n;
    outcomes += n;
    count -= n;
  }
}

// As many machines of one structure as are remembered together; returns how many.
std::size_t Sweep::run_alike(LaneFunction lanes, const hw::BoundMachine* machines,
                             std::size_t count, Outcome* outcomes) {
  const Structure structure = structure_of(machines[0], plan_.depths());
  if (!described_ || structure != structure_) describe(machines[0]);
  known_.clear();
  numbers_.resize(kMostKnown * number_count(plan_.depths()));
  slots_.assign(4 * kMostKnown, 0);
  of_machine_.clear();
  leakage_.clear();
  lanes_used_ = 0;
  std::size_t n = 0;
  while (n < count && n < kMostTogether && known_.size() < kMostKnown) {
    const hw::BoundMachine& machine = machines[n];
    const hw::BoundMachine& coming = machines[std::min(n + kFetchAhead, count - 1)];
    fetch_machine(machines[std::min(n + 2 * kFetchAhead, count - 1)]);
    if (n > 0 && structure_of(machine, plan_.depths()) != structure) break;
    fetch_storage(coming);
    of_machine_.push_back(static_cast<std::uint16_t>(known(machine)));
    fetch_networks(coming);
    outcomes[n].energy = energy_.without_leakage(machine);
    leakage_.push_back(machine.machine.energy.leakage_pj_per_cycle);
    ++n;
    if (lanes_used_ == kLanes) execute(lanes);
  }
  if (lanes_used_ > 0) execute(lanes);
  for (std::size_t i = 0; i < n; ++i) {
    const Known& k = known_[of_machine_[i]];
    outcomes[i].cycles = k.cycles;
    outcomes[i].stack = k.stack;
    outcomes[i].energy += static_cast<double>(k.cycles) * leakage_[i];
  }
  return n;
}

// Where the machine's outcome is, or will be.
std::size_t Sweep::known(const hw::BoundMachine& machine) {
  if (machine.storage[1].banks > 0) {  // the turns at the ports are not among the numbers
    Known& k = known_.emplace_back();
    k.machine = &machine;
    ++executed_;
    execute_alone(k);
    return known_.size() - 1;
  }
  const std::size_t depths = plan_.depths(), size = number_count(depths);
  Numbers mine;
  list_numbers(plan_, machine, mine);
  forget_widths(mine, depths);
  const std::int64_t* const all = &mine.pipeline_latency;
  const std::uint64_t hash = hash_of(all, size);
  std::size_t slot = hash & (slots_.size() - 1);
  for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
    const std::size_t other = slots_[slot] - 1u;
    if (known_[other].hash == hash &&
        std::memcmp(all, numbers_.data() + other * size, size * sizeof *all) == 0)
      return other;
  }
  const std::size_t self = known_.size();
  slots_[slot] = static_cast<std::uint16_t>(self + 1);
  std::memcpy(numbers_.data() + self * size, all, size * sizeof *all);
  Known& k = known_.emplace_back();
  k.hash = hash;
  k.machine = &machine;
  ++executed_;
  if (!exact(mine)) {
    execute_alone(k);
    return self;
  }
  lane_of_[lanes_used_] = self;
  Lanes* const to = &lane_numbers_.pipeline_latency;
  for (std::size_t i = 0; i < size; ++i) to[i].of[lanes_used_] = static_cast<double>(all[i]);
  for (std::size_t d = 0; d < depths; ++d) {
    LinkTraits& traits = input_.prices.levels[d].traits;
    if (lanes_used_ == 0) traits = {};
    add_traits(mine.link[d], traits);
  }
  ++lanes_used_;
  return self;
}

// Whether every quotient that prices.h may need is one of whole numbers below kExact.
bool Sweep::exact(const Numbers& numbers) const {
  double most = 0;
  for (std::size_t d = 0; d < plan_.depths(); ++d) {
    const LinkOf<std::int64_t>& link = numbers.link[d];
    const double bits = static_cast<double>(std::max(
        {numbers.width[0], numbers.width[1], numbers.width[2], link.out_bits, std::int64_t{8}}));
    most = std::max(most, 1000 * (most_words_ * bits + 8 * static_cast<double>(link.burst_size)) *
                              static_cast<double>(link.core));
  }
  return most < kExact;
}

void Sweep::execute_alone(Known& k) {
  schedule_.run(plan_, *k.machine, totals_);
  k.cycles = totals_.cycles;
  k.stack = totals_.stack;
  ++alone_;
}

// Those that wait in lanes.
void Sweep::execute(LaneFunction lanes) {
  const std::size_t n = lanes_used_, size = number_count(plan_.depths());
  lanes_used_ = 0;
  Lanes* const all = &lane_numbers_.pipeline_latency;
  for (std::size_t i = 0; n < kLanes && i < size; ++i)  // lanes without a machine do as the first
    for (std::size_t lane = n; lane < kLanes; ++lane) all[i].of[lane] = all[i].of[0];
  std::int64_t drain_latency[kMaxDepths] = {};
  for (std::size_t d = 0; d < plan_.depths(); ++d)
    for (double latency : lane_numbers_.link[d].drain_latency.of)
      drain_latency[d] = std::max(drain_latency[d], static_cast<std::int64_t>(latency));
  list_history(plan_, drain_latency, input_.program);
  if (memory_.empty()) memory_.resize(std::size_t{1} << 17);
  LaneResult result;
  Ending ending = Ending::Memory;
  for (;;) {
    input_.arena = {memory_.data(), memory_.data() + memory_.size()};
    ending = n > 1 ? lanes(input_, result) : Ending::Diverged;
    if (ending != Ending::Memory) break;
    memory_.resize(2 * memory_.size());
  }
  for (std::size_t lane = 0; lane < n; ++lane) {
    Known& k = known_[lane_of_[lane]];
    if (ending != Ending::Done || result.cycles.of[lane] >= kExact ||
        result.compute.of[lane] >= kExact) {
      execute_alone(k);
      continue;
    }
    const auto whole = [lane](const Lanes& x) { return static_cast<std::int64_t>(x.of[lane]); };
    k.cycles = whole(result.cycles);
    k.stack[kStartup] = whole(result.startup);
    k.stack[kCompute] = whole(result.compute);
    k.stack[kLevelAbove] = whole(result.waiting[kAbove]);
    k.stack[kBandwidth] = whole(result.waiting[kLine]);
    k.stack[kDrainWait] = whole(result.waiting[kSlot]);
    k.stack[kLatency] = whole(result.waiting[kFlight]);
    k.stack[kTail] = whole(result.tail);
  }
}

}  // namespace counterpoint::analytic
