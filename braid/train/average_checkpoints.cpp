#include "braid/train/average_checkpoints.h"

#include "braid/models/weights.h"

namespace braid::train {

void load_average(models::Model& model, const std::vector<std::filesystem::path>& folders) {
  const torch::NoGradGuard no_grad;
  runtime::TensorMap sum;
  for (const auto& folder : folders) {
    models::load_weights(model, folder);
    for (const auto& [name, tensor] : runtime::named_state(model)) {
      const auto value = tensor.is_floating_point() && tensor.itemsize() < 4
                             ? tensor.detach().to(torch::kFloat)
                             : tensor.detach();
      auto& total = sum[name];
      if (!total.defined())
        total = value.clone();
      else if (total.is_floating_point())
        total += value;
    }
  }
  for (auto& [name, total] : sum)
    if (total.is_floating_point()) total /= static_cast<double>(folders.size());
  copy_state(model, sum);
}

void copy_state(models::Model& model, const runtime::TensorMap& state) {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : runtime::named_state(model))
    torch::Tensor(tensor).copy_(state.at(name));
}

}  // namespace braid::train
