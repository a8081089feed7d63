// SPDX-License-Identifier: Apache-2.0
// Routers that copy and add. A packet for several nodes travels once as far as its ways are one,
// and is copied where they part (asynchronous fork: each copy goes on as soon as it can, a flit
// leaves the buffer when all copies have it). Packets of one sum are added where their ways meet:
// the flits leave together when all parts are there. One channel, virtual cut-through: a packet
// asks for a link when the buffer behind it has room for the packet (or is empty, if the packet is
// longer).
//
// A buffer is the list of the packets whose flits are in it; a packet has a record (Copy) per
// router. Every link carries the sums in the order in which they were offered, so the oldest one
// can always go on, unless other packets are in its way that wait for a younger one: what shares
// links with sums has to be a sum too (of one part).
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "sim/noc/routers.h"

namespace counterpoint::sim::noc {
namespace {

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}
int lowest(std::uint64_t bits) {
  return __builtin_ctzll(bits);
}
std::uint64_t bit(int i) {
  return std::uint64_t{1} << i;
}

class ForkNetwork final : public Network {
 public:
  ForkNetwork(const NetworkConfig& config, Receiver& receiver);
  void offer(const PacketRequest& packet, std::int64_t now) override;
  int sum_tree(const std::vector<int>& members, int destination) override;
  void offer_sum(const PacketRequest& packet, int tree, std::int64_t now) override;
  void step(std::int64_t now) override;
  bool empty() const override { return open_ == 0; }
  std::int64_t flits_inside() const override { return flits_; }
  void stall(int router, int port, std::int64_t until) override {
    inputs_[port_index(router, port)].stalled_until = until;
  }

 private:
  // A packet in one buffer, or on its way to a node.
  struct Copy {
    PacketRequest packet;
    std::int64_t offered = 0, injected = -1;
    std::int64_t head = 0;  // when its head arrived
    std::int64_t due = 0;   // when its head could leave the buffer in an empty network
    std::int64_t order = 0;
    std::array<std::int32_t, kCauses> late{};
    std::int32_t excess = 0;  // the sum of `late`: cycles that its tail will be late at least
    std::int32_t next = -1;   // in its buffer, or among the free ones
    std::int32_t arrived = 0, left = 0;       // flits
    std::int32_t set = -1, from = 0, to = 0;  // its destinations: a part of a set
    std::int64_t sum = -1;
    std::int16_t routers = 0, to_come = 0;  // visited; to the farthest destination after this one
  };
  struct Branch {
    int port = -1;
    std::int32_t copy = -1;  // at the other end; of a sum from the grant on
    int sent = 0;
  };
  struct Input {
    std::int32_t first = -1, last = -1;
    std::vector<Branch> branches;  // of the first packet, once it is open
    bool open = false;
    std::int64_t stalled_until = -1;
  };
  struct Output {
    int credits = 0;
    std::uint64_t has = 0;   // inputs whose packets it carries: one, or the parts of a sum
    std::uint64_t want = 0;  // inputs with a packet that has not got it yet
    int next = 0;            // round robin
    int flow = 0;            // of the last packet
    std::int32_t sums = -1, last_sum = -1;  // to come, in order
  };
  struct Sum {
    std::int64_t number = 0;
    std::uint64_t inputs = 0;
    std::int32_t next = -1;
  };
  struct Source {
    std::int32_t first = -1, last = -1;
    int sent = 0, credits = 0;
  };
  struct Arrival {
    std::int32_t input;  // or ~node
    std::int32_t copy;
  };
  struct Set {
    std::vector<int> nodes;
    int users = 0;
  };
  struct Tree {
    std::vector<int> members;
    int destination = 0;
    std::vector<std::pair<std::int32_t, std::uint64_t>> joins;  // output, inputs
  };

