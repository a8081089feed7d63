// SPDX-License-Identifier: Apache-2.0
#include "validation/bars.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace counterpoint::validation {
namespace {

struct Class {
  const char* key;
  const char* name;
  const char* ascii;
  const char* unicode;
};

constexpr std::array<Class, 8> kClasses = {{{"startup", "start-up", ".", "·"},
                                            {"compute", "compute", "#", "█"},
                                            {"level_above", "level above", "a", "░"},
                                            {"bandwidth", "bandwidth", "b", "▓"},
                                            {"drain", "drain", "d", "▒"},
                                            {"latency", "latency", "l", "─"},
                                            {"contention", "contention", "x", "×"},
                                            {"tail", "tail", "_", "_"}}};
using Cycles = std::array<std::int64_t, kClasses.size()>;

Cycles stack_of(const Json& result) {
  Cycles c{};
  for (std::size_t i = 0; i < kClasses.size(); ++i)
    c[i] = result["statistics"].value(std::string("stack.") + kClasses[i].key, std::int64_t{0});
  return c;
}

// `width` characters in proportion, the rest to the largest remainders (ties: the first class).
std::string bar(const Cycles& cycles, std::size_t width, bool unicode) {
  const double all = std::accumulate(cycles.begin(), cycles.end(), 0.0);
  std::array<std::size_t, kClasses.size()> characters{}, order{};
  std::array<double, kClasses.size()> rest{};
  std::size_t used = 0;
  for (std::size_t i = 0; i < kClasses.size(); ++i) {
    const double exact =
        all > 0 ? static_cast<double>(cycles[i]) / all * static_cast<double>(width) : 0;
    characters[i] = static_cast<std::size_t>(exact);
    rest[i] = exact - static_cast<double>(characters[i]);
    used += characters[i];
    order[i] = i;
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return rest[a] > rest[b]; });
  for (std::size_t i = 0; all > 0 && used < width; ++i, ++used)
    ++characters[order[i % kClasses.size()]];
  std::string out;
  for (std::size_t i = 0; i < kClasses.size(); ++i)
    for (std::size_t n = 0; n < characters[i]; ++n)
      out += unicode ? kClasses[i].unicode : kClasses[i].ascii;
  return out;
}

// At most `width` bytes, not cut within a character of UTF-8.
std::string shortened(const std::string& name, std::size_t width) {
  if (name.size() <= width) return name;
  std::size_t end = width - 1;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0u) == 0x80u) --end;
  return name.substr(0, end) + "~";
}

}  // namespace

std::string write_bars(const std::vector<Json>& reports, int columns, bool unicode) {
  std::size_t width = 0;
  std::array<bool, kClasses.size()> seen{};
  for (const Json& r : reports)
    for (const char* model : {"estimate", "simulation"})
      if (r.contains(model)) {
        width = std::max(width, r["layer"].get<std::string>().size());
        const Cycles c = stack_of(r[model]);
        for (std::size_t i = 0; i < c.size(); ++i) seen[i] = seen[i] || c[i] > 0;
      }
  if (width == 0) return "";
  width = std::min<std::size_t>(width, 24);
  const auto room = static_cast<std::size_t>(std::max(columns, kBarColumns));
  std::string out = "cycle stacks:";
  for (std::size_t i = 0; i < kClasses.size(); ++i)
    if (seen[i])
      out += fmt::format(" {} {}", unicode ? kClasses[i].unicode : kClasses[i].ascii,
                         kClasses[i].name);
  out += "\n";
  for (const Json& r : reports) {
    bool first = true;
    for (const char* model : {"estimate", "simulation"}) {
      if (!r.contains(model)) continue;
      const std::string name = first ? shortened(r["layer"].get<std::string>(), width) : "";
      // name, two blanks, "est. ", two edges
      out += fmt::format("{:<{}}  {} |{}|\n", name, width, model[0] == 'e' ? "est." : "sim.",
                         bar(stack_of(r[model]), room - width - 9, unicode));
      first = false;
    }
  }
  return out;
}

}  // namespace counterpoint::validation
