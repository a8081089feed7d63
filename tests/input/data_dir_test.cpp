// SPDX-License-Identifier: Apache-2.0
#include "input/data_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace counterpoint::input {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A data directory of the test's own, named by the environment while it lives.
class DataDir : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::filesystem::temp_directory_path() /
           (std::string("counterpoint_data_") +
            ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(dir_ / "things");
    for (const char* name : {"beta.yaml", "alpha.yaml", "note.txt"})
      std::ofstream(dir_ / "things" / name) << name;
    setenv("COUNTERPOINT_DATA", dir_.c_str(), 1);
  }
  void TearDown() override {
    unsetenv("COUNTERPOINT_DATA");
    std::filesystem::remove_all(dir_);
  }
  std::filesystem::path dir_;
};

TEST_F(DataDir, TheEnvironmentVariableWins) {
  EXPECT_EQ(data_dir(), dir_.string());
}

TEST_F(DataDir, NamesAreSortedAndWithoutExtension) {
  EXPECT_THAT(list_data("things", ".yaml"), ElementsAre("alpha", "beta"));
  EXPECT_TRUE(list_data("absent", ".yaml").empty());
}

TEST_F(DataDir, FindsByNameAndByPath) {
  std::string error;
  const std::string by_name = (dir_ / "things" / "beta.yaml").string();
  EXPECT_EQ(find_data("things", ".yaml", "beta", "thing", error), by_name);
  const std::string by_path = (dir_ / "things" / "note.txt").string();
  EXPECT_EQ(find_data("things", ".yaml", by_path, "thing", error), by_path);
}

TEST_F(DataDir, AnUnknownNameIsAnswered) {
  std::string error;
  EXPECT_FALSE(find_data("things", ".yaml", "betta", "thing", error));
  EXPECT_THAT(error, HasSubstr("no thing 'betta'"));
  EXPECT_THAT(error, HasSubstr("did you mean 'beta'?"));
  EXPECT_FALSE(find_data("things", ".yaml", "xyzzy", "thing", error));
  EXPECT_THAT(error, HasSubstr("known names: alpha, beta"));
}

TEST_F(DataDir, ReadsFilesAndRefusesDirectories) {
  std::string error;
  EXPECT_EQ(read_file((dir_ / "things" / "beta.yaml").string(), error), "beta.yaml");
  EXPECT_FALSE(read_file((dir_ / "things").string(), error));
  EXPECT_THAT(error, HasSubstr("is a directory"));
  EXPECT_FALSE(read_file((dir_ / "nothing").string(), error));
  EXPECT_THAT(error, HasSubstr("cannot open"));
}

TEST(DataDirDefault, WithoutAnInstallationItIsTheSourceTree) {
  unsetenv("COUNTERPOINT_DATA");
  EXPECT_EQ(data_dir(), COUNTERPOINT_SOURCE_DIR);
}

}  // namespace
}  // namespace counterpoint::input
