#include "braid/nn/block/mobilevit_block.h"

#include "braid/nn/basic/init.h"
#include "braid/nn/basic/init_layers.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_for_product.h"

namespace braid::nn {
namespace {

int64_t round_up(int64_t side, int64_t patch) { return (side + patch - 1) / patch * patch; }

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
  const int64_t C = config.in_chs, D = config.transformer_dim;
  ConvNormActConfig spatial{
      .in_chs = C, .out_chs = C, .kernel_size = config.kernel_size, .act = config.act};
  conv_kxk_ = register_module("conv_kxk", ConvNormAct(spatial));
  conv_1x1_ = register_module("conv_1x1", conv2d(C, D));
  for (int64_t i = 0; i < config.transformer_depth; ++i)
    transformer_->push_back(ViTBlock(ViTBlockConfig{.dim = D,
                                                    .num_heads = config.num_heads,
                                                    .mlp_ratio = config.mlp_ratio,
                                                    .qkv_bias = true,
                                                    .act = config.act,
                                                    .norm_eps = 1e-5,
                                                    .attn_drop = config.attn_drop,
                                                    .proj_drop = config.proj_drop,
                                                    .drop_path = config.drop_path}));
  register_module("transformer", transformer_);
  // As timm's "bring your own blocks" networks draw every linear layer.
  init_layers_(
      *transformer_,
      [](const torch::Tensor& weight, const torch::Tensor& bias) {
        torch::nn::init::normal_(weight, 0.0, 0.01);
        if (bias.defined()) torch::nn::init::zeros_(bias);
      },
      /*convs=*/false);
  norm_ = register_module("norm", layer_norm(D, 1e-5));
  conv_proj_ = register_module(
      "conv_proj", ConvNormAct(ConvNormActConfig{.in_chs = D, .out_chs = C, .act = config.act}));
  spatial.in_chs = 2 * C;
  conv_fusion_ = register_module("conv_fusion", ConvNormAct(spatial));
}

torch::Tensor MobileViTBlockImpl::forward(const torch::Tensor& x) {
  auto y = conv_1x1_->forward(conv_kxk_->forward(x));  // [B,D,H,W]
  const int64_t B = y.size(0), D = y.size(1), H = y.size(2), W = y.size(3);
  const int64_t height = round_up(H, patch_size_), width = round_up(W, patch_size_);
  const bool resized = height != H || width != W;
  if (resized) y = at::upsample_bilinear2d(y, {height, width}, /*align_corners=*/false);
  y = unfold_patches(y, patch_size_);  // [B,P,N,D]
  const int64_t P = y.size(1), N = y.size(2);
  y = trained_norm(norm_, transformer_->forward(y.flatten(0, 1))).view({B, P, N, D});
  y = fold_patches(y, patch_size_, height, width);
  if (resized) y = at::upsample_bilinear2d(y, {H, W}, /*align_corners=*/false);
  return conv_fusion_->forward(torch::cat({x, conv_proj_->forward(y)}, 1));
}

MobileViTV2BlockImpl::MobileViTV2BlockImpl(const MobileViTV2BlockConfig& config)
    : patch_size_(config.patch_size) {
  const int64_t C = config.in_chs, D = config.transformer_dim;
  conv_kxk_ =
      register_module("conv_kxk", ConvNormAct(ConvNormActConfig{.in_chs = C,
                                                                .out_chs = C,
                                                                .kernel_size = config.kernel_size,
                                                                .groups = C,
                                                                .act = config.act}));
  conv_1x1_ = register_module("conv_1x1", conv2d(C, D));
  for (int64_t i = 0; i < config.transformer_depth; ++i)
    transformer_->push_back(
        LinearTransformerBlock(LinearTransformerBlockConfig{.dim = D,
                                                            .mlp_ratio = config.mlp_ratio,
                                                            .act = config.act,
                                                            .attn_drop = config.attn_drop,
                                                            .proj_drop = config.proj_drop,
                                                            .drop_path = config.drop_path}));
  register_module("transformer", transformer_);
  norm_ = register_module("norm", torch::nn::GroupNorm(1, D));
  conv_proj_ =
      register_module("conv_proj", ConvNormAct(ConvNormActConfig{.in_chs = D, .out_chs = C}));
}

torch::Tensor MobileViTV2BlockImpl::forward(const torch::Tensor& x) {
  const int64_t height = round_up(x.size(2), patch_size_), width = round_up(x.size(3), patch_size_);
  const bool resized = height != x.size(2) || width != x.size(3);
  auto y = resized ? at::upsample_bilinear2d(x, {height, width}, /*align_corners=*/true) : x;
  y = conv_1x1_->forward(conv_kxk_->forward(y));                        // [B,D,H',W']
  y = transformer_->forward(unfold_patches(y, patch_size_));            // [B,P,N,D]
  y = fold_patches(sample_norm(norm_, y), patch_size_, height, width);  // [B,D,H',W']
  return conv_proj_->forward(y);
}

}  // namespace braid::nn
