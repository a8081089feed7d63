// SPDX-License-Identifier: Apache-2.0
// Which words of a transfer go over which tree of a divided network (hw::Subtrees).
#pragma once

#include <cstdint>
#include <vector>

#include "sim/control/traffic.h"
#include "sim/control/walker.h"
#include "sim/memory/tensor_space.h"
#include "workloads/mapping.h"

namespace counterpoint::sim {

/// Follows the children of the global buffer through the layer, for one tensor.
class Subtrees {
 public:
  Subtrees(const workloads::Mapping& mapping, const TensorSpace& space);

  /// Words of the residence's transfer over each subtree: those that enter a child of which some PE
  /// in the subtree uses them in the step that begins. Residences come in their order.
  const std::vector<std::int64_t>& words(const Residence& r);

 private:
  /// A level below the children.
  struct Below {
    std::vector<Dim> cuts;
    bool varies = false;   // the children differ: else there is one
    std::int64_t pes = 1;  // in each child
    std::vector<std::int64_t> at, trips;
  };
  void visit(std::size_t depth, const Box& tile, std::int64_t first_pe,
             const std::vector<std::int32_t>& fresh);
  void list_words(const Box& tile);

  const Layer& layer_;
  const Nest& nest_;
  const TensorSpace& space_;
  bool dense_;
  std::int64_t pes_, pes_of_child_ = 1;
  StepWalker walker_;
  std::vector<Below> below_;                      // by depth
  std::vector<std::vector<std::int32_t>> fresh_;  // by child: words that enter
  std::vector<std::vector<std::int32_t>> over_;   // by subtree
  std::vector<std::int64_t> words_;
  // Scratch of list_words(): the words of a PE's tile.
  std::vector<std::int32_t> ids_, longer_;
  std::vector<std::uint8_t> marks_;
  Runs set_;
};

}  // namespace counterpoint::sim
