// SPDX-License-Identifier: Apache-2.0
// counterpoint published: the sets that come with the program hold their bounds, the bounds are
// sensitive to the machines, and sets of a user's own are read strictly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/program.h"

namespace counterpoint::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

const fs::path kSets = fs::path(COUNTERPOINT_SOURCE_DIR) / "validation" / "published";

std::string text_of(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string replaced(std::string text, const std::string& old, const std::string& with) {
  const std::size_t at = text.find(old);
  EXPECT_NE(at, std::string::npos) << "'" << old << "' is not in the file any more";
  if (at != std::string::npos) text.replace(at, old.size(), with);
  return text;
}

class Published : public ProgramTest {
 protected:
  // The set in the test's directory, its machine with one parameter changed.
  Outcome changed(const std::string& set, const std::string& machine, const std::string& old,
                  const std::string& with) {
    for (const auto& f : fs::directory_iterator(kSets))
      if (f.path().extension() == ".yaml" || f.path().extension() == ".m")
        write(f.path().filename(), text_of(f.path()));
    write(machine, replaced(text_of(kSets / machine), old, with));
    return run({"published", set + ".yaml", "--estimate-only", "--with-faults"});
  }
};

// docs/validation.md has the table that the command writes. The sets that take long to simulate
// are estimated here; that the models agree on such machines is the business of other tests.
TEST_F(Published, SetsThatComeWithTheProgramHoldTheirBounds) {
  std::string lines;
  for (const char* set :
       {"gemm16x16", "scalesim-os", "scalesim-ws", "scalesim-is", "eyeriss-alexnet", "gemmini16",
        "stonne-maeri", "stonne-tpu", "nvdla-resnet50", "tpu-roofline"}) {
    std::vector<std::string> words = {"published", set, "--with-faults", "--format", "markdown"};
    const std::string name = set;
    bool simulated = name != "nvdla-resnet50" && name != "tpu-roofline";  // minutes
#ifdef __SANITIZE_ADDRESS__
    simulated = name == "gemm16x16" || name.rfind("scalesim", 0) == 0;
#endif
    if (!simulated) words.emplace_back("--estimate-only");
    const Outcome o = run(words);
    EXPECT_EQ(o.status, 0) << o.out << o.err;
    EXPECT_THAT(o.out, HasSubstr("| `" + name + "` |"));
    lines += o.out;
  }
  const std::string page = text_of(fs::path(COUNTERPOINT_SOURCE_DIR) / "docs" / "validation.md");
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);)
    EXPECT_THAT(page, HasSubstr(line))
        << "write the table anew: counterpoint published --with-faults --format markdown";
}

