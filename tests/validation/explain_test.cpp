// SPDX-License-Identifier: Apache-2.0
#include "validation/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "analytic/estimator.h"
#include "hw/machine_file.h"
#include "input/diagnostics.h"
#include "workloads/network_file.h"

namespace counterpoint::validation {
namespace {

class Explain : public ::testing::Test {
 protected:
  void SetUp() override {
    std::vector<input::Diagnostic> all;
    machine_ = *hw::load_machine("small", all);
    network_ = *workloads::load_network("alexnet", all);
    flow_ = *workloads::load_dataflow("x_p", all);
    for (const workloads::NetworkLayer& l : network_.layers)
      if (l.layer.name == "CONV3") layer_ = l.layer;
  }
  const Change* find(const Explanation& x, const std::string& what) const {
    const auto at = std::find_if(x.changes.begin(), x.changes.end(),
                                 [&](const Change& c) { return c.what == what; });
    return at == x.changes.end() ? nullptr : &*at;
  }
  std::int64_t cycles(const workloads::Dataflow& flow, const hw::Machine& machine) const {
    return analytic::estimate(*workloads::bind(layer_, flow, machine).mapping).cycles;
  }
  hw::Machine machine_;
  workloads::Network network_;
  workloads::Dataflow flow_;
  workloads::Layer layer_;
};

// A claim is what the estimator says of the machine that somebody builds by following it.
TEST_F(Explain, EveryClaimIsTheEstimateOfTheChangedMachine) {
  const Explanation x = explain(layer_, flow_, machine_, false);
  EXPECT_EQ(x.result.cycles, cycles(flow_, machine_));
  for (std::size_t i = 0; i < machine_.network.size(); ++i) {
    hw::Machine faster = machine_;
    faster.network[i].bandwidth.per_kcycle *= 2;
    const Change* c = find(x, "twice the bandwidth of network '" + machine_.network[i].name + "'");
    if (machine_.network[i].bandwidth.unlimited()) {
      EXPECT_EQ(c, nullptr);
      continue;
    }
    ASSERT_NE(c, nullptr);
    EXPECT_EQ(c->cycles, cycles(flow_, faster));
  }
  hw::Machine wider = machine_;
  wider.lanes *= 2;
  ASSERT_NE(find(x, "twice the lanes of the PEs"), nullptr);
  EXPECT_EQ(find(x, "twice the lanes of the PEs")->cycles, cycles(flow_, wider));
}

// docs/machine.md, law 5: on an uncontended machine more of it is never slower.
TEST_F(Explain, MoreBandwidthAndLanesAreNeverSlower) {
  const Explanation x = explain(layer_, flow_, machine_, false);
  for (const Change& c : x.changes)
    if (c.what.find("bandwidth of") != std::string::npos || c.what.find("lanes") == 10) {
      ASSERT_TRUE(c.legal) << c.what;
      EXPECT_LE(c.cycles, x.result.cycles) << c.what;
    }
}

TEST_F(Explain, SwapsNeighboursOfTheTopLevel) {
  const Explanation x = explain(layer_, flow_, machine_, false);
  const auto swaps = std::count_if(x.changes.begin(), x.changes.end(), [](const Change& c) {
    return c.what.find(" outside of ") != std::string::npos;
  });
  EXPECT_EQ(static_cast<std::size_t>(swaps), flow_.levels[0].directives.size() - 1);
}

TEST_F(Explain, SaysWhyAnIllegalMappingHasNoExplanation) {
  machine_.storage.back().capacity_bytes = 1;
  EXPECT_THROW(explain(layer_, flow_, machine_, false), input::InputError);
}

}  // namespace
}  // namespace counterpoint::validation
