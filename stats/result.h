// SPDX-License-Identifier: Apache-2.0
// The vocabulary of results: what both models report for one layer. No counting code lives
// here; each model fills these plain integers by its own means.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace counterpoint::stats {

inline constexpr int kTensors = 3;  // input, weight, output: index as workloads::Tensor
inline constexpr int kBanks = 3;    // most of the global buffer: one per tensor

/// Words read and written at one storage level for one tensor, all instances together, by
/// cause. See docs/machine.md, "What is counted".
struct AccessCounts {
  std::int64_t fill_write = 0;       ///< W: arrived in a transfer from the parent (inputs, weights)
  std::int64_t fill_read = 0;        ///< R: injected into a transfer to the children
  std::int64_t drain_write = 0;      ///< W: outputs arriving from children, no value there yet
  std::int64_t accumulate_read = 0;  ///< R: outputs arriving onto a value: the old value
  std::int64_t accumulate_write = 0;  ///< W: ... and the sum
  std::int64_t drain_read = 0;        ///< R: outputs that leave to the parent
  std::int64_t readback_read = 0;     ///< R: partial sums sent back to a child
  std::int64_t readback_write = 0;    ///< W: partial sums that came back from the parent
  std::int64_t operand_read = 0;      ///< R: by the PE's multiply-accumulates (PE level only)
  std::int64_t operand_write = 0;     ///< W: by the PE's multiply-accumulates (PE level only)
  std::int64_t reads() const {
    return fill_read + accumulate_read + drain_read + readback_read + operand_read;
  }
  std::int64_t writes() const {
    return fill_write + drain_write + accumulate_write + readback_write + operand_write;
  }
};

struct StorageResult {
  std::string name;
  std::int64_t instances = 1;
  std::array<AccessCounts, kTensors> access{};
  std::array<std::int64_t, kTensors> tile_words{};     ///< largest tile of one instance
  std::array<std::int64_t, kTensors> sliding_words{};  ///< max over transfers of tile + new words
  std::int64_t required_bytes = 0;  ///< sum of tiles, times 2 if double buffered; 0 off-chip
  std::int64_t sliding_bytes = 0;   ///< for information
  std::array<std::int64_t, kBanks> bank_busy{};  ///< cycles that a flow holds the port of a bank
  std::int64_t capacity_bytes = 0;               ///< 0 = unlimited
};

/// Words on one network for one tensor, all instances of the level together.
struct LinkCounts {
  std::int64_t injected = 0;        ///< parent to children
  std::int64_t delivered = 0;       ///< words that arrived at children, each receiver counted
  std::int64_t drain_injected = 0;  ///< children to parent, after reduction in the network
  std::int64_t drain_senders = 0;   ///< words that left children, each sender counted
  std::int64_t hops = 0;            ///< both directions
};

struct NetworkResult {
  std::string name;
  std::int64_t instances = 1;
  std::array<LinkCounts, kTensors> link{};
  std::int64_t fill_busy = 0;   ///< cycles of injection to children, all channels and instances
  std::int64_t drain_busy = 0;  ///< cycles of injection to the parent
  // Bandwidth requirement, to children: words per cycle so that work is never delayed.
  std::int64_t peak_words = 0, peak_cycles = 0;        ///< peak = peak_words / peak_cycles
  std::int64_t average_words = 0, average_cycles = 0;  ///< sums over all steps
};

/// Cycles of the PE arrays by cause; the sum over all instances of the innermost level. The
/// classes sum to instances * cycles.
struct CycleStack {
  std::int64_t startup = 0;  ///< before the first work of the array
  std::int64_t compute = 0;
  std::int64_t level_above = 0;  ///< the parent did not hold the words yet
  std::int64_t bandwidth = 0;    ///< the channel was injecting
  std::int64_t drain = 0;        ///< a slot or a partial sum had to leave first
  std::int64_t latency = 0;      ///< words were flying
  std::int64_t contention = 0;   ///< delayed by a flow that shares the resource
  std::int64_t tail = 0;         ///< after the last work
  std::int64_t total() const {
    return startup + compute + level_above + bandwidth + drain + latency + contention + tail;
  }
};

struct LayerResult {
  std::int64_t cycles = 0;
  std::int64_t macs = 0;
  std::int64_t steps = 0;  ///< executed steps of the innermost level, all instances
  std::int64_t pes = 0;    ///< PEs of the machine
  std::int64_t lanes = 0;
  std::int64_t arrays = 0;             ///< instances of the innermost level
  std::vector<StorageResult> storage;  ///< off-chip first, PE last
  std::vector<NetworkResult> network;  ///< network[i] between storage[i] and storage[i+1]
  CycleStack stack;
  double utilization() const {
    return cycles > 0 ? static_cast<double>(macs) /
                            (static_cast<double>(cycles) * static_cast<double>(pes * lanes))
                      : 0.0;
  }
};

}  // namespace counterpoint::stats
