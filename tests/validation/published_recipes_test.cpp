// SPDX-License-Identifier: Apache-2.0
// What turns a row of a published table into a layer with a mapping (docs/validation.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "validation/published/run.h"
#include "validation/published/timeloop.h"

namespace counterpoint::validation::published {
namespace {

using ::testing::HasSubstr;

std::optional<double> number(const std::string& name) {
  if (name == "R") return 8;
  if (name == "long name.x") return 2.5;
  return std::nullopt;
}
double value(const std::string& text) {
  return evaluate(text, number);
}

TEST(Expressions, FollowThePrecedenceOfArithmetic) {
  EXPECT_EQ(value("1 + 2 * 3"), 7);
  EXPECT_EQ(value("(1 + 2) * -3"), -9);
  EXPECT_EQ(value("2 * R + R - 2"), 22);
  EXPECT_EQ(value("ceil(20 / R) * floor(20 / R)"), 6);
  EXPECT_EQ(value("min(R, 3) + max(R, 3)"), 11);
  EXPECT_EQ(value("[long name.x] * 2"), 5);
  EXPECT_EQ(value("ceil(log2(R)) + ceil(log2(R + 1))"), 3 + 4);
}

TEST(Expressions, SayWhatIsWrong) {
  const auto error = [](const std::string& text) {
    try {
      value(text);
    } catch (const ExpressionError& e) {
      return std::string(e.what());
    }
    return std::string("none");
  };
  EXPECT_THAT(error("Q + 1"), HasSubstr("'Q' has a number"));
  EXPECT_THAT(error("1 / (R - 8)"), HasSubstr("division by zero"));
  EXPECT_THAT(error("log2(R - 8)"), HasSubstr("not positive"));
  EXPECT_THAT(error("1 +"), HasSubstr("a number or a name is expected"));
  EXPECT_THAT(error("(1"), HasSubstr("')' is missing"));
  EXPECT_THAT(error("1 2"), HasSubstr("not expected"));
  EXPECT_THAT(error("sin(1)"), HasSubstr("no function 'sin'"));
  EXPECT_THAT(error(std::string(1000, '(')), HasSubstr("too many parentheses"));
}

TEST(Templates, HoldColumnsAsWrittenAndWholeNumbers) {
  const Words words = [](const std::string& n) {
    return n == "df" ? std::optional<std::string>("os") : std::nullopt;
  };
  const Call call = [](const std::string& f, const std::string& a) {
    return f == "twice" ? std::optional<std::string>(a + a) : std::nullopt;
  };
  EXPECT_EQ(fill_in("scalesim-${df}.m", words, number, call), "scalesim-os.m");
  EXPECT_EQ(fill_in("pes: ${R * R} # ${twice(ab)}", words, number, call), "pes: 64 # abab");
  EXPECT_THROW(fill_in("${R / 3}", words, number, call), ExpressionError);
  EXPECT_THROW(fill_in("${R", words, number, call), ExpressionError);
}

// 12 tiles of K of 4 * 16 channels each; the extents are the products of all factors.
TEST(TimeloopNotation, GivesTheOffChipLoops) {
  const std::string mapping = "L3[WIO] K12 P2 - L2[WI] N1 K16X - L1[O] K4 C48 P4 C16X - L0[W] P32";
  const auto extents = [](const std::string& d) -> std::optional<double> {
    if (d == "K") return 768;
    if (d == "C") return 768;
    if (d == "P") return 256;
    return 1;
  };
  EXPECT_EQ(timeloop_directives(mapping, extents),
            "      TemporalMap(64,64) K;\n      TemporalMap(128,128) Y';\n");
}

TEST(TimeloopNotation, IsCheckedAgainstTheLayer) {
  const auto error = [](const std::string& mapping) {
    try {
      timeloop_directives(mapping, [](const std::string&) { return std::optional<double>(4); });
    } catch (const ExpressionError& e) {
      return std::string(e.what());
    }
    return std::string("none");
  };
  EXPECT_THAT(error("L3[WIO] K2 - L0[W] K3"),
              HasSubstr("the loops over C cover 1, the layer has 4"));
  EXPECT_THAT(error("L3[WIO] Z2 - L0[W] K3"), HasSubstr("'Z2' is not a loop"));
  EXPECT_THAT(error("L3[WIO] K - L0[W] K3"), HasSubstr("'K' is not a loop"));
  EXPECT_THAT(error("K2 - L0[W] K3"), HasSubstr("expected first"));
}

}  // namespace
}  // namespace counterpoint::validation::published
