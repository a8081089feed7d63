// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

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

void Network::clear_statistics() {
  std::fill(use_.begin(), use_.end(), LinkUse{});
  waited_.fill(0);
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
    return make_fork_network(c, receiver);
  }
  auto network = make_credit_network(c, receiver);
  if (network->topology().needs_two_parts && c.vcs < 2)
    refuse("a torus needs 2 virtual channels or more");
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
    std::int64_t& free = free_[static_cast<std::size_t>(packet.source)];
    const std::int64_t injected = ports_ ? std::max(now, free) : now;
    free = injected + packet.flits;
    sent_.insert({injected + packet.flits - 1, packet});
    if (packet.destinations == nullptr) {
      deliver(packet, packet.destination, now, injected);
    } else {
      for (const int to : *packet.destinations) deliver(packet, to, now, injected);
    }
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
    std::int64_t& taken = taken_[static_cast<std::size_t>(to)];
    if (ports_) d.tail = std::max(d.tail, taken + packet.flits);
    taken = d.tail;
    d.head = d.tail - packet.flits + 1;
    d.late[static_cast<std::size_t>(Cause::Port)] = static_cast<std::int32_t>(d.tail - now - way);
    flit_hops_ += std::int64_t{d.routers} * packet.flits;
    tails_.insert({d.tail, d});
  }
  void step(std::int64_t now) override {
    while (!sent_.empty() && sent_.begin()->first <= now) {
      receiver_->sent(sent_.begin()->second, now);
      sent_.erase(sent_.begin());
    }
    while (!tails_.empty() && tails_.begin()->first <= now) {
      const Delivery d = tails_.begin()->second;
      tails_.erase(tails_.begin());
      receiver_->delivered(d);
    }
  }
  bool empty() const override { return sent_.empty() && tails_.empty(); }
  std::int64_t flits_inside() const override {
    std::int64_t n = 0;
    for (const auto& [when, d] : tails_) n += d.packet.flits;
    return n;
  }
  void stall(int, int, std::int64_t) override {}

 private:
  bool ports_;
  std::vector<std::int64_t> free_, taken_;  // by node: the next cycle to send; the last tail
  std::multimap<std::int64_t, PacketRequest> sent_;
  std::multimap<std::int64_t, Delivery> tails_;
};

}  // namespace

std::unique_ptr<Network> make_network(const NetworkConfig& config, Receiver& receiver,
                                      Detail detail) {
  if (detail == Detail::Routers) return make_network(config, receiver);
  return std::make_unique<Ideal>(config, receiver, detail == Detail::Ports);
}

}  // namespace counterpoint::sim::noc
