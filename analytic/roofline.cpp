// SPDX-License-Identifier: Apache-2.0
// Lower bounds of the run time from the counts: each resource's work divided by what it can do.
#include <fmt/format.h>

#include <algorithm>

#include "analytic/estimator.h"

namespace counterpoint::analytic {
namespace {

std::int64_t cycles(double words, double bits, hw::Rate rate, std::int64_t instances) {
  if (rate.unlimited()) return 0;
  const double amount = rate.bytes ? bits / 8 : words;
  // All instances work side by side: the busiest has at least the average.
  return static_cast<std::int64_t>(amount * 1000 / static_cast<double>(rate.per_kcycle) /
                                   static_cast<double>(instances));
}

}  // namespace

Roofline roofline(const workloads::Mapping& mapping, const stats::LayerResult& r) {
  Roofline out;
  const hw::BoundMachine& m = mapping.machine;
  const std::array<double, 3> bits = {static_cast<double>(m.machine.bits.input),
                                      static_cast<double>(m.machine.bits.weight),
                                      static_cast<double>(m.machine.bits.psum)};
  out.peak_macs_per_cycle = static_cast<double>(r.pes * r.lanes);
  out.bounds.push_back({"PEs", (r.macs + r.pes * r.lanes - 1) / (r.pes * r.lanes)});
  for (std::size_t i = 0; i < r.network.size(); ++i) {
    const stats::NetworkResult& n = r.network[i];
    // Words that share a channel, and the most of those that have their own.
    struct Flow {
      double shared = 0, alone = 0;
      void add(double amount, bool own) {
        if (own)
          alone = std::max(alone, amount);
        else
          shared += amount;
      }
      double most() const { return std::max(shared, alone); }
    };
    const hw::Network& net = m.network[i];
    Flow words, down_bits, port_words, port_bits;
    double crossing = 0, up_words = 0, up_bits = 0;
    for (std::size_t t = 0; t < 3; ++t) {
      const double down = static_cast<double>(n.link[t].injected);
      const double up = static_cast<double>(n.link[t].drain_injected);
      const bool past = hw::passes_by(m, i, t);
      const bool own = net.channels == hw::Channels::Separate || past || !m.storage[i + 1].holds[t];
      words.add(down, own);
      down_bits.add(down * bits[t], own);
      if (!past) {
        port_words.add(down, own);
        port_bits.add(down * bits[t], own);
      }
      up_words += up;
      up_bits += up * hw::drain_bits(m, i);
      crossing += (down * bits[t] + up * hw::drain_bits(m, i)) / 8;
    }
    out.intensity.push_back(crossing > 0 ? static_cast<double>(r.macs) / crossing : 0);
    const hw::ClockRatio clock = hw::clock_ratio(m.machine, net);
    const auto machine_cycles = [&](std::int64_t own) {  // of the network's own, which may be fewer
      return static_cast<std::int64_t>(static_cast<double>(own) * static_cast<double>(clock.core) /
                                       static_cast<double>(clock.own));
    };
    out.bounds.push_back(
        {fmt::format("network '{}' to children", n.name),
         machine_cycles(cycles(words.most(), down_bits.most(), net.bandwidth, n.instances))});
    // One channel injects one transfer at a time, as long as its busiest tree takes.
    if (net.subtrees.pes > 0 && net.channels == hw::Channels::Shared && m.storage[i].holds[0] &&
        m.storage[i].holds[1])
      out.bounds.push_back({fmt::format("trees of network '{}'", n.name), n.fill_busy});
    out.bounds.push_back(
        {fmt::format("network '{}' to parent", n.name),
         machine_cycles(
             cycles(up_words, up_bits, net.drain_bandwidth.value_or(net.bandwidth), n.instances))});
    if (net.drain_lines.children > 0)  // one drain at a time, as long as its busiest line takes
      out.bounds.push_back({fmt::format("lines of network '{}'", n.name), n.drain_busy});
    out.bounds.push_back(
        {fmt::format("read port of '{}'", r.storage[i].name),
         cycles(port_words.most(), port_bits.most(), m.storage[i].read_port, n.instances)});
    out.bounds.push_back({fmt::format("write port of '{}'", r.storage[i].name),
                          cycles(up_words, up_bits, m.storage[i].write_port, n.instances)});
  }
  for (int b = 0; b < m.storage[1].banks; ++b)
    out.bounds.push_back({m.storage[1].banks == 1
                              ? fmt::format("the port of '{}'", r.storage[1].name)
                              : fmt::format("port of bank {} of '{}'", b + 1, r.storage[1].name),
                          r.storage[1].bank_busy[static_cast<std::size_t>(b)]});
  std::stable_sort(out.bounds.begin(), out.bounds.end(),
                   [](const Bound& a, const Bound& b) { return a.cycles > b.cycles; });
  if (out.bounds[0].cycles > 0)
    out.attainable_macs_per_cycle =
        static_cast<double>(r.macs) / static_cast<double>(out.bounds[0].cycles);
  if (r.cycles > 0)
    out.achieved_macs_per_cycle = static_cast<double>(r.macs) / static_cast<double>(r.cycles);
  return out;
}

}  // namespace counterpoint::analytic
