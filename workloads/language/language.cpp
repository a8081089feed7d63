// SPDX-License-Identifier: Apache-2.0
#include "workloads/language.h"

#include <filesystem>
#include <fstream>
#include <ios>
#include <system_error>
#include <utility>

#include "workloads/language/parser.h"

namespace counterpoint::workloads {
namespace {

/// The bytes of a file, or why they cannot be had.
std::optional<std::string> read_text(const std::string& path, Diagnostic& why) {
  namespace fs = std::filesystem;
  why.file = path;
  why.code = "cannot-read";
  std::error_code ec;
  const fs::file_status status = fs::status(path, ec);
  if (!fs::exists(status)) {
    why.message = ec && ec != std::errc::no_such_file_or_directory
                      ? "cannot read the file: " + ec.message()
                      : "there is no such file";
    return std::nullopt;
  }
  if (fs::is_directory(status)) {
    why.message = "this is a directory, not a file";
    return std::nullopt;
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    why.message = "cannot open the file for reading";
    return std::nullopt;
  }
  // Read in pieces, not by the stated size: pipes have none.
  std::string text;
  std::string piece(std::size_t{1} << 16, '\0');
  while (in) {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    text.append(piece, 0, static_cast<std::size_t>(in.gcount()));
    if (text.size() > static_cast<std::size_t>(kMaxFileBytes)) {
      why.message = "the file is larger than " + std::to_string(kMaxFileBytes >> 20) + " MiB";
      return std::nullopt;
    }
  }
  if (in.bad()) {
    why.message = "reading the file failed";
    return std::nullopt;
  }
  return text;
}

}  // namespace

NetworkResult parse_network(std::string_view text, const std::string& file) {
  return language::Parser(text, file).network();
}

DataflowResult parse_dataflow(std::string_view text, const std::string& file) {
  return language::Parser(text, file).dataflow();
}

NetworkResult read_network(const std::string& path) {
  Diagnostic why;
  const std::optional<std::string> text = read_text(path, why);
  if (!text) return {std::nullopt, {why}};
  return parse_network(*text, path);
}

DataflowResult read_dataflow(const std::string& path) {
  Diagnostic why;
  const std::optional<std::string> text = read_text(path, why);
  if (!text) return {std::nullopt, {why}};
  DataflowResult out = parse_dataflow(*text, path);
  if (out.dataflow && out.dataflow->name.empty())
    out.dataflow->name = std::filesystem::path(path).stem().string();
  return out;
}

bool looks_like_dataflow(std::string_view text) {
  return language::Parser(text, "").begins_with_dataflow();
}

}  // namespace counterpoint::workloads
