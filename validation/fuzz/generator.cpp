// SPDX-License-Identifier: Apache-2.0
#include "validation/fuzz/generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

#include "hw/machine_file.h"
#include "workloads/language.h"
#include "workloads/layer_spec.h"

namespace counterpoint::validation::fuzz {
namespace {

using Int = std::int64_t;
using workloads::Dim;

/// SplitMix64: portable, and good enough to choose cases.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  /// In [lo, hi].
  Int between(Int lo, Int hi) {
    return lo + static_cast<Int>(next() % static_cast<std::uint64_t>(hi - lo + 1));
  }
  bool percent(Int chance) { return between(1, 100) <= chance; }
  template <class T, std::size_t N>
  T one_of(const std::array<T, N>& of) {
    return of[static_cast<std::size_t>(between(0, static_cast<Int>(N) - 1))];
  }
  template <class T>
  void shuffle(std::vector<T>& v) {
    for (std::size_t i = v.size(); i > 1; --i)
      std::swap(v[i - 1], v[static_cast<std::size_t>(between(0, static_cast<Int>(i) - 1))]);
  }

 private:
  std::uint64_t state_;
};

Int at(const std::array<Int, workloads::kDims>& e, Dim d) {
  return e[static_cast<std::size_t>(workloads::index(d))];
}

workloads::Layer random_layer(Random& r, const Limits& limits) {
  const char* type =
      r.one_of<const char*, 11>({"CONV", "CONV", "CONV", "DSCONV", "NGCONV", "NGCONV", "TRCONV",
                                 "TRCONV", "GEMM", "BGEMM", "FC"});
  for (;;) {
    workloads::LayerSpec s;
    s.name = "case";
    s.type = type;
    const bool matrix = s.type == "GEMM" || s.type == "BGEMM" || s.type == "FC";
    if (matrix) {
      if (s.type == "BGEMM" || r.percent(30)) s.b = r.between(1, 3);
      s.m = r.between(1, 9 * limits.stretch);
      s.n = r.between(1, 9 * limits.stretch);
      s.k = r.between(1, 9 * limits.stretch);
    } else {
      const bool transposed = s.type == "TRCONV";
      if (r.percent(30)) s.n = r.between(1, 3 * limits.stretch);
      if (s.type == "NGCONV") s.g = r.between(1, 3);
      if (s.type != "DSCONV") s.k = r.between(1, 6 * limits.stretch);
      s.c = r.between(1, 6 * limits.stretch);
      s.r = r.between(1, 4);
      s.s = r.between(1, 3);
      s.stride_y = r.percent(90) ? r.between(1, 3) : r.between(4, 5);
      s.stride_x = r.percent(70) ? *s.stride_y : r.between(1, 3);
      if (r.percent(25)) s.dilation_y = r.between(1, 3);
      if (r.percent(25)) s.dilation_x = r.between(1, 3);
      if (transposed && r.percent(20)) s.output_padding_y = r.between(0, *s.stride_y - 1);
      if (transposed && r.percent(20)) s.output_padding_x = r.between(0, *s.stride_x - 1);
      s.y = r.between(transposed ? 1 : *s.r, (transposed ? 4 : 9) * limits.stretch);
      s.x = r.between(transposed ? 1 : *s.s, (transposed ? 4 : 7) * limits.stretch);
      if (r.percent(45)) {
        s.pad_top = r.between(0, 2);
        s.pad_bottom = r.between(0, 2);
      }
      if (r.percent(45)) {
        s.pad_left = r.between(0, 2);
        s.pad_right = r.between(0, 2);
      }
    }
    std::vector<workloads::SpecMessage> messages;
    const auto layer = workloads::make_layer(s, messages);
    if (!layer) continue;
    const Int n = workloads::macs(*layer);
    if (n >= 1 && n <= limits.max_macs) return *layer;
  }
}

/// Directives that divide a tile of the given largest extents; `extent` becomes the child's.
std::string random_level(Random& r, const workloads::Layer& layer, Int units, bool temporal_only,
                         std::array<Int, workloads::kDims>& extent) {
  struct Line {
    std::string text;
    bool spatial;
  };
  std::vector<Line> lines;
  std::vector<Dim> dims;
  for (Dim d : workloads::kAllDims)
    if (layer.has(d) && r.percent(at(extent, d) > 1 ? 80 : 25)) dims.push_back(d);
  r.shuffle(dims);

  // Which dimension is spread over the units: preferably one that can be.
  Dim spread = dims.empty() ? (layer.has_window() ? Dim::C : Dim::K) : dims[0];
  for (Dim d : dims)
    if (at(extent, d) > 1 && r.percent(60)) spread = d;
  for (Dim d : dims)  // more positions than units make folds
    if (at(extent, d) > units && r.percent(40)) spread = d;
  const bool spatial = !temporal_only && (units > 1 || r.percent(50));
  if (spatial && std::find(dims.begin(), dims.end(), spread) == dims.end())
    dims.insert(dims.begin() + r.between(0, static_cast<Int>(dims.size())), spread);

  // Rows (columns) cut together with their kernel: skewed, as row-stationary arrays are.
  std::array<bool, workloads::kDims> done{};
  const auto mark = [&](Dim d) -> bool& { return done[static_cast<std::size_t>(index(d))]; };
  std::array<Int, workloads::kDims> child = extent;
  const auto set = [&](Dim d, Int n) { child[static_cast<std::size_t>(index(d))] = n; };
  const auto word = [](bool s) { return s ? "SpatialMap" : "TemporalMap"; };
  for (Dim y : {Dim::Y, Dim::X}) {
    const Dim k = y == Dim::Y ? Dim::R : Dim::S;
    if (!layer.has_window() || temporal_only || at(extent, k) < 2 || !r.percent(40)) continue;
    const workloads::Window& w = layer.window(y);
    const Int kernel = r.between(1, at(extent, k) - 1);
    const Int rows = w.dilation * (kernel - 1) + 1;
    const bool both = spatial && r.percent(60);
    Int size = rows, offset = both ? w.dilation * kernel : 1;
    if (!both) {
      size = rows + (r.percent(50) ? r.between(0, 3) : w.stride + r.between(0, 2 * w.stride));
      offset = std::max<Int>(1, size - rows + 1);
    }
    lines.push_back(
        {fmt::format("{}({},{}) {};", word(both), size, offset, y == Dim::Y ? "Y" : "X"), both});
    lines.push_back({fmt::format("{}({},{}) {};", word(both), kernel, kernel, name(k)), both});
    mark(y) = mark(k) = true;
    set(y, std::min(at(extent, y), (size - rows) / w.stride + 1));
    set(k, kernel);
    if (both) mark(spread) = true;  // the units are taken
  }
  for (Dim d : dims) {
    if (mark(d) && d != spread) continue;
    if (mark(d)) continue;
    const Int e = at(extent, d);
    Int size = r.percent(15) ? e + r.between(0, 2) : r.percent(40) ? 1 : r.between(1, e);
    const bool s = spatial && d == spread;
    if (s && e > 1 && r.percent(45)) size = std::max<Int>(1, (e + units - 1) / units);
    const bool axis = layer.has_window() && (d == Dim::Y || d == Dim::X);
    const Dim k = d == Dim::Y ? Dim::R : Dim::S;
    bool kernel_whole = axis;
    if (axis)
      for (Dim other : dims) kernel_whole = kernel_whole && other != k;
    if (axis && kernel_whole && r.percent(60)) {
      const workloads::Window& w = layer.window(d);
      const Int rows = w.stride * (size - 1) + w.dilation * (at(extent, k) - 1) + 1;
      lines.push_back({fmt::format("{}({},{}) {};", word(s), rows,
                                   r.percent(50) ? size : size * w.stride, d == Dim::Y ? "Y" : "X"),
                       s});
    } else {
      lines.push_back({fmt::format("{}({},{}) {};", word(s), size, size, name(d)), s});
    }
    mark(d) = true;
    set(d, std::min(size, e));
  }
  r.shuffle(lines);
  std::string out;
  for (const Line& l : lines) out += l.text + "\n";
  extent = child;
  return out;
}

hw::Rate random_rate(Random& r, Int unlimited_percent) {
  if (r.percent(unlimited_percent)) return {};
  hw::Rate rate;
  rate.per_kcycle = r.one_of<Int, 13>(
      {37, 250, 400, 700, 1000, 1000, 1500, 2000, 3000, 4000, 7300, 16000, 64000});
  rate.bytes = r.percent(25);
  return rate;
}

hw::Network random_network(Random& r, const std::string& name, bool offchip, const Limits& limits) {
  hw::Network n;
  n.name = name;
  n.bandwidth = random_rate(r, 20);
  n.latency = r.percent(40) ? 0 : r.between(1, 9);
  if (!offchip) {
    n.multicast = static_cast<hw::Multicast>(r.between(0, 2));
    n.reduction = static_cast<hw::Reduction>(r.between(0, 2));
  }
  n.channels = static_cast<hw::Channels>(r.between(0, 1));
  n.psum = static_cast<hw::PsumPolicy>(r.between(0, 1));
  if (limits.buses && r.percent(40)) n.topology = hw::Topology::Bus;
  return n;
}

// A routed network, in place of a pipe. Shapes that have room for every number of children.
void random_fabric(Random& r, hw::Network& n, std::int64_t pes) {
  n.topology = static_cast<hw::Topology>(r.between(2, 10));
  const bool one_router = n.topology == hw::Topology::Crossbar ||
                          n.topology == hw::Topology::PointToPoint ||
                          n.topology == hw::Topology::Xy;
  if (one_router && pes > 56) n.topology = hw::Topology::Mesh;
  hw::Fabric& f = n.fabric;
  const auto draw = [&](int least, int most) { return static_cast<int>(r.between(least, most)); };
  f.cluster = draw(1, 4);
  f.lanes = draw(1, 4);
  f.place = static_cast<hw::PortPlace>(draw(0, 2));
  f.vcs = draw(2, 4);
  f.buffer_depth = draw(1, 9);
  f.flit_bits = 1 << draw(3, 7);
  f.packet_words = draw(1, 20);
  f.routing_delay = draw(0, 1);
  f.speculative = draw(0, 1) == 1;
  f.link_latency = draw(1, 3);
  f.credit_delay = draw(0, 2);
  f.west_first = draw(0, 1) == 1 && n.topology == hw::Topology::Mesh;
  f.oldest_first = draw(0, 1) == 1;
  f.clock = draw(0, 3);
  f.collective = static_cast<hw::Collective>(draw(0, 2));
  if (n.topology == hw::Topology::Torus && f.collective == hw::Collective::Fork)
    f.collective = hw::Collective::Path;
  if (f.collective == hw::Collective::Fork) f.west_first = false;
  f.planes = static_cast<hw::Planes>(draw(0, 3));
  if (f.planes == hw::Planes::Channels) {  // a share of the channels for every tensor
    if (f.collective == hw::Collective::Fork) f.planes = hw::Planes::Tensors;
    f.vcs = 6;
  }
}

// Banks are numbered in the order of the tensors that are there.
void number_banks(hw::Storage& s) {
  s.banks = 0;
  std::array<int, 3> number{-1, -1, -1};
  for (std::size_t t = 0; t < 3; ++t) {
    int& bank = number[static_cast<std::size_t>(s.bank[t])];
    if (s.holds[t] && bank < 0) bank = s.banks++;
    s.bank[t] = s.holds[t] ? bank : 0;
  }
}

// A buffer of several memories.
void random_parts(Random& r, hw::Storage& s) {
  std::array<int, 3> wanted;
  for (int& part : wanted) part = static_cast<int>(r.between(0, 2));
  s.capacity_bytes = 0;
  for (int part = 0; part < 3; ++part) {
    bool any = false;
    for (std::size_t t = 0; t < 3; ++t) {
      if (!s.holds[t] || wanted[t] != part) continue;
      s.part[t] = s.parts;
      any = true;
    }
    if (!any) continue;
    const Int size = r.between(4, 300);
    s.part_capacity[static_cast<std::size_t>(s.parts++)] = size;
    s.capacity_bytes += size;
  }
}

// The network below the global buffer is divided.
void random_subtrees(Random& r, hw::Machine& m) {
  hw::Network& n = m.network[1];
  if (n.topology != hw::Topology::Pipe) return;
  std::vector<Int> divisors;
  for (Int pes = 1; pes <= m.pes; ++pes)
    if (m.pes % pes == 0) divisors.push_back(pes);
  n.subtrees.pes =
      divisors[static_cast<std::size_t>(r.between(0, static_cast<Int>(divisors.size()) - 1))];
  n.subtrees.bandwidth = random_rate(r, 0);
  n.multicast = hw::Multicast::Word;
  if (n.psum == hw::PsumPolicy::Refetch) n.psum = hw::PsumPolicy::Accumulate;
}

// Neighbours share lines to the global buffer.
void random_drain_lines(Random& r, hw::Machine& m) {
  hw::Network& n = m.network[1];
  if (n.topology != hw::Topology::Pipe) return;
  n.drain_lines.children = r.between(1, std::min<Int>(m.pes, 4));
  n.drain_lines.first = r.between(1, n.drain_lines.children);
  n.drain_lines.bandwidth = random_rate(r, 0);
  n.reduction = hw::Reduction::None;
}

// The flows of the global buffer take turns; then all networks are pipes.
void random_shared_port(Random& r, hw::Machine& m) {
  const auto pipe = [](hw::Network& n) {
    n.topology = hw::Topology::Pipe;
    n.fabric = {};
  };
  for (hw::Network& n : m.network) pipe(n);
  if (m.implied_network) pipe(*m.implied_network);
  m.storage[1].banks = 1;
  if (r.percent(60) && m.network.size() > 1) {
    for (std::size_t i = 0; i < 2; ++i) m.network[i].channels = hw::Channels::Separate;
    for (int& bank : m.storage[1].bank) bank = static_cast<int>(r.between(0, 2));
    number_banks(m.storage[1]);
  }
  m.storage[1].read_port = random_rate(r, 0);
  m.storage[1].write_port = random_rate(r, 0);
}

std::string yaml_fabric(const hw::Fabric& f) {
  constexpr std::array<const char*, 3> place = {"corner", "edge", "spread"};
  constexpr std::array<const char*, 4> planes = {"shared", "directions", "tensors", "channels"};
  std::string out = fmt::format(
      "{{cluster: {}, lanes: {}, ports: {}, place: {}, vcs: {}, buffer_depth: {}, flit_bits: {}, "
      "packet_words: {}, routing_delay: {}, speculative: {}, link_latency: {}, credit_delay: {}, "
      "routing: {}, arbiter: {}, clock: {}, collective: {}, planes: {}",
      f.cluster, f.lanes, f.ports, place[static_cast<std::size_t>(f.place)], f.vcs, f.buffer_depth,
      f.flit_bits, f.packet_words, f.routing_delay, f.speculative ? "yes" : "no", f.link_latency,
      f.credit_delay, f.west_first ? "west-first" : "dimension-order",
      f.oldest_first ? "oldest" : "round-robin",
      f.clock == 0 ? std::string("unlimited") : std::to_string(f.clock),
      f.collective == hw::Collective::Path   ? "path"
      : f.collective == hw::Collective::Tree ? "tree"
                                             : "fork",
      planes[static_cast<std::size_t>(f.planes)]);
  if (f.width > 0) out += fmt::format(", width: {}", f.width);
  if (f.height > 0) out += fmt::format(", height: {}", f.height);
  return out + "}";
}

hw::Storage random_storage(Random& r, const std::string& name) {
  hw::Storage s;
  s.name = name;
  s.buffering = static_cast<hw::Buffering>(r.between(0, 1));
  s.read_port = random_rate(r, 75);
  s.write_port = random_rate(r, 75);
  return s;
}

// What real machines have beside rates and latencies.
void random_costs(Random& r, hw::Network& n, bool offchip) {
  if (r.percent(25)) n.fill_overhead = r.between(0, 6);
  if (r.percent(25)) n.drain_overhead = r.between(0, 6);
  if (r.percent(20)) n.drain_bandwidth = random_rate(r, 20);
  const hw::Rate drains = n.drain_bandwidth.value_or(n.bandwidth);
  if (r.percent(30) && !(n.bandwidth.unlimited() && drains.unlimited())) {
    n.burst.size = r.between(2, 20);
    n.burst.bytes = n.bandwidth.unlimited() ? drains.bytes : n.bandwidth.bytes;
    if (n.drain_bandwidth) n.drain_bandwidth->bytes = n.burst.bytes;
  }
  if (r.percent(20) && !hw::routed(n.topology))
    n.clock_mhz = r.one_of<double, 6>({100, 300, 750, 999.999, 1500, 4000});
  if (r.percent(15)) n.reuse = {false, false};
  if (!offchip && r.percent(20)) n.skew = r.percent(50) ? hw::Network::kChain : r.between(1, 9);
}

std::string yaml_rate(const hw::Rate& rate) {
  if (rate.unlimited()) return "unlimited";
  return fmt::format("{}.{:03} {}", rate.per_kcycle / 1000, rate.per_kcycle % 1000,
                     rate.bytes ? "bytes" : "words");
}

std::string yaml_network(const hw::Network& n, bool offchip) {
  std::string out = fmt::format("{{name: {}, topology: {}, bandwidth: {}, latency: {}", n.name,
                                hw::topology_names()[static_cast<std::size_t>(n.topology)],
                                yaml_rate(n.bandwidth), n.latency);
  if (!offchip) {
    constexpr std::array<const char*, 3> multicast = {"none", "tile", "word"};
    constexpr std::array<const char*, 3> reduction = {"none", "chain", "tree"};
    out += fmt::format(", multicast: {}, reduction: {}",
                       multicast[static_cast<std::size_t>(n.multicast)],
                       reduction[static_cast<std::size_t>(n.reduction)]);
  }
  const auto reuse = [&](std::size_t t) { return n.reuse[t] ? "words" : "none"; };
  if (n.reuse[0] == n.reuse[1] && !n.reuse[0])
    out += ", reuse: none";
  else if (!n.reuses_all())
    out += fmt::format(", reuse: {{input: {}, weight: {}}}", reuse(0), reuse(1));
  if (n.subtrees.pes > 0)
    out += fmt::format(", subtrees: {{pes: {}, bandwidth: {}}}", n.subtrees.pes,
                       yaml_rate(n.subtrees.bandwidth));
  if (n.drain_lines.children > 0)
    out += fmt::format(", drain_lines: {{children: {}, first: {}, bandwidth: {}}}",
                       n.drain_lines.children, n.drain_lines.first,
                       yaml_rate(n.drain_lines.bandwidth));
  if (hw::routed(n.topology)) out += ", fabric: " + yaml_fabric(n.fabric);
  if (n.drain_bandwidth) out += ", drain_bandwidth: " + yaml_rate(*n.drain_bandwidth);
  if (n.burst.size > 0)
    out += fmt::format(", burst: {} {}", n.burst.size, n.burst.bytes ? "bytes" : "words");
  if (n.fill_overhead + n.drain_overhead > 0)
    out += fmt::format(", overhead: {{fill: {}, drain: {}}}", n.fill_overhead, n.drain_overhead);
  if (n.clock_mhz > 0) out += fmt::format(", clock: {:.3f} MHz", n.clock_mhz);
  if (n.skew != 0)
    out += ", skew: " + (n.skew == hw::Network::kChain ? "chain" : std::to_string(n.skew));
  return out + fmt::format(", channels: {}, psum: {}}}",
                           n.channels == hw::Channels::Shared ? "shared" : "separate",
                           n.psum == hw::PsumPolicy::Keep      ? "keep"
                           : n.psum == hw::PsumPolicy::Refetch ? "refetch"
                                                               : "accumulate");
}

void random_rows(Random& r, hw::Rows& rows) {
  rows.bytes = r.between(1, 24);
  rows.cycles = r.between(0, 12);
  if (r.percent(50)) rows.drain_cycles = r.between(1, 12);
  for (std::int64_t caches = r.between(0, 3); caches > 0; --caches) {
    hw::Cache cache;
    cache.ways = r.between(1, 4);
    cache.capacity_bytes = rows.bytes * cache.ways * r.between(1, 8);
    cache.cycles = r.between(0, 9);
    if (r.percent(30)) {
      cache.banks = r.between(2, 4);
      cache.bank_cycles = r.between(0, 12);
    }
    rows.caches.push_back(cache);
  }
  if (rows.drain_cycles > 0 && !rows.caches.empty() && r.percent(60))
    rows.allocate_cycles = r.between(1, 9);
}

// What machines rarely have.
void random_machine_costs(Random& r, std::uint64_t seed, hw::Machine& m) {
  for (std::size_t i = 0; i < m.network.size(); ++i) random_costs(r, m.network[i], i == 0);
  if (m.implied_network) random_costs(r, *m.implied_network, false);
  if (m.network[0].burst.size > 0 && !m.network[0].bandwidth.unlimited() && r.percent(60))
    m.storage[0].in_flight = r.between(1, 5);
  if (r.percent(30)) m.bits.output = static_cast<int>(r.between(1, m.bits.psum));
  if (m.network[0].topology == hw::Topology::Pipe && m.network[1].topology == hw::Topology::Pipe)
    for (std::size_t t = 0; t < 2; ++t) m.storage[1].holds[t] = !r.percent(25);
  if (m.storage[1].banks > 0) number_banks(m.storage[1]);
  // Words that are sent again need one channel for all.
  const bool bypass = !(m.storage[1].holds[0] && m.storage[1].holds[1]);
  for (std::size_t i = 0; i < m.network.size(); ++i)
    if (m.network[i].channels == hw::Channels::Separate || (bypass && i < 2))
      m.network[i].reuse = {true, true};
  if (m.implied_network && m.implied_network->channels == hw::Channels::Separate)
    m.implied_network->reuse = {true, true};
  if (r.percent(25)) m.step_overhead = r.between(1, 5);
  if (r.percent(25)) m.startup = r.between(1, 50);
  if (r.percent(25)) m.step_minimum = r.between(2, 9);
  if (r.percent(10)) m.step_window = {r.between(1, 5), r.between(1, 20)};
  for (std::int64_t& cycles : m.storage.back().follows)
    if (r.percent(8)) cycles = r.between(0, 12);
  Random own(seed + 1);  // what it draws changes nothing of the rest
  const hw::Network& outer = m.network[0];
  if (outer.topology == hw::Topology::Pipe && outer.channels == hw::Channels::Shared &&
      outer.burst.size == 0 && !bypass && r.percent(30))
    random_rows(own, m.storage[0].rows);
  for (std::size_t i = 1; i < m.storage.size(); ++i) {
    m.storage[i].slots_together = own.percent(5);
    if (r.percent(30))
      for (hw::Buffering& b : m.storage[i].buffering.of)
        b = static_cast<hw::Buffering>(r.between(0, 1));
  }
}

}  // namespace

