// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/program.h"

namespace counterpoint::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using Json = nlohmann::json;

// Layer A: 4 filters of 3 x 3 x 3 over 8 x 8: outputs 6 x 6, 4*3*3*3*6*6 = 3888 MACs.
// Layer B: 8 filters of 1 x 1 x 4 over 6 x 6: 8*4*36 = 1152 MACs, has no dataflow of its own.
// Layer C: position q of SpatialMap(1,2) K holds K = 2q only: every second filter is missing,
// 4 * 4*36 = 576 MACs.
const std::string kA = R"(  Layer A {
    Type: CONV
    Dimensions { K: 4, C: 3, R: 3, S: 3, Y: 8, X: 8 }
    Dataflow {
      SpatialMap(1,1) K;
      TemporalMap(3,3) C;
      TemporalMap(3,1) Y;
      TemporalMap(3,1) X;
      TemporalMap(3,3) R;
      TemporalMap(3,3) S;
    }
  }
)";
const std::string kB = R"(  Layer B {
    Type: CONV
    Dimensions { K: 8, C: 4, R: 1, S: 1, Y: 6, X: 6 }
  }
)";
const std::string kC = R"(  Layer C {
    Type: CONV
    Dimensions { K: 8, C: 4, R: 1, S: 1, Y: 6, X: 6 }
    Dataflow { SpatialMap(1,2) K; TemporalMap(4,4) C; }
  }
)";
const std::string kPool =
    "  Layer P { Type: POOL Dimensions { K: 4, C: 4, R: 2, S: 2, Y: 6, X: 6 } }\n";

std::string network(const std::string& layers) {
  return "Network tiny {\n" + layers + "}\n";
}

class Cli : public ProgramTest {};

