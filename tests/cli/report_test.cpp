// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/cli/program.h"

namespace counterpoint::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

class Report : public ProgramTest {
 protected:
  // Two layers of AlexNet, estimated: quick, and with everything a report shows but a simulation.
  void estimate() const {
    const Outcome o = run({"estimate", "-m", "small", "-n", "alexnet", "-d", "x_p", "-l",
                           "CONV3,CONV5", "-f", "json", "-o", "result.json"});
    ASSERT_EQ(o.status, 0) << o.err;
  }
  // How often `part` stands in `text`.
  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
      ++n;
    return n;
  }
};

TEST_F(Report, IsTheSameBytesForTheSameResult) {
  estimate();
  ASSERT_EQ(run({"report", "result.json", "--out", "a.html"}).status, 0);
  ASSERT_EQ(run({"report", "result.json", "--out", "b.html"}).status, 0);
  EXPECT_EQ(read("a.html"), read("b.html"));
  EXPECT_EQ(run({"report", "result.json"}).out, read("a.html"));
}

TEST_F(Report, CarriesTheResultInAFormThatCannotEndItsElement) {
  estimate();
  Json j = Json::parse(read("result.json"));
  const std::string name = "</script><!--<script>&\xe2\x80\xa8'\"";
  j["network"] = j["layers"][0]["layer"] = name;
  write("hostile.json", j.dump());
  const Outcome o = run({"report", "hostile.json"});
  ASSERT_EQ(o.status, 0) << o.err;
  // The data, the charts, the drawing: three scripts, whatever the names are.
  EXPECT_EQ(count(o.out, "</script"), 3u);
  const std::string start = "<script type=\"application/json\" id=\"result\">";
  const std::size_t from = o.out.find(start) + start.size();
  const Json carried = Json::parse(o.out.substr(from, o.out.find("</script", from) - from));
  EXPECT_EQ(carried, j);
}

TEST_F(Report, NamesNoAddressThatABrowserWouldFetch) {
  estimate();
  const std::string page = run({"report", "result.json"}).out;
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  for (const char* fetch : {"<link rel=\"stylesheet", "<script src", "@import", "<img"})
    EXPECT_THAT(page, Not(HasSubstr(fetch)));
}

TEST_F(Report, RefusesWhatIsNotAResult) {
  write("text.json", "layers: 3");
  write("other.json", R"({"schema": "counterpoint/2", "layers": []})");
  write("none.json", R"({"schema": "counterpoint/1", "layers": []})");
  write("layer.json", R"({"schema": "counterpoint/1", "version": "1", "command": "estimate",
                         "network": "n", "machine": "m", "layers": [{"layer": 3}]})");
  write("deep.json", std::string(100000, '['));
  write("closed.json", std::string(100000, '[') + std::string(100000, ']'));
  for (const auto& [file, why] : std::vector<std::pair<std::string, std::string>>{
           {"text.json", "not JSON"},
           {"other.json", "counterpoint/2"},
           {"none.json", "/version is missing"},
           {"layer.json", "/layers/0/layer is not text"},
           {"deep.json", "not"},
           {"closed.json", "nested too deeply"},
           {"absent.json", "absent.json"}}) {
    const Outcome o = run({"report", file});
    EXPECT_EQ(o.status, 2) << file;
    EXPECT_THAT(o.err, HasSubstr(why)) << file;
  }
  EXPECT_EQ(run({"report"}).status, 2);
}

TEST_F(Report, NamesThePlaceThatIsNotAsAReportNeedsIt) {
  estimate();
  const Json whole = Json::parse(read("result.json"));
  const auto refused = [&](const std::string& place, const Json& value) {
    Json j = whole;
    j[Json::json_pointer(place)] = value;
    write("changed.json", j.dump());
    const Outcome o = run({"report", "changed.json"});
    EXPECT_EQ(o.status, 2) << place;
    EXPECT_THAT(o.err, HasSubstr(place)) << place;
    EXPECT_THAT(o.out, ::testing::IsEmpty());
  };
  for (const char* model : {"estimate", "simulation"})
    for (const Json& other : {Json(5), Json("text"), Json(true)})
      refused(std::string("/layers/1/") + model, other);
  refused("/layers/0/macs", "many");
  refused("/layers/0/nest", 3);
  refused("/layers/0/roofline", 3);
  refused("/layers/0/roofline/bounds/0/cycles", nullptr);
  refused("/layers/0/roofline/macs_per_byte", Json::array());
  refused("/layers/0/bound_machine/storage/1", 7);
  refused("/layers/0/estimate/cycles", "12");
  refused("/layers/0/estimate/statistics/stack.drain", nullptr);
  refused("/layers/0/estimate/accesses/global buffer/weight", Json::array());
  refused("/layers/0/estimate/energy/storage/global buffer/weight", "1");
  refused("/layers/0/agreement", 1);
  refused("/layers/0/profile", Json::array());
  refused("/layers/0/status", nullptr);
  refused("/network", 1);
}

TEST_F(Report, AResultTellsItsMachineAndItsNest) {
  estimate();
  const Json layer = Json::parse(read("result.json"))["layers"][0];
  const Outcome shown = run({"show", "-m", "small", "-n", "alexnet", "-d", "x_p", "-l", "CONV3"});
  EXPECT_EQ(layer["nest"].get<std::string>() + "\n", shown.out);
  const Json& m = layer["bound_machine"];
  ASSERT_EQ(m["storage"].size(), m["network"].size() + 1);
  // Every number of a level or network can be found by the names given here.
  for (const Json& s : m["storage"])
    EXPECT_TRUE(layer["estimate"]["accesses"].contains(s["name"].get<std::string>()));
  for (const Json& n : m["network"]) {
    const std::string name = n["name"];
    // Injecting takes no more than the whole run time.
    for (const char* way : {"to_children", "to_parent"}) {
      const double busy = layer["estimate"]["network_busy"][name][way];
      EXPECT_GE(busy, 0);
      EXPECT_LE(busy, 1);
    }
  }
}

TEST_F(Report, ExplainsALayerByReevaluation) {
  const std::vector<std::string> inputs = {"-m", "small", "-n", "alexnet", "-d", "x_p"};
  std::vector<std::string> words = {"estimate", "--explain", "CONV3"};
  words.insert(words.end(), inputs.begin(), inputs.end());
  const Outcome o = run(words);
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out, HasSubstr("CONV3 on small, dataflow x_p"));
  EXPECT_THAT(o.out, HasSubstr("as it is"));
  words[2] = "CONV33";
  EXPECT_EQ(run(words).status, 2);
  words[0] = "simulate";
  EXPECT_EQ(run(words).status, 2);
}

}  // namespace
}  // namespace counterpoint::cli
