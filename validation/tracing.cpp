// SPDX-License-Identifier: Apache-2.0
#include "validation/tracing.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <streambuf>

#include "analytic/estimator.h"
#include "input/diagnostics.h"
#include "sim/trace/profile.h"
#include "sim/trace/timeline.h"

namespace counterpoint::validation {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// A stream into a program's standard input.
class Pipe : public std::streambuf {
 public:
  explicit Pipe(const std::string& command) : file_(popen(command.c_str(), "w")) {
#ifdef F_SETPIPE_SZ  // Linux: a large one lets both run side by side
    if (file_ != nullptr) fcntl(fileno(file_), F_SETPIPE_SZ, 1 << 20);
#endif
  }
  ~Pipe() override {
    finish();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  bool finish() {  ///< whether the program did its work
    if (file_ == nullptr) return good_;
    good_ = pclose(file_) == 0 && good_;
    file_ = nullptr;
    return good_;
  }

 protected:
  std::streamsize xsputn(const char* text, std::streamsize n) override {
    if (file_ == nullptr ||
        std::fwrite(text, 1, static_cast<std::size_t>(n), file_) != static_cast<std::size_t>(n))
      good_ = false;
    return good_ ? n : 0;
  }
  int overflow(int c) override {
    const char one = static_cast<char>(c);
    return xsputn(&one, 1) == 1 ? c : traits_type::eof();
  }

 private:
  std::FILE* file_;
  bool good_ = true;
};

std::string quoted(const std::string& path) {
  std::string out = "'";
  for (const char c : path) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

bool have(const char* program) {
  return std::system(fmt::format("command -v {} >/dev/null 2>&1", program).c_str()) == 0;
}

// Finds the times of a step, or of the longest gap.
class Finder : public sim::Observer {
 public:
  explicit Finder(std::int64_t step) : step_(step) {}
  void begin(const std::vector<sim::ArrayDescription>& arrays) override {
    for (const sim::ArrayDescription& a : arrays) {
      ends_.push_back(0);
      if (a.pes && first_ < 0) first_ = static_cast<int>(ends_.size()) - 1;
    }
  }
  void fill(const sim::FillEvent& e) override {
    if (e.array == first_ && e.step == step_ && e.words[0] + e.words[1] + e.words[2] > 0)
      from_ = std::min(from_, e.start);
  }
  void work(const sim::WorkEvent& e) override {
    std::int64_t& end = ends_[static_cast<std::size_t>(e.array)];
    if (e.start - end > longest_.to - longest_.from) longest_ = {end, e.start};
    end = e.end;
    if (e.array != first_ || e.step != step_) return;
    from_ = std::min(from_, e.start);
    to_ = e.end;
  }
  bool found() const { return to_ >= 0; }
  Window step() const { return {from_, to_ + 1}; }
  Window longest() const { return longest_; }

 private:
  std::int64_t step_;
  int first_ = -1;
  std::vector<std::int64_t> ends_;
  std::int64_t from_ = kForever, to_ = -1;
  Window longest_{0, 0};
};

std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || n < 0) return std::nullopt;
  return n;
}

Json series(const sim::Bins& bins) {
  return Json(bins.values);
}

// Links between routers and to children: of all arrays with such a network together, which have
// the same routers.
Json routed_json(const std::vector<sim::RoutedUse>& all) {
  Json out = Json::array();
  for (const sim::RoutedUse& u : all) {
    const auto same = std::find_if(out.begin(), out.end(), [&u](const Json& j) {
      return j["network"] == u.network && j["plane"] == u.plane;
    });
    if (same != out.end()) {
      (*same)["arrays"] = (*same)["arrays"].get<int>() + 1;
      (*same)["cycles"] = (*same)["cycles"].get<std::int64_t>() + u.network_cycles;
      for (std::size_t i = 0; i < u.links.size(); ++i) {
        Json& l = (*same)["links"][i];
        l["used"] = l["used"].get<std::int64_t>() + u.links[i].used;
        l["stalled"] = l["stalled"].get<std::int64_t>() + u.links[i].stalled;
        l["lost"] = l["lost"].get<std::int64_t>() + u.links[i].lost;
      }
      continue;
    }
    Json j = {{"network", u.network}, {"plane", u.plane},     {"arrays", 1},
              {"columns", u.columns}, {"routers", u.routers}, {"cycles", u.network_cycles}};
    j["links"] = Json::array();
    for (const sim::RoutedLink& l : u.links) {
      Json link = {{"name", l.name}, {"from", l.router}};
      if (l.to_router >= 0) link["to"] = l.to_router;
      link["used"] = l.used;
      link["stalled"] = l.stalled;
      link["lost"] = l.lost;
      j["links"].push_back(std::move(link));
    }
    out.push_back(std::move(j));
  }
  return out;
}

Json profile_json(const workloads::Mapping& m, const sim::Profile& p) {
  Json j;
  j["bin_cycles"] = p.bin_cycles;
  j["macs"] = series(p.macs);
  j["networks"] = Json::array();
  for (std::size_t i = 0; i < p.networks.size(); ++i)
    j["networks"].push_back({{"name", m.machine.network[i].name},
                             {"children", m.nest.levels[i].units},
                             {"to_children", series(p.networks[i].to_children)},
                             {"to_parent", series(p.networks[i].to_parent)},
                             {"delivered", p.networks[i].delivered}});
  j["pes_per_array"] = m.nest.levels.back().units;
  j["pe_macs"] = p.pe_macs;
  j["array_busy_cycles"] = p.array_busy;
  return j;
}

std::string gtkw_of(const std::string& waveform) {
  return waveform.substr(0, waveform.size() - 4) + ".gtkw";
}

// A waveform that refuses a scope without signals before the run, and not after it.
class ScopedWaveform : public sim::Waveform {
 public:
  ScopedWaveform(const workloads::Mapping& mapping, const sim::WaveformOptions& options,
                 std::ostream& out)
      : Waveform(mapping, options, out), scope_(options.scope) {}
  void begin(const std::vector<sim::ArrayDescription>& arrays) override {
    Waveform::begin(arrays);
    if (signals() > 0) return;
    std::string names;
    for (const std::string& n : some_names()) names += (names.empty() ? "" : ", ") + n;
    throw input::InputError(
        fmt::format("--trace-scope {}: no signal at this --trace-level matches; signals are {} ...",
                    scope_, names));
  }

