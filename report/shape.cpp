// SPDX-License-Identifier: Apache-2.0
#include "report/shape.h"

#include <fmt/format.h>

#include <string_view>

namespace counterpoint::report {
namespace {

using Json = nlohmann::ordered_json;

enum class Kind { Number, Text, Flag };

// Parts of a path are separated by '/'. '*' is every member or element, and there may be none;
// '#' is each of the three tensors; a part that ends in '?' may be missing or null.
struct Place {
  const char* path;
  Kind kind;
};

constexpr Place kResult[] = {
    {"version", Kind::Text},          {"command", Kind::Text},
    {"network", Kind::Text},          {"machine", Kind::Text},
    {"dataflow?", Kind::Text},        {"layers/*/layer", Kind::Text},
    {"layers/*/status", Kind::Text},  {"layers/*/operator?", Kind::Text},
    {"layers/*/reason?", Kind::Text}, {"layers/*/nest?", Kind::Text},
    {"layers/*/macs?", Kind::Number}, {"layers/*/repeat?", Kind::Number},
};

// Of a layer that ran.
constexpr Place kLayer[] = {
    {"macs", Kind::Number},
    {"bound_machine?/pes", Kind::Number},
    {"bound_machine?/lanes", Kind::Number},
    {"bound_machine?/capacity_unit", Kind::Text},
    {"bound_machine?/word_bits/input", Kind::Number},
    {"bound_machine?/word_bits/weight", Kind::Number},
    {"bound_machine?/word_bits/psum", Kind::Number},
    {"bound_machine?/storage/*/name", Kind::Text},
    {"bound_machine?/network/*/name", Kind::Text},
    {"bound_machine?/network/*/topology", Kind::Text},
    {"bound_machine?/network/*/channels", Kind::Text},
    {"bound_machine?/network/*/bandwidth?/per_cycle", Kind::Number},
    {"bound_machine?/network/*/bandwidth?/unit", Kind::Text},
    {"roofline?/peak_macs_per_cycle", Kind::Number},
    {"roofline?/attainable_macs_per_cycle", Kind::Number},
    {"roofline?/achieved_macs_per_cycle", Kind::Number},
    {"roofline?/macs_per_byte/*?", Kind::Number},
    {"roofline?/bounds/*/resource", Kind::Text},
    {"roofline?/bounds/*/cycles", Kind::Number},
    {"functional?", Kind::Text},
    {"agreement?/exact", Kind::Flag},
    {"agreement?/cycles_difference_percent", Kind::Number},
    {"agreement?/differences/*/name", Kind::Text},
    {"agreement?/differences/*/estimate", Kind::Number},
    {"agreement?/differences/*/simulation", Kind::Number},
    {"profile?/bin_cycles", Kind::Number},
    {"profile?/macs/*", Kind::Number},
    {"profile?/networks/*/name", Kind::Text},
    {"profile?/networks/*/children", Kind::Number},
    {"profile?/networks/*/to_children/*", Kind::Number},
    {"profile?/networks/*/to_parent/*", Kind::Number},
    {"profile?/networks/*/delivered/*", Kind::Number},
    {"profile?/pes_per_array", Kind::Number},
    {"profile?/pe_macs/*", Kind::Number},
    {"profile?/routed?/*/network", Kind::Text},
    {"profile?/routed?/*/plane", Kind::Text},
    {"profile?/routed?/*/columns", Kind::Number},
    {"profile?/routed?/*/cycles", Kind::Number},
    {"profile?/routed?/*/routers/*", Kind::Text},
    {"profile?/routed?/*/links/*/name", Kind::Text},
    {"profile?/routed?/*/links/*/from", Kind::Number},
    {"profile?/routed?/*/links/*/to?", Kind::Number},
    {"profile?/routed?/*/links/*/used", Kind::Number},
    {"profile?/routed?/*/links/*/stalled", Kind::Number},
};

// Of a layer's estimate and simulation.
constexpr Place kModel[] = {
    {"cycles", Kind::Number},
    {"utilization", Kind::Number},
    {"statistics/*", Kind::Number},
    {"statistics/stack.startup", Kind::Number},
    {"statistics/stack.compute", Kind::Number},
    {"statistics/stack.level_above", Kind::Number},
    {"statistics/stack.bandwidth", Kind::Number},
    {"statistics/stack.drain", Kind::Number},
    {"statistics/stack.latency", Kind::Number},
    {"statistics/stack.contention", Kind::Number},
    {"statistics/stack.tail", Kind::Number},
    {"accesses/*/#/reads", Kind::Number},
    {"accesses/*/#/writes", Kind::Number},
    {"accesses/*/#/reuse", Kind::Number},
    {"capacity/*/required", Kind::Number},
    {"capacity/*/available?", Kind::Number},
    {"bandwidth_requirement/*/peak_words_per_cycle", Kind::Number},
    {"bandwidth_requirement/*/average_words_per_cycle", Kind::Number},
    {"bandwidth_requirement/*/available", Kind::Text},
    {"network_busy?/*/to_children", Kind::Number},
    {"network_busy?/*/to_parent", Kind::Number},
    {"energy?/unit", Kind::Text},
    {"energy?/total", Kind::Number},
    {"energy?/macs", Kind::Number},
    {"energy?/leakage", Kind::Number},
    {"energy?/storage/*/#", Kind::Number},
    {"energy?/network/*/#", Kind::Number},
};

std::string check(const Json& j, std::string_view path, Kind kind, const std::string& at);

std::string descend(const Json& j, const std::string& name, bool optional, std::string_view rest,
                    Kind kind, const std::string& at) {
  const auto found = j.is_object() ? j.find(name) : j.end();
  if (found != j.end() && !(optional && found->is_null()))
    return check(*found, rest, kind, at + "/" + name);
  return optional && j.is_object() ? "" : fmt::format("{}/{} is missing", at, name);
}

std::string check(const Json& j, std::string_view path, Kind kind, const std::string& at) {
  if (path.empty()) {
    const bool right = kind == Kind::Number ? j.is_number()
                       : kind == Kind::Text ? j.is_string()
                                            : j.is_boolean();
    constexpr const char* kNames[] = {"a number", "text", "true or false"};
    return right ? "" : fmt::format("{} is not {}", at, kNames[static_cast<int>(kind)]);
  }
  const std::size_t slash = path.find('/');
  std::string name(path.substr(0, slash));
  const std::string_view rest =
      slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  const bool optional = name.back() == '?';
  if (optional) name.pop_back();
  std::string wrong;
  if (name == "*") {
    if (!j.is_structured()) return fmt::format("{} is not a list", at);
    std::size_t i = 0;
    for (const auto& [key, value] : j.items()) {
      if (!(optional && value.is_null()))
        wrong = check(value, rest, kind,
                      at + "/" + (j.is_array() ? std::to_string(i) : std::string(key)));
      if (!wrong.empty()) return wrong;
      ++i;
    }
  } else if (name == "#") {
    for (const char* tensor : {"input", "weight", "output"})
      if (wrong = descend(j, tensor, false, rest, kind, at); !wrong.empty()) return wrong;
  } else {
    wrong = descend(j, name, optional, rest, kind, at);
  }
  return wrong;
}

template <std::size_t N>
std::string check_all(const Json& j, const Place (&places)[N], const std::string& at) {
  for (const Place& p : places)
    if (std::string wrong = check(j, p.path, p.kind, at); !wrong.empty()) return wrong;
  return "";
}

// Lists that are as long as another one.
std::string check_lengths(const Json& layer, const std::string& at) {
  if (!layer.contains("bound_machine") || layer["bound_machine"].is_null()) return "";
  const std::size_t networks = layer["bound_machine"]["network"].size();
  if (layer["bound_machine"]["storage"].size() != networks + 1)
    return at + "/bound_machine has not one network below each storage level but the last";
  if (layer.contains("roofline") && !layer["roofline"].is_null() &&
      layer["roofline"]["macs_per_byte"].size() != networks)
    return at + "/roofline/macs_per_byte has not a number for each network";
  return "";
}

}  // namespace

std::string misshapen(const Json& result) {
  if (std::string wrong = check_all(result, kResult, ""); !wrong.empty()) return wrong;
  std::size_t i = 0;
  for (const Json& layer : result["layers"]) {
    const std::string at = fmt::format("/layers/{}", i++);
    bool ran = false;
    for (const char* model : {"estimate", "simulation"}) {
      if (!layer.contains(model) || layer[model].is_null()) continue;
      ran = true;
      if (std::string wrong = check_all(layer[model], kModel, at + "/" + model); !wrong.empty())
        return wrong;
    }
    if (!ran) continue;
    if (std::string wrong = check_all(layer, kLayer, at); !wrong.empty()) return wrong;
    if (std::string wrong = check_lengths(layer, at); !wrong.empty()) return wrong;
  }
  return "";
}

}  // namespace counterpoint::report