// Every bound would notice a parameter that is wrong by a fifth.
TEST_F(Published, BoundsNoticeAFifthOfOneParameter) {
  struct Change {
    const char *set, *machine, *old, *with;
  };
  for (const Change& c : std::vector<Change>{
           {"gemm16x16", "gemm16x16.machine.yaml", "bandwidth: 4 words", "bandwidth: 4.8 words"},
           {"gemm16x16", "gemm16x16.machine.yaml", "step_overhead: 55", "step_overhead: 66"},
           {"gemm16x16", "gemm16x16.machine.yaml", "fill: 12", "fill: 14"},
           {"eyeriss-alexnet", "eyeriss.machine.yaml", "clock: 200 MHz", "clock: 240 MHz"},
           {"eyeriss-alexnet", "eyeriss.machine.yaml", "bandwidth: 1 words",
            "bandwidth: 1.2 words"},
           {"eyeriss-alexnet", "eyeriss.machine.yaml", "bandwidth: 1 words",
            "bandwidth: 0.8 words"},
           {"gemmini16", "gemmini16.machine.yaml", "latency: 33", "latency: 40"},
           {"gemmini16", "gemmini16.machine.yaml", "weight: 16", "weight: 20"},
           {"gemmini16", "gemmini16.machine.yaml", "cycles: 5}", "cycles: 6}"},
           {"gemmini16", "gemmini16.machine.yaml", "cycles: 9,", "cycles: 11,"},
           {"gemmini16", "gemmini16.machine.yaml", "bank_cycles: 14", "bank_cycles: 17"},
           {"gemmini16", "gemmini16.machine.yaml", "bank_cycles: 14", "bank_cycles: 11"},
           {"gemmini16", "gemmini16.machine.yaml", "cycles: 25", "cycles: 30"},
           {"gemmini16", "gemmini16.machine.yaml", "capacity: 512 KiB", "capacity: 416 KiB"},
           {"gemmini16", "gemmini16.machine.yaml", "capacity: 512 KiB", "capacity: 608 KiB"},
           {"gemmini16", "gemmini16.machine.yaml", "drain_bandwidth: 4", "drain_bandwidth: 3"},
           {"gemmini16", "gemmini16.machine.yaml", "together", "separate"},
           {"nvdla-resnet50", "nvdla-resnet50.machine.yaml", "clock: 1 GHz", "clock: 1.2 GHz"},
           {"tpu-roofline", "tpu-roofline.machine.yaml", "48.571 bytes", "38.857 bytes"},
           {"tpu-roofline", "tpu-roofline.machine.yaml", "clock: 700 MHz", "clock: 560 MHz"},
           {"scalesim-os", "scalesim-os.machine.yaml", "${2 * R + C - 2}",
            "${ceil(1.2 * (2 * R + C - 2))}"},
           {"scalesim-ws", "scalesim-ws.machine.yaml", "${2 * R + C - 2}",
            "${ceil(1.2 * (2 * R + C - 2))}"},
           {"stonne-maeri", "stonne-maeri.machine.yaml", "bandwidth: 1 words",
            "bandwidth: 1.2 words"},
           {"stonne-maeri", "stonne-maeri.machine.yaml", "${2 + ceil(log2(ms))}",
            "${ceil(1.2 * (2 + ceil(log2(ms))))}"},
           {"stonne-maeri", "stonne-maeri.machine.yaml", ", 1, 2)}", ", 1, 3)}"},
           {"stonne-maeri", "stonne-maeri.machine.yaml", "first: 1", "first: 2"},
           {"stonne-tpu", "stonne-tpu.machine.yaml", "bandwidth: ${dn_bw} words",
            "bandwidth: ${ceil(0.8 * dn_bw)} words"},
           {"stonne-tpu", "stonne-tpu.machine.yaml", "${rows + columns + 3}",
            "${ceil(1.2 * (rows + columns + 3))}"},
           {"stonne-tpu", "stonne-tpu.machine.yaml", "${100 * rn_bw}", "${125 * rn_bw}"}}) {
    const Outcome o = changed(c.set, c.machine, c.old, c.with);
    EXPECT_EQ(o.status, 1) << c.set << ": " << c.old << " -> " << c.with << "\n" << o.out << o.err;
    EXPECT_THAT(o.out, HasSubstr("BROKEN"));
  }
}

// The faults of a source are in the comparison, and only when they are asked for.
TEST_F(Published, FaultsOfTheSourceAreSwitchedOnByAnOption) {
  const Outcome without = run({"published", "scalesim-os", "--estimate-only", "--format", "json"});
  const Outcome with =
      run({"published", "scalesim-os", "--estimate-only", "--with-faults", "--format", "json"});
  EXPECT_EQ(without.status, 0) << without.err;
  EXPECT_EQ(with.status, 0) << with.err;
  const Json a = Json::parse(without.out), b = Json::parse(with.out);
  EXPECT_FALSE(a["bounds_checked"].get<bool>());
  EXPECT_TRUE(b["bounds_checked"].get<bool>());
  // Output stationary on 8 x 8: 16 x 16 outputs are 4 folds of 16 + (2 * 8 + 8 - 2) cycles;
  // SCALE-Sim leaves out the 8 cycles of each drain and counts from 0.
  const auto cycles = [](const Json& j) {
    for (const Json& row : j["rows"])
      if (row["row"] == "g16 16x16x16 on 8x8")
        return row["values"]["cycles"]["estimated"].get<double>();
    return 0.0;
  };
  EXPECT_EQ(cycles(a), 4 * 38);
  EXPECT_EQ(cycles(b), 4 * 38 - 4 * 8 - 1);
}

constexpr const char* kSet = R"(name: mine
title: two multiplications
source: nobody
conditions: none
machine: mine.machine.yaml
mapping: mine.m
label: ${case}
columns: [case, M, cycles: "Total Cycles"]
quantities:
  - name: cycles
    unit: cycles
    measured: cycles
    predicted: cycles
    bounds: {simulated: {mean: 5}, estimated: {equal: 50}}
rows:
  - [one, 10, 10]
  - [two, 20, 21]
)";
constexpr const char* kMachine = R"(name: mine
pes: 1
step_overhead: ${M - M}
storage:
  - level: off_chip
    network: {}
  - level: global_buffer
    capacity: unlimited
    network: {}
  - level: pe_buffer
    capacity: unlimited
)";
constexpr const char* kMapping = R"(Network mine { Layer row { Type: GEMM
  Dimensions { M: ${M}, N: 1, K: 1 } Dataflow { TemporalMap(1,1) M; } } }
)";

