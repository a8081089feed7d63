// SPDX-License-Identifier: Apache-2.0
// Networks of routers that carry packets flit by flit, with finite buffers and without loss.
//
// A network is stepped once per cycle by one SystemC process (network_module.h). Its state is flat
// arrays; routers without flits cost nothing; nothing is allocated in step() once the pools have
// grown to the traffic in flight.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "sim/noc/topology.h"

namespace counterpoint::sim::noc {

enum class Flow : std::uint8_t {
  Credit,     ///< virtual channels, credits, separable allocators (BookSim2's router)
  Handshake,  ///< a request and an acknowledgement per flit, reservations (Noxim's router)
};

enum class Arbiter : std::uint8_t {
  RoundRobin,  ///< pointers that move on an accepted grant (iSLIP with one iteration)
  Oldest,      ///< the packet offered first; of the same cycle the one offered to the network first
};

/// Times in cycles. With `routing` = r, `speculative` = s the head of a packet asks for the
/// switch r + (s ? 0 : 1) cycles after it arrived, and reaches the next router
/// 2 + link cycles after it was granted.
struct RouterTiming {
  Flow flow = Flow::Credit;
  int routing = 1;           ///< 0: the way is known on arrival (lookahead)
  bool speculative = false;  ///< asks for the switch and for a virtual channel at once
  int link = 1;
  int credit = 0;  ///< processing of a credit at the sender, above the 2 cycles of its way

  /// Cycles in a router, from arrival to the link (BookSim2's pipelines: A 4, B 2, C 3, D 3).
  int pipeline() const { return routing + (speculative ? 2 : 3); }
  /// Grant of a flit to the first use of its slot by another, if it leaves the next router at once.
  int credit_loop() const { return 4 + link + credit; }
};

/// "booksim" (= "booksim-a"), "booksim-b", "booksim-c", "booksim-d", "noxim". Throws
/// input::InputError.
RouterTiming router_timing(const std::string& name);

struct NetworkConfig {
  TopologySpec topology;
  RouterTiming timing;
  int vcs = 1;
  int buffer_depth = 8;  ///< flits per virtual channel
  Arbiter arbiter = Arbiter::RoundRobin;
  std::int64_t deadlock_after = 10000;  ///< cycles without any movement while flits are there
  bool forks = false;                   ///< routers copy and add packets (fork_network.cpp)
  bool split_vcs = false;  ///< flows 0, 1 and the others have a third of the channels each
  std::uint64_t seed = 1;  ///< handshake routers draw a packet's virtual channel
};

/// Why a packet arrived later than in an empty network.
enum class Cause : std::uint8_t {
  Port,         ///< behind others at its source's port, or another had the port of its destination
  Link,         ///< another packet had the link or its virtual channels
  HeadOfLine,   ///< behind another packet in a buffer
  BufferFull,   ///< no free slot at the other end of a link
  Arbitration,  ///< the link was free but the request was not granted
};
inline constexpr std::size_t kCauses = 5;
const char* cause_name(Cause cause);

struct PacketRequest {
  int source = 0;
  int destination = 0;
  int flits = 1;
  int flow = 0;                           ///< class for reports (a tensor), below kFlows
  const std::int64_t* payload = nullptr;  ///< the caller's; handed to the receiver
  std::int64_t tag = 0;                   ///< the caller's
  /// Several nodes instead of `destination`: routers that fork only; the caller's, until the offer
  /// returns. One delivery each.
  const std::vector<int>* destinations = nullptr;
};
inline constexpr int kFlows = 8;

/// A packet whose tail has arrived.
struct Delivery {
  PacketRequest packet;
  std::int64_t offered = 0;   ///< cycle in which the source had it
  std::int64_t injected = 0;  ///< its head left the source's queue
  std::int64_t head = 0;      ///< its head reached the destination
  std::int64_t tail = 0;
  int routers = 0;  ///< on its way
  /// Cycles above zero_load() by cause; they sum to the difference (credit flow only).
  std::array<std::int32_t, kCauses> late{};
};

class Receiver {
 public:
  virtual ~Receiver() = default;
  virtual void delivered(const Delivery& delivery) = 0;
  /// The tail left its source's queue in cycle `now`.
  virtual void sent(const PacketRequest& /*packet*/, std::int64_t /*now*/) {}
  /// On the way of a sum: the part of node `from` was added to the packet.
  virtual void added(const PacketRequest& /*packet*/, int /*from*/) {}
};

/// What a link did; the four sum to the cycles of the run.
struct LinkUse {
  std::int64_t used = 0;
  std::int64_t stalled = 0;  ///< a flit was there, no slot at the other end
  std::int64_t lost = 0;     ///< a flit and a slot were there, no grant
  std::int64_t idle = 0;
};

struct Link {
  int router = 0;
  int port = 0;
  int to_router = -1;  ///< or
  int to_node = -1;
};

/// Nothing moves and nothing will: packets wait for each other in a ring, or for a receiver that
/// is stalled for ever. what() names who waits for whom.
class Deadlock : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Network {
 public:
  virtual ~Network() = default;
  /// Puts a packet into its source's queue, which has no limit. It may leave in the next step().
  virtual void offer(const PacketRequest& packet, std::int64_t now) = 0;
  /// The ways of the members' packets of a sum to one node, for offer_sum(). Routers that fork
  /// only.
  virtual int sum_tree(const std::vector<int>& members, int destination);
  /// A packet at every member (`packet.source` says nothing), added where their ways meet: one
  /// delivery. Its source is the member to whose packet the others were added. Links carry sums in
  /// the order of the offers; other packets should not share links with them (deadlock).
  virtual void offer_sum(const PacketRequest& packet, int tree, std::int64_t now);
  /// One cycle. `now` grows by one from call to call, unless the network is empty.
  /// Throws Deadlock.
  virtual void step(std::int64_t now) = 0;
  virtual bool empty() const = 0;
  /// Flits in the buffers and on the links.
  virtual std::int64_t flits_inside() const = 0;
  /// The next `cycles` cycles of a router's input side nothing leaves its buffers (a test's stall).
  virtual void stall(int router, int port, std::int64_t until) = 0;

