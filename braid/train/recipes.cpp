#include "braid/train/recipes.h"

#include "braid/models/vision/inputs.h"

namespace braid::train {

TrainConfig recipe_for(const models::ModelEntry& entry) {
  TrainConfig config;
  config.model = entry.name;
  config.schedule.sched = "cosine";
  config.schedule.warmup_epochs = 1;
  config.augment.crop_padding = 2;
  if (entry.family == models::Family::kCnn) {
    config.optimizer.opt = "nesterov";
    config.optimizer.lr = 0.1;
    config.optimizer.weight_decay = 5e-4;
  } else {
    config.batch_size = 64;
    config.optimizer.opt = "adamw";
    config.optimizer.lr = models::image_input(entry).height <= data::kSmallImage ? 2e-3 : 1e-3;
    config.optimizer.weight_decay = 0.05;
    config.clip_grad = 1.0;
  }
  return config;
}

}  // namespace braid::train
