// SPDX-License-Identifier: Apache-2.0
#include "sim/control/alike.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/nests.h"

namespace counterpoint::sim {
namespace {

using ::testing::ElementsAre;

std::vector<std::int64_t> leaders(const std::vector<Likeness>& all) {
  std::vector<std::int64_t> out;
  for (const Likeness& l : all) out.push_back(l.leader);
  return out;
}
std::vector<std::int64_t> shifts(const std::vector<Likeness>& all, Dim d) {
  std::vector<std::int64_t> out;
  for (const Likeness& l : all) out.push_back(l.shift[static_cast<std::size_t>(index(d))]);
  return out;
}

TEST(Alike, ChildrenThatAreIdleInTheLastFoldAreAnotherKind) {
  // 10 rows on 4 children: rows 0-3, 4-7, 8-9; children 2 and 3 are idle in the third fold.
  const auto m = mapping(gemm(10, 1, 1), {LevelPlan(4).spatial(Dim::M, 1, 1)});
  const auto all = compare_children(m.layer, m.nest, {});
  EXPECT_THAT(leaders(all), ElementsAre(0, 0, 2, 2));
  EXPECT_THAT(shifts(all, Dim::M), ElementsAre(0, 1, 0, 1));
}

TEST(Alike, AClippedTileIsAnotherKind) {
  // 10 rows in tiles of 3: 3, 3, 3, 1.
  const auto m = mapping(gemm(10, 1, 1), {LevelPlan(4).spatial(Dim::M, 3, 3)});
  const auto all = compare_children(m.layer, m.nest, {});
  EXPECT_THAT(leaders(all), ElementsAre(0, 0, 0, 3));
  EXPECT_THAT(shifts(all, Dim::M), ElementsAre(0, 3, 6, 0));
}

TEST(Alike, ChildrenThatNeverWorkAreAlike) {
  const auto m = mapping(gemm(2, 1, 1), {LevelPlan(4).spatial(Dim::M, 1, 1)});
  EXPECT_THAT(leaders(compare_children(m.layer, m.nest, {})), ElementsAre(0, 0, 2, 2));
}

TEST(Alike, ChildrenThatPartLaterAreComparedWithEachOther) {
  // The outer loop's first tile has 8 rows, all 4 children work twice; its second has 5: child 0
  // twice, the others once.
  const auto m = mapping(gemm(13, 1, 1),
                         {LevelPlan().temporal(Dim::M, 8, 8), LevelPlan(4).spatial(Dim::M, 1, 1)});
  const auto all = compare_children(m.layer, m.nest, {0});
  EXPECT_THAT(leaders(all), ElementsAre(0, 1, 1, 1));
  EXPECT_THAT(shifts(all, Dim::M), ElementsAre(0, 0, 1, 2));
}

TEST(Alike, AtTheEdgeOfAPaddedInputNoRowIsLikeAnother) {
  workloads::Layer padded = conv_row(4, 3);
  const auto plan = {LevelPlan(4).spatial(Dim::X, 1, 1)};
  EXPECT_THAT(leaders(compare_children(padded, mapping(padded, plan).nest, {})),
              ElementsAre(0, 0, 0, 0));
  padded.cols.offset = 1;  // implicit: one column in front, one behind
  padded.cols.extent = 4;
  EXPECT_THAT(leaders(compare_children(padded, mapping(padded, plan).nest, {})),
              ElementsAre(0, 1, 2, 3));
}

TEST(Alike, WordNumbersMoveWithTheTile) {
  // Outputs 2 apart, stride 3: inputs 6 apart; the kernel stays.
  const workloads::Layer l = conv_row(8, 5, 3);
  std::array<std::int64_t, workloads::kDims> shift{};
  shift[static_cast<std::size_t>(index(Dim::X))] = 2;
  EXPECT_EQ(word_shift(l, tensor_space(l, Tensor::Input), shift), 6);
  EXPECT_EQ(word_shift(l, tensor_space(l, Tensor::Weight), shift), 0);
  EXPECT_EQ(word_shift(l, tensor_space(l, Tensor::Output), shift), 2);
  // A row of 5 x 7 is 7 words long, one of 7 x 2 two, one of 5 x 2 two.
  const workloads::Layer g = gemm(5, 2, 7);
  shift = {};
  shift[static_cast<std::size_t>(index(Dim::M))] = 3;
  EXPECT_EQ(word_shift(g, tensor_space(g, Tensor::Input), shift), 21);
  EXPECT_EQ(word_shift(g, tensor_space(g, Tensor::Weight), shift), 0);
  EXPECT_EQ(word_shift(g, tensor_space(g, Tensor::Output), shift), 6);
}

}  // namespace
}  // namespace counterpoint::sim
