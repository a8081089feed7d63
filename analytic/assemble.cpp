// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <numeric>
#include <stdexcept>

#include "analytic/geometry.h"
#include "analytic/totals.h"

namespace counterpoint::analytic {

using workloads::kAllTensors;

namespace {
std::size_t at(Tensor t) {
  return static_cast<std::size_t>(index(t));
}
}  // namespace

stats::LayerResult assemble(const workloads::Mapping& mapping, const hw::BoundMachine& bound,
                            const Totals& totals) {
  stats::LayerResult r;
  const auto& levels = mapping.nest.levels;
  r.cycles = totals.cycles;
  r.macs = totals.macs;
  r.steps = totals.steps;
  r.pes = bound.machine.pes;
  r.lanes = bound.machine.lanes;
  if (r.macs != workloads::macs(mapping.layer))
    throw std::logic_error(fmt::format("estimator: {} multiply-accumulates counted of {}", r.macs,
                                       workloads::macs(mapping.layer)));
  std::int64_t instances = 1;
  const int depths = static_cast<int>(levels.size());
  for (int depth = 0; depth <= depths; ++depth) {
    const std::size_t d = static_cast<std::size_t>(depth);
    const LevelTotals& from = totals.level[d];
    stats::StorageResult s;
    s.name = bound.storage[d].name;
    s.instances = instances;
    s.capacity_bytes = bound.storage[d].capacity_bytes;
    for (Tensor t : kAllTensors) {
      stats::AccessCounts& a = s.access[at(t)];
      a.fill_write = from.access[at(t)][kFillWrite];
      a.fill_read = from.access[at(t)][kFillRead];
      a.drain_read = from.access[at(t)][kDrainRead];
      a.readback_read = from.access[at(t)][kReadbackRead];
      a.readback_write = from.access[at(t)][kReadbackWrite];
    }
    stats::AccessCounts& out = s.access[2];
    if (depth < depths) {
      // A unit's visit of a word starts without a value unless it was read back; every word
      // that a child takes has to be written anew.
      const std::int64_t visits =
          depth == 0 ? output_words(mapping.layer) : from.access[2][kEntries];
      out.drain_write = out.readback_read + visits - out.readback_write;
      out.accumulate_write = from.access[2][kArrivals] - out.drain_write;
      out.accumulate_read = out.accumulate_write;
    } else {
      s.access[0].operand_read = s.access[1].operand_read = r.macs;
      out.operand_read = r.macs - from.access[2][kFresh];
      out.operand_write = r.macs;
    }
    if (depth > 0) {
      std::array<int, 3> width = {bound.machine.bits.input, bound.machine.bits.weight,
                                  bound.machine.bits.psum};
      if (bound.machine.capacity_in_words) width = {8, 8, 8};  // a word counts as one
      std::int64_t tile = 0, second = 0, sliding = 0;
      for (std::size_t t = 0; t < 3; ++t) {
        s.tile_words[t] = from.tile_words[t];
        if (t == 2 && depth == 1 && bound.network[0].psum == hw::PsumPolicy::Keep)
          s.tile_words[t] *=
              workloads::unfinished_tiles(mapping.layer, levels[0], mapping.layer.whole());
        s.sliding_words[t] = from.sliding_words[t];
        tile += s.tile_words[t] * width[t];
        second += (hw::slots(bound.storage[d].buffering, t) - 1) * s.tile_words[t] * width[t];
        sliding += s.sliding_words[t] * width[t];
      }
      s.required_bytes = (tile + 7) / 8 + (second + 7) / 8;
      s.sliding_bytes = (sliding + 7) / 8;
    }
    if (depth == 1)
      for (std::size_t b = 0; b < stats::kBanks; ++b) s.bank_busy[b] = from.level[kBankBusy0 + b];
    r.storage.push_back(s);
    if (depth == depths) break;
    stats::NetworkResult net;
    net.name = bound.network[d].name;
    net.instances = instances;
    const bool bus = bound.network[d].topology == hw::Topology::Bus;
    for (Tensor t : kAllTensors) {
      stats::LinkCounts& x = net.link[at(t)];
      x.injected = from.link[at(t)][kInjected];
      x.delivered = from.link[at(t)][kDelivered];
      x.drain_injected = from.link[at(t)][kDrainInjected];
      x.drain_senders = from.link[at(t)][kDrainSenders];
      x.hops = bus ? x.injected + x.drain_injected : x.delivered + x.drain_senders;
    }
    net.fill_busy = from.level[kFillBusy];
    net.drain_busy = from.level[kDrainBusy];
    const auto reduced = [](std::int64_t a, std::int64_t b, std::int64_t& x, std::int64_t& y) {
      const std::int64_t g = std::max<std::int64_t>(std::gcd(a, b), 1);
      x = a / g;
      y = b / g;
    };
    reduced(from.peak_words, from.peak_cycles, net.peak_words, net.peak_cycles);
    reduced(from.level[kSumWords], from.level[kSumWork], net.average_words, net.average_cycles);
    r.network.push_back(net);
    r.arrays = instances;
    instances *= levels[d].units;
  }
  r.stack.startup = totals.stack[kStartup];
  r.stack.compute = totals.stack[kCompute];
  r.stack.level_above = totals.stack[kLevelAbove];
  r.stack.bandwidth = totals.stack[kBandwidth];
  r.stack.drain = totals.stack[kDrainWait];
  r.stack.latency = totals.stack[kLatency];
  r.stack.tail = totals.stack[kTail];
  r.stack.contention = totals.stack[kContention];
  if (r.stack.total() != r.arrays * r.cycles)
    throw std::logic_error("estimator: the cycle stack does not add up to arrays * cycles");
  return r;
}

}  // namespace counterpoint::analytic
