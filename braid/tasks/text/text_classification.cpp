#include "braid/tasks/text/text_classification.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/data/stratify.h"
#include "braid/data/text/text_collate.h"
#include "braid/tasks/class_balance.h"
#include "braid/tasks/loss.h"
#include "braid/tasks/metrics/classification.h"
#include "braid/tasks/split_part.h"

namespace braid::tasks {
TextClassification::TextClassification(const TaskConfig& config, data::TextSplits splits,
                                       TokenizedModel classifier)
    : config_(config),
      splits_(std::move(splits)),
      classifier_(std::move(classifier)),
      class_weights_(class_weights(config_.class_weights, data::count_labels(*splits_.train))) {}

std::unique_ptr<data::Loader> TextClassification::training_loader(
    const TrainingData& options) const {
  return data::make_text_loader(
      splits_.train, classifier_.tokenizer,
      {.batch_size = options.batch_size,
       .workers = options.workers,
       .on_bad_sample = options.on_bad_sample,
       .max_length = classifier_.max_length,
       .training = data::TrainingTexts{.word_drop = config_.text.word_drop,
                                       .seed = options.seed,
                                       .balanced = config_.sampler == kBalancedSampler}});
}

torch::Tensor TextClassification::loss(const torch::Tensor& logits,
                                       const data::Batch& batch) const {
  return cross_entropy(logits, batch.at(data::kLabels), config_.smoothing, class_weights_);
}

Step TextClassification::training_step(const data::Batch& batch) {
  return {loss(forward(batch).to(torch::kFloat), batch), static_cast<double>(batch.size())};
}

Scores TextClassification::evaluate(Split split, const EvaluateOptions& options,
                                    Progress& progress) {
  TopAccuracy top1;
  CrossEntropy loss;
  const auto& dataset = part_of(splits_, split);
  unread_[split] = run_texts(classifier_, dataset, options, progress,
                             [&](const torch::Tensor& logits, const data::Batch& batch) {
                               top1.update(logits, batch.at(data::kLabels));
                               loss.update(logits, batch.at(data::kLabels));
                             });
  if (top1.count() == 0)
    throw DataError("evaluate",
                    fmt::format("expected a text to evaluate on, but none of the {} of the split "
                                "can be read",
                                dataset->size()),
                    dataset->size() > 0 ? dataset->describe(0) : config_.data);
  return {top1.scores().front(), loss.scores().front()};
}

int64_t TextClassification::unread(Split split) const {
  const auto found = unread_.find(split);
  return found == unread_.end() ? 0 : found->second;
}

data::Summary TextClassification::data() const {
  const auto size = [](const data::TextDatasetPtr& part) { return part ? part->size() : 0; };
  return {.classes = static_cast<int64_t>(splits_.train->classes().size()),
          .train = size(splits_.train),
          .val = size(splits_.val),
          .test = size(splits_.test),
          .left_out = splits_.left_out};
}

void TextClassification::save(const std::filesystem::path& folder) const {
  save_tokenized_model(classifier_, folder);
}

}  // namespace braid::tasks
