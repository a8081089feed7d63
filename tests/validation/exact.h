// SPDX-License-Identifier: Apache-2.0
// A small machine, mappings for it, and a check of both models' results.
#pragma once

#include <gtest/gtest.h>

#include "analytic/estimator.h"
#include "sim/simulator.h"
#include "workloads/language.h"
#include "workloads/mapping.h"

namespace counterpoint::validation {

// One PE array behind a global buffer; everything unlimited until a test says otherwise.
inline hw::Machine machine(std::int64_t pes) {
  hw::Machine m;
  m.name = "test";
  m.pes = pes;
  m.storage.resize(3);
  m.storage[0].name = "DRAM";
  m.storage[1].name = "buffer";
  m.storage[2].name = "PE";
  m.network.resize(2);
  m.network[0].name = "link";
  m.network[1].name = "array network";
  return m;
}

inline workloads::Mapping map(const std::string& layer, const std::string& flow,
                              const hw::Machine& m) {
  const auto r = workloads::parse_network(
      "Network n { Layer A { " + layer + " Dataflow { " + flow + " } } }", "test.m");
  if (!r.network) throw std::runtime_error(input::format(r.diagnostics));
  const auto b = workloads::bind(r.network->layers[0].layer, *r.network->layers[0].dataflow, m);
  if (!b.mapping) throw std::runtime_error(input::format(b.diagnostics));
  return *b.mapping;
}

// The simulator's result, after checking that the estimator's is the same in `check`.
template <typename Check>
void both(const workloads::Mapping& m, const Check& check) {
  {
    SCOPED_TRACE("estimator");
    check(analytic::estimate(m));
  }
  SCOPED_TRACE("simulator");
  const sim::SimOutcome o = sim::simulate(m);
  EXPECT_EQ(o.functional, sim::Functional::Equal) << o.first_mismatch;
  check(o.result);
}

// Four steps of one multiply-accumulate each: every step needs one new input and leaves one output,
// the weight stays.
inline const char* const kFourRows = "Type: GEMM Dimensions { M: 4, N: 1, K: 1 }";
inline const char* const kRowByRow = "TemporalMap(1,1) M; SpatialMap(1,1) N;";

}  // namespace counterpoint::validation
