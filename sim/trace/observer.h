// SPDX-License-Identifier: Apache-2.0
// What the modules tell about a run while it happens, for waveforms, timelines and profiles.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "workloads/layer.h"

namespace counterpoint::sim {

using workloads::Tensor;

/// The classes of the cycle stack (docs/machine.md, section 4).
enum class CycleClass : std::uint8_t {
  Startup,
  Compute,
  LevelAbove,
  Bandwidth,
  Drain,
  Latency,
  Contention,
  Tail
};
inline constexpr std::size_t kCycleClasses = 8;
const char* name(CycleClass c);

/// Why a transfer does not start although its channel is free.
enum class Wait : std::uint8_t {
  Nothing,     ///< nothing (more) to send now
  LevelAbove,  ///< the unit does not hold the words yet
  Slot,        ///< a slot that it writes is taken
  Readback,    ///< the drain that wrote the partial sums has not arrived
  Medium,      ///< the network is in use by another flow
};
inline constexpr std::size_t kWaits = 5;
const char* name(Wait w);

/// A unit, its children and the network between them. The arrays are numbered from the outermost,
/// level by level, whether or not the simulator decides for several at once.
struct ArrayDescription {
  std::vector<std::int64_t> path;  ///< which child at each level leads to the unit
  bool pes = false;                ///< the children are PEs
  std::int64_t children = 0;
  std::int64_t slots = 1;                     ///< of each child and tensor
  std::vector<std::vector<Tensor>> channels;  ///< tensors that each channel to the children carries
  std::array<std::int64_t, workloads::kDims> extent{};  ///< of the layer
};

/// A transfer to the children. Times are cycles; `waited_*` are the times at
/// which the reasons not to start ended (0: never a reason).
struct FillEvent {
  int array = 0, channel = 0;
  std::int64_t step = 0;
  std::array<std::int64_t, 3> residence{-1, -1, -1};  ///< begun by it; -1: none of this tensor
  std::array<std::int64_t, 3> words{}, delivered{};   ///< injected; at all receivers together
  std::array<std::int64_t, 3> tile{};  ///< words of the residence, in all children together
  std::int64_t past = 0;  ///< of the words: come over the network above, too, past the unit
  std::int64_t channel_free = 0, parent = 0, slot = 0;
  std::int64_t start = 0, injected = 0, arrival = 0;
  const std::vector<std::int32_t>* per_child[3] = {nullptr, nullptr, nullptr};  ///< words received
};

/// A transfer of outputs to the unit.
struct DrainEvent {
  int array = 0;
  std::int64_t residence = 0;
  std::int64_t words = 0, senders = 0;  ///< on the network; read in all children together
  std::int64_t channel_free = 0;
  std::int64_t start = 0, injected = 0, arrival = 0;
};

/// What one PE does in one step: its multiply-accumulates and where the last one happens.
struct PeDetail {
  std::int64_t macs = 0;
  std::int32_t input = -1, weight = -1, output = -1;  ///< places; -1 without data
};

/// A step of an array of PEs, told when its work starts. The gap since the end of the work before
/// is divided into pieces: each class up to a time.
struct WorkEvent {
  struct Piece {
    CycleClass of;
    std::int64_t until;
  };
  int array = 0;
  std::int64_t step = 0;
  std::int64_t start = 0, end = 0;
  std::int64_t macs = 0;
  std::int64_t lanes = 1;
  std::vector<Piece> gap;  ///< in order of time; the last one ends at `start`
  std::array<std::int64_t, workloads::kDims> tile{};  ///< first indices, of the first active PE
  bool copy = false;                           ///< as the event before, but for `array` and `tile`
  const std::vector<PeDetail>* pes = nullptr;  ///< if asked for
  const std::int32_t* inputs = nullptr;        ///< operands by place; if asked for, with data
  const std::int32_t* weights = nullptr;
  const std::int64_t* sums = nullptr;  ///< after the step
};

/// Sees everything and changes nothing. Calls come in the order of time, but for fill() and drain()
/// of routed networks; what they say of later times (ends, arrivals) is certain.
class Observer {
 public:
  enum Missing : unsigned { kInput = 1, kWeight = 2, kReadback = 4, kSlot = 8 };

  virtual ~Observer() = default;
  virtual bool wants_pes() const { return false; }  ///< WorkEvent::pes
  /// WorkEvent::inputs, weights, sums. Only then is each of the units that do the same simulated.
  virtual bool wants_values() const { return false; }
  virtual void begin(const std::vector<ArrayDescription>&) {}
  /// Words begin to leave; fill() or drain() follows, at once or (in routed networks, where the
  /// end is not known before) when they have arrived.
  virtual void fill_starts(int /*array*/, int /*channel*/, std::int64_t /*now*/) {}
  virtual void drain_starts(int /*array*/, std::int64_t /*now*/) {}
  virtual void fill(const FillEvent&) {}
  virtual void drain(const DrainEvent&) {}
  virtual void work(const WorkEvent&) {}
  /// The next step's work cannot start: a set of Missing. Waits are told when they change.
  virtual void work_waits(int /*array*/, unsigned /*missing*/, std::int64_t /*now*/) {}
  virtual void work_over(int /*array*/, std::int64_t /*now*/) {}  ///< there is no further step
  virtual void fill_waits(int /*array*/, int /*channel*/, Wait, std::int64_t /*now*/) {}
  virtual void drain_waits(int /*array*/, Wait, std::int64_t /*now*/) {}
  /// The first use of an output residence of `tile` words in all children together.
  virtual void outputs_begin(int /*array*/, std::int64_t /*residence*/, std::int64_t /*tile*/,
                             std::int64_t /*now*/) {}
  /// Residences [first, last) of a tensor gave their slots free.
  virtual void released(int /*array*/, Tensor, std::int64_t /*first*/, std::int64_t /*last*/,
                        std::int64_t /*now*/) {}
  virtual void end(std::int64_t /*cycles*/) {}
};

/// Several at once.
class Observers : public Observer {
 public:
  void add(Observer* o) { all_.push_back(o); }
  /// Itself; the one that was added, which needs no list; or nullptr, if none was.
  Observer* only() { return all_.empty() ? nullptr : all_.size() == 1 ? all_[0] : this; }
  bool wants_pes() const override;
  bool wants_values() const override;
  void begin(const std::vector<ArrayDescription>& arrays) override;
  void fill_starts(int array, int channel, std::int64_t now) override;
  void drain_starts(int array, std::int64_t now) override;
  void fill(const FillEvent& e) override;
  void drain(const DrainEvent& e) override;
  void work(const WorkEvent& e) override;
  void work_waits(int array, unsigned missing, std::int64_t now) override;
  void work_over(int array, std::int64_t now) override;
  void fill_waits(int array, int channel, Wait w, std::int64_t now) override;
  void drain_waits(int array, Wait w, std::int64_t now) override;
  void outputs_begin(int array, std::int64_t residence, std::int64_t tile,
                     std::int64_t now) override;
  void released(int array, Tensor t, std::int64_t first, std::int64_t last,
                std::int64_t now) override;
  void end(std::int64_t cycles) override;

 private:
  std::vector<Observer*> all_;
};

}  // namespace counterpoint::sim
