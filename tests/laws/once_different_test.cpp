// SPDX-License-Identifier: Apache-2.0
// Random cases in which the three once differed, kept as text.
#include <gtest/gtest.h>

#include "analytic/estimator.h"
#include "hw/machine_file.h"
#include "sim/simulator.h"
#include "tests/oracle/model/compare.h"
#include "tests/oracle/model/oracle.h"
#include "workloads/language.h"
#include "workloads/mapping.h"

namespace counterpoint::laws {
namespace {

void agree(const std::string& layer, const std::string& yaml) {
  const auto network = workloads::parse_network("Network n { " + layer + " }", "case.m");
  ASSERT_TRUE(network.network) << input::format(network.diagnostics);
  std::vector<input::Diagnostic> diagnostics;
  const auto machine = hw::read_machine(yaml, "case.yaml", diagnostics);
  ASSERT_TRUE(machine) << input::format(diagnostics);
  const workloads::NetworkLayer& l = network.network->layers.at(0);
  const auto bound = workloads::bind(l.layer, *l.dataflow, *machine, {true});
  ASSERT_TRUE(bound.mapping) << input::format(bound.diagnostics);
  const stats::LayerResult literal = oracle::brute_force(*bound.mapping);
  EXPECT_EQ(oracle::differences(literal, analytic::estimate(*bound.mapping)), "");
  EXPECT_EQ(oracle::differences(literal, sim::simulate(*bound.mapping).result), "");
}

// Children keep words that are still on their way when the next residence begins without new ones.
TEST(OnceDifferent, EmptyTransfersDoNotOvertakeWordsInFlight) {
  agree(R"(Layer case {
  Type: CONV
  Padding { Top: 0, Bottom: 0, Left: 0, Right: 2 }
  Dimensions { N: 1, G: 1, K: 1, C: 1, R: 4, S: 2, Y: 6, Y': 3, X: 2, X': 3 }
  Dataflow random {
    TemporalMap(1,1) G;
    TemporalMap(1,1) Y';
    TemporalMap(1,1) K;
    SpatialMap(1,1) R;
    TemporalMap(1,1) S;
    TemporalMap(1,1) N;
    Cluster(2,P);
    TemporalMap(1,1) K;
    SpatialMap(1,1) G;
    TemporalMap(1,1) X';
  }
})",
        R"(name: random
pes: 5
lanes: 4
pipeline_latency: 2
bits: {input: 4, weight: 6, psum: 24}
storage:
  - level: off_chip
    name: off_chip
    read_port: unlimited
    write_port: unlimited
    latency: 2
    network: {name: n0, topology: pipe, bandwidth: 0.250 bytes, latency: 5, channels: shared, psum: refetch}
  - level: global_buffer
    name: global_buffer
    read_port: 3.000 words
    write_port: unlimited
    capacity: unlimited
    buffering: double
    network: {name: n1, topology: pipe, bandwidth: 2.000 words, latency: 7, multicast: word, reduction: tree, channels: separate, psum: refetch}
  - level: pe_buffer
    name: pe_buffer
    read_port: 1.500 words
    write_port: unlimited
    capacity: unlimited
    buffering: single
)");
}

// Whole tiles come beside an old one, and after a gap without one: the same words, another room.
TEST(OnceDifferent, WholeTilesBesideAnOldOneNeedTheRoomOfBoth) {
  agree(R"(Layer case {
  Type: TRCONV
  Stride { Y: 2, X: 2 }
  Dimensions { N: 1, G: 1, K: 2, C: 1, R: 4, S: 2, Y: 1, Y': 4, X: 1, X': 2 }
  Dataflow random {
    SpatialMap(1,1) Y';
    TemporalMap(1,1) S;
    TemporalMap(1,1) K;
    TemporalMap(1,1) R;
    Cluster(2,P);
    SpatialMap(1,1) X;
    Cluster(4,P);
    SpatialMap(1,1) N;
  }
})",
        R"(name: random
pes: 24
bits: {input: 8, weight: 8, psum: 32}
storage:
  - level: off_chip
    network: {bandwidth: unlimited}
  - level: global_buffer
    capacity: unlimited
    network: {bandwidth: unlimited}
  - level: cluster_buffer
    capacity: unlimited
    cluster_pes: 8
    network: {bandwidth: unlimited, reuse: none}
  - level: pe_buffer
    capacity: unlimited
)");
}

