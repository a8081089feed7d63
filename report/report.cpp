// SPDX-License-Identifier: Apache-2.0
#include "report/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "input/data_dir.h"
#include "input/diagnostics.h"
#include "report/shape.h"

namespace counterpoint::report {
namespace {

using Json = nlohmann::ordered_json;

std::string part(const std::string& name) {
  std::string error;
  const auto text = input::read_file(input::data_dir() + "/web/" + name, error);
  if (!text) throw input::InputError(error);
  return *text;
}

// Text that may stand in an element of HTML.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

// JSON that may stand in a script element: "</script>" and "<!--" would end or change it. The
// three characters occur in strings only, where \u escapes mean the same.
std::string embedded(const Json& j) {
  std::string out;
  for (const char c : j.dump(-1, ' ', true, Json::error_handler_t::replace)) {
    if (c == '<' || c == '>' || c == '&')
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out;
}

void check(const Json& j, const std::string& source) {
  const auto refuse = [&](const std::string& why) {
    throw input::InputError(fmt::format(
        "{}: {}; a report is made of what validate, estimate or simulate wrote with --format json",
        source, why));
  };
  if (j.is_discarded()) refuse("it is not JSON");
  if (!j.is_object() || !j.contains("schema") || !j["schema"].is_string())
    refuse("it has no schema");
  if (j["schema"] != "counterpoint/1")
    refuse(fmt::format("schema '{}' is not counterpoint/1", j["schema"].get<std::string>()));
  if (!j.contains("layers") || !j["layers"].is_array()) refuse("it has no layers");
  const std::string wrong = misshapen(j);
  if (!wrong.empty()) refuse(wrong);
}

}  // namespace

std::string html(const std::string& json, const std::string& source) {
  // A result is six deep; what is far deeper would exhaust the stack when it is written again.
  bool deep = false;
  const Json j = Json::parse(
      json,
      [&deep](int depth, Json::parse_event_t, Json&) {
        deep = deep || depth > 64;
        return !deep;
      },
      false);
  if (deep)
    throw input::InputError(fmt::format("{}: it is not a result: nested too deeply", source));
  check(j, source);
  const std::string title = escaped(
      fmt::format("{} on {}", j["network"].get<std::string>(), j["machine"].get<std::string>()));
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  // No address may be fetched, whatever the page holds.
  out +=
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src "
      "'unsafe-inline'; style-src 'unsafe-inline'; img-src data:\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n";
  out += "<title>" + title + "</title>\n<style>\n" + part("report.css") + "</style>\n</head>\n";
  out += "<body>\n" + part("report.html");
  out += "<script type=\"application/json\" id=\"result\">" + embedded(j) + "</script>\n";
  out += "<!--\n" + escaped(part("vendor/echarts.NOTICE")) + "-->\n";
  out += "<script>\n" + part("vendor/echarts.min.js") + "</script>\n";
  out += "<script>\n" + part("report.js") + "</script>\n</body>\n</html>\n";
  return out;
}

}  // namespace counterpoint::report
