// SPDX-License-Identifier: Apache-2.0
// Coordinates of a tensor as axes, and the numbering of its words.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sim/control/sets.h"
#include "workloads/layer.h"

namespace counterpoint::sim {

using workloads::Dim;
using workloads::Layer;
using workloads::Tensor;

/// One coordinate of a tensor.
struct Axis {
  enum class Kind : std::uint8_t { Plain, Window };
  Kind kind = Kind::Plain;
  Dim dim = Dim::N;            ///< Plain: the index itself. Window: Y or X
  Touch touch = Touch::Input;  ///< Window: which side of the pairs
  std::int64_t extent = 1;
  std::int64_t stride = 1;  ///< of the word number
};

/// All words of a tensor, numbered 0 .. words-1, last axis fastest.
struct TensorSpace {
  std::vector<Axis> axes;
  std::int64_t words = 1;
};

inline TensorSpace tensor_space(const Layer& layer, Tensor t) {
  TensorSpace space;
  for (Dim d : {Dim::B, Dim::N, Dim::G, Dim::M, Dim::K, Dim::C}) {
    const bool gemm_n = d == Dim::N && !layer.has_window();
    if (gemm_n || !layer.couples(t, d)) continue;
    space.axes.push_back({Axis::Kind::Plain, d, Touch::Input, layer[d], 1});
  }
  if (!layer.has_window() && layer.couples(t, Dim::N))
    space.axes.push_back({Axis::Kind::Plain, Dim::N, Touch::Input, layer[Dim::N], 1});
  if (layer.has_window()) {
    for (Dim d : {Dim::Y, Dim::X}) {
      const Dim k = d == Dim::Y ? Dim::R : Dim::S;
      const Touch touch = t == Tensor::Input    ? Touch::Input
                          : t == Tensor::Weight ? Touch::Kernel
                                                : Touch::Output;
      const std::int64_t extent = t == Tensor::Input    ? layer.window(d).extent
                                  : t == Tensor::Weight ? layer[k]
                                                        : layer[d];
      space.axes.push_back({Axis::Kind::Window, d, touch, extent, 1});
    }
  }
  for (std::size_t i = space.axes.size(); i-- > 0;) {
    space.axes[i].stride = space.words;
    space.words *= space.axes[i].extent;
  }
  return space;
}

/// Words of a PE's buffer for one tensor: coordinates modulo the largest extent of a tile along
/// each axis, so that words which stay from one tile to the next keep their place.
struct LocalSpace {
  std::vector<std::int64_t> cap, stride;
  std::int64_t words = 1;
};

}  // namespace counterpoint::sim
