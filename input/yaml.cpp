// SPDX-License-Identifier: Apache-2.0
#include "input/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <sstream>
#include <system_error>

namespace counterpoint::input {
namespace detail {

enum class YamlKind : std::uint8_t { Null, Scalar, List, Map };

struct YamlNode {
  YamlKind kind = YamlKind::Null;
  SourcePos pos;
  std::string text;     // scalars
  std::string path;     // for messages
  bool quoted = false;  // scalars in quotes are text, never a number or a word of the schema
  std::vector<std::size_t> children;                    // values, in file order
  std::vector<std::pair<std::string, SourcePos>> keys;  // of the children of a map
};

struct YamlDocument {
  std::string file;
  std::vector<std::string> lines;
  std::vector<YamlNode> nodes;
  std::vector<Diagnostic>* diagnostics = nullptr;
  int reported = 0;

  void report(Severity severity, SourcePos pos, int length, const std::string& code,
              const std::string& message) {
    constexpr int kMost = 200;
    if (reported > kMost) return;
    Diagnostic d;
    d.severity = severity;
    d.file = file;
    d.pos = pos;
    d.length = std::max(length, 1);
    d.code = code;
    d.message = message;
    if (pos.line >= 1 && static_cast<std::size_t>(pos.line) <= lines.size())
      d.line_text = lines[static_cast<std::size_t>(pos.line) - 1];
    if (reported == kMost) {
      d.severity = Severity::Error;
      d.code = "too-many-messages";
      d.message = "too many messages for this file; the rest is not shown";
    }
    ++reported;
    diagnostics->push_back(std::move(d));
  }
  void error(SourcePos pos, int length, const std::string& code, const std::string& message) {
    report(Severity::Error, pos, length, code, message);
  }
  /// yaml-cpp counts bytes from 0; people count characters from 1.
  SourcePos position(const YAML::Mark& mark) const {
    if (mark.is_null() || mark.line < 0) return {};
    SourcePos pos{mark.line + 1, 1};
    if (static_cast<std::size_t>(mark.line) >= lines.size()) {
      pos.column = mark.column + 1;
      return pos;
    }
    const std::string& line = lines[static_cast<std::size_t>(mark.line)];
    const auto bytes = std::min(static_cast<std::size_t>(std::max(mark.column, 0)), line.size());
    for (std::size_t i = 0; i < bytes; ++i)
      if ((static_cast<unsigned char>(line[i]) & 0xC0u) != 0x80u) ++pos.column;
    return pos;
  }
};

}  // namespace detail

namespace {

using detail::YamlDocument;
using detail::YamlKind;
using detail::YamlNode;

constexpr std::size_t kMostBytes = 8u << 20;
constexpr std::size_t kMostNodes = 200000;
constexpr std::size_t kMostLine = 1u << 14;
constexpr std::size_t kDeepest = 24;

/// Stops yaml-cpp from within its callbacks; the reason is reported before.
struct Stop {};

/// Text as it appears in a message: on one line and not too long.
std::string shown(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (out.size() >= 60) return out + "...";
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out;
}

std::string list_of(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

int length_of(const std::string& text) {
  const std::string line = text.substr(0, text.find('\n'));
  return static_cast<int>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u;
  }));
}