// A skewed level gives tiles of one output to four units: the classes of equal units are not those
// of a whole tile.
TEST(OnceDifferent, SkewedTilesHoldFewerOutputsThanTheUnits) {
  agree(R"(Layer case {
  Type: DSCONV
  Stride { Y: 2, X: 1 }
  Dimensions { N: 2, C: 4, R: 4, S: 2, Y: 8, Y': 3, X: 4, X': 3 }
  Dataflow random {
    TemporalMap(1,1) Y;
    TemporalMap(1,1) S;
    TemporalMap(1,1) N;
    TemporalMap(3,3) C;
    TemporalMap(1,1) X;
    TemporalMap(1,1) R;
    Cluster(4,P);
    SpatialMap(1,1) Y;
    Cluster(3,P);
    TemporalMap(1,1) C;
    SpatialMap(1,1) S;
    TemporalMap(1,1) R;
  }
})",
        R"(name: random
pes: 12
lanes: 1
pipeline_latency: 2
bits: {input: 16, weight: 16, psum: 32}
storage:
  - level: off_chip
    name: off_chip
    read_port: unlimited
    write_port: unlimited
    latency: 0
    network: {name: n0, topology: pipe, bandwidth: 7.300 words, latency: 1, channels: separate, psum: accumulate}
  - level: global_buffer
    name: global_buffer
    read_port: unlimited
    write_port: unlimited
    capacity: unlimited
    buffering: double
    network: {name: n1, topology: pipe, bandwidth: 1.500 words, latency: 1, multicast: word, reduction: tree, channels: separate, psum: accumulate}
  - level: cluster_buffer
    name: cluster_buffer_2
    read_port: 0.700 words
    write_port: unlimited
    capacity: unlimited
    buffering: single
    cluster_pes: 3
    network: {name: n3, topology: pipe, bandwidth: 2.000 words, latency: 0, multicast: none, reduction: chain, channels: shared, psum: accumulate}
  - level: pe_buffer
    name: pe_buffer
    read_port: unlimited
    write_port: 0.250 words
    capacity: unlimited
    buffering: single
)");
}

// The write port of one child: its inputs, weights and partial sums together, not the most of each.
TEST(OnceDifferent, TheBusiestChildCountsAllTensors) {
  agree(R"(Layer case {
  Type: TRCONV
  Padding { Top: 1, Bottom: 1, Left: 0, Right: 2 }
  Dimensions { N: 2, G: 1, K: 5, C: 1, R: 4, S: 1, Y: 4, Y': 5, X: 4, X': 2 }
  Dataflow random {
    SpatialMap(2,2) R;
    TemporalMap(1,1) C;
    TemporalMap(1,1) Y';
    TemporalMap(4,4) N;
    TemporalMap(1,1) X';
  }
})",
        R"(name: random
pes: 3
lanes: 1
pipeline_latency: 0
bits: {input: 16, weight: 16, psum: 32}
storage:
  - level: off_chip
    name: off_chip
    read_port: 0.250 words
    write_port: unlimited
    latency: 12
    network: {name: n0, topology: pipe, bandwidth: 1.000 words, latency: 6, channels: separate, psum: accumulate}
  - level: global_buffer
    name: global_buffer
    read_port: unlimited
    write_port: 0.250 words
    capacity: 160 B
    buffering: single
    network: {name: n1, topology: pipe, bandwidth: 16.000 words, latency: 7, multicast: word, reduction: tree, channels: shared, psum: refetch}
  - level: pe_buffer
    name: pe_buffer
    read_port: 2.000 words
    write_port: 0.250 bytes
    capacity: unlimited
    buffering: double
)");
}

// With a transposed window an output may get its first work anywhere among the kernel's indices.
TEST(OnceDifferent, PartialSumsOfPaddedWindows) {
  agree(R"(Layer case {
  Type: TRCONV
  Stride { Y: 3, X: 3 }
  Padding { Top: 1, Bottom: 2, Left: 0, Right: 0 }
  Dimensions { N: 1, G: 1, K: 3, C: 3, R: 3, S: 3, Y: 2, Y': 3, X: 3, X': 9 }
  Dataflow random {
    TemporalMap(1,1) G;
    TemporalMap(3,3) Y';
    SpatialMap(3,3) R;
    TemporalMap(2,2) S;
    TemporalMap(2,2) K;
    TemporalMap(1,1) X';
    Cluster(3,P);
    TemporalMap(1,1) C;
    TemporalMap(1,1) R;
    SpatialMap(1,1) K;
    TemporalMap(1,1) S;
    TemporalMap(1,1) G;
    TemporalMap(1,1) X;
    Cluster(3,P);
    TemporalMap(1,1) C;
    SpatialMap(1,1) Y;
  }
})",
        R"(name: random
