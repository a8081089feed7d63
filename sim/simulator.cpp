// SPDX-License-Identifier: Apache-2.0
#include "sim/simulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <stdexcept>

#include "input/diagnostics.h"
#include "sim/control/array.h"
#include "sim/control/context.h"
#include "sim/reference/reference.h"

// SystemC's library refers to it; nothing calls it.
int sc_main(int, char**) {
  return 0;
}

namespace counterpoint::sim {
namespace {

using workloads::Cut;
using workloads::kAllDims;
using workloads::kAllTensors;

// Room for the largest tile of a PE along every axis.
LocalSpace local_space(const workloads::Mapping& mapping, const TensorSpace& space) {
  const Layer& layer = mapping.layer;
  std::array<std::int64_t, workloads::kDims> extent = layer.extent;
  for (const Level& level : mapping.nest.levels)
    for (Dim d : kAllDims) {
      const Cut& cut = level.cut(d);
      std::int64_t& e = extent[static_cast<std::size_t>(index(d))];
      if (cut.kind == Cut::Kind::Plain) e = std::min(e, cut.size);
      if (cut.kind == Cut::Kind::Skewed)
        e = std::min(e, (cut.size - 1) / layer.window(d).stride + 1);
    }
  const auto of = [&](Dim d) { return extent[static_cast<std::size_t>(index(d))]; };
  LocalSpace local;
  for (const Axis& a : space.axes) {
    std::int64_t cap = of(a.dim);
    if (a.kind == Axis::Kind::Window) {
      const Dim k = a.dim == Dim::Y ? Dim::R : Dim::S;
      const workloads::Window& w = layer.window(a.dim);
      if (a.touch == Touch::Kernel) cap = of(k);
      if (a.touch == Touch::Input)
        cap = (w.stride * (of(a.dim) - 1) + w.dilation * (of(k) - 1)) / w.upsample + 1;
    }
    local.cap.push_back(std::min(cap, a.extent));
  }
  local.stride.resize(local.cap.size());
  for (std::size_t i = local.cap.size(); i-- > 0;) {
    local.stride[i] = local.words;
    local.words *= local.cap[i];
  }
  return local;
}

class Run {
 public:
  Run(const workloads::Mapping& mapping, const SimOptions& options)
      : machine_{mapping, options, {}, {}, {}, {}, {}} {
    std::int64_t largest = 1;
    for (Tensor t : kAllTensors) {
      const std::size_t i = static_cast<std::size_t>(index(t));
      machine_.spaces[i] = tensor_space(mapping.layer, t);
      machine_.pe_local[i] = local_space(mapping, machine_.spaces[i]);
      largest = std::max(largest, machine_.spaces[i].words);
    }
    if (largest >= std::int64_t{1} << 31)
      throw input::InputError(fmt::format(
          "layer '{}': a tensor of {} words is too large to simulate (the limit is 2^31); use the "
          "estimator",
          mapping.layer.name, largest));
    machine_.scratch.stamp.assign(static_cast<std::size_t>(largest), 0);
    describe();
    build();
  }

  SimOutcome execute() {
    const bool carry = machine_.options.carry_data;
    if (carry) fill_memory();
    for (std::size_t i = arrays_.size(); i-- > 0;) arrays_[i]->start();
    Observer* observer = machine_.options.observer;
    if (observer != nullptr) {
      std::vector<ArrayDescription> all;
      for (const auto& a : arrays_) a->describe(all);
      observer->begin(all);
    }
    try {
      if (machine_.options.advanced)
        run_in_pieces(machine_.options.advanced);
      else
        sc_core::sc_start();
    } catch (const sc_core::sc_report& report) {
      throw std::logic_error(fmt::format("simulator: {}", report.what()));
    }
    if (machine_.failure) std::rethrow_exception(machine_.failure);
    std::string stuck;
    for (const auto& a : arrays_)
      if (!a->finished()) stuck += a->report();
    if (!stuck.empty())
      throw std::logic_error("simulator: deadlock, these arrays wait for ever:\n" + stuck);
    SimOutcome outcome;
    machine_.result.cycles = arrays_[0]->last_drain_arrival();
    for (const auto& a : arrays_) a->collect(machine_.result.cycles);
    if (observer != nullptr) observer->end(machine_.result.cycles);
    finish();
    outcome.result = machine_.result;
    for (const auto& a : arrays_)
      for (RoutedUse& u : a->routed(machine_.result.cycles)) outcome.routed.push_back(std::move(u));
    if (carry) compare(outcome);
    return outcome;
  }

 private:
  // So that somebody can be told how far it is.
  static void run_in_pieces(const std::function<void(std::int64_t)>& advanced) {
    constexpr std::int64_t kPiece = 10000;     // cycles
    sc_core::sc_start(sc_core::SC_ZERO_TIME);  // to the first of them
    while (sc_core::sc_pending_activity() && sc_core::sc_get_status() != sc_core::SC_STOPPED) {
      const sc_core::sc_time piece = Array::duration(kPiece);
      sc_core::sc_start(std::max(piece, sc_core::sc_time_to_pending_activity()),
                        sc_core::SC_RUN_TO_TIME);
      advanced(Array::now());
    }
  }

