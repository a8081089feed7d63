// SPDX-License-Identifier: Apache-2.0
#include "sim/trace/waveform.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>

namespace counterpoint::sim {
namespace {

std::size_t at(Tensor t) {
  return static_cast<std::size_t>(workloads::index(t));
}

constexpr std::size_t kMarks = 3;  // steps

// States of an array of PEs: idle, the sets of what is missing, working, draining.
constexpr std::int64_t kIdle = 0, kWorking = 16, kDraining = 17;
const std::vector<std::string>& work_states() {
  static const std::vector<std::string> kTexts = [] {
    std::vector<std::string> all{"idle"};
    for (unsigned missing = 1; missing < 16; ++missing) {
      std::string fills;
      const auto also = [&fills](bool is, const char* what) {
        if (is) fills += std::string(fills.empty() ? "" : "+") + what;
      };
      also((missing & Observer::kInput) != 0, "inputs");
      also((missing & Observer::kWeight) != 0, "weights");
      also((missing & Observer::kReadback) != 0, "partial_sums");
      std::string text = fills.empty() ? "" : "waiting_for_fill:_" + fills;
      if ((missing & Observer::kSlot) != 0)
        text += std::string(text.empty() ? "" : ",_") + "waiting_for_slot:_outputs";
      all.push_back(text);
    }
    all.emplace_back("working");
    all.emplace_back("draining");
    return all;
  }();
  return kTexts;
}

// States of a channel: the waits, and injecting.
constexpr std::int64_t kInjecting = kWaits;
const std::vector<std::string>& channel_states() {
  static const std::vector<std::string> kTexts = {"idle",
                                                  "waiting_for_level_above",
                                                  "waiting_for_slot",
                                                  "waiting_for_partial_sums",
                                                  "waiting_for_medium",
                                                  "injecting"};
  return kTexts;
}

constexpr std::int64_t kFree = 0, kFilling = 1, kFull = 2, kAccumulating = 3;
const std::vector<std::string>& slot_states() {
  static const std::vector<std::string> kTexts = {"free", "filling", "full", "accumulating"};
  return kTexts;
}

const std::vector<std::string>& class_names() {
  static const std::vector<std::string> kTexts = [] {
    std::vector<std::string> all;
    for (std::size_t c = 0; c < kCycleClasses; ++c)
      all.emplace_back(name(static_cast<CycleClass>(c)));
    return all;
  }();
  return kTexts;
}

constexpr int kWordBits = 24, kTotalBits = 48, kStepBits = 40;

int bits_for(std::int64_t largest) {
  int bits = 2;  // one bit would look like a level
  while (bits < 62 && largest >> bits != 0) ++bits;
  return bits;
}

// Without the prime of output rows and columns, which readers of waveforms stumble over.
std::string plain(std::string_view dim) {
  return std::string(dim.substr(0, dim.find('\'')));
}

std::string full_name(const std::vector<std::string>& scopes, const std::string& name) {
  std::string out;
  for (const std::string& s : scopes) out += s + ".";
  return out + name;
}

}  // namespace

Waveform::Waveform(const workloads::Mapping& mapping, WaveformOptions options, std::ostream& out)
    : mapping_(mapping),
      options_(std::move(options)),
      vcd_(out),
      to_(options_.to),
      patience_(options_.patience),
      writer_([this](Batch& batch) { write(batch); }) {}

std::uint32_t Waveform::add(Declared d) {
  for (std::string& s : d.scopes) s = Vcd::name_of(s);
  const std::string full = full_name(d.scopes, d.name);
  if (names_.size() < 3) names_.push_back(full);
  if (fnmatch(options_.scope.c_str(), full.c_str(), 0) != 0) return kNone;
  declared_.push_back(std::move(d));
  return static_cast<std::uint32_t>(declared_.size() - 1);
}

std::uint32_t Waveform::declare(const std::vector<std::string>& scopes, const std::string& name,
                                int bits, Look look) {
  return add({scopes, name, bits, look, nullptr});
}

std::uint32_t Waveform::declare(const std::vector<std::string>& scopes, const std::string& name,
                                const std::vector<std::string>& texts) {
  return add({scopes, name, 0, Look::Text, &texts});
}

std::vector<std::string> Waveform::some_names() const {
  return names_;
}

void Waveform::begin(const std::vector<ArrayDescription>& arrays) {
  const auto& storage = mapping_.machine.storage;
  const auto& levels = mapping_.nest.levels;
  const bool links = options_.level >= TraceLevel::Links;
  units_.resize(arrays.size());
  // Parents before children, siblings in order: the order of a tree in the file.
  std::vector<std::size_t> order(arrays.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return arrays[a].path < arrays[b].path; });
  for (const std::size_t i : order) {
    const ArrayDescription& a = arrays[i];
    Unit& u = units_[i];
    u.slots = a.slots;
    u.loop.fill(kNone);
    for (auto& s : u.slot_words) s.fill(kNone);
    for (auto& s : u.slot_state) s.fill(kNone);
    u.fills.resize(a.channels.size());
    const auto child_name = [&](std::size_t depth, std::int64_t p) {
      return levels[depth].units > 1 ? fmt::format("{}_{}", storage[depth + 1].name, p)
                                     : storage[depth + 1].name;
    };
    std::vector<std::string> scopes{storage[0].name};
    for (std::size_t d = 0; d < a.path.size(); ++d) scopes.push_back(child_name(d, a.path[d]));
    const auto& layer = mapping_.layer;
    if (a.pes) {
      u.state = declare(scopes, "state", work_states());
      u.cycle_class = declare(scopes, "cycle_class", class_names());
      u.step = declare(scopes, "step", kStepBits, Look::Decimal);
      u.macs = declare(scopes, "macs", bits_for(a.children * mapping_.machine.machine.lanes),
                       Look::Analog);
      if (links)
        for (const workloads::Dim d : workloads::kAllDims)
          if (layer.has(d) && layer[d] > 1)
            u.loop[static_cast<std::size_t>(workloads::index(d))] = declare(
                scopes, "loop_" + plain(workloads::name(d)), bits_for(layer[d]), Look::Decimal);
    }
    if (links) {
      const auto stream = [&](Stream& s, const std::string& direction,
                              const std::vector<Tensor>& tensors) {
        std::vector<std::string> inside = scopes;
        inside.push_back(mapping_.machine.network[a.path.size()].name);
        inside.push_back(direction);
        s.state = declare(inside, "state", channel_states());
        s.words = declare(inside, "words", kWordBits, Look::Analog);
        if (direction != "drain") s.step = declare(inside, "step", kStepBits, Look::Decimal);
        for (const Tensor t : tensors) {
          const std::string tensor(workloads::name(t));
          s.sent[at(t)] = declare(inside, "sent_" + tensor, kTotalBits, Look::Decimal);
          s.arrived[at(t)] = declare(inside, "arrived_" + tensor, kTotalBits, Look::Decimal);
        }
      };
      for (std::size_t c = 0; c < a.channels.size(); ++c)
        stream(u.fills[c],
               a.channels.size() == 1 ? std::string("fill")
                                      : "fill_" + std::string(workloads::name(a.channels[c][0])),
               a.channels[c]);
      stream(u.drain, "drain", {Tensor::Output});
      for (const Tensor t : workloads::kAllTensors)
        for (std::int64_t k = 0; k < a.slots; ++k) {
          std::vector<std::string> inside = scopes;
          inside.push_back("slots");
          const std::string slot = fmt::format("{}_{}", workloads::name(t), k);
          const std::size_t j = static_cast<std::size_t>(k);
          u.slot_state[at(t)][j] = declare(inside, slot + "_state", slot_states());
          u.slot_words[at(t)][j] = declare(inside, slot + "_words", kTotalBits, Look::Decimal);
        }
    }
    if (a.pes && options_.level >= TraceLevel::Pes) {
      u.pes.resize(static_cast<std::size_t>(a.children));
      for (std::int64_t p = 0; p < a.children; ++p) {
        std::vector<std::string> inside = scopes;
        inside.push_back(fmt::format("{}_{}", storage.back().name, p));
        Pe& pe = u.pes[static_cast<std::size_t>(p)];
        pe.macs = declare(inside, "macs", bits_for(mapping_.machine.machine.lanes), Look::Decimal);
        if (options_.level < TraceLevel::Data) continue;
        pe.input = declare(inside, "input", 32, Look::Signed);
        pe.weight = declare(inside, "weight", 32, Look::Signed);
        pe.psum = declare(inside, "psum", 64, Look::Signed);
      }
    }
  }
  std::vector<std::string> open;
  for (const Declared& d : declared_) {
    std::size_t same = 0;
    while (same < open.size() && same < d.scopes.size() && open[same] == d.scopes[same]) ++same;
    for (; open.size() > same; open.pop_back()) vcd_.close();
    for (; open.size() < d.scopes.size(); open.push_back(d.scopes[open.size()]))
      vcd_.open(d.scopes[open.size()]);
    if (d.texts != nullptr)
      vcd_.choice(d.name, *d.texts);
    else
      vcd_.number(d.name, d.bits);
  }
  for (; !open.empty(); open.pop_back()) vcd_.close();
  sums_.assign(declared_.size(), 0);
}

