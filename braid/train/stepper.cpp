#include "braid/train/stepper.h"

#include <fmt/format.h>

#include "braid/runtime/autocast.h"
#include "braid/runtime/device.h"
#include "braid/train/freeze.h"

namespace braid::train {

Stepper::Stepper(tasks::Task& task, const RunConfig& config, TrainState& state, Progress& progress)
    : task_(task),
      state_(state),
      progress_(progress),
      device_(runtime::resolve_device(config.device)),
      dtype_(config.dtype),
      freeze_(config.freeze),
      clip_grad_(config.clip_grad) {
  auto& model = task.model();
  task.to(device_);
  model.set_grad_checkpointing(config.grad_checkpointing);
  freeze_layers(model, freeze_, progress);
  optimizer_ = make_optimizer(make_param_groups(model, config.optimizer), config.optimizer);
  if (config.model_ema) ema_.emplace(model, config.model_ema_decay);
}

void Stepper::begin_epoch() {
  set_training_mode(task_.model(), freeze_);
  begin_window(0);
}

void Stepper::begin_window(int64_t batches) {
  optimizer_->zero_grad();
  window_.begin(batches);
}

void Stepper::add(const data::Batch& batch) {
  tasks::Step step;
  {
    const runtime::Autocast autocast(device_.type(), dtype_);
    step = task_.training_step(batch);
  }
  if (!(step.weight > 0)) {  // a batch of padding alone
    window_.skip();
    return;
  }
  const double loss = step.loss.item<double>();
  state_.train_items += step.weight;
  if (!guard_.loss(loss)) {
    window_.skip();
    return;
  }
  window_.add(step);
  last_loss_ = loss;
  state_.epoch_loss += loss * step.weight;
  state_.epoch_items += step.weight;
}

void Stepper::step(double lr) {
  if (!guard_.spoilt()) {
    window_.finish(*optimizer_);
    if (clip_grad_ > 0) guard_.gradient_norm(clip_grad_norm(*optimizer_, clip_grad_));
  }
  if (guard_.end_step()) {
    progress_.line(fmt::format("Step {} skipped: loss or gradient not finite.", state_.step));
  } else {
    optimizer_->step(lr);
    if (ema_) ema_->update(task_.model());
  }
  state_.skipped_steps = guard_.skipped();
  ++state_.step;
  begin_window(0);
}

DivergenceError Stepper::divergence(const data::Batch& batch, const std::filesystem::path& last) {
  const auto module = first_non_finite_module(task_.model(), batch, [&] { task_.forward(batch); });
  return {"train",
          fmt::format("the loss was not finite in {} steps in a row; first not finite: {}",
                      NonFiniteGuard::kMostSkipped, module),
          last.string(),
          "the checkpoint named here is the last good one; lower --lr or set --clip-grad"};
}

}  // namespace braid::train
