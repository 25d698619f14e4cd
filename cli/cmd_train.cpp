// braid train: one model on one dataset.
#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/core/progress.h"
#include "braid/runtime/process.h"
#include "braid/tasks/open_task_data.h"
#include "braid/train/checkpoints.h"
#include "braid/train/lr_find.h"
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
  braid train --model resnet18 --pretrained --data photos/ --output runs/tuned
  braid train --model resnet20 --data photos/ --opt sgd --lr-find

Values in [] are the plain defaults (--recipe none). Without flags the family's recipe replaces opt, lr, momentum,
weight-decay, sched, batch-size, clip-grad, smoothing and augmentation. Ctrl-C saves and ends cleanly (exit code 0).)";

// The best, else the last; empty where a run was ended before it had saved either.
std::filesystem::path saved_checkpoint(const train::TrainResult& result,
                                       const train::RunConfig& config) {
  if (!result.best_checkpoint.empty()) return result.best_checkpoint;
  const auto last = std::filesystem::path(config.output) / "last";
  return std::filesystem::exists(last) ? last : std::filesystem::path();
}

// Flags that are no fields of the config.
struct Extras {
  bool pretrained = false, lr_find = false;
};

// The learning rate range test in place of a training.
void find_lr(tasks::Task& task, const train::RunConfig& config, const std::stop_token& stop,
             Progress& progress) {
  const auto finding = train::lr_find(task, config, {}, stop, progress);
  if (finding.points.empty() && !stop.stop_requested())
    throw DataError("lr_find", "expected a finite loss at the smallest rate, got none", "",
                    "check the data (`braid data check`) and the weights it starts from");
  fmt::print("{:>12} {:>10}\n", "lr", "loss");
  for (const auto& point : finding.points) fmt::print("{:12.3e} {:10.4f}\n", point.lr, point.loss);
  if (finding.suggestion)
    fmt::print("suggested lr   {:.3g}\nthis run's lr  {:.3g}\n", *finding.suggestion,
               config.optimizer.lr);
  else
    fmt::print("suggested lr   none: {} steps are too few to say\n", finding.points.size());
}

void run(const ConfigFlags& flags, const std::string& file, const std::string& recipe,
         const Extras& extras) {
  train::ConfigSources sources{
      .recipe = recipe, .file = file, .fields = flags.given(), .pretrained = extras.pretrained};
  auto config = train::resolve_config(sources);
  train::validate(config);
  if (extras.lr_find && config.run.resume)
    throw UsageError("train", "expected --lr-find or --resume, got both", "",
                     "the test is of a training that begins: leave out --resume");
  const auto stop = stop_on_interrupt();
  const auto progress = make_terminal_progress();
  const auto checkpoint = train::checkpoint_to_resume(config.run);
  const auto data = tasks::open_task_data(config.task, config.run.on_bad_sample, checkpoint);
  for (const auto& line : data->remarks()) progress->line(line);
  runtime::set_threads(config.run.threads);
  if (recipe == "auto" && checkpoint.empty()) {
    sources.facts = train::measure_facts(config, *data, *progress);
    config = train::resolve_config(sources);
  }
  const auto task =
      data->make_task(config.task, {.seed = config.run.seed, .checkpoint = checkpoint}, *progress);
  runtime::seed_generators(config.run.seed);  // dropout and stochastic depth
  if (extras.lr_find) return find_lr(*task, config.run, stop, *progress);
  const auto result = train::train(*task, config.run, stop, *progress);
  if (!result.best_scores.empty())
    fmt::print("best val {} (epoch {})\n", to_text(result.best_scores.front()), result.best_epoch);
  const bool interrupted = result.stop_reason == "interrupted";
  fmt::print("{:14} {}\n{:14} {:.1f} s, {:.0f} {}/s, {} step{}\n", "stopped by",
             interrupted ? "an interrupt" : result.stop_reason, "training", result.train_seconds,
             result.items_per_s, result.items, result.steps, result.steps == 1 ? "" : "s");
  const auto saved = saved_checkpoint(result, config.run);
  if (!saved.empty()) fmt::print("{:14} {}\n", "checkpoint", saved.string());
  if (result.bad_samples + result.val_bad_samples > 0)
    fmt::print("{:14} {} {} could not be read, {} of val\n", "skipped",
               result.bad_samples + result.val_bad_samples, result.items, result.val_bad_samples);
  if (interrupted && !saved.empty())
    fmt::print("next           the same command with --resume goes on\n");
  else if (data->has_test() && !saved.empty())
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
  auto extras = std::make_shared<Extras>();
  verb->add_flag("--pretrained", extras->pretrained,
                 "start from the weights that timm or, of texts, Hugging Face publishes for the "
                 "model");
  verb->add_flag("--lr-find", extras->lr_find,
                 "trains nothing: the loss at rates that grow step by step, and a suggested lr");
  auto flags = std::make_shared<ConfigFlags>(*verb, train::TrainConfig());
  verb->callback([=] { run(*flags, *file, *recipe, *extras); });
}

}  // namespace braid::cli
