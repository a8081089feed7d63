// SPDX-License-Identifier: Apache-2.0
#include "validation/processes.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <vector>

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
  std::size_t task = 0;
  std::string text;
};

// Never returns.
[[noreturn]] void work_and_exit(const std::function<void(const Write&)>& work, int pipe) {
  // The parent ends its workers itself; without a parent there is nobody to report to.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGTERM, SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  try {
    work([pipe](const std::string& text) {
      std::size_t sent = 0;
      while (sent < text.size()) {
        const ssize_t n = write(pipe, text.data() + sent, text.size() - sent);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) _exit(1);
        sent += static_cast<std::size_t>(n);
      }
    });
  } catch (...) {
    _exit(1);
  }
  _exit(0);
}

Worker start(std::size_t task, const std::function<void(const Write&)>& work) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("cannot create a pipe");
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid < 0) throw std::runtime_error("cannot start a process");
  if (pid == 0) {
    close(ends[0]);
    work_and_exit(work, ends[1]);
  }
  close(ends[1]);
  return {pid, ends[0], task, ""};
}

// Reads what is there; true if the process has ended.
bool read_from(Worker& w) {
  char buffer[65536];
  const ssize_t n = read(w.pipe, buffer, sizeof buffer);
  if (n > 0) w.text.append(buffer, static_cast<std::size_t>(n));
  return n == 0 || (n < 0 && errno != EINTR);
}

Ended bury(Worker& w) {
  close(w.pipe);
  int status = 0;
  while (waitpid(w.pid, &status, 0) < 0 && errno == EINTR) {
  }
  Ended e;
  e.text = std::move(w.text);
  e.ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  e.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  e.timeout = e.signal == SIGPROF || e.signal == SIGALRM;
  return e;
}

}  // namespace

std::string Ended::how() const {
  if (ok) return "ended by itself";
  if (timeout) return "took longer than its time limit";
  return signal != 0 ? fmt::format("was ended by signal {}", signal) : std::string("failed");
}

SharedParts::SharedParts(std::size_t tasks)
    : bytes_(std::max<std::size_t>(tasks, 1) * sizeof *parts_) {
  void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) parts_ = static_cast<std::atomic<float>*>(memory);  // all bytes are 0
}

SharedParts::~SharedParts() {
  if (parts_ != nullptr) munmap(parts_, bytes_);
}

void SharedParts::set(std::size_t task, double part) {
  if (parts_ != nullptr) parts_[task].store(static_cast<float>(part), std::memory_order_relaxed);
}

double SharedParts::at(std::size_t task) const {
  return parts_ != nullptr ? static_cast<double>(parts_[task].load(std::memory_order_relaxed)) : 0;
}

bool run_pool(const Pool& pool) {
  const InterruptGuard guard;
  std::vector<Worker> workers;
  bool more = true;
  while (more && !g_interrupted) {
    while (static_cast<int>(workers.size()) < std::max(pool.jobs, 1)) {
      const auto task = pool.next();
      if (!task) break;
      workers.push_back(start(*task, [&](const Write& write) { pool.work(*task, write); }));
    }
    if (workers.empty()) break;
    std::vector<pollfd> polls;
    for (const Worker& w : workers) polls.push_back({w.pipe, POLLIN, 0});
    poll(polls.data(), polls.size(), 200);
    for (std::size_t i = workers.size(); i-- > 0;) {
      if ((polls[i].revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
      if (!read_from(workers[i])) continue;
      Worker w = std::move(workers[i]);
      workers.erase(workers.begin() + static_cast<std::ptrdiff_t>(i));
      Ended ended = bury(w);
      // An interrupt may have reached the worker's group as well.
      if (g_interrupted && !ended.ok) continue;
      if (more) more = pool.finished(w.task, std::move(ended));
    }
    if (pool.tick && !pool.tick()) more = false;
  }
  for (Worker& w : workers) {
    kill(w.pid, SIGKILL);
    bury(w);
  }
  return g_interrupted != 0;
}

Ended run_apart(const std::function<void(const Write&)>& work) {
  Worker w = start(0, work);
  while (!read_from(w)) {
  }
  return bury(w);
}

void limit_time(int seconds) {
  itimerval processor = {}, clock = {};
  processor.it_value.tv_sec = seconds;
  clock.it_value.tv_sec = 20L * seconds;
  setitimer(ITIMER_PROF, &processor, nullptr);
  setitimer(ITIMER_REAL, &clock, nullptr);
}

}  // namespace counterpoint::validation
