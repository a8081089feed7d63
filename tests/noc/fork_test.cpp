// SPDX-License-Identifier: Apache-2.0
// Routers that copy packets for several nodes: cycles by hand, and every copy once.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

#include "sim/noc/network.h"

namespace counterpoint::sim::noc {
namespace {

class Collector : public Receiver {
 public:
  void delivered(const Delivery& d) override { all.push_back(d); }
  void sent(const PacketRequest&, std::int64_t now) override { sent_at.push_back(now); }
  void added(const PacketRequest& p, int from) override {
    parts[{p.tag, p.source}].push_back(from);
  }
  // Of the sum that has arrived, its source included.
  std::vector<int> members(const Delivery& d) {
    std::vector<int> out{d.packet.source};
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::vector<int>& more = parts[{d.packet.tag, out[i]}];
      out.insert(out.end(), more.begin(), more.end());
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  std::vector<Delivery> all;
  std::map<std::pair<std::int64_t, int>, std::vector<int>> parts;  // of a packet's, by its source
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
      // The causes explain every cycle above those of an empty network with deep buffers.
      NetworkConfig deep = c;
      deep.buffer_depth = 4096;
      EXPECT_EQ(std::accumulate(d.late.begin(), d.late.end(), std::int64_t{0}),
                d.tail - d.offered - zero_load(deep, d.routers, d.packet.flits));
      EXPECT_GE(*std::min_element(d.late.begin(), d.late.end()), 0);
    }
    for (std::size_t l = 0; l < n->links().size(); ++l) {
      const LinkUse u = n->use(l, now);
      EXPECT_GE(u.idle, 0);
    }
  }
}

// Where the cycles go, by hand; as in routers without forks (property_test.cpp).
std::vector<Delivery> deliveries(const NetworkConfig& c,
                                 const std::vector<PacketRequest>& packets) {
  Collector got;
  const auto n = make_network(c, got);
  for (const PacketRequest& p : packets) n->offer(p, 0);
  run(*n);
  return got.all;
}

PacketRequest packet(int source, int destination, int flits, int flow = 0) {
  PacketRequest p;
  p.source = source;
  p.destination = destination;
  p.flits = flits;
  p.flow = flow;
  return p;
}

std::int32_t of(const Delivery& d, Cause cause) {
  return d.late[static_cast<std::size_t>(cause)];
}

TEST(ForkAttribution, PortLinkAndBuffer) {
  const NetworkConfig c = mesh(4, 4);
  std::int32_t before = 0;
  for (const Delivery& d : deliveries(c, {packet(0, 3, 8), packet(0, 3, 8), packet(0, 3, 8)})) {
    EXPECT_EQ(of(d, Cause::Port), before);
    before += 8;
  }
  // Node 1's 40 flits have the link (1,0) > (2,0) in cycles 2 to 41; node 0's head is there in 5.
  NetworkConfig deep = c;
  deep.buffer_depth = 64;
  for (const Delivery& d : deliveries(deep, {packet(1, 3, 40), packet(0, 3, 8)})) {
    EXPECT_EQ(of(d, Cause::Link), d.packet.source == 0 ? 42 - 5 : 0);
    EXPECT_EQ(d.tail, d.packet.source == 0 ? 42 + 3 * 3 + 7 : 3 * 3 + 1 + 40);
  }
  // The loop of 5 cycles is longer than the buffer: a cycle per four flits.
  NetworkConfig small = c;
  small.buffer_depth = 4;
  const auto one = deliveries(small, {packet(0, 1, 64)});
  EXPECT_EQ(of(one[0], Cause::BufferFull), 63 / 4);
  EXPECT_EQ(one[0].tail, 2 * 3 + 1 + 64 + 63 / 4);
}

// Node 0's packet to node 4 (below it) stands behind its packet to 3, which waits in router 0 for
// the buffer behind it: router 1's input from the left, stalled until 100.
TEST(ForkAttribution, ThePacketBehindABlockedOneWaitsForItsHead) {
  NetworkConfig c = mesh(4, 4);
  c.buffer_depth = 8;
  Collector got;
  const auto n = make_network(c, got);
  n->stall(1, 1, 100);
  // The first one fills the buffer; the second has no room there and is in the way of the third,
  // which would arrive in 16 + 2 * 3 + 1 + 4 = 27.
  for (const PacketRequest& p : {packet(0, 3, 8), packet(0, 3, 8), packet(0, 4, 4)}) n->offer(p, 0);
  run(*n);
  for (const Delivery& d : got.all)
    if (d.packet.destination == 4) {
      EXPECT_EQ(of(d, Cause::Port) + of(d, Cause::BufferFull) + of(d, Cause::HeadOfLine),
                d.tail - 11);
      EXPECT_GT(of(d, Cause::HeadOfLine), 0);
      EXPECT_EQ(of(d, Cause::Link) + of(d, Cause::Arbitration), 0);
      EXPECT_GT(d.tail, 100);
    }
}

// Nodes 1, 2 and 3 of a row to node 0, 16 flits: as quick as the farthest alone, 4 * 3 + 1 + 16;
// every link of the row carries 16 flits, and the one to the node.
TEST(Sums, AreAsQuickAsTheirFarthestPart) {
  Collector got;
  const auto n = make_network(mesh(4, 4), got);
  const int tree = n->sum_tree({3, 1, 2}, 0);
  n->offer_sum(packet(-1, -1, 16), tree, 0);
  run(*n);
  ASSERT_EQ(got.all.size(), 1u);
  EXPECT_EQ(got.all[0].tail, 29);
  EXPECT_EQ(got.members(got.all[0]), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(got.sent_at, (std::vector<std::int64_t>{15, 15, 15}));
  EXPECT_EQ(n->flit_hops(), 4 * 16);
}

// Nodes 1 and 2 of a row of three to node 0, twice; the middle router's input from the right is
// stalled until 100. Free, node 2's head is granted there in 5 and the tails come in 26 and 46: the
// second leaves router 2 when all 16 slots behind it are free, in 20 + 2 instead of 18. Stalled, it
// is granted in 100: 95 later, both. Node 1's second part waits at its source, because the buffer
// of 16 flits holds the first: free it follows in 16 to 31, stalled in 102 to 117.
TEST(Sums, ABlockedPartHoldsTheOthers) {
  for (const std::int64_t until : {0, 100}) {
    Collector got;
    const auto n = make_network(mesh(3, 1), got);
    const int tree = n->sum_tree({1, 2}, 0);
    if (until > 0) n->stall(1, 0, until);
    n->offer_sum(packet(-1, -1, 16), tree, 0);
    n->offer_sum(packet(-1, -1, 16), tree, 0);
    run(*n);
    const std::int64_t late = until == 0 ? 0 : 95;
    ASSERT_EQ(got.all.size(), 2u);
    EXPECT_EQ(got.all[0].tail, 26 + late);
    EXPECT_EQ(got.all[1].tail, 46 + late);
    EXPECT_EQ(of(got.all[0], Cause::BufferFull), late);
    EXPECT_EQ(*std::max_element(got.sent_at.begin(), got.sent_at.end()), until == 0 ? 31 : 117);
  }
}

// A part that is late by a port, not by the others: node 2 first sends 10 flits elsewhere. Its part
// and the sum are late by these 10 cycles, which are its port's.
TEST(Sums, AreAsLateAsTheLatestPart) {
  Collector got;
  const auto n = make_network(mesh(4, 2), got);
  const int tree = n->sum_tree({1, 2}, 0);
  n->offer(packet(2, 3, 10), 0);
  n->offer_sum(packet(-1, -1, 4), tree, 0);
  run(*n);
  for (const Delivery& d : got.all)
    if (d.packet.destination == 0) {
      EXPECT_EQ(d.tail, 3 * 3 + 1 + 4 + 10);
      EXPECT_EQ(of(d, Cause::Port), 10);
      EXPECT_EQ(std::accumulate(d.late.begin(), d.late.end(), 0), 10);
    }
}

// Random sums to several nodes with random stalls: every sum once, of all its
// parts, those of one node in order, and the causes explain what is above the way of the part
// that would be there last.
TEST(Sums, EveryPartIsAddedOnce) {
  std::mt19937 r(4);
  const auto below = [&](int n) { return static_cast<int>(r() % static_cast<unsigned>(n)); };
  for (int trial = 0; trial < 300; ++trial) {
    const std::vector<Shape> shapes = {Shape::Mesh,  Shape::Hierarchical, Shape::Crossbar,
                                       Shape::Xy,    Shape::Tree,         Shape::FatTree,
                                       Shape::Chain, Shape::PointToPoint};
    NetworkConfig c = mesh(1 + below(4), 2 + below(3));
    c.topology.shape = shapes[static_cast<std::size_t>(below(8))];
    if (c.topology.shape == Shape::Tree || c.topology.shape == Shape::FatTree) {
      c.topology.width = 8;
      c.topology.height = 1;
    }
    c.topology.cluster = 2;
    c.buffer_depth = 4 + below(12);
    c.timing.link = 1 + below(3);
    c.timing.routing = below(2);
    c.deadlock_after = 3000;
    if (below(3) == 0) c.arbiter = Arbiter::Oldest;
    Collector got;
    const auto n = make_network(c, got);
    const int nodes = static_cast<int>(n->topology().nodes.size());
    std::vector<std::vector<int>> members;
    std::vector<int> trees, roots, flits, of_sum;
    for (int i = 0; i < 4; ++i) {
      std::vector<int> some;
      for (int d = 0; d < nodes; ++d)
        if (below(2) == 0) some.push_back(d);
      if (some.empty()) some.push_back(below(nodes));
      roots.push_back(below(nodes));
      trees.push_back(n->sum_tree(some, roots.back()));
      members.push_back(some);
    }
    std::int64_t now = 0;
    const int packets = 1 + below(60);
    int sums = 0;
    for (int i = 0; i < packets; ++i) {
      const std::size_t which = static_cast<std::size_t>(below(4));
      PacketRequest p = packet(-1, -1, 1 + below(4));
      p.tag = sums++;
      of_sum.push_back(static_cast<int>(which));
      n->offer_sum(p, trees[which], now);
      for (int k = below(4); k > 0; --k) {
        if (below(5) == 0)
          n->stall(below(static_cast<int>(n->topology().routers.size())), 0, now + 9);
        n->step(now++);
      }
    }
    for (; !n->empty(); ++now) n->step(now);
    EXPECT_EQ(n->flits_inside(), 0);
    NetworkConfig deep = c;
    deep.buffer_depth = 4096;
    std::map<int, std::int64_t> last;
    int arrived = 0;
    for (const Delivery& d : got.all) {
      EXPECT_GE(*std::min_element(d.late.begin(), d.late.end()), 0);
      ++arrived;
      const std::size_t which =
          static_cast<std::size_t>(of_sum[static_cast<std::size_t>(d.packet.tag)]);
      EXPECT_EQ(got.members(d), members[which]);
      EXPECT_EQ(d.packet.destination, roots[which]);
      const auto before = last.find(d.packet.destination);
      if (before != last.end()) {
        EXPECT_LT(before->second, d.packet.tag);
      }
      last[d.packet.destination] = d.packet.tag;
      int far = 0;
      for (const int m : members[which])
        far = std::max(far, n->topology().routers_between(m, roots[which]));
      EXPECT_EQ(std::accumulate(d.late.begin(), d.late.end(), std::int64_t{0}),
                d.tail - d.offered - zero_load(deep, far, d.packet.flits));
    }
    EXPECT_EQ(arrived, sums);
    for (std::size_t l = 0; l < n->links().size(); ++l) {
      const LinkUse u = n->use(l, now);
      EXPECT_GE(u.idle, 0);
    }
  }
}

// Two packets of 9 flits for the same two nodes of a crossbar, buffers of 4: each has one of the
// outputs and waits for the other's. (The packet before has moved the turn at node 3.)
TEST(Fork, TwoThatHoldWhatTheOtherNeedsAreReportedAsARing) {
  NetworkConfig c = mesh(4, 1);
  c.topology.shape = Shape::Crossbar;
  c.buffer_depth = 4;
  c.deadlock_after = 100;
  Collector got;
  const auto n = make_network(c, got);
  n->offer(packet(0, 3, 1), 0);
  std::int64_t now = 0;
  for (; !n->empty(); ++now) n->step(now);
  const std::vector<int> both = {2, 3};
  for (const int source : {0, 1}) {
    PacketRequest p = packet(source, -1, 9);
    p.destinations = &both;
    n->offer(p, now);
  }
  std::string what;
  try {
    for (; now < 1000; ++now) n->step(now);
  } catch (const Deadlock& d) {
    what = d.what();
  }
  EXPECT_NE(what.find("router crossbar input 0 (packet of 0 to 2 nodes) waits for a link that a "
                      "packet has in router crossbar input 1"),
            std::string::npos)
      << what;
  EXPECT_NE(what.find("a ring"), std::string::npos) << what;
}

}  // namespace
}  // namespace counterpoint::sim::noc
