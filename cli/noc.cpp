// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/options.h"
#include "cli/plot.h"
#include "input/diagnostics.h"
#include "input/progress.h"
#include "sim/noc/network_file.h"
#include "validation/text.h"

namespace counterpoint::cli {
namespace {

using namespace sim::noc;
using Json = nlohmann::ordered_json;

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw input::InputError(fmt::format("cannot read '{}'", path));
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.flush();
  if (!out) throw std::runtime_error(fmt::format("cannot write '{}'", path));
}

constexpr double kSaturation = 0.005;       // how exactly the limit is found
constexpr std::size_t kSaturationRuns = 9;  // 8 halvings until then, and the overload

// "0.1", "0.1,0.2" or "FROM:TO:STEP".
std::vector<double> loads_of(const std::string& text) {
  const auto refuse = [&]() -> double {
    throw UsageError(
        fmt::format("--load {}: numbers above 0 between commas, or FROM:TO:STEP", text));
  };
  const auto number = [&](const std::string& word) {
    std::size_t used = 0;
    double value = 0;
    try {
      value = std::stod(word, &used);
    } catch (const std::exception&) {
      return refuse();
    }
    return used == word.size() && value > 0 && value < 1e6 ? value : refuse();
  };
  std::vector<std::string> words(1);
  const char separator = text.find(':') != std::string::npos ? ':' : ',';
  for (const char c : text)
    if (c == separator)
      words.emplace_back();
    else
      words.back() += c;
  std::vector<double> values;
  for (const std::string& w : words) values.push_back(number(w));
  if (separator == ',') return values;
  if (values.size() != 3 || values[1] < values[0] || (values[1] - values[0]) / values[2] > 1000)
    refuse();
  std::vector<double> out;
  for (int i = 0; values[0] + i * values[2] < values[1] + values[2] * 1e-6; ++i)
    out.push_back(values[0] + i * values[2]);
  return out;
}

std::string place(const Topology& t, const Link& l) {
  const std::string from = "(" + t.routers[static_cast<std::size_t>(l.router)].name + ")";
  if (l.to_node >= 0) return from + " > node " + std::to_string(l.to_node);
  return from + " > (" + t.routers[static_cast<std::size_t>(l.to_router)].name + ")";
}

double share(std::int64_t part, std::int64_t cycles) {
  return cycles == 0 ? 0 : static_cast<double>(part) / static_cast<double>(cycles);
}

// Every router with its four links, in percent of the cycles in which they were used.
std::string heat_map(const Topology& t, const std::vector<Link>& links,
                     const std::vector<LinkUse>& use, std::int64_t cycles) {
  std::string out = "links used, % of the cycles:\n";
  if (t.columns == 0 || links.empty()) return {};
  const int rows = static_cast<int>(t.routers.size()) / t.columns;
  const auto percent = [&](int from, int to) {
    for (std::size_t i = 0; i < links.size(); ++i)
      if (links[i].router == from && links[i].to_router == to)
        return fmt::format("{:.0f}", 100 * share(use[i].used, cycles));
    return std::string();
  };
  for (int y = 0; y < rows; ++y) {
    std::string line, below;
    for (int x = 0; x < t.columns; ++x) {
      const int r = y * t.columns + x;
      line += "[]";
      if (x + 1 < t.columns)
        line += fmt::format(" {:>3}> <{:<3} ", percent(r, r + 1), percent(r + 1, r));
      if (y + 1 < rows)
        below += fmt::format("{:<13}",
                             "v" + percent(r, r + t.columns) + " ^" + percent(r + t.columns, r));
    }
    out += "  " + line + "\n";
    if (!below.empty()) out += "  " + below + "\n";
  }
  return out;
}

// The used part of every link between routers as a picture: an arrow per direction, from pale to
// dark red.
std::string svg(const Topology& t, const std::vector<Link>& links, const std::vector<LinkUse>& use,
                std::int64_t cycles) {
  // Routers without a natural grid stand in a square.
  int columns = t.columns;
  if (columns == 0)
    while (columns * columns < static_cast<int>(t.routers.size())) ++columns;
  const int rows = (static_cast<int>(t.routers.size()) + columns - 1) / columns;
  const double cell = 90;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "font-family=\"sans-serif\" font-size=\"11\">\n"
      "<rect width=\"{0:.0f}\" height=\"{1:.0f}\" fill=\"white\"/>\n"
      "<text x=\"10\" y=\"18\">links: part of {2} cycles in which they were used</text>\n",
      columns * cell + 20, rows * cell + 40, cycles);
  const auto x_of = [&](int r) { return 10 + cell * (r % columns + 0.5); };
  const auto y_of = [&](int r) { return 30 + cell * (r / columns + 0.5); };
  for (std::size_t i = 0; i < links.size(); ++i) {
    if (links[i].to_router < 0) continue;
    const double x = x_of(links[i].router);
    const double y = y_of(links[i].router);
    const double dx = x_of(links[i].to_router) - x;
    const double dy = y_of(links[i].to_router) - y;
    const double length = std::max(1.0, std::hypot(dx, dy));
    const double ux = dx / length;
    const double uy = dy / length;
    const double used = share(use[i].used, cycles);
    // Beside the line between the routers, so that the two directions do not cover each other.
    const double x1 = x + 16 * ux - 5 * uy;
    const double y1 = y + 16 * uy + 5 * ux;
    const double x2 = x + dx - 16 * ux - 5 * uy;
    const double y2 = y + dy - 16 * uy + 5 * ux;
    const int fade = static_cast<int>(225 * (1 - std::min(1.0, used)));
    out += fmt::format(
        "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" "
        "stroke=\"rgb({},{},{})\" stroke-width=\"6\"><title>{}: {:.1f} % used, {:.1f} % stalled, "
        "{:.1f} % lost</title></line>\n",
        x1, y1, x2, y2, 165 + fade * 60 / 225, fade, 38 + fade * 187 / 225,
        "(" + t.routers[static_cast<std::size_t>(links[i].router)].name + ") to (" +
            t.routers[static_cast<std::size_t>(links[i].to_router)].name + ")",
        100 * used, 100 * share(use[i].stalled, cycles), 100 * share(use[i].lost, cycles));
    out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:.0f}</text>\n",
                       (x1 + x2) / 2 - 9 * uy, (y1 + y2) / 2 + 9 * ux + 4, 100 * used);
  }
  for (std::size_t r = 0; r < t.routers.size(); ++r)
    out += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"28\" height=\"28\" rx=\"4\" fill=\"#ddd\"/>"
        "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
        x_of(static_cast<int>(r)) - 14, y_of(static_cast<int>(r)) - 14, x_of(static_cast<int>(r)),
        y_of(static_cast<int>(r)) + 4, t.columns > 0 ? t.routers[r].name : std::to_string(r));
  return out + "</svg>\n";
}

