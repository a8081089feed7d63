// SPDX-License-Identifier: Apache-2.0
#include "sim/trace/vcd.h"

#include <algorithm>
#include <stdexcept>

namespace counterpoint::sim {
namespace {

// Printable characters but the blank end nothing in the format.
std::string word(const std::string& text) {
  std::string out = text;
  for (char& c : out)
    if (c <= ' ' || c > '~') c = '_';
  return out;
}

// 94 printable characters, shortest first.
std::string code_of(std::size_t n) {
  std::string out;
  do {
    out += static_cast<char>('!' + n % 94);
    n /= 94;
  } while (n > 0);
  return out;
}

void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(std::string("VCD: ") + what);
}

}  // namespace

// Names: readers take brackets for bit ranges and dots for hierarchy.
std::string Vcd::name_of(const std::string& text) {
  std::string out = word(text);
  for (char& c : out)
    if (c == '[' || c == ']' || c == '.' || c == '$' || c == '\\') c = '_';
  return out.empty() ? "_" : out;
}

void Vcd::put(const std::string& text) {
  buffer_ += text;
  bytes_ += static_cast<std::int64_t>(text.size());
}

void Vcd::spill() {
  out_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  buffer_.clear();
}

void Vcd::open(const std::string& scope) {
  require(!begun_, "a scope after the first value");
  if (signals_.empty() && depth_ == 0) put("$timescale 1 ns $end\n");
  put("$scope module " + name_of(scope) + " $end\n");
  ++depth_;
}

void Vcd::close() {
  require(!begun_ && depth_ > 0, "no scope to close");
  put("$upscope $end\n");
  --depth_;
}

Vcd::Signal Vcd::declare(const std::string& kind, int bits, const std::string& name) {
  require(!begun_ && depth_ > 0, "a signal outside of a scope or after the first value");
  State s;
  s.code = code_of(signals_.size());
  s.bits = bits;
  put("$var " + kind + " " + std::to_string(std::max(bits, 1)) + " " + s.code + " " +
      name_of(name) + " $end\n");
  signals_.push_back(std::move(s));
  return signals_.size() - 1;
}

Vcd::Signal Vcd::number(const std::string& name, int bits) {
  require(bits >= 1 && bits <= 64, "numbers have 1 to 64 bits");
  return declare("wire", bits, name);
}

Vcd::Signal Vcd::choice(const std::string& name, const std::vector<std::string>& texts) {
  require(!texts.empty(), "a choice of nothing");
  const Signal signal = declare("string", 0, name);
  for (const std::string& t : texts) signals_[signal].texts.push_back("s" + word(t));
  return signal;
}

void Vcd::value(const State& s) {
  const std::size_t before = buffer_.size();
  if (s.bits == 0) {
    buffer_ += s.texts[s.now];
    buffer_ += ' ';
  } else if (s.bits == 1) {
    buffer_ += s.now != 0 ? '1' : '0';
  } else {
    char digits[66];
    char* at = digits + sizeof digits;
    *--at = ' ';
    std::uint64_t v = s.now;
    do {
      *--at = static_cast<char>('0' + (v & 1u));
      v >>= 1u;
    } while (v > 0);
    *--at = 'b';
    buffer_.append(at, static_cast<std::size_t>(digits + sizeof digits - at));
  }
  buffer_ += s.code;
  buffer_ += '\n';
  bytes_ += static_cast<std::int64_t>(buffer_.size() - before);
}

void Vcd::stamp() {
  if (!stamped_) put("#" + std::to_string(time_) + "\n");
  stamped_ = true;
}

void Vcd::begin(std::int64_t cycle) {
  require(!begun_ && depth_ == 0 && !signals_.empty(), "begun twice, open scopes or no signal");
  time_ = cycle;
  put("$enddefinitions $end\n");
  stamped_ = false;
  stamp();
  put("$dumpvars\n");
  for (State& s : signals_) {
    value(s);
    s.written = s.now;
    s.pending = false;
  }
  pending_.clear();
  put("$end\n");
  begun_ = true;
}

void Vcd::set(Signal signal, std::uint64_t v) {
  State& s = signals_.at(signal);
  if (s.bits == 0)
    require(v < s.texts.size(), "no such text");
  else
    require(s.bits == 64 || v >> s.bits == 0, "a number is too large for its signal");
  s.now = v;
  if (!begun_ || s.pending) return;
  s.pending = true;
  pending_.push_back(signal);
}

void Vcd::flush() {
  // In the order of declaration, whatever the order of the events within a cycle was.
  std::sort(pending_.begin(), pending_.end());
  for (const Signal i : pending_) {
    State& s = signals_[i];
    s.pending = false;
    if (s.now == s.written) continue;
    stamp();
    value(s);
    s.written = s.now;
  }
  pending_.clear();
  if (buffer_.size() > (1u << 16)) spill();
}

void Vcd::time(std::int64_t cycle) {
  require(begun_ && cycle >= time_, "time runs backwards");
  if (cycle == time_) return;
  flush();
  time_ = cycle;
  stamped_ = false;
}

void Vcd::end(std::int64_t cycle) {
  time(cycle);
  flush();
  stamp();
  spill();
}

}  // namespace counterpoint::sim
