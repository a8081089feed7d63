// SPDX-License-Identifier: Apache-2.0
#include "validation/fuzz/laws.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "analytic/estimator.h"
#include "stats/table.h"
#include "validation/report.h"

namespace counterpoint::validation::fuzz {
namespace {

using workloads::Dim;
using workloads::Mapping;
using workloads::Tensor;
using Int = std::int64_t;

// Collects the breaches of one law.
class Law {
 public:
  explicit Law(const char* name) : name_(name) {}
  void equal(Int a, Int b, const std::string& what) {
    if (a != b) breach(fmt::format("{}: {} is not {}", what, a, b));
  }
  void at_least(Int a, Int b, const std::string& what) {
    if (a < b) breach(fmt::format("{}: {} is less than {}", what, a, b));
  }
  void at_most(Int a, Int b, const std::string& what) {
    if (a > b) breach(fmt::format("{}: {} is more than {}", what, a, b));
  }
  void same(const stats::LayerResult& a, const stats::LayerResult& b, const std::string& what) {
    for (const std::string& d : differing(a, b)) breach(what + ": " + d);
  }
  void breach(std::string text) { all_.push_back({name_, std::move(text)}); }
  Breaches take() { return std::move(all_); }

 private:
  const char* name_;
  Breaches all_;
};

void append(Breaches& to, Breaches more) {
  for (Breach& b : more) to.push_back(std::move(b));
}

// Coordinates on one side of a window that some multiply-accumulate touches.
struct WindowWords {
  Int input = 0, kernel = 0, output = 0;
};
WindowWords window_words(const workloads::Window& w, Int outputs, Int kernels) {
  std::vector<bool> input(static_cast<std::size_t>(w.extent)),
      kernel(static_cast<std::size_t>(kernels)), output(static_cast<std::size_t>(outputs));
  for (Int o = 0; o < outputs; ++o)
    for (Int k = 0; k < kernels; ++k) {
      const Int u = w.stride * o + w.dilation * k - w.offset;
      if (u < 0 || u % w.upsample != 0 || u / w.upsample >= w.extent) continue;
      input[static_cast<std::size_t>(u / w.upsample)] = true;
      kernel[static_cast<std::size_t>(k)] = output[static_cast<std::size_t>(o)] = true;
    }
  const auto count = [](const std::vector<bool>& v) {
    return static_cast<Int>(std::count(v.begin(), v.end(), true));
  };
  return {count(input), count(kernel), count(output)};
}

Int offchip_words(const stats::LayerResult& r) {
  Int n = 0;
  for (const stats::LinkCounts& x : r.network[0].link) n += x.injected + x.drain_injected;
  return n;
}

}  // namespace

std::array<Int, 3> touched_words(const workloads::Layer& layer) {
  std::array<Int, 3> words{1, 1, 1};
  for (Dim d : workloads::kAllDims) {
    if (!layer.has(d)) continue;
    if (layer.has_window() && (d == Dim::Y || d == Dim::R || d == Dim::X || d == Dim::S)) continue;
    for (Tensor t : workloads::kAllTensors)
      if (layer.couples(t, d)) words[static_cast<std::size_t>(index(t))] *= layer[d];
  }
  if (!layer.has_window()) return words;
  for (Dim d : {Dim::Y, Dim::X}) {
    const WindowWords w =
        window_words(layer.window(d), layer[d], layer[d == Dim::Y ? Dim::R : Dim::S]);
    words[0] *= w.input;
    words[1] *= w.kernel;
    words[2] *= w.output;
  }
  return words;
}

std::vector<std::string> differing(const stats::LayerResult& a, const stats::LayerResult& b,
                                   bool timing) {
  std::vector<std::string> out;
  const auto x = stats::flatten(a), y = stats::flatten(b);
  if (x.size() != y.size()) return {"the results have different levels"};
  for (std::size_t i = 0; i < x.size(); ++i)
    if (x[i].value != y[i].value && (timing || !x[i].description->timing))
      out.push_back(fmt::format("{}: {}, {}", x[i].name, x[i].value, y[i].value));
  return out;
}

Breaches check_compulsory(const Mapping& m, const stats::LayerResult& r) {
  Law law("compulsory");
  const auto touched = touched_words(m.layer);
  law.equal(r.macs, workloads::macs(m.layer), "multiply-accumulates");
  law.at_least(r.storage[0].access[0].fill_read, touched[0], "inputs read off-chip");
  law.at_least(r.storage[0].access[1].fill_read, touched[1], "weights read off-chip");
  // Every output is left off-chip once, however often it came and went.
  const stats::AccessCounts& out = r.storage[0].access[2];
  law.equal(out.drain_write - out.readback_read, touched[2], "outputs left off-chip");
  return law.take();
}

Breaches check_conservation(const Mapping& m, const stats::LayerResult& r) {
  Law law("conservation");
  for (std::size_t l = 0; l < r.network.size(); ++l)
    for (std::size_t t = 0; t < 3; ++t) {
      const stats::LinkCounts& x = r.network[l].link[t];
      const stats::AccessCounts &up = r.storage[l].access[t], &down = r.storage[l + 1].access[t];
      const std::string at = r.network[l].name + "." + std::string(name(workloads::kAllTensors[t]));
      // What passes a level by is read above it, and written below.
      if (hw::passes_by(m.machine, l, t))
        law.equal(up.reads() + up.writes(), 0, at + " passing, accesses of " + r.storage[l].name);
      else
        law.equal(x.injected, up.fill_read + up.readback_read, at + " injected, read above");
      if (m.machine.storage[l + 1].holds[t])
        law.equal(x.delivered, down.fill_write + down.readback_write, at + " delivered, written");
      else
        law.equal(x.delivered, r.network[l + 1].link[t].injected, at + " delivered, passed on");
      law.at_least(x.delivered, x.injected, at + " delivered, injected");
      law.at_most(x.delivered, x.injected * m.nest.levels[l].units,
                  at + " delivered, injected times receivers");
      if (t == 2 || m.machine.network[l].multicast == hw::Multicast::None)
        law.equal(x.delivered, x.injected, at + " delivered, injected without multicast");
      law.equal(x.drain_senders, down.drain_read, at + " drained, read below");
      law.equal(x.drain_injected, up.drain_write + up.accumulate_write, at + " drained, written");
      law.at_most(x.drain_injected, x.drain_senders, at + " drained, sent");
      law.equal(up.accumulate_read, up.accumulate_write, at + " accumulations, read and written");
    }
  // Operands: one input and one weight for every multiply-accumulate, which writes one sum.
  const auto& pe = r.storage.back().access;
  law.equal(pe[0].operand_read, r.macs, "inputs read by the PEs");
  law.equal(pe[1].operand_read, r.macs, "weights read by the PEs");
  law.equal(pe[2].operand_write, r.macs, "partial sums written by the PEs");
  // What a PE sends, it started from zero or got back.
  law.equal(pe[2].drain_read, r.macs - pe[2].operand_read + pe[2].readback_write,
            "partial sums that the PEs send, that they began or got");
  return law.take();
}

Breaches check_capability(const Mapping& m, const stats::LayerResult& r) {
  Law law("capability");
  law.at_most(r.macs, r.cycles * r.pes * r.lanes, "multiply-accumulates, of the PEs' time");
  law.equal(r.stack.total(), r.arrays * r.cycles, "sum of the cycle stack");
  for (std::size_t l = 0; l < r.network.size(); ++l) {
    const stats::NetworkResult& n = r.network[l];
    const bool separate = m.machine.network[l].channels == hw::Channels::Separate;
    Int channels = separate ? 3 : 1;
    for (std::size_t t = 0; t < 2; ++t)
      if (hw::passes_by(m.machine, l, t) && !separate) ++channels;
    law.at_most(n.fill_busy, r.cycles * n.instances * channels, n.name + " fill_busy");
    law.at_most(n.drain_busy, r.cycles * n.instances, n.name + " drain_busy");
  }
  for (const analytic::Bound& b : analytic::roofline(m, r).bounds)
    law.at_most(b.cycles, r.cycles, b.resource);
  return law.take();
}

Breaches check_monotone(const Mapping& m, const stats::LayerResult& r) {
  Law law("monotone");
  if (contended(m.machine)) return {};
  Mapping faster = m;
  const auto compare = [&](const std::string& what) {
    law.at_most(analytic::estimate(faster).cycles, r.cycles, what);
  };
  for (std::size_t l = 0; l < m.machine.network.size(); ++l) {
    const std::string& name = m.machine.network[l].name;
    hw::Network& network = faster.machine.network[l];
    if (!network.bandwidth.unlimited()) {
      network.bandwidth.per_kcycle *= 3;
      compare("cycles with more bandwidth of " + name);
      network.bandwidth = m.machine.network[l].bandwidth;
    }
    if (network.latency > 0) {
      network.latency /= 2;
      compare("cycles with less latency of " + name);
      network.latency = m.machine.network[l].latency;
    }
    if (network.fill_overhead + network.drain_overhead > 0) {
      network.fill_overhead = network.drain_overhead = 0;
      compare("cycles without overhead of " + name);
      network = m.machine.network[l];
    }
    if (network.drain_bandwidth) {
      network.drain_bandwidth->per_kcycle *= 2;
      compare("cycles with more bandwidth to the parent of " + name);
      network = m.machine.network[l];
    }
    if (network.subtrees.pes > 0) {
      network.subtrees.bandwidth.per_kcycle *= 2;
      compare("cycles with more bandwidth of the subtrees of " + name);
      network = m.machine.network[l];
    }
    if (network.drain_lines.children > 0) {
      network.drain_lines.bandwidth.per_kcycle *= 2;
      compare("cycles with more bandwidth of the lines of " + name);
      network = m.machine.network[l];
    }
    if (network.clock_mhz > 0) {
      network.clock_mhz *= 2;
      compare("cycles with a faster clock of " + name);
      network = m.machine.network[l];
    }
    if (network.skew != 0) {
      network.skew = 0;
      compare("cycles without skew of " + name);
      network = m.machine.network[l];
    }
    hw::Storage &above = faster.machine.storage[l], &below = faster.machine.storage[l + 1];
    if (!above.read_port.unlimited()) {
      above.read_port = {};
      compare("cycles without limit of the read port of " + above.name);
      above.read_port = m.machine.storage[l].read_port;
    }
    if (!below.write_port.unlimited()) {
      below.write_port = {};
      compare("cycles without limit of the write port of " + below.name);
      below.write_port = m.machine.storage[l + 1].write_port;
    }
    if (below.slots_together) {
      below.slots_together = false;
      compare("cycles with slots of " + below.name + " that are taken one by one");
      below.slots_together = true;
    }
    for (std::size_t t = 0; t < 3; ++t) {
      if (below.buffering.of[t] == hw::Buffering::Double) continue;
      below.buffering.of[t] = hw::Buffering::Double;
      compare(fmt::format("cycles with a second buffer for {}s of {}",
                          workloads::name(workloads::kAllTensors[t]), below.name));
      below.buffering.of[t] = hw::Buffering::Single;
    }
  }
  if (m.machine.storage[0].in_flight > 0) {
    faster.machine.storage[0].in_flight += 1;
    compare("cycles with one more request in flight");
    faster.machine.storage[0].in_flight = m.machine.storage[0].in_flight;
  }
  if (hw::Rows& rows = faster.machine.storage[0].rows; rows.bytes > 0) {
    rows.allocate_cycles /= 2;
    rows.drain_cycles -= rows.drain_cycles / 2;
    compare("cycles with rows that are written faster");
    rows = m.machine.storage[0].rows;
    for (std::size_t i = 0; i < rows.caches.size(); ++i) {
      rows.caches[i].cycles /= 2;
      rows.caches[i].bank_cycles /= 2;
      compare("cycles with a faster cache");
      rows.caches[i] = m.machine.storage[0].rows.caches[i];
    }
    rows.cycles /= 2;
    compare("cycles with faster rows");
    rows = m.machine.storage[0].rows;
  }
  hw::Machine& pes = faster.machine.machine;
  if (pes.step_window.steps > 0) {
    ++pes.step_window.steps;
    compare("cycles with one more step in flight");
    pes.step_window = {};
    compare("cycles with any number of steps in flight");
    pes.step_window = m.machine.machine.step_window;
  }
  for (std::int64_t hw::Machine::*cost :
       {&hw::Machine::step_overhead, &hw::Machine::step_minimum, &hw::Machine::startup}) {
    if (pes.*cost == 0) continue;
    pes.*cost = 0;
    compare("cycles without overhead or least time of steps, or without start-up");
    pes.*cost = m.machine.machine.*cost;
  }
  faster.machine.machine.lanes += 1;
  compare("cycles with one more lane");
  return law.take();
}

Breaches check_capacity(const Case& c) {
  Law law("capacity");
  if (c.layer.dataflow->explicit_offchip) return {};
  Int before = -1, smaller = 0;
  for (Int capacity = 4; capacity <= 16384; capacity *= 2) {
    Case larger = c;
    larger.machine.storage[1].capacity_bytes = capacity;
    larger.machine.storage[1].parts = 0;
    const auto bound = workloads::bind(larger.layer.layer, *larger.layer.dataflow, larger.machine);
    if (!bound.mapping) continue;
    const Int words = offchip_words(analytic::estimate(*bound.mapping));
    if (before >= 0)
      law.at_most(words, before,
                  fmt::format("off-chip words with {} instead of {}", capacity, smaller));
    before = words;
    smaller = capacity;
  }
  return law.take();
}

Breaches check_neutral(const Case& c, const stats::LayerResult& r, std::uint64_t pick) {
  Law law("neutral");
  const auto compare = [&](const Case& other, const std::string& what) {
    const auto bound =
        workloads::bind(other.layer.layer, *other.layer.dataflow, other.machine, {true});
    if (!bound.mapping) {
      law.breach(what + ": refused: " + input::format(bound.diagnostics));
      return;
    }
    stats::LayerResult renamed = analytic::estimate(*bound.mapping);
    for (std::size_t i = 0; i < renamed.storage.size() && i < r.storage.size(); ++i)
      renamed.storage[i].name = r.storage[i].name;
    for (std::size_t i = 0; i < renamed.network.size() && i < r.network.size(); ++i)
      renamed.network[i].name = r.network[i].name;
    law.same(r, renamed, what);
  };
  Case other = c;
  other.layer.layer.name = "renamed";
  other.layer.dataflow->name = "renamed";
  other.machine.name = "renamed";
  for (std::size_t i = 0; i < other.machine.storage.size(); ++i)
    other.machine.storage[i].name = fmt::format("s{}", other.machine.storage.size() - i);
  for (std::size_t i = 0; i < other.machine.network.size(); ++i)
    other.machine.network[i].name = fmt::format("w{}", other.machine.network.size() - i);
  compare(other, "renamed");

  // A directive that leaves a dimension whole, where none stands: at both ends of a level.
  const auto level = static_cast<std::size_t>(pick) % c.layer.dataflow->levels.size();
  for (Dim d : workloads::kAllDims) {
    if (!c.layer.layer.has(d)) continue;
    const auto& directives = c.layer.dataflow->levels[level].directives;
    if (std::any_of(directives.begin(), directives.end(),
                    [&](const workloads::Directive& x) { return x.dim.dim == d; }))
      continue;
    workloads::Directive whole;
    whole.size.number = whole.offset.number = 1000000;
    whole.dim.dim = d;
    for (const bool front : {true, false}) {
      other = c;
      auto& into = other.layer.dataflow->levels[level].directives;
      into.insert(front ? into.begin() : into.end(), whole);
      compare(other, fmt::format("with TemporalMap of the whole of {} as the {} directive of level "
                                 "{}",
                                 name(d), front ? "first" : "last", level));
    }
  }
  return law.take();
}

Breaches check_determinism(const Mapping& m, const stats::LayerResult& simulated) {
  Law law("determinism");
  sim::SimOptions empty, shuffled, other_data, apart, empty_apart;
  empty.carry_data = false;
  shuffled.shuffle_seed = 77;
  apart.merge_alike = false;
  empty_apart.carry_data = empty_apart.merge_alike = false;
  other_data.data_seed = 5;
  law.same(simulated, sim::simulate(m, empty).result, "without data");
  const sim::SimOutcome reordered = sim::simulate(m, shuffled);
  law.same(simulated, reordered.result, "modules in another order");
  if (reordered.functional != sim::Functional::Equal)
    law.breach("modules in another order: " + reordered.first_mismatch);
  law.same(simulated, sim::simulate(m, other_data).result, "other data");
  law.same(simulated, sim::simulate(m, apart).result, "alike arrays evaluated one by one");
  law.same(simulated, sim::simulate(m, empty_apart).result,
           "alike arrays evaluated one by one, without data");
  law.same(simulated, sim::simulate(m).result, "the same again");
  law.same(analytic::estimate(m), analytic::estimate(m), "the estimate again");
  return law.take();
}

Breaches check_agreement(const Mapping& m, const stats::LayerResult& estimated,
                         const sim::SimOutcome& simulated) {
  Law law("agreement");
  const bool bound_only = contended(m.machine);
  for (const std::string& d : differing(estimated, simulated.result, !bound_only))
    law.breach("estimated, simulated: " + d);
  if (bound_only)
    law.at_most(estimated.cycles, simulated.result.cycles, "cycles estimated, simulated");
  for (std::size_t l = 0; l < m.machine.network.size(); ++l) {
    const stats::NetworkResult& n = simulated.result.network[l];
    if (m.machine.network[l].topology == hw::Topology::Bus)
      law.at_most(n.fill_busy + n.drain_busy, simulated.result.cycles * n.instances,
                  n.name + ": cycles that the bus is busy, of all");
  }
  Breaches all = law.take();
  if (simulated.functional != sim::Functional::Equal)
    all.push_back({"function", fmt::format("{} output words are wrong; {}", simulated.mismatches,
                                           simulated.first_mismatch)});
  return all;
}

Breaches check_text(const Case& c, const stats::LayerResult& r) {
  Law law("text");
  const auto again = read_case(mapping_text(c), "case.m", machine_yaml(c.machine), "machine.yaml");
  if (!again.found) {
    law.breach("refused: " + input::format(again.diagnostics));
    return law.take();
  }
  const auto bound = workloads::bind(again.found->layer.layer, *again.found->layer.dataflow,
                                     again.found->machine, {true});
  if (!bound.mapping)
    law.breach("refused: " + input::format(bound.diagnostics));
  else
    law.same(r, analytic::estimate(*bound.mapping), "read again");
  return law.take();
}

Checked check_case(const Case& c, const Mapping& m, bool thorough) {
  Checked checked;
  Breaches& all = checked.breaches;
  stats::LayerResult estimated;
  sim::SimOutcome simulated;
  const auto guarded = [&](const char* law, auto body) {
    try {
      body();
      return true;
    } catch (const std::exception& e) {
      all.push_back({law, e.what()});
      return false;
    }
  };
  const bool e = guarded("estimator", [&] { estimated = analytic::estimate(m); });
  const bool s = guarded("simulator", [&] { simulated = sim::simulate(m); });
  if (e && s) guarded("agreement", [&] { append(all, check_agreement(m, estimated, simulated)); });
  const auto laws = [&](const stats::LayerResult& r) {
    guarded("laws", [&] {
      append(all, check_compulsory(m, r));
      append(all, check_conservation(m, r));
      append(all, check_capability(m, r));
    });
  };
  if (e) laws(estimated);
  // Where both agree they keep the same laws.
  if (s && (!e || !differing(estimated, simulated.result).empty())) laws(simulated.result);
  checked.result = e ? estimated : simulated.result;
  if (!thorough || !e || !s) return checked;
  guarded("monotone", [&] { append(all, check_monotone(m, estimated)); });
  guarded("capacity", [&] { append(all, check_capacity(c)); });
  guarded("neutral", [&] { append(all, check_neutral(c, estimated, c.seed)); });
  guarded("determinism", [&] { append(all, check_determinism(m, simulated.result)); });
  guarded("text", [&] { append(all, check_text(c, estimated)); });
  return checked;
}

}  // namespace counterpoint::validation::fuzz
