// SPDX-License-Identifier: Apache-2.0
#include "hw/machine_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>

#include "hw/energy_table.h"
#include "hw/original_hardware.h"
#include "input/data_dir.h"
#include "input/yaml.h"

namespace counterpoint::hw {

const std::vector<std::string>& topology_names() {
  static const std::vector<std::string> kNames = {
      "pipe", "bus",  "mesh",     "torus", "hierarchical",  "crossbar",
      "xy",   "tree", "fat-tree", "chain", "point-to-point"};
  return kNames;
}
namespace {

using input::Diagnostic;
using input::YamlValue;

// Upper limits. They are far beyond any machine and keep every product in 64 bits.
constexpr std::int64_t kMostPes = 1000000;
constexpr std::int64_t kMostLanes = 1000000;
constexpr std::int64_t kMostCycles = 1000000000;
constexpr std::int64_t kMostCapacity = std::int64_t{1} << 50;
constexpr std::int64_t kMostRate = 1000000000;  // words or bytes per cycle
constexpr std::int64_t kMostBurst = 1 << 20;    // words or bytes
constexpr std::int64_t kMostStepsInFlight = 64;
constexpr std::int64_t kMostWays = 64;
constexpr std::int64_t kMostBanks = 64;
constexpr std::int64_t kMostCacheLines = 1 << 22;
constexpr std::size_t kMostLevels = 16;
constexpr double kMostEnergy = 1e9;

enum class Role { OffChip, GlobalBuffer, ClusterBuffer, PeBuffer };
const std::vector<std::string> kRoles = {"off_chip", "global_buffer", "cluster_buffer",
                                         "pe_buffer"};

class Reader {
 public:
  Reader(const YamlValue& root, std::vector<Diagnostic>& diagnostics)
      : root_(root), diagnostics_(diagnostics) {}

  Machine read() {
    machine_.file = root_.file();
    if (!root_.is_map()) {
      root_.check_map({"name", "pes", "storage"});
      return machine_;
    }
    root_.check_map({"name", "description", "clock", "pes", "lanes", "pipeline_latency",
                     "step_overhead", "step_minimum", "steps_in_flight", "startup", "bits",
                     "storage", "implied_network", "energy"});
    if (const auto name = root_.require("name", "how results call the machine"))
      machine_.name = name->text().value_or("");
    if (const auto description = root_.find("description"))
      machine_.description = description->text().value_or("");
    machine_.clock_mhz = frequency(root_, machine_.clock_mhz);
    if (const auto pes = root_.require("pes", "the number of processing elements"))
      if (const auto n = pes->integer(1, kMostPes, "PEs")) {
        machine_.pes = *n;
        pes_known_ = true;
      }
    machine_.lanes =
        integer(root_, "lanes", 1, 1, kMostLanes, "multiply-accumulates per PE and cycle");
    machine_.pipeline_latency = integer(root_, "pipeline_latency", 0, 0, kMostCycles, "cycles");
    machine_.step_overhead = integer(root_, "step_overhead", 0, 0, kMostCycles, "cycles");
    machine_.step_minimum = integer(root_, "step_minimum", 0, 0, kMostCycles, "cycles");
    if (const auto window = root_.find("steps_in_flight")) read_step_window(*window);
    machine_.startup = integer(root_, "startup", 0, 0, kMostCycles, "cycles");
    read_bits();
    read_storage();
    if (const auto network = root_.find("implied_network")) {
      machine_.implied_network = read_network(*network, Role::ClusterBuffer);
      implied_hop_ = network->is_map() && network->find("hop_energy").has_value();
      if (machine_.implied_network->name.empty())
        machine_.implied_network->name = "implied network";
    }
    read_energy();
    return machine_;
  }

 private:
  static std::int64_t integer(const YamlValue& map, const char* key, std::int64_t missing,
                              std::int64_t least, std::int64_t most, const char* unit) {
    const std::optional<YamlValue> value = map.find(key);
    return value ? value->integer(least, most, unit).value_or(missing) : missing;
  }

  static double frequency(const YamlValue& map, double missing) {
    const std::optional<YamlValue> clock = map.find("clock");
    if (!clock) return missing;
    const auto q = clock->quantity({"MHz", "GHz"});
    if (!q) return missing;
    const double mhz =
        static_cast<double>(q->thousandths) / 1000.0 * (q->unit == "GHz" ? 1000.0 : 1.0);
    if (mhz >= 0.001 && mhz <= 1e6) return mhz;
    clock->error("out-of-range", fmt::format("'{}' must be from 0.001 MHz to 1000 GHz, not '{}'",
                                             clock->path(), clock->text().value_or("")));
    return missing;
  }

  void read_bits() {
    const std::optional<YamlValue> bits = root_.find("bits");
    if (!bits || !bits->check_map({"input", "weight", "psum", "output"})) return;
    WordBits& b = machine_.bits;
    b.input = static_cast<int>(integer(*bits, "input", b.input, 1, 32, "bits"));
    b.weight = static_cast<int>(integer(*bits, "weight", b.weight, 1, 32, "bits"));
    b.psum = static_cast<int>(integer(*bits, "psum", b.psum, 1, 64, "bits"));
    b.output = static_cast<int>(integer(*bits, "output", b.output, 1, 64, "bits"));
    if (b.output > b.psum)
      bits->error("bad-value",
                  fmt::format("'bits.output' is {}, but an output is what is left of a "
                              "sum of 'bits.psum', {}",
                              b.output, b.psum));
    if (b.psum < std::max(b.input, b.weight))
      bits->error(
          "bad-value",
          fmt::format("'bits.psum' is {}, but a sum of products needs at least as many bits "
                      "as its operands ({} and {})",
                      b.psum, b.input, b.weight));
  }

