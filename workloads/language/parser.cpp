// SPDX-License-Identifier: Apache-2.0
#include "workloads/language/parser.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace counterpoint::workloads::language {
namespace {

using input::Severity;
using Int = std::int64_t;

const std::vector<std::string> kTopWords = {"Network", "Constant", "Accelerator"};
const std::vector<std::string> kLayerSections = {
    "Type", "Stride", "Dilation", "Padding", "OutputPadding", "Dimensions", "Repeat", "Dataflow"};
// Canonical first: on a tie the suggestion is the canonical spelling.
const std::vector<std::string> kDirectiveWords = {
    "TemporalMap", "SpatialMap", "Cluster", "GlobalBuffer", "Temporal_Map", "Spatial_Map", "tMap",
    "sMap",        "Tile",       "Unroll",  "Merge",        "unroll",       "merge"};

bool one_of(const std::string& word, const std::vector<std::string>& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool is_reserved(const std::string& word) {
  return word == "Sz" || word == "Layer" || one_of(word, kTopWords) ||
         one_of(word, kLayerSections) || one_of(word, kDirectiveWords);
}

std::optional<DimName> dim_name(const std::string& word) {
  if (word == "Y") return DimName{Dim::Y, true};
  if (word == "X") return DimName{Dim::X, true};
  for (Dim d : kAllDims)
    if (name(d) == word) return DimName{d, false};
  return std::nullopt;
}

std::vector<std::string> dimension_words() {
  return {kSpecDimensions.begin(), kSpecDimensions.end()};
}

/// "; did you mean 'Network'?" or "".
std::string hint(const std::string& word, const std::vector<std::string>& known) {
  const std::string near = input::did_you_mean(word, known);
  return near.empty() ? "" : "; did you mean '" + near + "'?";
}

std::string unknown_dimension(const std::string& quoted, const std::string& word) {
  const std::string near = hint(word, dimension_words());
  return "unknown dimension " + quoted + near + (near.empty() ? "; the" : " The") +
         " dimensions are N G K C R S Y X Y' X' B M";
}

std::string file_stem(const std::string& file) {
  const std::size_t slash = file.find_last_of("/\\");
  std::string stem = slash == std::string::npos ? file : file.substr(slash + 1);
  const std::size_t dot = stem.find_last_of('.');
  if (dot != std::string::npos && dot > 0) stem.resize(dot);
  return stem;
}

bool contains_sizes(const Expr& e) {
  return e.kind == Expr::Kind::SizeOf || (e.left && contains_sizes(*e.left)) ||
         (e.right && contains_sizes(*e.right));
}

}  // namespace

Parser::Parser(std::string_view text, const std::string& file)
    : text_(text), file_(file), lexed_(lex(text_, file_)) {
  for (Diagnostic& d : lexed_.diagnostics) report(std::move(d));
  for (std::size_t i = 0; i + 1 < lexed_.tokens.size(); ++i)
    if (lexed_.tokens[i].kind == Kind::Word && lexed_.tokens[i].word == "Constant" &&
        lexed_.tokens[i + 1].kind == Kind::Word)
      defined_at_.emplace(lexed_.tokens[i + 1].word, lexed_.tokens[i + 1].pos.line);
}

// ---------------------------------------------------------------------------------------------
// Tokens

const Token& Parser::peek(std::size_t ahead) const {
  return lexed_.tokens[std::min(at_ + ahead, lexed_.tokens.size() - 1)];
}

const Token& Parser::take() {
  const Token& t = peek();
  if (t.kind != Kind::End) ++at_;
  return t;
}

bool Parser::at_word(std::string_view word) const {
  return peek().kind == Kind::Word && peek().word == word;
}

bool Parser::accept(Kind kind) {
  if (!at(kind)) return false;
  take();
  return true;
}

void Parser::accept_separator() {
  if (at(Kind::Comma) || at(Kind::Colon) || at(Kind::Arrow)) take();
}

void Parser::accept_terminators() {
  if (!at(Kind::Semicolon) && !at(Kind::Comma)) return;
  take();
  if (!at(Kind::Semicolon) && !at(Kind::Comma)) return;
  const Token& first = peek();
  while (at(Kind::Semicolon) || at(Kind::Comma)) take();
  warn(first, "extra-separator", "more than one separator in a row; one is enough");
}

std::string Parser::quote(const Token& t) const {
  if (t.kind == Kind::End) return "the end of the file";
  constexpr std::size_t kLongest = 40;
  std::string s(text_.substr(t.begin, t.end - t.begin));
  if (s.size() > kLongest) {
    s.resize(kLongest);
    while (!s.empty() && (static_cast<unsigned char>(s.back()) & 0xC0u) == 0x80u) s.pop_back();
    if (!s.empty() && static_cast<unsigned char>(s.back()) >= 0xC0u) s.pop_back();
    s += "...";
  }
  for (char& c : s)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  return "'" + s + "'";
}

int Parser::span(const Token& from) const {
  const Token& last = at_ > 0 ? lexed_.tokens[at_ - 1] : from;
  if (last.begin < from.begin || last.pos.line != from.pos.line) return from.length;
  return last.pos.column + last.length - from.pos.column;
}

// ---------------------------------------------------------------------------------------------
// Messages

void Parser::report(Severity severity, input::SourcePos pos, int length, std::string code,
                    std::string message) {
  Diagnostic d;
  d.severity = severity;
  d.file = file_;
  d.pos = pos;
  d.length = length;
  d.code = std::move(code);
  d.message = std::move(message);
  if (pos.line >= 1 && static_cast<std::size_t>(pos.line) <= lexed_.lines.size())
    d.line_text = std::string(lexed_.lines[static_cast<std::size_t>(pos.line) - 1]);
  report(std::move(d));
}

void Parser::report(Diagnostic d) {
  std::int64_t& count = d.severity == Severity::Error ? errors_ : warnings_;
  if (++count <= kMaxDiagnostics) diagnostics_.push_back(std::move(d));
}

void Parser::error(const Token& t, std::string code, std::string message) {
  report(Severity::Error, t.pos, t.length, std::move(code), std::move(message));
}

void Parser::warn(const Token& t, std::string code, std::string message) {
  report(Severity::Warning, t.pos, t.length, std::move(code), std::move(message));
}

std::vector<Diagnostic> Parser::finish() {
  std::stable_sort(
      diagnostics_.begin(), diagnostics_.end(), [](const Diagnostic& a, const Diagnostic& b) {
        return a.pos.line != b.pos.line ? a.pos.line < b.pos.line : a.pos.column < b.pos.column;
      });
  const auto more = [&](Severity severity, std::int64_t count, const char* what) {
    if (count <= kMaxDiagnostics) return;
    Diagnostic d;
    d.severity = severity;
    d.file = file_;
    d.code = "too-many-messages";
    d.message = std::to_string(count - kMaxDiagnostics) + " more " + what + " are not shown";
    diagnostics_.push_back(std::move(d));
  };
  more(Severity::Error, errors_, "errors");
  more(Severity::Warning, warnings_, "warnings");
  return std::move(diagnostics_);
}

// ---------------------------------------------------------------------------------------------
// Recovery

void Parser::skip_block() {
  std::size_t depth = 0;
  do {
    const Token& t = take();
    if (t.kind == Kind::LeftBrace) ++depth;
    if (t.kind == Kind::RightBrace) --depth;
  } while (depth > 0 && !at(Kind::End));
}

void Parser::skip_setting() {
  while (!at(Kind::Comma) && !at(Kind::Semicolon) && !at(Kind::RightBrace) && !at(Kind::End) &&
         !(at(Kind::Word) && is_reserved(peek().word)))
    take();
}

void Parser::skip_directive() {
  while (!at(Kind::End) && !at(Kind::RightBrace) &&
         !(at(Kind::Word) && (one_of(peek().word, kDirectiveWords) || at_word("Layer")))) {
    if (accept(Kind::Semicolon)) return;
    take();
  }
}

void Parser::skip_text(const std::vector<std::string>& stop) {
  while (!at(Kind::End) && !at(Kind::RightBrace) &&
         !(at(Kind::Word) && one_of(peek().word, stop))) {
    if (at(Kind::LeftBrace)) {
      skip_block();
    } else {
      take();
    }
  }
}

std::string Parser::keyword(const std::vector<std::string>& known, const std::string& expected) {
  const Token& t = peek();
  if (t.kind == Kind::Word) {
    if (one_of(t.word, known)) return t.word;
    const std::string near = input::did_you_mean(t.word, known);
    if (!near.empty()) {
      error(t, "unknown-word",
            "unknown word " + quote(t) + "; did you mean '" + near + "'? Expected " + expected);
      return near;
    }
  }
  std::string message = "unexpected " + quote(t) + "; expected " + expected;
  if (t.kind == Kind::Word && is_reserved(t.word))
    message += " (" + quote(t) + " does not belong here; is a brace missing or left over?)";
  error(t, "unexpected-text", std::move(message));
  return "";
}

/// The raw text up to '{', so that a name may have any character. Stops (without a brace) at
/// what cannot be part of a name: a keyword that opens a section, '}', the end of the file.
std::string Parser::name_before_brace(const Token& head, bool required) {
  const std::size_t first = at_;
  while (!at(Kind::LeftBrace) && !at(Kind::RightBrace) && !at(Kind::End)) {
    const bool opens = peek(1).kind == Kind::Colon || peek(1).kind == Kind::LeftBrace;
    if (at(Kind::Word) && at_ > first && is_reserved(peek().word) &&
        (peek().first_on_line || opens))
      break;
    take();
  }
  if (at_ == first) {
    if (required) warn(head, "unnamed", "this " + head.word + " has no name");
    return "";
  }
  const Token& from = lexed_.tokens[first];
  const Token& to = lexed_.tokens[at_ - 1];
  if (at_ == first + 1 && from.kind == Kind::String) {
    for (char c : from.word)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
        error(from, "control-character", "a name must not contain control characters");
        break;
      }
    return from.word;
  }
  // Comments and line breaks inside count as one blank.
  std::string name;
  bool blank = false;
  std::size_t i = from.begin;
  auto comment = std::lower_bound(
      lexed_.comments.begin(), lexed_.comments.end(), from.begin,
      [](const std::pair<std::size_t, std::size_t>& c, std::size_t b) { return c.first < b; });
  while (i < to.end) {
    if (comment != lexed_.comments.end() && i == comment->first) {
      i = comment->second;
      ++comment;
      blank = true;
      continue;
    }
    const char c = text_[i++];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v') {
      blank = true;
      continue;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      error(from, "control-character", "a name must not contain control characters");
      return "";
    }
    if (blank) name += ' ';
    blank = false;
    name += c;
  }
  return name;
}

