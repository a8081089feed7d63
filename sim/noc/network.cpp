// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "input/diagnostics.h"
#include "sim/noc/routers.h"

namespace counterpoint::sim::noc {

RouterTiming router_timing(const std::string& name) {
  RouterTiming t;
  if (name == "booksim" || name == "booksim-a") return t;
  if (name == "booksim-b" || name == "booksim-c" || name == "booksim-d") {
    t.routing = name == "booksim-d" ? 1 : 0;
    t.speculative = name != "booksim-c";
    return t;
  }
  if (name == "noxim") {
    t.flow = Flow::Handshake;
    return t;
  }
  const std::string nearest = input::did_you_mean(
      name, {"booksim", "booksim-a", "booksim-b", "booksim-c", "booksim-d", "noxim"});
  throw input::InputError(fmt::format(
      "unknown timing '{}': it is booksim, booksim-a, booksim-b, booksim-c, booksim-d or noxim{}",
      name, nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
}

const char* cause_name(Cause cause) {
  constexpr const char* kNames[] = {"port", "link", "head_of_line", "buffer_full", "arbitration"};
  return kNames[static_cast<std::size_t>(cause)];
}

Network::Network(const NetworkConfig& config, Receiver& receiver)
    : config_(config), topology_(make_topology(config.topology)), receiver_(&receiver) {
  for (std::size_t r = 0; r < topology_.routers.size(); ++r) {
    base_.push_back(static_cast<std::int32_t>(owner_.size()));
    const auto& ports = topology_.routers[r].ports;
    for (std::size_t p = 0; p < ports.size(); ++p) {
      owner_.push_back(static_cast<std::int32_t>(r));
      if (ports[p].router >= 0 || ports[p].node >= 0)
        links_.push_back(
            {static_cast<int>(r), static_cast<int>(p), ports[p].router, ports[p].node});
    }
  }
  use_.resize(owner_.size());
}

LinkUse Network::use(std::size_t link, std::int64_t cycles) const {
  LinkUse u = use_[port_index(links_[link].router, links_[link].port)];
  u.idle = cycles - u.used - u.stalled - u.lost;
  return u;
}

int Network::sum_tree(const std::vector<int>& /*members*/, int /*destination*/) {
  throw std::logic_error("noc: these routers do not add");
}

void Network::offer_sum(const PacketRequest& /*packet*/, int /*tree*/, std::int64_t /*now*/) {
  throw std::logic_error("noc: these routers do not add");
}

void Network::clear_statistics() {
  std::fill(use_.begin(), use_.end(), LinkUse{});
  waited_.fill(0);
  link_waited_.fill(0);
  flit_hops_ = 0;
}

std::int64_t zero_load(const NetworkConfig& config, int routers, int flits) {
  const RouterTiming& t = config.timing;
  if (t.flow == Flow::Handshake) return 2 * routers + 2 * (std::int64_t{flits} - 1);
  const std::int64_t stalls =
      (flits - 1) / config.buffer_depth * std::max(0, t.credit_loop() - config.buffer_depth);
  return routers * (t.pipeline() + t.link) + 1 + flits + stalls;
}

std::unique_ptr<Network> make_network(const NetworkConfig& c, Receiver& receiver) {
  const auto refuse = [](const std::string& why) { throw input::InputError("network: " + why); };
  if (c.vcs < 1 || c.vcs > 16)
    refuse(fmt::format("{} virtual channels: 1 to 16 are possible", c.vcs));
  if (c.buffer_depth < 1 || c.buffer_depth > 4096)
    refuse(fmt::format("buffers of {} flits: 1 to 4096 are possible", c.buffer_depth));
  if (c.timing.link < 1 || c.timing.link > 1000) refuse("a link takes 1 to 1000 cycles");
  if (c.timing.routing < 0 || c.timing.routing > 100) refuse("routing takes 0 to 100 cycles");
  if (c.timing.credit < 0 || c.timing.credit > 1000) refuse("a credit takes 0 to 1000 cycles");
  if (c.timing.flow == Flow::Handshake) {
    if (c.topology.shape != Shape::Mesh || c.topology.routing != Routing::DimensionOrder)
      refuse("noxim's timing is that of a mesh with dimension order");
    return make_handshake_network(c, receiver);
  }
  if (c.forks) {
    if (c.topology.shape == Shape::Torus)
      refuse("a torus needs virtual channels, and routers that fork have none");
    if (c.topology.routing != Routing::DimensionOrder)
      refuse("routers that fork have one way to every node");
    if (c.split_vcs) refuse("routers that fork have no virtual channels to share out");
    return make_fork_network(c, receiver);
  }
  auto network = make_credit_network(c, receiver);
  if (network->topology().needs_two_parts && c.vcs < 2)
    refuse("a torus needs 2 virtual channels or more");
  const int least = network->topology().needs_two_parts ? 6 : 3;
  if (c.split_vcs && c.vcs < least)
    refuse(fmt::format("channels of its own for every tensor: {} virtual channels or more", least));
  return network;
}

namespace {

// Packets that meet nobody, or only at the nodes.
class Ideal : public Network {
 public:
  Ideal(const NetworkConfig& config, Receiver& receiver, bool ports)
      : Network(config, receiver), ports_(ports) {
    free_.assign(topology_.nodes.size(), 0);
    taken_.assign(topology_.nodes.size(), 0);
  }
  void offer(const PacketRequest& packet, std::int64_t now) override {
    const std::int64_t injected = inject(packet, now);
    if (packet.destinations == nullptr) {
      deliver(packet, packet.destination, now, injected);
    } else {
      for (const int to : *packet.destinations) deliver(packet, to, now, injected);
    }
  }
  int sum_tree(const std::vector<int>& members, int destination) override {
    trees_.emplace_back(members, destination);
    return static_cast<int>(trees_.size()) - 1;
  }
  // There when the last part would be.
  void offer_sum(const PacketRequest& packet, int tree, std::int64_t now) override {
    const auto& [members, destination] = trees_[static_cast<std::size_t>(tree)];
    PacketRequest part = packet, last = packet;
    std::int64_t injected = 0, latest = -1;
    part.destination = destination;
    part.destinations = nullptr;
    for (const int m : members) {
      part.source = m;
      const std::int64_t from = inject(part, now);
      const std::int64_t way =
          zero_load(config_, topology_.routers_between(m, destination), packet.flits);
      if (from + way <= latest) continue;
      latest = from + way;
      injected = from;
      last = part;
    }
    for (const int m : members)
      if (m != last.source) receiver_->added(last, m);
    deliver(last, destination, now, injected);
  }
  void step(std::int64_t now) override {
    while (!sent_.empty() && sent_.front().when <= now) {
      std::pop_heap(sent_.begin(), sent_.end());
      const PacketRequest p = sent_.back().what.packet;
      sent_.pop_back();
      receiver_->sent(p, now);
    }
    while (!tails_.empty() && tails_.front().when <= now) {
      std::pop_heap(tails_.begin(), tails_.end());
      Event e = tails_.back();
      tails_.pop_back();
      Delivery& d = e.what;
      // A node takes its flits in the order in which the packets would be there.
      if (ports_ && !e.served) {
        std::int64_t& taken = taken_[static_cast<std::size_t>(d.packet.destination)];
        const std::int64_t tail = std::max(d.tail, taken + d.packet.flits);
        taken = tail;
        d.late[static_cast<std::size_t>(Cause::Port)] += static_cast<std::int32_t>(tail - d.tail);
        if (tail > d.tail) {
          d.tail = tail;
          d.head = tail - d.packet.flits + 1;
          e.when = tail;
          e.served = true;
          tails_.push_back(e);
          std::push_heap(tails_.begin(), tails_.end());
          continue;
        }
      }
      receiver_->delivered(d);
    }
  }
  bool empty() const override { return sent_.empty() && tails_.empty(); }
  std::int64_t flits_inside() const override {
    std::int64_t n = 0;
    for (const Event& e : tails_) n += e.what.packet.flits;
    return n;
  }
  void stall(int, int, std::int64_t) override {}

 private:
  struct Event {
    std::int64_t when, order;
    Delivery what;
    bool served = false;                        // has waited for its destination's port
    bool operator<(const Event& other) const {  // a heap's front is its largest
      return when != other.when ? when > other.when : order > other.order;
    }
  };
  std::int64_t inject(const PacketRequest& packet, std::int64_t now) {
    std::int64_t& free = free_[static_cast<std::size_t>(packet.source)];
    const std::int64_t injected = ports_ ? std::max(now, free) : now;
    free = injected + packet.flits;
    Delivery d;
    d.packet = packet;
    d.packet.destinations = nullptr;
    push(sent_, injected + packet.flits - 1, d);
    return injected;
  }
  void deliver(const PacketRequest& packet, int to, std::int64_t now, std::int64_t injected) {
    Delivery d;
    d.packet = packet;
    d.packet.destination = to;
    d.packet.destinations = nullptr;
    d.offered = now;
    d.injected = injected;
    d.routers = topology_.routers_between(packet.source, to);
    const std::int64_t way = zero_load(config_, d.routers, packet.flits);
    d.tail = d.injected + way;
    d.head = d.tail - packet.flits + 1;
    d.late[static_cast<std::size_t>(Cause::Port)] = static_cast<std::int32_t>(d.tail - now - way);
    flit_hops_ += std::int64_t{d.routers} * packet.flits;
    push(tails_, d.tail, d);
  }
  void push(std::vector<Event>& heap, std::int64_t when, const Delivery& what) {
    heap.push_back({when, order_++, what, false});
    std::push_heap(heap.begin(), heap.end());
  }

  bool ports_;
  std::vector<std::int64_t> free_, taken_;  // by node: the next cycle to send; the last tail
  std::vector<std::pair<std::vector<int>, int>> trees_;
  std::vector<Event> sent_, tails_;  // heaps
  std::int64_t order_ = 0;
};

}  // namespace

std::unique_ptr<Network> make_network(const NetworkConfig& config, Receiver& receiver,
                                      Detail detail) {
  if (detail == Detail::Routers) return make_network(config, receiver);
  return std::make_unique<Ideal>(config, receiver, detail == Detail::Ports);
}

}  // namespace counterpoint::sim::noc
