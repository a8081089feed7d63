// SPDX-License-Identifier: Apache-2.0
// One array: a unit, its children and the network between them, as one SystemC module. It sleeps
// until something that it waits for happens. A module stands for all units that do the same in
// the same cycles (sim/control/alike.h): it decides once, and moves the words of each.
#pragma once

#include <array>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <systemc>
#include <vector>

#include "sim/control/alike.h"
#include "sim/control/durations.h"
#include "sim/control/parcels.h"
#include "sim/control/ring.h"
#include "sim/control/subtrees.h"
#include "sim/control/traffic.h"
#include "sim/memory/full_store.h"
#include "sim/memory/port.h"
#include "sim/memory/row_memory.h"
#include "sim/noc/medium.h"
#include "sim/noc/transport.h"
#include "sim/pe/pe_array.h"
#include "sim/simulator.h"
#include "sim/trace/observer.h"

namespace counterpoint::sim {

/// What all modules of one simulation share.
struct Machine {
  const workloads::Mapping& mapping;
  const SimOptions& options;
  std::array<TensorSpace, 3> spaces;
  std::array<LocalSpace, 3> pe_local;
  Scratch scratch;
  stats::LayerResult result;
  std::exception_ptr failure;  ///< of a process: the kernel would change its type
};

/// Words that one unit (off-chip memory or a buffer) holds.
struct UnitStore {
  explicit UnitStore(const std::array<TensorSpace, 3>& spaces)
      : input(spaces[0].words), weight(spaces[1].words), sums(spaces[2].words) {}
  FullStore<std::int32_t> input, weight;
  FullStore<std::int64_t> sums;
};

/// By how much word numbers lie from others, per tensor.
using WordShift = std::array<std::int64_t, 3>;

/// A unit that a module stands for. The shifts are against the first of them.
struct Alike {
  std::vector<std::int64_t> path;  ///< which child at each level leads to it
  WordShift words{};
  std::array<std::int64_t, workloads::kDims> ranges{};
};

class Array : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(Array);
  /// Units with their children that are alike: in the order of the units above them, and under
  /// each in the order of its children.
  Array(sc_core::sc_module_name name, Machine& machine, const std::vector<Alike>& units);
  ~Array() override;

  /// Children of the same unit that one module stands for.
  struct Below {
    Array* array = nullptr;
    std::vector<std::int64_t> children;
  };
  /// Connects the array whose child the unit is, and those of the children (none if they are
  /// PEs). Call once per array, from the outermost inwards, before the run.
  void connect(Array* above, const std::vector<Below>& below);

  /// The cycle of the kernel's present time, and the kernel's time that so many cycles take.
  static std::int64_t now();
  static sc_core::sc_time duration(std::int64_t cycles);

  /// What the unit will need first; call for the innermost arrays before those above.
  void start();
  bool finished() const;
  std::string report() const;  ///< what it waits for, for a deadlock's message
  /// Puts the units that it stands for at their numbers, for observers.
  void describe(std::vector<ArrayDescription>& all) const;
  UnitStore& store() { return *units_[0].store; }
  std::int64_t last_drain_arrival() const { return last_drain_arrival_; }
  /// Adds the totals that are kept per array (cycle stack, bandwidth requirement, busy cycles).
  void collect(std::int64_t cycles);
  /// What the links of a routed network did; nothing for others.
  std::vector<RoutedUse> routed(std::int64_t cycles) const;

 private:
  static constexpr std::size_t kRing = 16;
  static constexpr std::size_t kDrainRing = 1024;

