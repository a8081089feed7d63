// SPDX-License-Identifier: Apache-2.0
// Random legal cases for the laws: the same ones in every run. COUNTERPOINT_CASES=N draws N of
// each kind, COUNTERPOINT_SEED=S others.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "validation/fuzz/generator.h"
#include "workloads/mapping.h"

namespace counterpoint::laws {

inline std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// Calls check(case, mapping) for legal random cases; stops after the third that fails. What
/// reproduces a case is printed with its failures.
template <class Check>
void for_cases(std::uint64_t how_many, const validation::fuzz::Limits& limits, Check check) {
  const std::uint64_t wanted = from_environment("COUNTERPOINT_CASES", how_many);
  std::uint64_t seed = from_environment("COUNTERPOINT_SEED", 1);
  std::uint64_t legal = 0, drawn = 0;
  int failures = 0;
  for (; legal < wanted; ++seed) {
    ++drawn;
    const validation::fuzz::Case c = validation::fuzz::generate(seed, limits);
    const workloads::BindResult bound =
        workloads::bind(c.layer.layer, *c.layer.dataflow, c.machine, {true});
    if (!bound.mapping) continue;
    ++legal;
    SCOPED_TRACE(validation::fuzz::describe(c));
    try {
      check(c, *bound.mapping);
    } catch (const std::exception& e) {
      ADD_FAILURE() << e.what();
    }
    if (testing::Test::HasFailure() && ++failures == 3) return;
  }
  EXPECT_GE(2 * legal, drawn) << "the generator draws too few legal cases";
}

}  // namespace counterpoint::laws
