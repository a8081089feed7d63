// SPDX-License-Identifier: Apache-2.0
// Networks without routing or arbitration inside: words between cells over FIFOs with back-pressure
// (valid and ready). Distribution trees and buses fork, reduction trees join, chains of PEs
// add their own partial sum and forward. Words carry their values.
#pragma once

#include <cstdint>
#include <vector>

namespace counterpoint::sim::noc {

/// How a cell hands one word to several FIFOs.
enum class Fork : std::uint8_t {
  Together,  ///< when all have a slot
  OneByOne,  ///< to each as soon as it has a slot; the next word when all have this one
};

/// A FIFO counts as not full, and as not empty, by its state at the beginning of a cycle, so a word
/// spends at least a cycle in it and cells may be visited in any order. Every FIFO has one writer
/// and one reader.
class ElasticNetwork {
 public:
  int fifo(int depth);
  /// Takes a word from every input, adds them, and hands the sum to every output. With own words it
  /// adds the next of them, which takes `interval` cycles to make after the one before went; then
  /// it stops after the last. Without inputs it is a source.
  int cell(const std::vector<int>& inputs, const std::vector<int>& outputs,
           std::vector<std::int64_t> own = {}, int interval = 1, Fork fork = Fork::Together);
  /// Takes up to `words` words per cycle from its inputs, in turns.
  int sink(const std::vector<int>& inputs, int words);
  /// The cell or sink does nothing in cycles [from, to).
  void stall(int cell, std::int64_t from, std::int64_t to);

  /// Runs until the cells with own words have handed on all and the FIFOs are empty. Throws
  /// Deadlock (network.h) if nothing moves for 10000 cycles.
  void run();

  struct Arrival {
    std::int64_t cycle;
    int input;  ///< which of the sink's
    std::int64_t value;
  };
  const std::vector<Arrival>& arrivals(int sink) const;
  /// Cycles in which the cell had all it needs but a FIFO behind it was full.
  std::int64_t blocked(int cell) const { return cells_[static_cast<std::size_t>(cell)].blocked; }

 private:
  struct Fifo {
    std::vector<std::int64_t> ring;
    int head = 0;
    int count = 0;
    int before = 0;  // at the beginning of the cycle
  };
  struct Cell {
    std::vector<int> inputs, outputs;
    std::vector<std::int64_t> own;
    std::size_t next = 0;  // of its own words
    int interval = 1;
    std::int64_t ready = 0;  // when the next own word is made
    Fork fork = Fork::Together;
    std::vector<bool> done;  // outputs that have the current word
    bool is_sink = false;
    int rate = 0;
    int turn = 0;
    std::int64_t stall_from = 0, stall_to = 0;
    std::int64_t blocked = 0;
    std::vector<Arrival> arrivals;
  };
  std::int64_t pop(int fifo);
  void push(int fifo, std::int64_t value);
  bool step_cell(Cell& c, std::int64_t now);
  bool step_sink(Cell& c, std::int64_t now);
  bool finished() const;

  std::vector<Fifo> fifos_;
  std::vector<Cell> cells_;
};

}  // namespace counterpoint::sim::noc
