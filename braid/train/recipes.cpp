#include "braid/train/recipes.h"

#include "braid/models/vision/inputs.h"

namespace braid::train {

TrainConfig recipe_for(const models::ModelEntry& entry) {
  TrainConfig config;
  config.task.model = entry.name;
  config.run.schedule.sched = "cosine";
  config.run.schedule.warmup_epochs = 1;
  config.task.image.augment.crop_padding = 2;
  if (entry.family == models::Family::kCnn) {
    config.run.optimizer.opt = "nesterov";
    config.run.optimizer.lr = 0.1;
    config.run.optimizer.weight_decay = 5e-4;
  } else {
    config.run.batch_size = 64;
    config.run.optimizer.opt = "adamw";
    config.run.optimizer.lr = models::image_input(entry).height <= data::kSmallImage ? 2e-3 : 1e-3;
    config.run.optimizer.weight_decay = 0.05;
    config.run.clip_grad = 1.0;
  }
  return config;
}

}  // namespace braid::train
