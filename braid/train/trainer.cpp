#include "braid/train/trainer.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "braid/core/error.h"
#include "braid/data/loader.h"
#include "braid/io/atomic_file.h"
#include "braid/io/hub.h"
#include "braid/io/posix_file.h"
#include "braid/io/safetensors.h"
#include "braid/models/inference.h"
#include "braid/models/registry.h"
#include "braid/models/tensor_file.h"
#include "braid/nn/autocast.h"
#include "braid/train/divergence.h"
#include "braid/train/ema.h"
#include "braid/train/freeze.h"
#include "braid/train/loss.h"
#include "braid/train/optimizer.h"
#include "braid/train/run_folder.h"
#include "braid/train/schedule.h"
#include "braid/train/setup.h"
#include "braid/train/state.h"

namespace braid::train {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int64_t kMaxSkippedSteps = 5;  // consecutive, before training gives up

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

uint64_t checkpoint_bytes(const models::Model& model) {
  uint64_t bytes = 0;
  for (const auto& p : model.parameters()) bytes += p.nbytes();
  return 6 * bytes + (1 << 20);  // weights, two moments, an average, and the old beside the new
}

data::LoaderOptions loader_options(const TrainConfig& config, const data::InputConfig& input) {
  return {.batch_size = config.batch_size,
          .workers = config.workers,
          .train = true,
          .seed = config.seed,
          .label_smoothing = config.smoothing,
          .on_bad_sample = config.on_bad_sample,
          .input = input,
          .augment = config.augment};
}

class Trainer {
 public:
  Trainer(const TrainConfig& config, const data::Splits& splits, Progress& progress)
      : config_(config),
        splits_(splits),
        progress_(progress),
        run_(make_run_model(config, splits, progress)),
        folder_(config, checkpoint_bytes(*run_.model)),
        loader_(splits.train, loader_options(config, run_.card.input)),
        optimizer_(
            make_optimizer(make_param_groups(*run_.model, config.optimizer), config.optimizer)),
        schedule_(config.schedule, config.optimizer.lr, static_cast<double>(config.epochs)) {
    if (config.model_ema) ema_.emplace(*run_.model, config.model_ema_decay);
    if (!config.teacher.empty()) load_teacher();
    if (config.resume) resume();
  }

  TrainResult run();

 private:
  void load_teacher();
  void resume();
  void train_epoch();
  void validate_epoch();
  torch::Tensor forward_loss(const data::Batch& batch);
  void backward(const data::Batch& batch);
  [[noreturn]] void stop_diverged(const data::Batch& batch);
  void optimizer_step();
  double position() const;
  bool budget_spent();
  void save_last();
  void link_last(const std::string& name);
  void save_best();
  double evaluate(double& loss);
  std::string bar_text() const;

  models::Model& model() { return *run_.model; }

