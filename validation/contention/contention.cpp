// SPDX-License-Identifier: Apache-2.0
#include "validation/contention/contention.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>

#include "analytic/estimator.h"
#include "input/diagnostics.h"
#include "input/progress.h"
#include "sim/simulator.h"
#include "validation/processes.h"
#include "validation/text.h"

namespace counterpoint::validation {
namespace {

constexpr std::array<const char*, 4> kFlows = {"input", "weight", "psum", "output"};
constexpr std::array<const char*, 5> kCauses = {"port", "link", "head_of_line", "buffer_full",
                                                "arbitration"};
constexpr std::array<const char*, 6> kCycleCauses = {"added_latency",  "port_serialization",
                                                     "link_conflicts", "arbitration",
                                                     "full_buffers",   "head_of_line"};

template <class T>
std::vector<T> or_else(const std::vector<T>& some, T otherwise) {
  return some.empty() ? std::vector<T>{otherwise} : some;
}

std::string text(hw::Multicast m) {
  return m == hw::Multicast::None ? "none" : m == hw::Multicast::Tile ? "tile" : "word";
}
std::string text(hw::PortPlace p) {
  return p == hw::PortPlace::Corner ? "corner" : p == hw::PortPlace::Edge ? "edge" : "spread";
}
std::string text(hw::Planes p) {
  return p == hw::Planes::Shared       ? "shared"
         : p == hw::Planes::Directions ? "directions"
         : p == hw::Planes::Tensors    ? "tensors"
                                       : "channels";
}

// One port, at the root.
bool rooted(hw::Topology t) {
  return t == hw::Topology::Xy || t == hw::Topology::Tree || t == hw::Topology::FatTree;
}

std::string name_of(const hw::Network& n, const Sweep& s) {
  const hw::Fabric& f = n.fabric;
  std::string out = hw::topology_names()[static_cast<std::size_t>(n.topology)];
  const auto add = [&](bool varied, const std::string& what) {
    if (varied) out += ", " + what;
  };
  add(s.bandwidth.size() > 1,
      n.bandwidth.unlimited()
          ? "unlimited"
          : fmt::format("{:g} words/cycle", static_cast<double>(n.bandwidth.per_kcycle) / 1000));
  add(s.multicast.size() > 1, "multicast " + text(n.multicast));
  if (!hw::routed(n.topology)) return out;
  add(s.flit_bits.size() > 1, fmt::format("{} bit", f.flit_bits));
  add(s.vcs.size() > 1, fmt::format("{} vcs", f.vcs));
  add(s.buffer_depth.size() > 1, fmt::format("depth {}", f.buffer_depth));
  add(s.packet_words.size() > 1, fmt::format("{} words/packet", f.packet_words));
  if (!rooted(n.topology)) {
    add(s.ports.size() > 1, f.ports == 1 ? "1 port" : fmt::format("{} ports", f.ports));
    add(s.place.size() > 1, text(f.place));
  }
  add(s.clock.size() > 1, fmt::format("clock x{}", f.clock));
  add(s.collective.size() > 1, f.collective == hw::Collective::Path   ? "path"
                               : f.collective == hw::Collective::Tree ? "tree passing"
                                                                      : "fork");
  add(s.planes.size() > 1, text(f.planes));
  if (n.topology == hw::Topology::Mesh)
    add(s.west_first.size() > 1, f.west_first ? "west-first" : "dimension-order");
  add(s.oldest_first.size() > 1, f.oldest_first ? "oldest first" : "round-robin");
  return out;
}

Json stack_json(const stats::CycleStack& k) {
  return {{"startup", k.startup},       {"compute", k.compute}, {"level_above", k.level_above},
          {"bandwidth", k.bandwidth},   {"drain", k.drain},     {"latency", k.latency},
          {"contention", k.contention}, {"tail", k.tail}};
}

// Of one network instance: what its planes and links did.
Json use_json(const std::vector<sim::RoutedUse>& all, const hw::Network& n) {
  Json out = Json::array();
  for (const sim::RoutedUse& u : all) {
    if (u.network != n.name) continue;
    Json x;
    x["path"] = u.path;
    x["plane"] = u.plane;
    x["network_cycles"] = u.network_cycles;
    x["flit_hops"] = u.flit_hops;
    x["columns"] = u.columns;
    x["routers"] = u.routers.size();
    x["links"] = Json::array();
    for (const sim::RoutedLink& l : u.links)
      x["links"].push_back({{"name", l.name},
                            {"router", l.router},
                            {"to_router", l.to_router},
                            {"to_child", l.to_child},
                            {"to_port", l.to_port},
                            {"used", l.used},
                            {"stalled", l.stalled},
                            {"lost", l.lost},
                            {"idle", l.idle}});
    out.push_back(std::move(x));
  }
  return out;
}

double number(const Json& j, const char* key) {
  return j.contains(key) && j[key].is_number() ? j[key].get<double>() : 0;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

// Whole parts of `total` in proportion to `shares`, which sum to it: the largest rests get what
// rounding leaves. All to the first if there are no shares.
std::vector<std::int64_t> split(std::int64_t total, const std::vector<std::int64_t>& shares) {
  std::vector<std::int64_t> out(shares.size(), 0);
  std::int64_t sum = 0, given = 0;
  for (const std::int64_t s : shares) sum += s;
  if (sum == 0) {
    out[0] = total;
    return out;
  }
  std::vector<std::pair<double, std::size_t>> rests;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const long double part = static_cast<long double>(total) * static_cast<long double>(shares[i]) /
                             static_cast<long double>(sum);
    out[i] = static_cast<std::int64_t>(part);
    given += out[i];
    rests.emplace_back(-static_cast<double>(part - static_cast<long double>(out[i])), i);
  }
  std::sort(rests.begin(), rests.end());
  for (std::size_t i = 0; given < total; ++i, ++given) ++out[rests[i].second];
  return out;
}

// Packets' cycles by cause, and who waited for whose link, over all instances of the network.
struct Waits {
  std::array<std::array<std::int64_t, 4>, 4> any{}, link{};
  std::array<std::int64_t, 5> late{};
};
Waits waits_of(const sim::SimOutcome& outcome, const hw::Network& n) {
  Waits w;
  const std::vector<std::int64_t>* path = nullptr;
  for (const sim::RoutedUse& u : outcome.routed) {
    if (u.network != n.name) continue;
    for (std::size_t a = 0; a < 4; ++a)
      for (std::size_t b = 0; b < 4; ++b) {
        w.any[a][b] += u.waited[a][b];
        w.link[a][b] += u.link_waited[a][b];
      }
    if (path == nullptr || *path != u.path)  // the planes of an instance are counted together
      for (std::size_t c = 0; c < 5; ++c) w.late[c] += u.late[c];
    path = &u.path;
  }
  return w;
}

// Where the cycles above the pipe's go. Each run has more of the networks' details than the one
// before; a detail is charged what no later one wins back. docs/contention.md
void attribute_cycles(const workloads::Mapping& m, const hw::Network& network, std::int64_t full,
                      Json& j) {
  if (network.topology == hw::Topology::Bus) {
    // Both directions meet on one medium: what it costs against one for each.
    workloads::Mapping pipe = m;
    for (hw::Network& n : pipe.machine.network)
      if (n.name == network.name) n.topology = hw::Topology::Pipe;
    sim::SimOptions words_only;
    words_only.carry_data = false;
    const std::int64_t cycles = sim::simulate(pipe, words_only).result.cycles;
    j["pipe"] = std::min(cycles, full);
    j["excess"] = full - j["pipe"].get<std::int64_t>();
    for (const char* cause : kCycleCauses) j["causes"][cause] = 0;
    j["causes"]["link_conflicts"] = j["excess"];
    return;
  }
  const auto run = [&](sim::NetworkDetail detail) {
    sim::SimOptions less;
    less.carry_data = false;
    less.network_detail = detail;
    return sim::simulate(m, less);
  };
  const sim::SimOutcome links = run(sim::NetworkDetail::Links);
  std::array<std::int64_t, 6> cycles = {
      run(sim::NetworkDetail::Pipe).result.cycles,    run(sim::NetworkDetail::Ways).result.cycles,
      run(sim::NetworkDetail::Ports).result.cycles,   links.result.cycles,
      run(sim::NetworkDetail::Buffers).result.cycles, full};
  constexpr std::array<const char*, 6> kNames = {"pipe",  "ways",    "ports",
                                                 "links", "buffers", "all"};
  j["pipe"] = cycles[0];
  j["excess"] = full - cycles[0];
  for (std::size_t i = 0; i < 6; ++i) j["detail_cycles"][kNames[i]] = cycles[i];
  for (std::size_t i = 5; i > 0; --i) cycles[i - 1] = std::min(cycles[i - 1], cycles[i]);
  const Waits waits = waits_of(links, network);
  const std::vector<std::int64_t> shared =
      split(cycles[3] - cycles[2],
            {waits.late[1], waits.late[static_cast<std::size_t>(4)], waits.late[2]});
  j["causes"] = {{"added_latency", cycles[1] - cycles[0]},
                 {"port_serialization", cycles[2] - cycles[1]},
                 {"link_conflicts", shared[0]},
                 {"arbitration", shared[1]},
                 {"full_buffers", cycles[4] - cycles[3]},
                 {"head_of_line", shared[2] + cycles[5] - cycles[4]}};
  std::vector<std::int64_t> pairs;
  for (const auto& row : waits.link) pairs.insert(pairs.end(), row.begin(), row.end());
  const std::vector<std::int64_t> between = split(shared[0], pairs);
  Json named = Json::array();
  for (std::size_t a = 0; a < 4; ++a)
    for (std::size_t b = 0; b < 4; ++b)
      if (between[4 * a + b] > 0)
        named.push_back(
            {{"flow", kFlows[a]}, {"waited_for", kFlows[b]}, {"cycles", between[4 * a + b]}});
  j["link_conflicts_between"] = std::move(named);
}

// The instance with the busiest link.
const Json* busiest(const Json& point) {
  const Json* best = nullptr;
  double most = -1;
  if (!point.contains("networks")) return nullptr;
  for (const Json& n : point["networks"])
    for (const Json& l : n["links"])
      if (number(l, "used") > most) {
        most = number(l, "used");
        best = &n;
      }
  return best;
}

}  // namespace

std::vector<SweepPoint> points_of(const workloads::Mapping& mapping, std::size_t depth,
                                  const Sweep& s) {
  const hw::Network& given = mapping.machine.network.at(depth);
  std::vector<SweepPoint> out;
  std::set<std::string> seen;
  const auto add = [&](const hw::Network& n) {
    const std::string name = name_of(n, s);
    if (seen.insert(name).second) out.push_back({n, name});
  };
  const std::int64_t as_is = given.bandwidth.per_kcycle;
  for (const hw::Topology topology : or_else(s.topology, given.topology))
    for (const std::int64_t bandwidth : or_else(s.bandwidth, as_is))
      for (const hw::Multicast multicast : or_else(s.multicast, given.multicast))
        for (const int flit : or_else(s.flit_bits, given.fabric.flit_bits))
          for (const int vcs : or_else(s.vcs, given.fabric.vcs))
            for (const int depth_ : or_else(s.buffer_depth, given.fabric.buffer_depth))
              for (const int packet : or_else(s.packet_words, given.fabric.packet_words))
                for (const int ports : or_else(s.ports, given.fabric.ports))
                  for (const hw::PortPlace place : or_else(s.place, given.fabric.place))
                    for (const int clock : or_else(s.clock, given.fabric.clock))
                      for (const hw::Collective c :
                           or_else(s.collective, topology == given.topology
                                                     ? given.fabric.collective
                                                     : hw::usual_collective(topology)))
                        for (const hw::Planes planes : or_else(s.planes, given.fabric.planes)) {
                          hw::Network n = given;
                          n.topology = topology;
                          n.bandwidth.per_kcycle = bandwidth;
                          if (!s.bandwidth.empty()) n.bandwidth.bytes = false;
                          n.multicast = multicast;
                          if (topology != hw::Topology::Pipe || multicast != hw::Multicast::Word)
                            n.subtrees = {};  // a part of such pipes
                          if (topology != hw::Topology::Pipe) n.drain_lines = {};
                          n.fabric.flit_bits = flit;
                          n.fabric.vcs = vcs;
                          n.fabric.buffer_depth = depth_;
                          n.fabric.packet_words = packet;
                          n.fabric.ports = s.ports.size() > 1 && rooted(topology) ? 1 : ports;
                          n.fabric.place = place;
                          n.fabric.clock = clock;
                          n.fabric.collective = c;
                          n.fabric.planes = planes;
                          for (const int west :
                               or_else(s.west_first, given.fabric.west_first ? 1 : 0))
                            for (const int old :
                                 or_else(s.oldest_first, given.fabric.oldest_first ? 1 : 0)) {
                              // Only a mesh has a choice of ways.
                              n.fabric.west_first = west == 1 && (topology == hw::Topology::Mesh ||
                                                                  s.west_first.size() == 1);
                              n.fabric.oldest_first = old == 1;
                              add(n);
                            }
                        }
  return out;
}

Json run_point(const workloads::Mapping& mapping, std::size_t depth, const SweepPoint& point,
               bool carry_data, bool attribute) {
  workloads::Mapping m = mapping;
  m.machine.network[depth] = point.network;
  Json j;
  j["network"] = point.name;
  j["topology"] = hw::topology_names()[static_cast<std::size_t>(point.network.topology)];
  try {
    const stats::LayerResult estimate = analytic::estimate(m);
    j["estimate"] = estimate.cycles;
    sim::SimOptions options;
    options.carry_data = carry_data;
    const sim::SimOutcome full = sim::simulate(m, options);
    j["cycles"] = full.result.cycles;
    j["slowdown"] = static_cast<double>(full.result.cycles) /
                    static_cast<double>(std::max<std::int64_t>(estimate.cycles, 1));
    j["functional"] = full.functional == sim::Functional::Equal      ? "equal"
                      : full.functional == sim::Functional::Mismatch ? "mismatch"
                                                                     : "not-checked";
    j["stack"] = stack_json(full.result.stack);
    if (attribute) attribute_cycles(m, point.network, full.result.cycles, j);
    const Waits waits = waits_of(full, point.network);
    std::int64_t wires = 0, buffer_bits = 0;
    for (const sim::RoutedUse& u : full.routed) {
      if (u.network != point.network.name) continue;
      const hw::Fabric& f = point.network.fabric;
      const int vcs = f.collective == hw::Collective::Fork ? 1 : f.vcs;
      for (const sim::RoutedLink& l : u.links) {
        wires += f.flit_bits;
        if (l.to_router >= 0 || l.to_child >= 0 || l.to_port >= 0)
          buffer_bits += std::int64_t{f.flit_bits} * vcs * f.buffer_depth;
      }
    }
    if (hw::routed(point.network.topology)) {
      Json w = Json::object();
      for (std::size_t a = 0; a < 4; ++a)
        for (std::size_t b = 0; b < 4; ++b)
          if (waits.any[a][b] > 0) w[kFlows[a]][kFlows[b]] = waits.any[a][b];
      j["waited"] = std::move(w);
      Json l = Json::object();
      for (std::size_t c = 0; c < 5; ++c) l[kCauses[c]] = waits.late[c];
      j["packets_late"] = std::move(l);
      j["wire_bits"] = wires;
      j["buffer_bits"] = buffer_bits;
      j["networks"] = use_json(full.routed, point.network);
    }
  } catch (const std::exception& e) {
    j["error"] = e.what();
  }
  return j;
}

ContentionResult run_contention(const ContentionRun& run) {
  ContentionResult result;
  result.points.resize(run.points.size());
  std::ofstream journal;
  const std::string head = Json{{"contention", run.fingerprint}}.dump();
  if (!run.journal.empty()) {
    bool keep = false;
    if (run.resume) {
      std::ifstream in(run.journal);
      std::string line;
      if (std::getline(in, line)) {
        if (line != head)
          throw input::InputError(fmt::format(
              "{} is of other inputs: remove it, or run what it was begun with", run.journal));
        keep = true;
        while (std::getline(in, line)) {
          const Json j = Json::parse(line, nullptr, false);
          if (j.is_discarded() || !j.contains("point")) continue;  // the end of an interrupted one
          const std::size_t i = j["point"].get<std::size_t>();
          if (i < result.points.size()) result.points[i] = j["result"];
        }
      }
    }
    journal.open(run.journal, keep ? std::ios::app : std::ios::trunc);
    if (!keep) journal << head << "\n" << std::flush;
    if (!journal) throw input::InputError(fmt::format("cannot write {}", run.journal));
  }
  std::size_t next = 0;
  const auto begun = static_cast<double>(std::count_if(result.points.begin(), result.points.end(),
                                                       [](const Json& p) { return !p.is_null(); }));
  input::ProgressLine progress("points", static_cast<double>(run.points.size()), begun);
  Pool pool;
  pool.jobs = run.jobs;
  pool.next = [&]() -> std::optional<std::size_t> {
    while (next < run.points.size() && !result.points[next].is_null()) ++next;
    if (next == run.points.size()) return std::nullopt;
    return next++;
  };
  pool.work = [&](std::size_t i, const Write& write) {
    write(run_point(*run.mapping, run.depth, run.points[i], run.carry_data, run.attribute).dump());
  };
  pool.finished = [&](std::size_t i, Ended ended) {
    Json j = Json::parse(ended.text, nullptr, false);
    if (!ended.ok || j.is_discarded())
      j = {{"network", run.points[i].name}, {"error", "the simulation " + ended.how()}};
    if (journal.is_open())
      journal << Json{{"point", i}, {"result", j}}.dump() << "\n" << std::flush;
    result.points[i] = std::move(j);
    progress.advance(1);
    return true;
  };
  pool.tick = [&] {
    progress.advance(0);
    return true;
  };
  result.interrupted = run_pool(pool);
  return result;
}

int recommended(const std::vector<Json>& points) {
  double best = 0;
  for (const Json& p : points)
    if (p.contains("wire_bits") && (best == 0 || number(p, "cycles") < best))
      best = number(p, "cycles");
  int choice = -1;
  double least = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Json& p = points[i];
    if (!p.contains("wire_bits") || number(p, "cycles") > 1.05 * best) continue;
    const double cost = number(p, "wire_bits") + number(p, "buffer_bits");
    if (choice < 0 || cost < least) {
      choice = static_cast<int>(i);
      least = cost;
    }
  }
  return choice;
}