Json links_json(const Topology& t, const std::vector<Link>& links,
                const std::vector<LinkUse>& use) {
  Json out = Json::array();
  for (std::size_t i = 0; i < links.size(); ++i)
    out.push_back({{"link", place(t, links[i])},
                   {"used", use[i].used},
                   {"stalled", use[i].stalled},
                   {"lost", use[i].lost},
                   {"idle", use[i].idle}});
  return out;
}

std::string links_table(const Topology& t, const std::vector<Link>& links,
                        const std::vector<LinkUse>& use, std::size_t most) {
  std::vector<std::size_t> order(links.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return use[a].used + use[a].stalled + use[a].lost > use[b].used + use[b].stalled + use[b].lost;
  });
  std::string out = fmt::format("busiest links: {:>21} {:>9} {:>9} {:>9}  (cycles)\n", "used",
                                "stalled", "lost", "idle");
  for (std::size_t i = 0; i < std::min(most, order.size()); ++i) {
    const LinkUse& u = use[order[i]];
    out += fmt::format("  {:<24} {:>9} {:>9} {:>9} {:>9}\n", place(t, links[order[i]]), u.used,
                       u.stalled, u.lost, u.idle);
  }
  return out;
}

constexpr Cause kEveryCause[] = {Cause::Port, Cause::Link, Cause::HeadOfLine, Cause::BufferFull,
                                 Cause::Arbitration};

