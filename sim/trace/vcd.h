// SPDX-License-Identifier: Apache-2.0
// Writes a Value Change Dump (IEEE 1364, section 21.7), readable by GTKWave and others.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace counterpoint::sim {

/// Declare all signals, then begin(), then time() and set() as things happen, then end(). Only
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
  /// A readable state: text without blanks (blanks become '_'); empty at the start.
  Signal text(const std::string& name);

  void begin();
  void time(std::int64_t cycle);
  void set(Signal signal, std::uint64_t value);
  void set(Signal signal, const std::string& value);
  /// Writes what is pending and the last time, so that the end of the run is visible.
  void end(std::int64_t cycle);

  std::int64_t bytes() const { return bytes_; }  ///< written so far

 private:
  struct State {
    std::string code;  ///< short name in the file
    int bits = 0;      ///< 0: text
    std::uint64_t now = 0, written = 0;
    std::string now_text, written_text;
    bool pending = false;
  };
  Signal declare(const std::string& kind, int bits, const std::string& name);
  void put(const std::string& text);
  void flush();
  void value(const State& s);

  std::ostream& out_;
  std::vector<State> signals_;
  std::vector<Signal> pending_;
  std::int64_t time_ = 0;
  std::int64_t bytes_ = 0;
  std::size_t depth_ = 0;
  bool begun_ = false;
  bool stamped_ = true;  ///< time_ stands in the file
};

}  // namespace counterpoint::sim
