// SPDX-License-Identifier: Apache-2.0
#include "tests/defects/evaluate.h"

#include <gtest/gtest.h>

#include "analytic/estimator.h"
#include "sim/simulator.h"
#include "tests/oracle/model/compare.h"
#include "workloads/language.h"

namespace counterpoint::defects {

std::string Verdict::codes() const {
  std::string out;
  for (const input::Diagnostic& d : diagnostics)
    if (d.severity == input::Severity::Error) out += (out.empty() ? "" : " ") + d.code;
  return out;
}

hw::Machine ideal(std::int64_t pes) {
  hw::Machine m;
  m.name = "ideal";
  m.pes = pes;
  m.storage.resize(3);
  m.storage[0].name = "off_chip";
  m.storage[1].name = "global_buffer";
  m.storage[2].name = "pe_buffer";
  m.network.resize(2);
  m.network[0].name = "n0";
  m.network[1].name = "n1";
  return m;
}

Verdict evaluate(const workloads::NetworkLayer& layer, const hw::Machine& machine, bool simulated) {
  Verdict v;
  v.bound = workloads::bind(layer.layer, *layer.dataflow, machine);
  v.diagnostics = v.bound.diagnostics;
  if (!v.bound.mapping) {
    EXPECT_TRUE(input::has_errors(v.diagnostics)) << "refused without a reason";
    return v;
  }
  v.estimated = analytic::estimate(*v.bound.mapping);
  const stats::LayerResult& r = *v.estimated;
  EXPECT_EQ(r.macs, workloads::macs(layer.layer));
  EXPECT_LE(r.utilization(), 1.0);
  EXPECT_EQ(r.stack.total(), r.arrays * r.cycles);
  if (simulated) {
    const sim::SimOutcome s = sim::simulate(*v.bound.mapping);
    EXPECT_EQ(oracle::differences(r, s.result), "") << "estimator, simulator";
    EXPECT_EQ(s.functional, sim::Functional::Equal) << s.first_mismatch;
  }
  return v;
}

Verdict evaluate(const std::string& text, const hw::Machine& machine, bool simulated) {
  const bool whole = text.find("Network") != std::string::npos;
  auto read = workloads::parse_network(whole ? text : "Network t { " + text + " }", "case.m");
  Verdict v;
  v.diagnostics = read.diagnostics;
  if (!read.network) {
    EXPECT_TRUE(input::has_errors(v.diagnostics)) << "refused without a reason";
    return v;
  }
  if (read.network->layers.empty() || !read.network->layers[0].modelled ||
      !read.network->layers[0].dataflow)
    return v;
  return evaluate(read.network->layers[0], machine, simulated);
}

}  // namespace counterpoint::defects
