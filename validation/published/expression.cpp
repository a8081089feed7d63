// SPDX-License-Identifier: Apache-2.0
#include "validation/published/expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

namespace counterpoint::validation::published {
namespace {

bool name_start(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool name_part(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
}

class Parser {
 public:
  Parser(const std::string& text, const Lookup& lookup) : text_(text), lookup_(lookup) {}

  double whole() {
    const double x = sum();
    skip();
    if (at_ < text_.size()) fail(fmt::format("'{}' is not expected", text_[at_]));
    return x;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ExpressionError(fmt::format("'{}': {}", text_, what));
  }
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void need(char c) {
    if (!take(c)) fail(fmt::format("'{}' is missing", c));
  }
  double sum() {
    // An expression comes from a file: a limit on its depth keeps the stack.
    if (++depth_ > 64) fail("too many parentheses");
    double x = product();
    while (true) {
      if (take('+'))
        x += product();
      else if (take('-'))
        x -= product();
      else
        break;
    }
    --depth_;
    return x;
  }
  double product() {
    double x = factor();
    while (true) {
      if (take('*')) {
        x *= factor();
      } else if (take('/')) {
        const double y = factor();
        if (y == 0) fail("division by zero");
        x /= y;
      } else {
        return x;
      }
    }
  }
  double factor() {
    skip();
    if (take('-')) {
      if (++depth_ > 64) fail("too many signs");
      const double x = -factor();
      --depth_;
      return x;
    }
    if (take('(')) {
      const double x = sum();
      need(')');
      return x;
    }
    if (take('[')) {
      const std::size_t end = text_.find(']', at_);
      if (end == std::string::npos) fail("']' is missing");
      const std::string name = text_.substr(at_, end - at_);
      at_ = end + 1;
      return value(name);
    }
    if (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0) {
      char* end = nullptr;
      const double x = std::strtod(text_.c_str() + at_, &end);
      at_ = static_cast<std::size_t>(end - text_.c_str());
      return x;
    }
    if (at_ >= text_.size() || !name_start(text_[at_])) fail("a number or a name is expected");
    std::string name;
    while (at_ < text_.size() && name_part(text_[at_])) name += text_[at_++];
    if (!take('(')) return value(name);
    const double a = sum();
    double x = 0;
    if (name == "ceil" || name == "floor") {
      x = name == "ceil" ? std::ceil(a) : std::floor(a);
    } else if (name == "log2") {
      if (a <= 0) fail("log2 of a number that is not positive");
      x = std::log2(a);
    } else if (name == "min" || name == "max") {
      need(',');
      const double b = sum();
      x = name == "min" ? std::min(a, b) : std::max(a, b);
    } else {
      fail(fmt::format("there is no function '{}': min, max, ceil, floor, log2", name));
    }
    need(')');
    return x;
  }
  double value(const std::string& name) const {
    const std::optional<double> x = lookup_(name);
    if (!x) fail(fmt::format("nothing of the name '{}' has a number", name));
    return *x;
  }

  const std::string& text_;
  const Lookup& lookup_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

double evaluate(const std::string& text, const Lookup& lookup) {
  return Parser(text, lookup).whole();
}

std::string fill_in(const std::string& text, const Words& words, const Lookup& lookup,
                    const Call& call) {
  std::string out;
  std::size_t at = 0;
  while (true) {
    const std::size_t open = text.find("${", at);
    if (open == std::string::npos) return out + text.substr(at);
    const std::size_t close = text.find('}', open);
    if (close == std::string::npos) throw ExpressionError("'${' without '}'");
    out += text.substr(at, open - at);
    const std::string inner = text.substr(open + 2, close - open - 2);
    at = close + 1;
    if (const auto word = words(inner)) {
      out += *word;
      continue;
    }
    const std::size_t bracket = inner.find('(');
    if (bracket != std::string::npos && !inner.empty() && inner.back() == ')') {
      const auto made =
          call(inner.substr(0, bracket), inner.substr(bracket + 1, inner.size() - bracket - 2));
      if (made) {
        out += *made;
        continue;
      }
    }
    const double x = evaluate(inner, lookup);
    if (x != std::floor(x) || std::fabs(x) > 1e15)
      throw ExpressionError(fmt::format("'{}' is {:g}, which is not a whole number", inner, x));
    out += fmt::format("{:.0f}", x);
  }
}

}  // namespace counterpoint::validation::published