  // Names, capacities and instances of what the result reports.
  void describe() {
    stats::LayerResult& r = machine_.result;
    const hw::BoundMachine& bound = machine_.mapping.machine;
    std::int64_t instances = 1;
    for (std::size_t depth = 0; depth < bound.storage.size(); ++depth) {
      stats::StorageResult s;
      s.name = bound.storage[depth].name;
      s.instances = instances;
      s.capacity_bytes = bound.storage[depth].capacity_bytes;
      r.storage.push_back(s);
      if (depth == bound.network.size()) break;
      stats::NetworkResult n;
      n.name = bound.network[depth].name;
      n.instances = instances;
      r.network.push_back(n);
      r.arrays = instances;
      instances *= machine_.mapping.nest.levels[depth].units;
    }
    r.pes = bound.machine.pes;
    r.lanes = bound.machine.lanes;
  }

  // Which children of a unit may be evaluated as one.
  std::vector<Likeness> likeness(const std::vector<std::int64_t>& path) const {
    const auto& networks = machine_.mapping.machine.network;
    const std::int64_t units = machine_.mapping.nest.levels[path.size()].units;
    const Observer* observer = machine_.options.observer;
    bool merge = machine_.options.merge_alike && units > 1;
    merge = merge && (observer == nullptr || !observer->wants_values());
    // Of several children that hold a partial sum, one takes it back: they are not alike.
    merge = merge && networks[path.size()].psum != hw::PsumPolicy::Refetch;
    for (const hw::Network& n : networks) merge = merge && !hw::routed(n.topology);
    if (merge) return compare_children(machine_.mapping.layer, machine_.mapping.nest, path);
    std::vector<Likeness> apart(static_cast<std::size_t>(units));
    for (std::int64_t p = 0; p < units; ++p) apart[static_cast<std::size_t>(p)].leader = p;
    return apart;
  }

  void build() {
    const auto& levels = machine_.mapping.nest.levels;
    struct Plan {
      std::size_t above;
      std::vector<Alike> units;            // that it stands for, the first of which decides
      std::vector<std::int64_t> children;  // of the unit above, which these are
      std::vector<std::size_t> below;
    };
    std::vector<Plan> plans(1);
    plans[0].units.emplace_back();
    for (std::size_t i = 0; i < plans.size(); ++i) {
      const std::size_t depth = plans[i].units[0].path.size();
      if (depth + 1 >= levels.size()) continue;
      const std::vector<Likeness> like = likeness(plans[i].units[0].path);
      for (std::int64_t p = 0; p < levels[depth].units; ++p) {
        if (like[static_cast<std::size_t>(p)].leader != p) continue;
        Plan plan;
        plan.above = i;
        std::vector<Alike> shifts;  // against the first child
        for (std::int64_t q = p; q < levels[depth].units; ++q) {
          const Likeness& other = like[static_cast<std::size_t>(q)];
          if (other.leader != p) continue;
          plan.children.push_back(q);
          Alike& shift = shifts.emplace_back();
          shift.path = {q};
          shift.ranges = other.shift;
          for (std::size_t t = 0; t < 3; ++t)
            shift.words[t] = word_shift(machine_.mapping.layer, machine_.spaces[t], other.shift);
        }
        for (const Alike& of : plans[i].units)
          for (const Alike& shift : shifts) {
            Alike& unit = plan.units.emplace_back(of);
            unit.path.push_back(shift.path[0]);
            for (std::size_t t = 0; t < 3; ++t) unit.words[t] += shift.words[t];
            for (std::size_t d = 0; d < workloads::kDims; ++d) unit.ranges[d] += shift.ranges[d];
          }
        plans[i].below.push_back(plans.size());
        plans.push_back(std::move(plan));
      }
    }
    // The kernel evaluates modules in the order of their creation.
    std::vector<std::size_t> order(plans.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::uint64_t seed = machine_.options.shuffle_seed;
    if (seed != 0) {
      for (std::size_t i = order.size(); i-- > 1;) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        std::swap(order[i], order[(seed >> 33) % (i + 1)]);
      }
    }
    arrays_.resize(plans.size());
    for (std::size_t i : order) {
      const std::string name = fmt::format("array_{}", i);
      arrays_[i] =
          std::make_unique<Array>(sc_core::sc_module_name(name.c_str()), machine_, plans[i].units);
    }
    for (std::size_t i = 0; i < plans.size(); ++i) {
      std::vector<Array::Below> below;
      for (std::size_t j : plans[i].below) below.push_back({arrays_[j].get(), plans[j].children});
      arrays_[i]->connect(i == 0 ? nullptr : arrays_[plans[i].above].get(), below);
    }
  }

