// SPDX-License-Identifier: Apache-2.0
#include "validation/campaign.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>

#include "input/diagnostics.h"

namespace counterpoint::validation {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;
void on_interrupt(int) {
  g_interrupted = 1;
}

// Restores the former handlers.
class InterruptGuard {
 public:
  InterruptGuard() {
    g_interrupted = 0;
    struct sigaction action = {};
    action.sa_handler = on_interrupt;
    sigaction(SIGINT, &action, &former_int_);
    sigaction(SIGTERM, &action, &former_term_);
  }
  ~InterruptGuard() {
    sigaction(SIGINT, &former_int_, nullptr);
    sigaction(SIGTERM, &former_term_, nullptr);
  }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  struct sigaction former_int_ = {}, former_term_ = {};
};

struct Worker {
  pid_t pid = -1;
  int pipe = -1;
  std::size_t layer = 0;
  std::string text;
};

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

class Progress {
 public:
  Progress(bool on, std::size_t layers, double work) : on_(on), layers_(layers), work_(work) {}
  void finished(double work) { done_ += work; }
  /// `done`: layers that are finished, whether in this run or in the one that is resumed.
  void show(std::size_t done) {
    if (!on_) return;
    const double s = std::chrono::duration<double>(Clock::now() - start_).count();
    if (s < 2) return;
    shown_ = true;
    std::string rate;
    if (done_ > 0)
      rate = fmt::format(", {:.1f} million MACs/s, about {:.0f} s left", done_ / s / 1e6,
                         (work_ - done_) * s / done_);
    fmt::print(stderr, "\r\033[K{} of {} layers, {:.0f} s{}", done, layers_, s, rate);
    std::fflush(stderr);
  }
  void clear() const {
    if (shown_) fmt::print(stderr, "\r\033[K");
  }

 private:
  using Clock = std::chrono::steady_clock;
  bool on_;
  std::size_t layers_;
  double work_, done_ = 0;
  bool shown_ = false;
  Clock::time_point start_ = Clock::now();
};

// What a worker does: the report into the pipe. Never returns.
[[noreturn]] void work_and_exit(const Campaign& c, std::size_t layer, int pipe) {
  // The parent ends its workers itself; without a parent there is nobody to report to.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGTERM, SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  try {
    const std::string text =
        line_of(run_layer(*c.layers[layer], c.dataflow, *c.machine, c.options));
    std::size_t sent = 0;
    while (sent < text.size()) {
      const ssize_t n = write(pipe, text.data() + sent, text.size() - sent);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) _exit(1);
      sent += static_cast<std::size_t>(n);
    }
  } catch (...) {
    _exit(1);
  }
  _exit(0);
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
  const InterruptGuard guard;
  double pending = 0;
  for (std::size_t i = 0; i < c.layers.size(); ++i)
    if (done.count(i) == 0) pending += work(*c.layers[i]);
  Progress progress(c.progress, c.layers.size(), pending);
  std::vector<Worker> workers;
  std::size_t next = 0;
  const auto keep = [&](std::size_t layer, Json report) {
    if (journal.is_open()) {
      journal << line_of(Json{{"index", layer}, {"report", report}}) << std::flush;
      if (!journal) throw std::runtime_error(fmt::format("cannot write {}", c.journal));
    }
    progress.finished(work(*c.layers[layer]));
    done[layer] = std::move(report);
  };
  const auto failed = [&](std::size_t layer, const std::string& why) {
    Json j;
    j["layer"] = c.layers[layer]->layer.name;
    j["status"] = "error";
    j["reason"] = why;
    keep(layer, std::move(j));
  };
  while (!g_interrupted && (done.size() < c.layers.size() || !workers.empty())) {
    while (next < c.layers.size() && static_cast<int>(workers.size()) < std::max(c.jobs, 1)) {
      if (done.count(next) != 0) {
        ++next;
        continue;
      }
      int ends[2];
      if (pipe(ends) != 0) throw std::logic_error("cannot create a pipe");
      std::fflush(nullptr);
      const pid_t pid = fork();
      if (pid < 0) throw std::logic_error("cannot start a process");
      if (pid == 0) {
        close(ends[0]);
        work_and_exit(c, next, ends[1]);
      }
      close(ends[1]);
      workers.push_back({pid, ends[0], next, ""});
      ++next;
    }
    if (workers.empty()) break;
    std::vector<pollfd> polls;
    for (const Worker& w : workers) polls.push_back({w.pipe, POLLIN, 0});
    poll(polls.data(), polls.size(), 200);
    for (std::size_t i = workers.size(); i-- > 0;) {
      if ((polls[i].revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
      Worker& w = workers[i];
      char buffer[65536];
      const ssize_t n = read(w.pipe, buffer, sizeof buffer);
      if (n > 0) {
        w.text.append(buffer, static_cast<std::size_t>(n));
        continue;
      }
      if (n < 0 && errno == EINTR) continue;
      close(w.pipe);
      int status = 0;
      waitpid(w.pid, &status, 0);
      Json report = Json::parse(w.text, nullptr, false);
      if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && !report.is_discarded())
        keep(w.layer, std::move(report));
      else if (!g_interrupted)
        failed(w.layer,
               WIFSIGNALED(status)
                   ? fmt::format("the layer's process was ended by signal {}", WTERMSIG(status))
                   : std::string("the layer's process failed"));
      workers.erase(workers.begin() + static_cast<std::ptrdiff_t>(i));
    }
    progress.show(done.size());
  }
  progress.clear();
  for (const Worker& w : workers) {
    kill(w.pid, SIGKILL);
    close(w.pipe);
    waitpid(w.pid, nullptr, 0);
  }
  CampaignResult result;
  result.interrupted = g_interrupted != 0 && done.size() < c.layers.size();
  for (auto& [index, report] : done) result.reports.push_back(std::move(report));
  return result;
}

}  // namespace counterpoint::validation
