// SPDX-License-Identifier: Apache-2.0
// The PEs of one array: a buffer per PE and tensor, and the multiply-accumulates of a step.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "sim/control/traffic.h"
#include "sim/pe/multiply.h"
#include "sim/trace/observer.h"

namespace counterpoint::sim {

/// PEs as a structure of arrays: one block of words per PE and tensor. Where several arrays are
/// evaluated as one, they do the same with words of their own: word w of PE p in array a stands at
/// (p * words + w) * arrays + a.
class PeArray {
 public:
  PeArray(const Layer& layer, const std::array<TensorSpace, 3>& spaces,
          const std::array<LocalSpace, 3>& local, std::int64_t pes, std::size_t arrays,
          bool carry_data);

  void write_operands(Tensor t, const Residence& r);  ///< the words that arrived for a residence
  void begin_outputs(const Residence& r);             ///< read back, or zero
  void take_outputs(Residence& r);                    ///< the words that leave after a residence

  struct Work {
    std::int64_t largest = 0;  ///< multiply-accumulates of the busiest PE
    std::int64_t total = 0;    ///< of one array
  };
  /// Executes the walker's present step on all active PEs.
  Work work(const StepWalker& walker);

  /// Keeps, per PE, what the step was; call before the first work.
  void keep_details();
  /// Of the last work, per PE; operands and sums by place (empty without data).
  const std::vector<PeDetail>& details() const { return *last_details_; }
  const std::int32_t* inputs() const { return in_.data(); }
  const std::int32_t* weights() const { return weight_.data(); }
  const std::int64_t* sums() const { return out_.data(); }

 private:
  /// What the PEs do in steps that lie alike: the places of the operands of every
  /// multiply-accumulate. Neighbouring entries belong to different PEs, so that sums do not wait
  /// for each other.
  struct Recipe {
    Work work;
    bool flat = false;  ///< the places are listed; not for steps of many multiply-accumulates
    std::vector<Place> places;
    std::vector<PeDetail> details;  // if they are kept
  };
  using Key = std::vector<std::int64_t>;
  struct KeyHash {
    std::size_t operator()(const Key& k) const {
      std::uint64_t h = 1469598103934665603ull;
      for (std::int64_t x : k) {
        h = (h ^ static_cast<std::uint64_t>(x)) * 0x9e3779b97f4a7c15ull;
        h ^= h >> 29;
      }
      return static_cast<std::size_t>(h);
    }
  };
  void describe(const StepWalker& walker);
  void describe_children(const StepWalker& walker);
  Work execute(const StepWalker& walker, Recipe* recipe);
  void multiply(std::int64_t p);
  std::int64_t* outputs_of(std::int64_t p) {
    return out_.data() + static_cast<std::size_t>(p * local_[2].words) * arrays_;
  }
  void note(std::int64_t p, std::int64_t macs);
  using Places = std::vector<Place>;
  void plain_places(std::size_t slot, Range r, Places& out) const;
  void pair_places(Dim d, Range outs, Range kernel, Places& out) const;
  std::int32_t local_place(Tensor t, int axis, std::int64_t x) const {
    return static_cast<std::int32_t>(
        (x % local_[static_cast<std::size_t>(index(t))].cap[static_cast<std::size_t>(axis)]) *
        local_[static_cast<std::size_t>(index(t))].stride[static_cast<std::size_t>(axis)]);
  }
  int axis_of(Tensor t, Dim d) const;

  const Layer& layer_;
  const std::array<TensorSpace, 3>& spaces_;
  const std::array<LocalSpace, 3>& local_;
  std::int64_t pes_;
  std::size_t arrays_;
  bool carry_;
  bool dense_;
  std::vector<std::int32_t> in_, weight_;
  std::vector<std::int64_t> out_;
  std::vector<Dim> plain_;                          // at most four
  std::array<std::array<int, 3>, 4> plain_axis_{};  // axis of each tensor, -1 if not coupled
  std::array<Places, 4> places_;
  struct Single {
    std::int64_t at = -1;
    Place place;
  };
  std::array<std::vector<Single>, 4> singles_;  // each PE's last place, where its range is one
  std::array<Range, 4> placed_{};
  std::array<Places, 2> pairs_;
  std::array<std::array<Range, 2>, 2> paired_{};
  std::array<std::int64_t, 2> pair_count_{};
  Key key_;
  std::unordered_map<Key, Recipe, KeyHash> recipes_;
  std::size_t recipe_words_ = 0;
  Key last_key_;  ///< most steps are like the one before
  const Recipe* last_ = nullptr;
  std::map<std::vector<std::int64_t>, std::int64_t> patterns_;
  std::int64_t pattern_ = -1, first_ = 0;  ///< of the children's ranges; the first active child
  std::uint64_t version_ = 0;
  std::vector<Place> listed_;             ///< scratch: places of all PEs, one after the other
  std::vector<std::int32_t> listed_end_;  ///< per active PE
  bool keep_ = false;
  std::vector<PeDetail> details_;
  const std::vector<PeDetail>* last_details_ = &details_;
};

}  // namespace counterpoint::sim
