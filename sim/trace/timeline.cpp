// SPDX-License-Identifier: Apache-2.0
#include "sim/trace/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace counterpoint::sim {
namespace {

constexpr std::int64_t kSliceBytes = 260, kPointBytes = 90;  // of JSON text, about

std::size_t at(Tensor t) {
  return static_cast<std::size_t>(workloads::index(t));
}

constexpr std::array<const char*, 3> kTensors = {"input", "weight", "output"};

}  // namespace

Timeline::Timeline(const workloads::Mapping& mapping, TimelineOptions options)
    : mapping_(mapping), options_(options) {}

void Timeline::begin(const std::vector<ArrayDescription>& arrays) {
  const auto& storage = mapping_.machine.storage;
  const auto& levels = mapping_.nest.levels;
  for (const ArrayDescription& a : arrays) {
    Unit u;
    u.name = storage[0].name;
    for (std::size_t d = 0; d < a.path.size(); ++d) {
      u.name = storage[d + 1].name;
      if (levels[d].units > 1) u.name += fmt::format("_{}", a.path[d]);
    }
    if (a.path.size() > 1) {  // which of several
      std::string outer;
      for (std::size_t d = 0; d + 1 < a.path.size(); ++d)
        if (levels[d].units > 1) outer += fmt::format("{}_{}.", storage[d + 1].name, a.path[d]);
      u.name = outer + u.name;
    }
    u.pes = a.pes;
    u.slots = a.slots;
    u.slot_words.assign(static_cast<std::size_t>(a.slots), {});
    const std::size_t unit = units_.size();
    const auto track = [&](const std::string& name) {
      tracks_.push_back({unit, name});
      return static_cast<std::uint32_t>(tracks_.size() - 1);
    };
    for (const auto& channel : a.channels)
      u.fills.push_back(track(
          a.channels.size() == 1 ? "fill" : "fill " + std::string(workloads::name(channel[0]))));
    if (a.pes) {
      u.work = track("work");
      u.gaps = track("waits");
    }
    u.drain = track("drain");
    const auto counter = [&](const std::string& name) {
      counters_.emplace_back(unit, name);
      return static_cast<std::uint32_t>(counters_.size() - 1);
    };
    u.held = counter("words held by children");
    u.down = counter("words per cycle to children");
    u.up = counter("words per cycle to parent");
    units_.push_back(std::move(u));
  }
}

// Whether a slice is recorded; counts its text.
bool Timeline::keep(std::int64_t start, std::int64_t end) {
  if (start >= options_.to || (end <= options_.from && start < options_.from)) return false;
  if (stopped_at_ >= 0) return false;
  bytes_ += kSliceBytes;
  if (options_.limit_bytes > 0 && bytes_ > options_.limit_bytes) {
    stopped_at_ = start;
    return false;
  }
  return true;
}

void Timeline::carry(std::uint32_t counter, std::int64_t words, std::int64_t from,
                     std::int64_t to) {
  if (words == 0 || to <= from || from >= options_.to || to <= options_.from || stopped_at_ >= 0)
    return;
  points_.push_back({from, counter, words * 1000 / (to - from)});
  points_.push_back({to, counter, 0});
  bytes_ += 2 * kPointBytes;
}

void Timeline::hold(Unit& u, std::size_t tensor, std::int64_t residence, std::int64_t words,
                    std::int64_t time) {
  std::int64_t& slot = u.slot_words[static_cast<std::size_t>(residence % u.slots)][tensor];
  const std::int64_t change = words - slot;
  slot = words;
  if (change == 0 || time >= options_.to || stopped_at_ >= 0) return;
  points_.push_back({time, u.held, change * 1000});
  bytes_ += time < options_.from ? 0 : kPointBytes;
}

void Timeline::fill(const FillEvent& e) {
  Unit& u = units_[static_cast<std::size_t>(e.array)];
  // The words of a residence take their slot when they are sent: what is in flight has its place.
  for (std::size_t x = 0; x < 3; ++x)
    if (e.residence[x] >= 0) hold(u, x, e.residence[x], e.tile[x], e.start);
  const std::int64_t words = e.words[0] + e.words[1] + e.words[2];
  if (words == 0) return;
  carry(u.down, words, e.start, e.injected);
  if (!keep(e.start, e.injected)) return;
  const std::int64_t parent = std::max(e.parent, e.channel_free);
  const std::int64_t slot = std::max(e.slot, parent);
  slices_.push_back({e.start, e.injected, u.fills[static_cast<std::size_t>(e.channel)], Kind::Fill,
                     CycleClass::Compute, e.step, e.words, e.tile, parent - e.channel_free,
                     slot - parent, e.start - slot, e.arrival});
}

