// Questions whose answers stand in a text: where they begin and end.
//
// Reference: run_qa.py of Hugging Face transformers (Apache-2.0): windows, labels, loss.
// Differences: padding takes no part in the softmax over a row's tokens; an answer whose first
// token is its window's last is labelled there.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "braid/data/text/question_collate.h"
#include "braid/tasks/config.h"
#include "braid/tasks/task.h"
#include "braid/tasks/task_data.h"
#include "braid/tasks/text/tokenized_model.h"

namespace braid::tasks {

struct WindowSplits {
  data::QuestionWindowsPtr train, val, test;  // null where the data has none
};

// Scores: f1 (chooses the best epoch) and exact_match of SQuAD's official script; see AnswerScores.
class QuestionAnswering final : public Task {
 public:
  QuestionAnswering(const TaskConfig& config, WindowSplits windows, TokenizedModel model);

  std::string name() const override { return kQuestionAnswering; }
  std::string items() const override { return "windows"; }
  void visit_config(FieldVisitor& v) const override {
    TaskConfig copy = config_;  // one list serves reading and writing
    copy.visit(v);
  }
  models::Model& model() override { return *model_.model; }
  std::unique_ptr<data::Loader> training_loader(const TrainingData& options) const override;
  torch::Tensor forward(const data::Batch& batch) override {  // [B,N,2]
    return model_.model->forward(text_input(batch));
  }
  // The mean of two cross entropies, of where the answer begins and where it ends.
  Step training_step(const data::Batch& batch) override;
  Scores evaluate(Split split, const EvaluateOptions& options, Progress& progress) override;
  data::Summary data() const override;
  void save(const std::filesystem::path& folder) const override;

 private:
  TaskConfig config_;
  WindowSplits windows_;
  TokenizedModel model_;
};

// Such questions, opened for training.
class QuestionAnsweringData final : public TaskData {
 public:
  QuestionAnsweringData(data::QuestionSplits splits, std::string spec, std::string on_bad_sample);
  std::string task() const override { return kQuestionAnswering; }
  std::vector<std::string> remarks() const override;
  bool has_test() const override { return splits_.test != nullptr; }
  TrainingFacts facts(const TaskConfig& config, const FactOptions& options,
                      Progress& progress) const override;
  std::unique_ptr<Task> make_task(const TaskConfig& config, const TaskOptions& options,
                                  Progress& progress) const override;

 private:
  TokenizedModel make_model(const TaskConfig& config, int64_t seed, Progress& progress) const;

  data::QuestionSplits splits_;
  std::string spec_, on_bad_sample_;
  mutable std::map<std::string, text::TokenizerPtr> tokenizers_;  // by what they come from
};

}  // namespace braid::tasks
