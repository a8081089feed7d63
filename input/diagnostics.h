// SPDX-License-Identifier: Apache-2.0
// Positions in source files, and the messages that refer to them.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace counterpoint::input {

/// 1-based; line 0 means "no position" (built in code).
struct SourcePos {
  int line = 0;
  int column = 0;
};

enum class Severity { Warning, Error };

/// One message about an input file.
struct Diagnostic {
  Severity severity = Severity::Error;
  std::string file;  ///< as the user named it
  SourcePos pos;
  int length = 1;         ///< characters to underline
  std::string code;       ///< short stable name, e.g. "unknown-dimension"; warnings are named by it
  std::string message;    ///< what is wrong, what was expected, what to do
  std::string line_text;  ///< the offending source line, without its end of line
};

/// "file:line:column: error: message [code]\n  text\n  ^~~~\n"
std::string format(const Diagnostic& d);
std::string format(const std::vector<Diagnostic>& all);
bool has_errors(const std::vector<Diagnostic>& all);

/// A user's mistake in an input, carrying every message of the file. Caught once, in cli/.
class InputError : public std::runtime_error {
 public:
  explicit InputError(std::vector<Diagnostic> all);
  explicit InputError(const std::string& message);  ///< without a position
  const std::vector<Diagnostic>& diagnostics() const { return all_; }

 private:
  std::vector<Diagnostic> all_;
};

/// The candidate nearest to `word` by edit distance, or "" if none is near enough.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace counterpoint::input
