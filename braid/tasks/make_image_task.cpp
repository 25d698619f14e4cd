#include "braid/tasks/make_image_task.h"

#include <fmt/format.h>

#include <utility>

#include "braid/core/error.h"
#include "braid/models/checkpoint.h"
#include "braid/tasks/class_names.h"
#include "braid/tasks/distillation.h"
#include "braid/tasks/image_classification.h"
#include "braid/tasks/image_model.h"
#include "braid/tasks/predictor.h"

namespace braid::tasks {
namespace {

// A network taught with the student's batches, whose pixels are normalized as the student wants
// them: they become what the teacher was trained with, since (x * s + m - m') / s' is linear in x.
class ImageTeacher final : public Teacher {
 public:
  ImageTeacher(std::unique_ptr<Predictor> predictor, const data::InputConfig& student)
      : predictor_(std::move(predictor)) {
    const auto& own = predictor_->card().input;
    if (own.mean == student.mean && own.std == student.std) return;
    const auto of_channels = [&](const std::vector<double>& values) {  // [C,1,1]
      return torch::tensor(values, torch::kDouble).expand({student.channels}).reshape({-1, 1, 1});
    };
    const auto deviation = of_channels(own.std);
    scale_ = (of_channels(student.std) / deviation).to(torch::kFloat);
    shift_ = ((of_channels(student.mean) - of_channels(own.mean)) / deviation).to(torch::kFloat);
  }
  void to(const torch::Device& device) override {
    predictor_->to(device);
    if (!scale_.defined()) return;
    scale_ = scale_.to(device);
    shift_ = shift_.to(device);
  }
  torch::Tensor logits(const data::Batch& batch) const override {
    if (!scale_.defined()) return predictor_->logits(batch);
    const auto& pixels = batch.at(data::kPixelValues);  // [B,C,H,W]
    return predictor_->logits({{{data::kPixelValues, pixels * scale_ + shift_}}, batch.indices});
  }

 private:
  std::unique_ptr<Predictor> predictor_;
  torch::Tensor scale_, shift_;  // [C,1,1]; undefined: both normalize alike
};

std::unique_ptr<Teacher> load_teacher(const std::string& teacher,
                                      const models::ImageHubConfig& student, Progress& progress) {
  auto loaded = models::load_for_inference(models::find_checkpoint(teacher, progress));
  const auto& names = loaded.hub.classes;
  const auto count = loaded.model->num_classes();
  const auto order = order_by_name(names, student.classes);
  const auto wanted = static_cast<int64_t>(student.classes.size());
  // Without names, the data's classes count in their order.
  if (names.empty() ? count != wanted : names != student.classes && !order)
    refuse_teachers_classes(names, count, wanted, teacher);
  if (loaded.hub.input.channels != student.input.channels ||
      loaded.hub.input.height != student.input.height)
    throw DataError(
        "train",
        fmt::format("expected a teacher of images of {} channels and {} pixels, got {} and {}",
                    student.input.channels, student.input.height, loaded.hub.input.channels,
                    loaded.hub.input.height),
        teacher, "give its --img-size, or a teacher for these images");
  auto predictor = std::make_unique<Predictor>(std::move(loaded));
  if (order) predictor->reorder(student.classes, *order);
  return std::make_unique<ImageTeacher>(std::move(predictor), student.input);
}

}  // namespace

std::unique_ptr<Task> make_image_task(const TaskConfig& config, const data::Splits& splits,
                                      const ImageTaskOptions& options, Progress& progress) {
  validate(config);
  auto task =
      options.checkpoint.empty()
          ? std::make_unique<ImageClassification>(
                config, splits, ImageModelOptions{options.seed, options.statistics}, progress)
          : std::make_unique<ImageClassification>(config, splits, options.checkpoint);
  if (config.distillation.teacher.empty()) return task;
  auto teacher = load_teacher(config.distillation.teacher, task->card(), progress);
  return std::make_unique<Distillation>(std::move(task), std::move(teacher), config.distillation);
}

}  // namespace braid::tasks
