// SPDX-License-Identifier: Apache-2.0
// Laws 1 to 6 of docs/machine.md on random cases, each on its own. The checks are those of
// `counterpoint fuzz`; what they rest on is compared with the brute-force model here.
#include <gmock/gmock.h>
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

namespace fuzz = validation::fuzz;
using fuzz::Case;
using workloads::Mapping;

std::string text(const fuzz::Breaches& breaches) {
  std::string out;
  for (const fuzz::Breach& b : breaches) out += b.law + ": " + b.text + "\n";
  return out;
}

TEST(Laws, EveryMacOnceAndNothingLessThanCompulsory) {
  for_cases(300, {}, [](const Case& c, const Mapping& m) {
    EXPECT_EQ(fuzz::touched_words(c.layer.layer), oracle::touched_words(c.layer.layer));
    EXPECT_EQ(text(fuzz::check_compulsory(m, analytic::estimate(m))), "");
  });
}

TEST(Laws, WordsThatArriveAreWordsSentTimesReceivers) {
  for_cases(300, {}, [](const Case&, const Mapping& m) {
    EXPECT_EQ(text(fuzz::check_conservation(m, analytic::estimate(m))), "");
    EXPECT_EQ(text(fuzz::check_conservation(m, oracle::brute_force(m))), "") << "contract";
  });
}

TEST(Laws, NoResourceWorksFasterThanItCan) {
  for_cases(300, {}, [](const Case&, const Mapping& m) {
    EXPECT_EQ(text(fuzz::check_capability(m, analytic::estimate(m))), "");
  });
}

TEST(Laws, NothingDependsOnDataOrOnTheOrderOfModules) {
  for_cases(100, {}, [](const Case&, const Mapping& m) {
    EXPECT_EQ(text(fuzz::check_determinism(m, sim::simulate(m).result)), "");
  });
}

TEST(Laws, FasterPartsNeverMakeAMachineSlower) {
  for_cases(200, {}, [](const Case&, const Mapping& m) {
    EXPECT_EQ(text(fuzz::check_monotone(m, analytic::estimate(m))), "");
  });
}

TEST(Laws, MoreCapacityNeverIncreasesOffChipTraffic) {
  for_cases(200, {},
            [](const Case& c, const Mapping&) { EXPECT_EQ(text(fuzz::check_capacity(c)), ""); });
}

TEST(Laws, NamesAndDirectivesWithOnePositionChangeNothing) {
  for_cases(150, {}, [](const Case& c, const Mapping& m) {
    EXPECT_EQ(text(fuzz::check_neutral(c, analytic::estimate(m), c.seed)), "");
  });
}

// What a failing case prints is enough to have it again.
TEST(Laws, ACaseAsTextIsTheSameCase) {
  for_cases(150, {}, [](const Case& c, const Mapping& m) {
    EXPECT_EQ(text(fuzz::check_text(c, analytic::estimate(m))), "");
  });
}

// Checks that cannot fail would be worthless: each law notices a result that breaks it.
class BrokenLaws : public testing::Test {
 protected:
  void SetUp() override {
    std::uint64_t number = 0;
    // A case in which something is multicast, accumulated and waited for.
    for (;; ++number) {
      draw_ = fuzz::draw(1, number);
      if (validation::contended(draw_.bound.mapping->machine)) continue;
      r_ = analytic::estimate(mapping());
      if (r_.storage[1].access[2].accumulate_write > 0 && r_.stack.bandwidth > 0 &&
          r_.network[1].link[1].delivered > r_.network[1].link[1].injected)
        return;
    }
  }
  const Mapping& mapping() const { return *draw_.bound.mapping; }
  fuzz::Draw draw_;
  stats::LayerResult r_;
};

TEST_F(BrokenLaws, AMacTooMany) {
  r_.macs += 1;
  EXPECT_NE(text(fuzz::check_compulsory(mapping(), r_)), "");
}
TEST_F(BrokenLaws, AWordFewerThanTheTensorHas) {
  r_.storage[0].access[1].fill_read = fuzz::touched_words(mapping().layer)[1] - 1;
  EXPECT_NE(text(fuzz::check_compulsory(mapping(), r_)), "");
}
TEST_F(BrokenLaws, AnOutputLost) {
  r_.storage[0].access[2].drain_write -= 1;
  EXPECT_NE(text(fuzz::check_compulsory(mapping(), r_)), "");
}
TEST_F(BrokenLaws, AWordThatArrivesUnsent) {
  r_.storage[1].access[0].fill_write += 1;
  EXPECT_NE(text(fuzz::check_conservation(mapping(), r_)), "");
}
TEST_F(BrokenLaws, MoreReceiversThanChildren) {
  stats::LinkCounts& x = r_.network[1].link[1];
  r_.storage[2].access[1].fill_write = x.delivered =
      x.injected * mapping().nest.levels[1].units + 1;
  EXPECT_NE(text(fuzz::check_conservation(mapping(), r_)), "");
}
TEST_F(BrokenLaws, ALostPartialSum) {
  r_.storage.back().access[2].operand_read -= 1;
  EXPECT_NE(text(fuzz::check_conservation(mapping(), r_)), "");
}
TEST_F(BrokenLaws, FasterThanItsMultipliers) {
  r_.cycles = r_.macs / (r_.pes * r_.lanes) - 1;
  EXPECT_NE(text(fuzz::check_capability(mapping(), r_)), "");
}
TEST_F(BrokenLaws, ACycleWithoutCause) {
  r_.stack.bandwidth -= 1;
  EXPECT_NE(text(fuzz::check_capability(mapping(), r_)), "");
}
TEST_F(BrokenLaws, SlowerWithMoreLanes) {
  r_.cycles = 0;
  EXPECT_NE(text(fuzz::check_monotone(mapping(), r_)), "");
}
TEST_F(BrokenLaws, AnyDifference) {
  sim::SimOutcome s = sim::simulate(mapping());
  ASSERT_EQ(text(fuzz::check_agreement(mapping(), r_, s)), "");
  s.result.network[1].peak_words += 1;
  EXPECT_NE(text(fuzz::check_agreement(mapping(), r_, s)), "");
  s.result = r_;
  s.functional = sim::Functional::Mismatch;
  EXPECT_NE(text(fuzz::check_agreement(mapping(), r_, s)), "");
}
TEST_F(BrokenLaws, AnotherRunAnotherNumber) {
  r_.stack.latency += 1;
  EXPECT_NE(text(fuzz::check_determinism(mapping(), r_)), "");
  EXPECT_NE(text(fuzz::check_neutral(draw_.c, r_, 0)), "");
  EXPECT_NE(text(fuzz::check_text(draw_.c, r_)), "");
}

}  // namespace
}  // namespace counterpoint::laws
