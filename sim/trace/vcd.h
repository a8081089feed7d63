// SPDX-License-Identifier: Apache-2.0
// Writes a Value Change Dump (IEEE 1364, section 21.7), readable by GTKWave and others.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

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
  void time(std::int64_t cycle);
  void set(Signal signal, std::uint64_t value);
  /// Writes what is pending and the last time, so that the end of the run is visible.
  void end(std::int64_t cycle);

  /// The name as it stands in the file: characters that a name may not have became '_'.
  static std::string name_of(const std::string& text);

  std::int64_t bytes() const { return bytes_; }  ///< written so far

 private:
  struct State {
    std::string code;  ///< short name in the file
    int bits = 0;      ///< 0: one of `texts`
    std::uint64_t now = 0, written = 0;
    std::vector<std::string> texts;
    bool pending = false;
  };
  Signal declare(const std::string& kind, int bits, const std::string& name);
  void put(const std::string& text);
  void stamp();
  void flush();
  void value(const State& s);
  void spill();

  std::ostream& out_;
  std::string buffer_;
  std::vector<State> signals_;
  std::vector<Signal> pending_;
  std::int64_t time_ = 0;
  std::int64_t bytes_ = 0;
  std::size_t depth_ = 0;
  bool begun_ = false;
  bool stamped_ = true;  ///< time_ stands in the file
};

}  // namespace counterpoint::sim