/// Builds the tree from yaml-cpp's events. Events, not its nodes: they carry anchors, aliases,
/// tags and duplicate keys, which the nodes hide.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(YamlDocument& document) : document_(document) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    add(YamlKind::Null, mark);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    document_.error(document_.position(mark), 1, "yaml-alias",
                    "aliases (*name) are not accepted here: write the value out");
    add(YamlKind::Null, mark);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (expects_key()) {
      add_key(mark, value);
      return;
    }
    const bool plain = tag == "?" || tag.empty();
    const bool nothing = plain && (value.empty() || value == "~" || value == "null");
    YamlNode& node = document_.nodes[add(nothing ? YamlKind::Null : YamlKind::Scalar, mark)];
    node.text = value;
    node.quoted = !plain;
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlKind::List, mark, tag, anchor);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlKind::Map, mark, tag, anchor);
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  struct Open {
    std::size_t node;
    bool key_pending = false;
    std::map<std::string, int> seen;  // keys and their lines
  };

  bool expects_key() const {
    return !open_.empty() && document_.nodes[open_.back().node].kind == YamlKind::Map &&
           !open_.back().key_pending;
  }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0)
      document_.error(document_.position(mark), 1, "yaml-anchor",
                      "anchors (&name) are not accepted here: write the value out where needed");
  }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      document_.error(document_.position(mark), 1, "yaml-tag",
                      fmt::format("tags are not accepted here: leave out '{}'", shown(tag)));
  }

  void add_key(const YAML::Mark& mark, const std::string& key) {
    Open& open = open_.back();
    const SourcePos pos = document_.position(mark);
    const auto [first, is_new] = open.seen.emplace(key, pos.line);
    if (!is_new)
      document_.error(pos, length_of(key), "duplicate-key",
                      fmt::format("'{}' is given twice; it is already set in line {}", shown(key),
                                  first->second));
    document_.nodes[open.node].keys.emplace_back(key, pos);
    open.key_pending = true;
  }

  std::size_t add(YamlKind kind, const YAML::Mark& mark) {
    const SourcePos pos = document_.position(mark);
    if (document_.nodes.size() >= kMostNodes) {
      document_.error(pos, 1, "yaml-too-large",
                      fmt::format("the file has more than {} values", kMostNodes));
      throw Stop{};
    }
    if (expects_key()) {
      // The grammar of YAML allows lists, maps and nothing as keys.
      document_.error(pos, 1, "yaml-key", "a key must be a word");
      throw Stop{};
    }
    YamlNode node;
    node.kind = kind;
    node.pos = pos;
    const std::size_t index = document_.nodes.size();
    if (!open_.empty()) {
      YamlNode& parent = document_.nodes[open_.back().node];
      if (parent.kind == YamlKind::Map) {
        const std::string key = shown(parent.keys.back().first);
        node.path = parent.path.empty() ? key : parent.path + "." + key;
        open_.back().key_pending = false;
      } else {
        node.path = fmt::format("{}[{}]", parent.path, parent.children.size());
      }
      parent.children.push_back(index);
    }
    document_.nodes.push_back(std::move(node));
    return index;
  }

  void open(YamlKind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (open_.size() >= kDeepest) {
      document_.error(document_.position(mark), 1, "yaml-too-deep",
                      fmt::format("values are nested more than {} deep", kDeepest));
      throw Stop{};
    }
    open_.push_back({add(kind, mark), false, {}});
  }

  YamlDocument& document_;
  std::vector<Open> open_;
};

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

/// Bytes of the character that starts at text[i], or 0 if it is not UTF-8.
std::size_t character_bytes(const std::string& text, std::size_t i) {
  const auto byte = [&](std::size_t at) {
    return at < text.size() ? static_cast<unsigned>(static_cast<unsigned char>(text[at])) : 0u;
  };
  const unsigned c = byte(i);
  std::size_t n = 0;
  if (c < 0x80u)
    n = 1;
  else if (c >= 0xC2u && c < 0xE0u)
    n = 2;
  else if (c >= 0xE0u && c < 0xF0u)
    n = 3;
  else if (c >= 0xF0u && c < 0xF5u)
    n = 4;
  for (std::size_t k = 1; k < n; ++k)
    if ((byte(i + k) & 0xC0u) != 0x80u) return 0;
  return n;
}

/// False, and an error, if the file is not text that YAML can be.
bool check_text(YamlDocument& document) {
  for (std::size_t l = 0; l < document.lines.size(); ++l) {
    const std::string& line = document.lines[l];
    SourcePos pos{static_cast<int>(l) + 1, 1};
    if (line.size() > kMostLine) {
      document.lines[l].resize(200);
      document.error(pos, 1, "yaml-too-large",
                     fmt::format("the line has more than {} bytes", kMostLine));
      return false;
    }
    for (std::size_t i = 0; i < line.size(); ++pos.column) {
      const std::size_t n = character_bytes(line, i);
      const auto c = static_cast<unsigned char>(line[i]);
      if (n == 0 || (c < 0x20 && c != '\t') || c == 0x7F) {
        document.error(pos, 1, "not-text",
                       fmt::format("byte 0x{:02X} is not text (UTF-8 is expected)", c));
        return false;
      }
      i += n;
    }
  }
  return true;
}

const char* kind_name(YamlKind kind) {
  switch (kind) {
    case YamlKind::Null: return "nothing";
    case YamlKind::List: return "a list";
    case YamlKind::Map: return "a map of keys";
    case YamlKind::Scalar: break;
  }
  return "a value";
}

