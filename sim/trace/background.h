// SPDX-License-Identifier: Apache-2.0
// Work beside the simulation, on another core.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace counterpoint::sim {

/// A thread that does pieces of work one after the other, in the order in which they are given.
/// It begins with the first piece. What the work throws comes out of the next give() or finish().
template <class Piece>
class Background {
 public:
  explicit Background(std::function<void(Piece&)> work) : work_(std::move(work)) {}
  /// What has not begun is dropped.
  ~Background() { stop(false); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Waits while kMost pieces wait. The piece is swapped for one that was done earlier, so that
  /// its memory can be used again.
  void give(Piece& piece) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    changed_.wait(lock, [this] { return waiting_.size() < kMost || failure_; });
    rethrow();
    Piece used;
    if (!done_.empty()) {
      used = std::move(done_.back());
      done_.pop_back();
    }
    waiting_.push_back(std::exchange(piece, std::move(used)));
    changed_.notify_all();
  }

  /// Until everything is done.
  void finish() {
    stop(true);
    rethrow();
  }

 private:
  static constexpr std::size_t kMost = 8;

  void rethrow() {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

  void stop(bool complete) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      over_ = true;
      if (!complete) waiting_.clear();
      changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
  }

  void run() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return !waiting_.empty() || over_; });
      if (waiting_.empty()) return;
      Piece piece = std::move(waiting_.front());
      waiting_.pop_front();
      changed_.notify_all();
      lock.unlock();
      try {
        work_(piece);
      } catch (...) {
        lock.lock();
        failure_ = std::current_exception();
        waiting_.clear();
        changed_.notify_all();
        return;
      }
      lock.lock();
      if (done_.size() < kMost) done_.push_back(std::move(piece));
    }
  }

  std::function<void(Piece&)> work_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Piece> waiting_, done_;
  std::exception_ptr failure_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace counterpoint::sim