  void fill_memory() {
    const workloads::Layer& layer = machine_.mapping.layer;
    const hw::WordBits& bits = machine_.mapping.machine.machine.bits;
    const int width = operand_bits(layer, bits.input, bits.weight, bits.psum);
    if (width < 2)
      throw input::InputError(fmt::format(
          "layer '{}': partial sums of {} bits cannot hold its sums even for 2-bit operands: "
          "declare wider ones (bits: psum) or run without data",
          layer.name, bits.psum));
    UnitStore& memory = arrays_[0]->store();
    const std::uint64_t seed = machine_.options.data_seed;
    for (std::int64_t i = 0; i < machine_.spaces[0].words; ++i)
      memory.input[i] = word_value(seed, Tensor::Input, i, width);
    for (std::int64_t i = 0; i < machine_.spaces[1].words; ++i)
      memory.weight[i] = word_value(seed, Tensor::Weight, i, width);
  }

  // What can be derived from the counts, and the laws that every run must keep.
  void finish() {
    stats::LayerResult& r = machine_.result;
    const hw::BoundMachine& bound = machine_.mapping.machine;
    std::array<int, 3> width = {bound.machine.bits.input, bound.machine.bits.weight,
                                bound.machine.bits.psum};
    if (bound.machine.capacity_in_words) width = {8, 8, 8};  // a word counts as one
    const workloads::Mapping& m = machine_.mapping;
    if (bound.network[0].psum == hw::PsumPolicy::Keep)
      r.storage[1].tile_words[2] *=
          workloads::unfinished_tiles(m.layer, m.nest.levels[0], m.layer.whole());
    for (std::size_t depth = 1; depth < r.storage.size(); ++depth) {
      std::int64_t tile = 0, twice = 0, sliding = 0;
      for (std::size_t t = 0; t < 3; ++t) {
        tile += r.storage[depth].tile_words[t] * width[t];
        if (bound.storage[depth].buffering.of[t] == hw::Buffering::Double)
          twice += r.storage[depth].tile_words[t] * width[t];
        sliding += r.storage[depth].sliding_words[t] * width[t];
      }
      r.storage[depth].required_bytes = (tile + 7) / 8 + (twice + 7) / 8;
      r.storage[depth].sliding_bytes = (sliding + 7) / 8;
    }
    for (stats::NetworkResult& n : r.network) {
      for (auto [a, b] : {std::pair(&n.peak_words, &n.peak_cycles),
                          std::pair(&n.average_words, &n.average_cycles)}) {
        const std::int64_t g = std::gcd(*a, *b);
        if (g > 1) {
          *a /= g;
          *b /= g;
        }
      }
    }
    const auto check = [](bool holds, const char* law) {
      if (!holds) throw std::logic_error(fmt::format("simulator: broken law: {}", law));
    };
    check(r.macs == workloads::macs(machine_.mapping.layer),
          "every multiply-accumulate is done once");
    check(r.stack.total() == r.arrays * r.cycles, "the cycle stack adds up to arrays * cycles");
    for (const std::int64_t busy : r.storage[1].bank_busy)
      check(busy <= r.cycles, "the port of a bank is held by one flow at a time");
    for (std::size_t level = 0; level < r.network.size(); ++level)
      for (std::size_t t = 0; t < 3; ++t) {
        const auto& link = r.network[level].link[t];
        const auto& up = r.storage[level].access[t];
        const auto& down = r.storage[level + 1].access[t];
        // What a level does not hold passes it by.
        const std::int64_t sent = bound.storage[level].holds[t]
                                      ? up.fill_read + up.readback_read
                                      : r.network[level - 1].link[t].delivered;
        const std::int64_t received = bound.storage[level + 1].holds[t]
                                          ? down.fill_write + down.readback_write
                                          : r.network[level + 1].link[t].injected;
        check(link.injected == sent, "words sent are words read");
        check(link.delivered == received, "words delivered are words written");
        check(link.drain_senders == down.drain_read, "words drained are words read");
        check(link.drain_injected == up.drain_write + up.accumulate_write,
              "words drained are words written or added");
      }
  }

  void compare(SimOutcome& outcome) {
    const workloads::Layer& layer = machine_.mapping.layer;
    UnitStore& memory = arrays_[0]->store();
    const std::vector<std::int64_t> expected =
        evaluate_directly(layer, memory.input.data(), memory.weight.data());
    outcome.functional = Functional::Equal;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const std::int64_t got = memory.sums[static_cast<std::int64_t>(i)];
      if (got == expected[i]) continue;
      if (outcome.mismatches++ > 0) continue;
      outcome.functional = Functional::Mismatch;
      std::string where;
      std::int64_t rest = static_cast<std::int64_t>(i);
      for (const Axis& a : machine_.spaces[2].axes) {
        where += fmt::format("{}{}={}", where.empty() ? "" : " ", workloads::name(a.dim),
                             rest / a.stride);
        rest %= a.stride;
      }
      outcome.first_mismatch =
          fmt::format("output at {}: expected {}, simulated {}", where, expected[i], got);
    }
  }

  Context context_;  // before the modules
  Machine machine_;
  std::vector<std::unique_ptr<Array>> arrays_;
};

}  // namespace

SimOutcome simulate(const workloads::Mapping& mapping, const SimOptions& options) {
  Run run(mapping, options);
  return run.execute();
}

}  // namespace counterpoint::sim
