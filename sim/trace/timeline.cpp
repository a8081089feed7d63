// SPDX-License-Identifier: Apache-2.0
#include "sim/trace/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sim/trace/text_writer.h"

namespace counterpoint::sim {
namespace {

constexpr std::int64_t kSliceBytes = 90;  // of JSON text, at least

std::size_t at(Tensor t) {
  return static_cast<std::size_t>(workloads::index(t));
}

constexpr std::array<const char*, 3> kTensors = {"input", "weight", "output"};

}  // namespace

Timeline::Timeline(const workloads::Mapping& mapping, TimelineOptions options)
    : mapping_(mapping), options_(options) {
  for (const workloads::Dim d : workloads::kAllDims)
    if (mapping.layer.has(d) && mapping.layer[d] > 1) dims_.push_back(d);
}

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

// Whether a slice is recorded; counts the least that its text takes.
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

void Timeline::add(std::int64_t start, std::int64_t end, std::uint32_t track, Kind kind,
                   CycleClass of, std::int64_t step, std::size_t more) {
  slices_.push_back({start, end, step, track, static_cast<std::uint32_t>(more), kind, of});
}

void Timeline::carry(std::uint32_t counter, std::int64_t words, std::int64_t from,
                     std::int64_t to) {
  if (words == 0 || to <= from || from >= options_.to || to <= options_.from || stopped_at_ >= 0)
    return;
  const std::int64_t rate = words * 1000 / (to - from);
  points_.push_back({from, counter, rate});
  points_.push_back({to, counter, -rate});
}

void Timeline::hold(Unit& u, std::size_t tensor, std::int64_t residence, std::int64_t words,
                    std::int64_t time) {
  std::int64_t& slot = u.slot_words[static_cast<std::size_t>(residence % u.slots)][tensor];
  const std::int64_t change = words - slot;
  slot = words;
  if (change == 0 || time >= options_.to || stopped_at_ >= 0) return;
  points_.push_back({time, u.held, change * 1000});
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
  add(e.start, e.injected, u.fills[static_cast<std::size_t>(e.channel)], Kind::Fill,
      CycleClass::Compute, e.step, fills_.size());
  fills_.push_back(
      {e.words, e.tile, parent - e.channel_free, slot - parent, e.start - slot, e.arrival});
}

void Timeline::drain_waits(int array, Wait w, std::int64_t now) {
  Unit& u = units_[static_cast<std::size_t>(array)];
  u.drain_waited[static_cast<std::size_t>(u.drain_wait)] += now - u.drain_since;
  u.drain_wait = w;
  u.drain_since = now;
}

void Timeline::drain_starts(int array, std::int64_t now) {
  drain_waits(array, Wait::Nothing, now);
  Unit& u = units_[static_cast<std::size_t>(array)];
  u.drains_open.push_back({now, u.drain_waited});
  u.drain_waited = {};
}

void Timeline::drain(const DrainEvent& e) {
  Unit& u = units_[static_cast<std::size_t>(e.array)];
  if (e.words == 0) return;
  // Drains through routers are told when they have arrived, in any order.
  auto open = u.drains_open.begin();
  while (open->start != e.start) ++open;
  const std::array<std::int64_t, kWaits> waited = open->waited;
  u.drains_open.erase(open);
  carry(u.up, e.words, e.start, e.injected);
  if (!keep(e.start, e.injected)) return;
  add(e.start, e.injected, u.drain, Kind::Drain, CycleClass::Compute, e.residence, drains_.size());
  drains_.push_back({e.words, e.senders, waited[static_cast<std::size_t>(Wait::Slot)],
                     waited[static_cast<std::size_t>(Wait::Medium)], e.arrival});
}

void Timeline::work(const WorkEvent& e) {
  Unit& u = units_[static_cast<std::size_t>(e.array)];
  std::int64_t from = u.known;
  for (const WorkEvent::Piece& p : e.gap) {
    if (p.until > from && keep(from, p.until))
      add(from, p.until, u.gaps, Kind::Gap, p.of, e.step, 0);
    from = p.until;
  }
  if (u.known < 0 && e.start > 0 && keep(0, e.start))
    add(0, e.start, u.gaps, Kind::Gap, CycleClass::Startup, e.step, 0);
  u.known = e.end;
  if (!keep(e.start, e.end)) return;
  add(e.start, e.end, u.work, Kind::Work, CycleClass::Compute, e.step, works_.size());
  works_.push_back({e.macs, loops_.size()});
  for (const workloads::Dim d : dims_)
    loops_.push_back(e.tile[static_cast<std::size_t>(workloads::index(d))]);
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
      add(from, cycles, u.gaps, Kind::Gap, u.known < 0 ? CycleClass::Startup : CycleClass::Tail, -1,
          0);
  }
}

// By start, then by track.
std::vector<const Timeline::Slice*> Timeline::ordered() const {
  std::vector<const Slice*> all, spare;
  all.reserve(slices_.size());
  for (const Slice& s : slices_) all.push_back(&s);
  radix_sort(all, spare, [](const Slice* s) { return std::uint64_t{s->track}; });
  radix_sort(all, spare, [](const Slice* s) { return static_cast<std::uint64_t>(s->start); });
  return all;
}

