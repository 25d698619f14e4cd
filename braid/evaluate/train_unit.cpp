#include <fmt/format.h>

#include <chrono>

#include "braid/data/loader.h"
#include "braid/evaluate/peak_memory.h"
#include "braid/evaluate/study.h"
#include "braid/models/macs.h"
#include "braid/models/registry.h"
#include "braid/runtime/eval_scope.h"
#include "braid/runtime/process.h"
#include "braid/tasks/image_classification.h"
#include "braid/tasks/make_task.h"
#include "braid/train/checkpoints.h"
#include "braid/train/recipes.h"
#include "braid/train/trainer.h"

namespace braid::evaluate {
namespace {

namespace fs = std::filesystem;

// The recipes speak of a run of ten epochs: warm-up of one is a tenth of any budget.
constexpr double kRecipeEpochs = 10;

data::Splits splits_of(const Study& study, const Run& run) {
  data::Splits splits = study.splits;
  if (run.fraction < 1) {
    splits.train = data::sample_fraction(splits.train, run.fraction, study.config.seed);
    splits.val = data::sample_fraction(splits.val, run.fraction, study.config.seed);
  }
  return splits;
}

fs::path run_folder(const Study& study, const Run& run) {
  const bool whole = run.fraction == 1;
  return fs::path(study.config.output) / (whole ? "models" : "work") / run_name(run);
}

Json curve(const train::TrainResult& result, double images, int64_t batch_size) {
  Json rows = Json::array();
  double seconds = 0;
  for (const auto& epoch : result.history) {
    seconds += epoch.seconds;
    rows.push_back({{"epoch", static_cast<double>(epoch.step * batch_size) / images},
                    {"seconds", seconds},
                    {"lr", epoch.lr},
                    {"train_loss", epoch.train_loss},
                    {"val_loss", tasks::find_score(epoch.scores, "loss").value},
                    {"val_top1", tasks::find_score(epoch.scores_ema, "top1").value}});
  }
  return rows;
}

}  // namespace

ModelFacts examine(const Study& study, const std::string& model) {
  const auto& entry = models::find_model(model);
  ModelFacts facts{.name = model, .family = models::to_string(entry.family)};
  const auto config = train_config(study, {.model = model, .seed = study.config.seed}, facts);
  tasks::ImageClassification task(config.task, study.splits, {config.run.seed, study.statistics},
                                  study.progress);
  task.to(runtime::resolve_device(config.run.device));
  auto& network = task.model();
  const auto& input = task.card().input;
  facts.params = models::count_parameters(network);
  facts.macs = models::count_macs(network, {1, input.channels, input.height, input.width});
  constexpr int64_t kBatch = 32;
  const runtime::EvalScope scope(network, study.config.dtype);
  const auto images =
      torch::randn({kBatch, input.channels, input.height, input.width}).to(scope.device());
  network.forward(images);  // warm-up
  const auto start = std::chrono::steady_clock::now();
  network.forward(images).cpu();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  facts.forward_images_per_s = static_cast<double>(kBatch) / std::max(1e-6, seconds.count());
  return facts;
}

std::string run_name(const Run& run) {
  std::string name = fmt::format("{}-seed{}", models::folder_name(run.model), run.seed);
  if (run.fraction < 1) name += fmt::format("-{:.0f}percent", 100 * run.fraction);
  if (!run.teacher.empty()) name += "-from-" + models::folder_name(run.teacher);
  return name;
}

train::TrainConfig train_config(const Study& study, const Run& run, const ModelFacts& facts) {
  const auto& c = study.config;
  auto config = train::recipe_for(models::find_model(run.model));
  config.task.data = c.data;
  config.run.output = run_folder(study, run).string();
  config.task.image.img_size = c.img_size;
  config.run.seed = run.seed;
  // A tiny set of images is still at least one batch.
  config.run.batch_size = std::max<int64_t>(
      1,
      std::min(c.batch_size.value_or(config.run.batch_size), splits_of(study, run).train->size()));
  config.run.dtype = c.dtype;
  config.run.device = c.device;
  config.run.workers = c.workers;
  config.run.threads = c.threads;
  config.run.on_bad_sample = c.on_bad_sample;
  config.task.val_fraction = c.val_fraction;
  config.run.checkpoint_hist = 0;  // last and best are enough here
  config.run.checkpoint_minutes = 1;
  config.task.distillation.teacher = run.teacher_checkpoint;
  const auto allowance =
      allow(study.budget, run.fraction, config.run.batch_size,
            training_flops_per_image(std::max<int64_t>(1, facts.macs), run.teacher_macs));
  config.run.epochs = allowance.epochs > 0 ? allowance.epochs : static_cast<int64_t>(kRecipeEpochs);
  config.run.max_train_seconds = allowance.seconds;
  config.run.max_steps = allowance.steps;
  config.run.schedule.warmup_epochs *= static_cast<double>(config.run.epochs) / kRecipeEpochs;
  return config;
}

Json train_unit(const Study& study, const Run& run, const ModelFacts& facts) {
  const std::string unit = "train-" + run_name(run);
  if (const auto kept = study.work.find(unit)) return *kept;
  auto config = train_config(study, run, facts);
  config.run.resume = true;
  const auto splits = splits_of(study, run);
  const PeakMemory memory;
  const auto task = tasks::make_task(config.task, splits,
                                     {.seed = config.run.seed,
                                      .checkpoint = train::checkpoint_to_resume(config.run),
                                      .statistics = run.fraction == 1 ? study.statistics : nullptr},
                                     study.progress);
  runtime::set_threads(config.run.threads);
  runtime::seed_generators(config.run.seed);
  const auto result = train::train(*task, config.run, study.stop, study.progress);
  if (result.stop_reason == "interrupted")
    throw TryAgainError("compare", "interrupted", study.config.output,
                        "run the same command again to continue");
  const auto images = static_cast<double>(splits.train->size());
  config.run.resume = false;
  Json trained = {{"checkpoint", result.best_checkpoint.string()},
                  {"val_top1", result.best_scores.front().value},
                  {"steps", result.steps},
                  {"epochs", static_cast<double>(result.steps * config.run.batch_size) / images},
                  {"train_seconds", result.train_seconds},
                  {"train_images_per_s", result.items_per_s},
                  {"bad_samples", result.bad_samples},
                  {"curve", curve(result, images, config.run.batch_size)},
                  {"recipe", to_json(config)}};
  const auto peak = memory.bytes();
  trained["peak_memory_bytes"] = peak ? Json(*peak) : Json(nullptr);
  study.work.keep(unit, trained);
  return trained;
}

}  // namespace braid::evaluate
