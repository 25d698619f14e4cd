// A classifier in the place of another.
#pragma once
#include <utility>

#include "braid/nn/basic/init.h"
#include "braid/torch.h"

namespace braid::nn {

// Registers `fresh` as `name` in `parent`, in the mode that the parent is in; what `head` held
// under that name goes. fresh: nullptr for none.
template <class Holder>
void replace_head(torch::nn::Module& parent, const char* name, Holder& head, Holder fresh) {
  if (head) parent.unregister_module(name);
  head = std::move(fresh);
  if (!head) return;
  parent.register_module(name, head);
  head->train(parent.is_training());
}

// PyTorch's own initialization; nullptr for out_features 0.
inline torch::nn::Linear new_head(int64_t in_features, int64_t out_features) {
  if (out_features == 0) return nullptr;
  return torch::nn::Linear(in_features, out_features);
}
// The same, drawn by init_linear_.
inline torch::nn::Linear new_head(int64_t in_features, int64_t out_features, double std) {
  auto head = new_head(in_features, out_features);
  if (head) init_linear_(head, std);
  return head;
}

}  // namespace braid::nn
