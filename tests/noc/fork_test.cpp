// SPDX-License-Identifier: Apache-2.0
// Routers that copy packets for several nodes: cycles by hand, and every copy once.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "sim/noc/network.h"

namespace counterpoint::sim::noc {
namespace {

class Collector : public Receiver {
 public:
  void delivered(const Delivery& d) override { all.push_back(d); }
  void sent(const PacketRequest&, std::int64_t now) override { sent_at.push_back(now); }
  std::vector<Delivery> all;
  std::vector<std::int64_t> sent_at;
};

NetworkConfig mesh(int width, int height) {
  NetworkConfig c;
  c.topology.width = width;
  c.topology.height = height;
  c.timing.routing = 0;
  c.timing.speculative = true;  // pipeline B: P = 2
  c.forks = true;
  c.buffer_depth = 16;
  return c;
}

void run(Network& n) {
  for (std::int64_t now = 0; !n.empty(); ++now) n.step(now);
}

TEST(Fork, AnEmptyNetworkTakesWhatTheFormulaSays) {
  for (const Shape shape : {Shape::Mesh, Shape::Tree, Shape::Xy, Shape::Crossbar, Shape::Chain})
    for (const int flits : {1, 3, 9}) {
      NetworkConfig c = mesh(shape == Shape::Tree ? 8 : 4, shape == Shape::Tree ? 1 : 2);
      c.topology.shape = shape;
      const int nodes = static_cast<int>(make_topology(c.topology).nodes.size());
      for (int a = 0; a < nodes; ++a)
        for (int b = 0; b < nodes; ++b) {
          Collector got;
          const auto n = make_network(c, got);
          PacketRequest p;
          p.source = a;
          p.destination = b;
          p.flits = flits;
          n->offer(p, 0);
          run(*n);
          ASSERT_EQ(got.all.size(), 1u);
          EXPECT_EQ(got.all[0].tail, zero_load(c, n->topology().routers_between(a, b), flits));
          EXPECT_EQ(got.sent_at, std::vector<std::int64_t>{flits - 1});
        }
    }
}

// A row of four, node 0 to 1, 2 and 3, 16 flits: each gets it as if it were alone, the farthest in
// 4 * 3 + 1 + 16 = 29; the links of the row carry every flit once: 3 * 16, and 3 * 16 to the nodes.
TEST(Fork, AMulticastIsAsQuickAsItsFarthestUnicast) {
  NetworkConfig c = mesh(4, 4);
  Collector got;
  const auto n = make_network(c, got);
  const std::vector<int> to = {3, 2, 1};
  PacketRequest p;
  p.flits = 16;
  p.destinations = &to;
  n->offer(p, 0);
  run(*n);
  std::map<int, std::int64_t> tail;
  for (const Delivery& d : got.all) tail[d.packet.destination] = d.tail;
  EXPECT_EQ(tail, (std::map<int, std::int64_t>{{1, 23}, {2, 26}, {3, 29}}));
  EXPECT_EQ(n->flit_hops(), 6 * 16);
}

// To the left and to the right of a row's middle; the right neighbour's input is stalled for k
// cycles. The left copy runs ahead as far as the middle's buffer of 16 flits allows: the flits of a
// packet that fits are all there, so it is not late at all. A packet of 64 flits makes the left
// copy late, but less than the right one.
TEST(Fork, ABlockedBranchHoldsTheOtherBackOnceTheBufferIsFull) {
  const auto tails = [](int flits, std::int64_t stall) {
    NetworkConfig c = mesh(3, 1);
    Collector got;
    const auto n = make_network(c, got);
    const std::vector<int> to = {0, 2};
    PacketRequest p;
    p.source = 1;
    p.flits = flits;
    p.destinations = &to;
    if (stall > 0) n->stall(2, 1, stall);  // from its left neighbour
    n->offer(p, 0);
    run(*n);
    std::map<int, std::int64_t> tail;
    for (const Delivery& d : got.all) tail[d.packet.destination] = d.tail;
    return tail;
  };
  auto free = tails(16, 0), blocked = tails(16, 100);
  EXPECT_EQ(free[0], 2 * 3 + 1 + 16);
  EXPECT_EQ(blocked[0], free[0]);
  EXPECT_GT(blocked[2], 100);
  free = tails(64, 0);
  blocked = tails(64, 100);
  EXPECT_EQ(free[0], 2 * 3 + 1 + 64);
  EXPECT_GT(blocked[0], free[0]);
  EXPECT_LT(blocked[0] - free[0], blocked[2] - free[2]);
  // From there on, a cycle for a cycle.
  auto later = tails(64, 150);
  EXPECT_EQ(later[0] - blocked[0], 50);
  EXPECT_EQ(later[2] - blocked[2], 50);
}

// Random sets of destinations on random networks with random stalls: every copy arrives once, in
// order per source and destination, and every link's cycles add up.
TEST(Fork, EveryCopyArrivesOnceAndInOrder) {
  std::mt19937 r(3);
  const auto below = [&](int n) { return static_cast<int>(r() % static_cast<unsigned>(n)); };
  for (int trial = 0; trial < 200; ++trial) {
    const std::vector<Shape> shapes = {Shape::Mesh,  Shape::Hierarchical, Shape::Crossbar,
                                       Shape::Xy,    Shape::Tree,         Shape::FatTree,
                                       Shape::Chain, Shape::PointToPoint};
    NetworkConfig c = mesh(1 + below(4), 1 + below(4));
    c.topology.shape = shapes[static_cast<std::size_t>(below(8))];
    if (c.topology.shape == Shape::Tree || c.topology.shape == Shape::FatTree) {
      c.topology.width = 8;
      c.topology.height = 1;
    }
    c.topology.cluster = 2;
    c.buffer_depth = 1 + below(12);
    c.timing.link = 1 + below(3);
    c.timing.routing = below(2);
    c.deadlock_after = 3000;
    Collector got;
    const auto n = make_network(c, got);
    const int nodes = static_cast<int>(n->topology().nodes.size());
    const int packets = 1 + below(40);
    std::vector<std::vector<int>> to(static_cast<std::size_t>(packets));
    // One source, as in an array: packets that fork from several could wait for each other.
    const int source = below(nodes);
    std::int64_t expected = 0, now = 0;
    for (int i = 0; i < packets; ++i) {
      for (int d = 0; d < nodes; ++d)
        if (below(3) == 0) to[static_cast<std::size_t>(i)].push_back(d);
      if (to[static_cast<std::size_t>(i)].empty()) to[static_cast<std::size_t>(i)].push_back(0);
      expected += static_cast<std::int64_t>(to[static_cast<std::size_t>(i)].size());
      PacketRequest p;
      p.source = source;
      p.flits = 1 + below(std::min(8, c.buffer_depth));
      p.tag = i;
      p.destinations = &to[static_cast<std::size_t>(i)];
      n->offer(p, now);
      for (int k = below(4); k > 0; --k) {
        if (below(5) == 0)
          n->stall(below(static_cast<int>(n->topology().routers.size())), 0, now + 9);
        n->step(now++);
      }
    }
    for (; !n->empty(); ++now) n->step(now);
    EXPECT_EQ(n->flits_inside(), 0);
    ASSERT_EQ(static_cast<std::int64_t>(got.all.size()), expected);
    std::map<int, std::int64_t> last;
    for (const Delivery& d : got.all) {
      const auto& set = to[static_cast<std::size_t>(d.packet.tag)];
      EXPECT_NE(std::find(set.begin(), set.end(), d.packet.destination), set.end());
      const auto before = last.find(d.packet.destination);
      if (before != last.end()) {
        EXPECT_LT(before->second, d.packet.tag);
      }
      last[d.packet.destination] = d.packet.tag;
      EXPECT_GE(d.tail - d.offered,
                zero_load(mesh(1, 1), 0, d.packet.flits));  // at least its flits
    }
    for (std::size_t l = 0; l < n->links().size(); ++l) {
      const LinkUse u = n->use(l, now);
      EXPECT_GE(u.idle, 0);
    }
  }
}

}  // namespace
}  // namespace counterpoint::sim::noc
