// SPDX-License-Identifier: Apache-2.0
// Promises of simulate() beside the numbers: values, independence of runs and of order, laws.
#include <gtest/gtest.h>

#include <stdexcept>
#include <utility>

#include "input/diagnostics.h"
#include "tests/sim/nests.h"

namespace counterpoint::sim {
namespace {

using workloads::Operator;

void expect_same(const stats::LayerResult& a, const stats::LayerResult& b) {
  EXPECT_EQ(a.cycles, b.cycles);
  EXPECT_EQ(a.macs, b.macs);
  EXPECT_EQ(a.steps, b.steps);
  expect_stack(a.stack, b.stack);
  ASSERT_EQ(a.storage.size(), b.storage.size());
  for (std::size_t d = 0; d < a.storage.size(); ++d)
    for (std::size_t t = 0; t < 3; ++t) {
      EXPECT_EQ(a.storage[d].access[t].reads(), b.storage[d].access[t].reads());
      EXPECT_EQ(a.storage[d].access[t].writes(), b.storage[d].access[t].writes());
      EXPECT_EQ(a.storage[d].tile_words[t], b.storage[d].tile_words[t]);
    }
  for (std::size_t d = 0; d < a.network.size(); ++d)
    for (std::size_t t = 0; t < 3; ++t) {
      EXPECT_EQ(a.network[d].link[t].injected, b.network[d].link[t].injected);
      EXPECT_EQ(a.network[d].link[t].delivered, b.network[d].link[t].delivered);
    }
}

// A 2-D convolution with everything: groups, stride, dilation, padding, remainders everywhere.
workloads::Layer convolution() {
  workloads::Layer l;
  l.name = "conv";
  l.op = Operator::NgConv;
  l[Dim::N] = 2;
  l[Dim::G] = 2;
  l[Dim::K] = 3;
  l[Dim::C] = 3;
  l[Dim::R] = 3;
  l[Dim::S] = 2;
  l[Dim::Y] = 5;
  l[Dim::X] = 4;
  l.rows = {2, 1, 1, 1, 10};
  l.cols = {1, 2, 1, 1, 4};
  return l;
}

// Three levels; clusters divide K, PEs divide C, so sums meet in the cluster.
workloads::Mapping clusters(workloads::Layer layer) {
  return mapping(std::move(layer), {LevelPlan().temporal(Dim::N, 1, 1).temporal(Dim::Y, 2, 2),
                                    LevelPlan(2).spatial(Dim::K, 1, 1).temporal(Dim::X, 3, 3),
                                    LevelPlan(2).spatial(Dim::C, 1, 1).temporal(Dim::R, 1, 1)});
}

workloads::Mapping slow_clusters(workloads::Layer layer) {
  auto m = clusters(std::move(layer));
  m.machine.network[0].bandwidth = {1300, false};
  m.machine.network[1].bandwidth = {3000, true};
  m.machine.network[1].channels = hw::Channels::Separate;
  m.machine.network[1].psum = hw::PsumPolicy::Refetch;
  m.machine.network[1].latency = 2;
  m.machine.network[2].psum = hw::PsumPolicy::Refetch;
  m.machine.network[2].topology = hw::Topology::Bus;
  m.machine.network[2].bandwidth = words_per_cycle(1);
  m.machine.storage[2].buffering = hw::Buffering::Single;
  return m;
}

TEST(Simulate, GroupedStridedDilatedPaddedConvolutionIsComputedRight) {
  run(clusters(convolution()));
  run(slow_clusters(convolution()));
}

TEST(Simulate, DepthwiseConvolutionIsComputedRight) {
  workloads::Layer l = convolution();
  l.op = Operator::DsConv;
  l[Dim::G] = l[Dim::K] = 1;
  l[Dim::C] = 5;
  run(mapping(l, {LevelPlan().temporal(Dim::Y, 2, 2),
                  LevelPlan(3).spatial(Dim::C, 1, 1).temporal(Dim::S, 1, 1)}));
}

TEST(Simulate, TransposedConvolutionIsComputedRight) {
  workloads::Layer l = convolution();
  l.op = Operator::TrConv;
  l[Dim::Y] = 9;
  l[Dim::X] = 8;
  l.rows = {1, 1, 2 - 1, 2, 5};  // kernel 3, padding 1, stride 2
  l.cols = {1, 1, 1, 3, 3};
  run(clusters(l));
  run(slow_clusters(l));
}

TEST(Simulate, BatchedMatrixProductsAreComputedRight) {
  for (const bool weight_has_batch : {false, true}) {
    workloads::Layer l = gemm(5, 7, 6, 3);
    l.weight_has_batch = weight_has_batch;
    auto m = mapping(l, {LevelPlan().temporal(Dim::B, 2, 2).temporal(Dim::N, 3, 3),
                         LevelPlan(4).temporal(Dim::K, 4, 4).spatial(Dim::M, 1, 1)});
    run(m);
    m.machine.network[1].psum = hw::PsumPolicy::Refetch;
    run(m);
  }
}

TEST(Simulate, WithoutDataEveryNumberIsTheSame) {
  for (const auto& m : {clusters(convolution()), slow_clusters(convolution())}) {
    const SimOutcome with = simulate(m);
    SimOptions options;
    options.carry_data = false;
    const SimOutcome without = simulate(m, options);
    EXPECT_EQ(with.functional, Functional::Equal) << with.first_mismatch;
    EXPECT_EQ(without.functional, Functional::NotChecked);
    expect_same(with.result, without.result);
  }
}

TEST(Simulate, ArraysThatAreEvaluatedAsOneGiveTheNumbersOfEach) {
  for (const auto& m : {clusters(convolution()), slow_clusters(convolution())})
    for (const bool data : {true, false}) {
      SimOptions options;
      options.carry_data = data;
      const SimOutcome merged = simulate(m, options);
      options.merge_alike = false;
      const SimOutcome apart = simulate(m, options);
      EXPECT_EQ(merged.functional, apart.functional) << merged.first_mismatch;
      expect_same(merged.result, apart.result);
    }
}

TEST(Simulate, OrderOfEvaluationDoesNotMatter) {
  for (const auto& m : {clusters(convolution()), slow_clusters(convolution())}) {
    const SimOutcome first = simulate(m);
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      SimOptions options;
      options.shuffle_seed = seed;
      const SimOutcome other = simulate(m, options);
      EXPECT_EQ(other.functional, Functional::Equal) << other.first_mismatch;
      expect_same(first.result, other.result);
    }
  }
}

TEST(Simulate, ValuesDoNotChangeTheNumbers) {
  const auto m = slow_clusters(convolution());
  SimOptions options;
  options.data_seed = 99;
  const SimOutcome other = simulate(m, options);
  EXPECT_EQ(other.functional, Functional::Equal);
  expect_same(simulate(m).result, other.result);
}

TEST(Simulate, ANestThatLeavesWorkOutBreaksALaw) {
  // Every second row is skipped.
  const auto m = mapping(gemm(4, 1, 1), {LevelPlan().temporal(Dim::M, 1, 2)});
  EXPECT_THROW(simulate(m), std::logic_error);
  // A failed run leaves nothing behind for the next one.
  EXPECT_EQ(run(mapping(gemm(4, 1, 1), {LevelPlan().temporal(Dim::M, 1, 1)})).cycles, 4);
}

TEST(Simulate, ANestThatDoesWorkTwiceBreaksALaw) {
  const auto m = mapping(gemm(1, 1, 4), {LevelPlan().temporal(Dim::K, 2, 1)});
  EXPECT_THROW(simulate(m), std::logic_error);
}

TEST(Simulate, AccumulatorsTooNarrowForTheLayerAreRefusedWithDataOnly) {
  auto m = mapping(gemm(1, 1, 1024), {LevelPlan()});
  m.machine.machine.bits.psum = 13;  // 1024 products of 2-bit numbers need 10 + 4
  EXPECT_THROW(simulate(m), input::InputError);
  m.machine.machine.bits.psum = 14;
  EXPECT_EQ(run(m).macs, 1024);
  m.machine.machine.bits.psum = 4;
  SimOptions options;
  options.carry_data = false;
  EXPECT_EQ(simulate(m, options).result.macs, 1024);
}

TEST(Simulate, TensorsWithoutAWordNumberOf31BitsAreRefused) {
  const auto m = mapping(gemm(std::int64_t{1} << 16, std::int64_t{1} << 15, 1), {LevelPlan()});
  EXPECT_THROW(simulate(m), input::InputError);  // 2^31 outputs
}

}  // namespace
}  // namespace counterpoint::sim
