#include "braid/serve/worker_pool.h"

#include <utility>

namespace braid::serve {

WorkerPool::WorkerPool(int64_t threads) {
  for (int64_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

void WorkerPool::post(std::function<void()> task, bool urgent) {
  {
    const std::lock_guard lock(mutex_);
    if (!threads_.empty()) {
      (urgent ? urgent_ : tasks_).push_back(std::move(task));
      wake_.notify_one();
      return;
    }
  }
  task();
}

int64_t WorkerPool::waiting() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int64_t>(urgent_.size() + tasks_.size());
}

void WorkerPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
  std::deque<std::function<void()>> late;
  {
    const std::lock_guard lock(mutex_);
    threads_.clear();
    late.swap(urgent_);
    for (auto& task : tasks_) late.push_back(std::move(task));
    tasks_.clear();
  }
  for (const auto& task : late) task();
}

void WorkerPool::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stopping_ || !urgent_.empty() || !tasks_.empty(); });
    auto& queue = urgent_.empty() ? tasks_ : urgent_;
    if (queue.empty()) return;
    auto task = std::move(queue.front());
    queue.pop_front();
    lock.unlock();
    task();
    task = nullptr;  // what it holds goes while nothing is locked
    lock.lock();
  }
}

}  // namespace braid::serve
