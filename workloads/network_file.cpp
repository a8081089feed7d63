// SPDX-License-Identifier: Apache-2.0
#include "workloads/network_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "input/data_dir.h"
#include "input/yaml.h"
#include "workloads/language.h"
#include "workloads/layer_spec.h"

namespace counterpoint::workloads {
namespace {

using input::YamlValue;

constexpr std::int64_t kMost = std::int64_t{1} << 40;
const std::vector<std::string> kOps = {"conv", "dsconv", "ngconv", "trconv", "fc",
                                       "gemm", "bgemm",  "pool",   "add",    "concat"};
const std::vector<std::string> kLayerKeys = {
    "name", "op", "n",   "g",      "k",        "c",           "r",      "s",   "h",   "w",
    "m",    "b",  "pad", "stride", "dilation", "out_padding", "repeat", "out", "macs"};
constexpr std::int64_t kMostMacs = std::int64_t{1} << 60;

// Keys that mean something for an operator, besides name, op and repeat. Others of kLayerKeys are
// spelt right but would be ignored, which a wrong `g` or `b` must not be.
std::vector<std::string> keys_of(const std::string& op) {
  if (op == "pool" || op == "add" || op == "concat") return {};
  if (op == "fc") return {"n", "k", "c", "macs"};
  if (op == "gemm" || op == "bgemm") return {"m", "n", "k", "b", "macs"};
  std::vector<std::string> keys = {"n",   "c",      "r",        "s",   "h",   "w",
                                   "pad", "stride", "dilation", "out", "macs"};
  if (op != "dsconv") keys.insert(keys.end(), {"g", "k"});
  if (op == "trconv") keys.emplace_back("out_padding");
  return keys;
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

void check_keys(const YamlValue& layer, const std::string& op) {
  const std::vector<std::string> keys = keys_of(op);
  std::string known;
  for (const std::string& key : keys) known += (known.empty() ? "" : ", ") + key;
  for (const auto& [key, ignored] : layer.entries())
    if (key != "name" && key != "op" && key != "repeat" && contains(kLayerKeys, key) &&
        !contains(keys, key))
      layer.error_at_key(
          key, "not-applicable",
          keys.empty() ? fmt::format("'{}' has no meaning for op {}, which is not modelled "
                                     "and has only a name and repeat",
                                     key, op)
                       : fmt::format("'{}' has no meaning for op {}; it has {}", key, op, known));
}

// a * b, or nothing beyond what a count may be.
std::optional<std::int64_t> product(std::int64_t a, std::int64_t b) {
  if (a != 0 && b > kMostMacs / a) return std::nullopt;
  return a * b;
}

std::int64_t value(const YamlValue& layer, const std::string& key, std::int64_t least,
                   std::int64_t otherwise) {
  const std::optional<YamlValue> v = layer.find(key);
  if (!v) return otherwise;
  return v->integer(least, kMost).value_or(otherwise);
}

std::int64_t needed(const YamlValue& layer, const std::string& key, const std::string& meaning) {
  const std::optional<YamlValue> v = layer.require(key, meaning);
  return v ? v->integer(1, kMost).value_or(1) : 1;
}

// One number for all, or [rows, columns], or [top, bottom, left, right].
std::vector<std::int64_t> numbers(const YamlValue& layer, const std::string& key, std::size_t count,
                                  std::int64_t least, std::int64_t otherwise) {
  std::vector<std::int64_t> out(count, otherwise);
  const std::optional<YamlValue> v = layer.find(key);
  if (!v) return out;
  if (!v->is_list()) {
    std::fill(out.begin(), out.end(), v->integer(least, kMost).value_or(otherwise));
    return out;
  }
  const std::vector<YamlValue> items = v->items();
  if (items.size() != count) {
    v->error("list-length", fmt::format("{} takes one number, or a list of {}, not of {}", key,
                                        count, items.size()));
    return out;
  }
  for (std::size_t i = 0; i < count; ++i)
    out[i] = items[i].integer(least, kMost).value_or(otherwise);
  return out;
}

// `counted`: the conventional multiply-accumulates, repeats included; nothing if the layer has
// an error.
NetworkLayer read_layer(const YamlValue& v, bool implicit, std::optional<std::int64_t>& counted) {
  NetworkLayer out;
  counted.reset();
  v.check_map(kLayerKeys);
  out.pos = v.pos();
  if (const auto name = v.require("name", "the layer's name"))
    out.layer.name = name->text().value_or("");
  out.repeat = value(v, "repeat", 1, 1);
  const auto word = v.require("op", "what the layer computes");
  const std::optional<std::size_t> op = word ? word->choice(kOps) : std::nullopt;
  if (!op) return out;  // without an operator no key can be judged
  const std::string& kind = kOps[*op];
  check_keys(v, kind);
  if (kind == "pool" || kind == "add" || kind == "concat") {
    out.modelled = false;
    std::string upper = kind;
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](unsigned char ch) { return static_cast<char>(std::toupper(ch)); });
    out.not_modelled_reason = not_modelled_reason(upper);
    counted = 0;
    return out;
  }
  LayerSpec spec;
  spec.name = out.layer.name;
  const bool gemm = kind == "gemm" || kind == "bgemm" || kind == "fc";
  if (kind == "fc") {
    spec.type = "GEMM";
    spec.m = value(v, "n", 1, 1);
    spec.n = needed(v, "k", "output features");
    spec.k = needed(v, "c", "input features");
  } else if (gemm) {
    spec.type = kind == "bgemm" ? "BGEMM" : "GEMM";
    if (v.find("b")) spec.b = value(v, "b", 1, 1);
    spec.m = needed(v, "m", "rows of the input matrix");
    spec.n = needed(v, "n", "columns of the weight matrix");
    spec.k = needed(v, "k", "the dimension summed over");
  } else {
    spec.type = kind == "dsconv"   ? "DSCONV"
                : kind == "ngconv" ? "NGCONV"
                : kind == "trconv" ? "TRCONV"
                                   : "CONV";
    spec.n = value(v, "n", 1, 1);
    if (kind == "ngconv")
      spec.g = needed(v, "g", "groups");
    else if (kind != "dsconv" && v.find("g"))
      spec.g = value(v, "g", 1, 1);
    if (kind != "dsconv") spec.k = needed(v, "k", "output channels per group");
    spec.c = needed(v, "c", "input channels per group");
    spec.r = needed(v, "r", "kernel rows");
    spec.s = needed(v, "s", "kernel columns");
    spec.y = needed(v, "h", "input rows without padding");
    spec.x = needed(v, "w", "input columns without padding");
    const auto stride = numbers(v, "stride", 2, 1, 1), dilation = numbers(v, "dilation", 2, 1, 1);
    const auto pad = numbers(v, "pad", 4, 0, 0);
    spec.stride_y = stride[0];
    spec.stride_x = stride[1];
    spec.dilation_y = dilation[0];
    spec.dilation_x = dilation[1];
    if (kind == "trconv") {
      const auto more = numbers(v, "out_padding", 2, 0, 0);
      spec.output_padding_y = more[0];
      spec.output_padding_x = more[1];
    }
    if (implicit || kind == "trconv") {
      spec.pad_top = pad[0];
      spec.pad_bottom = pad[1];
      spec.pad_left = pad[2];
      spec.pad_right = pad[3];
    } else {
      spec.y = *spec.y + pad[0] + pad[1];
      spec.x = *spec.x + pad[2] + pad[3];
    }
  }
  std::vector<SpecMessage> messages;
  const std::optional<Layer> layer = make_layer(spec, messages);
  for (const SpecMessage& m : messages) {
    const std::string text = fmt::format("layer '{}': {}", spec.name, m.message);
    if (m.severity == input::Severity::Error)
      v.error(m.code, text);
    else
      v.warning(m.code, text);
  }
  if (!layer) return out;
  out.layer = *layer;
  if (!gemm) {
    if (const auto o = v.find("out")) {
      const auto size = numbers(v, "out", 2, 1, 1);
      if (size[0] != (*layer)[Dim::Y] || size[1] != (*layer)[Dim::X])
        o->error("output-size",
                 fmt::format("layer '{}' says its output is {} x {}, but its sizes give {} x {}",
                             spec.name, size[0], size[1], (*layer)[Dim::Y], (*layer)[Dim::X]));
    }
  }
  // Published counts are out size x kernel; only a transposed convolution skips zeros there.
  std::optional<std::int64_t> once = 1;
  if (kind == "trconv") {
    once = macs(*layer);
  } else {
    for (Dim d : kAllDims)
      if (once && layer->has(d)) once = product(*once, (*layer)[d]);
  }
  counted = once ? product(*once, out.repeat) : std::nullopt;
  if (!counted) {
    v.error("too-large", fmt::format("layer '{}': its multiply-accumulates, repeats included, are "
                                     "more than 2^60",
                                     spec.name));
    return out;
  }
  if (const auto stated = v.find("macs")) {
    const std::optional<std::int64_t> n = stated->integer(0, kMostMacs);
    if (n && *n != *counted)
      stated->error(
          "mac-count",
          fmt::format("layer '{}' says {} multiply-accumulates, but its sizes give {}{}", spec.name,
                      *n, *counted,
                      out.repeat > 1 ? fmt::format(" ({} x {})", out.repeat, *once) : ""));
  }
  return out;
}

std::string first_comment(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  std::string line;
  const std::string start = "// " + key + ":";
  while (std::getline(lines, line))
    if (line.compare(0, start.size(), start) == 0) {
      const std::size_t from = line.find_first_not_of(' ', start.size());
      return from == std::string::npos ? "" : line.substr(from);
    }
  return "";
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string w; in >> w;) out.push_back(w);
  return out;
}

