// SPDX-License-Identifier: Apache-2.0
#include "workloads/language.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "workloads/mapping.h"

namespace counterpoint::workloads {
namespace {

const char* const kFlow =
    "Dataflow { SpatialMap(1,1) K; TemporalMap(1,1) C; TemporalMap(1,1) R; TemporalMap(1,1) S; "
    "TemporalMap(1,1) Y; TemporalMap(1,1) X; }";

std::string layer(const std::string& body) {
  return "Network n {\n Layer A { " + body + " }\n}\n";
}
std::string conv(const std::string& dims, const std::string& flow = kFlow) {
  return layer("Type: CONV Dimensions { " + dims + " } " + flow);
}
const char* const kDims = "K: 4, C: 2, R: 1, S: 1, Y: 4, X: 4";

std::vector<std::string> codes(const std::vector<Diagnostic>& all, input::Severity severity) {
  std::vector<std::string> out;
  for (const Diagnostic& d : all)
    if (d.severity == severity) out.push_back(d.code);
  return out;
}

bool has_code(const std::vector<Diagnostic>& all, const std::string& code) {
  return std::any_of(all.begin(), all.end(), [&](const Diagnostic& d) { return d.code == code; });
}

struct Case {
  const char* name;
  std::string text;
  const char* code;  // of an error that must be among the messages; "" = must be accepted
};

void PrintTo(const Case& c, std::ostream* os) {
  *os << c.name;
}

class Language : public ::testing::TestWithParam<Case> {};

TEST_P(Language, AcceptsOrRefusesWithTheReason) {
  const NetworkResult r = parse_network(GetParam().text, "case.m");
  const std::string wanted = GetParam().code;
  if (wanted.empty()) {
    EXPECT_TRUE(r.network.has_value()) << input::format(r.diagnostics);
    return;
  }
  EXPECT_FALSE(r.network.has_value());
  EXPECT_TRUE(has_code(r.diagnostics, wanted)) << input::format(r.diagnostics);
  for (const Diagnostic& d : r.diagnostics) {
    EXPECT_FALSE(d.message.empty());
    if (d.severity == input::Severity::Error && wanted != "empty-network") {
      EXPECT_GT(d.pos.line, 0);
      EXPECT_GT(d.pos.column, 0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Language,
    ::testing::Values(
        Case{"base", conv(kDims), ""}, Case{"no_colon", conv("K 4 C 2 R 1 S 1 Y 4 X 4"), ""},
        Case{"arrow", conv("K->4, C: 2, R: 1, S: 1, Y: 4, X: 4"), ""},
        Case{"parentheses", conv("K(4), C(2), R(1), S(1), Y(4), X(4)"), ""},
        Case{"arithmetic",
             conv(kDims, "Dataflow { SpatialMap(8+Sz(S)-8,1) K; TemporalMap(2*(1+0),2) C; }"), ""},
        Case{"negative", conv("K: -4, C: 2, R: 1, S: 1, Y: 4, X: 4"), "not-positive"},
        Case{"letters_after_number", conv("K: 4abc, C: 2, R: 1, S: 1, Y: 4, X: 4"),
             "malformed-number"},
        Case{"decimal", conv("K: 4.9, C: 2, R: 1, S: 1, Y: 4, X: 4"), "malformed-number"},
        Case{"zero", conv("K: 0, C: 2, R: 1, S: 1, Y: 4, X: 4"), "not-positive"},
        Case{"map_size_zero", conv(kDims, "Dataflow { SpatialMap(0,1) K; }"), "not-positive"},
        Case{"unknown_dimension_in_directive", conv(kDims, "Dataflow { SpatialMap(1,1) Q; }"),
             "unknown-dimension"},
        Case{"unknown_dimension", conv("K: 4, C: 2, R: 1, S: 1, Y: 4, X: 4, Q: 8"),
             "unknown-dimension"},
        Case{"duplicate_dimension", conv("K: 4, C: 2, R: 1, S: 1, Y: 4, X: 4, K: 8"),
             "duplicate-dimension"},
        Case{"duplicate_directive",
             conv(kDims, "Dataflow { SpatialMap(1,1) K; TemporalMap(1,1) C; TemporalMap(2,2) C; }"),
             "duplicate-directive"},
        Case{
            "input_and_output_rows",
            conv(kDims, "Dataflow { SpatialMap(1,1) K; TemporalMap(1,1) Y; TemporalMap(1,1) Y'; }"),
            "duplicate-directive"},
        Case{"missing_kernel", conv("K: 4, C: 2, Y: 4, X: 4"), "missing-dimension"},
        Case{"missing_rows", conv("K: 4, C: 2, R: 1, S: 1"), "missing-dimension"},
        Case{"missing_filters", conv("C: 2, R: 1, S: 1, Y: 4, X: 4"), "missing-dimension"},
        Case{"kernel_larger_than_input", conv("K: 4, C: 2, R: 5, S: 5, Y: 3, X: 3"),
             "kernel-larger-than-input"},
        Case{"cluster_type",
             conv(kDims, "Dataflow { SpatialMap(1,1) K; Cluster(2,X); SpatialMap(1,1) C; }"),
             "cluster-type"},
        Case{"stride_on_filters",
             layer(std::string("Type: CONV Stride { K: 2 } Dimensions { ") + kDims + " } " + kFlow),
             "not-applicable"},
        Case{"stride_after_dimensions",
             layer(std::string("Type: CONV Dimensions { ") + kDims + " } Stride { X: 1 } " + kFlow),
             ""},
        Case{"constants_everywhere",
             "Constant ST 2; Constant KK 2*ST;" +
                 layer(std::string(
                           "Type: CONV Stride { X: ST } Dimensions { K: KK, C: 2, R: 1, S: 1, "
                           "Y: 4, X: 4 } ") +
                       kFlow),
             ""},
        Case{"unknown_constant", conv("K: KKK, C: 2, R: 1, S: 1, Y: 4, X: 4"), "unknown-constant"},
        Case{"dataflow_before_dimensions",
             layer("Type: CONV Dataflow { SpatialMap(1,1) K; TemporalMap(Sz(R),Sz(R)) R; } "
                   "Dimensions { K: 4, C: 2, R: 1, S: 1, Y: 4, X: 4 }"),
             ""},
        Case{"windows_line_ends",
             "Network n {\r\n Layer A {\r\nType: CONV Dimensions { " + std::string(kDims) +
                 " }\r\n" + kFlow + " }\r\n}\r\n",
             ""},
        Case{"byte_order_mark", "\xEF\xBB\xBF" + conv(kDims), ""},
        Case{"curly_prime",
             conv(kDims, "Dataflow { SpatialMap(1,1) K; TemporalMap(1,1) Y\xE2\x80\x99; }"), ""},
        Case{"glued_comment",
             layer(std::string("Type: CONV//comment\n Dimensions { ") + kDims + " } " + kFlow), ""},
        Case{"block_comment", "/* hello Network */\n" + conv(kDims), ""},
        Case{"misspelt_network", "Netwrok n { }", "unknown-word"},
        Case{"junk_at_top", "foo bar { baz }\n" + conv(kDims), "unexpected-text"},
        Case{"junk_at_end", conv(kDims) + "trailing }", "unexpected-text"},
        Case{"empty_network", "Network n { }", "empty-network"},
        Case{"unclosed", "Network n { Layer A { Type: CONV", "unclosed-brace"},
        Case{"lower_case_type",
             layer(std::string("Type: conv Dimensions { ") + kDims + " } " + kFlow),
             "unknown-type"},
        Case{"no_type", layer(std::string("Dimensions { ") + kDims + " } " + kFlow),
             "missing-type"},
        Case{"no_dataflow", layer(std::string("Type: CONV Dimensions { ") + kDims + " }"), ""},
        Case{"pool", layer(std::string("Type: POOL Dimensions { ") + kDims + " }"), ""},
        Case{"grouped_without_groups",
             layer(std::string("Type: NGCONV Dimensions { ") + kDims + " } " + kFlow),
             "missing-dimension"},
        Case{"size_only", conv(kDims, "Dataflow { SpatialMap(1) K; }"), "missing-offset"},
        Case{"three_arguments", conv(kDims, "Dataflow { SpatialMap(1,1,1) K; }"),
             "too-many-arguments"},
        Case{
            "rows_of_a_gemm",
            layer(
                "Type: GEMM Dimensions { M: 4, N: 4, K: 4, Y: 2 } Dataflow { SpatialMap(1,1) M; }"),
            "unknown-dimension"},
        Case{"merge", conv(kDims, "Dataflow { tMap (1,1) K Merge C }"), "merge-not-supported"},
        Case{
            "spelling_of_2018",
            conv(
                kDims,
                "Dataflow {\n tMap (1,1) K\n tMap (1,1) C\n sMap (1,1) X\n Unroll R\n Unroll S\n}"),
            ""},
        Case{"spelling_of_2019",
             conv(kDims,
                  "Dataflow { Temporal_Map (1,1) C; Spatial_Map (1,1) K; unroll R; unroll S; }"),
             ""},
        Case{"huge_number", conv("K: 99999999999999999999, C: 2, R: 1, S: 1, Y: 4, X: 4"),
             "number-too-large"},
        Case{"spatial_before_global_buffer",
             conv(kDims, "Dataflow { SpatialMap(1,1) K; GlobalBuffer; SpatialMap(1,1) K; }"),
             "spatial-offchip"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(Language, ReportsAllMistakesOfAFileAtOnceWithPositionsAndHints) {
  const NetworkResult r = parse_network(
      "Network n {\n Layer A {\n  Type: CONV\n  Dimensions { K: 4abc, C: 2, R: 1, S: 1, Y: 4, X: 4 "
      "}\n"
      "  Dataflow { SpatialMpa(1,1) K; TemporalMap(1,1) Q; }\n }\n}\n",
      "two.m");
  ASSERT_FALSE(r.network);
  EXPECT_THAT(codes(r.diagnostics, input::Severity::Error),
              ::testing::IsSupersetOf({"malformed-number", "unknown-word", "unknown-dimension"}));
  const std::string text = input::format(r.diagnostics);
  EXPECT_THAT(text, ::testing::HasSubstr("two.m:4:19: error"));
  EXPECT_THAT(text, ::testing::HasSubstr("SpatialMap"));  // did you mean
  EXPECT_THAT(text, ::testing::HasSubstr("^~~~"));
}

TEST(Language, KeepsNamesWithDashesDotsAndParentheses) {
  const NetworkResult r = parse_network(
      "Network a.b-c { Layer Conv2d-1 (x) { Type: CONV Dimensions { K: 1, C: 1, R: 1, S: 1, Y: 1, "
      "X: 1 } } }",
      "x.m");
  ASSERT_TRUE(r.network) << input::format(r.diagnostics);
  EXPECT_EQ(r.network->name, "a.b-c");
  EXPECT_THAT(r.network->layers.at(0).layer.name, ::testing::HasSubstr("Conv2d-1"));
}

TEST(Language, CountsTheWorkOfATransposedConvolution) {
  // Every input (4 x 4) meets the whole 3 x 3 kernel: 16 * 9 * K 4 * C 2 = 1152.
  const NetworkResult r =
      parse_network(layer("Type: TRCONV Dimensions { K: 4, C: 2, R: 3, S: 3, Y: 4, X: 4 }"), "x.m");
  ASSERT_TRUE(r.network) << input::format(r.diagnostics);
  EXPECT_EQ(macs(r.network->layers[0].layer), 1152);
}

TEST(Language, DerivesOutputsWithStrideWhereverItIsStated) {
  // 9 rows, kernel 3, stride 2: (9 - 3) / 2 + 1 = 4 outputs; back: (4 - 1) * 2 + 3 = 9 rows.
  for (const char* text :
       {"Type: CONV Stride { Y: 2, X: 2 } Dimensions { K: 4, C: 2, R: 3, S: 3, Y: 9, X: 9 }",
        "Type: CONV Dimensions { K: 4, C: 2, R: 3, S: 3, Y': 4, X': 4 } Stride { Y': 2, X': 2 }"}) {
    const NetworkResult r = parse_network(layer(text), "x.m");
    ASSERT_TRUE(r.network) << input::format(r.diagnostics);
    const Layer& l = r.network->layers[0].layer;
    EXPECT_EQ(l[Dim::Y], 4);
    EXPECT_EQ(l.rows.extent, 9);
    EXPECT_EQ(macs(l), 4 * 2 * 9 * 16);
  }
}

TEST(Language, PrintsWhatItReads) {
  const NetworkResult first = parse_network(
      "Network n { Layer A { Type: CONV Stride { Y: 2, X: 1 } Padding { Y: 1, X: 1 } Dimensions { "
      "K: "
      "4, C: 2, R: 3, S: 3, Y: 9, X: 9 } Dataflow { TemporalMap(2,2) K; GlobalBuffer; "
      "SpatialMap(1,1) "
      "Y'; Cluster(Sz(R),P); SpatialMap(1,1) Y; SpatialMap(1,1) R; } } }",
      "x.m");
  ASSERT_TRUE(first.network) << input::format(first.diagnostics);
  const std::string printed = print(*first.network);
  const NetworkResult second = parse_network(printed, "y.m");
  ASSERT_TRUE(second.network) << input::format(second.diagnostics) << printed;
  EXPECT_EQ(print(*second.network), printed);
  EXPECT_EQ(macs(second.network->layers[0].layer), macs(first.network->layers[0].layer));
}

// The original's own files: read, or refused for the reason that is known of them.
TEST(Language, ReadsTheFilesOfTheOriginal) {
  const std::filesystem::path folder =
      COUNTERPOINT_SOURCE_DIR "/../shared/reference/maestro/mapping";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "the reference files are not here";
  // These map a dimension twice in a level (the original divides by zero on them).
  const std::vector<std::string> refused = {"Resnet50_rs.m", "ResNeXt50_rs.m"};
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    ++files;
    if (name.rfind("template_", 0) == 0) {
      const DataflowResult r = read_dataflow(entry.path().string());
      EXPECT_TRUE(r.dataflow) << input::format(r.diagnostics);
      continue;
    }
    const NetworkResult r = read_network(entry.path().string());
    if (std::find(refused.begin(), refused.end(), name) != refused.end()) {
      EXPECT_FALSE(r.network) << name;
      EXPECT_TRUE(has_code(r.diagnostics, "duplicate-directive")) << name;
    } else {
      EXPECT_TRUE(r.network) << name << "\n" << input::format(r.diagnostics);
    }
  }
  EXPECT_GT(files, 30);
}

}  // namespace
}  // namespace counterpoint::workloads
