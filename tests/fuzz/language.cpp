// SPDX-License-Identifier: Apache-2.0
// libFuzzer: mapping files, dataflow templates and network files survive any bytes, and what is
// accepted is printed to something that is accepted again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "workloads/language.h"
#include "workloads/network_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace counterpoint;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto network = workloads::parse_network(text, "fuzz.m");
  input::format(network.diagnostics);
  if (network.network &&
      !workloads::parse_network(workloads::print(*network.network), "again.m").network)
    std::abort();
  const auto dataflow = workloads::parse_dataflow(text, "fuzz.m");
  if (dataflow.dataflow &&
      !workloads::parse_dataflow(workloads::print(*dataflow.dataflow), "again.m").dataflow)
    std::abort();
  std::vector<input::Diagnostic> diagnostics;
  workloads::read_network_yaml(text, "fuzz.yaml", diagnostics);
  return 0;
}