  // Times at which the residences of one tensor arrived in, and were released by, the children.
  struct Progress {
    std::int64_t arrived = 0, released = 0;
    std::array<std::int64_t, kRing> arrived_at{}, released_at{};
    std::int64_t read_pointer = 0;   // of the unit: the parent's residences before are read
    std::int64_t children_read = 0;  // minimum of the children's read pointers
    std::int64_t next_fill = 0;      // residence that the next transfer begins
  };
  struct Timing {  // of one transfer, for the cycle stack
    std::int64_t step, parent, channel, slot, start, injected, arrival;
    // What a pipe would have done; the rest is contention. The end of the channel's last one, too.
    std::int64_t pipe_channel, pipe_injected, pipe_arrival;
    std::int64_t transfer = -1;  // in the routed network
  };
  struct Flight {
    std::int64_t arrival;
    std::array<std::int64_t, 3> residence;  // -1: none of this tensor
    std::int64_t transfer = -1;             // in the routed network
  };
  struct Next {  // transfer of a channel, once it has been asked for
    bool known = false;
    std::int64_t step = kNever, words = 0;
    std::array<Residence*, 3> begins{};
  };
  struct Channel {
    std::vector<Tensor> tensors;
    Next next;
    std::int64_t injected_at = 0, pipe_injected_at = 0;
    bool injecting = false;
    std::array<bool, 3> carries{};
    std::optional<Wait> told;  // to the observer, since the last transfer
    Ring<Flight> flights;
    Ring<Timing> timings;
  };
  struct DrainFlight {
    std::int64_t arrival, residence, transfer;
  };
  struct Routed {  // a transfer in the routed network
    bool drains = false;
    std::size_t channel = 0;
    std::int64_t pipe_injected = 0, pipe_arrival = 0, start = 0, injected = -1;
    std::int64_t channel_free = 0;
    std::vector<WordGroup> groups;
    std::vector<int> tensors;  // of the groups
    std::array<std::int64_t, 3> residence{-1, -1, -1};
    Timing time{};
  };
  struct Account {
    std::int64_t words = 0, work = 0;
  };

  struct Unit {
    int number;  // among the units of all depths, for observers
    WordShift shift;
    std::array<std::int64_t, workloads::kDims> ranges;
    std::vector<std::int64_t> path;
    std::unique_ptr<UnitStore> store;  // with data
  };
  struct Child {  // a buffer
    Array* array = nullptr;
    std::size_t among = 0;  // of those that the module stands for
    std::size_t of = 1;     // how many those are, under one unit
  };
  /// The buffer of child p of the unit with number `unit`.
  UnitStore& child_store(std::size_t unit, std::int32_t p) {
    const Child& c = children_[static_cast<std::size_t>(p)];
    return *c.array->units_[unit * c.of + c.among].store;
  }
  void take_operands(Tensor t, Residence& r);
  void take_sums(Residence& r);
  void give_words(Tensor t, const Residence& r);
  void take_outputs(Residence& r);

  TensorTraffic& traffic(Tensor t) { return *traffic_[static_cast<std::size_t>(index(t))]; }
  Progress& progress(Tensor t) { return progress_[static_cast<std::size_t>(index(t))]; }
  bool pes() const { return below_.empty(); }
  bool refetch() const { return network_.psum == hw::PsumPolicy::Refetch; }
  void kick() {
    if (evaluating_)
      again_ = true;
    else
      kick_.notify(sc_core::SC_ZERO_TIME);
  }

  void evaluate();
  void arbitrate();
  void granted(int channel, std::int64_t t);
  void share(const std::shared_ptr<Port>& port, Array* other);
  void occupy(int channel, std::int64_t t, std::int64_t injecting, std::int64_t held);
  void route();
  void send(const Routed& r, std::int64_t t);
  void handle_routed(std::int64_t when);
  void routed_arrived(std::int64_t transfer, std::int64_t when);
  bool finish_events(std::int64_t t);
  void find_next(Channel& c);
  bool try_fill(std::size_t channel, std::int64_t t, bool granted);
  std::int64_t window_opens() const;
  bool try_work(std::int64_t t);
  bool end_work(std::int64_t t);
  bool try_drain(std::int64_t t, bool granted);
  void arrive(const Flight& flight, std::int64_t t);
  void drain_arrived(std::int64_t residence, std::int64_t t);
  void injected(Channel& c, std::int64_t t);
  void schedule(std::int64_t t);
  void release(Tensor t, std::int64_t count, std::int64_t at);
  void update_released(Tensor t, std::int64_t at);
  void update_done();
  void set_read_pointer(Tensor t, std::int64_t pointer, std::int64_t at);
  void recycle(Tensor t);
  struct GapPiece {
    std::int64_t stats::CycleStack::*into = nullptr;
    CycleClass of = CycleClass::Drain;
    std::int64_t until = 0, cycles = 0;
  };
  static constexpr std::size_t kGapPieces = 10;
  std::array<GapPiece, kGapPieces> stack_gap(std::int64_t from, std::int64_t to,
                                             std::int64_t step) const;
  bool fill_waits(std::size_t channel, Wait why, std::int64_t t);  // false
  bool drain_waits(Wait why, std::int64_t t);                      // false
  template <typename Tell>
  void tell(const Tell& tell) const {  // about every unit that the module stands for
    for (const Unit& u : units_) tell(u.number);
  }
  void tell_outputs_begin(std::int64_t residence, std::int64_t tile, std::int64_t t) const;
  void tell_fill(std::size_t channel, const Timing& time,
                 const std::array<std::int64_t, 3>& residence);
  void tell_drain(const Routed& r, std::int64_t arrival);
  void tell_work(const std::array<GapPiece, kGapPieces>& gap, std::int64_t start, std::int64_t end,
                 std::int64_t macs);
  void account_words(std::int64_t step, std::int64_t words);
  void account_work(std::int64_t step, std::int64_t work);
  void settle(std::int64_t words, std::int64_t work);
  void report_work(std::int64_t parent_step);
  bool filled(std::int64_t step);
  void advance_ledger();
  void write_rows_before(std::int64_t step);
  void write_next_rows();

