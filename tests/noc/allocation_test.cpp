// SPDX-License-Identifier: Apache-2.0
// No allocation in the cycle loop: counted by replacing the global operators of this program.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/noc/helpers.h"

namespace {
std::atomic<long> allocations{0};
}

// Not inlined: seen together, the compiler takes the pair malloc and delete for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
// Temporary buffers of the standard's algorithms come from here; all forms must match delete.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
  std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}

namespace counterpoint::sim::noc {
namespace {

class Counter : public Receiver {
 public:
  void delivered(const Delivery&) override { ++count; }
  int count = 0;
};

// Every node sends to a changing other one; the first rounds fill the pools.
void rounds(Network& network, std::int64_t& now, int n) {
  for (int i = 0; i < n; ++i) {
    for (int s = 0; s < 16; ++s) {
      PacketRequest p;
      p.source = s;
      p.destination = (s * 7 + i) % 16;
      p.flits = 1 + (s + i) % 9;
      network.offer(p, now);
    }
    while (!network.empty()) network.step(now++);
  }
}

TEST(CycleLoop, AllocatesNothingOnceThePoolsHaveGrown) {
  for (const NetworkConfig& c : {booksim(4, "a", 4, 8), booksim(4, "b", 1, 4), noxim(4, 2, 4)}) {
    Counter counter;
    const auto network = make_network(c, counter);
    std::int64_t now = 0;
    rounds(*network, now, 32);
    const long before = allocations;
    rounds(*network, now, 200);
    EXPECT_EQ(allocations - before, 0);
    EXPECT_EQ(counter.count, 232 * 16);
  }
}

// Multicasts from one node and sums to it.
TEST(CycleLoop, CopyingAndAddingAllocatesNothing) {
  NetworkConfig c = booksim(4, "b", 1, 8);
  c.forks = true;
  Counter counter;
  const auto network = make_network(c, counter);
  std::vector<int> all;
  for (int i = 1; i < 16; ++i) all.push_back(i);
  const int tree = network->sum_tree(all, 0);
  std::int64_t now = 0;
  const auto rounds = [&](int n) {
    for (int i = 0; i < n; ++i) {
      PacketRequest p;
      p.flits = 1 + i % 8;
      p.destinations = &all;
      network->offer(p, now);
      p.destinations = nullptr;
      network->offer_sum(p, tree, now);
      while (!network->empty()) network->step(now++);
    }
  };
  rounds(32);
  const long before = allocations;
  rounds(200);
  EXPECT_EQ(allocations - before, 0);
  EXPECT_EQ(counter.count, 232 * 16);
}

}  // namespace
}  // namespace counterpoint::sim::noc