bool Parser::open_brace(const std::string& after) {
  if (accept(Kind::LeftBrace)) return true;
  error(peek(), "expected-brace", "expected '{' after " + after + ", found " + quote(peek()));
  return false;
}

/// At the end of the file, or at a word that can only follow the closing brace.
bool Parser::unclosed(const Token& open, const std::string& what) {
  error(open, "unclosed-brace",
        "the '{' of this " + what + " is never closed; expected '}' before " + quote(peek()) +
            (at(Kind::End) ? "" : " in line " + std::to_string(peek().pos.line)));
  return false;
}

// ---------------------------------------------------------------------------------------------
// Expressions

bool Parser::spend(const Token& t) {
  if (++nodes_ <= kMaxExpressionNodes) return true;
  error(t, "expression-too-long",
        "the expression has more than " + std::to_string(kMaxExpressionNodes) + " parts");
  return false;
}

std::optional<Expr> Parser::expression(bool sizes_allowed) {
  sizes_allowed_ = sizes_allowed;
  unknown_value_ = false;
  nodes_ = 0;
  return sum(0);
}

std::optional<Expr> Parser::join(Expr::Kind kind, Expr left, Expr right, const Token& from) {
  if (!spend(from)) return std::nullopt;
  Expr e;
  e.kind = kind;
  e.left = std::make_shared<const Expr>(std::move(left));
  e.right = std::make_shared<const Expr>(std::move(right));
  e.pos = from.pos;
  e.length = span(from);
  return e;
}

