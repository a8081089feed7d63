// SPDX-License-Identifier: Apache-2.0
#include "workloads/layer.h"

#include <algorithm>

namespace counterpoint::workloads {
namespace {

constexpr unsigned bit(Dim d) {
  return 1u << static_cast<unsigned>(index(d));
}
constexpr unsigned kWindowDims = bit(Dim::Y) | bit(Dim::R) | bit(Dim::X) | bit(Dim::S);

unsigned dims_of(const Layer& l) {
  switch (l.op) {
    case Operator::Gemm: return bit(Dim::B) | bit(Dim::M) | bit(Dim::N) | bit(Dim::K);
    case Operator::DsConv: return bit(Dim::N) | bit(Dim::C) | kWindowDims;
    case Operator::NgConv:
    case Operator::Conv:
    case Operator::TrConv:
      return bit(Dim::N) | bit(Dim::G) | bit(Dim::K) | bit(Dim::C) | kWindowDims;
  }
  return 0;
}

unsigned coupled(const Layer& l, Tensor t) {
  if (l.op == Operator::Gemm) {
    switch (t) {
      case Tensor::Input: return bit(Dim::B) | bit(Dim::M) | bit(Dim::K);
      case Tensor::Weight:
        return (l.weight_has_batch ? bit(Dim::B) : 0u) | bit(Dim::K) | bit(Dim::N);
      case Tensor::Output: return bit(Dim::B) | bit(Dim::M) | bit(Dim::N);
    }
  }
  const bool depthwise = l.op == Operator::DsConv;
  const unsigned group = depthwise ? 0u : bit(Dim::G);
  switch (t) {
    case Tensor::Input: return bit(Dim::N) | group | bit(Dim::C) | kWindowDims;
    case Tensor::Weight:
      return group | (depthwise ? 0u : bit(Dim::K)) | bit(Dim::C) | bit(Dim::R) | bit(Dim::S);
    case Tensor::Output:
      return bit(Dim::N) | group | (depthwise ? bit(Dim::C) : bit(Dim::K)) | bit(Dim::Y) |
             bit(Dim::X);
  }
  return 0;
}

bool window_dense(const Window& w, std::int64_t outs, std::int64_t kernel) {
  return w.upsample == 1 && w.offset == 0 &&
         w.stride * (outs - 1) + w.dilation * (kernel - 1) + 1 <= w.extent;
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

}  // namespace

std::string_view name(Dim d) {
  constexpr std::array<std::string_view, kDims> names = {"N", "G",  "K",  "C", "R",
                                                         "S", "Y'", "X'", "B", "M"};
  return names[static_cast<std::size_t>(index(d))];
}

std::string_view name(Tensor t) {
  constexpr std::array<std::string_view, kTensors> names = {"input", "weight", "output"};
  return names[static_cast<std::size_t>(index(t))];
}

std::string_view name(Operator op) {
  switch (op) {
    case Operator::Conv: return "CONV";
    case Operator::DsConv: return "DSCONV";
    case Operator::NgConv: return "NGCONV";
    case Operator::TrConv: return "TRCONV";
    case Operator::Gemm: return "GEMM";
  }
  return "";
}

bool Layer::has(Dim d) const {
  return (dims_of(*this) & bit(d)) != 0;
}
bool Layer::couples(Tensor t, Dim d) const {
  return (coupled(*this, t) & bit(d)) != 0;
}

Box Layer::whole() const {
  Box box;
  for (Dim d : kAllDims) box[d] = {0, has(d) ? (*this)[d] : 1};
  return box;
}

bool Layer::dense() const {
  return !has_window() || (window_dense(rows, (*this)[Dim::Y], (*this)[Dim::R]) &&
                           window_dense(cols, (*this)[Dim::X], (*this)[Dim::S]));
}

std::int64_t window_pairs(const Window& w, Range out, Range kernel) {
  if (out.empty() || kernel.empty()) return 0;
  if (window_dense(w, out.hi, kernel.hi)) return out.size() * kernel.size();
  std::int64_t pairs = 0;
  for (std::int64_t k = kernel.lo; k < kernel.hi; ++k) {
    // Outputs o with 0 <= (stride*o + dilation*k - offset) / upsample < extent. Only one of
    // stride and upsample exceeds 1, so the residue condition is on o alone when upsample > 1.
    const std::int64_t shift = w.dilation * k - w.offset;
    const std::int64_t lo = std::max(out.lo, -floor_div(shift, w.stride));
    const std::int64_t hi =
        std::min(out.hi, floor_div(w.upsample * (w.extent - 1) - shift, w.stride) + 1);
    if (hi <= lo) continue;
    if (w.upsample == 1) {
      pairs += hi - lo;
    } else {  // stride is 1: o = -shift (mod upsample)
      const std::int64_t first = lo + (((-shift - lo) % w.upsample) + w.upsample) % w.upsample;
      if (first < hi) pairs += (hi - 1 - first) / w.upsample + 1;
    }
  }
  return pairs;
}

std::int64_t macs(const Layer& layer, const Box& box) {
  if (box.empty()) return 0;
  std::int64_t n = 1;
  for (Dim d : kAllDims) {
    const bool window = d == Dim::Y || d == Dim::R || d == Dim::X || d == Dim::S;
    if (!window || !layer.has_window()) n *= box[d].size();
  }
  if (layer.has_window())
    n *= window_pairs(layer.rows, box[Dim::Y], box[Dim::R]) *
         window_pairs(layer.cols, box[Dim::X], box[Dim::S]);
  return n;
}

std::int64_t macs(const Layer& layer) {
  return macs(layer, layer.whole());
}

std::int64_t stored_words(const Layer& layer, Tensor t) {
  std::int64_t n = 1;
  for (Dim d : kAllDims) {
    if (!layer.couples(t, d)) continue;
    const bool window = d == Dim::Y || d == Dim::R || d == Dim::X || d == Dim::S;
    if (t == Tensor::Input && window) continue;
    n *= layer[d];
  }
  if (t == Tensor::Input && layer.has_window()) n *= layer.rows.extent * layer.cols.extent;
  return n;
}

Dim row_dim(const Layer& layer, Tensor t) {
  if (layer.op == Operator::Gemm) return t == Tensor::Input ? Dim::K : Dim::N;
  if (t == Tensor::Input || layer.op == Operator::DsConv) return Dim::C;
  return Dim::K;
}

}  // namespace counterpoint::workloads
