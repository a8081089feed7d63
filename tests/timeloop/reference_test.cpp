// SPDX-License-Identifier: Apache-2.0
// Small mapped layers whose counts were found by exhaustive execution, beside Timeloop's. Both of
// our models must give the exact counts; where Timeloop's default differs, we do not follow it.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "analytic/estimator.h"
#include "sim/simulator.h"
#include "tests/timeloop/import.h"

namespace counterpoint::timeloop {
namespace {

namespace fs = std::filesystem;

fs::path folder() {
  return fs::path(COUNTERPOINT_SOURCE_DIR) / ".." / "shared" / "reference" / "analytic";
}

std::vector<std::vector<std::string>> rows(const fs::path& path) {
  std::vector<std::vector<std::string>> all;
  std::ifstream in(path);
  std::string line;
  while (std::getline(in, line)) {
    std::vector<std::string> cells(1);
    bool quoted = false;
    for (char c : line) {
      if (c == '"')
        quoted = !quoted;
      else if (c == ',' && !quoted)
        cells.emplace_back();
      else if (c != '\r')
        cells.back() += c;
    }
    all.push_back(cells);
  }
  return all;
}

struct Expected {
  std::int64_t reads = 0, fills = 0, updates = 0;
};

// What the columns mean here. Reads of a level: what it sends to the level below (each word once,
// whoever receives it: our `word` multicast is the table's elem-multicast), for outputs only what
// is read back; of the innermost level, the operands of the multiply-accumulates. Fills: what
// arrived from above. Updates: outputs that arrived from below, summed on the way if the siblings
// hold the same ones.
Expected counted(const stats::LayerResult& r, std::size_t storage, workloads::Tensor t) {
  const stats::AccessCounts& a = r.storage[storage].access[static_cast<std::size_t>(index(t))];
  const bool innermost = storage + 1 == r.storage.size();
  const bool output = t == workloads::Tensor::Output;
  Expected e;
  e.reads = innermost ? a.operand_read : output ? a.readback_read : a.fill_read;
  e.fills = output ? a.readback_write : a.fill_write;
  e.updates = !output ? 0 : innermost ? a.operand_write : a.drain_write + a.accumulate_write;
  return e;
}

// M=4, N=3, K=2, output stationary, one element of Z at a time. A's row changes with M only: 4 * 2
// words; B's column with every step: 12 * 2; Z leaves finished, 12 words. Of the 24
// multiply-accumulates 12 start from zero.
TEST(Timeloop, ASmallCaseByHand) {
  const fs::path file = fs::path(testing::TempDir()) / "counterpoint_by_hand.yaml";
  std::ofstream(file) << R"(
architecture:
  subtree:
  - name: System
    local:
    - { name: "DRAM[0..0]", attributes: {} }
    - { name: "RF[0..0]", attributes: {} }
    - { name: "MAC[0..0]", attributes: {} }
problem:
  shape:
    dimensions: [ M, N, K ]
    data_spaces:
    - { name: A, projection: [ [[M]], [[K]] ] }
    - { name: B, projection: [ [[K]], [[N]] ] }
    - { name: Z, projection: [ [[M]], [[N]] ], read_write: true }
  instance: { M: 4, N: 3, K: 2 }
mapping:
- { target: DRAM, type: temporal, factors: "M=4 N=3 K=1", permutation: NMK }
- { target: RF, type: temporal, factors: "M=1 N=1 K=2", permutation: KMN }
)";
  const Imported m = read(file.string());
  fs::remove(file);
  for (const stats::LayerResult& r :
       {analytic::estimate(m.mapping), sim::simulate(m.mapping).result}) {
    EXPECT_EQ(counted(r, 0, workloads::Tensor::Input).reads, 8);
    EXPECT_EQ(counted(r, 0, workloads::Tensor::Weight).reads, 24);
    EXPECT_EQ(counted(r, 0, workloads::Tensor::Output).reads, 0);
    EXPECT_EQ(counted(r, 0, workloads::Tensor::Output).updates, 12);
    EXPECT_EQ(counted(r, 1, workloads::Tensor::Input).reads, 24);
    EXPECT_EQ(counted(r, 1, workloads::Tensor::Output).reads, 12);
    EXPECT_EQ(counted(r, 1, workloads::Tensor::Output).updates, 24);
    EXPECT_EQ(r.cycles, 24);
  }
}

TEST(Timeloop, CountsAreThoseOfExhaustiveExecution) {
  if (!fs::exists(folder())) GTEST_SKIP() << "the reference folder is not here";
  const auto table = rows(folder() / "counts.csv");
  int compared = 0, not_modelled = 0, timeloop_differs = 0;
  std::map<std::string, std::pair<Imported, std::vector<stats::LayerResult>>> cases;
  for (std::size_t i = 1; i < table.size(); ++i) {
    const auto& row = table[i];
    SCOPED_TRACE(row[0] + " " + row[1] + " " + row[2]);
    if (cases.count(row[0]) == 0) {
      Imported m = read((folder() / "inputs" / (row[0] + ".yaml")).string());
      std::vector<stats::LayerResult> results{analytic::estimate(m.mapping)};
      const sim::SimOutcome s = sim::simulate(m.mapping);
      EXPECT_EQ(s.functional, sim::Functional::Equal) << s.first_mismatch;
      results.push_back(s.result);
      cases.emplace(row[0], std::make_pair(std::move(m), std::move(results)));
    }
    const auto& [m, results] = cases.at(row[0]);
    if (m.bypassed_by.count(row[2]) != 0) {
      ++not_modelled;  // a level that does not hold one of the tensors: every level of ours does
      continue;
    }
    const auto storage = std::find_if(m.storage.begin(), m.storage.end(),
                                      [&](const auto& s) { return s.first == row[1]; });
    ASSERT_NE(storage, m.storage.end());
    for (const stats::LayerResult& r : results) {
      const Expected e = counted(r, storage->second, m.tensor.at(row[2]));
      EXPECT_EQ(e.reads, std::stoll(row[6]));
      EXPECT_EQ(e.fills, std::stoll(row[8]));
      EXPECT_EQ(e.updates, std::stoll(row[9]));
    }
    ++compared;
    timeloop_differs += row[14] != "=";
  }
  EXPECT_GT(compared, 60);
  EXPECT_GT(timeloop_differs, 0);
  RecordProperty("compared", compared);
  RecordProperty("not_modelled", not_modelled);
}

// Without bandwidth limits a run takes the compute steps of the mapping: clipped tiles cost what
// they use (Timeloop charges them in full).
TEST(Timeloop, CyclesAreTheExecutedSteps) {
  if (!fs::exists(folder())) GTEST_SKIP() << "the reference folder is not here";
  const auto table = rows(folder() / "summary.csv");
  for (std::size_t i = 1; i < table.size(); ++i) {
    SCOPED_TRACE(table[i][0]);
    const Imported m = read((folder() / "inputs" / (table[i][0] + ".yaml")).string());
    EXPECT_EQ(workloads::macs(m.mapping.layer), std::stoll(table[i][2]));
    const std::int64_t steps = std::stoll(table[i][3]);
    for (const stats::LayerResult& r :
         {analytic::estimate(m.mapping), sim::simulate(m.mapping).result}) {
      EXPECT_EQ(r.stack.compute / r.arrays, steps);
      // A reduction tree's depth may come on top at the very end.
      EXPECT_GE(r.cycles, steps);
      EXPECT_LE(r.cycles, steps + 8);
    }
  }
}

}  // namespace
}  // namespace counterpoint::timeloop
