// SPDX-License-Identifier: Apache-2.0
// Every mapping file of the reference folder (if it is there): evaluated without breaking a law,
// or refused with the reason; never a crash.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/defects/evaluate.h"
#include "workloads/language.h"

namespace counterpoint::defects {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(
           fs::path(COUNTERPOINT_SOURCE_DIR) / ".." / "shared" / "reference" / "maestro" / folder,
           error))
    files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

void evaluate_all(const std::string& folder, std::int64_t pes, std::int64_t simulate_up_to,
                  std::int64_t estimate_up_to) {
  const std::vector<std::string> files = files_in(folder);
  if (files.empty()) GTEST_SKIP() << "the reference folder is not here";
  int evaluated = 0, refused = 0;
  for (const std::string& file : files) {
    SCOPED_TRACE(file);
    const workloads::NetworkResult read = workloads::read_network(file);
    if (!read.network) {
      EXPECT_TRUE(input::has_errors(read.diagnostics));
      ++refused;
      continue;
    }
    for (const workloads::NetworkLayer& layer : read.network->layers) {
      SCOPED_TRACE(layer.layer.name);
      if (!layer.modelled) {
        EXPECT_NE(layer.not_modelled_reason, "");
        continue;
      }
      if (!layer.dataflow) continue;
      const std::int64_t macs = workloads::macs(layer.layer);
      if (macs > estimate_up_to) continue;
      const Verdict v = evaluate(layer, ideal(pes), macs <= simulate_up_to);
      v.refused() ? ++refused : ++evaluated;
    }
  }
  EXPECT_GT(evaluated, 0);
  testing::Test::RecordProperty("evaluated", evaluated);
  testing::Test::RecordProperty("refused", refused);
}

TEST(Reference, DefectCasesOnFourPes) {
  evaluate_all("cases", 4, 200000, 2000000);
}
TEST(Reference, DefectCasesOnThirtyTwoPes) {
  evaluate_all("cases", 32, 200000, 2000000);
}
TEST(Reference, ShippedMappings) {
  evaluate_all("mapping", 256, 0, 3000000);
}

}  // namespace
}  // namespace counterpoint::defects
