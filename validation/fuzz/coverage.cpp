// SPDX-License-Identifier: Apache-2.0
#include "validation/fuzz/coverage.h"

#include <algorithm>
#include <functional>

#include "analytic/plan.h"

namespace counterpoint::validation::fuzz {
namespace {

using workloads::Cut;
using workloads::Dim;
using workloads::Layer;
using workloads::Level;
using workloads::Operator;

const Layer& layer(const Drawn& d) {
  return d.c.layer.layer;
}
const workloads::Mapping& mapping(const Drawn& d) {
  return *d.bound.mapping;
}

template <class Test>
bool any_window(const Drawn& d, Test test) {
  return layer(d).has_window() && (test(layer(d).rows) || test(layer(d).cols));
}
// Networks of the array: the one from off-chip memory has one receiver.
template <class Test>
bool any_network(const Drawn& d, Test test) {
  const auto& all = mapping(d).machine.network;
  return std::any_of(all.begin(), all.end(), test);
}
template <class Test>
bool any_array_network(const Drawn& d, Test test) {
  const auto& all = mapping(d).machine.network;
  return std::any_of(all.begin() + 1, all.end(), test);
}
template <class Test>
bool any_storage(const Drawn& d, Test test) {
  const auto& all = mapping(d).machine.storage;
  return std::any_of(all.begin(), all.end(), test);
}
// test(level, cut, dim, the unit's box); on the first, largest tiles.
template <class Test>
bool any_cut(const Drawn& d, Test test) {
  workloads::Box box = layer(d).whole();
  for (const Level& level : mapping(d).nest.levels) {
    for (Dim dim : workloads::kAllDims)
      if (layer(d).has(dim) && level.cut(dim).kind != Cut::Kind::Whole &&
          test(level, level.cut(dim), dim, box))
        return true;
    const workloads::Box child = workloads::child_box(
        layer(d), level, box, std::vector<std::int64_t>(level.loops.size(), 0), 0);
    if (child.empty()) return false;
    box = child;
  }
  return false;
}
bool edge(const Level& level, const Cut& cut, Dim dim, const workloads::Box& box, const Layer& l) {
  const std::int64_t n = workloads::positions(l, level, box, dim);
  return cut.kind == Cut::Kind::Plain && n > 1 && (n - 1) * cut.offset + cut.size > box[dim].size();
}
template <class Test>
bool any_directive(const Drawn& d, Test test) {
  for (const workloads::DataflowLevel& level : d.c.layer.dataflow->levels)
    if (std::any_of(level.directives.begin(), level.directives.end(), test)) return true;
  return false;
}
template <class Value>
bool any_level_access(const Drawn& d, Value value) {
  for (const stats::StorageResult& s : d.result.storage)
    if (value(s.access[2]) > 0) return true;
  return false;
}
template <class Test>
bool any_link(const Drawn& d, Test test) {
  for (const stats::NetworkResult& n : d.result.network)
    for (const stats::LinkCounts& x : n.link)
      if (test(x)) return true;
  return false;
}

bool limited_below(const hw::Network& n, std::int64_t per_kcycle) {
  return !n.bandwidth.unlimited() && n.bandwidth.per_kcycle < per_kcycle;
}

std::vector<Feature> make() {
  std::vector<Feature> all;
  std::string group;
  const auto add = [&](const std::string& name, const std::function<bool(const Drawn&)>& has) {
    all.push_back({group, name, has});
  };
  using D = const Drawn&;
  using N = const hw::Network&;
  using S = const hw::Storage&;
  using W = const workloads::Window&;
  group = "operator";
  add("CONV", [](D d) { return layer(d).op == Operator::Conv; });
  add("DSCONV", [](D d) { return layer(d).op == Operator::DsConv; });
  add("NGCONV", [](D d) { return layer(d).op == Operator::NgConv; });
  add("TRCONV", [](D d) { return layer(d).op == Operator::TrConv; });
  add("GEMM", [](D d) { return layer(d).op == Operator::Gemm && !layer(d).weight_has_batch; });
  add("GEMM with batch", [](D d) {
    return layer(d).op == Operator::Gemm && !layer(d).weight_has_batch && layer(d)[Dim::B] > 1;
  });
  add("batched GEMM", [](D d) { return layer(d).weight_has_batch; });
  group = "layer";
  add("batch above 1", [](D d) { return layer(d).has_window() && layer(d)[Dim::N] > 1; });
  add("groups above 1", [](D d) { return layer(d).has(Dim::G) && layer(d)[Dim::G] > 1; });
  add("stride above 1", [](D d) { return any_window(d, [](W w) { return w.stride > 1; }); });
  add("stride wider than the kernel", [](D d) {
    return layer(d).has_window() &&
           (layer(d).rows.stride > layer(d)[Dim::R] || layer(d).cols.stride > layer(d)[Dim::S]);
  });
  add("strides differ",
      [](D d) { return layer(d).has_window() && layer(d).rows.stride != layer(d).cols.stride; });
  add("dilation above 1", [](D d) { return any_window(d, [](W w) { return w.dilation > 1; }); });
  add("implicit padding", [](D d) {
    return layer(d).op != Operator::TrConv && any_window(d, [](W w) { return w.offset > 0; });
  });
  add("upsampling", [](D d) { return any_window(d, [](W w) { return w.upsample > 1; }); });
  add("more than 1500 MACs", [](D d) { return d.result.macs > 1500; });
  group = "mapping";
  add("1 cluster level", [](D d) { return d.c.layer.dataflow->levels.size() == 1; });
  add("2 cluster levels", [](D d) { return d.c.layer.dataflow->levels.size() == 2; });
  add("3 cluster levels", [](D d) { return d.c.layer.dataflow->levels.size() == 3; });
  add("4 cluster levels", [](D d) { return d.c.layer.dataflow->levels.size() == 4; });
  add("explicit off-chip tiles", [](D d) { return d.c.layer.dataflow->explicit_offchip; });
  add("automatic, loops run off-chip",
      [](D d) { return !d.c.layer.dataflow->explicit_offchip && d.bound.offchip_depth > 0; });
  add("automatic, whole layer on chip",
      [](D d) { return !d.c.layer.dataflow->explicit_offchip && d.bound.offchip_depth == 0; });
  add("input coordinates (Y, X)", [](D d) {
    return any_directive(d, [](const workloads::Directive& x) { return x.dim.input_centric; });
  });
  add("kernel cut with its rows (skewed)", [](D d) {
    return any_cut(d, [](const Level&, const Cut& cut, Dim, const workloads::Box&) {
      return cut.kind == Cut::Kind::Skewed;
    });
  });
  add("... across units (row-stationary)", [](D d) {
    return any_cut(d, [](const Level&, const Cut& cut, Dim, const workloads::Box&) {
      return cut.kind == Cut::Kind::Skewed && cut.spatial;
    });
  });
  add("several dimensions across units", [](D d) {
    for (const Level& level : mapping(d).nest.levels)
      if (std::count_if(level.cuts.begin(), level.cuts.end(),
                        [](const Cut& cut) { return cut.spatial; }) > 1)
        return true;
    return false;
  });
  add("edge in time", [](D d) {
    return any_cut(d, [&](const Level& level, const Cut& cut, Dim dim, const workloads::Box& box) {
      return !cut.spatial && edge(level, cut, dim, box, layer(d));
    });
  });
  add("edge in space", [](D d) {
    return any_cut(d, [&](const Level& level, const Cut& cut, Dim dim, const workloads::Box& box) {
      return cut.spatial && edge(level, cut, dim, box, layer(d));
    });
  });
  add("idle units in the last fold", [](D d) {
    return any_cut(d, [&](const Level& level, const Cut& cut, Dim dim, const workloads::Box& box) {
      const std::int64_t n = workloads::positions(layer(d), level, box, dim);
      return cut.spatial && n > level.units && n % level.units != 0;
    });
  });
  add("fewer positions than units", [](D d) {
    return any_cut(d, [&](const Level& level, const Cut& cut, Dim dim, const workloads::Box& box) {
      return cut.spatial && workloads::positions(layer(d), level, box, dim) < level.units;
    });
  });
  group = "machine";
  add("more PEs than clusters use", [](D d) {
    std::int64_t used = 1;
    for (const Level& level : mapping(d).nest.levels) used *= level.units;
    return used < d.c.machine.pes;
  });
  add("more than 64 PEs", [](D d) { return d.c.machine.pes > 64; });
  add("several lanes", [](D d) { return d.c.machine.lanes > 1; });
  add("pipeline latency", [](D d) { return d.c.machine.pipeline_latency > 0; });
  add("declared cluster buffer", [](D d) { return d.c.machine.storage.size() > 3; });
  add("implied cluster buffer", [](D d) { return any_storage(d, [](S s) { return s.implied; }); });
  add("... with a network of its own", [](D d) {
    return d.c.machine.implied_network && any_storage(d, [](S s) { return s.implied; });
  });
  add("single buffering", [](D d) {
    return any_storage(d, [](S s) { return s.buffering.any(hw::Buffering::Single); });
  });
  add("double buffering", [](D d) {
    const auto& levels = mapping(d).machine.storage;
    return std::any_of(levels.begin() + 1, levels.end(),
                       [](S s) { return s.buffering.any(hw::Buffering::Double); });
  });
  add("inputs pass the global buffer by", [](D d) { return !d.c.machine.storage[1].holds[0]; });
  add("weights pass the global buffer by", [](D d) { return !d.c.machine.storage[1].holds[1]; });
  add("buffering by tensor", [](D d) {
    const auto& levels = mapping(d).machine.storage;
    return std::any_of(levels.begin() + 1, levels.end(), [](S s) {
      return s.buffering.any(hw::Buffering::Single) && s.buffering.any(hw::Buffering::Double);
    });
  });
  add("limited read port",
      [](D d) { return any_storage(d, [](S s) { return !s.read_port.unlimited(); }); });
  add("limited write port",
      [](D d) { return any_storage(d, [](S s) { return !s.write_port.unlimited(); }); });
  add("port in bytes", [](D d) {
    return any_storage(d, [](S s) {
      return (!s.read_port.unlimited() && s.read_port.bytes) ||
             (!s.write_port.unlimited() && s.write_port.bytes);
    });
  });
  add("finished outputs narrower, at some level", [](D d) {
    const hw::BoundMachine& m = mapping(d).machine;
    for (std::size_t l = 0; l < m.network.size(); ++l)
      if (hw::drain_bits(m, l) < m.machine.bits.psum) return true;
    return false;
  });
  add("overhead of steps", [](D d) { return d.c.machine.step_overhead > 0; });
  add("least time of steps", [](D d) { return d.c.machine.step_minimum > 0; });
  add("start-up", [](D d) { return d.c.machine.startup > 0; });
  add("requests in flight limited", [](D d) { return d.c.machine.storage[0].in_flight > 0; });
  add("steps in flight limited", [](D d) { return d.c.machine.step_window.steps > 0; });
  add("words follow each other through PEs",
      [](D d) { return d.c.machine.storage.back().any_follows(); });
  add("memory read in rows", [](D d) { return d.c.machine.storage[0].rows.bytes > 0; });
  add("... and written", [](D d) { return d.c.machine.storage[0].rows.drain_cycles > 0; });
  add("... through caches", [](D d) { return !d.c.machine.storage[0].rows.caches.empty(); });
  add("... of lines that writing allocates",
      [](D d) { return d.c.machine.storage[0].rows.allocate_cycles > 0; });
  add("slots taken together",
      [](D d) { return any_storage(d, [](S s) { return s.slots_together; }); });
  add("off-chip latency", [](D d) { return d.c.machine.storage[0].latency > 0; });
  add("capacity unmet (waived)", [](D d) { return !d.bound.shortfalls.empty(); });
  add("capacity in parts", [](D d) { return any_storage(d, [](S s) { return s.parts > 1; }); });
  add("capacity in words", [](D d) { return d.c.machine.capacity_in_words; });
  group = "network";
  add("unlimited bandwidth",
      [](D d) { return any_network(d, [](N n) { return n.bandwidth.unlimited(); }); });
  add("below 1 word or byte per cycle",
      [](D d) { return any_network(d, [](N n) { return limited_below(n, 1000); }); });
  add("from 1 to 4", [](D d) {
    return any_network(d, [](N n) { return !limited_below(n, 1000) && limited_below(n, 4000); });
  });
  add("4 and more", [](D d) {
    return any_network(d, [](N n) { return !n.bandwidth.unlimited() && !limited_below(n, 4000); });
  });
  add("in bytes", [](D d) {
    return any_network(d, [](N n) { return !n.bandwidth.unlimited() && n.bandwidth.bytes; });
  });
  add("latency", [](D d) { return any_network(d, [](N n) { return n.latency > 0; }); });
  add("overhead of transfers",
      [](D d) { return any_network(d, [](N n) { return n.fill_overhead > 0; }); });
  add("overhead of drains",
      [](D d) { return any_network(d, [](N n) { return n.drain_overhead > 0; }); });
  add("bandwidth to the parent of its own",
      [](D d) { return any_network(d, [](N n) { return n.drain_bandwidth.has_value(); }); });
  add("bursts of words",
      [](D d) { return any_network(d, [](N n) { return n.burst.size > 0 && !n.burst.bytes; }); });
  add("bursts of bytes",
      [](D d) { return any_network(d, [](N n) { return n.burst.size > 0 && n.burst.bytes; }); });
  add("slower clock of its own", [](D d) {
    return any_network(d,
                       [&](N n) { return n.clock_mhz > 0 && n.clock_mhz < d.c.machine.clock_mhz; });
  });
  add("faster clock of its own",
      [](D d) { return any_network(d, [&](N n) { return n.clock_mhz > d.c.machine.clock_mhz; }); });
  add("skew", [](D d) { return any_array_network(d, [](N n) { return n.skew != 0; }); });
  add("multicast none", [](D d) {
    return any_array_network(d, [](N n) { return n.multicast == hw::Multicast::None; });
  });
  add("multicast tile", [](D d) {
    return any_array_network(d, [](N n) { return n.multicast == hw::Multicast::Tile; });
  });
  add("multicast word", [](D d) {
    return any_array_network(d, [](N n) { return n.multicast == hw::Multicast::Word; });
  });
  add("drain lines",
      [](D d) { return any_network(d, [](N n) { return n.drain_lines.children > 0; }); });
  add("subtrees", [](D d) { return any_network(d, [](N n) { return n.subtrees.pes > 0; }); });
  add("reduction none", [](D d) {
    return any_array_network(d, [](N n) { return n.reduction == hw::Reduction::None; });
  });
  add("reduction chain", [](D d) {
    return any_array_network(d, [](N n) { return n.reduction == hw::Reduction::Chain; });
  });
  add("reduction tree", [](D d) {
    return any_array_network(d, [](N n) { return n.reduction == hw::Reduction::Tree; });
  });
  add("shared channels",
      [](D d) { return any_network(d, [](N n) { return n.channels == hw::Channels::Shared; }); });
  add("separate channels",
      [](D d) { return any_network(d, [](N n) { return n.channels == hw::Channels::Separate; }); });
  add("partial sums accumulate",
      [](D d) { return any_network(d, [](N n) { return n.psum == hw::PsumPolicy::Accumulate; }); });
  add("partial sums refetch",
      [](D d) { return any_network(d, [](N n) { return n.psum == hw::PsumPolicy::Refetch; }); });
  add("nothing reused",
      [](D d) { return any_network(d, [](N n) { return !n.reuse[0] && !n.reuse[1]; }); });
  add("inputs or weights not reused",
      [](D d) { return any_network(d, [](N n) { return n.reuse[0] != n.reuse[1]; }); });
  add("partial sums kept",
      [](D d) { return any_network(d, [](N n) { return n.psum == hw::PsumPolicy::Keep; }); });
  add("one port", [](D d) { return any_storage(d, [](S s) { return s.banks == 1; }); });
  add("banks", [](D d) { return any_storage(d, [](S s) { return s.banks > 1; }); });
  add("bus",
      [](D d) { return any_network(d, [](N n) { return n.topology == hw::Topology::Bus; }); });
  for (std::size_t t = 2; t < hw::topology_names().size(); ++t)
    add("routed: " + hw::topology_names()[t], [t](D d) {
      return any_network(d, [t](N n) { return n.topology == static_cast<hw::Topology>(t); });
    });
  group = "happened";
  add("multicast", [](D d) {
    return any_link(d, [](const stats::LinkCounts& x) { return x.delivered > x.injected; });
  });
  add("reduction in a network", [](D d) {
    return any_link(d,
                    [](const stats::LinkCounts& x) { return x.drain_senders > x.drain_injected; });
  });
  add("accumulation in a buffer", [](D d) {
    return any_level_access(d, [](const stats::AccessCounts& x) { return x.accumulate_write; });
  });
  add("partial sums read back", [](D d) {
    return any_level_access(d, [](const stats::AccessCounts& x) { return x.readback_read; });
  });
  add("partial sums read back from off-chip",
      [](D d) { return d.result.storage[0].access[2].readback_read > 0; });
  add("waits for the level above", [](D d) { return d.result.stack.level_above > 0; });
  add("waits for bandwidth", [](D d) { return d.result.stack.bandwidth > 0; });
  add("waits for a drain", [](D d) { return d.result.stack.drain > 0; });
  add("waits for latency", [](D d) { return d.result.stack.latency > 0; });
  add("several arrays", [](D d) { return d.result.arrays > 1; });
  add("estimated step by step", [](D d) { return !analytic::Plan().compile(*d.bound.mapping); });
  return all;
}

}  // namespace

const std::vector<Feature>& features() {
  static const std::vector<Feature> all = make();
  return all;
}

}  // namespace counterpoint::validation::fuzz
