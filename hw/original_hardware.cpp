// SPDX-License-Identifier: Apache-2.0
#include "hw/original_hardware.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <system_error>

namespace counterpoint::hw {
namespace {

using input::Diagnostic;

struct Key {
  const char* name;
  const char* meaning;
  std::int64_t most;
};
constexpr Key kKeys[] = {
    {"num_pes", "PEs", 1000000},
    {"l1_size_cstr", "elements in the buffer of a PE", std::int64_t{1} << 50},
    {"l2_size_cstr", "elements in the global buffer", std::int64_t{1} << 50},
    {"noc_bw_cstr", "elements per cycle on every network of the chip", 1000000000},
    {"NoC_NumHops", "cycles of latency of every network of the chip", 1000000000},
    {"offchip_bw_cstr", "elements per cycle from and to off-chip memory", 1000000000},
};

std::vector<std::string> key_names() {
  std::vector<std::string> names;
  for (const Key& k : kKeys) names.push_back(k.name);
  return names;
}

std::string known_keys() {
  std::string out = "known:";
  for (const Key& k : kKeys) out += std::string(" ") + k.name;
  return out;
}

/// The original splits at these, and so `a: 1`, `a 1`, `a->1` are the same. A sign stays part of
/// the number here, so that -4 is refused instead of read as 4.
bool separates(char c) {
  return c == ' ' || c == '\t' || c == ':' || c == ';' || c == ',' || c == '(' || c == ')' ||
         c == '>';
}

struct Token {
  std::string text;
  input::SourcePos pos;
  std::string line;
};

std::vector<Token> tokens_of(const std::string& text) {
  std::vector<Token> tokens;
  std::size_t begin = text.compare(0, 3, "\xEF\xBB\xBF") == 0 ? 3 : 0;
  for (int number = 1; begin <= text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    std::size_t i = 0;
    while (i < line.size()) {
      if (separates(line[i]) || line.compare(i, 2, "->") == 0) {
        ++i;
        continue;
      }
      if (line.compare(i, 2, "//") == 0) break;
      std::size_t j = i;
      while (j < line.size() && !separates(line[j]) && line.compare(j, 2, "//") != 0 &&
             line.compare(j, 2, "->") != 0)
        ++j;
      Token t;
      t.text = line.substr(i, j - i);
      t.pos = {number, static_cast<int>(i) + 1};
      t.line = line.substr(0, 1000);
      tokens.push_back(t);
      i = j;
    }
  }
  return tokens;
}

class Reader {
 public:
  Reader(const std::string& file, std::vector<Diagnostic>& diagnostics)
      : file_(file), diagnostics_(diagnostics) {}

  std::map<std::string, std::int64_t> read(const std::string& text) {
    std::map<std::string, std::int64_t> values;
    std::map<std::string, int> seen;
    const std::vector<Token> tokens = tokens_of(text);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const Token& name = tokens[i];
      const Key* const key = std::find_if(std::begin(kKeys), std::end(kKeys),
                                          [&](const Key& k) { return name.text == k.name; });
      if (key == std::end(kKeys)) {
        const std::string nearest = input::did_you_mean(name.text, key_names());
        error(name, "unknown-key",
              "'" + name.text.substr(0, 60) + "' is not a key of a hardware file; " +
                  (nearest.empty() ? known_keys() : "did you mean '" + nearest + "'?"));
        // Its value, if there is one, belongs to it.
        if (i + 1 < tokens.size() && !is_key(tokens[i + 1].text) &&
            tokens[i + 1].pos.line == name.pos.line)
          ++i;
        continue;
      }
      const auto [first, is_new] = seen.emplace(name.text, name.pos.line);
      if (!is_new)
        error(name, "duplicate-key",
              fmt::format("'{}' is given twice; it is already set in line {}", name.text,
                          first->second));
      if (i + 1 >= tokens.size() || is_key(tokens[i + 1].text)) {
        error(name, "missing-value", fmt::format("'{}' has no value", name.text));
        continue;
      }
      values[name.text] = number(tokens[++i], *key);
    }
    return values;
  }

