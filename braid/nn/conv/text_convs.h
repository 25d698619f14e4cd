// Convolutions of several sizes beside each other over the tokens of a text, each with as many
// outputs as there are tokens.
//
// Paper: Kim, https://arxiv.org/abs/1408.5882
#pragma once
#include <cstdint>
#include <vector>

#include "braid/torch.h"

namespace braid::nn {

struct TextConvsConfig {
  int64_t in_features = 0;
  int64_t num_filters = 100;  // of each size
  std::vector<int64_t> kernel_sizes = {3, 4, 5};
};

// Keys: I, one convolution per size, weights [filters,C,K].
class TextConvsImpl : public torch::nn::Module {
 public:
  explicit TextConvsImpl(const TextConvsConfig& config);
  // [B,N,C] -> [B,N,filters of all sizes] after ReLU. A window is centred at its token, one of even
  // size reaches one token further to the right.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& mask = {});
  int64_t out_features() const { return out_features_; }

 private:
  std::vector<torch::nn::Conv1d> convs_;
  std::vector<int64_t> kernel_sizes_;
  int64_t out_features_;
};
TORCH_MODULE(TextConvs);

// The largest of each feature over the tokens; features [B,N,D] of ReLU, so that no token at all
// gives zeros.
torch::Tensor max_over_tokens(const torch::Tensor& features, const torch::Tensor& mask = {});

}  // namespace braid::nn
