// Threads that work off a queue.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace braid::serve {

class WorkerPool {
 public:
  explicit WorkerPool(int64_t threads);
  ~WorkerPool() { stop(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // task: throws nothing. urgent: before all that are not. After stop() it runs in the caller.
  void post(std::function<void()> task, bool urgent = false);
  int64_t waiting() const;
  // Works off what is queued and joins; whatever is posted meanwhile is done too.
  void stop();

 private:
  void run();

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> urgent_, tasks_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace braid::serve
