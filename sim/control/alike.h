// SPDX-License-Identifier: Apache-2.0
// Units that do the same in the same cycles, so that one module may stand for all of them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sim/control/walker.h"
#include "sim/memory/tensor_space.h"

namespace counterpoint::sim {

/// A child of a unit: which one it is like, and how far its tiles lie from that one's.
struct Likeness {
  std::int64_t leader = 0;  ///< the lowest child that is like it; its own number if none is
  std::array<std::int64_t, workloads::kDims> shift{};  ///< of its ranges against the leader's
};

/// Compares the tiles of all children of the unit at `path` in every executed step. Two children
/// are alike if in all of them both are idle, or both have ranges of the same sizes and at the
/// same distance. Where the window has edges (padding, upsampling) only equal rows and columns
/// are alike.
std::vector<Likeness> compare_children(const Layer& layer, const Nest& nest,
                                       const std::vector<std::int64_t>& path);

/// By how much the word numbers of a tensor differ between tiles that lie `shift` apart.
std::int64_t word_shift(const Layer& layer, const TensorSpace& space,
                        const std::array<std::int64_t, workloads::kDims>& shift);

}  // namespace counterpoint::sim
