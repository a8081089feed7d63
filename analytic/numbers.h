// SPDX-License-Identifier: Apache-2.0
// One time at once, for what is written for one or several (engine.h, prices.h).
#pragma once

#include <cstdint>

namespace counterpoint::analytic {
namespace {

using Number = std::int64_t;
using Value = std::int64_t;

inline Value larger(Value a, Value b) {
  return a < b ? b : a;
}
inline Value smaller(Value a, Value b) {
  return b < a ? b : a;
}
inline bool differ(Value a, Value b) {
  return a != b;
}
inline bool exceeds(Value a, Value b) {
  return a > b;
}
inline Value choose(Value a, Value b, Value if_greater, Value otherwise) {
  return a > b ? if_greater : otherwise;
}
inline Value everywhere(Number n) {
  return n;
}
inline Value over(Value a, Value b) {
  return (a + b - 1) / b;
}
// The product may need more than 64 bits.
inline Value over(Value a, Value by, Value b) {
  __extension__ typedef __int128 Wide;
  return static_cast<Value>((Wide(a) * by + b - 1) / b);
}

}  // namespace
}  // namespace counterpoint::analytic
