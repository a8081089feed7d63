// SPDX-License-Identifier: Apache-2.0
#include "hw/energy_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "input/data_dir.h"

namespace counterpoint::hw {
namespace {

using input::YamlValue;

constexpr double kMostEnergy = 1e9;

/// Bits that an energy is given for; `any` is 0.
int energy_bits(const YamlValue& map) {
  const std::optional<YamlValue> value =
      map.require("bits", "the width that the energy is given for, or 'any'");
  if (!value) return 16;
  if (value->is_scalar() && value->text() == "any") return 0;
  return static_cast<int>(value->integer(1, 4096, "bits, or 'any'").value_or(16));
}

double energy_of(const YamlValue& map, const std::string& key, const std::string& meaning) {
  const std::optional<YamlValue> value = map.require(key, meaning);
  return value ? value->real(0, kMostEnergy).value_or(0) : 0;
}

AccessEnergy access_of(const YamlValue& map) {
  AccessEnergy access;
  access.read_pj = energy_of(map, "read", "energy of reading once");
  access.write_pj = energy_of(map, "write", "energy of writing once");
  access.bits = energy_bits(map);
  return access;
}

std::vector<EnergyPoint> points_of(const YamlValue& table, const std::string& role) {
  std::vector<EnergyPoint> points;
  const std::optional<YamlValue> value = table.require(
      role, "energy per access as {read, write, bits}, or a list of such with capacity");
  if (!value) return points;
  if (!value->is_list()) {
    if (value->check_map({"read", "write", "bits"})) points.push_back({0, access_of(*value)});
    return points;
  }
  for (const YamlValue& item : value->items()) {
    if (!item.check_map({"capacity", "read", "write", "bits"})) continue;
    EnergyPoint point;
    if (const auto capacity = item.require("capacity", "size of the memory measured"))
      point.capacity_bytes = capacity->bytes(1, std::int64_t{1} << 50).value_or(1);
    point.access = access_of(item);
    if (point.access.read_pj <= 0 || point.access.write_pj <= 0)
      item.error("bad-value",
                 fmt::format("'{}' is interpolated: its energies must be positive", item.path()));
    if (!points.empty() && point.capacity_bytes <= points.back().capacity_bytes)
      item.error("bad-order", fmt::format("'{}' must have a larger capacity than the entry before",
                                          item.path()));
    if (!points.empty() && point.access.bits != points.front().access.bits)
      item.error("bad-value", fmt::format("'{}' must have the bits of the first entry, {}",
                                          item.path(), points.front().access.bits));
    points.push_back(point);
  }
  if (points.empty())
    value->error("bad-value", fmt::format("'{}' must have at least one entry", value->path()));
  return points;
}

}  // namespace

std::optional<EnergyRates> read_energy_rates(const YamlValue& table) {
  if (!table.is_map()) {
    table.check_map({"name", "source", "technology", "unit", "mac", "off_chip", "global_buffer",
                     "cluster_buffer", "pe_buffer", "hop"});
    return std::nullopt;
  }
  table.check_map({"name", "description", "source", "technology", "unit", "mac",
                   "leakage_per_cycle", "off_chip", "global_buffer", "cluster_buffer", "pe_buffer",
                   "hop"});
  EnergyRates rates;
  const auto text = [&](const char* key, const char* meaning) {
    const std::optional<YamlValue> value = table.require(key, meaning);
    return value ? value->text().value_or("") : std::string();
  };
  rates.head.name = text("name", "how results call the table");
  rates.head.source = text("source", "where the numbers are from");
  rates.head.technology = text("technology", "e.g. 65 nm");
  if (const auto description = table.find("description"))
    rates.description = description->text().value_or("");
  if (const auto unit = table.require("unit", "pJ, or MAC if normalised to a multiply-accumulate"))
    if (const auto choice = unit->choice({"pJ", "MAC"}))
      rates.head.unit = *choice == 0 ? "pJ" : "MAC";
  if (const auto leakage = table.find("leakage_per_cycle"))
    rates.head.leakage_pj_per_cycle = leakage->real(0, kMostEnergy).value_or(0);

  if (const auto mac = table.require("mac",
                                     "energy of a multiply-accumulate, or a list of "
                                     "{bits, energy}")) {
    if (mac->is_list()) {
      for (const YamlValue& item : mac->items()) {
        if (!item.check_map({"bits", "energy"})) continue;
        MacPoint point;
        if (const auto bits = item.require("bits", "widest operands of the unit"))
          point.bits = static_cast<int>(bits->integer(1, 64, "bits").value_or(64));
        point.energy = energy_of(item, "energy", "energy of a multiply-accumulate");
        if (!rates.mac.empty() && point.bits <= rates.mac.back().bits)
          item.error("bad-order",
                     fmt::format("'{}' must have more bits than the entry before", item.path()));
        rates.mac.push_back(point);
      }
      if (rates.mac.empty()) mac->error("bad-value", "'mac' must have at least one entry");
    } else if (const auto energy = mac->real(0, kMostEnergy)) {
      rates.mac.push_back({0, *energy});
    }
  }
  rates.off_chip = points_of(table, "off_chip");
  rates.global_buffer = points_of(table, "global_buffer");
  rates.cluster_buffer = points_of(table, "cluster_buffer");
  rates.pe_buffer = points_of(table, "pe_buffer");
  if (const auto hop = table.require("hop", "energy of moving a word over one hop of a network"))
    if (hop->check_map({"energy", "bits"})) {
      rates.hop = energy_of(*hop, "energy", "energy of one hop");
      rates.hop_bits = energy_bits(*hop);
    }
  if (rates.mac.empty() || rates.off_chip.empty() || rates.global_buffer.empty() ||
      rates.cluster_buffer.empty() || rates.pe_buffer.empty())
    return std::nullopt;
  return rates;
}

std::vector<std::string> list_energy_tables() {
  return input::list_data("hw/energy", ".yaml");
}

std::optional<EnergyRates> load_energy_rates(const YamlValue& name_value,
                                             std::vector<input::Diagnostic>& diagnostics) {
  const std::optional<std::string> name = name_value.text();
  if (!name) return std::nullopt;
  std::string error;
  const std::optional<std::string> path =
      input::find_data("hw/energy", ".yaml", *name, "energy table", error);
  const std::optional<std::string> text = path ? input::read_file(*path, error) : std::nullopt;
  if (!text) {
    name_value.error("unknown-energy-table", error);
    return std::nullopt;
  }
  const std::optional<YamlValue> table = input::parse_yaml(*text, *path, diagnostics);
  return table ? read_energy_rates(*table) : std::nullopt;
}

AccessEnergy access_energy(const std::vector<EnergyPoint>& points, std::int64_t capacity_bytes) {
  if (points.empty()) return {};
  if (points.size() == 1) return points.front().access;
  if (capacity_bytes == 0) return points.back().access;
  // The two points around the capacity, or the two nearest if it is outside.
  std::size_t high = 1;
  while (high + 1 < points.size() && points[high].capacity_bytes < capacity_bytes) ++high;
  const EnergyPoint& a = points[high - 1];
  const EnergyPoint& b = points[high];
  const auto log_of = [](std::int64_t bytes) { return std::log(static_cast<double>(bytes)); };
  const double t = (log_of(capacity_bytes) - log_of(a.capacity_bytes)) /
                   (log_of(b.capacity_bytes) - log_of(a.capacity_bytes));
  const auto between = [t](double x, double y) { return x * std::pow(y / x, t); };
  return {between(a.access.read_pj, b.access.read_pj),
          between(a.access.write_pj, b.access.write_pj), a.access.bits};
}

std::optional<double> mac_energy(const std::vector<MacPoint>& points, int bits) {
  for (const MacPoint& p : points)
    if (p.bits == 0 || p.bits >= bits) return p.energy;
  return std::nullopt;
}

}  // namespace counterpoint::hw