 private:
  static bool is_key(const std::string& word) {
    return std::any_of(std::begin(kKeys), std::end(kKeys),
                       [&](const Key& k) { return word == k.name; });
  }

  std::int64_t number(const Token& token, const Key& key) {
    const std::string& t = token.text;
    const std::int64_t least = std::string(key.name) == "NoC_NumHops" ? 0 : 1;
    std::int64_t value = 0;
    const auto [end, code] = std::from_chars(t.data(), t.data() + t.size(), value);
    if (code == std::errc() && end == t.data() + t.size() && value >= least && value <= key.most)
      return value;
    error(token, "bad-value",
          fmt::format("'{}' ({}) must be a whole number from {} to {}, not '{}'", key.name,
                      key.meaning, least, key.most, t.substr(0, 60)));
    return least;
  }

  void error(const Token& token, const std::string& code, const std::string& message) {
    if (diagnostics_.size() > 200) return;
    Diagnostic d;
    d.file = file_;
    d.pos = token.pos;
    d.length = static_cast<int>(std::min<std::size_t>(token.text.size(), 200));
    d.code = code;
    d.message = message;
    d.line_text = token.line;
    diagnostics_.push_back(d);
  }

  std::string file_;
  std::vector<Diagnostic>& diagnostics_;
};

std::string stem(const std::string& file) {
  const std::size_t slash = file.find_last_of("/\\");
  const std::string base = slash == std::string::npos ? file : file.substr(slash + 1);
  const std::size_t dot = base.find_last_of('.');
  return dot == std::string::npos || dot == 0 ? base : base.substr(0, dot);
}

}  // namespace

bool is_original_hardware(const std::string& text) {
  int line = 0;
  for (const Token& t : tokens_of(text)) {
    if (t.pos.line == line) continue;
    line = t.pos.line;
    for (const Key& k : kKeys)
      if (t.text == k.name) return true;
  }
  return false;
}

std::optional<Machine> read_original_hardware(const std::string& text, const std::string& file,
                                              std::vector<Diagnostic>& diagnostics) {
  const std::size_t before = diagnostics.size();
  const std::map<std::string, std::int64_t> values = Reader(file, diagnostics).read(text);
  if (diagnostics.size() > before) return std::nullopt;
  const auto value = [&](const char* key, std::int64_t missing) {
    const auto at = values.find(key);
    return at == values.end() ? missing : at->second;
  };

  Machine m;
  m.name = stem(file);
  m.description = "hardware file of the original tool";
  m.file = file;
  m.pes = value("num_pes", 1);
  m.capacity_in_words = true;  // its sizes are elements, of any tensor

  Storage off_chip, global, pe;
  off_chip.name = "off-chip memory";
  global.name = "global buffer";
  global.capacity_bytes = value("l2_size_cstr", 0);
  pe.name = "PE buffer";
  pe.capacity_bytes = value("l1_size_cstr", 0);
  m.storage = {off_chip, global, pe};

  Network to_chip, on_chip;
  to_chip.name = "off-chip network";
  to_chip.bandwidth.per_kcycle = 1000 * value("offchip_bw_cstr", 0);
  on_chip.name = "network";
  on_chip.bandwidth.per_kcycle = 1000 * value("noc_bw_cstr", 0);
  on_chip.latency = value("NoC_NumHops", 1);
  // The original forwards sums between units for nothing.
  on_chip.reduction = Reduction::Tree;
  m.network = {to_chip, on_chip};

  // Its constants: BASE_constants.hpp, energy = MACs + 1.68 L1 accesses + 18.61 L2 accesses.
  m.energy.name = "maestro_compat";
  m.energy.source = "MAESTRO, cost-model constants: MAC 1, L1 1.68, L2 18.61 per element";
  m.energy.technology = "28 nm";
  m.energy.unit = "MAC";
  m.energy.mac_pj = 1;
  m.storage[0].energy = {0, 0, 0};
  m.storage[1].energy = {18.61, 18.61, 0};
  m.storage[2].energy = {1.68, 1.68, 0};
  return m;
}

}  // namespace counterpoint::hw