std::optional<Expr> Parser::sum(int depth) {
  const Token from = peek();
  std::optional<Expr> left = term(depth);
  while (left && (at(Kind::Plus) || at(Kind::Minus))) {
    const bool plus = take().kind == Kind::Plus;
    std::optional<Expr> right = term(depth);
    if (!right) return std::nullopt;
    left =
        join(plus ? Expr::Kind::Add : Expr::Kind::Sub, std::move(*left), std::move(*right), from);
  }
  return left;
}

std::optional<Expr> Parser::term(int depth) {
  const Token from = peek();
  std::optional<Expr> left = factor(depth);
  while (left && (at(Kind::Star) || at(Kind::Slash))) {
    const bool times = take().kind == Kind::Star;
    std::optional<Expr> right = factor(depth);
    if (!right) return std::nullopt;
    left =
        join(times ? Expr::Kind::Mul : Expr::Kind::Div, std::move(*left), std::move(*right), from);
  }
  return left;
}

std::optional<Expr> Parser::factor(int depth) {
  const Token t = peek();
  if (depth > kMaxExpressionDepth) {
    error(t, "expression-too-deep",
          "more than " + std::to_string(kMaxExpressionDepth) + " nested parentheses or signs");
    return std::nullopt;
  }
  Expr e;
  e.pos = t.pos;
  e.length = t.length;
  switch (t.kind) {
    case Kind::Number:
      if (!spend(t)) return std::nullopt;
      take();
      if (t.too_large) {
        error(t, "number-too-large", "the number " + quote(t) + " does not fit 64 bits");
        return std::nullopt;
      }
      e.number = t.number;
      return e;
    case Kind::BadNumber:
      take();
      error(t, "malformed-number", quote(t) + " is not a whole number");
      return std::nullopt;
    case Kind::Minus: {
      if (!spend(t)) return std::nullopt;
      take();
      std::optional<Expr> operand = factor(depth + 1);
      if (!operand) return std::nullopt;
      e.kind = Expr::Kind::Neg;
      e.left = std::make_shared<const Expr>(std::move(*operand));
      e.length = span(t);
      return e;
    }
    case Kind::LeftParen: {
      take();
      std::optional<Expr> inner = sum(depth + 1);
      if (!inner) return std::nullopt;
      if (!accept(Kind::RightParen)) {
        error(peek(), "expected-paren",
              "expected ')' to close the '(' in column " + std::to_string(t.pos.column) +
                  ", found " + quote(peek()));
        return std::nullopt;
      }
      return inner;
    }
    case Kind::Word: break;
    default:
      error(t, "expected-value", "expected a number, a constant or Sz(...), found " + quote(t));
      return std::nullopt;
  }
  if (!spend(t)) return std::nullopt;
  if (t.word == "Sz") {
    take();
    if (!sizes_allowed_) {
      error(t, "sz-not-allowed", "Sz() is known only inside a Dataflow; expected a number");
      return std::nullopt;
    }
    const bool paren = accept(Kind::LeftParen);
    const std::optional<DimName> dim = dimension("Sz");
    if (!dim) return std::nullopt;
    if (paren && !accept(Kind::RightParen)) {
      error(peek(), "expected-paren",
            "expected ')' after Sz(" + spelling(*dim) + ", found " + quote(peek()));
      return std::nullopt;
    }
    e.kind = Expr::Kind::SizeOf;
    e.dim = *dim;
    e.length = span(t);
    return e;
  }
  const auto found = constants_.find(t.word);
  if (found == constants_.end()) {
    take();
    std::string message = "unknown constant " + quote(t);
    const auto later = defined_at_.find(t.word);
    if (later != defined_at_.end()) {
      message += ": it is defined in line " + std::to_string(later->second) +
                 ", and must be before its first use";
    } else if (sizes_allowed_ && dim_name(t.word)) {
      message += "; did you mean 'Sz(" + t.word + ")'?";
    } else {
      std::vector<std::string> known;
      for (const auto& c : constants_) known.push_back(c.first);
      message += hint(t.word, known);
    }
    error(t, "unknown-constant", std::move(message));
    return std::nullopt;
  }
  take();
  unknown_value_ = unknown_value_ || !found->second.known;
  e.number = found->second.value;
  if (e.number < 0) {  // numbers in expressions are not negative: -(4)
    Expr positive = e;
    positive.number = -e.number;
    e.number = 0;
    e.kind = Expr::Kind::Neg;
    e.left = std::make_shared<const Expr>(std::move(positive));
  }
  return e;
}

std::optional<Int> Parser::value(const std::string& of) {
  const Token from = peek();
  const std::optional<Expr> e = expression(false);
  if (!e || unknown_value_) return std::nullopt;
  Diagnostic why;
  const std::optional<Int> v = evaluate(*e, Layer{}, why);
  if (!v)
    report(Severity::Error, why.pos, why.length, why.code,
           "the value of " + of + " cannot be computed: " + why.message);
  return v;
}

// ---------------------------------------------------------------------------------------------
// Files

bool Parser::begins_with_dataflow() const {
  for (const Token& t : lexed_.tokens) {
    if (t.kind != Kind::Word) continue;
    if (t.word == "Dataflow" || one_of(t.word, kDirectiveWords)) return true;
    if (t.word == "Network" || t.word == "Layer" || t.word == "Accelerator") return false;
  }
  return false;
}

NetworkResult Parser::network() {
  Network net;
  net.file = file_;
  if (!failed() || lexed_.tokens.size() > 1) {
    const bool pair = at(Kind::Word) && dim_name(peek().word) &&
                      (peek(1).kind == Kind::Number || peek(2).kind == Kind::Number);
    if (at(Kind::End)) {
      error(peek(), "empty-file", "the file is empty; expected 'Network name { ... }'");
    } else if (pair) {
      layer_2018(net);
    } else if (at_word("Dataflow") || (at(Kind::Word) && one_of(peek().word, kDirectiveWords))) {
      error(peek(), "not-a-network",
            "this is a dataflow template, not a network; expected 'Network name { ... }'");
    } else {
      top_level(net);
    }
  }
  NetworkResult out;
  const bool ok = !failed();
  out.diagnostics = finish();
  if (ok) {
    net.warnings = out.diagnostics;
    out.network = std::move(net);
  }
  return out;
}

