// SPDX-License-Identifier: Apache-2.0
// The shape of a routed network: routers, links, where the nodes sit, and the way between them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace counterpoint::sim::noc {

enum class Shape : std::uint8_t {
  Mesh,          ///< width x height, one node per router, x first
  Torus,         ///< the same with links around; two classes of virtual channels break the rings
  Crossbar,      ///< one router with every node
  Bus,           ///< every node's words pass one link, a flit per cycle
  Xy,            ///< a root (node 0) feeds height y-ports, each an x-bus of width nodes; and back
  Tree,          ///< binary tree over the nodes, node 0 beside the root; links of equal width
  FatTree,       ///< the same; a link has as many lanes as it has leaves below it, up to `lanes`
  Hierarchical,  ///< a mesh of routers with `cluster` nodes each
  Chain,         ///< neighbours in a row
  PointToPoint,  ///< a link for every pair of nodes
};

enum class Routing : std::uint8_t {
  DimensionOrder,  ///< and the only way, where there is only one
  WestFirst,       ///< mesh only, adaptive: west before all else, then where more credits are
};

struct TopologySpec {
  Shape shape = Shape::Mesh;
  int width = 4;
  int height = 4;
  int cluster = 4;  ///< hierarchical mesh: nodes of a router
  int lanes = 4;    ///< fat tree: most lanes of a link
  Routing routing = Routing::DimensionOrder;
  /// Mesh, torus, hierarchical, chain: routers that have one more node each, numbered after the
  /// others.
  std::vector<int> extra;
};

/// A network as a graph. A router's ports are numbered from 0; port p of a router has an input and
/// an output side. Links are in the direction of the flits, one per output side.
struct Topology {
  struct Port {
    int router = -1;  ///< what the output side leads to: a router's input port,
    int port = -1;
    int node = -1;  ///< or a node; a node's port takes its flits in as well
  };
  struct Router {
    std::string name;
    std::vector<Port> ports;
  };
  /// One step of a way: the output port, and which part of its virtual channels may be used
  /// (0: all; 1: the lower half; 2: the upper half). A second port if routing is adaptive.
  struct Hop {
    std::int16_t port = -1;
    std::int16_t other = -1;
    std::int8_t part = 0;
  };
  struct Place {
    int router = -1;
    int port = -1;
  };

  std::vector<Router> routers;
  std::vector<Place> nodes;
  std::vector<Hop> hops;  ///< [router * nodes.size() + destination]
  bool needs_two_parts = false;
  bool adaptive = false;
  int columns = 0;  ///< of a picture of the routers; 0: there is no natural one

  const Hop& hop(int router, int destination) const {
    return hops[static_cast<std::size_t>(router) * nodes.size() +
                static_cast<std::size_t>(destination)];
  }
  /// Routers that a packet visits between two nodes (the way of `port`, not of `other`).
  int routers_between(int source, int destination) const;
};

inline constexpr int kMostPorts = 64;  ///< of a router

/// Throws input::InputError for shapes that cannot be built (sizes, ports, routing).
Topology make_topology(const TopologySpec& spec);

}  // namespace counterpoint::sim::noc
