// SPDX-License-Identifier: Apache-2.0
// Routers that copy: a packet for several nodes travels once as far as its ways are one, and is
// copied where they part (asynchronous fork: each copy goes on as soon as it can, a flit leaves the
// buffer when all copies have it). One channel, virtual cut-through: a packet asks for a link when
// the buffer behind it has room for the packet (or is empty, if the packet is longer).
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>

#include "sim/noc/routers.h"

namespace counterpoint::sim::noc {
namespace {

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

class ForkNetwork : public Network {
 public:
  ForkNetwork(const NetworkConfig& config, Receiver& receiver) : Network(config, receiver) {
    inputs_.resize(owner_.size());
    outputs_.resize(owner_.size());
    for (Output& o : outputs_) o.credits = config_.buffer_depth;
    sources_.resize(topology_.nodes.size());
    for (Source& s : sources_) s.credits = config_.buffer_depth;
    busy_.assign(topology_.routers.size(), 0);
    upstream_.assign(owner_.size(), -1);
    for (std::size_t r = 0; r < topology_.routers.size(); ++r)
      for (std::size_t p = 0; p < topology_.routers[r].ports.size(); ++p) {
        const Topology::Port& to = topology_.routers[r].ports[p];
        if (to.router >= 0)
          upstream_[port_index(to.router, to.port)] =
              static_cast<std::int32_t>(port_index(static_cast<int>(r), static_cast<int>(p)));
      }
    for (std::size_t n = 0; n < topology_.nodes.size(); ++n)
      upstream_[port_index(topology_.nodes[n].router, topology_.nodes[n].port)] =
          ~static_cast<std::int32_t>(n);
  }

  void offer(const PacketRequest& packet, std::int64_t now) override {
    const std::int32_t c = take();
    Copy& copy = copies_[at(c)];
    copy.packet = packet;
    copy.offered = now;
    copy.destinations = packet.destinations == nullptr ? std::vector<int>{packet.destination}
                                                       : *packet.destinations;
    open_ += static_cast<std::int64_t>(copy.destinations.size());
    if (open_ == static_cast<std::int64_t>(copy.destinations.size())) moved_at_ = now;
    sources_[at(packet.source)].queue.push_back(c);
  }

  void step(std::int64_t now) override {
    while (!credits_.empty() && credits_.begin()->first <= now) {
      const std::int32_t to = credits_.begin()->second;
      credits_.erase(credits_.begin());
      ++(to >= 0 ? outputs_[at(to)].credits : sources_[at(~to)].credits);
    }
    while (!arrivals_.empty() && arrivals_.begin()->first <= now) {
      const Arrival a = arrivals_.begin()->second;
      arrivals_.erase(arrivals_.begin());
      arrive(a, now);
    }
    for (std::size_t n = 0; n < sources_.size(); ++n)
      if (!sources_[n].queue.empty()) inject(n, now);
    for (std::size_t r = 0; r < busy_.size(); ++r)
      if (busy_[r] > 0) evaluate(static_cast<int>(r), now);
    if (open_ > 0 && now - moved_at_ > config_.deadlock_after)
      throw Deadlock(fmt::format(
          "deadlock in cycle {}: nothing has moved for {} cycles, {} flits are in the network; "
          "packets that fork wait for each other's links",
          now, now - moved_at_, flits_));
  }

  bool empty() const override { return open_ == 0; }
  std::int64_t flits_inside() const override { return flits_; }
  void stall(int router, int port, std::int64_t until) override {
    inputs_[port_index(router, port)].stalled_until = until;
  }