Case generate(std::uint64_t seed, const Limits& limits) {
  Random r(seed);
  Case c;
  c.seed = seed;
  c.layer.layer = random_layer(r, limits);
  const workloads::Layer& layer = c.layer.layer;

  // The dataflow: levels of random cluster sizes.
  const Int levels = r.between(1, limits.max_levels);
  std::vector<Int> units(static_cast<std::size_t>(levels), 1);
  Int product = 1;
  for (Int& u : units) {
    u = r.percent(15)                              ? 1
        : r.percent(limits.max_pes > 64 ? 25 : 90) ? r.between(2, 4)
                                                   : r.between(5, 9);
    if (product * u > limits.max_pes) u = 1;
    product *= u;
  }
  std::array<Int, workloads::kDims> extent = layer.extent;
  std::string text;
  if (r.percent(20)) {
    text += random_level(r, layer, 1, true, extent) + "GlobalBuffer;\n";
  }
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (i > 0) text += fmt::format("Cluster({},P);\n", units[i]);
    text += random_level(r, layer, units[i], false, extent);
  }
  if (text.find("Map(") == std::string::npos)
    text += layer.has_window() ? "TemporalMap(1,1) C;\n" : "TemporalMap(1,1) K;\n";
  const auto parsed = workloads::parse_dataflow("Dataflow random {\n" + text + "}\n", "random");
  if (!parsed.dataflow)
    throw std::logic_error("generator: dataflow does not parse:\n" + text +
                           input::format(parsed.diagnostics));
  c.layer.dataflow = *parsed.dataflow;

  hw::Machine& m = c.machine;
  m.name = "random";
  m.pes = product + (r.percent(20) && units.size() > 1 ? r.between(0, 1) : 0);
  m.lanes = r.percent(60) ? 1 : r.between(2, 4);
  m.pipeline_latency = r.percent(60) ? 0 : r.between(1, 5);
  const Int bits = r.between(0, 2);
  m.bits = bits == 0   ? hw::WordBits{8, 8, 32}
           : bits == 1 ? hw::WordBits{16, 16, 32}
                       : hw::WordBits{4, 6, 24};
  m.storage.push_back({});
  m.storage.back().name = "off_chip";
  m.storage.back().read_port = random_rate(r, 80);
  m.storage.back().write_port = random_rate(r, 80);
  m.storage.back().latency = r.percent(60) ? 0 : r.between(1, 12);
  m.network.push_back(random_network(r, "n0", true, limits));
  m.storage.push_back(random_storage(r, "global_buffer"));
  if (!r.percent(40)) {
    m.storage.back().capacity_bytes = r.between(8, 600);
    m.capacity_in_words = r.percent(15);
  }
  m.network.push_back(random_network(r, "n1", false, limits));
  Int below = product;
  for (std::size_t i = 1; i < units.size(); ++i) {
    below /= units[i - 1];
    const Int above = m.storage.back().cluster_pes > 0 ? m.storage.back().cluster_pes : m.pes;
    if (below < 2 || below >= above || above % below != 0 || !r.percent(50)) continue;
    m.storage.push_back(random_storage(r, fmt::format("cluster_buffer_{}", i)));
    m.storage.back().cluster_pes = below;
    m.network.push_back(random_network(r, fmt::format("n{}", i + 1), false, limits));
  }
  m.storage.push_back(random_storage(r, "pe_buffer"));
  if (r.percent(40)) m.implied_network = random_network(r, "implied", false, limits);
  // Often the same policy everywhere: one level that reads back would hide the others.
  if (r.percent(40)) {
    for (hw::Network& n : m.network) n.psum = hw::PsumPolicy::Accumulate;
    if (m.implied_network) m.implied_network->psum = hw::PsumPolicy::Accumulate;
  } else if (r.percent(20)) {
    // Partial sums are read back before they have arrived only on a quick network with latency.
    const auto far = [&](hw::Network& n) {
      n.psum = hw::PsumPolicy::Refetch;
      n.latency = r.between(5, 25);
      if (r.percent(70)) n.bandwidth = {};
    };
    for (hw::Network& n : m.network) far(n);
    if (m.implied_network) far(*m.implied_network);
  }
  if (limits.buses) {  // last, so that the rest of the case is what it is without
    for (hw::Network& n : m.network)
      if (n.topology == hw::Topology::Pipe && r.percent(50)) random_fabric(r, n, m.pes);
    if (m.implied_network && m.implied_network->topology == hw::Topology::Pipe && r.percent(50))
      random_fabric(r, *m.implied_network, m.pes);
    if (r.percent(20)) random_shared_port(r, m);
  }
  // What is kept in the global buffer needs off-chip loops; with implicit padding it may be
  // refused.
  if (c.layer.dataflow->explicit_offchip && r.percent(40)) m.network[0].psum = hw::PsumPolicy::Keep;
  if (!r.percent(50)) random_machine_costs(r, c.seed, m);
  // Last, so that the rest of a case is what it is without.
  if (r.percent(12)) random_subtrees(r, m);
  if (m.storage[1].capacity_bytes > 0 && r.percent(15)) random_parts(r, m.storage[1]);
  for (hw::Network& n : m.network)
    if (!n.reuses_all() && r.percent(50)) n.reuse[static_cast<std::size_t>(r.between(0, 1))] = true;
  if (r.percent(12)) random_drain_lines(r, m);
  return c;
}

