// SPDX-License-Identifier: Apache-2.0
// Text to tokens. Every byte of the text belongs to a token, a comment or white space.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "input/diagnostics.h"

namespace counterpoint::workloads::language {

struct Token {
  enum class Kind : std::uint8_t {
    Word,       ///< letters, digits, '_' and '.', then primes
    Number,     ///< decimal digits
    BadNumber,  ///< begins with a digit but is no whole number: 4abc, 4.9
    String,     ///< "..." on one line
    LeftBrace,
    RightBrace,
    LeftParen,
    RightParen,
    Comma,
    Colon,
    Semicolon,
    Arrow,  ///< ->
    Plus,
    Minus,
    Star,
    Slash,
    Unknown,  ///< any other character
    End
  };
  Kind kind = Kind::End;
  std::string word;         ///< Word: with primes as '; String: without quotes and escapes
  std::int64_t number = 0;  ///< Number
  bool too_large = false;   ///< Number: does not fit
  std::size_t begin = 0;    ///< bytes [begin, end) of the text
  std::size_t end = 0;
  input::SourcePos pos;
  int length = 1;  ///< characters
  bool first_on_line = false;
};

/// A text cut into lines and tokens. The token list ends with exactly one End.
struct Lexed {
  std::vector<Token> tokens;
  std::vector<std::string_view> lines;  ///< without their ends
  /// Bytes that are comments, as [begin, end) in order: names are cut out of the raw text.
  std::vector<std::pair<std::size_t, std::size_t>> comments;
  /// What is wrong with the text as such (not UTF-8, an unclosed comment). If the text is not
  /// UTF-8 there are no tokens but End.
  std::vector<input::Diagnostic> diagnostics;
};

/// `text` must outlive the result.
Lexed lex(std::string_view text, const std::string& file);

}  // namespace counterpoint::workloads::language
