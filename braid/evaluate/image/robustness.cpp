#include "braid/evaluate/image/robustness.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "braid/core/error.h"
#include "braid/data/image/image_collate.h"
#include "braid/data/memory_dataset.h"
#include "braid/evaluate/image/corruption.h"
#include "braid/tasks/inference.h"
#include "braid/tasks/metrics/classification.h"

namespace braid::evaluate {
namespace {

struct Sample {
  data::DatasetPtr images;         // resized to the model's input, in memory
  std::vector<int64_t> positions;  // of each in the sample that was drawn, readable or not
  int64_t bad_samples = 0;
};

Sample take_sample(const data::DatasetPtr& dataset, const data::InputConfig& input,
                   const RobustnessOptions& options) {
  auto chosen = dataset;
  if (options.images > 0 && options.images < dataset->size())
    chosen = data::sample_fraction(
        dataset, static_cast<double>(options.images) / static_cast<double>(dataset->size()),
        options.seed);
  Sample sample;
  data::BadSamples bad(options.on_bad_sample);
  std::vector<data::Example> examples;
  for (int64_t i = 0; i < chosen->size(); ++i) {
    data::Example example;
    if (!bad.guard([&] { example = chosen->get(i); })) continue;
    examples.push_back({data::prepare_for_evaluation(example.image, input), example.label});
    sample.positions.push_back(i);
  }
  if (examples.empty()) throw DataError("robustness", "no image could be read");
  sample.bad_samples = bad.count();
  sample.images =
      std::make_shared<data::MemoryDataset>("sample", std::move(examples), dataset->classes());
  return sample;
}

using ImageChange = std::function<io::Image(const io::Image&, uint64_t seed)>;

// Top-1 in percent on the sample, every image changed first.
double accuracy(models::ImageModel& model, const Sample& sample, const ImageChange& change,
                const data::InputConfig& input, const RobustnessOptions& options) {
  const auto changed = [&](const io::Image& image, int64_t index) {
    const int64_t position = sample.positions.at(static_cast<size_t>(index));
    return change(image, static_cast<uint64_t>(options.seed + position));
  };
  data::Loader loader(std::make_shared<data::ImageCollate>(sample.images, input, changed),
                      std::make_unique<data::Sequential>(sample.images->size(), options.batch_size),
                      {.workers = options.workers});
  tasks::TopAccuracy top1;
  tasks::run_batches(model, loader, options.dtype,
                     [&](const torch::Tensor& logits, const data::Batch& batch) {
                       top1.update(logits, batch.at(data::kLabels));
                     });
  return top1.scores().front().value;
}

}  // namespace

Robustness measure_robustness(models::ImageModel& model, const data::DatasetPtr& dataset,
                              const data::InputConfig& input, const RobustnessOptions& options,
                              Progress& progress) {
  const auto sample = take_sample(dataset, input, options);
  const auto measure = [&](const ImageChange& change) {
    return accuracy(model, sample, change, input, options);
  };
  Robustness result;
  result.items = sample.images->size();
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