std::string contention_table(const std::vector<Json>& points) {
  std::size_t width = 8;
  for (const Json& p : points) width = std::max(width, p.value("network", "").size());
  std::string out =
      fmt::format("{:<{}} {:>12} {:>12} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7} {:>13}\n",
                  "network", width, "estimate", "simulated", "slower", "latency", "ports", "links",
                  "arbiter", "buffers", "blocking", "busiest", "wires+buffers");
  for (const Json& p : points) {
    if (p.contains("error")) {
      out +=
          fmt::format("{:<{}} {}\n", p.value("network", ""), width, p["error"].get<std::string>());
      continue;
    }
    const auto cause = [&](const char* key) -> std::string {
      return p.contains("causes") ? fmt::format("{}", p["causes"][key].get<std::int64_t>()) : "-";
    };
    double share = 0;
    if (p.contains("networks"))
      for (const Json& n : p["networks"])
        for (const Json& l : n["links"])
          share = std::max(share, number(l, "used") / std::max(1.0, number(n, "network_cycles")));
    out += fmt::format(
        "{:<{}} {:>12} {:>12} {:>7.2f}x {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7} {:>13}\n",
        p.value("network", ""), width, p["estimate"].get<std::int64_t>(),
        p["cycles"].get<std::int64_t>(), number(p, "slowdown"), cause("added_latency"),
        cause("port_serialization"), cause("link_conflicts"), cause("arbitration"),
        cause("full_buffers"), cause("head_of_line"),
        p.contains("networks") ? fmt::format("{:.0f} %", 100 * share) : "-",
        p.contains("wire_bits")
            ? fmt::format("{:.1f} kbit", (number(p, "wire_bits") + number(p, "buffer_bits")) / 1000)
            : "-");
  }
  return out;
}

