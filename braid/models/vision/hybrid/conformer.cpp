#include "braid/models/vision/hybrid/conformer.h"

#include <fmt/format.h>

#include <numeric>

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/hybrid/branches.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/pad.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/head/replace_head.h"
#include "braid/ops/global_avg_pool.h"
#include "braid/runtime/grad_checkpoint.h"

namespace braid::models {
namespace {

using torch::Tensor;

constexpr int64_t kStemChans = 64;
constexpr int64_t kConformerStride = 4;  // pixels of the image per pixel of the stem's output
constexpr size_t kStages = 3;

void validate(const ConformerConfig& config) {
  const Validator check("conformer");
  check.input(config.num_classes, config.in_chans, config.img_size)
      .positive("patch_size", config.patch_size)
      .divides("num_heads", config.num_heads, "embed_dim", config.embed_dim)
      .rate("drop_rate", config.drop_rate)
      .rate("attn_drop_rate", config.attn_drop_rate)
      .rate("drop_path_rate", config.drop_path_rate);
  if (config.patch_size % 16 != 0)
    check.fail(fmt::format("expected patch_size as a multiple of 16, got {}", config.patch_size));
  if (config.depths.size() != kStages)
    check.fail(fmt::format("expected 3 numbers in depths, got {}", config.depths.size()));
  check.depth("depths", config.depths);
  const double width = kStemChans * config.channel_ratio;
  if (!(width >= 4 && width <= 1e5) || static_cast<int64_t>(width) % 4 != 0)
    check.fail(
        fmt::format("expected channel_ratio as a multiple of 1/16, got {}", config.channel_ratio));
  check.between("num_med_block", config.num_med_block, 0, 1000);
  check.ratio("mlp_ratio", config.mlp_ratio, config.embed_dim);
}

}  // namespace

void ConformerConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("patch_size", patch_size, "pixels along one side of a token, a multiple of 16");
  v.field("channel_ratio", channel_ratio, "channels of the first stage per 64");
  v.field("num_med_block", num_med_block, "further bottlenecks per block");
  v.field("embed_dim", embed_dim, "channels of a token");
  v.field("depths", depths, "blocks per stage");
  v.field("num_heads", num_heads, "attention heads");
  v.field("mlp_ratio", mlp_ratio, "hidden channels of the feed-forward part per channel");
  v.field("qkv_bias", qkv_bias, "bias of the attention's projection");
  v.field("drop_rate", drop_rate, "dropout in the Transformer blocks, 0: none");
  v.field("attn_drop_rate", attn_drop_rate, "dropout of attention weights, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

int64_t Conformer::width(size_t stage) const {
  return static_cast<int64_t>(kStemChans * config_.channel_ratio *
                              static_cast<double>(int64_t{1} << stage));
}

Conformer::Conformer(const ConformerConfig& config) : ModelOf(config) {
  validate(config);
  const int64_t D = config.embed_dim, patch = config.patch_size / kConformerStride;
  const int64_t depth = std::accumulate(config.depths.begin(), config.depths.end(), int64_t{0});
  const auto rates = nn::drop_path_rates(config.drop_path_rate, depth);
  cls_token = register_parameter("cls_token", torch::zeros({1, 1, D}));
  nn::trunc_normal_(cls_token, 0.02);
  trans_norm = register_module("trans_norm", nn::layer_norm(D, 1e-5));

  conv1 = nn::conv2d(config.in_chans, kStemChans,
                     {.kernel_size = 7, .stride = 2, .init = nn::ConvInit::kFanOut});
  register_module("conv1", conv1);
  bn1 = register_module("bn1", nn::batch_norm(kStemChans));
  conv_1 =
      register_module("conv_1", nn::ConvBlock(nn::ConvBlockConfig{
                                    .in_chs = kStemChans, .out_chs = width(0), .res_conv = true}));
  trans_patch_conv =
      torch::nn::Conv2d(torch::nn::Conv2dOptions(kStemChans, D, patch).stride(patch));
  nn::init_fan_out_(trans_patch_conv->weight);
  register_module("trans_patch_conv", trans_patch_conv);
  trans_1 =
      register_module("trans_1", nn::ViTBlock(nn::ViTBlockConfig{.dim = D,
                                                                 .num_heads = config.num_heads,
                                                                 .mlp_ratio = config.mlp_ratio,
                                                                 .qkv_bias = config.qkv_bias,
                                                                 .attn_drop = config.attn_drop_rate,
                                                                 .proj_drop = config.drop_rate,
                                                                 .drop_path = rates[0]}));
  int64_t chans = width(0);
  for (size_t stage = 0; stage < kStages; ++stage)
    for (int64_t i = stage == 0 ? 1 : 0; i < config.depths[stage]; ++i) {
      const int64_t number = this->depth() + 1;  // as the reference counts
      nn::ConvTransBlock block(
          nn::ConvTransBlockConfig{.in_chs = chans,
                                   .out_chs = width(stage),
                                   .stride = stage > 0 && i == 0 ? 2 : 1,
                                   .dw_stride = patch >> stage,
                                   .embed_dim = D,
                                   .num_heads = config.num_heads,
                                   .mlp_ratio = config.mlp_ratio,
                                   .qkv_bias = config.qkv_bias,
                                   .num_med_block = config.num_med_block,
                                   .last_fusion = number == depth,
                                   .proj_drop = config.drop_rate,
                                   .attn_drop = config.attn_drop_rate,
                                   .drop_path = rates[static_cast<size_t>(number - 1)]});
      conv_trans.push_back(register_module("conv_trans_" + std::to_string(number), block));
      chans = width(stage);
    }
  replace_head(config.num_classes);
}

Tensor Conformer::forward_features(const Tensor& x) {
  auto stem = at::relu(bn1->forward(conv1->forward(x)));
  stem = at::max_pool2d(stem, 3, 2, 1);  // [B,64,H/4,W/4]
  stem = nn::pad_to_multiple(stem, config_.patch_size / kConformerStride);
  auto map = conv_1->forward(stem).first;                                    // [B,C,H/4,W/4]
  auto tokens = trans_patch_conv->forward(stem).flatten(2).transpose(1, 2);  // [B,N,D]
  const auto cls = cls_token.expand({x.size(0), -1, -1}).to(tokens.dtype());
  tokens = runtime::maybe_checkpoint(checkpointing(), trans_1, torch::cat({cls, tokens}, 1));
  for (auto& block : conv_trans)
    std::tie(map, tokens) = runtime::maybe_checkpoint(checkpointing(), block, map, tokens);
  return join_branches(map, trans_norm->forward(tokens.select(1, 0)));
}

std::pair<Tensor, Tensor> Conformer::heads(const Tensor& pooled) {
  const auto parts = pooled.split_with_sizes({width(kStages - 1), config_.embed_dim}, 1);
  return {conv_cls_head->forward(parts[0]), trans_cls_head->forward(parts[1])};
}

Tensor Conformer::forward_head(const Tensor& features, bool pre_logits) {
  auto pooled = ops::global_avg_pool(features);  // [B,C+D,h,w] -> [B,C+D]
  if (pre_logits || !conv_cls_head) return pooled;
  const auto [conv, trans] = heads(pooled);
  return (conv + trans) / 2;
}

std::pair<Tensor, Tensor> Conformer::forward_distilled(const Tensor& x) {
  const auto features = forward_features(x);
  if (!conv_cls_head) return {forward_head(features, true), Tensor()};
  return heads(ops::global_avg_pool(features));
}

std::vector<FeatureInfo> Conformer::feature_info() const {
  std::vector<FeatureInfo> info;
  int64_t last = 0, reduction = kConformerStride;
  for (size_t stage = 0; stage < kStages; ++stage) {
    last += config_.depths[stage];
    const auto module = last == 1 ? std::string("conv_1") : "conv_trans_" + std::to_string(last);
    if (stage + 1 == kStages) reduction *= 2;  // its last block halves the map
    info.push_back({module, width(stage), reduction});
    reduction *= 2;
  }
  return info;
}

int64_t Conformer::num_features() const { return width(kStages - 1) + config_.embed_dim; }

void Conformer::replace_head(int64_t num_classes) {
  nn::replace_head(*this, "conv_cls_head", conv_cls_head,
                   nn::new_head(width(kStages - 1), num_classes, 0.02));
  nn::replace_head(*this, "trans_cls_head", trans_cls_head,
                   nn::new_head(config_.embed_dim, num_classes, 0.02));
}

std::vector<std::string> Conformer::head_modules() const {
  return {"conv_cls_head", "trans_cls_head"};
}

int64_t Conformer::layer_id(const std::string& parameter) const {
  for (const char* stem : {"cls_token", "conv1.", "bn1.", "trans_patch_conv."})
    if (parameter.starts_with(stem)) return 0;
  if (parameter.starts_with("conv_1.") || parameter.starts_with("trans_1.")) return 1;
  return block_index(parameter, "conv_trans_", depth() + 1);
}

void add_conformer(Registry& table) {
  table.add(make_entry<Conformer>("conformer_tiny_patch16", Family::kHybrid, Fusion::kParallel,
                                  imagenet_input(224, 0.875), ConformerConfig{}));
}

}  // namespace braid::models
