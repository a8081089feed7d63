// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/network_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "input/yaml.h"

namespace counterpoint::sim::noc {

const std::vector<std::string>& shape_names() {
  static const std::vector<std::string> names = {
      "mesh", "torus",    "crossbar",     "bus",   "xy",
      "tree", "fat-tree", "hierarchical", "chain", "point-to-point"};
  return names;
}
const std::vector<std::string>& routing_names() {
  static const std::vector<std::string> names = {"dimension-order", "west-first"};
  return names;
}
const std::vector<std::string>& arbiter_names() {
  static const std::vector<std::string> names = {"round-robin", "oldest"};
  return names;
}
const std::vector<std::string>& pattern_names() {
  static const std::vector<std::string> names = {"uniform", "transpose", "bit-complement",
                                                 "hotspot", "neighbour", "gather"};
  return names;
}

std::size_t choose(const std::string& what, const std::string& name,
                   const std::vector<std::string>& names) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  std::string all;
  for (const std::string& n : names) all += (all.empty() ? "" : ", ") + n;
  const std::string nearest = input::did_you_mean(name, names);
  throw input::InputError(fmt::format("{} '{}': it is one of {}{}", what, name, all,
                                      nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
}

NetworkFile read_network_file(const std::string& text, const std::string& file) {
  std::vector<input::Diagnostic> messages;
  NetworkFile out;
  NetworkConfig& c = out.config;
  const auto root = input::parse_yaml(text, file, messages);
  if (root && root->check_map({"topology", "width", "height", "cluster", "lanes", "routing", "vcs",
                               "buffer_depth", "flit_bits", "timing", "routing_delay",
                               "speculative", "link_latency", "credit_delay", "arbiter"})) {
    const auto number = [&](const char* key, std::int64_t least, std::int64_t most, int& value) {
      if (const auto v = root->find(key))
        if (const auto n = v->integer(least, most)) value = static_cast<int>(*n);
    };
    const auto word = [&](const char* key, const std::vector<std::string>& names, auto& value) {
      if (const auto v = root->find(key))
        if (const auto i = v->choice(names)) value = static_cast<std::decay_t<decltype(value)>>(*i);
    };
    word("topology", shape_names(), c.topology.shape);
    word("routing", routing_names(), c.topology.routing);
    word("arbiter", arbiter_names(), c.arbiter);
    number("width", 1, 1024, c.topology.width);
    number("height", 1, 1024, c.topology.height);
    number("cluster", 1, kMostPorts - 4, c.topology.cluster);
    number("lanes", 1, 16, c.topology.lanes);
    number("vcs", 1, 16, c.vcs);
    number("buffer_depth", 1, 4096, c.buffer_depth);
    number("flit_bits", 1, 65536, out.flit_bits);
    static const std::vector<std::string> timings = {"booksim",   "booksim-a", "booksim-b",
                                                     "booksim-c", "booksim-d", "noxim"};
    std::size_t timing = 0;
    word("timing", timings, timing);
    c.timing = router_timing(timings[timing]);
    number("routing_delay", 0, 100, c.timing.routing);
    number("link_latency", 1, 1000, c.timing.link);
    number("credit_delay", 0, 1000, c.timing.credit);
    if (const auto v = root->find("speculative"))
      if (const auto b = v->boolean()) c.timing.speculative = *b;
  }
  if (input::has_errors(messages) || !root) throw input::InputError(messages);
  return out;
}

}  // namespace counterpoint::sim::noc
