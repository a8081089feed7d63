// SPDX-License-Identifier: Apache-2.0
// Layers on routed networks: the laws of docs/machine.md, and cycles derived by hand.
#include <gtest/gtest.h>

#include <random>

#include "analytic/estimator.h"
#include "sim/simulator.h"
#include "stats/table.h"
#include "tests/laws/cases.h"
#include "tests/sim/nests.h"

namespace counterpoint::sim {
namespace {

using hw::Topology;
using workloads::Mapping;

// Another network for every level, drawn from the case's number.
void draw(Mapping& m, std::mt19937& r, int clock) {
  const auto below = [&](int n) { return static_cast<int>(r() % static_cast<unsigned>(n)); };
  for (std::size_t d = 0; d < m.machine.network.size(); ++d) {
    hw::Network& n = m.machine.network[d];
    n.topology = static_cast<Topology>(2 + below(9));
    hw::Fabric& f = n.fabric;
    f = {};
    f.clock = clock;
    f.vcs = 2 + below(3);
    f.buffer_depth = 1 + below(9);
    f.flit_bits = 1 << (3 + below(5));
    f.packet_words = 1 + below(20);
    f.routing_delay = below(2);
    f.speculative = below(2) == 1;
    f.link_latency = 1 + below(3);
    f.credit_delay = below(3);
    f.oldest_first = below(2) == 1;
    f.cluster = 1 + below(4);
    f.lanes = 1 + below(4);
    f.collective = static_cast<hw::Collective>(below(3));
    if (n.topology == Topology::Torus && f.collective == hw::Collective::Fork)
      f.collective = hw::Collective::Tree;
    f.planes = static_cast<hw::Planes>(below(4));
    if (f.planes == hw::Planes::Channels) {
      f.vcs = 6;
      if (f.collective == hw::Collective::Fork) f.planes = hw::Planes::Directions;
    }
    f.place = static_cast<hw::PortPlace>(below(3));
    const bool grid = n.topology == Topology::Mesh || n.topology == Topology::Torus;
    if (grid && m.nest.levels[d].units >= 4 && f.place != hw::PortPlace::Edge)
      f.ports = 1 + below(3);
    if (f.ports > 1 && f.collective == hw::Collective::Fork && f.planes == hw::Planes::Shared)
      f.planes = hw::Planes::Directions;
    f.west_first =
        n.topology == Topology::Mesh && below(2) == 1 && f.collective != hw::Collective::Fork;
  }
}

std::string differences(const stats::LayerResult& a, const stats::LayerResult& b, bool timing) {
  std::string out;
  const auto x = stats::flatten(a), y = stats::flatten(b);
  for (std::size_t i = 0; i < x.size(); ++i)
    if (x[i].value != y[i].value && (timing || !x[i].description->timing))
      out += x[i].name + " " + std::to_string(x[i].value) + " " + std::to_string(y[i].value) + "\n";
  return out;
}

// Infinitely quick networks are pipes: every count, every cycle, every class of the stack, and the
// words that went through the routers are right.
TEST(RoutedArrays, EveryTopologyOfUnlimitedSpeedIsThePipe) {
  std::mt19937 r(1);
  validation::fuzz::Limits limits;
  limits.max_pes = 24;
  laws::for_cases(250, limits, [&](const auto&, const Mapping& drawn) {
    Mapping m = drawn;
    draw(m, r, 0);
    const SimOutcome pipe = simulate(drawn), routed = simulate(m);
    EXPECT_EQ(routed.functional, Functional::Equal) << routed.first_mismatch;
    EXPECT_EQ(differences(pipe.result, routed.result, true), "");
  });
}

// No routed run is quicker than the estimate, its counts are the same, its output is right, the
// same run gives the same numbers, and with less detail it is the pipe again.
TEST(RoutedArrays, AreBoundedByTheEstimateAndComputeTheSame) {
  std::mt19937 r(2);
  validation::fuzz::Limits limits;
  limits.max_pes = 24;
  limits.max_macs = 800;
  int slower = 0;
  laws::for_cases(250, limits, [&](const auto&, const Mapping& drawn) {
    Mapping m = drawn;
    draw(m, r, 1 + static_cast<int>(r() % 3));
    const stats::LayerResult estimate = analytic::estimate(m);
    const SimOutcome routed = simulate(m);
    EXPECT_EQ(routed.functional, Functional::Equal) << routed.first_mismatch;
    EXPECT_GE(routed.result.cycles, estimate.cycles);
    EXPECT_EQ(differences(estimate, routed.result, false), "");
    slower += routed.result.cycles > estimate.cycles ? 1 : 0;
    SimOptions shuffled;
    shuffled.shuffle_seed = 7;
    EXPECT_EQ(differences(routed.result, simulate(m, shuffled).result, true), "");
    SimOptions pipe;
    pipe.network_detail = NetworkDetail::Pipe;
    EXPECT_EQ(differences(estimate, simulate(m, pipe).result, true), "");
    for (const NetworkDetail detail : {NetworkDetail::Ways, NetworkDetail::Ports,
                                       NetworkDetail::Links, NetworkDetail::Buffers}) {
      SimOptions less;
      less.network_detail = detail;
      const SimOutcome o = simulate(m, less);
      EXPECT_EQ(o.functional, Functional::Equal);
      EXPECT_GE(o.result.cycles, estimate.cycles);
    }
    for (const RoutedUse& u : routed.routed)
      for (const RoutedLink& l : u.links) {
        EXPECT_EQ(l.used + l.stalled + l.lost + l.idle, u.network_cycles) << l.name;
        EXPECT_GE(l.idle, 0) << l.name;
      }
  });
  EXPECT_GT(slower, 50);
}

// M = 2 on two PEs, N = K = 1: each PE takes an input of its own and the weight, which the first
// passes on. One word per flit and packet.
Mapping two_pes(Topology topology) {
  auto m = mapping(gemm(2, 1, 1), {LevelPlan(2).spatial(Dim::M, 1, 1)});
  m.machine.network[0].topology = topology;
  m.machine.network[0].fabric.flit_bits = 32;
  m.machine.network[0].fabric.packet_words = 1;
  m.machine.network[0].fabric.vcs = 2;
  return m;
}

// Crossbar, one router, pipeline B: a packet of a flit takes 3 + 1 + 1 = 5 cycles and can be used
// in the next. The port sends input 0 in cycle 0, input 1 in 1, the weight for PE 0 in 2: it
// arrives in 7, is passed on in 8 and arrives in 13, can be used in 14; work [14,15]; both drains
// leave in 15 and want the same port: tails in 20 and 21, the last can be used in 22.
TEST(RoutedArrays, PacketsWaitAtThePortAndArePassedOn) {
  const SimOutcome o = simulate(two_pes(Topology::Crossbar));
  EXPECT_EQ(o.functional, Functional::Equal);
  EXPECT_EQ(o.result.cycles, 22);
  EXPECT_EQ(o.result.stack.startup, 14);
  EXPECT_EQ(o.result.stack.compute, 1);
  EXPECT_EQ(o.result.stack.tail, 7);
}

// Without multicast the port sends the weight twice: in cycles 2 and 3; tails in 7 and 8, work
// [9,10], drains leave in 10, the last can be used in 17.
TEST(RoutedArrays, RepetitionLoadsThePort) {
  auto m = two_pes(Topology::Crossbar);
  m.machine.network[0].multicast = hw::Multicast::None;
  const SimOutcome o = simulate(m);
  EXPECT_EQ(o.result.cycles, 17);
}

// K = 2 over two PEs with a reducing network: weights and inputs are four words for four packets
// (cycles 0 to 3, tails 5 to 8), work [9,10]; PE 1's sum leaves in 10, arrives in 15, PE 0 sends
// the total in 16, tail in 21, used in 22.
TEST(RoutedArrays, SumsAreAddedOnTheWay) {
  auto m = mapping(gemm(1, 1, 2), {LevelPlan(2).spatial(Dim::K, 1, 1)});
  m.machine.network[0].topology = Topology::Crossbar;
  m.machine.network[0].reduction = hw::Reduction::Chain;
  m.machine.network[0].fabric.flit_bits = 32;
  m.machine.network[0].fabric.packet_words = 1;
  const SimOutcome o = simulate(m);
  EXPECT_EQ(o.functional, Functional::Equal);
  EXPECT_EQ(o.result.cycles, 22);
}

// A bus of buses hands a word to all that it is for at once. Two routers: a packet takes 2 * 3 + 1
// + 1 = 8 cycles. Inputs leave in 0 and 1, the weight in 2: both have it in 10, can use it in 11;
// work [11,12]; both sums leave in 12 and meet at the link to the y-bus: tails in 20 and 21, the
// last can be used in 22.
TEST(RoutedArrays, ABusReachesAllReceiversAtOnce) {
  auto m = two_pes(Topology::Xy);
  m.machine.network[0].fabric.collective = hw::usual_collective(Topology::Xy);
  const SimOutcome o = simulate(m);
  EXPECT_EQ(o.functional, Functional::Equal);
  EXPECT_EQ(o.result.stack.startup, 11);
  EXPECT_EQ(o.result.cycles, 22);
  // The weight passes the link to the x-bus once, and both links to the PEs.
  std::int64_t up = 0;
  for (const RoutedLink& l : o.routed[0].links)
    if (l.to_router >= 0 && l.router == 0) up = l.used;
  EXPECT_EQ(up, 3);
}

// K = 2 over two PEs, sums added in the routers: four words leave in 0 to 3, tails in 8 to 11, work
// [12,13]; both sums leave in 13, meet at the x-bus, and their total arrives in 21, used in 22. One
// word passes the y-bus.
TEST(RoutedArrays, RoutersAddSums) {
  auto m = mapping(gemm(1, 1, 2), {LevelPlan(2).spatial(Dim::K, 1, 1)});
  m.machine.network[0].topology = Topology::Xy;
  m.machine.network[0].reduction = hw::Reduction::Tree;
  m.machine.network[0].fabric.collective = hw::Collective::Fork;
  m.machine.network[0].fabric.flit_bits = 32;
  m.machine.network[0].fabric.packet_words = 1;
  const SimOutcome o = simulate(m);
  EXPECT_EQ(o.functional, Functional::Equal);
  EXPECT_EQ(o.result.cycles, 22);
  for (const RoutedLink& l : o.routed[0].links)
    if (l.to_port >= 0) {
      EXPECT_EQ(l.used, 1);
    }
}

TEST(RoutedArrays, SayWhatCannotBeBuilt) {
  auto m = mapping(gemm(70, 1, 1), {LevelPlan(70).spatial(Dim::M, 1, 1)});
  m.machine.network[0].topology = Topology::Crossbar;
  EXPECT_THROW(simulate(m), input::InputError);
  m.machine.network[0].topology = Topology::Tree;
  m.machine.network[0].fabric.ports = 2;
  EXPECT_THROW(simulate(m), input::InputError);
  m.machine.network[0].topology = Topology::Torus;
  m.machine.network[0].fabric = {};
  m.machine.network[0].fabric.vcs = 1;
  EXPECT_THROW(simulate(m), input::InputError);
  m.machine.network[0].topology = Topology::Mesh;
  m.machine.network[0].fabric.width = 4;
  m.machine.network[0].fabric.height = 4;
  EXPECT_THROW(simulate(m), input::InputError);
}

}  // namespace
}  // namespace counterpoint::sim
