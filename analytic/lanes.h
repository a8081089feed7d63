// SPDX-License-Identifier: Apache-2.0
// engine.h on several machines at once, for the instruction set of the processor that runs it.
#pragma once

#include "analytic/program.h"
#include "analytic/times.h"

namespace counterpoint::analytic {

inline constexpr std::size_t kLanes = 8;  ///< machines
/// A whole number per machine, exact below 2^53.
struct alignas(64) Lanes {
  double of[kLanes];
};

struct LaneInput {
  Program program;
  PriceList prices;  ///< traits: of any lane
  const NumbersOf<Lanes>* machines = nullptr;
  CostOf<Lanes>* cost = nullptr;  ///< memory for as many kinds and levels
  RulesOf<Lanes>* rules = nullptr;
  Arena arena;
};
struct LaneResult {
  Lanes cycles{}, startup{}, compute{}, tail{};
  Lanes waiting[kWaitings]{};
};

using LaneFunction = Ending (*)(const LaneInput&, LaneResult&);
Ending run_lanes_baseline(const LaneInput& in, LaneResult& out);
Ending run_lanes_avx2(const LaneInput& in, LaneResult& out);
Ending run_lanes_avx512(const LaneInput& in, LaneResult& out);
/// The best that this processor has; the results do not depend on it.
LaneFunction best_lanes();

}  // namespace counterpoint::analytic
