// SPDX-License-Identifier: Apache-2.0
// A layer as a file states it, and its checked form. Both network readers (mapping files and
// YAML) fill a LayerSpec; make_layer derives what was left out and refuses what cannot exist.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "input/diagnostics.h"
#include "workloads/layer.h"

namespace counterpoint::workloads {

/// What a type name stands for.
enum class TypeKind : std::uint8_t {
  Modelled,     ///< CONV, DSCONV, NGCONV, TRCONV, FC, GEMM, BGEMM
  NotModelled,  ///< a known operator without a MAC loop nest here: POOL, ADD, LSTM, ...
  Unknown
};
/// Type names are case-sensitive.
TypeKind type_kind(std::string_view type);
/// Why a NotModelled type is not modelled, in one sentence; "" for other types.
std::string not_modelled_reason(std::string_view type);
/// For an unknown type: "unknown layer type 'conv'; did you mean 'CONV'? Known types are ...".
std::string unknown_type_message(const std::string& type);

/// Numbers as stated; std::nullopt where the file says nothing. Everything in elements.
struct LayerSpec {
  using Value = std::optional<std::int64_t>;

  std::string name;
  std::string type = "CONV";

  Value n;             ///< batch (convolutions); columns of the weight matrix (GEMM)
  Value g;             ///< groups; K and C are channels per group
  Value k, c, r, s;    ///< GEMM: k is the reduction
  Value y, x;          ///< stored *input* rows and columns (TRCONV: before upsampling)
  Value y_out, x_out;  ///< output rows and columns (Y', X')
  Value b, m;          ///< GEMM: batch, rows of the input matrix

  Value stride_y, stride_x;      ///< TRCONV: the upsampling factor. Default 1
  Value dilation_y, dilation_x;  ///< default 1
  /// Implicit padding (not part of y and x). TRCONV: how much of the output is cropped.
  Value pad_top, pad_bottom, pad_left, pad_right;  ///< default 0
  Value output_padding_y, output_padding_x;        ///< TRCONV only: extra output rows, columns

  /// The field of a dimension as the language spells it: "K", "Y" (input rows), "Y'" (output
  /// rows), ... nullptr for other words.
  Value* dimension(std::string_view word);
  const Value* dimension(std::string_view word) const;
};

/// The words that LayerSpec::dimension knows.
inline constexpr std::array<std::string_view, 12> kSpecDimensions = {
    "N", "G", "K", "C", "R", "S", "Y", "X", "Y'", "X'", "B", "M"};

/// One finding about a spec. `field` says which statement it is about: "type", a dimension word
/// ("K", "Y'"), "stride Y", "stride X", "dilation Y", "dilation X", "padding top|bottom|left|
/// right", "output padding Y|X"; "" for the layer as a whole.
struct SpecMessage {
  input::Severity severity = input::Severity::Error;
  std::string field;
  std::string code;  ///< as in input::Diagnostic
  std::string message;
};

/// The layer that the spec describes, or std::nullopt and at least one error in `messages`.
/// Derives output from input extents and the reverse, and the windows (docs/machine.md
/// section 1). Never throws. For a NotModelled type the result is std::nullopt and an error:
/// callers ask type_kind first.
std::optional<Layer> make_layer(const LayerSpec& spec, std::vector<SpecMessage>& messages);

/// The same with the texts only ("K: message [code]").
std::optional<Layer> make_layer(const LayerSpec& spec, std::vector<std::string>& errors,
                                std::vector<std::string>& warnings);

}  // namespace counterpoint::workloads
