#include "braid/tasks/image_classification.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/data/image/image_collate.h"
#include "braid/data/stratify.h"
#include "braid/models/registry.h"
#include "braid/tasks/class_balance.h"
#include "braid/tasks/inference.h"
#include "braid/tasks/loss.h"
#include "braid/tasks/metrics/classification.h"
#include "braid/tasks/split_part.h"

namespace braid::tasks {
namespace {

// A design's file may change or go: its line stays.
TaskConfig with_design_line(const TaskConfig& given) {
  TaskConfig config = given;
  if (given.model.ends_with(".toml")) config.model = models::find_model(given.model).name;
  return config;
}

torch::Tensor weights_of(const TaskConfig& config, const data::Dataset& train) {
  return class_weights(config.class_weights, data::count_labels(train));
}

}  // namespace

ImageClassification::ImageClassification(const TaskConfig& config, const data::Splits& splits,
                                         const ImageModelOptions& options, Progress& progress)
    : config_(with_design_line(config)),
      splits_(splits),
      loaded_(make_image_model(config_, splits, options, progress)),
      class_weights_(weights_of(config_, *splits_.train)) {}

ImageClassification::ImageClassification(const TaskConfig& config, const data::Splits& splits,
                                         const std::filesystem::path& checkpoint)
    : config_(with_design_line(config)),
      splits_(splits),
      loaded_(restore_image_model(config_, splits, checkpoint)),
      class_weights_(weights_of(config_, *splits_.train)) {}

std::unique_ptr<data::Loader> ImageClassification::training_loader(
    const TrainingData& options) const {
  // What is no image at all is found now, not by the evaluation after an epoch.
  if (options.on_bad_sample == "error" && splits_.val)
    for (int64_t i = 0; i < splits_.val->size(); ++i) splits_.val->check_header(i);
  return data::make_image_loader(
      splits_.train,
      {.batch_size = options.batch_size,
       .workers = options.workers,
       .on_bad_sample = options.on_bad_sample,
       .input = loaded_.hub.input,
       .training = data::TrainingImages{.augment = config_.image.augment,
                                        .label_smoothing = config_.smoothing,
                                        .seed = options.seed,
                                        .balanced = config_.sampler == kBalancedSampler}});
}

void ImageClassification::to(const torch::Device& device) {
  Classifier::to(device);
  if (class_weights_.defined()) class_weights_ = class_weights_.to(device);
}

torch::Tensor ImageClassification::images(const data::Batch& batch) const {
  const auto& images = batch.at(data::kPixelValues);
  return config_.image.channels_last ? images : images.contiguous();
}

torch::Tensor ImageClassification::forward(const data::Batch& batch) {
  return loaded_.model->forward(images(batch));
}

Classifier::Heads ImageClassification::forward_heads(const data::Batch& batch) {
  auto [logits, distilled] = loaded_.model->forward_distilled(images(batch));
  return {logits, distilled};
}

torch::Tensor ImageClassification::loss(const torch::Tensor& logits,
                                        const data::Batch& batch) const {
  return batch.has(data::kSoftLabels)
             ? soft_cross_entropy(logits, batch.at(data::kSoftLabels), class_weights_)
             : cross_entropy(logits, batch.at(data::kLabels), config_.smoothing, class_weights_);
}

Step ImageClassification::training_step(const data::Batch& batch) {
  return {loss(forward(batch).to(torch::kFloat), batch), static_cast<double>(batch.size())};
}

Scores ImageClassification::evaluate(Split split, const EvaluateOptions& options,
                                     Progress& progress) {
  TopAccuracy top1;
  CrossEntropy loss;
  const auto& dataset = part_of(splits_, split);
  int64_t images = 0;
  unread_[split] = run_dataset(*loaded_.model, dataset, loaded_.hub.input, options, progress,
                               [&](const torch::Tensor& logits, const data::Batch& batch) {
                                 images += batch.size();
                                 top1.update(logits, batch.at(data::kLabels));
                                 loss.update(logits, batch.at(data::kLabels));
                               });
  if (images == 0)
    throw DataError("evaluate",
                    fmt::format("expected an image to evaluate on, but none of the {} of the "
                                "split can be read",
                                dataset->size()),
                    dataset->size() > 0 ? dataset->describe(0) : config_.data,
                    "replace them: `braid data check` names all that is wrong");
  return {top1.scores().front(), loss.scores().front()};
}

void ImageClassification::save(const std::filesystem::path& folder) const {
  models::save_model(*loaded_.model, loaded_.hub, folder);
}

}  // namespace braid::tasks
