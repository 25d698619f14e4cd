// What is counted while serving, in Prometheus' text format.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace braid::serve {

class Histogram {
 public:
  // bounds: upper ones, ascending; one more without bound follows.
  explicit Histogram(std::vector<double> bounds);
  void observe(double value);
  // NAME_bucket, NAME_sum and NAME_count; labels: `model="a"`.
  void write(std::string& out, const std::string& name, const std::string& labels) const;

 private:
  const std::vector<double> bounds_;
  const std::unique_ptr<std::atomic<uint64_t>[]> buckets_;
  std::atomic<double> sum_{0};
};

// per_decade bounds between powers of ten, from `least` to `most` seconds.
std::vector<double> latency_bounds(double least, double most, int per_decade);

// How a request for inference ended.
enum class Ending {
  kSuccess,
  kInvalid,    // 4xx: its own fault
  kOverload,   // 503: no room
  kTimeout,    // 504: its deadline passed
  kCancelled,  // its client went away
  kFailed,     // 500
};
constexpr int kEndings = 6;
const char* to_string(Ending ending);

// Of one model, over its reloads.
struct ModelMetrics {
  ModelMetrics();
  Histogram request, prepare, queue, inference;  // seconds
  Histogram batch_rows;
  std::array<std::atomic<uint64_t>, kEndings> ended{}, explained{};
  std::atomic<int64_t> waiting{0};  // requests that are prepared or queued
  std::atomic<uint64_t> rows{0}, executions{0};
  // Of requests that succeeded, for Triton's statistics.
  std::atomic<uint64_t> success_ns{0}, fail_ns{0}, prepare_ns{0}, queue_ns{0}, inference_ns{0},
      last_inference_ms{0};

  void end(Ending ending) { ++ended[static_cast<size_t>(ending)]; }
  uint64_t count(Ending ending) const { return ended[static_cast<size_t>(ending)]; }
  void add_batch(int64_t batch_rows, uint64_t ns);
  struct BatchSize {
    uint64_t count = 0, ns = 0;
  };
  std::map<int64_t, BatchSize> batches() const;

 private:
  mutable std::mutex mutex_;
  std::map<int64_t, BatchSize> batches_;  // by rows
};

class Metrics {
 public:
  // Made where there are none; lives as long as this. name: of a model that is there, since clients
  // must not make up series.
  ModelMetrics& of_model(const std::string& name);

  std::atomic<int64_t> connections{0}, requests_in_progress{0}, request_bytes{0};
  std::atomic<uint64_t> connections_total{0}, connections_refused{0}, timed_out_connections{0};
  void count_response(int status);

  // ready: models that answer, and what computes each.
  std::string text(const std::map<std::string, std::string>& ready) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<ModelMetrics>> models_;
  std::map<int, uint64_t> responses_;  // by status
};

}  // namespace braid::serve