TEST_F(Published, ASetOfOnesOwnIsOneFileWithItsMachineAndMapping) {
  write("mine.yaml", kSet);
  write("mine.machine.yaml", kMachine);
  write("mine.m", kMapping);
  // M steps of one cycle on an ideal machine: 10 (equal) and 20 (-4.76 % of 21).
  const Outcome o = run({"published", "mine.yaml", "--format", "csv"});
  EXPECT_EQ(o.status, 0) << o.out << o.err;
  EXPECT_THAT(o.out, HasSubstr("mine,one,cycles,cycles,10,10,+0.00,10,+0.00,"));
  EXPECT_THAT(o.out, HasSubstr("mine,two,cycles,cycles,21,20,-4.76,20,-4.76,"));
  write("more.csv", "case,Total Cycles,extra,M\nthree,30,x,20\n");
  const Outcome more = run({"published", "mine.yaml", "--rows", "more.csv"});
  EXPECT_EQ(more.status, 1) << more.err;
  EXPECT_THAT(more.out, HasSubstr("BROKEN cycles, simulated: mean error 33.333 %"));
  EXPECT_THAT(more.out, HasSubstr("BROKEN cycles, estimated: 0.0 % of the rows are equal"));
  const Outcome show = run({"published", "mine.yaml", "--show", "2"});
  EXPECT_THAT(show.out, HasSubstr("Dimensions { M: 20, N: 1, K: 1 }"));
}

// A set about whole networks: statistics are added up over the layers, each of which takes the
// first dataflow that fits its operator.
TEST_F(Published, ARowMayBeAWholeNetwork) {
  write("mine.machine.yaml", kMachine);
  write("rows.m", "Dataflow { TemporalMap(1,1) M; }\n// fits: GEMM\n");
  write("pixels.m", "Dataflow { TemporalMap(${M},${M}) X'; }\n// fits: CONV\n");
  write("two.m",
        "Network two { Layer a { Type: GEMM Dimensions { M: 7, N: 1, K: 1 } }\n"
        "Layer p { Type: POOL }\n"
        "Layer b { Type: CONV Repeat: 3\n"
        "  Dimensions { K: 1, C: 1, R: 1, S: 1, Y': 1, X': 12 } } }\n");
  std::string set =
      replaced(kSet, "mapping: mine.m", "network: two.m\nmapping: [rows.m, pixels.m]");
  set = replaced(set, "{mean: 5}", "{upper: 100}");
  write("mine.yaml", set);
  // One PE on an ideal machine works a cycle per multiply-accumulate: 7, and 3 times 12.
  const Outcome o = run({"published", "mine.yaml", "--format", "csv"});
  EXPECT_THAT(o.out, HasSubstr("mine,one,cycles,cycles,10,43,"));
  EXPECT_EQ(o.status, 1) << "no row is equal";
  const Outcome table = run({"published", "mine.yaml"});
  EXPECT_THAT(table.out, HasSubstr("not below >= 100"));
  EXPECT_THAT(table.out, Not(HasSubstr("BROKEN cycles, simulated")));
  EXPECT_THAT(table.out, HasSubstr("BROKEN cycles, estimated: 0.0 % of the rows are equal"));
  write("mine.yaml", replaced(set, "[rows.m, pixels.m]", "[rows.m]"));
  EXPECT_THAT(run({"published", "mine.yaml"}).out, HasSubstr("fits GEMM layers, not CONV"));
  write("mine.yaml", replaced(set, "network: two.m\n", ""));
  EXPECT_THAT(run({"published", "mine.yaml"}).err, HasSubstr("one file, or, with a 'network'"));
  // 44 was measured; 43 is less.
  write("less.csv", "case,Total Cycles,M\nless,44,1\n");
  write("mine.yaml", set);
  EXPECT_THAT(run({"published", "mine.yaml", "--rows", "less.csv"}).out,
              HasSubstr("0.0 % of the rows are not below the measurement, 100 % needed"));
}

