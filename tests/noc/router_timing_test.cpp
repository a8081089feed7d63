// SPDX-License-Identifier: Apache-2.0
// Exact cycles of single packets and of small conflicts, worked out by hand from the pipelines
// that docs/noc.md describes. On a 4x4 mesh, node = 4 y + x.
#include <gtest/gtest.h>

#include <algorithm>

#include "input/diagnostics.h"
#include "tests/noc/helpers.h"

namespace counterpoint::sim::noc {
namespace {

using Trace = std::vector<TracePacket>;

struct Pipeline {
  const char* name;
  int cycles;  // in a router
};
constexpr Pipeline kPipelines[] = {{"a", 4}, {"b", 2}, {"c", 3}, {"d", 3}};

int distance(int a, int b, int k) {
  return std::abs(a % k - b % k) + std::abs(a / k - b / k);
}

TEST(ZeroLoad, EveryPairOfAMeshTakesTheFormula) {
  for (const Pipeline& p : kPipelines)
    for (const int vcs : {1, 4})
      for (const int flits : {1, 2, 5, 9})
        for (const int depth : {4, 8}) {
          const NetworkConfig c = booksim(4, p.name, vcs, depth);
          Trace trace;  // far apart in time: each finds an empty network
          for (int s = 0; s < 16; ++s)
            for (int d = 0; d < 16; ++d)
              trace.push_back({static_cast<std::int64_t>(trace.size()) * 200, s, d, flits});
          const std::vector<std::int64_t> tail = tails(c, trace);
          // A credit comes back 5 cycles after the flit left: one lost per 4 slots.
          const std::int64_t credit = depth == 4 ? (flits - 1) / 4 : 0;
          for (std::size_t i = 0; i < trace.size(); ++i) {
            const int routers = distance(trace[i].source, trace[i].destination, 4) + 1;
            ASSERT_EQ(tail[i] - trace[i].time, routers * (p.cycles + 1) + 1 + flits + credit)
                << p.name << " " << trace[i].source << ">" << trace[i].destination;
            ASSERT_EQ(tail[i] - trace[i].time, zero_load(c, routers, flits));
          }
        }
}

TEST(ZeroLoad, EveryPairWithNoximsTimingTakesTwoCyclesPerRouterAndFlit) {
  for (const int depth : {2, 4, 8})
    for (const int vcs : {1, 4})
      for (const int flits : {2, 5, 9}) {
        Trace trace;
        for (int s = 0; s < 16; ++s)
          for (int d = 0; d < 16; ++d)
            trace.push_back({static_cast<std::int64_t>(trace.size()) * 201, s, d, flits});
        for (const Delivery& d : run_trace(noxim(4, vcs, depth), trace).deliveries) {
          const int routers = distance(d.packet.source, d.packet.destination, 4) + 1;
          ASSERT_EQ(d.tail - d.offered, 2 * routers + 2 * (flits - 1));
          ASSERT_EQ(d.head - d.offered, 2 * routers);
        }
      }
}

TEST(ZeroLoad, LongerLinksCreditsAndRoutingAddTheirCycles) {
  NetworkConfig c = booksim(4, "a", 2, 32);
  c.timing.link = 3;
  c.timing.routing = 2;
  c.timing.credit = 2;
  // 0 > 3: four routers of 5 cycles, four links of 3, one for the node's port.
  const auto run = run_trace(c, {{0, 0, 3, 6}});
  EXPECT_EQ(run.deliveries[0].tail, 4 * (5 + 3) + 1 + 6);
}

// Packets of one source follow each other: with several channels a flit per cycle; with one
// channel routing and allocation of the next packet wait for the tail (2 cycles in A, 1 in C).
TEST(Serialization, PacketsOfOneSource) {
  const Trace eight_of_eight(8, {0, 0, 3, 8});
  EXPECT_EQ(tails(booksim(4, "b", 1, 8), eight_of_eight).back(), 4 * 3 + 1 + 64);
  EXPECT_EQ(tails(booksim(4, "a", 4, 8), eight_of_eight).back(), 4 * 5 + 1 + 64);
  EXPECT_EQ(tails(booksim(4, "a", 1, 8), eight_of_eight).back(), 4 * 5 + 1 + 64 + 7 * 2);
  EXPECT_EQ(tails(booksim(4, "c", 1, 8), eight_of_eight).back(), 4 * 4 + 1 + 64 + 7 * 1);
  const Trace eight_of_one(8, {0, 0, 3, 1});
  EXPECT_EQ(tails(booksim(4, "b", 1, 8), eight_of_one).back(), 4 * 3 + 1 + 8);
  EXPECT_EQ(tails(booksim(4, "a", 1, 8), eight_of_one).back(), 4 * 5 + 1 + 8 + 7 * 2);
}

TEST(Credits, ABufferShorterThanTheLoopLosesACyclePerBuffer) {
  const Trace one = {{0, 0, 1, 64}};
  EXPECT_EQ(tails(booksim(4, "b", 1, 4), one)[0], 2 * 3 + 1 + 64 + 63 / 4);
  EXPECT_EQ(tails(booksim(4, "a", 1, 4), one)[0], 2 * 5 + 1 + 64 + 63 / 4);
  EXPECT_EQ(tails(booksim(4, "b", 1, 5), one)[0], 2 * 3 + 1 + 64);
}

// The source's link is what limits a scatter: packet i (from 1) leaves it in cycle 4 i at the
// latest, then it is alone on its way.
TEST(HotLink, ScatterFromACornerIsLimitedByItsPort) {
  Trace near;
  const int order[] = {1, 4, 2, 5, 8, 3, 6, 9, 12, 7, 10, 13, 11, 14, 15};
  for (const int d : order) near.push_back({0, 0, d, 4});
  Trace far(near.rbegin(), near.rend());
  const auto last = [](const Trace& t) {
    std::int64_t worst = 0;
    for (std::size_t i = 0; i < t.size(); ++i)
      worst = std::max<std::int64_t>(
          worst, static_cast<std::int64_t>(i) * 4 + (distance(0, t[i].destination, 4) + 1) * 3 + 5);
    return worst;
  };
  const auto near_tails = tails(booksim(4, "b", 1, 8), near);
  EXPECT_EQ(*std::max_element(near_tails.begin(), near_tails.end()), last(near));
  const auto far_tails = tails(booksim(4, "b", 1, 8), far);
  EXPECT_EQ(*std::max_element(far_tails.begin(), far_tails.end()), last(far));
}

// More flits in one router than 16 bits can count: all arrive, nearly one per cycle (guesses that
// fail waste some).
TEST(HotLink, ARouterHoldsWhateverItsBuffersHold) {
  NetworkConfig c = booksim(4, "b", 16, 4096);
  c.topology.shape = Shape::Crossbar;
  std::vector<TracePacket> trace;
  for (int i = 0; i < 1000; ++i)
    for (int s = 1; s < 16; ++s) trace.push_back({0, s, 0, 8});
  const auto done = tails(c, trace);
  // The last of 1000 * 15 packets behind all others: 3 + 1 cycles and its place among the flits.
  const std::int64_t last = *std::max_element(done.begin(), done.end());
  EXPECT_GE(last, 3 + 1 + 1000 * 15 * 8);
  EXPECT_LE(last, 1.05 * 1000 * 15 * 8);
}

TEST(HotLink, GatherIsLimitedByTheNodesPort) {
  Trace t;
  for (int s = 1; s < 16; ++s) t.push_back({0, s, 0, 4});
  // The first head needs 2 routers; from then on a flit arrives in every cycle.
  for (const int vcs : {1, 4}) {
    const auto got = tails(booksim(4, "b", vcs, 8), t);
    EXPECT_EQ(*std::max_element(got.begin(), got.end()), 2 * 3 + 1 + 15 * 4);
  }
}

TEST(SharedLink, TwoFlowsTakeTurns) {
  Trace t;
  for (int i = 0; i < 16; ++i) t.push_back({0, 0, 3, 4});
  for (int i = 0; i < 16; ++i) t.push_back({0, 1, 3, 4});
  const auto got = tails(booksim(4, "b", 1, 8), t);
  // P + 2KL - 1 + 3 (P + 1): node 1's first flit asks in cycle 2, 128 flits pass router 1.
  EXPECT_EQ(got[15], 2 + 2 * 16 * 4 - 1 + 3 * 3);
  EXPECT_EQ(got[31], 134);  // four cycles earlier: a packet, they alternate
}

// A long packet holds link 3's way; a packet behind it fills router 0's buffer and stops a third
// one whose own way is free. Trace of the cycles in docs/noc.md.
TEST(HeadOfLine, AVictimThatSharesNoLoadedLinkWaitsWithOneChannel) {
  const Trace t = {{0, 7, 3, 64}, {20, 0, 3, 16}, {20, 0, 5, 4}};
  EXPECT_EQ(tails(booksim(4, "b", 1, 4), t), (std::vector<std::int64_t>{86, 106, 108}));
  const auto alone = tails(booksim(4, "b", 1, 4), {{20, 0, 5, 4}});
  EXPECT_EQ(alone[0], 20 + 3 * 3 + 1 + 4);
}

TEST(Deadlock, IsReportedWithTheChainOfThoseThatWait) {
  // Without its two parts of channels a torus ring that is full waits for itself; a receiver
  // that never takes anything does the same here without touching the routing.
  class Nobody : public Receiver {
    void delivered(const Delivery&) override {}
  } nobody;
  NetworkConfig c = booksim(4, "b", 1, 4);
  c.deadlock_after = 100;
  const auto network = make_network(c, nobody);
  network->stall(3, 1, std::numeric_limits<std::int64_t>::max());
  PacketRequest p;
  p.source = 0;
  p.destination = 3;
  p.flits = 20;
  network->offer(p, 0);
  try {
    for (std::int64_t t = 0; t < 1000; ++t) network->step(t);
    FAIL() << "no deadlock";
  } catch (const Deadlock& e) {
    const std::string what = e.what();
    EXPECT_NE(what.find("nothing has moved for 101 cycles"), std::string::npos) << what;
    EXPECT_NE(what.find("router 2,0 input 1 channel 0 (packet 0 > 3) waits for a slot of router "
                        "3,0 input 1 channel 0"),
              std::string::npos)
        << what;
    EXPECT_NE(what.find("stalled from outside"), std::string::npos) << what;
  }
}

TEST(Configuration, WhatDoesNotFitIsRefused) {
  class Nobody : public Receiver {
    void delivered(const Delivery&) override {}
  } nobody;
  NetworkConfig c = booksim(4, "a", 0, 8);
  EXPECT_THROW(make_network(c, nobody), input::InputError);
  c = booksim(4, "a", 1, 8);
  c.topology.shape = Shape::Torus;
  EXPECT_THROW(make_network(c, nobody), input::InputError);
  c = noxim(4, 1, 4);
  c.topology.shape = Shape::Chain;
  EXPECT_THROW(make_network(c, nobody), input::InputError);
  EXPECT_THROW(router_timing("boksim"), input::InputError);
}

}  // namespace
}  // namespace counterpoint::sim::noc
