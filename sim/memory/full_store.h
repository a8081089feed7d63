// SPDX-License-Identifier: Apache-2.0
// Words of one tensor in off-chip memory or in a buffer, addressed by word number.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace counterpoint::sim {

/// Zeroed words. Address space for the whole tensor, memory only for the pages that are touched,
/// so a buffer costs what it holds over the layer.
template <typename Word>
class FullStore {
 public:
  explicit FullStore(std::int64_t words)
      : data_(static_cast<Word*>(
            std::calloc(static_cast<std::size_t>(words > 0 ? words : 1), sizeof(Word)))) {
    if (!data_) throw std::bad_alloc();
  }
  Word& operator[](std::int64_t id) { return data_.get()[id]; }
  Word operator[](std::int64_t id) const { return data_.get()[id]; }
  Word* data() { return data_.get(); }
  const Word* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(Word* p) const { std::free(p); }
  };
  std::unique_ptr<Word, Free> data_;
};

}  // namespace counterpoint::sim
