// SPDX-License-Identifier: Apache-2.0
// How far a long command is.
#pragma once

#include <chrono>
#include <string>

namespace counterpoint::input {

/// One line on stderr that is kept up to date while a command takes more than two seconds: how
/// much is done, at which rate, how long it will take. If stderr is not a terminal: nothing, or
/// with `log` a line per minute.
class ProgressLine {
 public:
  /// `all` of `unit` are to be done; `before` of them were by an earlier run.
  ProgressLine(std::string unit, double all, double before = 0, bool log = false);
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  /// That much more; shows it if it is time. `first` stands before it ("3 of 8 layers").
  void advance(double done, const std::string& first = "");
  void clear();  ///< takes the line away

 private:
  using Clock = std::chrono::steady_clock;
  std::string unit_;
  double all_, before_, done_ = 0;
  bool terminal_, log_;
  Clock::time_point begun_ = Clock::now(), next_;
  bool visible_ = false;
};

}  // namespace counterpoint::input