void Timeline::drain(const DrainEvent& e) {
  Unit& u = units_[static_cast<std::size_t>(e.array)];
  if (e.words == 0) return;
  carry(u.up, e.words, e.start, e.injected);
  if (!keep(e.start, e.injected)) return;
  slices_.push_back({e.start,
                     e.injected,
                     u.drain,
                     Kind::Drain,
                     CycleClass::Compute,
                     e.residence,
                     {0, 0, e.words},
                     {0, 0, e.senders},
                     0,
                     0,
                     0,
                     e.arrival});
}

void Timeline::work(const WorkEvent& e) {
  Unit& u = units_[static_cast<std::size_t>(e.array)];
  std::int64_t from = u.known;
  for (const WorkEvent::Piece& p : e.gap) {
    if (p.until > from && keep(from, p.until))
      slices_.push_back({from, p.until, u.gaps, Kind::Gap, p.of, e.step, {}, {}, 0, 0, 0, p.until});
    from = p.until;
  }
  if (u.known < 0 && e.start > 0 && keep(0, e.start))
    slices_.push_back(
        {0, e.start, u.gaps, Kind::Gap, CycleClass::Startup, e.step, {}, {}, 0, 0, 0, e.start});
  u.known = e.end;
  if (!keep(e.start, e.end)) return;
  slices_.push_back({e.start,
                     e.end,
                     u.work,
                     Kind::Work,
                     CycleClass::Compute,
                     e.step,
                     {e.macs, 0, 0},
                     {},
                     0,
                     0,
                     0,
                     e.end});
}

void Timeline::outputs_begin(int array, std::int64_t residence, std::int64_t tile,
                             std::int64_t now) {
  Unit& u = units_[static_cast<std::size_t>(array)];
  if (residence <= u.outputs) return;
  u.outputs = residence;
  hold(u, 2, residence, tile, now);
}

void Timeline::released(int array, Tensor t, std::int64_t first, std::int64_t last,
                        std::int64_t now) {
  Unit& u = units_[static_cast<std::size_t>(array)];
  for (std::int64_t g = std::max(first, last - u.slots); g < last; ++g) hold(u, at(t), g, 0, now);
}

void Timeline::end(std::int64_t cycles) {
  cycles_ = cycles;
  for (Unit& u : units_) {
    if (!u.pes) continue;
    const std::int64_t from = std::max<std::int64_t>(u.known, 0);
    if (from < cycles && keep(from, cycles))
      slices_.push_back({from,
                         cycles,
                         u.gaps,
                         Kind::Gap,
                         u.known < 0 ? CycleClass::Startup : CycleClass::Tail,
                         -1,
                         {},
                         {},
                         0,
                         0,
                         0,
                         cycles});
  }
}

std::vector<const Timeline::Slice*> Timeline::ordered() const {
  std::vector<const Slice*> all;
  for (const Slice& s : slices_) all.push_back(&s);
  std::stable_sort(all.begin(), all.end(), [](const Slice* a, const Slice* b) {
    return a->start != b->start ? a->start < b->start : a->track < b->track;
  });
  return all;
}

std::string Timeline::title(const Slice& s) const {
  switch (s.kind) {
    case Kind::Fill: {
      std::string tensors;
      for (std::size_t x = 0; x < 3; ++x)
        if (s.words[x] > 0)
          tensors += std::string(tensors.empty() ? "" : "+") + (x == 2 ? "psum" : kTensors[x]);
      return fmt::format("fill {} for step {}", tensors, s.step);
    }
    case Kind::Drain: return fmt::format("drain {}", s.step);
    case Kind::Work: return fmt::format("step {}", s.step);
    case Kind::Gap: break;
  }
  return name(s.of);
}

