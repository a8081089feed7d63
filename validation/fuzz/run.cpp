// SPDX-License-Identifier: Apache-2.0
#include "validation/fuzz/run.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "input/diagnostics.h"
#include "input/progress.h"
#include "validation/fuzz/coverage.h"
#include "validation/processes.h"
#include "validation/report.h"

namespace counterpoint::validation::fuzz {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kChunk = 32;    // cases per process
constexpr int kMostDraws = 10000;       // of one case
constexpr std::size_t kMostLines = 40;  // of one failing case that are kept
constexpr int kShrinkSteps = 4000;      // cases tried to make one small
constexpr double kShrinkSeconds = 10;   // of the processor, for each of them that hangs

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  std::uint64_t z = a * 0x9E3779B97F4A7C15u + b + 0x632BE59BD9B4E019u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

// What a campaign is made of: mostly small cases, some in which loops repeat often, some with
// many PEs, some on buses.
Limits limits_of(std::uint64_t key) {
  Limits limits;
  const std::uint64_t percent = key % 100;
  if (percent < 12) {
    limits.stretch = 5;
    limits.max_macs = 20000;
  } else if (percent < 16) {
    limits.stretch = 3;
    limits.max_macs = 6000;
    limits.max_pes = 256;
  } else if (percent < 31) {
    limits.buses = true;
  }
  return limits;
}

Json to_json(const Breaches& breaches) {
  Json all = Json::array();
  for (const Breach& b : breaches) {
    if (all.size() == kMostLines) break;
    all.push_back({b.law, b.text});
  }
  return all;
}
Breaches from_json(const Json& j) {
  Breaches all;
  for (const Json& b : j) all.push_back({b.at(0).get<std::string>(), b.at(1).get<std::string>()});
  return all;
}
std::string line_of(const Json& j) {
  return j.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Checked check_all(const Case& c, const workloads::Mapping& mapping, bool thorough,
                  const AnotherLaw& also) {
  Checked checked = check_case(c, mapping, thorough);
  if (also)
    for (Breach& b : also(c, mapping)) checked.breaches.push_back(std::move(b));
  return checked;
}

// What the process of a chunk reports of a case.
Json check_number(std::uint64_t seed, std::uint64_t number, const AnotherLaw& also) {
  Json j;
  j["number"] = number;
  Draw d;
  try {
    d = draw(seed, number);
  } catch (const std::exception& e) {
    j["breaches"] = to_json({{"generator", e.what()}});
    return j;
  }
  const Checked checked = check_all(d.c, *d.bound.mapping, d.thorough, also);
  if (!d.refused.empty()) j["refused"] = d.refused;
  if (!checked.breaches.empty()) j["breaches"] = to_json(checked.breaches);
  Json has = Json::array();
  if (!checked.result.storage.empty()) {
    const Drawn drawn{d.c, d.bound, checked.result};
    for (std::size_t f = 0; f < features().size(); ++f)
      if (features()[f].has(drawn)) has.push_back(f);
    if (d.thorough) has.push_back(features().size());
  }
  j["has"] = has;
  return j;
}

// What is known after a number of cases. All of it is in the state file.
struct State {
  std::uint64_t done = 0;
  std::vector<std::uint64_t> has = std::vector<std::uint64_t>(features().size() + 1);
  std::map<std::string, std::uint64_t> refused;
  std::vector<FailingCase> failing;

  void add(const Json& report) {
    ++done;
    if (report.contains("has"))
      for (const Json& f : report["has"]) ++has.at(f.get<std::size_t>());
    if (report.contains("refused"))
      for (const Json& code : report["refused"]) ++refused[code.get<std::string>()];
  }
  Json json() const {
    Json j;
    j["done"] = done;
    j["has"] = has;
    j["refused"] = refused;
    j["failing"] = Json::array();
    for (const FailingCase& f : failing)
      j["failing"].push_back({{"number", f.number},
                              {"breaches", to_json(f.breaches)},
                              {"text", f.text},
                              {"small_breaches", to_json(f.small_breaches)},
                              {"folder", f.folder}});
    return j;
  }
  static State read(const Json& j) {
    State s;
    s.done = j.at("done").get<std::uint64_t>();
    s.has = j.at("has").get<std::vector<std::uint64_t>>();
    s.refused = j.at("refused").get<std::map<std::string, std::uint64_t>>();
    for (const Json& f : j.at("failing"))
      s.failing.push_back({f.at("number").get<std::uint64_t>(), from_json(f.at("breaches")),
                           f.at("text").get<std::string>(), from_json(f.at("small_breaches")),
                           f.at("folder").get<std::string>()});
    return s;
  }
};

bool breaks(const Breaches& breaches, const std::vector<std::string>& laws) {
  return std::any_of(breaches.begin(), breaches.end(), [&](const Breach& b) {
    return laws.empty() || std::find(laws.begin(), laws.end(), b.law) != laws.end();
  });
}

bool needs_thorough(const std::string& law) {
  for (const char* x : {"monotone", "capacity", "neutral", "determinism", "text"})
    if (law == x) return true;
  return false;
}

std::string lines(const Breaches& breaches, const std::string& before) {
  std::string out;
  for (const Breach& b : breaches) out += before + b.law + ": " + b.text + "\n";
  return out;
}

// Messages may hold a report of several lines.
std::string commented(const std::string& text) {
  std::stringstream in(text);
  std::string out, line;
  while (std::getline(in, line)) out += "#   " + line + "\n";
  return out;
}

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) throw input::InputError(fmt::format("cannot write {}", path.string()));
}

