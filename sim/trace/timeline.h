// SPDX-License-Identifier: Apache-2.0
// A run as a timeline: one track per resource, what it did from when to when, and why it waited.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "sim/trace/observer.h"
#include "workloads/mapping.h"

namespace counterpoint::sim {

struct TimelineOptions {
  std::int64_t from = 0;  ///< cycles [from, to): what lies at least partly inside
  std::int64_t to = std::numeric_limits<std::int64_t>::max();
  std::int64_t limit_bytes = 0;  ///< of the JSON text; stop cleanly there; 0: no limit
};

class Timeline : public Observer {
 public:
  /// The mapping must outlive it.
  Timeline(const workloads::Mapping& mapping, TimelineOptions options);

  void begin(const std::vector<ArrayDescription>& arrays) override;
  void fill(const FillEvent& e) override;
  void drain_waits(int array, Wait w, std::int64_t now) override;
  void drain_starts(int array, std::int64_t now) override;
  void drain(const DrainEvent& e) override;
  void work(const WorkEvent& e) override;
  void released(int array, Tensor t, std::int64_t first, std::int64_t last,
                std::int64_t now) override;
  void outputs_begin(int array, std::int64_t residence, std::int64_t tile,
                     std::int64_t now) override;
  void end(std::int64_t cycles) override;

  /// Trace events as Perfetto and chrome://tracing read them, in the order of time; a microsecond
  /// there is a cycle here. Ends where the limit is reached, which stopped_at() then tells.
  void write_json(std::ostream& out);
  /// The window as lines of at most `columns` characters: a row per track, a column per equal
  /// number of cycles, and a key. Each character is what took most of the busy part of its column.
  std::string write_text(int columns) const;
  /// Every slice as a line of its own, in the order of time.
  std::string write_list() const;

  std::size_t slices() const { return slices_.size(); }
  std::int64_t cycles() const { return cycles_; }          ///< of the whole run
  std::int64_t stopped_at() const { return stopped_at_; }  ///< where the limit ended it, or -1

 private:
  enum class Kind : std::uint8_t { Fill, Drain, Work, Gap };
  struct Slice {
    std::int64_t start, end;
    std::int64_t step;  ///< or residence (drains)
    std::uint32_t track;
    std::uint32_t more;  ///< place in fills_, drains_ or works_
    Kind kind;
    CycleClass of;
  };
  struct Fill {
    std::array<std::int64_t, 3> words, tile;
    std::int64_t above, slot, medium;  ///< cycles waited
    std::int64_t arrival;
  };
  struct Drain {
    std::int64_t words, senders;
    std::int64_t slot, medium;  ///< cycles waited
    std::int64_t arrival;
  };
  struct Work {
    std::int64_t macs;
    std::size_t loops;  ///< place in loops_ of the first index
  };
  struct Track {
    std::size_t unit;
    std::string name;
  };
  struct Point {
    std::int64_t time;
    std::uint32_t counter;
    std::int64_t thousandths;  ///< of the change, later of the value
  };
  struct Unit {
    std::string name;
    std::vector<std::uint32_t> fills;
    std::uint32_t drain = 0, work = 0, gaps = 0;
    std::uint32_t held = 0, down = 0, up = 0;             // counters
    std::vector<std::array<std::int64_t, 3>> slot_words;  // by slot and tensor
    std::int64_t slots = 1, known = -1, outputs = -1;
    bool pes = false;
    Wait drain_wait = Wait::Nothing;
    std::int64_t drain_since = 0;
    std::array<std::int64_t, kWaits> drain_waited{};           // by cause, since the last drain
    std::deque<std::array<std::int64_t, kWaits>> drains_open;  // of those not told yet
  };
  bool keep(std::int64_t start, std::int64_t end);
  void hold(Unit& u, std::size_t tensor, std::int64_t residence, std::int64_t words,
            std::int64_t time);
  void carry(std::uint32_t counter, std::int64_t words, std::int64_t from, std::int64_t to);
  void add(std::int64_t start, std::int64_t end, std::uint32_t track, Kind kind, CycleClass of,
           std::int64_t step, std::size_t more);
  std::string_view title(const Slice& s) const;
  std::vector<const Slice*> ordered() const;
  std::vector<Point> levels() const;

  const workloads::Mapping& mapping_;
  TimelineOptions options_;
  std::vector<Unit> units_;
  std::vector<Track> tracks_;
  std::vector<std::pair<std::size_t, std::string>> counters_;  // unit, name
  std::vector<workloads::Dim> dims_;                           ///< whose indices change
  std::vector<Slice> slices_;
  std::vector<Fill> fills_;
  std::vector<Drain> drains_;
  std::vector<Work> works_;
  std::vector<std::int64_t> loops_;  ///< per work the index of each of dims_
  std::vector<Point> points_;
  std::int64_t bytes_ = 0, cycles_ = 0, stopped_at_ = -1;
};

}  // namespace counterpoint::sim
