// SPDX-License-Identifier: Apache-2.0
// validate, estimate and simulate: one campaign over the selected layers.
#include <fmt/format.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <clocale>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "analytic/estimator.h"
#include "cli/options.h"
#include "input/diagnostics.h"
#include "validation/bars.h"
#include "validation/campaign.h"
#include "validation/writers.h"
#include "workloads/mapping.h"
#include "workloads/network_file.h"

namespace counterpoint::cli {
namespace {

// Bars for a person at a terminal that is wide enough; files and pipes get the same text always.
std::string bars(const std::vector<validation::Json>& reports) {
  winsize size{};
  if (isatty(STDOUT_FILENO) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 ||
      size.ws_col < validation::kBarColumns)
    return "";
  // Only to ask which characters the terminal shows: numbers are printed as without a locale.
  const char* locale = std::setlocale(LC_CTYPE, "");
  const bool unicode = locale != nullptr && std::string(nl_langinfo(CODESET)) == "UTF-8";
  std::setlocale(LC_CTYPE, "C");
  const std::string text = validation::write_bars(reports, size.ws_col, unicode);
  return text.empty() ? "" : "\n" + text;
}

void add_trace_options(po::options_description& options) {
  options.add_options()(
      "trace", po::value<std::string>()->value_name("FILE"),
      "waveform of the one selected layer: FILE.vcd, or FILE.fst with Debian's gtkwave installed; "
      "a save file FILE.gtkw for GTKWave comes with it")(
      "timeline", po::value<std::string>()->value_name("FILE"),
      "trace events of the one selected layer as JSON, for ui.perfetto.dev or chrome://tracing")(
      "trace-level", po::value<std::string>()->value_name("LEVEL"),
      "of the waveform: summary, links (default), pes or data")(
      "trace-window", po::value<std::string>()->value_name("WINDOW"),
      "of waveform and timeline: FROM:TO in cycles, step:N, or stall (around the longest)")(
      "trace-scope", po::value<std::string>()->value_name("GLOB"),
      "signals of the waveform by full name, such as '*.fill.*'")(
      "trace-limit", po::value<std::string>()->value_name("SIZE"),
      "where a file ends cleanly, such as 2G (default 256M)")(
      "profile", po::bool_switch(),
      "JSON: work and words over time, load of every PE and link (the report draws them)");
}

validation::TraceOptions trace_options(const po::variables_map& values, const Inputs& in) {
  validation::TraceOptions t;
  const auto text = [&](const char* name) {
    return values.count(name) != 0 ? values[name].as<std::string>() : std::string();
  };
  t.waveform = text("trace");
  t.timeline = text("timeline");
  t.profile = values["profile"].as<bool>();
  t.window = text("trace-window");
  const bool files = !t.waveform.empty() || !t.timeline.empty();
  if (values.count("trace") != 0 && t.waveform.empty())
    throw UsageError("--trace takes a file's name");
  if (values.count("timeline") != 0 && t.timeline.empty())
    throw UsageError("--timeline takes a file's name");
  if (values.count("trace-level") != 0) t.level = validation::trace_level(text("trace-level"));
  if (values.count("trace-scope") != 0) t.scope = text("trace-scope");
  if (values.count("trace-limit") != 0) t.limit_bytes = validation::trace_size(text("trace-limit"));
  for (const char* of_waveform : {"trace-level", "trace-scope"})
    if (values.count(of_waveform) != 0 && t.waveform.empty())
      throw UsageError(fmt::format("--{} needs --trace", of_waveform));
  for (const char* of_files : {"trace-window", "trace-limit"})
    if (values.count(of_files) != 0 && !files)
      throw UsageError(fmt::format("--{} needs --trace or --timeline", of_files));
  validation::check_files(t);
  if (files && in.layers.size() != 1)
    throw UsageError(fmt::format(
        "--trace and --timeline show one layer and {} are selected: choose one with --layers",
        in.layers.size()));
  return t;
}

// A size as --trace-limit takes it.
std::string size_text(double bytes) {
  const char* unit = "bytes";
  for (const char* larger : {"KiB", "MiB", "GiB"}) {
    if (bytes < 1024) break;
    bytes /= 1024;
    unit = larger;
  }
  return fmt::format("{:.{}f} {}", bytes, bytes < 10 && bytes != std::floor(bytes) ? 1 : 0, unit);
}

// A large file is announced before it is written.
void warn_of_size(const Inputs& in, const validation::RunOptions& options) {
  constexpr double kLarge = 64 << 20;
  const validation::TraceOptions& trace = options.trace;
  // (finding a step or the longest stall takes a run of its own: such windows are small)
  if ((trace.waveform.empty() && trace.timeline.empty()) ||
      trace.window.find_first_of("st") != std::string::npos)
    return;
  const workloads::NetworkLayer& layer = *in.layers.front();
  std::string refused;
  const workloads::Dataflow* flow =
      layer.modelled ? workloads::dataflow_of(layer, in.dataflow ? &*in.dataflow : nullptr, refused)
                     : nullptr;
  if (flow == nullptr) return;
  const auto bound = workloads::bind(layer.layer, *flow, in.machine, {options.waive_capacity});
  if (!bound.mapping) return;
  double part = 1;
  if (!trace.window.empty()) {
    const validation::Window w = validation::find_window(*bound.mapping, trace.window);
    const double cycles =
        std::max(1.0, static_cast<double>(analytic::estimate(*bound.mapping).cycles));
    part =
        std::max(0.0, std::min(static_cast<double>(w.to), cycles) - static_cast<double>(w.from)) /
        cycles;
  }
  const auto warn = [&](const char* what, const char* hint, double bytes) {
    if (bytes < kLarge) return;
    const double limit = static_cast<double>(trace.limit_bytes);
    std::string end = fmt::format("--trace-limit {} is enough", size_text(limit));
    if (bytes > limit) end = fmt::format("it ends at --trace-limit, {}", size_text(limit));
    std::fprintf(
        stderr, "%s\n",
        fmt::format("the {} would take about {}; {}; {}", what, size_text(bytes), end, hint)
            .c_str());
  };
  if (!trace.waveform.empty())
    warn("waveform",
         "as .fst a fifteenth of that; --trace-window and --trace-scope make it smaller",
         part * validation::waveform_estimate(*bound.mapping, trace.level));
  if (!trace.timeline.empty())
    warn("timeline", "--trace-window makes it smaller",
         part * validation::timeline_estimate(*bound.mapping));
}

void tell_traces(const validation::Json& report) {
  const auto trace = report.find("trace");
  if (trace == report.end()) return;
  for (const char* kind : {"waveform", "timeline"}) {
    const auto file = trace->find(kind);
    if (file == trace->end()) continue;
    std::string text = fmt::format(
        "{}: {}, cycles {} to {}", kind, (*file)["file"].get<std::string>(),
        (*file)["window"][0].get<std::int64_t>(), (*file)["window"][1].get<std::int64_t>());
    if (file->contains("save_file"))
      text += fmt::format(" (gtkwave {})", (*file)["save_file"].get<std::string>());
    if (file->contains("limit_reached_at"))
      text += fmt::format("; --trace-limit ended it in cycle {}",
                          (*file)["limit_reached_at"].get<std::int64_t>());
    std::fprintf(stderr, "%s\n", text.c_str());
  }
}

int run(const char* command, validation::Mode mode, const char* examples,
        const std::vector<std::string>& args) {
  po::options_description options("Options");
  add_input_options(options);
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  options.add_options()("jobs,j", po::value<int>()->default_value(cores)->value_name("N"),
                        "layers at a time, each in a process of its own")(
      "format,f", po::value<std::string>()->default_value("table")->value_name("FORMAT"),
      "table, csv or json")("out,o", po::value<std::string>()->value_name("FILE"),
                            "write there instead of to standard output; finished layers are kept "
                            "in FILE.partial until the end")(
      "resume", po::bool_switch(), "go on where an interrupted run with --out stopped")(
      "all", po::bool_switch(), "tables: all statistics of every layer");
  if (mode != validation::Mode::Estimate)
    options.add_options()("no-data", po::bool_switch(),
                          "move words without values: same counts and cycles, no functional check");
  if (mode != validation::Mode::Estimate) add_trace_options(options);
  if (mode == validation::Mode::Validate)
    options.add_options()("tolerance", po::value<double>()->default_value(0)->value_name("PERCENT"),
                          "largest difference of cycles that still agrees");
  if (mode != validation::Mode::Simulate)
    options.add_options()("explain", po::value<std::string>()->value_name("LAYER"),
                          "instead of tables, in words: what bounds these layers, what they cost, "
                          "and which change of machine or mapping would help by how much");
  const auto values =
      parse(command, "--machine M --network N [--dataflow D] [OPTIONS]", examples, options, args);
  if (!values) return kAgree;
  const std::string format = (*values)["format"].as<std::string>();
  if (format != "table" && format != "csv" && format != "json")
    throw UsageError(fmt::format("--format {}: it is table, csv or json", format));
  const int jobs = (*values)["jobs"].as<int>();
  if (jobs < 1 || jobs > 1024) throw UsageError("--jobs takes a number from 1 to 1024");
  const bool to_file = values->count("out") != 0;
  const bool resume = (*values)["resume"].as<bool>();
  if (resume && !to_file) throw UsageError("--resume needs --out: it goes on with FILE.partial");

  const Inputs in = read_inputs(*values);
  if (values->count("explain") != 0)
    return explain(in, (*values)["explain"].as<std::string>(),
                   (*values)["waive-capacity"].as<bool>());
  validation::Campaign c;
  c.layers = in.layers;
  c.dataflow = in.dataflow ? &*in.dataflow : nullptr;
  c.machine = &in.machine;
  c.jobs = jobs;
  c.resume = resume;
  c.options.mode = mode;
  c.options.waive_capacity = (*values)["waive-capacity"].as<bool>();
  c.options.all_statistics = (*values)["all"].as<bool>();
  if (mode != validation::Mode::Estimate) c.options.carry_data = !(*values)["no-data"].as<bool>();
  if (mode != validation::Mode::Estimate) {
    c.options.trace = trace_options(*values, in);
    if (c.options.trace.level == sim::TraceLevel::Data && !c.options.carry_data)
      throw UsageError("--trace-level data shows values, which --no-data leaves out");
    if (c.options.trace.profile && format != "json")
      throw UsageError("--profile is part of --format json only");
    if (c.options.trace.any()) warn_of_size(in, c.options);
  }
  if (mode == validation::Mode::Validate) {
    c.options.tolerance_percent = (*values)["tolerance"].as<double>();
    if (!(c.options.tolerance_percent >= 0 && c.options.tolerance_percent <= 100))
      throw UsageError("--tolerance takes a percentage from 0 to 100");
  }
  const std::string out = to_file ? (*values)["out"].as<std::string>() : "";
  std::error_code ignored;
  if (std::filesystem::is_directory(out, ignored))
    throw input::InputError(fmt::format("--out {}: it is a directory", out));
  if (to_file) {
    c.journal = out + ".partial";
    c.fingerprint =
        fmt::format("{} {} {} {} {} {}", command, in.fingerprint, c.options.waive_capacity,
                    c.options.carry_data, c.options.tolerance_percent, c.options.trace.profile);
  }
  const validation::CampaignResult result = validation::run_campaign(c);

  const validation::Heading heading{command, in.network.name, in.machine.name,
                                    in.dataflow ? in.dataflow->name : "", kVersion};
  std::string text;
  if (format == "csv")
    text = validation::write_csv(result.reports);
  else if (format == "json")
    text = validation::write_json(heading, result.reports);
  else
    text = validation::write_table(heading, result.reports, c.options);
  if (to_file) {
    std::ofstream file(out, std::ios::binary);
    file << text;
    file.close();
    if (!file) throw input::InputError(fmt::format("cannot write {}", out));
    if (!result.interrupted) std::remove(c.journal.c_str());
  } else {
    print(format == "table" ? text + bars(result.reports) : text);
  }
  for (const validation::Json& r : result.reports) tell_traces(r);
  if (result.interrupted) {
    std::fprintf(stderr, "counterpoint: interrupted after %zu of %zu layers%s\n",
                 result.reports.size(), in.layers.size(),
                 to_file ? "; --resume goes on from here" : "");
    return kInterrupted;
  }
  return validation::exit_status(result.reports);
}

}  // namespace

int validate(const std::vector<std::string>& args) {
  return run("validate", validation::Mode::Validate,
             "  counterpoint validate --machine small --network alexnet --dataflow x_p -l 'CONV*'\n"
             "  counterpoint validate -m eyeriss -n vgg16 -d row_stationary -l 'CONV*' --out "
             "v.json -f json\n"
             "  counterpoint validate -m my_machine.yaml -n my_mapping.m\n",
             args);
}

int estimate(const std::vector<std::string>& args) {
  return run("estimate", validation::Mode::Estimate,
             "  counterpoint estimate --machine nvdla_like --network resnet50_v1 --dataflow nvdla "
             "-l 'conv*'\n"
             "  counterpoint estimate -m small -n alexnet -d x_p -l CONV3 --all\n",
             args);
}

int simulate(const std::vector<std::string>& args) {
  return run("simulate", validation::Mode::Simulate,
             "  counterpoint simulate --machine small --network alexnet --dataflow x_p -l CONV5\n"
             "  counterpoint simulate -m eyeriss -n vgg16 -d row_stationary -l CONV1-2 --no-data\n"
             "  counterpoint simulate -m small -n alexnet -d x_p -l CONV3 --trace conv3.vcd "
             "--trace-window stall\n",
             args);
}

}  // namespace counterpoint::cli