std::string joined(const std::vector<std::string>& all, const char* between) {
  std::string out;
  for (const std::string& one : all) out += (out.empty() ? "" : between) + one;
  return out;
}

std::string yaml_banks(const hw::Storage& s) {
  if (s.banks == 1) return "    ports: shared\n";
  std::vector<std::string> banks(static_cast<std::size_t>(s.banks));
  for (std::size_t t = 0; t < 3; ++t) {
    if (!s.holds[t]) continue;
    std::string& bank = banks[static_cast<std::size_t>(s.bank[t])];
    bank +=
        fmt::format("{}{}", bank.empty() ? "" : ", ", workloads::name(workloads::kAllTensors[t]));
  }
  return "    banks: [[" + joined(banks, "], [") + "]]\n";
}

std::string yaml_capacity(const hw::Storage& s, const char* unit) {
  const auto size = [unit](Int n) {
    return n == 0 ? std::string("unlimited") : fmt::format("{} {}", n, unit);
  };
  if (s.parts == 0) return size(s.capacity_bytes);
  std::vector<std::string> parts;
  for (int part = 0; part < s.parts; ++part) {
    std::string held;
    for (std::size_t t = 0; t < 3; ++t)
      if (s.holds[t] && s.part[t] == part)
        held += fmt::format("{}{}", held.empty() ? "" : ", ",
                            workloads::name(workloads::kAllTensors[t]));
    parts.push_back(fmt::format("{{holds: [{}], size: {}}}", held,
                                size(s.part_capacity[static_cast<std::size_t>(part)])));
  }
  return "[" + joined(parts, ", ") + "]";
}

