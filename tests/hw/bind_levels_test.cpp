// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hw/bind.h"

namespace counterpoint::hw {
namespace {

using ::testing::HasSubstr;

/// 64 PEs; storage and networks are told apart by name. `clusters` as declared.
Machine machine(const std::vector<std::int64_t>& clusters) {
  Machine m;
  m.name = "m";
  m.pes = 64;
  const auto add = [&m](const std::string& name, std::int64_t pes) {
    Storage s;
    s.name = name;
    s.cluster_pes = pes;
    s.capacity_bytes = 100;
    m.storage.push_back(s);
  };
  add("off", 0);
  add("glb", 0);
  for (const std::int64_t n : clusters) add("c" + std::to_string(n), n);
  add("pe", 0);
  for (std::size_t i = 0; i + 1 < m.storage.size(); ++i) {
    Network n;
    n.name = "below " + m.storage[i].name;
    n.latency = static_cast<std::int64_t>(i) + 1;
    m.network.push_back(n);
  }
  return m;
}

std::vector<std::string> names(const BoundMachine& b) {
  std::vector<std::string> all;
  for (const Storage& s : b.storage) all.push_back(s.implied ? "implied" : s.name);
  return all;
}

std::vector<std::int64_t> latencies(const BoundMachine& b) {
  std::vector<std::int64_t> all;
  for (const Network& n : b.network) all.push_back(n.latency);
  return all;
}

using ::testing::ElementsAre;

TEST(BindLevels, AFlatDataflowUsesTheMachineAsItIs) {
  std::string error;
  const auto b = bind_levels(machine({}), {1}, error);
  ASSERT_TRUE(b) << error;
  EXPECT_THAT(names(*b), ElementsAre("off", "glb", "pe"));
  EXPECT_THAT(latencies(*b), ElementsAre(1, 2));
}

TEST(BindLevels, DeclaredBuffersServeTheLevelWithAsManyPes) {
  std::string error;
  const auto b = bind_levels(machine({16, 4}), {16, 4, 1}, error);
  ASSERT_TRUE(b) << error;
  EXPECT_THAT(names(*b), ElementsAre("off", "glb", "c16", "c4", "pe"));
  EXPECT_THAT(latencies(*b), ElementsAre(1, 2, 3, 4));
}

TEST(BindLevels, OtherLevelsAreImpliedWithACopyOfTheNetworkAbove) {
  std::string error;
  // Levels of 32, 16 and 8 PEs; only the one of 16 has a buffer.
  const auto b = bind_levels(machine({16}), {32, 16, 8, 1}, error);
  ASSERT_TRUE(b) << error;
  EXPECT_THAT(names(*b), ElementsAre("off", "glb", "implied", "c16", "implied", "pe"));
  // network[i] leaves storage[i]: off 1, glb 2, implied as glb, c16 3, implied as c16.
  EXPECT_THAT(latencies(*b), ElementsAre(1, 2, 2, 3, 3));
  EXPECT_EQ(b->storage[2].capacity_bytes, 0);
  EXPECT_EQ(b->storage[2].cluster_pes, 32);
  EXPECT_TRUE(b->storage[2].read_port.unlimited());
  EXPECT_DOUBLE_EQ(b->storage[2].energy.read_pj, 0);
}

TEST(BindLevels, OrWithTheImpliedNetwork) {
  Machine m = machine({16});
  m.implied_network.emplace();
  m.implied_network->latency = 9;
  std::string error;
  const auto b = bind_levels(m, {32, 16, 8, 1}, error);
  ASSERT_TRUE(b) << error;
  EXPECT_THAT(latencies(*b), ElementsAre(1, 2, 9, 3, 9));
}

TEST(BindLevels, ADeclaredBufferThatNoLevelHasIsRefused) {
  std::string error;
  EXPECT_FALSE(bind_levels(machine({16}), {1}, error));
  EXPECT_THAT(error, HasSubstr("c16"));
  EXPECT_THAT(error, HasSubstr("16 PEs"));
  EXPECT_THAT(error, HasSubstr("Cluster"));
  EXPECT_FALSE(bind_levels(machine({16, 4}), {16, 8, 1}, error));
  EXPECT_THAT(error, HasSubstr("c4"));
}

TEST(BindLevels, ABufferServesOneLevelOnly) {
  // Cluster(1); Cluster(4): two levels of four PEs per unit. The buffer serves the outer of
  // the levels that have as many PEs.
  std::string error;
  const auto b = bind_levels(machine({4}), {4, 4, 1}, error);
  ASSERT_TRUE(b) << error;
  EXPECT_THAT(names(*b), ElementsAre("off", "glb", "c4", "implied", "pe"));
}

}  // namespace
}  // namespace counterpoint::hw