  Rate rate(const YamlValue& map, const char* key) {
    const std::optional<YamlValue> value = map.find(key);
    Rate r;
    if (!value || (value->is_scalar() && value->text() == "unlimited")) return r;
    const auto q = value->quantity({"words", "bytes", "word", "byte"});
    if (!q) return r;
    if (q->thousandths < 1 || q->thousandths > kMostRate * 1000) {
      value->error(
          "out-of-range",
          fmt::format("'{}' must be from 0.001 to {} {} per cycle, or 'unlimited', not '{}'",
                      value->path(), kMostRate, q->unit, value->text().value_or("")));
      return r;
    }
    r.per_kcycle = q->thousandths;
    r.bytes = q->unit[0] == 'b';
    return r;
  }

  std::int64_t capacity(const YamlValue& map, const char* key) {
    const std::optional<YamlValue> value =
        map.require(key, "e.g. 108 KiB, or 2048 words, or unlimited");
    if (!value) return 0;
    if (!value->is_scalar()) {
      value->text();
      return 0;
    }
    const std::string text = value->text().value_or("");
    if (text == "unlimited") return 0;
    const std::size_t unit = text.find("word");
    const bool words = unit != std::string::npos;
    if (first_capacity_ && words != machine_.capacity_in_words)
      value->error("bad-unit", fmt::format("'{}' is in {}, but '{}' is in {}: use one of them "
                                           "throughout the machine",
                                           value->path(), words ? "words" : "bytes",
                                           first_capacity_->path(), words ? "bytes" : "words"));
    if (!first_capacity_) {
      first_capacity_ = *value;
      machine_.capacity_in_words = words;
    }
    if (!words) return value->bytes(1, kMostCapacity).value_or(1);
    const auto q = value->quantity({"words", "word"});
    if (!q) return 1;
    if (q->thousandths % 1000 != 0 || q->thousandths < 1000) {
      value->error("out-of-range",
                   fmt::format("'{}' must be a whole number of words, at least 1, not '{}'",
                               value->path(), text));
      return 1;
    }
    return q->thousandths / 1000;
  }

  // One memory, or a list of them: then how often each tensor is named.
  std::optional<std::array<int, 3>> read_capacity(const YamlValue& map, Storage& s) {
    const std::optional<YamlValue> value = map.find("capacity");
    if (!value || !value->is_list()) {
      s.capacity_bytes = capacity(map, "capacity");
      return std::nullopt;
    }
    std::array<int, 3> times{};
    bool unlimited = false;
    for (const YamlValue& part : value->items()) {
      if (!part.check_map({"holds", "size"})) continue;
      const std::int64_t size = capacity(part, "size");
      const std::optional<YamlValue> holds = part.require("holds", "e.g. [input, weight]");
      if (!holds || !holds->check_list()) continue;
      bool any = false;
      for (const YamlValue& item : holds->items()) {
        const auto tensor = item.choice({"input", "weight", "output"});
        if (!tensor) continue;
        any = true;
        if (times[*tensor]++ > 0)
          item.error("duplicate",
                     fmt::format("'{}' names '{}' twice", value->path(), item.text().value_or("")));
        s.part[*tensor] = s.parts;
      }
      if (!any) {
        holds->error("bad-value", fmt::format("'{}': a memory without a tensor", holds->path()));
        continue;
      }
      if (s.parts == 3) break;  // some tensor is named twice
      s.part_capacity[static_cast<std::size_t>(s.parts++)] = size;
      unlimited = unlimited || size == 0;
      s.capacity_bytes += size;
    }
    if (unlimited) s.capacity_bytes = 0;
    return times;
  }

  // Every tensor that a level of several memories holds is in one of them.
  static void check_parts(const Storage& s, const YamlValue& value,
                          const std::array<int, 3>& times) {
    constexpr std::array<const char*, 3> names = {"input", "weight", "output"};
    for (std::size_t t = 0; t < 3; ++t) {
      if (s.holds[t] && times[t] == 0)
        value.error("bad-value",
                    fmt::format("'{}' does not say which memory holds '{}': e.g. [{{holds: [input, "
                                "weight], size: 64 KiB}}, {{holds: [output], size: 16 KiB}}]",
                                value.path(), names[t]));
      if (!s.holds[t] && times[t] > 0)
        value.error("no-effect",
                    fmt::format("'{}': '{}' does not hold '{}'", value.path(), s.name, names[t]));
    }
  }

  static AccessEnergy access(const YamlValue& map) {
    AccessEnergy e;
    if (const auto read = map.require("read", "energy of reading once"))
      e.read_pj = read->real(0, kMostEnergy).value_or(0);
    if (const auto write = map.require("write", "energy of writing once"))
      e.write_pj = write->real(0, kMostEnergy).value_or(0);
    e.bits = width(map);
    return e;
  }
  static int width(const YamlValue& map) {
    const auto bits = map.require("bits", "the width that the energy is given for, or 'any'");
    if (!bits) return 16;
    if (bits->is_scalar() && bits->text() == "any") return 0;
    return static_cast<int>(bits->integer(1, 4096, "bits, or 'any'").value_or(16));
  }