void Parser::top_level(Network& net) {
  bool any = false;
  while (!at(Kind::End)) {
    if (at(Kind::RightBrace)) {
      const Token first = peek();
      while (at(Kind::RightBrace)) take();
      error(first, "unexpected-text", "unexpected '}': it closes nothing");
      continue;
    }
    if (at_word("Layer")) {
      error(peek(), "misplaced-layer", "this Layer is in no Network; is a '}' too many before it?");
      layer(net);
      any = true;
      continue;
    }
    const std::string word = keyword(kTopWords, "'Network', 'Constant' or the end of the file");
    if (word == "Network") {
      any = true;
      network_block(net);
    } else if (word == "Constant") {
      constant();
    } else if (word == "Accelerator") {
      accelerator();
    } else {
      take();
      skip_text({"Network", "Constant", "Accelerator", "Layer"});
    }
    accept_terminators();
  }
  if (!any && !failed()) error(peek(), "empty-network", "there is no Network in this file");
  if (any && net.layers.empty() && !failed())
    error(lexed_.tokens[0], "empty-network", "network '" + net.name + "' has no layers");
}

void Parser::constant() {
  take();
  const Token name = peek();
  if (name.kind != Kind::Word) {
    error(name, "expected-name", "expected the name of the constant, found " + quote(name));
    skip_text({"Network", "Constant", "Accelerator", "Layer", "Dataflow"});
    return;
  }
  take();
  if (is_reserved(name.word))
    error(name, "reserved-name", quote(name) + " is a word of the language, not a name");
  accept_separator();
  const bool paren = accept(Kind::LeftParen);
  std::optional<Int> v = value("constant " + name.word);
  if (paren && v && !accept(Kind::RightParen))
    error(peek(), "expected-paren", "expected ')', found " + quote(peek()));
  if (v == std::numeric_limits<Int>::min()) {
    error(name, "number-too-large", "the value does not fit 64 bits");
    v = std::nullopt;
  }
  if (v) {
    const bool ends = at(Kind::Semicolon) || at(Kind::Comma) || at(Kind::End) ||
                      at(Kind::RightBrace) || peek().first_on_line ||
                      (at(Kind::Word) && is_reserved(peek().word));
    if (!ends)
      error(peek(), "unexpected-text",
            "unexpected " + quote(peek()) + " after the value of constant " + name.word +
                "; expected ';'");
  }
  // What is left of the line belongs to this statement.
  while (!at(Kind::Semicolon) && !at(Kind::Comma) && !at(Kind::End) && !at(Kind::RightBrace) &&
         !peek().first_on_line && !(at(Kind::Word) && is_reserved(peek().word)))
    take();
  accept_terminators();
  const auto earlier = constants_.find(name.word);
  if (earlier != constants_.end())
    warn(name, "constant-redefined",
         "constant " + name.word + " is defined again (first in line " +
             std::to_string(earlier->second.line) + "); from here on it is " +
             (v ? std::to_string(*v) : std::string("unknown")));
  const int line = earlier != constants_.end() ? earlier->second.line : name.pos.line;
  constants_[name.word] = {v.value_or(1), line, v.has_value()};
}

void Parser::accelerator() {
  const Token head = take();
  warn(head, "accelerator-ignored",
       "the Accelerator section is not read: machines are described in a hardware file");
  if (!at(Kind::LeftBrace)) {
    open_brace("Accelerator");
    return;
  }
  const Token open = peek();
  std::size_t depth = 0;
  do {
    const Token& t = take();
    if (t.kind == Kind::LeftBrace) ++depth;
    if (t.kind == Kind::RightBrace) --depth;
  } while (depth > 0 && !at(Kind::End));
  if (depth > 0) unclosed(open, "Accelerator");
}

void Parser::network_block(Network& net) {
  const Token head = take();
  std::string name = name_before_brace(head, false);
  if (several_networks_)
    warn(head, "several-networks",
         "another Network in the same file: its layers are appended, and its name counts");
  several_networks_ = true;
  net.name = name.empty() ? file_stem(file_) : std::move(name);
  const Token open = peek();
  if (!open_brace("Network") && !at_word("Layer")) {
    skip_text(kTopWords);
    accept(Kind::RightBrace);
    return;
  }
  while (!accept(Kind::RightBrace)) {
    if (at(Kind::End) || at_word("Network") || at_word("Accelerator")) {
      unclosed(open, "Network");
      return;
    }
    const std::string word = keyword({"Layer", "Constant"}, "'Layer' or '}'");
    if (word == "Layer") {
      layer(net);
    } else if (word == "Constant") {
      constant();
    } else {
      take();
      skip_text({"Layer", "Constant", "Network", "Accelerator"});
    }
    accept_terminators();
  }
}

// ---------------------------------------------------------------------------------------------
// Layers

void Parser::layer(Network& net) {
  OpenLayer l;
  const Token keyword_token = take();
  l.head = peek();
  l.spec.name = name_before_brace(keyword_token, true);
  if (l.spec.name.empty()) {
    l.head = keyword_token;
    l.spec.name = "layer" + std::to_string(net.layers.size() + 1);
  } else if (at_ > 0) {
    const Token& last = lexed_.tokens[at_ - 1];
    if (last.pos.line == l.head.pos.line)
      l.head.length = last.pos.column + last.length - l.head.pos.column;
  }
  const Token open = peek();
  if (!open_brace("the name of the layer") &&
      !(at(Kind::Word) && one_of(peek().word, kLayerSections))) {
    skip_text({"Layer", "Network"});
    return;
  }
  while (!accept(Kind::RightBrace)) {
    if (at(Kind::End) || at_word("Layer") || at_word("Network") || at_word("Constant") ||
        at_word("Accelerator")) {
      unclosed(open, "Layer");
      break;
    }
    const Token head = peek();
    const std::string word =
        keyword(kLayerSections,
                "'Type', 'Dimensions', 'Stride', 'Dilation', 'Padding', 'OutputPadding', 'Repeat', "
                "'Dataflow' or '}'");
    if (word.empty()) {
      take();
      std::vector<std::string> stop = kLayerSections;
      stop.insert(stop.end(), {"Layer", "Network", "Constant", "Accelerator"});
      skip_text(stop);
      continue;
    }
    take();
    if (l.sections[word]++ > 0 && word != "Type" && word != "Repeat")
      warn(head, "repeated-section",
           "another " + word + " in the same layer: it is added to the first");
    if (word == "Type") {
      type(l);
    } else if (word == "Stride") {
      two_axes(l, word, "stride", l.spec.stride_y, l.spec.stride_x, 1);
    } else if (word == "Dilation") {
      two_axes(l, word, "dilation", l.spec.dilation_y, l.spec.dilation_x, 1);
    } else if (word == "OutputPadding") {
      two_axes(l, word, "output padding", l.spec.output_padding_y, l.spec.output_padding_x, 0);
    } else if (word == "Padding") {
      padding(l);
    } else if (word == "Repeat") {
      repeat(l);
    } else if (word == "Dimensions") {
      dimensions(l);
    } else {
      if (!l.dataflow) {
        l.dataflow.emplace();
        l.dataflow->file = file_;
        l.dataflow->pos = head.pos;
      }
      if (!dataflow_block(*l.dataflow, head)) l.dataflow_broken = true;
    }
    accept_terminators();
  }
  close_layer(net, l);
}

