// How many bytes of requests may be held at once.
#pragma once
#include <atomic>
#include <cstdint>
#include <utility>

namespace braid::serve {

class MemoryBudget {
 public:
  explicit MemoryBudget(int64_t limit) : limit_(limit) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;
  int64_t used() const { return used_.load(std::memory_order_relaxed); }

  // Bytes that are given back at its end.
  class Charge {
   public:
    Charge() = default;
    explicit Charge(MemoryBudget& budget) : budget_(&budget) {}
    Charge(Charge&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Charge& operator=(Charge&& other) noexcept {
      release();
      budget_ = std::exchange(other.budget_, nullptr);
      bytes_ = std::exchange(other.bytes_, 0);
      return *this;
    }
    ~Charge() { release(); }

    // False, and nothing is taken, where the limit would be passed.
    bool add(int64_t bytes) {
      if (budget_->used_.fetch_add(bytes, std::memory_order_relaxed) + bytes > budget_->limit_) {
        budget_->used_.fetch_sub(bytes, std::memory_order_relaxed);
        return false;
      }
      bytes_ += bytes;
      return true;
    }

   private:
    void release() {
      if (budget_ != nullptr) budget_->used_.fetch_sub(bytes_, std::memory_order_relaxed);
      bytes_ = 0;
    }
    MemoryBudget* budget_ = nullptr;
    int64_t bytes_ = 0;
  };

 private:
  const int64_t limit_;
  std::atomic<int64_t> used_{0};
};

}  // namespace braid::serve
