#include "braid/evaluate/run.h"

#include <fmt/format.h>

#include "braid/models/registry.h"

namespace braid::evaluate {

std::string run_name(const Run& run) {
  std::string name = fmt::format("{}-seed{}", models::folder_name(run.model), run.seed);
  if (run.fold) name += fmt::format("-fold{}", *run.fold);
  if (run.fraction < 1) name += fmt::format("-{:.0f}percent", 100 * run.fraction);
  if (run.seconds) name += fmt::format("-{:.6g}s", *run.seconds);
  if (run.teacher)
    name +=
        fmt::format("-from-{}-seed{}", models::folder_name(run.teacher->model), run.teacher->seed);
  return name;
}

std::string run_title(const Run& run, int64_t seeds) {
  std::vector<std::string> notes;
  if (seeds > 1) notes.push_back(fmt::format("seed {}", run.seed));
  if (run.fold) notes.push_back(fmt::format("fold {}", *run.fold));
  if (run.fraction < 1) notes.push_back(fmt::format("{:.0f}% of the data", 100 * run.fraction));
  if (run.teacher) notes.push_back("taught by " + run.teacher->model);
  return notes.empty() ? run.model : fmt::format("{} ({})", run.model, fmt::join(notes, ", "));
}

void TrainedRun::visit(FieldVisitor& v) {
  v.field("checkpoint", checkpoint, "");
  v.list("val_scores", val_scores);
  v.field("steps", steps, "");
  v.field("epochs", epochs, "");
  v.field("train_seconds", train_seconds, "");
  v.field("items_per_s", items_per_s, "");
  v.field("fewer_threads_seconds", fewer_threads_seconds, "");
  v.field("slice_items_per_s", slice_items_per_s, "");
  v.field("bad_samples", bad_samples, "");
  v.field("peak_memory_bytes", peak_memory_bytes, "");
  v.group("resolved", resolved);
  v.field("recipe", recipe, "");
  v.field("recipe_name", recipe_name, "");
  v.field("recipe_reason", recipe_reason, "");
  v.list("curve", curve);
}

}  // namespace braid::evaluate