  TrainConfig config_;
  data::Splits splits_;
  Progress& progress_;
  RunModel run_;
  RunFolder folder_;
  data::Loader loader_;
  std::unique_ptr<Optimizer> optimizer_;
  Schedule schedule_;
  std::optional<Ema> ema_;
  models::ModelPtr teacher_;
  TrainState state_;
  std::string stop_reason_;
  int64_t bad_before_ = 0;  // bad samples of the run before this resume
  bool step_is_bad_ = false;
  double last_loss_ = 0;
  Clock::time_point last_saved_ = Clock::now();
};

void Trainer::load_teacher() {
  const fs::path folder = io::resolve_weights(config_.teacher, progress_);
  if (!io::is_folder(folder)) io::find_weight_files(folder);  // refuses pickles
  auto loaded = models::load_for_inference(folder);
  const auto& names = loaded.card.classes;
  const auto count = loaded.model->config().at("num_classes").get<int64_t>();
  const auto wanted = static_cast<int64_t>(run_.card.classes.size());
  // Without names, the data's classes count in their order.
  if (names.empty() ? count != wanted : names != run_.card.classes)
    throw DataError("train",
                    fmt::format("expected a teacher of the data's {} classes, got one of {} {}",
                                wanted, count, names.empty() ? "without names" : "of other names"),
                    config_.teacher, "fine-tune it on this data first: braid train --weights");
  if (loaded.card.input.channels != run_.card.input.channels ||
      loaded.card.input.height != run_.card.input.height)
    throw DataError(
        "train",
        fmt::format("expected a teacher of images of {} channels and {} pixels, got {} and {}",
                    run_.card.input.channels, run_.card.input.height, loaded.card.input.channels,
                    loaded.card.input.height),
        config_.teacher, "give its --img-size, or a teacher for these images");
  teacher_ = loaded.model;
  teacher_->to(torch::Device(config_.device));
}

void Trainer::resume() {
  const fs::path last = folder_.path() / "last";
  if (!fs::exists(last)) {
    progress_.line("Nothing to resume in " + folder_.path().string() +
                   ": starting from the beginning.");
    return;
  }
  std::map<std::string, torch::Tensor> tensors;
  state_ = load_state(last, tensors);
  check_same_run(state_.config, config_);
  models::load_weights(model(), last);
  optimizer_->load_state(with_prefix(tensors, "optimizer."));
  if (ema_)
    for (const auto& [name, tensor] : with_prefix(tensors, "ema."))
      ema_->state().at(name).copy_(tensor);
  if (tensors.contains("rng")) {
    auto generator = at::globalContext().defaultGenerator(torch::kCPU);
    generator.set_state(tensors.at("rng"));
  }
  schedule_.load_state(state_.schedule);
  bad_before_ = state_.bad_samples;
  progress_.line(fmt::format("Resuming {} at epoch {}, batch {}.", folder_.path().string(),
                             state_.epoch, state_.batch));
}

// Epochs done, fractional; under a budget of time or steps the share of the budget decides.
double Trainer::position() const {
  const auto epochs = static_cast<double>(config_.epochs);
  if (config_.max_train_seconds > 0)
    return std::min(1.0, state_.train_seconds / config_.max_train_seconds) * epochs;
  if (config_.max_steps > 0)
    return std::min(1.0,
                    static_cast<double>(state_.step) / static_cast<double>(config_.max_steps)) *
           epochs;
  return static_cast<double>(state_.epoch) +
         static_cast<double>(state_.batch) / static_cast<double>(loader_.size());
}

bool Trainer::budget_spent() {
  if (interrupt_requested())
    stop_reason_ = "interrupted";
  else if (config_.max_train_seconds > 0 && state_.train_seconds >= config_.max_train_seconds)
    stop_reason_ = "time";
  else if (config_.max_steps > 0 && state_.step >= config_.max_steps)
    stop_reason_ = "steps";
  return !stop_reason_.empty();
}

torch::Tensor Trainer::forward_loss(const data::Batch& batch) {
  const torch::Device device(config_.device);
  auto images = batch.images.to(device);
  if (!config_.channels_last) images = images.contiguous();
  const auto labels = batch.labels.to(device);
  torch::Tensor teacher_logits;
  if (teacher_) {
    const torch::NoGradGuard no_grad;
    const nn::Autocast autocast(device.type(), config_.dtype);
    teacher_logits = teacher_->forward(images).to(torch::kFloat);
  }
  torch::Tensor logits, distilled;
  {
    const nn::Autocast autocast(device.type(), config_.dtype);
    if (teacher_)
      std::tie(logits, distilled) = model().forward_distilled(images);
    else
      logits = model().forward(images);
  }
  logits = logits.to(torch::kFloat);
  const auto loss = batch.soft_targets.defined()
                        ? soft_cross_entropy(logits, batch.soft_targets.to(device))
                        : cross_entropy(logits, labels, config_.smoothing);
  if (!teacher_) return loss;
  const auto student = distilled.defined() ? distilled.to(torch::kFloat) : logits;
  return loss * (1 - config_.distillation_alpha) + distillation_loss(student, teacher_logits,
                                                                     config_.distillation_type,
                                                                     config_.distillation_tau) *
                                                       config_.distillation_alpha;
}

// The checkpoints hold weights from before the steps that were skipped.
void Trainer::stop_diverged(const data::Batch& batch) {
  const fs::path last = folder_.path() / "last";
  if (!fs::exists(last)) save_last();
  throw DivergenceError(
      "train",
      fmt::format("the loss was not finite in {} steps in a row; first not finite: {}",
                  kMaxSkippedSteps,
                  first_non_finite_module(model(), batch.images.to(torch::Device(config_.device)))),
      last.string(),
      "the checkpoint named here is the last good one; lower --lr or set --clip-grad");
}

void Trainer::backward(const data::Batch& batch) {
  const auto loss = forward_loss(batch);
  const double value = loss.item<double>();
  if (!std::isfinite(value)) {
    step_is_bad_ = true;
    if (state_.skipped_steps + 1 >= kMaxSkippedSteps) stop_diverged(batch);
    return;
  }
  (config_.grad_accum_steps > 1 ? loss / static_cast<double>(config_.grad_accum_steps) : loss)
      .backward();
  last_loss_ = value;
  state_.epoch_loss += value * static_cast<double>(batch.labels.size(0));
  state_.epoch_images += batch.labels.size(0);
}

void Trainer::optimizer_step() {
  if (!step_is_bad_ && config_.clip_grad > 0)
    step_is_bad_ = !std::isfinite(clip_grad_norm(*optimizer_, config_.clip_grad));
  if (step_is_bad_) {
    ++state_.skipped_steps;
    progress_.line(fmt::format("Step {} skipped: loss or gradient not finite.", state_.step));
  } else {
    optimizer_->step(schedule_.lr(position()));
    state_.skipped_steps = 0;
    if (ema_) ema_->update(model());
  }
  step_is_bad_ = false;
  optimizer_->zero_grad();
  ++state_.step;
}

std::string Trainer::bar_text() const {
  const double rate = state_.epoch_seconds > 0
                          ? static_cast<double>(state_.epoch_images) / state_.epoch_seconds
                          : 0;
  std::string text = fmt::format("loss {:.3f}  {:.0f} images/s", last_loss_, rate);
  if (!state_.history.empty())
    text += fmt::format("  val top-1 {:.2f}%", state_.history.back().val_top1);
  if (config_.max_train_seconds > 0)
    text += fmt::format("  {:.0f}/{:.0f} s", state_.train_seconds, config_.max_train_seconds);
  return text;
}

void Trainer::train_epoch() {
  set_training_mode(model(), config_.freeze);
  loader_.start_epoch(state_.epoch, state_.batch);
  progress_.begin(fmt::format("{} epoch {}", config_.model, state_.epoch), loader_.size());
  optimizer_->zero_grad();
  int64_t accumulated = 0;
  auto start = Clock::now();
  while (true) {
    const auto batch = loader_.next();
    if (!batch) {  // the last batches may have been left out for bad samples
      if (accumulated > 0) optimizer_step();
      break;
    }
    backward(*batch);
    ++state_.batch;
    const bool last = state_.batch >= loader_.size();
    const bool stepped = ++accumulated == config_.grad_accum_steps || last;
    if (stepped) {
      optimizer_step();
      accumulated = 0;
    }
    const double seconds = seconds_since(start);
    start = Clock::now();
    state_.epoch_seconds += seconds;
    state_.train_seconds += seconds;
    state_.train_images += batch->labels.size(0);
    progress_.update(state_.batch, bar_text());
    if (!stepped) continue;
    if (budget_spent()) break;
    if (config_.checkpoint_minutes > 0 && !last &&
        seconds_since(last_saved_) > 60 * config_.checkpoint_minutes) {
      save_last();
      start = Clock::now();
    }
  }
  progress_.end();
}

double Trainer::evaluate(double& loss) {
  const auto predictions = models::run_model(model(), splits_.val, run_.card.input,
                                             {.batch_size = config_.batch_size,
                                              .workers = config_.workers,
                                              .dtype = config_.dtype,
                                              .device = config_.device,
                                              .on_bad_sample = config_.on_bad_sample},
                                             progress_);
  loss = cross_entropy(predictions.logits, predictions.labels, 0).item<double>();
  return 100 * predictions.logits.argmax(1)
                   .eq(predictions.labels)
                   .to(torch::kDouble)
                   .mean()
                   .item<double>();
}

void Trainer::validate_epoch() {
  EpochStats stats;
  stats.epoch = state_.epoch;
  stats.step = state_.step;
  stats.train_loss =
      state_.epoch_loss / static_cast<double>(std::max<int64_t>(1, state_.epoch_images));
  stats.val_top1 = stats.val_top1_ema = evaluate(stats.val_loss);
  if (ema_) {
    ema_->swap(model());
    double ema_loss = 0;
    stats.val_top1_ema = evaluate(ema_loss);
  }
  stats.lr = schedule_.lr(position());
  stats.seconds = state_.epoch_seconds;
  stats.images_per_s =
      static_cast<double>(state_.epoch_images) / std::max(1e-9, state_.epoch_seconds);
  state_.history.push_back(stats);
  if (stats.val_top1_ema > state_.best_top1) {
    state_.best_top1 = stats.val_top1_ema;
    state_.best_epoch = state_.epoch;
    save_best();  // the averaged weights, where there are any
  }
  if (ema_) ema_->swap(model());
  schedule_.observe(stats.val_top1);
  folder_.epoch(state_.history);
  progress_.line(fmt::format(
      "{} epoch {:3}  train loss {:.4f}  val loss {:.4f}  val top-1 {:6.2f}%{}  {:.0f} images/s",
      config_.model, stats.epoch, stats.train_loss, stats.val_loss, stats.val_top1,
      ema_ ? fmt::format(" (EMA {:6.2f}%)", stats.val_top1_ema) : "", stats.images_per_s));
}

void Trainer::save_best() {
  io::replace_folder(folder_.path() / "model_best", [this](const fs::path& fresh) {
    models::save_model(model(), run_.card, fresh);
  });
}

void Trainer::save_last() {
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& [name, tensor] : optimizer_->state()) tensors["optimizer." + name] = tensor;
  if (ema_)
    for (const auto& [name, tensor] : ema_->state()) tensors["ema." + name] = tensor;
  tensors["rng"] = at::globalContext().defaultGenerator(torch::kCPU).get_state();
  state_.schedule = schedule_.state();
  state_.bad_samples = bad_before_ + loader_.bad_samples();
  state_.config = braid::to_json(config_);
  io::replace_folder(folder_.path() / "last", [&](const fs::path& fresh) {
    models::save_model(model(), run_.card, fresh);
    save_state(state_, tensors, fresh);
  });
  last_saved_ = Clock::now();
}

