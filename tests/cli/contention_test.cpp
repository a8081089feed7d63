// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/program.h"

namespace counterpoint::cli {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

// Two PEs; each takes an input of its own and the one weight.
constexpr const char* kMapping = R"(Network tiny {
  Layer L {
    Type: GEMM
    Dimensions { M: 2, N: 1, K: 1 }
    Dataflow { SpatialMap(1,1) M; }
  }
}
)";
constexpr const char* kMachine = R"(name: two
pes: 2
bits: {input: 8, weight: 8, psum: 32}
storage:
  - level: off_chip
    network: {name: link}
  - level: global_buffer
    capacity: unlimited
    network: {name: array}
  - level: pe_buffer
    capacity: unlimited
)";

class Contention : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    write("tiny.m", kMapping);
    write("two.yaml", kMachine);
  }
  Outcome go(const std::vector<std::string>& more) const {
    std::vector<std::string> all{"contention", "-m", "two.yaml", "-n", "tiny.m"};
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  }
};

// Crossbar, packets of one word and flit, 5 cycles in the empty network and used in the next one
// (tests/noc/arrays_test.cpp): ways only, both inputs and the weight for PE 0 can be used in 6,
// which passes it on: 12; work [12,13]; the drains can be used in 19. Ports: the unit sends one
// flit a cycle, so the weight leaves in 2 and can be used by PE 1 in 14; work [14,15]; the drains
// meet at the port, the second can be used in 22. A pipe takes the work alone: 1.
TEST_F(Contention, CausesAreWhatEachDetailCosts) {
  const Outcome o = go({"--topology", "pipe,crossbar", "--packet-words", "1", "-f", "json"});
  ASSERT_EQ(o.status, 0) << o.err;
  const Json points = Json::parse(o.out)["points"];
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[0]["cycles"], 1);
  EXPECT_EQ(points[0]["excess"], 0);
  EXPECT_EQ(points[1]["estimate"], 1);
  EXPECT_EQ(points[1]["cycles"], 22);
  EXPECT_EQ(points[1]["functional"], "equal");
  EXPECT_EQ(points[1]["excess"], 21);
  EXPECT_EQ(points[1]["causes"]["added_latency"], 18);
  EXPECT_EQ(points[1]["causes"]["port_serialization"], 3);
  EXPECT_EQ(points[1]["causes"]["link_conflicts"], 0);
  EXPECT_EQ(points[1]["causes"]["full_buffers"], 0);
  EXPECT_EQ(points[1]["causes"]["head_of_line"], 0);
  // Packets: 2 inputs, the weight twice, 2 outputs; each link to a child carries 2.
  std::int64_t used = 0;
  for (const Json& l : points[1]["networks"][0]["links"]) used += l["used"].get<std::int64_t>();
  EXPECT_EQ(used, 6);
}

// Crossbar, K = 16: packets of 16 flits of 8 bits. Every PE takes 16 inputs and, without multicast,
// 16 weights: 4 packets of 4 + 16 = 20 cycles. Ways only: used in 21, work [21,37], sums of 4 flits
// take 8 cycles: used in 46. Ports: the fourth packet leaves in 48: used in 69, work [69,85], sums
// one behind the other: tails 93 and 97, used in 98. Buffers of 4 flits: a cycle is lost after each
// 4 but the last, 3 per packet of 16, none per sum: 4 * 3. A pipe takes the work: 16.
TEST_F(Contention, SmallBuffersCostTheirCreditLoop) {
  write("tiny.m", R"(Network tiny {
  Layer L {
    Type: GEMM
    Dimensions { M: 2, N: 1, K: 16 }
    Dataflow { SpatialMap(1,1) M; }
  }
}
)");
  const Outcome o = go({"--topology", "crossbar", "--flit-bits", "8", "--packet-words", "16",
                        "--multicast", "none", "--buffer-depth", "4", "-f", "json"});
  ASSERT_EQ(o.status, 0) << o.err;
  const Json point = Json::parse(o.out)["points"][0];
  EXPECT_EQ(point["cycles"], 110);
  EXPECT_EQ(point["excess"], 110 - 16);
  EXPECT_EQ(point["causes"]["added_latency"], 46 - 16);
  EXPECT_EQ(point["causes"]["port_serialization"], 98 - 46);
  EXPECT_EQ(point["causes"]["full_buffers"], 12);
  EXPECT_EQ(point["causes"]["link_conflicts"], 0);
  EXPECT_EQ(point["causes"]["arbitration"], 0);
  EXPECT_EQ(point["causes"]["head_of_line"], 0);
}

