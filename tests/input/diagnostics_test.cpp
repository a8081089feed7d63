// SPDX-License-Identifier: Apache-2.0
#include "input/diagnostics.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace counterpoint::input {
namespace {

Diagnostic at(int line, int column, int length, std::string text) {
  Diagnostic d;
  d.file = "a.m";
  d.pos = {line, column};
  d.length = length;
  d.code = "some-code";
  d.message = "what is wrong";
  d.line_text = std::move(text);
  return d;
}

TEST(Format, UnderlinesTheOffendingCharacters) {
  EXPECT_EQ(format(at(3, 5, 4, "abc wxyz tail")),
            "a.m:3:5: error: what is wrong [some-code]\n"
            "  abc wxyz tail\n"
            "      ^~~~\n");
}

TEST(Format, CountsCharactersNotBytes) {
  // Two-byte and three-byte characters before the column.
  EXPECT_EQ(format(at(1, 4, 1, "\xC3\xA9\xE2\x80\x99 x")),
            "a.m:1:4: error: what is wrong [some-code]\n"
            "  \xC3\xA9\xE2\x80\x99 x\n"
            "     ^\n");
}

TEST(Format, ShowsTabsAsOneBlankSoThatTheCaretStaysInPlace) {
  EXPECT_EQ(format(at(1, 3, 1, "\t\tx")),
            "a.m:1:3: error: what is wrong [some-code]\n"
            "    x\n"
            "    ^\n");
}

TEST(Format, KeepsControlCharactersAwayFromTheTerminal) {
  const std::string text = format(at(1, 1, 1, "a\x1B[31mb\x07"));
  EXPECT_EQ(text.find('\x1B'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
}

TEST(Format, NeverUnderlinesBeyondTheLine) {
  EXPECT_EQ(format(at(1, 2, 1000, "abc")),
            "a.m:1:2: error: what is wrong [some-code]\n"
            "  abc\n"
            "   ^~\n");
}

TEST(Format, CutsLongLinesAroundTheColumn) {
  std::string line(5000, 'a');
  line[3000] = 'X';
  const std::string text = format(at(1, 3001, 1, line));
  EXPECT_LT(text.size(), 500u);
  // The caret still stands under the X.
  const std::size_t second = text.find('\n') + 1;
  const std::size_t third = text.find('\n', second) + 1;
  EXPECT_EQ(text.find('X') - second, text.find('^') - third);
}

TEST(Format, OmitsWhatIsNotKnown) {
  Diagnostic d;
  d.severity = Severity::Warning;
  d.message = "only this";
  EXPECT_EQ(format(d), "warning: only this\n");
  d.file = "x.yaml";
  EXPECT_EQ(format(d), "x.yaml: warning: only this\n");
}

TEST(HasErrors, IgnoresWarnings) {
  Diagnostic warning;
  warning.severity = Severity::Warning;
  EXPECT_FALSE(has_errors({}));
  EXPECT_FALSE(has_errors({warning}));
  EXPECT_TRUE(has_errors({warning, Diagnostic{}}));
}

TEST(InputError, CarriesEveryMessage) {
  const InputError e(std::vector<Diagnostic>{at(1, 1, 1, "one"), at(2, 1, 1, "two")});
  ASSERT_EQ(e.diagnostics().size(), 2u);
  EXPECT_NE(std::string(e.what()).find("a.m:1:1"), std::string::npos);
  EXPECT_NE(std::string(e.what()).find("a.m:2:1"), std::string::npos);
  const InputError plain("no such preset");
  EXPECT_STREQ(plain.what(), "no such preset");
  ASSERT_EQ(plain.diagnostics().size(), 1u);
  EXPECT_EQ(plain.diagnostics()[0].message, "no such preset");
}

TEST(DidYouMean, FindsTheNearestWord) {
  const std::vector<std::string> words = {"Network", "Layer", "TemporalMap", "SpatialMap"};
  EXPECT_EQ(did_you_mean("Netwrok", words), "Network");  // exchanged neighbours
  EXPECT_EQ(did_you_mean("Layr", words), "Layer");
  EXPECT_EQ(did_you_mean("TemporaryMap", words), "TemporalMap");
  EXPECT_EQ(did_you_mean("spatialmap", words), "SpatialMap");
}

TEST(DidYouMean, PrefersTheSameWordInAnotherCase) {
  EXPECT_EQ(did_you_mean("conv", {"con", "CONV"}), "CONV");
  EXPECT_EQ(did_you_mean("k", {"C", "K"}), "K");
}

TEST(DidYouMean, StaysSilentWhenNothingIsNear) {
  EXPECT_EQ(did_you_mean("foo", {"Network", "Layer"}), "");
  EXPECT_EQ(did_you_mean("Q", {"K", "C", "R"}), "");  // one letter is never near another
  EXPECT_EQ(did_you_mean("", {"K"}), "");
  EXPECT_EQ(did_you_mean("K", {}), "");
  EXPECT_EQ(did_you_mean(std::string(100000, 'a'), {std::string(100000, 'a')}), "");
}

}  // namespace
}  // namespace counterpoint::input
