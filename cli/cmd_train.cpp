// braid train: one model on one dataset.
#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/core/progress.h"
#include "braid/data/open_dataset.h"
#include "braid/data/summary.h"
#include "braid/runtime/process.h"
#include "braid/tasks/image_model.h"
#include "braid/tasks/make_task.h"
#include "braid/train/checkpoints.h"
#include "braid/train/recipe_facts.h"
#include "braid/train/resolve_config.h"
#include "braid/train/trainer.h"
#include "cli/command.h"

namespace braid::cli {
namespace {

constexpr const char* kTrainFooter = R"(Examples:
  braid train --model cct_2_3x2_32 --data fashion-mnist --epochs 10 --output runs/fashion
  braid train --config run.toml --lr 5e-4          flags override the file
  braid train --model resnet20 --data photos/ --max-train-seconds 600 --dtype auto
  braid train --model resnet20 --data photos/ --output runs/photos --resume

Values in [] are the plain defaults (--recipe none). Without flags the family's recipe replaces opt, lr, weight-decay,
batch-size, clip-grad, warmup-epochs and crop-padding. Ctrl-C saves and ends cleanly (exit code 0).)";

// The best, else the last; empty where a run was ended before it had saved either.
std::filesystem::path saved_checkpoint(const train::TrainResult& result,
                                       const train::RunConfig& config) {
  if (!result.best_checkpoint.empty()) return result.best_checkpoint;
  const auto last = std::filesystem::path(config.output) / "last";
  return std::filesystem::exists(last) ? last : std::filesystem::path();
}

void run(const ConfigFlags& flags, const std::string& file, const std::string& recipe) {
  train::ConfigSources sources{.recipe = recipe, .file = file, .fields = flags.given()};
  auto config = train::resolve_config(sources);
  train::validate(config);
  const auto stop = stop_on_interrupt();
  const auto progress = make_terminal_progress();
  const auto checkpoint = train::checkpoint_to_resume(config.run);
  const auto splits = data::open_dataset(
      config.task.data, {.val_fraction = config.task.val_fraction,
                         .source = {.class_order = tasks::classes_of(checkpoint),
                                    .limits = {.max_pixels = config.task.image.max_image_pixels}}});
  for (const auto& line : data::remarks_on(splits, config.task.data)) progress->line(line);
  runtime::set_threads(config.run.threads);
  const auto statistics = std::make_shared<data::SharedStatistics>(splits.train);
  if (recipe == "auto" && checkpoint.empty()) {
    sources.facts = train::measure_facts(config, splits, statistics, *progress);
    config = train::resolve_config(sources);
  }
  const auto task = tasks::make_task(
      config.task, splits,
      {.seed = config.run.seed, .checkpoint = checkpoint, .statistics = statistics}, *progress);
  runtime::seed_generators(config.run.seed);  // dropout and stochastic depth
  const auto result = train::train(*task, config.run, stop, *progress);
  if (!result.best_scores.empty())
    fmt::print("best val {} (epoch {})\n", to_text(result.best_scores.front()), result.best_epoch);
  fmt::print("{:14} {}\n{:14} {:.1f} s, {:.0f} {}/s, {} steps\n", "stopped by", result.stop_reason,
             "training", result.train_seconds, result.items_per_s, result.items, result.steps);
  const auto saved = saved_checkpoint(result, config.run);
  if (!saved.empty()) fmt::print("{:14} {}\n", "checkpoint", saved.string());
  if (result.bad_samples + result.val_bad_samples > 0)
    fmt::print("{:14} {} {} could not be read, {} of val\n", "skipped",
               result.bad_samples + result.val_bad_samples, result.items, result.val_bad_samples);
  if (splits.test && !saved.empty())
    fmt::print("next           braid eval --checkpoint {} --data {} --split test\n",
               config.run.output, config.task.data);
}

}  // namespace

void add_train(CLI::App& program) {
  auto* verb = program.add_subcommand("train", "Train or fine-tune one model");
  verb->footer(kTrainFooter);
  auto file = std::make_shared<std::string>();
  auto recipe = std::make_shared<std::string>("auto");
  verb->add_option("--config", *file, "TOML file of settings; flags override it");
  add_choice(*verb, "--recipe", *recipe, {"auto", "none"},
             "auto: the family's documented defaults; none: plain defaults");
  auto flags = std::make_shared<ConfigFlags>(*verb, train::TrainConfig());
  verb->callback([=] { run(*flags, *file, *recipe); });
}

}  // namespace braid::cli
