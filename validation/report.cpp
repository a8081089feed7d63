// SPDX-License-Identifier: Apache-2.0
#include "validation/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analytic/estimator.h"
#include "sim/simulator.h"
#include "stats/energy.h"
#include "stats/table.h"
#include "validation/describe.h"
#include "workloads/network_file.h"
#include "workloads/show.h"

namespace counterpoint::validation {
namespace {

Json energy_json(const hw::BoundMachine& machine, const stats::LayerResult& r) {
  const stats::Energy e = stats::energy(machine, r);
  Json j;
  j["unit"] = e.unit;
  j["total"] = e.total();
  const auto levels = [](const std::vector<stats::Energy::Level>& all) {
    Json out = Json::object();
    for (const stats::Energy::Level& l : all)
      out[l.name] = {{"input", l.tensor[0]}, {"weight", l.tensor[1]}, {"output", l.tensor[2]}};
    return out;
  };
  j["storage"] = levels(e.storage);
  j["network"] = levels(e.network);
  j["macs"] = e.macs;
  j["leakage"] = e.leakage;
  return j;
}

double ratio(std::int64_t a, std::int64_t b) {
  return b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b);
}

Json result_json(const workloads::Mapping& m, const stats::LayerResult& r) {
  Json j;
  j["cycles"] = r.cycles;
  j["macs"] = r.macs;
  j["utilization"] = r.utilization();
  j["macs_per_cycle"] = ratio(r.macs, r.cycles);
  Json statistics = Json::object();
  for (const stats::Statistic& s : stats::flatten(r)) statistics[s.name] = s.value;
  j["statistics"] = std::move(statistics);
  Json accesses = Json::object();
  for (const stats::StorageResult& s : r.storage) {
    Json level;
    for (const workloads::Tensor tensor : workloads::kAllTensors) {
      const auto t = static_cast<std::size_t>(workloads::index(tensor));
      // Reuse: operands used by the PEs per word read at the level.
      level[std::string(workloads::name(tensor))] = {
          {"reads", s.access[t].reads()},
          {"writes", s.access[t].writes()},
          {"reuse", ratio(r.storage.back().access[t].operand_read, s.access[t].reads())}};
    }
    accesses[s.name] = std::move(level);
  }
  j["accesses"] = std::move(accesses);
  Json capacity = Json::object();
  for (std::size_t i = 1; i < r.storage.size(); ++i) {
    const std::int64_t bytes = m.machine.storage[i].capacity_bytes;
    capacity[r.storage[i].name] = {{"required", r.storage[i].required_bytes},
                                   {"available", bytes == 0 ? Json() : Json(bytes)}};
  }
  j["capacity"] = std::move(capacity);
  Json requirement = Json::object();
  for (std::size_t i = 0; i < r.network.size(); ++i) {
    const stats::NetworkResult& n = r.network[i];
    const hw::Rate rate = m.machine.network[i].bandwidth;
    Json x;
    x["peak_words_per_cycle"] = ratio(n.peak_words, n.peak_cycles);
    x["average_words_per_cycle"] = ratio(n.average_words, n.average_cycles);
    if (rate.unlimited())
      x["available"] = "unlimited";
    else
      x["available"] = fmt::format("{:g} {} per cycle", static_cast<double>(rate.per_kcycle) / 1000,
                                   rate.bytes ? "bytes" : "words");
    requirement[n.name] = x;
  }
  j["bandwidth_requirement"] = std::move(requirement);
  // Share of the run time in which a network injects, all its instances and channels together.
  Json busy = Json::object();
  for (std::size_t i = 0; i < r.network.size(); ++i) {
    const stats::NetworkResult& n = r.network[i];
    const std::int64_t all = r.cycles * n.instances;
    std::int64_t channels =
        m.machine.network[i].channels == hw::Channels::Separate ? stats::kTensors : 1;
    for (std::size_t t = 0; t < stats::kTensors; ++t)
      if (channels < stats::kTensors && hw::passes_by(m.machine, i, t)) ++channels;
    busy[n.name] = {{"to_children", ratio(n.fill_busy, all * channels)},
                    {"to_parent", ratio(n.drain_busy, all)}};
  }
  j["network_busy"] = std::move(busy);
  if (!m.machine.machine.energy.name.empty()) j["energy"] = energy_json(m.machine, r);
  return j;
}

Json roofline_json(const analytic::Roofline& r) {
  Json j;
  j["peak_macs_per_cycle"] = r.peak_macs_per_cycle;
  j["attainable_macs_per_cycle"] = r.attainable_macs_per_cycle;
  j["achieved_macs_per_cycle"] = r.achieved_macs_per_cycle;
  j["macs_per_byte"] = r.intensity;
  Json bounds = Json::array();
  for (const analytic::Bound& b : r.bounds)
    bounds.push_back({{"resource", b.resource}, {"cycles", b.cycles}});
  j["bounds"] = bounds;
  return j;
}

// What differs between the models, and whether that is allowed.
void compare(const workloads::Mapping& m, const stats::LayerResult& e, const stats::LayerResult& s,
             const RunOptions& options, Json& report) {
  const bool bound_only = contended(m.machine);
  const auto a = stats::flatten(e), b = stats::flatten(s);
  Json differences = Json::array();
  bool counts_equal = true, timing_equal = true;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].value == b[i].value) continue;
    differences.push_back(
        {{"name", a[i].name}, {"estimate", a[i].value}, {"simulation", b[i].value}});
    (a[i].description->timing ? timing_equal : counts_equal) = false;
  }
  const double percent = 100.0 * ratio(e.cycles - s.cycles, std::max<std::int64_t>(s.cycles, 1));
  bool agree = counts_equal;
  if (bound_only)
    agree = agree && e.cycles <= s.cycles;
  else if (options.tolerance_percent > 0)
    agree = agree && std::fabs(percent) <= options.tolerance_percent;
  else
    agree = agree && timing_equal;
  Json j;
  j["agree"] = agree;
  j["exact"] = counts_equal && timing_equal;
  j["estimate_is_bound"] = bound_only;
  j["cycles_difference_percent"] = percent;
  j["differences"] = std::move(differences);
  report["agreement"] = std::move(j);
  if (!agree) report["status"] = "disagree";
}

}  // namespace

