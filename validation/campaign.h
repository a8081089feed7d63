// SPDX-License-Identifier: Apache-2.0
// Many layers in parallel processes, in order, resumable.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "validation/report.h"

namespace counterpoint::validation {

struct Campaign {
  std::vector<const workloads::NetworkLayer*> layers;
  const workloads::Dataflow* dataflow = nullptr;
  const hw::Machine* machine = nullptr;
  RunOptions options;
  int jobs = 1;
  std::string journal;      ///< file that keeps finished layers; "" = none
  bool resume = false;      ///< take finished layers from the journal
  std::string fingerprint;  ///< of the inputs: a journal of other inputs is not resumed
};

struct CampaignResult {
  std::vector<Json> reports;  ///< of finished layers, in layer order
  bool interrupted = false;
};

/// Runs every layer in a process of its own, `jobs` at a time; of layers with the same work only
/// the first. A layer whose process dies is reported with status "error". An interrupt (SIGINT,
/// SIGTERM) stops it and keeps what is finished. Throws input::InputError if the journal belongs to
/// other inputs or cannot be written.
CampaignResult run_campaign(const Campaign& campaign);

}  // namespace counterpoint::validation
