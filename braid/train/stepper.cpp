#include "braid/train/stepper.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "braid/core/error.h"
#include "braid/models/macs.h"
#include "braid/runtime/autocast.h"
#include "braid/runtime/device.h"
#include "braid/runtime/tensor_file.h"
#include "braid/train/make_optimizer.h"

namespace braid::train {

Stepper::Stepper(tasks::Task& task, const RunConfig& config, TrainState& state, Progress& progress)
    : task_(task),
      state_(state),
      progress_(progress),
      device_(runtime::resolve_device(config.device)),
      dtype_(config.dtype),
      frozen_({config.freeze, config.freeze_bn_stats}),
      freeze_epochs_(config.freeze_epochs),
      clip_grad_(config.clip_grad),
      batch_size_(config.batch_size) {
  auto& model = task.model();
  task.to(device_);
  model.set_grad_checkpointing(config.grad_checkpointing);
  prepare_parameters(config);
  if (config.model_ema)
    ema_.emplace(model, Ema::Options{config.model_ema_decay, config.model_ema_warmup});
  if (device_.is_cuda()) {
    at::globalContext().setBenchmarkCuDNN(true);  // shapes hardly change
    if (runtime::DeviceGraph::is_available() && task.has_static_steps() &&
        config.grad_accum_steps == 1 && !config.grad_checkpointing)
      graph_.emplace(optimizer_->parameters());
  }
}

void Stepper::prepare_parameters(const RunConfig& config) {
  auto& model = task_.model();
  const bool for_good = freeze_epochs_ == 0;
  if (for_good) freeze_layers(model, frozen_.layers, progress_);
  optimizer_ = make_optimizer(make_param_groups(model, config.optimizer), config.optimizer,
                              runtime::resolve_dtype(dtype_, device_.type()) == "bfloat16");
  if (!for_good) to_thaw_ = freeze_layers(model, frozen_.layers, progress_);
  if (!frozen_.bn_stats) return;
  const auto norms = models::count_batch_norms(model);
  if (norms == 0)
    throw ConfigError("train", "expected a model with batch norms, got none",
                      "freeze_bn_stats = true", "leave out --freeze-bn-stats");
  progress_.line(
      fmt::format("Batch norms that keep their statistics: {} (--freeze-bn-stats).", norms));
}

void Stepper::thaw() {
  if (to_thaw_.empty()) return;
  const double passes =
      static_cast<double>(state_.epoch) +
      static_cast<double>(state_.batch) / static_cast<double>(std::max<int64_t>(1, state_.batches));
  if (passes < freeze_epochs_) return;
  for (const auto& parameter : to_thaw_) parameter.set_requires_grad(true);
  to_thaw_.clear();
  frozen_.layers.clear();
  set_training_mode(task_.model(), frozen_);
  if (graph_) graph_.emplace(optimizer_->parameters());  // the recorded step trains fewer
  progress_.line(fmt::format("Frozen layers are trained from here on (--freeze-epochs {:g}).",
                             freeze_epochs_));
}

void Stepper::begin_epoch() {
  set_training_mode(task_.model(), frozen_);
  begin_window(0);
}

void Stepper::begin_window(int64_t batches) {
  if (batches > 0) thaw();
  optimizer_->zero_grad();
  window_.begin(batches);
}

tasks::Step Stepper::forward(const data::Batch& batch) {
  const runtime::Autocast autocast(device_.type(), dtype_);
  return task_.training_step(batch);
}

std::optional<tasks::Step> Stepper::try_step(const data::Batch& batch) {
  if (batch.size() > 1) return forward(batch);
  // Batch norm over one value per channel has no variance. The layers before it have seen the batch
  // by the time it says so: their running statistics are put back.
  const auto& model = task_.model();
  std::vector<torch::Tensor> before;
  for (const auto& buffer : model.buffers()) before.push_back(buffer.detach().clone());
  try {
    return forward(batch);
  } catch (const c10::Error& e) {
    if (std::string(e.what_without_backtrace()).find("more than 1 value per channel") ==
        std::string::npos)
      throw;
  }
  const torch::NoGradGuard no_grad;
  const auto buffers = model.buffers();
  for (size_t i = 0; i < before.size(); ++i) torch::Tensor(buffers[i]).copy_(before[i]);
  return std::nullopt;
}

std::optional<tasks::Step> Stepper::replay(const data::Batch& batch) {
  if (!graph_ || batch.size() < 2) return std::nullopt;
  const auto loss = graph_->run(batch, [&](const data::Batch& b) { return forward(b).loss; });
  if (loss) return tasks::Step{*loss, static_cast<double>(batch.size())};
  if (!graph_->failure().empty()) {
    progress_.line("Steps are launched operator by operator: " + graph_->failure());
    graph_.reset();
  }
  return std::nullopt;
}

void Stepper::add(const data::Batch& batch) {
  if (const auto step = replay(batch)) {
    window_.add_computed(step->weight);
    account(*step);
    return;
  }
  const auto made = try_step(batch);
  if (!made) {
    if (batch_size_ == 1)
      throw ConfigError("train",
                        "expected batches of at least 2: this model has batch norm over one value "
                        "per channel, which one image gives no variance",
                        "batch_size = 1", "raise batch_size, or img_size");
    if (!std::exchange(left_one_out_, true))
      progress_.line(fmt::format(
          "Batches of one of the {} are left out: this model has batch norm over one value per "
          "channel.",
          task_.items()));
    window_.skip();
    return;
  }
  const tasks::Step& step = *made;
  if (!(step.weight > 0)) {  // a batch of padding alone
    window_.skip();
    return;
  }
  window_.add(step);
  account(step);
}

void Stepper::account(const tasks::Step& step) {
  // Read after the backward pass has begun, so that a GPU does not wait for the host. A loss that
  // is not finite spoils the step, and its gradients go with it.
  const double loss = step.loss.item<double>();
  state_.train_items += step.weight;
  if (!guard_.loss(loss)) {
    const auto weights = task_.model().parameters();
    lost_ = !std::all_of(weights.begin(), weights.end(), runtime::is_finite);
    of_gradients_ = false;
    return;
  }
  last_loss_ = loss;
  state_.epoch_loss += loss * step.weight;
  state_.epoch_items += step.weight;
}

void Stepper::step(double lr) {
  if (!guard_.spoilt() && window_.empty()) {
    begin_window(0);
    return;
  }
  if (!guard_.spoilt()) {
    window_.finish(*optimizer_);
    if (clip_grad_ > 0)
      of_gradients_ = !guard_.gradient_norm(clip_grad_norm(*optimizer_, clip_grad_));
    if (guard_.hopeless()) return;
  }
  if (guard_.end_step()) {
    progress_.line(fmt::format("Step {} skipped: loss or gradient not finite.", state_.step));
  } else {
    optimizer_->step(lr);
    if (ema_) ema_->update(task_.model(), state_.step + 1);
  }
  state_.skipped_steps = guard_.skipped();
  ++state_.step;
  begin_window(0);
}

DivergenceError Stepper::divergence(const data::Batch* batch, const std::filesystem::path& where,
                                    const std::string& remedy) {
  std::string problem;
  if (const auto name = first_not_finite(); !name.empty())
    problem = fmt::format(
        "expected finite weights at step {}, got NaN or infinity in {}: a gradient before was not "
        "finite, or a step too large",
        state_.step, name);
  else
    problem =
        fmt::format("the {} was not finite in {} steps in a row, up to step {}",
                    of_gradients_ ? "gradient" : "loss", NonFiniteGuard::kMostSkipped, state_.step);
  if (batch)
    problem += "; first not finite: " +
               first_non_finite_module(task_.model(), *batch, [&] { task_.forward(*batch); });
  return {"train", problem, where.string(), remedy};
}

std::string Stepper::first_not_finite() {
  const auto first = [](const runtime::TensorMap& tensors) {
    const auto found = std::find_if(tensors.begin(), tensors.end(), [](const auto& item) {
      return !runtime::is_finite(item.second);
    });
    return found == tensors.end() ? std::string() : found->first;
  };
  auto name = first(runtime::named_state(task_.model()));
  if (name.empty() && ema_) name = first(ema_->state());
  return name;
}

}  // namespace braid::train
