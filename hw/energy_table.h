// SPDX-License-Identifier: Apache-2.0
// Energy tables: what one access, one hop and one multiply-accumulate cost in a technology.
// A table is data with its source; a machine names one and gets its numbers from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hw/machine.h"
#include "input/yaml.h"

namespace counterpoint::hw {

/// Cost of an access to a memory of some capacity; 0 if it holds for all capacities.
struct EnergyPoint {
  std::int64_t capacity_bytes = 0;
  AccessEnergy access;
};

/// Cost of a multiply-accumulate with operands of up to `bits`; 0 if for all widths.
struct MacPoint {
  int bits = 0;
  double energy = 0;
};

/// A whole table. All energies are in `head.unit`; `head.mac_pj` is not filled in here.
struct EnergyRates {
  EnergyTable head;
  std::string description;
  std::vector<MacPoint> mac;  ///< ascending in bits
  std::vector<EnergyPoint> off_chip, global_buffer, cluster_buffer, pe_buffer;  ///< by capacity
  double hop = 0;
  int hop_bits = 16;
};

/// Reads a table (a file's contents, or the inline one of a machine). Reports to the value's
/// diagnostics; std::nullopt if something essential is missing.
std::optional<EnergyRates> read_energy_rates(const input::YamlValue& table);

/// Names of the tables that come with the program, sorted.
std::vector<std::string> list_energy_tables();

/// Reads the table of that name. std::nullopt, and an error at the place of `name_value` or in
/// the table's own file, if that fails.
std::optional<EnergyRates> load_energy_rates(const input::YamlValue& name_value,
                                             std::vector<input::Diagnostic>& diagnostics);

/// Cost of an access to a memory of `capacity_bytes` (0: unlimited, costs as the largest point).
/// Between two points, and beyond the outermost ones, energy is a power of capacity: a straight
/// line through the two nearest points in log-log scale, as SRAM access energy roughly behaves.
AccessEnergy access_energy(const std::vector<EnergyPoint>& points, std::int64_t capacity_bytes);

/// Cost of a multiply-accumulate of operands of `bits`: that of the narrowest unit in the table
/// that is wide enough; std::nullopt if none is.
std::optional<double> mac_energy(const std::vector<MacPoint>& points, int bits);

}  // namespace counterpoint::hw