std::string trace_report(const TraceRun& run, const Topology& t, const std::string& format,
                         bool causes, bool credit) {
  std::string out;
  if (format == "csv") {
    out = "pid,src,dst,size,ctime,itime,head_atime,tail_atime,routers";
    if (causes)
      for (const Cause c : kEveryCause) out += fmt::format(",late_{}", cause_name(c));
    out += "\n";
    for (const Delivery& d : run.deliveries) {
      out += fmt::format("{},{},{},{},{},{},{},{},{}", d.packet.tag, d.packet.source,
                         d.packet.destination, d.packet.flits, d.offered, d.injected, d.head,
                         d.tail, d.routers);
      if (causes)
        for (const std::int32_t late : d.late) out += fmt::format(",{}", late);
      out += "\n";
    }
    return out;
  }
  if (format == "json") {
    Json j;
    j["cycles"] = run.cycles;
    j["flit_hops"] = run.flit_hops;
    for (const Delivery& d : run.deliveries) {
      Json p = {{"pid", d.packet.tag},    {"src", d.packet.source}, {"dst", d.packet.destination},
                {"size", d.packet.flits}, {"ctime", d.offered},     {"itime", d.injected},
                {"head_atime", d.head},   {"tail_atime", d.tail},   {"routers", d.routers}};
      for (const Cause c : kEveryCause)
        if (credit) p["late"][cause_name(c)] = d.late[static_cast<std::size_t>(c)];
      j["packets"].push_back(p);
    }
    for (int a = 0; credit && a < kFlows; ++a)
      for (int b = 0; b < kFlows; ++b)
        if (const std::int64_t n = run.waited[static_cast<std::size_t>(a * kFlows + b)]; n > 0)
          j["waited"].push_back({{"flow", a}, {"for_flow", b}, {"cycles", n}});
    j["links"] = links_json(t, run.links, run.use);
    return j.dump(1) + "\n";
  }
  double sum = 0;
  std::array<std::int64_t, kCauses> late{};
  for (const Delivery& d : run.deliveries) {
    sum += static_cast<double>(d.tail - d.offered);
    for (std::size_t c = 0; c < kCauses; ++c) late[c] += d.late[c];
  }
  out = fmt::format("{} packets in {} cycles, {} flit hops, mean latency {:.2f} cycles\n",
                    run.deliveries.size(), run.cycles, run.flit_hops,
                    run.deliveries.empty() ? 0 : sum / static_cast<double>(run.deliveries.size()));
  if (credit) {
    out += "cycles above an empty network, by cause:";
    for (const Cause c : kEveryCause)
      out += fmt::format(" {} {}", cause_name(c), late[static_cast<std::size_t>(c)]);
    out += "\n";
    bool several = false;
    for (const Delivery& d : run.deliveries) several = several || d.packet.flow != 0;
    for (int a = 0; several && a < kFlows; ++a)
      for (int b = 0; b < kFlows; ++b)
        if (const std::int64_t n = run.waited[static_cast<std::size_t>(a * kFlows + b)]; n > 0)
          out += fmt::format("flow {} waited for flow {}: {} cycles\n", a, b, n);
  }
  return out + links_table(t, run.links, run.use, 10) + heat_map(t, run.links, run.use, run.cycles);
}

