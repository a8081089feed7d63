// SPDX-License-Identifier: Apache-2.0
// Timelines and profiles: by hand, the format's rules, and against the counters.
#include "sim/trace/timeline.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <sstream>

#include "sim/trace/profile.h"
#include "tests/laws/cases.h"
#include "tests/sim/nests.h"

namespace counterpoint::sim {
namespace {

using nlohmann::json;

json events(Timeline t) {
  std::ostringstream out;
  t.write_json(out);
  return json::parse(out.str()).at("traceEvents");
}

workloads::Mapping four_steps() {
  auto m = mapping(gemm(4, 1, 1), {LevelPlan().temporal(Dim::M, 1, 1)});
  m.machine.network[0].bandwidth = {1000, false};
  m.machine.storage[0].name = "memory";
  m.machine.storage[1].name = "pe";
  return m;
}

Timeline recorded(const workloads::Mapping& m, TimelineOptions options = {}) {
  Timeline t(m, options);
  SimOptions run;
  run.observer = &t;
  simulate(m, run);
  return t;
}

// T0 [0,2] (input and weight), T1 [2,3], T2 [3,4] after W0, T3 [4,5]; W0 [2,3] ... W3 [5,6];
// D0 [3,4] ... D3 [6,7].
TEST(Timeline, HasASlicePerTransferAndWork) {
  const auto m = four_steps();
  const Timeline t = recorded(m);
  std::map<std::string, std::vector<std::pair<int, int>>> slices;
  for (const json& e : events(t))
    if (e["ph"] == "X")
      slices[e["cat"]].emplace_back(e["ts"].get<int>(), e["ts"].get<int>() + e["dur"].get<int>());
  using Spans = std::vector<std::pair<int, int>>;
  EXPECT_EQ(slices["fill"], (Spans{{0, 2}, {2, 3}, {3, 4}, {4, 5}}));
  EXPECT_EQ(slices["work"], (Spans{{2, 3}, {3, 4}, {4, 5}, {5, 6}}));
  EXPECT_EQ(slices["drain"], (Spans{{3, 4}, {4, 5}, {5, 6}, {6, 7}}));
  EXPECT_EQ(slices["wait"], (Spans{{0, 2}, {6, 7}}));  // start-up and tail
  EXPECT_EQ(t.write_list().substr(0, t.write_list().find("\n")).find("from"), 8u);
  // 7 cycles, one per character.
  const std::string text = t.write_text(60);
  EXPECT_NE(text.find("memory fill  |MMIII..|"), std::string::npos) << text;
  EXPECT_NE(text.find("memory work  |..####.|"), std::string::npos) << text;
  EXPECT_NE(text.find("memory waits |ss....t|"), std::string::npos) << text;
  EXPECT_NE(text.find("memory drain |...DDDD|"), std::string::npos) << text;
}

// Single buffered: T1 must wait for W0 [2,3], the slot, from 2 (when the channel is free) to 3.
TEST(Timeline, SaysWhatATransferWaitedFor) {
  auto m = four_steps();
  m.machine.storage[1].buffering = hw::Buffering::Single;
  const Timeline t = recorded(m);
  std::vector<int> slot;
  for (const json& e : events(t))
    if (e["ph"] == "X" && e["cat"] == "fill") {
      slot.push_back(e["args"].value("waited_for_slot", 0));
      EXPECT_EQ(e["args"].value("waited_for_level_above", 0), 0);
      EXPECT_EQ(e["args"].value("waited_for_medium", 0), 0);
    }
  // W0 [2,3], T1 [3,4], W1 [4,5], T2 [5,6] ...
  EXPECT_EQ(slot, (std::vector<int>{0, 1, 1, 1}));
}

// One medium for both directions; the earliest request first, of the same cycle drains first.
// T0 [0,2], T1 [2,3]; D0 and T2 ask at 3: D0 [3,4], T2 [4,5]; D1 asks at 4: [5,6]; T3 asks at 5:
// [6,7]; D2 asks at 6: [7,8]; D3 [8,9].
TEST(Timeline, SaysWhoWaitedForTheMedium) {
  auto m = four_steps();
  m.machine.network[0].topology = hw::Topology::Bus;
  std::map<std::string, std::vector<int>> waited;
  for (const json& e : events(recorded(m)))
    if (e["ph"] == "X" && (e["cat"] == "fill" || e["cat"] == "drain"))
      waited[e["cat"]].push_back(e["args"].value("waited_for_medium", 0));
  EXPECT_EQ(waited["fill"], (std::vector<int>{0, 0, 1, 1}));
  EXPECT_EQ(waited["drain"], (std::vector<int>{0, 1, 1, 0}));
}

// Counters: written where they change, and when the window opens. Words per cycle to the children:
// 2 words in [0,2], then one word in each of [2,3], [3,4], [4,5]: 1 until 5. To the parent: D0 to
// D3 in [3,7].
TEST(Timeline, CountersTellChangesOnly) {
  std::map<std::string, std::vector<std::pair<int, double>>> points;
  for (const json& e : events(recorded(four_steps())))
    if (e["ph"] == "C")
      points[e["name"]].emplace_back(e["ts"].get<int>(), e["args"]["words"].get<double>());
  using Points = std::vector<std::pair<int, double>>;
  EXPECT_EQ(points["words per cycle to children"], (Points{{0, 1}, {5, 0}}));
  EXPECT_EQ(points["words per cycle to parent"], (Points{{0, 0}, {3, 1}, {7, 0}}));
}

// Indices of the step's tile: M is 0, 1, 2, 3.
TEST(Timeline, WorkTellsItsIndices) {
  std::vector<int> m;
  for (const json& e : events(recorded(four_steps())))
    if (e["ph"] == "X" && e["cat"] == "work") m.push_back(e["args"]["M"].get<int>());
  EXPECT_EQ(m, (std::vector<int>{0, 1, 2, 3}));
}

// The file ends with a whole event where its size passes the limit.
TEST(Timeline, EndsCleanlyAtItsLimit) {
  const auto m = mapping(gemm(4000, 1, 1), {LevelPlan().temporal(Dim::M, 1, 1)});
  Timeline t(m, {0, 1 << 30, 20000});
  SimOptions run;
  run.observer = &t;
  const SimOutcome r = simulate(m, run);
  std::ostringstream out;
  t.write_json(out);
  EXPECT_GT(t.stopped_at(), 0);
  EXPECT_LT(t.stopped_at(), r.result.cycles);
  EXPECT_GE(out.str().size(), 20000u);
  EXPECT_LT(out.str().size(), 20500u);
  const json file = json::parse(out.str());
  for (const json& e : file.at("traceEvents"))
    if (e["ph"] == "X") {
      EXPECT_LE(e["ts"].get<std::int64_t>(), t.stopped_at());
    }
}

TEST(Timeline, AWindowHoldsWhatLiesInIt) {
  const auto m = four_steps();
  const Timeline t = recorded(m, {3, 5, 0});
  int works = 0;
  for (const json& e : events(t)) {
    if (e["ph"] != "X") continue;
    EXPECT_LT(e["ts"].get<int>(), 5);
    EXPECT_GE(e["ts"].get<int>() + e["dur"].get<int>(), 3);
    works += e["cat"] == "work" ? 1 : 0;
  }
  EXPECT_EQ(works, 2);  // W1 [3,4] and W2 [4,5]
}

// What the trace event format asks for, and what the counters say.
void check(const workloads::Mapping& m, const stats::LayerResult& r, const Timeline& t) {
  std::map<std::pair<int, int>, double> last_end;
  double last = 0;
  std::set<int> named_processes;
  std::set<std::pair<int, int>> named_threads;
  std::map<std::string, std::int64_t> waits;
  std::int64_t macs = 0, fills = 0, drains = 0, work = 0;
  for (const json& e : events(t)) {
    ASSERT_TRUE(e.contains("ph") && e.contains("pid") && e.contains("name")) << e;
    const int pid = e["pid"];
    if (e["ph"] == "M") {
      ASSERT_TRUE(e["args"].is_object());
      if (e["name"] == "process_name") named_processes.insert(pid);
      if (e["name"] == "thread_name") named_threads.insert({pid, e["tid"].get<int>()});
      continue;
    }
    const double ts = e["ts"];
    ASSERT_GE(ts, last) << "time runs backwards at " << e;
    last = ts;
    ASSERT_EQ(named_processes.count(pid), 1u);
    if (e["ph"] == "C") {
      ASSERT_GE(e["args"]["words"].get<double>(), 0);
      continue;
    }
    ASSERT_EQ(e["ph"], "X");
    const std::pair<int, int> track{pid, e["tid"].get<int>()};
    ASSERT_EQ(named_threads.count(track), 1u);
    ASSERT_GE(e["dur"].get<double>(), 0);
    ASSERT_GE(ts, last_end[track]) << "slices overlap at " << e;
    last_end[track] = ts + e["dur"].get<double>();
    const json& args = e["args"];
    if (e["cat"] == "work") {
      macs += args["macs"].get<std::int64_t>();
      work += e["dur"].get<std::int64_t>();
    }
    if (e["cat"] == "fill")
      for (const char* words : {"input_words", "weight_words", "output_words"})
        fills += args.value(words, std::int64_t{0});
    if (e["cat"] == "drain") drains += args["output_words"].get<std::int64_t>();
    if (e["cat"] == "wait") waits[e["name"]] += e["dur"].get<std::int64_t>();
  }
  EXPECT_EQ(macs, r.macs);
  EXPECT_EQ(work, r.stack.compute);
  EXPECT_EQ(waits["start-up"], r.stack.startup);
  EXPECT_EQ(waits["level-above"], r.stack.level_above);
  EXPECT_EQ(waits["bandwidth"], r.stack.bandwidth);
  EXPECT_EQ(waits["drain"], r.stack.drain);
  EXPECT_EQ(waits["latency"], r.stack.latency);
  EXPECT_EQ(waits["contention"], r.stack.contention);
  EXPECT_EQ(waits["tail"], r.stack.tail);
  std::int64_t sent = 0, drained = 0;
  for (std::size_t d = 0; d < m.machine.network.size(); ++d) {
    for (std::size_t x = 0; x < 3; ++x)  // what passes a unit by is one fill over two networks
      if (m.machine.storage[d + 1].holds[x]) sent += r.network[d].link[x].injected;
    drained += r.network[d].link[2].drain_injected;
  }
  EXPECT_EQ(fills, sent);
  EXPECT_EQ(drains, drained);
}

TEST(Timeline, OfRandomCasesIsWellFormedAndCountsTheSame) {
  validation::fuzz::Limits limits;
  limits.buses = true;
  laws::for_cases(200, limits, [&](const auto&, const workloads::Mapping& m) {
    Timeline t(m, {});
    SimOptions run;
    run.observer = &t;
    const SimOutcome o = simulate(m, run);
    check(m, o.result, t);
  });
}

std::int64_t sum(const std::vector<std::int64_t>& all) {
  return std::accumulate(all.begin(), all.end(), std::int64_t{0});
}

TEST(Profile, CountsWhatTheCountersCount) {
  validation::fuzz::Limits limits;
  limits.buses = true;
  laws::for_cases(300, limits, [&](const auto&, const workloads::Mapping& m) {
    Profile p;
    SimOptions run;
    run.observer = &p;
    const stats::LayerResult r = simulate(m, run).result;
    EXPECT_EQ(sum(p.macs.values), r.macs);
    EXPECT_EQ(sum(p.pe_macs), r.macs);
    EXPECT_EQ(sum(p.array_busy), r.stack.compute);
    EXPECT_EQ(p.networks.size(), r.network.size());
    const std::size_t bins = static_cast<std::size_t>(
        std::max<std::int64_t>((r.cycles + p.bin_cycles - 1) / p.bin_cycles, 1));
    EXPECT_LE(bins, 256u);
    for (std::size_t d = 0; d < p.networks.size(); ++d) {
      std::int64_t injected = 0, delivered = 0;
      for (const auto& l : r.network[d].link) {
        injected += l.injected;
        delivered += l.delivered;
      }
      EXPECT_EQ(sum(p.networks[d].to_children.values), injected);
      EXPECT_EQ(sum(p.networks[d].to_parent.values), r.network[d].link[2].drain_injected);
      EXPECT_EQ(sum(p.networks[d].delivered), delivered);
      EXPECT_EQ(p.networks[d].to_children.values.size(), bins);
    }
  });
}

TEST(Profile, BinsDoubleAndKeepTheSum) {
  Bins b;
  for (std::int64_t t = 0; t < 1000; t += 10) b.add(7, t, t + 10);
  EXPECT_EQ(sum(b.values), 700);
  EXPECT_EQ(b.cycles(), 4);  // 1000 cycles in at most 256 spans
  EXPECT_EQ(b.values.size(), 250u);
  // 7 in 10 cycles: 4 cycles have at most ceil(2.8) = 3, at least 2.
  for (const std::int64_t v : b.values) {
    EXPECT_GE(v, 2);
    EXPECT_LE(v, 4);
  }
}

}  // namespace
}  // namespace counterpoint::sim
