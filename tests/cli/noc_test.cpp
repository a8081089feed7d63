// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/cli/program.h"

namespace counterpoint::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class NocCommand : public ProgramTest {};

TEST_F(NocCommand, ATraceGivesEveryPacketsCycles) {
  write("t.trace", "# two packets\n0 0 3 8\n0 0 3 8\n");
  // B: 4 routers of 3 cycles, 1, 8 flits; the second one waits 8 cycles for the source's port.
  const Outcome r =
      run({"noc", "--timing", "booksim-b", "--trace", "t.trace", "--format", "csv", "--causes"});
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.out,
            "pid,src,dst,size,ctime,itime,head_atime,tail_atime,routers,late_port,late_link,"
            "late_head_of_line,late_buffer_full,late_arbitration\n"
            "0,0,3,8,0,0,14,21,4,0,0,0,0,0\n"
            "1,0,3,8,0,8,22,29,4,8,0,0,0,0\n");
}

TEST_F(NocCommand, ANetworkFileSaysTheSameAsOptions) {
  write("n.yaml", "topology: torus\nwidth: 4\nheight: 4\nvcs: 4\ntiming: booksim-b\n");
  const Outcome file = run({"noc", "--file", "n.yaml", "--load", "0.2", "--format", "json"});
  const Outcome options = run({"noc", "--topology", "torus", "--vcs", "4", "--timing", "booksim-b",
                               "--load", "0.2", "--format", "json"});
  EXPECT_EQ(file.status, 0) << file.err;
  EXPECT_EQ(file.out, options.out);
  const auto j = nlohmann::json::parse(file.out);
  EXPECT_NEAR(j["points"][0]["accepted"].get<double>(), 0.2, 0.02);
  // A torus of 4 columns: 2 hops on average, 3 routers.
  EXPECT_NEAR(j["points"][0]["routers"].get<double>(), 3, 0.1);
}

TEST_F(NocCommand, SaysWhichFlowWaitedForWhich) {
  // Node 1's packet (flow 2) has the link (1,0) > (2,0) in cycles 2 to 41; node 0's (flow 1) asks
  // from cycle 5 on and goes in 42.
  write("t.trace", "0 1 3 40 2\n0 0 3 8 1\n");
  const Outcome r = run({"noc", "--trace", "t.trace", "--timing", "booksim-b"});
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_THAT(r.out, HasSubstr("flow 1 waited for flow 2: 37 cycles\n"));
  EXPECT_THAT(r.out, HasSubstr("by cause: port 0 link 37 head_of_line 0 buffer_full 0"));
  write("bad.trace", "0 0 1 1 9\n");
  EXPECT_EQ(run({"noc", "--trace", "bad.trace"}).status, 2);
  write("bad.trace", "0 0 1 1 x\n");
  EXPECT_EQ(run({"noc", "--trace", "bad.trace"}).status, 2);
}

TEST_F(NocCommand, DrawsEveryLinkBetweenRouters) {
  write("t.trace", "0 0 1 9\n");
  const Outcome r = run({"noc", "--trace", "t.trace", "--timing", "booksim-b", "--svg", "l.svg",
                         "--out", "report.txt"});
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_THAT(r.out, IsEmpty());
  const std::string picture = read("l.svg");
  // 9 flits in 2 * 3 + 1 + 9 + 1 cycles.
  EXPECT_THAT(picture, HasSubstr("(0,0) to (1,0): 52.9 % used"));
  std::size_t lines = 0;
  for (std::size_t at = 0; (at = picture.find("<line", at)) != std::string::npos; ++at) ++lines;
  EXPECT_EQ(lines, 48u);  // 4x4: 24 neighbours, two directions
  EXPECT_THAT(read("report.txt"), HasSubstr("1 packets in 17 cycles, 18 flit hops"));
}

TEST_F(NocCommand, DrawsTheCurve) {
  const Outcome with_trace = run({"noc", "--trace", "x", "--curve", "c.svg"});
  EXPECT_EQ(with_trace.status, 2);
  EXPECT_THAT(with_trace.err, HasSubstr("--curve is for synthetic traffic"));
  const Outcome r = run({"noc", "--size", "2x2", "--load", "0.1,0.2", "--measure", "500",
                         "--saturation", "--curve", "it's.svg", "--format", "csv"});
  EXPECT_EQ(r.status, 0) << r.err;
  const std::string picture = read("it's.svg");
  for (const char* words : {"mesh, uniform traffic", "latency, cycles", "saturation", "accepted"})
    EXPECT_THAT(picture, HasSubstr(words));
  EXPECT_EQ(run({"noc", "--measure", "100", "--curve", "no/such/c.svg"}).status, 2);
}

TEST_F(NocCommand, MistakesAreRefusedWithTheirPlace) {
  write("bad.trace", "0 0 3 8\n5 0 99 1\n4 0 1 1\n");
  const Outcome trace = run({"noc", "--trace", "bad.trace"});
  EXPECT_EQ(trace.status, 2);
  EXPECT_THAT(trace.err, HasSubstr("bad.trace:2:1"));
  EXPECT_THAT(trace.out, IsEmpty());
  write("bad.yaml", "topologie: mesh\nvcs: 99\n");
  const Outcome file = run({"noc", "--file", "bad.yaml"});
  EXPECT_EQ(file.status, 2);
  EXPECT_THAT(file.err, HasSubstr("topology"));
  const std::vector<std::vector<std::string>> wrong = {{"--topology", "mehs"},
                                                       {"--size", "4"},
                                                       {"--load", "0.1:0.2"},
                                                       {"--load", "0.5:0.1:0.1"},
                                                       {"--load", "-1"},
                                                       {"--timing", "noxim", "--link-latency", "2"},
                                                       {"--topology", "torus"},
                                                       {"--trace", "x", "--load", "0.1"},
                                                       {"--causes"},
                                                       {"--format", "xml"}};
  for (const auto& words : wrong) {
    std::vector<std::string> all = {"noc"};
    all.insert(all.end(), words.begin(), words.end());
    const Outcome r = run(all);
    EXPECT_EQ(r.status, 2) << words[0] << " " << r.err;
    EXPECT_THAT(r.out, IsEmpty());
  }
}

}  // namespace
}  // namespace counterpoint::cli