// Words on a link while `words` are injected: as evenly as whole words allow. Transfers through
// routers may overlap.
void Waveform::rate(Stream& s, std::int64_t words, std::int64_t from, std::int64_t to) {
  if (s.words == kNone || to <= from) return;
  const std::int64_t each = words / (to - from), more = words % (to - from);
  push_sum(from, s.words, each + (more > 0 ? 1 : 0));
  if (more > 0) push_sum(from + more, s.words, -1);
  push_sum(to, s.words, -each);
}

// Transfers through routers are told when they have arrived, in any order.
void Waveform::close(Stream& s, std::int64_t start) {
  const auto at = std::find(s.open.begin(), s.open.end(), start);
  if (at != s.open.end()) s.open.erase(at);
}

void Waveform::slot(Unit& u, std::size_t tensor, std::int64_t residence, std::int64_t time,
                    std::int64_t state, std::int64_t words) {
  const std::size_t k = u.slots == 1 ? 0 : static_cast<std::size_t>(residence & 1);
  push(time, u.slot_state[tensor][k], state);
  push(time, u.slot_words[tensor][k], words);
}

void Waveform::fill_starts(int array, int channel, std::int64_t now) {
  Stream& s = units_[static_cast<std::size_t>(array)].fills[static_cast<std::size_t>(channel)];
  push(now, s.state, kInjecting);
  s.last_state = kInjecting;  // what comes then is told when it is looked for
  s.open.push_back(now);
}