std::string curve_report(const std::vector<LoadPoint>& points, const Saturation* limit,
                         const Topology& t, const std::string& format, int flit_bits) {
  if (format == "csv") {
    std::string out =
        "offered,injected,accepted,accepted_bits_per_node_cycle,stable,packets,latency,"
        "latency_ci95,head_latency,network_latency,routers,p50,p95,p99,max";
    for (const Cause c : kEveryCause) out += fmt::format(",late_{}", cause_name(c));
    out += "\n";
    for (const LoadPoint& p : points) {
      out += fmt::format(
          "{:.5f},{:.6f},{:.6f},{:.4f},{},{},{:.4f},{:.4f},{:.4f},{:.4f},{:.4f},{},{},{},{}",
          p.offered, p.injected, p.accepted, p.accepted * flit_bits, p.stable ? 1 : 0, p.packets,
          p.latency.mean, p.latency.half_width, p.head_latency.mean, p.network.mean, p.routers,
          p.p50, p.p95, p.p99, p.worst);
      for (const std::int64_t late : p.late) out += fmt::format(",{}", late);
      out += "\n";
    }
    return out;
  }
  if (format == "json") {
    Json j;
    j["points"] = Json::array();
    for (const LoadPoint& p : points) {
      Json late;
      for (const Cause c : kEveryCause) late[cause_name(c)] = p.late[static_cast<std::size_t>(c)];
      j["points"].push_back({{"offered", p.offered},
                             {"injected", p.injected},
                             {"accepted", p.accepted},
                             {"accepted_bits_per_node_cycle", p.accepted * flit_bits},
                             {"stable", p.stable},
                             {"packets", p.packets},
                             {"latency", p.latency.mean},
                             {"latency_ci95", p.latency.half_width},
                             {"head_latency", p.head_latency.mean},
                             {"network_latency", p.network.mean},
                             {"routers", p.routers},
                             {"p50", p.p50},
                             {"p95", p.p95},
                             {"p99", p.p99},
                             {"max", p.worst},
                             {"late", late},
                             {"histogram_by_power_of_two", p.histogram},
                             {"cycles", p.cycles},
                             {"links", links_json(t, p.links, p.use)}});
    }
    if (limit != nullptr)
      j["saturation"] = {{"last_stable_offered", limit->last_stable},
                         {"accepted_at_overload", limit->throughput}};
    return j.dump(1) + "\n";
  }
  std::string out = fmt::format("{:>9} {:>9} {:>10} {:>18} {:>9} {:>8} {:>7} {:>7} {:>7}\n",
                                "offered", "accepted", "bits/cycle", "latency (95 %)", "network",
                                "routers", "p50", "p95", "p99");
  for (const LoadPoint& p : points)
    out += fmt::format(
        "{:>9.4f} {:>9.4f} {:>10.2f} {:>10.2f} +- {:>4.2f} {:>9.2f} {:>8.2f} {:>7} {:>7} {:>7}{}\n",
        p.offered, p.accepted, p.accepted * flit_bits, p.latency.mean, p.latency.half_width,
        p.network.mean, p.routers, p.p50, p.p95, p.p99, p.stable ? "" : "  unstable");
  out += "(flits, and bits, per node and cycle; latency in cycles from the offer to the tail)\n";
  if (limit != nullptr)
    out +=
        fmt::format("saturation: stable up to {:.4f} offered, {:.4f} accepted at overload ({})\n",
                    limit->last_stable, limit->throughput, kOverload);
  if (points.empty()) return out;
  const LoadPoint& last = points.back();
  out += fmt::format("\nat {:.4f} offered:\nlatency histogram:\n", last.offered);
  std::int64_t most = 1;
  for (const std::int64_t n : last.histogram) most = std::max(most, n);
  for (std::size_t i = 0; i < last.histogram.size(); ++i)
    if (last.histogram[i] > 0)
      out += fmt::format("  {:>6} to {:>6} {:>9} {}\n", std::int64_t{1} << i,
                         (std::int64_t{2} << i) - 1, last.histogram[i],
                         std::string(static_cast<std::size_t>(last.histogram[i] * 40 / most), '#'));
  out += "cycles above an empty network, by cause:";
  for (const Cause c : kEveryCause)
    out += fmt::format(" {} {}", cause_name(c), last.late[static_cast<std::size_t>(c)]);
  out += "\n" + links_table(t, last.links, last.use, 10);
  return out + heat_map(t, last.links, last.use, last.cycles);
}