// What the counters show from when on. They fall and rise within a cycle: its last value counts.
std::vector<Timeline::Point> Timeline::levels() const {
  std::vector<Point> points = points_, spare;
  radix_sort(points, spare, [](const Point& p) { return std::uint64_t{p.counter}; });
  radix_sort(points, spare, [](const Point& p) { return static_cast<std::uint64_t>(p.time); });
  std::vector<std::int64_t> now(counters_.size(), 0), told(counters_.size(), 0);
  std::vector<Point> out;
  const auto tell = [&](std::int64_t time, std::uint32_t c) {
    if (now[c] != told[c]) out.push_back({time, c, told[c] = now[c]});
  };
  std::size_t i = 0;
  for (; i < points.size() && points[i].time <= options_.from; ++i) {
    const Point& p = points[i];
    now[p.counter] += p.thousandths;
  }
  for (std::uint32_t c = 0; c < counters_.size(); ++c) {
    told[c] = now[c];
    out.push_back({options_.from, c, now[c]});
  }
  for (; i < points.size() && points[i].time < options_.to; ++i) {
    const Point& p = points[i];
    now[p.counter] += p.thousandths;
    if (i + 1 == points.size() || points[i + 1].time != p.time ||
        points[i + 1].counter != p.counter)
      tell(p.time, p.counter);
  }
  return out;
}

// The name of a slice; where it ends with a blank, the number of the step follows.
std::string_view Timeline::title(const Slice& s) const {
  // By set of tensors: 1 inputs, 2 weights, 4 partial sums.
  constexpr std::array<std::string_view, 8> kFills = {"fill for step ",
                                                      "fill input for step ",
                                                      "fill weight for step ",
                                                      "fill input+weight for step ",
                                                      "fill psum for step ",
                                                      "fill input+psum for step ",
                                                      "fill weight+psum for step ",
                                                      "fill input+weight+psum for step "};
  switch (s.kind) {
    case Kind::Fill: {
      const auto& w = fills_[s.more].words;
      return kFills[(w[0] > 0 ? 1u : 0u) + (w[1] > 0 ? 2u : 0u) + (w[2] > 0 ? 4u : 0u)];
    }
    case Kind::Drain: return "drain ";
    case Kind::Work: return "step ";
    case Kind::Gap: break;
  }
  return name(s.of);
}

