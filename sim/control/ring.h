// SPDX-License-Identifier: Apache-2.0
// A queue that allocates only when it becomes longer than ever before.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace counterpoint::sim {

template <typename T>
class Ring {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return items_[(first_ + i) & (items_.size() - 1)]; }
  const T& operator[](std::size_t i) const { return items_[(first_ + i) & (items_.size() - 1)]; }
  T& front() { return (*this)[0]; }
  const T& front() const { return (*this)[0]; }
  T& back() { return (*this)[size_ - 1]; }
  void push_back(T x) {
    if (size_ == items_.size()) grow();
    ++size_;
    back() = std::move(x);
  }
  void pop_front() {
    front() = T{};  // what it refers to is not kept
    first_ = (first_ + 1) & (items_.size() - 1);
    --size_;
  }

  template <typename Of, typename Item>
  struct Iterator {
    Of* ring;
    std::size_t i;
    Item& operator*() const { return (*ring)[i]; }
    Iterator& operator++() {
      ++i;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return i != other.i; }
  };
  auto begin() { return Iterator<Ring, T>{this, 0}; }
  auto end() { return Iterator<Ring, T>{this, size_}; }
  auto begin() const { return Iterator<const Ring, const T>{this, 0}; }
  auto end() const { return Iterator<const Ring, const T>{this, size_}; }

 private:
  void grow() {
    std::vector<T> larger(items_.empty() ? 4 : 2 * items_.size());
    for (std::size_t i = 0; i < size_; ++i) larger[i] = std::move((*this)[i]);
    items_ = std::move(larger);
    first_ = 0;
  }
  std::vector<T> items_;  // a power of two
  std::size_t first_ = 0, size_ = 0;
};

}  // namespace counterpoint::sim
