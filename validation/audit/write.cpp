// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "validation/audit/audit.h"

namespace counterpoint::validation::audit {

namespace {

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string number(double x) {
  return fmt::format("{:.10g}", x);
}

std::string cause_name(const std::string& cause) {
  return cause.empty() ? "not explained" : cause;
}

}  // namespace

std::string write_table(const Report& r) {
  std::string out;
  std::map<std::string, int> laws, causes;
  int audited = 0;
  for (const LayerAudit& l : r.layers) {
    if (!l.refused.empty()) {
      out += fmt::format("{} (line {}): not audited: {}\n", l.layer, l.line, l.refused);
      for (const Finding& f : l.findings) {
        out += fmt::format("  impossible {}: {}; {}\n", f.column, f.reported, f.law);
        ++laws[f.law.substr(0, f.law.find(':'))];
      }
      continue;
    }
    ++audited;
    int impossible = 0;
    for (const Finding& f : l.findings) impossible += f.impossible;
    out += fmt::format("{} (line {}): {} numbers compared, {} impossible, {} different\n", l.layer,
                       l.line, l.compared, impossible,
                       static_cast<int>(l.findings.size()) - impossible);
    for (const Finding& f : l.findings) {
      out += fmt::format("  {} {}: {}", f.impossible ? "impossible" : "different ", f.column,
                         f.reported);
      if (f.truth && *f.truth != 0) {
        out += ", truth " + number(*f.truth);
        char* end = nullptr;
        const double x = std::strtod(f.reported.c_str(), &end);
        if (*end == '\0') out += fmt::format(" ({:.4g}x)", x / *f.truth);
      }
      if (!f.law.empty()) out += "; " + f.law;
      out += "\n             " + cause_name(f.cause) + "\n";
      if (f.impossible) ++laws[f.law.substr(0, f.law.find(':'))];
      ++causes[cause_name(f.cause)];
    }
  }
  out +=
      fmt::format("\n{} layers audited, {} not; {} with impossible numbers, {} with false ones\n",
                  audited, r.unaudited_layers(), r.impossible_layers(), r.false_layers());
  for (const auto& [law, n] : laws) out += fmt::format("  {:>5} x broken: {}\n", n, law);
  for (const auto& [cause, n] : causes) out += fmt::format("  {:>5} x {}\n", n, cause);
  for (const std::string& name : r.missing) out += fmt::format("no row for layer {}\n", name);
  return out;
}

std::string write_csv(const Report& r) {
  std::string out = "layer,line,verdict,column,reported,truth,law,cause\n";
  for (const LayerAudit& l : r.layers) {
    const std::string head = quoted(l.layer) + "," + std::to_string(l.line) + ",";
    if (!l.refused.empty()) out += head + "not audited,,,," + quoted(l.refused) + ",\n";
    for (const Finding& f : l.findings)
      out += head + (f.impossible ? "impossible," : "different,") + quoted(f.column) + "," +
             quoted(f.reported) + "," + (f.truth ? number(*f.truth) : "") + "," + quoted(f.law) +
             "," + quoted(f.cause) + "\n";
  }
  return out;
}

std::string write_json(const Report& r) {
  nlohmann::ordered_json out;
  out["schema"] = "counterpoint-audit-1";
  out["tool"] = r.tool;
  out["impossible_layers"] = r.impossible_layers();
  out["false_layers"] = r.false_layers();
  out["unaudited_layers"] = r.unaudited_layers();
  out["layers"] = nlohmann::ordered_json::array();
  for (const LayerAudit& l : r.layers) {
    nlohmann::ordered_json layer;
    layer["layer"] = l.layer;
    layer["line"] = l.line;
    if (!l.refused.empty()) layer["not_audited"] = l.refused;
    layer["compared"] = l.compared;
    layer["findings"] = nlohmann::ordered_json::array();
    for (const Finding& f : l.findings)
      layer["findings"].push_back(
          {{"column", f.column},
           {"verdict", f.impossible ? "impossible" : "different"},
           {"reported", f.reported},
           {"truth", f.truth ? nlohmann::ordered_json(*f.truth) : nlohmann::ordered_json()},
           {"law", f.law},
           {"cause", f.cause}});
    out["layers"].push_back(std::move(layer));
  }
  out["missing"] = r.missing;
  return out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace counterpoint::validation::audit
