// SPDX-License-Identifier: Apache-2.0
#include "validation/writers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "hw/machine_file.h"
#include "validation/report.h"
#include "workloads/language.h"

namespace counterpoint::validation {
namespace {

using ::testing::HasSubstr;

/// RFC 4180: what any reader makes of a CSV text.
std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1, std::vector<std::string>(1));
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (inside) {
      if (c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
        rows.back().back() += '"';
        ++i;
      } else if (c == '"') {
        inside = false;
      } else {
        rows.back().back() += c;
      }
    } else if (c == '"') {
      inside = true;
    } else if (c == ',') {
      rows.back().emplace_back();
    } else if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') {
      ++i;
      rows.emplace_back(1);
    } else {
      rows.back().back() += c;
    }
  }
  EXPECT_EQ(rows.back(), std::vector<std::string>(1)) << "the last line ends";
  rows.pop_back();
  return rows;
}

Json done(const std::string& name, std::int64_t cycles, std::int64_t more = 0) {
  Json r{{"layer", name},   {"operator", "CONV"}, {"repeat", 1},
         {"dataflow", "d"}, {"status", "ok"},     {"macs", 100}};
  const auto side = [&](std::int64_t c) {
    return Json{{"cycles", c},
                {"macs", 100},
                {"utilization", 0.5},
                {"statistics", {{"cycles", c}, {"a, \"b\".x", 7}}}};
  };
  r["estimate"] = side(cycles);
  r["simulation"] = side(cycles + more);
  r["functional"] = "equal";
  Json differences = Json::array();
  if (more != 0) {
    r["status"] = "disagree";
    differences.push_back({{"name", "stack.latency"}, {"estimate", 10}, {"simulation", 10 + more}});
  }
  r["agreement"] = {{"agree", more == 0},
                    {"exact", more == 0},
                    {"estimate_is_bound", false},
                    {"cycles_difference_percent",
                     -100.0 * static_cast<double>(more) / static_cast<double>(cycles + more)},
                    {"differences", differences}};
  return r;
}
Json refused(const std::string& name) {
  return Json{{"layer", name}, {"status", "refused"}, {"reason", "too \"big\",\nreally"}};
}

TEST(Csv, IsReadBackAsWrittenWhateverTheTextsContain) {
  const auto rows = parse_csv(write_csv({done("a,b", 10), refused("q\"uote"), done("c", 20, 5)}));
  ASSERT_EQ(rows.size(), 4u);
  for (const auto& row : rows) EXPECT_EQ(row.size(), rows[0].size());
  EXPECT_EQ(rows[1][0], "a,b");
  EXPECT_EQ(rows[2][0], "q\"uote");
  EXPECT_EQ(rows[2][5], "too \"big\",\nreally");
  const auto column = [&](const std::string& name) {
    for (std::size_t i = 0; i < rows[0].size(); ++i)
      if (rows[0][i] == name) return i;
    ADD_FAILURE() << "no column " << name;
    return std::size_t{0};
  };
  EXPECT_EQ(rows[1][column("estimate.cycles")], "10");
  EXPECT_EQ(rows[3][column("simulation.cycles")], "25");
  EXPECT_EQ(rows[3][column("simulation.a, \"b\".x")], "7");
  EXPECT_EQ(rows[2][column("simulation.cycles")], "");
}

TEST(Json, IsVersionedAndReadBackAsWritten) {
  const Heading h{"validate", "net", "machine", "flow", "1.2.3"};
  const std::vector<Json> reports = {done("a", 10), refused("b")};
  const Json j = Json::parse(write_json(h, reports));
  EXPECT_EQ(j["schema"], "counterpoint/1");
  EXPECT_EQ(j["version"], "1.2.3");
  EXPECT_EQ(j["layers"], Json(reports));
}

TEST(Json, SurvivesNamesThatAreNotUtf8) {
  const std::string text = write_json({}, {refused("\xff")});
  EXPECT_FALSE(Json::parse(text, nullptr, false).is_discarded());
}