void Parser::close_layer(Network& net, OpenLayer& l) {
  const auto [first, fresh] = layer_names_.emplace(l.spec.name, l.head.pos.line);
  if (!fresh)
    warn(l.head, "duplicate-layer",
         "another layer has the name '" + l.spec.name + "' (line " + std::to_string(first->second) +
             "); both are kept");
  NetworkLayer out;
  out.pos = l.head.pos;
  out.repeat = l.repeat;
  out.layer.name = l.spec.name;
  if (!l.has_type && l.sections["Type"] == 0)
    error(l.head, "missing-type",
          "layer '" + l.spec.name + "' has no Type; expected 'Type: CONV' or another operator");
  if (!l.has_type) return;
  if (type_kind(l.spec.type) == TypeKind::NotModelled) {
    out.modelled = false;
    out.not_modelled_reason = not_modelled_reason(l.spec.type);
    warn(l.where["type"], "not-modelled",
         "layer '" + l.spec.name + "' is reported, not evaluated: " + out.not_modelled_reason);
    net.layers.push_back(std::move(out));
    return;
  }
  if (l.broken) return;
  if (l.where.size() == 1) {  // nothing but the type
    error(l.head, "missing-dimension", "layer '" + l.spec.name + "' has no Dimensions");
    return;
  }
  std::vector<SpecMessage> messages;
  const std::optional<Layer> layer = make_layer(l.spec, messages);
  for (const SpecMessage& m : messages) {
    const auto at = l.where.find(m.field);
    const Token& t = at != l.where.end() ? at->second : l.head;
    report(m.severity, t.pos, t.length, m.code, "layer '" + l.spec.name + "': " + m.message);
  }
  if (!layer) return;
  out.layer = *layer;
  if (l.dataflow && !l.dataflow_broken) {
    std::vector<Diagnostic> found;
    out.dataflow = fit_dataflow(*l.dataflow, out.layer, found);
    for (Diagnostic& d : found) {
      d.message = "layer '" + l.spec.name + "': " + d.message;
      report(std::move(d));
    }
  }
  net.layers.push_back(std::move(out));
}

/// The layer files of 2018: one "K 64" per line, no more.
void Parser::layer_2018(Network& net) {
  OpenLayer l;
  l.head = peek();
  l.spec.name = file_stem(file_);
  l.where["type"] = l.head;
  l.has_type = true;
  net.name = l.spec.name;
  while (!at(Kind::End)) {
    const Token key = peek();
    LayerSpec::Value* field = key.kind == Kind::Word ? l.spec.dimension(key.word) : nullptr;
    if (!field) {
      error(key, "unexpected-text",
            "unexpected " + quote(key) + "; expected a dimension and its size, as 'K 64'");
      take();
      l.broken = true;
      while (!at(Kind::End) && !peek().first_on_line) take();
      continue;
    }
    take();
    accept_separator();
    const bool paren = accept(Kind::LeftParen);
    const std::optional<Int> v = value(key.word);
    if (paren && v) accept(Kind::RightParen);
    if (!v) {
      l.broken = true;
      while (!at(Kind::End) && !peek().first_on_line) take();
      continue;
    }
    store(l, key, key.word, *field, *v, 1);
    accept_terminators();
  }
  close_layer(net, l);
}

void Parser::type(OpenLayer& l) {
  accept_separator();
  const bool paren = accept(Kind::LeftParen);
  const Token t = peek();
  if (t.kind != Kind::Word || is_reserved(t.word)) {
    error(t, "expected-type", "expected an operator such as CONV after Type, found " + quote(t));
    return;
  }
  take();
  if (paren && !accept(Kind::RightParen))
    error(peek(), "expected-paren", "expected ')', found " + quote(peek()));
  if (l.sections["Type"] > 1) {
    if (l.has_type && l.spec.type != t.word)
      error(t, "repeated-section", "the layer already has the type " + l.spec.type);
    else
      warn(t, "repeated-section", "the type is stated twice");
    return;
  }
  l.where["type"] = t;
  if (type_kind(t.word) == TypeKind::Unknown) {
    error(t, "unknown-type", unknown_type_message(t.word));
    return;
  }
  l.spec.type = t.word;
  l.has_type = true;
}

void Parser::store(OpenLayer& l, const Token& key, const std::string& field, LayerSpec::Value& v,
                   Int value, Int lowest) {
  if (value < lowest) {
    l.broken = true;
    error(
        key, "not-positive",
        field + " is " + std::to_string(value) + "; it must be at least " + std::to_string(lowest));
    return;
  }
  if (v) {
    error(
        key, "duplicate-dimension",
        field + " is stated twice (first in line " + std::to_string(l.where[field].pos.line) + ")");
    return;
  }
  v = value;
  l.where[field] = key;
}

