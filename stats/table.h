// SPDX-License-Identifier: Apache-2.0
// The one table of statistics: every printer walks it, docs/statistics.md is written from it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stats/result.h"

namespace counterpoint::stats {

/// What a statistic is about: it exists once per layer, or per storage level, per storage level
/// and tensor, per network, per network and tensor.
enum class Scope : std::uint8_t { Layer, Storage, StorageTensor, Network, NetworkTensor };

struct Description {
  Scope scope;
  const char* key;  ///< last part of the name
  const char* unit;
  const char* sentence;
  bool timing;  ///< depends on when things happen, not only on what: collisions change it
};

struct Statistic {
  std::string name;  ///< "cycles", "gb.weight.fill_read", "array network.fill_busy"
  const Description* description;
  std::int64_t value;
};

/// All descriptions, in the order of the table.
const std::vector<Description>& descriptions();

/// All statistics of a result, in a fixed order: layer, storage levels outermost first, networks.
std::vector<Statistic> flatten(const LayerResult& result);

/// docs/statistics.md.
std::string markdown();

}  // namespace counterpoint::stats
