// Parallel texts, opened for training.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "braid/data/text/parallel_text.h"
#include "braid/tasks/task_data.h"
#include "braid/tasks/text/translator.h"

namespace braid::tasks {

class TranslationData final : public TaskData {
 public:
  TranslationData(data::ParallelSplits splits, std::string spec);
  std::string task() const override { return kTranslation; }
  std::vector<std::string> remarks() const override { return splits_.remarks; }
  bool has_test() const override { return splits_.test() != nullptr; }
  TrainingFacts facts(const TaskConfig& config, const FactOptions& options,
                      Progress& progress) const override;
  std::unique_ptr<Task> make_task(const TaskConfig& config, const TaskOptions& options,
                                  Progress& progress) const override;
  const data::ParallelSplits& splits() const { return splits_; }
  // The config's tokenizer; else that of the weights; else one that is learned once from both sides
  // of the training pairs.
  text::TokenizerPtr tokenizer(const TaskConfig& config, Progress& progress) const;
  // The config's model for these texts, with the weights of config.weights if given. seed: of the
  // weights' initialization.
  Translator make_translator(const TaskConfig& config, int64_t seed, Progress& progress) const;

 private:
  data::ParallelSplits splits_;
  std::string spec_;
  mutable std::map<std::string, text::TokenizerPtr> tokenizers_;  // by what they come from
};

// Up to 64 of them from all over the data, those that can be read, as one batch on the model's
// device.
data::Batch some_pairs(const Translator& translator, const data::ParallelText& train);
// Of forward and backward passes over that batch, by a short measurement of a model that is thrown
// away; 0: of none.
double pairs_per_second(Translator& translator, const data::Batch& pairs, const std::string& dtype);

// Throws what open_parallel_text() throws.
std::unique_ptr<TaskData> open_translation_data(const TaskConfig& config);

}  // namespace braid::tasks
