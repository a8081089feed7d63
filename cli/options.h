// SPDX-License-Identifier: Apache-2.0
// What the commands share: exit statuses, strict option parsing, the inputs they name.
#pragma once

#include <boost/program_options.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "hw/machine.h"
#include "workloads/network.h"

namespace counterpoint::cli {

namespace po = boost::program_options;

inline constexpr const char* kVersion = COUNTERPOINT_VERSION;

/// Exit statuses of the program; README.md documents them.
enum Exit : int {
  kAgree = 0,
  kDisagree = 1,       ///< the models disagree, or an output word is wrong
  kInput = 2,          ///< options, files, illegal mappings
  kInternal = 3,       ///< a defect of the program, or output that cannot be written
  kInterrupted = 130,  ///< SIGINT or SIGTERM; what is finished is kept
};

/// A mistake on the command line; the message says what to do instead.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The commands. `args` is what stands behind the command's name; the result is an Exit.
int validate(const std::vector<std::string>& args);
int estimate(const std::vector<std::string>& args);
int simulate(const std::vector<std::string>& args);
int check(const std::vector<std::string>& args);
int show(const std::vector<std::string>& args);
int list(const std::vector<std::string>& args);
int fuzz(const std::vector<std::string>& args);
int audit(const std::vector<std::string>& args);
int noc(const std::vector<std::string>& args);
int report(const std::vector<std::string>& args);
int timeline(const std::vector<std::string>& args);
int contention(const std::vector<std::string>& args);
int published(const std::vector<std::string>& args);

/// Parses without guessing: names must be complete, each option stands at most once. Adds
/// --help; if it is given, prints usage, options and examples to stdout and returns
/// std::nullopt. Throws UsageError with "did you mean".
std::optional<po::variables_map> parse(const std::string& command, const std::string& usage,
                                       const std::string& examples,
                                       po::options_description& options,
                                       const std::vector<std::string>& args);

/// --machine, --network, --dataflow, --layers, --waive-capacity.
void add_input_options(po::options_description& options);

/// The inputs that the options of add_input_options name. `layers` points into `network`.
struct Inputs {
  workloads::Network network;
  hw::Machine machine;
  std::optional<workloads::Dataflow> dataflow;
  std::vector<const workloads::NetworkLayer*> layers;  ///< selected, in network order
  std::string fingerprint;  ///< changes whenever the content of an input does

  Inputs() = default;
  Inputs(const Inputs&) = delete;
  Inputs& operator=(const Inputs&) = delete;
  Inputs(Inputs&&) = default;
  Inputs& operator=(Inputs&&) = default;
};

/// Reads the inputs; warnings go to stderr. Throws UsageError for a missing option,
/// input::InputError with every message of every file if one cannot be used.
Inputs read_inputs(const po::variables_map& values);

/// Indices of the layers that `selection` names: numbers from 1, ranges (3-5) and patterns
/// (CONV*) between commas; a layer's whole name always means that layer. Throws UsageError
/// if a part of it matches no layer.
std::vector<std::size_t> select_layers(const std::vector<std::string>& names,
                                       const std::string& selection);

/// --explain of validate and estimate: the layers of `in` that `selection` names. An Exit.
int explain(const Inputs& in, const std::string& selection, bool waive_capacity);

/// Writes to stdout and flushes; throws std::runtime_error if that fails.
void print(const std::string& text);

}  // namespace counterpoint::cli
