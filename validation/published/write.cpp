// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "validation/published/run.h"
#include "validation/text.h"

namespace counterpoint::validation::published {
namespace {

using Json = nlohmann::ordered_json;

std::string number(double x) {
  if (x == std::floor(x) && std::fabs(x) < 1e15) return grouped(static_cast<std::int64_t>(x));
  return fmt::format("{:.4g}", x);
}
std::string number(const std::optional<double>& x) {
  return x ? number(*x) : "-";
}
std::string error(const std::optional<double>& measured, const std::optional<double>& x) {
  return measured && x ? fmt::format("{:+.2f}", error_percent(*measured, *x)) : "-";
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string bound_text(const Bound& b) {
  std::string out;
  const auto add = [&](const char* word, const std::optional<double>& x) {
    if (x) out += fmt::format("{}{} {:g}", out.empty() ? "" : ", ", word, *x);
  };
  add("mean <=", b.mean);
  add("largest <=", b.largest);
  add("equal >=", b.equal);
  add("not below >=", b.upper);
  return out.empty() ? "none" : out;
}

bool whole_dash(const std::string& s) {
  return s == "-";
}

// Columns as wide as their widest cell; the first one to the left.
std::string aligned(const std::vector<std::vector<std::string>>& lines) {
  std::vector<std::size_t> width;
  for (const auto& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (width.size() <= i) width.push_back(0);
      width[i] = std::max(width[i], line[i].size());
    }
  std::string out;
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (i > 0) text += "  ";
      text += i == 0 ? fmt::format("{:<{}}", line[i], width[i])
                     : fmt::format("{:>{}}", line[i], width[i]);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  }
  return out;
}

}  // namespace

std::string write_table(const Set& set, const Result& r, bool rows) {
  std::string out = fmt::format("{}: {}\n  source: {}\n  conditions: {}\n", set.name, set.title,
                                set.source, set.conditions);
  for (const Fault& f : set.faults)
    out += fmt::format("  fault of the source ({}): {}: {}\n",
                       r.checked ? "applied to our numbers" : "not applied", f.name, f.says);
  for (std::size_t q = 0; q < set.quantities.size() && rows; ++q) {
    const Quantity& quantity = set.quantities[q];
    std::vector<std::vector<std::string>> lines = {
        {fmt::format("{} ({})", quantity.name, quantity.unit), "measured", "simulated", "error %",
         "estimated", "error %"}};
    for (const RowResult& row : r.rows) {
      if (!row.failed.empty()) continue;
      const Value& v = row.values[q];
      lines.push_back({"  " + row.label, number(v.measured), number(v.simulated),
                       error(v.measured, v.simulated), number(v.estimated),
                       error(v.measured, v.estimated)});
    }
    out += "\n" + aligned(lines);
  }
  std::vector<std::vector<std::string>> lines = {{"errors in percent", "model", "rows", "mean",
                                                  "signed mean", "largest", "equal", "bound",
                                                  "largest at"}};
  for (std::size_t q = 0; q < set.quantities.size(); ++q)
    for (const bool simulated : {true, false}) {
      const Errors& e = simulated ? r.simulated[q] : r.estimated[q];
      if (e.rows == 0) continue;
      const Quantity& quantity = set.quantities[q];
      lines.push_back({"  " + quantity.name, simulated ? "simulated" : "estimated",
                       std::to_string(e.rows), fmt::format("{:.3f}", e.mean),
                       fmt::format("{:+.3f}", e.signed_mean), fmt::format("{:+.3f}", e.largest),
                       fmt::format("{} ({:.1f} %)", e.equal, 100.0 * e.equal / e.rows),
                       r.checked ? bound_text(simulated ? quantity.simulated : quantity.estimated)
                                 : "not checked",
                       e.largest == 0 ? "-" : e.where});
    }
  out += "\n" + aligned(lines);
  if (!r.checked)
    out += "the source has documented faults: bounds are checked with --with-faults\n";
  for (const std::string& b : r.broken) out += "BROKEN " + b + "\n";
  return out;
}

std::string write_markdown(const Set& set, const Result& r, bool head) {
  std::string out;
  if (head)
    out =
        "| set | quantity | model | rows | mean error | largest error | equal | bound |\n"
        "|---|---|---|---|---|---|---|---|\n";
  for (std::size_t q = 0; q < set.quantities.size(); ++q)
    for (const bool simulated : {true, false}) {
      const Errors& e = simulated ? r.simulated[q] : r.estimated[q];
      if (e.rows == 0) continue;
      const Quantity& quantity = set.quantities[q];
      out += fmt::format("| `{}` | {} | {} | {} | {:.2f} % | {:+.2f} % | {:.0f} % | {} |\n",
                         set.name, quantity.name, simulated ? "simulated" : "estimated", e.rows,
                         e.mean, e.largest, 100.0 * e.equal / e.rows,
                         bound_text(simulated ? quantity.simulated : quantity.estimated));
    }
  return out;
}

std::string write_csv(const Set& set, const Result& r) {
  std::string out =
      "set,row,quantity,unit,measured,simulated,simulated_error_percent,estimated,"
      "estimated_error_percent,failed\n";
  const auto plain = [](const std::optional<double>& x) {
    return x ? fmt::format("{:.15g}", *x) : "";
  };
  for (const RowResult& row : r.rows) {
    if (!row.failed.empty()) {
      out +=
          fmt::format("{},{},,,,,,,,{}\n", quoted(set.name), quoted(row.label), quoted(row.failed));
      continue;
    }
    for (std::size_t q = 0; q < set.quantities.size(); ++q) {
      const Value& v = row.values[q];
      const auto e = [&](const std::optional<double>& x) {
        const std::string s = error(v.measured, x);
        return whole_dash(s) ? "" : s;
      };
      out += fmt::format("{},{},{},{},{},{},{},{},{},\n", quoted(set.name), quoted(row.label),
                         quoted(set.quantities[q].name), quoted(set.quantities[q].unit),
                         plain(v.measured), plain(v.simulated), e(v.simulated), plain(v.estimated),
                         e(v.estimated));
    }
  }
  return out;
}

std::string write_json(const Set& set, const Result& r) {
  Json j;
  j["set"] = set.name;
  j["title"] = set.title;
  j["source"] = set.source;
  j["conditions"] = set.conditions;
  j["bounds_checked"] = r.checked;
  Json faults = Json::array();
  for (const Fault& f : set.faults)
    faults.push_back({{"name", f.name}, {"says", f.says}, {"quantity", f.quantity}});
  j["faults"] = faults;
  const auto value = [](const std::optional<double>& x) { return x ? Json(*x) : Json(); };
  Json rows = Json::array();
  for (const RowResult& row : r.rows) {
    Json x;
    x["row"] = row.label;
    if (!row.failed.empty()) x["failed"] = row.failed;
    for (std::size_t q = 0; q < row.values.size(); ++q) {
      const Value& v = row.values[q];
      x["values"][set.quantities[q].name] = {{"measured", value(v.measured)},
                                             {"simulated", value(v.simulated)},
                                             {"estimated", value(v.estimated)}};
    }
    rows.push_back(x);
  }
  j["rows"] = rows;
  Json errors = Json::array();
  for (std::size_t q = 0; q < set.quantities.size(); ++q)
    for (const bool simulated : {true, false}) {
      const Errors& e = simulated ? r.simulated[q] : r.estimated[q];
      if (e.rows == 0) continue;
      errors.push_back({{"quantity", set.quantities[q].name},
                        {"model", simulated ? "simulated" : "estimated"},
                        {"rows", e.rows},
                        {"mean_percent", e.mean},
                        {"signed_mean_percent", e.signed_mean},
                        {"largest_percent", e.largest},
                        {"largest_at", e.where},
                        {"equal", e.equal}});
    }
  j["errors"] = errors;
  j["broken"] = r.broken;
  return j.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string write_plot(const Set& set, const Result& r, const std::string& svg) {
  std::string out = "set terminal svg size 640,640 noenhanced\nset output " + gnuplot_quoted(svg) +
                    "\nset logscale xy\nset key left top\nset grid\nset xlabel 'measured'\n"
                    "set ylabel 'predicted'\nset title " +
                    gnuplot_quoted(set.title) + "\n";
  std::string plots = "plot x with lines lc rgb 'gray' title 'equal'";
  int block = 0;
  for (std::size_t q = 0; q < set.quantities.size(); ++q)
    for (const bool simulated : {true, false}) {
      std::string points;
      for (const RowResult& row : r.rows) {
        if (!row.failed.empty()) continue;
        const Value& v = row.values[q];
        const auto& x = simulated ? v.simulated : v.estimated;
        if (v.measured && x && *v.measured > 0 && *x > 0)
          points += fmt::format("{:.15g} {:.15g}\n", *v.measured, *x);
      }
      if (points.empty()) continue;
      out += fmt::format("$points{} << EOD\n{}EOD\n", block, points);
      plots += fmt::format(
          ", $points{} with points pt {} title {}", block, simulated ? 6 : 2,
          gnuplot_quoted(set.quantities[q].name + (simulated ? ", simulated" : ", estimated")));
      ++block;
    }
  return out + plots + "\n";
}

}  // namespace counterpoint::validation::published