std::string yaml_rows(const hw::Rows& rows) {
  std::vector<std::string> caches;
  for (const hw::Cache& c : rows.caches) {
    const std::string banks =
        c.banks > 0 ? fmt::format(", banks: {}, bank_cycles: {}", c.banks, c.bank_cycles) : "";
    caches.push_back(fmt::format("{{capacity: {} B, ways: {}, cycles: {}{}}}", c.capacity_bytes,
                                 c.ways, c.cycles, banks));
  }
  std::string drains =
      rows.drain_cycles > 0 ? fmt::format(", drain_cycles: {}", rows.drain_cycles) : "";
  if (rows.allocate_cycles > 0)
    drains += fmt::format(", allocate_cycles: {}", rows.allocate_cycles);
  return fmt::format("    rows: {{bytes: {}, cycles: {}{}, caches: [{}]}}\n", rows.bytes,
                     rows.cycles, drains, joined(caches, ", "));
}

std::string yaml_follows(const hw::Storage& s) {
  std::vector<std::string> parts;
  for (std::size_t t = 0; t < 2; ++t)
    if (s.follows[t] != hw::Storage::kAfter)
      parts.push_back(fmt::format("{}: {}", t == 0 ? "input" : "weight", s.follows[t]));
  return parts.empty() ? "" : fmt::format("    follows: {{{}}}\n", joined(parts, ", "));
}

