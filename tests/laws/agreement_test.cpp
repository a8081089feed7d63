// SPDX-License-Identifier: Apache-2.0
// Law 7: three independent implementations of docs/machine.md give the same numbers, every field.
#include <gtest/gtest.h>

#include "analytic/estimator.h"
#include "sim/simulator.h"
#include "tests/laws/cases.h"
#include "tests/oracle/model/compare.h"
#include "tests/oracle/model/oracle.h"

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

// Collisions on a bus are simulated, and bounded from below by the estimator.
TEST(Agreement, EstimateIsALowerBoundWhereFlowsCollide) {
  Limits limits;
  limits.buses = true;
  for_cases(150, limits, [](const Case&, const Mapping& m) {
    const stats::LayerResult estimated = analytic::estimate(m);
    const sim::SimOutcome simulated = sim::simulate(m);
    EXPECT_LE(estimated.cycles, simulated.result.cycles);
    EXPECT_EQ(simulated.functional, sim::Functional::Equal) << simulated.first_mismatch;
    // What moves does not depend on when.
    for (std::size_t d = 0; d < estimated.storage.size(); ++d)
      for (std::size_t t = 0; t < 3; ++t) {
        EXPECT_EQ(estimated.storage[d].access[t].reads(),
                  simulated.result.storage[d].access[t].reads());
        EXPECT_EQ(estimated.storage[d].access[t].writes(),
                  simulated.result.storage[d].access[t].writes());
      }
  });
}

}  // namespace
}  // namespace counterpoint::laws