// Latency with its interval, and what arrives, over the offered load.
std::string curve_script(const std::vector<LoadPoint>& points, const Saturation* limit,
                         const std::string& title, const std::string& file) {
  std::string out = fmt::format(
      "set terminal svg size 900,440 noenhanced background '#ffffff' font 'DejaVu Sans,12'\n"
      "set output {}\n$points << EOD\n",
      validation::gnuplot_quoted(file));
  double most = 0, slowest = 0;
  for (const LoadPoint& p : points) {
    most = std::max(most, p.offered);
    if (p.stable) slowest = std::max(slowest, p.latency.mean + p.latency.half_width);
    out += fmt::format("{:.6g} {:.6g} {:.6g} {:.6g}\n", p.offered, p.latency.mean,
                       p.latency.half_width, p.accepted);
  }
  out += fmt::format(
      "EOD\nset multiplot layout 1,2\nset grid\nset key left top\nset xrange [0:{:.6g}]\n"
      "set xlabel 'offered flits per node and cycle'\nset title {}\n",
      1.05 * std::max(most, limit != nullptr ? limit->last_stable : 0.0),
      validation::gnuplot_quoted(title));
  if (limit != nullptr)
    out += fmt::format(
        "set arrow from {0:.6g}, graph 0 to {0:.6g}, graph 1 nohead dt 2 lc rgb '#8d99a8'\n"
        "set label 'saturation' at {0:.6g}, graph 0.05 right offset -0.5,0 tc rgb '#5b6673'\n",
        limit->last_stable);
  // Beyond saturation the latency grows with the length of the run: it is not drawn to its top.
  if (slowest > 0) out += fmt::format("set yrange [0:{:.6g}]\n", 1.5 * slowest);
  return out +
         "set ylabel 'latency, cycles'\n"
         "plot $points using 1:2:3 with yerrorlines title 'mean, 95 %' lc rgb '#0072b2' pt 7 ps "
         "0.5\n"
         "set title 'throughput'\nset yrange [0:*]\nset ylabel 'accepted flits per node and "
         "cycle'\n"
         "plot x title 'as offered' lc rgb '#8d99a8' dt 2, $points using 1:4 with linespoints "
         "title 'accepted' lc rgb '#d55e00' pt 7 ps 0.5\n";
}

}  // namespace