bool contended(const hw::BoundMachine& machine) {
  const bool turns = std::any_of(machine.storage.begin(), machine.storage.end(),
                                 [](const hw::Storage& s) { return s.banks > 0; });
  return turns ||
         std::any_of(machine.network.begin(), machine.network.end(),
                     [](const hw::Network& n) { return n.topology != hw::Topology::Pipe; });
}

namespace {

Json run(const workloads::NetworkLayer& layer, const workloads::Dataflow* dataflow,
         const hw::Machine& machine, const RunOptions& options, const Json* same) {
  Json j;
  j["layer"] = layer.layer.name;
  const auto give_up = [&](const char* status, const std::string& reason) {
    j["status"] = status;
    j["reason"] = reason;
    return j;
  };
  if (!layer.modelled) return give_up("not-modelled", layer.not_modelled_reason);
  j["operator"] = std::string(workloads::name(layer.layer.op));
  j["repeat"] = layer.repeat;
  std::string refused;
  const workloads::Dataflow* flow = workloads::dataflow_of(layer, dataflow, refused);
  if (flow == nullptr) {
    if (dataflow != nullptr) j["dataflow"] = dataflow->name.empty() ? "own" : dataflow->name;
    return give_up("refused", refused);
  }
  j["dataflow"] = flow->name.empty() ? "own" : flow->name;
  try {
    const workloads::BindResult bound =
        workloads::bind(layer.layer, *flow, machine, {options.waive_capacity});
    Json warnings = Json::array();
    for (const input::Diagnostic& d : bound.diagnostics)
      if (d.severity == input::Severity::Warning)
        warnings.push_back({{"code", d.code},
                            {"message", d.message},
                            {"file", d.file},
                            {"line", d.pos.line},
                            {"column", d.pos.column}});
    if (!warnings.empty()) j["warnings"] = std::move(warnings);
    if (!bound.mapping) {
      std::string text;
      for (const input::Diagnostic& d : bound.diagnostics) {
        if (d.severity != input::Severity::Error) continue;
        text +=
            (text.empty() ? "" : "; ") +
            (d.pos.line > 0 ? fmt::format("{}:{}:{}: ", d.file, d.pos.line, d.pos.column) : "") +
            d.message + (d.code.empty() ? "" : " [" + d.code + "]");
      }
      return give_up("refused", text);
    }
    const workloads::Mapping& m = *bound.mapping;
    j["status"] = "ok";
    j["macs"] = workloads::macs(m.layer);
    j["bound_machine"] = machine_json(m.machine);
    j["nest"] = workloads::show(m);
    Json unmet = Json::array();
    for (const workloads::CapacityShortfall& s : bound.shortfalls)
      unmet.push_back(
          {{"storage", s.storage}, {"required", s.required_bytes}, {"capacity", s.capacity_bytes}});
    if (!unmet.empty()) j["unmet_capacity"] = unmet;
    if (same != nullptr) {
      for (const auto& [key, value] : same->items())
        if (!j.contains(key)) j[key] = value;
      j["status"] = (*same)["status"];
      j["same_as"] = (*same)["layer"];
      return j;
    }
    stats::LayerResult estimate, simulation;
    if (options.mode != Mode::Simulate) {
      estimate = analytic::estimate(m);
      j["estimate"] = result_json(m, estimate);
      j["roofline"] = roofline_json(analytic::roofline(m, estimate));
    }
    if (options.mode != Mode::Estimate) {
      sim::SimOptions so;
      so.carry_data = options.carry_data;
      Traced traced = simulate_traced(m, so, options.trace, options.progress);
      const sim::SimOutcome& outcome = traced.outcome;
      simulation = outcome.result;
      j["simulation"] = result_json(m, simulation);
      if (!traced.profile.is_null()) j["profile"] = std::move(traced.profile);
      if (!traced.trace.is_null()) j["trace"] = std::move(traced.trace);
      j["functional"] = outcome.functional == sim::Functional::Equal      ? "equal"
                        : outcome.functional == sim::Functional::Mismatch ? "mismatch"
                                                                          : "not-checked";
      if (outcome.functional == sim::Functional::Mismatch) {
        j["status"] = "disagree";
        j["reason"] = fmt::format("{} output words are wrong; {}", outcome.mismatches,
                                  outcome.first_mismatch);
      }
    }
    if (options.mode == Mode::Validate) compare(m, estimate, simulation, options, j);
  } catch (const input::InputError& e) {
    return give_up("refused", e.what());
  } catch (const std::exception& e) {
    return give_up("error", e.what());
  }
  return j;
}

}  // namespace

Json run_layer(const workloads::NetworkLayer& layer, const workloads::Dataflow* dataflow,
               const hw::Machine& machine, const RunOptions& options) {
  return run(layer, dataflow, machine, options, nullptr);
}

Json run_again(const Json& report, const workloads::NetworkLayer& layer,
               const workloads::Dataflow* dataflow, const hw::Machine& machine,
               const RunOptions& options) {
  return run(layer, dataflow, machine, options, &report);
}

std::optional<workloads::Mapping> mapping_of(const workloads::NetworkLayer& layer,
                                             const workloads::Dataflow* dataflow,
                                             const hw::Machine& machine,
                                             const RunOptions& options) {
  std::string refused;
  const workloads::Dataflow* flow =
      layer.modelled ? workloads::dataflow_of(layer, dataflow, refused) : nullptr;
  if (flow == nullptr) return std::nullopt;
  return workloads::bind(layer.layer, *flow, machine, {options.waive_capacity}).mapping;
}

}  // namespace counterpoint::validation
