// SPDX-License-Identifier: Apache-2.0
#include "input/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace counterpoint::input {
namespace {

using ::testing::HasSubstr;

struct Parsed {
  std::vector<Diagnostic> diagnostics;
  std::optional<YamlValue> root;
  explicit Parsed(const std::string& text) { root = parse_yaml(text, "f.yaml", diagnostics); }
  const Diagnostic& only() {
    EXPECT_EQ(diagnostics.size(), 1u) << format(diagnostics);
    if (diagnostics.empty()) diagnostics.emplace_back();
    return diagnostics.front();
  }
};

TEST(Yaml, ValuesKnowTheirPathLineAndColumn) {
  Parsed p("a: 1\nlist:\n  - {b: 2}\n  - b: 3\n");
  ASSERT_TRUE(p.root);
  const YamlValue b = *p.root->find("list")->items()[1].find("b");
  EXPECT_EQ(b.path(), "list[1].b");
  EXPECT_EQ(b.pos().line, 4);
  EXPECT_EQ(b.pos().column, 8);
  EXPECT_EQ(b.integer(0, 9), 3);
  EXPECT_TRUE(p.diagnostics.empty());
}

TEST(Yaml, ColumnsCountCharactersNotBytes) {
  Parsed p("{\"µ\": x, b: y}\n");
  ASSERT_TRUE(p.root);
  // { " µ " : space x , space b : space y: y is the 13th character, the 14th byte.
  EXPECT_EQ(p.root->find("b")->pos().column, 13);
}

TEST(Yaml, ByteOrderMarkAndCrLfAreAccepted) {
  Parsed p(
      "\xEF\xBB\xBF"
      "a: 1\r\nb: x\r\n");
  ASSERT_TRUE(p.root);
  EXPECT_EQ(p.root->find("a")->pos().column, 4);
  EXPECT_EQ(p.root->find("b")->text(), "x");
  EXPECT_EQ(p.root->find("b")->pos().line, 2);
}

TEST(Yaml, UnknownKeyNamesTheNearest) {
  Parsed p("pes: 4\nlatncy: 3\n");
  EXPECT_FALSE(p.root->check_map({"pes", "latency"}));
  EXPECT_EQ(p.only().code, "unknown-key");
  EXPECT_THAT(p.only().message, HasSubstr("'latncy'"));
  EXPECT_THAT(p.only().message, HasSubstr("did you mean 'latency'?"));
  EXPECT_EQ(p.only().pos.line, 2);
  EXPECT_EQ(p.only().pos.column, 1);
  EXPECT_EQ(p.only().length, 6);
  EXPECT_EQ(p.only().line_text, "latncy: 3");
}

TEST(Yaml, UnknownKeyWithoutANeighbourListsWhatIsKnown) {
  Parsed p("a:\n  zebra: 3\n");
  EXPECT_FALSE(p.root->find("a")->check_map({"pes", "latency"}));
  EXPECT_THAT(p.only().message,
              HasSubstr("unknown key 'zebra' in 'a'; known here: pes or latency"));
}

TEST(Yaml, DuplicateKeyNamesTheFirst) {
  Parsed p("a: 1\nb: 2\na: 3\n");
  EXPECT_EQ(p.only().code, "duplicate-key");
  EXPECT_THAT(p.only().message, HasSubstr("already set in line 1"));
  EXPECT_EQ(p.only().pos.line, 3);
}

TEST(Yaml, MissingKeySaysWhatItIsFor) {
  Parsed p("storage:\n  - x: 1\n");
  EXPECT_FALSE(p.root->find("storage")->items()[0].require("capacity", "bytes it can hold"));
  EXPECT_THAT(p.only().message, HasSubstr("'storage[0]' has no 'capacity': bytes it can hold"));
}

TEST(Yaml, IntegersAreCheckedForFormAndRange) {
  for (const char* bad : {"1.5", "x", "\"3\"", "0x10", "1e3", "3 PEs", "[1]", "", "+3"}) {
    Parsed p(std::string("n: ") + bad + "\n");
    EXPECT_FALSE(p.root->find("n")->integer(0, 100, "PEs")) << bad;
    EXPECT_EQ(p.only().code, "bad-value") << bad;
    EXPECT_THAT(p.only().message, HasSubstr("'n' must be a whole number (PEs) from 0 to 100"));
  }
  for (const char* bad : {"101", "-1", "99999999999999999999"}) {
    Parsed p(std::string("n: ") + bad + "\n");
    EXPECT_FALSE(p.root->find("n")->integer(0, 100)) << bad;
    EXPECT_EQ(p.only().code, "out-of-range");
    EXPECT_THAT(p.only().message, HasSubstr(bad));
  }
  Parsed edge("[0, 100]");
  EXPECT_EQ(edge.root->items()[0].integer(0, 100), 0);
  EXPECT_EQ(edge.root->items()[1].integer(0, 100), 100);
}

TEST(Yaml, RealNumbersAreFiniteAndInRange) {
  for (const char* bad : {".inf", "inf", "nan", "-0.1", "1e999", "1,5", "2.1"}) {
    Parsed p(std::string("e: ") + bad + "\n");
    EXPECT_FALSE(p.root->find("e")->real(0, 2, "pJ")) << bad;
    EXPECT_THAT(p.only().message, HasSubstr("'e' must be a number (pJ) from 0 to 2"));
  }
  EXPECT_DOUBLE_EQ(*Parsed("e: 1.25").root->find("e")->real(0, 2), 1.25);
}

TEST(Yaml, ChoicesListWhatIsAllowedAndGuess) {
  Parsed p("t: buss\nu: 7\nv: bus\n");
  EXPECT_FALSE(p.root->find("t")->choice({"pipe", "bus"}));
  EXPECT_THAT(p.only().message,
              HasSubstr("'t' must be pipe or bus, not 'buss'; did you mean 'bus'?"));
  EXPECT_FALSE(p.root->find("u")->choice({"pipe", "bus"}));
  EXPECT_EQ(p.diagnostics.size(), 2u);
  EXPECT_EQ(p.root->find("v")->choice({"pipe", "bus"}), 1u);
}

TEST(Yaml, BooleansAreTrueOrFalseOnly) {
  Parsed p("a: true\nb: yes\n");
  EXPECT_EQ(p.root->find("a")->boolean(), true);
  EXPECT_FALSE(p.root->find("b")->boolean());
  EXPECT_THAT(p.only().message, HasSubstr("'b' must be true or false, not 'yes'"));
}

TEST(Yaml, QuantitiesAreExactToThreeDecimals) {
  const std::vector<std::string> units = {"words", "bytes"};
  Parsed p("[8 words, 4.5 bytes, 0.125words, 3]");
  const auto items = p.root->items();
  EXPECT_EQ(items[0].quantity(units)->thousandths, 8000);
  EXPECT_EQ(items[1].quantity(units)->thousandths, 4500);
  EXPECT_EQ(items[1].quantity(units)->unit, "bytes");
  EXPECT_EQ(items[2].quantity(units)->thousandths, 125);
  EXPECT_TRUE(p.diagnostics.empty());
  EXPECT_FALSE(items[3].quantity(units));
  EXPECT_THAT(p.only().message, HasSubstr("followed by words or bytes, not '3'"));
  for (const char* bad :
       {"0.0001 words", "-1 words", ".5 words", "5. words", "words", "1e3 words"}) {
    Parsed q(std::string("q: ") + bad + "\n");
    EXPECT_FALSE(q.root->find("q")->quantity(units)) << bad;
    EXPECT_THAT(q.only().message, HasSubstr("at most 3 decimals")) << bad;
  }
  Parsed unit("q: 3 word\n");
  EXPECT_FALSE(unit.root->find("q")->quantity(units));
  EXPECT_EQ(unit.only().code, "bad-unit");
  EXPECT_THAT(unit.only().message, HasSubstr("unknown unit 'word'; did you mean 'words'?"));
}

TEST(Yaml, BytesKnowBinaryAndDecimalUnits) {
  Parsed p("[100, 100 B, 64 KiB, 1.5 MiB, 108 kB, 2 GB, 0.5 KiB]");
  const std::vector<std::int64_t> want = {100, 100, 65536, 1572864, 108000, 2000000000, 512};
  const auto items = p.root->items();
  for (std::size_t i = 0; i < want.size(); ++i)
    EXPECT_EQ(items[i].bytes(0, std::int64_t{1} << 40), want[i]);
  EXPECT_TRUE(p.diagnostics.empty());
  for (const char* bad :
       {"0.5 B", "0.333 KiB", "9999999999999999 B", "1000000000000000 GB", "1 KiX", "-4"}) {
    Parsed q(std::string("c: ") + bad + "\n");
    EXPECT_FALSE(q.root->find("c")->bytes(0, std::int64_t{1} << 40)) << bad;
    EXPECT_EQ(q.diagnostics.size(), 1u) << bad;
  }
}

TEST(Yaml, AnchorsAliasesTagsAndSecondDocumentsAreRefused) {
  EXPECT_EQ(Parsed("a: &x 1\n").only().code, "yaml-anchor");
  EXPECT_EQ(Parsed("a: !!str 1\n").only().code, "yaml-tag");
  EXPECT_EQ(Parsed("a: 1\n---\nb: 2\n").only().code, "yaml-documents");
  Parsed alias("a: &x 1\nb: *x\n");
  ASSERT_EQ(alias.diagnostics.size(), 2u);
  EXPECT_EQ(alias.diagnostics[1].code, "yaml-alias");
  EXPECT_EQ(alias.diagnostics[1].pos.line, 2);
}

TEST(Yaml, NestedAliasesDoNotUnfold) {
  // Ten levels of ten aliases each would be 10^10 values.
  std::string text = "a0: &a0 [x]\n";
  for (int i = 1; i <= 10; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) text += (k ? ",*a" : "*a") + std::to_string(i - 1);
    text += "]\n";
  }
  Parsed p(text);
  EXPECT_TRUE(has_errors(p.diagnostics));
}

