// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/transport.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "input/diagnostics.h"

namespace counterpoint::sim::noc {
namespace {

constexpr std::int64_t kTransfers = 1 << 24;  // under way at a time

Shape shape_of(hw::Topology t) {
  switch (t) {
    case hw::Topology::Mesh: return Shape::Mesh;
    case hw::Topology::Torus: return Shape::Torus;
    case hw::Topology::Hierarchical: return Shape::Hierarchical;
    case hw::Topology::Crossbar: return Shape::Crossbar;
    case hw::Topology::Xy: return Shape::Xy;
    case hw::Topology::Tree: return Shape::Tree;
    case hw::Topology::FatTree: return Shape::FatTree;
    case hw::Topology::Chain: return Shape::Chain;
    case hw::Topology::PointToPoint: return Shape::PointToPoint;
    case hw::Topology::Pipe:
    case hw::Topology::Bus: break;
  }
  throw std::logic_error("transport: the network is not routed");
}

// Width and height for n: as asked for, or as square as possible.
void size_for(int n, const hw::Fabric& f, TopologySpec& s) {
  s.width = f.width;
  s.height = f.height;
  if (s.width == 0 && s.height == 0) {
    const int root = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(n))));
    s.width = root;
    for (int w = root; w <= 2 * root; ++w)  // a full rectangle if one is nearly square
      if (n % w == 0) {
        s.width = w;
        break;
      }
  }
  if (s.width == 0) s.width = (n + s.height - 1) / s.height;
  if (s.height == 0) s.height = (n + s.width - 1) / s.width;
}

}  // namespace

Transport::Transport(const hw::Network& network, std::int64_t children,
                     const std::array<int, 3>& bits, Detail detail, bool unlimited_buffers,
                     bool unlimited_channels)
    : fabric_(network.fabric),
      shape_(network.topology),
      tree_(network.fabric.collective == hw::Collective::Tree),
      bits_(bits) {
  const auto refuse = [&](const std::string& why) {
    return input::InputError(fmt::format("network '{}': {}", network.name, why));
  };
  if (children > 4096)
    throw refuse(fmt::format("{} children: at most 4096 can be routed", children));
  const int n = static_cast<int>(children);
  NetworkConfig c;
  c.topology.shape = shape_of(shape_);
  c.topology.lanes = fabric_.lanes;
  c.topology.cluster = fabric_.cluster;
  c.timing.routing = fabric_.routing_delay;
  c.timing.speculative = fabric_.speculative;
  c.timing.link = fabric_.link_latency;
  c.timing.credit = fabric_.credit_delay;
  c.vcs = unlimited_channels ? 16 : fabric_.vcs;
  c.buffer_depth = unlimited_buffers ? 4096 : fabric_.buffer_depth;
  c.arbiter = fabric_.oldest_first ? Arbiter::Oldest : Arbiter::RoundRobin;
  c.forks = forks();
  c.split_vcs = fabric_.planes == hw::Planes::Channels;
  if (fabric_.west_first) c.topology.routing = Routing::WestFirst;
  TopologySpec& s = c.topology;
  int first = 0;  // node of child 0
  switch (shape_) {
    case hw::Topology::Crossbar:
    case hw::Topology::PointToPoint:
      s.width = n + fabric_.ports;
      s.height = 1;
      break;
    case hw::Topology::Xy:
      size_for(n, fabric_, s);
      first = 1;
      break;
    case hw::Topology::Tree:
    case hw::Topology::FatTree:
      s.width = 2;
      while (s.width < n) s.width *= 2;
      s.height = 1;
      first = 1;
      break;
    case hw::Topology::Chain:
      s.width = n;
      s.height = 1;
      break;
    case hw::Topology::Hierarchical:
      size_for((n + fabric_.cluster - 1) / fabric_.cluster, fabric_, s);
      break;
    default: size_for(n, fabric_, s); break;
  }
  if (first == 1 && fabric_.ports > 1)
    throw refuse(
        fmt::format("{} ports: a tree and a bus of buses have one, at the root", fabric_.ports));
  const int routers = s.width * s.height;
  const bool grid = shape_ == hw::Topology::Mesh || shape_ == hw::Topology::Torus ||
                    shape_ == hw::Topology::Hierarchical || shape_ == hw::Topology::Chain;
  if (grid) {
    const int most = fabric_.place == hw::PortPlace::Corner ? std::min(4, routers)
                     : fabric_.place == hw::PortPlace::Edge
                         ? (shape_ == hw::Topology::Chain ? 2 : s.height)
                         : routers;
    if (fabric_.ports > most)
      throw refuse(
          fmt::format("{} ports: there is room for {} of them there", fabric_.ports, most));
    for (int p = 0; p < fabric_.ports; ++p) {
      int x = 0, y = 0;
      if (fabric_.place == hw::PortPlace::Corner) {  // first two opposite ones
        constexpr std::array<std::array<int, 2>, 4> kCorners = {{{0, 0}, {1, 1}, {1, 0}, {0, 1}}};
        x = kCorners[static_cast<std::size_t>(p)][0] * (s.width - 1);
        y = kCorners[static_cast<std::size_t>(p)][1] * (s.height - 1);
      } else if (fabric_.place == hw::PortPlace::Edge) {
        if (shape_ == hw::Topology::Chain)
          x = p * (s.width - 1);
        else
          y = (2 * p + 1) * s.height / (2 * fabric_.ports);
      } else {
        const int at = static_cast<int>((2 * std::int64_t{p} + 1) * routers / (2 * fabric_.ports));
        x = at % s.width;
        y = at / s.width;
      }
      s.extra.push_back(y * s.width + x);
    }
  }
  if (forks() && network.reduction != hw::Reduction::None && fabric_.ports > 1 &&
      fabric_.planes == hw::Planes::Shared)
    throw refuse(
        "sums in the routers and several ports: they could wait for each other with what goes to "
        "the "
        "children; planes: directions, or tensors");
  const int networks = fabric_.planes == hw::Planes::Directions ? 2
                       : fabric_.planes == hw::Planes::Tensors  ? 3
                                                                : 1;
  try {
    for (int i = 0; i < networks; ++i) planes_.push_back(make_network(c, *this, detail));
  } catch (const input::InputError& e) {
    throw refuse(e.what());
  }
  const int nodes = static_cast<int>(planes_[0]->topology().nodes.size());
  const int ports = grid ? fabric_.ports : first == 1 ? 1 : fabric_.ports;
  for (int i = 0; i < n; ++i) child_nodes_.push_back(first + i);
  if (first == 1)
    ports_.push_back(0);
  else
    for (int i = 0; i < ports; ++i) ports_.push_back(nodes - ports + i);
  if (first + n > nodes - (first == 1 ? 0 : ports))
    throw refuse(fmt::format("{} x {} is too small for {} children", s.width, s.height, n));
}

