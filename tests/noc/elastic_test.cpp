// SPDX-License-Identifier: Apache-2.0
// Forks, joins and chains with back-pressure, to the cycle. Derivations: a word pushed in cycle c
// can be popped in c + 1; a FIFO that was full at the beginning of a cycle takes nothing in it.
#include "sim/noc/elastic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace counterpoint::sim::noc {
namespace {

std::vector<std::int64_t> words(int n, std::int64_t from = 0) {
  std::vector<std::int64_t> out(static_cast<std::size_t>(n));
  std::iota(out.begin(), out.end(), from);
  return out;
}

// One branch of a fork stalls k cycles from cycle 10. Its FIFO, with one word in it, takes D - 1
// more; the source waits until the cycle after the branch goes on: k - (D - 2) cycles.
TEST(Fork, ABlockedBranchHoldsTheOtherOnceItsFifoIsFull) {
  for (const int depth : {2, 3, 4, 8})
    for (const int k : {0, 1, 5, 10, 20})
      for (const Fork fork : {Fork::Together, Fork::OneByOne}) {
        ElasticNetwork net;
        const int a = net.fifo(depth);
        const int b = net.fifo(depth);
        net.cell({}, {a, b}, words(32), 1, fork);
        const int sink_a = net.sink({a}, 1);
        const int sink_b = net.sink({b}, 1);
        net.stall(sink_b, 10, 10 + k);
        net.run();
        EXPECT_EQ(net.arrivals(sink_b).back().cycle, 32 + k);
        EXPECT_EQ(net.arrivals(sink_a).back().cycle, 32 + std::max(0, k - (depth - 2)));
        for (const int s : {sink_a, sink_b}) {
          ASSERT_EQ(net.arrivals(s).size(), 32u);
          for (int i = 0; i < 32; ++i)
            EXPECT_EQ(net.arrivals(s)[static_cast<std::size_t>(i)].value, i);
        }
      }
}

// R PEs add their partial sums and forward. Returns when the last one arrives.
std::int64_t chain(int pes, int sums, int interval, int depth, int slow = -1, int slower = 0) {
  ElasticNetwork net;
  std::vector<int> in;
  for (int r = 0; r < pes; ++r) {
    const int out = net.fifo(depth);
    net.cell(in, {out}, words(sums, 100 * r), interval + (r == slow ? slower : 0));
    in = {out};
  }
  const int sink = net.sink(in, 1);
  net.run();
  EXPECT_EQ(net.arrivals(sink).size(), static_cast<std::size_t>(sums));
  for (int j = 0; j < sums; ++j)  // the sum over r of 100 r + j
    EXPECT_EQ(net.arrivals(sink)[static_cast<std::size_t>(j)].value,
              100 * pes * (pes - 1) / 2 + pes * j);
  return net.arrivals(sink).back().cycle;
}

TEST(ReductionChain, TheSlowestPeSetsTheRate) {
  for (const int pes : {1, 2, 4, 12})
    for (const int sums : {1, 8})
      for (const int interval : {1, 3}) {
        // The first after I cycles and a cycle per PE that forwards it, then one per I cycles.
        EXPECT_EQ(chain(pes, sums, interval, 2), interval + pes - 1 + (sums - 1) * interval);
        for (int s = 0; s < pes; ++s)
          for (const int d : {1, 2}) {
            const int first =
                s == 0 ? interval + d - 1 : std::max(interval + d - 1, s + interval - 1);
            EXPECT_EQ(chain(pes, sums, interval, 2, s, d),
                      first + (sums - 1) * (interval + d) + pes - s);
          }
      }
}

TEST(ReductionChain, ASingleSlotHalvesTheRate) {
  EXPECT_EQ(chain(4, 8, 1, 1), 4 + 7 * 2);
}

struct TreeRun {
  std::int64_t last = 0;
  std::int64_t blocked = 0;  // cycles of one multiplier, the one blocked longest
};

// m trees of two levels over 4 multipliers each, their results over a bus of c words per cycle.
TreeRun trees(int m, int steps, int bus, int depth) {
  ElasticNetwork net;
  std::vector<int> roots;
  std::vector<int> multipliers;
  for (int t = 0; t < m; ++t) {
    std::vector<int> level;
    for (int half = 0; half < 2; ++half) {
      std::vector<int> products;
      for (int i = 0; i < 2; ++i) {
        products.push_back(net.fifo(depth));
        multipliers.push_back(net.cell({}, {products.back()}, words(steps)));
      }
      level.push_back(net.fifo(depth));
      net.cell(products, {level.back()});
    }
    roots.push_back(net.fifo(depth));
    net.cell(level, {roots.back()});
  }
  const int sink = net.sink(roots, bus);
  net.run();
  EXPECT_EQ(net.arrivals(sink).size(), static_cast<std::size_t>(m * steps));
  std::vector<int> next(static_cast<std::size_t>(m), 0);
  for (const auto& a : net.arrivals(sink))
    EXPECT_EQ(a.value, 4 * next[static_cast<std::size_t>(a.input)]++);
  TreeRun run;
  run.last = net.arrivals(sink).back().cycle;
  for (const int c : multipliers) run.blocked = std::max(run.blocked, net.blocked(c));
  return run;
}

// The first results reach the bus after three FIFOs; then it is busy until the last.
TEST(ReductionTree, TheBusSetsTheEndAndFiniteFifosStallTheMultipliers) {
  for (const int bus : {1, 2, 4})
    for (const int depth : {2, 8, 64}) EXPECT_EQ(trees(4, 16, bus, depth).last, 64 / bus + 2);
  EXPECT_EQ(trees(4, 16, 4, 2).blocked, 0);
  EXPECT_EQ(trees(4, 16, 1, 64).blocked, 0);
  EXPECT_GT(trees(4, 16, 2, 2).blocked, 0);
  EXPECT_GT(trees(4, 16, 1, 2).blocked, trees(4, 16, 1, 8).blocked);
}

}  // namespace
}  // namespace counterpoint::sim::noc
