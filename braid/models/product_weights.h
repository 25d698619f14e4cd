// Weights in the type that they are multiplied in.
#pragma once
#include "braid/nn/basic/int8_weights.h"
#include "braid/torch.h"

namespace braid::models {

// For a network that is evaluated under autocast to `type` again and again: converts the weights of
// its linear layers (Pointwise too) and convolutions once, where autocast does so in each of its
// scopes. The outputs are the same bit by bit. Weights that an embedding shares stay as they are;
// float32: none is converted.
void keep_product_weights(torch::nn::Module& model, at::ScalarType type);

// Rounds the weights of linear layers, and of tables of `words` rows, which a vocabulary's logits
// may share, to 8 bits: for a network on the CPU that is evaluated within their nn::Int8Scope.
nn::Int8Weights keep_int8_weights(torch::nn::Module& model, int64_t words);

}  // namespace braid::models
