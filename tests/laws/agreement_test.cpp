// SPDX-License-Identifier: Apache-2.0
// Law 7: three independent implementations of docs/machine.md give the same numbers, every field.
#include <gtest/gtest.h>

#include "analytic/estimator.h"
#include "sim/simulator.h"
#include "tests/laws/cases.h"
#include "tests/oracle/model/compare.h"
#include "tests/oracle/model/oracle.h"
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