// Three PEs in a row, the port at the first; K = 20 inputs for all, which PE 0 passes on to both
// others, and 20 weights for each; a packet each, flits of a word. Deep buffers and many channels.
// Ways: PE 0 has the inputs in K + 4 and passes them on in K + 5; they are with PE 2 (3 routers) in
// 2K + 15, used in 2K + 16; work takes K; PE 2's sum takes 14, used in 15: 3K + 31. A pipe takes K.
// Ports: PE 0 sends the second copy K later, in 2K + 5, there in 3K + 15; PE 2's weights leave in
// 3K, would be there in 4K + 10 and wait for the inputs: 4K + 15; sums of 4 flits end in 8, 12, 16,
// used in 17: 4K + 16 + K + 17. Links: the first link carries all 4K flits from K + 7 to 5K + 6,
// the last to PE 2, there in 5K + 15.
TEST_F(Contention, LinkConflictsAreNamed) {
  write("tiny.m", R"(Network tiny {
  Layer L {
    Type: GEMM
    Dimensions { M: 1, N: 3, K: 20 }
    Dataflow { SpatialMap(1,1) N; }
  }
}
)");
  std::string three = kMachine;
  three.replace(three.find("pes: 2"), 6, "pes: 3");
  write("two.yaml", three);
  const Outcome o =
      go({"--topology", "chain", "--collective", "tree", "--flit-bits", "8", "--packet-words", "64",
          "--vcs", "16", "--buffer-depth", "4096", "-f", "json"});
  ASSERT_EQ(o.status, 0) << o.err;
  const Json point = Json::parse(o.out)["points"][0];
  const int k = 20;
  EXPECT_EQ(point["cycles"], 6 * k + 33);
  EXPECT_EQ(point["pipe"], k);
  EXPECT_EQ(point["causes"]["added_latency"], 2 * k + 31);
  EXPECT_EQ(point["causes"]["port_serialization"], 2 * k + 2);
  EXPECT_EQ(point["causes"]["link_conflicts"], k);
  EXPECT_EQ(point["causes"]["arbitration"], 0);
  EXPECT_EQ(point["causes"]["full_buffers"], 0);
  EXPECT_EQ(point["causes"]["head_of_line"], 0);
  // Inputs and weights wait for each other there, nobody for outputs.
  std::int64_t between = 0;
  for (const Json& c : point["link_conflicts_between"]) {
    if (c["flow"] != c["waited_for"]) between += c["cycles"].get<std::int64_t>();
    if (c["flow"] != "output") {
      EXPECT_NE(c["waited_for"], "output");
    }
  }
  EXPECT_GT(between, k / 2);
}

// The causes sum to the excess in every point of a larger sweep, whatever they are; formats agree.
TEST_F(Contention, CausesSumToTheExcess) {
  write("some.m", R"(Network some {
  Layer L {
    Type: CONV
    Dimensions { K: 16, C: 8, R: 3, S: 3, Y: 10, X: 10 }
    Dataflow {
      SpatialMap(1,1) K;
      TemporalMap(1,1) C;
      TemporalMap(Sz(R),1) Y;
      TemporalMap(Sz(S),1) X;
    }
  }
}
)");
  write("sixteen.yaml", R"(name: sixteen
pes: 16
bits: {input: 8, weight: 8, psum: 32}
storage:
  - level: off_chip
    network: {name: link, bandwidth: 8 words}
  - level: global_buffer
    capacity: unlimited
    network: {name: array, bandwidth: 16 words, channels: separate}
  - level: pe_buffer
    capacity: unlimited
)");
  const std::vector<std::string> sweep = {
      "contention",      "-m",           "sixteen.yaml", "-n",          "some.m", "--no-data", "-t",
      "mesh,tree,chain", "--collective", "path,fork",    "--flit-bits", "64,256"};
  std::vector<std::string> json = sweep;
  json.insert(json.end(), {"-f", "json"});
  const Outcome o = run(json);
  ASSERT_EQ(o.status, 0) << o.err;
  const Json points = Json::parse(o.out)["points"];
  ASSERT_EQ(points.size(), 12u);
  for (const Json& p : points) {
    std::int64_t sum = 0;
    for (const auto& [cause, cycles] : p["causes"].items()) {
      EXPECT_GE(cycles.get<std::int64_t>(), 0) << cause;
      sum += cycles.get<std::int64_t>();
    }
    std::int64_t between = 0;  // named flows
    for (const Json& c : p["link_conflicts_between"]) between += c["cycles"].get<std::int64_t>();
    EXPECT_EQ(between, p["causes"]["link_conflicts"].get<std::int64_t>());
    EXPECT_EQ(sum, p["excess"].get<std::int64_t>()) << p["network"];
    EXPECT_EQ(p["pipe"], p["estimate"]);
    EXPECT_GE(p["cycles"].get<std::int64_t>(), p["estimate"].get<std::int64_t>());
  }
  std::vector<std::string> csv = sweep;
  csv.insert(csv.end(), {"-f", "csv", "-j", "1"});
  std::istringstream lines(run(csv).out);
  std::string line;
  std::getline(lines, line);
  for (const Json& p : points) {
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_THAT(line, HasSubstr("," + std::to_string(p["cycles"].get<std::int64_t>()) + ","));
  }
}