pes: 9
lanes: 1
pipeline_latency: 0
bits: {input: 16, weight: 16, psum: 32}
storage:
  - level: off_chip
    name: off_chip
    read_port: 0.250 bytes
    write_port: 1.000 words
    latency: 7
    network: {name: n0, topology: pipe, bandwidth: 0.400 words, latency: 0, channels: separate, psum: accumulate}
  - level: global_buffer
    name: global_buffer
    read_port: unlimited
    write_port: 0.700 words
    capacity: unlimited
    buffering: double
    network: {name: n1, topology: pipe, bandwidth: 0.400 words, latency: 0, multicast: word, reduction: tree, channels: separate, psum: refetch}
  - level: pe_buffer
    name: pe_buffer
    read_port: unlimited
    write_port: unlimited
    capacity: unlimited
    buffering: single
)");
}

// Units that share outputs below a spatial reduction: the lowest takes the value, its siblings
// start from zero.
TEST(OnceDifferent, OneOfSeveralChildrenTakesAPartialSum) {
  agree(R"(Layer case {
  Type: DSCONV
  Dimensions { N: 1, C: 4, R: 2, S: 2, Y: 3, Y': 2, X: 3, X': 2 }
  Dataflow random {
    TemporalMap(1,1) C;
    TemporalMap(1,1) S;
    TemporalMap(1,1) X';
    GlobalBuffer;
    SpatialMap(1,1) R;
    Cluster(3,P);
    SpatialMap(1,1) Y';
  }
})",
        R"(name: random
pes: 12
lanes: 2
pipeline_latency: 0
bits: {input: 16, weight: 16, psum: 32}
storage:
  - level: off_chip
    name: off_chip
    read_port: 16.000 words
    write_port: unlimited
    latency: 11
    network: {name: n0, topology: pipe, bandwidth: 16.000 words, latency: 2, channels: separate, psum: refetch}
  - level: global_buffer
    name: global_buffer
    read_port: unlimited
    write_port: unlimited
    capacity: unlimited
    buffering: single
    network: {name: n1, topology: pipe, bandwidth: 0.700 words, latency: 1, multicast: word, reduction: none, channels: separate, psum: refetch}
  - level: pe_buffer
    name: pe_buffer
    read_port: 3.000 bytes
    write_port: unlimited
    capacity: unlimited
    buffering: double
)");
}

// A loop in which no two positions are alike has no period to look for (it was divided by).
TEST(OnceDifferent, SkewedRowsOfWhichNoPositionRepeats) {
  agree(R"(Layer case {
  Type: CONV
  Stride { Y: 5, X: 5 }
  Dimensions { N: 1, G: 1, K: 1, C: 1, R: 4, S: 1, Y: 8, Y': 1, X: 1, X': 1 }
  Dataflow random {
    SpatialMap(1,1) Y;
    SpatialMap(1,1) R;
  }
})",
        R"(name: random
pes: 1
storage:
  - level: off_chip
    network: {bandwidth: unlimited}
  - level: global_buffer
    capacity: unlimited
    network: {bandwidth: unlimited}
  - level: pe_buffer
    capacity: unlimited
)");
}

// The first output lies in the padding alone, so that child 0 of the first step has no work and no
// lengths (they were multiplied before they were known).
TEST(OnceDifferent, TheFirstChildHasNoWork) {
  agree(R"(Layer case {
  Type: NGCONV
  Stride { Y: 2, X: 2 }
  Padding { Top: 2, Bottom: 0, Left: 0, Right: 0 }
  Dimensions { N: 1, G: 1, K: 1, C: 1, R: 1, S: 1, Y: 1, Y': 2, X: 2, X': 1 }
  Dataflow random {
    SpatialMap(1,2) Y;
  }
})",
        R"(name: random
pes: 1
storage:
  - level: off_chip
    network: {bandwidth: unlimited}
  - level: global_buffer
    capacity: unlimited
    network: {bandwidth: unlimited}
  - level: pe_buffer
    capacity: unlimited
)");
}

}  // namespace
}  // namespace counterpoint::laws
