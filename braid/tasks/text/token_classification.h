// A tag for every word: named entities, parts of speech.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "braid/data/text/tagged_text.h"
#include "braid/tasks/config.h"
#include "braid/tasks/task.h"
#include "braid/tasks/task_data.h"
#include "braid/tasks/text/token_tagger.h"

namespace braid::tasks {

// Scores: f1 of entities (chooses the best epoch), precision, recall, accuracy of words and loss;
// of tags that are of no entities accuracy and loss.
class TokenClassification final : public Task {
 public:
  TokenClassification(const TaskConfig& config, data::TaggedSplits splits, TokenizedModel tagger);

  std::string name() const override { return kTokenClassification; }
  std::string items() const override { return "words"; }
  void visit_config(FieldVisitor& v) const override {
    TaskConfig copy = config_;  // one list serves reading and writing
    copy.visit(v);
  }
  models::Model& model() override { return *tagger_.model; }
  std::unique_ptr<data::Loader> training_loader(const TrainingData& options) const override;
  torch::Tensor forward(const data::Batch& batch) override {
    return tagger_.model->forward(text_input(batch));
  }
  // The mean over the words whose first token is in the batch.
  Step training_step(const data::Batch& batch) override;
  Scores evaluate(Split split, const EvaluateOptions& options, Progress& progress) override;
  int64_t unread(Split split) const override;
  data::Summary data() const override;
  void save(const std::filesystem::path& folder) const override;

 private:
  TaskConfig config_;
  data::TaggedSplits splits_;
  TokenizedModel tagger_;
  std::map<Split, int64_t> unread_;
};

// Such sentences, opened for training.
class TokenClassificationData final : public TaskData {
 public:
  TokenClassificationData(data::TaggedSplits splits, std::string spec);
  std::string task() const override { return kTokenClassification; }
  std::vector<std::string> remarks() const override;
  bool has_test() const override { return splits_.test != nullptr; }
  TrainingFacts facts(const TaskConfig& config, const FactOptions& options,
                      Progress& progress) const override;
  std::unique_ptr<Task> make_task(const TaskConfig& config, const TaskOptions& options,
                                  Progress& progress) const override;

 private:
  TokenizedModel make_tagger(const TaskConfig& config, int64_t seed, Progress& progress) const;

  data::TaggedSplits splits_;
  std::string spec_;
  mutable std::map<std::string, text::TokenizerPtr> tokenizers_;  // by what they come from
};

}  // namespace braid::tasks
