#include "braid/tasks/text/translation.h"

#include <fmt/format.h>

#include <numeric>
#include <utility>

#include "braid/core/error.h"
#include "braid/data/length_bucketed.h"

namespace braid::tasks {
namespace {

// A model that has learned little writes on; a good translation is not that long.
constexpr double kValLengthFactor = 2;

data::ParallelTextPtr pairs_of(const data::ParallelSplits& splits, Split split) {
  const auto pairs = split == Split::kTrain ? splits.train
                     : split == Split::kVal ? splits.val
                                            : splits.test();
  if (!pairs) throw DataError("evaluate", "the data has no such split");
  return pairs;
}

int64_t threads_of_torch() { return at::get_num_threads(); }

}  // namespace

TranslationTask::TranslationTask(const TaskConfig& config, data::ParallelSplits splits,
                                 Translator translator, Progress& progress)
    : config_(config), splits_(std::move(splits)), translator_(std::move(translator)) {
  auto& generation = translator_.generation;
  generation.num_beams = config_.translation.num_beams;
  generation.length_penalty = config_.translation.length_penalty;
  if (!splits_.train) return;
  progress.begin("tokenizing", 0);
  const int64_t cut = collate_of(Split::kTrain)->cut_pairs();
  progress.end();
  if (cut > 0)
    progress.line(fmt::format("Cut to {} tokens: {} of {} training pairs (--max-length).",
                              translator_.format.max_length, cut, splits_.train->size()));
}

const std::shared_ptr<data::ParallelCollate>& TranslationTask::collate_of(Split split) {
  auto& collate = collates_[split];
  if (!collate) {
    collate = std::make_shared<data::ParallelCollate>(pairs_of(splits_, split),
                                                      translator_.tokenizer, translator_.format);
    collate->prepare(threads_of_torch());
  }
  return collate;
}

std::unique_ptr<data::Loader> TranslationTask::training_loader(const TrainingData& options) const {
  const auto& collate = collates_.at(Split::kTrain);
  const int64_t tokens = config_.translation.max_tokens;
  return std::make_unique<data::Loader>(
      collate,
      std::make_unique<data::LengthBucketed>(
          collate->lengths(),
          data::LengthBucketedOptions{.max_tokens = tokens,
                                      .max_examples = tokens > 0 ? 0 : options.batch_size,
                                      .seed = options.seed}),
      data::LoaderOptions{.workers = options.workers, .on_bad_sample = options.on_bad_sample});
}

torch::Tensor TranslationTask::forward(const data::Batch& batch) {
  auto& model = *translator_.model;
  const auto encoded = model.encode({.input_ids = batch.at(data::kInputIds),
                                     .attention_mask = batch.at(data::kAttentionMask),
                                     .token_type_ids = {}});
  return model.logits(model.decode(batch.at(data::kDecoderInputIds),
                                   batch.at(data::kDecoderAttentionMask), encoded));
}

Step TranslationTask::training_step(const data::Batch& batch) {
  return sequence_loss(*translator_.model, batch, config_.smoothing);
}

Scores TranslationTask::evaluate(Split split, const EvaluateOptions& options, Progress& progress) {
  const auto pairs = pairs_of(splits_, split);
  const auto& own = config_.translation;
  const bool all = split == Split::kTest;
  auto translator = translator_;  // the model is shared
  translator.generation.num_beams = all ? own.num_beams : own.val_num_beams;
  translator.generation.num_return_sequences = 1;
  const auto result = score_translations(translator, pairs, collate_of(split),
                                         {.evaluate = options,
                                          .max_tokens = own.max_tokens,
                                          .decoded_pairs = all ? pairs->size() : own.val_bleu_pairs,
                                          .max_length_factor = all ? 0 : kValLengthFactor},
                                         progress);
  unread_[split] = result.unread;
  if (!all && result.decoded_pairs > 0 && !std::exchange(said_, true))
    progress.line(fmt::format(
        "BLEU and chrF of val: {} of its {} pairs, {}.", result.decoded_pairs, pairs->size(),
        own.val_num_beams == 1 ? std::string("greedily")
                               : fmt::format("with {} beams", own.val_num_beams)));
  return result.scores;
}

int64_t TranslationTask::unread(Split split) const {
  const auto found = unread_.find(split);
  return found == unread_.end() ? 0 : found->second;
}

data::Summary TranslationTask::data() const {
  const auto size = [](const data::ParallelTextPtr& part) { return part ? part->size() : 0; };
  return {.classes = 0,
          .train = size(splits_.train),
          .val = size(splits_.val),
          .test = size(splits_.test()),
          .left_out = {}};
}

std::optional<double> TranslationTask::pass_weight() const {
  const auto found = collates_.find(Split::kTrain);
  if (found == collates_.end()) return std::nullopt;
  const auto& targets = found->second->lengths().at(1);
  return static_cast<double>(std::accumulate(targets.begin(), targets.end(), int64_t{0}));
}

void TranslationTask::save(const std::filesystem::path& folder) const {
  save_translator(translator_, folder);
}

}  // namespace braid::tasks
