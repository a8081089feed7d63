// SPDX-License-Identifier: Apache-2.0
// fuzz: random cases through both models and all laws.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <thread>

#include "cli/options.h"
#include "input/diagnostics.h"
#include "validation/fuzz/run.h"

namespace counterpoint::cli {
namespace {

namespace fuzz = validation::fuzz;

std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw input::InputError(fmt::format("cannot read {}", path.string()));
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

int replay(const std::string& folder, int seconds) {
  const std::filesystem::path at(folder);
  const std::string mapping = (at / "case.m").string(), machine = (at / "machine.yaml").string();
  const fuzz::ReadCase read = fuzz::read_case(slurp(mapping), mapping, slurp(machine), machine);
  if (!read.found) throw input::InputError(read.diagnostics);
  const auto bound = workloads::bind(read.found->layer.layer, *read.found->layer.dataflow,
                                     read.found->machine, {true});
  if (!bound.mapping) throw input::InputError(bound.diagnostics);
  const fuzz::Breaches breaches = fuzz::check_apart(*read.found, seconds);
  std::string out;
  for (const fuzz::Breach& b : breaches) out += b.law + ": " + b.text + "\n";
  print(out.empty() ? "all laws hold\n" : out);
  return breaches.empty() ? kAgree : kDisagree;
}

// A campaign is resumed by the program that began it, or its result would mean nothing.
std::string own_fingerprint() {
  const std::string self = slurp("/proc/self/exe");
  std::uint64_t h = 14695981039346656037u;
  for (const char c : self) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return fmt::format("{} {:016x}", kVersion, h);
}

}  // namespace

int fuzz(const std::vector<std::string>& args) {
  po::options_description options("Options");
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  options.add_options()("cases,n", po::value<std::int64_t>()->value_name("N"),
                        "legal cases to check (1000, or with --time as many as it allows)")(
      "seed,s", po::value<std::int64_t>()->default_value(1)->value_name("S"),
      "case i of a seed is the same for any number of cases and jobs")(
      "jobs,j", po::value<int>()->default_value(cores)->value_name("J"),
      "processes that check cases side by side")("time", po::value<double>()->value_name("SECONDS"),
                                                 "stop after so long")(
      "first", po::value<std::int64_t>()->default_value(0)->value_name("I"),
      "number of the first case")("failures", po::value<int>()->default_value(10)->value_name("K"),
                                  "stop at so many failing cases")(
      "case-time", po::value<int>()->default_value(20)->value_name("SECONDS"),
      "processor time after which a case counts as hanging")("no-shrink", po::bool_switch(),
                                                             "do not make failing cases small")(
      "out,o", po::value<std::string>()->value_name("DIR"),
      "keep the state, the summary and a folder per failing case there, ready to run")(
      "resume", po::bool_switch(), "go on where a campaign with --out stopped, or with more cases")(
      "replay", po::value<std::string>()->value_name("DIR"),
      "check the case in that folder (case.m, machine.yaml) and nothing else");
  const auto values = parse("fuzz", "[--cases N] [--seed S] [OPTIONS]",
                            "  counterpoint fuzz --cases 10000 --seed 7\n"
                            "  counterpoint fuzz --time 3600 --out campaign\n"
                            "  counterpoint fuzz --replay campaign/case-000123\n",
                            options, args);
  if (!values) return kAgree;
  const auto positive = [&](const char* name, int most) {
    const int n = (*values)[name].as<int>();
    if (n < 1 || n > most)
      throw UsageError(fmt::format("--{} takes a number from 1 to {}", name, most));
    return n;
  };
  const auto natural = [&](const char* name) {
    const std::int64_t n = (*values)[name].as<std::int64_t>();
    if (n < 0) throw UsageError(fmt::format("--{} takes a number from 0", name));
    return static_cast<std::uint64_t>(n);
  };
  const int case_seconds = positive("case-time", 86400);
  if (values->count("replay") != 0) {
    for (const char* other : {"cases", "time", "out"})
      if (values->count(other) != 0)
        throw UsageError(fmt::format("--replay checks one case: --{} has no meaning", other));
    return replay((*values)["replay"].as<std::string>(), case_seconds);
  }
  fuzz::Campaign c;
  c.seed = natural("seed");
  c.first = natural("first");
  c.jobs = positive("jobs", 1024);
  c.failures = static_cast<std::uint64_t>(positive("failures", 1000000));
  c.case_seconds = case_seconds;
  c.small = !(*values)["no-shrink"].as<bool>();
  if (values->count("time") != 0) {
    c.seconds = (*values)["time"].as<double>();
    if (!(c.seconds > 0)) throw UsageError("--time takes a number of seconds above 0");
  }
  // Far more than any machine checks in a year.
  constexpr std::uint64_t kEndless = 1000000000000;
  c.cases = values->count("cases") != 0 ? natural("cases") : c.seconds > 0 ? kEndless : 1000;
  if (c.cases < 1 || c.cases > kEndless || c.first > kEndless)
    throw UsageError("--cases takes a number from 1, and --first one that can be reached");
  if (values->count("out") != 0) c.out = (*values)["out"].as<std::string>();
  c.resume = (*values)["resume"].as<bool>();
  if (c.resume && c.out.empty())
    throw UsageError("--resume needs --out: it goes on with the state that is kept there");
  if (!c.out.empty()) c.fingerprint = own_fingerprint();
  const fuzz::CampaignResult result = fuzz::run_campaign(c);
  print(result.summary);
  std::fprintf(stderr, "%.1f s, %d jobs\n", result.seconds, c.jobs);
  if (result.interrupted) {
    std::fprintf(stderr, "counterpoint: interrupted after %llu cases%s\n",
                 static_cast<unsigned long long>(result.cases),
                 c.out.empty() ? "" : "; --resume goes on from here");
    return kInterrupted;
  }
  return result.failing.empty() ? kAgree : kDisagree;
}

}  // namespace counterpoint::cli
