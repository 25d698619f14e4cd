#include "braid/nn/block/mobilevit_block.h"

#include "braid/nn/basic/norm.h"

namespace braid::nn {
namespace {

int64_t round_up(int64_t side, int64_t patch) { return (side + patch - 1) / patch * patch; }

// timm's "bring your own blocks" networks draw every linear layer so.
void init_linears_(torch::nn::Module& module) {
  for (const auto& layer : module.modules(/*include_self=*/false))
    if (auto* linear = layer->as<torch::nn::Linear>()) {
      torch::nn::init::normal_(linear->weight, 0.0, 0.01);
      if (linear->bias.defined()) torch::nn::init::zeros_(linear->bias);
    }
}

}  // namespace

torch::Tensor unfold_patches(const torch::Tensor& x, int64_t patch) {
  const int64_t B = x.size(0), C = x.size(1), rows = x.size(2) / patch, cols = x.size(3) / patch;
  return to_nhwc(x)
      .reshape({B, rows, patch, cols, patch, C})
      .permute({0, 2, 4, 1, 3, 5})
      .reshape({B, patch * patch, rows * cols, C});
}

torch::Tensor fold_patches(const torch::Tensor& x, int64_t patch, int64_t height, int64_t width) {
  const int64_t B = x.size(0), C = x.size(3);
  return to_nchw(x.reshape({B, patch, patch, height / patch, width / patch, C})
                     .permute({0, 3, 1, 4, 2, 5})
                     .reshape({B, height, width, C}));
}

MobileViTBlockImpl::MobileViTBlockImpl(const MobileViTBlockConfig& config)
    : patch_size_(config.patch_size) {
  const int64_t C = config.chans, D = config.transformer_dim;
  const ConvOptions spatial{.kernel = config.kernel_size};
  conv_kxk = register_module("conv_kxk", ConvNormAct(C, C, spatial, config.act));
  conv_1x1 = register_module("conv_1x1", conv2d(C, D));
  for (int64_t i = 0; i < config.transformer_depth; ++i)
    transformer->push_back(ViTBlock(ViTBlockConfig{.dim = D,
                                                   .num_heads = config.num_heads,
                                                   .mlp_ratio = config.mlp_ratio,
                                                   .qkv_bias = true,
                                                   .act = config.act,
                                                   .norm_eps = 1e-5,
                                                   .attn_drop = config.attn_drop,
                                                   .proj_drop = config.proj_drop,
                                                   .drop_path = config.drop_path}));
  register_module("transformer", transformer);
  init_linears_(*transformer);
  norm = register_module("norm", layer_norm(D, 1e-5));
  conv_proj = register_module("conv_proj", ConvNormAct(D, C, ConvOptions{}, config.act));
  conv_fusion = register_module("conv_fusion", ConvNormAct(2 * C, C, spatial, config.act));
}

torch::Tensor MobileViTBlockImpl::forward(const torch::Tensor& x) {
  auto y = conv_1x1->forward(conv_kxk->forward(x));  // [B,D,H,W]
  const int64_t B = y.size(0), D = y.size(1), H = y.size(2), W = y.size(3);
  const int64_t height = round_up(H, patch_size_), width = round_up(W, patch_size_);
  const bool resized = height != H || width != W;
  if (resized) y = at::upsample_bilinear2d(y, {height, width}, /*align_corners=*/false);
  y = unfold_patches(y, patch_size_);  // [B,P,N,D]
  const int64_t P = y.size(1), N = y.size(2);
  y = norm->forward(transformer->forward(y.flatten(0, 1))).view({B, P, N, D});
  y = fold_patches(y, patch_size_, height, width);
  if (resized) y = at::upsample_bilinear2d(y, {H, W}, /*align_corners=*/false);
  return conv_fusion->forward(torch::cat({x, conv_proj->forward(y)}, 1));
}

MobileViTV2BlockImpl::MobileViTV2BlockImpl(const MobileViTV2BlockConfig& config)
    : patch_size_(config.patch_size) {
  const int64_t C = config.chans, D = config.transformer_dim;
  const ConvOptions depthwise{.kernel = config.kernel_size, .groups = C};
  conv_kxk = register_module("conv_kxk", ConvNormAct(C, C, depthwise, config.act));
  conv_1x1 = register_module("conv_1x1", conv2d(C, D));
  for (int64_t i = 0; i < config.transformer_depth; ++i)
    transformer->push_back(
        LinearTransformerBlock(LinearTransformerBlockConfig{.dim = D,
                                                            .mlp_ratio = config.mlp_ratio,
                                                            .act = config.act,
                                                            .attn_drop = config.attn_drop,
                                                            .proj_drop = config.proj_drop,
                                                            .drop_path = config.drop_path}));
  register_module("transformer", transformer);
  norm = register_module("norm", torch::nn::GroupNorm(1, D));
  conv_proj = register_module("conv_proj", ConvNormAct(D, C, ConvOptions{}, Act::kIdentity));
}

torch::Tensor MobileViTV2BlockImpl::forward(torch::Tensor x) {
  const int64_t height = round_up(x.size(2), patch_size_), width = round_up(x.size(3), patch_size_);
  if (height != x.size(2) || width != x.size(3))
    x = at::upsample_bilinear2d(x, {height, width}, /*align_corners=*/true);
  x = conv_1x1->forward(conv_kxk->forward(x));                         // [B,D,H',W']
  x = transformer->forward(unfold_patches(x, patch_size_));            // [B,P,N,D]
  x = fold_patches(sample_norm(norm, x), patch_size_, height, width);  // [B,D,H',W']
  return conv_proj->forward(x);
}

}  // namespace braid::nn
