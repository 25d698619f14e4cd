#include "braid/evaluate/image/references.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "braid/core/error.h"
#include "braid/core/stopwatch.h"
#include "braid/data/image/image_collate.h"
#include "braid/runtime/generator_guard.h"
#include "braid/tasks/image_model.h"
#include "braid/tasks/metrics/classification.h"

namespace braid::evaluate {
namespace {

// A split as a matrix.
struct Pixels {
  torch::Tensor values;  // [N,C*side*side] float32, normalized
  torch::Tensor labels;  // [N] int64
  int64_t side = 0;      // pixels of the shrunk images
};

// What keeps the training matrix below 200 MB.
int64_t side_of(const data::DatasetPtr& train) {
  constexpr int64_t kMostNumbers = 50'000'000;
  const int64_t own = tasks::image_side(*train);
  for (const int64_t side : {28, 24})
    if (train->size() * train->channels() * side * side <= kMostNumbers) return std::min(own, side);
  return std::min<int64_t>(own, 16);
}

Pixels read_pixels(const data::DatasetPtr& dataset, const data::InputConfig& input,
                   const ReferenceOptions& options, Progress& progress) {
  const auto loader = data::make_image_loader(dataset, {.batch_size = 256,
                                                        .workers = options.workers,
                                                        .on_bad_sample = options.on_bad_sample,
                                                        .input = input});
  std::vector<torch::Tensor> values, labels;
  progress.begin("reference classifiers", loader->size());
  loader->start_epoch(0);
  while (const auto batch = loader->next()) {
    values.push_back(batch->at(data::kPixelValues).contiguous().flatten(1));
    labels.push_back(batch->at(data::kLabels));
    progress.update(loader->position(), "");
  }
  progress.end();
  if (values.empty()) throw DataError("compare", "no image could be read");
  return {torch::cat(values), torch::cat(labels), input.height};
}

Score top1(const torch::Tensor& outputs, const torch::Tensor& labels) {
  tasks::TopAccuracy accuracy;
  accuracy.update(outputs, labels);
  return accuracy.scores().front();
}

torch::Tensor as_outputs(const torch::Tensor& classes, int64_t count) {
  return torch::one_hot(classes, count).to(torch::kFloat);
}

ReferenceResult majority(const Pixels& train, const Pixels& test, int64_t classes) {
  const Stopwatch watch;
  const auto most = torch::bincount(train.labels, {}, classes).argmax();
  const auto guess = most.expand({test.labels.size(0)});
  return {.name = "majority",
          .title = "the most frequent class",
          .score = top1(as_outputs(guess, classes), test.labels),
          .items = train.labels.size(0),
          .seconds = watch.seconds()};
}

// Adam, batches of 256, the rate falling to zero over the epochs that there is time for.
ReferenceResult linear(const Pixels& train, const Pixels& test, int64_t classes,
                       const ReferenceOptions& options) {
  constexpr int64_t kBatch = 256, kLeastSteps = 1000, kMostEpochs = 100;
  constexpr double kRate = 2e-3, kDecay = 1e-3, kBeta1 = 0.9, kBeta2 = 0.99, kEps = 1e-8;
  const Stopwatch watch;
  const runtime::SeededGenerator generator(at::kCPU, static_cast<uint64_t>(options.seed));
  const torch::NoGradGuard no_grad;
  const int64_t count = train.labels.size(0), dims = train.values.size(1);
  const int64_t batches = (count + kBatch - 1) / kBatch;
  const int64_t steps = batches * std::clamp(kLeastSteps / batches + 1, int64_t{5}, kMostEpochs);
  auto weight = torch::zeros({dims + 1, classes});  // the last row: the bias
  auto mean = torch::zeros_like(weight), square = torch::zeros_like(weight);
  torch::Tensor order;
  for (int64_t step = 0; step < steps; ++step) {
    const int64_t batch = step % batches;
    if (batch == 0) order = torch::randperm(count, torch::kInt64);
    const double share = std::max(static_cast<double>(step) / static_cast<double>(steps),
                                  watch.seconds() / options.seconds);
    if (share >= 1) break;
    const auto rows = order.slice(0, batch * kBatch, (batch + 1) * kBatch);
    const auto x = train.values.index_select(0, rows);
    const auto y = train.labels.index_select(0, rows);
    const auto wrong =
        (at::addmm(weight[dims], x, weight.slice(0, 0, dims)).softmax(1) - as_outputs(y, classes)) /
        static_cast<double>(y.size(0));
    const auto gradient = torch::cat({x.t().mm(wrong), wrong.sum({0}, /*keepdim=*/true)});
    mean.lerp_(gradient, 1 - kBeta1);
    square.mul_(kBeta2).addcmul_(gradient, gradient, 1 - kBeta2);
    const auto t = static_cast<double>(step + 1);
    const double rate = kRate * (1 - share);
    weight.mul_(1 - rate * kDecay);
    weight.addcdiv_(mean, (square / (1 - std::pow(kBeta2, t))).sqrt_().add_(kEps),
                    -rate / (1 - std::pow(kBeta1, t)));
  }
  const auto outputs = at::addmm(weight[dims], test.values, weight.slice(0, 0, dims));
  return {.name = "linear",
          .title = fmt::format("a linear classifier on {0}x{0} pixels", train.side),
          .score = top1(outputs, test.labels),
          .items = count,
          .seconds = watch.seconds()};
}

ReferenceResult nearest(const Pixels& train, const Pixels& test, int64_t classes) {
  constexpr int64_t kRows = 256;
  const Stopwatch watch;
  const auto norms = train.values.square().sum(1);  // [N]
  std::vector<torch::Tensor> found;
  for (const auto& rows : test.values.split(kRows))
    found.push_back(at::addmm(norms, rows, train.values.t(), 1, -2).argmin(1));
  const auto classes_found = train.labels.index_select(0, torch::cat(found));
  return {.name = "nearest",
          .title = fmt::format("the nearest training image by {0}x{0} pixels", train.side),
          .score = top1(as_outputs(classes_found, classes), test.labels),
          .items = train.labels.size(0),
          .seconds = watch.seconds()};
}

// So many rows of the matrix, evenly spread over the classes' order.
Pixels thinned(const Pixels& pixels, int64_t rows) {
  const int64_t count = pixels.labels.size(0);
  if (rows >= count) return pixels;
  const auto kept =
      torch::linspace(0, static_cast<double>(count - 1), rows).round().to(torch::kInt64);
  return {pixels.values.index_select(0, kept), pixels.labels.index_select(0, kept), pixels.side};
}

}  // namespace

References measure_references(const data::DatasetPtr& train, const data::DatasetPtr& test,
                              const data::PixelStatistics& statistics,
                              const ReferenceOptions& options, Progress& progress) {
  constexpr int64_t kMostNumbers = 50'000'000;
  constexpr double kMostDistances = 3e11;  // multiply-accumulates of all distances: some seconds
  data::InputConfig input;
  input.channels = train->channels();
  input.height = input.width = side_of(train);
  input.crop_pct = 1;
  input.crop_mode = "squash";
  input.mean = statistics.mean;
  input.std = statistics.std;
  const int64_t dims = input.channels * input.height * input.width;
  const double share =
      static_cast<double>(kMostNumbers) / static_cast<double>(train->size() * dims);
  const auto part = share < 1 ? data::sample_fraction(train, share, options.seed) : train;
  const Pixels seen = read_pixels(part, input, options, progress);
  const Pixels asked = read_pixels(test, input, options, progress);
  const auto classes = static_cast<int64_t>(train->classes().size());
  const double rows = kMostDistances / static_cast<double>(asked.labels.size(0) * dims);
  References references;
  references.rows = {
      majority(seen, asked, classes), linear(seen, asked, classes, options),
      nearest(thinned(seen, std::max<int64_t>(1, static_cast<int64_t>(rows))), asked, classes)};
  std::stable_sort(references.rows.begin(), references.rows.end(),
                   [](const auto& a, const auto& b) { return tasks::better(a.score, b.score); });
  return references;
}

}  // namespace braid::evaluate