void Parser::settings(OpenLayer& l, const std::string& section,
                      const std::function<void(const Token&, Int)>& set,
                      const std::function<bool(const Token&)>& known) {
  const Token open = peek();
  if (!open_brace(section)) {
    l.broken = true;
    if (!at(Kind::Word) || is_reserved(peek().word)) return;
  }
  while (!accept(Kind::RightBrace)) {
    const Token key = peek();
    if (at(Kind::End) || (at(Kind::Word) && is_reserved(key.word))) {
      unclosed(open, section);
      l.broken = true;
      return;
    }
    if (at(Kind::Comma) || at(Kind::Semicolon)) {
      warn(key, "extra-separator", "a separator too many");
      accept_terminators();
      continue;
    }
    if (key.kind != Kind::Word) {
      error(key, "unexpected-text",
            "unexpected " + quote(key) + " in " + section +
                "; expected a name and a number, as "
                "in 'Y: 1', or '}'");
      l.broken = true;
      take();
      skip_setting();
      accept_terminators();
      continue;
    }
    take();
    const bool good = known(key);  // says what is wrong with it
    if (!good) l.broken = true;
    accept_separator();
    const bool paren = accept(Kind::LeftParen);
    const Token first = peek();
    std::optional<Int> v = value(section + " " + key.word);
    if (v && paren && !accept(Kind::RightParen)) {
      error(peek(), "expected-paren", "expected ')', found " + quote(peek()));
      v = std::nullopt;
    }
    if (!v) {
      l.broken = true;
      skip_setting();
      accept_terminators();
      continue;
    }
    Token where = first;
    where.length = span(first);
    where.word = key.word;
    if (good) set(where, *v);
    if (!at(Kind::Comma) && !at(Kind::Semicolon) && !at(Kind::RightBrace) && !at(Kind::Word) &&
        !at(Kind::End)) {
      error(peek(), "unexpected-text",
            "unexpected " + quote(peek()) + " after " + key.word + "; expected ',' or '}'");
      l.broken = true;
      skip_setting();
    }
    accept_terminators();
  }
}

void Parser::dimensions(OpenLayer& l) {
  settings(
      l, "Dimensions",
      [&](const Token& at, Int v) { store(l, at, at.word, *l.spec.dimension(at.word), v, 1); },
      [&](const Token& key) {
        if (l.spec.dimension(key.word)) return true;
        error(key, "unknown-dimension", unknown_dimension(quote(key), key.word));
        return false;
      });
}

void Parser::two_axes(OpenLayer& l, const std::string& section, const std::string& field,
                      LayerSpec::Value& y, LayerSpec::Value& x, Int lowest) {
  settings(
      l, section,
      [&](const Token& at, Int v) {
        const bool rows = at.word[0] == 'Y';
        store(l, at, field + (rows ? " Y" : " X"), rows ? y : x, v, lowest);
      },
      [&](const Token& key) {
        // Primed or not: a stride belongs to the axis.
        if (key.word == "Y" || key.word == "X" || key.word == "Y'" || key.word == "X'") return true;
        const std::vector<std::string> axes = {"Y", "X"};
        error(key, l.spec.dimension(key.word) ? "not-applicable" : "unknown-dimension",
              "only rows (Y) and columns (X) have a " + field + ", not " + quote(key) +
                  hint(key.word, axes));
        return false;
      });
}

void Parser::padding(OpenLayer& l) {
  const auto side = [&](const Token& at, const char* field, LayerSpec::Value& v, Int value) {
    store(l, at, field, v, value, 0);
  };
  settings(
      l, "Padding",
      [&](const Token& at, Int v) {
        LayerSpec& s = l.spec;
        if (at.word == "Y" || at.word == "Top") side(at, "padding top", s.pad_top, v);
        if (at.word == "Y" || at.word == "Bottom") side(at, "padding bottom", s.pad_bottom, v);
        if (at.word == "X" || at.word == "Left") side(at, "padding left", s.pad_left, v);
        if (at.word == "X" || at.word == "Right") side(at, "padding right", s.pad_right, v);
      },
      [&](const Token& key) {
        const std::vector<std::string> known = {"Y", "X", "Top", "Bottom", "Left", "Right"};
        if (one_of(key.word, known)) return true;
        error(key, "unknown-word",
              "unknown side " + quote(key) + hint(key.word, known) +
                  (hint(key.word, known).empty() ? ";" : "") +
                  " Padding has Y, X (both sides) or Top, Bottom, Left, Right");
        return false;
      });
}

void Parser::repeat(OpenLayer& l) {
  accept_separator();
  const Token from = peek();
  const std::optional<Int> v = value("Repeat");
  if (!v) {
    std::vector<std::string> stop = kLayerSections;
    stop.insert(stop.end(), {"Layer", "Network", "Constant", "Accelerator"});
    skip_text(stop);
    return;
  }
  if (l.sections["Repeat"] > 1) error(from, "repeated-section", "Repeat is stated twice");
  constexpr Int kMost = Int{1} << 31;
  if (*v < 1 || *v > kMost)
    error(from, "not-positive",
          "Repeat is " + std::to_string(*v) + "; it must be at least 1 and at most 2^31");
  else
    l.repeat = *v;
}

// ---------------------------------------------------------------------------------------------
// Dataflows

DataflowResult Parser::dataflow() {
  Dataflow flow;
  flow.file = file_;
  bool found = false;
  if (at(Kind::End) && !failed())
    error(peek(), "empty-file", "the file is empty; expected 'Dataflow { ... }'");
  const std::vector<std::string> stop = {"Dataflow", "Constant", "Network", "Layer"};
  while (!at(Kind::End)) {
    const Token head = peek();
    if (at_word("Network") || at_word("Layer")) {
      error(head, "not-a-dataflow",
            "this is a mapping file with layers, not a dataflow template; expected "
            "'Dataflow { ... }'");
      break;
    }
    if (at_word("Constant")) {
      constant();
      continue;
    }
    if (!found && at(Kind::Word) && one_of(head.word, kDirectiveWords)) {
      found = true;  // 2018: nothing but directives
      flow.pos = head.pos;
      directives(flow, true, head);
      continue;
    }
    const std::string word = keyword({"Dataflow", "Constant"}, "'Dataflow' or 'Constant'");
    if (word == "Dataflow") {
      take();
      if (found)
        error(head, "several-dataflows",
              "another Dataflow in the same file; a template has exactly one");
      Dataflow another;
      another.file = file_;
      another.pos = head.pos;
      dataflow_block(found ? another : flow, head);
      if (!found) flow.pos = head.pos;
      found = true;
    } else if (word == "Constant") {
      constant();
    } else {
      take();
      skip_text(stop);
      while (accept(Kind::RightBrace)) {
      }
    }
    accept_terminators();
  }
  if (!found && !failed())
    error(peek(), "empty-file", "there is no dataflow; expected 'Dataflow { ... }'");
  DataflowResult out;
  const bool ok = !failed();
  if (ok) remember_lines(flow, 1, peek().pos.line);
  out.diagnostics = finish();
  if (ok) out.dataflow = std::move(flow);
  return out;
}

