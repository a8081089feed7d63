// SPDX-License-Identifier: Apache-2.0
// The laws of docs/machine.md, section 6, as checks of one case. Each returns what is broken, in
// words; nothing if the law holds.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/simulator.h"
#include "stats/result.h"
#include "validation/fuzz/generator.h"
#include "workloads/mapping.h"

namespace counterpoint::validation::fuzz {

/// A broken law. `law` is stable and short ("agreement", "function", ...): the shrinker keeps it.
struct Breach {
  std::string law;
  std::string text;
};
using Breaches = std::vector<Breach>;

/// Words of each tensor that at least one multiply-accumulate of the layer touches.
std::array<std::int64_t, 3> touched_words(const workloads::Layer& layer);

/// Law 1 for an estimate, law 2.
Breaches check_compulsory(const workloads::Mapping& mapping, const stats::LayerResult& result);
/// Law 3: what leaves one level arrives at the next.
Breaches check_conservation(const workloads::Mapping& mapping, const stats::LayerResult& result);
/// Law 4: no resource is quicker than it can be, and the cycle stack adds up.
Breaches check_capability(const workloads::Mapping& mapping, const stats::LayerResult& result);
/// Law 5, on machines without contention: no faster part makes the machine slower.
Breaches check_monotone(const workloads::Mapping& mapping, const stats::LayerResult& result);
/// Law 5: more capacity never increases off-chip traffic, where the off-chip loops are automatic.
Breaches check_capacity(const Case& c);
/// Law 5: names, and directives with one position wherever they stand, change nothing. `pick`
/// chooses where they are put.
Breaches check_neutral(const Case& c, const stats::LayerResult& result, std::uint64_t pick);
/// Law 6: data, order of modules and repetition change no number of the simulator.
Breaches check_determinism(const workloads::Mapping& mapping, const stats::LayerResult& simulated);
/// Law 7: estimator and simulator give the same; with contention the same counts, and no fewer
/// cycles than estimated. Law 1: the computed output is right.
Breaches check_agreement(const workloads::Mapping& mapping, const stats::LayerResult& estimated,
                         const sim::SimOutcome& simulated);
/// The case as text, read again, is the same case.
Breaches check_text(const Case& c, const stats::LayerResult& result);

/// Every statistic that differs, "name: a, b", in the order of the table. `timing` false: only
/// those that do not depend on when things happen.
std::vector<std::string> differing(const stats::LayerResult& a, const stats::LayerResult& b,
                                   bool timing = true);

struct Checked {
  Breaches breaches;
  stats::LayerResult result;  ///< of the estimator; of the simulator if that failed
};
/// All of the above: both models run once, and the laws that run them again (5, 6, the text) if
/// `thorough`. An exception of a model is a breach as well. `mapping` is the case, bound.
Checked check_case(const Case& c, const workloads::Mapping& mapping, bool thorough);

}  // namespace counterpoint::validation::fuzz
