// SPDX-License-Identifier: Apache-2.0
#include "sim/control/array.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <tuple>

namespace counterpoint::sim {

namespace {
// Two units of time per cycle: everything happens on even ones, arbitration between them, when
// all requests of a cycle are known.
constexpr std::int64_t kUnits = 2;
sc_core::sc_time units(std::int64_t n) {
  return sc_core::sc_time::from_value(static_cast<sc_dt::uint64>(n));
}
std::int64_t present() {
  return static_cast<std::int64_t>(sc_core::sc_time_stamp().value());
}
std::size_t at(Tensor t) {
  return static_cast<std::size_t>(index(t));
}

// Units are numbered level by level from the outermost, under each in the order of its children.
int unit_number(const Nest& nest, const std::vector<std::int64_t>& path) {
  std::int64_t before = 0, of_level = 1, place = 0;
  for (std::size_t d = 0; d < path.size(); ++d) {
    before += of_level;
    of_level *= nest.levels[d].units;
    place = place * nest.levels[d].units + path[d];
  }
  return static_cast<int>(before + place);
}
}  // namespace

Array::Array(sc_core::sc_module_name name, Machine& machine, const std::vector<Alike>& units)
    : sc_core::sc_module(name),
      m_(machine),
      observer_(machine.options.observer),
      path_(units.front().path),
      depth_(path_.size()),
      network_(machine.mapping.machine.network[depth_]),
      child_storage_(machine.mapping.machine.storage[depth_ + 1]),
      slots_{hw::slots(child_storage_.buffering, 0), hw::slots(child_storage_.buffering, 1),
             hw::slots(child_storage_.buffering, 2)},
      durations_(machine.mapping.machine, depth_, machine.mapping.nest.levels[depth_].units),
      reduces_(network_.reduction != hw::Reduction::None),
      copies_(static_cast<std::int64_t>(units.size())),
      board_(machine.spaces[2].words),
      medium_(make_medium(network_.topology)),
      walker_(machine.mapping.layer, machine.mapping.nest, path_) {
  const std::int64_t n = machine.mapping.nest.levels[depth_].units;
  for (const Alike& unit : units)
    units_.push_back(
        {unit_number(machine.mapping.nest, unit.path), unit.words, unit.ranges, unit.path,
         machine.options.carry_data ? std::make_unique<UnitStore>(machine.spaces) : nullptr});
  SC_METHOD(evaluate);
  sensitive << kick_ << timer_;
  SC_METHOD(arbitrate);
  sensitive << arbiter_;
  dont_initialize();
  const NetworkDetail detail = m_.options.network_detail;
  if (!hw::routed(network_.topology) || detail == NetworkDetail::Pipe) return;
  const hw::WordBits& bits = machine.mapping.machine.machine.bits;
  transport_ = std::make_unique<noc::Transport>(
      network_, n,
      std::array<int, 3>{bits.input, bits.weight, hw::drain_bits(machine.mapping.machine, depth_)},
      detail == NetworkDetail::Ways    ? noc::Detail::Ways
      : detail == NetworkDetail::Ports ? noc::Detail::Ports
                                       : noc::Detail::Routers,
      detail == NetworkDetail::Ways || detail == NetworkDetail::Ports ||
          detail == NetworkDetail::Links,
      detail == NetworkDetail::Links || detail == NetworkDetail::Buffers);
  SC_METHOD(route);
  sensitive << routes_;
  dont_initialize();
}

Array::~Array() = default;

void Array::connect(Array* above, const std::vector<Below>& below) {
  above_ = above;
  if (!below.empty())
    children_.resize(static_cast<std::size_t>(m_.mapping.nest.levels[depth_].units));
  for (const Below& b : below) {
    below_.push_back(b.array);
    for (std::size_t i = 0; i < b.children.size(); ++i)
      children_[static_cast<std::size_t>(b.children[i])] = {b.array, i, b.children.size()};
  }
  for (Tensor t : workloads::kAllTensors) {
    TensorTraffic::Config c;
    c.layer = &m_.mapping.layer;
    c.nest = &m_.mapping.nest;
    c.path = path_;
    c.tensor = t;
    c.space = &m_.spaces[at(t)];
    c.local = pes() ? &m_.pe_local[at(t)] : nullptr;
    c.multicast = network_.multicast;
    c.reduces = reduces_;
    c.refetch = refetch();
    c.afresh = t != Tensor::Output && !network_.reuse[at(t)];
    c.keep = t == Tensor::Output && network_.psum == hw::PsumPolicy::Keep;
    c.above = above_ && !durations_.passes_by(t) ? above_->traffic_[at(t)].get() : nullptr;
    c.board = t == Tensor::Output ? &board_ : nullptr;
    if (t == Tensor::Output)
      for (const Child& child : children_)
        c.child_boards.push_back(child.among == 0 ? &child.array->board_ : nullptr);
    c.scratch = &m_.scratch;
    traffic_[at(t)] = std::make_unique<TensorTraffic>(std::move(c));
  }
  std::vector<std::vector<Tensor>> groups;
  std::size_t together = stats::kTensors;  // the group of those that share a channel
  for (Tensor t : workloads::kAllTensors) {
    if (t == Tensor::Output && !refetch()) continue;
    if (!child_storage_.holds[at(t)]) continue;
    const bool alone = network_.channels == hw::Channels::Separate || durations_.passes_by(t);
    if (!alone && together < groups.size()) {
      groups[together].push_back(t);
      continue;
    }
    if (!alone) together = groups.size();
    groups.push_back({t});
  }
  for (auto& g : groups) {
    const bool from_memory = above_ == nullptr || durations_.passes_by(g[0]);
    channels_.emplace_back();
    channels_.back().tensors = std::move(g);
    if (from_memory)
      channels_.back().injected_at = channels_.back().pipe_injected_at =
          m_.mapping.machine.machine.startup;
  }
  // Arrays 0 and 1 are on the two sides of the global buffer.
  if (depth_ == 1 && m_.mapping.machine.storage[1].banks > 0) {
    const auto port = std::make_shared<Port>(m_.mapping.machine.storage[1].banks);
    first_flow_ = Port::kOfArray;
    above->share(port, this);
    share(port, above);
  }
  if (above_ == nullptr && m_.mapping.machine.storage[0].rows.bytes > 0)
    rows_ = std::make_unique<RowMemory>(m_.mapping.machine, m_.mapping.layer);
  if (network_.subtrees.pes > 0)
    for (Tensor t : {Tensor::Input, Tensor::Weight})
      subtrees_[at(t)] = std::make_unique<Subtrees>(m_.mapping, m_.spaces[at(t)]);
  if (pes())
    pe_ = std::make_unique<PeArray>(m_.mapping.layer, m_.spaces, m_.pe_local,
                                    m_.mapping.nest.levels[depth_].units, units_.size(),
                                    m_.options.carry_data);
  if (pes() && observer_ != nullptr && observer_->wants_pes()) pe_->keep_details();
}

// The ports of the banks, with the array on the other side of the buffer.
void Array::share(const std::shared_ptr<Port>& port, Array* other) {
  const std::array<int, 3>& bank = m_.mapping.machine.storage[1].bank;
  medium_ = port_ = port;
  other_at_port_ = other;
  port->assign(first_flow_, bank[2]);
  for (std::size_t c = 0; c < channels_.size(); ++c)
    port->assign(first_flow_ + static_cast<int>(c) + 1, bank[at(channels_[c].tensors[0])]);
}

// A granted transfer takes the network for `injecting` cycles, or the port of a bank for `held`.
void Array::occupy(int channel, std::int64_t t, std::int64_t injecting, std::int64_t held) {
  if (port_ == nullptr) return medium_->occupy(t + injecting);
  medium_->occupy(t + held);
  const int bank = port_->bank(first_flow_ + channel);
  m_.result.storage[1].bank_busy[static_cast<std::size_t>(bank)] += held;
}

void Array::start() {
  for (Tensor t : {Tensor::Input, Tensor::Weight}) {
    if (!child_storage_.holds[at(t)]) continue;
    Progress& p = progress(t);
    p.read_pointer = traffic(t).next_read(0);
    p.children_read = kNever;
    for (Array* b : below_)
      p.children_read = std::min(p.children_read, b->progress(t).read_pointer);
  }
  const Residence* first = traffic(Tensor::Output).at(1);
  done_pointer_ = first == nullptr ? kNever : first->leave_parent;
  over_ = kNever;
  for (Array* b : below_) over_ = std::min(over_, b->done_pointer_);
}

std::int64_t Array::now() {
  return present() / kUnits;
}

sc_core::sc_time Array::duration(std::int64_t cycles) {
  return units(cycles * kUnits);
}

void Array::evaluate() {
  const std::int64_t t = now();
  if (timer_at_ <= present()) timer_at_ = kNever;
  evaluating_ = true;
  for (bool more = true; more;) {
    again_ = false;
    more = finish_events(t);
    for (std::size_t c = 0; c < channels_.size(); ++c) more = try_fill(c, t, false) || more;
    if (pes()) {
      more = end_work(t) || more;
      more = try_work(t) || more;
    }
    more = try_drain(t, false) || again_ || more;
  }
  evaluating_ = false;
  schedule(t);
}

void Array::arbitrate() {
  const std::int64_t t = now();
  if (port_ == nullptr) {
    granted(medium_->grant(t), t);
  } else {
    for (int flow = port_->grant(t); flow >= 0; flow = port_->grant(t)) {
      Array& of = flow / Port::kOfArray == first_flow_ / Port::kOfArray ? *this : *other_at_port_;
      of.granted(flow - of.first_flow_, t);
    }
  }
  schedule(t);
}

void Array::granted(int channel, std::int64_t t) {
  if (channel == 0) try_drain(t, true);
  if (channel > 0) try_fill(static_cast<std::size_t>(channel - 1), t, true);
}

// The routed network's cycles belong between the cycles of the arrays: what is sent in a cycle may
// move in it, what arrives in a cycle is there in the next.
void Array::route() {
  const std::int64_t t = now();
  try {
    transport_->step(t);
    handle_routed(t + 1);
  } catch (...) {
    m_.failure = std::current_exception();
    sc_core::sc_stop();
    return;
  }
  if (!transport_->empty()) routes_.notify(units(kUnits));
  schedule(t);
}

// A transfer into the routed network at t.
void Array::send(const Routed& r, std::int64_t t) {
  std::vector<noc::Parcel> parcels;
  const bool carry = m_.options.carry_data;
  for (std::size_t g = 0; g < r.groups.size(); ++g) {
    const WordGroup& group = r.groups[g];
    noc::Parcel p;
    p.children = group.children;
    p.words = group.index[0].size();
    if (carry) {
      const std::size_t x = static_cast<std::size_t>(r.tensors[g]);
      Residence& of = *traffic_[x]->at(r.drains ? r.residence[x] + 1 : r.residence[x]);
      for (std::size_t c = 0; c < (r.drains ? group.index.size() : 1); ++c)
        for (const std::int32_t i : group.index[c]) {
          const std::size_t w = static_cast<std::size_t>(i);
          p.values.push_back(r.drains ? of.leave_sums[w] : x == 2 ? of.sums[w] : of.values[w]);
        }
    }
    parcels.push_back(std::move(p));
  }
  // What is sent is not there until it arrives.
  if (carry)
    for (std::size_t g = 0; g < r.groups.size(); ++g) {
      const std::size_t x = static_cast<std::size_t>(r.tensors[g]);
      Residence& of = *traffic_[x]->at(r.drains ? r.residence[x] + 1 : r.residence[x]);
      if (r.drains)
        std::fill(of.leave_sums.begin(), of.leave_sums.end(), 0);
      else if (x == 2)
        std::fill(of.sums.begin(), of.sums.end(), 0);
      else
        std::fill(of.values.begin(), of.values.end(), 0);
    }
  // What a bus elsewhere granted within the cycle is too late for the network's part of it.
  const std::int64_t first = present() % kUnits == 0 ? t : t + 1;
  const std::int64_t id = r.drains ? transport_->collect(std::move(parcels), reduces_, first)
                                   : transport_->send(std::move(parcels), r.tensors, first);
  Routed& kept = routed_[id] = r;
  kept.time.transfer = id;
  if (r.drains) {
    drain_injected_at_ = kNever;
    drain_flights_.back().arrival = kNever;
    drain_flights_.back().transfer = id;
  } else {
    Channel& c = channels_[r.channel];
    c.injected_at = kNever;
    c.flights.back().arrival = kNever;
    c.flights.back().transfer = id;
    if (pes()) c.timings.back().transfer = id;
  }
  if (transport_->clock() == 0)
    handle_routed(t);
  else
    routes_.notify(units(first * kUnits + 1 - present()));
}

// What the network did: known at `when`, but never earlier than a pipe would have done it.
void Array::handle_routed(std::int64_t when) {
  std::vector<noc::TransferEvent> events;
  events.swap(transport_->events());
  for (const noc::TransferEvent& e : events) {
    Routed& r = routed_.at(e.transfer);
    if (e.arrived) {
      routed_arrived(e.transfer, std::max(r.pipe_arrival, when));
      continue;
    }
    r.injected = std::max(r.pipe_injected, when);
    if (r.drains) {
      drain_injected_at_ = r.injected;
      continue;
    }
    Channel& c = channels_[r.channel];
    c.injected_at = r.injected;
    for (Timing& x : c.timings)
      if (x.transfer == e.transfer) x.injected = r.injected;
  }
}

void Array::routed_arrived(std::int64_t transfer, std::int64_t when) {
  Routed& r = routed_.at(transfer);
  if (r.injected < 0) throw std::logic_error("simulator: words arrived that were not sent");
  const std::vector<noc::Parcel> parcels = transport_->take(transfer);
  if (m_.options.carry_data)
    for (std::size_t g = 0; g < parcels.size(); ++g) {
      const WordGroup& group = r.groups[g];
      const noc::Parcel& p = parcels[g];
      const std::size_t x = static_cast<std::size_t>(r.tensors[g]);
      Residence& of = *traffic_[x]->at(r.drains ? r.residence[x] + 1 : r.residence[x]);
      for (std::size_t c = 0; c < group.index.size(); ++c) {
        if (r.drains && reduces_ && c > 0) break;  // their sum stands with the first
        for (std::size_t w = 0; w < p.words; ++w) {
          const std::size_t i = static_cast<std::size_t>(group.index[c][w]);
          if (r.drains)
            of.leave_sums[i] = p.values[c * p.words + w];
          else if (x == 2)
            of.sums[i] = p.values[w];
          else
            of.values[i] = static_cast<std::int32_t>(p.values[w]);
        }
      }
    }
  if (r.drains) {
    // Later ones that are there already wait for it, so that they come in order.
    for (DrainFlight& f : drain_flights_)
      if (f.transfer == transfer) f.arrival = when;
    if (observer_ != nullptr) tell_drain(r, when);
  } else {
    Channel& c = channels_[r.channel];
    for (Flight& f : c.flights)
      if (f.transfer == transfer) f.arrival = when;
    for (Timing& x : c.timings)
      if (x.transfer == transfer) x.arrival = when;
    if (observer_ != nullptr) {
      r.time.injected = r.injected;
      r.time.arrival = when;
      tell_fill(r.channel, r.time, r.residence);
    }
  }
  routed_.erase(transfer);
}

// Wakes the array at the next thing that ends by itself.
void Array::schedule(std::int64_t t) {
  std::int64_t next = kNever;
  for (const Channel& c : channels_) {
    if (c.injecting || c.injected_at > t) next = std::min(next, c.injected_at);
    if (!c.flights.empty()) next = std::min(next, c.flights.front().arrival);
  }
  if (working_) next = std::min(next, work_end_);
  if (const std::int64_t opens = window_opens(); opens > t) next = std::min(next, opens);
  for (const auto& releases : releases_)
    if (!releases.empty()) next = std::min(next, releases.front().at);
  if (drain_injecting_) next = std::min(next, drain_injected_at_);
  if (!drain_flights_.empty()) next = std::min(next, drain_flights_.front().arrival);
  if (!over_at_.empty() && over_at_.front() > t) next = std::min(next, over_at_.front());
  if (next != kNever) {
    const std::int64_t due = next * kUnits;
    if (due <= present()) {
      kick_.notify(sc_core::SC_ZERO_TIME);
    } else if (due < timer_at_) {  // else the timer is set to that time or an earlier one already
      timer_at_ = due;
      timer_.notify(units(due - present()));
    }
  }
  const std::int64_t grant = medium_->next_grant(t);
  if (grant >= 0) {
    arbiter_.notify(units(std::max(grant * kUnits + 1 - present(), std::int64_t{0})));
  }
}

bool Array::finish_events(std::int64_t t) {
  bool any = false;
  for (Channel& c : channels_) {
    if (c.injecting && c.injected_at <= t) {
      injected(c, t);
      any = true;
    }
    while (!c.flights.empty() && c.flights.front().arrival <= t) {
      const Flight f = c.flights.front();
      c.flights.pop_front();
      arrive(f, t);
      any = true;
    }
  }
  for (Tensor x : {Tensor::Input, Tensor::Weight})
    for (Ring<Release>& due = releases_[at(x)]; !due.empty() && due.front().at <= t;) {
      release(x, due.front().count, t);
      due.pop_front();
      any = true;
    }
  if (drain_injecting_ && drain_injected_at_ <= t) {
    drain_injecting_ = false;
    release(Tensor::Output, next_drain_, t);
    any = true;
  }
  while (!drain_flights_.empty() && drain_flights_.front().arrival <= t) {
    const std::int64_t residence = drain_flights_.front().residence;
    drain_flights_.pop_front();
    drain_arrived(residence, t);
    any = true;
  }
  return any;
}

// The end of an injection: what the unit held for it may be replaced.
void Array::injected(Channel& c, std::int64_t t) {
  c.injecting = false;
  for (Tensor x : c.tensors) {
    if (x == Tensor::Output || !c.carries[at(x)]) continue;
    set_read_pointer(x, traffic(x).next_read(progress(x).next_fill), t);
  }
}

void Array::set_read_pointer(Tensor t, std::int64_t pointer, std::int64_t when) {
  Progress& mine = progress(t);
  const std::int64_t old = mine.read_pointer;
  mine.read_pointer = pointer;
  if (above_ == nullptr || pointer == old || durations_.passes_by(t)) return;
  Progress& up = above_->progress(t);
  if (old != up.children_read) return;
  std::int64_t least = kNever;
  for (Array* sibling : above_->below_) least = std::min(least, sibling->progress(t).read_pointer);
  up.children_read = least;
  above_->update_released(t, when);
}

void Array::update_released(Tensor t, std::int64_t when) {
  if (t == Tensor::Output) return;
  Progress& p = progress(t);
  release(t, std::min(p.children_read, p.arrived), when);
}

void Array::release(Tensor t, std::int64_t count, std::int64_t when) {
  Progress& p = progress(t);
  if (count <= p.released) return;
  if (observer_ != nullptr)
    tell([&](int unit) { observer_->released(unit, t, p.released, count, when); });
  while (p.released < count) p.released_at[static_cast<std::size_t>(p.released++) % kRing] = when;
  recycle(t);
  kick();
  if (t == Tensor::Output)  // the slot may be what a child's drain waits for
    for (Array* b : below_) b->kick();
}

void Array::recycle(Tensor t) {
  // A residence's record is needed until it was transferred and taken up by the PEs.
  std::int64_t done = progress(t).next_fill;
  if (t == Tensor::Output) {
    done = next_drain_;
    if (refetch()) done = std::min(done, progress(t).next_fill);
  }
  if (pes()) done = std::min(done, std::max<std::int64_t>(held_[at(t)], 0));
  for (const Channel& c : channels_)
    for (const Flight& f : c.flights)
      if (f.residence[at(t)] >= 0) done = std::min(done, f.residence[at(t)]);
  if (t == Tensor::Output)
    for (const DrainFlight& f : drain_flights_) done = std::min(done, f.residence + 1);
  traffic(t).release_before(done);
}

// The first step in which a residence of one of the channel's tensors begins.
void Array::find_next(Channel& c) {
  c.next = {};
  c.next.known = true;
  for (Tensor x : c.tensors) {
    const Residence* r = traffic(x).at(progress(x).next_fill);
    if (r != nullptr && !r->end) c.next.step = std::min(c.next.step, r->step);
  }
  for (Tensor x : c.tensors) {
    Residence* r = traffic(x).at(progress(x).next_fill);
    if (r == nullptr || r->end || r->step != c.next.step) continue;
    c.next.begins[at(x)] = r;
    c.next.words += r->injected;
  }
}

bool Array::try_fill(std::size_t channel, std::int64_t t, bool granted) {
  Channel& c = channels_[channel];
  if (c.injecting || c.injected_at > t) return false;
  if (!c.next.known) find_next(c);
  const std::int64_t step = c.next.step, words = c.next.words;
  if (step == kNever) return fill_waits(channel, Wait::Nothing, t);
  const std::array<Residence*, 3> begins = c.next.begins;
  std::int64_t parent = 0, slot = 0;  // since when they do not hold it up
  for (Tensor x : c.tensors) {
    Residence* r = begins[at(x)];
    if (r == nullptr) continue;
    Progress& p = progress(x);
    const bool parent_arrives =
        above_ != nullptr && !durations_.passes_by(x) && (x != Tensor::Output || above_->refetch());
    if (r->injected > 0 && parent_arrives) {
      const Progress& up = above_->progress(x);
      if (up.arrived <= r->parent) return fill_waits(channel, Wait::LevelAbove, t);
      parent = std::max(parent, up.arrived_at[static_cast<std::size_t>(r->parent) % kRing]);
    }
    const std::int64_t before = p.next_fill - slots_[at(x)];
    if (before >= 0) {
      if (p.released <= before) return fill_waits(channel, Wait::Slot, t);
      slot = std::max(slot, p.released_at[static_cast<std::size_t>(before) % kRing]);
    }
    if (x == Tensor::Output && r->needs_drain >= 0) {
      if (drains_arrived_ <= r->needs_drain) return fill_waits(channel, Wait::Readback, t);
      // A drain that long ago is not what the transfer waited for, and its time is overwritten.
      if (drains_arrived_ - r->needs_drain <= static_cast<std::int64_t>(kDrainRing))
        slot = std::max(slot,
                        drain_arrived_at_[static_cast<std::size_t>(r->needs_drain) % kDrainRing]);
    }
  }
  if (child_storage_.slots_together) {
    const std::int64_t before = traffic(Tensor::Output).containing(step) - slots_[2];
    const Progress& outputs = progress(Tensor::Output);
    if (before >= 0) {
      if (outputs.released <= before) return fill_waits(channel, Wait::Slot, t);
      slot = std::max(slot, outputs.released_at[static_cast<std::size_t>(before) % kRing]);
    }
  }
  // What passes the global buffer by has nothing to do with its port.
  const bool asks =
      words > 0 && !granted && !(other_at_port_ != nullptr && durations_.passes_by(c.tensors[0]));
  if (asks && !medium_->request(first_flow_ + static_cast<int>(channel) + 1, t))
    return fill_waits(channel, Wait::Medium, t);

  for (std::size_t x = 0; x < subtrees_.size(); ++x)
    if (subtrees_[x] && begins[x] != nullptr)
      begins[x]->over_subtrees = subtrees_[x]->words(*begins[x]);
  if (rows_ && rows_->writes()) write_rows_before(step);
  const std::int64_t inject =
      rows_ && words > 0 ? durations_.fill(begins, rows_->read(begins)) : durations_.fill(begins);
  Timing time{};
  time.step = step;
  time.channel = c.injected_at;
  time.pipe_channel = c.pipe_injected_at;
  time.parent = parent;
  time.slot = slot;
  time.start = t;
  time.injected = t + inject;
  time.arrival = words > 0 ? time.injected + durations_.fill_latency(c.tensors[0]) : t;
  time.pipe_injected = time.injected;
  time.pipe_arrival = time.arrival;
  const bool carry = m_.options.carry_data;
  Flight flight{time.arrival, {-1, -1, -1}};
  auto& link = m_.result.network[depth_];
  for (Tensor x : c.tensors) {
    const bool past = durations_.passes_by(x);
    auto& up = m_.result.storage[past ? depth_ - 1 : depth_];
    Residence* r = begins[at(x)];
    c.carries[at(x)] = r != nullptr && r->injected > 0;
    if (r == nullptr) continue;
    Progress& p = progress(x);
    flight.residence[at(x)] = p.next_fill++;
    if (x == Tensor::Output) {
      up.access[at(x)].readback_read += r->injected * copies_;
      if (carry) take_sums(*r);
    } else {
      up.access[at(x)].fill_read += r->injected * copies_;
      if (carry) take_operands(x, *r);
    }
    if (past) {  // over the network above as well; the unit is the only one there
      stats::LinkCounts& outer = m_.result.network[depth_ - 1].link[at(x)];
      outer.injected += r->injected;
      outer.delivered += r->injected;
      outer.hops += r->injected;
    }
    link.link[at(x)].injected += r->injected * copies_;
    link.link[at(x)].delivered += r->delivered * copies_;
    link.link[at(x)].hops +=
        (network_.topology == hw::Topology::Bus ? r->injected : r->delivered) * copies_;
  }
  const bool route = transport_ != nullptr && words > 0;
  if (observer_ != nullptr) {
    if (words > 0) {
      c.told.reset();
      tell([&](int unit) { observer_->fill_starts(unit, static_cast<int>(channel), t); });
    }
    if (!route) tell_fill(channel, time, flight.residence);
  }
  account_words(step, words);
  c.next.known = false;
  fill_busy_ += inject;
  c.injected_at = c.pipe_injected_at = time.injected;
  c.injecting = words > 0;
  if (words > 0 && granted)
    occupy(static_cast<int>(channel) + 1, t, inject, durations_.fill_port(begins));
  c.flights.push_back(flight);
  if (pes()) c.timings.push_back(time);
  if (route) {
    Routed r;
    r.channel = channel;
    r.pipe_injected = time.injected;
    r.pipe_arrival = time.arrival;
    r.start = t;
    r.residence = flight.residence;
    r.time = time;
    for (Tensor x : c.tensors) {
      const Residence* of = begins[at(x)];
      if (of == nullptr || of->injected == 0) continue;
      const bool all = x != Tensor::Output;
      for (WordGroup& g :
           groups_to_children(*of->enter, all ? network_.multicast : hw::Multicast::None,
                              [&](std::size_t w) { return all || of->from_parent(w); })) {
        r.groups.push_back(std::move(g));
        r.tensors.push_back(index(x));
      }
    }
    send(r, t);
  }
  if (!pes()) advance_ledger();
  if (granted) kick();
  return true;
}

// Memory sees what leaves after a step before it is asked for what the next one reads, whenever
// either happens.
void Array::write_rows_before(std::int64_t step) {
  for (;;) {
    const Residence* r = traffic(Tensor::Output).at(rows_written_ + 1);
    if (r == nullptr || r->step > step) return;
    write_next_rows();
  }
}

void Array::write_next_rows() {
  written_.push_back(rows_->write(*traffic(Tensor::Output).at(++rows_written_)));
}

// --- words, of every unit: word i of unit u stands at i * units + u
// --------------------------------

void Array::take_operands(Tensor t, Residence& r) {
  const std::int32_t* ids = r.enter->ids.data();
  const std::size_t n = r.enter->size(), units = units_.size();
  r.values.resize(n * units);
  const auto& holders = durations_.passes_by(t) ? above_->units_ : units_;
  for (std::size_t u = 0; u < units; ++u) {
    const UnitStore& store = *holders[u].store;
    const std::int32_t* from = (t == Tensor::Input ? store.input.data() : store.weight.data()) +
                               (r.shift + units_[u].shift[at(t)]);
    std::int32_t* to = r.values.data() + u;
    for (std::size_t i = 0; i < n; ++i) to[i * units] = from[ids[i]];
  }
}

void Array::take_sums(Residence& r) {
  const std::size_t units = units_.size();
  r.sums.assign(r.enter->size() * units, 0);
  for (std::size_t u = 0; u < units; ++u)
    for (std::size_t i = 0; i < r.readback.size(); ++i)
      if (r.readback[i])
        std::swap(r.sums[i * units + u], units_[u].store->sums[r.id(i) + units_[u].shift[2]]);
}

// To children that are buffers.
void Array::give_words(Tensor t, const Residence& r) {
  const Moves& m = *r.enter;
  const std::size_t units = units_.size();
  for (std::size_t u = 0; u < units; ++u) {
    const std::int64_t shift = r.shift + units_[u].shift[at(t)];
    for (const Chunk& k : m.chunks)
      for (std::int32_t j = k.receivers_first; j < k.receivers_last; ++j) {
        UnitStore& child = child_store(u, m.receivers[static_cast<std::size_t>(j)]);
        const std::size_t first = static_cast<std::size_t>(k.first),
                          last = static_cast<std::size_t>(k.last);
        if (t == Tensor::Output) {
          for (std::size_t w = first; w < last; ++w)
            if (r.from_parent(w)) child.sums[m.ids[w] + shift] += r.sums[w * units + u];
        } else {
          std::int32_t* to =
              (t == Tensor::Input ? child.input.data() : child.weight.data()) + shift;
          for (std::size_t w = first; w < last; ++w) to[m.ids[w]] = r.values[w * units + u];
        }
      }
  }
}

// From children that are buffers.
void Array::take_outputs(Residence& r) {
  const Moves& m = *r.leave;
  const std::size_t units = units_.size();
  r.leave_sums.assign(m.size() * units, 0);
  for (std::size_t u = 0; u < units; ++u) {
    const std::int64_t shift = r.leave_shift + units_[u].shift[2];
    for (const Chunk& k : m.chunks) {
      UnitStore& child = child_store(u, m.receivers[static_cast<std::size_t>(k.receivers_first)]);
      for (std::size_t w = static_cast<std::size_t>(k.first); w < static_cast<std::size_t>(k.last);
           ++w)
        std::swap(r.leave_sums[w * units + u], child.sums[m.ids[w] + shift]);
    }
  }
}

void Array::arrive(const Flight& flight, std::int64_t t) {
  const bool carry = m_.options.carry_data;
  for (Tensor x : workloads::kAllTensors) {
    const std::int64_t g = flight.residence[at(x)];
    if (g < 0) continue;
    Residence* r = traffic(x).at(g);
    Progress& p = progress(x);
    p.arrived = g + 1;
    p.arrived_at[static_cast<std::size_t>(g) % kRing] = t;
    auto& access = m_.result.storage[depth_ + 1].access[at(x)];
    (x == Tensor::Output ? access.readback_write : access.fill_write) += r->delivered * copies_;
    if (!pes()) {
      if (carry) give_words(x, *r);
      update_released(x, t);
      for (Array* b : below_) b->kick();
    }
  }
}

// When one more step may be in flight; 0: now.
std::int64_t Array::window_opens() const {
  const hw::StepWindow& window = m_.mapping.machine.machine.step_window;
  const bool full = window.steps > 0 && static_cast<std::int64_t>(ended_at_.size()) == window.steps;
  return full ? ended_at_.front() + window.latency : 0;
}

bool Array::try_work(std::int64_t t) {
  if (working_) return false;
  if (!step_waits_) {
    if (!walker_.next()) {
      if (!ledger_ended_) {
        report_work(kNever);
        if (observer_ != nullptr) tell([&](int unit) { observer_->work_over(unit, t); });
      }
      ledger_ended_ = true;
      return false;
    }
    step_waits_ = true;
    for (Tensor x : workloads::kAllTensors) {
      const Residence* r = traffic(x).at(held_[at(x)] + 1);
      if (r != nullptr && !r->end && r->step == walker_.step()) ++held_[at(x)];
    }
  }
  const std::int64_t step = walker_.step();
  unsigned missing = 0;
  for (Tensor x : workloads::kAllTensors) {
    const std::int64_t g = held_[at(x)];
    Progress& p = progress(x);
    if (x != Tensor::Output || refetch()) {
      if (p.arrived <= g) missing |= 1u << at(x);
    }
    if (x == Tensor::Output && g >= slots_[2] && p.released <= g - slots_[2])
      missing |= Observer::kSlot;
  }
  if (missing != 0) {
    if (observer_ != nullptr && missing != told_missing_) {
      told_missing_ = missing;
      tell([&](int unit) { observer_->work_waits(unit, missing, t); });
    }
    return false;
  }
  if (window_opens() > t) return false;
  for (Tensor x : workloads::kAllTensors) {
    Residence* r = traffic(x).at(held_[at(x)]);
    if (r->step != step) continue;
    if (x == Tensor::Output) {
      pe_->begin_outputs(*r);
      if (observer_ != nullptr) tell_outputs_begin(held_[at(x)], r->enter->tile, t);
      m_.result.storage[depth_ + 1].access[2].operand_read -= r->fresh * copies_;
    } else {
      pe_->write_operands(x, *r);
    }
    recycle(x);
  }
  std::array<GapPiece, kGapPieces> gap{};
  if (worked_) {
    gap = stack_gap(work_end_, t, step);
    for (const GapPiece& g : gap) stack_.*g.into += g.cycles;
  } else {
    stack_.startup += t;
  }
  for (Channel& c : channels_)
    while (!c.timings.empty() && c.timings.front().step <= step) c.timings.pop_front();
  const PeArray::Work work = pe_->work(walker_);
  if (work.total == 0) throw std::logic_error("simulator: a step without work was executed");
  const std::int64_t cycles = durations_.work(work);
  const std::int64_t macs = work.total * copies_;
  m_.result.macs += macs;
  m_.result.steps += copies_;
  auto& access = m_.result.storage[depth_ + 1].access;
  access[0].operand_read += macs;
  access[1].operand_read += macs;
  access[2].operand_read += macs;
  access[2].operand_write += macs;
  stack_.compute += cycles;
  account_work(step, cycles);
  if (above_ != nullptr) {
    if (walker_.parent_step() != ledger_parent_) {
      report_work(walker_.parent_step());
      ledger_parent_ = walker_.parent_step();
    }
    ledger_sum_ += cycles;
  }
  if (observer_ != nullptr) tell_work(gap, t, t + cycles, work.total);
  worked_ = true;
  working_ = true;
  work_end_ = t + cycles;
  for (Tensor x : {Tensor::Input, Tensor::Weight}) {
    const std::int64_t behind = child_storage_.follows[at(x)];
    if (behind != hw::Storage::kAfter && traffic(x).end_of(held_[at(x)]) == step + 1)
      releases_[at(x)].push_back({held_[at(x)] + 1, t + behind});
  }
  if (const std::int64_t most = m_.mapping.machine.machine.step_window.steps; most > 0) {
    if (static_cast<std::int64_t>(ended_at_.size()) == most) ended_at_.pop_front();
    ended_at_.push_back(work_end_);
  }
  return true;
}

bool Array::end_work(std::int64_t t) {
  if (!working_ || work_end_ > t) return false;
  working_ = false;
  step_waits_ = false;
  const std::int64_t step = walker_.step();
  for (Tensor x : workloads::kAllTensors) {
    const std::int64_t g = held_[at(x)];
    if (traffic(x).end_of(g) != step + 1) continue;
    if (x == Tensor::Output) {
      pe_->take_outputs(*traffic(x).at(g + 1));
      over_at_.push_back(t + m_.mapping.machine.machine.pipeline_latency);
    } else if (child_storage_.follows[at(x)] == hw::Storage::kAfter) {
      release(x, g + 1, t);
    }
  }
  return true;
}

// The gap before the work of `step`, by what the last transfer that it needed waited for.
std::array<Array::GapPiece, Array::kGapPieces> Array::stack_gap(std::int64_t from, std::int64_t to,
                                                                std::int64_t step) const {
  const Timing* last = nullptr;
  for (const Channel& c : channels_)
    for (const Timing& x : c.timings)
      if (x.step == step && (last == nullptr || x.arrival > last->arrival)) last = &x;
  static const Timing kNone{};
  const Timing& x = last == nullptr ? kNone : *last;
  using Stack = stats::CycleStack;
  std::array<GapPiece, kGapPieces> pieces = {{
      {&Stack::level_above, CycleClass::LevelAbove, x.parent},
      {&Stack::bandwidth, CycleClass::Bandwidth, std::min(x.pipe_channel, x.channel)},
      {&Stack::contention, CycleClass::Contention, x.channel},
      {&Stack::drain, CycleClass::Drain, x.slot},
      {&Stack::contention, CycleClass::Contention, x.start},
      {&Stack::bandwidth, CycleClass::Bandwidth, x.pipe_injected},
      {&Stack::latency, CycleClass::Latency, x.pipe_arrival},
      {&Stack::contention, CycleClass::Contention, x.arrival},
      {&Stack::latency, CycleClass::Latency, window_opens()},
      {&Stack::drain, CycleClass::Drain, to},
  }};
  std::int64_t at = from;
  for (GapPiece& p : pieces) {
    p.until = std::min(std::max(p.until, at), to);
    p.cycles = p.until - at;
    at = p.until;
  }
  return pieces;
}

// --- what an observer is told ------------------------------------------------------------------

void Array::describe(std::vector<ArrayDescription>& all) const {
  ArrayDescription d;
  d.pes = pes();
  d.children = m_.mapping.nest.levels[depth_].units;
  d.slots = *std::max_element(slots_.begin(), slots_.end());
  for (const Channel& c : channels_) d.channels.push_back(c.tensors);
  d.extent = m_.mapping.layer.extent;
  for (const Unit& u : units_) {
    const std::size_t number = static_cast<std::size_t>(u.number);
    if (all.size() <= number) all.resize(number + 1);
    all[number] = d;
    all[number].path = u.path;
  }
}

bool Array::fill_waits(std::size_t channel, Wait why, std::int64_t t) {
  std::optional<Wait>& told = channels_[channel].told;
  if (observer_ != nullptr && told != why) {
    told = why;
    tell([&](int unit) { observer_->fill_waits(unit, static_cast<int>(channel), why, t); });
  }
  return false;
}

bool Array::drain_waits(Wait why, std::int64_t t) {
  if (observer_ != nullptr && told_drain_ != why) {
    told_drain_ = why;
    tell([&](int unit) { observer_->drain_waits(unit, why, t); });
  }
  return false;
}

void Array::tell_outputs_begin(std::int64_t residence, std::int64_t tile, std::int64_t t) const {
  tell([&](int unit) { observer_->outputs_begin(unit, residence, tile, t); });
}

void Array::tell_fill(std::size_t channel, const Timing& time,
                      const std::array<std::int64_t, 3>& residence) {
  FillEvent e;
  e.channel = static_cast<int>(channel);
  e.step = time.step;
  for (std::size_t x = 0; x < 3; ++x) {
    if (residence[x] < 0) continue;
    const Residence* r = traffic_[x]->at(residence[x]);
    e.residence[x] = residence[x];
    e.words[x] = r->injected;
    if (durations_.passes_by(workloads::kAllTensors[x])) e.past += r->injected;
    e.delivered[x] = r->delivered;
    e.tile[x] = r->enter->tile;
    e.per_child[x] = r->readback_per_child.empty() ? &r->enter->per_child : &r->readback_per_child;
  }
  e.channel_free = time.channel;
  e.parent = time.parent;
  e.slot = time.slot;
  e.start = time.start;
  e.injected = time.injected;
  e.arrival = time.arrival;
  tell([&](int unit) {
    e.array = unit;
    observer_->fill(e);
  });
}

void Array::tell_drain(const Routed& r, std::int64_t arrival) {
  const Residence* of = traffic(Tensor::Output).at(r.residence[2] + 1);
  tell([&](int unit) {
    observer_->drain({unit, r.residence[2], of->leave_injected, of->leave_sent, r.channel_free,
                      r.start, r.injected, arrival});
  });
}

void Array::tell_work(const std::array<GapPiece, kGapPieces>& gap, std::int64_t start,
                      std::int64_t end, std::int64_t macs) {
  WorkEvent& e = work_event_;
  e.step = walker_.step();
  e.start = start;
  e.end = end;
  e.macs = macs;
  e.lanes = m_.mapping.machine.machine.lanes;
  std::int64_t first = 0;
  while (!walker_.active(first)) ++first;
  std::array<std::int64_t, workloads::kDims> tile{};  // of the first unit
  for (Dim d : workloads::kAllDims)
    tile[static_cast<std::size_t>(index(d))] = walker_.range(d, first).lo;
  e.gap.clear();
  if (worked_)
    for (const GapPiece& g : gap)
      if (g.cycles > 0) e.gap.push_back({g.of, g.until});
  if (observer_->wants_pes()) {
    e.pes = &pe_->details();
    if (m_.options.carry_data && observer_->wants_values()) {
      e.inputs = pe_->inputs();
      e.weights = pe_->weights();
      e.sums = pe_->sums();
    }
  }
  told_missing_ = 0;
  e.copy = false;
  for (const Unit& u : units_) {
    e.array = u.number;
    for (std::size_t i = 0; i < tile.size(); ++i) e.tile[i] = tile[i] + u.ranges[i];
    observer_->work(e);
    e.copy = true;
  }
}

bool Array::try_drain(std::int64_t t, bool granted) {
  if (drain_injecting_ || drain_injected_at_ > t) return false;
  const std::int64_t g = next_drain_;
  if (pes()) {
    if (over_at_.empty() || over_at_.front() > t) return drain_waits(Wait::Nothing, t);
  } else {
    if (over_ <= g) return drain_waits(Wait::Nothing, t);
    if (refetch() && progress(Tensor::Output).arrived <= g) return drain_waits(Wait::Readback, t);
  }
  Residence* r = traffic(Tensor::Output).at(g + 1);
  if (r == nullptr) return drain_waits(Wait::Nothing, t);
  if (r->leave_injected > 0) {
    if (above_ != nullptr) {
      const std::int64_t before = r->leave_parent - above_->slots_[2];
      if (before >= 0 && above_->progress(Tensor::Output).released <= before)
        return drain_waits(Wait::Slot, t);
    }
    if (!granted && !medium_->request(first_flow_, t)) return drain_waits(Wait::Medium, t);
  }
  std::int64_t rows = 0;
  if (rows_ && rows_->writes()) {
    if (written_.empty()) write_next_rows();
    rows = written_.front();
    written_.pop_front();
  }
  const std::int64_t inject = durations_.drain(*r, rows);
  if (m_.options.carry_data && !pes()) take_outputs(*r);
  m_.result.storage[depth_ + 1].access[2].drain_read += r->leave_sent * copies_;
  auto& link = m_.result.network[depth_].link[2];
  link.drain_injected += r->leave_injected * copies_;
  link.drain_senders += r->leave_sent * copies_;
  link.hops +=
      (network_.topology == hw::Topology::Bus ? r->leave_injected : r->leave_sent) * copies_;
  if (pes()) over_at_.pop_front();
  ++next_drain_;
  drain_busy_ += inject;
  const std::int64_t channel_free = drain_injected_at_;
  drain_injected_at_ = t + inject;
  const bool words = r->leave_injected > 0;
  drain_flights_.push_back({words ? drain_injected_at_ + durations_.drain_latency() : t, g, -1});
  if (observer_ != nullptr && words && above_ != nullptr) {
    const Residence* up = above_->traffic(Tensor::Output).at(r->leave_parent);
    above_->tell_outputs_begin(r->leave_parent, up->enter->tile, t);
  }
  const bool route = transport_ != nullptr && words;
  if (route || observer_ != nullptr) {
    Routed transfer;
    transfer.drains = true;
    transfer.channel_free = channel_free;
    transfer.start = t;
    transfer.injected = transfer.pipe_injected = drain_injected_at_;
    transfer.pipe_arrival = drain_flights_.back().arrival;
    transfer.residence[2] = g;
    if (observer_ != nullptr && words) {
      told_drain_.reset();
      tell([&](int unit) { observer_->drain_starts(unit, t); });
    }
    if (route) {
      transfer.injected = -1;
      transfer.groups = groups_from_children(*r->leave, reduces_);
      transfer.tensors.assign(transfer.groups.size(), 2);
      send(transfer, t);
    } else {
      tell_drain(transfer, transfer.pipe_arrival);
    }
  }
  if (r->end) drains_end_ = true;
  drain_injecting_ = true;
  if (words && granted) occupy(0, t, inject, durations_.drain_port(*r));
  if (granted) kick();
  return true;
}

void Array::drain_arrived(std::int64_t residence, std::int64_t t) {
  Residence* r = traffic(Tensor::Output).at(residence + 1);
  auto& access = m_.result.storage[depth_].access[2];
  access.drain_write += r->writes * copies_;
  access.accumulate_read += r->accumulations * copies_;
  access.accumulate_write += r->accumulations * copies_;
  if (m_.options.carry_data)
    for (std::size_t u = 0; u < units_.size(); ++u) {
      std::int64_t* sums = units_[u].store->sums.data() + (r->leave_shift + units_[u].shift[2]);
      for (std::size_t i = 0; i < r->leave->size(); ++i)
        sums[r->leave->ids[i]] += r->leave_sums[i * units_.size() + u];
    }
  drain_arrived_at_[static_cast<std::size_t>(drains_arrived_) % kDrainRing] = t;
  ++drains_arrived_;
  last_drain_arrival_ = std::max(last_drain_arrival_, t);
  const Residence* next = traffic(Tensor::Output).at(residence + 2);
  done_pointer_ = next == nullptr ? kNever : next->leave_parent;
  if (above_ != nullptr) above_->update_done();
  recycle(Tensor::Output);
  kick();
}

void Array::update_done() {
  std::int64_t least = kNever;
  for (Array* b : below_) least = std::min(least, b->done_pointer_);
  if (least <= over_) return;
  over_ = least;
  kick();
}

// --- bandwidth requirement --------------------------------------------------------------------

void Array::account_words(std::int64_t step, std::int64_t words) {
  while (first_account_ + static_cast<std::int64_t>(accounts_.size()) <= step)
    accounts_.push_back({});
  accounts_[static_cast<std::size_t>(step - first_account_)].words += words;
}

// Called in step order, when all transfers of the step are known and its work too.
void Array::settle(std::int64_t words, std::int64_t work) {
  if (previous_work_ > 0) {
    const bool larger =
        peak_cycles_ == 0 ||
        static_cast<long double>(words) * static_cast<long double>(peak_cycles_) >
            static_cast<long double>(peak_words_) * static_cast<long double>(previous_work_);
    if (larger) {
      peak_words_ = words;
      peak_cycles_ = previous_work_;
    }
  }
  previous_work_ = work;
  sum_words_ += words;
  sum_work_ += work;
}

void Array::account_work(std::int64_t step, std::int64_t work) {
  account_words(step, 0);
  settle(accounts_.front().words, work);
  accounts_.pop_front();
  ++first_account_;
}

// The work of the parent's step so far is complete: tell the array above, and begin the next.
void Array::report_work(std::int64_t parent_step) {
  if (above_ == nullptr) return;
  if (ledger_parent_ >= 0) {
    above_->account_words(ledger_parent_, 0);
    Account& a =
        above_->accounts_[static_cast<std::size_t>(ledger_parent_ - above_->first_account_)];
    a.work = std::max(a.work, ledger_sum_);
  }
  ledger_sum_ = 0;
  reported_before_ = parent_step;
  above_->advance_ledger();
}

// Whether no channel has words of the step still to send (partial sums may come after the work
// of children that do not need them).
bool Array::filled(std::int64_t step) {
  for (const Channel& c : channels_)
    for (Tensor x : c.tensors) {
      const Residence* r = traffic(x).at(progress(x).next_fill);
      if (r != nullptr && !r->end && r->step <= step) return false;
    }
  return true;
}

// Settles every step that all children have left behind.
void Array::advance_ledger() {
  std::int64_t least = kNever;
  for (Array* b : below_) least = std::min(least, b->reported_before_);
  while (first_account_ < least && !ledger_ended_ && filled(first_account_)) {
    if (!walker_.next()) {
      ledger_ended_ = true;
      report_work(kNever);
      return;
    }
    if (above_ != nullptr && walker_.parent_step() != ledger_parent_) {
      report_work(walker_.parent_step());
      ledger_parent_ = walker_.parent_step();
    }
    const std::int64_t work = accounts_.front().work;
    ledger_sum_ += work;
    account_work(first_account_, work);
  }
}

std::vector<RoutedUse> Array::routed(std::int64_t cycles) const {
  std::vector<RoutedUse> out;
  if (transport_ == nullptr) return out;
  const std::int64_t network_cycles =
      transport_->clock() == 0 ? transport_->network_cycles() : cycles * transport_->clock();
  for (std::size_t i = 0; i < transport_->planes().size(); ++i) {
    const noc::Network& n = *transport_->planes()[i];
    RoutedUse u;
    u.network = network_.name;
    u.path = path_;
    switch (network_.fabric.planes) {
      case hw::Planes::Shared:
      case hw::Planes::Channels: u.plane = "all"; break;
      case hw::Planes::Directions: u.plane = i == 0 ? "to children" : "to parent"; break;
      case hw::Planes::Tensors: u.plane = std::string(workloads::name(workloads::kAllTensors[i]));
    }
    u.network_cycles = network_cycles;
    u.packets = transport_->packets();
    u.flit_hops = n.flit_hops();
    u.columns = n.topology().columns;
    u.late = transport_->late();
    for (const noc::Topology::Router& r : n.topology().routers) u.routers.push_back(r.name);
    for (std::size_t l = 0; l < n.links().size(); ++l) {
      const noc::Link& link = n.links()[l];
      RoutedLink x;
      x.router = link.router;
      x.to_router = link.to_router;
      x.name = n.topology().routers[static_cast<std::size_t>(link.router)].name + " > ";
      if (link.to_router >= 0) {
        x.name += n.topology().routers[static_cast<std::size_t>(link.to_router)].name;
      } else {
        std::tie(x.to_child, x.to_port) = transport_->who(link.to_node);
        x.name += x.to_child >= 0  ? fmt::format("child {}", x.to_child)
                  : x.to_port >= 0 ? fmt::format("port {}", x.to_port)
                                   : "nobody";
      }
      const noc::LinkUse use = n.use(l, network_cycles);
      x.used = use.used;
      x.stalled = use.stalled;
      x.lost = use.lost;
      x.idle = use.idle;
      u.links.push_back(std::move(x));
    }
    // Flows of the network: tensors to the children, then outputs.
    constexpr std::array<int, 4> kOf = {0, 1, 2, 5};
    for (std::size_t x = 0; x < 4; ++x)
      for (std::size_t y = 0; y < 4; ++y) {
        u.waited[x][y] = n.waited(kOf[x], kOf[y]);
        u.link_waited[x][y] = n.waited_for_links(kOf[x], kOf[y]);
      }
    out.push_back(std::move(u));
  }
  return out;
}

bool Array::finished() const {
  if (working_ || step_waits_ || !drain_flights_.empty() || drain_injecting_) return false;
  for (const Channel& c : channels_)
    if (c.injecting || !c.flights.empty()) return false;
  return drains_end_ || (done_pointer_ == kNever);
}

std::string Array::report() const {
  std::string text =
      fmt::format("  {}: next drain {}, drains arrived {}", name(), next_drain_, drains_arrived_);
  for (Tensor t : workloads::kAllTensors) {
    const Progress& p = progress_[at(t)];
    text += fmt::format("; {}: next transfer {}, arrived {}, released {}", workloads::name(t),
                        p.next_fill, p.arrived, p.released);
  }
  if (pes())
    text += fmt::format("; {}", working_ ? "working" : step_waits_ ? "step waits" : "idle");
  return text + "\n";
}

void Array::collect(std::int64_t cycles) {
  auto& link = m_.result.network[depth_];
  link.fill_busy += fill_busy_ * copies_;
  link.drain_busy += drain_busy_ * copies_;
  link.average_words += sum_words_ * copies_;
  link.average_cycles += sum_work_ * copies_;
  const bool larger =
      peak_cycles_ > 0 &&
      (link.peak_cycles == 0 ||
       static_cast<long double>(peak_words_) * static_cast<long double>(link.peak_cycles) >
           static_cast<long double>(link.peak_words) * static_cast<long double>(peak_cycles_));
  if (larger) {
    link.peak_words = peak_words_;
    link.peak_cycles = peak_cycles_;
  }
  auto& child = m_.result.storage[depth_ + 1];
  for (Tensor t : workloads::kAllTensors) {
    child.tile_words[at(t)] = std::max(child.tile_words[at(t)], traffic(t).largest_tile);
    child.sliding_words[at(t)] = std::max(child.sliding_words[at(t)], traffic(t).largest_sliding);
  }
  if (!pes()) return;
  if (worked_)
    stack_.tail += cycles - work_end_;
  else
    stack_.startup += cycles;
  auto& s = m_.result.stack;
  s.startup += stack_.startup * copies_;
  s.compute += stack_.compute * copies_;
  s.level_above += stack_.level_above * copies_;
  s.bandwidth += stack_.bandwidth * copies_;
  s.drain += stack_.drain * copies_;
  s.latency += stack_.latency * copies_;
  s.contention += stack_.contention * copies_;
  s.tail += stack_.tail * copies_;
}

}  // namespace counterpoint::sim