int noc(const std::vector<std::string>& args) {
  po::options_description options("Options");
  const auto text = [](const char* name) { return po::value<std::string>()->value_name(name); };
  const auto number = []() { return po::value<int>()->value_name("N"); };
  options.add_options()("file", text("FILE"), "network description (YAML); options override it")(
      "topology", text("NAME"),
      "mesh (default), torus, crossbar, bus, xy, tree, fat-tree, hierarchical, chain, "
      "point-to-point")("size", text("WxH"), "columns and rows of nodes (default 4x4)")(
      "cluster", number(), "nodes per router of a hierarchical mesh (default 4)")(
      "lanes", number(), "most lanes of a fat tree's links (default 4)")(
      "routing", text("NAME"), "dimension-order (default), west-first")(
      "vcs", number(), "virtual channels (default 1)")("buffer-depth", number(),
                                                       "flits per virtual channel (default 8)")(
      "timing", text("NAME"),
      "booksim (= booksim-a, default), booksim-b, booksim-c, booksim-d, noxim")(
      "routing-delay", number(), "cycles of routing, instead of the timing's")(
      "link-latency", number(), "cycles of a link (default 1)")(
      "credit-delay", number(), "cycles to process a credit (default 0)")(
      "arbiter", text("NAME"), "round-robin (default), oldest")("flit-bits", number(),
                                                                "width of a link (default 64)")(
      "trace", text("FILE"), "run the packets of a file, lines `time src dst flits [flow]`")(
      "traffic", text("NAME"),
      "uniform (default), transpose, bit-complement, hotspot, neighbour, gather")(
      "load", text("LIST"), "flits per node and cycle: A,B,... or FROM:TO:STEP (default 0.1)")(
      "packet-flits", number(), "length of a synthetic packet (default 5)")(
      "hotspot-node", number(), "default: the middle")(
      "hotspot-part", po::value<double>()->value_name("P"), "of the packets (default 0.1)")(
      "not-to-itself", "uniform packets never return to their source")(
      "warm-up", number(), "cycles before measuring (default 3000)")(
      "measure", number(), "cycles whose packets are followed (default 10000)")(
      "saturation", "also find the highest stable load")("seed", number(), "default 1")(
      "causes", "CSV of a trace: columns with the cycles lost by cause")(
      "format,f", text("FORMAT"), "table (default), csv, json")(
      "out,o", text("FILE"), "write there, not to stdout")("svg", text("FILE"),
                                                           "heat map of the links, as a picture")(
      "curve", text("FILE"), "latency and throughput over the loads, as a picture (gnuplot)");
  const auto parsed = parse(
      "noc", "[OPTIONS]",
      "  counterpoint noc --size 8x8 --vcs 4 --load 0.05:0.4:0.05 --saturation --curve c.svg\n"
      "  counterpoint noc --timing booksim-b --trace packets.trace --format csv\n",
      options, args);
  if (!parsed) return kAgree;
  const po::variables_map& values = *parsed;
  const auto word = [&](const char* name, const std::string& otherwise) {
    return values.count(name) != 0 ? values[name].as<std::string>() : otherwise;
  };
  NetworkFile network;
  if (values.count("file") != 0)
    network = read_network_file(read_text(word("file", "")), word("file", ""));
  NetworkConfig& c = network.config;
  const auto take = [&](const char* name, int& value) {
    if (values.count(name) != 0) value = values[name].as<int>();
  };
  if (values.count("topology") != 0)
    c.topology.shape =
        static_cast<Shape>(choose("--topology", word("topology", ""), shape_names()));
  if (values.count("routing") != 0)
    c.topology.routing =
        static_cast<Routing>(choose("--routing", word("routing", ""), routing_names()));
  if (values.count("arbiter") != 0)
    c.arbiter = static_cast<Arbiter>(choose("--arbiter", word("arbiter", ""), arbiter_names()));
  if (values.count("timing") != 0) c.timing = router_timing(word("timing", ""));
  if (values.count("size") != 0) {
    const std::string size = word("size", "");
    int used = 0;
    if (std::sscanf(size.c_str(), "%5dx%5d%n", &c.topology.width, &c.topology.height, &used) != 2 ||
        used != static_cast<int>(size.size()))
      throw UsageError(fmt::format("--size {}: it is COLUMNSxROWS, like 4x4", size));
  }
  take("cluster", c.topology.cluster);
  take("lanes", c.topology.lanes);
  take("vcs", c.vcs);
  take("buffer-depth", c.buffer_depth);
  take("routing-delay", c.timing.routing);
  take("link-latency", c.timing.link);
  take("credit-delay", c.timing.credit);
  take("flit-bits", network.flit_bits);
  if (network.flit_bits < 1) throw UsageError("--flit-bits is 1 or more");
  if (c.timing.flow == Flow::Handshake)
    for (const char* other : {"routing-delay", "link-latency", "credit-delay", "arbiter"})
      if (values.count(other) != 0)
        throw UsageError(fmt::format("--{} has no effect on noxim's timing", other));
  int seed = 1;
  take("seed", seed);
  c.seed = static_cast<std::uint64_t>(seed);
  const std::string format = word("format", "table");
  if (format != "table" && format != "csv" && format != "json")
    throw UsageError(fmt::format("--format {}: it is table, csv or json", format));
  const Topology topology = make_topology(c.topology);

  std::string report, curve;
  std::vector<Link> links;
  std::vector<LinkUse> use;
  std::int64_t cycles = 0;
  try {
    if (values.count("trace") != 0) {
      for (const char* other : {"traffic", "load", "packet-flits", "hotspot-node", "hotspot-part",
                                "not-to-itself", "warm-up", "measure", "saturation", "curve"})
        if (values.count(other) != 0)
          throw UsageError(fmt::format("--{} is for synthetic traffic, not for --trace", other));
      const auto trace = read_trace(read_text(word("trace", "")), word("trace", ""),
                                    static_cast<int>(topology.nodes.size()));
      input::ProgressLine line("packets", static_cast<double>(trace.size()));
      TraceRun run = run_trace(
          c, trace, [&line](std::int64_t more) { line.advance(static_cast<double>(more)); });
      line.clear();
      // A node takes one tail per cycle, so this order is complete.
      std::sort(
          run.deliveries.begin(), run.deliveries.end(), [](const Delivery& a, const Delivery& b) {
            return a.tail != b.tail ? a.tail < b.tail : a.packet.destination < b.packet.destination;
          });
      report = trace_report(run, topology, format, values.count("causes") != 0,
                            c.timing.flow == Flow::Credit);
      links = run.links;
      use = run.use;
      cycles = run.cycles;
    } else {
      if (values.count("causes") != 0) throw UsageError("--causes is for --trace");
      Traffic traffic;
      traffic.pattern =
          static_cast<Pattern>(choose("--traffic", word("traffic", "uniform"), pattern_names()));
      take("packet-flits", traffic.packet_flits);
      if (traffic.packet_flits < 1 || traffic.packet_flits > 1000000)
        throw UsageError("--packet-flits is 1 to 1000000");
      traffic.hotspot = c.topology.height / 2 * c.topology.width + c.topology.width / 2;
      take("hotspot-node", traffic.hotspot);
      if (values.count("hotspot-part") != 0)
        traffic.hotspot_part = values["hotspot-part"].as<double>();
      if (!(traffic.hotspot_part >= 0 && traffic.hotspot_part <= 1))
        throw UsageError("--hotspot-part is 0 to 1");
      traffic.to_itself = values.count("not-to-itself") == 0;
      traffic.seed = c.seed;
      Phases phases;
      int warm_up = static_cast<int>(phases.warm_up);
      int measured = static_cast<int>(phases.measure);
      take("warm-up", warm_up);
      take("measure", measured);
      if (warm_up < 0 || measured < 10)
        throw UsageError("--warm-up is 0 or more, --measure 10 or more");
      phases.warm_up = warm_up;
      phases.measure = measured;
      const bool wanted = values.count("saturation") != 0;
      const std::vector<double> loads = loads_of(word("load", "0.1"));
      const std::size_t runs = loads.size() + (wanted ? kSaturationRuns : 0);
      input::ProgressLine line("cycles", static_cast<double>(phases.warm_up + phases.measure) *
                                             static_cast<double>(runs));
      phases.advanced = [&line](std::int64_t more) { line.advance(static_cast<double>(more)); };
      std::vector<LoadPoint> points;
      for (const double load : loads) {
        traffic.load = load;
        points.push_back(measure(c, traffic, phases));
      }
      Saturation limit;
      if (wanted) limit = saturation(c, traffic, phases, kSaturation);
      report = curve_report(points, wanted ? &limit : nullptr, topology, format, network.flit_bits);
      if (values.count("curve") != 0)
        curve = curve_script(
            points, wanted ? &limit : nullptr,
            fmt::format("{}, {} traffic", shape_names()[static_cast<std::size_t>(c.topology.shape)],
                        word("traffic", "uniform")),
            word("curve", ""));
      links = points.back().links;
      use = points.back().use;
      cycles = points.back().cycles;
    }
  } catch (const Deadlock& e) {
    std::fputs((std::string(e.what()) + "\n").c_str(), stderr);
    return kDisagree;
  }
  if (values.count("out") != 0)
    write_text(word("out", ""), report);
  else
    print(report);
  if (!curve.empty()) draw(curve, word("curve", ""), "--curve");
  if (values.count("svg") != 0) write_text(word("svg", ""), svg(topology, links, use, cycles));
  return kAgree;
}

}  // namespace counterpoint::cli
