// SPDX-License-Identifier: Apache-2.0
#include "workloads/layer_spec.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

namespace counterpoint::workloads {
namespace {

using input::Severity;
using Value = LayerSpec::Value;
using Int = std::int64_t;

// Every single number stays below kLargest and every product below kLargestProduct, so that
// sums of a few products cannot leave int64 anywhere in the models.
constexpr Int kLargest = Int{1} << 40;
constexpr Int kLargestProduct = Int{1} << 62;
// The work of a padded or upsampled window is counted kernel row by kernel row.
constexpr Int kLargestKernel = Int{1} << 20;

struct TypeEntry {
  std::string_view type;
  std::string_view reason;  // empty: modelled
};

constexpr std::string_view kNoMacs = "it has no multiply-accumulates";
constexpr std::string_view kRecurrent =
    "it is several matrix products and a recurrence; state its products as GEMM layers";

constexpr TypeEntry kTypes[] = {
    {"CONV", ""},
    {"DSCONV", ""},
    {"NGCONV", ""},
    {"TRCONV", ""},
    {"FC", ""},
    {"GEMM", ""},
    {"BGEMM", ""},
    {"POOL", kNoMacs},
    {"MAXPOOL", kNoMacs},
    {"AVGPOOL", kNoMacs},
    {"ADD", kNoMacs},
    {"MUL", kNoMacs},
    {"ELTWISE", kNoMacs},
    {"RESIDUAL", kNoMacs},
    {"RESIDUAL_IDENTITY", kNoMacs},
    {"CONCAT", kNoMacs},
    {"SPLIT", kNoMacs},
    {"RESHAPE", kNoMacs},
    {"FLATTEN", kNoMacs},
    {"TRANSPOSE", kNoMacs},
    {"SHUFFLE", kNoMacs},
    {"UPSAMPLE", kNoMacs},
    {"PAD", kNoMacs},
    {"RELU", kNoMacs},
    {"GELU", kNoMacs},
    {"SIGMOID", kNoMacs},
    {"TANH", kNoMacs},
    {"SOFTMAX", kNoMacs},
    {"BATCHNORM", kNoMacs},
    {"LAYERNORM", kNoMacs},
    {"LRN", kNoMacs},
    {"DROPOUT", kNoMacs},
    {"EMBEDDING", kNoMacs},
    {"LSTM", kRecurrent},
    {"GRU", kRecurrent},
    {"RNN", kRecurrent},
    {"ATTENTION", "it is several operators; state its products as GEMM or BGEMM layers"},
};

const TypeEntry* find_type(std::string_view type) {
  for (const TypeEntry& e : kTypes)
    if (e.type == type) return &e;
  return nullptr;
}

std::string str(Int v) {
  return std::to_string(v);
}

/// a * b, or nothing if it does not stay below kLargestProduct. Both non-negative.
Value product(Value a, Int b) {
  Int out = 0;
  if (!a || __builtin_mul_overflow(*a, b, &out) || out >= kLargestProduct) return std::nullopt;
  return out;
}

struct Builder {
  const LayerSpec& spec;
  std::vector<SpecMessage>& messages;
  bool failed = false;

  void error(std::string field, std::string code, std::string message) {
    messages.push_back({Severity::Error, std::move(field), std::move(code), std::move(message)});
    failed = true;
  }
  void warn(std::string field, std::string code, std::string message) {
    messages.push_back({Severity::Warning, std::move(field), std::move(code), std::move(message)});
  }

  /// A stated number in [lowest, kLargest), or `otherwise`; an error makes it `otherwise`.
  Int value(const Value& v, const std::string& field, Int lowest, Int otherwise) {
    if (!v) return otherwise;
    if (*v < lowest || *v >= kLargest) {
      error(field, "out-of-range",
            field + " is " + str(*v) + "; it must be at least " + str(lowest) + " and below 2^40");
      return otherwise;
    }
    return *v;
  }

