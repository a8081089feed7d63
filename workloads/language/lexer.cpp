// SPDX-License-Identifier: Apache-2.0
#include "workloads/language/lexer.h"

#include <algorithm>
#include <utility>

namespace counterpoint::workloads::language {
namespace {

using input::Diagnostic;
using input::SourcePos;

constexpr std::size_t kLongestString = 4096;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}
bool is_word(char c) {
  return is_letter(c) || is_digit(c) || c == '.';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

/// Bytes of the UTF-8 character at `i`, 0 if there is none (also for overlong forms, surrogates
/// and numbers beyond U+10FFFF).
std::size_t utf8_length(std::string_view s, std::size_t i) {
  const auto byte = [&](std::size_t k) {
    return i + k < s.size() ? static_cast<unsigned char>(s[i + k]) : 0u;
  };
  const auto follows = [&](std::size_t k) { return (byte(k) & 0xC0u) == 0x80u; };
  const unsigned b = byte(0);
  if (b < 0x80) return 1;
  if (b >= 0xC2 && b <= 0xDF) return follows(1) ? 2 : 0;
  if (b >= 0xE0 && b <= 0xEF) {
    if (!follows(1) || !follows(2)) return 0;
    if (b == 0xE0 && byte(1) < 0xA0) return 0;
    if (b == 0xED && byte(1) >= 0xA0) return 0;
    return 3;
  }
  if (b >= 0xF0 && b <= 0xF4) {
    if (!follows(1) || !follows(2) || !follows(3)) return 0;
    if (b == 0xF0 && byte(1) < 0x90) return 0;
    if (b == 0xF4 && byte(1) >= 0x90) return 0;
    return 4;
  }
  return 0;
}

class Lexer {
 public:
  Lexer(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  Lexed run() {
    split_lines();
    if (check_utf8()) {
      if (text_.substr(0, 3) == "\xEF\xBB\xBF") {
        at_ = 3;
        line_begin_ = 3;  // the mark is no character of the line
        if (!out_.lines.empty()) out_.lines[0].remove_prefix(3);
      }
      while (skip_blanks_and_comments()) next();
    }
    Token end;
    end.begin = end.end = text_.size();
    end.pos = position();
    out_.tokens.push_back(std::move(end));
    return std::move(out_);
  }

 private:
  void split_lines() {
    std::size_t begin = 0;
    for (std::size_t i = 0; i < text_.size(); ++i) {
      if (text_[i] != '\n' && text_[i] != '\r') continue;
      out_.lines.push_back(text_.substr(begin, i - begin));
      if (text_[i] == '\r' && i + 1 < text_.size() && text_[i + 1] == '\n') ++i;
      begin = i + 1;
    }
    out_.lines.push_back(text_.substr(begin));
  }

  bool check_utf8() {
    int line = 1;
    int column = 1;
    for (std::size_t i = 0; i < text_.size();) {
      const std::size_t n = utf8_length(text_, i);
      if (n == 0 || text_[i] == '\0') {
        Diagnostic d;
        d.file = file_;
        d.pos = {line, column};
        d.code = "not-text";
        d.message = n == 0 ? "the file is not UTF-8 text (byte " + std::to_string(i) + ")"
                           : "the file is not text: it contains a zero byte";
        out_.diagnostics.push_back(std::move(d));  // no line text: it cannot be shown
        return false;
      }
      const bool newline =
          text_[i] == '\n' || (text_[i] == '\r' && (i + 1 >= text_.size() || text_[i + 1] != '\n'));
      i += n;
      column = newline ? 1 : column + 1;
      if (newline) ++line;
    }
    return true;
  }

  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  /// Moves over one character (a line end counts as one).
  void step() {
    if (peek() == '\n' || peek() == '\r') {
      at_ += peek() == '\r' && peek(1) == '\n' ? 2 : 1;
      ++line_;
      line_begin_ = at_;
      counted_to_ = at_;
      column_ = 1;
      fresh_line_ = true;
    } else {
      at_ += std::max<std::size_t>(utf8_length(text_, at_), 1);
    }
  }

  SourcePos position() {
    if (counted_to_ < line_begin_) counted_to_ = line_begin_;
    for (; counted_to_ < at_;
         counted_to_ += std::max<std::size_t>(utf8_length(text_, counted_to_), 1))
      ++column_;
    return {line_, column_};
  }

  Diagnostic diagnostic(SourcePos pos, int length, std::string code, std::string message) const {
    Diagnostic d;
    d.file = file_;
    d.pos = pos;
    d.length = length;
    d.code = std::move(code);
    d.message = std::move(message);
    d.line_text = std::string(out_.lines[static_cast<std::size_t>(pos.line) - 1]);
    return d;
  }

  /// False at the end of the text.
  bool skip_blanks_and_comments() {
    while (at_ < text_.size()) {
      const std::size_t begin = at_;
      if (is_blank(peek())) {
        step();
      } else if (peek() == '/' && peek(1) == '/') {
        while (at_ < text_.size() && peek() != '\n' && peek() != '\r') step();
        out_.comments.emplace_back(begin, at_);
      } else if (peek() == '/' && peek(1) == '*') {
        const SourcePos pos = position();
        at_ += 2;
        while (at_ < text_.size() && !(peek() == '*' && peek(1) == '/')) step();
        if (at_ >= text_.size()) {
          out_.diagnostics.push_back(
              diagnostic(pos, 2, "unclosed-comment", "this comment is never closed by '*/'"));
        } else {
          at_ += 2;
        }
        out_.comments.emplace_back(begin, at_);
      } else {
        return true;
      }
    }
    return false;
  }

  /// A prime: ', or one of the typographic marks that word processors make of it.
  std::size_t prime_length() const {
    if (peek() == '\'') return 1;
    const std::string_view three = text_.substr(at_, 3);
    return three == "\xE2\x80\x99" || three == "\xE2\x80\xB2" ? 3 : 0;
  }

  void next() {
    Token t;
    t.begin = at_;
    t.pos = position();
    t.first_on_line = std::exchange(fresh_line_, false);
    const char c = peek();
    if (is_letter(c)) {
      t.kind = Token::Kind::Word;
      while (is_word(peek())) ++at_;
      t.word = std::string(text_.substr(t.begin, at_ - t.begin));
      while (const std::size_t n = prime_length()) {
        at_ += n;
        t.word += '\'';
      }
    } else if (is_digit(c)) {
      t.kind = Token::Kind::Number;
      while (is_word(peek())) {
        if (!is_digit(peek())) t.kind = Token::Kind::BadNumber;
        if (t.kind == Token::Kind::Number)
          t.too_large = t.too_large || __builtin_mul_overflow(t.number, 10, &t.number) ||
                        __builtin_add_overflow(t.number, peek() - '0', &t.number);
        ++at_;
      }
      t.word = std::string(text_.substr(t.begin, at_ - t.begin));
    } else if (c == '"' && string(t)) {
      t.kind = Token::Kind::String;
    } else {
      t.kind = symbol();
      t.word = std::string(text_.substr(t.begin, at_ - t.begin));
    }
    t.end = at_;
    const int from = t.pos.column;
    t.length = std::max(position().column - from, 1);
    out_.tokens.push_back(std::move(t));
  }

  /// Reads a string up to its closing quote; moves nothing if there is none on the line.
  bool string(Token& t) {
    std::string value;
    std::size_t i = at_ + 1;
    for (; i < text_.size() && text_[i] != '"'; ++i) {
      char c = text_[i];
      // The bound keeps a line full of unmatched quotes from costing its square.
      if (c == '\n' || c == '\r' || i - at_ > kLongestString) return false;
      if (c == '\\' && i + 1 < text_.size()) {
        const char escaped = text_[i + 1];
        if (escaped == '"' || escaped == '\\') {
          c = escaped;
          ++i;
        }
      }
      value += c;
    }
    if (i >= text_.size()) return false;
    at_ = i + 1;
    t.word = std::move(value);
    return true;
  }

  Token::Kind symbol() {
    const char c = peek();
    step();
    switch (c) {
      case '{': return Token::Kind::LeftBrace;
      case '}': return Token::Kind::RightBrace;
      case '(': return Token::Kind::LeftParen;
      case ')': return Token::Kind::RightParen;
      case ',': return Token::Kind::Comma;
      case ':': return Token::Kind::Colon;
      case ';': return Token::Kind::Semicolon;
      case '+': return Token::Kind::Plus;
      case '*': return Token::Kind::Star;
      case '/': return Token::Kind::Slash;
      case '-':
        if (peek() != '>') return Token::Kind::Minus;
        step();
        return Token::Kind::Arrow;
      default: return Token::Kind::Unknown;
    }
  }

  std::string_view text_;
  const std::string& file_;
  Lexed out_;
  std::size_t at_ = 0;
  int line_ = 1;
  std::size_t line_begin_ = 0;
  std::size_t counted_to_ = 0;  // columns are counted incrementally: lines may be very long
  int column_ = 1;
  bool fresh_line_ = true;
};

}  // namespace

Lexed lex(std::string_view text, const std::string& file) {
  return Lexer(text, file).run();
}

}  // namespace counterpoint::workloads::language