std::string contention_csv(const std::vector<Json>& points) {
  std::string out =
      "network,topology,estimate,cycles,slowdown,pipe,excess,added_latency,port_serialization,"
      "link_conflicts,arbitration,full_buffers,head_of_line,startup,compute,level_above,bandwidth,"
      "drain,"
      "latency,"
      "contention,tail,wire_bits,buffer_bits,functional,error\n";
  for (const Json& p : points) {
    out += quoted(p.value("network", "")) + "," + p.value("topology", "");
    const auto cell = [&](const Json& of, const char* key) {
      out += ",";
      if (of.contains(key)) out += of[key].dump();
    };
    for (const char* key : {"estimate", "cycles", "slowdown", "pipe", "excess"}) cell(p, key);
    const Json none = Json::object();
    const Json& causes = p.contains("causes") ? p["causes"] : none;
    for (const char* key : kCycleCauses) cell(causes, key);
    const Json& stack = p.contains("stack") ? p["stack"] : none;
    for (const char* key : {"startup", "compute", "level_above", "bandwidth", "drain", "latency",
                            "contention", "tail"})
      cell(stack, key);
    for (const char* key : {"wire_bits", "buffer_bits"}) cell(p, key);
    out += "," + p.value("functional", "") + "," +
           (p.contains("error") ? quoted(p["error"].get<std::string>()) : "") + "\n";
  }
  return out;
}

