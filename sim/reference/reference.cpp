// SPDX-License-Identifier: Apache-2.0
#include "sim/reference/reference.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "sim/vectors.h"

namespace counterpoint::sim {

int operand_bits(const Layer& layer, int declared_input, int declared_weight, int psum_bits) {
  std::int64_t sums = 1;
  for (Dim d : workloads::kAllDims)
    if (layer.is_reduction(d)) sums *= layer[d];
  int log = 0;
  while ((std::int64_t{1} << log) < sums) ++log;
  // |sum| <= sums * 2^(2 bits - 2) <= 2^(psum_bits - 2).
  const int fits = (psum_bits - log) / 2;
  return std::min({declared_input, declared_weight, fits});
}

std::int32_t word_value(std::uint64_t seed, Tensor t, std::int64_t id, int bits) {
  std::uint64_t x = seed * 0x9E3779B97F4A7C15ull + static_cast<std::uint64_t>(id) * 3 +
                    static_cast<std::uint64_t>(index(t)) + 1;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  x ^= x >> 31;
  const std::int64_t span = std::int64_t{1} << bits;
  return static_cast<std::int32_t>(static_cast<std::int64_t>(x % static_cast<std::uint64_t>(span)) -
                                   span / 2);
}

namespace {

// sums[x] += sum over s < taps of tap[s] * line[stride * x + dilation * s], x < outputs.
struct Row {
  const std::int32_t* line;
  const std::int32_t* tap;
  std::int64_t taps, stride, dilation, outputs;
};

template <typename Sum>
inline void add(const Row& r, Sum* sums) {
  for (std::int64_t s = 0; s < r.taps; ++s) {
    const Sum tap = r.tap[s];
    const std::int32_t* line = r.line + r.dilation * s;
    if (r.stride == 1)
      for (std::int64_t x = 0; x < r.outputs; ++x) sums[x] += tap * line[x];
    else
      for (std::int64_t x = 0; x < r.outputs; ++x) sums[x] += tap * line[r.stride * x];
  }
}
COUNTERPOINT_VECTORS void add_row(const Row& r, std::int32_t* sums) {
  add(r, sums);
}
COUNTERPOINT_VECTORS void add_row(const Row& r, std::int64_t* sums) {
  add(r, sums);
}

template <typename Sum>
void convolve(const Layer& l, const std::int32_t* input, const std::int32_t* weight, Sum* out) {
  const bool depthwise = l.op == workloads::Operator::DsConv;
  const std::int64_t groups = depthwise ? l[Dim::C] : l[Dim::G];
  const std::int64_t ks = depthwise ? 1 : l[Dim::K], cs = depthwise ? 1 : l[Dim::C];
  const std::int64_t rs = l[Dim::R], ss = l[Dim::S], ys = l[Dim::Y], xs = l[Dim::X];
  const std::int64_t rows = l.rows.extent, cols = l.cols.extent;
  const workloads::Window& w = l.cols;
  const bool inside =
      w.upsample == 1 && w.offset == 0 && w.stride * (xs - 1) + w.dilation * (ss - 1) < cols;
  for (std::int64_t n = 0; n < l[Dim::N]; ++n)
    for (std::int64_t g = 0; g < groups; ++g)
      for (std::int64_t k = 0; k < ks; ++k)
        for (std::int64_t c = 0; c < cs; ++c)
          for (std::int64_t y = 0; y < ys; ++y)
            for (std::int64_t r = 0; r < rs; ++r) {
              const std::int64_t i = window_input(l.rows, y, r);
              if (i < 0) continue;
              const std::int32_t* line = input + (((n * groups + g) * cs + c) * rows + i) * cols;
              const std::int32_t* taps = weight + (((g * ks + k) * cs + c) * rs + r) * ss;
              Sum* sums = out + (((n * groups + g) * ks + k) * ys + y) * xs;
              if (inside) {
                add_row({line, taps, ss, w.stride, w.dilation, xs}, sums);
                continue;
              }
              for (std::int64_t s = 0; s < ss; ++s)
                for (std::int64_t x = 0; x < xs; ++x) {
                  const std::int64_t j = window_input(w, x, s);
                  if (j >= 0) sums[x] += Sum{taps[s]} * line[j];
                }
            }
}

template <typename Sum>
void multiply(const Layer& l, const std::int32_t* input, const std::int32_t* weight, Sum* out) {
  const std::int64_t ms = l[Dim::M], ks = l[Dim::K], ns = l[Dim::N];
  for (std::int64_t b = 0; b < l[Dim::B]; ++b) {
    const std::int32_t* right = weight + (l.weight_has_batch ? b * ks * ns : 0);
    for (std::int64_t m = 0; m < ms; ++m) {
      Sum* sums = out + (b * ms + m) * ns;
      for (std::int64_t k = 0; k < ks; ++k)
        add_row({right + k * ns, input + (b * ms + m) * ks + k, 1, 1, 1, ns}, sums);
    }
  }
}

template <typename Sum>
void evaluate(const Layer& l, const std::int32_t* input, const std::int32_t* weight, Sum* out) {
  if (l.has_window())
    convolve(l, input, weight, out);
  else
    multiply(l, input, weight, out);
}

std::int64_t largest(const std::int32_t* words, std::int64_t n) {
  std::int64_t m = 0;
  for (std::int64_t i = 0; i < n; ++i) m = std::max(m, std::abs(std::int64_t{words[i]}));
  return m;
}

}  // namespace

std::vector<std::int64_t> evaluate_directly(const Layer& layer, const std::int32_t* input,
                                            const std::int32_t* weight) {
  const TensorSpace space = tensor_space(layer, Tensor::Output);
  std::vector<std::int64_t> out(static_cast<std::size_t>(space.words), 0);
  // Sums that cannot leave 32 bits are added in as many.
  std::int64_t sums = 1;
  for (Dim d : workloads::kAllDims)
    if (layer.is_reduction(d)) sums *= layer[d];
  const std::int64_t product = largest(input, tensor_space(layer, Tensor::Input).words) *
                               largest(weight, tensor_space(layer, Tensor::Weight).words);
  if (product <= std::numeric_limits<std::int32_t>::max() / sums) {
    std::vector<std::int32_t> narrow(out.size(), 0);
    evaluate(layer, input, weight, narrow.data());
    std::copy(narrow.begin(), narrow.end(), out.begin());
  } else {
    evaluate(layer, input, weight, out.data());
  }
  return out;
}

}  // namespace counterpoint::sim
