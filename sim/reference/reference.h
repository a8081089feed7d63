// SPDX-License-Identifier: Apache-2.0
// The layer evaluated directly, without machine or mapping.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/memory/tensor_space.h"

namespace counterpoint::sim {

/// Bits of random operands for which no accumulator of `psum_bits` can overflow, at most
/// `declared`; below 2 there are none.
int operand_bits(const Layer& layer, int declared_input, int declared_weight, int psum_bits);

/// The value of a word: deterministic in (seed, tensor, id), a signed number of `bits` bits.
std::int32_t word_value(std::uint64_t seed, Tensor t, std::int64_t id, int bits);

/// Output words in the numbering of tensor_space.
std::vector<std::int64_t> evaluate_directly(const Layer& layer, const std::int32_t* input,
                                            const std::int32_t* weight);

}  // namespace counterpoint::sim
