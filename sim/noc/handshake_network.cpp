// SPDX-License-Identifier: Apache-2.0
// A mesh with Noxim's timing: a link carries a flit in two cycles (request and acknowledgement),
// outputs are reserved from the head to the tail, the receiver shows which of its buffers are full.
//
// A cycle has two halves for all routers: first they send, seeing what was written in the cycle
// before, then they accept what was written before this cycle.
#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "sim/noc/packets.h"
#include "sim/noc/routers.h"

namespace counterpoint::sim::noc {
namespace {

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

class HandshakeNetwork final : public Network {
 public:
  HandshakeNetwork(const NetworkConfig& config, Receiver& receiver);
  void offer(const PacketRequest& request, std::int64_t now) override;
  void step(std::int64_t now) override;
  bool empty() const override { return packets_inside_ == 0; }
  std::int64_t flits_inside() const override { return flits_inside_; }
  void stall(int router, int port, std::int64_t until) override {
    stalled_until_[port_index(router, port)] = until;
  }

 private:
  static constexpr int kPorts = 5;
  // The order in which a router looks at its inputs (north, east, south, west, local, and one
  // for a wireless hub that a mesh does not have), as ports of a grid.
  static constexpr std::array<int, 6> kScan = {3, 0, 2, 1, 4, -1};
  struct Channel {
    std::int32_t head = 0;
    std::int32_t count = 0;
    std::int32_t reserved = -1;  // output port
  };
  struct Wire {  // into an input port, or into a node
    bool busy = false;
    std::int8_t vc = 0;
    std::int64_t written = -1;
    Flit flit{};
  };
  struct Output {
    std::array<std::int16_t, 16> by{};  // channels (in * vcs + vc) that reserved it
    int size = 0;
    int index = 0;
  };
  struct Source {
    SourceQueue queue;
    std::int32_t next_flit = 0;
    std::int8_t vc = 0;
  };
  void send(int router, std::int64_t now);
  void accept(int router, std::int64_t now);
  void inject(int node, std::int64_t now);
  void reserve(int router, std::int64_t now);
  std::uint64_t random() { return random_(); }