// Another name for last/: its files are shared, not written twice, since they never change.
void Trainer::link_last(const std::string& name) {
  io::replace_folder(folder_.path() / name, [this](const fs::path& fresh) {
    for (const auto& entry : fs::directory_iterator(folder_.path() / "last")) {
      std::error_code error;
      fs::create_hard_link(entry.path(), fresh / entry.path().filename(), error);
      if (error) fs::copy_file(entry.path(), fresh / entry.path().filename());
    }
  });
}

TrainResult Trainer::run() {
  const bool open_ended = config_.max_train_seconds > 0 || config_.max_steps > 0;
  while (stop_reason_.empty() && (open_ended || state_.epoch < config_.epochs)) {
    if (budget_spent()) break;
    train_epoch();
    if (stop_reason_ == "interrupted") {
      save_last();
      break;
    }
    validate_epoch();
    const int64_t without_improvement = state_.epoch - state_.best_epoch;
    ++state_.epoch;
    state_.batch = state_.epoch_images = 0;
    state_.epoch_loss = state_.epoch_seconds = 0;
    save_last();
    if (config_.checkpoint_hist > 0) {
      link_last(fmt::format("checkpoint-{}", state_.epoch - 1));
      fs::remove_all(folder_.path() /
                     fmt::format("checkpoint-{}", state_.epoch - 1 - config_.checkpoint_hist));
    }
    if (stop_reason_.empty() && config_.early_stop_epochs > 0 &&
        without_improvement >= config_.early_stop_epochs)
      stop_reason_ = "early_stop";
  }
  TrainResult result;
  result.history = state_.history;
  result.best_top1 = std::max(0.0, state_.best_top1);
  result.best_epoch = state_.best_epoch;
  result.steps = state_.step;
  result.train_seconds = state_.train_seconds;
  result.images_per_s =
      static_cast<double>(state_.train_images) / std::max(1e-9, state_.train_seconds);
  result.bad_samples = bad_before_ + loader_.bad_samples();
  result.stop_reason = stop_reason_.empty() ? "epochs" : stop_reason_;
  result.best_checkpoint = folder_.path() / "model_best";
  folder_.result(result);
  return result;
}

}  // namespace

std::atomic<bool>& interrupt_requested() {
  static std::atomic<bool> requested{false};
  return requested;
}

TrainResult train(const TrainConfig& given, const data::Splits& splits, Progress& progress) {
  validate(given);
  TrainConfig config = given;
  // A design's file may change or go.
  if (given.model.ends_with(".toml")) config.model = models::find_model(given.model).name;
  if (!config.resume && fs::exists(fs::path(config.output) / "last"))
    throw UsageError("train", "the folder already holds a run", config.output,
                     "add --resume to continue it, or choose another --output");
  if (config.threads > 0) at::set_num_threads(static_cast<int>(config.threads));
  torch::manual_seed(static_cast<uint64_t>(config.seed));  // dropout and stochastic depth
  return Trainer(config, splits, progress).run();
}

}  // namespace braid::train
