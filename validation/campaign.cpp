// SPDX-License-Identifier: Apache-2.0
#include "validation/campaign.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

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

std::map<std::size_t, Json> read_journal(const Campaign& c) {
  std::map<std::size_t, Json> done;
  std::ifstream in(c.journal);
  std::string line;
  if (!in || !std::getline(in, line)) return done;
  const Json head = Json::parse(line, nullptr, false);
  if (head.is_discarded() || head.value("fingerprint", "") != c.fingerprint)
    throw input::InputError(fmt::format(
        "{} belongs to a run with other inputs or options: remove it, or run without --resume",
        c.journal));
  while (std::getline(in, line)) {
    const Json entry = Json::parse(line, nullptr, false);
    if (entry.is_discarded() || !entry.contains("index")) continue;  // cut off while written
    done[entry["index"].get<std::size_t>()] = entry["report"];
  }
  return done;
}

class Progress {
 public:
  Progress(bool on, std::size_t total) : on_(on), total_(total) {}
  void update(std::size_t done, bool last) {
    if (!on_) return;
    const double s = std::chrono::duration<double>(Clock::now() - start_).count();
    if (s < 2 && !shown_) return;
    if (last) {
      if (shown_) std::fprintf(stderr, "\r\033[K");
      return;
    }
    shown_ = true;
    const double left =
        done > 0 ? s / static_cast<double>(done) * static_cast<double>(total_ - done) : 0;
    std::fprintf(stderr, "\r\033[K%zu of %zu layers, %.0f s%s", done, total_, s,
                 done > 0 ? fmt::format(", about {:.0f} s left", left).c_str() : "");
    std::fflush(stderr);
  }

 private:
  using Clock = std::chrono::steady_clock;
  bool on_;
  std::size_t total_;
  bool shown_ = false;
  Clock::time_point start_ = Clock::now();
};

}  // namespace

CampaignResult run_campaign(const Campaign& c) {
  std::map<std::size_t, Json> done;
  if (c.resume && !c.journal.empty()) done = read_journal(c);
  std::ofstream journal;
  if (!c.journal.empty()) {
    const bool fresh = done.empty();
    journal.open(c.journal, fresh ? std::ios::trunc : std::ios::app);
    if (fresh) journal << Json{{"fingerprint", c.fingerprint}}.dump() << "\n" << std::flush;
    if (!journal) throw input::InputError(fmt::format("cannot write {}", c.journal));
  }
  const InterruptGuard guard;
  Progress progress(c.progress, c.layers.size());
  std::vector<Worker> workers;
  std::size_t next = 0;
  const auto keep = [&](std::size_t layer, Json report) {
    if (journal.is_open())
      journal << Json{{"index", layer}, {"report", report}}.dump() << "\n" << std::flush;
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
        std::signal(SIGINT, SIG_DFL);
        std::signal(SIGTERM, SIG_DFL);
        close(ends[0]);
        const std::string text =
            run_layer(*c.layers[next], c.dataflow, *c.machine, c.options).dump();
        std::size_t sent = 0;
        while (sent < text.size()) {
          const ssize_t n = write(ends[1], text.data() + sent, text.size() - sent);
          if (n <= 0) _exit(1);
          sent += static_cast<std::size_t>(n);
        }
        _exit(0);
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
      if (n < 0) continue;
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
    progress.update(done.size(), false);
  }
  progress.update(done.size(), true);
  for (const Worker& w : workers) {
    kill(w.pid, SIGKILL);
    close(w.pipe);
    waitpid(w.pid, nullptr, 0);
  }
  CampaignResult result;
  result.interrupted = g_interrupted != 0;
  for (auto& [index, report] : done) result.reports.push_back(std::move(report));
  return result;
}

}  // namespace counterpoint::validation
