// SPDX-License-Identifier: Apache-2.0
// Transfers between a unit and its children over a routed network: words become packets, packets
// become words again.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "hw/machine.h"
#include "sim/noc/network.h"

namespace counterpoint::sim::noc {

/// Words of one tensor that the same children receive, or send.
struct Parcel {
  std::vector<int> children;
  std::size_t words = 0;
  /// To children: of one word after the other. From children: of each child in turn. Empty without
  /// data.
  std::vector<std::int64_t> values;
  std::int64_t key = 0;  ///< the caller's
};

/// What happened to a transfer.
struct TransferEvent {
  std::int64_t transfer = 0;
  bool arrived = false;  ///< else: the last word has left the unit (or the children)
};

class Transport : public Receiver {
 public:
  /// Word widths by flow (input, weight, output). Throws input::InputError if the network cannot
  /// have so many children.
  Transport(const hw::Network& network, std::int64_t children, const std::array<int, 3>& bits,
            Detail detail, bool unlimited_buffers, bool unlimited_channels);

  /// Packets of one or several tensors to the children, offered in cycle `now`. `flows[i]` is the
  /// tensor of parcels[i]. Returns the transfer's number.
  std::int64_t send(std::vector<Parcel> parcels, const std::vector<int>& flows, std::int64_t now);
  /// From the children. `adds`: sums of several children are added on the way, else each travels.
  std::int64_t collect(std::vector<Parcel> parcels, bool adds, std::int64_t now);

  /// All network cycles of cycle `now`. What happened is in events().
  void step(std::int64_t now);
  bool empty() const;
  std::vector<TransferEvent>& events() { return events_; }

  /// The parcels of a transfer that has arrived, with the values as they arrived: to children one
  /// per word; from children (adds) one sum per word, else of each child in turn.
  std::vector<Parcel> take(std::int64_t transfer);

  /// The networks; links()[i].use and so on are of interest after the run.
  const std::vector<std::unique_ptr<Network>>& planes() const { return planes_; }
  std::int64_t network_cycles() const { return network_now_; }  ///< stepped or skipped so far
  const std::array<std::int64_t, kCauses>& late() const { return late_; }
  std::int64_t packets() const { return packets_; }
  std::int64_t port_node(int port) const { return ports_[static_cast<std::size_t>(port)]; }
  std::int64_t clock() const { return fabric_.clock; }

  void delivered(const Delivery& delivery) override;
  void sent(const PacketRequest& packet, std::int64_t now) override;
  void added(const PacketRequest& packet, int from) override;

  /// Which child, or port (the second), a node is; -1 if it is not one.
  std::pair<int, int> who(int node) const;

 private:
  // The children of a collective, nearest to the port first.
  struct Order {
    int port = 0;
    std::vector<int> nodes;
    std::vector<int> place;  // by child; -1: not one of them
    std::vector<int> given;  // place in the caller's list
    int tree = -1;           // for sums in the routers
  };
  // A part of a parcel under way as one packet per leg.
  struct Piece {
    std::size_t transfer = 0, parcel = 0, first = 0, count = 0;
    int flow = 0;
    bool collects = false, adds = false;
    const Order* order = nullptr;
    std::vector<int> waits;            // per child in order: sums still to come (adds)
    std::vector<std::int64_t> values;  // per child and word: the sums so far (adds)
    std::size_t open = 0;              // deliveries still to come
  };
  struct Leg {  // a packet
    std::size_t piece = 0;
    int from = -1, to = -1;  // places in the order; -1: the port
  };
  struct Transfer {
    std::vector<Parcel> parcels;
    std::size_t open = 0;      // deliveries
    std::size_t unsent = 0;    // packets that have not left
    std::int64_t number = -1;  // -1: free
  };
  Network& plane(int flow, bool up);
  Order& order_of(const std::vector<int>& children);
  int nearest_port(int child);
  int node(const Piece& piece, int place) const;
  int child_of(int node) const { return node - child_nodes_[0]; }
  bool forks() const { return fabric_.collective == hw::Collective::Fork; }
  std::size_t new_leg(std::size_t piece, int from, int to);
  PacketRequest packet_of(const Piece& piece, std::size_t leg) const;
  void offer(std::size_t piece, int from, int to);
  void begin(std::size_t transfer, std::size_t parcel, int flow, bool collects, bool adds);
  std::size_t new_transfer(std::vector<Parcel> parcels);
  std::size_t new_piece();
  void put_sums(const Piece& piece, std::size_t place);

  hw::Fabric fabric_;
  hw::Topology shape_;
  bool tree_;
  std::array<int, 3> bits_;
  std::vector<int> child_nodes_, ports_;
  std::vector<int> nearest_;  // port, by child
  std::vector<std::unique_ptr<Network>> planes_;
  std::deque<Order> orders_;
  std::unordered_map<std::size_t, std::vector<std::pair<std::vector<int>, Order*>>> known_;
  std::vector<Transfer> transfers_;
  std::vector<std::size_t> free_transfers_;
  std::int64_t next_transfer_ = 0;
  std::vector<Piece> pieces_;
  std::vector<std::size_t> free_pieces_;
  std::vector<Leg> legs_;
  std::vector<std::size_t> free_legs_;
  std::vector<std::size_t> pending_, offers_;  // legs to offer after the step
  std::vector<TransferEvent> events_;
  std::int64_t network_now_ = 0;
  bool stepping_ = false;
  std::array<std::int64_t, kCauses> late_{};
  std::int64_t packets_ = 0;
};

}  // namespace counterpoint::sim::noc
