// A few threads that share loops.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace braid::runner {

class ThreadPool {
 public:
  // threads: those that compute, the caller's own among them.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls body(begin, end, thread) for parts of [0, count), one part for each thread at most, none
  // smaller than `grain`; returns when all are done. The body must not throw.
  using Body = std::function<void(int64_t begin, int64_t end, int thread)>;
  void split(int64_t count, int64_t grain, const Body& body);

 private:
  void work(int thread);
  void run_part(int thread);

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::atomic<uint64_t> generation_ = 0;
  std::atomic<int> running_ = 0;
  bool stop_ = false;
  const Body* body_ = nullptr;
  int64_t count_ = 0;
  int parts_ = 0;
};

}  // namespace braid::runner