 private:
  std::string scope_;
};

// Whether a simulation has to find the window.
bool takes_a_run(const std::string& window) {
  return window == "stall" || window.rfind("step:", 0) == 0;
}

std::string base_name(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

}  // namespace

sim::TraceLevel trace_level(const std::string& name) {
  constexpr std::array<std::pair<const char*, sim::TraceLevel>, 4> kLevels = {
      {{"summary", sim::TraceLevel::Summary},
       {"links", sim::TraceLevel::Links},
       {"pes", sim::TraceLevel::Pes},
       {"data", sim::TraceLevel::Data}}};
  for (const auto& [text, level] : kLevels)
    if (name == text) return level;
  throw input::InputError(fmt::format("--trace-level {}: it is summary, links, pes or data", name));
}

std::int64_t trace_size(const std::string& text) {
  std::string digits = text;
  std::int64_t unit = 1;
  if (!digits.empty()) {
    const std::string kUnits = "KMG";
    const std::size_t at = kUnits.find(digits.back());
    if (at != std::string::npos) {
      unit = std::int64_t{1} << (10 * (at + 1));
      digits.pop_back();
    }
  }
  const auto n = number(digits);
  if (!n || *n < 1 || *n > (std::int64_t{1} << 50) / unit)
    throw input::InputError(
        fmt::format("--trace-limit {}: it is a number of bytes, with K, M or G (512M)", text));
  return *n * unit;
}

Window find_window(const workloads::Mapping& mapping, const std::string& window,
                   const std::function<void(std::int64_t cycle)>& advanced) {
  if (window.empty()) return {};
  const auto refuse = [&](const std::string& why) {
    return input::InputError(fmt::format("--trace-window {}: {}", window, why));
  };
  const bool step = window.rfind("step:", 0) == 0;
  if (takes_a_run(window)) {
    std::int64_t n = -1;
    if (step) {
      const auto given = number(window.substr(5));
      if (!given) throw refuse("a step is a number from 0");
      n = *given;
    }
    Finder finder(n);
    sim::SimOptions options;
    options.carry_data = false;
    options.observer = &finder;
    options.advanced = advanced;
    const sim::SimOutcome run = sim::simulate(mapping, options);
    if (step) {
      if (!finder.found())
        throw refuse(fmt::format("the layer has {} steps", run.result.steps / run.result.arrays));
      return finder.step();
    }
    Window w = finder.longest();
    const std::int64_t around = std::max<std::int64_t>((w.to - w.from) / 4, 16);
    return {std::max<std::int64_t>(w.from - around, 0), w.to + around};
  }
  const std::size_t colon = window.find(':');
  if (colon == std::string::npos) throw refuse("it is FROM:TO, step:N or stall");
  const std::string first = window.substr(0, colon), last = window.substr(colon + 1);
  const auto from = first.empty() ? std::optional<std::int64_t>(0) : number(first);
  const auto to = last.empty() ? std::optional<std::int64_t>(kForever) : number(last);
  if (!from || !to) throw refuse("FROM and TO are cycles, numbers from 0");
  if (*from >= *to) throw refuse("FROM must be before TO");
  return {*from, *to};
}

double simulated_cycles(const workloads::Mapping& mapping, const std::string& window) {
  const auto cycles = static_cast<double>(analytic::estimate(mapping).cycles);
  return std::max(1.0, cycles * (takes_a_run(window) ? 2 : 1));
}

double waveform_estimate(const workloads::Mapping& mapping, sim::TraceLevel level) {
  const stats::LayerResult r = analytic::estimate(mapping);
  // A change takes about 8 bytes, a time 8. A step of an array changes its number and the rate of
  // work, beside its words and slots; the rate of a PE changes where work stops; operands and
  // partial sums in every step.
  const double steps = static_cast<double>(r.steps);
  const stats::CycleStack& k = r.stack;
  const double stops = std::min(
      steps, static_cast<double>(k.level_above + k.bandwidth + k.drain + k.latency + k.contention));
  const double active =
      static_cast<double>(r.macs) /
      std::max(1.0, static_cast<double>(k.compute) * static_cast<double>(r.lanes));
  double bytes = 20 * steps + 30 * stops;
  if (level >= sim::TraceLevel::Links) bytes += 370 * steps;
  if (level >= sim::TraceLevel::Pes) bytes += 10 * stops * active;
  if (level >= sim::TraceLevel::Data) bytes += 40 * steps * active;
  return bytes;
}

double timeline_estimate(const workloads::Mapping& mapping) {
  // A few slices of 150 to 200 bytes and changes of counters of 80.
  return 1400 * static_cast<double>(analytic::estimate(mapping).steps);
}

void check_files(const TraceOptions& trace) {
  const bool fst = ends_with(trace.waveform, ".fst");
  if (!trace.waveform.empty() && !fst && !ends_with(trace.waveform, ".vcd"))
    throw input::InputError(
        fmt::format("--trace {}: the file's name ends in .vcd or .fst", trace.waveform));
  if (fst && !have("vcd2fst"))
    throw input::InputError(fmt::format(
        "--trace {}: vcd2fst is not installed (Debian's package gtkwave has it); a .vcd needs "
        "nothing",
        trace.waveform));
  if (!trace.waveform.empty() &&
      (trace.timeline == trace.waveform || trace.timeline == gtkw_of(trace.waveform)))
    throw input::InputError(
        fmt::format("--timeline {}: that file is written by --trace", trace.timeline));
}

Traced simulate_traced(const workloads::Mapping& mapping, sim::SimOptions options,
                       const TraceOptions& trace, const std::function<void(double)>& progress) {
  Traced out;
  std::int64_t before = 0;  // cycles of the run that finds the window
  const double cycles_ahead = simulated_cycles(mapping, trace.window);
  if (progress)
    options.advanced = [&](std::int64_t cycle) {
      progress(std::min(1.0, static_cast<double>(before + cycle) / cycles_ahead));
    };
  const Window window = find_window(mapping, trace.window, options.advanced);
  if (takes_a_run(trace.window)) before = static_cast<std::int64_t>(cycles_ahead / 2);
  check_files(trace);
  sim::Observers all;
  const bool fst = ends_with(trace.waveform, ".fst");
  const auto cannot = [](const std::string& file) {
    return input::InputError(fmt::format("cannot write {}", file));
  };
  std::ofstream file;
  std::optional<Pipe> pipe;
  std::ostream stream(nullptr);
  std::unique_ptr<sim::Waveform> waveform;
  std::unique_ptr<sim::Timeline> timeline;
  // What was begun in vain does not stay.
  const auto remove = [&] {
    if (pipe) pipe->finish();
    if (waveform) std::remove(trace.waveform.c_str());
    if (timeline) std::remove(trace.timeline.c_str());
  };
  if (!trace.waveform.empty()) {
    // Also for an .fst: its writer would not say that the place cannot be written.
    file.open(trace.waveform, std::ios::binary);
    if (!file) throw cannot(trace.waveform);
    if (fst) {
      file.close();
      std::signal(SIGPIPE, SIG_IGN);
      pipe.emplace(fmt::format("vcd2fst -v - -f {} >/dev/null 2>&1", quoted(trace.waveform)));
      stream.rdbuf(&*pipe);
    } else {
      stream.rdbuf(file.rdbuf());
    }
    waveform = std::make_unique<ScopedWaveform>(
        mapping,
        sim::WaveformOptions{trace.level, window.from, window.to, trace.scope, trace.limit_bytes},
        stream);
    all.add(waveform.get());
  }
  std::ofstream json;
  if (!trace.timeline.empty()) {
    json.open(trace.timeline, std::ios::binary);
    if (!json) {
      remove();
      throw cannot(trace.timeline);
    }
    timeline = std::make_unique<sim::Timeline>(
        mapping, sim::TimelineOptions{window.from, window.to, trace.limit_bytes});
    all.add(timeline.get());
  }
  sim::Profile profile;
  if (trace.profile) all.add(&profile);
  options.observer = all.only();
  try {
    out.outcome = sim::simulate(mapping, options);
  } catch (...) {
    remove();
    throw;
  }

  const std::int64_t cycles = out.outcome.result.cycles;
  const auto window_json = [&] { return Json::array({window.from, std::min(window.to, cycles)}); };
  if (trace.profile) {
    out.profile = profile_json(mapping, profile);
    if (!out.outcome.routed.empty()) out.profile["routed"] = routed_json(out.outcome.routed);
  }
  if (window.from >= std::max<std::int64_t>(cycles, 1) && (waveform || timeline)) {
    remove();
    throw input::InputError(
        fmt::format("--trace-window {}: the run ends after {} cycles", trace.window, cycles));
  }
  if (waveform) {
    stream.flush();
    const bool good = stream.good() && (!pipe || pipe->finish());
    if (file.is_open()) file.close();
    if (!good || !file) throw cannot(trace.waveform);
    const std::string save = gtkw_of(trace.waveform);
    std::ofstream gtkw(save);
    gtkw << waveform->save_file(base_name(trace.waveform));
    gtkw.close();
    if (!gtkw) throw cannot(save);
    Json w = {{"file", trace.waveform},
              {"save_file", save},
              {"signals", waveform->signals()},
              {"vcd_bytes", waveform->bytes()},
              {"window", window_json()}};
    if (waveform->stopped_at() >= 0) w["limit_reached_at"] = waveform->stopped_at();
    out.trace["waveform"] = std::move(w);
  }
  if (timeline) {
    timeline->write_json(json);
    json.close();
    if (!json) throw cannot(trace.timeline);
    Json t = {{"file", trace.timeline}, {"slices", timeline->slices()}, {"window", window_json()}};
    if (timeline->stopped_at() >= 0) t["limit_reached_at"] = timeline->stopped_at();
    out.trace["timeline"] = std::move(t);
  }
  return out;
}

}  // namespace counterpoint::validation
