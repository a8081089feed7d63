// SPDX-License-Identifier: Apache-2.0
// Text on its way into a stream, and events into the order of time: what files of many millions of
// lines need.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace counterpoint::sim {

/// Collects text and writes it in large pieces. The caller looks at the stream's state.
class TextWriter {
 public:
  explicit TextWriter(std::ostream& out) : out_(out) {}

  void put(std::string_view text) {
    std::memcpy(room(text.size()), text.data(), text.size());
    used_ += text.size();
  }
  void put(char c) {
    *room(1) = c;
    ++used_;
  }
  void number(std::int64_t n) {
    char* const from = room(24);
    advance(from, std::to_chars(from, from + 24, n).ptr);
  }
  /// Where up to `bytes` characters can be written by hand; advance() tells how many were.
  char* room(std::size_t bytes) {
    if (used_ + bytes > buffer_.size()) make_room(bytes);
    return buffer_.data() + used_;
  }
  void advance(const char* from, const char* to) { used_ += static_cast<std::size_t>(to - from); }

  void spill() {
    if (used_ > 0) out_.write(buffer_.data(), static_cast<std::streamsize>(used_));
    spilled_ += static_cast<std::int64_t>(used_);
    used_ = 0;
  }
  std::int64_t bytes() const { return spilled_ + static_cast<std::int64_t>(used_); }

 private:
  static constexpr std::size_t kPiece = 1u << 18;
  void make_room(std::size_t bytes) {
    spill();
    if (bytes > buffer_.size()) buffer_.resize(std::max(bytes, kPiece));
  }
  std::ostream& out_;
  std::string buffer_;  ///< the first used_ characters wait to be written
  std::size_t used_ = 0;
  std::int64_t spilled_ = 0;
};

/// Sorts by an unsigned key, stably, up to 13 bits at a time: what lies near in time needs one
/// pass.
template <class T, class Key>
void radix_sort(std::vector<T>& all, std::vector<T>& spare, Key key) {
  constexpr int kMostBits = 13;
  std::uint64_t least = ~std::uint64_t{0}, most = 0, before = 0;
  bool sorted = true;
  for (const T& x : all) {
    const std::uint64_t k = key(x);
    sorted = sorted && k >= before;
    before = k;
    least = std::min(least, k);
    most = std::max(most, k);
  }
  if (sorted) return;
  int bits = 1;
  while (bits < 64 && (most - least) >> bits != 0) ++bits;
  const int passes = (bits + kMostBits - 1) / kMostBits, each = (bits + passes - 1) / passes;
  std::vector<std::size_t> place(std::size_t{1} << each);
  spare.resize(all.size());
  for (int shift = 0; shift < bits; shift += each) {
    const auto digit = [&](const T& x) {
      return static_cast<std::size_t>((key(x) - least) >> shift) & (place.size() - 1);
    };
    std::fill(place.begin(), place.end(), 0);
    for (const T& x : all) ++place[digit(x)];
    std::size_t sum = 0;
    for (std::size_t& p : place) sum += std::exchange(p, sum);
    for (const T& x : all) spare[place[digit(x)]++] = x;
    all.swap(spare);
  }
}

}  // namespace counterpoint::sim
