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

// Names: readers take brackets for bit ranges and dots for hierarchy.
std::string name_of(const std::string& text) {
  std::string out = word(text);
  for (char& c : out)
    if (c == '[' || c == ']' || c == '.' || c == '$' || c == '\\') c = '_';
  return out.empty() ? "_" : out;
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

std::string binary(std::uint64_t v) {
  std::string out;
  do {
    out += static_cast<char>('0' + (v & 1u));
    v >>= 1u;
  } while (v > 0);
  std::reverse(out.begin(), out.end());
  return out;
}

void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(std::string("VCD: ") + what);
}

}  // namespace

void Vcd::put(const std::string& text) {
  out_ << text;
  bytes_ += static_cast<std::int64_t>(text.size());
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

Vcd::Signal Vcd::text(const std::string& name) {
  return declare("string", 0, name);
}

void Vcd::value(const State& s) {
  if (s.bits == 0)
    put("s" + (s.now_text.empty() ? "-" : s.now_text) + " " + s.code + "\n");
  else if (s.bits == 1)
    put((s.now != 0 ? "1" : "0") + s.code + "\n");
  else
    put("b" + binary(s.now) + " " + s.code + "\n");
}

void Vcd::begin() {
  require(!begun_ && depth_ == 0 && !signals_.empty(), "begun twice, open scopes or no signal");
  put("$enddefinitions $end\n#0\n$dumpvars\n");
  for (const State& s : signals_) value(s);
  put("$end\n");
  begun_ = true;
}

void Vcd::set(Signal signal, std::uint64_t v) {
  State& s = signals_.at(signal);
  require(begun_ && s.bits > 0, "a number for a text, or before the beginning");
  require(s.bits == 64 || v >> s.bits == 0, "a number is too large for its signal");
  s.now = v;
  if (!s.pending) pending_.push_back(signal);
  s.pending = true;
}

void Vcd::set(Signal signal, const std::string& v) {
  State& s = signals_.at(signal);
  require(begun_ && s.bits == 0, "a text for a number, or before the beginning");
  s.now_text = word(v);
  if (!s.pending) pending_.push_back(signal);
  s.pending = true;
}

void Vcd::flush() {
  // In the order of declaration, whatever the order of the events within a cycle was.
  std::sort(pending_.begin(), pending_.end());
  for (const Signal i : pending_) {
    State& s = signals_[i];
    s.pending = false;
    if (s.now == s.written && s.now_text == s.written_text) continue;
    if (!stamped_) put("#" + std::to_string(time_) + "\n");
    stamped_ = true;
    value(s);
    s.written = s.now;
    s.written_text = s.now_text;
  }
  pending_.clear();
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
  if (!stamped_) put("#" + std::to_string(time_) + "\n");
  stamped_ = true;
}

}  // namespace counterpoint::sim
