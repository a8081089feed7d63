// SPDX-License-Identifier: Apache-2.0
#include "validation/bars.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace counterpoint::validation {
namespace {

using ::testing::HasSubstr;

Json layer(const std::string& name, std::int64_t compute, std::int64_t bandwidth) {
  Json j;
  j["layer"] = name;
  j["estimate"]["statistics"] = {{"stack.compute", compute}, {"stack.bandwidth", bandwidth}};
  return j;
}

// 80 columns, a name of one character: the bar has 80 - 1 - 9 = 70 characters. 3 of 4 cycles
// compute: 52.5 characters; the half goes to the first class of equal remainders.
TEST(Bars, DivideTheLineInProportion) {
  const std::string text = write_bars({layer("A", 3, 1)}, 80, false);
  EXPECT_EQ(text, "cycle stacks: # compute b bandwidth\nA  est. |" + std::string(53, '#') +
                      std::string(17, 'b') + "|\n");
}

TEST(Bars, FillTheTerminalAndNoMore) {
  for (const int columns : {80, 81, 200}) {
    std::istringstream lines(
        write_bars({layer("A", 7, 5), layer(std::string(90, 'n'), 1, 999)}, columns, false));
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) EXPECT_EQ(line.size(), static_cast<std::size_t>(columns));
  }
}

TEST(Bars, AreAsciiUnlessTheTerminalKnowsMore) {
  const auto ascii = [](const std::string& s) {
    return std::all_of(s.begin(), s.end(), [](char c) { return static_cast<signed char>(c) > 0; });
  };
  EXPECT_TRUE(ascii(write_bars({layer("A", 3, 1)}, 80, false)));
  EXPECT_THAT(write_bars({layer("A", 3, 1)}, 80, true), HasSubstr("█▓"));
}

TEST(Bars, AreNotDrawnForLayersThatDidNotRun) {
  EXPECT_EQ(write_bars({Json{{"layer", "P"}, {"status", "refused"}}}, 80, false), "");
}

}  // namespace
}  // namespace counterpoint::validation
