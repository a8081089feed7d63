// SPDX-License-Identifier: Apache-2.0
// The multiply-accumulates of PEs that do the same in several arrays.
#pragma once

#include <cstddef>
#include <cstdint>

namespace counterpoint::sim {

/// Places of the operands of one multiply-accumulate in the buffers of a PE (or of an array).
struct Place {
  std::int32_t in = 0, weight = 0, out = 0;
};

/// For each of the `count` places and every array a < arrays:
/// out[place * arrays + a] += in[place * arrays + a] * weight[place * arrays + a].
void multiply_accumulate(const std::int32_t* in, const std::int32_t* weight, std::int64_t* out,
                         const Place* places, std::size_t count, std::size_t arrays);

}  // namespace counterpoint::sim