  // `role`: of the level above.
  Network read_network(const YamlValue& value, Role role) {
    const bool off_chip = role == Role::OffChip;
    Network n;
    if (!value.is_map()) {
      value.check_map({"topology", "bandwidth", "latency"});
      return n;
    }
    std::vector<std::string> known = {
        "name",     "topology",   "bandwidth", "drain_bandwidth", "burst",     "latency",
        "overhead", "clock",      "skew",      "multicast",       "reduction", "channels",
        "psum",     "hop_energy", "fabric",    "reuse",           "subtrees",  "drain_lines"};
    if (off_chip) {
      for (const char* key : {"multicast", "reduction", "skew"})
        if (value.find(key))
          value.error_at_key(key, "no-effect",
                             fmt::format("'{}' has no effect here: the off-chip memory has one "
                                         "child, the global buffer; leave it out",
                                         key));
    }
    value.check_map(known);
    if (const auto name = value.find("name")) n.name = name->text().value_or("");
    n.bandwidth = rate(value, "bandwidth");
    if (value.find("drain_bandwidth")) n.drain_bandwidth = rate(value, "drain_bandwidth");
    n.latency = integer(value, "latency", 0, 0, kMostCycles, "cycles");
    read_overhead(value, n);
    n.clock_mhz = frequency(value, 0);
    if (const auto skew = value.find("skew"))
      n.skew = skew->is_scalar() && skew->text() == "chain"
                   ? Network::kChain
                   : skew->integer(0, kMostCycles, "cycles, or 'chain'").value_or(0);
    read_burst(value, n);
    const auto pick = [&](const char* key, const std::vector<std::string>& words,
                          std::size_t missing) {
      const std::optional<YamlValue> v = value.find(key);
      return v ? v->choice(words).value_or(missing) : missing;
    };
    n.topology = static_cast<Topology>(pick("topology", topology_names(), 0));
    n.fabric.collective = usual_collective(n.topology);
    if (const auto fabric = value.find("fabric")) {
      if (routed(n.topology))
        read_fabric(*fabric, n.fabric);
      else
        value.error_at_key("fabric", "no-effect",
                           fmt::format("'{}' has no routers: leave it out, or choose a routed "
                                       "'topology' (mesh, tree, ...)",
                                       fabric->path()));
    }
    constexpr Multicast kMulticast[] = {Multicast::None, Multicast::Tile, Multicast::Word};
    n.multicast = kMulticast[pick("multicast", {"none", "tile", "word"}, 2)];
    constexpr Reduction kReduction[] = {Reduction::None, Reduction::Chain, Reduction::Tree};
    n.reduction = kReduction[pick("reduction", {"none", "chain", "tree"}, 0)];
    n.channels =
        pick("channels", {"shared", "separate"}, 0) == 0 ? Channels::Shared : Channels::Separate;
    if (n.clock_mhz > 0 && routed(n.topology))
      value.error_at_key("clock", "no-effect",
                         "a routed network counts its own cycles per cycle of the machine: "
                         "'clock' of 'fabric'");
    constexpr PsumPolicy kPsum[] = {PsumPolicy::Accumulate, PsumPolicy::Refetch, PsumPolicy::Keep};
    n.psum = kPsum[pick("psum", {"accumulate", "refetch", "keep"}, 0)];
    if (n.psum == PsumPolicy::Keep && !off_chip)
      value.find("psum")->error("no-effect", fmt::format("'{}' can be 'keep' at off_chip only: the "
                                                         "global buffer is what keeps partial sums",
                                                         value.find("psum")->path()));
    if (const auto subtrees = value.find("subtrees")) read_subtrees(*subtrees, role, n);
    if (const auto lines = value.find("drain_lines")) read_drain_lines(*lines, role, n);
    if (const auto reuse = value.find("reuse")) n.reuse = read_reuse(*reuse);
    if (!n.reuses_all() && n.channels == Channels::Separate)
      value.find("reuse")->error(
          "bad-value",
          fmt::format("'{}' cannot be 'none' with separate channels: words that nobody "
                      "waits for would be on their way when the layer has ended; take "
                      "'channels: shared'",
                      value.find("reuse")->path()));
    if (const auto hop = value.find("hop_energy")) {
      need_table(*hop);
      if (hop->check_map({"energy", "bits"})) {
        if (const auto energy = hop->require("energy", "energy of one hop"))
          n.energy_per_hop_pj = energy->real(0, kMostEnergy).value_or(0);
        n.energy_bits = width(*hop);
      }
    }
    return n;
  }

  static void refuse(const YamlValue& value, const char* code, const std::string& why) {
    value.error(code, fmt::format("'{}': {}", value.path(), why));
  }

  // The bandwidth of each of a network's parts, which are none without a limit.
  Rate rate_of_each(const YamlValue& value, const char* part, const char* if_unlimited) {
    const auto bandwidth = value.require("bandwidth", fmt::format("of each {}, e.g. 1 word", part));
    if (!bandwidth) return {};
    if (bandwidth->is_scalar() && bandwidth->text() == "unlimited")
      refuse(value, "no-effect", if_unlimited);
    return rate(value, "bandwidth");
  }

  static void need_pipe(const YamlValue& value, const Network& n, const char* what) {
    if (n.topology != Topology::Pipe)
      refuse(value, "bad-value",
             fmt::format("only pipes {}; a routed network has links of its own, which 'fabric' "
                         "describes",
                         what));
  }

  void read_subtrees(const YamlValue& value, Role role, Network& n) {
    if (role != Role::GlobalBuffer)
      refuse(value, "misplaced-key",
             "only the network below the global buffer is divided among the PEs");
    if (!value.check_map({"pes", "bandwidth"})) return;
    if (const auto pes = value.require("pes", "how many PEs a subtree feeds"))
      n.subtrees.pes = pes->integer(1, machine_.pes, "PEs").value_or(0);
    n.subtrees.bandwidth = rate_of_each(
        value, "subtree", "subtrees without a limit to their bandwidth are none: leave it out");
    if (n.subtrees.pes > 0 && machine_.pes % n.subtrees.pes != 0)
      refuse(value, "bad-value",
             fmt::format("{} PEs cannot be divided into subtrees of {}", machine_.pes,
                         n.subtrees.pes));
    need_pipe(value, n, "are divided");
    if (n.multicast != Multicast::Word)
      refuse(value, "bad-value",
             "a subtree brings a word to all its PEs at once: 'multicast: word'");
    if (n.psum == PsumPolicy::Refetch)
      refuse(value, "bad-value", "partial sums do not come back over subtrees: 'psum: accumulate'");
  }