std::string name_of(const YamlNode& node) {
  return node.path.empty() ? "the file" : "'" + node.path + "'";
}

void expected(YamlDocument& document, const YamlNode& node, const std::string& what,
              const std::string& code = "bad-value") {
  std::string found = kind_name(node.kind);
  if (node.kind == YamlKind::Scalar)
    found = fmt::format("{}'{}'", node.quoted ? "the text " : "", shown(node.text));
  document.error(node.pos, length_of(node.text), code,
                 fmt::format("{} must be {}, not {}", name_of(node), what, found));
}

std::string with_unit(const std::string& unit) {
  return unit.empty() ? "" : " " + unit;
}

}  // namespace

bool YamlValue::is_map() const {
  return document_->nodes[node_].kind == YamlKind::Map;
}
bool YamlValue::is_list() const {
  return document_->nodes[node_].kind == YamlKind::List;
}
bool YamlValue::is_scalar() const {
  return document_->nodes[node_].kind == YamlKind::Scalar;
}
bool YamlValue::is_null() const {
  return document_->nodes[node_].kind == YamlKind::Null;
}
SourcePos YamlValue::pos() const {
  return document_->nodes[node_].pos;
}
const std::string& YamlValue::path() const {
  return document_->nodes[node_].path;
}
const std::string& YamlValue::file() const {
  return document_->file;
}

bool YamlValue::check_map(const std::vector<std::string>& known) const {
  const YamlNode& node = document_->nodes[node_];
  if (node.kind != YamlKind::Map) {
    expected(*document_, node, "a map with the keys " + list_of(known), "not-a-map");
    return false;
  }
  bool good = true;
  for (const auto& [key, pos] : node.keys) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    good = false;
    const std::string nearest = did_you_mean(key, known);
    document_->error(pos, length_of(key), "unknown-key",
                     fmt::format("unknown key '{}'{}; {}", shown(key),
                                 node.path.empty() ? "" : " in '" + node.path + "'",
                                 nearest.empty() ? "known here: " + list_of(known)
                                                 : fmt::format("did you mean '{}'?", nearest)));
  }
  return good;
}

bool YamlValue::check_list() const {
  if (is_list()) return true;
  expected(*document_, document_->nodes[node_], "a list", "not-a-list");
  return false;
}

std::optional<YamlValue> YamlValue::find(const std::string& key) const {
  const YamlNode& node = document_->nodes[node_];
  for (std::size_t i = 0; i < node.keys.size(); ++i)
    if (node.keys[i].first == key) return YamlValue(document_, node.children[i]);
  return std::nullopt;
}

std::optional<YamlValue> YamlValue::require(const std::string& key,
                                            const std::string& meaning) const {
  std::optional<YamlValue> value = find(key);
  if (!value)
    error("missing-key",
          fmt::format("{} has no '{}': {}", name_of(document_->nodes[node_]), key, meaning));
  return value;
}

std::vector<std::pair<std::string, YamlValue>> YamlValue::entries() const {
  std::vector<std::pair<std::string, YamlValue>> all;
  const YamlNode& node = document_->nodes[node_];
  for (std::size_t i = 0; i < node.keys.size(); ++i)
    all.emplace_back(node.keys[i].first, YamlValue(document_, node.children[i]));
  return all;
}

std::vector<YamlValue> YamlValue::items() const {
  std::vector<YamlValue> all;
  const YamlNode& node = document_->nodes[node_];
  if (node.kind != YamlKind::List) return all;
  for (const std::size_t child : node.children) all.emplace_back(document_, child);
  return all;
}

std::optional<std::string> YamlValue::text() const {
  const YamlNode& node = document_->nodes[node_];
  if (node.kind == YamlKind::Scalar) return node.text;
  expected(*document_, node, "text");
  return std::nullopt;
}

std::optional<std::int64_t> YamlValue::integer(std::int64_t least, std::int64_t most,
                                               const std::string& unit) const {
  const YamlNode& node = document_->nodes[node_];
  const std::string& t = node.text;
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(t.data(), t.data() + t.size(), value);
  const bool whole = node.kind == YamlKind::Scalar && !node.quoted && end == t.data() + t.size();
  if (whole && code == std::errc() && value >= least && value <= most) return value;
  const bool out_of_range =
      whole && (code == std::errc() || code == std::errc::result_out_of_range);
  expected(*document_, node,
           fmt::format("a whole number{} from {} to {}",
                       unit.empty() ? "" : fmt::format(" ({})", unit), least, most),
           out_of_range ? "out-of-range" : "bad-value");
  return std::nullopt;
}

