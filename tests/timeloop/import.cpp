// SPDX-License-Identifier: Apache-2.0
#include "tests/timeloop/import.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <stdexcept>

namespace counterpoint::timeloop {

namespace {

using workloads::Cut;
using workloads::Dim;
using workloads::Layer;
using workloads::Level;
using workloads::Operator;
using workloads::Tensor;

struct Target {
  std::map<char, std::int64_t> temporal, spatial;
  std::string order;  // innermost first
  std::string spatial_order;
};

std::map<char, std::int64_t> factors(const std::string& text) {
  std::map<char, std::int64_t> all;
  std::istringstream words(text);
  std::string word;
  while (words >> word) {
    if (word.size() < 3 || word[1] != '=') throw std::runtime_error("factor " + word);
    all[word[0]] = std::stoll(word.substr(2));  // "4,2": 4, the last one 2: clipped
  }
  return all;
}

// The operator, and which of our dimensions each of the problem's is.
std::map<char, Dim> dimensions(const YAML::Node& shape, Layer& layer) {
  std::set<char> names;
  for (const auto& d : shape["dimensions"]) names.insert(d.as<std::string>()[0]);
  std::map<char, Dim> map;
  if (names == std::set<char>{'M', 'N', 'K'}) {
    layer.op = Operator::Gemm;
    map = {{'M', Dim::M}, {'N', Dim::N}, {'K', Dim::K}};
  } else {
    layer.op = names.count('K') != 0 ? Operator::Conv : Operator::DsConv;
    map = {{'N', Dim::N}, {'G', Dim::G}, {'K', Dim::K}, {'C', Dim::C},
           {'P', Dim::Y}, {'Q', Dim::X}, {'R', Dim::R}, {'S', Dim::S}};
  }
  for (char c : names)
    if (map.count(c) == 0) throw std::runtime_error(std::string("dimension ") + c);
  return map;
}

}  // namespace

Imported read(const std::string& path) {
  const YAML::Node file = YAML::LoadFile(path);
  Imported out;
  Layer layer;
  layer.name = path.substr(path.rfind('/') + 1);
  const YAML::Node shape = file["problem"]["shape"];
  const std::map<char, Dim> dims = dimensions(shape, layer);
  for (const auto& d : file["problem"]["instance"]) {
    const std::string name = d.first.as<std::string>();
    if (name.size() == 1 && dims.count(name[0]) != 0)
      layer[dims.at(name[0])] = d.second.as<std::int64_t>();
    else if (name == "Wstride" || name == "Xstride")
      layer.cols.stride = d.second.as<std::int64_t>();
    else if (name == "Hstride" || name == "Ystride")
      layer.rows.stride = d.second.as<std::int64_t>();
    else if (name == "Wdilation")
      layer.cols.dilation = d.second.as<std::int64_t>();
    else if (name == "Hdilation")
      layer.rows.dilation = d.second.as<std::int64_t>();
    else
      throw std::runtime_error("instance " + name);
  }
  std::vector<std::pair<std::string, std::set<char>>> spaces;
  for (const auto& space : shape["data_spaces"]) {
    const std::string name = space["name"].as<std::string>();
    std::set<char> coupled;
    for (const auto& rank : space["projection"])
      for (const auto& term : rank) {
        coupled.insert(term[0].as<std::string>()[0]);
        // A stride or dilation written as a number: [P, 2].
        if (term.size() < 2) continue;
        const std::string by = term[1].as<std::string>();
        if (by.find_first_not_of("0123456789") != std::string::npos) continue;
        switch (term[0].as<std::string>()[0]) {
          case 'P': layer.rows.stride = std::stoll(by); break;
          case 'Q': layer.cols.stride = std::stoll(by); break;
          case 'R': layer.rows.dilation = std::stoll(by); break;
          case 'S': layer.cols.dilation = std::stoll(by); break;
          default: throw std::runtime_error("coefficient of " + term[0].as<std::string>());
        }
      }
    const bool writes = space["read_write"] && space["read_write"].as<bool>();
    const bool gemm = layer.op == Operator::Gemm;
    const bool input = gemm ? coupled.count('M') != 0 : coupled.count('P') != 0;
    out.tensor[name] = writes ? Tensor::Output : input ? Tensor::Input : Tensor::Weight;
  }
  if (layer.has_window()) {
    layer.rows.extent =
        layer.rows.stride * (layer[Dim::Y] - 1) + layer.rows.dilation * (layer[Dim::R] - 1) + 1;
    layer.cols.extent =
        layer.cols.stride * (layer[Dim::X] - 1) + layer.cols.dilation * (layer[Dim::S] - 1) + 1;
  }

  // Storage levels, outermost first (the last entry is the arithmetic).
  std::vector<std::string> levels;
  std::vector<YAML::Node> attributes;
  for (YAML::Node tree = file["architecture"]["subtree"]; tree; tree = tree[0]["subtree"]) {
    for (const auto& local : tree[0]["local"]) {
      const std::string name = local["name"].as<std::string>();
      levels.push_back(name.substr(0, name.find('[')));
      attributes.push_back(local["attributes"]);
    }
  }
  levels.pop_back();
  std::map<std::string, Target> targets;
  for (const auto& m : file["mapping"]) {
    const std::string target = m["target"].as<std::string>(), type = m["type"].as<std::string>();
    if (type == "temporal") {
      targets[target].temporal = factors(m["factors"].as<std::string>());
      targets[target].order = m["permutation"].as<std::string>();
    } else if (type == "spatial") {
      targets[target].spatial = factors(m["factors"].as<std::string>());
      targets[target].spatial_order = m["permutation"].as<std::string>();
    } else {
      for (const auto& space : m["bypass"])
        out.bypassed_by[space.as<std::string>()].push_back(target);
    }
  }
  const auto factor = [](const std::map<char, std::int64_t>& all, char c) {
    const auto found = all.find(c);
    return found == all.end() ? std::int64_t{1} : found->second;
  };
  // Tiles, innermost level first; residual factors only clip.
  workloads::Nest nest;
  std::map<char, std::int64_t> tile;
  for (const auto& [c, f] : targets[levels.back()].temporal) tile[c] = f;
  std::vector<std::size_t> above(levels.size(), 0);  // nest levels that a Timeloop level takes
  for (std::size_t l = levels.size() - 1; l-- > 0;) {
    const Target& t = targets[levels[l]];
    std::vector<char> in_space;
    for (char c : t.spatial_order)
      if (factor(t.spatial, c) > 1) in_space.push_back(c);
    const std::size_t before = nest.levels.size();
    // All but the last spatial dimension take a level of their own below the loops.
    for (std::size_t s = 0; s + 1 < in_space.size(); ++s) {
      const char c = in_space[s];
      Level level;
      level.name = levels[l] + " in space " + c;
      level.units = factor(t.spatial, c);
      level.loops.push_back({true, {dims.at(c)}, {}});
      Cut& cut = level.cut(dims.at(c));
      cut.kind = Cut::Kind::Plain;
      cut.size = cut.offset = tile[c] == 0 ? 1 : tile[c];
      cut.loop = 0;
      cut.spatial = true;
      tile[c] = cut.size * level.units;
      nest.levels.insert(nest.levels.begin(), level);
    }
    Level level;
    level.name = levels[l];
    const char last = in_space.empty() ? '\0' : in_space.back();
    if (last != '\0') level.units = factor(t.spatial, last);
    for (std::size_t i = t.order.size(); i-- > 0;) {  // outermost first
      const char c = t.order[i];
      const std::int64_t n = factor(t.temporal, c);
      if (n == 1 && c != last) continue;
      level.loops.push_back({c == last, {dims.at(c)}, {}});
      Cut& cut = level.cut(dims.at(c));
      cut.kind = Cut::Kind::Plain;
      cut.size = cut.offset = tile.count(c) != 0 ? tile[c] : 1;
      cut.loop = static_cast<int>(level.loops.size()) - 1;
      cut.spatial = c == last;
      tile[c] = cut.size * n * (c == last ? level.units : 1);
    }
    nest.levels.insert(nest.levels.begin(), level);
    above[l] = nest.levels.size() - before;
  }

  hw::BoundMachine bound;
  hw::Machine& machine = bound.machine;
  machine.name = "timeloop";
  machine.bits = {16, 16, 16};
  std::size_t at = 0;
  for (std::size_t l = 0; l < levels.size(); ++l) {
    out.storage.emplace_back(levels[l], at);
    at += above[l];
  }
  for (std::size_t s = 0; s <= nest.levels.size(); ++s) {
    hw::Storage storage;
    storage.name = "between";
    for (const auto& [name, index] : out.storage)
      if (index == s) storage.name = name;
    bound.storage.push_back(storage);
    if (s == nest.levels.size()) break;
    hw::Network network;
    network.name = "from " + storage.name;
    network.psum = hw::PsumPolicy::Refetch;  // as Timeloop: what is continued is read again
    network.reduction = hw::Reduction::Tree;
    bound.network.push_back(network);
    machine.pes *= nest.levels[s].units;
  }
  out.mapping.layer = layer;
  out.mapping.nest = nest;
  out.mapping.machine = bound;
  return out;
}

}  // namespace counterpoint::timeloop
