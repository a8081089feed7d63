// SPDX-License-Identifier: Apache-2.0
#include "hw/energy_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "input/data_dir.h"

namespace counterpoint::hw {
namespace {

TEST(AccessEnergyTable, OnePointHoldsForEveryCapacity) {
  const std::vector<EnergyPoint> one = {{0, {6, 7, 16}}};
  for (const std::int64_t capacity : {std::int64_t{0}, std::int64_t{1}, std::int64_t{1} << 40}) {
    EXPECT_DOUBLE_EQ(access_energy(one, capacity).read_pj, 6);
    EXPECT_DOUBLE_EQ(access_energy(one, capacity).write_pj, 7);
  }
}

TEST(AccessEnergyTable, BetweenAndBeyondPointsEnergyIsAPowerOfCapacity) {
  // 8 KiB 10 pJ, 32 KiB 20 pJ: energy goes with the square root. 1 MiB 100 pJ.
  const std::vector<EnergyPoint> sram = {
      {8 << 10, {10, 12, 64}}, {32 << 10, {20, 24, 64}}, {1 << 20, {100, 120, 64}}};
  EXPECT_NEAR(access_energy(sram, 8 << 10).read_pj, 10, 1e-9);
  EXPECT_NEAR(access_energy(sram, 32 << 10).read_pj, 20, 1e-9);
  EXPECT_NEAR(access_energy(sram, 1 << 20).write_pj, 120, 1e-9);
  EXPECT_NEAR(access_energy(sram, 16 << 10).read_pj, 14.142135623730951, 1e-9);  // 10 sqrt(2)
  EXPECT_NEAR(access_energy(sram, 2 << 10).read_pj, 5, 1e-9);                    // below: 10 / 2
  // Above: slope log(5) / log(32) per doubling, so 32 times more capacity is 5 times more energy.
  EXPECT_NEAR(access_energy(sram, 32 << 20).read_pj, 500, 1e-9);
  EXPECT_DOUBLE_EQ(access_energy(sram, 0).read_pj, 100);  // unlimited
  EXPECT_EQ(access_energy(sram, 16 << 10).bits, 64);
}

TEST(MacEnergyTable, TheNarrowestUnitThatIsWideEnoughCounts) {
  const std::vector<MacPoint> macs = {{8, 0.3}, {16, 0.9}};
  EXPECT_EQ(mac_energy(macs, 4), 0.3);
  EXPECT_EQ(mac_energy(macs, 8), 0.3);
  EXPECT_EQ(mac_energy(macs, 9), 0.9);
  EXPECT_EQ(mac_energy(macs, 17), std::nullopt);
  EXPECT_EQ(mac_energy({{0, 1}}, 32), 1);
}

TEST(ScaledEnergy, GoesWithTheWidthUnlessItIsPerWord) {
  EXPECT_DOUBLE_EQ(scaled_energy(6, 16, 8), 3);
  EXPECT_DOUBLE_EQ(scaled_energy(6, 16, 32), 12);
  EXPECT_DOUBLE_EQ(scaled_energy(6, 0, 32), 6);
}

TEST(EnergyTables, AllLoadAndCiteTheirSource) {
  const std::vector<std::string> names = list_energy_tables();
  for (const char* name : {"eyeriss_norm", "maestro_compat", "horowitz45"})
    EXPECT_THAT(names, ::testing::Contains(name));
  for (const std::string& name : names) {
    std::vector<input::Diagnostic> diagnostics;
    const auto value = input::parse_yaml(name, "here", diagnostics);
    ASSERT_TRUE(value);
    const std::optional<EnergyRates> rates = load_energy_rates(*value, diagnostics);
    EXPECT_TRUE(diagnostics.empty()) << input::format(diagnostics);
    ASSERT_TRUE(rates) << name;
    EXPECT_EQ(rates->head.name, name);
    EXPECT_FALSE(rates->head.source.empty());
    EXPECT_FALSE(rates->head.technology.empty());
    EXPECT_FALSE(rates->description.empty());
  }
}

TEST(EnergyTables, PointsMustAscendAndAgreeInWidth) {
  const std::string rest =
      "name: n\nsource: s\ntechnology: t\nunit: pJ\nmac: 1\n"
      "global_buffer: {read: 1, write: 1, bits: 8}\ncluster_buffer: {read: 1, write: 1, bits: 8}\n"
      "pe_buffer: {read: 1, write: 1, bits: 8}\nhop: {energy: 1, bits: 8}\n";
  const auto codes = [&](const std::string& off_chip) {
    std::vector<input::Diagnostic> diagnostics;
    const auto value = input::parse_yaml(rest + "off_chip: " + off_chip + "\n", "t", diagnostics);
    if (value) read_energy_rates(*value);
    std::vector<std::string> found;
    for (const input::Diagnostic& d : diagnostics) found.push_back(d.code);
    return found;
  };
  using ::testing::ElementsAre;
  EXPECT_THAT(codes("{read: 1, write: 1, bits: 8}"), ElementsAre());
  const std::string first = "[{capacity: 2 KiB, read: 1, write: 1, bits: 8}, ";
  EXPECT_THAT(codes(first + "{capacity: 4 KiB, read: 2, write: 2, bits: 8}]"), ElementsAre());
  EXPECT_THAT(codes(first + "{capacity: 1 KiB, read: 2, write: 2, bits: 8}]"),
              ElementsAre("bad-order"));
  EXPECT_THAT(codes(first + "{capacity: 4 KiB, read: 2, write: 2, bits: 16}]"),
              ElementsAre("bad-value"));
  EXPECT_THAT(codes(first + "{capacity: 4 KiB, read: 0, write: 2, bits: 8}]"),
              ElementsAre("bad-value"));
  EXPECT_THAT(codes("[]"), ElementsAre("bad-value"));
}

}  // namespace
}  // namespace counterpoint::hw
