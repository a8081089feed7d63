// SPDX-License-Identifier: Apache-2.0
#include "validation/published/set.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "input/data_dir.h"
#include "input/yaml.h"

namespace counterpoint::validation::published {
namespace {

using input::Diagnostic;
using input::YamlValue;

constexpr const char* kFolder = "validation/published";
constexpr std::size_t kMostRows = 100000;

std::string words(const YamlValue& map, const char* key, const char* meaning) {
  const auto value = map.require(key, meaning);
  return value ? value->text().value_or("") : "";
}

Bound read_bound(const YamlValue& value) {
  Bound b;
  if (!value.check_map({"mean", "largest", "equal", "upper"})) return b;
  const auto percent = [&](const char* key, double most) -> std::optional<double> {
    const auto v = value.find(key);
    return v ? v->real(0, most, "percent") : std::nullopt;
  };
  b.mean = percent("mean", 1e6);
  b.largest = percent("largest", 1e6);
  b.equal = percent("equal", 100);
  b.upper = percent("upper", 100);
  if (b.empty())
    value.error("empty-bound",
                "a bound without 'mean', 'largest', 'equal' or 'upper' checks nothing");
  return b;
}

Quantity read_quantity(const YamlValue& value) {
  Quantity q;
  if (!value.check_map({"name", "unit", "measured", "predicted", "bounds"})) return q;
  q.name = words(value, "name", "how the table calls it");
  q.unit = words(value, "unit", "of the numbers, e.g. cycles");
  q.measured = words(value, "measured", "the column that holds the measurement");
  q.predicted = words(value, "predicted", "the statistic, e.g. cycles");
  if (const auto bounds = value.find("bounds")) {
    if (bounds->check_map({"simulated", "estimated"})) {
      if (const auto b = bounds->find("simulated")) q.simulated = read_bound(*b);
      if (const auto b = bounds->find("estimated")) q.estimated = read_bound(*b);
    }
  }
  return q;
}

Fault read_fault(const YamlValue& value, const std::vector<Quantity>& quantities) {
  Fault f;
  if (!value.check_map({"name", "says", "quantity", "add"})) return f;
  f.name = words(value, "name", "a short name of the fault");
  f.says = words(value, "says", "what the source does, and where that is written");
  f.add = words(value, "add", "what the fault adds to the quantity");
  const auto quantity = value.require("quantity", "the quantity that it changes");
  if (!quantity) return f;
  std::vector<std::string> names;
  for (const Quantity& q : quantities) names.push_back(q.name);
  if (const auto i = quantity->choice(names)) f.quantity = names[*i];
  return f;
}

std::vector<std::string> csv_cells(const std::string& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      cells.back() += '"';
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else if (c != '\r') {
      cells.back() += c;
    }
  }
  return cells;
}

}  // namespace

std::optional<Set> read_set(const std::string& text, const std::string& file,
                            std::vector<Diagnostic>& diagnostics) {
  std::vector<Diagnostic> own;
  const auto finish = [&](Set set) -> std::optional<Set> {
    const bool failed = input::has_errors(own);
    diagnostics.insert(diagnostics.end(), own.begin(), own.end());
    return failed ? std::nullopt : std::optional(std::move(set));
  };
  Set set;
  set.file = file;
  const std::size_t slash = file.rfind('/');
  set.directory = slash == std::string::npos ? "" : file.substr(0, slash + 1);
  const auto root = input::parse_yaml(text, file, own);
  if (!root) return finish(std::move(set));
  if (!root->check_map({"name", "title", "source", "conditions", "machine", "network", "mapping",
                        "label", "where", "columns", "rows", "quantities", "faults"}))
    return finish(std::move(set));
  set.name = words(*root, "name", "how the command calls the set");
  set.title = words(*root, "title", "a line that says what was measured");
  set.source = words(*root, "source", "a citation");
  set.conditions = words(*root, "conditions", "how it was measured");
  set.machine = words(*root, "machine", "a preset, or a file beside this one");
  if (const auto network = root->find("network")) set.network = network->text().value_or("");
  if (const auto mapping =
          root->require("mapping", "a file beside this one, in the dataflow language")) {
    if (!mapping->is_list())
      set.mapping.push_back(mapping->text().value_or(""));
    else
      for (const YamlValue& m : mapping->items()) set.mapping.push_back(m.text().value_or(""));
    if (set.mapping.empty() || (set.mapping.size() > 1 && set.network.empty()))
      mapping->error("bad-mapping", "one file, or, with a 'network', a list of them");
  }
  set.label = words(*root, "label", "of a row, e.g. ${layer}");

  std::set<std::string> names;
  if (const auto columns = root->require("columns", "the names of the columns of 'rows'");
      columns && columns->check_list()) {
    for (const YamlValue& c : columns->items()) {
      Column column;
      if (c.is_map()) {  // name: header of the CSV file
        const auto entries = c.entries();
        if (entries.size() != 1)
          c.error("bad-column", "a column is a name, or one `name: header of the CSV file`");
        if (!entries.empty()) {
          const YamlValue& from = entries[0].second;
          column.name = entries[0].first;
          if (!from.is_map())
            column.header = from.text().value_or("");
          else if (from.check_map({"header", "after"}))
            column = {entries[0].first, words(from, "header", "of the CSV file"),
                      words(from, "after", "the text that the value stands behind")};
        }
      } else {
        column.name = column.header = c.text().value_or("");
      }
      if (!names.insert(column.name).second)
        c.error("duplicate-column", fmt::format("there are two columns '{}'", column.name));
      set.columns.push_back(column);
    }
    if (set.columns.empty()) columns->error("no-columns", "there are no columns");
  }
  if (const auto where = root->find("where")) {
    if (!where->is_map()) where->check_map({});
    for (const auto& [column, value] : where->entries()) {
      set.where.emplace_back(column, value.text().value_or(""));
      if (names.count(column) == 0)
        value.error("unknown-column", fmt::format("there is no column '{}'", column));
    }
  }
  if (const auto rows = root->find("rows"); rows && rows->check_list()) {
    for (const YamlValue& r : rows->items()) {
      if (set.rows.size() >= kMostRows) {
        r.error("too-many-rows", fmt::format("at most {} rows", kMostRows));
        break;
      }
      if (!r.check_list()) continue;
      std::vector<std::string> cells;
      for (const YamlValue& c : r.items())
        cells.push_back(c.is_null() ? "" : c.text().value_or(""));
      if (cells.size() != set.columns.size())
        r.error("row-length",
                fmt::format("{} values for {} columns", cells.size(), set.columns.size()));
      set.rows.push_back(std::move(cells));
    }
  }
  if (const auto quantities = root->require("quantities", "what is compared");
      quantities && quantities->check_list()) {
    for (const YamlValue& q : quantities->items()) set.quantities.push_back(read_quantity(q));
    if (set.quantities.empty()) quantities->error("no-quantities", "nothing is compared");
  }
  if (const auto faults = root->find("faults"); faults && faults->check_list())
    for (const YamlValue& f : faults->items()) set.faults.push_back(read_fault(f, set.quantities));
  return finish(std::move(set));
}

