// Texts to one of K classes.
#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "braid/data/text/text_dataset.h"
#include "braid/tasks/classifier.h"
#include "braid/tasks/config.h"
#include "braid/tasks/text/text_classifier.h"

namespace braid::tasks {

// Scores: top1 (percent, chooses the best epoch) and loss (cross entropy without smoothing, nats).
class TextClassification final : public Classifier {
 public:
  TextClassification(const TaskConfig& config, data::TextSplits splits, TokenizedModel classifier);

  std::string name() const override { return kTextClassification; }
  std::string items() const override { return "texts"; }
  void visit_config(FieldVisitor& v) const override {
    TaskConfig copy = config_;  // one list serves reading and writing
    copy.visit(v);
  }
  models::TextEncoder& model() override { return *classifier_.model; }
  std::unique_ptr<data::Loader> training_loader(const TrainingData& options) const override;
  torch::Tensor forward(const data::Batch& batch) override {
    return classifier_.model->forward(text_input(batch));
  }
  Heads forward_heads(const data::Batch& batch) override { return {forward(batch), {}}; }
  torch::Tensor loss(const torch::Tensor& logits, const data::Batch& batch) const override;
  Step training_step(const data::Batch& batch) override;
  Scores evaluate(Split split, const EvaluateOptions& options, Progress& progress) override;
  int64_t unread(Split split) const override;
  data::Summary data() const override;
  void save(const std::filesystem::path& folder) const override;

 private:
  TaskConfig config_;
  data::TextSplits splits_;
  TokenizedModel classifier_;
  torch::Tensor class_weights_;  // [K]; undefined: 1
  std::map<Split, int64_t> unread_;
};

}  // namespace braid::tasks
