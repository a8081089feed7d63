// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/program.h"

namespace counterpoint::cli {
namespace {

using ::testing::HasSubstr;

class Fuzz : public ProgramTest {};

TEST_F(Fuzz, ChecksRandomCasesTheSameForAnyNumberOfJobs) {
  const Outcome one = run({"fuzz", "--cases", "80", "--seed", "5", "--jobs", "1"});
  const Outcome two = run({"fuzz", "--cases", "80", "--seed", "5", "--jobs", "2"});
  EXPECT_EQ(one.status, 0) << one.err;
  EXPECT_THAT(one.out, HasSubstr("seed 5, cases 0 to 79: 80 checked, 0 failing"));
  EXPECT_EQ(one.out, two.out);
}

TEST_F(Fuzz, StopsAfterATime) {
  const Outcome r = run({"fuzz", "--time", "0.5", "--jobs", "1"});
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_THAT(r.out, HasSubstr("0 failing"));
}

TEST_F(Fuzz, GoesOnFromItsState) {
  EXPECT_EQ(run({"fuzz", "--cases", "40", "--out", "d"}).status, 0);
  const Outcome again = run({"fuzz", "--cases", "40", "--out", "d"});
  EXPECT_EQ(again.status, 2);
  EXPECT_THAT(again.err, HasSubstr("--resume"));
  const Outcome more = run({"fuzz", "--cases", "60", "--out", "d", "--resume"});
  EXPECT_EQ(more.status, 0) << more.err;
  EXPECT_EQ(more.out, run({"fuzz", "--cases", "60"}).out);
  EXPECT_EQ(read("d/summary.txt"), more.out);
}

TEST_F(Fuzz, ReplaysACase) {
  write("case.m",
        "Network case { Layer case { Type: GEMM Dimensions { M: 2, N: 3, K: 4 } "
        "Dataflow { SpatialMap(1,1) M; TemporalMap(2,2) N; } } }\n");
  write("machine.yaml",
        "name: tiny\npes: 2\nstorage:\n  - level: off_chip\n    network: {bandwidth: 1 words}\n"
        "  - level: global_buffer\n    capacity: unlimited\n    network: {bandwidth: 2 words}\n"
        "  - level: pe_buffer\n    capacity: unlimited\n");
  const Outcome r = run({"fuzz", "--replay", "."});
  EXPECT_EQ(r.status, 0) << r.out << r.err;
  EXPECT_EQ(r.out, "all laws hold\n");
}

TEST_F(Fuzz, RefusesWhatItCannotDo) {
  EXPECT_EQ(run({"fuzz", "--replay", "nowhere"}).status, 2);
  EXPECT_EQ(run({"fuzz", "--resume"}).status, 2);
  EXPECT_EQ(run({"fuzz", "--cases", "0"}).status, 2);
  EXPECT_EQ(run({"fuzz", "--cases", "-1"}).status, 2);
  EXPECT_EQ(run({"fuzz", "--jobs", "0"}).status, 2);
  EXPECT_EQ(run({"fuzz", "--time", "0"}).status, 2);
  EXPECT_EQ(run({"fuzz", "--replay", ".", "--cases", "3"}).status, 2);
}

}  // namespace
}  // namespace counterpoint::cli