std::string links_csv(const std::vector<Json>& points) {
  std::string out = "point,network,unit,plane,link,used,stalled,lost,idle\n";
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!points[i].contains("networks")) continue;
    for (const Json& n : points[i]["networks"]) {
      std::string unit;  // whose children the network serves
      for (const Json& p : n["path"]) unit += (unit.empty() ? "" : ".") + p.dump();
      for (const Json& l : n["links"])
        out += fmt::format(
            "{},{},{},{},{},{},{},{},{}\n", i + 1, quoted(points[i].value("network", "")), unit,
            quoted(n["plane"].get<std::string>()), quoted(l["name"].get<std::string>()),
            l["used"].dump(), l["stalled"].dump(), l["lost"].dump(), l["idle"].dump());
    }
  }
  return out;
}

std::string link_map(const Json& point) {
  const Json* n = busiest(point);
  if (n == nullptr) return "";
  const double cycles = std::max(1.0, number(*n, "network_cycles"));
  std::string out = fmt::format("{}: links of {}\n", point.value("network", ""),
                                (*n)["plane"].get<std::string>() == "all"
                                    ? std::string("the network")
                                    : "plane '" + (*n)["plane"].get<std::string>() + "'");
  if (point.contains("stack")) {
    out += "  cycle stack:";
    for (const auto& [name, spent] : point["stack"].items())
      if (spent.get<std::int64_t>() > 0)
        out += fmt::format(" {} {}", name, spent.get<std::int64_t>());
    out += "\n";
  }
  std::vector<const Json*> links;
  for (const Json& l : (*n)["links"]) links.push_back(&l);
  const int columns = (*n)["columns"].get<int>();
  const std::size_t routers = (*n)["routers"].get<std::size_t>();
  if (columns > 0 && columns <= 32) {
    // Per router the busiest link that leaves it, in percent.
    std::vector<double> most(routers, 0);
    for (const Json* l : links) {
      double& m = most[(*l)["router"].get<std::size_t>()];
      m = std::max(m, number(*l, "used") / cycles);
    }
    out += "  the busiest link out of each router, percent of the time in use\n";
    for (std::size_t r = 0; r < routers; ++r) {
      out += fmt::format("{:>5.0f}", 100 * most[r]);
      if ((r + 1) % static_cast<std::size_t>(columns) == 0) out += "\n";
    }
    if (routers % static_cast<std::size_t>(columns) != 0) out += "\n";
  }
  std::stable_sort(links.begin(), links.end(), [](const Json* a, const Json* b) {
    return number(*a, "used") > number(*b, "used");
  });
  out += fmt::format("  {:<28} {:>8} {:>9} {:>8} {:>8}\n", "busiest links", "used", "stalled",
                     "lost", "idle");
  for (std::size_t i = 0; i < std::min<std::size_t>(links.size(), 8); ++i) {
    const Json& l = *links[i];
    out += fmt::format("  {:<28} {:>6.1f} % {:>7.1f} % {:>6.1f} % {:>6.1f} %\n",
                       l["name"].get<std::string>(), 100 * number(l, "used") / cycles,
                       100 * number(l, "stalled") / cycles, 100 * number(l, "lost") / cycles,
                       100 * number(l, "idle") / cycles);
  }
  if (point.contains("link_conflicts_between") && !point["link_conflicts_between"].empty()) {
    out += "  cycles of the run that link conflicts cost, by who waited for whom:\n";
    for (const Json& c : point["link_conflicts_between"])
      out += fmt::format("    {} for {}: {}\n", c["flow"].get<std::string>(),
                         c["waited_for"].get<std::string>(), c["cycles"].get<std::int64_t>());
  }
  if (point.contains("waited") && !point["waited"].empty()) {
    out += "  cycles that packets waited for a link which another had:\n";
    for (const auto& [flow, others] : point["waited"].items())
      for (const auto& [other, waited] : others.items())
        out += fmt::format("    {} for {}: {}\n", flow, other, waited.get<std::int64_t>());
  }
  return out;
}

