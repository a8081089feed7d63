// SPDX-License-Identifier: Apache-2.0
#include "sim/control/parcels.h"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace counterpoint::sim {
namespace {

// Words by number, in the order in which they are met, then put together by who has them.
class Gatherer {
 public:
  void add(std::int32_t id, int child, std::int32_t index) {
    const auto [known, is_new] = places_.emplace(id, words_.size());
    if (is_new) words_.emplace_back();
    words_[known->second].push_back({child, index});
  }
  std::vector<WordGroup> groups() {
    std::vector<WordGroup> out;
    std::map<std::vector<int>, std::size_t> known;
    std::vector<int> children;
    for (auto& word : words_) {
      std::sort(word.begin(), word.end());
      children.clear();
      for (const auto& [child, index] : word) children.push_back(child);
      const auto [group, is_new] = known.emplace(children, out.size());
      if (is_new) {
        out.emplace_back();
        out.back().children = children;
        out.back().index.resize(children.size());
      }
      for (std::size_t c = 0; c < word.size(); ++c)
        out[group->second].index[c].push_back(word[c].second);
    }
    return out;
  }

 private:
  std::unordered_map<std::int32_t, std::size_t> places_;
  std::vector<std::vector<std::pair<int, std::int32_t>>> words_;
};

}  // namespace

std::vector<WordGroup> groups_to_children(const Moves& m, hw::Multicast multicast,
                                          const std::function<bool(std::size_t)>& moves) {
  const auto receiver = [&](std::int32_t j) {
    return static_cast<int>(m.receivers[static_cast<std::size_t>(j)]);
  };
  if (multicast == hw::Multicast::Word) {
    Gatherer all;
    for (const Chunk& k : m.chunks)
      for (std::int32_t i = k.first; i < k.last; ++i)
        if (moves(static_cast<std::size_t>(i)))
          for (std::int32_t j = k.receivers_first; j < k.receivers_last; ++j)
            all.add(m.ids[static_cast<std::size_t>(i)], receiver(j), i);
    return all.groups();
  }
  std::vector<WordGroup> out;
  std::map<std::vector<std::int32_t>, std::size_t> same;  // groups by their words
  for (const Chunk& k : m.chunks) {
    std::vector<std::int32_t> index, ids;
    for (std::int32_t i = k.first; i < k.last; ++i)
      if (moves(static_cast<std::size_t>(i))) {
        index.push_back(i);
        ids.push_back(m.ids[static_cast<std::size_t>(i)]);
      }
    if (index.empty()) continue;
    for (std::int32_t j = k.receivers_first; j < k.receivers_last; ++j) {
      std::size_t group = out.size();
      if (multicast == hw::Multicast::Tile) group = same.emplace(ids, group).first->second;
      if (group == out.size()) out.emplace_back();
      out[group].children.push_back(receiver(j));
      out[group].index.push_back(index);
    }
  }
  return out;
}

std::vector<WordGroup> groups_from_children(const Moves& m, bool reduces) {
  if (reduces) {
    Gatherer all;
    for (const Chunk& k : m.chunks)
      for (std::int32_t i = k.first; i < k.last; ++i)
        all.add(m.ids[static_cast<std::size_t>(i)],
                static_cast<int>(m.receivers[static_cast<std::size_t>(k.receivers_first)]), i);
    return all.groups();
  }
  std::vector<WordGroup> out;
  for (const Chunk& k : m.chunks) {
    if (k.first == k.last) continue;
    WordGroup g;
    g.children.push_back(
        static_cast<int>(m.receivers[static_cast<std::size_t>(k.receivers_first)]));
    g.index.emplace_back();
    for (std::int32_t i = k.first; i < k.last; ++i) g.index[0].push_back(i);
    out.push_back(std::move(g));
  }
  return out;
}

}  // namespace counterpoint::sim