void Parser::remember_lines(Dataflow& flow, int first, int last) const {
  const auto count = std::min(static_cast<std::size_t>(last), lexed_.lines.size());
  if (flow.source_lines.size() < count) flow.source_lines.resize(count);
  for (auto i = static_cast<std::size_t>(first) - 1; i < count; ++i)
    flow.source_lines[i] = std::string(lexed_.lines[i]);
}

bool Parser::dataflow_block(Dataflow& flow, const Token& head) {
  const std::string name = name_before_brace(head, false);
  if (!name.empty()) flow.name = name;
  if (!open_brace("Dataflow")) {
    if (!(at(Kind::Word) && one_of(peek().word, kDirectiveWords))) return false;
    directives(flow, false, head);
    return false;
  }
  const bool ok = directives(flow, false, head);
  remember_lines(flow, head.pos.line, lexed_.tokens[at_ > 0 ? at_ - 1 : 0].pos.line);
  return ok;
}

bool Parser::directives(Dataflow& flow, bool bare, const Token& head) {
  if (flow.levels.empty()) {
    flow.levels.emplace_back();
    flow.levels.back().pos = head.pos;
  }
  bool ok = true;
  bool any = false;
  while (true) {
    if (at(Kind::RightBrace) && !bare) {
      take();
      break;
    }
    if (at(Kind::End)) {
      if (bare) break;
      return unclosed(head, "Dataflow");
    }
    if (at_word("Layer") || at_word("Network") || at_word("Accelerator") || at_word("Constant")) {
      if (bare) break;
      return unclosed(head, "Dataflow");
    }
    if (at(Kind::Semicolon)) {
      warn(peek(), "extra-separator", "a ';' without a directive before it");
      while (accept(Kind::Semicolon)) {
      }
      continue;
    }
    const std::string word =
        keyword(kDirectiveWords, "'TemporalMap', 'SpatialMap', 'Cluster', 'GlobalBuffer'" +
                                     std::string(bare ? "" : " or '}'"));
    any = true;
    bool good = false;
    if (word.empty()) {
      if (at(Kind::RightBrace)) take();
      if (at(Kind::LeftBrace))
        skip_block();
      else
        skip_directive();
      if (bare) accept(Kind::RightBrace);
      ok = false;
      continue;
    }
    if (word == "TemporalMap" || word == "Temporal_Map" || word == "tMap") {
      good = map_directive(flow, Directive::Kind::Temporal);
    } else if (word == "SpatialMap" || word == "Spatial_Map" || word == "sMap") {
      good = map_directive(flow, Directive::Kind::Spatial);
    } else if (word == "Cluster" || word == "Tile") {
      good = cluster(flow, word);
    } else if (word == "GlobalBuffer") {
      good = global_buffer(flow);
    } else if (word == "Unroll" || word == "unroll") {
      good = unroll(flow);
    } else {
      good = merge();
    }
    if (good) {
      accept(Kind::Semicolon);
    } else {
      ok = false;
      // Always moves on: the keyword itself has been taken.
      skip_directive();
    }
  }
  if (!any && ok) {
    error(head, "empty-dataflow", "this Dataflow has no directives; leave it out to use another");
    return false;
  }
  return ok;
}

std::optional<DimName> Parser::dimension(const std::string& of) {
  const Token t = peek();
  if (t.kind != Kind::Word || is_reserved(t.word)) {
    error(t, "expected-dimension",
          "expected a dimension after " + of + ", found " + quote(t) +
              "; the dimensions are N G K C R S Y X Y' X' B M");
    return std::nullopt;
  }
  take();
  const std::optional<DimName> dim = dim_name(t.word);
  if (!dim) error(t, "unknown-dimension", unknown_dimension(quote(t), t.word));
  return dim;
}

bool Parser::check_literal(const Expr& e, const std::string& of) {
  if (unknown_value_) return false;
  if (contains_sizes(e)) return true;
  Diagnostic why;
  if (evaluate_size(e, Layer{}, why)) return true;
  report(Severity::Error, why.pos, why.length, why.code, "the " + of + ": " + why.message);
  return false;
}

/// One argument without parentheses: nothing but a number, a constant or Sz(D), because '-' and
/// ',' are separators there.
std::optional<Expr> Parser::loose_argument(const std::string& of) {
  if (at(Kind::Minus) || at(Kind::Comma) || at(Kind::Colon) || at(Kind::Arrow)) take();
  const Token& t = peek();
  const bool primary = t.kind == Kind::Number || t.kind == Kind::BadNumber ||
                       (t.kind == Kind::Word && (t.word == "Sz" || constants_.count(t.word) > 0));
  if (!primary) {
    error(t, "expected-paren", "expected '(size,offset)' after " + of + ", found " + quote(t));
    return std::nullopt;
  }
  sizes_allowed_ = true;
  unknown_value_ = false;
  nodes_ = 0;
  return factor(0);
}

bool Parser::arguments(const std::string& of, Expr& size, Expr& offset) {
  if (!at(Kind::LeftParen)) {
    const Token first = peek();
    std::optional<Expr> s = loose_argument(of);
    if (!s || !check_literal(*s, "size of " + of)) return false;
    std::optional<Expr> o = loose_argument(of);
    if (!o || !check_literal(*o, "offset of " + of)) return false;
    if (at(Kind::Minus)) take();
    report(Severity::Warning, first.pos, span(first), "loose-directive",
           "read as " + of + "(" + print(*s) + "," + print(*o) +
               "): a directive without parentheses; '-' is a separator here");
    size = std::move(*s);
    offset = std::move(*o);
    return true;
  }
  take();
  if (at(Kind::RightParen)) {
    error(peek(), "missing-size", of + " needs a size and an offset, as in " + of + "(4,4) K");
    return false;
  }
  std::optional<Expr> s = expression(true);
  if (!s) return false;
  bool good = check_literal(*s, "size of " + of);
  if (at(Kind::RightParen)) {
    error(
        peek(), "missing-offset",
        of + " needs a size and an offset, as in " + of + "(" + print(*s) + "," + print(*s) + ")");
    return false;
  }
  accept_separator();
  std::optional<Expr> o = expression(true);
  if (!o) return false;
  if (!check_literal(*o, "offset of " + of)) good = false;
  if (!accept(Kind::RightParen)) {
    const bool third = at(Kind::Comma) || at(Kind::Number);
    error(peek(), third ? "too-many-arguments" : "expected-paren",
          third ? of + " takes a size and an offset, and no more"
                : "expected ')' after the offset, found " + quote(peek()));
    return false;
  }
  size = std::move(*s);
  offset = std::move(*o);
  return good;
}