// Per step each PE works 2 cycles on 2 words that cost a cycle each on the bus, and drains:
// whatever the bus loses against a pipe of two directions is put to it.
TEST_F(Contention, ABusPaysForItsTwoDirections) {
  write("tiny.m", R"(Network tiny {
  Layer L {
    Type: GEMM
    Dimensions { M: 2, N: 40, K: 2 }
    Dataflow { SpatialMap(1,1) M; TemporalMap(1,1) N; }
  }
}
)");
  const Outcome o = go({"--topology", "pipe,bus", "--bandwidth", "1", "-f", "json"});
  ASSERT_EQ(o.status, 0) << o.err;
  const Json points = Json::parse(o.out)["points"];
  EXPECT_EQ(points[1]["pipe"], points[0]["cycles"]);
  EXPECT_GT(points[1]["cycles"], points[0]["cycles"]);
  EXPECT_EQ(points[1]["causes"]["link_conflicts"],
            points[1]["cycles"].get<std::int64_t>() - points[0]["cycles"].get<std::int64_t>());
}

// As in a machine file: what only pipes can have is not left out silently.
TEST_F(Contention, MachinesThatNeedPipesAreNotRouted) {
  const std::string level = "level: global_buffer\n";
  std::string shared = kMachine;
  shared.replace(shared.find(level), level.size(),
                 level + "    ports: shared\n    read_port: 1 words\n    write_port: 1 words\n");
  write("two.yaml", shared);
  Outcome o = go({"--topology", "pipe,mesh"});
  EXPECT_EQ(o.status, 2);
  EXPECT_THAT(o.err, HasSubstr("take turns at its ports"));
  EXPECT_EQ(go({"--topology", "pipe"}).status, 0);
  std::string bypass = kMachine;
  bypass.replace(bypass.find(level), level.size(), level + "    holds: [input, output]\n");
  write("two.yaml", bypass);
  o = go({"--topology", "bus"});
  EXPECT_EQ(o.status, 2);
  EXPECT_THAT(o.err, HasSubstr("passes it by on pipes only"));
  // Trees are a part of pipes: other networks have their own.
  std::string trees = kMachine;
  const std::string network = "network: {name: array}";
  trees.replace(trees.find(network), network.size(),
                "network: {name: array, subtrees: {pes: 1, bandwidth: 0.01 words}}");
  write("two.yaml", trees);
  o = go({"--topology", "pipe,crossbar", "-f", "json"});
  ASSERT_EQ(o.status, 0) << o.err;
  const Json points = Json::parse(o.out)["points"];
  EXPECT_EQ(points[0]["cycles"], 200 + 1);  // an input and the weight for each PE, then its work
  EXPECT_LT(points[1]["cycles"], 200);
}

TEST_F(Contention, TableNamesTheCheapestAndShowsItsLinks) {
  const Outcome o = go({"--topology", "pipe,mesh,tree", "--no-causes"});
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out, HasSubstr("cheapest routed network"));
  EXPECT_THAT(o.out, HasSubstr("busiest links"));
  EXPECT_THAT(o.out, HasSubstr("cycle stack: "));
  EXPECT_THAT(o.out, HasSubstr("network 'array' with 2 children"));
}

