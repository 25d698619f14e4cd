#include "braid/train/lr_find.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <utility>

#include "braid/runtime/device.h"
#include "braid/runtime/generator_guard.h"
#include "braid/runtime/tensor_file.h"
#include "braid/train/stepper.h"

namespace braid::train {
namespace {

constexpr size_t kSkippedFirst = 10, kSkippedLast = 1;  // points that suggest nothing
constexpr double kSmoothing = 0.98;                     // decay of the loss's average

constexpr double kShareOfRun = 0.03;  // that the test may take

// The task's model is as it was when this object ends.
class ModelGuard {
 public:
  explicit ModelGuard(tasks::Task& task)
      : task_(task),
        device_(runtime::device_of(task.model())),
        modules_(task.model().modules(/*include_self=*/false)),
        is_training_(task.model().is_training()) {
    for (const auto& [name, tensor] : runtime::named_state(task.model()))
      state_[name] = tensor.detach().clone();
    for (const auto& parameter : task.model().parameters())
      trained_.push_back(parameter.requires_grad());
    for (const auto& module : modules_) training_.push_back(module->is_training());
  }
  ~ModelGuard() {
    const torch::NoGradGuard no_grad;
    auto& model = task_.model();
    task_.to(device_);
    for (auto& [name, tensor] : runtime::named_state(model))
      torch::Tensor(tensor).copy_(state_.at(name));
    const auto parameters = model.parameters();
    for (size_t i = 0; i < parameters.size(); ++i) {
      const torch::Tensor& parameter = parameters[i];
      parameter.mutable_grad().reset();
      parameter.set_requires_grad(trained_[i]);
    }
    model.train(is_training_);  // its children's too, and theirs: those are set after it
    for (size_t i = 0; i < modules_.size(); ++i) modules_[i]->train(training_[i]);
  }
  ModelGuard(const ModelGuard&) = delete;
  ModelGuard& operator=(const ModelGuard&) = delete;

 private:
  tasks::Task& task_;
  torch::Device device_;
  std::vector<std::shared_ptr<torch::nn::Module>> modules_;
  bool is_training_;
  runtime::TensorMap state_;
  std::vector<bool> trained_, training_;
};

// The next batch of training without end.
class Batches {
 public:
  explicit Batches(std::unique_ptr<data::Loader> loader) : loader_(std::move(loader)) {
    loader_->start_epoch(0);
  }
  // None where a whole epoch has none that can be read.
  std::optional<data::Batch> next() {
    if (auto batch = loader_->next()) return batch;
    loader_->start_epoch(++epoch_);
    return loader_->next();
  }

 private:
  std::unique_ptr<data::Loader> loader_;
  int64_t epoch_ = 0;
};

// The loss of a step at this rate: the mean of its batches'. Nothing where there was none, or it
// was not finite.
std::optional<double> step_at(Stepper& stepper, TrainState& state, Batches& batches,
                              const RunConfig& config, double lr) {
  state.epoch_loss = state.epoch_items = 0;
  constexpr int kTries = 3;  // windows of batches that all were left out, such as of one image
  for (int tries = 0; tries < kTries && !(state.epoch_items > 0); ++tries) {
    stepper.begin_window(config.grad_accum_steps);
    while (stepper.accumulated() < config.grad_accum_steps) {
      const auto batch = batches.next();
      if (!batch) return std::nullopt;
      stepper.add(batch->to(stepper.device()));
      if (stepper.is_hopeless()) return std::nullopt;
    }
    stepper.step(lr);
    if (state.skipped_steps > 0) return std::nullopt;
  }
  if (!(state.epoch_items > 0)) return std::nullopt;
  return state.epoch_loss / state.epoch_items;
}

int64_t steps_of_test(const RunConfig& config, const LrFindOptions& options, int64_t batches) {
  constexpr int64_t kLeast = 30, kMost = 100;
  if (options.num_training > 0) return options.num_training;
  if (config.max_train_seconds > 0) return kMost;
  const int64_t of_run =
      config.max_steps > 0 ? config.max_steps : config.epochs * batches / config.grad_accum_steps;
  return std::clamp(static_cast<int64_t>(kShareOfRun * static_cast<double>(of_run)), kLeast, kMost);
}

}  // namespace

std::optional<double> suggest_lr(const std::vector<LrPoint>& points) {
  if (points.size() < kSkippedFirst + kSkippedLast + 2) return std::nullopt;
  const size_t first = kSkippedFirst, last = points.size() - kSkippedLast - 1;
  size_t steepest = first;
  double least = INFINITY;
  for (size_t i = first; i <= last; ++i) {  // numpy's gradient
    const size_t before = i == first ? i : i - 1, after = i == last ? i : i + 1;
    const double slope =
        (points[after].loss - points[before].loss) / static_cast<double>(after - before);
    if (slope < least) least = slope, steepest = i;
  }
  return points[steepest].lr;
}

LrFinding lr_find(tasks::Task& task, const RunConfig& config, const LrFindOptions& options,
                  const std::stop_token& stop, Progress& progress) {
  validate(config);
  const ModelGuard model(task);
  const runtime::GeneratorGuard numbers(torch::kCPU);
  const runtime::GeneratorGuard device_numbers(runtime::resolve_device(config.device));
  TrainState state;
  Progress silent;  // steps that are skipped are what the test is for
  RunConfig all_layers = config;
  if (config.freeze_epochs > 0) {  // the rate is that of what is trained then
    all_layers.freeze.clear();
    all_layers.freeze_epochs = 0;
  }
  Stepper stepper(task, all_layers, state, silent);
  stepper.begin_epoch();
  auto loader = task.training_loader({.batch_size = config.batch_size,
                                      .workers = config.workers,
                                      .seed = config.seed,
                                      .on_bad_sample = config.on_bad_sample});
  const int64_t steps = steps_of_test(config, options, loader->size());
  Batches batches(std::move(loader));
  const double factor = std::pow(options.max_lr / options.min_lr,
                                 1 / static_cast<double>(std::max<int64_t>(1, steps - 1)));
  LrFinding finding;
  double lr = options.min_lr, average = 0, best = INFINITY;
  const auto start = std::chrono::steady_clock::now();
  progress.begin("lr_find", steps);
  for (int64_t step = 1; step <= steps; ++step, lr *= factor) {
    const auto loss = step_at(stepper, state, batches, config, lr);
    if (!loss) break;
    average = kSmoothing * average + (1 - kSmoothing) * *loss;
    const double smoothed = average / (1 - std::pow(kSmoothing, static_cast<double>(step)));
    finding.points.push_back({lr, smoothed});
    progress.update(step, "");
    best = std::min(best, smoothed);
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    if (smoothed > options.early_stop_threshold * best || stop.stop_requested() ||
        (config.max_train_seconds > 0 && spent.count() > kShareOfRun * config.max_train_seconds))
      break;
  }
  progress.end();
  finding.suggestion = suggest_lr(finding.points);
  return finding;
}

}  // namespace braid::train
