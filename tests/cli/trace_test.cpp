// SPDX-License-Identifier: Apache-2.0
// Waveforms, timelines and profiles as a user asks for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/cli/program.h"

namespace counterpoint::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

// A layer of 64 steps on a machine of 4 PEs.
constexpr const char* kMapping = R"(Network tiny {
  Layer L {
    Type: CONV
    Dimensions { K: 4, C: 4, R: 1, S: 1, Y: 4, X: 4 }
    Dataflow {
      TemporalMap(1,1) C;
      TemporalMap(1,1) Y';
      TemporalMap(1,1) X';
      SpatialMap(1,1) K;
    }
  }
}
)";

class Trace : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    write("tiny.m", kMapping);
  }
  std::vector<std::string> words(const std::vector<std::string>& more) const {
    std::vector<std::string> all{"simulate", "-m", "small", "-n", "tiny.m"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

TEST_F(Trace, WritesAWaveformAndASaveFile) {
  const Outcome o = run(words({"--trace", "a.vcd"}));
  ASSERT_EQ(o.status, 0) << o.err << o.out;
  EXPECT_THAT(o.err, HasSubstr("waveform: a.vcd, cycles 0 to "));
  EXPECT_THAT(read("a.vcd"), HasSubstr("$enddefinitions $end"));
  EXPECT_THAT(read("a.gtkw"), HasSubstr("[dumpfile] \"a.vcd\""));
  // The same bytes again.
  const std::string first = read("a.vcd");
  ASSERT_EQ(run(words({"--trace", "a.vcd"})).status, 0);
  EXPECT_EQ(read("a.vcd"), first);
}

TEST_F(Trace, LevelsHoldEachOther) {
  std::size_t before = 0;
  for (const char* level : {"summary", "links", "pes", "data"}) {
    ASSERT_EQ(run(words({"--trace", "a.vcd", "--trace-level", level})).status, 0);
    const std::string text = read("a.vcd");
    std::size_t signals = 0;
    for (std::size_t at = text.find("$var"); at != std::string::npos;
         at = text.find("$var", at + 1))
      ++signals;
    EXPECT_GT(signals, before) << level;
    before = signals;
  }
}

TEST_F(Trace, ValidateTracesToo) {
  std::vector<std::string> w = words({"--trace", "a.vcd", "-f", "json"});
  w[0] = "validate";
  const Outcome o = run(w);
  ASSERT_EQ(o.status, 0) << o.err;
  const Json j = Json::parse(o.out);
  EXPECT_EQ(j["layers"][0]["trace"]["waveform"]["file"], "a.vcd");
  EXPECT_TRUE(j["layers"][0]["agreement"]["exact"].get<bool>());
}

TEST_F(Trace, AWindowByStepAndByStall) {
  for (const char* window : {"step:3", "stall", "5:20", ":10", "10:"}) {
    const Outcome o =
        run(words({"--trace", "a.vcd", "--timeline", "a.json", "--trace-window", window}));
    ASSERT_EQ(o.status, 0) << window << o.out << o.err;
    EXPECT_FALSE(Json::parse(read("a.json"))["traceEvents"].empty());
  }
}

TEST_F(Trace, AProfileIsInTheJson) {
  const Outcome o = run(words({"--profile", "-f", "json"}));
  ASSERT_EQ(o.status, 0) << o.err;
  const Json p = Json::parse(o.out)["layers"][0]["profile"];
  std::int64_t macs = 0;
  for (const Json& x : p["pe_macs"]) macs += x.get<std::int64_t>();
  EXPECT_EQ(macs, 256);
}

TEST_F(Trace, SaysWhatIsWrongWithItsOptions) {
  const auto refused = [&](const std::vector<std::string>& more, const char* part) {
    const Outcome o = run(words(more));
    EXPECT_EQ(o.status, 2) << o.out;
    EXPECT_THAT(o.err + o.out, HasSubstr(part));
  };
  refused({"--trace", "a.txt"}, ".vcd or .fst");
  refused({"--trace", ""}, "--trace takes a file's name");
  refused({"--trace", "no/such/a.vcd"}, "cannot write no/such/a.vcd");
  refused({"--trace-level", "links"}, "--trace-level needs --trace");
  refused({"--trace", "a.vcd", "--trace-level", "most"}, "summary, links, pes or data");
  refused({"--trace", "a.vcd", "--trace-level", "data", "--no-data"}, "--no-data");
  refused({"--trace", "a.vcd", "--trace-window", "9:3"}, "FROM must be before TO");
  refused({"--trace", "a.vcd", "--trace-window", "x"}, "FROM:TO, step:N or stall");
  refused({"--trace", "a.vcd", "--trace-window", "step:99999"}, "64 steps");
  refused({"--trace", "a.vcd", "--trace-window", "9999999:"}, "the run ends after");
  refused({"--trace", "b.vcd", "--trace-scope", "nothing*"}, "no signal");
  EXPECT_FALSE(std::filesystem::exists(dir_ / "b.vcd"));
  refused({"--trace", "b.vcd", "--timeline", "no/such/a.json"}, "cannot write no/such/a.json");
  EXPECT_FALSE(std::filesystem::exists(dir_ / "b.vcd"));
  refused({"--trace", "a.vcd", "--timeline", "a.gtkw"}, "written by --trace");
  refused({"--trace", "a.vcd", "--timeline", "a.vcd"}, "written by --trace");
  refused({"--trace", "a.vcd", "--trace-limit", "many"}, "number of bytes");
  refused({"--trace-window", "0:1"}, "needs --trace or --timeline");
  refused({"--profile"}, "--format json");
  std::vector<std::string> two{"simulate", "-m", "small",       "-n",      "alexnet", "-d",
                               "x_p",      "-l", "CONV3,CONV5", "--trace", "a.vcd"};
  const Outcome o = run(two);
  EXPECT_EQ(o.status, 2);
  EXPECT_THAT(o.err, HasSubstr("choose one with --layers"));
}

TEST_F(Trace, AMissingConverterIsSaid) {
  const char* path = std::getenv("PATH");
  const std::string before = path == nullptr ? "" : path;
  ::setenv("PATH", dir_.c_str(), 1);
  const Outcome o = run(words({"--trace", "a.fst"}));
  ::setenv("PATH", before.c_str(), 1);
  EXPECT_EQ(o.status, 2);
  EXPECT_THAT(o.out + o.err, HasSubstr("a .vcd needs nothing"));
}

TEST_F(Trace, TimelinePrintsAPictureOrAList) {
  const Outcome o = run({"timeline", "-m", "small", "-n", "tiny.m", "--columns", "80"});
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out, HasSubstr("work"));
  std::size_t longest = 0, start = 0;
  for (std::size_t end = o.out.find('\n'); end != std::string::npos;
       end = o.out.find('\n', start)) {
    if (o.out[end - 1] == '|') longest = std::max(longest, end - start);
    start = end + 1;
  }
  EXPECT_LE(longest, 80u);
  EXPECT_GT(longest, 40u);
  const Outcome list =
      run({"timeline", "-m", "small", "-n", "tiny.m", "--window", "0:50", "--list"});
  ASSERT_EQ(list.status, 0) << list.err;
  EXPECT_THAT(list.out, HasSubstr("for step 0"));
  EXPECT_EQ(run({"timeline", "-m", "small", "-n", "tiny.m", "--columns", "3"}).status, 2);
  EXPECT_EQ(run({"timeline", "-m", "small", "-n", "tiny.m", "--window", "99999999:"}).status, 2);
}

}  // namespace
}  // namespace counterpoint::cli
