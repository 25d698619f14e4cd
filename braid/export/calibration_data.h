// What a quantization sees, of images and of texts.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/data/batch.h"
#include "braid/data/loader.h"

namespace braid::onnx {

struct CalibrationData {
  std::vector<data::Batch> calibration;
  // Others, where there are others; with labels in the checkpoint's order where they are known.
  std::vector<data::Batch> judged;
  // What the result is measured on, with the checkpoint's label of each of its classes; empty for
  // samples without labels.
  std::function<std::unique_ptr<data::Loader>()> open_test;
  int64_t test_size = 0;
  torch::Tensor classes;
  std::string split;
  // See compress::Samples, of `judged`.
  std::function<torch::Tensor(const torch::Tensor& output, size_t batch)> reader;
  std::vector<std::string> remarks;
};

inline constexpr int64_t kLeastSamples = 8;  // below, ranges mean nothing

// A seeded choice of so many positions.
std::vector<int64_t> choose_positions(int64_t size, int64_t count, int64_t seed);

// Labels of the data in the checkpoint's order; what is no label stays.
torch::Tensor mapped_labels(const torch::Tensor& labels, const torch::Tensor& classes);

// Says what a user should know. items: "images", "texts".
CalibrationData with_remarks(CalibrationData data, const std::string& items, Progress& progress);

}  // namespace braid::onnx
