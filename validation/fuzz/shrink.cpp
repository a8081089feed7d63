// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "validation/fuzz/generator.h"

namespace counterpoint::validation::fuzz {
namespace {

using workloads::Dim;

/// Simpler cases next to `c`, the boldest first.
std::vector<Case> simpler(const Case& c) {
  std::vector<Case> out;
  const auto add = [&](auto change) {
    Case next = c;
    change(next);
    out.push_back(std::move(next));
  };
  workloads::Dataflow none;
  const workloads::Dataflow& flow = c.layer.dataflow ? *c.layer.dataflow : none;
  // Without the innermost level: its PEs are merged into one.
  if (flow.levels.size() > 1 &&
      flow.levels.back().cluster_size.kind == workloads::Expr::Kind::Number)
    add([&](Case& n) {
      const std::int64_t size = flow.levels.back().cluster_size.number;
      n.layer.dataflow->levels.pop_back();
      n.machine.pes = std::max<std::int64_t>(1, n.machine.pes / std::max<std::int64_t>(1, size));
    });
  // Without a cluster buffer.
  for (std::size_t i = 2; i + 1 < c.machine.storage.size(); ++i)
    add([&](Case& n) {
      n.machine.storage.erase(n.machine.storage.begin() + static_cast<std::ptrdiff_t>(i));
      n.machine.network.erase(n.machine.network.begin() + static_cast<std::ptrdiff_t>(i));
    });
  if (flow.explicit_offchip)
    add([](Case& n) {
      n.layer.dataflow->explicit_offchip = false;
      n.layer.dataflow->offchip = {};
    });
  for (std::size_t l = 0; l < flow.levels.size(); ++l)
    for (std::size_t i = 0; i < flow.levels[l].directives.size(); ++i)
      add([&](Case& n) {
        auto& directives = n.layer.dataflow->levels[l].directives;
        directives.erase(directives.begin() + static_cast<std::ptrdiff_t>(i));
      });
  // Smaller extents. Windows only where they stay consistent: no padding, no upsampling.
  for (Dim d : workloads::kAllDims) {
    const std::int64_t extent = c.layer.layer[d];
    if (!c.layer.layer.has(d) || extent < 2) continue;
    const bool rows = d == Dim::Y || d == Dim::R, columns = d == Dim::X || d == Dim::S;
    if (c.layer.layer.has_window() && (rows || columns) && !c.layer.layer.dense()) continue;
    for (std::int64_t smaller : {std::int64_t{1}, extent / 2, extent - 1}) {
      if (smaller < 1 || smaller == extent) continue;
      add([&](Case& n) {
        workloads::Layer& layer = n.layer.layer;
        layer[d] = smaller;
        if (!layer.has_window()) return;
        const auto fit = [&](workloads::Window& w, Dim o, Dim k) {
          w.extent = w.stride * (layer[o] - 1) + w.dilation * (layer[k] - 1) + 1;
        };
        if (rows) fit(layer.rows, Dim::Y, Dim::R);
        if (columns) fit(layer.cols, Dim::X, Dim::S);
      });
    }
  }
  // Plainer windows; the extents of the outputs stay.
  if (c.layer.layer.has_window()) {
    const auto plain = [&](auto change) {
      add([&](Case& n) {
        workloads::Layer& layer = n.layer.layer;
        if (layer.op == workloads::Operator::TrConv) layer.op = workloads::Operator::Conv;
        const auto fit = [&](workloads::Window& w, Dim o, Dim k) {
          change(w);
          w.offset = 0;
          w.upsample = 1;
          w.extent = w.stride * (layer[o] - 1) + w.dilation * (layer[k] - 1) + 1;
        };
        fit(layer.rows, Dim::Y, Dim::R);
        fit(layer.cols, Dim::X, Dim::S);
      });
    };
    plain([](workloads::Window& w) { w.stride = w.dilation = 1; });
    plain([](workloads::Window& w) { w.stride = 1; });
    plain([](workloads::Window& w) { w.dilation = 1; });
    plain([](workloads::Window&) {});
  }
  // Smaller tiles and clusters.
  for (std::size_t l = 0; l < flow.levels.size(); ++l) {
    const std::int64_t units = flow.levels[l].cluster_size.number;
    if (flow.levels[l].opened_by_cluster &&
        flow.levels[l].cluster_size.kind == workloads::Expr::Kind::Number && units > 1)
      add([&](Case& n) {
        n.layer.dataflow->levels[l].cluster_size.number = units - 1;
        n.machine.pes = n.machine.pes / units * (units - 1);
      });
    for (std::size_t i = 0; i < flow.levels[l].directives.size(); ++i) {
      const workloads::Directive& d = flow.levels[l].directives[i];
      if (d.size.kind != workloads::Expr::Kind::Number || d.size.number < 2 ||
          d.size.number != d.offset.number)
        continue;
      for (std::int64_t smaller : {std::int64_t{1}, d.size.number - 1})
        add([&](Case& n) {
          workloads::Directive& x = n.layer.dataflow->levels[l].directives[i];
          x.size.number = x.offset.number = smaller;
        });
    }
  }
  // A plainer machine.
  add([](Case& n) { n.machine.pes = std::max<std::int64_t>(1, n.machine.pes / 2); });
  add([](Case& n) { n.machine.lanes = 1; });
  add([](Case& n) { n.machine.pipeline_latency = 0; });
  add([](Case& n) { n.machine.step_overhead = 0; });
  add([](Case& n) { n.machine.step_minimum = 0; });
  add([](Case& n) { n.machine.step_window = {}; });
  add([](Case& n) { n.machine.storage.back().follows = hw::Storage{}.follows; });
  add([](Case& n) { n.machine.storage[0].rows = {}; });
  add([](Case& n) {
    n.machine.storage[0].rows.caches.clear();
    n.machine.storage[0].rows.allocate_cycles = 0;
  });
  add([](Case& n) {
    n.machine.storage[0].rows.drain_cycles = 0;
    n.machine.storage[0].rows.allocate_cycles = 0;
  });
  add([](Case& n) { n.machine.storage[0].rows.allocate_cycles = 0; });
  add([](Case& n) { n.machine.startup = 0; });
  add([](Case& n) { n.machine.bits.output = 0; });
  add([](Case& n) { n.machine.bits = {}; });
  add([](Case& n) { n.machine.implied_network.reset(); });
  add([](Case& n) { n.machine.storage[1].holds[0] = true; });
  add([](Case& n) { n.machine.storage[1].holds[1] = true; });
  for (std::size_t i = 0; i < c.machine.storage.size(); ++i) {
    add([&](Case& n) {
      n.machine.storage[i].capacity_bytes = 0;
      n.machine.storage[i].parts = 0;
    });
    add([&](Case& n) { n.machine.storage[i].parts = 0; });
    add([&](Case& n) {
      n.machine.storage[i].banks = 0;
      n.machine.storage[i].bank = {};
    });
    if (c.machine.storage[i].banks > 1)
      add([&](Case& n) {
        n.machine.storage[i].banks = 1;
        n.machine.storage[i].bank = {};
      });
    if (c.machine.storage[i].banks == 0) {
      add([&](Case& n) { n.machine.storage[i].read_port = {}; });
      add([&](Case& n) { n.machine.storage[i].write_port = {}; });
    }
    add([&](Case& n) { n.machine.storage[i].latency = 0; });
    add([&](Case& n) { n.machine.storage[i].in_flight = 0; });
    add([&](Case& n) { n.machine.storage[i].buffering = hw::Buffering::Double; });
    add([&](Case& n) { n.machine.storage[i].slots_together = false; });
  }
  for (std::size_t i = 0; i < c.machine.network.size(); ++i) {
    const hw::Network plain;
    add([&](Case& n) {
      n.machine.network[i].topology = plain.topology;
      n.machine.network[i].fabric = plain.fabric;
    });
    add([&](Case& n) { n.machine.network[i].fabric = plain.fabric; });
    add([&](Case& n) {  // first what only means something with a bandwidth, or its unit
      n.machine.network[i].burst = {};
      if (i == 0) n.machine.storage[0].in_flight = 0;
    });
    if (c.machine.network[i].burst.size == 0) {
      add([&](Case& n) { n.machine.network[i].bandwidth = {}; });
      add([&](Case& n) { n.machine.network[i].bandwidth.bytes = false; });
    }
    add([&](Case& n) { n.machine.network[i].drain_bandwidth.reset(); });
    add([&](Case& n) { n.machine.network[i].fill_overhead = 0; });
    add([&](Case& n) { n.machine.network[i].drain_overhead = 0; });
    add([&](Case& n) { n.machine.network[i].clock_mhz = 0; });
    add([&](Case& n) { n.machine.network[i].skew = 0; });
    add([&](Case& n) { n.machine.network[i].latency = 0; });
    add([&](Case& n) { n.machine.network[i].subtrees = {}; });
    if (c.machine.network[i].subtrees.pes == 0)
      add([&](Case& n) { n.machine.network[i].multicast = plain.multicast; });
    add([&](Case& n) { n.machine.network[i].drain_lines = {}; });
    if (c.machine.network[i].drain_lines.children == 0)
      add([&](Case& n) { n.machine.network[i].reduction = plain.reduction; });
    add([&](Case& n) { n.machine.network[i].channels = plain.channels; });
    add([&](Case& n) { n.machine.network[i].psum = plain.psum; });
    add([&](Case& n) { n.machine.network[i].reuse = {true, true}; });
  }
  return out;
}

}  // namespace

Case shrink(const Case& c, const std::function<bool(const Case&)>& fails) {
  Case best = c;
  std::string text = describe(best);
  for (bool again = true; again;) {
    again = false;
    for (Case& next : simpler(best)) {
      const std::string changed = describe(next);
      if (changed == text || !fails(next)) continue;
      best = std::move(next);
      text = changed;
      again = true;
      break;
    }
  }
  return best;
}

}  // namespace counterpoint::validation::fuzz