void Waveform::drain_starts(int array, std::int64_t now) {
  Stream& s = units_[static_cast<std::size_t>(array)].drain;
  push(now, s.state, kInjecting);
  s.last_state = kInjecting;
  s.open.push_back(now);
}

void Waveform::fill(const FillEvent& e) {
  Unit& u = units_[static_cast<std::size_t>(e.array)];
  Stream& s = u.fills[static_cast<std::size_t>(e.channel)];
  const std::int64_t words = e.words[0] + e.words[1] + e.words[2];
  if (words > 0) {
    close(s, e.start);
    rate(s, words, e.start, e.injected);
    push(e.start, s.step, e.step);
    mark(0, e.start);
  }
  for (std::size_t x = 0; x < 3; ++x) {
    if (e.residence[x] < 0) continue;
    push_sum(e.injected, s.sent[x], e.words[x]);
    push_sum(e.arrival, s.arrived[x], e.delivered[x]);
    slot(u, x, e.residence[x], e.start, kFilling, 0);
    slot(u, x, e.residence[x], e.arrival, kFull, e.tile[x]);
  }
  proceed(e.start);
}

void Waveform::drain(const DrainEvent& e) {
  Unit& u = units_[static_cast<std::size_t>(e.array)];
  Stream& s = u.drain;
  if (e.words > 0) {
    close(s, e.start);
    rate(s, e.words, e.start, e.injected);
    push_sum(e.injected, s.sent[2], e.words);
    push_sum(e.arrival, s.arrived[2], e.words);
    mark(2, e.start);
  }
  if (u.over) {
    push(e.start, u.state, kDraining);
    push(e.arrival, u.state, kIdle);
  }
  proceed(e.start);
}

