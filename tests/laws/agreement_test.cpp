// SPDX-License-Identifier: Apache-2.0
// Law 7: three independent implementations of docs/machine.md give the same numbers, every field.
#include <gtest/gtest.h>

#include <random>

#include "analytic/estimator.h"
#include "sim/simulator.h"
#include "tests/laws/cases.h"
#include "tests/oracle/model/compare.h"
#include "tests/oracle/model/oracle.h"
#include "tests/validation/exact.h"
#include "validation/fuzz/laws.h"
#include "validation/fuzz/run.h"
#include "validation/report.h"

namespace counterpoint::laws {
namespace {

using validation::fuzz::Case;
using validation::fuzz::Limits;
using workloads::Mapping;

TEST(Agreement, BruteForceEstimatorAndSimulatorGiveTheSameNumbers) {
  for_cases(400, {}, [](const Case&, const Mapping& m) {
    const stats::LayerResult literal = oracle::brute_force(m);
    const sim::SimOutcome simulated = sim::simulate(m);
    EXPECT_EQ(oracle::differences(literal, analytic::estimate(m)), "") << "contract, estimator";
    EXPECT_EQ(oracle::differences(literal, simulated.result), "") << "contract, simulator";
    EXPECT_EQ(simulated.functional, sim::Functional::Equal) << simulated.first_mismatch;
  });
}

TEST(Agreement, EstimatorEqualsSimulatorWhereItJumpsOverRepeatedIterations) {
  Limits limits;
  limits.stretch = 6;
  limits.max_macs = 30000;
  std::int64_t jumps = 0;
  for_cases(60, limits, [&](const Case&, const Mapping& m) {
    analytic::Effort effort;
    const stats::LayerResult estimated = analytic::estimate(m, &effort);
    jumps += effort.jumps;
    EXPECT_EQ(oracle::differences(estimated, sim::simulate(m).result), "")
        << "estimator, simulator";
  });
  EXPECT_GT(jumps, 0) << "no case exercises what this test is about";
}

// Many tiles of some hundred steps, which mostly begin in a state that is known: on machines on
// which what happened in the tile before still holds up the next one, or does not.
TEST(Agreement, TilesThatAreNotWalkedAgainAreAsTheSimulatorSays) {
  const std::string layer =
      "Type: CONV Dimensions { N: 1, K: 12, C: 6, R: 2, S: 1, Y': 14, X': 4 }";
  const std::string plain =
      "TemporalMap(3,3) K; TemporalMap(4,4) Y'; GlobalBuffer;"
      "SpatialMap(1,1) K; TemporalMap(2,2) C; TemporalMap(1,1) R;"
      "TemporalMap(1,1) X'; TemporalMap(2,2) Y';";
  const std::string clustered =
      "TemporalMap(4,4) Y'; TemporalMap(3,3) K; TemporalMap(3,3) C; GlobalBuffer;"
      "SpatialMap(1,1) K; TemporalMap(1,1) R; TemporalMap(2,2) C;"
      "TemporalMap(1,1) X'; TemporalMap(3,3) Y'; Cluster(2,P); SpatialMap(1,1) C;";
  analytic::Effort effort;
  std::mt19937 random(7);
  const auto draw = [&](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random()) % (high - low + 1);
  };
  for (int i = 0; i < 400 && !HasFailure(); ++i) {
    hw::Machine m = validation::machine(6);
    m.step_minimum = draw(0, 4);
    m.pipeline_latency = draw(0, 3) * draw(0, 12);
    if (draw(0, 3) > 0) m.step_window = {draw(1, 5), draw(1, 60)};
    for (std::int64_t& cycles : m.storage[2].follows)
      if (draw(0, 2) == 0) cycles = draw(0, 20);
    for (std::size_t s = 1; s < 3; ++s) {
      m.storage[s].slots_together = draw(0, 2) == 0;
      for (hw::Buffering& b : m.storage[s].buffering.of) b = static_cast<hw::Buffering>(draw(0, 1));
    }
    hw::Network& outer = m.network[0];
    outer.bandwidth = {draw(300, 9000), true};
    outer.latency = draw(0, 30);
    outer.fill_overhead = draw(0, 30);
    outer.reuse = {draw(0, 1) == 1, draw(0, 1) == 1};
    m.network[1].bandwidth = {draw(300, 6000), false};
    m.network[1].latency = draw(0, 6);
    if (draw(0, 1) == 1) m.network[1].channels = hw::Channels::Separate;
    if (draw(0, 9) > 0) {
      hw::Rows& rows = m.storage[0].rows;
      rows.bytes = 8;
      rows.cycles = draw(1, 30);
      if (draw(0, 1) == 1) rows.drain_cycles = draw(1, 20);
      rows.caches = {{8 * 2 * draw(2, 40), 2, draw(1, 5), 0, 0}};
    }
    const Mapping mapping = validation::map(layer, i % 2 == 0 ? plain : clustered, m);
    SCOPED_TRACE(i);
    EXPECT_EQ(
        oracle::differences(analytic::estimate(mapping, &effort), sim::simulate(mapping).result),
        "");
  }
  EXPECT_GT(effort.recalls, 1000);
}

// The cases of `counterpoint fuzz`, with the third voice; collisions on buses are for the other
// two alone (the contract leaves their order to the simulator).
TEST(Agreement, ThreeVoicesOnTheCampaignsCases) {
  const std::uint64_t cases = from_environment("COUNTERPOINT_CASES", 400);
  int compared = 0;
  for (std::uint64_t i = 0; i < cases && !HasFailure(); ++i) {
    const validation::fuzz::Draw d = validation::fuzz::draw(2, i);
    const Mapping& m = *d.bound.mapping;
    if (validation::contended(m.machine) || workloads::macs(m.layer) > 4000) continue;
    SCOPED_TRACE(validation::fuzz::describe(d.c));
    const stats::LayerResult literal = oracle::brute_force(m);
    EXPECT_EQ(oracle::differences(literal, analytic::estimate(m)), "") << "contract, estimator";
    EXPECT_EQ(oracle::differences(literal, sim::simulate(m).result), "") << "contract, simulator";
    ++compared;
  }
  if (!HasFailure()) {
    EXPECT_GT(2 * compared, static_cast<int>(cases));
  }
}

// How long each port is held does not depend on the turns.
TEST(Agreement, BanksAreHeldAsTheContractSays) {
  int compared = 0;
  for (std::uint64_t i = 0; compared < 40 && i < 8000 && !HasFailure(); ++i) {
    const validation::fuzz::Draw d = validation::fuzz::draw(3, i);
    const Mapping& m = *d.bound.mapping;
    if (m.machine.storage[1].banks == 0 || workloads::macs(m.layer) > 2000) continue;
    SCOPED_TRACE(validation::fuzz::describe(d.c));
    const auto literal = oracle::brute_force(m).storage[1].bank_busy;
    EXPECT_EQ(literal, analytic::estimate(m).storage[1].bank_busy) << "contract, estimator";
    EXPECT_EQ(literal, sim::simulate(m).result.storage[1].bank_busy) << "contract, simulator";
    ++compared;
  }
  EXPECT_EQ(compared, 40);
}

// Collisions on a bus are simulated, and bounded from below by the estimator.
TEST(Agreement, EstimateIsALowerBoundWhereFlowsCollide) {
  Limits limits;
  limits.buses = true;
  for_cases(150, limits, [](const Case&, const Mapping& m) {
    for (const auto& b :
         validation::fuzz::check_agreement(m, analytic::estimate(m), sim::simulate(m)))
      ADD_FAILURE() << b.law << ": " << b.text;
  });
}

}  // namespace
}  // namespace counterpoint::laws