  void read_drain_lines(const YamlValue& value, Role role, Network& n) {
    if (role != Role::GlobalBuffer)
      refuse(value, "misplaced-key", "only what goes to the global buffer shares lines");
    if (!value.check_map({"children", "first", "bandwidth"})) return;
    if (const auto children = value.require("children", "how many neighbours share a line"))
      n.drain_lines.children = children->integer(1, machine_.pes, "children").value_or(0);
    n.drain_lines.first = n.drain_lines.children;
    if (const auto first = value.find("first"))
      n.drain_lines.first =
          first->integer(1, std::max<std::int64_t>(n.drain_lines.children, 1), "children")
              .value_or(n.drain_lines.children);
    n.drain_lines.bandwidth = rate_of_each(
        value, "line", "lines without a limit to their bandwidth are none: leave them out");
    need_pipe(value, n, "have such lines");
    if (n.reduction != Reduction::None)
      refuse(value, "bad-value", "sums that meet on their way share no line: 'reduction: none'");
  }

  // For both operands, or one of them for each.
  static std::array<bool, 2> read_reuse(const YamlValue& value) {
    const auto one = [](const YamlValue& v) {
      return v.choice({"words", "none"}).value_or(0) == 0;
    };
    if (!value.is_map()) {
      const bool both = one(value);
      return {both, both};
    }
    if (!value.check_map({"input", "weight"})) return {true, true};
    const auto of = [&](const char* key) {
      const auto v = value.find(key);
      return v ? one(*v) : true;
    };
    return {of("input"), of("weight")};
  }

  static void read_overhead(const YamlValue& value, Network& n) {
    const std::optional<YamlValue> overhead = value.find("overhead");
    if (!overhead) return;
    if (!overhead->is_map()) {
      n.fill_overhead = n.drain_overhead = overhead->integer(0, kMostCycles, "cycles").value_or(0);
      return;
    }
    if (!overhead->check_map({"fill", "drain"})) return;
    n.fill_overhead = integer(*overhead, "fill", 0, 0, kMostCycles, "cycles");
    n.drain_overhead = integer(*overhead, "drain", 0, 0, kMostCycles, "cycles");
  }

  // Whole bursts of what the bandwidth counts; without a limit to it there is nothing to round.
  static void read_burst(const YamlValue& value, Network& n) {
    const std::optional<YamlValue> burst = value.find("burst");
    if (!burst) return;
    const auto q = burst->quantity({"words", "bytes", "word", "byte"});
    if (!q) return;
    if (q->thousandths % 1000 != 0 || q->thousandths < 1000 || q->thousandths > kMostBurst * 1000) {
      burst->error("out-of-range",
                   fmt::format("'{}' must be a whole number of {} from 1 to {}, not "
                               "'{}'",
                               burst->path(), q->unit, kMostBurst, burst->text().value_or("")));
      return;
    }
    n.burst = {q->thousandths / 1000, q->unit[0] == 'b'};
    const Rate drains = n.drain_bandwidth.value_or(n.bandwidth);
    if (n.bandwidth.unlimited() && drains.unlimited())
      burst->error("no-effect",
                   fmt::format("'{}' has no effect on a network without a limit to its 'bandwidth'",
                               burst->path()));
    for (const Rate& r : {n.bandwidth, drains})
      if (!r.unlimited() && r.bytes != n.burst.bytes) {
        burst->error("bad-unit",
                     fmt::format("'{}' is in {}, but the bandwidth is in {}: use one of "
                                 "them for both",
                                 burst->path(), n.burst.bytes ? "bytes" : "words",
                                 r.bytes ? "bytes" : "words"));
        break;
      }
  }

  // Single or double, or one of them for each tensor.
  static Bufferings read_buffering(const YamlValue& value) {
    const auto one = [](const YamlValue& v) {
      return v.choice({"single", "double"}).value_or(1) == 0 ? Buffering::Single
                                                             : Buffering::Double;
    };
    if (!value.is_map()) return one(value);
    if (!value.check_map({"input", "weight", "output"})) return Buffering::Double;
    const auto of = [&](const char* key) {
      const auto v = value.find(key);
      return v ? one(*v) : Buffering::Double;
    };
    return {of("input"), of("weight"), of("output")};
  }

  void read_fabric(const YamlValue& value, Fabric& f) {
    if (!value.check_map({"width", "height", "cluster", "lanes", "ports", "place", "vcs",
                          "buffer_depth", "flit_bits", "packet_words", "routing_delay",
                          "speculative", "link_latency", "credit_delay", "routing", "arbiter",
                          "clock", "collective", "planes"}))
      return;
    const auto whole = [&](const char* key, int& into, int least, int most, const char* unit) {
      into = static_cast<int>(integer(value, key, into, least, most, unit));
    };
    whole("width", f.width, 1, 1024, "routers");
    whole("height", f.height, 1, 1024, "routers");
    whole("cluster", f.cluster, 1, 60, "children");
    whole("lanes", f.lanes, 1, 16, "lanes");
    whole("ports", f.ports, 1, 64, "ports");
    whole("vcs", f.vcs, 1, 16, "virtual channels");
    whole("buffer_depth", f.buffer_depth, 1, 4096, "flits");
    whole("flit_bits", f.flit_bits, 1, 65536, "bits");
    whole("packet_words", f.packet_words, 1, 1 << 20, "words");
    whole("routing_delay", f.routing_delay, 0, 100, "network cycles");
    whole("link_latency", f.link_latency, 1, 1000, "network cycles");
    whole("credit_delay", f.credit_delay, 0, 1000, "network cycles");
    const auto pick = [&](const char* key, const std::vector<std::string>& words) {
      const std::optional<YamlValue> v = value.find(key);
      return v ? v->choice(words).value_or(0) : 0;
    };
    if (value.find("speculative")) f.speculative = pick("speculative", {"no", "yes"}) == 1;
    f.place = static_cast<PortPlace>(pick("place", {"corner", "edge", "spread"}));
    f.west_first = pick("routing", {"dimension-order", "west-first"}) == 1;
    f.oldest_first = pick("arbiter", {"round-robin", "oldest"}) == 1;
    if (value.find("collective"))
      f.collective = static_cast<Collective>(pick("collective", {"path", "tree", "fork"}));
    f.planes = static_cast<Planes>(pick("planes", {"shared", "directions", "tensors", "channels"}));
    if (const auto clock = value.find("clock"))
      f.clock =
          clock->is_scalar() && clock->text() == "unlimited"
              ? 0
              : static_cast<int>(clock->integer(1, 1024, "network cycles per cycle, or 'unlimited'")
                                     .value_or(1));
  }

