// Images to one of K classes.
#pragma once
#include <filesystem>
#include <map>

#include "braid/data/dataset.h"
#include "braid/models/vision/image_checkpoint.h"
#include "braid/tasks/classifier.h"
#include "braid/tasks/config.h"
#include "braid/tasks/image_model.h"

namespace braid::tasks {

// Scores: top1 (percent, chooses the best epoch) and loss (cross entropy without smoothing, nats).
class ImageClassification final : public Classifier {
 public:
  ImageClassification(const TaskConfig& config, const data::Splits& splits,
                      const ImageModelOptions& options, Progress& progress);
  // For a run that goes on: the model is what the checkpoint's config.json says, and its weights
  // are still to be loaded.
  ImageClassification(const TaskConfig& config, const data::Splits& splits,
                      const std::filesystem::path& checkpoint);

  std::string name() const override { return kImageClassification; }
  std::string items() const override { return "images"; }
  void visit_config(FieldVisitor& v) const override {
    TaskConfig copy = config_;  // one list serves reading and writing
    copy.visit(v);
  }
  models::ImageModel& model() override { return *loaded_.model; }
  std::unique_ptr<data::Loader> training_loader(const TrainingData& options) const override;
  torch::Tensor forward(const data::Batch& batch) override;
  Heads forward_heads(const data::Batch& batch) override;
  torch::Tensor loss(const torch::Tensor& logits, const data::Batch& batch) const override;
  Step training_step(const data::Batch& batch) override;
  bool has_static_steps() const override { return true; }
  void to(const torch::Device& device) override;
  Scores evaluate(Split split, const EvaluateOptions& options, Progress& progress) override;
  int64_t unread(Split split) const override {
    const auto found = unread_.find(split);
    return found == unread_.end() ? 0 : found->second;
  }
  data::Summary data() const override { return data::summary_of(splits_); }
  void save(const std::filesystem::path& folder) const override;
  const models::ImageHubConfig& card() const { return loaded_.hub; }

 private:
  torch::Tensor images(const data::Batch& batch) const;

  TaskConfig config_;
  data::Splits splits_;
  models::LoadedModel loaded_;
  torch::Tensor class_weights_;  // [K]; undefined: 1
  std::map<Split, int64_t> unread_;
};

}  // namespace braid::tasks
