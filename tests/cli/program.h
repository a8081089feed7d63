// SPDX-License-Identifier: Apache-2.0
// Runs the program as a user does, in a directory of its own.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace counterpoint::cli {

struct Outcome {
  int status = -1;  ///< exit status; 128 + n if signal n ended it
  std::string out, err;
};

/// Runs COUNTERPOINT_PROGRAM; words are passed as they are, there is no shell. The working
/// directory is `directory`. With `stop_when_exists`, SIGINT is sent to the program alone as soon
/// as that file has at least two lines.
Outcome run_program(const std::vector<std::string>& words, const std::filesystem::path& directory,
                    const std::filesystem::path& stop_when_exists = {});

/// A fresh directory per test.
class ProgramTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
  Outcome run(const std::vector<std::string>& words) const { return run_program(words, dir_); }
  void write(const std::string& name, const std::string& text) const;
  std::string read(const std::string& name) const;
  std::filesystem::path dir_;
};

}  // namespace counterpoint::cli