std::optional<double> YamlValue::real(double least, double most, const std::string& unit) const {
  const YamlNode& node = document_->nodes[node_];
  const std::string& t = node.text;
  double value = 0;
  const auto [end, code] = std::from_chars(t.data(), t.data() + t.size(), value);
  const bool number = node.kind == YamlKind::Scalar && !node.quoted && code == std::errc() &&
                      end == t.data() + t.size() && std::isfinite(value);
  if (number && value >= least && value <= most) return value;
  expected(*document_, node,
           fmt::format("a number{} from {} to {}", unit.empty() ? "" : fmt::format(" ({})", unit),
                       least, most),
           number ? "out-of-range" : "bad-value");
  return std::nullopt;
}

std::optional<bool> YamlValue::boolean() const {
  const YamlNode& node = document_->nodes[node_];
  if (node.kind == YamlKind::Scalar && !node.quoted) {
    if (node.text == "true") return true;
    if (node.text == "false") return false;
  }
  expected(*document_, node, "true or false");
  return std::nullopt;
}

std::optional<std::size_t> YamlValue::choice(const std::vector<std::string>& choices) const {
  const YamlNode& node = document_->nodes[node_];
  if (node.kind == YamlKind::Scalar) {
    const auto at = std::find(choices.begin(), choices.end(), node.text);
    if (at != choices.end()) return static_cast<std::size_t>(at - choices.begin());
  }
  const std::string nearest = node.kind == YamlKind::Scalar ? did_you_mean(node.text, choices) : "";
  std::string found = kind_name(node.kind);
  if (node.kind == YamlKind::Scalar) found = "'" + shown(node.text) + "'";
  document_->error(
      node.pos, length_of(node.text), "bad-value",
      fmt::format("{} must be {}, not {}{}", name_of(node), list_of(choices), found,
                  nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest)));
  return std::nullopt;
}

std::optional<Quantity> YamlValue::quantity(const std::vector<std::string>& units) const {
  const YamlNode& node = document_->nodes[node_];
  std::vector<std::string> named;
  for (const std::string& u : units)
    if (!u.empty()) named.push_back(u);
  const bool bare = named.size() < units.size();
  const std::string what = fmt::format("a number of at most 3 decimals, {} by {}",
                                       bare ? "which may be followed" : "followed", list_of(named));
  const std::string& t = node.text;
  constexpr std::int64_t kMost = std::int64_t{1} << 50;
  std::int64_t whole = 0;
  const char* at = t.data();
  const char* const end = at + t.size();
  const auto [after, code] = std::from_chars(at, end, whole);
  if (node.kind != YamlKind::Scalar || node.quoted || t.empty() || t[0] < '0' || t[0] > '9' ||
      (code != std::errc() && code != std::errc::result_out_of_range)) {
    expected(*document_, node, what);
    return std::nullopt;
  }
  if (code == std::errc::result_out_of_range || whole >= kMost) {
    expected(*document_, node, fmt::format("less than {}{}", kMost, with_unit(named.front())),
             "out-of-range");
    return std::nullopt;
  }
  at = after;
  Quantity q;
  q.thousandths = whole * 1000;
  if (at != end && *at == '.') {
    ++at;
    std::int64_t weight = 100;
    int digits = 0;
    for (; at != end && *at >= '0' && *at <= '9'; ++at, ++digits, weight /= 10)
      q.thousandths += (*at - '0') * weight;
    if (digits == 0 || digits > 3) {
      expected(*document_, node, what);
      return std::nullopt;
    }
  }
  while (at != end && *at == ' ') ++at;
  q.unit.assign(at, end);
  if (std::find(units.begin(), units.end(), q.unit) == units.end()) {
    const std::string nearest = did_you_mean(q.unit, named);
    if (q.unit.empty() || nearest.empty()) {
      expected(*document_, node, what, "bad-unit");
    } else {
      document_->error(node.pos, length_of(t), "bad-unit",
                       fmt::format("{} has the unknown unit '{}'; did you mean '{}'?",
                                   name_of(node), shown(q.unit), nearest));
    }
    return std::nullopt;
  }
  return q;
}