 private:
  struct Copy {
    PacketRequest packet;
    std::vector<int> destinations;
    std::int64_t offered = 0, injected = -1, head = 0;
    int routers = 0;
  };
  struct Branch {
    int port = -1;
    std::int32_t copy = -1;
    int sent = 0;
  };
  struct Entry {
    std::int32_t copy;
    int number;
    std::int64_t since;
  };
  struct Input {
    std::deque<Entry> fifo;
    std::vector<Branch> branches;  // of the packet at the front
    int front = 0;                 // its first flit in the buffer
    bool open = false;
    std::int64_t stalled_until = -1;
  };
  struct Output {
    int credits = 0;
    int input = -1;  // port of the router that has it
    std::size_t branch = 0;
    int next = 0;  // round robin
  };
  struct Source {
    std::deque<std::int32_t> queue;
    int sent = 0, credits = 0;
  };
  struct Arrival {
    std::int32_t input;  // or ~node
    std::int32_t copy;
    int number;
  };

  std::int32_t take() {
    if (free_.empty()) {
      copies_.emplace_back();
      return static_cast<std::int32_t>(copies_.size()) - 1;
    }
    const std::int32_t c = free_.back();
    free_.pop_back();
    copies_[at(c)] = {};
    return c;
  }

  void arrive(const Arrival& a, std::int64_t now) {
    moved_at_ = now;
    if (a.input >= 0) {
      inputs_[at(a.input)].fifo.push_back({a.copy, a.number, now});
      ++busy_[at(owner_[at(a.input)])];
      return;
    }
    Copy& c = copies_[at(a.copy)];
    --flits_;
    if (a.number == 0) c.head = now;
    if (a.number + 1 < c.packet.flits) return;
    Delivery d;
    d.packet = c.packet;
    d.packet.destination = ~a.input;
    d.offered = c.offered;
    d.injected = c.injected;
    d.head = c.head;
    d.tail = now;
    d.routers = c.routers;
    free_.push_back(a.copy);
    --open_;
    receiver_->delivered(d);
  }

  void inject(std::size_t node, std::int64_t now) {
    Source& s = sources_[node];
    if (s.credits == 0) return;
    const std::int32_t c = s.queue.front();
    Copy& copy = copies_[at(c)];
    if (s.sent == 0) copy.injected = now;
    --s.credits;
    ++flits_;
    moved_at_ = now;
    const Topology::Place& place = topology_.nodes[node];
    arrivals_.insert(
        {now + 2, {static_cast<std::int32_t>(port_index(place.router, place.port)), c, s.sent}});
    if (++s.sent < copy.packet.flits) return;
    s.sent = 0;
    s.queue.pop_front();
    receiver_->sent(copy.packet, now);
  }

  // The ways of a packet part here: one copy per output.
  void fork(int router, Input& in) {
    in.branches.clear();
    in.front = 0;
    in.open = true;
    const std::int32_t c = in.fifo.front().copy;
    std::map<int, std::vector<int>> by_port;
    for (const int d : copies_[at(c)].destinations)
      by_port[topology_.hop(router, d).port].push_back(d);
    for (auto& [port, destinations] : by_port) {
      const std::int32_t n = take();
      Copy& copy = copies_[at(n)];
      const Copy& from = copies_[at(c)];
      copy.packet = from.packet;
      copy.offered = from.offered;
      copy.injected = from.injected;
      copy.routers = from.routers + 1;
      copy.destinations = std::move(destinations);
      in.branches.push_back({port, n, 0});
    }
  }

