// SPDX-License-Identifier: Apache-2.0
#include "analytic/sweep.h"

#include <algorithm>

#include "stats/energy.h"

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
    unsigned x = static_cast<unsigned>(net.multicast);
    x = x * 4 + static_cast<unsigned>(net.reduction);
    x = x * 2 + static_cast<unsigned>(net.channels);
    x = x * 2 + static_cast<unsigned>(net.topology == hw::Topology::Bus);
    for (std::size_t t = 0; t < 3; ++t)
      x = x * 2 + static_cast<unsigned>(machine.storage[d + 1].buffering.of[t]);
    for (std::size_t t = 0; t < 2; ++t)
      x = x * 2 + static_cast<unsigned>(machine.storage[d + 1].holds[t]);
    s[d] = static_cast<std::uint16_t>(x);
  }
  return s;
}

}  // namespace

bool Sweep::compile(const workloads::Mapping& mapping) {
  mapping_ = &mapping;
  described_ = false;
  alone_ = 0;
  return plan_.compile(mapping);
}

void Sweep::describe(const hw::BoundMachine& machine) {
  list_arrays(plan_, arrays_);
  list_moves(plan_, machine, moves_);
  lane_cost_.resize(plan_.kinds().size());
  lane_rules_.resize(plan_.depths());
  schedule_.run(plan_, machine, totals_);
  counts_ = assemble(*mapping_, machine, totals_);
  structure_ = structure_of(machine, plan_.depths());
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
  durations_.clear();
  slots_.assign(4 * kMostKnown, 0);
  of_machine_.clear();
  executed_ = 0;
  std::size_t n = 0;
  while (n < count && n < kMostTogether && known_.size() < kMostKnown &&
         (n == 0 || structure_of(machines[n], plan_.depths()) == structure)) {
    of_machine_.push_back(static_cast<std::uint16_t>(known(machines[n], n)));
    ++n;
    if (known_.size() == executed_ + kLanes) execute(lanes, machines);
  }
  if (known_.size() > executed_) execute(lanes, machines);
  for (std::size_t i = 0; i < n; ++i) {
    outcomes[i] = known_[of_machine_[i]].outcome;
    counts_.cycles = outcomes[i].cycles;
    outcomes[i].energy = stats::total_energy(machines[i], counts_);
  }
  return n;
}

// Where the machine's outcome is, or will be.
std::size_t Sweep::known(const hw::BoundMachine& machine, std::size_t index) {
  prices_.set(plan_, machine);
  const std::size_t kinds = plan_.kinds().size(), depths = plan_.depths();
  const std::size_t size = 4 * kinds + 3 * depths + 2, at = durations_.size();
  durations_.resize(at + size);
  std::int64_t* d = durations_.data() + at;
  std::uint64_t hash = 0;
  const auto add = [&](std::int64_t x) {
    *d++ = x;
    hash = (hash ^ static_cast<std::uint64_t>(x)) * 0x9e3779b97f4a7c15ULL;
    hash ^= hash >> 32;
  };
  add(machine.machine.pipeline_latency);
  add(machine.machine.startup);
  for (const RulesOf<std::int64_t>& r : prices_.levels()) {
    add(r.fill_latency[0]);
    add(r.fill_latency[1]);
    add(r.drain_latency);
  }
  for (const CostOf<std::int64_t>& c : prices_.kinds()) {
    add(c.inject[0] + (c.drain << 24) + (c.work << 40));  // the hash alone; all are compared
    d[-1] = c.inject[0];
    *d++ = c.inject[1];
    *d++ = c.drain;
    *d++ = c.work;
  }
  std::size_t slot = hash & (slots_.size() - 1);
  for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
    const std::size_t other = slots_[slot] - 1u;
    if (known_[other].hash != hash) continue;
    const std::int64_t* mine = durations_.data() + at;
    const std::int64_t* its = durations_.data() + other * size;
    if (!std::equal(mine, mine + size, its)) continue;
    durations_.resize(at);
    return other;
  }
  slots_[slot] = static_cast<std::uint16_t>(known_.size() + 1);
  Known& k = known_.emplace_back();
  k.hash = hash;
  k.machine = index;
  const std::size_t lane = known_.size() - 1 - executed_;
  lane_pipeline_.of[lane] = static_cast<double>(machine.machine.pipeline_latency);
  lane_startup_.of[lane] = static_cast<double>(machine.machine.startup);
  for (std::size_t i = 0; i < depths; ++i) {
    for (std::size_t t = 0; t < 2; ++t)
      lane_rules_[i].fill_latency[t].of[lane] =
          static_cast<double>(prices_.levels()[i].fill_latency[t]);
    lane_rules_[i].drain_latency.of[lane] = static_cast<double>(prices_.levels()[i].drain_latency);
  }
  for (std::size_t i = 0; i < kinds; ++i) {
    const CostOf<std::int64_t>& from = prices_.kinds()[i];
    CostOf<Lanes>& to = lane_cost_[i];
    to.inject[0].of[lane] = static_cast<double>(from.inject[0]);
    to.inject[1].of[lane] = static_cast<double>(from.inject[1]);
    to.drain.of[lane] = static_cast<double>(from.drain);
    to.work.of[lane] = static_cast<double>(from.work);
    k.outcome.stack[kCompute] += plan_.kinds()[i].times * from.work;
  }
  return known_.size() - 1;
}

