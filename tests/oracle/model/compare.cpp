// SPDX-License-Identifier: Apache-2.0
#include "tests/oracle/model/compare.h"

#include <fmt/format.h>

namespace counterpoint::oracle {
namespace {

class Comparison {
 public:
  void field(const std::string& name, std::int64_t a, std::int64_t b) {
    if (a != b) text += fmt::format("  {}: {}, {}\n", name, a, b);
  }
  void ratio(const std::string& name, std::int64_t a, std::int64_t a_cycles, std::int64_t b,
             std::int64_t b_cycles) {
    if ((a_cycles == 0 || a == 0) && (b_cycles == 0 || b == 0)) return;
    if (a * b_cycles != b * a_cycles)
      text += fmt::format("  {}: {}/{}, {}/{}\n", name, a, a_cycles, b, b_cycles);
  }
  std::string text;
};

}  // namespace

std::string differences(const stats::LayerResult& a, const stats::LayerResult& b) {
  Comparison c;
  c.field("cycles", a.cycles, b.cycles);
  c.field("macs", a.macs, b.macs);
  c.field("steps", a.steps, b.steps);
  c.field("pes", a.pes, b.pes);
  c.field("lanes", a.lanes, b.lanes);
  c.field("arrays", a.arrays, b.arrays);
  c.field("storage levels", static_cast<std::int64_t>(a.storage.size()),
          static_cast<std::int64_t>(b.storage.size()));
  c.field("networks", static_cast<std::int64_t>(a.network.size()),
          static_cast<std::int64_t>(b.network.size()));
  if (!c.text.empty() &&
      (a.storage.size() != b.storage.size() || a.network.size() != b.network.size()))
    return c.text;
  constexpr std::array<const char*, 3> tensors = {"input", "weight", "output"};
  for (std::size_t d = 0; d < a.storage.size(); ++d) {
    const stats::StorageResult &p = a.storage[d], &q = b.storage[d];
    const std::string s = fmt::format("storage {} ", d);
    if (p.name != q.name) c.text += fmt::format("  {}name: {}, {}\n", s, p.name, q.name);
    c.field(s + "instances", p.instances, q.instances);
    for (std::size_t x = 0; x < 3; ++x) {
      const std::string n = s + tensors[x] + " ";
      const stats::AccessCounts &u = p.access[x], &v = q.access[x];
      c.field(n + "fill_write", u.fill_write, v.fill_write);
      c.field(n + "fill_read", u.fill_read, v.fill_read);
      c.field(n + "drain_write", u.drain_write, v.drain_write);
      c.field(n + "accumulate_read", u.accumulate_read, v.accumulate_read);
      c.field(n + "accumulate_write", u.accumulate_write, v.accumulate_write);
      c.field(n + "drain_read", u.drain_read, v.drain_read);
      c.field(n + "readback_read", u.readback_read, v.readback_read);
      c.field(n + "readback_write", u.readback_write, v.readback_write);
      c.field(n + "operand_read", u.operand_read, v.operand_read);
      c.field(n + "operand_write", u.operand_write, v.operand_write);
      c.field(n + "tile", p.tile_words[x], q.tile_words[x]);
      c.field(n + "sliding", p.sliding_words[x], q.sliding_words[x]);
    }
    c.field(s + "required_bytes", p.required_bytes, q.required_bytes);
    c.field(s + "sliding_bytes", p.sliding_bytes, q.sliding_bytes);
    c.field(s + "capacity_bytes", p.capacity_bytes, q.capacity_bytes);
  }
  for (std::size_t l = 0; l < a.network.size(); ++l) {
    const stats::NetworkResult &p = a.network[l], &q = b.network[l];
    const std::string s = fmt::format("network {} ", l);
    if (p.name != q.name) c.text += fmt::format("  {}name: {}, {}\n", s, p.name, q.name);
    c.field(s + "instances", p.instances, q.instances);
    for (std::size_t x = 0; x < 3; ++x) {
      const std::string n = s + tensors[x] + " ";
      c.field(n + "injected", p.link[x].injected, q.link[x].injected);
      c.field(n + "delivered", p.link[x].delivered, q.link[x].delivered);
      c.field(n + "drain_injected", p.link[x].drain_injected, q.link[x].drain_injected);
      c.field(n + "drain_senders", p.link[x].drain_senders, q.link[x].drain_senders);
      c.field(n + "hops", p.link[x].hops, q.link[x].hops);
    }
    c.field(s + "fill_busy", p.fill_busy, q.fill_busy);
    c.field(s + "drain_busy", p.drain_busy, q.drain_busy);
    c.ratio(s + "peak", p.peak_words, p.peak_cycles, q.peak_words, q.peak_cycles);
    c.ratio(s + "average", p.average_words, p.average_cycles, q.average_words, q.average_cycles);
  }
  c.field("stack startup", a.stack.startup, b.stack.startup);
  c.field("stack compute", a.stack.compute, b.stack.compute);
  c.field("stack level_above", a.stack.level_above, b.stack.level_above);
  c.field("stack bandwidth", a.stack.bandwidth, b.stack.bandwidth);
  c.field("stack drain", a.stack.drain, b.stack.drain);
  c.field("stack latency", a.stack.latency, b.stack.latency);
  c.field("stack contention", a.stack.contention, b.stack.contention);
  c.field("stack tail", a.stack.tail, b.stack.tail);
  return c.text;
}

}  // namespace counterpoint::oracle
