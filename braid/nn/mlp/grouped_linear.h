// A linear layer whose channels are cut into groups that know nothing of each other, ConvBERT's
// GroupedLinearLayer.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

// Keys: weight [groups,in/groups,out/groups], bias [out].
class GroupedLinearImpl : public torch::nn::Module {
 public:
  GroupedLinearImpl(int64_t in_features, int64_t out_features, int64_t groups);
  torch::Tensor forward(const torch::Tensor& x);  // [...,in] -> [...,out]

  torch::Tensor weight, bias;
};
TORCH_MODULE(GroupedLinear);

}  // namespace braid::nn
