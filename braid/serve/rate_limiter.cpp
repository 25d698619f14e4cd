#include "braid/serve/rate_limiter.h"

#include <algorithm>

namespace braid::serve {
namespace {

constexpr size_t kMostClients = 65536;  // remembered at once

double seconds_between(RateLimiter::Clock::time_point from, RateLimiter::Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

double RateLimiter::ask(const std::string& client, Clock::time_point now) {
  if (per_second_ <= 0) return 0;
  const std::lock_guard lock(mutex_);
  if (buckets_.size() >= kMostClients) forget_idle_clients(now);
  auto& bucket = buckets_.try_emplace(client, Bucket{burst(), now}).first->second;
  bucket.tokens =
      std::min(burst(), bucket.tokens + seconds_between(bucket.filled, now) * per_second_);
  bucket.filled = now;
  if (bucket.tokens < 1) return (1 - bucket.tokens) / per_second_;
  bucket.tokens -= 1;
  return 0;
}

void RateLimiter::forget_idle_clients(Clock::time_point now) {
  // A full bucket says no more than none at all.
  std::erase_if(buckets_, [&](const auto& entry) {
    return entry.second.tokens + seconds_between(entry.second.filled, now) * per_second_ >= burst();
  });
  if (buckets_.size() >= kMostClients) buckets_.clear();
}

}  // namespace braid::serve
