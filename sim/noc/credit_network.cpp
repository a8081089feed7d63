// SPDX-License-Identifier: Apache-2.0
// Routers with virtual channels and credits. The pipeline, the allocators and the moments at which
// resources become free again are BookSim2's (docs/noc.md); a packet's cycles equal its to the
// last one.
//
// Everything that leaves a router takes effect at another one at least two cycles later, through
// wheels indexed by the cycle. So the order in which routers are visited does not matter.
#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>

#include "sim/noc/packets.h"
#include "sim/noc/routers.h"

namespace counterpoint::sim::noc {
namespace {

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

int lowest(std::uint64_t bits) {
  return __builtin_ctzll(bits);
}

class CreditNetwork final : public Network {
 public:
  CreditNetwork(const NetworkConfig& config, Receiver& receiver);
  void offer(const PacketRequest& request, std::int64_t now) override;
  void step(std::int64_t now) override;
  bool empty() const override { return packets_inside_ == 0; }
  std::int64_t flits_inside() const override { return flits_inside_; }
  void stall(int router, int port, std::int64_t until) override {
    stalled_until_[port_index(router, port)] = until;
    stalls_ = true;
  }

 private:
  enum class State : std::uint8_t { Idle, Routing, Allocating, Active };
  // An input virtual channel. Its flits are in ring_[index * depth ...].
  struct Channel {
    State state = State::Idle;
    std::int16_t out_port = -1;
    std::int32_t out_vc = -1;  // in the numbering of all output virtual channels
    std::uint16_t may = 0;     // output channels, in that of its port
    std::int16_t head = 0;
    std::int16_t count = 0;
    std::int16_t timer = 0;
    std::int16_t hop = 0;  // routers that the packet has visited before
  };
  struct Source {
    SourceQueue queue;
    std::int32_t next_flit = 0;
    std::int32_t vc = -1;       // of the packet being sent
    std::int32_t last_vc = -1;  // of the last flit
  };
  struct Arrival {
    std::int32_t channel;  // or ~node
    Flit flit;
  };
  struct Request {
    std::int32_t local;  // input virtual channel, within the router
    std::int16_t in, out;
    bool speculative;
  };

  void inject(int node, std::int64_t now);
  void evaluate(int router, std::int64_t now);
  void arrive(const Arrival& a, std::int64_t now);
  void take_credits(std::int64_t now);
  void route(int router, Channel& c, const Flit& f);
  std::uint64_t part_mask(int part, int flow) const;
  void late(std::int32_t channel, const Flit& flit, std::int64_t now, Cause cause, int winner_flow);
  void add_lateness(Packet& p, std::int64_t lateness, Cause first, Cause rest, int winner_flow);
  [[noreturn]] void report_deadlock(std::int64_t now) const;

  int vcs_;
  int depth_;
  PacketPool pool_;
  std::vector<Source> sources_;
  std::vector<Channel> channels_;  // [input port][vc]
  // [channel][slot]; pages of slots that were never used cost no memory.
  std::unique_ptr<Flit[], void (*)(void*)> ring_{nullptr, std::free};
  std::vector<std::int32_t> feeder_;  // [input port]: output port or ~node that fills it, kNone
  std::vector<std::int32_t> leads_;   // [output port]: input port, or ~node, kNone
  // Output virtual channels: those of the routers, then those of the sources.
  std::vector<std::int16_t> credits_;
  std::vector<std::int32_t> holder_;        // packet that holds it, for reports
  std::vector<std::uint64_t> free_vcs_;     // [output port]
  std::vector<std::uint64_t> credit_vcs_;   // [output port]: channels with a credit
  std::vector<std::int32_t> vc_grant_;      // [output vc] pointer to a local input vc
  std::vector<std::int32_t> vc_accept_;     // [channel] pointer to a local output vc
  std::vector<std::int16_t> sw_grant_;      // [output port] pointer to an input port
  std::vector<std::int16_t> sw_accept_;     // [input port] pointer to an output port
  std::vector<std::int16_t> sw_vc_;         // [input port] pointer to a virtual channel
  std::vector<std::uint64_t> occupied_;     // [router][word]: local input vcs with flits
  std::vector<std::int32_t> words_at_;      // [router] first word
  std::vector<std::int32_t> router_flits_;  // whether a router is to be evaluated
  std::vector<std::uint64_t> active_routers_;
  std::vector<std::uint64_t> active_sources_;
  std::vector<std::vector<Arrival>> arrivals_;           // wheel
  std::vector<std::vector<std::int32_t>> credit_wheel_;  // output vcs
  std::uint64_t wheel_mask_;
  std::array<std::uint64_t, 12> masks_{};  // [share: all or a flow's][part]
  std::vector<std::int64_t> stalled_until_;
  bool stalls_ = false;
  std::vector<std::int32_t> sent_flow_;  // [output port] flow of the last flit

