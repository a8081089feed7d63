// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/topology.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <stdexcept>

#include "input/diagnostics.h"

namespace counterpoint::sim::noc {
namespace {

std::size_t at(int i) {
  return static_cast<std::size_t>(i);
}

class Builder {
 public:
  int router(const std::string& name) {
    t.routers.push_back({name, {}});
    return static_cast<int>(t.routers.size()) - 1;
  }
  int port(int router) {
    t.routers[at(router)].ports.emplace_back();
    return static_cast<int>(t.routers[at(router)].ports.size()) - 1;
  }
  // Links in both directions between two ports.
  void join(int a, int pa, int b, int pb) {
    t.routers[at(a)].ports[at(pa)] = {b, pb, -1};
    t.routers[at(b)].ports[at(pb)] = {a, pa, -1};
  }
  int join(int a, int b) {
    const int pa = port(a);
    join(a, pa, b, port(b));
    return pa;
  }
  void node(int router, int p) {
    t.routers[at(router)].ports[at(p)] = {-1, -1, static_cast<int>(t.nodes.size())};
    t.nodes.push_back({router, p});
  }
  void node(int router) { node(router, port(router)); }

  // Shortest ways for graphs with one way, or parallel lanes: destinations are dealt to lanes.
  void route_by_distance() {
    const int n = static_cast<int>(t.nodes.size());
    t.hops.assign(t.routers.size() * at(n), {});
    std::vector<int> far;
    for (int d = 0; d < n; ++d) {
      far.assign(t.routers.size(), -1);
      const Topology::Place home = t.nodes[at(d)];
      far[at(home.router)] = 0;
      std::deque<int> open = {home.router};
      while (!open.empty()) {
        const int r = open.front();
        open.pop_front();
        for (const Topology::Port& p : t.routers[at(r)].ports)
          if (p.router >= 0 && far[at(p.router)] < 0) {
            far[at(p.router)] = far[at(r)] + 1;
            open.push_back(p.router);
          }
      }
      for (std::size_t r = 0; r < t.routers.size(); ++r) {
        std::vector<int> nearer;
        const auto& ports = t.routers[r].ports;
        for (std::size_t p = 0; p < ports.size(); ++p)
          if (ports[p].node == d || (ports[p].router >= 0 && far[at(ports[p].router)] < far[r] &&
                                     static_cast<int>(r) != home.router))
            nearer.push_back(static_cast<int>(p));
        if (nearer.empty()) throw std::logic_error("noc: a node cannot be reached");
        t.hops[r * at(n) + at(d)].port = static_cast<std::int16_t>(nearer[at(d) % nearer.size()]);
      }
    }
  }

  Topology t;
};

// Ports of a mesh router: 0 +x, 1 -x, 2 +y, 3 -y, then its nodes.
Topology grid(const TopologySpec& s, int nodes_each, bool around) {
  Builder b;
  const int w = s.width;
  const int h = s.height;
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x) {
      const int r = b.router(fmt::format("{},{}", x, y));
      for (int p = 0; p < 4; ++p) b.port(r);
      for (int i = 0; i < nodes_each; ++i) b.node(r);
    }
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x) {
      const int r = y * w + x;
      if (x + 1 < w) b.join(r, 0, r + 1, 1);
      if (y + 1 < h) b.join(r, 2, r + w, 3);
      if (around && x + 1 == w && w > 1) b.join(r, 0, y * w, 1);
      if (around && y + 1 == h && h > 1) b.join(r, 2, x, 3);
    }
  for (const int r : s.extra) b.node(r);
  Topology& t = b.t;
  t.columns = w;
  const int n = static_cast<int>(t.nodes.size());
  t.hops.assign(t.routers.size() * at(n), {});
  const auto step = [&](int from, int to, int size, int up, Topology::Hop& hop) {
    const int forward = (to - from + size) % size;
    const bool plus = around ? 2 * forward <= size : to > from;
    hop.port = static_cast<std::int16_t>(plus ? up : up + 1);
    // A ring's dateline is its link around: before it the lower half, behind it the upper half.
    // It depends on what is still to be crossed, so a way that does not cross uses the upper one.
    if (around) hop.part = (plus ? to < from : to > from) ? 1 : 2;
  };
  for (int r = 0; r < w * h; ++r)
    for (int d = 0; d < n; ++d) {
      Topology::Hop& hop = t.hops[at(r) * at(n) + at(d)];
      const int x = r % w;
      const int y = r / w;
      const int dx = t.nodes[at(d)].router % w;
      const int dy = t.nodes[at(d)].router / w;
      if (x != dx)
        step(x, dx, w, 0, hop);
      else if (y != dy)
        step(y, dy, h, 2, hop);
      else
        hop.port = static_cast<std::int16_t>(t.nodes[at(d)].port);
      if (s.routing == Routing::WestFirst && x < dx && y != dy)
        hop.other = static_cast<std::int16_t>(dy > y ? 2 : 3);
    }
  t.needs_two_parts = around;
  t.adaptive = s.routing == Routing::WestFirst;
  return t;
}

Topology crossbar(int n) {
  Builder b;
  const int r = b.router("crossbar");
  for (int i = 0; i < n; ++i) b.node(r);
  b.route_by_distance();
  return b.t;
}