namespace {
std::string plotted(const std::string& text) {  // in gnuplot's double quotes
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '_' || c == '^' || c == '{' || c == '}' || c == '@')
      out += "\\";
    out += c;
  }
  return out;
}
}  // namespace

std::string curve_script(const std::vector<Json>& points, const std::string& file) {
  std::string out = fmt::format(
      "set terminal svg size 900,{} enhanced background '#ffffff' font 'DejaVu Sans,12'\n"
      "set output {}\nset style data histograms\nset style histogram rowstacked\n"
      "set style fill solid noborder\nset boxwidth 0.8\nset key outside top center horizontal\n"
      "set ylabel 'cycles'\nset yrange [0:*]\nset xtics rotate by -35\nset grid ytics\n"
      "set format y '%.1s%c'\n$data << EOD\n",
      560, gnuplot_quoted(file));
  for (const Json& p : points) {
    if (p.contains("error") || p.is_null()) continue;
    out += "\"" + plotted(p.value("network", "")) + "\"";
    const bool causes = p.contains("causes");
    out += fmt::format(" {:.0f}", causes ? number(p, "pipe") : number(p, "cycles"));
    for (const char* key : kCycleCauses)
      out += fmt::format(" {:.0f}", causes ? number(p["causes"], key) : 0.0);
    out += "\n";
  }
  out += "EOD\n";
  out +=
      "plot $data using 2:xtic(1) title 'as a pipe' lc rgb '#0072b2', "
      "'' using 3 title 'added latency' lc rgb '#56b4e9', "
      "'' using 4 title 'ports' lc rgb '#e69f00', '' using 5 title 'links' lc rgb '#d55e00', "
      "'' using 6 title 'arbitration' lc rgb '#f0e442', "
      "'' using 7 title 'full buffers' lc rgb '#cc79a7', "
      "'' using 8 title 'blocking' lc rgb '#8d99a8'\n";
  return out;
}

