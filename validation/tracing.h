// SPDX-License-Identifier: Apache-2.0
// A simulation that is looked at: waveform, timeline and profile of one layer, as files.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "sim/simulator.h"
#include "sim/trace/waveform.h"
#include "workloads/mapping.h"

namespace counterpoint::validation {

struct TraceOptions {
  std::string waveform;  ///< FILE.vcd or FILE.fst; "": none
  std::string timeline;  ///< FILE.json; "": none
  bool profile = false;  ///< words and work over time, load of PEs and links
  sim::TraceLevel level = sim::TraceLevel::Links;
  /// "FROM:TO" (cycles, either may be missing), "step:N" (of the first array of PEs) or "stall"
  /// (around the longest one); "": everything.
  std::string window;
  std::string scope = "*";
  std::int64_t limit_bytes = std::int64_t{256} << 20;  ///< of each file
  bool any() const { return !waveform.empty() || !timeline.empty() || profile; }
};

/// The name's level. Throws input::InputError.
sim::TraceLevel trace_level(const std::string& name);

/// A size: a number with K, M or G (1024). Throws input::InputError.
std::int64_t trace_size(const std::string& text);

struct Window {
  std::int64_t from = 0, to = std::numeric_limits<std::int64_t>::max();
};

/// What `window` (see TraceOptions) means for this run; "step:" and "stall" take a simulation
/// without data to find. Throws input::InputError for what it is not, or a step that is not there.
Window find_window(const workloads::Mapping& mapping, const std::string& window,
                   const std::function<void(std::int64_t cycle)>& advanced = {});

/// Cycles to simulate until `window` is found and shown, by the estimator: for progress.
double simulated_cycles(const workloads::Mapping& mapping, const std::string& window);

/// Size of the whole waveform, in bytes, by the estimator's number of steps and stalls: right
/// within a factor of four.
double waveform_estimate(const workloads::Mapping& mapping, sim::TraceLevel level);
/// The same of the whole timeline.
double timeline_estimate(const workloads::Mapping& mapping);

/// Throws input::InputError for names that no file can have: of a waveform without .vcd or .fst, of
/// an .fst without vcd2fst installed, or one name for two files.
void check_files(const TraceOptions& trace);

struct Traced {
  sim::SimOutcome outcome;
  nlohmann::ordered_json trace;    ///< what was written: files, window, bytes; null if nothing
  nlohmann::ordered_json profile;  ///< null unless asked for
};

/// Simulates and writes the files; `progress` is told from time to time how much is done, 0 to 1.
/// Throws input::InputError if one cannot be written, if vcd2fst
/// is missing for an .fst, if no signal matches the scope or the window lies behind the end.
Traced simulate_traced(const workloads::Mapping& mapping, sim::SimOptions options,
                       const TraceOptions& trace, const std::function<void(double)>& progress = {});

}  // namespace counterpoint::validation