// Two routers back to back: everything passes the link between them. Every node has a port at both
// sides, but a node takes its words at one place only; so the sides are told apart by routing.
Topology bus(int n) {
  Builder b;
  const int in = b.router("bus requests");
  const int out = b.router("bus");
  const int link = b.join(in, out);
  for (int i = 0; i < n; ++i) b.node(in);
  // Received at the other side.
  for (int i = 0; i < n; ++i) {
    const int p = b.port(out);
    b.t.routers[at(out)].ports[at(p)].node = i;
    b.t.routers[at(in)].ports[at(b.t.nodes[at(i)].port)].node = -1;
  }
  b.t.hops.assign(2 * at(n), {});
  for (int d = 0; d < n; ++d) {
    b.t.hops[at(in) * at(n) + at(d)].port = static_cast<std::int16_t>(link);
    b.t.hops[at(out) * at(n) + at(d)].port = static_cast<std::int16_t>(d + 1);
  }
  return b.t;
}

Topology xy(int w, int h) {
  Builder b;
  const int root = b.router("y-bus");
  b.node(root);
  for (int y = 0; y < h; ++y) {
    const int row = b.router(fmt::format("x-bus {}", y));
    b.join(root, row);
    for (int x = 0; x < w; ++x) b.node(row);
  }
  b.route_by_distance();
  return b.t;
}

Topology tree(int leaves, int lanes) {
  Builder b;
  // Heap order: router i has children 2i+1 and 2i+2; `leaves` is a power of two.
  const int switches = leaves - 1;
  for (int i = 0; i < switches; ++i) b.router(fmt::format("switch {}", i));
  b.node(0);
  int below = leaves;
  for (int i = 0, level_end = 1; i < switches; ++i) {
    if (i == level_end) {
      level_end = 2 * level_end + 1;
      below /= 2;
    }
    for (int c = 2 * i + 1; c <= 2 * i + 2; ++c)
      for (int l = 0; l < std::min(lanes, below / 2) && c < switches; ++l) b.join(i, c);
  }
  for (int leaf = 0; leaf < leaves; ++leaf) b.node((switches + leaf - 1) / 2);
  b.route_by_distance();
  return b.t;
}

Topology chain(int n, const std::vector<int>& extra) {
  Builder b;
  for (int i = 0; i < n; ++i) b.router(fmt::format("{}", i));
  for (int i = 0; i + 1 < n; ++i) b.join(i, i + 1);
  for (int i = 0; i < n; ++i) b.node(i);
  for (const int r : extra) b.node(r);
  b.route_by_distance();
  b.t.columns = n;
  return b.t;
}

Topology point_to_point(int n) {
  Builder b;
  for (int i = 0; i < n; ++i) b.router(fmt::format("{}", i));
  for (int i = 0; i < n; ++i) b.node(i);
  for (int i = 0; i < n; ++i)
    for (int j = i + 1; j < n; ++j) b.join(i, j);
  b.route_by_distance();
  return b.t;
}

}  // namespace

int Topology::routers_between(int source, int destination) const {
  int r = nodes[at(source)].router;
  for (int count = 1;; ++count) {
    const Port& p = routers[at(r)].ports[at(hop(r, destination).port)];
    if (p.node == destination) return count;
    if (p.router < 0 || count > static_cast<int>(routers.size()))
      throw std::logic_error("noc: a way leads nowhere");
    r = p.router;
  }
}

Topology make_topology(const TopologySpec& s) {
  const auto refuse = [](const std::string& why) { throw input::InputError("network: " + why); };
  if (s.width < 1 || s.height < 1 || s.width > 1024 || s.height > 1024 || s.width * s.height > 4096)
    refuse(fmt::format("{}x{} nodes: 1 to 4096 are possible", s.width, s.height));
  if (s.routing != Routing::DimensionOrder && s.shape != Shape::Mesh)
    refuse("west-first routing needs a mesh");
  const int n = s.width * s.height;
  for (const int r : s.extra)
    if (r < 0 || r >= n) refuse(fmt::format("there is no router {} for another node", r));
  Topology t;
  switch (s.shape) {
    case Shape::Mesh: t = grid(s, 1, false); break;
    case Shape::Torus: t = grid(s, 1, true); break;
    case Shape::Hierarchical:
      if (s.cluster < 1 || s.cluster > kMostPorts - 4)
        refuse(
            fmt::format("{} nodes of a cluster: 1 to {} are possible", s.cluster, kMostPorts - 4));
      t = grid(s, s.cluster, false);
      break;
    case Shape::Crossbar:
      if (n > kMostPorts) refuse(fmt::format("a crossbar has at most {} nodes", kMostPorts));
      t = crossbar(n);
      break;
    case Shape::Bus:
      if (n >= kMostPorts) refuse(fmt::format("a bus has at most {} nodes", kMostPorts - 1));
      t = bus(n);
      break;
    case Shape::Xy:
      if (s.width >= kMostPorts || s.height >= kMostPorts)
        refuse(fmt::format("x and y buses have at most {} ends", kMostPorts - 1));
      t = xy(s.width, s.height);
      break;
    case Shape::Tree:
    case Shape::FatTree:
      if (n < 2 || (n & (n - 1)) != 0)
        refuse(fmt::format("a tree has 2, 4, 8, ... leaves, not {}", n));
      if (s.lanes < 1 || s.lanes > 16) refuse("a link of a tree has 1 to 16 lanes");
      t = tree(n, s.shape == Shape::Tree ? 1 : s.lanes);
      break;
    case Shape::Chain: t = chain(n, s.extra); break;
    case Shape::PointToPoint:
      if (n > kMostPorts) refuse(fmt::format("at most {} nodes point to point", kMostPorts));
      t = point_to_point(n);
      break;
  }
  return t;
}

}  // namespace counterpoint::sim::noc
