// Requests per second and client.
#pragma once
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

namespace braid::serve {

class RateLimiter {
 public:
  using Clock = std::chrono::steady_clock;
  // per_second: of each client, with bursts of as many, at least one; 0: any number.
  explicit RateLimiter(double per_second) : per_second_(per_second) {}

  // 0: the request is taken; else seconds until one would be.
  double ask(const std::string& client, Clock::time_point now = Clock::now());

 private:
  struct Bucket {
    double tokens;
    Clock::time_point filled;
  };
  void forget_idle_clients(Clock::time_point now);
  double burst() const { return per_second_ < 1 ? 1 : per_second_; }

  const double per_second_;
  std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace braid::serve