bool Parser::add(Dataflow& flow, Directive directive) {
  std::vector<Directive>& level = flow.levels.back().directives;
  for (const Directive& d : level) {
    if (d.dim.dim != directive.dim.dim) continue;
    const bool both = d.dim.input_centric != directive.dim.input_centric;
    report(Severity::Error, directive.pos, directive.length, "duplicate-directive",
           "this level already maps " + spelling(d.dim) + " (line " + std::to_string(d.pos.line) +
               ")" +
               (both ? "; input and output coordinates of one axis cannot both be mapped"
                     : "; a level maps a dimension at most once"));
    return false;
  }
  level.push_back(std::move(directive));
  return true;
}

bool Parser::map_directive(Dataflow& flow, Directive::Kind kind) {
  const Token head = take();
  const std::string of = kind == Directive::Kind::Temporal ? "TemporalMap" : "SpatialMap";
  Directive d;
  d.kind = kind;
  d.pos = head.pos;
  if (!arguments(of, d.size, d.offset)) return false;
  accept_separator();
  const std::optional<DimName> dim = dimension(of);
  if (!dim) return false;
  d.dim = *dim;
  d.length = span(head);
  return add(flow, std::move(d));
}

bool Parser::unroll(Dataflow& flow) {
  const Token head = take();
  accept_separator();
  const std::optional<DimName> dim = dimension(head.word);
  if (!dim) return false;
  Directive d;
  d.pos = head.pos;
  d.length = span(head);
  d.dim = *dim;
  d.size.kind = Expr::Kind::SizeOf;
  d.size.dim = *dim;
  d.size.pos = head.pos;
  d.size.length = d.length;
  d.offset = d.size;
  return add(flow, std::move(d));
}

bool Parser::merge() {
  const Token head = take();
  error(head, "merge-not-supported",
        "Merge has no defined meaning here (it fuses a dimension with the one before it); map "
        "the dimensions one by one");
  return false;
}

bool Parser::cluster(Dataflow& flow, const std::string& spelled) {
  const Token head = take();
  std::optional<Expr> size;
  bool letter_given = false;
  const auto letter = [&] {
    const Token t = peek();
    letter_given = true;
    take();
    if (t.word == "L")
      warn(t, "cluster-type-without-effect",
           "cluster type L has no effect: the machine's networks say how units are connected");
    else if (t.word != "P")
      error(t, "cluster-type",
            "unknown cluster type " + quote(t) + "; expected P" + hint(t.word, {"P", "L"}));
    return t.word == "L" || t.word == "P";
  };
  bool good = true;
  if (accept(Kind::LeftParen)) {
    if (at(Kind::RightParen)) {
      error(peek(), "missing-size", spelled + " needs a size, as in Cluster(4,P)");
      return false;
    }
    size = expression(true);
    if (!size) return false;
    good = check_literal(*size, "size of " + spelled);
    if (!at(Kind::RightParen)) {
      accept_separator();
      if (at(Kind::Word) && !is_reserved(peek().word)) {
        good = letter() && good;
      } else {
        error(peek(), at(Kind::Number) ? "cluster-type" : "expected-paren",
              "expected P or ')' after the size of the cluster, found " + quote(peek()));
        return false;
      }
    }
    if (!accept(Kind::RightParen)) {
      error(peek(), at(Kind::Comma) ? "too-many-arguments" : "expected-paren",
            "expected ')' after the cluster, found " + quote(peek()));
      return false;
    }
  } else {
    size = loose_argument(spelled);
    if (!size || !check_literal(*size, "size of " + spelled)) return false;
    accept_separator();
    if (at_word("P") || at_word("L")) letter();
    report(Severity::Warning, head.pos, span(head), "loose-directive",
           "read as Cluster(" + print(*size) + "): a directive without parentheses");
  }
  if (!letter_given && at(Kind::Word) && dim_name(peek().word)) {
    warn(peek(), "cluster-dimension-without-effect",
         "the dimension " + quote(peek()) + " of " + spelled +
             " has no effect: clusters are formed from the array, whatever is mapped on them");
    take();
  }
  const auto clusters = static_cast<int>(flow.levels.size());
  if (clusters > kMaxClusters) {
    error(head, "too-many-clusters",
          "more than " + std::to_string(kMaxClusters) + " Cluster statements");
    return false;
  }
  DataflowLevel level;
  level.opened_by_cluster = true;
  level.cluster_size = std::move(*size);
  level.pos = head.pos;
  flow.levels.push_back(std::move(level));
  return good;
}

bool Parser::global_buffer(Dataflow& flow) {
  const Token head = take();
  if (flow.explicit_offchip) {
    error(head, "misplaced-global-buffer", "GlobalBuffer stands here for the second time");
    return false;
  }
  if (flow.levels.size() > 1) {
    error(head, "misplaced-global-buffer",
          "GlobalBuffer must come before the first Cluster: it ends the loops between off-chip "
          "memory and global buffer");
    return false;
  }
  bool good = true;
  for (const Directive& d : flow.levels[0].directives)
    if (d.kind == Directive::Kind::Spatial) {
      report(Severity::Error, d.pos, d.length, "spatial-offchip",
             "only TemporalMaps can stand before GlobalBuffer: there is one global buffer");
      good = false;
    }
  flow.explicit_offchip = true;
  flow.offchip = std::move(flow.levels[0]);
  flow.levels[0] = DataflowLevel{};
  flow.levels[0].pos = head.pos;
  return good;
}

}  // namespace counterpoint::workloads::language
