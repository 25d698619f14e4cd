#include "braid/evaluate/image/robustness.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "braid/core/error.h"
#include "braid/evaluate/image/corruption.h"
#include "braid/runtime/eval_scope.h"

namespace braid::evaluate {
namespace {

struct Sample {
  std::vector<io::Image> images;  // resized to the model's input
  std::vector<uint64_t> seeds;    // of each image's corruptions, whatever else was left out
  int64_t bad_samples = 0;
  torch::Tensor labels;           // [N] int64
};

Sample take_sample(const data::DatasetPtr& dataset, const data::InputConfig& input,
                   const RobustnessOptions& options) {
  auto chosen = dataset;
  if (options.images > 0 && options.images < dataset->size())
    chosen = data::sample_fraction(
        dataset, static_cast<double>(options.images) / static_cast<double>(dataset->size()),
        options.seed);
  Sample sample;
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < chosen->size(); ++i) {
    try {
      const auto example = chosen->get(i);
      sample.images.push_back(data::prepare_for_evaluation(example.image, input));
      sample.seeds.push_back(static_cast<uint64_t>(options.seed + i));
      labels.push_back(example.label);
    } catch (const DataError&) {
      if (options.on_bad_sample != "skip") throw;
      ++sample.bad_samples;
    }
  }
  if (labels.empty())
    throw DataError("robustness", "expected at least one image that can be read, got none");
  sample.labels = torch::tensor(labels, torch::kLong);
  return sample;
}

using Corruption = std::function<io::Image(const io::Image&, uint64_t seed)>;

// Top-1 in percent on the sample, every image corrupted first.
double accuracy(models::Model& model, const Sample& sample, const Corruption& corruption,
                const data::InputConfig& input, const RobustnessOptions& options,
                torch::Device device) {
  const auto count = static_cast<int64_t>(sample.images.size());
  int64_t right = 0;
  for (int64_t begin = 0; begin < count; begin += options.batch_size) {
    const int64_t size = std::min(options.batch_size, count - begin);
    auto batch = torch::empty({size, input.height, input.width, input.channels});
    float* out = batch.data_ptr<float>();
    const int64_t stride = input.height * input.width * input.channels;
    at::parallel_for(0, size, 1, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        const auto at = static_cast<size_t>(begin + i);
        const auto image = corruption(sample.images[at], sample.seeds[at]);
        data::normalize(image, input, out + i * stride);
      }
    });
    const auto logits = model.forward(batch.permute({0, 3, 1, 2}).to(device));  // [B,K]
    const auto labels = sample.labels.narrow(0, begin, size);
    right += (logits.argmax(1).cpu() == labels).sum().item<int64_t>();
  }
  return 100.0 * static_cast<double>(right) / static_cast<double>(std::max<int64_t>(1, count));
}

}  // namespace

Robustness measure_robustness(models::Model& model, const data::DatasetPtr& dataset,
                              const data::InputConfig& input, const RobustnessOptions& options,
                              Progress& progress) {
  const runtime::EvalScope scope(model, options.dtype);
  const Sample sample = take_sample(dataset, input, options);
  const auto measure = [&](const Corruption& corruption) {
    return accuracy(model, sample, corruption, input, options, scope.device());
  };
  Robustness result;
  result.items = static_cast<int64_t>(sample.images.size());
  result.bad_samples = sample.bad_samples;
  const auto steps = static_cast<int64_t>(corruptions().size()) * kSeverities +
                     static_cast<int64_t>(options.grids.size()) + 1;
  progress.begin("robustness", steps);
  int64_t done = 0;
  result.clean_score = measure([](const io::Image& image, uint64_t) { return image; });
  progress.update(++done, "clean");
  for (const auto& name : corruptions())
    for (int64_t severity = 1; severity <= kSeverities; ++severity) {
      const double top1 = measure([&](const io::Image& image, uint64_t seed) {
        return corrupt(image, name, severity, seed);
      });
      result.corruptions.push_back({name, severity, top1});
      progress.update(++done, fmt::format("{} {}", name, severity));
    }
  for (const int64_t grid : options.grids) {
    if (grid > std::min(input.height, input.width)) continue;
    const double top1 =
        grid == 1 ? result.clean_score : measure([&](const io::Image& image, uint64_t seed) {
          return shuffle_patches(image, grid, seed);
        });
    result.shuffled_patches.push_back({grid, top1});
    progress.update(++done, fmt::format("shuffled {0} x {0}", grid));
  }
  progress.end();
  return result;
}

}  // namespace braid::evaluate
