// SPDX-License-Identifier: Apache-2.0
// The third voice: docs/machine.md executed literally, word by word and step by step. It is
// written to be obvious, not fast, and shares no code with analytic/ or sim/; only tests use it.
#pragma once

#include <array>
#include <cstdint>

#include "stats/result.h"
#include "workloads/mapping.h"

namespace counterpoint::oracle {

/// Everything the contract defines for one layer; buses are taken as pipes. For tiny layers only
/// (some 20 000 multiply-accumulates, a few thousand steps). Throws std::logic_error if a
/// multiply-accumulate is not done exactly once or if the rules wait for each other in a circle.
stats::LayerResult brute_force(const workloads::Mapping& mapping);

/// Words of each tensor that at least one multiply-accumulate of the layer touches.
std::array<std::int64_t, 3> touched_words(const workloads::Layer& layer);

}  // namespace counterpoint::oracle
