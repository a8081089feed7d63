// SPDX-License-Identifier: Apache-2.0
#include "sim/trace/vcd.h"

#include <algorithm>
#include <array>
#include <cstring>

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

// Every byte in binary digits.
using Digits = std::array<std::array<char, 8>, 256>;
constexpr Digits binary_digits() {
  Digits all{};
  for (unsigned v = 0; v < 256; ++v)
    for (unsigned i = 0; i < 8; ++i) all[v][i] = static_cast<char>('0' + ((v >> (7 - i)) & 1u));
  return all;
}
constexpr Digits kDigits = binary_digits();

// As many binary digits as the value needs, at least one; where they end.
char* write_binary(char* at, std::uint64_t v) {
  int bytes = 1;
  while (bytes < 8 && v >> (8 * bytes) != 0) ++bytes;
  const auto& first = kDigits[(v >> (8 * (bytes - 1))) & 0xff];
  std::size_t skip = 0;
  while (skip < 7 && first[skip] == '0') ++skip;
  std::memcpy(at, first.data() + skip, 8 - skip);
  at += 8 - skip;
  for (int i = bytes - 2; i >= 0; --i, at += 8)
    std::memcpy(at, kDigits[(v >> (8 * i)) & 0xff].data(), 8);
  return at;
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

void Vcd::open(const std::string& scope) {
  require(!begun_, "a scope after the first value");
  if (signals_.empty() && depth_ == 0) out_.put("$timescale 1 ns $end\n");
  out_.put("$scope module " + name_of(scope) + " $end\n");
  ++depth_;
}

void Vcd::close() {
  require(!begun_ && depth_ > 0, "no scope to close");
  out_.put("$upscope $end\n");
  --depth_;
}

Vcd::Signal Vcd::declare(const std::string& kind, int bits, const std::string& name) {
  require(!begun_ && depth_ > 0, "a signal outside of a scope or after the first value");
  State s;
  const std::string code = code_of(signals_.size());
  s.most = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  s.level = bits == 1;
  const std::string tail = (s.level ? "" : " ") + code + "\n";
  s.tail_size = static_cast<std::uint8_t>(tail.copy(s.tail, sizeof s.tail));
  out_.put("$var " + kind + " " + std::to_string(std::max(bits, 1)) + " " + code + " " +
           name_of(name) + " $end\n");
  signals_.push_back(std::move(s));
  pending_.resize((signals_.size() + 63) / 64);
  return signals_.size() - 1;
}

Vcd::Signal Vcd::number(const std::string& name, int bits) {
  require(bits >= 1 && bits <= 64, "numbers have 1 to 64 bits");
  return declare("wire", bits, name);
}

Vcd::Signal Vcd::choice(const std::string& name, const std::vector<std::string>& texts) {
  require(!texts.empty(), "a choice of nothing");
  const Signal signal = declare("string", 0, name);
  State& s = signals_[signal];
  s.most = texts.size() - 1;
  for (const std::string& t : texts)
    s.lines.push_back("s" + word(t) + std::string(s.tail, s.tail_size));
  return signal;
}

void Vcd::misuse(Signal signal) const {
  require(signal < signals_.size(), "no such signal");
  require(signals_[signal].lines.empty(), "no such text");
  throw std::logic_error("VCD: a number is too large for its signal");
}

void Vcd::value(const State& s) {
  if (!s.lines.empty()) {
    out_.put(s.lines[s.now]);
    return;
  }
  char* const from = out_.room(96);
  char* at = from;
  if (s.level) {
    *at++ = s.now != 0 ? '1' : '0';
  } else {
    *at++ = 'b';
    at = write_binary(at, s.now);
  }
  std::memcpy(at, s.tail, sizeof s.tail);
  out_.advance(from, at + s.tail_size);
}

void Vcd::stamp() {
  if (stamped_) return;
  stamped_ = true;
  out_.put('#');
  out_.number(time_);
  out_.put('\n');
}

void Vcd::begin(std::int64_t cycle) {
  require(!begun_ && depth_ == 0 && !signals_.empty(), "begun twice, open scopes or no signal");
  time_ = cycle;
  out_.put("$enddefinitions $end\n");
  stamped_ = false;
  stamp();
  out_.put("$dumpvars\n");
  for (State& s : signals_) {
    value(s);
    s.written = s.now;
  }
  std::fill(pending_.begin(), pending_.end(), 0);
  out_.put("$end\n");
  begun_ = true;
}

// In the order of declaration, whatever the order of the events within a cycle was.
void Vcd::flush() {
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    while (pending_[i] != 0) {
      State& s = signals_[64 * i + static_cast<std::size_t>(__builtin_ctzll(pending_[i]))];
      pending_[i] &= pending_[i] - 1;
      if (s.now == s.written) continue;
      stamp();
      value(s);
      s.written = s.now;
    }
  }
}

void Vcd::advance(std::int64_t cycle) {
  require(begun_ && cycle >= time_, "time runs backwards");
  flush();
  time_ = cycle;
  stamped_ = false;
}

void Vcd::end(std::int64_t cycle) {
  time(cycle);
  flush();
  stamp();
  out_.spill();
}

}  // namespace counterpoint::sim
