// SPDX-License-Identifier: Apache-2.0
#include "sim/trace/profile.h"

#include <algorithm>

namespace counterpoint::sim {

void Bins::widen() {
  const std::size_t n = (values.size() + 1) / 2;
  for (std::size_t i = 0; i < n; ++i)
    values[i] = values[2 * i] + (2 * i + 1 < values.size() ? values[2 * i + 1] : 0);
  values.resize(n);
  cycles_ *= 2;
}

void Bins::add(std::int64_t amount, std::int64_t from, std::int64_t to) {
  if (amount == 0) return;
  to = std::max(to, from + 1);  // what takes no time belongs to the cycle in which it happens
  while ((to - 1) / cycles_ >= static_cast<std::int64_t>(kMost)) widen();
  const std::size_t last = static_cast<std::size_t>((to - 1) / cycles_);
  if (values.size() <= last) values.resize(last + 1);
  std::int64_t done = 0;
  for (std::int64_t b = from / cycles_; b <= static_cast<std::int64_t>(last); ++b) {
    const std::int64_t until = std::min((b + 1) * cycles_, to);
    const std::int64_t reached =
        amount / (to - from) * (until - from) + amount % (to - from) * (until - from) / (to - from);
    values[static_cast<std::size_t>(b)] += reached - done;
    done = reached;
  }
}

void Profile::begin(const std::vector<ArrayDescription>& arrays) {
  std::size_t pes = 0, pe_arrays = 0;
  for (const ArrayDescription& a : arrays) {
    const std::size_t depth = a.path.size();
    if (networks.size() <= depth) networks.resize(depth + 1);
    Unit u;
    u.network = depth;
    u.first_child = networks[depth].delivered.size();
    networks[depth].delivered.resize(u.first_child + static_cast<std::size_t>(a.children));
    if (a.pes) {
      u.first_pe = pes;
      u.array = pe_arrays++;
      pes += static_cast<std::size_t>(a.children);
    }
    units_.push_back(u);
  }
  pe_macs.resize(pes);
  array_busy.resize(pe_arrays);
}

void Profile::fill(const FillEvent& e) {
  const Unit& u = units_[static_cast<std::size_t>(e.array)];
  Network& n = networks[u.network];
  n.to_children.add(e.words[0] + e.words[1] + e.words[2], e.start, e.injected);
  if (e.past > 0) {  // over the network above as well, to the one unit there
    Network& outer = networks[u.network - 1];
    outer.to_children.add(e.past, e.start, e.injected);
    outer.delivered[0] += e.past;
  }
  for (const auto* per_child : e.per_child) {
    if (per_child == nullptr) continue;
    for (std::size_t p = 0; p < per_child->size(); ++p)
      n.delivered[u.first_child + p] += (*per_child)[p];
  }
}

void Profile::drain(const DrainEvent& e) {
  networks[units_[static_cast<std::size_t>(e.array)].network].to_parent.add(e.words, e.start,
                                                                            e.injected);
}

void Profile::work(const WorkEvent& e) {
  const Unit& u = units_[static_cast<std::size_t>(e.array)];
  macs.add(e.macs, e.start, e.end);
  array_busy[u.array] += e.end - e.start;
  if (e.pes == nullptr) return;
  for (std::size_t p = 0; p < e.pes->size(); ++p) pe_macs[u.first_pe + p] += (*e.pes)[p].macs;
}

// All series get the same bins.
void Profile::end(std::int64_t cycles) {
  std::vector<Bins*> all{&macs};
  for (Network& n : networks) all.insert(all.end(), {&n.to_children, &n.to_parent});
  for (const Bins* b : all) bin_cycles = std::max(bin_cycles, b->cycles());
  while ((cycles + bin_cycles - 1) / bin_cycles > static_cast<std::int64_t>(Bins::kMost))
    bin_cycles *= 2;
  for (Bins* b : all) {
    while (b->cycles() < bin_cycles) b->widen();
    // What takes no time may happen at the very end.
    const std::size_t bins =
        static_cast<std::size_t>(std::max<std::int64_t>((cycles + bin_cycles - 1) / bin_cycles, 1));
    if (b->values.size() < bins) b->values.resize(bins);
    for (; b->values.size() > bins; b->values.pop_back()) b->values[bins - 1] += b->values.back();
  }
}

}  // namespace counterpoint::sim
