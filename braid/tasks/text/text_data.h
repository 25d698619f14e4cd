// Texts with a class each, opened for training.
#pragma once
#include <map>
#include <string>

#include "braid/data/text/text_dataset.h"
#include "braid/tasks/task_data.h"
#include "braid/tasks/text/text_classifier.h"

namespace braid::tasks {

class TextData final : public TaskData {
 public:
  TextData(data::TextSplits splits, std::string spec);
  std::string task() const override { return kTextClassification; }
  std::vector<std::string> remarks() const override;
  bool has_test() const override { return splits_.test != nullptr; }
  TrainingFacts facts(const TaskConfig& config, const FactOptions& options,
                      Progress& progress) const override;
  std::unique_ptr<Task> make_task(const TaskConfig& config, const TaskOptions& options,
                                  Progress& progress) const override;
  const data::TextSplits& splits() const { return splits_; }
  // For the config's model; one that is learned from the texts is learned once.
  text::TokenizerPtr tokenizer(const TaskConfig& config, Progress& progress) const;
  // The config's model for these texts.
  TokenizedModel make_classifier(const TaskConfig& config, int64_t seed, Progress& progress) const;

 private:
  data::TextSplits splits_;
  std::string spec_;
  mutable std::map<std::string, text::TokenizerPtr> tokenizers_;  // by what they come from
};

}  // namespace braid::tasks