std::string map_script(const Json& point, const std::string& file) {
  const Json* n = busiest(point);
  if (n == nullptr) return "";
  const int columns = (*n)["columns"].get<int>();
  const double cycles = std::max(1.0, number(*n, "network_cycles"));
  std::vector<const Json*> most;
  for (const Json& l : (*n)["links"]) most.push_back(&l);
  std::stable_sort(most.begin(), most.end(), [](const Json* a, const Json* b) {
    return number(*a, "used") > number(*b, "used");
  });
  most.resize(std::min<std::size_t>(most.size(), columns > 0 ? 14 : 32));
  std::string bars =
      "reset\nset title 'the busiest links'\nset yrange [0:100]\nset ylabel 'percent of the time'\n"
      "set style data histograms\nset style histogram rowstacked\nset style fill solid noborder\n"
      "set boxwidth 0.8\nset xtics rotate by -50 font ',9'\nset key below\n$bars << EOD\n";
  for (const Json* l : most)
    bars += fmt::format("\"{}\" {:.3f} {:.3f} {:.3f} {:.3f}\n",
                        plotted((*l)["name"].get<std::string>()), 100 * number(*l, "used") / cycles,
                        100 * number(*l, "stalled") / cycles, 100 * number(*l, "lost") / cycles,
                        100 * number(*l, "idle") / cycles);
  bars +=
      "EOD\nplot $bars using 2:xtic(1) title 'used' lc rgb '#0072b2', '' using 3 title 'stalled' "
      "lc rgb '#cc79a7', '' using 4 title 'lost' lc rgb '#e69f00', '' using 5 title 'idle' lc rgb "
      "'#e8ecef'\n";
  if (columns <= 0)
    return fmt::format(
               "set terminal svg size 900,560 enhanced background '#ffffff' font 'DejaVu Sans,12'\n"
               "set output {}\n",
               gnuplot_quoted(file)) +
           bars;
  std::string out = fmt::format(
      "set terminal svg size 1180,620 enhanced background '#ffffff' font 'DejaVu Sans,12'\n"
      "set output {}\nset multiplot\nset origin 0,0\nset size 0.58,1\n"
      "set title \"{}: use of the links\"\n"
      "set palette defined (0 '#e2eefa', 0.5 '#0072b2', 1 '#d55e00')\nset cbrange [0:100]\n"
      "set cblabel 'percent of the time'\n",
      gnuplot_quoted(file), plotted(point.value("network", "")));
  const int rows = static_cast<int>(
      ((*n)["routers"].get<std::size_t>() + static_cast<std::size_t>(columns) - 1) /
      static_cast<std::size_t>(columns));
  out += fmt::format(
      "set size ratio -1\nset xrange [-0.8:{}.8]\nset yrange [{}.8:-0.8]\nunset key\n"
      "unset border\nunset tics\n$links << EOD\n",
      columns - 1, std::max(rows - 1, 0));
  std::string routers = "$routers << EOD\n";
  std::vector<double> local((*n)["routers"].get<std::size_t>(), 0);
  for (const Json& l : (*n)["links"]) {
    const int from = l["router"].get<int>(), to = l["to_router"].get<int>();
    const double share = 100 * number(l, "used") / cycles;
    if (to < 0) {
      local[static_cast<std::size_t>(from)] =
          std::max(local[static_cast<std::size_t>(from)], share);
      continue;
    }
    const double x = from % columns, y = from / columns;
    double dx = to % columns - x, dy = to / columns - y;
    const double length = std::max(1.0, std::max(std::abs(dx), std::abs(dy)));
    if (length > 1) {  // links around: stubs
      dx = -dx / length * 0.5;
      dy = -dy / length * 0.5;
    }
    // Both directions side by side.
    out += fmt::format("{:.3f} {:.3f} {:.3f} {:.3f} {:.3f}\n", x + 0.22 * dx - 0.08 * dy,
                       y + 0.22 * dy + 0.08 * dx, 0.56 * dx, 0.56 * dy, share);
  }
  for (std::size_t r = 0; r < local.size(); ++r)
    routers += fmt::format("{} {} {:.3f}\n", static_cast<int>(r) % columns,
                           static_cast<int>(r) / columns, local[r]);
  out += "EOD\n" + routers + "EOD\n";
  out +=
      "plot $links using 1:2:3:4:5 with vectors head filled size 0.1,25 lw 4 lc palette, "
      "$routers using 1:2:3 with points pt 5 ps 2.2 lc palette\n";
  // The bars, beside it; `reset` keeps the multiplot.
  out += bars.substr(0, 6) + "set origin 0.6,0\nset size 0.4,1\n" + bars.substr(6);
  return out + "unset multiplot\n";
}

}  // namespace counterpoint::validation