// Ready to run: the case and the command that shows what is wrong with it.
void write_reproduction(const fs::path& folder, const Campaign& c, const FailingCase& f,
                        const Case& small) {
  fs::create_directories(folder);
  write_file(folder / "case.m", mapping_text(small));
  write_file(folder / "machine.yaml", machine_yaml(small.machine));
  const std::string script = fmt::format(
      "#!/bin/sh\n"
      "# Case {0} of `counterpoint fuzz --seed {1}`, made small. What is wrong with it:\n{2}"
      "# The exit status is 1 while that is so. Both models side by side:\n"
      "#   counterpoint validate --machine machine.yaml --network case.m --waive-capacity --all\n"
      "# The case as it was drawn: counterpoint fuzz --seed {1} --first {0} --cases 1\n"
      "cd \"$(dirname \"$0\")\" || exit 2\n"
      "exec \"${{COUNTERPOINT:-counterpoint}}\" fuzz --replay .\n",
      f.number, c.seed, commented(lines(f.small_breaches, "")));
  write_file(folder / "run.sh", script);
  fs::permissions(folder / "run.sh", fs::perms::owner_exec | fs::perms::group_exec,
                  fs::perm_options::add);
}

// Makes a failing case small, and writes it down.
void examine(const Campaign& c, FailingCase& f) {
  // Drawn apart: the case may be what crashes the binding.
  const Ended ended = run_apart([&](const Write& write) {
    limit_time(c.case_seconds);
    const Draw d = draw(c.seed, f.number);
    write(line_of({{"mapping", mapping_text(d.c)}, {"machine", machine_yaml(d.c.machine)}}));
  });
  const Json text = Json::parse(ended.text, nullptr, false);
  if (!ended.ok || text.is_discarded()) {
    f.text = "the case cannot be drawn: the process " + ended.how() + "\n";
    return;
  }
  Case found;
  {
    // As text, because that is what the reproduction is. If it is not the same case read again,
    // that is what is wrong with it.
    auto read = read_case(text["mapping"].get<std::string>(), "case.m",
                          text["machine"].get<std::string>(), "machine.yaml");
    found = read.found ? std::move(*read.found) : draw(c.seed, f.number).c;
  }
  std::vector<std::string> laws;
  for (const Breach& b : f.breaches) laws.push_back(b.law);
  std::sort(laws.begin(), laws.end());
  laws.erase(std::unique(laws.begin(), laws.end()), laws.end());
  int steps = 0;
  const int seconds = std::min(c.case_seconds, static_cast<int>(kShrinkSeconds));
  const auto fails = [&](const Case& candidate) {
    if (++steps > kShrinkSteps) return false;
    auto read = read_case(mapping_text(candidate), "case.m", machine_yaml(candidate.machine),
                          "machine.yaml");
    if (!read.found) return false;
    const Breaches b = check_apart(*read.found, seconds, laws, c.also);
    if (breaks(b, {"hang"})) steps += kShrinkSteps / 40;
    return breaks(b, laws);
  };
  Case small = found;
  if (c.small && fails(found)) small = shrink(found, fails);
  f.text = mapping_text(small) + machine_yaml(small.machine);
  f.small_breaches = check_apart(small, c.case_seconds, {}, c.also);
  if (f.small_breaches.empty()) f.small_breaches = f.breaches;
  if (c.out.empty()) return;
  const fs::path folder = fs::path(c.out) / fmt::format("case-{:06}", f.number);
  write_reproduction(folder, c, f, small);
  f.folder = folder.string();
}

