#include "braid/runtime/grad_checkpoint.h"

#include <ATen/autocast_mode.h>

#include "braid/runtime/generator_guard.h"

namespace braid::runtime {
namespace {

using Tensors = std::vector<torch::Tensor>;
using Block = std::function<Tensors(const Tensors&)>;

// What the second run must find as the first one did.
struct Replay : torch::CustomClassHolder {
  Block block;
  torch::Tensor rng_state;
  at::DeviceType device;
  bool autocast;
  at::ScalarType autocast_dtype;
};

// Random numbers and autocast as they were, until this object ends. Casted weights are cached
// beyond a block: the second run must not meet copies made without a graph, nor the next step this
// one's.
class ReplayScope {
 public:
  ReplayScope(const Replay& replay, const at::Device& device)
      : device_(replay.device),
        random_(device),
        autocast_now_(at::autocast::is_autocast_enabled(device_)),
        dtype_now_(at::autocast::get_autocast_dtype(device_)) {
    random_.generator().set_state(replay.rng_state);
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, replay.autocast);
    at::autocast::set_autocast_dtype(device_, replay.autocast_dtype);
  }
  ~ReplayScope() {
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, autocast_now_);
    at::autocast::set_autocast_dtype(device_, dtype_now_);
  }
  ReplayScope(const ReplayScope&) = delete;
  ReplayScope& operator=(const ReplayScope&) = delete;

 private:
  at::DeviceType device_;
  GeneratorGuard random_;
  bool autocast_now_;
  at::ScalarType dtype_now_;
};

class CheckpointFunction : public torch::autograd::Function<CheckpointFunction> {
 public:
  static Tensors forward(torch::autograd::AutogradContext* ctx, const at::TensorList& inputs,
                         const c10::intrusive_ptr<Replay>& replay) {
    ctx->save_for_backward(inputs.vec());
    ctx->saved_data["replay"] = torch::IValue::make_capsule(replay);
    return replay->block(inputs.vec());  // gradients are off inside a Function
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& gradients) {
    const auto replay =
        c10::static_intrusive_pointer_cast<Replay>(ctx->saved_data["replay"].toCapsule());
    Tensors inputs;
    for (const auto& saved : ctx->get_saved_variables())
      inputs.push_back(saved.detach().requires_grad_(true));
    Tensors outputs;
    {
      const ReplayScope scope(*replay, inputs[0].device());
      const torch::AutoGradMode enable(true);
      outputs = replay->block(inputs);
    }
    torch::autograd::backward(outputs, gradients);
    Tensors input_gradients;
    for (const auto& input : inputs) input_gradients.push_back(input.grad());
    input_gradients.emplace_back();  // the Replay's
    return input_gradients;
  }
};

}  // namespace

std::vector<torch::Tensor> checkpoint(
    const std::function<std::vector<torch::Tensor>(const std::vector<torch::Tensor>&)>& block,
    const std::vector<torch::Tensor>& inputs) {
  const auto device = inputs.at(0).device();
  auto replay = c10::make_intrusive<Replay>();
  replay->block = block;
  replay->rng_state = at::globalContext().defaultGenerator(device).get_state();
  replay->device = device.type();
  replay->autocast = at::autocast::is_autocast_enabled(replay->device);
  replay->autocast_dtype = at::autocast::get_autocast_dtype(replay->device);
  return CheckpointFunction::apply(at::TensorList(inputs), replay);
}

torch::Tensor checkpoint(const std::function<torch::Tensor(const torch::Tensor&)>& block,
                         const torch::Tensor& x) {
  const auto outputs = checkpoint(
      [block](const Tensors& inputs) -> Tensors { return {block(inputs[0])}; }, Tensors{x});
  return outputs[0];
}

torch::Tensor checkpoint_if(bool enable,
                            const std::function<torch::Tensor(const torch::Tensor&)>& block,
                            const torch::Tensor& x) {
  const bool records = torch::GradMode::is_enabled() && x.requires_grad();
  return enable && records ? checkpoint(block, x) : block(x);
}

torch::Tensor checkpoint_if(
    bool enable, const std::function<torch::Tensor(const std::vector<torch::Tensor>&)>& block,
    const std::vector<torch::Tensor>& inputs) {
  const bool records = torch::GradMode::is_enabled() && inputs.front().requires_grad();
  if (!enable || !records) return block(inputs);
  return checkpoint(
      [block](const std::vector<torch::Tensor>& given) -> std::vector<torch::Tensor> {
        return {block(given)};
      },
      inputs)[0];
}

}  // namespace braid::runtime
