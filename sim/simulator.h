// SPDX-License-Identifier: Apache-2.0
// The simulator: executes a mapped loop nest on modules that move real words, and counts what
// moved. See docs/simulator.md; the rules are docs/machine.md.
#pragma once

#include <cstdint>
#include <string>

#include "stats/result.h"
#include "workloads/mapping.h"

namespace counterpoint::sim {

class Observer;

struct SimOptions {
  bool carry_data = true;          ///< false: words are moved and counted, but carry no values
  std::uint64_t data_seed = 1;     ///< of the input and weight words
  std::uint64_t shuffle_seed = 0;  ///< != 0: another order of evaluation of the modules (test mode)
  Observer* observer = nullptr;    ///< sees the run, changes nothing (sim/trace)
};

enum class Functional : std::uint8_t { Equal, Mismatch, NotChecked };

struct SimOutcome {
  stats::LayerResult result;
  Functional functional = Functional::NotChecked;
  std::int64_t mismatches = 0;  ///< output words that differ from the direct evaluation
  std::string first_mismatch;   ///< coordinates, expected and simulated value of the first
};

/// Runs one layer. Throws input::InputError if the accumulators cannot hold the sums of the
/// layer, std::logic_error (with a report) on an internal contradiction: lost words, a
/// deadlock, a cycle stack that does not add up. Several runs in one process are independent;
/// never run two at the same time in threads.
SimOutcome simulate(const workloads::Mapping& mapping, const SimOptions& options = {});

}  // namespace counterpoint::sim
