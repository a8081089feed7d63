// SPDX-License-Identifier: Apache-2.0
// The words of a transfer as parcels for a routed network, and back.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "sim/control/traffic.h"

namespace counterpoint::sim {

/// Words that the same children receive (or send), with their numbers in the list of the transfer:
/// index[c][w] is word w as children[c] has it.
struct WordGroup {
  std::vector<int> children;
  std::vector<std::vector<std::int32_t>> index;
};

/// Of words that go to the children. `multicast`: none, each receiver's words are its own; tile,
/// those of a chunk are shared by its receivers; word, each word by all that receive it. `moves`
/// says which of the words do.
std::vector<WordGroup> groups_to_children(const Moves& m, hw::Multicast multicast,
                                          const std::function<bool(std::size_t)>& moves);

/// Of words that come from the children; `reduces`: those of the same number belong together.
std::vector<WordGroup> groups_from_children(const Moves& m, bool reduces);

}  // namespace counterpoint::sim
