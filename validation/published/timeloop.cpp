// SPDX-License-Identifier: Apache-2.0
#include "validation/published/timeloop.h"

#include <fmt/format.h>

#include <cctype>
#include <map>
#include <sstream>
#include <vector>

namespace counterpoint::validation::published {
namespace {

constexpr const char* kDimensions = "NCKPQRS";

struct Loop {
  char dimension = 0;
  std::int64_t trips = 1;
  bool spatial = false;
};

std::vector<std::vector<Loop>> parse(const std::string& notation) {
  const auto fail = [&](const std::string& what) {
    throw ExpressionError(fmt::format("mapping '{}': {}", notation, what));
  };
  std::vector<std::vector<Loop>> levels;
  std::istringstream in(notation);
  std::string word;
  while (in >> word) {
    if (word == "-") continue;
    if (word.find('[') != std::string::npos && word.back() == ']') {
      levels.emplace_back();
      continue;
    }
    if (levels.empty()) fail("a level such as L3[WIO] is expected first");
    Loop loop;
    loop.dimension = word[0];
    std::size_t i = 1;
    std::int64_t trips = 0;
    for (; i < word.size() && std::isdigit(static_cast<unsigned char>(word[i])) != 0; ++i) {
      trips = trips * 10 + (word[i] - '0');
      if (trips > 1000000000) fail(fmt::format("'{}' has too many iterations", word));
    }
    loop.spatial = i + 1 == word.size() && word[i] == 'X';
    if (std::string(kDimensions).find(loop.dimension) == std::string::npos || trips == 0 ||
        i + (loop.spatial ? 1 : 0) != word.size())
      fail(fmt::format("'{}' is not a loop such as K12 or C16X", word));
    loop.trips = trips;
    levels.back().push_back(loop);
  }
  if (levels.size() < 2) fail("at least two levels are needed");
  return levels;
}

}  // namespace

std::string timeloop_directives(const std::string& notation, const Lookup& columns) {
  const std::vector<std::vector<Loop>> levels = parse(notation);
  std::map<char, std::int64_t> holds;  // what the loops from here inwards hold of a dimension
  for (const char* d = kDimensions; *d != 0; ++d) holds[*d] = 1;
  for (const auto& level : levels)
    for (const Loop& l : level) holds[l.dimension] *= l.trips;
  for (const auto& [dimension, extent] : holds) {
    const auto given = columns(std::string(1, dimension));
    if (given && static_cast<double>(extent) != *given)
      throw ExpressionError(
          fmt::format("mapping '{}': the loops over {} cover {}, the layer has {}", notation,
                      dimension, extent, *given));
  }
  const auto name = [](char d) {
    return d == 'P' ? std::string("Y'") : d == 'Q' ? std::string("X'") : std::string(1, d);
  };
  std::string out;
  std::map<char, bool> done;
  for (const Loop& l : levels.front()) {
    if (l.spatial) throw ExpressionError(fmt::format("mapping '{}': one chip only", notation));
    if (l.trips == 1) continue;
    if (done[l.dimension])
      throw ExpressionError(
          fmt::format("mapping '{}': two off-chip loops over {}", notation, l.dimension));
    done[l.dimension] = true;
    out += fmt::format("      TemporalMap({0},{0}) {1};\n", holds[l.dimension] / l.trips,
                       name(l.dimension));
  }
  return out;
}

}  // namespace counterpoint::validation::published
