// SPDX-License-Identifier: Apache-2.0
// Walks through one tile that were made before: docs/estimator.md, "Machines with a history".
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace counterpoint::analytic {

/// What a walk through a tile did to a unit and all below it, as far as it is the same whenever the
/// unit is found in the same state, but for a shift in time and in the tensors.
struct KnownWalk {
  std::vector<std::uint8_t> computed;  ///< of all times: those that were
  std::vector<std::int64_t> times;     ///< these, counted from the walk's origin
  std::vector<std::int64_t> counts;    ///< what was added
  /// Of the nodes, in order: what Model::save() wrote.
  std::vector<std::int64_t> nodes;
};

/// Known walks by the state that they began in.
class KnownWalks {
 public:
  using State = std::vector<std::int64_t>;
  const KnownWalk* find(const State& state) const {
    const auto it = known_.find(state);
    return it == known_.end() ? nullptr : &it->second;
  }
  void add(const State& state, KnownWalk walk) {
    if (known_.size() < kMost) known_.emplace(state, std::move(walk));
  }

 private:
  static constexpr std::size_t kMost = 1 << 14;
  struct Hash {
    std::size_t operator()(const State& s) const {
      std::uint64_t h = s.size();
      for (const std::int64_t x : s) {
        h = (h ^ static_cast<std::uint64_t>(x)) * 0x9E3779B97F4A7C15u;
        h ^= h >> 32;
      }
      return static_cast<std::size_t>(h);
    }
  };
  std::unordered_map<State, KnownWalk, Hash> known_;
};

}  // namespace counterpoint::analytic
