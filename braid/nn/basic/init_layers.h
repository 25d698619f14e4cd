// Initializes all layers of a module at once.
#pragma once
#include <functional>

#include "braid/torch.h"

namespace braid::nn {

// The weight and the bias, which may be undefined, of every layer below `root` that is a product:
// linear layers, Pointwise and, unless `convs` is false, convolutions.
using InitLayer = std::function<void(torch::Tensor weight, torch::Tensor bias)>;
void init_layers_(torch::nn::Module& root, const InitLayer& init, bool convs = true);
// The same: weights by `draw` with deviation std, biases zero.
void init_layers_(torch::nn::Module& root, void (*draw)(const torch::Tensor&, double),
                  double std = 0.02);
// ViT's, for every product in a module: weights Xavier uniform, biases zero, those below "mlp"
// normal with deviation 1e-6. Gains of norms and tables stay.
void init_transformer_(torch::nn::Module& module);

}  // namespace braid::nn
