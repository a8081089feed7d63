// SPDX-License-Identifier: Apache-2.0
#include "validation/writers.h"

#include <fmt/format.h>

#include <algorithm>

#include "validation/text.h"

namespace counterpoint::validation {
namespace {

std::string quoted(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string out = "\"";
  for (char c : field) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string text_of(const Json& j) {
  if (j.is_string()) return j.get<std::string>();
  if (j.is_null()) return "";
  return j.dump();
}

bool ran(const Json& r) {
  return r.contains("estimate") || r.contains("simulation");
}

// Cycle stack against cycle stack: where the cycles of the two models are different.
std::string stack_difference(const Json& report) {
  std::string out;
  for (const Json& d : report["agreement"]["differences"]) {
    const std::string name = d["name"];
    if (name.rfind("stack.", 0) != 0) continue;
    const std::int64_t delta =
        d["estimate"].get<std::int64_t>() - d["simulation"].get<std::int64_t>();
    out += fmt::format("{}{} {:+}", out.empty() ? "" : ", ", name.substr(6), delta);
  }
  return out;
}

// All that is known about one layer: the simulated result if there is one.
std::string everything(const Json& report, const RunOptions& options) {
  const bool simulated = options.mode != Mode::Estimate;
  const Json& r = report[simulated ? "simulation" : "estimate"];
  std::string out =
      fmt::format("{} ({})\n", text_of(report["layer"]), simulated ? "simulated" : "estimated");
  out += fmt::format("  {:<20} {:<7} {:>16} {:>16} {:>10}\n", "storage", "tensor", "reads",
                     "writes", "reuse");
  for (const auto& [level, tensors] : r["accesses"].items())
    for (const auto& [tensor, n] : tensors.items())
      out += fmt::format("  {:<20} {:<7} {:>16} {:>16} {:>10.2f}\n", level, tensor,
                         grouped(n["reads"]), grouped(n["writes"]), n["reuse"].get<double>());
  for (const auto& [level, c] : r["capacity"].items())
    out += fmt::format("  {}: needs {} bytes of {}\n", level, grouped(c["required"]),
                       c["available"].is_null() ? "unlimited" : grouped(c["available"]));
  for (const auto& [network, n] : r["bandwidth_requirement"].items())
    out += fmt::format("  {}: needs {:.3f} words per cycle on average, {:.3f} at the peak, of {}\n",
                       network, n["average_words_per_cycle"].get<double>(),
                       n["peak_words_per_cycle"].get<double>(), text_of(n["available"]));
  if (r.contains("energy")) {
    const Json& e = r["energy"];
    out += fmt::format("  energy {:.6g} {}: MACs {:.4g}, leakage {:.4g}", e["total"].get<double>(),
                       text_of(e["unit"]), e["macs"].get<double>(), e["leakage"].get<double>());
    for (const char* kind : {"storage", "network"})
      for (const auto& [level, t] : e[kind].items())
        out += fmt::format(
            ", {} {:.4g}", level,
            t["input"].get<double>() + t["weight"].get<double>() + t["output"].get<double>());
    out += "\n";
  }
  if (report.contains("roofline")) {
    const Json& f = report["roofline"];
    out += fmt::format(
        "  roofline: bound by {}, attainable {:.1f}, achieved {:.1f} MACs per cycle\n",
        f["bounds"].empty() ? "nothing" : text_of(f["bounds"][0]["resource"]),
        f["attainable_macs_per_cycle"].get<double>(), f["achieved_macs_per_cycle"].get<double>());
  }
  out += "  statistics that are not zero:\n";
  std::string subject = "?";
  for (const auto& [name, value] : r["statistics"].items()) {
    if (value == 0) continue;
    const std::size_t dot = name.rfind('.');
    const std::string of = dot == std::string::npos ? "" : name.substr(0, dot);
    if (of != subject) {
      if (subject != "?") out += "\n";
      out += of.empty() ? "    layer:" : fmt::format("    {}:", of);
      subject = of;
    }
    out +=
        fmt::format(" {} {}", dot == std::string::npos ? name : name.substr(dot + 1), value.dump());
  }
  return out + "\n\n";
}

}  // namespace

std::string write_table(const Heading& h, const std::vector<Json>& reports,
                        const RunOptions& options) {
  std::string out = fmt::format("{}: network {}, machine {}{}\n\n", h.command, h.network, h.machine,
                                h.dataflow.empty() ? "" : ", dataflow " + h.dataflow);
  std::size_t width = 5;
  for (const Json& r : reports) width = std::max(width, r["layer"].get<std::string>().size());
  const bool both = options.mode == Mode::Validate;
  out += fmt::format("{:<{}}  {:>16}  ", "layer", width, "MACs");
  if (both)
    out += fmt::format("{:>15}  {:>15}  {:>10}  ", "cycles (est.)", "cycles (sim.)", "difference");
  else
    out += fmt::format("{:>15}  ", "cycles");
  out += fmt::format("{:>11}", "utilization");
  if (options.mode != Mode::Estimate) out += fmt::format("  {:>11}", "functional");
  out += both ? "  verdict\n" : "\n";

  std::int64_t macs = 0, estimated = 0, simulated = 0;
  std::size_t agree = 0, disagree = 0, refused = 0, unmodelled = 0, errors = 0, again = 0;
  std::string notes, details;
  for (const Json& r : reports) {
    const std::string name = r["layer"], status = r["status"];
    const std::int64_t repeat = r.value("repeat", std::int64_t{1});
    if (!ran(r)) {
      (status == "not-modelled" ? unmodelled : status == "refused" ? refused : errors) += 1;
      out += fmt::format("{:<{}}  {}: {}\n", name, width, status, text_of(r["reason"]));
      continue;
    }
    if (r.contains("same_as")) ++again;
    macs += repeat * r["macs"].get<std::int64_t>();
    out += fmt::format("{:<{}}  {:>16}  ", name, width, grouped(r["macs"]));
    const Json& main = r.contains("simulation") ? r["simulation"] : r["estimate"];
    if (r.contains("estimate")) estimated += repeat * r["estimate"]["cycles"].get<std::int64_t>();
    if (r.contains("simulation"))
      simulated += repeat * r["simulation"]["cycles"].get<std::int64_t>();
    if (both)
      out += fmt::format("{:>15}  {:>15}  {:>9.3f}%  ", grouped(r["estimate"]["cycles"]),
                         grouped(r["simulation"]["cycles"]),
                         r["agreement"]["cycles_difference_percent"].get<double>());
    else
      out += fmt::format("{:>15}  ", grouped(main["cycles"]));
    out += fmt::format("{:>10.1f}%", 100 * main["utilization"].get<double>());
    if (options.mode != Mode::Estimate) out += fmt::format("  {:>11}", text_of(r["functional"]));
    if (both) {
      const bool good = status == "ok";
      (good ? agree : disagree) += 1;
      out += good ? (r["agreement"]["exact"].get<bool>()               ? "  exact"
                     : r["agreement"]["estimate_is_bound"].get<bool>() ? "  bound"
                                                                       : "  within tolerance")
                  : "  DISAGREE";
    }
    out += repeat > 1 ? fmt::format("  (x {})\n", repeat) : "\n";
    if (r.contains("warnings"))
      for (const Json& w : r["warnings"])
        notes +=
            fmt::format("{}: warning: {} [{}]\n", name, text_of(w["message"]), text_of(w["code"]));
    if (r.contains("reason")) notes += fmt::format("{}: {}\n", name, text_of(r["reason"]));
    if (r.contains("unmet_capacity"))
      for (const Json& s : r["unmet_capacity"])
        notes += fmt::format("{}: '{}' needs {} but holds {}: requirement waived\n", name,
                             text_of(s["storage"]), s["required"].dump(), s["capacity"].dump());
    if (both && !r["agreement"]["exact"].get<bool>()) {
      const std::string stack = stack_difference(r);
      if (!stack.empty())
        notes += fmt::format("{}: cycle stack, estimated minus simulated: {}\n", name, stack);
      for (const Json& d : r["agreement"]["differences"])
        if (text_of(d["name"]).rfind("stack.", 0) != 0)
          notes += fmt::format("{}: {}: estimated {}, simulated {}\n", name, text_of(d["name"]),
                               d["estimate"].dump(), d["simulation"].dump());
    }
    if (options.all_statistics) details += everything(r, options);
  }
  out += fmt::format("{:<{}}  {:>16}  ", "total", width, grouped(macs));
  if (both)
    out += fmt::format("{:>15}  {:>15}\n", grouped(estimated), grouped(simulated));
  else
    out += fmt::format("{:>15}\n", grouped(options.mode == Mode::Estimate ? estimated : simulated));
  if (!notes.empty()) out += "\n" + notes;
  if (!details.empty()) out += "\n" + details;
  out += "\n";
  const std::size_t done = reports.size() - refused - unmodelled - errors;
  if (both)
    out += fmt::format("{} {}, {} disagree", agree, agree == 1 ? "layer agrees" : "layers agree",
                       disagree);
  else
    out += fmt::format("{} layer{}", done, done == 1 ? "" : "s");
  if (refused > 0) out += fmt::format(", {} refused", refused);
  if (unmodelled > 0) out += fmt::format(", {} not modelled", unmodelled);
  if (errors > 0) out += fmt::format(", {} failed", errors);
  if (again > 0) out += fmt::format("; {} did the same as an earlier layer and ran once", again);
  return out + "\n";
}

std::string write_csv(const std::vector<Json>& reports) {
  const std::vector<std::string> fixed = {"layer",  "operator", "dataflow", "repeat",
                                          "status", "reason",   "macs",     "functional"};
  std::string head, body;
  for (const std::string& f : fixed) head += (head.empty() ? "" : ",") + f;
  std::vector<std::string> names;  // all statistics of all layers, in order of appearance
  std::vector<std::string> models;
  for (const char* model : {"estimate", "simulation"})
    for (const Json& r : reports)
      if (r.contains(model)) {
        models.emplace_back(model);
        break;
      }
  for (const Json& r : reports)
    for (const std::string& model : models)
      if (r.contains(model))
        for (const auto& [key, value] : r[model]["statistics"].items())
          if (std::find(names.begin(), names.end(), key) == names.end()) names.push_back(key);
  for (const std::string& model : models) {
    for (const char* f : {"utilization", "energy"}) head += fmt::format(",{}.{}", model, f);
    for (const std::string& n : names) head += "," + quoted(model + "." + n);
  }
  for (const Json& r : reports) {
    std::string row;
    for (std::size_t i = 0; i < fixed.size(); ++i) {
      if (i > 0) row += ",";
      if (r.contains(fixed[i])) row += quoted(text_of(r[fixed[i]]));
    }
    for (const std::string& model : models) {
      const bool has = r.contains(model);
      row += "," + (has ? r[model]["utilization"].dump() : std::string());
      row += "," + (has && r[model].contains("energy") ? r[model]["energy"]["total"].dump()
                                                       : std::string());
      for (const std::string& n : names)
        row += "," + (has && r[model]["statistics"].contains(n) ? r[model]["statistics"][n].dump()
                                                                : std::string());
    }
    body += row + "\r\n";
  }
  return head + "\r\n" + body;
}

std::string write_json(const Heading& h, const std::vector<Json>& reports) {
  Json j;
  j["schema"] = "counterpoint/1";
  j["version"] = h.version;
  j["command"] = h.command;
  j["network"] = h.network;
  j["machine"] = h.machine;
  if (!h.dataflow.empty()) j["dataflow"] = h.dataflow;
  j["layers"] = reports;
  return j.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

int exit_status(const std::vector<Json>& reports) {
  int status = 0;
  for (const Json& r : reports) {
    const std::string s = r["status"];
    if (s == "error") return 3;
    if (s == "disagree") status = 1;
    if (s == "refused" && status == 0) status = 2;
  }
  return status;
}

}  // namespace counterpoint::validation