TEST(Yaml, DeepNestingIsRefusedNotFollowed) {
  const Parsed balanced(std::string(100, '[') + std::string(100, ']'));
  ASSERT_FALSE(balanced.diagnostics.empty());
  EXPECT_EQ(balanced.diagnostics.front().code, "yaml-too-deep");
  EXPECT_TRUE(has_errors(Parsed(std::string(60000, '[')).diagnostics));
  EXPECT_TRUE(has_errors(Parsed(std::string(60000, '{')).diagnostics));
  std::string block;
  for (int i = 0; i < 300; ++i) block += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_EQ(Parsed(block).diagnostics.front().code, "yaml-too-deep");
}

TEST(Yaml, SyntaxErrorsHaveAPosition) {
  Parsed p("a: 1\nb: [1, 2\nc: 3\n");
  EXPECT_FALSE(p.root);
  EXPECT_EQ(p.only().code, "yaml-syntax");
  EXPECT_GE(p.only().pos.line, 2);
}

TEST(Yaml, BinaryFilesAreRefused) {
  EXPECT_EQ(Parsed(std::string("a: \0", 4)).only().code, "not-text");
  EXPECT_EQ(Parsed("\xFF\xFE"
                   "a")
                .only()
                .code,
            "not-text");
  EXPECT_EQ(Parsed("a: \xC3\n").only().code, "not-text");
}