std::string summarize(const Campaign& c, const State& s) {
  std::string out =
      fmt::format("fuzz: seed {}, cases {} to {}: {} checked, {} failing\n", c.seed, c.first,
                  c.first + s.done - (s.done > 0 ? 1 : 0), s.done, s.failing.size());
  std::uint64_t refused = 0;
  for (const auto& [code, n] : s.refused) refused += n;
  out += fmt::format("\nmappings drawn: {}, of which illegal and refused: {}\n", refused + s.done,
                     refused);
  for (const auto& [code, n] : s.refused) out += fmt::format("  {:<44}{:>10}\n", code, n);
  std::string group, never;
  for (std::size_t f = 0; f < features().size(); ++f) {
    const Feature& feature = features()[f];
    if (feature.group != group) out += fmt::format("\n{}\n", group = feature.group);
    out += fmt::format("  {:<44}{:>10}\n", feature.name, s.has[f]);
    if (s.has[f] == 0) never += fmt::format("  {}: {}\n", feature.group, feature.name);
  }
  out += fmt::format(
      "\nchecked for all laws (the others: agreement, function, laws 1 to 4)\n"
      "  {:<44}{:>10}\n",
      "cases", s.has.back());
  if (!never.empty()) out += "\nnever drawn:\n" + never;
  for (const FailingCase& f : s.failing) {
    out += fmt::format("\nFAILED: case {}\n{}", f.number, lines(f.breaches, "  "));
    if (!f.folder.empty())
      out += fmt::format("reproduction: {}/run.sh\n", f.folder);
    else
      out += "made small:\n" + lines(f.small_breaches, "  ") + f.text;
  }
  return out;
}

}  // namespace

Draw draw(std::uint64_t seed, std::uint64_t number) {
  const std::uint64_t key = mix(seed, number);
  const Limits limits = limits_of(key);
  Draw d;
  d.thorough = (key >> 32) % 4 == 0;
  for (std::uint64_t n = 0; n < kMostDraws; ++n) {
    d.c = generate(mix(key, n), limits);
    d.bound = workloads::bind(d.c.layer.layer, *d.c.layer.dataflow, d.c.machine, {true});
    if (d.bound.mapping) return d;
    std::string code = "without a reason";
    for (const input::Diagnostic& x : d.bound.diagnostics)
      if (x.severity == input::Severity::Error) {
        code = x.code;
        break;
      }
    d.refused.push_back(code);
  }
  throw std::logic_error(fmt::format("no legal case among {} draws", kMostDraws));
}

Breaches check_apart(const Case& c, int seconds, const std::vector<std::string>& laws,
                     const AnotherLaw& also) {
  const bool thorough = laws.empty() || std::any_of(laws.begin(), laws.end(), needs_thorough);
  const Ended ended = run_apart([&](const Write& write) {
    limit_time(seconds);
    const auto bound = workloads::bind(c.layer.layer, *c.layer.dataflow, c.machine, {true});
    write(line_of(bound.mapping ? to_json(check_all(c, *bound.mapping, thorough, also).breaches)
                                : Json::array()));
  });
  const Json report = Json::parse(ended.text, nullptr, false);
  if (ended.ok && report.is_array()) return from_json(report);
  return {{ended.timeout ? "hang" : "crash", "the process " + ended.how()}};
}