  // Scratch of evaluate(), sized once.
  std::vector<std::int32_t> va_;  // local input vcs that ask for an output vc
  std::vector<Request> sa_;
  std::vector<std::int32_t> va_best_;  // [local output vc]
  std::vector<std::int64_t> va_key_;
  std::vector<std::int32_t> va_used_;
  std::vector<std::int32_t>
      va_result_;  // [local input vc] output vc got in this cycle, -1, kNoneFree
  std::vector<std::int32_t> proposal_;  // [in * ports + out] index into sa_
  std::vector<std::int32_t> sw_best_;   // [out] index into sa_

  std::int64_t packets_inside_ = 0;
  std::int64_t flits_inside_ = 0;
  std::int64_t offers_ = 0;
  std::int64_t moved_at_ = 0;
  std::int64_t last_ = -1;

  static constexpr std::int32_t kNoneFree = -2;
  static constexpr std::int32_t kNone = std::numeric_limits<std::int32_t>::min();
};

CreditNetwork::CreditNetwork(const NetworkConfig& config, Receiver& receiver)
    : Network(config, receiver), vcs_(config.vcs), depth_(config.buffer_depth) {
  const std::size_t ports = owner_.size();
  const std::size_t nodes = topology_.nodes.size();
  const auto below = [](int n) { return (std::uint64_t{1} << n) - 1; };
  for (int share = 0; share < 4; ++share) {
    const int from = share == 0 ? 0 : (share - 1) * vcs_ / 3;
    const int to = share == 0 ? vcs_ : share * vcs_ / 3;
    const int middle = from + (to - from) / 2;
    masks_[at(share) * 3] = below(to) & ~below(from);
    masks_[at(share) * 3 + 1] = below(middle) & ~below(from);
    masks_[at(share) * 3 + 2] = below(to) & ~below(middle);
  }
  sources_.resize(nodes);
  channels_.resize(ports * at(vcs_));
  ring_.reset(static_cast<Flit*>(std::calloc(channels_.size() * at(depth_), sizeof(Flit))));
  if (ring_ == nullptr) throw std::bad_alloc();
  feeder_.assign(ports, kNone);
  leads_.assign(ports, kNone);
  for (const Link& l : links_) {
    const std::size_t out = port_index(l.router, l.port);
    if (l.to_node >= 0) {
      leads_[out] = ~l.to_node;
    } else {
      const auto& p = topology_.routers[at(l.router)].ports[at(l.port)];
      leads_[out] = static_cast<std::int32_t>(port_index(p.router, p.port));
      feeder_[at(leads_[out])] = static_cast<std::int32_t>(out);
    }
  }
  for (std::size_t n = 0; n < nodes; ++n)
    feeder_[port_index(topology_.nodes[n].router, topology_.nodes[n].port)] =
        ~static_cast<std::int32_t>(n);
  credits_.assign((ports + nodes) * at(vcs_), static_cast<std::int16_t>(depth_));
  holder_.assign((ports + nodes) * at(vcs_), -1);
  free_vcs_.assign(ports + nodes, (std::uint64_t{1} << vcs_) - 1);
  credit_vcs_ = free_vcs_;
  vc_grant_.assign(ports * at(vcs_), 0);
  vc_accept_.assign(ports * at(vcs_), 0);
  sw_grant_.assign(ports, 0);
  sw_accept_.assign(ports, 0);
  sw_vc_.assign(ports, 0);
  stalled_until_.assign(ports, 0);
  sent_flow_.assign(ports, -1);
  std::size_t most = 0;
  for (const Topology::Router& r : topology_.routers) {
    words_at_.push_back(static_cast<std::int32_t>(occupied_.size()));
    occupied_.resize(occupied_.size() + (r.ports.size() * at(vcs_) + 63) / 64);
    most = std::max(most, r.ports.size());
  }
  words_at_.push_back(static_cast<std::int32_t>(occupied_.size()));
  router_flits_.assign(topology_.routers.size(), 0);
  active_routers_.assign((topology_.routers.size() + 63) / 64, 0);
  active_sources_.assign((nodes + 63) / 64, 0);
  const std::size_t horizon = at(5 + config.timing.link + config.timing.credit);
  std::size_t wheel = 1;
  while (wheel < horizon) wheel *= 2;
  wheel_mask_ = wheel - 1;
  arrivals_.resize(wheel);
  credit_wheel_.resize(wheel);
  for (auto& w : arrivals_) w.reserve(ports + nodes);
  for (auto& w : credit_wheel_) w.reserve(2 * (ports + nodes));
  va_.reserve(most * at(vcs_));
  sa_.reserve(most * at(vcs_));
  va_best_.assign(most * at(vcs_), -1);
  va_key_.assign(most * at(vcs_), 0);
  va_used_.reserve(most * at(vcs_));
  va_result_.assign(most * at(vcs_), -1);
  proposal_.assign(most * most, -1);
  sw_best_.assign(most, -1);
}

void CreditNetwork::offer(const PacketRequest& request, std::int64_t now) {
  const std::int32_t id = pool_.take();
  Packet& p = pool_[id];
  p.record = {};
  p.record.packet = request;
  p.record.offered = now;
  p.record.routers = topology_.routers_between(request.source, request.destination);
  p.order = offers_++;
  p.excess = 0;
  p.visited = 0;
  const std::size_t n = at(request.source);
  sources_[n].queue.push(pool_, id);
  active_sources_[n / 64] |= std::uint64_t{1} << (n % 64);
  if (packets_inside_++ == 0) moved_at_ = now;
}

// The channels that a packet of the flow may use on a part of its way.
std::uint64_t CreditNetwork::part_mask(int part, int flow) const {
  const std::size_t share = config_.split_vcs ? at(std::min(flow, 2)) + 1 : 0;
  return masks_[share * 3 + at(part)];
}

// The tail will be late by `lateness` at least. What was not yet known is put to `first` in this
// cycle and to `rest` before it.
void CreditNetwork::add_lateness(Packet& p, std::int64_t lateness, Cause first, Cause rest,
                                 int winner_flow) {
  const std::int64_t more = lateness - p.excess;
  if (more <= 0) return;
  p.excess = static_cast<std::int32_t>(lateness);
  ++p.record.late[at(static_cast<int>(first))];
  p.record.late[at(static_cast<int>(rest))] += static_cast<std::int32_t>(more - 1);
  if (winner_flow >= 0) add_wait(p.record.packet.flow, winner_flow, first);
}

// A flit at the front of a buffer stays there in this cycle. In an empty network, and with
// buffers as deep as the credit loop, flit i of a packet is granted at router h in cycle
//   Z = offered + 2 + h (P + link) + P - 2 + i.
// Every flit but the head waits P - 2 cycles in every router for those before it, so it can make
// up as much per router that is still to come; the rest makes the tail late.
void CreditNetwork::late(std::int32_t channel, const Flit& flit, std::int64_t now, Cause cause,
                         int winner_flow) {
  Packet& p = pool_[flit.packet];
  const int pipeline = config_.timing.pipeline();
  const Channel& c = channels_[at(channel)];
  const int hop = c.state == State::Idle ? p.visited : c.hop;
  const std::int64_t schedule = p.record.offered + 2 +
                                std::int64_t{hop} * (pipeline + config_.timing.link) + pipeline -
                                2 + flit.number;
  const int to_come = flit.number == 0 ? 0 : p.record.routers - 1 - hop;
  add_lateness(p, now + 1 - schedule - std::int64_t{pipeline - 2} * to_come, cause,
               Cause::HeadOfLine, winner_flow);
}

void CreditNetwork::inject(int node, std::int64_t now) {
  Source& s = sources_[at(node)];
  const std::int32_t id = s.queue.first;
  Packet& p = pool_[id];
  const std::size_t port = owner_.size() + at(node);
  const std::uint64_t may = part_mask(0, p.record.packet.flow);
  const std::uint64_t ready =
      may & (s.vc < 0 ? free_vcs_[port] & credit_vcs_[port] : credit_vcs_[port]);
  int vc = s.vc;
  if (vc < 0) {
    // Round robin from the last one used; channel 0 until there was one.
    if (s.last_vc < 0) {
      if ((ready >> lowest(may)) & 1) vc = lowest(may);
    } else {
      const std::uint64_t above = ready >> (s.last_vc + 1) << (s.last_vc + 1);
      if (above | ready) vc = lowest(above != 0 ? above : ready);
    }
  } else if (!((ready >> vc) & 1)) {
    vc = -1;
  }
  const std::int64_t slack =
      s.next_flit == 0 ? 0 : std::int64_t{config_.timing.pipeline() - 2} * p.record.routers;
  if (vc < 0) {
    add_lateness(p, now + 1 - p.record.offered - s.next_flit - slack, Cause::BufferFull,
                 s.next_flit == 0 ? Cause::Port : Cause::BufferFull, -1);
    return;
  }
  const std::size_t out = port * at(vcs_) + at(vc);
  if (s.next_flit == 0) {
    add_lateness(p, now - p.record.offered, Cause::Port, Cause::Port, -1);
    p.record.injected = now;
    s.vc = vc;
    free_vcs_[port] &= ~(std::uint64_t{1} << vc);
    holder_[out] = id;
  }
  s.last_vc = vc;
  if (--credits_[out] == 0) credit_vcs_[port] &= ~(std::uint64_t{1} << vc);
  const Topology::Place& place = topology_.nodes[at(node)];
  const std::size_t channel = port_index(place.router, place.port) * at(vcs_) + at(vc);
  arrivals_[at(now + 2) & wheel_mask_].push_back(
      {static_cast<std::int32_t>(channel), {id, s.next_flit}});
  ++flits_inside_;
  moved_at_ = now;
  if (++s.next_flit == p.record.packet.flits) {
    free_vcs_[port] |= std::uint64_t{1} << vc;
    s.vc = -1;
    s.next_flit = 0;
    s.queue.pop(pool_);
    receiver_->sent(p.record.packet, now);
    if (s.queue.first < 0) active_sources_[at(node) / 64] &= ~(std::uint64_t{1} << (at(node) % 64));
  }
}

void CreditNetwork::arrive(const Arrival& a, std::int64_t now) {
  moved_at_ = now;
  if (a.channel >= 0) {
    Channel& c = channels_[at(a.channel)];
    assert(c.count < depth_);
    int slot = c.head + c.count;
    if (slot >= depth_) slot -= depth_;
    ring_[at(a.channel) * at(depth_) + at(slot)] = a.flit;
    ++c.count;
    const int router = owner_[at(a.channel) / at(vcs_)];
    const std::size_t local = at(a.channel) - at(base_[at(router)]) * at(vcs_);
    occupied_[at(words_at_[at(router)]) + local / 64] |= std::uint64_t{1} << (local % 64);
    if (router_flits_[at(router)]++ == 0)
      active_routers_[at(router) / 64] |= std::uint64_t{1} << (at(router) % 64);
    return;
  }
  Packet& p = pool_[a.flit.packet];
  --flits_inside_;
  if (a.flit.number == 0) p.record.head = now;
  if (a.flit.number + 1 == p.record.packet.flits) {
    p.record.tail = now;
    --packets_inside_;
    receiver_->delivered(p.record);
    pool_.give_back(a.flit.packet);
  }
}

void CreditNetwork::route(int router, Channel& c, const Flit& f) {
  const Packet& p = pool_[f.packet];
  const Topology::Hop& hop = topology_.hop(router, p.record.packet.destination);
  c.out_port = hop.port;
  c.may = static_cast<std::uint16_t>(part_mask(hop.part, p.record.packet.flow));
  if (hop.other >= 0) {
    // Adaptive: where more slots are free; the first one if they are equal.
    const auto room = [&](int port) {
      int sum = 0;
      for (int v = 0; v < vcs_; ++v) sum += credits_[port_index(router, port) * at(vcs_) + at(v)];
      return sum;
    };
    if (room(hop.other) > room(hop.port)) c.out_port = hop.other;
  }
}

void CreditNetwork::evaluate(int router, std::int64_t now) {
  const std::size_t base = at(base_[at(router)]);
  const int ports = static_cast<int>(topology_.routers[at(router)].ports.size());
  const int inputs = ports * vcs_;
  const bool oldest = config_.arbiter == Arbiter::Oldest;
  const RouterTiming& timing = config_.timing;
  va_.clear();
  sa_.clear();
  std::uint64_t no_credit = 0;  // output ports for which a flit waits, by what it lacks
  std::uint64_t asked = 0;

  const auto front = [&](std::size_t channel) -> const Flit& {
    return ring_[channel * at(depth_) + at(channels_[channel].head)];
  };
  for (int w = words_at_[at(router)]; w < words_at_[at(router) + 1]; ++w) {
    std::uint64_t bits = occupied_[at(w)];
    while (bits != 0) {
      const int local = (w - words_at_[at(router)]) * 64 + lowest(bits);
      bits &= bits - 1;
      const std::size_t channel = base * at(vcs_) + at(local);
      Channel& c = channels_[channel];
      const int in = local / vcs_;
      if (stalls_ && stalled_until_[base + at(in)] > now) {
        late(static_cast<std::int32_t>(channel), front(channel), now, Cause::BufferFull, -1);
        continue;
      }
      if (c.state == State::Idle) {
        const Flit& f = front(channel);
        assert(f.number == 0);
        c.hop = pool_[f.packet].visited++;
        if (timing.routing > 0) {
          c.state = State::Routing;
          c.timer = static_cast<std::int16_t>(timing.routing);
        } else {
          route(router, c, f);
          c.state = State::Allocating;
        }
      }
      if (c.state == State::Routing) {
        if (--c.timer == 0) {
          route(router, c, front(channel));
          c.state = State::Allocating;
        }
        continue;
      }
      const std::size_t out = base + at(c.out_port);
      if (c.state == State::Allocating) {
        va_.push_back(local);
        if (!timing.speculative) continue;
        if ((free_vcs_[out] & credit_vcs_[out] & c.may) == 0) continue;
        asked |= std::uint64_t{1} << c.out_port;
        sa_.push_back({local, static_cast<std::int16_t>(in), c.out_port, true});
        continue;
      }
      if (credits_[at(c.out_vc)] == 0) {
        no_credit |= std::uint64_t{1} << c.out_port;
        late(static_cast<std::int32_t>(channel), front(channel), now, Cause::BufferFull, -1);
        continue;
      }
      asked |= std::uint64_t{1} << c.out_port;
      sa_.push_back({local, static_cast<std::int16_t>(in), c.out_port, false});
    }
  }

  // Output virtual channels: every free one grants one of those that ask, each of these accepts
  // one grant.
  if (!va_.empty()) {
    va_used_.clear();
    for (const std::int32_t local : va_) {
      const std::size_t channel = base * at(vcs_) + at(local);
      const Channel& c = channels_[channel];
      va_result_[at(local)] = kNoneFree;
      std::uint64_t vcs = free_vcs_[base + at(c.out_port)] & c.may;
      if (vcs != 0) va_result_[at(local)] = -1;
      while (vcs != 0) {
        const int o = c.out_port * vcs_ + lowest(vcs);
        vcs &= vcs - 1;
        std::int64_t key = 0;
        if (oldest) {
          key = pool_[front(channel).packet].order;
        } else {
          key = local - vc_grant_[base * at(vcs_) + at(o)];
          if (key < 0) key += inputs;
        }
        if (va_best_[at(o)] < 0) {
          va_used_.push_back(o);
        } else if (va_key_[at(o)] <= key) {
          continue;
        }
        va_best_[at(o)] = local;
        va_key_[at(o)] = key;
      }
    }
    for (const std::int32_t o : va_used_) {
      const std::int32_t local = va_best_[at(o)];
      std::int32_t& result = va_result_[at(local)];
      const int from = vc_accept_[base * at(vcs_) + at(local)];
      const auto distance = [&](int output) {
        return output >= from ? output - from : output - from + inputs;
      };
      if (result < 0 || distance(o) < distance(result)) result = o;
    }
    for (const std::int32_t o : va_used_) va_best_[at(o)] = -1;
    for (const std::int32_t local : va_) {
      const std::int32_t o = va_result_[at(local)];
      if (o < 0) continue;
      const std::size_t channel = base * at(vcs_) + at(local);
      const std::size_t out_vc = base * at(vcs_) + at(o);
      vc_grant_[out_vc] = local + 1 == inputs ? 0 : local + 1;
      vc_accept_[channel] = o + 1 == inputs ? 0 : o + 1;
    }
  }

  // The switch: one candidate per pair of ports, one grant per output, one accept per input.
  std::uint64_t granted = 0;
  std::uint64_t used = 0;
  const auto rank = [&](const Request& r) -> std::int64_t {
    if (oldest) return pool_[front(base * at(vcs_) + at(r.local)).packet].order;
    const int v = r.local - r.in * vcs_ - sw_vc_[base + at(r.in)];
    return (v < 0 ? v + vcs_ : v) + (r.speculative ? vcs_ : 0);
  };
  const auto beats_at_output = [&](const Request& a, const Request& b) {
    if (oldest) return rank(a) < rank(b);
    const int pointer = sw_grant_[base + at(a.out)];
    return (a.in < pointer ? a.in + ports : a.in) < (b.in < pointer ? b.in + ports : b.in);
  };
  if (sa_.size() == 1) {
    sw_best_[at(sa_[0].out)] = 0;
    granted = std::uint64_t{1} << sa_[0].out;
  } else if (!sa_.empty()) {
    for (std::size_t i = 0; i < sa_.size(); ++i) {
      std::int32_t& best = proposal_[at(sa_[i].in * ports + sa_[i].out)];
      if (best < 0 || rank(sa_[i]) < rank(sa_[at(best)])) best = static_cast<std::int32_t>(i);
    }
    for (std::size_t i = 0; i < sa_.size(); ++i) {
      const Request& r = sa_[i];
      std::int32_t& mine = proposal_[at(r.in * ports + r.out)];
      if (mine != static_cast<std::int32_t>(i)) continue;
      const std::uint64_t bit = std::uint64_t{1} << r.out;
      std::int32_t& best = sw_best_[at(r.out)];
      if ((granted & bit) == 0 || beats_at_output(r, sa_[at(best)])) best = mine;
      granted |= bit;
    }
    for (const Request& r : sa_) proposal_[at(r.in * ports + r.out)] = -1;
    // Inputs with several grants keep one.
    std::uint64_t seen = 0;
    std::array<std::int8_t, kMostPorts> kept;
    std::uint64_t left = granted;
    while (left != 0) {
      const int o = lowest(left);
      left &= left - 1;
      const Request& r = sa_[at(sw_best_[at(o)])];
      const std::uint64_t bit = std::uint64_t{1} << r.in;
      if (seen & bit) {
        const int other = kept[at(r.in)];
        const int pointer = sw_accept_[base + at(r.in)];
        const bool better =
            oldest ? rank(r) < rank(sa_[at(sw_best_[at(other)])])
                   : (o < pointer ? o + ports : o) < (other < pointer ? other + ports : other);
        granted &= ~(std::uint64_t{1} << (better ? other : o));
        if (!better) continue;
      }
      seen |= bit;
      kept[at(r.in)] = static_cast<std::int8_t>(o);
    }
  }

  // Who got an output virtual channel holds it from the next cycle on (or uses it now).
  for (const std::int32_t local : va_) {
    const std::int32_t o = va_result_[at(local)];
    if (o < 0) continue;
    Channel& c = channels_[base * at(vcs_) + at(local)];
    const std::size_t out_vc = base * at(vcs_) + at(o);
    c.state = State::Active;
    c.out_vc = static_cast<std::int32_t>(out_vc);
    free_vcs_[base + at(c.out_port)] &= ~(std::uint64_t{1} << (o - c.out_port * vcs_));
    holder_[out_vc] = front(base * at(vcs_) + at(local)).packet;
  }

  std::uint64_t left = granted;
  while (left != 0) {
    const int o = lowest(left);
    left &= left - 1;
    const Request r = sa_[at(sw_best_[at(o)])];
    const std::size_t in_port = base + at(r.in);
    const std::size_t out_port = base + at(o);
    const int vc = r.local - r.in * vcs_;
    sw_grant_[out_port] = static_cast<std::int16_t>(r.in + 1 == ports ? 0 : r.in + 1);
    sw_accept_[in_port] = static_cast<std::int16_t>(o + 1 == ports ? 0 : o + 1);
    sw_vc_[in_port] = static_cast<std::int16_t>(vc + 1 == vcs_ ? 0 : vc + 1);
    const std::size_t channel = base * at(vcs_) + at(r.local);
    Channel& c = channels_[channel];
    // A guess that was wrong wastes the grant.
    if (r.speculative && (c.state != State::Active || credits_[at(c.out_vc)] == 0)) continue;
    used |= std::uint64_t{1} << o;
    sa_[at(sw_best_[at(o)])].local = -1;
    const Flit f = front(channel);
    if (++c.head == depth_) c.head = 0;
    if (--c.count == 0) {
      c.head = 0;
      occupied_[at(words_at_[at(router)] + r.local / 64)] &= ~(std::uint64_t{1} << (r.local % 64));
    }
    if (--router_flits_[at(router)] == 0)
      active_routers_[at(router) / 64] &= ~(std::uint64_t{1} << (router % 64));
    const int out_vc = c.out_vc - static_cast<std::int32_t>(out_port) * vcs_;
    if (--credits_[at(c.out_vc)] == 0) credit_vcs_[out_port] &= ~(std::uint64_t{1} << out_vc);
    Packet& p = pool_[f.packet];
    const std::int32_t to = leads_[out_port];
    arrivals_[at(now + 2 + timing.link) & wheel_mask_].push_back(
        {to >= 0 ? to * vcs_ + out_vc : to, f});
    if (to < 0) {
      // The node takes the flit on arrival and returns the credit at once.
      credit_wheel_[at(now + 4 + timing.link + timing.credit) & wheel_mask_].push_back(c.out_vc);
    }
    const std::int32_t hop = c.hop;
    const std::int64_t due = p.record.offered + 2 + timing.pipeline() - 2 + f.number +
                             std::int64_t{hop} * (timing.pipeline() + timing.link);
    const int to_come = f.number == 0 ? 0 : p.record.routers - 1 - hop;
    add_lateness(p, now - due - std::int64_t{timing.pipeline() - 2} * to_come, Cause::HeadOfLine,
                 Cause::HeadOfLine, -1);
    const std::int32_t feeder = feeder_[in_port];
    const std::int32_t back =
        feeder >= 0 ? feeder : static_cast<std::int32_t>(owner_.size()) + ~feeder;
    credit_wheel_[at(now + 2 + timing.credit) & wheel_mask_].push_back(back * vcs_ + vc);
    if (f.number + 1 == p.record.packet.flits) {
      free_vcs_[out_port] |= std::uint64_t{1} << out_vc;
      holder_[at(c.out_vc)] = -1;
      c.state = State::Idle;
    }
    sent_flow_[out_port] = p.record.packet.flow;
    ++use_[out_port].used;
    ++flit_hops_;
    moved_at_ = now;
  }

  // Books: what the links lacked, and what made packets late.
  std::uint64_t lacking = (no_credit | asked) & ~used;
  while (lacking != 0) {
    const int o = lowest(lacking);
    lacking &= lacking - 1;
    if ((asked >> o) & 1)
      ++use_[base + at(o)].lost;
    else
      ++use_[base + at(o)].stalled;
  }
  const auto lost_switch = [&](std::size_t channel, int out) {
    const bool taken = ((used >> out) & 1) != 0;
    const bool port = leads_[base + at(out)] < 0;
    late(static_cast<std::int32_t>(channel), front(channel), now,
         !taken ? Cause::Arbitration : (port ? Cause::Port : Cause::Link),
         taken ? sent_flow_[base + at(out)] : -1);
  };
  for (const Request& r : sa_)
    if (r.local >= 0 && !r.speculative) lost_switch(base * at(vcs_) + at(r.local), r.out);
  for (const std::int32_t local : va_) {
    const std::size_t channel = base * at(vcs_) + at(local);
    const Channel& c = channels_[channel];
    const std::size_t out = base + at(c.out_port);
    if (c.state == State::Allocating) {
      const std::int32_t holder = holder_[out * at(vcs_) + at(lowest(c.may))];
      if (va_result_[at(local)] != kNoneFree)
        late(static_cast<std::int32_t>(channel), front(channel), now, Cause::Arbitration, -1);
      else  // the holder's tail may just have left
        late(static_cast<std::int32_t>(channel), front(channel), now,
             leads_[out] < 0 ? Cause::Port : Cause::Link,
             holder >= 0 ? pool_[holder].record.packet.flow : sent_flow_[out]);
    } else if (timing.speculative && c.state == State::Active && c.count > 0 &&
               front(channel).number == 0) {
      if (credits_[at(c.out_vc)] == 0)
        late(static_cast<std::int32_t>(channel), front(channel), now, Cause::BufferFull, -1);
      else
        lost_switch(channel, c.out_port);
    }
  }
}

void CreditNetwork::take_credits(std::int64_t now) {
  auto& credits = credit_wheel_[at(now) & wheel_mask_];
  for (const std::int32_t out_vc : credits)
    if (credits_[at(out_vc)]++ == 0)
      credit_vcs_[at(out_vc / vcs_)] |= std::uint64_t{1} << (out_vc % vcs_);
  credits.clear();
}

void CreditNetwork::step(std::int64_t now) {
  // After a gap, in which the network was empty, only credits can be on their way.
  for (std::int64_t c = last_ + 1;
       c < now && c <= last_ + 1 + static_cast<std::int64_t>(wheel_mask_); ++c)
    take_credits(c);
  last_ = now;
  take_credits(now);
  auto& arrivals = arrivals_[at(now) & wheel_mask_];
  for (const Arrival& a : arrivals) arrive(a, now);
  arrivals.clear();
  for (std::size_t w = 0; w < active_sources_.size(); ++w)
    for (std::uint64_t bits = active_sources_[w]; bits != 0; bits &= bits - 1)
      inject(static_cast<int>(w * 64) + lowest(bits), now);
  for (std::size_t w = 0; w < active_routers_.size(); ++w)
    for (std::uint64_t bits = active_routers_[w]; bits != 0; bits &= bits - 1)
      evaluate(static_cast<int>(w * 64) + lowest(bits), now);
  if (packets_inside_ > 0 && now - moved_at_ > config_.deadlock_after) report_deadlock(now);
}

void CreditNetwork::report_deadlock(std::int64_t now) const {
  // Follow who waits for whom from the first waiting buffer until it repeats.
  std::string text = fmt::format(
      "deadlock in cycle {}: nothing has moved for {} cycles, {} flits are "
      "in the network; the waiting chain:",
      now, now - moved_at_, flits_inside_);
  std::size_t channel = 0;
  while (channel < channels_.size() && channels_[channel].count == 0) ++channel;
  std::vector<bool> seen(channels_.size(), false);
  while (channel < channels_.size() && !seen[channel]) {
    seen[channel] = true;
    const Channel& c = channels_[channel];
    const std::size_t in = channel / at(vcs_);
    const int router = owner_[in];
    const auto place = [&](std::size_t ch) {
      const int r = owner_[ch / at(vcs_)];
      return fmt::format("router {} input {} channel {}", topology_.routers[at(r)].name,
                         static_cast<int>(ch / at(vcs_)) - base_[at(r)], ch % at(vcs_));
    };
    text += "\n  " + place(channel);
    if (c.count == 0) {
      text += " is empty: its packet's flits are before it";
      break;
    }
    const Packet& p = pool_[ring_[channel * at(depth_) + at(c.head)].packet];
    text += fmt::format(" (packet {} > {})", p.record.packet.source, p.record.packet.destination);
    if (stalled_until_[in] > now) {
      text += " is stalled from outside";
      break;
    }
    const std::int32_t to = leads_[port_index(router, c.out_port)];
    std::size_t next = channels_.size();
    if (to < 0) {
      text += fmt::format(" waits for node {}", ~to);
      break;
    }
    if (c.state == State::Active) {
      next = at(to) * at(vcs_) + at(c.out_vc % vcs_);
      text += " waits for a slot of " + place(next);
    } else {
      for (int v = 0; v < vcs_ && next == channels_.size(); ++v)
        if ((c.may >> v) & 1) next = at(to) * at(vcs_) + at(v);
      text += " waits for a free channel, like " + place(next);
    }
    channel = next;
  }
  if (channel < channels_.size() && seen[channel]) text += "\n  which waits, see above: a ring";
  throw Deadlock(text);
}

}  // namespace

std::unique_ptr<Network> make_credit_network(const NetworkConfig& config, Receiver& receiver) {
  return std::make_unique<CreditNetwork>(config, receiver);
}

}  // namespace counterpoint::sim::noc