void cannot_read(const std::string& file, const std::string& message,
                 std::vector<Diagnostic>& diagnostics) {
  Diagnostic d;
  d.file = file;
  d.code = "cannot-read";
  d.message = message;
  diagnostics.push_back(d);
}

bool ends_with(const std::string& s, const std::string& end) {
  return s.size() >= end.size() && s.compare(s.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

std::optional<Network> read_network_yaml(const std::string& text, const std::string& file,
                                         std::vector<Diagnostic>& diagnostics) {
  std::vector<Diagnostic> mine;
  Network network;
  network.file = file;
  {
    const std::optional<YamlValue> root = input::parse_yaml(text, file, mine);
    if (root && root->check_map({"name", "description", "source", "padding", "macs", "layers"})) {
      if (const auto v = root->require("name", "the network's name"))
        network.name = v->text().value_or("");
      bool implicit = false;
      if (const auto v = root->find("padding"))
        implicit = v->choice({"stored", "implicit"}).value_or(0) == 1;
      std::int64_t total = 0;
      bool total_known = true;  // until a layer's count is not
      if (const auto v = root->require("layers", "the list of layers"); v && v->check_list()) {
        for (const YamlValue& l : v->items()) {
          std::optional<std::int64_t> counted;
          NetworkLayer layer = read_layer(l, implicit, counted);
          for (const NetworkLayer& other : network.layers)
            if (!layer.layer.name.empty() && other.layer.name == layer.layer.name)
              l.error("duplicate-layer",
                      fmt::format("two layers are called '{}'", layer.layer.name));
          const bool fits = counted && total <= kMostMacs - *counted;
          if (total_known && counted && !fits)
            l.error("too-large", "the network's multiply-accumulates are more than 2^60");
          total_known = total_known && fits;
          if (total_known) total += *counted;
          network.layers.push_back(std::move(layer));
        }
        if (network.layers.empty()) v->error("no-layers", "a network needs at least one layer");
      }
      if (const auto v = root->find("macs")) {
        const std::optional<std::int64_t> stated = v->integer(0, kMostMacs);
        if (stated && total_known && *stated != total)
          v->error("mac-count",
                   fmt::format("the network says {} multiply-accumulates, its layers {}", *stated,
                               total));
      }
    }
  }
  diagnostics.insert(diagnostics.end(), mine.begin(), mine.end());
  if (input::has_errors(mine)) return std::nullopt;
  network.warnings = mine;
  return network;
}

std::optional<Network> load_network(const std::string& name_or_path,
                                    std::vector<Diagnostic>& diagnostics) {
  std::string error;
  const auto path = input::find_data("workloads/networks", ".yaml", name_or_path, "network", error);
  if (!path) {
    cannot_read(name_or_path, error, diagnostics);
    return std::nullopt;
  }
  if (!ends_with(*path, ".yaml") && !ends_with(*path, ".yml")) {
    NetworkResult r = read_network(*path);
    diagnostics.insert(diagnostics.end(), r.diagnostics.begin(), r.diagnostics.end());
    return std::move(r.network);
  }
  const auto text = input::read_file(*path, error);
  if (!text) {
    cannot_read(name_or_path, error, diagnostics);
    return std::nullopt;
  }
  return read_network_yaml(*text, *path, diagnostics);
}

std::optional<Dataflow> load_dataflow(const std::string& name_or_path,
                                      std::vector<Diagnostic>& diagnostics) {
  std::string error;
  const auto path = input::find_data("workloads/dataflows", ".m", name_or_path, "dataflow", error);
  if (!path) {
    cannot_read(name_or_path, error, diagnostics);
    return std::nullopt;
  }
  DataflowResult r = read_dataflow(*path);
  diagnostics.insert(diagnostics.end(), r.diagnostics.begin(), r.diagnostics.end());
  if (r.dataflow && r.dataflow->name.empty()) {
    const std::size_t slash = path->find_last_of('/');
    std::string stem = slash == std::string::npos ? *path : path->substr(slash + 1);
    if (ends_with(stem, ".m")) stem.resize(stem.size() - 2);
    r.dataflow->name = stem;
  }
  return std::move(r.dataflow);
}

std::vector<CatalogEntry> list_networks() {
  std::vector<CatalogEntry> out;
  for (const std::string& name : input::list_data("workloads/networks", ".yaml")) {
    CatalogEntry e;
    e.name = name;
    std::string error;
    const auto text =
        input::read_file(input::data_dir() + "/workloads/networks/" + name + ".yaml", error);
    std::vector<Diagnostic> ignored;
    if (const auto root = text ? input::parse_yaml(*text, name, ignored) : std::nullopt)
      if (const auto v = root->find("description")) e.description = v->text().value_or("");
    out.push_back(std::move(e));
  }
  return out;
}

std::vector<CatalogEntry> list_dataflows() {
  std::vector<CatalogEntry> out;
  for (const std::string& name : input::list_data("workloads/dataflows", ".m")) {
    CatalogEntry e;
    e.name = name;
    std::string error;
    if (const auto text =
            input::read_file(input::data_dir() + "/workloads/dataflows/" + name + ".m", error)) {
      e.description = first_comment(*text, "reuses");
      e.fits = words(first_comment(*text, "fits"));
    }
    out.push_back(std::move(e));
  }
  return out;
}

std::vector<std::string> dataflow_fits(const Dataflow& dataflow) {
  std::string text;
  for (const std::string& line : dataflow.source_lines) text += line + "\n";
  return words(first_comment(text, "fits"));
}

const Dataflow* dataflow_of(const NetworkLayer& layer, const Dataflow* named,
                            std::string& refused) {
  if (layer.dataflow) return &*layer.dataflow;
  if (named == nullptr) {
    refused = "the layer has no dataflow of its own: name one with --dataflow";
    return nullptr;
  }
  const std::vector<std::string> fits = dataflow_fits(*named);
  const std::string op(name(layer.layer.op));
  if (fits.empty() || std::find(fits.begin(), fits.end(), op) != fits.end()) return named;
  std::string list;
  for (const std::string& f : fits) list += (list.empty() ? "" : ", ") + f;
  refused = "the dataflow '" + named->name + "' fits " + list + " layers, not " + op;
  return nullptr;
}

}  // namespace counterpoint::workloads
