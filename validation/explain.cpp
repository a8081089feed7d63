// SPDX-License-Identifier: Apache-2.0
#include "validation/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "analytic/estimator.h"
#include "input/diagnostics.h"
#include "stats/energy.h"
#include "validation/report.h"
#include "validation/text.h"

namespace counterpoint::validation {
namespace {

// Savings of less than a thousandth are not told.
constexpr double kWorthwhile = 0.999;

struct Trial {
  std::string what;
  hw::Machine machine;
  workloads::Dataflow dataflow;
};

class Trials {
 public:
  Trials(const workloads::Dataflow& dataflow, const hw::Machine& machine)
      : dataflow_(dataflow), machine_(machine) {}

  template <typename Change>
  void machine(const std::string& what, const Change& change) {
    Trial t{what, machine_, dataflow_};
    change(t.machine);
    all.push_back(std::move(t));
  }
  template <typename Change>
  void dataflow(const std::string& what, const Change& change) {
    Trial t{what, machine_, dataflow_};
    change(t.dataflow);
    all.push_back(std::move(t));
  }
  std::vector<Trial> all;

 private:
  const workloads::Dataflow& dataflow_;
  const hw::Machine& machine_;
};

void network_trials(const hw::Machine& m, Trials& out) {
  for (std::size_t i = 0; i < m.network.size(); ++i) {
    const hw::Network& n = m.network[i];
    const std::string of = fmt::format("network '{}'", n.name);
    if (!n.bandwidth.unlimited()) {
      out.machine("twice the bandwidth of " + of,
                  [i](hw::Machine& c) { c.network[i].bandwidth.per_kcycle *= 2; });
      out.machine("unlimited bandwidth of " + of,
                  [i](hw::Machine& c) { c.network[i].bandwidth.per_kcycle = 0; });
    }
    if (n.drain_bandwidth && !n.drain_bandwidth->unlimited())
      out.machine("twice the bandwidth to the parent of " + of,
                  [i](hw::Machine& c) { c.network[i].drain_bandwidth->per_kcycle *= 2; });
    if (n.fill_overhead + n.drain_overhead > 0)
      out.machine("no overhead of the transfers over " + of, [i](hw::Machine& c) {
        c.network[i].fill_overhead = c.network[i].drain_overhead = 0;
      });
    if (n.latency > 0)
      out.machine("no latency of " + of, [i](hw::Machine& c) { c.network[i].latency = 0; });
    const bool shared = n.channels == hw::Channels::Shared;
    if (n.reuses_all())  // else they have to be shared
      out.machine(fmt::format("{} channels of {}", shared ? "separate" : "shared", of),
                  [i, shared](hw::Machine& c) {
                    c.network[i].channels = shared ? hw::Channels::Separate : hw::Channels::Shared;
                  });
    if (n.subtrees.pes > 0)
      out.machine("twice the bandwidth of the subtrees of " + of,
                  [i](hw::Machine& c) { c.network[i].subtrees.bandwidth.per_kcycle *= 2; });
    if (n.drain_lines.children > 0)
      out.machine("twice the bandwidth of the lines to the parent of " + of,
                  [i](hw::Machine& c) { c.network[i].drain_lines.bandwidth.per_kcycle *= 2; });
    if (n.multicast != hw::Multicast::Word)
      out.machine("multicast of every word in " + of,
                  [i](hw::Machine& c) { c.network[i].multicast = hw::Multicast::Word; });
    if (n.reduction == hw::Reduction::None && n.drain_lines.children == 0)
      out.machine("a reduction tree in " + of,
                  [i](hw::Machine& c) { c.network[i].reduction = hw::Reduction::Tree; });
    const bool refetch = n.psum == hw::PsumPolicy::Refetch;
    if (n.psum != hw::PsumPolicy::Keep)
      out.machine(fmt::format("partial sums {} over {}",
                              refetch ? "added up in the parent" : "read back", of),
                  [i, refetch](hw::Machine& c) {
                    c.network[i].psum =
                        refetch ? hw::PsumPolicy::Accumulate : hw::PsumPolicy::Refetch;
                  });
  }
}

void storage_trials(const hw::Machine& m, Trials& out) {
  for (std::size_t i = 0; i < m.storage.size(); ++i) {
    const hw::Storage& s = m.storage[i];
    if (s.implied) continue;
    if (!s.read_port.unlimited())
      out.machine("twice the read port of " + s.name,
                  [i](hw::Machine& c) { c.storage[i].read_port.per_kcycle *= 2; });
    if (!s.write_port.unlimited())
      out.machine("twice the write port of " + s.name,
                  [i](hw::Machine& c) { c.storage[i].write_port.per_kcycle *= 2; });
    if (s.in_flight > 0)
      out.machine("twice the requests in flight to " + s.name,
                  [i](hw::Machine& c) { c.storage[i].in_flight *= 2; });
    if (s.rows.bytes > 0)
      out.machine("words of " + s.name + " not read in rows",
                  [i](hw::Machine& c) { c.storage[i].rows = {}; });
    for (std::size_t k = 0; k < s.rows.caches.size(); ++k)
      out.machine(fmt::format("twice the capacity of cache {} of {}", k + 1, s.name),
                  [i, k](hw::Machine& c) { c.storage[i].rows.caches[k].capacity_bytes *= 2; });
    if (i == 0) continue;
    if (s.slots_together)
      out.machine("slots of " + s.name + " taken one by one",
                  [i](hw::Machine& c) { c.storage[i].slots_together = false; });
    if (s.capacity_bytes > 0)
      out.machine("twice the capacity of " + s.name, [i](hw::Machine& c) {
        c.storage[i].capacity_bytes *= 2;
        for (std::int64_t& size : c.storage[i].part_capacity) size *= 2;
      });
    for (std::size_t t = 0; t < s.holds.size(); ++t)
      if (!s.holds[t])
        out.machine(
            fmt::format("{}s held in {}", workloads::name(workloads::kAllTensors[t]), s.name),
            [i, t](hw::Machine& c) { c.storage[i].holds[t] = true; });
    const bool twice = s.buffering == hw::Buffering::Double;
    out.machine(fmt::format("{} buffering in {}", twice ? "single" : "double", s.name),
                [i, twice](hw::Machine& c) {
                  c.storage[i].buffering = twice ? hw::Buffering::Single : hw::Buffering::Double;
                });
  }
  if (m.step_overhead > 0)
    out.machine("no overhead of the PEs' steps", [](hw::Machine& c) { c.step_overhead = 0; });
  if (m.step_minimum > 0)
    out.machine("no least time of the PEs' steps", [](hw::Machine& c) { c.step_minimum = 0; });
  if (m.step_window.steps > 0)
    out.machine("any number of steps in flight", [](hw::Machine& c) { c.step_window = {}; });
  if (m.storage.back().any_follows())
    out.machine("no word follows another through the PEs",
                [](hw::Machine& c) { c.storage.back().follows = hw::Storage{}.follows; });
  out.machine("twice the lanes of the PEs", [](hw::Machine& c) { c.lanes *= 2; });
}

std::string dimension(const workloads::DimName& d) {
  std::string text(workloads::name(d.dim));
  // Only Y and X can be input coordinates; name() gives the output's.
  if (d.input_centric && !text.empty() && text.back() == '\'') text.pop_back();
  return text;
}

void dataflow_trials(const workloads::Dataflow& flow, Trials& out) {
  using Kind = workloads::Expr::Kind;
  if (flow.levels.empty()) return;
  const std::vector<workloads::Directive>& top = flow.levels[0].directives;
  for (std::size_t i = 0; i + 1 < top.size(); ++i)
    out.dataflow(fmt::format("{} outside of {} in the top level", dimension(top[i + 1].dim),
                             dimension(top[i].dim)),
                 [i](workloads::Dataflow& c) {
                   std::swap(c.levels[0].directives[i], c.levels[0].directives[i + 1]);
                 });
  for (std::size_t i = 0; i < top.size(); ++i) {
    const workloads::Directive& d = top[i];
    // Another size stays legal where tiles lie side by side.
    if (d.size.kind != Kind::Number || d.offset.kind != Kind::Number ||
        d.size.number != d.offset.number)
      continue;
    const auto resized = [&](std::int64_t size) {
      out.dataflow(fmt::format("tiles of {} instead of {} {} in the top level", size, d.size.number,
                               dimension(d.dim)),
                   [i, size](workloads::Dataflow& c) {
                     c.levels[0].directives[i].size.number = size;
                     c.levels[0].directives[i].offset.number = size;
                   });
    };
    if (d.size.number >= 1 && d.size.number < std::int64_t{1} << 40) resized(2 * d.size.number);
    if (d.size.number > 1 && d.size.number % 2 == 0) resized(d.size.number / 2);
  }
}

double energy_of(const workloads::Mapping& m, const stats::LayerResult& r) {
  return m.machine.machine.energy.name.empty() ? 0 : stats::energy(m.machine, r).total();
}

double share(std::int64_t part, std::int64_t all) {
  return all == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(all);
}

struct Wait {
  std::int64_t cycles;
  const char* sentence;
};

std::string waits_of(const stats::CycleStack& s) {
  std::vector<Wait> waits = {
      {s.level_above, "wait for words that the level above does not hold yet"},
      {s.bandwidth, "wait while a channel injects: bandwidth"},
      {s.drain, "wait for a slot or a partial sum that has to leave first"},
      {s.latency, "wait for words on their way: latency"},
      {s.contention, "wait for a flow that shares the medium"},
      {s.startup, "pass before the first work"},
      {s.tail, "pass after the last work"}};
  std::stable_sort(waits.begin(), waits.end(),
                   [](const Wait& a, const Wait& b) { return a.cycles > b.cycles; });
  std::string out =
      fmt::format("Of the cycles of the PE arrays {:.1f} % compute", share(s.compute, s.total()));
  for (const Wait& w : waits)
    if (share(w.cycles, s.total()) >= 0.05)
      out += fmt::format(",\n  {:.1f} % {}", share(w.cycles, s.total()), w.sentence);
  return out + ".\n";
}

std::string costs_of(const workloads::Mapping& m, const stats::LayerResult& r) {
  const stats::Energy e = stats::energy(m.machine, r);
  std::vector<std::pair<double, std::string>> parts = {{e.macs, "multiply-accumulates"},
                                                       {e.leakage, "leakage"}};
  for (const auto* levels : {&e.storage, &e.network})
    for (const stats::Energy::Level& l : *levels)
      parts.emplace_back(l.tensor[0] + l.tensor[1] + l.tensor[2], l.name);
  std::stable_sort(parts.begin(), parts.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string out = fmt::format("It costs {:.4g} {}", e.total(), e.unit);
  const char* before = ": ";
  for (std::size_t i = 0; i < std::min<std::size_t>(4, parts.size()); ++i) {
    if (parts[i].first <= 0) break;
    out += fmt::format("{}{} {:.1f} %", before, parts[i].second, 100 * parts[i].first / e.total());
    before = ", ";
  }
  return out + ".\n";
}

std::string signed_percent(double before, double after) {
  return before > 0 ? fmt::format("{:+.1f} %", 100 * (after / before - 1)) : "";
}

}  // namespace

Explanation explain(const workloads::Layer& layer, const workloads::Dataflow& dataflow,
                    const hw::Machine& machine, bool waive_capacity) {
  const workloads::BindOptions options{waive_capacity};
  workloads::BindResult bound = workloads::bind(layer, dataflow, machine, options);
  if (!bound.mapping) throw input::InputError(bound.diagnostics);
  Explanation x;
  x.mapping = std::move(*bound.mapping);
  x.result = analytic::estimate(x.mapping);
  x.energy = energy_of(x.mapping, x.result);
  Trials trials(dataflow, machine);
  network_trials(machine, trials);
  storage_trials(machine, trials);
  dataflow_trials(dataflow, trials);
  for (const Trial& t : trials.all) {
    Change c;
    c.what = t.what;
    const workloads::BindResult changed = workloads::bind(layer, t.dataflow, t.machine, options);
    if (changed.mapping) {
      const stats::LayerResult r = analytic::estimate(*changed.mapping);
      c.legal = true;
      c.cycles = r.cycles;
      c.energy = energy_of(*changed.mapping, r);
    }
    x.changes.push_back(std::move(c));
  }
  return x;
}

std::string write_explanation(const Explanation& x) {
  const stats::LayerResult& r = x.result;
  const bool costs = x.energy > 0;
  const std::string& unit = x.mapping.machine.machine.energy.unit;
  std::string out = fmt::format(
      "{} on {}, dataflow {}: {} cycles, {} MACs, utilization {:.1f} % (estimated{}).\n",
      x.mapping.layer.name, x.mapping.machine.machine.name,
      x.mapping.dataflow_name.empty() ? "own" : x.mapping.dataflow_name, grouped(r.cycles),
      grouped(r.macs), 100 * r.utilization(),
      contended(x.mapping.machine) ? "; a shared medium makes this a lower bound" : "");
  out += waits_of(r.stack);
  const double computing = share(r.stack.compute, r.stack.total()) / 100;
  if (computing > 0 && r.utilization() < 0.99 * computing)
    out += fmt::format(
        "While they compute, {:.1f} % of the machine's lanes have work: the other PEs have no tile "
        "or "
        "a smaller one.\n",
        100 * r.utilization() / computing);
  const analytic::Roofline roof = analytic::roofline(x.mapping, r);
  out += fmt::format("With this traffic no run is quicker than {} cycles, because of {}",
                     grouped(roof.bounds[0].cycles), roof.bounds[0].resource);
  if (roof.bounds.size() > 1 && roof.bounds[1].cycles > 0)
    out += fmt::format("; next is {} with {}", roof.bounds[1].resource,
                       grouped(roof.bounds[1].cycles));
  out += ".\n";
  if (costs) out += costs_of(x.mapping, r);

  std::vector<const Change*> helps;
  std::size_t illegal = 0, idle = 0;
  for (const Change& c : x.changes) {
    if (!c.legal)
      ++illegal;
    else if (static_cast<double>(c.cycles) < kWorthwhile * static_cast<double>(r.cycles) ||
             (costs && c.energy < kWorthwhile * x.energy))
      helps.push_back(&c);
    else
      ++idle;
  }
  std::stable_sort(helps.begin(), helps.end(), [](const Change* a, const Change* b) {
    return a->cycles != b->cycles ? a->cycles < b->cycles : a->energy < b->energy;
  });
  if (helps.empty()) {
    out += "\nNo single change that was tried saves a thousandth of the cycles or the energy";
  } else {
    out += "\nWhat would help, one change at a time, each estimated anew:\n";
    std::size_t width = 10;
    for (const Change* c : helps) width = std::max(width, c->what.size());
    const auto row = [&](const std::string& what, std::int64_t cycles, double energy) {
      out +=
          fmt::format("  {:<{}}  {:>15} {:>9}", what, width, grouped(cycles),
                      signed_percent(static_cast<double>(r.cycles), static_cast<double>(cycles)));
      if (costs) out += fmt::format("  {:>12.5g} {:>9}", energy, signed_percent(x.energy, energy));
      out += "\n";
    };
    out += fmt::format("  {:<{}}  {:>15} {:>9}", "change", width, "cycles", "");
    if (costs) out += fmt::format("  {:>12} {:>9}", "energy, " + unit, "");
    out += "\n";
    row("as it is", r.cycles, x.energy);
    for (const Change* c : helps) row(c->what, c->cycles, c->energy);
    out += fmt::format("{} other change{} save{} less than a thousandth of either", idle,
                       idle == 1 ? "" : "s", idle == 1 ? "s" : "");
  }
  if (illegal > 0)
    out += fmt::format("; {} {} no legal mapping", illegal, illegal == 1 ? "gives" : "give");
  return out + ".\n";
}

}  // namespace counterpoint::validation
