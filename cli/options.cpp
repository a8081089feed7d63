// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <sstream>

#include "hw/machine_file.h"
#include "input/data_dir.h"
#include "input/diagnostics.h"
#include "workloads/network_file.h"

namespace counterpoint::cli {

std::optional<po::variables_map> parse(const std::string& command, const std::string& usage,
                                       const std::string& examples,
                                       po::options_description& options,
                                       const std::vector<std::string>& args) {
  options.add_options()("help,h", "this text");
  if (std::find(args.begin(), args.end(), "--help") != args.end() ||
      std::find(args.begin(), args.end(), "-h") != args.end()) {
    std::ostringstream out;
    out << "usage: counterpoint " << command << " " << usage << "\n\n" << options;
    if (!examples.empty()) out << "\nExamples:\n" << examples;
    print(out.str());
    return std::nullopt;
  }
  po::variables_map values;
  const std::string see = fmt::format("; see counterpoint {} --help", command);
  try {
    namespace style = po::command_line_style;
    const po::parsed_options parsed =
        po::command_line_parser(args)
            .options(options)
            .positional({})
            .style(style::allow_long | style::long_allow_adjacent | style::long_allow_next |
                   style::allow_short | style::allow_dash_for_short | style::short_allow_next |
                   style::short_allow_adjacent | style::allow_sticky)
            .run();
    po::store(parsed, values);
    po::notify(values);
  } catch (const po::unknown_option& e) {
    std::vector<std::string> known;
    for (const auto& o : options.options()) known.push_back("--" + o->long_name());
    const std::string written = e.get_option_name();
    const std::string nearest = input::did_you_mean(written, known);
    throw UsageError(fmt::format("unknown option '{}'{}{}", written,
                                 nearest.empty() ? "" : ", did you mean '" + nearest + "'?",
                                 nearest.empty() ? see : ""));
  } catch (const po::too_many_positional_options_error&) {
    throw UsageError("a word on the command line belongs to no option" + see);
  } catch (const po::error& e) {
    throw UsageError(e.what() + see);
  }
  return values;
}

void add_input_options(po::options_description& options) {
  options.add_options()(
      "machine,m", po::value<std::string>()->value_name("NAME|FILE"),
      "the machine: a preset (counterpoint list machines), a YAML file, or a hardware file of the "
      "original tool")("network,n", po::value<std::string>()->value_name("NAME|FILE"),
                       "the network: by name (counterpoint list networks), a YAML file, or a "
                       "mapping file (.m) that carries its dataflows")(
      "dataflow,d", po::value<std::string>()->value_name("NAME|FILE"),
      "the dataflow of layers without one of their own: by name (counterpoint list dataflows), or "
      "a file")("layers,l", po::value<std::string>()->value_name("LIST"),
                "only these layers: names, patterns (CONV*), numbers from 1 and ranges (3-5), with "
                "commas between")(
      "waive-capacity", po::bool_switch(),
      "go on where buffers are too small, and report the unmet requirement");
}

namespace {

bool number(const std::string& text, std::size_t& value) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failed == std::errc() && end == text.data() + text.size();
}

// Numbers from 1 that `part` names, as [first, last]; false if it is not of that form.
bool number_range(const std::string& part, std::size_t& first, std::size_t& last) {
  const std::size_t dash = part.find('-');
  if (dash == std::string::npos) return number(part, first) && number(part, last);
  return number(part.substr(0, dash), first) && number(part.substr(dash + 1), last);
}

std::string required(const po::variables_map& values, const char* option) {
  if (values.count(option) == 0)
    throw UsageError(
        fmt::format("--{0} is needed: a name of `counterpoint list {0}s`, or a file", option));
  return values[option].as<std::string>();
}

// FNV-1a: enough to notice that a file was changed between two runs.
std::uint64_t hash(const std::string& text, std::uint64_t h) {
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return h;
}

std::uint64_t hash_file(const std::string& folder, const std::string& extension,
                        const std::string& name_or_path, std::uint64_t h) {
  std::string error;
  const auto path = input::find_data(folder, extension, name_or_path, "file", error);
  const auto text = path ? input::read_file(*path, error) : std::nullopt;
  return hash(text.value_or("") + '\0', h);
}

}  // namespace