void Timeline::write_json(std::ostream& out) const {
  out << "{\"displayTimeUnit\": \"ms\",\n\"otherData\": {\"unit\": \"1 us is 1 cycle\"},\n"
         "\"traceEvents\": [\n";
  for (std::size_t u = 0; u < units_.size(); ++u) {
    if (u > 0) out << ",\n";
    const nlohmann::json name = units_[u].name;
    out << fmt::format(
        R"({{"ph": "M", "name": "process_name", "pid": {}, "args": {{"name": {}}}}})", u + 1,
        name.dump());
  }
  for (std::size_t t = 0; t < tracks_.size(); ++t) {
    const nlohmann::json name = tracks_[t].name;
    out << fmt::format(
        ",\n"
        R"({{"ph": "M", "name": "thread_name", "pid": {}, "tid": {}, "args": {{"name": {}}}}})",
        tracks_[t].unit + 1, t + 1, name.dump());
    out << fmt::format(
        ",\n"
        R"({{"ph": "M", "name": "thread_sort_index", "pid": {}, "tid": {}, "args": {{"sort_index": {}}}}})",
        tracks_[t].unit + 1, t + 1, t + 1);
  }
  const std::vector<const Slice*> slices = ordered();
  // Counters fall and rise within a cycle: only its last value counts.
  std::map<std::pair<std::int64_t, std::uint32_t>, std::int64_t> last;
  std::vector<Point> points = points_;
  std::stable_sort(points.begin(), points.end(),
                   [](const Point& a, const Point& b) { return a.time < b.time; });
  std::vector<bool> changes(counters_.size(), false);
  for (const Unit& u : units_) changes[u.held] = true;
  std::vector<std::int64_t> held(counters_.size(), 0);
  for (const Point& p : points) {
    if (p.time >= options_.to) break;
    held[p.counter] = changes[p.counter] ? held[p.counter] + p.thousandths : p.thousandths;
    last[{std::max(p.time, options_.from), p.counter}] = held[p.counter];
  }
  std::size_t i = 0;
  auto point = last.begin();
  while (i < slices.size() || point != last.end()) {
    if (point != last.end() && (i == slices.size() || point->first.first <= slices[i]->start)) {
      const auto& [unit, name] = counters_[point->first.second];
      out << fmt::format(
          ",\n"
          R"({{"ph": "C", "name": "{}", "pid": {}, "ts": {}, "args": {{"words": {:g}}}}})",
          name, unit + 1, point->first.first, static_cast<double>(point->second) / 1000);
      ++point;
      continue;
    }
    const Slice& s = *slices[i++];
    std::string args;
    const auto arg = [&args](const std::string& key, std::int64_t value) {
      args += fmt::format("{}\"{}\": {}", args.empty() ? "" : ", ", key, value);
    };
    if (s.kind == Kind::Fill) {
      arg("step", s.step);
      for (std::size_t x = 0; x < 3; ++x) {
        if (s.words[x] == 0) continue;
        arg(std::string(kTensors[x]) + "_words", s.words[x]);
        arg(std::string(kTensors[x]) + "_tile", s.tile[x]);
      }
      arg("arrives", s.arrival);
      arg("waited_for_level_above", s.above);
      arg("waited_for_slot", s.slot);
      arg("waited_for_medium", s.medium);
    } else if (s.kind == Kind::Drain) {
      arg("residence", s.step);
      arg("output_words", s.words[2]);
      arg("words_of_all_senders", s.tile[2]);
      arg("arrives", s.arrival);
    } else if (s.kind == Kind::Work) {
      arg("step", s.step);
      arg("macs", s.words[0]);
    } else {
      arg("before_step", s.step);
    }
    out << fmt::format(
        ",\n"
        R"({{"ph": "X", "name": "{}", "cat": "{}", "pid": {}, "tid": {}, "ts": {}, "dur": {}, "args": {{{}}}}})",
        title(s),
        s.kind == Kind::Fill    ? "fill"
        : s.kind == Kind::Drain ? "drain"
        : s.kind == Kind::Work  ? "work"
                                : "wait",
        tracks_[s.track].unit + 1, s.track + 1, s.start, s.end - s.start, args);
  }
  out << "\n]}\n";
}

