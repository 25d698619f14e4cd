#include "braid/nn/conv/patch_embed.h"

#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_for_product.h"
#include "braid/nn/conv/conv.h"

namespace braid::nn {

OverlapPatchEmbedImpl::OverlapPatchEmbedImpl(const OverlapPatchEmbedConfig& config) {
  proj = register_module(config.proj_key, conv2d(config.in_chs, config.embed_dim,
                                                 {.kernel_size = config.patch_size,
                                                  .stride = config.stride,
                                                  .bias = true,
                                                  .padding = config.padding}));
  norm = register_module(config.norm_key, layer_norm(config.embed_dim, config.norm_eps));
}

torch::Tensor OverlapPatchEmbedImpl::forward(const torch::Tensor& x) {
  return trained_norm(norm, to_nhwc(proj->forward(x)));
}

}  // namespace braid::nn
