// SPDX-License-Identifier: Apache-2.0
#include "input/diagnostics.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace counterpoint::input {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string s) {
  for (char& c : s) c = lower(c);
  return s;
}

bool continues_utf8(char c) {
  return (static_cast<unsigned char>(c) & 0xC0u) == 0x80u;
}

/// Edit distance with exchanged neighbours counted as one (optimal string alignment).
std::size_t distance(const std::string& a, const std::string& b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> before(width), last(width), row(width);
  for (std::size_t j = 0; j < width; ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

/// The source line as shown: control characters would disturb the terminal, and a line of a
/// megabyte would bury the message. `column` is 1-based and counts characters; on return it is
/// the column within the shown text.
std::string shown_line(const std::string& line, int& column) {
  constexpr int kBefore = 60;
  constexpr int kWidth = 120;
  const int first = column > kWidth ? column - kBefore : 1;
  std::string out;
  int at = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (!continues_utf8(line[i])) ++at;
    if (at < first) continue;
    if (at >= first + kWidth) {
      out += "...";
      break;
    }
    const auto c = static_cast<unsigned char>(line[i]);
    out += c < 0x20 || c == 0x7F ? ' ' : line[i];
  }
  if (first > 1) {
    out = "..." + out;
    column = column - first + 1 + 3;
  }
  return out;
}

int characters(const std::string& text) {
  return static_cast<int>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues_utf8(c); }));
}

}  // namespace

std::string format(const Diagnostic& d) {
  std::string out;
  if (!d.file.empty()) out += d.file + ":";
  if (d.pos.line > 0) out += std::to_string(d.pos.line) + ":" + std::to_string(d.pos.column) + ":";
  if (!out.empty()) out += ' ';
  out += d.severity == Severity::Error ? "error: " : "warning: ";
  out += d.message;
  if (!d.code.empty()) out += " [" + d.code + "]";
  out += '\n';
  if (d.pos.line > 0 && !d.line_text.empty()) {
    int column = std::max(d.pos.column, 1);
    const std::string text = shown_line(d.line_text, column);
    out += "  " + text + "\n  ";
    out.append(static_cast<std::size_t>(column - 1), ' ');
    // The caret may stand just behind the line (something is missing there), never further.
    const int room = std::max(characters(text) - column + 1, 1);
    out += '^';
    out.append(static_cast<std::size_t>(std::max(std::min(d.length, room), 1) - 1), '~');
    out += '\n';
  }
  return out;
}

std::string format(const std::vector<Diagnostic>& all) {
  std::string out;
  for (const Diagnostic& d : all) out += format(d);
  return out;
}

bool has_errors(const std::vector<Diagnostic>& all) {
  return std::any_of(all.begin(), all.end(),
                     [](const Diagnostic& d) { return d.severity == Severity::Error; });
}

InputError::InputError(std::vector<Diagnostic> all)
    : std::runtime_error(format(all)), all_(std::move(all)) {}

InputError::InputError(const std::string& message) : std::runtime_error(message) {
  Diagnostic d;
  d.message = message;
  all_.push_back(std::move(d));
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates) {
  // Twice the edit distance without regard to case, plus one if only the case differs: a word
  // in the wrong case is nearer than any with a wrong letter.
  constexpr std::size_t kLongest = 64;
  if (word.empty() || word.size() > kLongest) return "";
  const std::string plain = lower(word);
  std::string best;
  std::size_t best_cost = static_cast<std::size_t>(-1);
  for (const std::string& candidate : candidates) {
    if (candidate.empty() || candidate.size() > kLongest) continue;
    const std::size_t d = distance(plain, lower(candidate));
    const std::size_t allowed = std::max(plain.size(), candidate.size()) / 3;
    if (d > allowed) continue;
    const std::size_t cost = 2 * d + (candidate == word ? 0 : 1);
    if (cost < best_cost) {
      best_cost = cost;
      best = candidate;
    }
  }
  return best;
}

}  // namespace counterpoint::input