  void evaluate(int router, std::int64_t now) {
    const int ports = static_cast<int>(topology_.routers[at(router)].ports.size());
    for (int p = 0; p < ports; ++p) {
      Input& in = inputs_[port_index(router, p)];
      if (!in.open && !in.fifo.empty()) fork(router, in);
    }
    for (int o = 0; o < ports; ++o) {
      const Topology::Port& to = topology_.routers[at(router)].ports[at(o)];
      if (to.router < 0 && to.node < 0) continue;
      Output& out = outputs_[port_index(router, o)];
      LinkUse& use = use_[port_index(router, o)];
      bool waits = false;
      if (out.input < 0) {
        for (int k = 0; k < ports && out.input < 0; ++k) {
          const int p = (out.next + k) % ports;
          const Input& in = inputs_[port_index(router, p)];
          if (!in.open || in.fifo.empty() || in.stalled_until > now) continue;
          if (now < in.fifo.front().since + config_.timing.pipeline() - 2) continue;
          for (std::size_t b = 0; b < in.branches.size(); ++b) {
            if (in.branches[b].port != o || in.branches[b].sent != 0) continue;
            const int flits = copies_[at(in.fifo.front().copy)].packet.flits;
            if (to.node < 0 && out.credits < std::min(flits, config_.buffer_depth)) {
              waits = true;
              break;
            }
            out.input = p;
            out.branch = b;
            out.next = (p + 1) % ports;
            break;
          }
        }
      } else {
        // Who waits for whom: heads that want the output while another has it.
        const Input& has = inputs_[port_index(router, out.input)];
        const int by = copies_[at(has.branches[out.branch].copy)].packet.flow;
        for (int p = 0; p < ports; ++p) {
          const Input& in = inputs_[port_index(router, p)];
          if (p == out.input || !in.open || in.fifo.empty()) continue;
          for (const Branch& b : in.branches)
            if (b.port == o && b.sent == 0)
              ++waited_[at(copies_[at(in.fifo.front().copy)].packet.flow * kFlows + by)];
        }
      }
      if (out.input < 0) {
        if (waits) ++use.stalled;
        continue;
      }
      Input& in = inputs_[port_index(router, out.input)];
      Branch& b = in.branches[out.branch];
      if (in.stalled_until > now ||
          b.sent >= in.front + static_cast<int>(in.fifo.size()))  // its next flit is not here yet
        continue;
      if (in.fifo[at(b.sent - in.front)].copy != in.fifo.front().copy) continue;
      if (to.node < 0 && out.credits == 0) {
        ++use.stalled;
        continue;
      }
      if (to.node < 0) --out.credits;
      ++use.used;
      ++flit_hops_;
      ++flits_;
      moved_at_ = now;
      const std::int32_t target = to.node >= 0
                                      ? ~static_cast<std::int32_t>(to.node)
                                      : static_cast<std::int32_t>(port_index(to.router, to.port));
      arrivals_.insert({now + 2 + config_.timing.link, {target, b.copy, b.sent}});
      if (++b.sent == copies_[at(b.copy)].packet.flits) out.input = -1;
    }
    for (int p = 0; p < ports; ++p) {
      const std::size_t index = port_index(router, p);
      Input& in = inputs_[index];
      if (!in.open) continue;
      int least = in.branches[0].sent;
      for (const Branch& b : in.branches) least = std::min(least, b.sent);
      const std::int32_t copy = in.fifo.empty() ? -1 : in.fifo.front().copy;
      const int flits = copy < 0 ? 0 : copies_[at(copy)].packet.flits;
      while (in.front < least) {
        in.fifo.pop_front();
        ++in.front;
        --flits_;
        --busy_[at(router)];
        credits_.insert({now + 2 + config_.timing.credit, upstream_[index]});
      }
      if (copy >= 0 && in.front == flits) {
        in.open = false;
        free_.push_back(copy);
      }
    }
  }

  std::vector<Input> inputs_;
  std::vector<Output> outputs_;
  std::vector<Source> sources_;
  std::vector<std::int32_t> upstream_;  // of an input: the output that feeds it, or ~node
  std::vector<int> busy_;               // flits in a router's buffers
  std::vector<Copy> copies_;
  std::vector<std::int32_t> free_;
  std::multimap<std::int64_t, Arrival> arrivals_;
  std::multimap<std::int64_t, std::int32_t> credits_;
  std::int64_t open_ = 0, flits_ = 0, moved_at_ = 0;
};

}  // namespace

std::unique_ptr<Network> make_fork_network(const NetworkConfig& config, Receiver& receiver) {
  return std::make_unique<ForkNetwork>(config, receiver);
}

}  // namespace counterpoint::sim::noc
