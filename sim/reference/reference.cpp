// SPDX-License-Identifier: Apache-2.0
#include "sim/reference/reference.h"

#include <algorithm>

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

void convolve(const Layer& l, const std::int32_t* input, const std::int32_t* weight,
              std::vector<std::int64_t>& out) {
  const bool depthwise = l.op == workloads::Operator::DsConv;
  const std::int64_t groups = depthwise ? l[Dim::C] : l[Dim::G];
  const std::int64_t ks = depthwise ? 1 : l[Dim::K], cs = depthwise ? 1 : l[Dim::C];
  const std::int64_t rs = l[Dim::R], ss = l[Dim::S], ys = l[Dim::Y], xs = l[Dim::X];
  const std::int64_t rows = l.rows.extent, cols = l.cols.extent;
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
              std::int64_t* sums = out.data() + (((n * groups + g) * ks + k) * ys + y) * xs;
              for (std::int64_t s = 0; s < ss; ++s) {
                const std::int64_t tap = taps[s];
                const std::int64_t shift = l.cols.dilation * s - l.cols.offset;
                if (l.cols.upsample == 1 && l.cols.stride == 1) {
                  const std::int64_t lo = std::max<std::int64_t>(0, -shift);
                  const std::int64_t hi = std::min(xs, cols - shift);
                  for (std::int64_t x = lo; x < hi; ++x) sums[x] += tap * line[x + shift];
                  continue;
                }
                for (std::int64_t x = 0; x < xs; ++x) {
                  const std::int64_t j = window_input(l.cols, x, s);
                  if (j >= 0) sums[x] += tap * line[j];
                }
              }
            }
}

void multiply(const Layer& l, const std::int32_t* input, const std::int32_t* weight,
              std::vector<std::int64_t>& out) {
  const std::int64_t ms = l[Dim::M], ks = l[Dim::K], ns = l[Dim::N];
  for (std::int64_t b = 0; b < l[Dim::B]; ++b) {
    const std::int32_t* right = weight + (l.weight_has_batch ? b * ks * ns : 0);
    for (std::int64_t m = 0; m < ms; ++m) {
      std::int64_t* sums = out.data() + (b * ms + m) * ns;
      for (std::int64_t k = 0; k < ks; ++k) {
        const std::int64_t a = input[(b * ms + m) * ks + k];
        for (std::int64_t n = 0; n < ns; ++n) sums[n] += a * right[k * ns + n];
      }
    }
  }
}

}  // namespace

std::vector<std::int64_t> evaluate_directly(const Layer& layer, const std::int32_t* input,
                                            const std::int32_t* weight) {
  const TensorSpace space = tensor_space(layer, Tensor::Output);
  std::vector<std::int64_t> out(static_cast<std::size_t>(space.words), 0);
  if (layer.has_window())
    convolve(layer, input, weight, out);
  else
    multiply(layer, input, weight, out);
  return out;
}

}  // namespace counterpoint::sim
