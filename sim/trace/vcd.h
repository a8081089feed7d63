// SPDX-License-Identifier: Apache-2.0
// Writes a Value Change Dump (IEEE 1364, section 21.7), readable by GTKWave and others.
#pragma once

#include <cstdint>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "sim/trace/text_writer.h"

namespace counterpoint::sim {

/// Declare all signals, then set() what they are at first, begin(), then time() and set() as
/// things happen, then end(). Only
/// changes are written; what changes back within one time leaves no trace. Times must not
/// decrease. Misuse throws std::logic_error. Writes nothing but the stream it was given; the
/// caller looks at the stream's state.
class Vcd {
 public:
  using Signal = std::size_t;

  /// One unit of time is one cycle, written as 1 ns.
  explicit Vcd(std::ostream& out) : out_(out) {}

  /// Opens a scope within the present one. Characters that a name may not have become '_'.
  void open(const std::string& scope);
  void close();
  /// An unsigned number of `bits` (1 to 64); 0 at the start.
  Signal number(const std::string& name, int bits);
  /// One of a few readable states (blanks become '_'), set by number; the first at the start.
  Signal choice(const std::string& name, const std::vector<std::string>& texts);

  void begin(std::int64_t cycle = 0);
  void time(std::int64_t cycle) {
    if (cycle != time_ || !begun_) advance(cycle);
  }
  void set(Signal signal, std::uint64_t value) {
    if (signal >= signals_.size() || value > signals_[signal].most) misuse(signal);
    signals_[signal].now = value;
    pending_[signal / 64] |= std::uint64_t{1} << (signal % 64);
  }
  /// Writes what is pending and the last time, so that the end of the run is visible.
  void end(std::int64_t cycle);

  /// The name as it stands in the file: characters that a name may not have became '_'.
  static std::string name_of(const std::string& text);

  std::int64_t bytes() const { return out_.bytes(); }  ///< written so far

 private:
  struct State {
    std::uint64_t now = 0, written = 0;
    std::uint64_t most = 0;  ///< largest value
    bool level = false;      ///< one bit, written without a blank
    std::uint8_t tail_size = 0;
    char tail[14] = {};              ///< the short name in the file and the end of the line
    std::vector<std::string> lines;  ///< of a choice: what is written for each value
  };
  Signal declare(const std::string& kind, int bits, const std::string& name);
  [[noreturn]] void misuse(Signal signal) const;
  void advance(std::int64_t cycle);
  void stamp();
  void flush();
  void value(const State& s);

  TextWriter out_;
  std::vector<State> signals_;
  std::vector<std::uint64_t> pending_;  ///< a bit per signal that was set since the last flush
  std::int64_t time_ = 0;
  std::size_t depth_ = 0;
  bool begun_ = false;
  bool stamped_ = true;  ///< time_ stands in the file
};

}  // namespace counterpoint::sim