std::string machine_yaml(const hw::Machine& m) {
  std::string more;
  if (m.clock_mhz != hw::Machine{}.clock_mhz)
    more += fmt::format("clock: {:.3f} MHz\n", m.clock_mhz);
  if (m.step_overhead > 0) more += fmt::format("step_overhead: {}\n", m.step_overhead);
  if (m.step_minimum > 0) more += fmt::format("step_minimum: {}\n", m.step_minimum);
  if (m.step_window.steps > 0)
    more += fmt::format("steps_in_flight: {{steps: {}, latency: {}}}\n", m.step_window.steps,
                        m.step_window.latency);
  if (m.startup > 0) more += fmt::format("startup: {}\n", m.startup);
  std::string out = fmt::format(
      "name: {}\npes: {}\nlanes: {}\npipeline_latency: {}\nbits: {{input: {}, weight: {}, psum: "
      "{}{}}}\n{}storage:\n",
      m.name, m.pes, m.lanes, m.pipeline_latency, m.bits.input, m.bits.weight, m.bits.psum,
      m.bits.output > 0 ? fmt::format(", output: {}", m.bits.output) : "", more);
  for (std::size_t i = 0; i < m.storage.size(); ++i) {
    const hw::Storage& s = m.storage[i];
    const bool offchip = i == 0, last = i + 1 == m.storage.size();
    out += fmt::format("  - level: {}\n    name: {}\n    read_port: {}\n    write_port: {}\n",
                       offchip  ? "off_chip"
                       : i == 1 ? "global_buffer"
                       : last   ? "pe_buffer"
                                : "cluster_buffer",
                       s.name, yaml_rate(s.read_port), yaml_rate(s.write_port));
    if (s.banks > 0) out += yaml_banks(s);
    if (offchip) {
      out += fmt::format("    latency: {}\n", s.latency);
      if (s.in_flight > 0) out += fmt::format("    in_flight: {}\n", s.in_flight);
      if (s.rows.bytes > 0) out += yaml_rows(s.rows);
    } else {
      out += "    capacity: " + yaml_capacity(s, m.capacity_in_words ? "words" : "B") + "\n";
      const auto word = [&](std::size_t t) {
        return s.buffering.of[t] == hw::Buffering::Double ? "double" : "single";
      };
      out += s.buffering == hw::Bufferings(s.buffering.of[0])
                 ? fmt::format("    buffering: {}\n", word(0))
                 : fmt::format("    buffering: {{input: {}, weight: {}, output: {}}}\n", word(0),
                               word(1), word(2));
      if (s.slots_together) out += "    slots: together\n";
      if (!(s.holds[0] && s.holds[1]))
        out += fmt::format("    holds: [{}{}output]\n", s.holds[0] ? "input, " : "",
                           s.holds[1] ? "weight, " : "");
      if (last) out += yaml_follows(s);
      if (s.cluster_pes > 0) out += fmt::format("    cluster_pes: {}\n", s.cluster_pes);
    }
    if (!last) out += "    network: " + yaml_network(m.network[i], offchip) + "\n";
  }
  if (m.implied_network)
    out += "implied_network: " + yaml_network(*m.implied_network, false) + "\n";
  return out;
}

std::string mapping_text(const Case& c) {
  return "Network case {\n" + workloads::print(c.layer, 2) + "}\n";
}

std::string describe(const Case& c) {
  return fmt::format("seed {}\n{}\n{}", c.seed, workloads::print(c.layer), machine_yaml(c.machine));
}

ReadCase read_case(const std::string& mapping, const std::string& mapping_name,
                   const std::string& machine, const std::string& machine_name) {
  ReadCase r;
  auto network = workloads::parse_network(mapping, mapping_name);
  r.diagnostics = std::move(network.diagnostics);
  auto m = hw::read_machine(machine, machine_name, r.diagnostics);
  if (!network.network || !m) return r;
  std::vector<workloads::NetworkLayer>& layers = network.network->layers;
  if (layers.size() != 1 || !layers[0].modelled || !layers[0].dataflow) {
    input::Diagnostic d;
    d.file = mapping_name;
    d.code = "not-a-case";
    d.message = "a case is one layer with its dataflow";
    r.diagnostics.push_back(d);
    return r;
  }
  r.found.emplace();
  r.found->layer = std::move(layers[0]);
  r.found->machine = std::move(*m);
  return r;
}

}  // namespace counterpoint::validation::fuzz