// Multiply-accumulates of every cycle: a PE does as many as it has lanes until few are left.
void Waveform::find_rates(const WorkEvent& e) {
  rates_.clear();
  std::int64_t most = 0, least = std::numeric_limits<std::int64_t>::max(), active = 0;
  for (const PeDetail& d : *e.pes) {
    if (d.macs == 0) continue;
    ++active;
    most = std::max(most, d.macs);
    least = std::min(least, d.macs);
  }
  if (most == least) {
    rates_.emplace_back(0, active * std::min(e.lanes, most));
    if (most % e.lanes != 0) rates_.emplace_back(most / e.lanes, active * (most % e.lanes));
  } else {
    // By cycle in which the rate of some PE falls.
    std::vector<std::pair<std::int64_t, std::int64_t>> falls;
    std::int64_t now = 0;
    for (const PeDetail& d : *e.pes) {
      const std::int64_t whole = d.macs / e.lanes, rest = d.macs % e.lanes;
      if (whole > 0) {
        now += e.lanes;
        falls.emplace_back(whole, rest - e.lanes);
        if (rest > 0) falls.emplace_back(whole + 1, -rest);
      } else if (rest > 0) {
        now += rest;
        falls.emplace_back(1, -rest);
      }
    }
    std::sort(falls.begin(), falls.end());
    rates_.emplace_back(0, now);
    for (std::size_t i = 0; i < falls.size(); ++i) {
      now += falls[i].second;
      if (i + 1 == falls.size() || falls[i + 1].first != falls[i].first)
        rates_.emplace_back(falls[i].first, now);
    }
  }
  rates_.emplace_back((most + e.lanes - 1) / e.lanes, 0);  // the rest is the overhead
}

void Waveform::macs(Unit& u, const WorkEvent& e) {
  if (e.pes == nullptr) return;
  const std::vector<PeDetail>& pes = *e.pes;
  if (!e.copy) find_rates(e);
  if (u.macs != kNone)
    for (const auto& [cycle, rate] : rates_) push(e.start + cycle, u.macs, rate);
  for (std::size_t p = 0; p < u.pes.size(); ++p) {
    const PeDetail& d = pes[p];
    if (d.macs == 0) continue;
    const Pe& pe = u.pes[p];
    const std::int64_t whole = d.macs / e.lanes, rest = d.macs % e.lanes;
    if (whole > 0) push(e.start, pe.macs, e.lanes);
    if (rest > 0) push(e.start + whole, pe.macs, rest);
    push(e.start + whole + (rest > 0 ? 1 : 0), pe.macs, 0);
    if (e.sums == nullptr || d.output < 0) continue;
    push(e.start, pe.input, e.inputs[d.input] & 0xffffffffLL);
    push(e.start, pe.weight, e.weights[d.weight] & 0xffffffffLL);
    push(e.end, pe.psum, e.sums[d.output]);
  }
}

void Waveform::work(const WorkEvent& e) {
  Unit& u = units_[static_cast<std::size_t>(e.array)];
  if (u.cycle_class != kNone) {
    std::int64_t from = u.known;  // the end of the work before, if there was one
    for (const WorkEvent::Piece& p : e.gap) {
      push(from, u.cycle_class, static_cast<std::int64_t>(p.of));
      from = p.until;
    }
    push(e.start, u.cycle_class, static_cast<std::int64_t>(CycleClass::Compute));
  }
  u.known = e.end;
  u.last_state = kWorking;
  push(e.start, u.state, kWorking);
  push(e.start, u.step, e.step);
  macs(u, e);
  mark(1, e.start);
  if (options_.level >= TraceLevel::Links)
    for (std::size_t d = 0; d < workloads::kDims; ++d) push(e.start, u.loop[d], e.tile[d]);
  proceed(e.start);
}

