// SPDX-License-Identifier: Apache-2.0
#include "input/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace counterpoint::input {

using std::chrono::milliseconds;

ProgressLine::ProgressLine(std::string unit, double all, double before, bool log)
    : unit_(std::move(unit)),
      all_(all),
      before_(before),
      terminal_(isatty(STDERR_FILENO) != 0),
      log_(log),
      next_(begun_ + milliseconds(terminal_ ? 2000 : 60000)) {}

void ProgressLine::advance(double done, const std::string& first) {
  done_ += done;
  const Clock::time_point now = Clock::now();
  if (now < next_ || (!terminal_ && !log_)) return;
  next_ = now + milliseconds(terminal_ ? 500 : 60000);
  const double s = std::chrono::duration<double>(now - begun_).count();
  const double rate = done_ / s;
  std::string line = fmt::format("{}{}{:.0f} of {:.0f} {}, {:.0f} s", first,
                                 first.empty() ? "" : ", ", before_ + done_, all_, unit_, s);
  if (done_ > 0)
    line += fmt::format(", {:.{}f} {}/s, about {:.0f} s left", rate, rate < 10 ? 1 : 0, unit_,
                        std::max(0.0, all_ - before_ - done_) / rate);
  fmt::print(stderr, "{}{}{}", terminal_ ? "\r\033[K" : "", line, terminal_ ? "" : "\n");
  std::fflush(stderr);
  visible_ = terminal_;
}

void ProgressLine::clear() {
  if (visible_) fmt::print(stderr, "\r\033[K");
  visible_ = false;
}

}  // namespace counterpoint::input