std::vector<std::string> list_sets() {
  std::vector<std::string> all = input::list_data(kFolder, ".yaml");
  // Files with a dot in their name are machines of a set.
  all.erase(std::remove_if(all.begin(), all.end(),
                           [](const std::string& n) { return n.find('.') != std::string::npos; }),
            all.end());
  return all;
}

std::optional<Set> load_set(const std::string& name_or_path, std::vector<Diagnostic>& diagnostics) {
  std::string error;
  const auto path =
      input::find_data(kFolder, ".yaml", name_or_path, "set of published measurements", error);
  const auto text = path ? input::read_file(*path, error) : std::nullopt;
  if (!text) throw input::InputError(error);
  return read_set(*text, *path, diagnostics);
}

void read_rows(Set& set, const std::string& text, const std::string& file) {
  set.rows.clear();
  std::vector<std::size_t> place;
  std::size_t at = 0;
  for (int line = 1; at < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::vector<std::string> cells = csv_cells(text.substr(at, end - at));
    at = end + 1;
    if (line == 1) {
      for (const Column& c : set.columns) {
        const auto found = std::find(cells.begin(), cells.end(), c.header);
        if (found == cells.end())
          throw input::InputError(
              fmt::format("{}:1: the set {} needs a column '{}'", file, set.name, c.header));
        place.push_back(static_cast<std::size_t>(found - cells.begin()));
      }
      continue;
    }
    if (cells.size() == 1 && cells[0].empty()) continue;
    std::vector<std::string> row;
    for (const std::size_t i : place) {
      if (i >= cells.size())
        throw input::InputError(
            fmt::format("{}:{}: {} values, the header has more", file, line, cells.size()));
      row.push_back(cells[i]);
      const std::string& after = set.columns[row.size() - 1].after;
      if (after.empty()) continue;
      const std::size_t found = cells[i].find(after);
      if (found == std::string::npos)
        throw input::InputError(fmt::format("{}:{}: '{}' is not in the column '{}', where '{}' is",
                                            file, line, after, set.columns[row.size() - 1].header,
                                            set.columns[row.size() - 1].name));
      const std::size_t begin = found + after.size();
      row.back() = cells[i].substr(begin, cells[i].find(' ', begin) - begin);
    }
    const bool wanted = std::all_of(set.where.begin(), set.where.end(), [&](const auto& condition) {
      for (std::size_t i = 0; i < set.columns.size(); ++i)
        if (set.columns[i].name == condition.first) return row[i] == condition.second;
      return false;
    });
    if (!wanted) continue;
    if (set.rows.size() >= kMostRows)
      throw input::InputError(fmt::format("{}:{}: at most {} rows", file, line, kMostRows));
    set.rows.push_back(std::move(row));
  }
  if (set.rows.empty()) throw input::InputError(fmt::format("{}: no rows", file));
}

}  // namespace counterpoint::validation::published
