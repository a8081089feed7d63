// SPDX-License-Identifier: Apache-2.0
// Mappings built by hand, so that the simulator's tests depend on nothing but the nest.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sim/simulator.h"

namespace counterpoint::sim {

using workloads::Cut;
using workloads::Dim;

inline workloads::Layer gemm(std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t b = 1) {
  workloads::Layer l;
  l.name = "gemm";
  l.op = workloads::Operator::Gemm;
  l[Dim::M] = m;
  l[Dim::N] = n;
  l[Dim::K] = k;
  l[Dim::B] = b;
  return l;
}

/// A one-dimensional convolution along the columns, without padding.
inline workloads::Layer conv_row(std::int64_t outs, std::int64_t kernel, std::int64_t stride = 1,
                                 std::int64_t dilation = 1) {
  workloads::Layer l;
  l.name = "row";
  l[Dim::X] = outs;
  l[Dim::S] = kernel;
  l.cols = {stride, dilation, 0, 1, stride * (outs - 1) + dilation * (kernel - 1) + 1};
  return l;
}

/// A level under construction.
struct LevelPlan {
  workloads::Level level;
  explicit LevelPlan(std::int64_t units = 1) { level.units = units; }
  LevelPlan& temporal(Dim d, std::int64_t size, std::int64_t offset) {
    level.cut(d) = {Cut::Kind::Plain, size, offset, static_cast<int>(level.loops.size()), false};
    level.loops.push_back({false, {d}, {}});
    return *this;
  }
  LevelPlan& spatial(Dim d, std::int64_t size, std::int64_t offset) {
    int fold = -1;
    for (std::size_t i = 0; i < level.loops.size(); ++i)
      if (level.loops[i].fold) fold = static_cast<int>(i);
    if (fold < 0) {
      fold = static_cast<int>(level.loops.size());
      level.loops.push_back({true, {}, {}});
    }
    level.loops[static_cast<std::size_t>(fold)].dims.push_back(d);
    level.cut(d) = {Cut::Kind::Plain, size, offset, fold, true};
    return *this;
  }
};

/// An unlimited, double-buffered machine without latencies; tests change what they are about.
/// The levels of a test may begin with the PE array itself (its parent is then off-chip memory).
inline workloads::Mapping mapping(workloads::Layer layer, const std::vector<LevelPlan>& levels) {
  workloads::Mapping m;
  m.layer = std::move(layer);
  m.machine.machine.name = "test";
  std::int64_t pes = 1;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    m.nest.levels.push_back(levels[i].level);
    m.nest.levels.back().name = "level " + std::to_string(i);
    pes *= levels[i].level.units;
    hw::Network n;
    n.name = "network " + std::to_string(i);
    m.machine.network.push_back(n);
  }
  m.machine.storage.resize(levels.size() + 1);
  m.machine.machine.pes = pes;
  return m;
}

inline hw::Rate words_per_cycle(std::int64_t n) {
  return {n * 1000, false};
}

inline void expect_stack(const stats::CycleStack& got, const stats::CycleStack& want) {
  EXPECT_EQ(got.startup, want.startup) << "start-up";
  EXPECT_EQ(got.compute, want.compute) << "compute";
  EXPECT_EQ(got.level_above, want.level_above) << "level above";
  EXPECT_EQ(got.bandwidth, want.bandwidth) << "bandwidth";
  EXPECT_EQ(got.drain, want.drain) << "drain";
  EXPECT_EQ(got.latency, want.latency) << "latency";
  EXPECT_EQ(got.contention, want.contention) << "contention";
  EXPECT_EQ(got.tail, want.tail) << "tail";
}

/// Runs with data; fails the test unless the output tensor is right.
inline stats::LayerResult run(const workloads::Mapping& m) {
  const SimOutcome o = simulate(m);
  EXPECT_EQ(o.functional, Functional::Equal) << o.first_mismatch;
  return o.result;
}

}  // namespace counterpoint::sim
