// SPDX-License-Identifier: Apache-2.0
#include "analytic/sweep.h"

#include <algorithm>

#include "stats/energy.h"

namespace counterpoint::analytic {

namespace {

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

void Sweep::run_alone(const hw::BoundMachine& machine, Outcome& outcome) {
  schedule_.run(plan_, machine, totals_);
  outcome.cycles = totals_.cycles;
  outcome.stack = totals_.stack;
  ++alone_;
}

void Sweep::run(const hw::BoundMachine* machines, std::size_t count, Outcome* outcomes) {
  run_with(best_lanes(), machines, count, outcomes);
}

void Sweep::run_with(LaneFunction lanes, const hw::BoundMachine* machines, std::size_t count,
                     Outcome* outcomes) {
  const std::size_t kinds = plan_.kinds().size(), depths = plan_.depths();
  for (std::size_t begin = 0; begin < count;) {
    const Structure structure = structure_of(machines[begin], depths);
    if (!described_ || structure != structure_) describe(machines[begin]);
    std::size_t n = 1;
    while (n < kLanes && begin + n < count &&
           structure_of(machines[begin + n], depths) == structure)
      ++n;
    const hw::BoundMachine* const batch = machines + begin;
    Outcome* const out = outcomes + begin;
    begin += n;

    LaneInput in;
    std::array<std::int64_t, kLanes> compute{};
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const hw::BoundMachine& machine = batch[std::min(lane, n - 1)];
      if (lane < n) {
        prices_.set(plan_, machine);
        for (std::size_t k = static_cast<std::size_t>(plan_.pe_kinds()); k < kinds; ++k)
          compute[lane] += plan_.kinds()[k].times * prices_.kinds()[k].work;
      }
      in.pipeline_latency.of[lane] = static_cast<double>(machine.machine.pipeline_latency);
      in.startup.of[lane] = static_cast<double>(machine.machine.startup);
      for (std::size_t d = 0; d < depths; ++d) {
        lane_rules_[d].fill_latency.of[lane] =
            static_cast<double>(prices_.levels()[d].fill_latency);
        lane_rules_[d].drain_latency.of[lane] =
            static_cast<double>(prices_.levels()[d].drain_latency);
      }
      for (std::size_t k = 0; k < kinds; ++k) {
        CostOf<Lanes>& to = lane_cost_[k];
        to.inject[0].of[lane] = static_cast<double>(prices_.kinds()[k].inject[0]);
        to.inject[1].of[lane] = static_cast<double>(prices_.kinds()[k].inject[1]);
        to.drain.of[lane] = static_cast<double>(prices_.kinds()[k].drain);
        to.work.of[lane] = static_cast<double>(prices_.kinds()[k].work);
      }
    }
    in.program.kinds = plan_.kinds().data();
    in.program.shapes = plan_.shapes().data();
    in.program.entries = plan_.entries().data();
    in.program.moves = moves_.data();
    in.program.nodes = arrays_.data();
    in.program.node_count = static_cast<std::int32_t>(arrays_.size());
    in.program.first = plan_.first();
    in.program.last = plan_.last();
    in.cost = lane_cost_.data();
    in.rules = lane_rules_.data();
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
      Outcome& o = out[lane];
      if (ending == Ending::Done && result.cycles.of[lane] < kExact) {
        const auto whole = [lane](const Lanes& x) { return static_cast<std::int64_t>(x.of[lane]); };
        o.cycles = whole(result.cycles);
        o.stack[kStartup] = whole(result.startup);
        o.stack[kCompute] = compute[lane];
        o.stack[kLevelAbove] = whole(result.waiting[kAbove]);
        o.stack[kBandwidth] = whole(result.waiting[kLine]);
        o.stack[kDrainWait] = whole(result.waiting[kSlot]);
        o.stack[kLatency] = whole(result.waiting[kFlight]);
        o.stack[kTail] = whole(result.tail);
      } else {
        run_alone(batch[lane], o);
      }
      counts_.cycles = o.cycles;
      o.energy = stats::total_energy(batch[lane], counts_);
    }
  }
}

}  // namespace counterpoint::analytic
