// SPDX-License-Identifier: Apache-2.0
#include "workloads/layer_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace counterpoint::workloads {
namespace {

using Int = std::int64_t;

struct Made {
  std::optional<Layer> layer;
  std::vector<SpecMessage> messages;

  std::vector<std::string> codes(input::Severity severity) const {
    std::vector<std::string> out;
    for (const SpecMessage& m : messages)
      if (m.severity == severity) out.push_back(m.code + "@" + m.field);
    return out;
  }
  std::vector<std::string> errors() const { return codes(input::Severity::Error); }
  std::vector<std::string> warnings() const { return codes(input::Severity::Warning); }
};

Made make(const LayerSpec& spec) {
  Made m;
  m.layer = make_layer(spec, m.messages);
  // One without the other would leave a caller with neither a layer nor a reason.
  EXPECT_EQ(m.layer.has_value(), m.errors().empty());
  return m;
}

LayerSpec conv(Int k, Int c, Int r, Int y) {
  LayerSpec s;
  s.k = k;
  s.c = c;
  s.r = s.s = r;
  s.y = s.x = y;
  return s;
}

/// A spec that is a 1 x kernel convolution, so that only the columns matter.
LayerSpec columns(const std::string& type, Int kernel) {
  LayerSpec s;
  s.type = type;
  s.k = s.c = s.r = s.y = 1;
  s.s = kernel;
  return s;
}

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST(Convolution, OutputsFollowFromInputs) {
  const Made m = make(conv(64, 3, 3, 224));
  ASSERT_TRUE(m.layer);
  EXPECT_EQ((*m.layer)[Dim::Y], 222);  // 224 - 3 + 1
  EXPECT_EQ((*m.layer)[Dim::X], 222);
  EXPECT_EQ((*m.layer)[Dim::N], 1);
  EXPECT_EQ((*m.layer)[Dim::G], 1);
  EXPECT_EQ(macs(*m.layer), Int{64} * 3 * 3 * 3 * 222 * 222);
  EXPECT_EQ(m.layer->rows.extent, 224);
  EXPECT_TRUE(m.messages.empty());
}

TEST(Convolution, StrideRoundsDown) {
  LayerSpec s = conv(96, 3, 11, 227);
  s.stride_y = s.stride_x = 4;
  EXPECT_EQ((*make(s).layer)[Dim::Y], 55);  // (227 - 11) / 4 + 1
  s.y = 228;                                // one row more than any window reaches
  const Made m = make(s);
  EXPECT_EQ((*m.layer)[Dim::Y], 55);
  EXPECT_EQ(m.layer->rows.extent, 228);
  EXPECT_EQ(m.layer->rows.stride, 4);
}

TEST(Convolution, PaddingIsNotStored) {
  LayerSpec s = conv(64, 3, 7, 224);
  s.stride_y = s.stride_x = 2;
  s.pad_top = s.pad_bottom = s.pad_left = s.pad_right = 3;
  const Made m = make(s);
  ASSERT_TRUE(m.layer);
  EXPECT_EQ((*m.layer)[Dim::Y], 112);  // (224 + 6 - 7) / 2 + 1
  EXPECT_EQ(m.layer->rows.offset, 3);
  EXPECT_EQ(m.layer->rows.extent, 224);
}

TEST(Convolution, SidesMayBePaddedDifferently) {
  LayerSpec s = conv(1, 1, 3, 8);
  s.pad_bottom = 1;
  s.pad_left = 2;
  const Made m = make(s);
  ASSERT_TRUE(m.layer);
  EXPECT_EQ((*m.layer)[Dim::Y], 7);  // 8 + 1 - 3 + 1
  EXPECT_EQ((*m.layer)[Dim::X], 8);  // 8 + 2 - 3 + 1
  EXPECT_EQ(m.layer->rows.offset, 0);
  EXPECT_EQ(m.layer->cols.offset, 2);
}

TEST(Convolution, DilationSpreadsTheKernel) {
  LayerSpec s = conv(1, 1, 3, 10);
  s.dilation_y = 2;
  const Made m = make(s);
  EXPECT_EQ((*m.layer)[Dim::Y], 6);  // span 2*(3-1)+1 = 5; 10 - 5 + 1
  EXPECT_EQ((*m.layer)[Dim::X], 8);
  EXPECT_EQ(m.layer->rows.dilation, 2);
}

TEST(Convolution, InputsFollowFromOutputs) {
  LayerSpec s = conv(4, 2, 3, 1);
  s.y = s.x = std::nullopt;
  s.y_out = s.x_out = 4;
  s.stride_y = s.stride_x = 2;
  const Made m = make(s);
  ASSERT_TRUE(m.layer);
  EXPECT_EQ(m.layer->rows.extent, 9);  // 2*(4-1) + 3
  EXPECT_EQ(macs(*m.layer), 4 * 2 * 9 * 16);
  s.pad_top = 1;
  EXPECT_EQ(make(s).layer->rows.extent, 8);
}

TEST(Convolution, BothExtentsMustAgree) {
  LayerSpec s = conv(1, 1, 3, 9);
  s.stride_y = s.stride_x = 2;
  s.y_out = 4;
  EXPECT_TRUE(make(s).layer);
  s.y = 10;  // (10 - 3) / 2 + 1 is still 4: the last row is unused
  EXPECT_TRUE(make(s).layer);
  s.y = 11;
  EXPECT_THAT(make(s).errors(), ElementsAre("inconsistent-extents@Y'"));
  s.y = 8;
  EXPECT_THAT(make(s).errors(), ElementsAre("inconsistent-extents@Y'"));
}

TEST(Convolution, KernelMustFit) {
  EXPECT_THAT(make(conv(1, 1, 5, 3)).errors(),
              ElementsAre("kernel-larger-than-input@R", "kernel-larger-than-input@S"));
  LayerSpec s = conv(1, 1, 5, 3);
  s.pad_top = s.pad_bottom = s.pad_left = s.pad_right = 1;
  EXPECT_TRUE(make(s).layer);  // 3 + 2 = 5
  s.dilation_x = 2;            // spans 9
  EXPECT_THAT(make(s).errors(), ElementsAre("kernel-larger-than-input@S"));
}

TEST(Convolution, EveryMissingDimensionIsNamed) {
  LayerSpec s;
  EXPECT_THAT(make(s).errors(),
              ElementsAre("missing-dimension@C", "missing-dimension@K", "missing-dimension@R",
                          "missing-dimension@S", "missing-dimension@Y", "missing-dimension@X"));
}

TEST(Convolution, GemmDimensionsAreRefused) {
  LayerSpec s = conv(1, 1, 1, 1);
  s.m = 4;
  s.b = 2;
  EXPECT_THAT(make(s).errors(), ElementsAre("unknown-dimension@B", "unknown-dimension@M"));
}

TEST(Convolution, NumbersMustBePositive) {
  LayerSpec s = conv(0, -3, 1, 1);
  s.stride_y = 0;
  s.pad_left = -1;
  EXPECT_THAT(make(s).errors(),
              UnorderedElementsAre("out-of-range@K", "out-of-range@C", "out-of-range@stride Y",
                                   "out-of-range@padding left"));
}

TEST(Convolution, OutputsThatSeeOnlyPaddingAreNamed) {
  LayerSpec s = columns("CONV", 1);
  s.x = 4;
  s.pad_left = s.pad_right = 1;
  const Made m = make(s);
  ASSERT_TRUE(m.layer);
  EXPECT_EQ((*m.layer)[Dim::X], 6);
  EXPECT_EQ(macs(*m.layer), 4);
  EXPECT_THAT(m.warnings(), ElementsAre("outputs-without-work@X'"));
}

TEST(Convolution, ALayerWithoutWorkIsRefused) {
  // Taps at -1 and +1 around a single stored column.
  LayerSpec s = columns("CONV", 2);
  s.x = 1;
  s.dilation_x = 2;
  s.pad_left = s.pad_right = 1;
  EXPECT_THAT(make(s).errors(), ElementsAre("no-work@"));
}

TEST(Convolution, HugeLayersAreRefusedInsteadOfOverflowing) {
  const Int big = (Int{1} << 40) - 1;
  EXPECT_THAT(make(conv(big, big, 1, 1)).errors(), ElementsAre("too-large@"));
  EXPECT_THAT(make(conv(Int{1} << 40, 1, 1, 1)).errors(), ElementsAre("out-of-range@K"));
  EXPECT_FALSE(make(conv(1, 1, 1, big)).layer);
  LayerSpec s = columns("CONV", 2);
  s.x_out = big;
  s.stride_x = big;
  EXPECT_FALSE(make(s).layer);
  s = columns("CONV", Int{1} << 21);
  s.x = Int{1} << 22;
  EXPECT_THAT(make(s).errors(), ElementsAre("out-of-range@S"));
  for (Int v : {INT64_MAX, INT64_MIN}) {
    LayerSpec all;
    for (std::string_view d : kSpecDimensions) *all.dimension(d) = v;
    for (LayerSpec::Value* f : {&all.stride_y, &all.stride_x, &all.dilation_y, &all.dilation_x,
                                &all.pad_top, &all.pad_bottom, &all.pad_left, &all.pad_right})
      *f = v;
    for (const char* type : {"CONV", "DSCONV", "NGCONV", "TRCONV", "FC", "GEMM", "BGEMM"}) {
      all.type = type;
      EXPECT_FALSE(make(all).layer) << type;
    }
  }
}

TEST(Depthwise, AStatedKIsDroppedByName) {
  LayerSpec s = conv(4, 2, 1, 4);
  s.type = "DSCONV";
  const Made m = make(s);
  ASSERT_TRUE(m.layer);
  EXPECT_EQ(macs(*m.layer), 32);  // 2 channels of 4 x 4; K is no loop
  EXPECT_THAT(m.warnings(), ElementsAre("depthwise-k@K"));
  s.k = 1;
  EXPECT_TRUE(make(s).messages.empty());
  s.k = std::nullopt;
  EXPECT_TRUE(make(s).messages.empty());
  s.g = 2;
  EXPECT_THAT(make(s).errors(), ElementsAre("unknown-dimension@G"));
}

TEST(Grouped, ChannelsArePerGroup) {
  LayerSpec s = conv(4, 2, 1, 4);
  s.type = "NGCONV";
  EXPECT_THAT(make(s).errors(), ElementsAre("missing-dimension@G"));
  s.g = 2;
  EXPECT_EQ(macs(*make(s).layer), 2 * 4 * 2 * 16);
  s.type = "CONV";
  EXPECT_EQ(macs(*make(s).layer), 2 * 4 * 2 * 16);
}

TEST(Transposed, EveryInputMeetsTheWholeKernelByDefault) {
  LayerSpec s = conv(4, 2, 3, 4);
  s.type = "TRCONV";
  const Made m = make(s);
  ASSERT_TRUE(m.layer);
  EXPECT_EQ((*m.layer)[Dim::Y], 6);                      // (4-1)*1 + 3
  EXPECT_EQ(macs(*m.layer), 4 * 2 * (4 * 3) * (4 * 3));  // 1152
  EXPECT_EQ(m.layer->rows.offset, 2);
}

TEST(Transposed, StrideUpsamplesAndPaddingCrops) {
  LayerSpec s = columns("TRCONV", 3);
  s.x = 4;
  s.stride_x = 2;
  s.pad_left = s.pad_right = 1;
  const Made m = make(s);
  ASSERT_TRUE(m.layer);
  EXPECT_EQ((*m.layer)[Dim::X], 7);  // (4-1)*2 + 3 - 2
  EXPECT_EQ(m.layer->cols.stride, 1);
  EXPECT_EQ(m.layer->cols.upsample, 2);
  EXPECT_EQ(m.layer->cols.offset, 1);  // 3 - 1 - 1
  // Grid columns 1, 3, 5, 7 hold inputs. Column u meets outputs u - k for k = 0, 1, 2 that lie in
  // [0, 7): 2 + 3 + 3 + 2.
  EXPECT_EQ(macs(*m.layer), 10);
}

TEST(Transposed, OutputPaddingIsStatedOrFollows) {
  LayerSpec s = columns("TRCONV", 3);
  s.x = 4;
  s.stride_x = 2;
  s.pad_left = s.pad_right = 1;
  s.output_padding_x = 1;
  EXPECT_EQ((*make(s).layer)[Dim::X], 8);
  s.output_padding_x = std::nullopt;
  s.x_out = 8;
  EXPECT_EQ((*make(s).layer)[Dim::X], 8);
  s.x_out = 9;  // an output padding of 2 would be a stride
  EXPECT_THAT(make(s).errors(), ElementsAre("inconsistent-extents@X'"));
  s.x_out = 6;
  EXPECT_THAT(make(s).errors(), ElementsAre("inconsistent-extents@X'"));
  s.x_out = std::nullopt;
  s.output_padding_x = 2;
  EXPECT_THAT(make(s).errors(), ElementsAre("out-of-range@output padding X"));
  LayerSpec plain = conv(1, 1, 1, 4);
  plain.output_padding_y = 1;
  EXPECT_THAT(make(plain).errors(), ElementsAre("not-applicable@output padding Y"));
}

TEST(Transposed, InputsFollowFromOutputsIfTheyFit) {
  LayerSpec s = columns("TRCONV", 2);
  s.stride_x = 2;
  s.x_out = 8;
  EXPECT_EQ(make(s).layer->cols.extent, 4);  // (8 - 2) / 2 + 1
  s.x_out = 7;
  EXPECT_THAT(make(s).errors(), ElementsAre("inconsistent-extents@X'"));
}

TEST(Transposed, OutputsBetweenTheInputsAreNamed) {
  LayerSpec s = columns("TRCONV", 1);
  s.x = 3;
  s.stride_x = 2;
  const Made m = make(s);
  EXPECT_EQ((*m.layer)[Dim::X], 5);
  EXPECT_EQ(macs(*m.layer), 3);
  EXPECT_THAT(m.warnings(), ElementsAre("outputs-without-work@X'"));
}

TEST(Gemm, TakesItsOwnDimensions) {
  LayerSpec s;
  s.type = "GEMM";
  s.m = 2;
  s.n = 3;
  s.k = 5;
  const Made m = make(s);
  ASSERT_TRUE(m.layer);
  EXPECT_EQ(m.layer->op, Operator::Gemm);
  EXPECT_EQ(macs(*m.layer), 30);
  EXPECT_FALSE(m.layer->weight_has_batch);
  EXPECT_EQ(stored_words(*m.layer, Tensor::Weight), 15);
  s.b = 7;
  EXPECT_EQ(stored_words(*make(s).layer, Tensor::Weight), 15);
  s.type = "BGEMM";  // every batch has weights of its own
  EXPECT_EQ(stored_words(*make(s).layer, Tensor::Weight), 105);
  s.b = std::nullopt;
  EXPECT_THAT(make(s).errors(), ElementsAre("missing-dimension@B"));
}

TEST(Gemm, HasNoWindow) {
  LayerSpec s;
  s.type = "GEMM";
  s.m = s.n = s.k = 4;
  s.r = 3;
  EXPECT_THAT(make(s).errors(), ElementsAre("unknown-dimension@R"));
  s.r = std::nullopt;
  s.stride_y = 2;
  EXPECT_THAT(make(s).errors(), ElementsAre("not-applicable@stride Y"));
  s.stride_y = 1;
  EXPECT_THAT(make(s).warnings(), ElementsAre("without-effect@stride Y"));
}

TEST(FullyConnected, IsAGemmOrAConvolutionByItsDimensions) {
  LayerSpec s;
  s.type = "FC";
  s.n = 1000;
  s.k = 2048;
  ASSERT_TRUE(make(s).layer);
  EXPECT_EQ(make(s).layer->op, Operator::Gemm);
  EXPECT_EQ(macs(*make(s).layer), 2048000);
  s.m = 8;
  EXPECT_EQ(macs(*make(s).layer), 8 * 2048000);
  s = conv(4, 2, 1, 4);
  s.type = "FC";
  EXPECT_EQ(make(s).layer->op, Operator::Conv);
  EXPECT_EQ(macs(*make(s).layer), 4 * 2 * 16);
  s = LayerSpec{};
  s.type = "FC";
  s.k = 4;
  s.c = 6;  // nothing but channels: one pixel
  EXPECT_EQ(macs(*make(s).layer), 24);
}

TEST(Types, AreModelledNotModelledOrUnknown) {
  for (const char* t : {"CONV", "DSCONV", "NGCONV", "TRCONV", "FC", "GEMM", "BGEMM"})
    EXPECT_EQ(type_kind(t), TypeKind::Modelled) << t;
  for (const char* t : {"POOL", "LSTM", "ADD", "RESIDUAL", "RESIDUAL_IDENTITY"}) {
    EXPECT_EQ(type_kind(t), TypeKind::NotModelled) << t;
    EXPECT_EQ(not_modelled_reason(t).rfind(std::string(t) + " is not modelled", 0), 0u);
    LayerSpec s;
    s.type = t;
    EXPECT_THAT(make(s).errors(), ElementsAre("not-modelled@type"));
  }
  EXPECT_EQ(type_kind("conv"), TypeKind::Unknown);
  EXPECT_EQ(not_modelled_reason("CONV"), "");
  EXPECT_THAT(unknown_type_message("conv"), testing::HasSubstr("did you mean 'CONV'?"));
  LayerSpec s;
  s.type = "CNOV";
  EXPECT_THAT(make(s).errors(), ElementsAre("unknown-type@type"));
}

TEST(Overload, SplitsErrorsAndWarnings) {
  LayerSpec s = conv(4, 2, 1, 4);
  s.type = "DSCONV";
  std::vector<std::string> errors, warnings;
  EXPECT_TRUE(make_layer(s, errors, warnings));
  EXPECT_THAT(errors, IsEmpty());
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], testing::HasSubstr("[depthwise-k]"));
}

TEST(Dimension, KnowsEveryWordAndNoOther) {
  LayerSpec s;
  for (std::string_view w : kSpecDimensions) ASSERT_NE(s.dimension(w), nullptr) << w;
  s.y = 7;
  s.y_out = 5;
  EXPECT_EQ(*s.dimension("Y"), 7);
  EXPECT_EQ(*s.dimension("Y'"), 5);
  EXPECT_EQ(s.dimension("Q"), nullptr);
  EXPECT_EQ(s.dimension("k"), nullptr);
  EXPECT_EQ(s.dimension(""), nullptr);
}

}  // namespace
}  // namespace counterpoint::workloads
