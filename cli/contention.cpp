// SPDX-License-Identifier: Apache-2.0
// One layer on many networks: what a pipe hides.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "cli/options.h"
#include "cli/plot.h"
#include "input/diagnostics.h"
#include "validation/contention/contention.h"
#include "workloads/mapping.h"
#include "workloads/network_file.h"

namespace counterpoint::cli {
namespace {

std::vector<std::string> parts(const std::string& list) {
  std::vector<std::string> out(1);
  for (const char c : list) {
    if (c == ',')
      out.emplace_back();
    else if (c != ' ')
      out.back() += c;
  }
  return out;
}

template <class T>
std::vector<T> choices(const po::variables_map& values, const char* option,
                       const std::vector<std::string>& names) {
  std::vector<T> out;
  if (values.count(option) == 0) return out;
  for (const std::string& part : parts(values[option].as<std::string>())) {
    const auto found = std::find(names.begin(), names.end(), part);
    if (found == names.end()) {
      std::string all;
      for (const std::string& n : names) all += (all.empty() ? "" : ", ") + n;
      const std::string nearest = input::did_you_mean(part, names);
      throw UsageError(fmt::format("--{}: '{}' is none of {}{}", option, part, all,
                                   nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
    }
    out.push_back(static_cast<T>(found - names.begin()));
  }
  return out;
}

std::vector<int> numbers(const po::variables_map& values, const char* option, int least, int most,
                         const char* unlimited = nullptr) {
  std::vector<int> out;
  if (values.count(option) == 0) return out;
  for (const std::string& part : parts(values[option].as<std::string>())) {
    if (unlimited != nullptr && part == unlimited) {
      out.push_back(0);
      continue;
    }
    char* end = nullptr;
    const long n = std::strtol(part.c_str(), &end, 10);
    if (part.empty() || *end != '\0' || n < least || n > most)
      throw UsageError(
          fmt::format("--{}: '{}' is not a number from {} to {}", option, part, least, most));
    out.push_back(static_cast<int>(n));
  }
  return out;
}

// The network of the sweep: by name, or the first that has several children.
std::size_t level_of(const workloads::Mapping& m, const po::variables_map& values) {
  const auto& networks = m.machine.network;
  if (values.count("at") != 0) {
    const std::string name = values["at"].as<std::string>();
    std::vector<std::string> names;
    for (std::size_t i = 0; i < networks.size(); ++i) {
      if (networks[i].name == name) return i;
      names.push_back(networks[i].name);
    }
    std::string all;
    for (const std::string& n : names) all += (all.empty() ? "'" : ", '") + n + "'";
    throw UsageError(fmt::format("--at: there is no network '{}'; there are {}", name, all));
  }
  for (std::size_t i = 0; i < networks.size(); ++i)
    if (m.nest.levels[i].units > 1) return i;
  throw input::InputError("no network has several children: there is nothing to route");
}

// What a machine file must not have together, no study may.
void check_only_pipes(const workloads::Mapping& mapping, std::size_t depth,
                      const std::vector<hw::Topology>& wanted) {
  const hw::BoundMachine& m = mapping.machine;
  const bool others = std::any_of(wanted.begin(), wanted.end(),
                                  [](hw::Topology t) { return t != hw::Topology::Pipe; });
  if (!others) return;
  if (m.storage[1].banks > 0)
    throw input::InputError(fmt::format(
        "machine '{}': the flows of '{}' take turns at its ports ('ports', 'banks'), which they "
        "can "
        "only where all networks are pipes: take that out of the machine, or --topology pipe",
        m.machine.name, m.storage[1].name));
  if (depth < 2 && !(m.storage[1].holds[0] && m.storage[1].holds[1]))
    throw input::InputError(fmt::format(
        "machine '{}': what '{}' does not hold ('holds') passes it by on pipes only: take that out "
        "of the machine, or --topology pipe, or vary a network further in (--at)",
        m.machine.name, m.storage[1].name));
}

}  // namespace

int contention(const std::vector<std::string>& args) {
  po::options_description options("Options");
  add_input_options(options);
  const auto text = [](const char* name) { return po::value<std::string>()->value_name(name); };
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  options.add_options()("at", text("NETWORK"),
                        "which network is varied, by name (the first with several children)")(
      "topology,t", text("LIST"),
      "pipe, bus, mesh, torus, hierarchical, crossbar, xy, tree, fat-tree, chain, point-to-point")(
      "bandwidth", text("LIST"), "of the ports, words per cycle (or unlimited)")(
      "flit-bits", text("LIST"), "payload of a flit")("vcs", text("LIST"), "virtual channels")(
      "buffer-depth", text("LIST"), "flits per virtual channel")("packet-words", text("LIST"),
                                                                 "most words of a packet")(
      "ports", text("LIST"), "ports of the level above")("place", text("LIST"),
                                                         "of the ports: corner, edge, spread")(
      "clock", text("LIST"), "network cycles per cycle (or unlimited)")("multicast", text("LIST"),
                                                                        "none, tile, word")(
      "collective", text("LIST"), "path, tree, fork")("planes", text("LIST"),
                                                      "shared, directions, tensors, channels")(
      "routing", text("LIST"), "dimension-order, west-first (mesh)")("arbiter", text("LIST"),
                                                                     "round-robin, oldest")(
      "no-causes", po::bool_switch(), "one simulation per point: no attribution of the cycles")(
      "no-data", po::bool_switch(), "move words without values: no functional check")(
      "jobs,j", po::value<int>()->default_value(cores)->value_name("N"), "points at a time")(
      "format,f", po::value<std::string>()->default_value("table")->value_name("FORMAT"),
      "table, csv or json")("out,o", text("FILE"),
                            "write there; finished points are kept in FILE.partial until the end")(
      "links", text("FILE"), "write the cycles of every link of every point there, as CSV")(
      "resume", po::bool_switch(), "go on where an interrupted run with --out stopped")(
      "svg", text("PREFIX"),
      "PREFIX-cycles.svg: every point with its causes; PREFIX-N.svg: the links of point N "
      "(gnuplot)");
  const auto values = parse(
      "contention", "--machine M --network N [--dataflow D] --layers LAYER [OPTIONS]",
      "  counterpoint contention -m edge256 -n squeezenet1_1 -d kc_p -l fire8_e3 -t "
      "pipe,mesh,xy\n"
      "  counterpoint contention -m small -n squeezenet1_1 -d x_p -l fire8_e1 -t mesh --ports "
      "1,2,4 --place spread --no-causes --svg mesh\n",
      options, args);
  if (!values) return kAgree;
  const std::string format = (*values)["format"].as<std::string>();
  if (format != "table" && format != "csv" && format != "json")
    throw UsageError(fmt::format("--format {}: it is table, csv or json", format));
  validation::ContentionRun run;
  run.jobs = (*values)["jobs"].as<int>();
  if (run.jobs < 1 || run.jobs > 1024) throw UsageError("--jobs takes a number from 1 to 1024");
  run.resume = (*values)["resume"].as<bool>();
  const std::string out = values->count("out") != 0 ? (*values)["out"].as<std::string>() : "";
  if (run.resume && out.empty())
    throw UsageError("--resume needs --out: it goes on with FILE.partial");
  run.attribute = !(*values)["no-causes"].as<bool>();
  run.carry_data = !(*values)["no-data"].as<bool>();

  validation::Sweep sweep;
  sweep.topology = choices<hw::Topology>(*values, "topology", hw::topology_names());
  sweep.multicast = choices<hw::Multicast>(*values, "multicast", {"none", "tile", "word"});
  sweep.place = choices<hw::PortPlace>(*values, "place", {"corner", "edge", "spread"});
  sweep.collective = choices<hw::Collective>(*values, "collective", {"path", "tree", "fork"});
  sweep.planes =
      choices<hw::Planes>(*values, "planes", {"shared", "directions", "tensors", "channels"});
  sweep.west_first = choices<int>(*values, "routing", {"dimension-order", "west-first"});
  sweep.oldest_first = choices<int>(*values, "arbiter", {"round-robin", "oldest"});
  sweep.flit_bits = numbers(*values, "flit-bits", 1, 65536);
  sweep.vcs = numbers(*values, "vcs", 1, 16);
  sweep.buffer_depth = numbers(*values, "buffer-depth", 1, 4096);
  sweep.packet_words = numbers(*values, "packet-words", 1, 1 << 20);
  sweep.ports = numbers(*values, "ports", 1, 64);
  sweep.clock = numbers(*values, "clock", 1, 1024, "unlimited");
  for (const int words : numbers(*values, "bandwidth", 1, 1 << 20, "unlimited"))
    sweep.bandwidth.push_back(std::int64_t{words} * 1000);

  const Inputs in = read_inputs(*values);
  if (in.layers.size() != 1)
    throw UsageError(
        fmt::format("contention looks at one layer and {} are selected: choose one with --layers",
                    in.layers.size()));
  const workloads::NetworkLayer& layer = *in.layers.front();
  if (!layer.modelled)
    throw input::InputError(
        fmt::format("layer '{}': not modelled: {}", layer.layer.name, layer.not_modelled_reason));
  std::string refused;
  const workloads::Dataflow* flow =
      workloads::dataflow_of(layer, in.dataflow ? &*in.dataflow : nullptr, refused);
  if (flow == nullptr)
    throw input::InputError(fmt::format("layer '{}': {}", layer.layer.name, refused));
  const workloads::BindResult bound =
      workloads::bind(layer.layer, *flow, in.machine, {(*values)["waive-capacity"].as<bool>()});
  if (!bound.mapping) throw input::InputError(bound.diagnostics);
  run.mapping = &*bound.mapping;
  run.depth = level_of(*bound.mapping, *values);
  if (sweep.topology.empty() && !hw::routed(bound.mapping->machine.network[run.depth].topology))
    sweep.topology = {hw::Topology::Pipe, hw::Topology::Mesh, hw::Topology::Xy, hw::Topology::Tree};
  check_only_pipes(*bound.mapping, run.depth, sweep.topology);
  run.points = validation::points_of(*bound.mapping, run.depth, sweep);
  if (!out.empty()) {
    run.journal = out + ".partial";
    run.fingerprint = in.fingerprint;
    for (const validation::SweepPoint& p : run.points) run.fingerprint += "; " + p.name;
    run.fingerprint += fmt::format("; {} {} {}", run.depth, run.carry_data, run.attribute);
    for (const char* option :
         {"bandwidth", "flit-bits", "vcs", "buffer-depth", "packet-words", "ports", "place",
          "clock", "multicast", "collective", "planes", "routing", "arbiter"})
      run.fingerprint +=
          "; " + (values->count(option) != 0 ? (*values)[option].as<std::string>() : "");
  }
  const validation::ContentionResult result = validation::run_contention(run);
  std::vector<validation::Json> points;
  for (const validation::Json& p : result.points)
    if (!p.is_null()) points.push_back(p);
  const int best = validation::recommended(points);

  std::string report;
  if (format == "csv") {
    report = validation::contention_csv(points);
  } else if (format == "json") {
    validation::Json j;
    j["schema"] = "counterpoint-contention/1";
    j["version"] = kVersion;
    j["machine"] = in.machine.name;
    j["network"] = in.network.name;
    j["layer"] = layer.layer.name;
    j["at"] = bound.mapping->machine.network[run.depth].name;
    j["points"] = points;
    if (best >= 0)
      j["cheapest_within_5_percent"] = points[static_cast<std::size_t>(best)]["network"];
    report = j.dump(1) + "\n";
  } else {
    report = fmt::format("{} on {}: network '{}' with {} children\n\n", layer.layer.name,
                         in.machine.name, bound.mapping->machine.network[run.depth].name,
                         bound.mapping->nest.levels[run.depth].units) +
             validation::contention_table(points);
    if (best >= 0) {
      report += fmt::format(
          "\ncheapest routed network (wires and buffers) within 5 % of the quickest: {}\n\n",
          points[static_cast<std::size_t>(best)]["network"].get<std::string>());
      report += validation::link_map(points[static_cast<std::size_t>(best)]);
    }
  }
  if (!out.empty()) {
    std::ofstream file(out, std::ios::binary);
    file << report;
    file.close();
    if (!file) throw input::InputError(fmt::format("cannot write {}", out));
    if (!result.interrupted) std::remove(run.journal.c_str());
  } else {
    print(report);
  }
  if (values->count("links") != 0) {
    const std::string links = (*values)["links"].as<std::string>();
    std::ofstream file(links, std::ios::binary);
    file << validation::links_csv(points);
    file.close();
    if (!file) throw input::InputError(fmt::format("cannot write {}", links));
  }
  if (values->count("svg") != 0) {
    const std::string prefix = (*values)["svg"].as<std::string>();
    draw(validation::curve_script(points, prefix + "-cycles.svg"), prefix + "-cycles.svg", "--svg");
    for (std::size_t i = 0; i < points.size(); ++i) {
      const std::string file = fmt::format("{}-{}.svg", prefix, i + 1);
      const std::string script = validation::map_script(points[i], file);
      if (!script.empty()) draw(script, file, "--svg");
    }
  }
  if (result.interrupted) {
    std::fprintf(stderr, "counterpoint: interrupted after %zu of %zu points%s\n", points.size(),
                 run.points.size(), out.empty() ? "" : "; --resume goes on from here");
    return kInterrupted;
  }
  for (const validation::Json& p : points)
    if (p.contains("error") || p.value("functional", "") == "mismatch") return kDisagree;
  return kAgree;
}

}  // namespace counterpoint::cli