  void need_table(const YamlValue& at) {
    if (root_.find("energy")) return;
    at.error("missing-energy-table",
             fmt::format("'{}' has no effect without an energy table: name one with 'energy' (e.g. "
                         "eyeriss_norm), or give one there",
                         at.path()));
  }

  std::string default_name(Role role, const Storage& s) const {
    switch (role) {
      case Role::OffChip: return "off-chip memory";
      case Role::GlobalBuffer: return "global buffer";
      case Role::ClusterBuffer: return fmt::format("cluster buffer of {} PEs", s.cluster_pes);
      case Role::PeBuffer: break;
    }
    return "PE buffer";
  }

  void read_level(const YamlValue& value, Role role, bool last) {
    Storage s;
    std::vector<std::string> known = {"level", "name", "read_port", "write_port", "energy"};
    if (role == Role::OffChip) known.insert(known.end(), {"latency", "in_flight", "rows"});
    if (role == Role::PeBuffer) known.push_back("follows");
    if (role != Role::OffChip) known.insert(known.end(), {"capacity", "buffering", "slots"});
    if (role == Role::GlobalBuffer) known.insert(known.end(), {"holds", "ports", "banks"});
    if (role == Role::ClusterBuffer) known.push_back("cluster_pes");
    if (role != Role::PeBuffer) known.push_back("network");
    // Keys of other levels get their reason instead of "unknown key".
    const auto misplaced = [&](const char* key, bool wrong, const std::string& why) {
      if (!wrong || !value.find(key)) return;
      known.push_back(key);
      value.error_at_key(key, "misplaced-key", fmt::format("'{}': {}", key, why));
    };
    misplaced("latency", role != Role::OffChip,
              "only off-chip memory has an access latency; the way to the children has its own, in "
              "'network'");
    misplaced("in_flight", role != Role::OffChip,
              "only off-chip memory is asked in requests; a buffer answers at once");
    misplaced("rows", role != Role::OffChip,
              "only off-chip memory is read row by row; a buffer gives any word at once");
    misplaced(
        "follows", role != Role::PeBuffer,
        "words follow each other through PEs only; elsewhere a slot is free when what is in it "
        "was sent");
    misplaced("capacity", role == Role::OffChip, "off-chip memory is unlimited");
    misplaced("buffering", role == Role::OffChip,
              "off-chip memory holds everything; there is nothing to buffer twice");
    misplaced("slots", role == Role::OffChip,
              "off-chip memory holds everything; nothing waits for a place in it");
    misplaced("holds", role != Role::GlobalBuffer,
              "only the global buffer may leave tensors out; all other levels hold all three");
    misplaced("ports", role != Role::GlobalBuffer,
              "only the flows of the global buffer can take turns; off-chip memory whose reads and "
              "writes share one way has a network with 'topology: bus'");
    misplaced("banks", role != Role::GlobalBuffer,
              "only the flows of the global buffer can take turns at the ports of banks");
    misplaced("cluster_pes", role != Role::ClusterBuffer,
              "only a cluster_buffer says how many PEs are below it");
    misplaced("network", role == Role::PeBuffer, "nothing is below the buffer of a PE");
    value.check_map(known);

    s.read_port = rate(value, "read_port");
    s.write_port = rate(value, "write_port");
    s.latency = role == Role::OffChip ? integer(value, "latency", 0, 0, kMostCycles, "cycles") : 0;
    std::optional<std::array<int, 3>> parts;
    if (role != Role::OffChip) {
      parts = read_capacity(value, s);
      if (const auto buffering = value.find("buffering")) s.buffering = read_buffering(*buffering);
      if (const auto slots = value.find("slots"))
        s.slots_together = slots->choice({"separate", "together"}).value_or(0) == 1;
    }
    if (role == Role::ClusterBuffer) read_cluster(value, s);
    if (const auto follows = value.find("follows"); follows && role == Role::PeBuffer)
      read_follows(*follows, s);
    if (role == Role::GlobalBuffer) {
      holds_ = value.find("holds");
      if (holds_) read_holds(*holds_, s);
      ports_ = value.find("ports");
      if (ports_) read_ports(*ports_, s);
      if (const auto banks = value.find("banks")) {
        if (ports_)
          banks->error("bad-value", fmt::format("'{}' gives every bank one port: leave out 'ports'",
                                                banks->path()));
        ports_ = banks;
        read_banks(*banks, s);
      }
    }
    const std::optional<YamlValue> name = value.find("name");
    s.name = name ? name->text().value_or("") : default_name(role, s);
    if (parts) check_parts(s, *value.find("capacity"), *parts);
    const bool unique = storage_names_.insert(s.name).second;
    if (!unique)
      value.error(
          "duplicate-name",
          fmt::format("two storage levels are called '{}': results could not tell them apart",
                      s.name));
    bool own_energy = false;
    if (const auto energy = value.find("energy")) {
      need_table(*energy);
      own_energy = energy->check_map({"read", "write", "bits"});
      if (own_energy) s.energy = access(*energy);
    }
    if (role != Role::PeBuffer && !last) {
      Network n;
      bool own_hop = false;
      if (const auto network = value.require(
              "network", "how it is connected to the level below ({} for an ideal network)")) {
        n = read_network(*network, role);
        own_hop = network->is_map() && network->find("hop_energy").has_value();
      }
      if (n.name.empty()) n.name = fmt::format("network below {}", s.name);
      const auto requests = value.find("in_flight");
      if (requests && role == Role::OffChip) {
        s.in_flight = requests->integer(1, kMostBurst, "bursts").value_or(1);
        if (n.burst.size == 0 || n.bandwidth.unlimited())
          requests->error("no-effect",
                          fmt::format("'{}' counts bursts: it has no effect without 'burst' and a "
                                      "limited 'bandwidth' of the network",
                                      requests->path()));
      }
      if (const auto rows = value.find("rows"); rows && role == Role::OffChip)
        read_rows(*rows, n, s);
      if (!network_names_.insert(n.name).second && unique)
        value.error(
            "duplicate-name",
            fmt::format("two networks are called '{}': results could not tell them apart", n.name));
      machine_.network.push_back(n);
      own_hop_.push_back(own_hop);
    }
    machine_.storage.push_back(s);
    roles_.push_back(role);
    own_energy_.push_back(own_energy);
  }