std::vector<std::size_t> select_layers(const std::vector<std::string>& names,
                                       const std::string& selection) {
  std::vector<bool> chosen(names.size(), false);
  const auto choose_name = [&](const std::string& name) {
    bool any = false;
    for (std::size_t i = 0; i < names.size(); ++i)
      if (names[i] == name) chosen[i] = any = true;
    return any;
  };
  if (!choose_name(selection)) {
    std::stringstream parts(selection + ",");
    std::string part;
    while (std::getline(parts, part, ',')) {
      part.erase(0, part.find_first_not_of(' '));
      part.erase(part.find_last_not_of(' ') + 1);
      if (part.empty())
        throw UsageError(fmt::format("--layers '{}': nothing between two commas", selection));
      if (choose_name(part)) continue;
      std::size_t first = 0, last = 0;
      if (number_range(part, first, last)) {
        if (first < 1 || last < first || last > names.size())
          throw UsageError(
              fmt::format("--layers {}: the network has layers 1 to {}", part, names.size()));
        for (std::size_t i = first; i <= last; ++i) chosen[i - 1] = true;
        continue;
      }
      bool any = false;
      for (std::size_t i = 0; i < names.size(); ++i)
        if (fnmatch(part.c_str(), names[i].c_str(), 0) == 0) chosen[i] = any = true;
      if (any) continue;
      const std::string nearest = input::did_you_mean(part, names);
      throw UsageError(fmt::format("--layers: no layer is called '{}'{}", part,
                                   nearest.empty() ? "" : ", did you mean '" + nearest + "'?"));
    }
  }
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < chosen.size(); ++i)
    if (chosen[i]) out.push_back(i);
  return out;
}

Inputs read_inputs(const po::variables_map& values) {
  const std::string machine_name = required(values, "machine");
  const std::string network_name = required(values, "network");
  Inputs in;
  std::vector<input::Diagnostic> all;  // of all files: one run shows every mistake
  auto machine = hw::load_machine(machine_name, all);
  auto network = workloads::load_network(network_name, all);
  std::uint64_t h = 14695981039346656037u;
  h = hash_file("hw/presets", ".yaml", machine_name, h);
  h = hash_file("workloads/networks", ".yaml", network_name, h);
  if (values.count("dataflow") != 0) {
    const auto name = values["dataflow"].as<std::string>();
    in.dataflow = workloads::load_dataflow(name, all);
    h = hash_file("workloads/dataflows", ".m", name, h);
  }
  if (input::has_errors(all)) throw input::InputError(all);
  if (!machine || !network) throw std::logic_error("no input and no error that says why");
  std::fputs(input::format(all).c_str(), stderr);
  h = hash_file("hw/energy", ".yaml", machine->energy.name, h);

  in.machine = std::move(*machine);
  in.network = std::move(*network);
  std::vector<std::string> names;
  for (const workloads::NetworkLayer& l : in.network.layers) names.push_back(l.layer.name);
  if (values.count("layers") != 0) {
    for (const std::size_t i : select_layers(names, values["layers"].as<std::string>()))
      in.layers.push_back(&in.network.layers[i]);
  } else {
    for (const workloads::NetworkLayer& l : in.network.layers) in.layers.push_back(&l);
  }
  for (const workloads::NetworkLayer* l : in.layers) h = hash(l->layer.name + '\0', h);
  in.fingerprint = fmt::format("{} {:016x}", kVersion, h);
  if (in.dataflow && std::all_of(in.layers.begin(), in.layers.end(), [](const auto* l) {
        return l->dataflow.has_value() || !l->modelled;
      }))
    std::fputs("warning: --dataflow is not used: every layer has a dataflow of its own\n", stderr);
  return in;
}

void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw std::runtime_error("cannot write to standard output");
}

}  // namespace counterpoint::cli