Network& Transport::plane(int flow, bool up) {
  switch (fabric_.planes) {
    case hw::Planes::Shared:
    case hw::Planes::Channels: return *planes_[0];
    case hw::Planes::Directions: return *planes_[up ? 1 : 0];
    case hw::Planes::Tensors: break;
  }
  return *planes_[static_cast<std::size_t>(flow)];
}

int Transport::nearest_port(int child) {
  if (nearest_.empty()) nearest_.assign(child_nodes_.size(), -1);
  int& best = nearest_[static_cast<std::size_t>(child)];
  if (best >= 0) return best;
  int least = std::numeric_limits<int>::max();
  const Topology& t = planes_[0]->topology();
  for (std::size_t p = 0; p < ports_.size(); ++p) {
    const int far = t.routers_between(ports_[p], child_nodes_[static_cast<std::size_t>(child)]);
    if (far < least) {
      least = far;
      best = static_cast<int>(p);
    }
  }
  return best;
}

// From the port the nearest child, from it the nearest of the others, and so on; a tree goes by the
// distance from the port alone. The port is the one that is nearest to the first child.
Transport::Order& Transport::order_of(const std::vector<int>& children) {
  std::size_t hash = children.size();
  for (const int c : children)
    hash = hash * 0x9e3779b97f4a7c15u + static_cast<std::size_t>(c) + (hash >> 29);
  auto& bucket = known_[hash];
  for (const auto& [same, order] : bucket)
    if (same == children) return *order;
  Order& o = orders_.emplace_back();
  bucket.emplace_back(children, &o);
  o.port = nearest_port(children[0]);
  const Topology& t = planes_[0]->topology();
  std::vector<int> left = children, order;
  const auto far = [&](int from, int child) {
    return t.routers_between(from, child_nodes_[static_cast<std::size_t>(child)]);
  };
  const int root = ports_[static_cast<std::size_t>(o.port)];
  if (forks()) {
    order = left;  // it is the routers' affair
  } else if (tree_) {
    std::stable_sort(left.begin(), left.end(),
                     [&](int a, int b) { return far(root, a) < far(root, b); });
    order = left;
  } else {
    int from = root;
    while (!left.empty()) {
      std::size_t best = 0;
      for (std::size_t i = 1; i < left.size(); ++i)
        if (far(from, left[i]) < far(from, left[best])) best = i;
      order.push_back(left[best]);
      from = child_nodes_[static_cast<std::size_t>(left[best])];
      left.erase(left.begin() + static_cast<std::ptrdiff_t>(best));
    }
  }
  o.place.assign(child_nodes_.size(), -1);
  for (std::size_t i = 0; i < order.size(); ++i) {
    o.nodes.push_back(child_nodes_[static_cast<std::size_t>(order[i])]);
    o.place[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
  }
  o.given.resize(order.size());
  for (std::size_t i = 0; i < children.size(); ++i)
    o.given[static_cast<std::size_t>(o.place[static_cast<std::size_t>(children[i])])] =
        static_cast<int>(i);
  return o;
}

int Transport::node(const Piece& piece, int place) const {
  return place < 0 ? ports_[static_cast<std::size_t>(piece.order->port)]
                   : piece.order->nodes[static_cast<std::size_t>(place)];
}

std::size_t Transport::new_piece() {
  if (free_pieces_.empty()) {
    pieces_.emplace_back();
    return pieces_.size() - 1;
  }
  const std::size_t i = free_pieces_.back();
  free_pieces_.pop_back();
  pieces_[i].waits.clear();
  pieces_[i].values.clear();
  return i;
}

std::size_t Transport::new_leg(std::size_t piece, int from, int to) {
  std::size_t leg = legs_.size();
  if (free_legs_.empty()) {
    legs_.emplace_back();
  } else {
    leg = free_legs_.back();
    free_legs_.pop_back();
  }
  legs_[leg] = {piece, from, to};
  return leg;
}

PacketRequest Transport::packet_of(const Piece& p, std::size_t leg) const {
  PacketRequest r;
  r.source = node(p, legs_[leg].from);
  r.destination = node(p, legs_[leg].to);
  const std::int64_t bits =
      static_cast<std::int64_t>(p.count) * bits_[static_cast<std::size_t>(p.flow)];
  r.flits = static_cast<int>(
      std::max<std::int64_t>(1, (bits + fabric_.flit_bits - 1) / fabric_.flit_bits));
  r.flow = p.collects ? 3 + p.flow : p.flow;
  r.tag = static_cast<std::int64_t>(leg);
  return r;
}

// Offers a packet now, or after the present step.
void Transport::offer(std::size_t piece, int from, int to) {
  const std::size_t leg = new_leg(piece, from, to);
  if (stepping_) {
    pending_.push_back(leg);
    return;
  }
  const Piece& p = pieces_[piece];
  PacketRequest r = packet_of(p, leg);
  ++packets_;
  if (forks() && !p.collects && p.order->nodes.size() > 1) r.destinations = &p.order->nodes;
  plane(p.flow, p.collects).offer(r, network_now_);
}

void Transport::begin(std::size_t transfer, std::size_t parcel, int flow, bool collects,
                      bool adds) {
  Transfer& t = transfers_[transfer];
  const Parcel& all = t.parcels[parcel];
  if (all.children.empty()) throw std::logic_error("transport: words for nobody");
  std::size_t most = static_cast<std::size_t>(fabric_.packet_words);
  if (forks())  // cut-through: a packet fits into a buffer, if a word does
    most = std::min(
        most, static_cast<std::size_t>(std::max(1, fabric_.buffer_depth * fabric_.flit_bits /
                                                       bits_[static_cast<std::size_t>(flow)])));
  Order& order = order_of(all.children);
  const int n = static_cast<int>(order.nodes.size());
  for (std::size_t first = 0; first < all.words; first += most) {
    const std::size_t index = new_piece();
    Piece& p = pieces_[index];
    p.transfer = transfer;
    p.parcel = parcel;
    p.first = first;
    p.count = std::min(most, all.words - first);
    p.flow = flow;
    p.collects = collects;
    // Routers that add carry all sums in order, also those of one part.
    p.adds = adds && (n > 1 || forks());
    p.order = &order;
    // What the unit sends is sent when its own packets have left; each child sends once.
    t.unsent += collects ? order.nodes.size() : 1;
    if (!collects) {
      p.open = order.nodes.size();
      t.open += p.open;
      offer(index, -1, 0);
      continue;
    }
    if (!p.adds) {  // every child's words travel
      p.open = order.nodes.size();
      t.open += p.open;
      for (int i = 0; i < n; ++i) offer(index, i, -1);
      continue;
    }
    p.open = 1;
    t.open += 1;
    if (!all.values.empty()) {
      p.values.resize(order.nodes.size() * p.count);
      for (std::size_t i = 0; i < order.nodes.size(); ++i)
        for (std::size_t w = 0; w < p.count; ++w)
          p.values[i * p.count + w] =
              all.values[static_cast<std::size_t>(order.given[i]) * all.words + first + w];
    }
    if (forks()) {
      if (order.tree < 0) order.tree = plane(flow, true).sum_tree(order.nodes, node(p, -1));
      const std::size_t leg = new_leg(index, 0, -1);
      packets_ += n;
      plane(flow, true).offer_sum(packet_of(p, leg), order.tree, network_now_);
      continue;
    }
    // A child sends when those behind it have told theirs.
    p.waits.assign(order.nodes.size(), 0);
    for (int i = 1; i < n; ++i) ++p.waits[static_cast<std::size_t>(!tree_ ? i - 1 : (i - 1) / 2)];
    for (int i = 0; i < n; ++i)
      if (pieces_[index].waits[static_cast<std::size_t>(i)] == 0)
        offer(index, i, !tree_ ? i - 1 : (i == 0 ? -1 : (i - 1) / 2));
  }
}

std::size_t Transport::new_transfer(std::vector<Parcel> parcels) {
  std::size_t id = transfers_.size();
  if (free_transfers_.empty()) {
    transfers_.emplace_back();
  } else {
    id = free_transfers_.back();
    free_transfers_.pop_back();
  }
  // Unique, and it says where.
  const std::int64_t number = next_transfer_++ * kTransfers + static_cast<std::int64_t>(id);
  transfers_[id] = {std::move(parcels), 0, 0, number};
  return id;
}

std::int64_t Transport::send(std::vector<Parcel> parcels, const std::vector<int>& flows,
                             std::int64_t now) {
  const std::size_t id = new_transfer(std::move(parcels));
  if (fabric_.clock > 0) network_now_ = now * fabric_.clock;
  for (std::size_t i = 0; i < flows.size(); ++i) begin(id, i, flows[i], false, false);
  if (fabric_.clock == 0) step(now);
  return transfers_[id].number;
}

std::int64_t Transport::collect(std::vector<Parcel> parcels, bool adds, std::int64_t now) {
  const std::size_t n = parcels.size();
  const std::size_t id = new_transfer(std::move(parcels));
  if (fabric_.clock > 0) network_now_ = now * fabric_.clock;
  for (std::size_t i = 0; i < n; ++i) begin(id, i, 2, true, adds);
  if (fabric_.clock == 0) step(now);
  return transfers_[id].number;
}

bool Transport::empty() const {
  return pending_.empty() &&
         std::all_of(planes_.begin(), planes_.end(), [](const auto& p) { return p->empty(); });
}

void Transport::step(std::int64_t now) {
  const bool endless = fabric_.clock == 0;
  if (!endless) network_now_ = now * fabric_.clock;
  for (int i = 0; endless ? !empty() : i < fabric_.clock; ++i) {
    stepping_ = true;
    for (const auto& p : planes_)
      if (!p->empty()) p->step(network_now_);
    stepping_ = false;
    ++network_now_;
    offers_.swap(pending_);
    for (const std::size_t leg : offers_) {
      const Leg l = legs_[leg];
      free_legs_.push_back(leg);
      offer(l.piece, l.from, l.to);
    }
    offers_.clear();
  }
}

void Transport::sent(const PacketRequest& packet, std::int64_t /*now*/) {
  const Leg& l = legs_[static_cast<std::size_t>(packet.tag)];
  const Piece& p = pieces_[l.piece];
  if (l.from >= 0 && !p.collects) return;
  if (--transfers_[p.transfer].unsent == 0)
    events_.push_back({transfers_[p.transfer].number, false});
}

// The routers have added the part of node `from` to the packet.
void Transport::added(const PacketRequest& packet, int from) {
  Piece& p = pieces_[legs_[static_cast<std::size_t>(packet.tag)].piece];
  if (p.values.empty()) return;
  const auto place = [&](int node) {
    return static_cast<std::size_t>(p.order->place[static_cast<std::size_t>(child_of(node))]);
  };
  const std::size_t to = place(packet.source), other = place(from);
  for (std::size_t w = 0; w < p.count; ++w)
    p.values[to * p.count + w] += p.values[other * p.count + w];
}

// Of a sum that has arrived: at the first child's place of its parcel.
void Transport::put_sums(const Piece& p, std::size_t place) {
  Parcel& parcel = transfers_[p.transfer].parcels[p.parcel];
  if (!p.values.empty())
    for (std::size_t w = 0; w < p.count; ++w)
      parcel.values[p.first + w] = p.values[place * p.count + w];
}

void Transport::delivered(const Delivery& d) {
  for (std::size_t c = 0; c < kCauses; ++c) late_[c] += d.late[c];
  const std::size_t leg = static_cast<std::size_t>(d.packet.tag);
  const Leg l = legs_[leg];
  const std::size_t piece = l.piece;
  Piece& p = pieces_[piece];
  Transfer& t = transfers_[p.transfer];
  const int n = static_cast<int>(p.order->nodes.size());
  const bool forked = forks() && !p.collects;
  // A packet that forks is one leg with several ends.
  if (!forked || p.open == 1) free_legs_.push_back(leg);
  const int child = child_of(d.packet.destination);
  if (!forked ? d.packet.destination != node(p, l.to)
              : child < 0 || child >= static_cast<int>(p.order->place.size()) ||
                    p.order->place[static_cast<std::size_t>(child)] < 0)
    throw std::logic_error("transport: a packet at the wrong node");
  if (p.collects && p.adds && l.to >= 0) {
    const std::size_t to = static_cast<std::size_t>(l.to), from = static_cast<std::size_t>(l.from);
    if (!p.values.empty())
      for (std::size_t w = 0; w < p.count; ++w)
        p.values[to * p.count + w] += p.values[from * p.count + w];
    if (--p.waits[to] == 0) offer(piece, l.to, l.to == 0 ? -1 : !tree_ ? l.to - 1 : (l.to - 1) / 2);
    return;
  }
  --p.open;
  --t.open;
  if (p.collects && p.adds)
    put_sums(p, forks() ? static_cast<std::size_t>(
                              p.order->place[static_cast<std::size_t>(child_of(d.packet.source))])
                        : 0);
  if (!p.collects && !forked)
    for (const int to : {tree_ ? 2 * l.to + 1 : l.to + 1, tree_ ? 2 * l.to + 2 : n})
      if (to < n) offer(piece, l.to, to);
  if (p.open == 0) free_pieces_.push_back(piece);
  if (t.open == 0) events_.push_back({t.number, true});
}

std::pair<int, int> Transport::who(int node) const {
  const auto child = std::find(child_nodes_.begin(), child_nodes_.end(), node);
  if (child != child_nodes_.end()) return {static_cast<int>(child - child_nodes_.begin()), -1};
  const auto port = std::find(ports_.begin(), ports_.end(), node);
  return {-1, port == ports_.end() ? -1 : static_cast<int>(port - ports_.begin())};
}

std::vector<Parcel> Transport::take(std::int64_t transfer) {
  const std::size_t id = static_cast<std::size_t>(transfer % kTransfers);
  if (id >= transfers_.size() || transfers_[id].number != transfer || transfers_[id].open != 0)
    throw std::logic_error("transport: taken before it arrived");
  Transfer& t = transfers_[id];
  t.number = -1;
  std::vector<Parcel> out = std::move(t.parcels);
  free_transfers_.push_back(id);
  return out;
}

}  // namespace counterpoint::sim::noc
