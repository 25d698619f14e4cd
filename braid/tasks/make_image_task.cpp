#include "braid/tasks/make_image_task.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/io/hub.h"
#include "braid/io/posix_file.h"
#include "braid/io/safetensors.h"
#include "braid/tasks/class_names.h"
#include "braid/tasks/distillation.h"
#include "braid/tasks/image_classification.h"
#include "braid/tasks/image_model.h"
#include "braid/tasks/predictor.h"

namespace braid::tasks {
namespace {

std::unique_ptr<Teacher> load_teacher(const std::string& teacher,
                                      const models::ImageHubConfig& student, Progress& progress) {
  const auto folder = io::resolve_weights(teacher, progress);
  if (!io::is_folder(folder)) io::find_weight_files(folder);  // refuses pickles
  auto loaded = models::load_for_inference(folder);
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
  return predictor;
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