void Waveform::work_waits(int array, unsigned missing, std::int64_t now) {
  Unit& u = units_[static_cast<std::size_t>(array)];
  if (u.last_state == missing) return;
  u.last_state = missing;
  push(now, u.state, missing);
}

void Waveform::work_over(int array, std::int64_t now) {
  Unit& u = units_[static_cast<std::size_t>(array)];
  u.over = true;
  const bool worked = u.known != std::numeric_limits<std::int64_t>::max();
  if (worked) push(u.known, u.cycle_class, static_cast<std::int64_t>(CycleClass::Tail));
  push(now, u.state, worked ? kDraining : kIdle);
  u.known = std::numeric_limits<std::int64_t>::max();
}

void Waveform::fill_waits(int array, int channel, Wait w, std::int64_t now) {
  Stream& s = units_[static_cast<std::size_t>(array)].fills[static_cast<std::size_t>(channel)];
  const auto state = static_cast<std::uint64_t>(w);
  if (s.last_state == state) return;
  s.last_state = state;
  push(now, s.state, static_cast<std::int64_t>(state));
}

void Waveform::drain_waits(int array, Wait w, std::int64_t now) {
  Stream& s = units_[static_cast<std::size_t>(array)].drain;
  const auto state = static_cast<std::uint64_t>(w);
  if (s.last_state == state) return;
  s.last_state = state;
  push(now, s.state, static_cast<std::int64_t>(state));
}

void Waveform::outputs_begin(int array, std::int64_t residence, std::int64_t tile,
                             std::int64_t now) {
  Unit& u = units_[static_cast<std::size_t>(array)];
  if (residence <= u.outputs) return;
  u.outputs = residence;
  slot(u, 2, residence, now, kAccumulating, tile);
}

void Waveform::released(int array, Tensor t, std::int64_t first, std::int64_t last,
                        std::int64_t now) {
  Unit& u = units_[static_cast<std::size_t>(array)];
  for (std::int64_t g = std::max(first, last - u.slots); g < last; ++g)
    slot(u, at(t), g, now, kFree, 0);
}

void Waveform::mark(std::size_t kind, std::int64_t time) {
  if (marks_[kind].size() < kMarks && (marks_[kind].empty() || marks_[kind].back() != time))
    marks_[kind].push_back(time);
}

// Hands on what was told, from time to time, and how much of it cannot change any more.
void Waveform::proceed(std::int64_t now) {
  if (batch_.changes.size() < options_.patience) return;
  std::int64_t before = now;
  for (const Unit& u : units_) {
    before = std::min(before, u.known);
    for (const Stream& s : u.fills)
      if (!s.open.empty()) before = std::min(before, s.open.front());
    if (!u.drain.open.empty()) before = std::min(before, u.drain.open.front());
  }
  if (stopped_.load(std::memory_order_relaxed)) to_ = std::numeric_limits<std::int64_t>::min();
  batch_.before = before;
  writer_.give(batch_);
  batch_.changes.clear();
}

void Waveform::write(Batch& batch) {
  if (stopped_at_ >= 0) return;
  changes_.insert(changes_.end(), batch.changes.begin(), batch.changes.end());
  if (changes_.size() < patience_) return;
  flush(batch.before);
  patience_ = changes_.size() * 2 + options_.patience;
}

void Waveform::flush(std::int64_t before) {
  radix_sort(changes_, sorted_, [](const Change& c) { return static_cast<std::uint64_t>(c.time); });
  std::size_t i = 0;
  for (; i < changes_.size() && changes_[i].time < before; ++i) {
    const Change& c = changes_[i];
    if (c.time > options_.from) {
      if (!begun_) {
        vcd_.begin(options_.from);
        begun_ = true;
      }
      vcd_.time(c.time);
      if (options_.limit_bytes > 0 && vcd_.bytes() >= options_.limit_bytes) {
        stopped_at_ = c.time;
        stopped_.store(true, std::memory_order_relaxed);
        changes_.clear();
        vcd_.end(stopped_at_);
        return;
      }
    }
    const std::uint32_t signal = c.signal & ~kSum;
    vcd_.set(signal, signal == c.signal ? c.value : sums_[signal] += c.value);
  }
  changes_.erase(changes_.begin(), changes_.begin() + static_cast<std::ptrdiff_t>(i));
}