CampaignResult run_campaign(const Campaign& c) {
  const auto start = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  const fs::path state_file = fs::path(c.out) / "state.json";
  const std::string identity = fmt::format("{} seed {} first {}", c.fingerprint, c.seed, c.first);
  State state;
  double before_seconds = 0;  // of the runs that this one goes on with
  if (!c.out.empty()) {
    std::error_code failed;
    fs::create_directories(c.out, failed);
    if (failed) throw input::InputError(fmt::format("cannot create {}", c.out));
    std::ifstream in(state_file);
    std::stringstream text;
    text << in.rdbuf();
    if (in && c.resume) {
      const Json j = Json::parse(text.str(), nullptr, false);
      if (!j.is_object() || j.value("campaign", "") != identity)
        throw input::InputError(fmt::format(
            "{} belongs to another seed or another build of the program: name another folder with "
            "--out",
            state_file.string()));
      state = State::read(j);
      before_seconds = j.value("seconds", 0.0);
      if (state.done > c.cases)
        throw input::InputError(fmt::format("{} holds {} cases already: ask for more with --cases",
                                            state_file.string(), state.done));
    } else if (in) {
      throw input::InputError(
          fmt::format("{} is of an earlier campaign: go on with --resume, or name another folder "
                      "with --out",
                      state_file.string()));
    }
  }
  const auto save = [&] {
    if (c.out.empty()) return;
    Json j = state.json();
    j["campaign"] = identity;
    j["seconds"] = before_seconds + elapsed();
    write_file(state_file.string() + ".new", line_of(j));
    fs::rename(state_file.string() + ".new", state_file);
  };

  const std::uint64_t before = state.done;
  std::uint64_t next = state.done;                   // first case of the next chunk
  std::map<std::uint64_t, std::vector<Json>> ahead;  // chunks that wait for an earlier one
  input::ProgressLine progress("cases", static_cast<double>(c.cases), static_cast<double>(before),
                               true);
  Pool pool;
  pool.jobs = c.jobs;
  const auto end_of = [&](std::uint64_t from) { return std::min(c.cases, from + kChunk); };
  // A chunk whose process died goes on behind the case that killed it.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> again;  // first, last + 1
  std::map<std::uint64_t, std::uint64_t> ends;
  pool.next = [&]() -> std::optional<std::size_t> {
    if (!again.empty()) {
      const auto [from, to] = again.back();
      again.pop_back();
      ends[from] = to;
      return from;
    }
    if (next >= c.cases) return std::nullopt;
    const std::uint64_t from = next;
    ends[from] = next = end_of(from);
    return from;
  };
  pool.work = [&](std::size_t from, const Write& write) {
    for (std::uint64_t i = from; i < ends[from]; ++i) {
      limit_time(c.case_seconds);
      write(line_of(check_number(c.seed, c.first + i, c.also)));
    }
  };
  pool.finished = [&](std::size_t from, const Ended& ended) {
    const std::uint64_t to = ends[from];
    std::vector<Json> reports;
    std::stringstream in(ended.text);
    std::string line;
    while (std::getline(in, line)) {
      Json j = Json::parse(line, nullptr, false);
      if (j.is_object()) reports.push_back(std::move(j));
    }
    const std::uint64_t reached = from + reports.size();
    if (reached < to) {
      Json j;
      j["number"] = c.first + reached;
      j["breaches"] = to_json({{ended.timeout ? "hang" : "crash", "the process " + ended.how()}});
      reports.push_back(std::move(j));
      if (reached + 1 < to) again.emplace_back(reached + 1, to);
    }
    ahead[from] = std::move(reports);
    bool merged = false;
    while (!ahead.empty() && ahead.begin()->first == state.done) {
      const std::vector<Json> chunk = std::move(ahead.begin()->second);
      ahead.erase(ahead.begin());
      merged = true;
      for (const Json& report : chunk) {
        state.add(report);
        if (!report.contains("breaches")) continue;
        FailingCase f;
        f.number = report["number"].get<std::uint64_t>();
        f.breaches = from_json(report["breaches"]);
        examine(c, f);
        state.failing.push_back(std::move(f));
        if (state.failing.size() >= c.failures) {
          save();
          return false;
        }
      }
    }
    if (merged) save();
    return true;
  };
  std::uint64_t told = before;
  pool.tick = [&] {
    if (c.seconds > 0 && elapsed() > c.seconds) return false;
    progress.advance(static_cast<double>(state.done - told),
                     fmt::format("{} failing", state.failing.size()));
    told = state.done;
    return true;
  };
  CampaignResult result;
  const bool enough = state.failing.size() >= c.failures;
  const bool interrupted = !enough && state.done < c.cases && run_pool(pool);
  progress.clear();
  result.interrupted = interrupted && state.done < c.cases;
  result.cases = state.done;
  result.summary = summarize(c, state);
  result.failing = state.failing;
  result.seconds = before_seconds + elapsed();
  if (!c.out.empty()) {
    save();
    write_file(fs::path(c.out) / "summary.txt", result.summary);
  }
  return result;
}

}  // namespace counterpoint::validation::fuzz
