#include "braid/tasks/image_data.h"

#include "braid/data/image/sameness.h"
#include "braid/data/stratify.h"
#include "braid/data/summary.h"
#include "braid/models/macs.h"
#include "braid/models/vision/cost.h"
#include "braid/runtime/device.h"
#include "braid/tasks/class_balance.h"
#include "braid/tasks/image_model.h"
#include "braid/tasks/make_image_task.h"
#include "braid/tasks/training_rate.h"

namespace braid::tasks {

ImageData::ImageData(data::Splits splits, std::string spec)
    : splits_(std::move(splits)),
      spec_(std::move(spec)),
      statistics_(std::make_shared<data::SharedStatistics>(splits_.train)) {}

std::vector<std::string> ImageData::remarks() const {
  auto lines = data::remarks_on(splits_, spec_);
  if (const auto line =
          imbalance_text(data::count_labels(*splits_.train), splits_.train->classes()))
    lines.push_back(*line);
  if (const auto line = data::sameness_text(*splits_.train)) lines.push_back(*line);
  return lines;
}

TrainingFacts ImageData::facts(const TaskConfig& config, const FactOptions& options,
                               Progress& progress) const {
  TaskConfig plain = config;
  plain.weights.clear();
  const auto made =
      make_image_model(plain, splits_, {.seed = options.seed, .statistics = statistics_}, progress);
  const auto& input = made.hub.input;
  TrainingFacts facts{.train_items = splits_.train->size(),
                      .params = models::count_parameters(*made.model),
                      .input_size = input.height,
                      .fine_tuning = !config.weights.empty(),
                      .batch_norms = models::count_batch_norms(*made.model) > 0};
  if (!options.measure_rate) return facts;
  made.model->to(runtime::resolve_device(options.device));
  made.model->eval();
  const int64_t macs =
      models::count_macs(*made.model, {1, input.channels, input.height, input.width});
  facts.items_per_s = training_rate(*made.model, macs, options.dtype);
  return facts;
}

std::unique_ptr<Task> ImageData::make_task(const TaskConfig& config, const TaskOptions& options,
                                           Progress& progress) const {
  return make_image_task(
      config, splits_,
      {.seed = options.seed, .checkpoint = options.checkpoint, .statistics = statistics_},
      progress);
}

}  // namespace braid::tasks