  Int required(std::string_view word, const std::string& why = "") {
    const std::string field(word);
    const Value& v = *spec.dimension(word);
    if (!v) {
      error(field, "missing-dimension",
            "dimension " + field + " is missing: " + spec.type + " needs it" + why);
      return 1;
    }
    return value(v, field, 1, 1);
  }
  Int optional(std::string_view word) {
    return value(*spec.dimension(word), std::string(word), 1, 1);
  }

  /// Dimensions that the operator does not have.
  void refuse(std::initializer_list<std::string_view> words, const std::string& has) {
    for (std::string_view w : words)
      if (*spec.dimension(w))
        error(std::string(w), "unknown-dimension",
              spec.type + " has no dimension " + std::string(w) + "; it has " + has);
  }
  /// A setting that the operator does not have; harmless if it states the default.
  void refuse_setting(const Value& v, const std::string& field, Int standard) {
    if (!v) return;
    if (*v == standard)
      warn(field, "without-effect", field + " has no effect: " + spec.type + " has no window");
    else
      error(field, "not-applicable", spec.type + " has no window, so no " + field);
  }
  void refuse_window_settings() {
    const std::pair<const Value*, const char*> settings[] = {
        {&spec.stride_y, "stride Y"},
        {&spec.stride_x, "stride X"},
        {&spec.dilation_y, "dilation Y"},
        {&spec.dilation_x, "dilation X"},
        {&spec.pad_top, "padding top"},
        {&spec.pad_bottom, "padding bottom"},
        {&spec.pad_left, "padding left"},
        {&spec.pad_right, "padding right"},
        {&spec.output_padding_y, "output padding Y"},
        {&spec.output_padding_x, "output padding X"}};
    for (const auto& [v, field] : settings)
      refuse_setting(*v, field, std::string_view(field).find("padding") == std::string_view::npos);
  }

  struct Axis {
    const char* in;   // "Y"
    const char* out;  // "Y'"
    const char* kernel;
    const Value *in_value, *out_value, *stride, *dilation, *before, *after, *output_padding;
    const char *before_field, *after_field;
  };

