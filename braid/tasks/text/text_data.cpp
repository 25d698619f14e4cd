#include "braid/tasks/text/text_data.h"

#include "braid/data/stratify.h"
#include "braid/data/summary.h"
#include "braid/tasks/class_balance.h"
#include "braid/tasks/distillation.h"
#include "braid/tasks/text/starting_weights.h"
#include "braid/tasks/text/text_classification.h"
#include "braid/tasks/text/text_facts.h"
#include "braid/tasks/text/text_teacher.h"

namespace braid::tasks {

TextData::TextData(data::TextSplits splits, std::string spec)
    : splits_(std::move(splits)), spec_(std::move(spec)) {}

std::vector<std::string> TextData::remarks() const {
  auto lines = data::remarks_on(splits_.left_out, splits_.remarks, spec_);
  if (const auto line =
          imbalance_text(data::count_labels(*splits_.train), splits_.train->classes()))
    lines.push_back(*line);
  return lines;
}

text::TokenizerPtr TextData::tokenizer(const TaskConfig& config, Progress& progress) const {
  auto& kept = tokenizers_[tokenizer_source(config, std::to_string(config.text.vocab_size))];
  if (!kept) kept = make_tokenizer(config, *splits_.train, progress);
  return kept;
}

TokenizedModel TextData::make_classifier(const TaskConfig& config, int64_t seed,
                                         Progress& progress) const {
  return make_text_classifier(config, *splits_.train, tokenizer(config, progress), seed, progress);
}

TrainingFacts TextData::facts(const TaskConfig& config, const FactOptions& options,
                              Progress& progress) const {
  const auto made = make_classifier(config, options.seed, progress);
  return text_facts(made, splits_.train->size(), config, options,
                    [&] { return mean_length(*splits_.train, *made.tokenizer, made.max_length); });
}

std::unique_ptr<Task> TextData::make_task(const TaskConfig& config, const TaskOptions& options,
                                          Progress& progress) const {
  auto classifier = options.checkpoint.empty()
                        ? make_classifier(config, options.seed, progress)
                        : restore_text_classifier(config, *splits_.train, options.checkpoint);
  std::unique_ptr<Teacher> teacher;
  if (!config.distillation.teacher.empty())
    teacher = load_text_teacher(config.distillation.teacher, classifier, progress);
  auto task = std::make_unique<TextClassification>(config, splits_, std::move(classifier));
  if (!teacher) return task;
  return std::make_unique<Distillation>(std::move(task), std::move(teacher), config.distillation);
}

}  // namespace braid::tasks
