// Weights in the type that they are multiplied in.
#pragma once
#include "braid/torch.h"

namespace braid::models {

// For a network that is evaluated under autocast to `type` again and again: converts the weights of
// its linear layers (Pointwise too) and convolutions once, where autocast does so in each of its
// scopes. The outputs are the same bit by bit. Weights that an embedding shares stay as they are;
// float32: none is converted.
void keep_product_weights(torch::nn::Module& model, at::ScalarType type);

}  // namespace braid::models