  void read_step_window(const YamlValue& value) {
    if (!value.check_map({"steps", "latency"})) return;
    if (const auto steps = value.require("steps", "how many steps may be in flight, e.g. 4"))
      machine_.step_window.steps = steps->integer(1, kMostStepsInFlight, "steps").value_or(0);
    if (const auto latency = value.require("latency", "until the next one may start, in cycles"))
      machine_.step_window.latency = latency->integer(1, kMostCycles, "cycles").value_or(1);
  }

  static void read_follows(const YamlValue& value, Storage& s) {
    if (!value.check_map({"input", "weight"})) return;
    const auto of = [&](const char* key) {
      return integer(value, key, Storage::kAfter, 0, kMostCycles, "cycles");
    };
    s.follows = {of("input"), of("weight")};
  }

  void read_rows(const YamlValue& value, const Network& n, Storage& s) {
    if (!value.check_map({"bytes", "cycles", "drain_cycles", "allocate_cycles", "caches"})) return;
    if (const auto bytes = value.require("bytes", "the most bytes of a row, e.g. 64"))
      s.rows.bytes = bytes->integer(1, kMostBurst, "bytes").value_or(0);
    if (const auto cycles = value.require("cycles", "that a row takes at least"))
      s.rows.cycles = cycles->integer(0, kMostCycles, "cycles").value_or(0);
    if (const auto drain = value.find("drain_cycles"))
      s.rows.drain_cycles = drain->integer(1, kMostCycles, "cycles").value_or(0);
    if (const auto caches = value.find("caches"); caches && caches->check_list())
      for (const YamlValue& item : caches->items())
        if (item.check_map({"capacity", "ways", "cycles", "banks", "bank_cycles"}))
          s.rows.caches.push_back(read_cache(item, s.rows.bytes));
    if (const auto allocate = value.find("allocate_cycles")) {
      s.rows.allocate_cycles = allocate->integer(0, kMostCycles, "cycles").value_or(0);
      if (s.rows.drain_cycles == 0 || s.rows.caches.empty())
        refuse(
            *allocate, "no-effect",
            "it is of rows that are written to lines of caches: give 'drain_cycles' and 'caches'");
    }
    if (n.burst.size > 0)
      refuse(value, "bad-value", "words are read in rows or in bursts, not both");
    if (n.channels == Channels::Separate)
      refuse(value, "bad-value",
             "rows of both operands come one after the other: 'channels: shared'");
    need_pipe(value, n, "bring rows");
  }

  static Cache read_cache(const YamlValue& value, std::int64_t line_bytes) {
    Cache cache;
    cache.ways = integer(value, "ways", cache.ways, 1, kMostWays, "ways");
    if (const auto bytes = value.require("capacity", "e.g. 512 KiB")) {
      cache.capacity_bytes = bytes->bytes(1, kMostCapacity).value_or(0);
      const std::int64_t set = cache.ways * line_bytes;
      if (cache.capacity_bytes > 0 && set > 0 && cache.capacity_bytes % set != 0)
        bytes->error("bad-value",
                     fmt::format("'{}': {} bytes are no whole number of sets of {} lines of {} "
                                 "bytes: a multiple of {} bytes",
                                 bytes->path(), cache.capacity_bytes, cache.ways, line_bytes, set));
      if (set > 0 && cache.capacity_bytes / line_bytes > kMostCacheLines)
        bytes->error("bad-value",
                     fmt::format("'{}': {} lines of {} bytes, {} are the most", bytes->path(),
                                 cache.capacity_bytes / line_bytes, line_bytes, kMostCacheLines));
    }
    if (const auto cycles = value.require("cycles", "that a row in it takes at least"))
      cache.cycles = cycles->integer(0, kMostCycles, "cycles").value_or(0);
    if (const auto banks = value.find("banks")) {
      cache.banks = banks->integer(2, kMostBanks, "banks").value_or(0);
      if (const auto cycles = value.require("bank_cycles", "that a row takes if all are in a bank"))
        cache.bank_cycles = cycles->integer(0, kMostCycles, "cycles").value_or(0);
    } else if (const auto cycles = value.find("bank_cycles")) {
      refuse(*cycles, "no-effect", "there is one bank: give 'banks', too");
    }
    return cache;
  }

