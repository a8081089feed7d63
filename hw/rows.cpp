// SPDX-License-Identifier: Apache-2.0
#include "hw/rows.h"

#include <cmath>

namespace counterpoint::hw {

int hits_of_thousand(std::int64_t asked, std::int64_t capacity_bytes) {
  if (asked <= capacity_bytes) return 1000;
  const double ratio = static_cast<double>(asked) / static_cast<double>(capacity_bytes);
  // exp(-(1 - h) ratio) - h is positive below the smaller solution and negative from there to 1.
  int below = 0, above = 1000;
  while (above - below > 1) {
    const int middle = (below + above) / 2;
    const double h = middle / 1000.0;
    (std::exp(-(1 - h) * ratio) >= h ? below : above) = middle;
  }
  return below;
}

}  // namespace counterpoint::hw
