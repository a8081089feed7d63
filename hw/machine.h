// SPDX-License-Identifier: Apache-2.0
// What the machine is: a chain of storage levels, one network from each to its children, PEs.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hw/rows.h"

namespace counterpoint::hw {

/// A rate: words or bytes per 1000 cycles (so 0.8 words per cycle is 800). 0 means unlimited.
struct Rate {
  std::int64_t per_kcycle = 0;
  bool bytes = false;
  bool unlimited() const { return per_kcycle == 0; }
  friend bool operator==(const Rate& a, const Rate& b) {
    return a.per_kcycle == b.per_kcycle && a.bytes == b.bytes;
  }
};

enum class Buffering : std::uint8_t { Single, Double };
/// Of each tensor. One word stands for all three.
struct Bufferings {
  std::array<Buffering, 3> of;
  constexpr Bufferings(Buffering all) : of{all, all, all} {}  // NOLINT: as one word in a file
  constexpr Bufferings(Buffering input, Buffering weight, Buffering output)
      : of{input, weight, output} {}
  friend constexpr bool operator==(const Bufferings& a, const Bufferings& b) {
    return a.of[0] == b.of[0] && a.of[1] == b.of[1] && a.of[2] == b.of[2];
  }
  constexpr bool any(Buffering b) const { return of[0] == b || of[1] == b || of[2] == b; }
};
/// Slots of a tensor: 0 input, 1 weight, 2 output.
constexpr int slots(const Bufferings& b, std::size_t tensor) {
  return b.of[tensor] == Buffering::Single ? 1 : 2;
}

enum class Topology : std::uint8_t {
  Pipe,  ///< ideal: fills and drains have channels of their own
  Bus,   ///< one shared medium for both directions (half-duplex): they collide
  // Routed: packets over routers and links (struct Fabric); the pipe is a lower bound.
  Mesh,
  Torus,
  Hierarchical,  ///< a mesh of routers with several children each
  Crossbar,
  Xy,  ///< a bus of buses
  Tree,
  FatTree,
  Chain,
  PointToPoint,
};
/// Whether transfers travel as packets.
constexpr bool routed(Topology t) {
  return t > Topology::Bus;
}
/// Where a mesh, torus or chain has the ports of the level above.
enum class PortPlace : std::uint8_t { Corner, Edge, Spread };
/// How words reach several children over a routed network, and sums come from several.
enum class Collective : std::uint8_t {
  Path,  ///< each child passes them on to the next nearest (sums: adds its own first)
  Tree,  ///< each child passes them on to two others
  Fork,  ///< routers copy them where the ways part, and add where they meet; cut-through
};
/// Which flows share the routers and links.
enum class Planes : std::uint8_t {
  Shared,      ///< all
  Directions,  ///< one network to the children, one to the parent
  Tensors,     ///< one per tensor
  Channels,    ///< all, but each tensor has virtual channels of its own
};
/// Buses and trees of switches hand a word to all its receivers; elsewhere children pass it on.
constexpr Collective usual_collective(Topology t) {
  return t == Topology::Xy || t == Topology::Tree || t == Topology::FatTree ? Collective::Fork
                                                                            : Collective::Path;
}

/// The routers and links of a routed network. Times are network cycles.
struct Fabric {
  int width = 0, height = 0;  ///< of the shape; 0: as square as the number of children allows
  int cluster = 4;            ///< Hierarchical: children of a router
  int lanes = 4;              ///< FatTree: most lanes of a link
  int ports = 1;              ///< of the level above
  PortPlace place = PortPlace::Corner;
  int vcs = 2;
  int buffer_depth = 8;   ///< flits per virtual channel
  int flit_bits = 64;     ///< payload of a flit; a link carries a flit per network cycle
  int packet_words = 16;  ///< most words of a packet
  int routing_delay = 0;  ///< cycles before the output is known; 0: known on arrival
  bool speculative = true;
  int link_latency = 1;
  int credit_delay = 0;
  bool west_first = false;  ///< Mesh: adaptive instead of dimension order
  bool oldest_first = false;
  int clock = 1;  ///< network cycles per cycle; 0: unlimited
  Collective collective = Collective::Path;
  Planes planes = Planes::Shared;
};
enum class Multicast : std::uint8_t {
  None,  ///< every receiver gets its own copy: words times receivers are injected
  Tile,  ///< children whose new words of a tensor are the same set share one copy
  Word,  ///< every distinct word is injected once, whatever its receivers
};
enum class Reduction : std::uint8_t {
  None,   ///< every sender's word is injected; the parent adds them one by one
  Chain,  ///< equal outputs are summed on the way, units - 1 cycles deep
  Tree,   ///< ... ceil(log2(units)) cycles deep
};
enum class Channels : std::uint8_t {
  Shared,    ///< the tensors of a direction travel as one transfer per step
  Separate,  ///< each tensor has a channel of the full rate and runs ahead on its own
};
enum class PsumPolicy : std::uint8_t {
  Accumulate,  ///< unfinished outputs are added up in the parent; the child restarts from zero
  Refetch,     ///< ... are read back by the child that continues them
  Keep,        ///< ... stay in the child (the global buffer) until they are finished
};

/// What a channel moves in whole units: words or bytes. 0: nothing is rounded.
struct Burst {
  std::int64_t size = 0;
  bool bytes = false;
};

/// Trees that a network consists of: each feeds so many consecutive PEs, whatever clusters they are
/// in, with so many words or bytes per cycle. A word goes once over each tree that has a PE which
/// uses it.
struct Subtrees {
  std::int64_t pes = 0;  ///< 0: the network is not divided
  Rate bandwidth;        ///< of each; per cycle of the network's clock
};

/// Lines that what leaves the children goes over: neighbours share one, as a word of each takes its
/// turn.
struct DrainLines {
  std::int64_t children = 0;  ///< of each line; 0: there are none
  std::int64_t first = 0;     ///< of the first line
  Rate bandwidth;             ///< of each; per cycle of the network's clock
};

/// "pipe", "bus", "mesh", ..., in the order of the enumeration.
const std::vector<std::string>& topology_names();

/// The network between a storage level and its children.
struct Network {
  std::string name;
  Topology topology = Topology::Pipe;
  Rate bandwidth;                       ///< per cycle of the network's clock, as all its times
  std::optional<Rate> drain_bandwidth;  ///< children to parent, if not `bandwidth`
  Burst burst;                          ///< a transfer's words are rounded up to whole ones
  std::int64_t latency = 0;  ///< cycles from the end of injection to arrival, both directions
  std::int64_t fill_overhead = 0, drain_overhead = 0;  ///< cycles of every transfer with words
  double clock_mhz = 0;                                ///< 0: the machine's
  std::int64_t skew = 0;  ///< cycles by which the last child lags behind the first;
                          ///< kChain: children - 1
  static constexpr std::int64_t kChain = -1;
  Multicast multicast = Multicast::Word;
  Reduction reduction = Reduction::None;
  Subtrees subtrees;       ///< below the global buffer only
  DrainLines drain_lines;  ///< below the global buffer only
  Channels channels = Channels::Shared;
  PsumPolicy psum = PsumPolicy::Accumulate;
  /// Inputs, weights. False: what a child holds already is sent again in every step.
  std::array<bool, 2> reuse{true, true};
  bool reuses_all() const { return reuse[0] && reuse[1]; }
  Fabric fabric;                 ///< of routed topologies
  double energy_per_hop_pj = 0;  ///< per word of `energy_bits`, see scaled_energy()
  int energy_bits = 16;
};

/// Energy of moving a word of `word_bits` where moving `bits` costs `energy`: in proportion.
/// bits = 0 means that a word costs the same whatever its width.
constexpr double scaled_energy(double energy, int bits, int word_bits) {
  return bits == 0 ? energy : energy * word_bits / bits;
}

/// Energy of one access of `bits`; see scaled_energy() for words of another width.
struct AccessEnergy {
  double read_pj = 0;
  double write_pj = 0;
  int bits = 16;
};

/// A storage level. Ports limit each flow on its own (a flow is: transfers out, transfers in,
/// drains out, drains in).
struct Storage {
  std::string name;
  std::int64_t capacity_bytes = 0;  ///< per instance; 0 = unlimited (always so off-chip)
  /// Separate memories, each for some tensors, that the level consists of; together they have
  /// `capacity_bytes`. 0: it is one memory.
  int parts = 0;
  std::array<int, 3> part{};                    ///< of inputs, weights, outputs
  std::array<std::int64_t, 3> part_capacity{};  ///< of each part; 0 = unlimited (then all is)
  Rate read_port, write_port;                   ///< per instance and flow
  Bufferings buffering = Buffering::Double;     ///< no meaning off-chip
  /// What comes for a step waits until all tensors of the step have their slot.
  bool slots_together = false;
  /// Inputs, weights in a PE: the next ones may follow the last through the PE. So many cycles
  /// after the start of the last step that uses it their slot is free. kAfter: at the end of that
  /// step.
  std::array<std::int64_t, 2> follows{kAfter, kAfter};
  static constexpr std::int64_t kAfter = -1;
  bool any_follows() const { return follows[0] != kAfter || follows[1] != kAfter; }
  std::int64_t latency = 0;    ///< cycles a transfer out waits before it flies (off-chip)
  std::int64_t in_flight = 0;  ///< most bursts requested and not yet arrived (off-chip); 0: any
  Rows rows;                   ///< (off-chip)
  AccessEnergy energy;
  /// Input, weight, output. What the global buffer does not hold passes it by, from off-chip memory
  /// to its children. All other levels hold everything, and all hold outputs.
  std::array<bool, 3> holds{true, true, true};
  std::int64_t cluster_pes = 0;  ///< cluster buffers: PEs below one instance; else 0
  bool implied = false;          ///< not declared: unlimited, costs nothing
  /// Banks of the global buffer, each with one port at which its flows take turns, at the rates of
  /// the two ports. 0: every flow has a port of its own.
  int banks = 0;
  std::array<int, 3> bank{};  ///< that holds inputs, weights, outputs
};

/// Commands in flight: a step of an array of PEs starts `latency` cycles after the end of the work
/// of the step `steps` before it, at the earliest.
struct StepWindow {
  std::int64_t steps = 0;  ///< 0: any number may be in flight
  std::int64_t latency = 0;
};

struct EnergyTable {
  std::string name;
  std::string source;       ///< citation
  std::string technology;   ///< e.g. "65 nm"
  std::string unit = "pJ";  ///< "pJ", or "MAC" for tables normalised to one multiply-accumulate
  double mac_pj = 0;
  double leakage_pj_per_cycle = 0;
};

struct WordBits {
  int input = 8, weight = 8, psum = 32;
  int output = 0;  ///< of finished outputs on their way out; 0: as psum
};

/// The machine as described: storage = {off-chip, global buffer, cluster buffers ..., PE buffer},
/// network[i] from storage[i] to storage[i+1]. Immutable once checked.
struct Machine {
  std::string name;
  std::string description;
  std::string file;
  double clock_mhz = 1000;
  std::int64_t pes = 1;
  std::int64_t lanes = 1;             ///< multiply-accumulates per PE and cycle
  std::int64_t pipeline_latency = 0;  ///< cycles from the end of a PE's work to its drain
  std::int64_t step_overhead = 0;     ///< cycles that every step of an array of PEs takes longer
  std::int64_t step_minimum = 0;      ///< cycles that the work of such a step takes at least
  std::int64_t startup = 0;           ///< cycles before off-chip memory is used
  StepWindow step_window;
  WordBits bits;
  /// Capacities count words of any tensor instead of bytes (the original tool's hardware files).
  bool capacity_in_words = false;
  std::vector<Storage> storage;
  std::vector<Network> network;
  /// Network of cluster levels that the dataflow has and the machine does not declare. If not
  /// given, such a level has the network of the level above it (as the original tool does).
  std::optional<Network> implied_network;
  EnergyTable energy;
};

/// `own` cycles of a network last as long as `core` cycles of the machine.
struct ClockRatio {
  std::int64_t core = 1, own = 1;
};
/// In lowest terms, to a kHz.
ClockRatio clock_ratio(const Machine& machine, const Network& network);

/// The machine seen by one mapping: one storage per depth of the nest (levels + 1) and one
/// network per level, implied cluster buffers filled in.
struct BoundMachine {
  Machine machine;
  std::vector<Storage> storage;
  std::vector<Network> network;
  /// By level: whether what leaves its children is finished (workloads::finished_outputs).
  std::vector<bool> finished;
};

/// Whether a tensor (0 input, 1 weight, 2 output) comes to the children of a level straight from
/// the level above: the unit does not hold it.
inline bool passes_by(const BoundMachine& m, std::size_t level, std::size_t tensor) {
  return !m.storage[level].holds[tensor];
}

/// Width of the words that leave the children of a level.
inline int drain_bits(const BoundMachine& m, std::size_t level) {
  const bool finished = level < m.finished.size() && m.finished[level];
  return finished && m.machine.bits.output > 0 ? m.machine.bits.output : m.machine.bits.psum;
}

}  // namespace counterpoint::hw
