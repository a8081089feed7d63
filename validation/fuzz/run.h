// SPDX-License-Identifier: Apache-2.0
// A campaign of random cases: both models, all laws, in parallel processes. Case i of a seed is
// the same case, and has the same verdict, for any number of jobs and cases.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "validation/fuzz/generator.h"
#include "validation/fuzz/laws.h"

namespace counterpoint::validation::fuzz {

/// One more law, for tests of the campaign itself.
using AnotherLaw = std::function<Breaches(const Case&, const workloads::Mapping&)>;

struct Campaign {
  std::uint64_t seed = 1;
  std::uint64_t first = 0;  ///< number of the first case
  std::uint64_t cases = 0;  ///< how many
  int jobs = 1;
  double seconds = 0;           ///< stop after so many; 0: when all cases are done
  int case_seconds = 20;        ///< processor time of one case, after which it counts as hanging
  std::uint64_t failures = 10;  ///< stop at so many failing cases
  bool small = true;            ///< make failing cases small
  std::string out;              ///< folder of reproductions, the summary and the state; "": none
  bool resume = false;          ///< go on from the state in `out`
  std::string fingerprint;      ///< of the program: a state of another one is not resumed
  AnotherLaw also;
};

struct FailingCase {
  std::uint64_t number = 0;
  Breaches breaches;        ///< as drawn
  std::string text;         ///< the case, made small: mapping file, then machine file
  Breaches small_breaches;  ///< of the case made small
  std::string folder;       ///< its reproduction, if there is `out`
};

struct CampaignResult {
  std::uint64_t cases = 0;  ///< checked, from the first on without a gap
  std::vector<FailingCase> failing;
  std::string summary;  ///< depends on seed, first and number of cases only
  bool interrupted = false;
  double seconds = 0;  ///< of this run and of those that it went on with
};

/// Throws input::InputError if the state belongs to another campaign, or cannot be written.
CampaignResult run_campaign(const Campaign& campaign);

/// The legal case of a seed and a number, and what was drawn and refused before it: the codes of
/// the first diagnostics.
struct Draw {
  Case c;
  workloads::BindResult bound;
  std::vector<std::string> refused;
  bool thorough = false;  ///< whether it is one of the cases that all laws are checked on
};
Draw draw(std::uint64_t seed, std::uint64_t number);

/// Checks a case in a process of its own: a model that crashes or hangs breaks the law "crash" or
/// "hang". `laws`: only whether one of these laws is broken is of interest (empty: all).
Breaches check_apart(const Case& c, int seconds, const std::vector<std::string>& laws = {},
                     const AnotherLaw& also = {});

}  // namespace counterpoint::validation::fuzz
