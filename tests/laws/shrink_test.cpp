// SPDX-License-Identifier: Apache-2.0
// The shrinker leaves of a case only what its failure needs.
#include <gtest/gtest.h>

#include "analytic/estimator.h"
#include "validation/fuzz/generator.h"
#include "workloads/mapping.h"

namespace counterpoint::laws {
namespace {

using validation::fuzz::Case;

// "Fails" wherever partial sums are read back from the global buffer.
bool reads_back(const Case& c) {
  const auto bound = workloads::bind(c.layer.layer, *c.layer.dataflow, c.machine, {true});
  if (!bound.mapping) return false;
  return analytic::estimate(*bound.mapping).storage[1].access[2].readback_read > 0;
}

TEST(Shrink, LeavesWhatTheFailureNeeds) {
  int tried = 0;
  for (std::uint64_t seed = 1; tried < 8; ++seed) {
    const Case c = validation::fuzz::generate(seed);
    if (!c.layer.layer.dense() || !reads_back(c)) continue;
    ++tried;
    SCOPED_TRACE(validation::fuzz::describe(c));
    const Case s = validation::fuzz::shrink(c, reads_back);
    EXPECT_TRUE(reads_back(s));
    // A read-back needs a sum of two MACs, and nothing slow or narrow.
    EXPECT_LE(workloads::macs(s.layer.layer), 32);
    EXPECT_EQ(s.machine.lanes, 1);
    for (const hw::Network& n : s.machine.network) {
      EXPECT_EQ(n.latency, 0);
      EXPECT_TRUE(n.bandwidth.unlimited());
    }
    EXPECT_LE(validation::fuzz::describe(s).size(), validation::fuzz::describe(c).size());
  }
}

}  // namespace
}  // namespace counterpoint::laws
