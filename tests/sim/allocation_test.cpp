// SPDX-License-Identifier: Apache-2.0
// No allocation per step: counted by replacing the global operators of this program.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/sim/nests.h"

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

namespace counterpoint::sim {
namespace {

// A batch of `batch` products; each adds the same steps again.
long count(std::int64_t batch) {
  const auto m = mapping(gemm(6, 4, 8, batch),
                         {LevelPlan().temporal(Dim::B, 1, 1), LevelPlan(2).spatial(Dim::M, 1, 1),
                          LevelPlan(4).temporal(Dim::K, 2, 2).spatial(Dim::N, 1, 1)});
  const long before = allocations;
  EXPECT_EQ(simulate(m).functional, Functional::Equal);
  return allocations - before;
}

TEST(Steps, AllocateNothingOnceTheQueuesHaveGrown) {
  const long few = count(100), many = count(1600);
  // 1,500 x 3 x 4 steps in each of two arrays more. The starts of residences are kept in one
  // vector per tensor and array: 4 arrays at most, doubled four times.
  EXPECT_LE(many - few, 4 * 3 * 4 + 8);
}

}  // namespace
}  // namespace counterpoint::sim
