// A classifier that learns from a teacher too, DeiT's way (https://arxiv.org/abs/2012.12877).
#pragma once
#include <filesystem>
#include <memory>

#include "braid/tasks/classifier.h"
#include "braid/tasks/config.h"
#include "braid/tasks/teacher.h"

namespace braid::tasks {

// The student's task, its loss apart: (1 - alpha) of its own and alpha of the distillation loss,
// which a second head learns where the model has one.
class Distillation final : public Task {
 public:
  Distillation(std::unique_ptr<Classifier> student, std::unique_ptr<Teacher> teacher,
               const DistillationOptions& options);

  std::string name() const override { return student_->name(); }
  std::string items() const override { return student_->items(); }
  void visit_config(FieldVisitor& v) const override { student_->visit_config(v); }
  models::Model& model() override { return student_->model(); }
  void to(const torch::Device& device) override;
  std::unique_ptr<data::Loader> training_loader(const TrainingData& options) const override {
    return student_->training_loader(options);
  }
  torch::Tensor forward(const data::Batch& batch) override { return student_->forward(batch); }
  Step training_step(const data::Batch& batch) override;
  bool has_static_steps() const override { return student_->has_static_steps(); }
  Scores evaluate(Split split, const EvaluateOptions& options, Progress& progress) override {
    return student_->evaluate(split, options, progress);
  }
  int64_t unread(Split split) const override { return student_->unread(split); }
  data::Summary data() const override { return student_->data(); }
  void save(const std::filesystem::path& folder) const override { student_->save(folder); }

 private:
  std::unique_ptr<Classifier> student_;
  std::unique_ptr<Teacher> teacher_;
  DistillationOptions options_;
};

}  // namespace braid::tasks
