// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/elastic.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "sim/noc/network.h"

namespace counterpoint::sim::noc {
namespace {

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

}  // namespace

int ElasticNetwork::fifo(int depth) {
  if (depth < 1) throw std::logic_error("noc: a FIFO has a slot");
  Fifo f;
  f.ring.resize(at(depth));
  fifos_.push_back(f);
  return static_cast<int>(fifos_.size()) - 1;
}

int ElasticNetwork::cell(const std::vector<int>& inputs, const std::vector<int>& outputs,
                         std::vector<std::int64_t> own, int interval, Fork fork) {
  Cell c;
  c.inputs = inputs;
  c.outputs = outputs;
  c.own = std::move(own);
  c.interval = interval;
  c.ready = interval - 1;
  c.fork = fork;
  c.done.assign(outputs.size(), false);
  cells_.push_back(std::move(c));
  return static_cast<int>(cells_.size()) - 1;
}

int ElasticNetwork::sink(const std::vector<int>& inputs, int words) {
  const int index = cell(inputs, {});
  cells_.back().is_sink = true;
  cells_.back().rate = words;
  return index;
}

void ElasticNetwork::stall(int cell, std::int64_t from, std::int64_t to) {
  cells_[at(cell)].stall_from = from;
  cells_[at(cell)].stall_to = to;
}

const std::vector<ElasticNetwork::Arrival>& ElasticNetwork::arrivals(int sink) const {
  return cells_[at(sink)].arrivals;
}

std::int64_t ElasticNetwork::pop(int fifo) {
  Fifo& f = fifos_[at(fifo)];
  const std::int64_t value = f.ring[at(f.head)];
  f.head = (f.head + 1) % static_cast<int>(f.ring.size());
  --f.count;
  return value;
}

void ElasticNetwork::push(int fifo, std::int64_t value) {
  Fifo& f = fifos_[at(fifo)];
  f.ring[at((f.head + f.count) % static_cast<int>(f.ring.size()))] = value;
  ++f.count;
}

bool ElasticNetwork::step_cell(Cell& c, std::int64_t now) {
  const bool has_own = !c.own.empty();
  if (has_own && (c.next == c.own.size() || now < c.ready)) return false;
  std::int64_t value = has_own ? c.own[c.next] : 0;
  for (const int i : c.inputs) {
    const Fifo& f = fifos_[at(i)];
    if (f.before == 0) return false;
    value += f.ring[at(f.head)];
  }
  const auto free = [&](std::size_t o) {
    const Fifo& f = fifos_[at(c.outputs[o])];
    return f.before < static_cast<int>(f.ring.size());
  };
  bool all_free = true;
  for (std::size_t o = 0; o < c.outputs.size(); ++o) all_free = all_free && (c.done[o] || free(o));
  bool moved = false;
  if (c.fork == Fork::OneByOne || all_free)
    for (std::size_t o = 0; o < c.outputs.size(); ++o)
      if (!c.done[o] && free(o)) {
        push(c.outputs[o], value);
        c.done[o] = true;
        moved = true;
      }
  if (!all_free) {
    ++c.blocked;
    return moved;
  }
  std::fill(c.done.begin(), c.done.end(), false);
  for (const int i : c.inputs) pop(i);
  ++c.next;
  c.ready = now + c.interval;
  return true;
}

bool ElasticNetwork::step_sink(Cell& c, std::int64_t now) {
  const int n = static_cast<int>(c.inputs.size());
  int taken = 0;
  // In turns from the input after the last one served; each gives a word per cycle.
  const int first = c.turn;
  for (int k = 0; k < n && taken < c.rate; ++k) {
    const int i = (first + k) % n;
    if (fifos_[at(c.inputs[at(i)])].before == 0) continue;
    c.arrivals.push_back({now, i, pop(c.inputs[at(i)])});
    c.turn = (i + 1) % n;
    ++taken;
  }
  return taken > 0;
}

bool ElasticNetwork::finished() const {
  for (const Cell& c : cells_)
    if (c.next < c.own.size()) return false;
  for (const Fifo& f : fifos_)
    if (f.count > 0) return false;
  return true;
}

void ElasticNetwork::run() {
  std::int64_t moved_at = 0;
  for (std::int64_t now = 0; !finished(); ++now) {
    for (Fifo& f : fifos_) f.before = f.count;
    for (Cell& c : cells_) {
      if (now >= c.stall_from && now < c.stall_to) continue;
      if (c.is_sink ? step_sink(c, now) : step_cell(c, now)) moved_at = now;
    }
    if (now - moved_at > 10000) {
      std::string waiting;
      for (std::size_t i = 0; i < fifos_.size(); ++i)
        if (fifos_[i].count > 0)
          waiting +=
              fmt::format(" FIFO {} holds {} of {};", i, fifos_[i].count, fifos_[i].ring.size());
      throw Deadlock(fmt::format("deadlock in cycle {}:{}", now, waiting));
    }
  }
}

}  // namespace counterpoint::sim::noc
