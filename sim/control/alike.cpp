// SPDX-License-Identifier: Apache-2.0
#include "sim/control/alike.h"

namespace counterpoint::sim {
namespace {

class Comparison {
 public:
  Comparison(const Layer& layer, const Nest& nest, const std::vector<std::int64_t>& path)
      : dense_(layer.dense()), walker_(layer, nest, path) {
    children_.resize(static_cast<std::size_t>(walker_.children()));
    for (Dim d : workloads::kAllDims)
      if (walker_.is_spatial(d)) dims_.push_back(d);
  }

  std::vector<Likeness> run() {
    std::uint64_t version = 0;
    while (walker_.next()) {
      if (walker_.spatial_version() == version) continue;
      version = walker_.spatial_version();
      step();
    }
    std::vector<Likeness> out;
    for (const Child& c : children_) out.push_back(c.like);
    return out;
  }

 private:
  struct Child {
    Likeness like;
    bool measured = false;  // the shift against the leader is known: both have worked
  };

  // Whether p goes on being like `leader`, `shift` apart if that is known already.
  bool alike(std::int64_t p, std::int64_t leader, bool known, Likeness& at) const {
    if (walker_.active(p) != walker_.active(leader)) return false;
    if (!walker_.active(p)) return true;
    for (Dim d : dims_) {
      const Range mine = walker_.range(d, p), its = walker_.range(d, leader);
      const std::int64_t apart = mine.lo - its.lo;
      std::int64_t& shift = at.shift[static_cast<std::size_t>(index(d))];
      if (mine.size() != its.size() || (known && apart != shift)) return false;
      const bool edges = d == Dim::Y || d == Dim::X || d == Dim::R || d == Dim::S;
      if (edges && !dense_ && apart != 0) return false;
      shift = apart;
    }
    return true;
  }

  void step() {
    split_.clear();
    for (std::int64_t p = 0; p < walker_.children(); ++p) {
      Child& c = children_[static_cast<std::size_t>(p)];
      if (c.like.leader == p) continue;
      Likeness at = c.like;
      if (alike(p, at.leader, c.measured, at)) {
        c.like = at;
        c.measured = c.measured || walker_.active(p);
      } else {
        leave(p, c);
      }
    }
  }

  // p is not like its leader any more, but perhaps like another one that left it in this step.
  void leave(std::int64_t p, Child& c) {
    for (const auto& [other, was] : split_) {
      if (was.like.leader != c.like.leader || was.measured != c.measured) continue;
      Likeness at;
      at.leader = other;
      for (std::size_t d = 0; d < workloads::kDims; ++d)
        at.shift[d] = c.like.shift[d] - was.like.shift[d];
      if (!alike(p, other, c.measured, at)) continue;
      c.like = at;
      c.measured = c.measured || walker_.active(p);
      return;
    }
    split_.emplace_back(p, c);
    c.like.leader = p;
    c.like.shift = {};
    c.measured = false;
  }

  bool dense_;
  StepWalker walker_;
  std::vector<Child> children_;
  std::vector<Dim> dims_;
  std::vector<std::pair<std::int64_t, Child>> split_;  // leaders of this step, as they were before
};

}  // namespace

std::vector<Likeness> compare_children(const Layer& layer, const Nest& nest,
                                       const std::vector<std::int64_t>& path) {
  return Comparison(layer, nest, path).run();
}

std::int64_t word_shift(const Layer& layer, const TensorSpace& space,
                        const std::array<std::int64_t, workloads::kDims>& shift) {
  const auto of = [&](Dim d) { return shift[static_cast<std::size_t>(index(d))]; };
  std::int64_t words = 0;
  for (const Axis& a : space.axes) {
    std::int64_t apart = of(a.dim);
    if (a.kind == Axis::Kind::Window) {
      const Dim k = a.dim == Dim::Y ? Dim::R : Dim::S;
      const workloads::Window& w = layer.window(a.dim);
      if (a.touch == Touch::Kernel) apart = of(k);
      // Shifted windows are dense (compare_children), and those do not upsample.
      if (a.touch == Touch::Input) apart = w.stride * of(a.dim) + w.dilation * of(k);
    }
    words += apart * a.stride;
  }
  return words;
}

}  // namespace counterpoint::sim
