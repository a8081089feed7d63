// SPDX-License-Identifier: Apache-2.0
#include "validation/campaign.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "input/diagnostics.h"
#include "input/progress.h"
#include "validation/processes.h"

namespace counterpoint::validation {
namespace {

// A journal is one JSON object per line: the fingerprint, then the finished layers.
std::map<std::size_t, Json> read_journal(const Campaign& c) {
  std::map<std::size_t, Json> done;
  std::ifstream in(c.journal);
  std::string line;
  if (!in || !std::getline(in, line)) return done;
  const Json head = Json::parse(line, nullptr, false);
  if (!head.is_object() || !head.contains("fingerprint") || head["fingerprint"] != c.fingerprint)
    throw input::InputError(
        fmt::format("{} belongs to a run with other inputs or options: remove it, or name another "
                    "file with --out",
                    c.journal));
  while (std::getline(in, line)) {
    const Json entry = Json::parse(line, nullptr, false);
    // A line may have been cut off while it was written.
    if (!entry.is_object() || !entry.contains("index") || !entry.contains("report")) continue;
    const auto index = entry["index"].get<std::size_t>();
    // What failed for a reason outside of the inputs is tried again.
    if (index < c.layers.size() && entry["report"].value("status", "error") != "error")
      done[index] = entry["report"];
  }
  if (!done.empty() && !c.resume)
    throw input::InputError(
        fmt::format("{} holds {} finished layers of an interrupted run: go on with --resume, or "
                    "remove it",
                    c.journal, done.size()));
  return done;
}

std::string line_of(const Json& j) {
  return j.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

// Multiply-accumulates are what takes time; a layer that is not modelled takes none.
double work(const workloads::NetworkLayer& layer) {
  return layer.modelled ? static_cast<double>(workloads::macs(layer.layer)) : 0;
}

bool gives_results(const Json& report) {
  return report["status"] == "ok" || report["status"] == "disagree";
}

}  // namespace

CampaignResult run_campaign(const Campaign& c) {
  std::map<std::size_t, Json> done;
  if (!c.journal.empty()) done = read_journal(c);
  std::ofstream journal;
  if (!c.journal.empty()) {
    // Written anew, because the last line may be cut off; atomically, because a run may be
    // interrupted at any moment.
    const std::string fresh = c.journal + ".new";
    journal.open(fresh, std::ios::trunc);
    journal << line_of(Json{{"fingerprint", c.fingerprint}});
    for (const auto& [index, report] : done)
      journal << line_of(Json{{"index", index}, {"report", report}});
    journal.flush();
    if (!journal || std::rename(fresh.c_str(), c.journal.c_str()) != 0)
      throw input::InputError(fmt::format("cannot write {}", c.journal));
  }
  const auto keep = [&](std::size_t layer, Json report) {
    if (journal.is_open()) {
      journal << line_of(Json{{"index", layer}, {"report", report}}) << std::flush;
      if (!journal) throw std::runtime_error(fmt::format("cannot write {}", c.journal));
    }
    done[layer] = std::move(report);
  };
  // Layers that do the same as an earlier one wait for its report.
  std::map<std::size_t, std::vector<std::size_t>> alike;
  std::vector<std::size_t> queue;
  double pending = 0;
  {
    struct Hash {
      std::size_t operator()(const workloads::Mapping& m) const { return workloads::work_hash(m); }
    };
    struct Same {
      bool operator()(const workloads::Mapping& a, const workloads::Mapping& b) const {
        return workloads::same_work(a, b);
      }
    };
    std::unordered_map<workloads::Mapping, std::size_t, Hash, Same> first;
    for (std::size_t i = 0; i < c.layers.size(); ++i) {
      auto mapping = mapping_of(*c.layers[i], c.dataflow, *c.machine, c.options);
      const auto earlier = mapping ? first.emplace(std::move(*mapping), i).first->second : i;
      if (done.count(i) != 0) continue;
      const auto report = done.find(earlier);
      if (report != done.end() && gives_results(report->second)) {
        keep(i, run_again(report->second, *c.layers[i], c.dataflow, *c.machine, c.options));
        continue;
      }
      if (earlier != i && report == done.end()) {
        alike[earlier].push_back(i);
        continue;
      }
      queue.push_back(i);
      pending += work(*c.layers[i]);
    }
  }
  input::ProgressLine progress("million MACs", pending / 1e6);
  std::size_t next = 0;  // in the queue
  SharedParts parts(c.layers.size());
  double told = 0;
  const auto show = [&] {
    double million = 0;
    for (const std::size_t i : queue)
      million += work(*c.layers[i]) / 1e6 * (done.count(i) != 0 ? 1 : parts.at(i));
    progress.advance(million - told, fmt::format("{} of {} layers", done.size(), c.layers.size()));
    told = million;
  };
  const auto failed = [&](std::size_t layer, const std::string& why) {
    Json j;
    j["layer"] = c.layers[layer]->layer.name;
    j["status"] = "error";
    j["reason"] = why;
    keep(layer, std::move(j));
  };
  Pool pool;
  pool.jobs = c.jobs;
  pool.next = [&]() -> std::optional<std::size_t> {
    return next < queue.size() ? std::optional(queue[next++]) : std::nullopt;
  };
  pool.work = [&](std::size_t layer, const Write& write) {
    RunOptions options = c.options;
    options.progress = [&parts, layer](double part) { parts.set(layer, part); };
    write(line_of(run_layer(*c.layers[layer], c.dataflow, *c.machine, options)));
  };
  pool.finished = [&](std::size_t layer, const Ended& ended) {
    Json report = Json::parse(ended.text, nullptr, false);
    const std::vector<std::size_t> others = std::move(alike[layer]);
    if (!ended.ok || report.is_discarded()) {
      failed(layer, "the layer's process " + ended.how());
    } else if (gives_results(report)) {
      for (const std::size_t other : others)
        keep(other, run_again(report, *c.layers[other], c.dataflow, *c.machine, c.options));
      keep(layer, std::move(report));
      return true;
    } else {
      keep(layer, std::move(report));
    }
    // Whatever it was, it may not happen to them.
    queue.insert(queue.end(), others.begin(), others.end());
    return true;
  };
  pool.tick = [&] {
    show();
    return true;
  };
  const bool interrupted = run_pool(pool);
  progress.clear();
  CampaignResult result;
  result.interrupted = interrupted && done.size() < c.layers.size();
  for (auto& [index, report] : done) result.reports.push_back(std::move(report));
  return result;
}

}  // namespace counterpoint::validation
