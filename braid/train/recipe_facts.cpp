#include "braid/train/recipe_facts.h"

#include "braid/models/macs.h"
#include "braid/models/vision/cost.h"
#include "braid/runtime/device.h"
#include "braid/tasks/image_model.h"
#include "braid/tasks/training_rate.h"

namespace braid::train {

RecipeFacts measure_facts(const TrainConfig& config, const data::Splits& splits,
                          const std::shared_ptr<data::SharedStatistics>& statistics,
                          Progress& progress) {
  tasks::TaskConfig plain = config.task;
  plain.weights.clear();
  const auto made = tasks::make_image_model(
      plain, splits, {.seed = config.run.seed, .statistics = statistics}, progress);
  const auto& input = made.hub.input;
  RecipeFacts facts{.passes = static_cast<double>(config.run.epochs),
                    .train_items = splits.train->size(),
                    .params = models::count_parameters(*made.model),
                    .pixels = input.height,
                    .fine_tuning = !config.task.weights.empty()};
  const auto items = static_cast<double>(facts.train_items);
  if (config.run.max_train_seconds > 0) {
    made.model->to(runtime::resolve_device(config.run.device));
    made.model->eval();
    const int64_t macs =
        models::count_macs(*made.model, {1, input.channels, input.height, input.width});
    facts.passes = config.run.max_train_seconds *
                   tasks::training_rate(*made.model, macs, config.run.dtype) / items;
  } else if (config.run.max_steps > 0) {
    facts.passes = static_cast<double>(config.run.max_steps * config.run.batch_size *
                                       config.run.grad_accum_steps) /
                   items;
  }
  return facts;
}

}  // namespace braid::train