// A value may stand inside a text of the file, and a text of the machine may follow a number.
TEST_F(Published, ColumnsMayBePartOfAText) {
  std::string set = replaced(kSet, "columns: [case, M, cycles: \"Total Cycles\"]",
                             "columns: [case, M: {header: cmd, after: \"-M=\"}, cycles]");
  write("mine.yaml", set);
  write("mine.machine.yaml",
        replaced(kMachine, "    network: {}\n",
                 "    network: {channels: \"${if_positive(M - 9, shared, separate)}\"}\n"));
  write("mine.m", kMapping);
  write("rows.csv", "cycles,cmd,case\n10,run -XM=7 -M=20 -N=1,a\n10,run -M=10,b\n");
  const Outcome o = run({"published", "mine.yaml", "--rows", "rows.csv", "--format", "csv"});
  EXPECT_THAT(o.out, HasSubstr("mine,a,cycles,cycles,10,20,"));
  EXPECT_THAT(o.out, HasSubstr("mine,b,cycles,cycles,10,10,")) << o.err;
  write("rows.csv", "cycles,cmd,case\n10,run -N=1,a\n");
  EXPECT_THAT(run({"published", "mine.yaml", "--rows", "rows.csv"}).err,
              HasSubstr("rows.csv:2: '-M=' is not in the column 'cmd', where 'M' is"));
  write("mine.machine.yaml", replaced(kMachine, "name: mine", "name: ${if_positive(M, one)}"));
  write("mine.yaml", kSet);
  EXPECT_THAT(run({"published", "mine.yaml"}).out, HasSubstr("a number and two texts"));
}

TEST_F(Published, MistakesInASetHaveTheirPlace) {
  write("mine.machine.yaml", kMachine);
  write("mine.m", kMapping);
  write("mine.yaml", replaced(kSet, "label:", "lable:"));
  Outcome o = run({"published", "mine.yaml"});
  EXPECT_EQ(o.status, 2);
  EXPECT_THAT(o.err, HasSubstr("lable"));
  EXPECT_THAT(o.err, HasSubstr("did you mean 'label'"));
  write("mine.yaml", replaced(kSet, "[two, 20, 21]", "[two, 20]"));
  o = run({"published", "mine.yaml"});
  EXPECT_EQ(o.status, 2);
  EXPECT_THAT(o.err, HasSubstr("mine.yaml:17:"));
  EXPECT_THAT(o.err, HasSubstr("2 values for 3 columns"));
  write("mine.yaml", kSet);
  write("short.csv", "case,M\none,1\n");
  o = run({"published", "mine.yaml", "--rows", "short.csv"});
  EXPECT_EQ(o.status, 2);
  EXPECT_THAT(o.err, HasSubstr("needs a column 'Total Cycles'"));
  write("mine.m", replaced(kMapping, "${M}", "${M / 3}"));
  o = run({"published", "mine.yaml"});
  EXPECT_EQ(o.status, 1) << "rows that cannot run break the set";
  EXPECT_THAT(o.out, HasSubstr("not a whole number"));
}

// All rows at hand, not only the sample in the set; and the mechanism, not the rows: nearly all
// tilings of the array come out to the cycle.
TEST_F(Published, ReferenceTablesHoldTheBoundsToo) {
  const fs::path reference = fs::path(COUNTERPOINT_SOURCE_DIR) / ".." / "shared" / "reference";
  if (!fs::exists(reference / "rtl" / "gemm16x16.csv"))
    GTEST_SKIP() << reference << " is not there";
  Outcome o = run({"published", "gemm16x16", "--estimate-only", "--format", "json", "--rows",
                   reference / "rtl" / "gemm16x16.csv"});
  EXPECT_EQ(o.status, 0) << o.out.substr(o.out.find("\"errors\"")) << o.err;
  for (const char* df : {"os", "ws", "is"}) {
    o = run({"published", std::string("scalesim-") + df, "--estimate-only", "--with-faults",
             "--rows", reference / "systolic" / "scalesim-stallfree.csv"});
    EXPECT_EQ(o.status, 0) << o.out << o.err;
  }
  o = run({"published", "stonne-maeri", "--estimate-only", "--with-faults", "--rows",
           reference / "maeri" / "stonne-conv.csv"});
  EXPECT_EQ(o.status, 0) << o.out << o.err;

  // Some rows are farther off than the largest of the set's own; the mean is not.
  o = run({"published", "gemmini16", "--estimate-only", "--format", "json", "--rows",
           reference / "rtl" / "gemmini16-dnn.csv"});
  double sum = 0;
  const Json gemmini = Json::parse(o.out);
  for (const Json& row : gemmini["rows"]) {
    const Json& cycles = row["values"]["cycles"];
    sum += std::abs(cycles["estimated"].get<double>() / cycles["measured"].get<double>() - 1);
  }
  EXPECT_EQ(gemmini["rows"].size(), 74u);
  EXPECT_LT(sum / 74, 0.05);
}

}  // namespace
}  // namespace counterpoint::cli
