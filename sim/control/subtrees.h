// SPDX-License-Identifier: Apache-2.0
// Which words of a transfer go over which tree of a divided network (hw::Subtrees).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sim/control/traffic.h"
#include "sim/control/walker.h"
#include "sim/memory/tensor_space.h"
#include "workloads/mapping.h"

namespace counterpoint::sim {

/// Follows all PEs below the global buffer through the layer, for one tensor.
class Subtrees {
 public:
  Subtrees(const workloads::Mapping& mapping, const TensorSpace& space);

  /// Words of the residence's transfer over each subtree: those that enter a child of which some PE
  /// in the subtree uses them in the step that begins. Residences come in their order.
  const std::vector<std::int64_t>& words(const Residence& r);

 private:
  struct PeGroup {  // the PEs of one array
    StepWalker walker;
    std::int64_t child = 0;     // of the global buffer, that they are in; -1: each is one
    std::int64_t first_pe = 0;  // number of the first
    bool positioned = false, ended = false;
  };
  void tile(const PeGroup& group, std::int64_t p);

  const workloads::Layer& layer_;
  const TensorSpace& space_;
  bool dense_;
  std::int64_t children_, pes_;
  std::vector<PeGroup> groups_;
  std::vector<std::vector<std::int32_t>> fresh_;  // by child: words that enter
  std::vector<std::vector<std::int32_t>> over_;   // by subtree
  std::vector<std::int64_t> words_;
  // Scratch of tile().
  std::vector<std::int32_t> ids_, longer_;
  std::vector<std::uint8_t> marks_;
  Runs set_;
};

}  // namespace counterpoint::sim