TEST_F(Contention, WritesTheCyclesOfEveryLink) {
  const Outcome o = go({"--topology", "crossbar", "--packet-words", "1", "--links", "links.csv"});
  ASSERT_EQ(o.status, 0) << o.err;
  std::istringstream lines(read("links.csv"));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "point,network,unit,plane,link,used,stalled,lost,idle");
  // One router with two children and the port: 3 links of 22 cycles; 2 packets to each.
  int links = 0;
  while (std::getline(lines, line)) {
    ++links;
    EXPECT_THAT(line, HasSubstr(",2,0,"));
  }
  EXPECT_EQ(links, 3);
}

TEST_F(Contention, SweepsTheRoutersChoices) {
  const Outcome o = go({"--topology", "mesh,crossbar", "--routing", "dimension-order,west-first",
                        "--arbiter", "round-robin,oldest", "--no-causes", "-f", "json"});
  ASSERT_EQ(o.status, 0) << o.err;
  std::vector<std::string> names;
  const Json all = Json::parse(o.out);
  for (const Json& p : all["points"]) names.push_back(p["network"]);
  EXPECT_THAT(names, ::testing::ElementsAre("mesh, dimension-order, round-robin",
                                            "mesh, dimension-order, oldest first",
                                            "mesh, west-first, round-robin",
                                            "mesh, west-first, oldest first",
                                            "crossbar, round-robin", "crossbar, oldest first"));
}

TEST_F(Contention, GoesOnWhereItWasInterrupted) {
  const std::vector<std::string> sweep = {"--topology", "pipe,mesh,tree", "-f", "json",
                                          "-o",         "out.json"};
  ASSERT_EQ(go(sweep).status, 0);
  const std::string whole = read("out.json");
  // A journal with a false first point shows that it is taken from there.
  std::vector<std::string> resumed = sweep;
  resumed.emplace_back("--resume");
  ASSERT_EQ(go(resumed).status, 0);
  EXPECT_EQ(read("out.json"), whole);
  write("out.json.partial", "{\"contention\":\"something else\"}\n");
  const Outcome other = go(resumed);
  EXPECT_EQ(other.status, 2);
  EXPECT_THAT(other.err, HasSubstr("of other inputs"));
}

TEST_F(Contention, DrawsPictures) {
  ASSERT_EQ(go({"--topology", "pipe,mesh,crossbar", "--svg", "p"}).status, 0);
  for (const char* file : {"p-cycles.svg", "p-2.svg", "p-3.svg"})
    EXPECT_THAT(read(file), HasSubstr("</svg>")) << file;
}

// The script of docs/studies/interconnects.md, on a layer of 18,432 multiply-accumulates.
TEST_F(Contention, TheStudyRuns) {
  write("tiny.yaml", R"(name: tiny
description: "one layer"
source: "this test"
macs: 18432
layers:
  - {name: L, op: conv, k: 64, c: 2, r: 3, s: 3, h: 6, w: 6, out: [4, 4], macs: 18432}
)");
  const std::string command =
      std::string("bash '" COUNTERPOINT_SOURCE_DIR
                  "/docs/studies/interconnects.sh' '" COUNTERPOINT_PROGRAM "' '") +
      dir_.string() + "/out' '" + dir_.string() + "/tiny.yaml' L >/dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::istringstream lines(read("out/table.txt"));
  std::string line;
  int points = -1;  // the heading
  while (std::getline(lines, line)) ++points;
  EXPECT_EQ(points, 7);
}

TEST_F(Contention, SaysWhatIsWrong) {
  const auto refused = [&](const std::vector<std::string>& more, const char* part) {
    const Outcome o = go(more);
    EXPECT_EQ(o.status, 2) << o.out;
    EXPECT_THAT(o.err, HasSubstr(part));
  };
  refused({"--topology", "mash"}, "did you mean 'mesh'?");
  refused({"--vcs", "0"}, "not a number from 1 to 16");
  refused({"--at", "nowhere"}, "there are 'link', 'array'");
  refused({"--place", "top"}, "corner, edge, spread");
  refused({"--resume"}, "--resume needs --out");
  refused({"--format", "xml"}, "table, csv or json");
  // What cannot be built is a row of the table, and the run is not a success.
  const Outcome o = go({"--topology", "tree", "--ports", "2"});
  EXPECT_EQ(o.status, 1);
  EXPECT_THAT(o.out, HasSubstr("have one, at the root"));
}

}  // namespace
}  // namespace counterpoint::cli
