// SPDX-License-Identifier: Apache-2.0
// Work in processes: the simulator's kernel is one per process, and a model that dies takes only
// its own process with it.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace counterpoint::validation {

/// How a process ended, and what it had written until then.
struct Ended {
  std::string text;
  bool ok = false;          ///< by itself, with everything written
  bool timeout = false;     ///< it had used up its processor time
  int signal = 0;           ///< else the signal that ended it, 0: it gave up
  std::string how() const;  ///< "was ended by signal 11", "took longer than its time limit", ...
};

/// Writes to the parent. Ends the process if nobody reads.
using Write = std::function<void(const std::string& text)>;

struct Pool {
  int jobs = 1;
  std::function<std::optional<std::size_t>()> next;          ///< the next task, if any is left
  std::function<void(std::size_t task, const Write&)> work;  ///< in a process of its own
  /// In the parent, in the order in which tasks end. False: stop, the others are not waited for.
  std::function<bool(std::size_t task, Ended ended)> finished;
  std::function<bool()> tick;  ///< several times a second; false: stop. May be empty
};

/// How much of each task is done, between 0 and 1: set by its process, read by the parent.
class SharedParts {
 public:
  explicit SharedParts(std::size_t tasks);
  ~SharedParts();
  SharedParts(const SharedParts&) = delete;
  SharedParts& operator=(const SharedParts&) = delete;
  void set(std::size_t task, double part);
  double at(std::size_t task) const;

 private:
  std::size_t bytes_ = 0;
  std::atomic<float>* parts_ = nullptr;  ///< in shared memory; null if there is none: all stay 0
};

/// Runs all tasks; true if an interrupt (SIGINT, SIGTERM) stopped it. Former handlers are restored.
bool run_pool(const Pool& pool);

/// Runs one piece of work in a process of its own.
Ended run_apart(const std::function<void(const Write&)>& work);

/// For the current process (a worker): it is ended when it has used so many more seconds of the
/// processor (or twenty times as many on the clock). 0: no limit.
void limit_time(int seconds);

}  // namespace counterpoint::validation