// The trace event format: complete events (X) with times in microseconds, counters (C), names (M).
void Timeline::write_json(std::ostream& stream) {
  TextWriter out(stream);
  out.put(
      "{\"displayTimeUnit\":\"ms\",\n\"otherData\":{\"unit\":\"1 us is 1 cycle\"},\n"
      "\"traceEvents\":[\n");
  for (std::size_t u = 0; u < units_.size(); ++u) {
    const nlohmann::json name = units_[u].name;
    out.put(fmt::format(
        R"({}{{"ph":"M","name":"process_name","pid":{},"args":{{"name":{}}}}},)"
        "\n"
        R"({{"ph":"M","name":"process_sort_index","pid":{},"args":{{"sort_index":{}}}}})",
        u > 0 ? ",\n" : "", u + 1, name.dump(), u + 1, u + 1));
  }
  std::vector<std::string> place_of_track, head_of_counter, loop_names;
  for (std::size_t t = 0; t < tracks_.size(); ++t) {
    const nlohmann::json name = tracks_[t].name;
    const std::string place = fmt::format(R"("pid":{},"tid":{})", tracks_[t].unit + 1, t + 1);
    out.put(
        fmt::format(",\n"
                    R"({{"ph":"M","name":"thread_name",{},"args":{{"name":{}}}}})",
                    place, name.dump()));
    out.put(
        fmt::format(",\n"
                    R"({{"ph":"M","name":"thread_sort_index",{},"args":{{"sort_index":{}}}}})",
                    place, t + 1));
    place_of_track.push_back("\"," + place + ",\"ts\":");
  }
  for (const auto& [unit, name] : counters_)
    head_of_counter.push_back(
        fmt::format(",\n"
                    R"({{"ph":"C","name":"{}","pid":{},"ts":)",
                    name, unit + 1));
  for (const workloads::Dim d : dims_)
    loop_names.push_back(fmt::format(",\"{}\":", workloads::name(d)));

  const auto arg = [&out](std::string_view key, std::int64_t value) {
    out.put(key);
    out.number(value);
  };
  const auto waited = [&arg](std::string_view key, std::int64_t cycles) {
    if (cycles > 0) arg(key, cycles);
  };
  const auto put_point = [&](const Point& p) {
    out.put(head_of_counter[p.counter]);
    out.number(p.time);
    arg(",\"args\":{\"words\":", p.thousandths / 1000);
    if (p.thousandths % 1000 != 0)
      out.put(fmt::format("{:.3f}", static_cast<double>(p.thousandths % 1000) / 1000).substr(1));
    out.put("}}");
  };
  const auto put_slice = [&](const Slice& s) {
    constexpr std::array<std::string_view, 4> kCategories = {"fill", "drain", "work", "wait"};
    constexpr std::array<std::string_view, 3> kWords = {
        ",\"input_words\":", ",\"weight_words\":", ",\"output_words\":"};
    constexpr std::array<std::string_view, 3> kTiles = {
        ",\"input_tile\":", ",\"weight_tile\":", ",\"output_tile\":"};
    out.put(",\n{\"ph\":\"X\",\"name\":\"");
    const std::string_view name = title(s);
    out.put(name);
    if (name.back() == ' ') out.number(s.step);
    out.put("\",\"cat\":\"");
    out.put(kCategories[static_cast<std::size_t>(s.kind)]);
    out.put(place_of_track[s.track]);
    out.number(s.start);
    arg(",\"dur\":", s.end - s.start);
    switch (s.kind) {
      case Kind::Fill: {
        const Fill& f = fills_[s.more];
        arg(",\"args\":{\"step\":", s.step);
        for (std::size_t x = 0; x < 3; ++x) {
          if (f.words[x] == 0) continue;
          arg(kWords[x], f.words[x]);
          arg(kTiles[x], f.tile[x]);
        }
        arg(",\"arrives\":", f.arrival);
        waited(",\"waited_for_level_above\":", f.above);
        waited(",\"waited_for_slot\":", f.slot);
        waited(",\"waited_for_medium\":", f.medium);
        break;
      }
      case Kind::Drain: {
        const Drain& d = drains_[s.more];
        arg(",\"args\":{\"residence\":", s.step);
        arg(",\"output_words\":", d.words);
        arg(",\"words_of_all_senders\":", d.senders);
        arg(",\"arrives\":", d.arrival);
        waited(",\"waited_for_slot\":", d.slot);
        waited(",\"waited_for_medium\":", d.medium);
        break;
      }
      case Kind::Work: {
        const Work& w = works_[s.more];
        arg(",\"args\":{\"step\":", s.step);
        arg(",\"macs\":", w.macs);
        for (std::size_t i = 0; i < loop_names.size(); ++i) arg(loop_names[i], loops_[w.loops + i]);
        break;
      }
      case Kind::Gap: arg(",\"args\":{\"before_step\":", s.step); break;
    }
    out.put("}}");
  };

  const std::vector<const Slice*> slices = ordered();
  const std::vector<Point> points = levels();
  std::size_t i = 0, p = 0;
  while (i < slices.size() || p < points.size()) {
    const bool point =
        p < points.size() && (i == slices.size() || points[p].time <= slices[i]->start);
    const std::int64_t time = point ? points[p].time : slices[i]->start;
    if (options_.limit_bytes > 0 && out.bytes() >= options_.limit_bytes) {
      stopped_at_ = time;
      break;
    }
    if (point)
      put_point(points[p++]);
    else
      put_slice(*slices[i++]);
  }
  out.put("\n]}\n");
  out.spill();
}

std::string Timeline::write_list() const {
  std::string out = fmt::format("{:>12} {:>12}  {:<32} {}\n", "from", "to", "track", "what");
  for (const Slice* s : ordered()) {
    std::string more(title(*s));
    if (more.back() == ' ') more += std::to_string(s->step);
    const auto waits = [&more](std::int64_t slot, std::int64_t medium) {
      if (slot > 0) more += fmt::format(", waited {} for a slot", slot);
      if (medium > 0) more += fmt::format(", waited {} for the medium", medium);
    };
    if (s->kind == Kind::Fill) {
      const Fill& f = fills_[s->more];
      for (std::size_t x = 0; x < 3; ++x)
        if (f.words[x] > 0) more += fmt::format(", {} {}", f.words[x], kTensors[x]);
      more += fmt::format(", arrives {}", f.arrival);
      if (f.above > 0) more += fmt::format(", waited {} for the level above", f.above);
      waits(f.slot, f.medium);
    } else if (s->kind == Kind::Drain) {
      const Drain& d = drains_[s->more];
      more += fmt::format(", {} output, arrives {}", d.words, d.arrival);
      waits(d.slot, d.medium);
    } else if (s->kind == Kind::Work) {
      more += fmt::format(", {} multiply-accumulates", works_[s->more].macs);
      for (std::size_t i = 0; i < dims_.size(); ++i)
        more +=
            fmt::format(", {} {}", workloads::name(dims_[i]), loops_[works_[s->more].loops + i]);
    }
    out += fmt::format("{:>12} {:>12}  {:<32} {}\n", s->start, s->end,
                       units_[tracks_[s->track].unit].name + " " + tracks_[s->track].name, more);
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
  const auto key_of = [this](const Slice& s) -> std::size_t {
    if (s.kind == Kind::Fill) {
      const auto& words = fills_[s.more].words;
      const int n = (words[0] > 0) + (words[1] > 0) + (words[2] > 0);
      return n > 1 ? 4u : words[0] > 0 ? 1u : words[1] > 0 ? 2u : 3u;
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
