// SPDX-License-Identifier: Apache-2.0
// A run as a waveform: what every unit, network and PE does in every cycle, as a Value Change
// Dump. docs/traces.md lists the signals.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "sim/trace/background.h"
#include "sim/trace/observer.h"
#include "sim/trace/vcd.h"
#include "workloads/mapping.h"

namespace counterpoint::sim {

/// How much is shown; each level holds the ones before.
enum class TraceLevel : std::uint8_t {
  Summary,  ///< per array of PEs: state, class of the cycle, step, multiply-accumulates
  Links,    ///< networks, slots of the buffers, loop indices
  Pes,      ///< multiply-accumulates of every PE
  Data,     ///< operands and partial sums of every PE
};

struct WaveformOptions {
  TraceLevel level = TraceLevel::Links;
  std::int64_t from = 0;  ///< cycles [from, to)
  std::int64_t to = std::numeric_limits<std::int64_t>::max();
  std::string scope = "*";          ///< pattern of the signals' full names (dots between scopes)
  std::int64_t limit_bytes = 0;     ///< stop cleanly there; 0: no limit
  std::size_t patience = 1u << 13;  ///< changes kept before they are handed to the writer
};

class Waveform : public Observer {
 public:
  /// Writes to `out` while the run goes on, from a thread of its own. The mapping must outlive it.
  Waveform(const workloads::Mapping& mapping, WaveformOptions options, std::ostream& out);

  bool wants_pes() const override { return true; }
  bool wants_values() const override { return options_.level >= TraceLevel::Data; }
  void begin(const std::vector<ArrayDescription>& arrays) override;
  void fill_starts(int array, int channel, std::int64_t now) override;
  void drain_starts(int array, std::int64_t now) override;
  void fill(const FillEvent& e) override;
  void drain(const DrainEvent& e) override;
  void work(const WorkEvent& e) override;
  void work_waits(int array, unsigned missing, std::int64_t now) override;
  void work_over(int array, std::int64_t now) override;
  void fill_waits(int array, int channel, Wait w, std::int64_t now) override;
  void drain_waits(int array, Wait w, std::int64_t now) override;
  void outputs_begin(int array, std::int64_t residence, std::int64_t tile,
                     std::int64_t now) override;
  void released(int array, Tensor t, std::int64_t first, std::int64_t last,
                std::int64_t now) override;
  void end(std::int64_t cycles) override;

  std::size_t signals() const { return declared_.size(); }  ///< known after begin()
  std::vector<std::string> some_names() const;              ///< of all signals, also outside scope
  std::int64_t bytes() const { return vcd_.bytes(); }
  /// The cycle in which the limit was reached, or -1.
  std::int64_t stopped_at() const { return stopped_at_; }
  bool wrote() const { return begun_; }  ///< false: the window begins after the end of the run

  /// A GTKWave save file for the waveform in `dump`: groups, colours, number formats, and markers
  /// A, B, C ... at the first fill, work and drain of the first three steps.
  std::string save_file(const std::string& dump) const;

 private:
  enum class Look : std::uint8_t { Text, Decimal, Signed, Analog };
  struct Declared {
    std::vector<std::string> scopes;
    std::string name;
    int bits = 0;  ///< 0: text
    Look look = Look::Decimal;
    const std::vector<std::string>* texts = nullptr;
  };
  struct Change {
    std::int64_t time;
    std::uint64_t value;
    std::uint32_t signal;
  };
  struct Batch {
    std::vector<Change> changes;
    std::int64_t before = 0;  ///< nothing that comes later is earlier
  };
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::uint32_t kSum = std::uint32_t{1} << 31;  ///< the value is to be added
  struct Stream {  // of words, one channel of one direction
    std::uint32_t words = kNone, state = kNone, step = kNone;
    std::array<std::uint32_t, 3> sent{kNone, kNone, kNone}, arrived{kNone, kNone, kNone};
    std::uint64_t last_state = 0;
    std::deque<std::int64_t> open;  ///< starts of what is not told yet
  };
  struct Pe {
    std::uint32_t macs = kNone, input = kNone, weight = kNone, psum = kNone;
  };
  struct Unit {  // one array
    std::uint32_t state = kNone, cycle_class = kNone, step = kNone, macs = kNone;
    std::array<std::uint32_t, workloads::kDims> loop;
    std::vector<Stream> fills;
    Stream drain;
    std::int64_t slots = 1;
    std::array<std::array<std::uint32_t, 2>, 3> slot_words, slot_state;
    std::vector<Pe> pes;
    std::uint64_t last_state = 0;
    std::int64_t outputs = -1;  ///< the last residence that began
    /// Nothing will be told of the time before.
    std::int64_t known = std::numeric_limits<std::int64_t>::max();
    bool over = false;
  };

  std::uint32_t declare(const std::vector<std::string>& scopes, const std::string& name, int bits,
                        Look look);
  std::uint32_t declare(const std::vector<std::string>& scopes, const std::string& name,
                        const std::vector<std::string>& texts);
  std::uint32_t add(Declared d);
  void push(std::int64_t time, std::uint32_t signal, std::int64_t value) {
    if (signal != kNone && time < to_)
      batch_.changes.push_back({time, static_cast<std::uint64_t>(value), signal});
  }
  void push_sum(std::int64_t time, std::uint32_t signal, std::int64_t more) {
    if (signal != kNone) push(time, signal | kSum, more);
  }
  static void close(Stream& s, std::int64_t start);
  void rate(Stream& s, std::int64_t words, std::int64_t from, std::int64_t to);
  void macs(Unit& u, const WorkEvent& e);
  void find_rates(const WorkEvent& e);
  void slot(Unit& u, std::size_t tensor, std::int64_t residence, std::int64_t time,
            std::int64_t state, std::int64_t words);
  void proceed(std::int64_t now);
  void write(Batch& batch);
  void flush(std::int64_t before);
  void mark(std::size_t kind, std::int64_t time);

  const workloads::Mapping& mapping_;
  WaveformOptions options_;
  Vcd vcd_;
  std::vector<Declared> declared_;
  std::vector<std::string> names_;  // a few, for messages
  std::vector<Unit> units_;
  Batch batch_;
  /// Multiply-accumulates per cycle of the last step, by cycle since its start; also of the steps
  /// that are copies of it.
  std::vector<std::pair<std::int64_t, std::int64_t>> rates_;
  std::int64_t to_;                                 ///< later changes are not kept
  std::array<std::vector<std::int64_t>, 3> marks_;  // fill, work, drain of the first steps

  // The writer's, with vcd_, from the first batch until end() has waited for it.
  std::vector<Change> changes_, sorted_;
  std::size_t patience_;             ///< changes kept before what is certain is written
  std::vector<std::uint64_t> sums_;  ///< by signal
  bool begun_ = false;
  std::int64_t stopped_at_ = -1;
  std::atomic<bool> stopped_{false};
  Background<Batch> writer_;
};

}  // namespace counterpoint::sim