  /// Links in the order of routers and ports; links to nodes included.
  const std::vector<Link>& links() const { return links_; }
  /// `cycles` is the length of the run.
  LinkUse use(std::size_t link, std::int64_t cycles) const;
  /// waited(a, b): cycles in which a packet of flow a waited because a packet of flow b had its
  /// link.
  std::int64_t waited(int flow, int for_flow) const {
    return waited_[static_cast<std::size_t>(flow * kFlows + for_flow)];
  }
  /// The same where the link led to a router: what Cause::Link says, by who and for whom.
  std::int64_t waited_for_links(int flow, int for_flow) const {
    return link_waited_[static_cast<std::size_t>(flow * kFlows + for_flow)];
  }
  std::int64_t flit_hops() const { return flit_hops_; }
  /// Forgets what was counted, not what is on its way.
  void clear_statistics();
  const Topology& topology() const { return topology_; }
  const NetworkConfig& config() const { return config_; }

 protected:
  Network(const NetworkConfig& config, Receiver& receiver);
  std::size_t port_index(int router, int port) const {
    return static_cast<std::size_t>(base_[static_cast<std::size_t>(router)] + port);
  }

  NetworkConfig config_;
  Topology topology_;
  Receiver* receiver_;
  std::vector<std::int32_t> base_;   ///< first port of every router, in one numbering of all ports
  std::vector<std::int32_t> owner_;  ///< router of a port
  std::vector<Link> links_;
  std::vector<LinkUse> use_;  ///< by port
  void add_wait(int flow, int for_flow, Cause cause) {
    const std::size_t i = static_cast<std::size_t>(flow * kFlows + for_flow);
    ++waited_[i];
    if (cause == Cause::Link) ++link_waited_[i];
  }
  std::array<std::int64_t, kFlows * kFlows> waited_{}, link_waited_{};
  std::int64_t flit_hops_ = 0;
};

/// How much of a network is there. Each detail holds the ones before, so the cycles that a run
/// gains from one to the next have that cause.
enum class Detail : std::uint8_t {
  Ways,     ///< packets take what they take in an empty network
  Ports,    ///< and a node sends, and takes, a flit per cycle
  Routers,  ///< all: links, channels, buffers, arbitration
};

/// Throws input::InputError if the numbers do not fit each other.
std::unique_ptr<Network> make_network(const NetworkConfig& config, Receiver& receiver);

/// The same with less detail (credit flow).
std::unique_ptr<Network> make_network(const NetworkConfig& config, Receiver& receiver,
                                      Detail detail);

/// Offer to arrival of the tail in an empty network. Credit flow:
/// R (P + link) + 1 + L with R routers, P = pipeline(), L flits, and floor((L-1)/depth) times
/// what the credit loop is longer than the buffer is deep. Handshake: 2R + 2(L-1).
std::int64_t zero_load(const NetworkConfig& config, int routers, int flits);

}  // namespace counterpoint::sim::noc