TEST(Yaml, AnEmptyFileIsNothing) {
  for (const char* text : {"", "# only a comment\n", "\n\n"}) {
    Parsed p(text);
    ASSERT_TRUE(p.root);
    EXPECT_TRUE(p.root->is_null());
    EXPECT_FALSE(p.root->check_map({"a"}));
    EXPECT_THAT(p.only().message, HasSubstr("the file must be a map with the keys a, not nothing"));
  }
}

TEST(Yaml, MessagesOfAHopelessFileAreBounded) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "k" + std::to_string(i) + ": 1\n";
  Parsed p(text);
  EXPECT_FALSE(p.root->check_map({"pes"}));
  ASSERT_EQ(p.diagnostics.size(), 201u);
  EXPECT_EQ(p.diagnostics.back().code, "too-many-messages");
}

TEST(Yaml, HugeFilesAreRefusedQuickly) {
  std::string same, wide = "[";
  for (int i = 0; i < 150000; ++i) same += "a: 1\n";
  EXPECT_EQ(Parsed(same).diagnostics.size(), 201u);
  for (int i = 0; i < 250000; ++i) wide += i % 1000 == 999 ? "1,\n" : "1,";
  EXPECT_EQ(Parsed(wide + "]").only().code, "yaml-too-large");
  EXPECT_EQ(Parsed(std::string(100000, 'a')).only().code, "yaml-too-large");
  EXPECT_EQ(Parsed(std::string(9 << 20, '\n')).only().code, "yaml-too-large");
}

TEST(Yaml, KeysMustBeWords) {
  EXPECT_TRUE(has_errors(Parsed("? [a, b]\n: 1\n").diagnostics));
  EXPECT_TRUE(has_errors(Parsed("{[a]: 1}\n").diagnostics));
  EXPECT_TRUE(has_errors(Parsed(": 1\n").diagnostics));
}

}  // namespace
}  // namespace counterpoint::input
