#include "braid/nn/basic/init_layers.h"

#include "braid/nn/basic/pointwise.h"

namespace braid::nn {

void init_layers_(torch::nn::Module& root, const InitLayer& init, bool convs) {
  for (const auto& module : root.modules(/*include_self=*/false)) {
    if (const auto* conv = module->as<torch::nn::Conv2dImpl>(); conv && convs)
      init(conv->weight, conv->bias);
    if (const auto* linear = module->as<torch::nn::LinearImpl>())
      init(linear->weight, linear->bias);
    if (const auto* product = module->as<PointwiseImpl>()) init(product->weight, product->bias);
  }
}

void init_layers_(torch::nn::Module& root, void (*draw)(const torch::Tensor&, double), double std) {
  init_layers_(root, [&](const torch::Tensor& weight, const torch::Tensor& bias) {
    draw(weight, std);
    if (bias.defined()) torch::nn::init::zeros_(bias);
  });
}

void init_transformer_(torch::nn::Module& module) {
  for (auto& item : module.named_parameters()) {
    const std::string& name = item.key();
    if (name.ends_with("weight") && item.value().dim() > 1)
      torch::nn::init::xavier_uniform_(item.value());
    else if (name.ends_with("bias") && name.find("mlp.") != std::string::npos)
      torch::nn::init::normal_(item.value(), 0.0, 1e-6);
    else if (name.ends_with("bias"))
      torch::nn::init::zeros_(item.value());
  }
}

}  // namespace braid::nn
