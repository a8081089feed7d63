// SPDX-License-Identifier: Apache-2.0
// Arithmetic on named numbers, and texts with arithmetic in them.
#pragma once

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

namespace counterpoint::validation::published {

/// What is wrong with an expression; the caller knows where it stands.
class ExpressionError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The number that a name stands for; std::nullopt if there is none.
using Lookup = std::function<std::optional<double>(const std::string& name)>;
/// What a call `function(name)` in a text stands for; std::nullopt if there is no such function.
using Call = std::function<std::optional<std::string>(const std::string& function,
                                                      const std::string& argument)>;
/// A name as it is written in a table; std::nullopt if there is none.
using Words = std::function<std::optional<std::string>(const std::string& name)>;

/// Numbers, names, + - * /, parentheses, and the functions min(a, b), max(a, b), ceil(a),
/// floor(a). A name is made of letters, digits, `_` and dots, or is anything in [brackets].
/// Throws ExpressionError.
double evaluate(const std::string& text, const Lookup& lookup);

/// `text` with every `${...}` replaced: by the words of a name, by what a call stands for, else by
/// the value of the expression, which must be whole. Throws ExpressionError.
std::string fill_in(const std::string& text, const Words& words, const Lookup& lookup,
                    const Call& call);

}  // namespace counterpoint::validation::published