  Machine& m_;
  Observer* observer_;
  WorkEvent work_event_;
  unsigned told_missing_ = 0;       // to the observer, since the last step
  std::optional<Wait> told_drain_;  // since the last drain
  std::vector<std::int64_t> path_;
  std::size_t depth_;
  Array* above_ = nullptr;
  std::vector<Array*> below_;
  std::vector<Child> children_;  // none if they are PEs
  const hw::Network& network_;
  const hw::Storage& child_storage_;
  std::array<std::int64_t, 3> slots_;
  Durations durations_;
  bool reduces_;
  std::vector<Unit> units_;  // that the module stands for
  std::int64_t copies_;      // how many those are
  ValueBoard board_;
  std::array<std::unique_ptr<TensorTraffic>, 3> traffic_;
  std::unique_ptr<RowMemory> rows_;  // the unit is off-chip memory that is read in rows
  std::int64_t rows_written_ = 0;    // output residences whose words the memory has seen
  Ring<std::int64_t> written_;       // what those take that were not drained yet, in cycles
  std::array<std::unique_ptr<Subtrees>, 2> subtrees_;  // inputs, weights; of a divided network
  std::array<Progress, 3> progress_;
  std::vector<Channel> channels_;
  std::shared_ptr<Medium> medium_;             // of this array, or the ports of the banks
  std::shared_ptr<Port> port_;                 // these, if the array is beside such a buffer
  Array* other_at_port_ = nullptr;             // the array on the other side of the buffer
  int first_flow_ = 0;                         // the number of channel 0 there
  std::unique_ptr<noc::Transport> transport_;  // of a routed network
  std::map<std::int64_t, Routed> routed_;      // under way, by transfer
  sc_core::sc_event kick_, timer_, arbiter_, routes_;

  std::int64_t timer_at_ = kNever;  // in units
  bool evaluating_ = false, again_ = false;

  // Work (children are PEs).
  std::unique_ptr<PeArray> pe_;
  StepWalker walker_;  // the work's, or the ledger's if the children are buffers
  bool step_waits_ = false;
  bool working_ = false;
  std::int64_t work_end_ = 0;
  bool worked_ = false;
  Ring<std::int64_t> ended_at_;  // the latest steps, as many as may be in flight
  struct Release {
    std::int64_t count, at;
  };
  std::array<Ring<Release>, 2> releases_;  // inputs, weights that others follow through the PEs
  std::array<std::int64_t, 3> held_{-1, -1, -1};  // residence of the present step

  // Drains.
  std::int64_t next_drain_ = 0;  // residence that drains next
  bool drain_injecting_ = false;
  std::int64_t drain_injected_at_ = 0;
  Ring<DrainFlight> drain_flights_;
  std::int64_t drains_arrived_ = 0;
  std::array<std::int64_t, kDrainRing> drain_arrived_at_{};
  Ring<std::int64_t> over_at_;     // PEs: when the use of the next residences is over
  std::int64_t over_ = 0;          // buffers: residences whose use is over
  std::int64_t done_pointer_ = 0;  // of the unit: the parent's residences before got their drains
  std::int64_t last_drain_arrival_ = 0;
  bool drains_end_ = false;

  // Totals.
  stats::CycleStack stack_;
  std::int64_t fill_busy_ = 0, drain_busy_ = 0;
  Ring<Account> accounts_;
  std::int64_t first_account_ = 0;
  std::int64_t previous_work_ = 0;
  std::int64_t peak_words_ = 0, peak_cycles_ = 0, sum_words_ = 0, sum_work_ = 0;
  std::int64_t ledger_parent_ = -1, ledger_sum_ = 0;  // the parent's step and its work so far
  std::int64_t reported_before_ = 0;  // the parent's steps before this one are reported
  bool ledger_ended_ = false;
};

}  // namespace counterpoint::sim
