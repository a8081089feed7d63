// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: any bytes are a machine or get an error, never both, never neither.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "hw/machine_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<counterpoint::input::Diagnostic> diagnostics;
  const auto machine = counterpoint::hw::read_machine(
      std::string(reinterpret_cast<const char*>(data), size), "input", diagnostics);
  if (machine.has_value() == counterpoint::input::has_errors(diagnostics)) __builtin_trap();
  (void)counterpoint::input::format(diagnostics);
  return 0;
}
