// SPDX-License-Identifier: Apache-2.0
#include "stats/table.h"

#include <array>

namespace counterpoint::stats {
namespace {

constexpr std::array<const char*, kTensors> kTensorNames = {"input", "weight", "output"};

using LayerField = std::int64_t (*)(const LayerResult&);
using StorageField = std::int64_t (*)(const StorageResult&);
using AccessField = std::int64_t (*)(const StorageResult&, std::size_t);
using NetworkField = std::int64_t (*)(const NetworkResult&);
using LinkField = std::int64_t (*)(const NetworkResult&, std::size_t);

struct Row {
  Description description;
  LayerField layer = nullptr;
  StorageField storage = nullptr;
  AccessField access = nullptr;
  NetworkField network = nullptr;
  LinkField link = nullptr;
};

Row layer(const char* key, const char* unit, bool timing, const char* sentence, LayerField f) {
  Row r{{Scope::Layer, key, unit, sentence, timing}};
  r.layer = f;
  return r;
}
Row storage(const char* key, const char* unit, const char* sentence, StorageField f) {
  Row r{{Scope::Storage, key, unit, sentence, false}};
  r.storage = f;
  return r;
}
Row access(const char* key, const char* sentence, AccessField f) {
  Row r{{Scope::StorageTensor, key, "words", sentence, false}};
  r.access = f;
  return r;
}
Row network(const char* key, const char* unit, const char* sentence, NetworkField f) {
  Row r{{Scope::Network, key, unit, sentence, false}};
  r.network = f;
  return r;
}
Row link(const char* key, const char* sentence, LinkField f) {
  Row r{{Scope::NetworkTensor, key, "words", sentence, false}};
  r.link = f;
  return r;
}

const std::vector<Row>& rows() {
  using L = LayerResult;
  using S = StorageResult;
  using N = NetworkResult;
  static const std::vector<Row> all = {
      layer("cycles", "cycles", true, "Run time: the last output has reached off-chip memory.",
            [](const L& r) { return r.cycles; }),
      layer("macs", "MACs", false, "Multiply-accumulates done.", [](const L& r) { return r.macs; }),
      layer("steps", "steps", false, "Executed steps of the innermost level, all arrays together.",
            [](const L& r) { return r.steps; }),
      layer("arrays", "arrays", false, "Instances of the innermost level.",
            [](const L& r) { return r.arrays; }),
      layer("stack.startup", "array cycles", true,
            "Cycle stack: before the first work of an array (an array that never works: always).",
            [](const L& r) { return r.stack.startup; }),
      layer("stack.compute", "array cycles", true, "Cycle stack: while a step works.",
            [](const L& r) { return r.stack.compute; }),
      layer("stack.level_above", "array cycles", true,
            "Cycle stack: the level above did not hold the words yet.",
            [](const L& r) { return r.stack.level_above; }),
      layer("stack.bandwidth", "array cycles", true,
            "Cycle stack: the channel was injecting, this transfer or the one before.",
            [](const L& r) { return r.stack.bandwidth; }),
      layer("stack.drain", "array cycles", true,
            "Cycle stack: a slot or a partial sum had to leave first.",
            [](const L& r) { return r.stack.drain; }),
      layer("stack.latency", "array cycles", true, "Cycle stack: the words were on their way.",
            [](const L& r) { return r.stack.latency; }),
      layer("stack.contention", "array cycles", true,
            "Cycle stack: another flow had the shared resource.",
            [](const L& r) { return r.stack.contention; }),
      layer("stack.tail", "array cycles", true, "Cycle stack: after the last work of an array.",
            [](const L& r) { return r.stack.tail; }),
      storage("instances", "buffers", "Instances of the level in the machine.",
              [](const S& s) { return s.instances; }),
      storage(
          "required_bytes", "bytes",
          "Capacity that one instance needs: the largest tiles, twice if double buffered (in words "
          "if the machine counts its capacities so).",
          [](const S& s) { return s.required_bytes; }),
      storage("sliding_bytes", "bytes",
              "For information: what a sliding buffer would need, tile plus new words.",
              [](const S& s) { return s.sliding_bytes; }),
      storage("bank1_busy", "cycles", "The port of the first bank is held by a flow.",
              [](const S& s) { return s.bank_busy[0]; }),
      storage("bank2_busy", "cycles", "The port of the second bank is held by a flow.",
              [](const S& s) { return s.bank_busy[1]; }),
      storage("bank3_busy", "cycles", "The port of the third bank is held by a flow.",
              [](const S& s) { return s.bank_busy[2]; }),
      access("tile_words", "Largest tile of one instance.",
             [](const S& s, std::size_t t) { return s.tile_words[t]; }),
      access("sliding_words", "Largest tile plus the words that arrive for the next.",
             [](const S& s, std::size_t t) { return s.sliding_words[t]; }),
      access("fill_write", "Written: words that arrived in a transfer from the parent.",
             [](const S& s, std::size_t t) { return s.access[t].fill_write; }),
      access("fill_read", "Read: words injected into transfers to the children.",
             [](const S& s, std::size_t t) { return s.access[t].fill_read; }),
      access("drain_write", "Written: words that arrived from children where no value was.",
             [](const S& s, std::size_t t) { return s.access[t].drain_write; }),
      access("accumulate_read", "Read: the old values onto which words from children were added.",
             [](const S& s, std::size_t t) { return s.access[t].accumulate_read; }),
      access("accumulate_write", "Written: the sums.",
             [](const S& s, std::size_t t) { return s.access[t].accumulate_write; }),
      access("drain_read", "Read: words that left to the parent.",
             [](const S& s, std::size_t t) { return s.access[t].drain_read; }),
      access("readback_read", "Read: partial sums sent back to a child.",
             [](const S& s, std::size_t t) { return s.access[t].readback_read; }),
      access("readback_write", "Written: partial sums that came back from the parent.",
             [](const S& s, std::size_t t) { return s.access[t].readback_write; }),
      access("operand_read", "Read by multiply-accumulates (PEs).",
             [](const S& s, std::size_t t) { return s.access[t].operand_read; }),
      access("operand_write", "Written by multiply-accumulates (PEs).",
             [](const S& s, std::size_t t) { return s.access[t].operand_write; }),
      network("fill_busy", "cycles",
              "Cycles of injection to children, all channels and instances together.",
              [](const N& n) { return n.fill_busy; }),
      network("drain_busy", "cycles", "Cycles of injection to the parent, all instances together.",
              [](const N& n) { return n.drain_busy; }),
      network("peak_words", "words",
              "Peak bandwidth requirement to children: words of the most demanding step ...",
              [](const N& n) { return n.peak_words; }),
      network("peak_cycles", "cycles", "... per cycles of work of the step before (reduced).",
              [](const N& n) { return n.peak_cycles; }),
      network("average_words", "words", "Average bandwidth requirement: words of all steps ...",
              [](const N& n) { return n.average_words; }),
      network("average_cycles", "cycles", "... per cycles of work of all steps (reduced).",
              [](const N& n) { return n.average_cycles; }),
      link("injected", "Words injected to the children.",
           [](const N& n, std::size_t t) { return n.link[t].injected; }),
      link("delivered", "Words that arrived in children, each receiver counted.",
           [](const N& n, std::size_t t) { return n.link[t].delivered; }),
      link("drain_injected", "Words that reached the parent, after reduction in the network.",
           [](const N& n, std::size_t t) { return n.link[t].drain_injected; }),
      link("drain_senders", "Words that left children, each sender counted.",
           [](const N& n, std::size_t t) { return n.link[t].drain_senders; }),
      link("hops", "Hops, both directions.",
           [](const N& n, std::size_t t) { return n.link[t].hops; }),
  };
  return all;
}

}  // namespace

const std::vector<Description>& descriptions() {
  static const std::vector<Description> all = [] {
    std::vector<Description> d;
    for (const Row& r : rows()) d.push_back(r.description);
    return d;
  }();
  return all;
}

std::vector<Statistic> flatten(const LayerResult& result) {
  std::vector<Statistic> out;
  const auto add = [&](const std::string& name, const Row& row, std::int64_t value) {
    const std::size_t i = static_cast<std::size_t>(&row - rows().data());
    out.push_back({name, &descriptions()[i], value});
  };
  for (const Row& r : rows())
    if (r.layer) add(r.description.key, r, r.layer(result));
  for (const StorageResult& s : result.storage) {
    for (const Row& r : rows())
      if (r.storage) add(s.name + "." + r.description.key, r, r.storage(s));
    for (std::size_t t = 0; t < kTensors; ++t)
      for (const Row& r : rows())
        if (r.access)
          add(s.name + "." + kTensorNames[t] + "." + r.description.key, r, r.access(s, t));
  }
  for (const NetworkResult& n : result.network) {
    for (const Row& r : rows())
      if (r.network) add(n.name + "." + r.description.key, r, r.network(n));
    for (std::size_t t = 0; t < kTensors; ++t)
      for (const Row& r : rows())
        if (r.link) add(n.name + "." + kTensorNames[t] + "." + r.description.key, r, r.link(n, t));
  }
  return out;
}

std::string markdown() {
  std::string text =
      "# Statistics\n\nWritten by `counterpoint list statistics --format markdown`; a test keeps "
      "it up to\ndate. Both models report all of them; the rules are in [machine.md](machine.md), "
      "section 5. Names\nare `level.tensor.key` with the level's or network's own name.\n";
  const auto section = [&](Scope scope, const char* title) {
    text += std::string("\n## ") + title + "\n\n| key | unit | meaning |\n|---|---|---|\n";
    for (const Description& d : descriptions())
      if (d.scope == scope)
        text += std::string("| `") + d.key + "` | " + d.unit + " | " + d.sentence + " |\n";
  };
  section(Scope::Layer, "Per layer");
  section(Scope::Storage, "Per storage level");
  section(Scope::StorageTensor, "Per storage level and tensor");
  section(Scope::Network, "Per network");
  section(Scope::NetworkTensor, "Per network and tensor");
  return text;
}

}  // namespace counterpoint::stats