  /// Fills the window and returns the number of outputs along one axis.
  Int axis(const Axis& a, Int kernel, bool transposed, Window& w);
  void count_outputs_without_work(const Axis& a, const Window& w, Int outs, Int kernel);
  std::optional<Layer> gemm(bool weight_has_batch, bool rows_optional);
  std::optional<Layer> convolution(Operator op, bool bare_fc);
  std::optional<Layer> finish(Layer layer);
};

Int Builder::axis(const Axis& a, Int kernel, bool transposed, Window& w) {
  const std::string letter = a.in;
  const bool before_bad = failed;
  failed = false;
  const Int stride = value(*a.stride, "stride " + letter, 1, 1);
  const Int dilation = value(*a.dilation, "dilation " + letter, 1, 1);
  const Int before = value(*a.before, a.before_field, 0, 0);
  const Int after = value(*a.after, a.after_field, 0, 0);
  const Int in = value(*a.in_value, a.in, 1, 0);
  const Int out = value(*a.out_value, a.out, 1, 0);
  Value extra = *a.output_padding;
  if (extra && !transposed)
    error("output padding " + letter, "not-applicable",
          "output padding belongs to TRCONV, not to " + spec.type);
  if (extra) extra = value(extra, "output padding " + letter, 0, 0);
  if (kernel > kLargestKernel)
    error(a.kernel, "out-of-range",
          std::string(a.kernel) + " is " + str(kernel) + "; it must be at most 2^20");
  if (!*a.in_value && !*a.out_value)
    error(a.in, "missing-dimension",
          "dimension " + letter + " is missing: " + spec.type + " needs the input (" + letter +
              ") or the output (" + a.out + ") extent");
  if (failed) return 1;
  failed = before_bad;

  // All numbers are below 2^40 (kernel: 2^20), so only products with 2^40 on both sides matter.
  const Value reach = product(Value(dilation), kernel - 1);  // rows from first to last tap
  const Value steps = product(Value(stride), std::max(in, out));
  if (!reach || !steps) {
    error(a.in, "too-large",
          "stride, dilation and extents along " + letter + " lead to numbers beyond 2^62");
    return 1;
  }
  const Int span = *reach + 1;
  const Int pad = before + after;
  w.dilation = dilation;

  if (!transposed) {
    w.stride = stride;
    w.offset = before;
    const std::string how = "(" + letter + " + padding " + str(pad) + " - " + str(span) +
                            ") / stride " + str(stride) + " + 1";
    Int rows = in;
    if (!*a.in_value) {
      rows = stride * (out - 1) + span - pad;
      if (rows < 1) {
        error(a.out, "padding-too-large",
              std::string(a.out) + " = " + str(out) + " would need " + str(rows) +
                  " stored inputs: the padding alone covers the windows");
        return 1;
      }
    }
    if (rows + pad < span) {
      error(a.kernel, "kernel-larger-than-input",
            std::string(a.kernel) + " = " + str(kernel) +
                (dilation > 1 ? " (dilated: " + str(span) + ")" : "") + " is larger than " +
                letter + " = " + str(rows) +
                (pad > 0 ? " plus padding " + str(pad) : std::string()) + ": there is no output");
      return 1;
    }
    const Int outs = (rows + pad - span) / stride + 1;
    if (*a.in_value && *a.out_value && outs != out) {
      error(a.out, "inconsistent-extents",
            letter + " = " + str(rows) + " gives " + a.out + " = " + str(outs) + ", not " +
                str(out) + ": " + a.out + " = " + how + ", rounded down");
      return 1;
    }
    w.extent = rows;
    if (pad > 0) count_outputs_without_work(a, w, outs, kernel);
    return outs;
  }

  // Transposed: the inputs lie `stride` apart on a grid, padding crops the outputs.
  w.upsample = stride;
  w.offset = *reach - before;
  const std::string how = std::string(a.out) + " = (" + letter + " - 1) * stride " + str(stride) +
                          " + " + str(span) + " - padding " + str(pad) + " + output padding";
  const Int most_extra = std::max(stride, dilation) - 1;
  Int rows = in;
  if (!*a.in_value) {
    const Int covered = out - span + pad - extra.value_or(0);
    if (covered < 0 || covered % stride != 0) {
      error(a.out, "inconsistent-extents",
            std::string(a.out) + " = " + str(out) + " fits no whole number of inputs: " + how +
                "; state " + letter + " or the output padding");
      return 1;
    }
    rows = covered / stride + 1;
  }
  const Int bare = (rows - 1) * stride + span - pad;
  if (*a.in_value && *a.out_value && !extra) {
    extra = out - bare;
    if (*extra < 0 || *extra > most_extra) {
      error(a.out, "inconsistent-extents",
            letter + " = " + str(rows) + " gives " + a.out + " = " + str(bare) + " to " +
                str(bare + most_extra) + ", not " + str(out) + ": " + how);
      return 1;
    }
  }
  if (extra.value_or(0) > most_extra) {
    error("output padding " + letter, "out-of-range",
          "output padding " + letter + " is " + str(*extra) +
              "; it must be smaller than the stride or the dilation");
    return 1;
  }
  const Int outs = bare + extra.value_or(0);
  if (outs < 1) {
    error(a.before_field, "padding-too-large", "the padding crops every output: " + how);
    return 1;
  }
  if (*a.out_value && outs != out) {
    error(a.out, "inconsistent-extents",
          letter + " = " + str(rows) + " gives " + a.out + " = " + str(outs) + ", not " + str(out) +
              ": " + how);
    return 1;
  }
  w.extent = rows;
  count_outputs_without_work(a, w, outs, kernel);
  return outs;
}

void Builder::count_outputs_without_work(const Axis& a, const Window& w, Int outs, Int kernel) {
  constexpr Int kAffordable = Int{1} << 22;
  std::string how_many;
  const Value cost = product(Value(outs), kernel);
  if (cost && *cost <= kAffordable) {
    Int idle = 0;
    for (Int o = 0; o < outs; ++o)
      if (window_pairs(w, {o, o + 1}, {0, kernel}) == 0) ++idle;
    if (idle == 0) return;
    how_many = str(idle) + " of the " + str(outs);
  } else {
    // Too large to look at each: the residues that the taps reach decide for upsampling, the
    // first window for padding.
    const Int residues = std::min(kernel, w.upsample / std::gcd(w.upsample, w.dilation));
    if (residues >= w.upsample && window_pairs(w, {0, 1}, {0, kernel}) > 0) return;
    how_many = "some";
  }
  warn(a.out, "outputs-without-work",
       how_many + " outputs along " + a.out +
           " meet no stored input (padding or inserted zeros only): they are zero, and no work, "
           "no transfer and no write is counted for them");
}

std::optional<Layer> Builder::finish(Layer layer) {
  if (failed) return std::nullopt;
  Value work = 1;
  Value words[kTensors] = {1, 1, 1};
  for (Dim d : kAllDims) {
    if (!layer.has(d)) continue;
    work = product(work, layer[d]);
    for (Tensor t : kAllTensors) {
      const bool window = d == Dim::Y || d == Dim::R || d == Dim::X || d == Dim::S;
      if (layer.couples(t, d) && !(t == Tensor::Input && layer.has_window() && window))
        words[index(t)] = product(words[index(t)], layer[d]);
    }
  }
  if (layer.has_window())
    words[0] = product(product(words[0], layer.rows.extent), layer.cols.extent);
  if (!work || !words[0] || !words[1] || !words[2]) {
    error("", "too-large", "the layer has 2^62 or more multiply-accumulates or words of a tensor");
    return std::nullopt;
  }
  if (macs(layer) == 0) {
    error("", "no-work", "no kernel position ever meets a stored input: the layer has no work");
    return std::nullopt;
  }
  return layer;
}

std::optional<Layer> Builder::gemm(bool weight_has_batch, bool rows_optional) {
  refuse({"G", "C", "R", "S", "Y", "X", "Y'", "X'"}, "B M N K");
  refuse_window_settings();
  Layer layer;
  layer.name = spec.name;
  layer.op = Operator::Gemm;
  layer.weight_has_batch = weight_has_batch;
  layer[Dim::B] = weight_has_batch ? required("B") : optional("B");
  layer[Dim::M] = rows_optional ? optional("M") : required("M");
  layer[Dim::N] = required("N");
  layer[Dim::K] = required("K");
  return finish(std::move(layer));
}

std::optional<Layer> Builder::convolution(Operator op, bool bare_fc) {
  const bool depthwise = op == Operator::DsConv;
  refuse({"B", "M"}, depthwise ? "N C R S Y X Y' X'" : "N G K C R S Y X Y' X'");
  Layer layer;
  layer.name = spec.name;
  layer.op = op;
  layer[Dim::N] = optional("N");
  layer[Dim::C] = required("C");
  if (depthwise) {
    if (optional("G") != 1)
      error("G", "unknown-dimension",
            "DSCONV has no dimension G: every channel is a group of its own; it has "
            "N C R S Y X Y' X'");
    const Int k = optional("K");
    if (k != 1)
      warn("K", "depthwise-k",
           "K = " + str(k) +
               " is dropped: a depthwise convolution has one filter per channel; use NGCONV for "
               "several");
  } else {
    layer[Dim::G] =
        op == Operator::NgConv ? required("G", " (K and C are channels per group)") : optional("G");
    layer[Dim::K] = required("K");
  }
  if (bare_fc) return finish(std::move(layer));
  layer[Dim::R] = required("R");
  layer[Dim::S] = required("S");
  const bool transposed = op == Operator::TrConv;
  layer[Dim::Y] =
      axis({"Y", "Y'", "R", &spec.y, &spec.y_out, &spec.stride_y, &spec.dilation_y, &spec.pad_top,
            &spec.pad_bottom, &spec.output_padding_y, "padding top", "padding bottom"},
           layer[Dim::R], transposed, layer.rows);
  layer[Dim::X] =
      axis({"X", "X'", "S", &spec.x, &spec.x_out, &spec.stride_x, &spec.dilation_x, &spec.pad_left,
            &spec.pad_right, &spec.output_padding_x, "padding left", "padding right"},
           layer[Dim::S], transposed, layer.cols);
  return finish(std::move(layer));
}

}  // namespace

TypeKind type_kind(std::string_view type) {
  const TypeEntry* e = find_type(type);
  if (!e) return TypeKind::Unknown;
  return e->reason.empty() ? TypeKind::Modelled : TypeKind::NotModelled;
}

std::string not_modelled_reason(std::string_view type) {
  const TypeEntry* e = find_type(type);
  if (!e || e->reason.empty()) return "";
  return std::string(type) + " is not modelled: " + std::string(e->reason);
}

std::string unknown_type_message(const std::string& type) {
  std::vector<std::string> known;
  std::string list;
  for (const TypeEntry& e : kTypes) {
    known.emplace_back(e.type);
    if (e.reason.empty()) list += (list.empty() ? "" : ", ") + std::string(e.type);
  }
  std::string out = "unknown layer type '" + type + "'";
  const std::string near = input::did_you_mean(type, known);
  if (!near.empty()) out += "; did you mean '" + near + "'?";
  return out + (near.empty() ? "; the" : " The") + " modelled types are " + list;
}

const LayerSpec::Value* LayerSpec::dimension(std::string_view word) const {
  const Value* const fields[] = {&n, &g, &k, &c, &r, &s, &y, &x, &y_out, &x_out, &b, &m};
  static_assert(sizeof(fields) / sizeof(fields[0]) == kSpecDimensions.size());
  for (std::size_t i = 0; i < kSpecDimensions.size(); ++i)
    if (kSpecDimensions[i] == word) return fields[i];
  return nullptr;
}

LayerSpec::Value* LayerSpec::dimension(std::string_view word) {
  return const_cast<Value*>(static_cast<const LayerSpec*>(this)->dimension(word));
}

std::optional<Layer> make_layer(const LayerSpec& spec, std::vector<SpecMessage>& messages) {
  Builder b{spec, messages};
  switch (type_kind(spec.type)) {
    case TypeKind::Unknown:
      b.error("type", "unknown-type", unknown_type_message(spec.type));
      return std::nullopt;
    case TypeKind::NotModelled:
      b.error("type", "not-modelled", not_modelled_reason(spec.type));
      return std::nullopt;
    case TypeKind::Modelled: break;
  }
  if (spec.type == "GEMM") return b.gemm(false, false);
  if (spec.type == "BGEMM") return b.gemm(true, false);
  if (spec.type == "DSCONV") return b.convolution(Operator::DsConv, false);
  if (spec.type == "NGCONV") return b.convolution(Operator::NgConv, false);
  if (spec.type == "TRCONV") return b.convolution(Operator::TrConv, false);
  if (spec.type == "FC") {
    const bool window = spec.r || spec.s || spec.y || spec.x || spec.y_out || spec.x_out;
    if (!window && !spec.c && !spec.g) return b.gemm(false, true);
    if (!window) b.refuse_window_settings();
    return b.convolution(Operator::Conv, !window);
  }
  return b.convolution(Operator::Conv, false);
}

std::optional<Layer> make_layer(const LayerSpec& spec, std::vector<std::string>& errors,
                                std::vector<std::string>& warnings) {
  std::vector<SpecMessage> messages;
  std::optional<Layer> layer = make_layer(spec, messages);
  for (const SpecMessage& m : messages) {
    std::string text = m.message + " [" + m.code + "]";
    (m.severity == Severity::Error ? errors : warnings).push_back(std::move(text));
  }
  return layer;
}

}  // namespace counterpoint::workloads