  // Whether the flows of the global buffer take turns.
  static void read_ports(const YamlValue& value, Storage& s) {
    const std::string word = value.text().value_or("separate");
    if (word != "separate" && word != "shared")
      value.error("bad-value",
                  fmt::format("'{}': '{}' is neither 'separate' nor 'shared'", value.path(), word));
    if (word == "shared") s.banks = 1;
    check_turns(value, s);
  }

  static void check_turns(const YamlValue& value, const Storage& s) {
    if (s.banks > 0 && (s.read_port.unlimited() || s.write_port.unlimited()))
      value.error("no-effect",
                  fmt::format("'{}': flows take turns at a port only if 'read_port' and "
                              "'write_port' are limited",
                              value.path()));
  }

  // Which bank of the global buffer holds which tensors: a list of lists.
  static void read_banks(const YamlValue& value, Storage& s) {
    if (!value.check_list()) return;
    std::array<bool, 3> placed{};
    for (const YamlValue& bank : value.items()) {
      if (!bank.check_list()) return;
      if (bank.items().empty())
        bank.error("bad-value", fmt::format("'{}': a bank without a tensor", value.path()));
      for (const YamlValue& item : bank.items())
        if (const auto tensor = item.choice({"input", "weight", "output"})) {
          if (placed[*tensor])
            item.error("duplicate", fmt::format("'{}' names '{}' twice", value.path(),
                                                item.text().value_or("")));
          if (!s.holds[*tensor])
            item.error("no-effect", fmt::format("'{}': the buffer does not hold '{}' (see 'holds')",
                                                value.path(), item.text().value_or("")));
          placed[*tensor] = true;
          s.bank[*tensor] = s.banks;
        }
      ++s.banks;
    }
    for (std::size_t t = 0; t < 3; ++t)
      if (s.holds[t] && !placed[t])
        value.error("bad-value",
                    fmt::format("'{}' does not say which bank holds '{}': e.g. [[input, weight], "
                                "[output]]",
                                value.path(),
                                t == 0   ? "input"
                                : t == 1 ? "weight"
                                         : "output"));
    check_turns(value, s);
  }

  // Two arbiters in a row would have to be asked at once.
  void check_ports() {
    if (!ports_ || machine_.storage.size() < 2 || machine_.storage[1].banks == 0) return;
    const auto refuse = [&](const Network& n) {
      if (n.topology != Topology::Pipe)
        ports_->error("bad-value",
                      fmt::format("'{}': flows can take turns at a port only where all networks "
                                  "are pipes; '{}' is not",
                                  ports_->path(), n.name));
    };
    for (const Network& n : machine_.network) refuse(n);
    if (machine_.implied_network) refuse(*machine_.implied_network);
    if (machine_.storage[1].banks < 2) return;
    for (std::size_t i = 0; i < 2 && i < machine_.network.size(); ++i)
      if (machine_.network[i].channels == Channels::Shared)
        ports_->error("bad-value",
                      fmt::format("'{}': tensors in different banks need transfers of their own: "
                                  "give the network '{}' 'channels: separate'",
                                  ports_->path(), machine_.network[i].name));
  }

  // Which tensors the global buffer holds.
  static void read_holds(const YamlValue& value, Storage& s) {
    if (!value.check_list()) return;
    s.holds = {false, false, false};
    for (const YamlValue& item : value.items())
      if (const auto tensor = item.choice({"input", "weight", "output"})) {
        if (s.holds[*tensor])
          item.error("duplicate",
                     fmt::format("'{}' names '{}' twice", value.path(), item.text().value_or("")));
        s.holds[*tensor] = true;
      }
    if (!s.holds[2])
      value.error("bad-value", fmt::format("'{}' must name 'output': outputs and partial sums are "
                                           "collected in the global buffer; only inputs and "
                                           "weights may pass it by",
                                           value.path()));
  }

  // What passes the global buffer by has a channel of its own over both networks.
  void check_bypass() {
    if (machine_.storage.size() < 3 || machine_.network.size() < 2) return;
    const Storage& buffer = machine_.storage[1];
    if (buffer.holds[0] && buffer.holds[1]) return;
    for (std::size_t i = 0; i < 2; ++i)
      if (!machine_.network[i].reuses_all() && holds_)
        holds_->error("bad-value",
                      fmt::format("'{}': what the global buffer does not hold passes it by on a "
                                  "channel of its own, and '{}' has 'reuse: none', which needs one "
                                  "channel for all",
                                  holds_->path(), machine_.network[i].name));
    if (machine_.storage[0].rows.bytes > 0 && holds_)
      holds_->error("bad-value",
                    fmt::format("'{}': what the global buffer does not hold passes it by on a "
                                "channel of its own, and rows of both operands come one after the "
                                "other",
                                holds_->path()));
    for (std::size_t i = 0; i < 2; ++i)
      if (machine_.network[i].topology != Topology::Pipe && holds_)
        holds_->error(
            "bad-value",
            fmt::format("'{}': what the global buffer does not hold passes it by on a "
                        "channel of its own, but the topology of '{}' is {}: only pipes "
                        "can be passed so",
                        holds_->path(), machine_.network[i].name,
                        topology_names()[static_cast<std::size_t>(machine_.network[i].topology)]));
  }

  void read_cluster(const YamlValue& value, Storage& s) {
    const auto pes = value.require("cluster_pes", "the number of PEs below one such buffer");
    if (!pes) return;
    const auto n = pes->integer(2, pes_known_ ? machine_.pes : kMostPes, "PEs");
    if (!n) return;
    s.cluster_pes = *n;
    const std::int64_t above = last_cluster_ > 0 ? last_cluster_ : machine_.pes;
    if (last_cluster_ > 0 && *n >= last_cluster_)
      pes->error(
          "bad-value",
          fmt::format("'{}' must be less than the {} PEs of the cluster buffer above, not {}",
                      pes->path(), last_cluster_, *n));
    else if ((last_cluster_ > 0 || pes_known_) && above % *n != 0)
      pes->error(
          "bad-value",
          fmt::format("'{}' must divide the {} PEs {}, but {} does not", pes->path(), above,
                      last_cluster_ > 0 ? "of the cluster buffer above" : "of the machine", *n));
    last_cluster_ = *n;
  }