// Those of known_ that have not been executed, at most kLanes.
void Sweep::execute(LaneFunction lanes, const hw::BoundMachine* machines) {
  const std::size_t n = known_.size() - executed_, depths = plan_.depths();
  const auto fill = [n](Lanes& x) {  // lanes without a machine do as the first
    for (std::size_t lane = n; lane < kLanes; ++lane) x.of[lane] = x.of[0];
  };
  if (n < kLanes) {
    fill(lane_pipeline_);
    fill(lane_startup_);
    for (std::size_t i = 0; i < depths; ++i) {
      fill(lane_rules_[i].fill_latency[0]);
      fill(lane_rules_[i].fill_latency[1]);
      fill(lane_rules_[i].drain_latency);
    }
    for (CostOf<Lanes>& c : lane_cost_) {
      fill(c.inject[0]);
      fill(c.inject[1]);
      fill(c.drain);
      fill(c.work);
    }
  }
  LaneInput in;
  in.program.kinds = plan_.kinds().data();
  in.program.shapes = plan_.shapes().data();
  in.program.entries = plan_.entries().data();
  in.program.moves = moves_.data();
  in.program.nodes = arrays_.data();
  in.program.node_count = static_cast<std::int32_t>(arrays_.size());
  in.program.first = plan_.first();
  in.program.last = plan_.last();
  for (std::size_t t = 0; t < 2; ++t) in.program.past[t] = hw::passes_by(machines[0], 1, t);
  in.cost = lane_cost_.data();
  in.rules = lane_rules_.data();
  in.pipeline_latency = lane_pipeline_;
  in.startup = lane_startup_;
  if (memory_.empty()) memory_.resize(std::size_t{1} << 17);
  LaneResult result;
  Ending ending = Ending::Memory;
  for (;;) {
    in.arena = {memory_.data(), memory_.data() + memory_.size()};
    ending = n > 1 ? lanes(in, result) : Ending::Diverged;
    if (ending != Ending::Memory) break;
    memory_.resize(2 * memory_.size());
  }
  for (std::size_t lane = 0; lane < n; ++lane) {
    Known& k = known_[executed_ + lane];
    Outcome& o = k.outcome;
    if (ending == Ending::Done && result.cycles.of[lane] < kExact) {
      const auto whole = [lane](const Lanes& x) { return static_cast<std::int64_t>(x.of[lane]); };
      o.cycles = whole(result.cycles);
      o.stack[kStartup] = whole(result.startup);
      o.stack[kLevelAbove] = whole(result.waiting[kAbove]);
      o.stack[kBandwidth] = whole(result.waiting[kLine]);
      o.stack[kDrainWait] = whole(result.waiting[kSlot]);
      o.stack[kLatency] = whole(result.waiting[kFlight]);
      o.stack[kTail] = whole(result.tail);
      continue;
    }
    schedule_.run(plan_, machines[k.machine], totals_);
    o.cycles = totals_.cycles;
    o.stack = totals_.stack;
    ++alone_;
  }
  executed_ = known_.size();
}

}  // namespace counterpoint::analytic