TEST_F(Cli, SaysItsVersionAndItsCommands) {
  const Outcome version = run({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_EQ(version.out, "counterpoint " COUNTERPOINT_VERSION "\n");
  const Outcome help = run({"--help"});
  EXPECT_EQ(help.status, 0);
  for (const char* command : {"validate", "estimate", "simulate", "check", "show", "list"})
    EXPECT_THAT(help.out, HasSubstr(command));
  EXPECT_THAT(help.err, IsEmpty());
}

TEST_F(Cli, EveryCommandExplainsItselfWithExamples) {
  for (const char* command : {"validate", "estimate", "simulate", "check", "show", "list"}) {
    const Outcome r = run({command, "--help"});
    EXPECT_EQ(r.status, 0) << command;
    EXPECT_THAT(r.out, StartsWith(std::string("usage: counterpoint ") + command));
    EXPECT_THAT(r.out, HasSubstr("Examples:\n"));
    EXPECT_THAT(r.err, IsEmpty());
    // Help wins over everything else on the line.
    EXPECT_EQ(run({command, "--no-such-option", "-h"}).status, 0) << command;
  }
}

// The words of a line, as a shell would take them.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  bool quoted = false, open = false;
  for (const char c : line) {
    if (c == '\'') {
      quoted = !quoted;
    } else if (c == ' ' && !quoted) {
      open = false;
      continue;
    } else {
      if (!open) words.emplace_back();
      open = true;
      words.back() += c;
    }
  }
  return words;
}

TEST_F(Cli, EveryExampleOfTheHelpRuns) {
  int examples = 0;
  for (const char* command : {"validate", "estimate", "simulate", "check", "show", "list", "fuzz",
                              "audit", "noc", "report", "timeline", "contention", "published"}) {
    std::istringstream help(run({command, "--help"}).out);
    std::string line;
    while (std::getline(help, line)) {
      const std::string start = "  counterpoint ";
      if (line.rfind(start, 0) != 0) continue;
      ++examples;
      // A user's own file.
      bool own = false;
      for (const char* file : {"my_m", "more.csv", "packets.trace", "vgg16.csv", "campaign"})
        own = own || line.find(file) != std::string::npos;
      if (own) continue;
      std::vector<std::string> words = words_of(line.substr(start.size()));
      // Of what takes long only the inputs are looked at, or it is cut short.
      const bool long_run = (words[0] == "validate" || words[0] == "simulate") &&
                            line.find("-l CONV3") == std::string::npos;
      if (long_run || words[0] == "contention") {
        std::vector<std::string> inputs = {"check"};
        for (std::size_t i = 1; i + 1 < words.size(); ++i)
          for (const char* option :
               {"-m", "--machine", "-n", "--network", "-d", "--dataflow", "-l", "--layers"})
            if (words[i] == option) inputs.insert(inputs.end(), {words[i], words[i + 1]});
        words = inputs;
      }
      if (words[0] == "noc") words.insert(words.end(), {"--warm-up", "100", "--measure", "200"});
      if (words[0] == "report") {
        ASSERT_EQ(run({"estimate", "-m", "small", "-n", "alexnet", "-d", "x_p", "-l", "CONV3", "-f",
                       "json", "-o", "result.json"})
                      .status,
                  0);
      }
      for (std::string& w : words)
        if (words[0] == "fuzz" && w == "10000") w = "10";
      const Outcome o = run(words);
      EXPECT_EQ(o.status, 0) << line << "\n" << o.err;
    }
  }
  EXPECT_GE(examples, 20);
}

TEST_F(Cli, RefusesMistakesOnTheCommandLineWithStatus2AndNothingOnStdout) {
  struct Case {
    std::vector<std::string> words;
    std::string message;
  };
  const std::vector<std::string> inputs = {"-m", "small", "-n", "alexnet", "-d", "x_p"};
  const auto with = [&](const char* command, std::vector<std::string> more) {
    std::vector<std::string> all = {command};
    all.insert(all.end(), inputs.begin(), inputs.end());
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const std::vector<Case> cases = {
      {{}, "a command is expected"},
      {{"validat"}, "did you mean 'validate'?"},
      {{"--versoin"}, "unknown option '--versoin'"},
      {{"validate", "--machin", "small"}, "did you mean '--machine'?"},  // no prefix guessing
      {{"validate"}, "--machine is needed"},
      {{"validate", "-m", "small"}, "--network is needed"},
      {{"validate", "-m"}, "--machine"},
      {with("validate", {"-m", "eyeriss"}), "--machine"},  // twice
      {with("validate", {"stray"}), "belongs to no option"},
      {with("validate", {"--jobs", "0"}), "from 1 to 1024"},
      {with("validate", {"--jobs", "many"}), "--jobs"},
      {with("validate", {"--format", "xml"}), "table, csv or json"},
      {with("validate", {"--resume"}), "--out"},
      {with("validate", {"--tolerance", "-1"}), "from 0 to 100"},
      {with("validate", {"--tolerance", "nan"}), "from 0 to 100"},
      {with("validate", {"--out", "."}), "directory"},
      {with("validate", {"--out", "no/such/folder/x"}), "cannot write"},
      {with("estimate", {"--no-data"}), "unknown option '--no-data'"},
      {with("simulate", {"--tolerance", "1"}), "unknown option '--tolerance'"},
      {with("estimate", {"--layers", "CONV9"}), "did you mean 'CONV1'?"},
      {with("estimate", {"--layers", "0"}), "layers 1 to"},
      {with("estimate", {"--layers", "2-1"}), "layers 1 to"},
      {with("estimate", {"--layers", "1,,2"}), "nothing between"},
      {with("estimate", {"--layers", "1-99999999999999999999"}), "no layer"},
      {{"list", "machine"}, "did you mean 'machines'?"},
      {{"list", "networks", "--format", "yaml"}, "--format"},
  };
  for (const Case& c : cases) {
    const Outcome r = run(c.words);
    std::string line;
    for (const std::string& w : c.words) line += w + " ";
    EXPECT_EQ(r.status, 2) << line;
    EXPECT_THAT(r.err, HasSubstr(c.message)) << line;
    EXPECT_THAT(r.out, IsEmpty()) << line;
  }
}

TEST_F(Cli, RefusesInputsThatAreMissingEmptyOrNoFilesWithStatus2) {
  write("empty.m", "");
  write("empty.yaml", "");
  write("binary.m", std::string("\x00\x01\xff\xfe", 4));
  std::filesystem::create_directory(dir_ / "folder");
  for (const char* bad : {"smal", "./nowhere.yaml", "empty.yaml", "binary.m", "folder", ""}) {
    const Outcome r = run({"validate", "-m", bad, "-n", "alexnet", "-d", "x_p"});
    EXPECT_EQ(r.status, 2) << bad;
    EXPECT_THAT(r.err, HasSubstr("error: ")) << bad;
    EXPECT_THAT(r.out, IsEmpty()) << bad;
  }
  for (const char* bad : {"alexne", "./nowhere.m", "empty.m", "empty.yaml", "binary.m", "folder"}) {
    const Outcome r = run({"validate", "-m", "small", "-n", bad, "-d", "x_p"});
    EXPECT_EQ(r.status, 2) << bad;
    EXPECT_THAT(r.err, HasSubstr("error: ")) << bad;
    EXPECT_THAT(r.out, IsEmpty()) << bad;
  }
  for (const char* bad : {"xp", "./nowhere.m", "empty.m", "binary.m", "folder"}) {
    const Outcome r = run({"validate", "-m", "small", "-n", "alexnet", "-d", bad});
    EXPECT_EQ(r.status, 2) << bad;
    EXPECT_THAT(r.err, HasSubstr("error: ")) << bad;
    EXPECT_THAT(r.out, IsEmpty()) << bad;
  }
  EXPECT_THAT(run({"validate", "-m", "smal", "-n", "alexne", "-d", "x_q"}).err,
              AllOf(HasSubstr("'small'"), HasSubstr("'alexnet'"), HasSubstr("'x_p'")))
      << "the mistakes of all files in one run";
}

TEST_F(Cli, ValidatesAMappingFileWithItsOwnDataflows) {
  write("tiny.m", network(kA));
  const Outcome r = run({"validate", "-m", "small", "-n", "tiny.m"});
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_THAT(r.out, HasSubstr("3 888"));
  EXPECT_THAT(r.out, HasSubstr("equal  exact"));
  EXPECT_THAT(r.out, HasSubstr("1 layer agrees, 0 disagree\n"));
  EXPECT_THAT(r.err, IsEmpty());
  EXPECT_THAT(r.out, Not(HasSubstr("\x1b"))) << "no colour into files";
}

TEST_F(Cli, RefusedAndUnmodelledLayersAreNamedAndDoNotStopTheRest) {
  write("tiny.m", network(kA + kPool + kB + kC));
  const Outcome r = run({"validate", "-m", "small", "-n", "tiny.m"});
  EXPECT_EQ(r.status, 2);
  EXPECT_THAT(r.out, HasSubstr("not-modelled: POOL"));
  EXPECT_THAT(r.out, HasSubstr("no dataflow of its own"));
  EXPECT_THAT(r.out, HasSubstr("576 multiply-accumulates missing"));
  EXPECT_THAT(r.out, HasSubstr("1 layer agrees, 0 disagree, 2 refused, 1 not modelled"));
  // A layer that is merely not modelled is no failure.
  write("pool.m", network(kA + kPool));
  EXPECT_EQ(run({"validate", "-m", "small", "-n", "pool.m"}).status, 0);
}

TEST_F(Cli, ADataflowThatDoesNotFitTheOperatorIsSaidSo) {
  write("tiny.m", network(kB));
  const Outcome r = run({"estimate", "-m", "small", "-n", "tiny.m", "-d", "gemm_ws"});
  EXPECT_EQ(r.status, 2);
  EXPECT_THAT(r.out, HasSubstr("the dataflow 'gemm_ws' fits GEMM layers, not CONV"));
  // Every command that binds a layer says so.
  const Outcome checked = run({"check", "-m", "small", "-n", "tiny.m", "-d", "gemm_ws"});
  EXPECT_EQ(checked.status, 2);
  EXPECT_THAT(checked.out, HasSubstr("the dataflow 'gemm_ws' fits GEMM layers, not CONV"));
  const Outcome shown = run({"show", "-m", "small", "-n", "tiny.m", "-d", "gemm_ws"});
  EXPECT_EQ(shown.status, 2);
  EXPECT_THAT(shown.err, HasSubstr("the dataflow 'gemm_ws' fits GEMM layers, not CONV"));
  EXPECT_THAT(shown.out, IsEmpty());
}

TEST_F(Cli, ALayerWithoutADataflowIsRefusedByEveryCommand) {
  write("tiny.m", network(kB));
  for (const char* command : {"validate", "estimate", "simulate", "check", "show"}) {
    const Outcome r = run({command, "-m", "small", "-n", "tiny.m"});
    EXPECT_EQ(r.status, 2) << command;
    EXPECT_THAT(r.out + r.err, HasSubstr("no dataflow of its own: name one with --dataflow"));
  }
}

TEST_F(Cli, AnUnusedDataflowIsMentioned) {
  write("tiny.m", network(kA));
  const Outcome r = run({"estimate", "-m", "small", "-n", "tiny.m", "-d", "x_p"});
  EXPECT_EQ(r.status, 0);
  EXPECT_THAT(r.err, HasSubstr("--dataflow is not used"));
}

TEST_F(Cli, SelectsLayersByNameNumberRangeAndPattern) {
  write("tiny.m", network(kA + kB + kC));
  const auto names = [&](const std::string& list) {
    const Outcome r = run(
        {"estimate", "-m", "small", "-n", "tiny.m", "-d", "x_p", "-l", list, "--format", "json"});
    std::string out;
    const Json report = Json::parse(r.out);
    for (const Json& l : report["layers"]) out += l["layer"].get<std::string>();
    return out;
  };
  EXPECT_EQ(names("A"), "A");
  EXPECT_EQ(names("2"), "B");
  EXPECT_EQ(names("2-3"), "BC");
  EXPECT_EQ(names("C,A"), "AC") << "always in the order of the network";
  EXPECT_EQ(names("[AB]"), "AB");
  EXPECT_EQ(names("*"), "ABC");
  EXPECT_EQ(names("1,A, 1-1"), "A") << "never twice";
}

TEST_F(Cli, EstimateAndSimulateReportOneSideEach) {
  write("tiny.m", network(kA));
  const Json e =
      Json::parse(run({"estimate", "-m", "small", "-n", "tiny.m", "-f", "json"}).out)["layers"][0];
  const Json s =
      Json::parse(run({"simulate", "-m", "small", "-n", "tiny.m", "-f", "json"}).out)["layers"][0];
  EXPECT_FALSE(e.contains("simulation"));
  EXPECT_FALSE(s.contains("estimate"));
  EXPECT_EQ(s["functional"], "equal");
  EXPECT_EQ(e["estimate"]["macs"], 3888);
  EXPECT_EQ(e["estimate"]["statistics"], s["simulation"]["statistics"]);
  const Json n = Json::parse(
      run({"simulate", "-m", "small", "-n", "tiny.m", "-f", "json", "--no-data"}).out)["layers"][0];
  EXPECT_EQ(n["functional"], "not-checked");
  EXPECT_EQ(n["simulation"], s["simulation"]);
}

TEST_F(Cli, OutputIsTheSameWhateverTheNumberOfJobs) {
  std::string layers;
  for (int i = 0; i < 12; ++i) {
    std::string layer = kA;
    layer.replace(layer.find(" A "), 3, " A" + std::to_string(i) + " ");
    layers += layer;
  }
  write("many.m", network(layers + kPool + kC));
  for (const char* format : {"table", "csv", "json"}) {
    const auto with = [&](const char* jobs) {
      return run({"validate", "-m", "small", "-n", "many.m", "-f", format, "-j", jobs}).out;
    };
    const std::string one = with("1");
    EXPECT_THAT(one, HasSubstr("A11"));
    EXPECT_EQ(with("3"), one) << format;
    EXPECT_EQ(with("16"), one) << format;
  }
}

TEST_F(Cli, CapacityCanBeWaivedAndIsThenReported) {
  // The whole layer in the PEs: 3*8*8 inputs do not fit 20 bytes.
  write("machine.yaml", R"(name: tight
pes: 4
bits: {input: 8, weight: 8, psum: 32}
storage:
  - level: off_chip
    network: {bandwidth: 4 words}
  - level: global_buffer
    capacity: 64 KiB
    network: {bandwidth: 4 words}
  - level: pe_buffer
    capacity: 20 B
)");
  write("tiny.m", network(kA));
  const Outcome refused = run({"validate", "-m", "machine.yaml", "-n", "tiny.m"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.out, HasSubstr("refused"));
  const Outcome waived =
      run({"validate", "-m", "machine.yaml", "-n", "tiny.m", "--waive-capacity"});
  EXPECT_EQ(waived.status, 0) << waived.out << waived.err;
  // 27 inputs, 27 weights, one sum of 4 bytes, double buffered: 2 * 58 bytes.
  EXPECT_THAT(waived.out, HasSubstr("needs 116 but holds 20"));
}

TEST_F(Cli, WritesToAFileAndLeavesStdoutAlone) {
  write("tiny.m", network(kA));
  const Outcome r =
      run({"validate", "-m", "small", "-n", "tiny.m", "--out", "o.json", "-f", "json"});
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_THAT(r.out, IsEmpty());
  EXPECT_EQ(Json::parse(read("o.json"))["schema"], "counterpoint/1");
  EXPECT_FALSE(std::filesystem::exists(dir_ / "o.json.partial"));
}

TEST_F(Cli, SaysWhenStandardOutputCannotBeWritten) {
  write("tiny.m", network(kA));
  const std::string line = std::string("cd '") + dir_.string() +
                           "' && '" COUNTERPOINT_PROGRAM
                           "' estimate -m small -n tiny.m >/dev/full 2>err";
  const int status = std::system(line.c_str());
  EXPECT_EQ(WEXITSTATUS(status), 3);
  EXPECT_THAT(read("err"), HasSubstr("cannot write"));
}

TEST_F(Cli, AnInterruptKeepsWhatIsFinishedAndResumeGoesOn) {
  // Quick, then slow: 4*3*3*3*198*198 = 4.2 million MACs one by one take long enough to interrupt.
  std::string slow = kA;
  slow.replace(slow.find(" A "), 3, " SLOW ");
  slow.replace(slow.find("Y: 8, X: 8"), 10, "Y: 200, X: 200");
  std::string layers = kA;
  for (int i = 0; i < 6; ++i) {
    std::string copy = slow;
    copy.replace(copy.find("SLOW"), 4, "SLOW" + std::to_string(i));
    copy.replace(copy.find("X: 200"), 6, "X: 20" + std::to_string(i));  // no two do the same
    layers += copy;
  }
  write("long.m", network(layers));
  const std::vector<std::string> words = {"validate", "-m", "small", "-n",    "long.m", "-j",
                                          "1",        "-f", "json",  "--out", "o.json"};
  const Outcome stopped = run_program(words, dir_, dir_ / "o.json.partial");
  ASSERT_EQ(stopped.status, 130) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("interrupted after"));
  EXPECT_THAT(stopped.err, HasSubstr("--resume"));
  const Json part = Json::parse(read("o.json"));
  ASSERT_GE(part["layers"].size(), 1u);
  ASSERT_LT(part["layers"].size(), 7u);
  EXPECT_EQ(part["layers"][0]["layer"], "A");

  const Outcome forgot = run(words);
  EXPECT_EQ(forgot.status, 2) << "an unfinished run is not overwritten";
  EXPECT_THAT(forgot.err, HasSubstr("go on with --resume"));

  std::vector<std::string> resume = words;
  resume.emplace_back("--resume");
  std::vector<std::string> other = resume;
  other.insert(other.end(), {"--tolerance", "5"});
  const Outcome refused = run(other);
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("other inputs or options"));

  // A line that was cut off while it was written is done again.
  write("o.json.partial", read("o.json.partial") + R"({"index":1,"rep)");
  const Outcome rest = run(resume);
  EXPECT_EQ(rest.status, 0) << rest.err;
  EXPECT_FALSE(std::filesystem::exists(dir_ / "o.json.partial"));
  const std::string resumed = read("o.json");
  EXPECT_EQ(run(words).status, 0);
  EXPECT_EQ(read("o.json"), resumed) << "as if it had never been interrupted";
}

TEST_F(Cli, LayersThatDoTheSameRunOnceAndAreReportedAsIfTheyHadRun) {
  const auto copy = [](const std::string& name) {
    std::string text = kA;
    text.replace(text.find(" A "), 3, " " + name + " ");
    return text;
  };
  // Two like the first, and one with a row more.
  std::string more = copy("D"), often = copy("C");
  more.replace(more.find("Y: 8"), 4, "Y: 9");
  const std::string all = copy("B") + often + more;
  write("all.m", network(kA + all));
  const auto of = [&](const std::string& file, const std::string& command) {
    const Outcome o = run({command, "-m", "small", "-n", file, "-f", "json", "-j", "2"});
    EXPECT_EQ(o.status, 0) << o.err;
    return Json::parse(o.out)["layers"];
  };
  for (const char* command : {"validate", "estimate", "simulate"}) {
    Json layers = of("all.m", command);
    ASSERT_EQ(layers.size(), 4u);
    EXPECT_FALSE(layers[0].contains("same_as"));
    EXPECT_EQ(layers[1]["same_as"], "A");
    EXPECT_EQ(layers[2]["same_as"], "A");
    EXPECT_FALSE(layers[3].contains("same_as"));
    const std::vector<std::string> alone = {kA, copy("B"), often, more};
    for (std::size_t i = 0; i < 4; ++i) {
      write("one.m", network(alone[i]));
      layers[i].erase("same_as");
      EXPECT_EQ(layers[i].dump(), of("one.m", command)[0].dump()) << command << " " << i;
    }
  }
  EXPECT_THAT(run({"validate", "-m", "small", "-n", "all.m"}).out,
              HasSubstr("4 layers agree, 0 disagree; 2 did the same as an earlier layer"));
}

TEST_F(Cli, CheckSaysWhatIsMissingAndWhere) {
  write("tiny.m", network(kA + kC));
  const Outcome r = run({"check", "-m", "small", "-n", "tiny.m"});
  EXPECT_EQ(r.status, 2);
  EXPECT_THAT(r.out, HasSubstr("A: legal"));
  EXPECT_THAT(r.out, HasSubstr("C: refused"));
  EXPECT_THAT(r.out, HasSubstr("576 MACs missing, 0 done again"));
  EXPECT_THAT(r.out, HasSubstr("tiny.m:17:16")) << "line and column of the directive";
  EXPECT_EQ(run({"check", "-m", "small", "-n", "tiny.m", "-l", "A"}).status, 0);
}

TEST_F(Cli, AuditHoldsAnotherToolsNumbersAgainstTheTruth) {
  write("m.m",
        "Network t { Layer L { Type: GEMM Dimensions { M: 4, N: 4, K: 4 } Dataflow { "
        "SpatialMap(1,1) M; TemporalMap(4,4) N; TemporalMap(4,4) K; } } }");
  write("hw.m", "num_pes: 4\n");
  write("true.csv", "Layer Number, Num MACs\nL, 64\n");
  write("false.csv", "Layer Number, Num MACs\nL, 16\n");
  const std::vector<std::string> rest = {"--mapping", "m.m", "--hw", "hw.m"};
  const auto audit = [&](const std::string& file) {
    std::vector<std::string> words = {"audit", "maestro", file};
    words.insert(words.end(), rest.begin(), rest.end());
    return run(words);
  };
  EXPECT_EQ(audit("true.csv").status, 0);
  const Outcome bad = audit("false.csv");
  EXPECT_EQ(bad.status, 1);
  EXPECT_NE(bad.out.find("law 1: the layer has 64 multiply-accumulates"), std::string::npos);
  EXPECT_EQ(audit("absent.csv").status, 2);
  EXPECT_EQ(run({"audit", "maestra", "true.csv", "--mapping", "m.m", "--hw", "hw.m"}).status, 2);
  EXPECT_EQ(run({"audit", "maestro", "true.csv", "--hw", "hw.m"}).status, 2);
  EXPECT_EQ(run({"audit", "--help"}).status, 0);
}

TEST_F(Cli, ShowPrintsTheMappedLoops) {
  write("tiny.m", network(kA));
  const Outcome r = run({"show", "-m", "small", "-n", "tiny.m"});
  EXPECT_EQ(r.status, 0);
  EXPECT_THAT(r.out, HasSubstr("parallel-for p in 0..16"));
  EXPECT_THAT(r.out, HasSubstr("for y' in 0..6 step 1"));
  write("bad.m", network(kC));
  EXPECT_EQ(run({"show", "-m", "small", "-n", "bad.m"}).status, 2);
}

TEST_F(Cli, ListsWhatComesWithTheProgram) {
  const Outcome all = run({"list"});
  EXPECT_EQ(all.status, 0);
  for (const char* name : {"eyeriss", "vgg16", "row_stationary", "horowitz45"})
    EXPECT_THAT(all.out, HasSubstr(name));
  EXPECT_THAT(run({"list", "machines"}).out, Not(HasSubstr("vgg16")));
  EXPECT_THAT(run({"list", "statistics"}).out, HasSubstr("stack.latency"));
}

TEST_F(Cli, DocumentedStatisticsAreThoseOfTheProgram) {
  const Outcome r = run({"list", "statistics", "--format", "markdown"});
  EXPECT_EQ(r.status, 0);
  std::ifstream in(COUNTERPOINT_SOURCE_DIR "/docs/statistics.md");
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_EQ(text.str(), r.out) << "run: counterpoint list statistics --format markdown";
}

}  // namespace
}  // namespace counterpoint::cli
