// SPDX-License-Identifier: Apache-2.0
#include "validation/tracing.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "hw/machine_file.h"
#include "input/diagnostics.h"
#include "workloads/mapping.h"
#include "workloads/network_file.h"

namespace counterpoint::validation {
namespace {

workloads::Mapping shipped(const char* machine, const char* dataflow, const char* layer) {
  std::vector<input::Diagnostic> diagnostics;
  const auto m = hw::load_machine(machine, diagnostics);
  const auto n = workloads::load_network("squeezenet1_1", diagnostics);
  const auto d = workloads::load_dataflow(dataflow, diagnostics);
  for (const workloads::NetworkLayer& l : n->layers)
    if (l.layer.name == layer) return *workloads::bind(l.layer, *d, *m, {true}).mapping;
  throw std::logic_error("no such layer");
}

// A large file is announced by this number.
TEST(Tracing, TheSizeOfAWaveformIsKnownWithinAFactorOfFour) {
  const std::string file =
      ::testing::TempDir() + "counterpoint-size-" + std::to_string(getpid()) + ".vcd";
  for (const char* dataflow : {"kc_p", "row_stationary"})
    for (const auto level : {sim::TraceLevel::Summary, sim::TraceLevel::Links, sim::TraceLevel::Pes,
                             sim::TraceLevel::Data}) {
      const workloads::Mapping m = shipped("accelerator_1", dataflow, "fire9_s1");
      TraceOptions trace;
      trace.waveform = file;
      trace.level = level;
      trace.limit_bytes = std::int64_t{1} << 40;
      sim::SimOptions options;
      options.carry_data = level == sim::TraceLevel::Data;
      const Traced t = simulate_traced(m, options, trace);
      const double bytes = t.trace["waveform"]["vcd_bytes"].get<double>();
      const double guess = waveform_estimate(m, level);
      EXPECT_LT(bytes, 4 * guess) << dataflow << " " << static_cast<int>(level);
      EXPECT_LT(guess, 4 * bytes) << dataflow << " " << static_cast<int>(level);
    }
  std::remove(file.c_str());
  std::remove((file.substr(0, file.size() - 3) + "gtkw").c_str());
}

TEST(Tracing, TheSizeOfATimelineIsKnownWithinAFactorOfTwo) {
  const std::string file =
      ::testing::TempDir() + "counterpoint-size-" + std::to_string(getpid()) + ".json";
  for (const char* dataflow : {"kc_p", "row_stationary"}) {
    const workloads::Mapping m = shipped("accelerator_1", dataflow, "fire9_s1");
    TraceOptions trace;
    trace.timeline = file;
    trace.limit_bytes = std::int64_t{1} << 40;
    sim::SimOptions options;
    options.carry_data = false;
    simulate_traced(m, options, trace);
    const double bytes = static_cast<double>(std::filesystem::file_size(file));
    EXPECT_LT(bytes, 2 * timeline_estimate(m)) << dataflow;
    EXPECT_LT(timeline_estimate(m), 2 * bytes) << dataflow;
  }
  std::remove(file.c_str());
}

TEST(Tracing, WindowsAreCyclesStepsOrTheLongestStall) {
  const workloads::Mapping m = shipped("accelerator_1", "kc_p", "fire9_s1");
  const Window all = find_window(m, "");
  EXPECT_EQ(all.from, 0);
  const Window some = find_window(m, "5:9");
  EXPECT_EQ(some.from, 5);
  EXPECT_EQ(some.to, 9);
  const Window first = find_window(m, "step:0"), second = find_window(m, "step:1");
  EXPECT_LT(first.from, second.from);
  EXPECT_LT(first.to, second.to);
  EXPECT_THROW(find_window(m, "step:"), input::InputError);
  EXPECT_THROW(find_window(m, "-3:5"), input::InputError);
  EXPECT_EQ(trace_size("2K"), 2048);
  EXPECT_EQ(trace_size("7"), 7);
  EXPECT_THROW(trace_size("0"), input::InputError);
  EXPECT_THROW(trace_size("K"), input::InputError);
  EXPECT_THROW(trace_size("99999999999G"), input::InputError);
}

}  // namespace
}  // namespace counterpoint::validation