TEST(TableText, SaysWhereADifferenceComesFrom) {
  const std::string text = write_table({"validate", "n", "m", "d", "1"},
                                       {done("good", 10), done("bad", 20, 5)}, RunOptions{});
  EXPECT_THAT(text, HasSubstr("DISAGREE"));
  EXPECT_THAT(text, HasSubstr("-20.000%"));  // (20 - 25) / 25
  EXPECT_THAT(text, HasSubstr("bad: cycle stack, estimated minus simulated: latency -5"));
  EXPECT_THAT(text, HasSubstr("1 layer agrees, 1 disagree"));
}

TEST(ExitStatus, IsTheWorstOfTheLayers) {
  Json error = refused("e");
  error["status"] = "error";
  Json unmodelled = refused("u");
  unmodelled["status"] = "not-modelled";
  EXPECT_EQ(exit_status({}), 0);
  EXPECT_EQ(exit_status({done("a", 1), unmodelled}), 0);
  EXPECT_EQ(exit_status({done("a", 1), refused("b")}), 2);
  EXPECT_EQ(exit_status({refused("b"), done("a", 1, 1)}), 1) << "a disagreement is worse";
  EXPECT_EQ(exit_status({done("a", 1, 1), error, refused("b")}), 3);
}

// One layer, 2 filters of 1 x 1 x 2 over 4 x 4 pixels: 64 MACs.
const char* const kLayer = R"(Network n { Layer l { Type: CONV
  Dimensions { K: 2, C: 2, R: 1, S: 1, Y: 4, X: 4 }
  Dataflow { SpatialMap(1,1) K; TemporalMap(1,1) C; TemporalMap(2,2) Y; TemporalMap(4,4) X; } } })";

Json run(const std::string& topology, const RunOptions& options) {
  std::vector<input::Diagnostic> all;
  const auto machine = hw::read_machine(R"(name: m
pes: 2
bits: {input: 8, weight: 8, psum: 32}
storage:
  - level: off_chip
    network: {bandwidth: 1 words, topology: )" +
                                            topology + R"(}
  - level: global_buffer
    capacity: 4 KiB
    network: {bandwidth: 2 words}
  - level: pe_buffer
    capacity: 1 KiB
)",
                                        "m.yaml", all);
  EXPECT_TRUE(machine.has_value()) << input::format(all);
  const auto network = workloads::parse_network(kLayer, "l.m");
  EXPECT_TRUE(network.network.has_value()) << input::format(network.diagnostics);
  return run_layer(network.network->layers[0], nullptr, *machine, options);
}

TEST(RunLayer, ComparesEveryStatisticOnAnUncontendedMachine) {
  const Json r = run("pipe", {});
  EXPECT_EQ(r["status"], "ok") << r.dump(2);
  EXPECT_EQ(r["functional"], "equal");
  EXPECT_EQ(r["macs"], 64);
  EXPECT_TRUE(r["agreement"]["exact"]);
  EXPECT_EQ(r["estimate"]["statistics"], r["simulation"]["statistics"]);
  // Every input and weight crosses the off-chip network at least once: 32 + 4 words.
  EXPECT_GE(r["simulation"]["accesses"]["off-chip memory"]["input"]["reads"], 32);
  EXPECT_GE(r["simulation"]["accesses"]["off-chip memory"]["weight"]["reads"], 4);
}

TEST(RunLayer, TheEstimateIsALowerBoundOnASharedMedium) {
  const Json r = run("bus", {});
  EXPECT_EQ(r["status"], "ok") << r.dump(2);
  EXPECT_TRUE(r["agreement"]["estimate_is_bound"]);
  EXPECT_LE(r["estimate"]["cycles"], r["simulation"]["cycles"]);
  for (const Json& d : r["agreement"]["differences"]) {
    const std::string name = d["name"];
    EXPECT_TRUE(name == "cycles" || name.rfind("stack.", 0) == 0) << name << ": counts are equal";
  }
}

TEST(RunLayer, DataChangesNothingButTheFunctionalVerdict) {
  RunOptions options;
  options.carry_data = false;
  Json without = run("pipe", options), with = run("pipe", {});
  EXPECT_EQ(without["functional"], "not-checked");
  without.erase("functional");
  with.erase("functional");
  EXPECT_EQ(without, with);
}

}  // namespace
}  // namespace counterpoint::validation
