// SPDX-License-Identifier: Apache-2.0
// Waveforms by hand, and of random cases against the counters.
#include "sim/trace/waveform.h"

#include <functional>
#include <optional>
#include <sstream>

#include "sim/control/alike.h"
#include "sim/trace/profile.h"
#include "sim/trace/timeline.h"
#include "stats/table.h"
#include "tests/laws/cases.h"
#include "tests/sim/nests.h"
#include "tests/trace/read_back.h"

namespace counterpoint::sim {
namespace {

using nlohmann::json;

struct Recorded {
  std::string dump;
  SimOutcome outcome;
};

Recorded record(const workloads::Mapping& m, WaveformOptions options) {
  std::ostringstream out;
  Waveform waveform(m, std::move(options), out);
  SimOptions run;
  run.observer = &waveform;
  Recorded r;
  r.outcome = simulate(m, run);
  r.dump = out.str();
  return r;
}

workloads::Mapping four_steps() {
  auto m = mapping(gemm(4, 1, 1), {LevelPlan().temporal(Dim::M, 1, 1)});
  m.machine.network[0].bandwidth = {1000, false};
  m.machine.network[0].name = "net";
  m.machine.storage[0].name = "memory";
  m.machine.storage[1].name = "pe";
  return m;
}

// One PE, one word per cycle, double buffered. T0 [0,2] (input and weight), T1 [2,3]; T2 waits for
// W0: [3,4], T3 [4,5]; W0 [2,3] ... W3 [5,6]; D0 [3,4] ... D3 [6,7].
TEST(Waveform, ShowsWhatTheContractSays) {
  const Recorded r = record(four_steps(), {TraceLevel::Data, 0, 1000, "*", 0, 1u << 13});
  ASSERT_EQ(r.outcome.result.cycles, 7);
  const json s = summaries({r.dump})[0];
  EXPECT_EQ(s["end"], 7);
  EXPECT_EQ(time_in(s, "memory.cycle_class", "start-up"), 2);
  EXPECT_EQ(time_in(s, "memory.cycle_class", "compute"), 4);
  EXPECT_EQ(time_in(s, "memory.cycle_class", "tail"), 1);
  EXPECT_EQ(time_in(s, "memory.state", "waiting_for_fill:_inputs+weights"), 2);
  EXPECT_EQ(time_in(s, "memory.state", "working"), 4);
  EXPECT_EQ(time_in(s, "memory.state", "draining"), 1);
  EXPECT_EQ(number_of(s, "memory.macs", "sum"), 4);
  EXPECT_EQ(number_of(s, "memory.pe_0.macs", "sum"), 4);
  // Steps 0, 1, 2, 3 in cycles 2, 3, 4, and 5 to 7: 0 + 1 + 2 + 3 * 2.
  EXPECT_EQ(number_of(s, "memory.step", "sum"), 9);
  EXPECT_EQ(number_of(s, "memory.loop_M", "sum"), 9);
  EXPECT_EQ(number_of(s, "memory.net.fill.words", "sum"), 5);
  EXPECT_EQ(time_in(s, "memory.net.fill.state", "injecting"), 5);
  EXPECT_EQ(number_of(s, "memory.net.fill.sent_input", "last"), 4);
  EXPECT_EQ(number_of(s, "memory.net.fill.arrived_weight", "last"), 1);
  EXPECT_EQ(time_in(s, "memory.net.drain.state", "injecting"), 4);
  EXPECT_EQ(number_of(s, "memory.net.drain.sent_output", "last"), 4);
  // Input 0 is in slot 0 from 2 to the end of W0 at 3, input 2 from 4 to 5.
  EXPECT_EQ(number_of(s, "memory.slots.input_0_words", "sum"), 2);
  EXPECT_EQ(time_in(s, "memory.slots.input_0_state", "filling"), 3);  // [0,2] and [3,4]
  EXPECT_EQ(number_of(s, "memory.slots.weight_0_words", "sum"), 4);   // [2,6]
}

// M = 4 on 2 PEs of 2 lanes, K = 3: 3 multiply-accumulates a step and PE, 2 and then 1 per cycle.
TEST(Waveform, MultiplyAccumulatesFallWhereLanesRunOutOfWork) {
  auto m = mapping(gemm(2, 1, 3), {LevelPlan(2).spatial(Dim::M, 1, 1)});
  m.machine.machine.lanes = 2;
  m.machine.storage[0].name = "memory";
  m.machine.storage[1].name = "pe";
  const Recorded r = record(m, {TraceLevel::Pes, 0, 1000, "*", 0, 1u << 13});
  EXPECT_EQ(r.outcome.result.cycles, 2);
  // 4 in cycle 0, 2 in cycle 1.
  EXPECT_NE(r.dump.find("b100 "), std::string::npos);
  const json s = summaries({r.dump})[0];
  EXPECT_EQ(number_of(s, "memory.macs", "sum"), 6);
  EXPECT_EQ(number_of(s, "memory.pe_0.macs", "sum"), 3);
  EXPECT_EQ(number_of(s, "memory.pe_1.macs", "sum"), 3);
}

// The last partial sum of every PE is what leaves: output word by word in a direct evaluation.
TEST(Waveform, DataAreTheValuesOfTheRun) {
  auto m = mapping(gemm(1, 1, 3), {LevelPlan().temporal(Dim::K, 1, 1)});
  m.machine.storage[0].name = "memory";
  m.machine.storage[1].name = "pe";
  std::ostringstream out;
  Waveform waveform(m, {TraceLevel::Data, 0, 1000, "*", 0, 1u << 13}, out);
  class Sums : public Observer {
   public:
    bool wants_pes() const override { return true; }
    bool wants_values() const override { return true; }
    void work(const WorkEvent& e) override {
      const PeDetail& d = (*e.pes)[0];
      total += std::int64_t{e.inputs[d.input]} * e.weights[d.weight];
      EXPECT_EQ(e.sums[d.output], total);
      if (total < 0) any_negative = true;
    }
    std::int64_t total = 0;
    bool any_negative = false;
  } sums;
  Observers both;
  both.add(&waveform);
  both.add(&sums);
  SimOptions run;
  run.observer = &both;
  EXPECT_EQ(simulate(m, run).functional, Functional::Equal);
  const json s = summaries({out.str()})[0];
  EXPECT_EQ(static_cast<std::int64_t>(
                s.at("signals").at("memory.pe_0.psum").at("last").get<std::uint64_t>()),
            sums.total);
}

std::string unit(const workloads::Mapping& m, const std::vector<std::int64_t>& path) {
  std::string out = Vcd::name_of(m.machine.storage[0].name);
  for (std::size_t d = 0; d < path.size(); ++d) {
    out += "." + Vcd::name_of(m.machine.storage[d + 1].name);
    if (m.nest.levels[d].units > 1) out += "_" + std::to_string(path[d]);
  }
  return out;
}

// All arrays of a depth.
void for_units(const workloads::Mapping& m, std::size_t depth,
               const std::function<void(const std::string&)>& visit) {
  std::vector<std::int64_t> path(depth, 0);
  for (;;) {
    visit(unit(m, path));
    std::size_t d = depth;
    while (d > 0 && ++path[d - 1] == m.nest.levels[d - 1].units) path[--d] = 0;
    if (d == 0) return;
  }
}

// The channels of an array: of a tensor, the first that shares its channel; how many there are.
std::pair<Tensor, int> channel(const workloads::Mapping& m, std::size_t depth, Tensor t) {
  const hw::Network& n = m.machine.network[depth];
  std::optional<Tensor> shared;
  std::pair<Tensor, int> found{t, 0};
  for (Tensor x : workloads::kAllTensors) {
    const std::size_t i = static_cast<std::size_t>(index(x));
    if (!m.machine.storage[depth + 1].holds[i]) continue;
    if (x == Tensor::Output && n.psum != hw::PsumPolicy::Refetch) continue;
    const bool alone = n.channels == hw::Channels::Separate || hw::passes_by(m.machine, depth, i);
    if (!alone && shared && x == t) found.first = *shared;
    if (alone || !shared) ++found.second;
    if (!alone && !shared) shared = x;
  }
  return found;
}

std::string fill_of(const workloads::Mapping& m, std::size_t depth, Tensor t) {
  const auto [first, count] = channel(m, depth, t);
  return "." + Vcd::name_of(m.machine.network[depth].name) + ".fill" +
         (count == 1 ? "" : "_" + std::string(workloads::name(first)));
}

// Everything that the counters and the waveform both know.
void check(const workloads::Mapping& m, const stats::LayerResult& r, const json& s) {
  const std::size_t depths = m.machine.network.size();
  std::int64_t macs = 0, pe_macs = 0;
  std::array<std::int64_t, kCycleClasses> classes{};
  for_units(m, depths - 1, [&](const std::string& u) {
    macs += number_of(s, u + ".macs", "sum");
    for (std::int64_t p = 0; p < m.nest.levels.back().units; ++p)
      pe_macs += number_of(
          s,
          u + "." + Vcd::name_of(m.machine.storage.back().name) + "_" + std::to_string(p) + ".macs",
          "sum");
    for (std::size_t c = 0; c < kCycleClasses; ++c)
      classes[c] += time_in(s, u + ".cycle_class", name(static_cast<CycleClass>(c)));
  });
  EXPECT_EQ(macs, r.macs);
  EXPECT_EQ(pe_macs, r.macs);
  const stats::CycleStack& k = r.stack;
  const std::array<std::int64_t, kCycleClasses> expected = {
      k.startup, k.compute, k.level_above, k.bandwidth, k.drain, k.latency, k.contention, k.tail};
  EXPECT_EQ(classes, expected);
  for (std::size_t d = 0; d < depths; ++d) {
    const stats::NetworkResult& n = r.network[d];
    const auto holds = [&](std::size_t x) { return m.machine.storage[d + 1].holds[x]; };
    const bool refetch = m.machine.network[d].psum == hw::PsumPolicy::Refetch;
    std::array<std::int64_t, 3> sent{}, arrived{};
    std::int64_t drained = 0, words = 0, drain_words = 0, busy = 0, drain_busy = 0;
    for_units(m, d, [&](const std::string& u) {
      for (const Tensor t : workloads::kAllTensors) {
        if (t == Tensor::Output && !refetch) continue;
        const std::size_t x = static_cast<std::size_t>(workloads::index(t));
        if (!holds(x)) continue;
        const std::string fill = u + fill_of(m, d, t);
        const std::string tensor(workloads::name(t));
        sent[x] += number_of(s, fill + ".sent_" + tensor, "last");
        arrived[x] += number_of(s, fill + ".arrived_" + tensor, "last");
        if (channel(m, d, t).first == t) {
          words += number_of(s, fill + ".words", "sum");
          busy += time_in(s, fill + ".state", "injecting");
        }
      }
      const std::string drain = u + "." + Vcd::name_of(m.machine.network[d].name) + ".drain";
      drained += number_of(s, drain + ".arrived_output", "last");
      drain_words += number_of(s, drain + ".words", "sum");
      drain_busy += time_in(s, drain + ".state", "injecting");
    });
    for (std::size_t x = 0; x < 3; ++x) {
      if (!holds(x)) continue;
      EXPECT_EQ(sent[x], n.link[x].injected);
      EXPECT_EQ(arrived[x], n.link[x].delivered);
    }
    EXPECT_EQ(drained, n.link[2].drain_injected);
    // The counters know what rates ask for; packets also wait for each other while they leave.
    const bool routed = hw::routed(m.machine.network[d].topology);
    if (routed) {
      EXPECT_GE(busy, n.fill_busy);
      EXPECT_GE(drain_busy, n.drain_busy);
      continue;  // words of a transfer that rates let through at once have no time of their own
    }
    EXPECT_EQ(busy, n.fill_busy);
    EXPECT_EQ(drain_busy, n.drain_busy);
    // Without a limit transfers take no time.
    const hw::Network& net = m.machine.network[d];
    if (!net.bandwidth.unlimited()) {
      EXPECT_EQ(words, sent[0] + sent[1] + sent[2]);
    }
    if (!net.drain_bandwidth.value_or(net.bandwidth).unlimited()) {
      EXPECT_EQ(drain_words, drained);
    }
  }
}

void cross_check(std::uint64_t cases, bool buses) {
  struct Kept {
    workloads::Mapping m;
    stats::LayerResult r;
  };
  std::vector<Kept> kept;
  std::vector<std::string> dumps;
  validation::fuzz::Limits limits;
  limits.buses = buses;
  limits.max_pes = 16;
  laws::for_cases(cases, limits, [&](const auto&, const workloads::Mapping& m) {
    const Recorded r = record(m, {TraceLevel::Pes, 0, 1 << 30, "*", 0, 1u << 13});
    EXPECT_EQ(r.outcome.functional, Functional::Equal);
    kept.push_back({m, r.outcome.result});
    dumps.push_back(r.dump);
  });
  const std::vector<json> read = summaries(dumps);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    check(kept[i].m, kept[i].r, read[i]);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Waveform, TellsTheIndependentReaderWhatTheCountersCount) {
  cross_check(60, false);
}

TEST(Waveform, AlsoWhereFlowsCollide) {
  cross_check(30, true);
}

// Windows that adjoin tell together what the whole tells, and a scope the same of less.
TEST(Waveform, WindowsAndScopesShowTheSame) {
  validation::fuzz::Limits limits;
  limits.max_pes = 8;
  std::vector<std::string> dumps;
  laws::for_cases(15, limits, [&](const auto&, const workloads::Mapping& m) {
    const Recorded whole = record(m, {TraceLevel::Data, 0, 1 << 30, "*", 0, 1u << 13});
    const std::int64_t end = whole.outcome.result.cycles;
    const std::int64_t a = end / 3, b = std::max(a + 1, end / 2);
    if (a < 1 || b >= end) return;
    dumps.push_back(whole.dump);
    dumps.push_back(record(m, {TraceLevel::Data, 0, a, "*", 0, 1u << 13}).dump);
    dumps.push_back(record(m, {TraceLevel::Data, a, b, "*", 0, 1u << 13}).dump);
    dumps.push_back(record(m, {TraceLevel::Data, b, 1 << 30, "*", 0, 1u << 13}).dump);
    dumps.push_back(record(m, {TraceLevel::Data, 0, 1 << 30, "*.fill*", 0, 1u << 13}).dump);
  });
  ASSERT_GE(dumps.size(), 25u);
  const std::vector<json> read = summaries(dumps);
  for (std::size_t i = 0; i < read.size(); i += 5) {
    EXPECT_EQ(read[i + 2]["begin"], read[i + 1]["end"]);
    EXPECT_EQ(read[i + 3]["begin"], read[i + 2]["end"]);
    EXPECT_EQ(read[i + 3]["end"], read[i]["end"]);
    std::size_t scoped = 0;
    for (const auto& [name, signal] : read[i]["signals"].items()) {
      if (name.find(".fill") != std::string::npos) {
        ++scoped;
        EXPECT_EQ(read[i + 4]["signals"].at(name), signal) << name;
      }
      if (signal.contains("times")) {
        for (const auto& [text, time] : signal["times"].items()) {
          std::int64_t sum = 0;
          for (std::size_t w = 1; w <= 3; ++w) sum += time_in(read[i + w], name, text);
          EXPECT_EQ(sum, time) << name << " " << text;
        }
      } else if (name.find("psum") == std::string::npos) {
        std::int64_t sum = 0;
        for (std::size_t w = 1; w <= 3; ++w) sum += number_of(read[i + w], name, "sum");
        EXPECT_EQ(sum, signal["sum"]) << name;
        EXPECT_EQ(number_of(read[i + 3], name, "last"), signal["last"]) << name;
      }
    }
    EXPECT_EQ(read[i + 4]["signals"].size(), scoped);
  }
}

// Looks at a run in every way.
struct EveryView {
  std::ostringstream dump;
  Waveform waveform;
  Timeline timeline;
  Profile profile;
  Observers all;
  EveryView(const workloads::Mapping& m, TraceLevel level)
      : waveform(m, {level, 0, 1 << 30, "*", 0, 1u << 13}, dump), timeline(m, {}) {
    for (Observer* o : std::initializer_list<Observer*>{&waveform, &timeline, &profile}) all.add(o);
  }
};

// Looked at in every way, followed in its progress, and not at all.
TEST(Tracing, ChangesNoNumber) {
  constexpr std::array<TraceLevel, 4> kLevels = {TraceLevel::Summary, TraceLevel::Links,
                                                 TraceLevel::Pes, TraceLevel::Data};
  std::size_t runs = 0;
  validation::fuzz::Limits limits;
  limits.buses = true;
  laws::for_cases(400, limits, [&](const auto&, const workloads::Mapping& m) {
    EveryView view(m, kLevels[runs++ % kLevels.size()]);
    SimOptions traced;
    traced.observer = &view.all;
    std::int64_t come = 0;
    traced.advanced = [&come](std::int64_t cycle) {
      EXPECT_GE(cycle, come);
      come = cycle;
    };
    const SimOutcome a = simulate(m, traced), b = simulate(m);
    EXPECT_EQ(a.functional, b.functional);
    EXPECT_GE(come, a.result.cycles);
    const auto x = stats::flatten(a.result), y = stats::flatten(b.result);
    ASSERT_EQ(x.size(), y.size());
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(x[i].value, y[i].value) << x[i].name;
  });
}

// Units that do the same are decided once and told one by one: all that is written is the same.
TEST(Tracing, TellsUnitsThatAreAlikeOneByOne) {
  const auto written = [](const workloads::Mapping& m, bool merge) {
    EveryView view(m, TraceLevel::Pes);
    std::ostringstream slices, sums;
    SimOptions run;
    run.observer = &view.all;
    run.merge_alike = merge;
    EXPECT_EQ(simulate(m, run).functional, Functional::Equal);
    view.timeline.write_json(slices);
    const auto put = [&sums](const std::vector<std::int64_t>& values) {
      for (const std::int64_t v : values) sums << v << ' ';
      sums << '\n';
    };
    put(view.profile.macs.values);
    put(view.profile.pe_macs);
    put(view.profile.array_busy);
    for (const Profile::Network& n : view.profile.networks) {
      put(n.to_children.values);
      put(n.to_parent.values);
      put(n.delivered);
    }
    return std::array<std::string, 3>{view.dump.str(), slices.str(), sums.str()};
  };
  int alike = 0, shifted = 0;
  for (const bool buses : {false, true}) {
    validation::fuzz::Limits limits;
    limits.buses = buses;
    laws::for_cases(200, limits, [&](const auto&, const workloads::Mapping& m) {
      bool any = false, moved = false;
      std::vector<std::int64_t> path;
      for (; path.size() + 1 < m.nest.levels.size(); path.push_back(0))
        if (const auto like = compare_children(m.layer, m.nest, path); like.size() > 1)
          for (std::size_t p = 0; p < like.size(); ++p) {
            any = any || like[p].leader != static_cast<std::int64_t>(p);
            for (const std::int64_t by : like[p].shift) moved = moved || by != 0;
          }
      alike += any ? 1 : 0;
      shifted += moved ? 1 : 0;
      EXPECT_EQ(written(m, true), written(m, false));
    });
  }
  EXPECT_GE(alike, 40);  // the sample has what this is about
  EXPECT_GE(shifted, 20);
}

// What is written early cannot be taken back: the file does not depend on when it is written.
TEST(Waveform, IsTheSameHoweverOftenItIsWritten) {
  validation::fuzz::Limits limits;
  limits.max_pes = 16;
  for (const bool buses : {false, true}) {
    limits.buses = buses;
    laws::for_cases(150, limits, [&](const auto&, const workloads::Mapping& m) {
      const std::string rarely = record(m, {TraceLevel::Data, 0, 1 << 30, "*", 0, 1u << 30}).dump;
      EXPECT_EQ(record(m, {TraceLevel::Data, 0, 1 << 30, "*", 0, 0}).dump, rarely);
    });
  }
}

TEST(Waveform, EndsCleanlyAtItsLimit) {
  const auto m = mapping(gemm(4000, 1, 1), {LevelPlan().temporal(Dim::M, 1, 1)});
  std::ostringstream out;
  Waveform waveform(m, {TraceLevel::Links, 0, 1 << 30, "*", 20000, 1u << 13}, out);
  SimOptions run;
  run.observer = &waveform;
  const SimOutcome r = simulate(m, run);
  EXPECT_GT(waveform.stopped_at(), 0);
  EXPECT_LT(waveform.stopped_at(), r.result.cycles);
  EXPECT_LT(out.str().size(), 22000u);
  const json s = summaries({out.str()})[0];
  EXPECT_EQ(s["end"], waveform.stopped_at());
}

}  // namespace
}  // namespace counterpoint::sim
