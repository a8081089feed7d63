// SPDX-License-Identifier: Apache-2.0
// Strict reading of YAML files: every value knows its place, every mistake becomes a Diagnostic
// with its line, and reading goes on so that all mistakes of a file are reported at once.
//
// What is accepted is the plain part of YAML: maps with distinct words as keys, lists, scalars,
// comments. Anchors, aliases, tags and several documents in one file are refused: the files
// need none of them, and they allow small files that unfold without limit.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "input/diagnostics.h"

namespace counterpoint::input {

namespace detail {
struct YamlDocument;
}

/// A number with a unit, as written: `2.5 words` is {2500, "words"}; unit "" if none is given.
struct Quantity {
  std::int64_t thousandths = 0;
  std::string unit;
};

/// A value of a YAML file: a map, a list, a scalar, or nothing. Cheap to copy; keeps the
/// document alive. The getters report to the diagnostics that parse_yaml() was given, which must
/// outlive the values. They return std::nullopt after reporting, so a caller goes on with
/// a default and still ends up without a result, because there are errors.
class YamlValue {
 public:
  YamlValue(std::shared_ptr<detail::YamlDocument> document, std::size_t node)
      : document_(std::move(document)), node_(node) {}

  bool is_map() const;
  bool is_list() const;
  bool is_scalar() const;
  bool is_null() const;  ///< nothing after the colon, or `~`, or `null`

  SourcePos pos() const;            ///< of the value
  const std::string& path() const;  ///< how messages call it: "storage[1].capacity"
  const std::string& file() const;

  /// False, and an error, if this is not a map or has a key that is not one of `known`
  /// ("did you mean" included). Duplicate keys are reported by parse_yaml() already.
  bool check_map(const std::vector<std::string>& known) const;
  /// False, and an error, if this is not a list.
  bool check_list() const;

  /// The value of a key; std::nullopt without an error if there is none (or this is no map).
  std::optional<YamlValue> find(const std::string& key) const;
  /// The same, but a missing key is an error that says what the key is for (`meaning`).
  std::optional<YamlValue> require(const std::string& key, const std::string& meaning) const;
  /// Key and value of every entry of a map, in file order; empty if this is no map.
  std::vector<std::pair<std::string, YamlValue>> entries() const;
  /// Elements of a list; empty if this is no list.
  std::vector<YamlValue> items() const;

  /// Any scalar as text; not a list, a map or nothing.
  std::optional<std::string> text() const;
  /// A whole number within [least, most]; `unit` is named in messages ("PEs").
  std::optional<std::int64_t> integer(std::int64_t least, std::int64_t most,
                                      const std::string& unit = "") const;
  /// A finite decimal number within [least, most].
  std::optional<double> real(double least, double most, const std::string& unit = "") const;
  /// `true` or `false`.
  std::optional<bool> boolean() const;
  /// Index of the word in `choices`.
  std::optional<std::size_t> choice(const std::vector<std::string>& choices) const;
  /// A number of at most 3 decimals, not negative, with one of `units` behind it ("" in the
  /// list: the unit may be missing). At most 2^50.
  std::optional<Quantity> quantity(const std::vector<std::string>& units) const;
  /// An amount of memory in bytes: `100`, `100 B`, `64 KiB`, `1.5 MiB`, `108 kB` (kB, MB, GB are
  /// powers of 1000). Must be whole and within [least, most].
  std::optional<std::int64_t> bytes(std::int64_t least, std::int64_t most) const;

  /// Reports at this value; `code` is a short stable name.
  void error(const std::string& code, const std::string& message) const;
  void warning(const std::string& code, const std::string& message) const;
  /// Reports at a key of this map (at the map if it has no such key).
  void error_at_key(const std::string& key, const std::string& code,
                    const std::string& message) const;

 private:
  std::shared_ptr<detail::YamlDocument> document_;
  std::size_t node_ = 0;
};

/// Reads one document. std::nullopt if the text is not YAML of the accepted kind; a
/// document with nothing in it is a null value. Mistakes are appended to `diagnostics`; at most
/// 200 per file, then one that says so.
std::optional<YamlValue> parse_yaml(const std::string& text, const std::string& file,
                                    std::vector<Diagnostic>& diagnostics);

}  // namespace counterpoint::input