  int vcs_;
  int depth_;
  PacketPool pool_;
  std::vector<Source> sources_;
  std::vector<Channel> channels_;  // [router][port][vc]
  std::vector<Flit> ring_;
  std::vector<Wire> wires_;          // [input port]
  std::vector<Wire> exits_;          // [node]
  std::vector<std::uint16_t> full_;  // [input port]: what the sender sees
  std::vector<Output> outputs_;      // [output port]
  std::vector<std::int32_t> leads_;  // [output port]: input port, ~node
  std::vector<std::int32_t> load_;   // [router]: flits in buffers and on wires to it
  std::vector<std::int64_t> stalled_until_;
  std::vector<bool> touched_;  // [router]: sent in this cycle
  std::mt19937_64 random_;
  std::int64_t packets_inside_ = 0;
  std::int64_t flits_inside_ = 0;
  std::int64_t moved_at_ = 0;
};

HandshakeNetwork::HandshakeNetwork(const NetworkConfig& config, Receiver& receiver)
    : Network(config, receiver),
      vcs_(config.vcs),
      depth_(config.buffer_depth),
      random_(config.seed) {
  const std::size_t ports = owner_.size();
  sources_.resize(topology_.nodes.size());
  channels_.resize(ports * at(vcs_));
  ring_.resize(channels_.size() * at(depth_));
  wires_.resize(ports);
  exits_.resize(topology_.nodes.size());
  full_.assign(ports, 0);
  outputs_.resize(ports);
  leads_.assign(ports, 0);
  for (const Link& l : links_) {
    const auto& p = topology_.routers[at(l.router)].ports[at(l.port)];
    leads_[port_index(l.router, l.port)] =
        l.to_node >= 0 ? ~l.to_node : static_cast<std::int32_t>(port_index(p.router, p.port));
  }
  load_.assign(topology_.routers.size(), 0);
  stalled_until_.assign(ports, 0);
  touched_.assign(load_.size(), false);
}

void HandshakeNetwork::offer(const PacketRequest& request, std::int64_t now) {
  const std::int32_t id = pool_.take();
  Packet& p = pool_[id];
  p.record = {};
  p.record.packet = request;
  p.record.offered = now;
  p.record.routers = topology_.routers_between(request.source, request.destination);
  sources_[at(request.source)].queue.push(pool_, id);
  if (packets_inside_++ == 0) moved_at_ = now;
}

// Heads at the front of their buffers reserve their output, in an order that turns every cycle.
void HandshakeNetwork::reserve(int router, std::int64_t now) {
  const std::size_t base = at(base_[at(router)]);
  for (int j = 0; j < 6; ++j) {
    const int in = kScan[at((4 + now + j) % 6)];
    if (in < 0) continue;
    for (int k = 0; k < vcs_; ++k) {
      const int vc = static_cast<int>((now + k) % vcs_);
      const int local = in * vcs_ + vc;
      Channel& c = channels_[base * at(vcs_) + at(local)];
      if (c.count == 0 || c.reserved >= 0) continue;
      const Flit& f = ring_[(base * at(vcs_) + at(local)) * at(depth_) + at(c.head)];
      const int out = topology_.hop(router, pool_[f.packet].record.packet.destination).port;
      Output& o = outputs_[base + at(out)];
      // The packets that share an output take turns; they differ by virtual channel.
      bool busy = false;
      for (int i = 0; i < o.size; ++i) busy = busy || o.by[at(i)] % vcs_ == vc;
      if (busy) {
        ++use_[base + at(out)].lost;
        continue;
      }
      o.by[at(o.size++)] = static_cast<std::int16_t>(local);
      c.reserved = out;
    }
  }
}

void HandshakeNetwork::send(int router, std::int64_t now) {
  const std::size_t base = at(base_[at(router)]);
  reserve(router, now);
  for (const int in : {3, 0, 2, 1, 4}) {
    // Outputs whose turn is this input's.
    std::array<int, kPorts> mine{};
    int n = 0;
    for (const int o : {3, 0, 2, 1, 4}) {
      const Output& output = outputs_[base + at(o)];
      if (output.size > 0 && output.by[at(output.index)] / vcs_ == in) mine[at(n++)] = o;
    }
    if (n == 0) continue;
    const int o = n == 1 ? mine[0] : mine[at(static_cast<std::int64_t>(random() % at(n)))];
    Output& output = outputs_[base + at(o)];
    const int local = output.by[at(output.index)];
    const int vc = local % vcs_;
    Channel& c = channels_[base * at(vcs_) + at(local)];
    if (c.count == 0 || stalled_until_[base + at(in)] > now) continue;
    const std::int32_t to = leads_[base + at(o)];
    Wire& wire = to >= 0 ? wires_[at(to)] : exits_[at(~to)];
    if (wire.busy) continue;
    if (to >= 0 && ((full_[at(to)] >> vc) & 1) != 0) {
      ++use_[base + at(o)].stalled;
      continue;
    }
    const Flit f = ring_[(base * at(vcs_) + at(local)) * at(depth_) + at(c.head)];
    if (++c.head == depth_) c.head = 0;
    --c.count;
    --load_[at(router)];
    wire.busy = true;
    wire.flit = f;
    wire.vc = static_cast<std::int8_t>(vc);
    wire.written = now;
    moved_at_ = now;
    use_[base + at(o)].used += 2;
    ++flit_hops_;
    Packet& p = pool_[f.packet];
    const bool tail = f.number + 1 == p.record.packet.flits;
    if (tail) {
      c.reserved = -1;
      const int removed = output.index;
      for (int i = removed; i + 1 < output.size; ++i) output.by[at(i)] = output.by[at(i + 1)];
      if (--output.size <= output.index) output.index = 0;
    }
    if (to >= 0) {
      ++load_[at(owner_[at(to)])];
      continue;
    }
    --flits_inside_;
    if (f.number == 0) p.record.head = now;
    if (tail) {
      p.record.tail = now;
      --packets_inside_;
      receiver_->delivered(p.record);
      pool_.give_back(f.packet);
    }
  }
  if (now % 2 == 0)
    for (int o = 0; o < kPorts; ++o) {
      Output& output = outputs_[base + at(o)];
      if (output.size > 0) output.index = (output.index + 1) % output.size;
    }
}

void HandshakeNetwork::accept(int router, std::int64_t now) {
  const std::size_t base = at(base_[at(router)]);
  for (int in = 0; in < kPorts; ++in) {
    Wire& wire = wires_[base + at(in)];
    if (wire.busy && wire.written < now) {
      const std::size_t channel = (base + at(in)) * at(vcs_) + at(wire.vc);
      Channel& c = channels_[channel];
      if (c.count < depth_) {
        int slot = c.head + c.count;
        if (slot >= depth_) slot -= depth_;
        ring_[channel * at(depth_) + at(slot)] = wire.flit;
        ++c.count;
        wire.busy = false;
        moved_at_ = now;
      }
    }
    std::uint16_t full = 0;
    for (int v = 0; v < vcs_; ++v)
      if (channels_[(base + at(in)) * at(vcs_) + at(v)].count == depth_)
        full = static_cast<std::uint16_t>(full | (1 << v));
    full_[base + at(in)] = full;
  }
}

// A source does not look at the full flag: its flit waits on the wire.
void HandshakeNetwork::inject(int node, std::int64_t now) {
  Source& s = sources_[at(node)];
  if (s.queue.first < 0) return;
  const Topology::Place& place = topology_.nodes[at(node)];
  Wire& wire = wires_[port_index(place.router, place.port)];
  if (wire.busy) return;
  const std::int32_t id = s.queue.first;
  Packet& p = pool_[id];
  if (s.next_flit == 0) {
    p.record.injected = now;
    s.vc = static_cast<std::int8_t>(vcs_ == 1 ? 0 : random() % at(vcs_));
  }
  wire.busy = true;
  wire.flit = {id, s.next_flit};
  wire.vc = s.vc;
  wire.written = now;
  ++load_[at(place.router)];
  ++flits_inside_;
  moved_at_ = now;
  if (++s.next_flit == p.record.packet.flits) {
    s.next_flit = 0;
    s.queue.pop(pool_);
  }
}

void HandshakeNetwork::step(std::int64_t now) {
  for (std::size_t n = 0; n < exits_.size(); ++n)
    if (exits_[n].busy && exits_[n].written + 1 < now) exits_[n].busy = false;
  const int routers = static_cast<int>(load_.size());
  for (int r = 0; r < routers; ++r)
    if (load_[at(r)] > 0) {
      send(r, now);
      touched_[at(r)] = true;
    }
  for (std::size_t n = 0; n < sources_.size(); ++n) inject(static_cast<int>(n), now);
  // A router without flits shows no full buffers once it has written so.
  for (int r = 0; r < routers; ++r) {
    if (load_[at(r)] > 0 || touched_[at(r)]) accept(r, now);
    touched_[at(r)] = false;
  }
  if (packets_inside_ > 0 && now - moved_at_ > config_.deadlock_after)
    throw Deadlock(fmt::format(
        "deadlock in cycle {}: nothing has moved for {} cycles, {} flits are in the network", now,
        now - moved_at_, flits_inside_));
}

}  // namespace

std::unique_ptr<Network> make_handshake_network(const NetworkConfig& config, Receiver& receiver) {
  return std::make_unique<HandshakeNetwork>(config, receiver);
}

}  // namespace counterpoint::sim::noc
