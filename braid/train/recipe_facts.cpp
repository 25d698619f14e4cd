#include "braid/train/recipe_facts.h"

namespace braid::train {

RecipeFacts measure_facts(const TrainConfig& config, const tasks::TaskData& data,
                          Progress& progress) {
  const auto& run = config.run;
  const bool timed = run.max_train_seconds > 0;
  const auto facts = data.facts(
      config.task,
      {.seed = run.seed, .device = run.device, .dtype = run.dtype, .measure_rate = timed},
      progress);
  RecipeFacts of_recipe{.passes = static_cast<double>(run.epochs),
                        .train_items = facts.train_items,
                        .params = facts.params,
                        .input_size = facts.input_size,
                        .fine_tuning = facts.fine_tuning,
                        .batch_norms = facts.batch_norms,
                        .hidden_words = data.task() == tasks::kMaskedLm,
                        .whole_texts = data.task() == tasks::kTextClassification};
  const auto items = static_cast<double>(facts.train_items);
  if (timed)
    of_recipe.passes = run.max_train_seconds * facts.items_per_s / items;
  else if (run.max_steps > 0)
    of_recipe.passes =
        static_cast<double>(run.max_steps * run.grad_accum_steps) *
        (facts.batch_items > 0 ? facts.batch_items : static_cast<double>(run.batch_size)) / items;
  return of_recipe;
}

}  // namespace braid::train
