// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/network_module.h"

#include <algorithm>
#include <exception>
#include <systemc>

#include "sim/control/context.h"

namespace counterpoint::sim::noc {
namespace {

// SystemC's library refers to sc_main; this makes the linker take simulator.cpp's.
[[maybe_unused]] int (*const volatile kMain)(int, char**) = &sc_main;

// One process for all routers and links: a process each would cost more than what they do.
class NetworkModule : public sc_core::sc_module {
 public:
  NetworkModule(const sc_core::sc_module_name& name, Network& network, Source& source,
                std::int64_t from, std::int64_t until)
      : sc_core::sc_module(name), network_(network), source_(source), now_(from), until_(until) {
    asked_ = from;
    SC_HAS_PROCESS(NetworkModule);
    SC_METHOD(cycle);
  }
  std::int64_t now() const { return now_; }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void cycle() {
    if (now_ >= until_) return;
    try {
      if (asked_ <= now_) asked_ = source_.feed(now_, network_);
      if (!network_.empty()) network_.step(now_);
    } catch (...) {
      failure_ = std::current_exception();  // the kernel would change its type
      return;
    }
    if (network_.empty() && asked_ == kNever) {
      ++now_;
      return;
    }
    const std::int64_t next =
        std::min(until_, network_.empty() ? std::max(asked_, now_ + 1) : now_ + 1);
    const std::int64_t wait = next - now_;
    now_ = next;
    next_trigger(static_cast<double>(wait), sc_core::SC_NS);
  }

  Network& network_;
  Source& source_;
  std::int64_t now_;
  std::int64_t until_;
  std::int64_t asked_ = 0;
  std::exception_ptr failure_;
};

}  // namespace

std::int64_t run(Network& network, Source& source, std::int64_t from, std::int64_t until) {
  const Context context;
  NetworkModule module("network", network, source, from, until);
  sc_core::sc_start();
  module.rethrow();
  return module.now();
}

}  // namespace counterpoint::sim::noc
