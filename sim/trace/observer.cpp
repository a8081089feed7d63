// SPDX-License-Identifier: Apache-2.0
#include "sim/trace/observer.h"

#include <algorithm>

namespace counterpoint::sim {

const char* name(CycleClass c) {
  constexpr std::array<const char*, kCycleClasses> kNames = {
      "start-up", "compute", "level-above", "bandwidth", "drain", "latency", "contention", "tail"};
  return kNames[static_cast<std::size_t>(c)];
}

const char* name(Wait w) {
  constexpr std::array<const char*, kWaits> kNames = {"-", "level-above", "slot", "readback",
                                                      "medium"};
  return kNames[static_cast<std::size_t>(w)];
}

bool Observers::wants_pes() const {
  return std::any_of(all_.begin(), all_.end(), [](const Observer* o) { return o->wants_pes(); });
}
bool Observers::wants_values() const {
  return std::any_of(all_.begin(), all_.end(), [](const Observer* o) { return o->wants_values(); });
}
void Observers::begin(const std::vector<ArrayDescription>& arrays) {
  for (Observer* o : all_) o->begin(arrays);
}
void Observers::fill_starts(int array, int channel, std::int64_t now) {
  for (Observer* o : all_) o->fill_starts(array, channel, now);
}
void Observers::drain_starts(int array, std::int64_t now) {
  for (Observer* o : all_) o->drain_starts(array, now);
}
void Observers::fill(const FillEvent& e) {
  for (Observer* o : all_) o->fill(e);
}
void Observers::drain(const DrainEvent& e) {
  for (Observer* o : all_) o->drain(e);
}
void Observers::work(const WorkEvent& e) {
  for (Observer* o : all_) o->work(e);
}
void Observers::work_waits(int array, unsigned missing, std::int64_t now) {
  for (Observer* o : all_) o->work_waits(array, missing, now);
}
void Observers::work_over(int array, std::int64_t now) {
  for (Observer* o : all_) o->work_over(array, now);
}
void Observers::fill_waits(int array, int channel, Wait w, std::int64_t now) {
  for (Observer* o : all_) o->fill_waits(array, channel, w, now);
}
void Observers::drain_waits(int array, Wait w, std::int64_t now) {
  for (Observer* o : all_) o->drain_waits(array, w, now);
}
void Observers::outputs_begin(int array, std::int64_t residence, std::int64_t tile,
                              std::int64_t now) {
  for (Observer* o : all_) o->outputs_begin(array, residence, tile, now);
}
void Observers::released(int array, Tensor t, std::int64_t first, std::int64_t last,
                         std::int64_t now) {
  for (Observer* o : all_) o->released(array, t, first, last, now);
}
void Observers::end(std::int64_t cycles) {
  for (Observer* o : all_) o->end(cycles);
}

}  // namespace counterpoint::sim
