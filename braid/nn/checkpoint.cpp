#include "braid/nn/checkpoint.h"

#include <ATen/autocast_mode.h>

#include <memory>

namespace braid::nn {
namespace {

using Block = std::function<torch::Tensor(const torch::Tensor&)>;

// What the second run must find as the first one did.
struct Replay : torch::CustomClassHolder {
  Block block;
  torch::Tensor rng_state;
  at::DeviceType device;
  bool autocast;
  at::ScalarType autocast_dtype;
};

class CheckpointFunction : public torch::autograd::Function<CheckpointFunction> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx, const torch::Tensor& x,
                               const c10::intrusive_ptr<Replay>& replay) {
    ctx->save_for_backward({x});
    ctx->saved_data["replay"] = torch::IValue::make_capsule(replay);
    return replay->block(x);  // gradients are off inside a Function
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list gradients) {
    const auto replay =
        c10::static_intrusive_pointer_cast<Replay>(ctx->saved_data["replay"].toCapsule());
    const auto x = ctx->get_saved_variables()[0].detach().requires_grad_(true);
    auto generator = at::globalContext().defaultGenerator(x.device());
    const auto rng_now = generator.get_state();
    generator.set_state(replay->rng_state);
    const bool autocast_now = at::autocast::is_autocast_enabled(replay->device);
    const auto dtype_now = at::autocast::get_autocast_dtype(replay->device);
    at::autocast::set_autocast_enabled(replay->device, replay->autocast);
    at::autocast::set_autocast_dtype(replay->device, replay->autocast_dtype);
    torch::Tensor y;
    {
      torch::AutoGradMode enable(true);
      y = replay->block(x);
    }
    at::autocast::set_autocast_enabled(replay->device, autocast_now);
    at::autocast::set_autocast_dtype(replay->device, dtype_now);
    generator.set_state(rng_now);
    torch::autograd::backward({y}, {gradients[0]});
    return {x.grad(), torch::Tensor()};
  }
};

}  // namespace

torch::Tensor checkpoint(const Block& block, const torch::Tensor& x) {
  auto replay = c10::make_intrusive<Replay>();
  replay->block = block;
  replay->rng_state = at::globalContext().defaultGenerator(x.device()).get_state();
  replay->device = x.device().type();
  replay->autocast = at::autocast::is_autocast_enabled(replay->device);
  replay->autocast_dtype = at::autocast::get_autocast_dtype(replay->device);
  return CheckpointFunction::apply(x, replay);
}

torch::Tensor maybe_checkpoint_each(bool enable, torch::nn::Sequential& blocks, torch::Tensor x) {
  for (auto& block : *blocks) {
    if (enable && torch::GradMode::is_enabled() && x.requires_grad())
      x = checkpoint([block](const torch::Tensor& input) mutable { return block.forward(input); },
                     x);  // the copy shares its module
    else
      x = block.forward(x);
  }
  return x;
}

}  // namespace braid::nn
