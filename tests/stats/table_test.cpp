// SPDX-License-Identifier: Apache-2.0
#include "stats/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "stats/energy.h"

namespace counterpoint::stats {
namespace {

using ::testing::HasSubstr;

/// Every integer of the result is another number: 1, 2, 3, ... in the order of the declaration.
struct Numbered {
  LayerResult result;
  std::int64_t count = 0;

  explicit Numbered(std::size_t levels) {
    LayerResult& r = result;
    fill(&r.cycles, 1);
    fill(&r.macs, 1);
    fill(&r.steps, 1);
    fill(&r.arrays, 1);
    static_assert(sizeof(CycleStack) == 8 * sizeof(std::int64_t), "a class the test does not know");
    fill(&r.stack.startup, 8);
    for (std::size_t i = 0; i < levels; ++i) {
      StorageResult s;
      s.name = "s" + std::to_string(i);
      fill(&s.instances, 1);
      static_assert(sizeof(AccessCounts) == 10 * sizeof(std::int64_t), "an unknown count");
      for (AccessCounts& a : s.access) fill(&a.fill_write, 10);
      fill(s.tile_words.data(), kTensors);
      fill(s.sliding_words.data(), kTensors);
      fill(&s.required_bytes, 1);
      fill(&s.sliding_bytes, 1);
      fill(s.bank_busy.data(), kBanks);
      r.storage.push_back(s);
      if (i + 1 == levels) break;
      NetworkResult n;
      n.name = "n" + std::to_string(i);
      fill(&n.instances, 1);
      instances.insert(count);
      static_assert(sizeof(LinkCounts) == 5 * sizeof(std::int64_t), "an unknown count");
      for (LinkCounts& l : n.link) fill(&l.injected, 5);
      fill(&n.fill_busy, 1);
      fill(&n.drain_busy, 1);
      fill(&n.peak_words, 1);
      fill(&n.peak_cycles, 1);
      fill(&n.average_words, 1);
      fill(&n.average_cycles, 1);
      r.network.push_back(n);
    }
  }
  std::set<std::int64_t> instances;  ///< of networks: those of the storage level above

 private:
  void fill(std::int64_t* first, int n) {
    for (int i = 0; i < n; ++i) first[i] = ++count;
  }
};

TEST(Table, HasEveryNumberThatAModelReportsExactlyOnce) {
  const Numbered n(3);
  std::map<std::int64_t, std::string> seen;
  for (const Statistic& s : flatten(n.result)) {
    EXPECT_EQ(seen.count(s.value), 0u) << s.name << " is also " << seen[s.value];
    seen[s.value] = s.name;
  }
  for (std::int64_t i = 1; i <= n.count; ++i) {
    if (n.instances.count(i) == 0) {
      EXPECT_EQ(seen.count(i), 1u) << "number " << i << " is in no statistic";
    }
  }
}

TEST(Table, NamesAreUniqueAndSayLevelTensorAndKey) {
  LayerResult r = Numbered(4).result;
  r.storage[1].access[1].fill_read = 4711;
  r.network[2].link[2].hops = 4712;
  std::map<std::string, std::int64_t> values;
  for (const Statistic& s : flatten(r))
    EXPECT_TRUE(values.emplace(s.name, s.value).second) << s.name;
  EXPECT_EQ(values.at("s1.weight.fill_read"), 4711);
  EXPECT_EQ(values.at("n2.output.hops"), 4712);
  EXPECT_EQ(values.at("cycles"), r.cycles);
  EXPECT_EQ(values.at("stack.tail"), r.stack.tail);
}

TEST(Table, OnlyCyclesAndTheirClassesDependOnTiming) {
  for (const Description& d : descriptions()) {
    const bool expected =
        std::string(d.key) == "cycles" || std::string(d.key).rfind("stack.", 0) == 0;
    EXPECT_EQ(d.timing, expected) << d.key;
  }
}

TEST(Table, EveryStatisticHasAUnitASentenceAndALineInTheDocument) {
  const std::string text = markdown();
  for (const Description& d : descriptions()) {
    EXPECT_STRNE(d.unit, "") << d.key;
    EXPECT_STRNE(d.sentence, "") << d.key;
    EXPECT_THAT(text, HasSubstr(std::string("| `") + d.key + "` | " + d.unit + " | " + d.sentence));
  }
}

TEST(Energy, IsAccessesTimesCostAtTheWidthOfTheWordPlusHopsMacsAndLeakage) {
  hw::BoundMachine m;
  m.machine.bits = {8, 16, 32};
  m.machine.energy.name = "table";
  m.machine.energy.unit = "pJ";
  m.machine.energy.mac_pj = 0.5;
  m.machine.energy.leakage_pj_per_cycle = 2;
  m.storage.resize(2);
  m.storage[0].energy = {100, 200, 16};
  m.storage[1].energy = {1, 3, 0};  // a word costs the same whatever its width
  m.network.resize(1);
  m.network[0].energy_per_hop_pj = 4;
  m.network[0].energy_bits = 8;

  LayerResult r;
  r.cycles = 10;
  r.macs = 6;
  r.storage.resize(2);
  r.network.resize(1);
  r.storage[0].access[0].fill_read = 7;         // 7 reads of 8 bits at 100 per 16 bits: 350
  r.storage[0].access[2].drain_write = 2;       // 2 writes of 32 bits at 200 per 16 bits: 800
  r.storage[0].access[2].accumulate_read = 1;   // 1 read: 200
  r.storage[0].access[2].accumulate_write = 1;  // 1 write: 400
  r.storage[1].access[1].fill_write = 5;        // 5 * 3
  r.storage[1].access[1].operand_read = 6;      // 6 * 1
  r.network[0].link[0].hops = 7;                // 7 * 4 at 8 of 8 bits: 28
  r.network[0].link[2].hops = 3;                // 3 * 4 at 32 of 8 bits: 48
  const Energy e = energy(m, r);
  EXPECT_DOUBLE_EQ(e.storage[0].tensor[0], 350);
  EXPECT_DOUBLE_EQ(e.storage[0].tensor[2], 800 + 200 + 400);
  EXPECT_DOUBLE_EQ(e.storage[1].tensor[1], 21);
  EXPECT_DOUBLE_EQ(e.network[0].tensor[0], 28);
  EXPECT_DOUBLE_EQ(e.network[0].tensor[2], 48);
  EXPECT_DOUBLE_EQ(e.macs, 3);
  EXPECT_DOUBLE_EQ(e.leakage, 20);
  EXPECT_DOUBLE_EQ(e.total(), 350 + 1400 + 21 + 28 + 48 + 3 + 20);
  EXPECT_EQ(e.unit, "pJ");
}

TEST(Results, UtilizationIsWorkOverWhatThePesCouldDo) {
  LayerResult r;
  EXPECT_EQ(r.utilization(), 0) << "no cycles, no utilization";
  r.cycles = 10;
  r.macs = 60;
  r.pes = 4;
  r.lanes = 2;
  EXPECT_DOUBLE_EQ(r.utilization(), 60.0 / (10 * 4 * 2));
}

}  // namespace
}  // namespace counterpoint::stats
