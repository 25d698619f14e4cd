// How fast a model answers.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

namespace braid::evaluate {

// A model that can be called in this thread, without gradients, until it is destroyed.
class Inference {
 public:
  virtual ~Inference() = default;
  // The next calls are on so many made-up items.
  virtual void set_batch(int64_t items) = 0;
  // From the items' tensors to the model's output; returns when it is there.
  virtual void call() = 0;
};

struct LatencyOptions {
  int64_t warm_up = 5;            // calls before the clock runs
  int64_t min_calls = 30;         // of one item
  int64_t throughput_batch = 64;  // items
  int64_t throughput_calls = 5;   // at least
  double max_seconds = 2.0;       // per figure; the least number of calls may exceed it
};

struct Latency {
  double p50_ms = 0;       // one item, from its tensor to the output
  double p95_ms = 0;       // likewise
  double items_per_s = 0;  // the median call on throughput_batch items
  int64_t calls = 0;       // single-item calls behind p50 and p95
};

// Reading and preparing the items is not counted.
Latency measure_latency(Inference& model, const LatencyOptions& options = {});

// Milliseconds of the fastest of a few calls: what a model takes at least, also beside other work.
double least_latency_ms(const std::function<void()>& call);

// Of a call on so many items, after one that warms up.
double warm_items_per_s(int64_t items, const std::function<void()>& call);

// The q-quantile (0 to 1) of at least one value, linearly interpolated as numpy's default does.
double quantile(std::vector<double> values, double q);

}  // namespace braid::evaluate
