// How fast a model answers.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "braid/data/image/transforms.h"
#include "braid/models/vision/image_model.h"

namespace braid::evaluate {

struct LatencyOptions {
  int64_t warm_up = 5;            // calls before the clock runs
  int64_t min_calls = 30;         // of one image
  int64_t throughput_batch = 64;  // images
  int64_t throughput_calls = 5;   // at least
  double max_seconds = 2.0;       // per figure; the least number of calls may exceed it
  std::string dtype = "float32";  // float32, bfloat16, auto
};

struct Latency {
  double p50_ms = 0;        // one image, from its tensor to its logits
  double p95_ms = 0;        // likewise
  double images_per_s = 0;  // the median call on throughput_batch images
  int64_t calls = 0;        // single-image calls behind p50 and p95
};

// Runs without gradients, in eval mode, on random images on the model's device, and leaves the
// model in the mode it was in. Decoding and resizing are not counted.
Latency measure_latency(models::ImageModel& model, const data::InputConfig& input,
                        const LatencyOptions& options = {});

// The q-quantile (0 to 1) of at least one value, linearly interpolated as numpy's default does.
double quantile(std::vector<double> values, double q);

}  // namespace braid::evaluate