std::string Timeline::write_list() const {
  std::string out = fmt::format("{:>12} {:>12}  {:<32} {}\n", "from", "to", "track", "what");
  for (const Slice* s : ordered()) {
    std::string more;
    if (s->kind == Kind::Fill) {
      for (std::size_t x = 0; x < 3; ++x)
        if (s->words[x] > 0) more += fmt::format(", {} {}", s->words[x], kTensors[x]);
      more += fmt::format(", arrives {}", s->arrival);
      if (s->above > 0) more += fmt::format(", waited {} for the level above", s->above);
      if (s->slot > 0) more += fmt::format(", waited {} for a slot", s->slot);
      if (s->medium > 0) more += fmt::format(", waited {} for the medium", s->medium);
    } else if (s->kind == Kind::Drain) {
      more = fmt::format(", {} output, arrives {}", s->words[2], s->arrival);
    } else if (s->kind == Kind::Work) {
      more = fmt::format(", {} multiply-accumulates", s->words[0]);
    }
    out += fmt::format("{:>12} {:>12}  {:<32} {}\n", s->start, s->end,
                       units_[tracks_[s->track].unit].name + " " + tracks_[s->track].name,
                       title(*s) + more);
  }
  return out;
}

std::string Timeline::write_text(int columns) const {
  const std::int64_t to = std::min(options_.to, cycles_);
  const std::int64_t span = std::max<std::int64_t>(to - options_.from, 1);
  std::size_t label = 0;
  for (const Track& t : tracks_)
    label = std::max(label, units_[t.unit].name.size() + 1 + t.name.size());
  const std::int64_t room =
      std::max<std::int64_t>(columns - static_cast<std::int64_t>(label) - 2, 16);
  const std::int64_t each = (span + room - 1) / room;
  const std::int64_t used = (span + each - 1) / each;
  // Cycles of every kind in every column.
  const std::string keys = ".IWPMD#abdlcst";  // index 0: nothing
  const auto key_of = [](const Slice& s) -> std::size_t {
    if (s.kind == Kind::Fill) {
      const int n = (s.words[0] > 0) + (s.words[1] > 0) + (s.words[2] > 0);
      return n > 1 ? 4u : s.words[0] > 0 ? 1u : s.words[1] > 0 ? 2u : 3u;
    }
    if (s.kind == Kind::Drain) return 5;
    if (s.kind == Kind::Work) return 6;
    switch (s.of) {
      case CycleClass::LevelAbove: return 7;
      case CycleClass::Bandwidth: return 8;
      case CycleClass::Drain: return 9;
      case CycleClass::Latency: return 10;
      case CycleClass::Contention: return 11;
      case CycleClass::Startup: return 12;
      default: return 13;
    }
  };
  std::vector<std::vector<std::vector<std::int64_t>>> spent(
      tracks_.size(), std::vector<std::vector<std::int64_t>>(
                          static_cast<std::size_t>(used), std::vector<std::int64_t>(keys.size())));
  for (const Slice& s : slices_) {
    const std::int64_t a = std::max(s.start, options_.from) - options_.from;
    const std::int64_t b = std::min(s.end, to) - options_.from;
    for (std::int64_t c = a / each; c * each < b && c < used; ++c)
      spent[s.track][static_cast<std::size_t>(c)][key_of(s)] +=
          std::min(b, (c + 1) * each) - std::max(a, c * each);
  }
  std::string out =
      fmt::format("cycles {} to {} of {}, {} per character\n", options_.from, to, cycles_, each);
  for (std::size_t t = 0; t < tracks_.size(); ++t) {
    std::string row;
    for (auto& column : spent[t]) {
      std::int64_t all = 0;
      for (const std::int64_t n : column) all += n;
      const std::size_t most =
          static_cast<std::size_t>(std::max_element(column.begin(), column.end()) - column.begin());
      row += all == 0 ? '.' : 2 * all < each ? '-' : keys[most];
    }
    out += fmt::format("{:<{}} |{}|\n", units_[tracks_[t].unit].name + " " + tracks_[t].name, label,
                       row);
  }
  out +=
      "fills: I inputs, W weights, P partial sums, M several; D drains; # work; - less than half "
      "of "
      "the time; . nothing\n"
      "waits: a level above, b bandwidth, d drain or slot, l latency, c contention, s start-up, "
      "t tail\n";
  return out;
}

}  // namespace counterpoint::sim
