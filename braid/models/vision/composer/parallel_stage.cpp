#include "braid/models/vision/composer/parallel_stage.h"

#include "braid/nn/basic/pad.h"
#include "braid/nn/conv/conv.h"

namespace braid::models {

ParallelStageImpl::ParallelStageImpl(const ParallelStageConfig& config) : config_(config) {
  const int64_t pixels = config.stride * config.patch_size;  // of the input per token
  patch_ = register_module(
      "patch", nn::conv2d(config.in_chs, config.embed_dim,
                          {.kernel_size = pixels, .stride = pixels, .bias = true, .padding = 0}));
  torch::nn::ModuleList list;
  for (int64_t i = 0; i < config.depth; ++i) {
    blocks_.emplace_back(nn::ConvTransBlockConfig{.in_chs = i == 0 ? config.in_chs : config.out_chs,
                                                  .out_chs = config.out_chs,
                                                  .stride = i == 0 ? config.stride : 1,
                                                  .dw_stride = config.patch_size,
                                                  .embed_dim = config.embed_dim,
                                                  .num_heads = config.num_heads,
                                                  .mlp_ratio = config.mlp_ratio,
                                                  .prefix_tokens = 0,
                                                  .proj_drop = config.proj_drop,
                                                  .attn_drop = config.attn_drop,
                                                  .drop_path = config.drop_path});
    list->push_back(blocks_.back());
  }
  register_module("blocks", list);
}

torch::Tensor ParallelStageImpl::forward(const torch::Tensor& x) {
  auto map = nn::pad_to_multiple(x, config_.stride * config_.patch_size);
  auto tokens = patch_->forward(map).flatten(2).transpose(1, 2);  // [B,D,h,w] -> [B,N,D]
  for (auto& block : blocks_) std::tie(map, tokens) = block->forward(map, tokens);
  const auto cut = [&](int64_t side) { return (side + config_.stride - 1) / config_.stride; };
  return map.narrow(2, 0, cut(x.size(2))).narrow(3, 0, cut(x.size(3)));
}

}  // namespace braid::models
