#include "braid/data/each_index.h"

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace braid::data {

void for_each_index(size_t count, int64_t threads, const std::function<void(size_t)>& work) {
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work_on = [&] {
    try {
      for (size_t i = next++; i < count; i = next++) work(i);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  };
  std::vector<std::thread> workers;
  for (int64_t k = 1; k < threads; ++k) workers.emplace_back(work_on);
  work_on();
  for (auto& worker : workers) worker.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace braid::data
