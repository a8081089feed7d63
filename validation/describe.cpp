// SPDX-License-Identifier: Apache-2.0
#include "validation/describe.h"

namespace counterpoint::validation {
namespace {

Json rate_json(const hw::Rate& r) {
  if (r.unlimited()) return nullptr;
  return {{"per_cycle", static_cast<double>(r.per_kcycle) / 1000},
          {"unit", r.bytes ? "bytes" : "words"}};
}

const char* text(hw::Multicast m) {
  return m == hw::Multicast::None ? "none" : m == hw::Multicast::Tile ? "tile" : "word";
}
const char* text(hw::Reduction r) {
  return r == hw::Reduction::None ? "none" : r == hw::Reduction::Chain ? "chain" : "tree";
}

}  // namespace

Json machine_json(const hw::BoundMachine& machine) {
  const hw::Machine& m = machine.machine;
  Json j;
  j["pes"] = m.pes;
  j["lanes"] = m.lanes;
  j["clock_mhz"] = m.clock_mhz;
  j["capacity_unit"] = m.capacity_in_words ? "words" : "bytes";
  j["word_bits"] = {{"input", m.bits.input}, {"weight", m.bits.weight}, {"psum", m.bits.psum}};
  j["storage"] = Json::array();
  for (std::size_t i = 0; i < machine.storage.size(); ++i) {
    const hw::Storage& s = machine.storage[i];
    Json x;
    x["name"] = s.name;
    x["capacity"] = s.capacity_bytes == 0 ? Json() : Json(s.capacity_bytes);
    if (i > 0) x["buffering"] = s.buffering == hw::Buffering::Double ? "double" : "single";
    x["read_port"] = rate_json(s.read_port);
    x["write_port"] = rate_json(s.write_port);
    x["latency"] = s.latency;
    x["implied"] = s.implied;
    j["storage"].push_back(std::move(x));
  }
  j["network"] = Json::array();
  for (const hw::Network& n : machine.network) {
    Json x;
    x["name"] = n.name;
    x["topology"] = hw::topology_names()[static_cast<std::size_t>(n.topology)];
    x["bandwidth"] = rate_json(n.bandwidth);
    x["latency"] = n.latency;
    x["multicast"] = text(n.multicast);
    x["reduction"] = text(n.reduction);
    x["channels"] = n.channels == hw::Channels::Shared ? "shared" : "separate";
    x["partial_sums"] = n.psum == hw::PsumPolicy::Keep      ? "keep"
                        : n.psum == hw::PsumPolicy::Refetch ? "refetch"
                                                            : "accumulate";
    j["network"].push_back(std::move(x));
  }
  return j;
}

}  // namespace counterpoint::validation
