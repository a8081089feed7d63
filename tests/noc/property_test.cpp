// SPDX-License-Identifier: Apache-2.0
// What must hold on every network under every traffic.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "tests/noc/helpers.h"

namespace counterpoint::sim::noc {
namespace {

struct Case {
  NetworkConfig config;
  std::vector<TracePacket> trace;
};

NetworkConfig any_network() {
  NetworkConfig c;
  c.topology.shape = static_cast<Shape>(*rc::gen::inRange(0, 10));
  c.topology.width = *rc::gen::inRange(1, 6);
  c.topology.height = *rc::gen::inRange(1, 6);
  c.topology.cluster = *rc::gen::inRange(1, 4);
  c.topology.lanes = *rc::gen::inRange(1, 5);
  c.vcs = *rc::gen::inRange(1, 5);
  c.buffer_depth = *rc::gen::inRange(1, 10);
  c.timing.routing = *rc::gen::inRange(0, 3);
  c.timing.speculative = *rc::gen::inRange(0, 2) == 1;
  c.timing.link = *rc::gen::inRange(1, 4);
  c.timing.credit = *rc::gen::inRange(0, 3);
  c.arbiter = static_cast<Arbiter>(*rc::gen::inRange(0, 2));
  if (c.topology.shape == Shape::Torus) c.vcs = std::max(c.vcs, 2);
  if (c.topology.shape == Shape::Tree || c.topology.shape == Shape::FatTree) {
    c.topology.width = 1 << *rc::gen::inRange(1, 4);
    c.topology.height = 1;
  }
  if (c.topology.shape == Shape::Mesh && *rc::gen::inRange(0, 2) == 1) {
    if (*rc::gen::inRange(0, 2) == 1) {
      c.topology.routing = Routing::WestFirst;
    } else {
      c.timing = router_timing("noxim");
    }
  }
  c.deadlock_after = 2000;
  return c;
}

Case any_case() {
  Case out;
  out.config = any_network();
  const int nodes = static_cast<int>(make_topology(out.config.topology).nodes.size());
  const int packets = *rc::gen::inRange(1, 150);
  std::int64_t time = 0;
  const int gap = *rc::gen::inRange(1, 8);
  for (int i = 0; i < packets; ++i) {
    time += *rc::gen::inRange(0, gap);
    out.trace.push_back(
        {time, *rc::gen::inRange(0, nodes), *rc::gen::inRange(0, nodes), *rc::gen::inRange(1, 12)});
  }
  return out;
}

class Collector : public Receiver {
 public:
  void delivered(const Delivery& d) override { all.push_back(d); }
  std::vector<Delivery> all;
};

// Steps by hand, with stalls of random inputs.
std::vector<Delivery> run_with_stalls(const Case& c) {
  Collector collector;
  const auto network = make_network(c.config, collector);
  const Topology& t = network->topology();
  std::size_t next = 0;
  for (std::int64_t now = 0; next < c.trace.size() || !network->empty(); ++now) {
    for (; next < c.trace.size() && c.trace[next].time <= now; ++next) {
      PacketRequest p;
      p.source = c.trace[next].source;
      p.destination = c.trace[next].destination;
      p.flits = c.trace[next].flits;
      p.tag = static_cast<std::int64_t>(next);
      network->offer(p, now);
    }
    if (now % 7 == 3) {
      const int router = *rc::gen::inRange(0, static_cast<int>(t.routers.size()));
      const int ports = static_cast<int>(t.routers[static_cast<std::size_t>(router)].ports.size());
      network->stall(router, *rc::gen::inRange(0, ports), now + *rc::gen::inRange(1, 30));
    }
    network->step(now);
  }
  EXPECT_EQ(network->flits_inside(), 0);
  return collector.all;
}

void check_deliveries(const Case& c, const std::vector<Delivery>& all) {
  // Every packet once, as it was offered, at its destination.
  std::vector<int> seen(c.trace.size(), 0);
  for (const Delivery& d : all) {
    const std::size_t i = static_cast<std::size_t>(d.packet.tag);
    RC_ASSERT(i < c.trace.size());
    ++seen[i];
    RC_ASSERT(d.packet.source == c.trace[i].source);
    RC_ASSERT(d.packet.destination == c.trace[i].destination);
    RC_ASSERT(d.packet.flits == c.trace[i].flits);
    RC_ASSERT(d.offered == c.trace[i].time);
    // Never quicker than an empty network, and every cycle above it has a cause.
    NetworkConfig deep = c.config;
    deep.buffer_depth = 1000000;
    const std::int64_t least = zero_load(deep, d.routers, d.packet.flits);
    RC_ASSERT(d.tail - d.offered >= least);
    if (c.config.timing.flow == Flow::Credit) {
      for (const std::int32_t late : d.late) RC_ASSERT(late >= 0);
      RC_ASSERT(total_late(d) == d.tail - d.offered - least);
    }
  }
  for (const int n : seen) RC_ASSERT(n == 1);
}

// With one channel and one way, the packets of a source for a destination arrive in order.
void check_order(const Case& c, const std::vector<Delivery>& all) {
  if (c.config.vcs != 1 || c.config.topology.routing != Routing::DimensionOrder) return;
  std::map<std::pair<int, int>, std::int64_t> last;
  for (const Delivery& d : all) {
    const auto flow = std::make_pair(d.packet.source, d.packet.destination);
    const auto before = last.find(flow);
    // (the macro evaluates both sides of ||)
    if (before != last.end()) RC_ASSERT(before->second < d.packet.tag);
    last[flow] = d.packet.tag;
  }
}

RC_GTEST_PROP(AnyNetwork, EveryPacketArrivesOnceAndEveryLateCycleHasACause, ()) {
  const Case c = any_case();
  const TraceRun run = run_trace(c.config, c.trace);
  check_deliveries(c, run.deliveries);
  check_order(c, run.deliveries);
  std::int64_t hops = 0;
  for (const Delivery& d : run.deliveries) hops += std::int64_t{d.routers} * d.packet.flits;
  RC_ASSERT(run.flit_hops == hops);
  if (c.config.timing.flow == Flow::Credit) {
    std::int64_t used = 0;
    for (const LinkUse& u : run.use) {
      used += u.used;
      RC_ASSERT(u.idle >= 0);
      RC_ASSERT(u.used + u.stalled + u.lost + u.idle == run.cycles);
    }
    RC_ASSERT(used == hops);
  }
}

RC_GTEST_PROP(AnyNetwork, StallsChangeCyclesOnly, ()) {
  const Case c = any_case();
  const std::vector<Delivery> all = run_with_stalls(c);
  check_deliveries(c, all);
  check_order(c, all);
}

RC_GTEST_PROP(AnyNetwork, TheSameInputGivesTheSameCycles, ()) {
  const Case c = any_case();
  RC_ASSERT(tails(c.config, c.trace) == tails(c.config, c.trace));
}

TEST(Torus, RingsFullOfLongPacketsDoNotDeadlock) {
  NetworkConfig c = booksim(4, "a", 2, 2);
  c.topology.shape = Shape::Torus;
  std::vector<TracePacket> trace;
  for (int round = 0; round < 20; ++round)
    for (int n = 0; n < 16; ++n) trace.push_back({0, n, n / 4 * 4 + (n + 2) % 4, 30});
  EXPECT_EQ(run_trace(c, trace).deliveries.size(), trace.size());
}

TEST(Bus, CarriesOneFlitPerCycleWhoeverSends) {
  NetworkConfig c = booksim(4, "b", 1, 8);
  c.topology.shape = Shape::Bus;
  std::vector<TracePacket> trace;
  for (int n = 0; n < 16; ++n) trace.push_back({0, n, (n + 1) % 16, 10});
  const auto got = tails(c, trace);
  // Two routers of 2 cycles, two links, one for the port; 160 flits one after the other.
  EXPECT_EQ(*std::max_element(got.begin(), got.end()), 2 * 3 + 1 + 160);
}

TEST(PointToPoint, FlowsBetweenDifferentNodesDoNotMeet) {
  NetworkConfig c = booksim(4, "b", 1, 8);
  c.topology.shape = Shape::PointToPoint;
  std::vector<TracePacket> trace;
  for (int n = 0; n < 16; ++n) trace.push_back({0, n, (n + 5) % 16, 10});
  for (const std::int64_t tail : tails(c, trace)) EXPECT_EQ(tail, 2 * 3 + 1 + 10);
}

TEST(FatTree, LanesAtTheRootCarryWhatATreeCannot) {
  NetworkConfig c = booksim(4, "b", 1, 8);
  c.topology.width = 8;
  c.topology.height = 1;
  std::vector<TracePacket> trace;  // leaf i (node i + 1) to the leaf opposite
  for (int i = 0; i < 4; ++i) trace.push_back({0, 1 + i, 5 + i, 40});
  c.topology.shape = Shape::Tree;
  const auto thin = tails(c, trace);
  c.topology.shape = Shape::FatTree;
  const auto fat = tails(c, trace);
  // Leaf to leaf through 5 switches. Four flows share the thin tree's root.
  EXPECT_EQ(*std::max_element(thin.begin(), thin.end()), 5 * 3 + 1 + 4 * 40);
  EXPECT_LT(*std::max_element(fat.begin(), fat.end()), 5 * 3 + 1 + 2 * 40);
}

// Where the cycles go, by hand.
TEST(Attribution, PacketsOfOneSourceWaitForItsPort) {
  const auto run = run_trace(booksim(4, "b", 1, 8), {{0, 0, 3, 8}, {0, 0, 3, 8}, {0, 0, 3, 8}});
  for (const Delivery& d : run.deliveries) {
    EXPECT_EQ(d.late[static_cast<std::size_t>(Cause::Port)], 8 * d.packet.tag);
    EXPECT_EQ(total_late(d), 8 * d.packet.tag);
  }
}

TEST(Attribution, ACreditLoopLongerThanTheBufferIsAFullBuffer) {
  const auto run = run_trace(booksim(4, "b", 1, 4), {{0, 0, 1, 64}});
  EXPECT_EQ(run.deliveries[0].late[static_cast<std::size_t>(Cause::BufferFull)], 63 / 4);
  EXPECT_EQ(total_late(run.deliveries[0]), 63 / 4);
}

TEST(Attribution, TwoFlowsIntoOneLinkWaitForTheLink) {
  // 0 > 3 and 1 > 3 meet at the link (1,0) > (2,0).
  const auto meet = run_trace(booksim(4, "b", 1, 64), {{0, 1, 3, 40}, {0, 0, 3, 8}});
  for (const Delivery& d : meet.deliveries) {
    if (d.packet.source == 1) {
      EXPECT_EQ(total_late(d), 0);
      continue;
    }
    // Node 1's flits have the link in cycles 2 to 41; node 0's head asks from cycle 5 on and gets
    // the channel the cycle after the tail's, 42.
    EXPECT_EQ(d.tail, 42 + 3 * 3 + 7);
    EXPECT_EQ(d.late[static_cast<std::size_t>(Cause::Link)], 42 - 5);
    EXPECT_EQ(total_late(d), 42 - 5);
  }
}

TEST(Attribution, TheVictimBehindABlockedPacketWaitsAtItsHead) {
  const auto run = run_trace(booksim(4, "b", 1, 4), {{0, 7, 3, 64}, {20, 0, 3, 16}, {20, 0, 5, 4}});
  for (const Delivery& d : run.deliveries)
    if (d.packet.tag == 2) {
      // Done in 108; alone it would be 34.
      EXPECT_EQ(total_late(d), 108 - 20 - (3 * 3 + 1 + 4));
      EXPECT_EQ(d.late[static_cast<std::size_t>(Cause::Link)], 0);
    }
}

// Two packets of 4 flits from node 0, to the right and down, wait in two channels of router 0,
// which is stalled until 20. Then both links are free, but the port gives a flit a cycle: turns. To
// the right: due in 2 to 5, leaves in 20, 22, 24, 26: 18 stalled, 3 lost turns. Down: 4 behind the
// other at the source, due in 6 to 9, leaves in 21, 23, 25, 27: 14 stalled, 4 lost turns.
TEST(Attribution, ALinkThatIsFreeButNotGrantedIsArbitration) {
  const auto network = booksim(4, "b", 2, 8);
  class Keep : public Receiver {
   public:
    void delivered(const Delivery& d) override { all.push_back(d); }
    std::vector<Delivery> all;
  } keep;
  const auto n = make_network(network, keep);
  n->stall(0, 4, 20);
  for (const int to : {3, 4}) {
    PacketRequest p;
    p.destination = to;
    p.flits = 4;
    n->offer(p, 0);
  }
  for (std::int64_t now = 0; !n->empty(); ++now) n->step(now);
  for (const Delivery& d : keep.all) {
    const bool right = d.packet.destination == 3;
    EXPECT_EQ(d.late[static_cast<std::size_t>(Cause::Port)], right ? 0 : 4);
    EXPECT_EQ(d.late[static_cast<std::size_t>(Cause::BufferFull)], right ? 18 : 14);
    EXPECT_EQ(d.late[static_cast<std::size_t>(Cause::Arbitration)], right ? 3 : 4);
    EXPECT_EQ(total_late(d), right ? 21 : 22);
  }
}

// Each flow has a third of the channels: alone, it moves as in a network of so many channels.
TEST(SplitChannels, AFlowAloneSeesItsShareOnly) {
  for (const Shape shape : {Shape::Mesh, Shape::Torus})
    for (const int flow : {0, 1, 2, 5}) {
      NetworkConfig whole = booksim(4, "b", 2, 4);
      whole.topology.shape = shape;
      NetworkConfig split = whole;
      split.vcs = 6;
      split.split_vcs = true;
      std::mt19937 r(8);
      std::vector<TracePacket> trace;
      for (int i = 0; i < 600; ++i)
        trace.push_back({i / 4, static_cast<int>(r() % 16), static_cast<int>(r() % 16),
                         1 + static_cast<int>(r() % 6), flow});
      EXPECT_EQ(tails(split, trace), tails(whole, trace));
    }
}

// The victim behind a blocked packet (above): 108 with one channel for all, and if it is of another
// flow than the packets before it, only their 16 flits at its port and the turns at the first link
// hold it up.
TEST(SplitChannels, AnotherFlowIsNotBlocked) {
  std::vector<TracePacket> trace = {{0, 7, 3, 64, 0}, {20, 0, 3, 16, 0}, {20, 0, 5, 4, 1}};
  NetworkConfig c = booksim(4, "b", 3, 4);
  c.split_vcs = true;
  const std::int64_t own = tails(c, trace)[2];
  trace[2].flow = 0;
  EXPECT_EQ(tails(c, trace)[2], 108);
  EXPECT_LT(own, 108);
}

}  // namespace
}  // namespace counterpoint::sim::noc
