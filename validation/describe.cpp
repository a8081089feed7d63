// SPDX-License-Identifier: Apache-2.0
#include "validation/describe.h"

namespace counterpoint::validation {
namespace {

Json rate_json(const hw::Rate& r) {
  if (r.unlimited()) return nullptr;
  return {{"per_cycle", static_cast<double>(r.per_kcycle) / 1000},
          {"unit", r.bytes ? "bytes" : "words"}};
}

const char* text(hw::Buffering b) {
  return b == hw::Buffering::Double ? "double" : "single";
}
Json buffering_json(const hw::Bufferings& b) {
  if (b == hw::Bufferings(b.of[0])) return text(b.of[0]);
  return {{"input", text(b.of[0])}, {"weight", text(b.of[1])}, {"output", text(b.of[2])}};
}
const char* text(hw::Multicast m) {
  return m == hw::Multicast::None ? "none" : m == hw::Multicast::Tile ? "tile" : "word";
}
const char* text(hw::Reduction r) {
  return r == hw::Reduction::None ? "none" : r == hw::Reduction::Chain ? "chain" : "tree";
}

Json rows_json(const hw::Rows& rows) {
  if (rows.bytes == 0) return {};
  Json j;
  j["bytes"] = rows.bytes;
  j["cycles"] = rows.cycles;
  j["drain_cycles"] = rows.drain_cycles == 0 ? Json() : Json(rows.drain_cycles);
  j["allocate_cycles"] = rows.allocate_cycles;
  j["caches"] = Json::array();
  for (const hw::Cache& c : rows.caches)
    j["caches"].push_back({{"capacity_bytes", c.capacity_bytes},
                           {"ways", c.ways},
                           {"cycles", c.cycles},
                           {"banks", c.banks == 0 ? 1 : c.banks},
                           {"bank_cycles", c.banks == 0 ? Json() : Json(c.bank_cycles)}});
  return j;
}

}  // namespace

Json machine_json(const hw::BoundMachine& machine) {
  const hw::Machine& m = machine.machine;
  Json j;
  j["pes"] = m.pes;
  j["lanes"] = m.lanes;
  j["clock_mhz"] = m.clock_mhz;
  j["step_overhead"] = m.step_overhead;
  j["step_minimum"] = m.step_minimum;
  if (m.step_window.steps > 0)
    j["steps_in_flight"] = {{"steps", m.step_window.steps}, {"latency", m.step_window.latency}};
  else
    j["steps_in_flight"] = Json();
  j["startup"] = m.startup;
  j["capacity_unit"] = m.capacity_in_words ? "words" : "bytes";
  j["word_bits"] = {{"input", m.bits.input},
                    {"weight", m.bits.weight},
                    {"psum", m.bits.psum},
                    {"output", m.bits.output > 0 ? m.bits.output : m.bits.psum}};
  j["storage"] = Json::array();
  for (std::size_t i = 0; i < machine.storage.size(); ++i) {
    const hw::Storage& s = machine.storage[i];
    Json x;
    x["name"] = s.name;
    x["capacity"] = s.capacity_bytes == 0 ? Json() : Json(s.capacity_bytes);
    x["parts"] = Json::array();
    for (int part = 0; part < s.parts; ++part) {
      const std::int64_t size = s.part_capacity[static_cast<std::size_t>(part)];
      Json held = Json::array();
      for (std::size_t t = 0; t < 3; ++t)
        if (s.holds[t] && s.part[t] == part)
          held.push_back(std::string(workloads::name(workloads::kAllTensors[t])));
      x["parts"].push_back({{"holds", held}, {"capacity", size == 0 ? Json() : Json(size)}});
    }
    if (i > 0) x["buffering"] = buffering_json(s.buffering);
    if (i > 0) x["slots"] = s.slots_together ? "together" : "separate";
    x["read_port"] = rate_json(s.read_port);
    x["write_port"] = rate_json(s.write_port);
    for (int b = 0; b < s.banks; ++b) {
      Json held = Json::array();
      for (std::size_t t = 0; t < s.holds.size(); ++t)
        if (s.holds[t] && s.bank[t] == b)
          held.push_back(std::string(workloads::name(workloads::kAllTensors[t])));
      x["banks"].push_back(std::move(held));
    }
    x["holds"] = Json::array();
    for (std::size_t t = 0; t < s.holds.size(); ++t)
      if (s.holds[t]) x["holds"].push_back(std::string(workloads::name(workloads::kAllTensors[t])));
    x["latency"] = s.latency;
    if (i == 0) x["in_flight"] = s.in_flight == 0 ? Json() : Json(s.in_flight);
    if (i == 0) x["rows"] = rows_json(s.rows);
    if (i + 1 == machine.storage.size())
      for (std::size_t t = 0; t < s.follows.size(); ++t)
        x["follows"][std::string(workloads::name(workloads::kAllTensors[t]))] =
            s.follows[t] == hw::Storage::kAfter ? Json() : Json(s.follows[t]);
    x["implied"] = s.implied;
    j["storage"].push_back(std::move(x));
  }
  j["network"] = Json::array();
  for (const hw::Network& n : machine.network) {
    Json x;
    x["name"] = n.name;
    x["topology"] = hw::topology_names()[static_cast<std::size_t>(n.topology)];
    x["bandwidth"] = rate_json(n.bandwidth);
    x["drain_bandwidth"] = rate_json(n.drain_bandwidth.value_or(n.bandwidth));
    x["burst"] = n.burst.size == 0
                     ? Json()
                     : Json{{"size", n.burst.size}, {"unit", n.burst.bytes ? "bytes" : "words"}};
    x["subtrees"] = n.subtrees.pes == 0 ? Json()
                                        : Json{{"pes", n.subtrees.pes},
                                               {"bandwidth", rate_json(n.subtrees.bandwidth)}};
    x["drain_lines"] = n.drain_lines.children == 0
                           ? Json()
                           : Json{{"children", n.drain_lines.children},
                                  {"first", n.drain_lines.first},
                                  {"bandwidth", rate_json(n.drain_lines.bandwidth)}};
    x["latency"] = n.latency;
    x["overhead"] = {{"fill", n.fill_overhead}, {"drain", n.drain_overhead}};
    x["clock_mhz"] = n.clock_mhz > 0 ? n.clock_mhz : m.clock_mhz;
    x["skew"] = n.skew == hw::Network::kChain ? Json("chain") : Json(n.skew);
    x["multicast"] = text(n.multicast);
    x["reduction"] = text(n.reduction);
    x["channels"] = n.channels == hw::Channels::Shared ? "shared" : "separate";
    const auto reuse = [&](std::size_t t) { return n.reuse[t] ? "words" : "none"; };
    x["reuse"] = {{"input", reuse(0)}, {"weight", reuse(1)}};
    x["partial_sums"] = n.psum == hw::PsumPolicy::Keep      ? "keep"
                        : n.psum == hw::PsumPolicy::Refetch ? "refetch"
                                                            : "accumulate";
    j["network"].push_back(std::move(x));
  }
  return j;
}

}  // namespace counterpoint::validation
