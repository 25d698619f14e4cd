#include "braid/evaluate/run_settings.h"

#include "braid/evaluate/starting_point.h"

namespace braid::evaluate {

train::RecipeFacts recipe_facts(const Run& run, int64_t train_items) {
  return {.passes = run.passes,
          .train_items = train_items,
          .params = run.params,
          .fine_tuning = !starting_point_of(run.model).weights.empty(),
          .whole_texts = true};  // of text encoders classifiers alone are compared
}

tasks::TaskConfig task_config_of(const Run& run, const train::Recipe& recipe,
                                 const CompareConfig& config) {
  auto of_run = recipe.config.task;
  const auto starting = starting_point_of(run.model);
  of_run.model = starting.architecture;
  of_run.weights = starting.weights;
  of_run.data = config.data;
  of_run.val_fraction = config.val_fraction;
  of_run.class_weights = config.class_weights;
  of_run.sampler = config.sampler;
  if (run.teacher) of_run.distillation.teacher = run.teacher->checkpoint;
  return of_run;
}

}  // namespace braid::evaluate