  void read_storage() {
    const auto list =
        root_.require("storage",
                      "the levels outermost first: off_chip, global_buffer, any number of "
                      "cluster_buffer, pe_buffer");
    if (!list || !list->check_list()) return;
    const std::vector<YamlValue> items = list->items();
    const std::size_t count = items.size();
    if (count < 3 || count > kMostLevels) {
      list->error(
          "bad-levels",
          fmt::format("'storage' must have from 3 to {} levels (off_chip, global_buffer, any "
                      "number of cluster_buffer, pe_buffer), not {}",
                      kMostLevels, count));
      return;
    }
    for (std::size_t i = 0; i < count; ++i) {
      Role role = Role::ClusterBuffer;
      if (i == 0)
        role = Role::OffChip;
      else if (i == 1)
        role = Role::GlobalBuffer;
      else if (i + 1 == count)
        role = Role::PeBuffer;
      if (!items[i].is_map()) {
        items[i].check_map({"level", "capacity", "network"});
        continue;
      }
      if (const auto level = items[i].require("level",
                                              "one of off_chip, global_buffer, "
                                              "cluster_buffer, pe_buffer"))
        if (const auto is = level->choice(kRoles))
          if (*is != static_cast<std::size_t>(role))
            level->error(
                "bad-levels",
                fmt::format("'{}' must be {} at this place, not {}: the levels are off_chip, "
                            "global_buffer, any number of cluster_buffer, pe_buffer",
                            level->path(), kRoles[static_cast<std::size_t>(role)], kRoles[*is]));
      read_level(items[i], role, i + 1 == count);
    }
    check_bypass();
    check_ports();
  }

  /// Fills in from the table what the machine does not say itself.
  void read_energy() {
    const auto value = root_.find("energy");
    if (!value) return;
    const std::optional<EnergyRates> rates =
        value->is_scalar() ? load_energy_rates(*value, diagnostics_) : read_energy_rates(*value);
    if (!rates) return;
    machine_.energy = rates->head;
    const int width = std::max(machine_.bits.input, machine_.bits.weight);
    if (const auto mac = mac_energy(rates->mac, width))
      machine_.energy.mac_pj = *mac;
    else
      value->error("energy-too-wide",
                   fmt::format("the energy table '{}' has no multiply-accumulate of {} bits",
                               rates->head.name, width));
    for (std::size_t i = 0; i < machine_.storage.size(); ++i) {
      if (own_energy_[i]) continue;
      Storage& s = machine_.storage[i];
      // A capacity in words is one of input words.
      const std::int64_t bytes = machine_.capacity_in_words
                                     ? (s.capacity_bytes * machine_.bits.input + 7) / 8
                                     : s.capacity_bytes;
      switch (roles_[i]) {
        case Role::OffChip: s.energy = access_energy(rates->off_chip, bytes); break;
        case Role::GlobalBuffer: s.energy = access_energy(rates->global_buffer, bytes); break;
        case Role::ClusterBuffer: s.energy = access_energy(rates->cluster_buffer, bytes); break;
        case Role::PeBuffer: s.energy = access_energy(rates->pe_buffer, bytes); break;
      }
    }
    // What leaves the chip is paid in the off-chip access; hops are counted on the chip.
    for (std::size_t i = 1; i < machine_.network.size(); ++i)
      if (!own_hop_[i]) set_hop(machine_.network[i], *rates);
    if (machine_.implied_network && !implied_hop_) set_hop(*machine_.implied_network, *rates);
  }
  static void set_hop(Network& n, const EnergyRates& rates) {
    n.energy_per_hop_pj = rates.hop;
    n.energy_bits = rates.hop_bits;
  }

  const YamlValue& root_;
  std::vector<Diagnostic>& diagnostics_;
  Machine machine_;
  std::vector<Role> roles_;
  std::vector<bool> own_energy_, own_hop_;
  bool implied_hop_ = false;
  std::optional<YamlValue> first_capacity_, holds_, ports_;
  bool pes_known_ = false;
  std::int64_t last_cluster_ = 0;
  std::set<std::string> storage_names_, network_names_;
};

}  // namespace

std::optional<Machine> read_machine(const std::string& text, const std::string& file,
                                    std::vector<Diagnostic>& diagnostics) {
  std::vector<Diagnostic> found;
  std::optional<Machine> machine;
  if (is_original_hardware(text)) {
    machine = read_original_hardware(text, file, found);
  } else if (const auto root = input::parse_yaml(text, file, found)) {
    machine = Reader(*root, found).read();
  }
  const bool bad = input::has_errors(found);
  diagnostics.insert(diagnostics.end(), found.begin(), found.end());
  if (bad) return std::nullopt;
  return machine;
}

std::vector<std::string> list_presets() {
  return input::list_data("hw/presets", ".yaml");
}

std::optional<Machine> load_machine(const std::string& name_or_path,
                                    std::vector<Diagnostic>& diagnostics) {
  std::string error;
  const auto path = input::find_data("hw/presets", ".yaml", name_or_path, "machine", error);
  const std::optional<std::string> text = path ? input::read_file(*path, error) : std::nullopt;
  if (!text) {
    Diagnostic d;
    d.code = "unknown-machine";
    d.message = error;
    diagnostics.push_back(d);
    return std::nullopt;
  }
  return read_machine(*text, *path, diagnostics);
}

}  // namespace counterpoint::hw