  std::int32_t take();
  void give_back(std::int32_t copy);
  void enqueue(const PacketRequest& packet, std::int32_t set, std::int64_t sum, std::int64_t now);
  void add_lateness(Copy& c, std::int64_t lateness, Cause first, Cause rest, int winner_flow);
  std::int64_t slack(const Copy& c, int flit) const {
    return flit == 0 ? 0 : std::int64_t{config_.timing.pipeline() - 2} * c.to_come;
  }
  void take_credits(std::int64_t now);
  void arrive(const Arrival& a, std::int64_t now);
  void inject(std::size_t node, std::int64_t now);
  void open(int router, int port);
  bool ready(const Input& in, std::int64_t now) const;
  Branch& branch(std::size_t base, int in, int out) {
    Input& i = inputs_[base + at(in)];
    return *std::find_if(i.branches.begin(), i.branches.end(),
                         [&](const Branch& b) { return b.port == out; });
  }
  void grant(int router, int out, int in, std::int64_t now);
  void evaluate(int router, std::int64_t now);
  [[noreturn]] void report_deadlock(std::int64_t now) const;

  std::vector<Input> inputs_;
  std::vector<Output> outputs_;
  std::vector<Source> sources_;
  std::vector<std::int32_t> upstream_;   // of an input: the output that feeds it, or ~node
  std::vector<std::uint64_t> occupied_;  // by router: inputs with a packet
  std::vector<std::uint64_t> active_routers_, active_sources_;
  std::vector<Copy> copies_;
  std::int32_t free_ = -1;
  std::vector<Set> sets_;
  std::vector<std::int32_t> free_sets_;
  std::vector<Sum> sums_;
  std::int32_t free_sums_ = -1;
  std::vector<Tree> trees_;
  std::vector<std::vector<Arrival>> arrivals_;  // wheels, by cycle
  std::vector<std::vector<std::int32_t>> credits_;
  std::size_t wheel_mask_;
  std::int64_t open_ = 0, flits_ = 0, moved_at_ = 0, last_ = -1, offers_ = 0, next_sum_ = 0;
};

ForkNetwork::ForkNetwork(const NetworkConfig& config, Receiver& receiver)
    : Network(config, receiver) {
  inputs_.resize(owner_.size());
  outputs_.resize(owner_.size());
  for (Output& o : outputs_) o.credits = config_.buffer_depth;
  sources_.resize(topology_.nodes.size());
  for (Source& s : sources_) s.credits = config_.buffer_depth;
  const std::size_t routers = topology_.routers.size(), nodes = topology_.nodes.size();
  occupied_.assign(routers, 0);
  active_routers_.assign((routers + 63) / 64, 0);
  active_sources_.assign((nodes + 63) / 64, 0);
  upstream_.assign(owner_.size(), -1);
  for (std::size_t r = 0; r < routers; ++r)
    for (std::size_t p = 0; p < topology_.routers[r].ports.size(); ++p) {
      const std::size_t here = port_index(static_cast<int>(r), static_cast<int>(p));
      inputs_[here].branches.reserve(topology_.routers[r].ports.size());
      const Topology::Port& to = topology_.routers[r].ports[p];
      if (to.router >= 0)
        upstream_[port_index(to.router, to.port)] = static_cast<std::int32_t>(here);
    }
  for (std::size_t n = 0; n < nodes; ++n)
    upstream_[port_index(topology_.nodes[n].router, topology_.nodes[n].port)] =
        ~static_cast<std::int32_t>(n);
  std::size_t wheel = 1;
  while (wheel < at(4 + config.timing.link + config.timing.credit)) wheel *= 2;
  wheel_mask_ = wheel - 1;
  arrivals_.resize(wheel);
  credits_.resize(wheel);
  for (auto& w : arrivals_) w.reserve(owner_.size() + nodes);
  for (auto& w : credits_) w.reserve(owner_.size());
}

std::int32_t ForkNetwork::take() {
  if (free_ < 0) {
    copies_.emplace_back();
    return static_cast<std::int32_t>(copies_.size()) - 1;
  }
  const std::int32_t c = free_;
  free_ = copies_[at(c)].next;
  copies_[at(c)] = {};
  return c;
}

void ForkNetwork::give_back(std::int32_t copy) {
  Copy& c = copies_[at(copy)];
  if (c.set >= 0 && --sets_[at(c.set)].users == 0) free_sets_.push_back(c.set);
  c.next = free_;
  free_ = copy;
}

void ForkNetwork::enqueue(const PacketRequest& packet, std::int32_t set, std::int64_t sum,
                          std::int64_t now) {
  const std::int32_t id = take();
  Copy& c = copies_[at(id)];
  c.packet = packet;
  c.packet.destinations = nullptr;
  c.offered = now;
  c.due = now + config_.timing.pipeline();
  c.order = offers_++;
  c.sum = sum;
  c.set = set;
  int far = 0;
  if (set >= 0) {
    ++sets_[at(set)].users;
    c.to = static_cast<std::int32_t>(sets_[at(set)].nodes.size());
    for (const int d : sets_[at(set)].nodes)
      far = std::max(far, topology_.routers_between(packet.source, d));
  } else {
    far = topology_.routers_between(packet.source, packet.destination);
  }
  c.to_come = static_cast<std::int16_t>(far - 1);
  Source& s = sources_[at(packet.source)];
  if (s.first < 0)
    s.first = id;
  else
    copies_[at(s.last)].next = id;
  s.last = id;
  active_sources_[at(packet.source) / 64] |= bit(packet.source % 64);
}

void ForkNetwork::offer(const PacketRequest& packet, std::int64_t now) {
  if (open_ == 0) moved_at_ = now;
  if (packet.destinations == nullptr) {
    ++open_;
    enqueue(packet, -1, -1, now);
    return;
  }
  open_ += static_cast<std::int64_t>(packet.destinations->size());
  std::int32_t set = static_cast<std::int32_t>(sets_.size());
  if (free_sets_.empty()) {
    sets_.emplace_back();
  } else {
    set = free_sets_.back();
    free_sets_.pop_back();
  }
  sets_[at(set)].nodes = *packet.destinations;
  enqueue(packet, set, -1, now);
}

int ForkNetwork::sum_tree(const std::vector<int>& members, int destination) {
  Tree tree;
  tree.members = members;
  tree.destination = destination;
  // Ways to one node meet and never part: a tree of joins.
  std::vector<std::size_t> place(owner_.size(), 0);
  for (const int m : members) {
    std::size_t in = port_index(topology_.nodes[at(m)].router, topology_.nodes[at(m)].port);
    for (;;) {
      const int router = owner_[in];
      const int port = topology_.hop(router, destination).port;
      const std::size_t out = port_index(router, port);
      const std::uint64_t from = bit(static_cast<int>(in) - base_[at(router)]);
      const bool known = place[out] != 0;
      if (!known) {
        tree.joins.emplace_back(static_cast<std::int32_t>(out), 0);
        place[out] = tree.joins.size();
      }
      tree.joins[place[out] - 1].second |= from;
      const Topology::Port& to = topology_.routers[at(router)].ports[at(port)];
      if (known || to.router < 0) break;
      in = port_index(to.router, to.port);
    }
  }
  trees_.push_back(std::move(tree));
  return static_cast<int>(trees_.size()) - 1;
}

void ForkNetwork::offer_sum(const PacketRequest& packet, int tree, std::int64_t now) {
  if (open_++ == 0) moved_at_ = now;
  const Tree& t = trees_[at(tree)];
  const std::int64_t number = next_sum_++;
  for (const auto& [out, from] : t.joins) {
    std::int32_t s = static_cast<std::int32_t>(sums_.size());
    if (free_sums_ < 0) {
      sums_.emplace_back();
    } else {
      s = free_sums_;
      free_sums_ = sums_[at(s)].next;
    }
    sums_[at(s)] = {number, from, -1};
    Output& o = outputs_[at(out)];
    if (o.sums < 0)
      o.sums = s;
    else
      sums_[at(o.last_sum)].next = s;
    o.last_sum = s;
  }
  PacketRequest part = packet;
  part.destination = t.destination;
  for (const int m : t.members) {
    part.source = m;
    enqueue(part, -1, number, now);
  }
}

// The tail will be late by `lateness` at least (docs/noc.md). What was not yet known is put to
// `first` in this cycle and to `rest` before it.
void ForkNetwork::add_lateness(Copy& c, std::int64_t lateness, Cause first, Cause rest,
                               int winner_flow) {
  const std::int64_t more = lateness - c.excess;
  if (more <= 0) return;
  c.excess = static_cast<std::int32_t>(lateness);
  ++c.late[at(static_cast<int>(first))];
  c.late[at(static_cast<int>(rest))] += static_cast<std::int32_t>(more - 1);
  if (winner_flow >= 0) add_wait(c.packet.flow, winner_flow, first);
}

void ForkNetwork::take_credits(std::int64_t now) {
  auto& credits = credits_[at(now) & wheel_mask_];
  for (const std::int32_t to : credits)
    ++(to >= 0 ? outputs_[at(to)].credits : sources_[at(~to)].credits);
  credits.clear();
}

void ForkNetwork::step(std::int64_t now) {
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
      inject(w * 64 + at(lowest(bits)), now);
  for (std::size_t w = 0; w < active_routers_.size(); ++w)
    for (std::uint64_t bits = active_routers_[w]; bits != 0; bits &= bits - 1)
      evaluate(static_cast<int>(w * 64) + lowest(bits), now);
  if (open_ > 0 && now - moved_at_ > config_.deadlock_after) report_deadlock(now);
}

void ForkNetwork::arrive(const Arrival& a, std::int64_t now) {
  moved_at_ = now;
  Copy& c = copies_[at(a.copy)];
  const bool head = c.arrived++ == 0;
  if (head) c.head = now;
  if (a.input >= 0) {
    if (!head) return;
    Input& in = inputs_[at(a.input)];
    if (in.first < 0)
      in.first = a.copy;
    else
      copies_[at(in.last)].next = a.copy;
    in.last = a.copy;
    const int router = owner_[at(a.input)];
    occupied_[at(router)] |= bit(a.input - base_[at(router)]);
    active_routers_[at(router) / 64] |= bit(router % 64);
    return;
  }
  --flits_;
  if (c.arrived < c.packet.flits) return;
  Delivery d;
  d.packet = c.packet;
  d.packet.destination = ~a.input;
  d.offered = c.offered;
  d.injected = c.injected;
  d.head = c.head;
  d.tail = now;
  d.routers = c.routers;
  d.late = c.late;
  give_back(a.copy);
  --open_;
  receiver_->delivered(d);
}

void ForkNetwork::inject(std::size_t node, std::int64_t now) {
  Source& s = sources_[node];
  const std::int32_t id = s.first;
  Copy& c = copies_[at(id)];
  // The slack of all routers on its way, the first included.
  const std::int64_t more = s.sent == 0 ? 0 : config_.timing.pipeline() - 2;
  const std::int64_t behind = now - c.offered - s.sent - slack(c, s.sent) - more;
  if (s.credits == 0) {
    add_lateness(c, behind + 1, Cause::BufferFull, s.sent == 0 ? Cause::Port : Cause::BufferFull,
                 -1);
    return;
  }
  if (s.sent == 0) {
    add_lateness(c, behind, Cause::Port, Cause::Port, -1);
    c.injected = now;
  }
  --s.credits;
  ++flits_;
  moved_at_ = now;
  const Topology::Place& place = topology_.nodes[node];
  const std::int32_t next = c.next;
  arrivals_[at(now + 2) & wheel_mask_].push_back(
      {static_cast<std::int32_t>(port_index(place.router, place.port)), id});
  if (++s.sent < c.packet.flits) return;
  s.sent = 0;
  s.first = next;
  c.next = -1;
  if (next < 0) active_sources_[node / 64] &= ~bit(static_cast<int>(node % 64));
  receiver_->sent(c.packet, now);
}

// The first packet of a buffer: which outputs it asks for, and who gets a copy there.
void ForkNetwork::open(int router, int port) {
  Input& in = inputs_[port_index(router, port)];
  const std::size_t base = at(base_[at(router)]);
  in.branches.clear();
  in.open = true;
  const std::int32_t id = in.first;
  const auto copy_for = [&](int out, std::int32_t from, std::int32_t to) {
    outputs_[base + at(out)].want |= bit(port);
    if (copies_[at(id)].sum >= 0) {
      in.branches.push_back({out, -1, 0});
      return;
    }
    const std::int32_t n = take();
    const Copy& old = copies_[at(id)];
    Copy& c = copies_[at(n)];
    c.packet = old.packet;
    c.offered = old.offered;
    c.injected = old.injected;
    c.order = old.order;
    c.routers = static_cast<std::int16_t>(old.routers + 1);
    c.set = old.set;
    c.from = from;
    c.to = to;
    int far = 0;
    if (c.set < 0) {
      far = old.to_come;
    } else {
      Set& set = sets_[at(c.set)];
      ++set.users;
      const Topology::Port& to_port = topology_.routers[at(router)].ports[at(out)];
      if (to_port.router >= 0)
        for (std::int32_t i = from; i < to; ++i) {
          int steps = 1;
          for (int r = to_port.router; r != topology_.nodes[at(set.nodes[at(i)])].router; ++steps) {
            const int p = topology_.hop(r, set.nodes[at(i)]).port;
            r = topology_.routers[at(r)].ports[at(p)].router;
          }
          far = std::max(far, steps);
        }
    }
    c.to_come = static_cast<std::int16_t>(std::max(far - 1, 0));
    in.branches.push_back({out, n, 0});
  };
  const Copy& c = copies_[at(id)];
  if (c.set < 0) {
    copy_for(topology_.hop(router, c.packet.destination).port, 0, 0);
    return;
  }
  // Its part of the set in the order of the outputs: each copy has a part of that.
  const auto begin = sets_[at(c.set)].nodes.begin();
  const std::int32_t set = c.set, from = c.from, to = c.to;
  const auto out_of = [&](int node) { return topology_.hop(router, node).port; };
  std::sort(begin + from, begin + to, [&](int a, int b) { return out_of(a) < out_of(b); });
  for (std::int32_t i = from; i < to;) {
    std::int32_t end = i;
    const int out = out_of(sets_[at(set)].nodes[at(i)]);
    while (end < to && out_of(sets_[at(set)].nodes[at(end)]) == out) ++end;
    copy_for(out, i, end);
    i = end;
  }
}

// Whether the head of the first packet may ask for its outputs.
bool ForkNetwork::ready(const Input& in, std::int64_t now) const {
  return in.open && in.stalled_until <= now &&
         now >= copies_[at(in.first)].head + config_.timing.pipeline() - 2;
}

// The output carries the packet of `in`, and with a sum those of the others that belong to it.
void ForkNetwork::grant(int router, int out, int in, std::int64_t now) {
  const std::size_t base = at(base_[at(router)]);
  Output& o = outputs_[base + at(out)];
  const std::int32_t mine = inputs_[base + at(in)].first;
  const std::int64_t sum = copies_[at(mine)].sum;
  o.has = sum < 0 ? bit(in) : sums_[at(o.sums)].inputs;
  o.want &= ~o.has;
  o.flow = copies_[at(mine)].packet.flow;
  Branch& b = branch(base, in, out);
  if (sum >= 0) b.copy = take();
  const Copy& from = copies_[at(mine)];
  Copy& c = copies_[at(b.copy)];
  c.due = from.due;
  if (sum >= 0 || c.excess < from.excess) {
    c.excess = from.excess;
    c.late = from.late;
  }
  if (sum >= 0) {
    c.packet = from.packet;
    c.offered = from.offered;
    c.injected = from.injected;
    c.order = from.order;
    c.sum = sum;
    c.routers = static_cast<std::int16_t>(from.routers + 1);
    c.to_come = static_cast<std::int16_t>(std::max(from.to_come - 1, 0));
    // As late as the part that is there last; due when the last of them is.
    std::int64_t last = from.due + from.excess;
    for (std::uint64_t bits = o.has & ~bit(in); bits != 0; bits &= bits - 1) {
      const int other = lowest(bits);
      const Copy& p = copies_[at(inputs_[base + at(other)].first)];
      c.due = std::max(c.due, p.due);
      c.routers = std::max(c.routers, static_cast<std::int16_t>(p.routers + 1));
      if (p.due + p.excess > last) {
        last = p.due + p.excess;
        c.late = p.late;
      }
      branch(base, other, out).copy = b.copy;
      receiver_->added(c.packet, p.packet.source);
    }
    c.excess = static_cast<std::int32_t>(std::max<std::int64_t>(last - c.due, 0));
    std::int64_t covered = -c.excess;  // by the way of another part
    for (const std::int32_t l : c.late) covered += l;
    for (std::int32_t& l : c.late) {
      const std::int32_t less = static_cast<std::int32_t>(std::min<std::int64_t>(covered, l));
      l -= less;
      covered -= less;
    }
    const std::int32_t done = o.sums;
    o.sums = sums_[at(done)].next;
    sums_[at(done)].next = free_sums_;
    free_sums_ = done;
  }
  add_lateness(c, now - c.due, Cause::HeadOfLine, Cause::HeadOfLine, -1);
  c.due += config_.timing.pipeline() + config_.timing.link;
}

void ForkNetwork::evaluate(int router, std::int64_t now) {
  const std::size_t base = at(base_[at(router)]);
  const auto& ports = topology_.routers[at(router)].ports;
  const int n = static_cast<int>(ports.size());
  const RouterTiming& timing = config_.timing;
  for (std::uint64_t bits = occupied_[at(router)]; bits != 0; bits &= bits - 1)
    if (!inputs_[base + at(lowest(bits))].open) open(router, lowest(bits));
  std::uint64_t moved = 0;  // inputs
  for (int out = 0; out < n; ++out) {
    Output& o = outputs_[base + at(out)];
    if ((o.has | o.want) == 0) continue;
    const Topology::Port& to = ports[at(out)];
    const std::int32_t before_sum = o.sums;
    Cause why = Cause::Arbitration;  // nobody got the output
    if (o.has == 0) {
      int best = -1;
      std::int64_t oldest = 0;
      // From the one after the last granted.
      const std::uint64_t above = o.want >> o.next << o.next;
      for (std::uint64_t half : {above, o.want & ~above})
        for (; half != 0; half &= half - 1) {
          const int in = lowest(half);
          const Input& i = inputs_[base + at(in)];
          if (!ready(i, now)) continue;
          const Copy& c = copies_[at(i.first)];
          if (c.sum >= 0) {
            const Sum& s = sums_[at(o.sums)];
            bool all = s.number == c.sum;
            for (std::uint64_t rest = s.inputs; rest != 0 && all; rest &= rest - 1) {
              const Input& other = inputs_[base + at(lowest(rest))];
              all = ready(other, now) && copies_[at(other.first)].sum == c.sum;
            }
            if (!all) continue;
          }
          if (to.node < 0 && o.credits < std::min(c.packet.flits, config_.buffer_depth)) {
            why = Cause::BufferFull;
            continue;
          }
          if (best >= 0 && (config_.arbiter == Arbiter::RoundRobin || c.order >= oldest)) continue;
          best = in;
          oldest = c.order;
        }
      if (best >= 0) {
        grant(router, out, best, now);
        o.next = best + 1 == n ? 0 : best + 1;
      }
    }
    bool sent = false, waits_for_flit = false;
    if (o.has != 0) {
      // The next flit, of every part.
      const Branch& b = branch(base, lowest(o.has), out);
      const int number = b.sent;
      const std::int32_t target = b.copy;
      bool here = true, stalled = false;
      for (std::uint64_t bits = o.has; bits != 0; bits &= bits - 1) {
        const Input& i = inputs_[base + at(lowest(bits))];
        stalled = stalled || i.stalled_until > now;
        here = here && copies_[at(i.first)].arrived > number;
      }
      Copy& c = copies_[at(target)];
      const std::int64_t due = c.due - timing.pipeline() - timing.link + number;
      const std::int64_t room =
          number == 0 ? 0
                      : std::int64_t{timing.pipeline() - 2} * (to.node >= 0 ? 0 : c.to_come + 1);
      if (here && !stalled && (to.node >= 0 || o.credits > 0)) {
        add_lateness(c, now - due - room, Cause::BufferFull, Cause::BufferFull, -1);
        if (to.node < 0) --o.credits;
        ++use_[base + at(out)].used;
        ++flit_hops_;
        ++flits_;
        moved_at_ = now;
        moved |= o.has;
        sent = true;
        arrivals_[at(now + 2 + timing.link) & wheel_mask_].push_back(
            {to.node >= 0 ? ~static_cast<std::int32_t>(to.node)
                          : static_cast<std::int32_t>(port_index(to.router, to.port)),
             target});
        const std::uint64_t parts = o.has;
        for (std::uint64_t bits = parts; bits != 0; bits &= bits - 1)
          ++branch(base, lowest(bits), out).sent;
        if (number + 1 == c.packet.flits) o.has = 0;
      } else if (here) {
        add_lateness(c, now + 1 - due - room, Cause::BufferFull, Cause::BufferFull, -1);
      }
      if (!sent && here) ++use_[base + at(out)].stalled;
      waits_for_flit = !sent && !here;
    }
    if (o.want == 0) continue;
    // Those that ask and have to wait.
    bool waits = false;
    const bool busy = sent || o.has != 0;
    for (std::uint64_t bits = o.want; bits != 0; bits &= bits - 1) {
      const Input& i = inputs_[base + at(lowest(bits))];
      const bool stalled = i.stalled_until > now;
      if (!ready(i, now) && !stalled) continue;
      waits = true;
      Copy& own = copies_[at(i.first)];
      // A copy of its own for every output, which has its causes; a sum is still one packet. What
      // a part of a sum waits for its parts is not late: see grant().
      Branch& b = branch(base, lowest(bits), out);
      Copy& c = b.copy >= 0 ? copies_[at(b.copy)] : own;
      if (b.copy >= 0 && c.excess < own.excess) {
        c.excess = own.excess;
        c.late = own.late;
      }
      if (own.sum >= 0 && before_sum >= 0 && sums_[at(before_sum)].number == own.sum && !busy &&
          !stalled && why != Cause::BufferFull)
        continue;
      Cause cause = why;
      if (stalled)
        cause = Cause::BufferFull;
      else if (busy)
        cause = to.node >= 0 ? Cause::Port : Cause::Link;
      else if (own.sum >= 0 && why != Cause::BufferFull)
        cause = Cause::HeadOfLine;  // another sum has to go first
      add_lateness(c, now + 1 - own.due, cause, Cause::HeadOfLine, busy && !stalled ? o.flow : -1);
    }
    if (waits && (!busy || waits_for_flit))
      ++(!busy && why == Cause::BufferFull ? use_[base + at(out)].stalled
                                           : use_[base + at(out)].lost);
  }
  // What all copies have leaves the buffers.
  for (; moved != 0; moved &= moved - 1) {
    const std::size_t index = base + at(lowest(moved));
    Input& in = inputs_[index];
    Copy& c = copies_[at(in.first)];
    int least = in.branches[0].sent;
    for (const Branch& b : in.branches) least = std::min(least, b.sent);
    for (; c.left < least; ++c.left) {
      --flits_;
      credits_[at(now + 2 + timing.credit) & wheel_mask_].push_back(upstream_[index]);
    }
    if (c.left < c.packet.flits) continue;
    const std::int32_t done = in.first;
    in.first = c.next;
    in.open = false;
    if (in.first < 0) occupied_[at(router)] &= ~bit(lowest(moved));
    give_back(done);
  }
  if (occupied_[at(router)] == 0) active_routers_[at(router) / 64] &= ~bit(router % 64);
}

void ForkNetwork::report_deadlock(std::int64_t now) const {
  std::string text = fmt::format(
      "deadlock in cycle {}: nothing has moved for {} cycles, {} flits are in the network; the "
      "waiting chain:",
      now, now - moved_at_, flits_);
  const auto place = [&](std::size_t in) {
    const int r = owner_[in];
    return fmt::format("router {} input {}", topology_.routers[at(r)].name,
                       static_cast<int>(in) - base_[at(r)]);
  };
  std::size_t in = 0;
  while (in < inputs_.size() && inputs_[in].first < 0) ++in;
  std::vector<bool> seen(inputs_.size(), false);
  while (in < inputs_.size() && !seen[in]) {
    seen[in] = true;
    const Input& i = inputs_[in];
    text += "\n  " + place(in);
    if (i.first < 0) {
      text += " is empty: what should be there is before it";
      break;
    }
    const Copy& c = copies_[at(i.first)];
    text += c.set >= 0 ? fmt::format(" (packet of {} to {} nodes)", c.packet.source, c.to - c.from)
                       : fmt::format(" (packet {} > {})", c.packet.source, c.packet.destination);
    if (i.stalled_until > now) {
      text += " is stalled from outside";
      break;
    }
    const std::size_t base = at(base_[at(owner_[in])]);
    std::size_t next = inputs_.size();
    for (const Branch& b : i.branches) {
      if (b.sent == c.packet.flits || next < inputs_.size()) continue;
      const Output& o = outputs_[base + at(b.port)];
      const Topology::Port& to = topology_.routers[at(owner_[in])].ports[at(b.port)];
      const std::uint64_t me = bit(static_cast<int>(in - base));
      if ((o.has & ~me) != 0 && (o.has & me) == 0) {
        next = base + at(lowest(o.has));
        text += " waits for a link that a packet has in " + place(next);
      } else if (c.sum >= 0 && (o.has & me) == 0) {
        const Sum& s = sums_[at(o.sums)];
        for (std::uint64_t rest = s.inputs; rest != 0 && next == inputs_.size(); rest &= rest - 1) {
          const Input& other = inputs_[base + at(lowest(rest))];
          if (other.first < 0 || copies_[at(other.first)].sum != s.number)
            next = base + at(lowest(rest));
        }
        if (next < inputs_.size())
          text += s.number == c.sum
                      ? " waits for its sum's part in " + place(next)
                      : " waits for an older sum, of which a part is missing in " + place(next);
      }
      if (next == inputs_.size() && to.router >= 0 &&
          o.credits < ((o.has & me) != 0 ? 1 : std::min(c.packet.flits, config_.buffer_depth))) {
        next = port_index(to.router, to.port);
        text += " waits for slots of " + place(next);
      }
    }
    in = next;
  }
  if (in < inputs_.size() && seen[in] && inputs_[in].first >= 0)
    text += "\n  which waits, see above: a ring";
  throw Deadlock(text);
}

}  // namespace

std::unique_ptr<Network> make_fork_network(const NetworkConfig& config, Receiver& receiver) {
  return std::make_unique<ForkNetwork>(config, receiver);
}

}  // namespace counterpoint::sim::noc