std::optional<std::int64_t> YamlValue::bytes(std::int64_t least, std::int64_t most) const {
  static const std::vector<std::pair<std::string, std::int64_t>> kUnits = {
      {"", 1},      {"B", 1},     {"KiB", 1 << 10}, {"MiB", 1 << 20},  {"GiB", 1 << 30},
      {"kB", 1000}, {"KB", 1000}, {"MB", 1000000},  {"GB", 1000000000}};
  std::vector<std::string> names;
  names.reserve(kUnits.size());
  for (const auto& [name, factor] : kUnits) names.push_back(name);
  const std::optional<Quantity> q = quantity(names);
  if (!q) return std::nullopt;
  std::int64_t factor = 1;
  for (const auto& [name, f] : kUnits)
    if (name == q->unit) factor = f;
  const YamlNode& node = document_->nodes[node_];
  // At most 2^50 · 1000 thousandths times 10^9: needs the wide product.
  __extension__ using Wide = __int128;
  const Wide wide = static_cast<Wide>(q->thousandths) * factor;
  if (wide % 1000 != 0) {
    expected(*document_, node, "a whole number of bytes");
    return std::nullopt;
  }
  if (wide / 1000 < least || wide / 1000 > most) {
    expected(*document_, node, fmt::format("from {} to {} bytes", least, most), "out-of-range");
    return std::nullopt;
  }
  return static_cast<std::int64_t>(wide / 1000);
}

void YamlValue::error(const std::string& code, const std::string& message) const {
  const YamlNode& node = document_->nodes[node_];
  document_->error(node.pos, length_of(node.text), code, message);
}

void YamlValue::warning(const std::string& code, const std::string& message) const {
  const YamlNode& node = document_->nodes[node_];
  document_->report(Severity::Warning, node.pos, length_of(node.text), code, message);
}

void YamlValue::error_at_key(const std::string& key, const std::string& code,
                             const std::string& message) const {
  for (const auto& [name, pos] : document_->nodes[node_].keys)
    if (name == key) {
      document_->error(pos, length_of(key), code, message);
      return;
    }
  error(code, message);
}

std::optional<YamlValue> parse_yaml(const std::string& text, const std::string& file,
                                    std::vector<Diagnostic>& diagnostics) {
  auto document = std::make_shared<YamlDocument>();
  document->file = file;
  document->diagnostics = &diagnostics;
  if (text.size() > kMostBytes) {
    document->error({}, 1, "yaml-too-large",
                    fmt::format("the file has more than {} MiB", kMostBytes >> 20));
    return std::nullopt;
  }
  std::string clean;
  clean.reserve(text.size());
  for (std::size_t i = text.compare(0, 3, "\xEF\xBB\xBF") == 0 ? 3 : 0; i < text.size(); ++i)
    if (text[i] != '\r' || i + 1 >= text.size() || text[i + 1] != '\n') clean += text[i];
  document->lines = split_lines(clean);
  if (!check_text(*document)) return std::nullopt;

  try {
    std::istringstream stream(clean);
    YAML::Parser parser(stream);
    Builder builder(*document);
    if (!parser.HandleNextDocument(builder) || document->nodes.empty()) {
      document->nodes.emplace_back();
      document->nodes.back().pos = {1, 1};
      return YamlValue(document, 0);
    }
    const std::size_t first = document->nodes.size();
    Builder second(*document);
    if (parser.HandleNextDocument(second)) {
      const SourcePos pos =
          document->nodes.size() > first ? document->nodes[first].pos : SourcePos{1, 1};
      document->error(pos, 1, "yaml-documents",
                      "a second document starts here ('---'); one per file is expected");
      return std::nullopt;
    }
  } catch (const Stop&) {
    return std::nullopt;
  } catch (const YAML::ParserException& e) {
    document->error(document->position(e.mark), 1, "yaml-syntax",
                    fmt::format("this is not valid YAML: {}", e.msg));
    return std::nullopt;
  } catch (const YAML::Exception& e) {
    document->error({}, 1, "yaml-syntax", fmt::format("this is not valid YAML: {}", e.msg));
    return std::nullopt;
  }
  return YamlValue(document, 0);
}

}  // namespace counterpoint::input
