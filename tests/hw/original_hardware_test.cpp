// SPDX-License-Identifier: Apache-2.0
#include "hw/original_hardware.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "hw/machine_file.h"

namespace counterpoint::hw {
namespace {

using ::testing::HasSubstr;

struct Read {
  std::vector<input::Diagnostic> diagnostics;
  std::optional<Machine> machine;
  explicit Read(const std::string& text) { machine = read_machine(text, "dir/hw.m", diagnostics); }
};

TEST(OriginalHardware, EveryValueArrives) {
  const Read r(
      "num_pes: 256\nl1_size_cstr: 100 // per PE\nl2_size_cstr 3000\r\nnoc_bw_cstr -> 1000;\n"
      "NoC_NumHops: 2\noffchip_bw_cstr: 50\n");
  ASSERT_TRUE(r.machine) << format(r.diagnostics);
  const Machine& m = *r.machine;
  EXPECT_EQ(m.name, "hw");
  EXPECT_EQ(m.pes, 256);
  EXPECT_TRUE(m.capacity_in_words);
  ASSERT_EQ(m.storage.size(), 3u);
  EXPECT_EQ(m.storage[1].capacity_bytes, 3000);
  EXPECT_EQ(m.storage[2].capacity_bytes, 100);
  ASSERT_EQ(m.network.size(), 2u);
  EXPECT_EQ(m.network[0].bandwidth, (Rate{50000, false}));
  EXPECT_EQ(m.network[0].latency, 0);
  EXPECT_EQ(m.network[1].bandwidth, (Rate{1000000, false}));
  EXPECT_EQ(m.network[1].latency, 2);
  EXPECT_FALSE(m.implied_network);  // so every cluster level gets a copy of the one above
  // The constants of the original: 1, 1.68, 18.61 per element of any width.
  EXPECT_DOUBLE_EQ(m.storage[2].energy.read_pj, 1.68);
  EXPECT_DOUBLE_EQ(m.storage[1].energy.write_pj, 18.61);
  EXPECT_EQ(m.storage[1].energy.bits, 0);
}

TEST(OriginalHardware, WhatIsMissingIsUnlimited) {
  const Read r("num_pes: 4\n");
  ASSERT_TRUE(r.machine);
  EXPECT_EQ(r.machine->storage[1].capacity_bytes, 0);
  EXPECT_EQ(r.machine->storage[2].capacity_bytes, 0);
  EXPECT_TRUE(r.machine->network[0].bandwidth.unlimited());
  EXPECT_TRUE(r.machine->network[1].bandwidth.unlimited());
  EXPECT_EQ(r.machine->network[1].latency, 1);  // the original's default
  const Read none("l1_size_cstr: 9");
  ASSERT_TRUE(none.machine);
  EXPECT_EQ(none.machine->pes, 1);  // likewise
}

TEST(OriginalHardware, WhatTheOriginalMisreadsIsRefused) {
  const struct {
    const char* text;
    const char* code;
    const char* part;
  } kBad[] = {
      {"num_pes: 0\n", "bad-value", "'num_pes' (PEs) must be a whole number from 1"},
      {"noc_bw_cstr: -4\n", "bad-value", "not '-4'"},
      {"offchip_bw_cstr: 4abc\n", "bad-value", "not '4abc'"},
      {"l1_size_cstr: 4.9\n", "bad-value", "not '4.9'"},
      {"l2_size_cstr: 99999999999999999999\n", "bad-value", "not '99999999999999999999'"},
      {"num_pes: 4\nnum_pes: 8\n", "duplicate-key", "already set in line 1"},
      {"num_pes: 4\nnum_pse: 8\n", "unknown-key", "did you mean 'num_pes'?"},
      {"num_pes: 4\nl1_size_cstr:\n", "missing-value", "'l1_size_cstr' has no value"},
      {"num_pes:\nl1_size_cstr: 3\n", "missing-value", "'num_pes' has no value"},
      {"num_pes: 4\n{ }\n", "unknown-key", "known:"},
  };
  for (const auto& bad : kBad) {
    const Read r(bad.text);
    EXPECT_FALSE(r.machine) << bad.text;
    ASSERT_EQ(r.diagnostics.size(), 1u) << bad.text << format(r.diagnostics);
    EXPECT_EQ(r.diagnostics[0].code, bad.code) << bad.text;
    EXPECT_THAT(r.diagnostics[0].message, HasSubstr(bad.part));
    EXPECT_GT(r.diagnostics[0].pos.line, 0);
  }
}

TEST(OriginalHardware, IsToldFromYamlByItsKeys) {
  EXPECT_TRUE(is_original_hardware("// a comment\n\nnum_pes: 3"));
  EXPECT_TRUE(is_original_hardware("\xEF\xBB\xBFnum_pes 3"));
  EXPECT_FALSE(is_original_hardware("pes: 3\nstorage: []\n"));
  EXPECT_FALSE(is_original_hardware("# num_pes: the original's key\nname: x\n"));
  EXPECT_FALSE(is_original_hardware(""));
}

TEST(OriginalHardware, TheExampleMachineIsThePreset) {
  const Read r(
      "num_pes: 256\nl1_size_cstr: 100\nl2_size_cstr: 3000\nnoc_bw_cstr: 1000\n"
      "offchip_bw_cstr: 50\n");
  std::vector<input::Diagnostic> d;
  const std::optional<Machine> preset = load_machine("accelerator_1", d);
  ASSERT_TRUE(r.machine && preset);
  EXPECT_EQ(preset->pes, r.machine->pes);
  EXPECT_EQ(preset->capacity_in_words, r.machine->capacity_in_words);
  ASSERT_EQ(preset->storage.size(), r.machine->storage.size());
  for (std::size_t i = 0; i < preset->storage.size(); ++i) {
    EXPECT_EQ(preset->storage[i].capacity_bytes, r.machine->storage[i].capacity_bytes);
    EXPECT_EQ(preset->storage[i].energy.read_pj, r.machine->storage[i].energy.read_pj);
    EXPECT_EQ(preset->storage[i].energy.bits, r.machine->storage[i].energy.bits);
  }
  for (std::size_t i = 0; i < preset->network.size(); ++i) {
    EXPECT_EQ(preset->network[i].bandwidth, r.machine->network[i].bandwidth);
    EXPECT_EQ(preset->network[i].latency, r.machine->network[i].latency);
    EXPECT_EQ(preset->network[i].reduction, r.machine->network[i].reduction);
    EXPECT_EQ(preset->network[i].multicast, r.machine->network[i].multicast);
    EXPECT_EQ(preset->network[i].psum, r.machine->network[i].psum);
    EXPECT_EQ(preset->network[i].energy_per_hop_pj, r.machine->network[i].energy_per_hop_pj);
  }
  EXPECT_EQ(preset->energy.mac_pj, r.machine->energy.mac_pj);
}

TEST(OriginalHardware, ItsOwnFilesAreRead) {
  const std::filesystem::path dir =
      std::filesystem::path(COUNTERPOINT_SOURCE_DIR) / "../shared/reference/maestro/hw";
  if (!std::filesystem::is_directory(dir)) GTEST_SKIP() << "no reference files beside the tree";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    std::vector<input::Diagnostic> diagnostics;
    EXPECT_TRUE(load_machine(entry.path().string(), diagnostics)) << format(diagnostics);
    EXPECT_TRUE(diagnostics.empty());
    ++files;
  }
  EXPECT_GT(files, 0);
}

}  // namespace
}  // namespace counterpoint::hw
