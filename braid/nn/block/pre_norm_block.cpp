#include "braid/nn/block/pre_norm_block.h"

#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/norm_for_product.h"
#include "braid/nn/basic/register_at.h"
#include "braid/nn/conv/conv.h"

namespace braid::nn {

using torch::Tensor;

void PreNormBlockImpl::add(AnyLayer& part, const std::string& key, AnyLayer layer) {
  part = std::move(layer);
  register_at(*this, key, part.ptr());
}

void PreNormBlockImpl::add(AnyLayer& part, const std::string& key,
                           const torch::nn::LayerNorm& norm) {
  add(part, key,
      AnyLayer(norm, [held = norm](const Tensor& x) mutable { return norm_for_product(held, x); }));
}

Tensor PreNormBlockImpl::add_branch(const Branch& branch, const Tensor& x) {
  if (!branch.layer) return x;
  auto y = branch.layer.forward(branch.norm ? branch.norm.forward(x) : x);
  if (branch.scale) y = branch.scale.forward(y);
  const auto shortcut = branch.shortcut ? branch.shortcut.forward(x) : x;
  return shortcut + drop_path(y, config_.drop_path, is_training());
}

Tensor PreNormBlockImpl::forward_branches(const Tensor& x) {
  return add_branch(mlp, add_branch(mixer, x));
}

Tensor PreNormBlockImpl::forward(const Tensor& x) {
  if (config_.parts_see == MapLayout::kNchw) return forward_branches(x);
  return to_nchw(forward_branches(to_nhwc(x)));
}

}  // namespace braid::nn