void Waveform::end(std::int64_t cycles) {
  if (declared_.empty()) return;
  writer_.finish();
  patience_ = 0;
  batch_.before = std::numeric_limits<std::int64_t>::max();
  write(batch_);
  if (stopped_at_ >= 0 || options_.from >= std::max<std::int64_t>(cycles, 1)) return;
  if (!begun_) vcd_.begin(options_.from);
  begun_ = true;
  vcd_.end(std::min(options_.to, cycles));
}

std::string Waveform::save_file(const std::string& dump) const {
  // Flags of GTKWave's traces: right-justified 0x20, decimal 0x4, signed 0x400, analog step 0x8000
  // with the y scale of the window 0x80000; groups: blank line 0x200, begin 0x800000, end
  // 0x1000000, closed 0x400000.
  constexpr unsigned kDecimal = 0x24, kSigned = 0x420, kText = 0x28, kAnalog = 0x88024;
  constexpr unsigned kGroupBegin = 0x800200, kGroupEnd = 0x1000200, kClosed = 0x400000;
  constexpr std::size_t kOpenGroups = 8;
  std::string out = "[*] Counterpoint: groups follow the machine, times are cycles\n";
  out += fmt::format("[dumpfile] \"{}\"\n[timestart] {}\n", dump, options_.from);
  out += "[size] 1600 900\n[pos] -1 -1\n*-6.0 0";
  std::vector<std::int64_t> markers;
  for (std::size_t i = 0; i < kMarks; ++i)
    for (const auto& kind : marks_)
      markers.push_back(
          i < kind.size() && kind[i] >= options_.from && kind[i] < options_.to ? kind[i] : -1);
  for (std::size_t i = 0; i < 26; ++i)
    out += fmt::format(" {}", i < markers.size() ? markers[i] : -1);
  out += "\n[sst_width] 240\n[signals_width] 340\n[sst_expanded] 1\n";
  std::string group;
  unsigned closed = 0;
  std::size_t groups = 0;
  const auto close = [&] {
    if (!group.empty()) out += fmt::format("@{:x}\n-{}\n", kGroupEnd | closed, group);
  };
  for (const Declared& d : declared_) {
    std::string scope;
    for (const std::string& s : d.scopes) scope += (scope.empty() ? "" : ".") + s;
    if (scope != group) {
      close();
      group = scope;
      // Open: what there is room for, without the slots of buffers.
      closed = d.scopes.back() == "slots" || groups >= kOpenGroups ? kClosed : 0;
      if (closed == 0) ++groups;
      out += fmt::format("@{:x}\n-{}\n", kGroupBegin | closed, group);
    }
    const std::string name = Vcd::name_of(d.name);
    const std::string signal =
        full_name(d.scopes, name) + (d.bits > 1 ? fmt::format("[{}:0]", d.bits - 1) : "");
    // Red: why it waits; green: work; blue: words; orange: slots.
    const int colour = d.name == "cycle_class" || d.name == "state" ? 1
                       : d.name.find("mac") != std::string::npos    ? 4
                       : d.name == "words"                          ? 5
                       : d.name.find("_words") != std::string::npos ? 2
                                                                    : 0;
    const unsigned flags = d.look == Look::Analog   ? kAnalog
                           : d.look == Look::Signed ? kSigned
                           : d.bits == 0            ? kText
                                                    : kDecimal;
    out += fmt::format("@{:x}\n[color] {}\n+{{{}}} {}\n", flags, colour, name, signal);
    // An analog trace is as high as itself and the blank lines below it.
    if (d.look == Look::Analog) out += "@20000\n-\n@20000\n-\n";
  }
  close();
  return out;
}

}  // namespace counterpoint::sim
