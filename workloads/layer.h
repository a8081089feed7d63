// SPDX-License-Identifier: Apache-2.0
// What is to be computed: one layer as a perfectly nested loop around one multiply-accumulate.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace counterpoint::workloads {

/// Loop dimensions. Y and X are *output* coordinates (written Y', X' in the language);
/// GEMM-like operators use B, M, N and K.
enum class Dim : std::uint8_t { N, G, K, C, R, S, Y, X, B, M };
inline constexpr int kDims = 10;
inline constexpr std::array<Dim, kDims> kAllDims = {Dim::N, Dim::G, Dim::K, Dim::C, Dim::R,
                                                    Dim::S, Dim::Y, Dim::X, Dim::B, Dim::M};
constexpr int index(Dim d) {
  return static_cast<int>(d);
}
/// The name as the language spells it: "N", "Y'", ...
std::string_view name(Dim d);

enum class Tensor : std::uint8_t { Input, Weight, Output };
inline constexpr int kTensors = 3;
inline constexpr std::array<Tensor, kTensors> kAllTensors = {Tensor::Input, Tensor::Weight,
                                                             Tensor::Output};
constexpr int index(Tensor t) {
  return static_cast<int>(t);
}
/// "input", "weight", "output".
std::string_view name(Tensor t);

enum class Operator : std::uint8_t { Conv, DsConv, NgConv, TrConv, Gemm };
std::string_view name(Operator op);

/// A half-open interval of indices [lo, hi).
struct Range {
  std::int64_t lo = 0;
  std::int64_t hi = 0;
  std::int64_t size() const { return hi > lo ? hi - lo : 0; }
  bool empty() const { return hi <= lo; }
  friend bool operator==(const Range& a, const Range& b) { return a.lo == b.lo && a.hi == b.hi; }
  friend bool operator!=(const Range& a, const Range& b) { return !(a == b); }
};

/// A box of loop indices, in the layer's coordinates. Dimensions that the operator does not
/// have are [0, 1). It is empty if any range is empty.
struct Box {
  std::array<Range, kDims> range{};
  Range& operator[](Dim d) { return range[static_cast<std::size_t>(index(d))]; }
  const Range& operator[](Dim d) const { return range[static_cast<std::size_t>(index(d))]; }
  bool empty() const {
    for (const Range& r : range)
      if (r.empty()) return true;
    return false;
  }
  friend bool operator==(const Box& a, const Box& b) { return a.range == b.range; }
  friend bool operator!=(const Box& a, const Box& b) { return !(a == b); }
};

/// The sliding window along rows (dims Y, R) or columns (dims X, S).
///
/// Output index o and kernel index k meet at grid position u = stride*o + dilation*k; the input
/// coordinate is i = (u - offset) / upsample. The pair (o, k) performs work if and only if
/// upsample divides u - offset and 0 <= i < extent. A convolution has upsample 1 and offset =
/// implicit padding; a transposed convolution has stride 1, upsample = its stride and offset =
/// dilation*(kernel-1) - padding (kernel indices mirrored, which does not change any count).
struct Window {
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t offset = 0;
  std::int64_t upsample = 1;
  std::int64_t extent = 1;  ///< stored input rows (columns)
};

struct Layer {
  std::string name;
  Operator op = Operator::Conv;
  std::array<std::int64_t, kDims> extent{1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  Window rows;                    ///< (Y, R)
  Window cols;                    ///< (X, S)
  bool weight_has_batch = false;  ///< Gemm: weights are (B, K, N) instead of (K, N)

  std::int64_t operator[](Dim d) const { return extent[static_cast<std::size_t>(index(d))]; }
  std::int64_t& operator[](Dim d) { return extent[static_cast<std::size_t>(index(d))]; }

  bool has_window() const { return op != Operator::Gemm; }
  /// Loop dimensions of the operator, in canonical order.
  bool has(Dim d) const;
  /// Whether a tensor's coordinates depend on d. For Input, {Y,R} together form the row
  /// coordinate and {X,S} the column coordinate; every other coordinate is the index itself.
  bool couples(Tensor t, Dim d) const;
  /// Dimensions summed over: those that the output does not have.
  bool is_reduction(Dim d) const { return has(d) && !couples(Tensor::Output, d); }
  /// The whole iteration space.
  Box whole() const;
  /// Every (o, k) pair of both windows performs work (no implicit padding, no upsampling).
  bool dense() const;
  const Window& window(Dim d) const { return (d == Dim::Y || d == Dim::R) ? rows : cols; }
};

/// Number of (o, k) pairs of a window in out x kernel that perform work. O(kernel).
std::int64_t window_pairs(const Window& w, Range out, Range kernel);
/// Multiply-accumulates of a box: the product of the plain ranges and the pairs of both windows.
std::int64_t macs(const Layer& layer, const Box& box);
/// Multiply-accumulates of the layer.
std::int64_t macs(const Layer& layer);
/// Number of words of a whole tensor as stored (inputs: every stored row and column).
std::int64_t stored_words(const Layer& layer, Tensor t);

/// The dimension along which a tensor's words are neighbours in memory: channels, as its row is
/// N, Y, X, (G,) C; of weights (G,) R, S, C, K; of matrices (B,) M, K and (B,) K, N.
Dim row_dim(const Layer& layer, Tensor t);

}  // namespace counterpoint::workloads
