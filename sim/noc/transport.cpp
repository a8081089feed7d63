// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/transport.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "input/diagnostics.h"

namespace counterpoint::sim::noc {
namespace {

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
  c.forks = fabric_.collective == hw::Collective::Fork;
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
  const int networks = fabric_.planes == hw::Planes::Shared       ? 1
                       : fabric_.planes == hw::Planes::Directions ? 2
                                                                  : 3;
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
    case hw::Planes::Shared: return *planes_[0];
    case hw::Planes::Directions: return *planes_[up ? 1 : 0];
    case hw::Planes::Tensors: break;
  }
  return *planes_[static_cast<std::size_t>(flow)];
}

int Transport::nearest_port(int child) const {
  int best = 0;
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
// distance from the port alone.
const std::vector<int>& Transport::order_of(const std::vector<int>& children, int port) {
  const auto known = orders_.find({children, port});
  if (known != orders_.end()) return known->second;
  const Topology& t = planes_[0]->topology();
  std::vector<int> left = children, order;
  const auto far = [&](int from, int child) {
    return t.routers_between(from, child_nodes_[static_cast<std::size_t>(child)]);
  };
  const int root = ports_[static_cast<std::size_t>(port)];
  if (tree_) {
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
  return orders_.emplace(std::make_pair(children, port), std::move(order)).first->second;
}

int Transport::node(const Piece& piece, int place) const {
  return place < 0 ? ports_[static_cast<std::size_t>(piece.port)]
                   : child_nodes_[static_cast<std::size_t>(
                         (*piece.order)[static_cast<std::size_t>(place)])];
}

bool Transport::expects(const Piece& piece, int at) const {
  for (std::size_t i = 0; i < piece.order->size(); ++i)
    if (node(piece, static_cast<int>(i)) == at) return true;
  return false;
}

std::size_t Transport::new_piece() {
  if (free_pieces_.empty()) {
    pieces_.emplace_back();
    return pieces_.size() - 1;
  }
  const std::size_t i = free_pieces_.back();
  free_pieces_.pop_back();
  pieces_[i] = Piece{};
  return i;
}

// Offers a packet now, or after the present step.
void Transport::offer(std::size_t piece, int from, int to) {
  std::size_t leg = legs_.size();
  if (free_legs_.empty()) {
    legs_.emplace_back();
  } else {
    leg = free_legs_.back();
    free_legs_.pop_back();
  }
  legs_[leg] = {piece, from, to};
  const Piece& p = pieces_[piece];
  if (stepping_) {
    pending_.push_back(leg);
    return;
  }
  PacketRequest r;
  r.source = node(p, from);
  r.destination = node(p, to);
  const std::int64_t bits =
      static_cast<std::int64_t>(p.count) * bits_[static_cast<std::size_t>(p.flow)];
  r.flits = static_cast<int>(
      std::max<std::int64_t>(1, (bits + fabric_.flit_bits - 1) / fabric_.flit_bits));
  r.flow = p.collects ? 3 + p.flow : p.flow;
  r.tag = static_cast<std::int64_t>(leg);
  ++packets_;
  std::vector<int> all;
  if (fabric_.collective == hw::Collective::Fork && !p.collects) {
    for (std::size_t i = 0; i < p.order->size(); ++i) all.push_back(node(p, static_cast<int>(i)));
    r.destinations = &all;
  }
  plane(p.flow, p.collects).offer(r, network_now_);
}

void Transport::begin(std::int64_t transfer, std::size_t parcel, int flow, bool collects,
                      bool adds) {
  Transfer& t = transfers_.at(transfer);
  const Parcel& all = t.parcels[parcel];
  const std::size_t most = static_cast<std::size_t>(fabric_.packet_words);
  if (all.children.empty()) throw std::logic_error("transport: words for nobody");
  // A collective stays with the port that is nearest to its first child.
  const int port = nearest_port(all.children[0]);
  const std::vector<int>& order = order_of(all.children, port);
  const int n = static_cast<int>(order.size());
  for (std::size_t first = 0; first < all.words; first += most) {
    const std::size_t index = new_piece();
    Piece& p = pieces_[index];
    p.transfer = transfer;
    p.parcel = parcel;
    p.first = first;
    p.count = std::min(most, all.words - first);
    p.flow = flow;
    p.collects = collects;
    p.adds = adds;
    p.order = &order;
    p.port = port;
    // What the unit sends is sent when its own packets have left; each child sends once.
    t.unsent += collects ? order.size() : 1;
    if (!collects) {
      p.open = order.size();
      t.open += order.size();
      offer(index, -1, 0);
      continue;
    }
    if (!adds || n == 1) {  // every child's words travel
      p.open = order.size();
      t.open += order.size();
      for (int i = 0; i < n; ++i) offer(index, i, -1);
      continue;
    }
    // Sums: a child sends when those behind it have told theirs.
    p.open = 1;
    t.open += 1;
    p.waits.assign(order.size(), 0);
    if (!all.values.empty()) {
      p.values.resize(order.size() * p.count);
      for (std::size_t i = 0; i < order.size(); ++i) {
        const std::size_t child = static_cast<std::size_t>(
            std::find(all.children.begin(), all.children.end(), order[i]) - all.children.begin());
        for (std::size_t w = 0; w < p.count; ++w)
          p.values[i * p.count + w] = all.values[child * all.words + first + w];
      }
    }
    for (int i = 1; i < n; ++i) ++p.waits[static_cast<std::size_t>(!tree_ ? i - 1 : (i - 1) / 2)];
    for (int i = 0; i < n; ++i)
      if (pieces_[index].waits[static_cast<std::size_t>(i)] == 0)
        offer(index, i, !tree_ ? i - 1 : (i == 0 ? -1 : (i - 1) / 2));
  }
}

std::int64_t Transport::send(std::vector<Parcel> parcels, const std::vector<int>& flows,
                             std::int64_t now) {
  const std::int64_t id = next_transfer_++;
  transfers_[id].parcels = std::move(parcels);
  if (fabric_.clock > 0) network_now_ = now * fabric_.clock;
  for (std::size_t i = 0; i < flows.size(); ++i) begin(id, i, flows[i], false, false);
  if (fabric_.clock == 0) step(now);
  return id;
}

std::int64_t Transport::collect(std::vector<Parcel> parcels, bool adds, std::int64_t now) {
  const std::int64_t id = next_transfer_++;
  const std::size_t n = parcels.size();
  transfers_[id].parcels = std::move(parcels);
  if (fabric_.clock > 0) network_now_ = now * fabric_.clock;
  for (std::size_t i = 0; i < n; ++i) begin(id, i, 2, true, adds);
  if (fabric_.clock == 0) step(now);
  return id;
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
    std::vector<std::size_t> offers;
    offers.swap(pending_);
    for (const std::size_t leg : offers) {
      const Leg l = legs_[leg];
      free_legs_.push_back(leg);
      offer(l.piece, l.from, l.to);
    }
  }
}

void Transport::sent(const PacketRequest& packet, std::int64_t /*now*/) {
  const Leg& l = legs_[static_cast<std::size_t>(packet.tag)];
  const Piece& p = pieces_[l.piece];
  if (l.from >= 0 && !p.collects) return;
  if (--transfers_.at(p.transfer).unsent == 0) events_.push_back({p.transfer, false});
}

void Transport::delivered(const Delivery& d) {
  for (std::size_t c = 0; c < kCauses; ++c) late_[c] += d.late[c];
  const std::size_t leg = static_cast<std::size_t>(d.packet.tag);
  const Leg l = legs_[leg];
  Piece& p = pieces_[l.piece];
  // A packet that forks is one leg with several ends.
  if (fabric_.collective != hw::Collective::Fork || p.collects || p.open == 1)
    free_legs_.push_back(leg);
  const int n = static_cast<int>(p.order->size());
  const bool forked = fabric_.collective == hw::Collective::Fork && !p.collects;
  if (!forked ? d.packet.destination != node(p, l.to) : !expects(p, d.packet.destination))
    throw std::logic_error("transport: a packet at the wrong node");
  const std::int64_t id = p.transfer;
  const std::size_t piece = l.piece;
  if (!p.collects) {
    --p.open;
    --transfers_.at(id).open;
    if (fabric_.collective != hw::Collective::Fork)  // else the routers did it
      for (const int to : {tree_ ? 2 * l.to + 1 : l.to + 1, tree_ ? 2 * l.to + 2 : n})
        if (to < n) offer(piece, l.to, to);
  } else if (!p.adds || n == 1) {
    --p.open;
    --transfers_.at(id).open;
  } else if (l.to >= 0) {
    const std::size_t to = static_cast<std::size_t>(l.to), from = static_cast<std::size_t>(l.from);
    if (!p.values.empty())
      for (std::size_t w = 0; w < p.count; ++w)
        p.values[to * p.count + w] += p.values[from * p.count + w];
    if (--p.waits[to] == 0) offer(piece, l.to, l.to == 0 ? -1 : !tree_ ? l.to - 1 : (l.to - 1) / 2);
  } else {
    --p.open;
    Transfer& t = transfers_.at(id);
    --t.open;
    // The sums, at the first child's place.
    Parcel& parcel = t.parcels[p.parcel];
    if (!p.values.empty())
      for (std::size_t w = 0; w < p.count; ++w) parcel.values[p.first + w] = p.values[w];
  }
  if (pieces_[piece].open == 0) free_pieces_.push_back(piece);
  finish_if_done(id);
}

void Transport::finish_if_done(std::int64_t transfer) {
  Transfer& t = transfers_.at(transfer);
  if (t.open == 0) events_.push_back({transfer, true});
}

std::pair<int, int> Transport::who(int node) const {
  const auto child = std::find(child_nodes_.begin(), child_nodes_.end(), node);
  if (child != child_nodes_.end()) return {static_cast<int>(child - child_nodes_.begin()), -1};
  const auto port = std::find(ports_.begin(), ports_.end(), node);
  return {-1, port == ports_.end() ? -1 : static_cast<int>(port - ports_.begin())};
}

std::vector<Parcel> Transport::take(std::int64_t transfer) {
  const auto found = transfers_.find(transfer);
  if (found == transfers_.end() || found->second.open != 0)
    throw std::logic_error("transport: taken before it arrived");
  std::vector<Parcel> out = std::move(found->second.parcels);
  transfers_.erase(found);
  return out;
}

}  // namespace counterpoint::sim::noc
