// SPDX-License-Identifier: Apache-2.0
// What the independent reader (vcd_reader.py) finds in waveforms.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace counterpoint::sim {

inline std::string temporary(const std::string& name) {
  return ::testing::TempDir() + "counterpoint-" + std::to_string(getpid()) + "-" + name;
}

inline std::string output_of(const std::string& command, int expected_status = 0) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::string out;
  std::array<char, 4096> part{};
  for (std::size_t n = 0; (n = fread(part.data(), 1, part.size(), pipe)) > 0;)
    out.append(part.data(), n);
  EXPECT_EQ(pclose(pipe), expected_status) << command << "\n" << out;
  return out;
}

/// Of several dumps, by one run of the reader.
inline std::vector<nlohmann::json> summaries(const std::vector<std::string>& dumps) {
  std::string command = "python3 -B '" COUNTERPOINT_SOURCE_DIR "/tests/trace/vcd_reader.py' --json";
  std::vector<std::string> files;
  for (std::size_t i = 0; i < dumps.size(); ++i) {
    files.push_back(temporary(std::to_string(i) + ".vcd"));
    std::ofstream(files.back()) << dumps[i];
    command += " '" + files.back() + "'";
  }
  const nlohmann::json all = nlohmann::json::parse(output_of(command));
  std::vector<nlohmann::json> out;
  for (const std::string& f : files) {
    out.push_back(all.at(f));
    std::remove(f.c_str());
  }
  return out;
}

/// The value of `key` ("sum", "last", "times") of a signal; 0 if it has none.
inline std::int64_t number_of(const nlohmann::json& summary, const std::string& signal,
                              const char* key) {
  return summary.at("signals").at(signal).at(key).get<std::int64_t>();
}
inline std::int64_t time_in(const nlohmann::json& summary, const std::string& signal,
                            const std::string& text) {
  return summary.at("signals").at(signal).at("times").value(text, std::int64_t{0});
}

}  // namespace counterpoint::sim
