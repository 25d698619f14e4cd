#include "braid/models/vision/hybrid/efficientformer.h"

#include <algorithm>

#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/attention/self_attention.h"
#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/layer_scale.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/block/pre_norm_block.h"
#include "braid/nn/conv/conv_norm_act.h"
#include "braid/nn/mlp/mlp.h"
#include "braid/runtime/grad_checkpoint.h"

namespace braid::models {
namespace {

using torch::Tensor;

constexpr int64_t kKeyDim = 32, kHeads = 8, kValueDim = 4 * kKeyDim;

// With bias and PyTorch's own initialization, as every convolution here.
torch::nn::Conv2d biased_conv(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  return nn::conv2d(
      in, out,
      {.kernel_size = kernel, .stride = stride, .bias = true, .init = nn::ConvInit::kTorch});
}

struct MetaBlockConfig {
  int64_t dim = 0;
  double mlp_ratio = 4.0;
  int64_t pool_size = 3;  // of blocks on maps
  int64_t grid_size = 7;  // of blocks on tokens: positions along one side
  double layer_scale_init_value = 1e-5;
  double proj_drop = 0;
  double drop_path = 0;
  int64_t hidden() const { return static_cast<int64_t>(static_cast<double>(dim) * mlp_ratio); }
};

// The feed-forward part as 1x1 convolutions with batch norms. Keys: fc1, norm1, fc2, norm2.
class ConvMlpWithNormImpl : public torch::nn::Module {
 public:
  explicit ConvMlpWithNormImpl(const MetaBlockConfig& config) : drop_(config.proj_drop) {
    const int64_t hidden = config.hidden();
    fc1_ = register_module("fc1", biased_conv(config.dim, hidden, 1, 1));
    norm1_ = register_module("norm1", nn::batch_norm(hidden));
    fc2_ = register_module("fc2", biased_conv(hidden, config.dim, 1, 1));
    norm2_ = register_module("norm2", nn::batch_norm(config.dim));
  }
  Tensor forward(const Tensor& x) {  // [B,C,H,W] -> [B,C,H,W]
    auto y = nn::activate(norm1_->forward(fc1_->forward(x)), nn::Act::kGelu);
    y = fc2_->forward(nn::dropout(y, drop_, is_training()));
    return nn::dropout(norm2_->forward(y), drop_, is_training());
  }

 private:
  double drop_;
  torch::nn::Conv2d fc1_{nullptr}, fc2_{nullptr};
  torch::nn::BatchNorm2d norm1_{nullptr}, norm2_{nullptr};
};
TORCH_MODULE(ConvMlpWithNorm);

// What a pixel's neighbours have more than itself, in the place of attention.
class PoolingImpl : public torch::nn::Module {
 public:
  explicit PoolingImpl(int64_t pool_size) : pool_size_(pool_size) {}
  Tensor forward(const Tensor& x) {  // [B,C,H,W] -> [B,C,H,W]
    return at::avg_pool2d(x, pool_size_, 1, pool_size_ / 2, /*ceil_mode=*/false,
                          /*count_include_pad=*/false) -
           x;
  }

 private:
  int64_t pool_size_;
};
TORCH_MODULE(Pooling);

// [B,C,H,W] -> [B,C,H,W], without norms of its own. Keys: ls1, mlp, ls2.
class MetaBlock2dImpl : public nn::PreNormBlockImpl {
 public:
  explicit MetaBlock2dImpl(const MetaBlockConfig& config)
      : PreNormBlockImpl({.drop_path = config.drop_path}) {
    add(mixer.layer, "token_mixer", Pooling(config.pool_size));
    add(mixer.scale, "ls1", nn::LayerScale2d(config.dim, config.layer_scale_init_value));
    add(mlp.layer, "mlp", ConvMlpWithNorm(config));
    add(mlp.scale, "ls2", nn::LayerScale2d(config.dim, config.layer_scale_init_value));
  }
};
TORCH_MODULE(MetaBlock2d);

// [B,N,D] -> [B,N,D], N = grid_size^2. Keys: norm1, token_mixer, ls1, norm2, mlp, ls2.
class MetaBlock1dImpl : public nn::PreNormBlockImpl {
 public:
  explicit MetaBlock1dImpl(const MetaBlockConfig& config)
      : PreNormBlockImpl({.drop_path = config.drop_path}) {
    const int64_t dim = config.dim;
    add(mixer.norm, "norm1", nn::layer_norm(dim, 1e-5));
    add(mixer.layer, "token_mixer",
        nn::SelfAttention(nn::SelfAttentionConfig{
            .dim = dim,
            .num_heads = kHeads,
            .key_dim = kKeyDim,
            .value_dim = kValueDim,
            .qkv_bias = true,
            .qkv_order = nn::QkvOrder::kHeadsFirst,
            .position = {.type = nn::PositionBiasType::kTable, .grid_size = config.grid_size}}));
    add(mixer.scale, "ls1", nn::LayerScale(dim, config.layer_scale_init_value));
    add(mlp.norm, "norm2", nn::layer_norm(dim, 1e-5));
    add(mlp.layer, "mlp",
        nn::Mlp(nn::MlpConfig{
            .in_features = dim, .hidden_features = config.hidden(), .drop = config.proj_drop}));
    add(mlp.scale, "ls2", nn::LayerScale(dim, config.layer_scale_init_value));
  }
};
TORCH_MODULE(MetaBlock1d);

// Map to tokens, [B,C,H,W] -> [B,H*W,C]; it counts as a block in the reference's keys.
struct FlatImpl : nn::BlockImpl {
  Tensor forward(const Tensor& x) override { return x.flatten(2).transpose(1, 2); }
};
TORCH_MODULE(Flat);

// Keys: conv1, norm1, conv2, norm2.
torch::nn::Sequential make_stem(int64_t in, int64_t out) {
  torch::nn::Sequential stem;
  stem->push_back("conv1", biased_conv(in, out / 2, 3, 2));
  stem->push_back("norm1", nn::batch_norm(out / 2));
  stem->push_back("act1", torch::nn::ReLU());
  stem->push_back("conv2", biased_conv(out / 2, out, 3, 2));
  stem->push_back("norm2", nn::batch_norm(out));
  stem->push_back("act2", torch::nn::ReLU());
  return stem;
}

// num_vit: blocks on tokens at the end.
nn::BlockList make_blocks(MetaBlockConfig config, const std::vector<double>& rates,
                          int64_t num_vit) {
  const auto depth = static_cast<int64_t>(rates.size());
  nn::BlockList blocks;
  for (int64_t i = 0; i < depth; ++i) {
    config.drop_path = rates[static_cast<size_t>(i)];
    if (num_vit > 0 && i == std::max<int64_t>(depth - num_vit, 0)) blocks->push_back(Flat());
    if (i < depth - num_vit)
      blocks->push_back(MetaBlock2d(config));
    else
      blocks->push_back(MetaBlock1d(config));
  }
  return blocks;
}

void validate(const EfficientFormerConfig& config) {
  const Validator check("efficientformer");
  check.input(config.num_classes, config.in_chans, config.img_size)
      .positive("num_vit", config.num_vit)
      .rate("drop_rate", config.drop_rate)
      .rate("proj_drop_rate", config.proj_drop_rate)
      .rate("drop_path_rate", config.drop_path_rate);
  check.odd("pool_size", config.pool_size)
      .same_length("depths", config.depths.size(), {{"embed_dims", config.embed_dims.size()}})
      .stages("depths", config.depths.size())
      .depth("depths", config.depths)
      .between("embed_dims", config.embed_dims[0], 2, 1'000'000);
  for (const int64_t dim : config.embed_dims)
    check.positive("embed_dims", dim).ratio("mlp_ratios", config.mlp_ratios, dim);
}

}  // namespace

void EfficientFormerConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("depths", depths, "blocks per stage");
  v.field("embed_dims", embed_dims, "channels per stage");
  v.field("num_vit", num_vit, "attention blocks at the end of the last stage");
  v.field("mlp_ratios", mlp_ratios, "hidden channels of the feed-forward part per channel");
  v.field("pool_size", pool_size, "pixels along one side of the pooling window, odd");
  v.field("layer_scale_init_value", layer_scale_init_value, "where the layer scales start");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("proj_drop_rate", proj_drop_rate, "dropout in the feed-forward parts, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

EfficientFormer::EfficientFormer(const EfficientFormerConfig& config) : ModelOf(config) {
  validate(config);
  const auto& dims = config.embed_dims;
  stem_ = register_module("stem", make_stem(config.in_chans, dims[0]));
  const auto rates = nn::drop_path_rates(config.drop_path_rate, config.depths);
  int64_t reduction = 4;
  std::vector<FeatureInfo> info;
  torch::nn::ModuleList stages;
  for (size_t i = 0; i < dims.size(); ++i) {
    auto module = std::make_shared<torch::nn::Module>();
    Stage stage;
    if (i > 0) {
      reduction *= 2;
      stage.downsample = module->register_module(
          "downsample", nn::ConvNormAct(nn::ConvNormActConfig{.in_chs = dims[i - 1],
                                                              .out_chs = dims[i],
                                                              .kernel_size = 3,
                                                              .stride = 2,
                                                              .bias = true,
                                                              .init = nn::ConvInit::kTorch,
                                                              .norm_key = "norm"}));
    }
    stage.blocks = make_blocks({.dim = dims[i],
                                .mlp_ratio = config.mlp_ratios,
                                .pool_size = config.pool_size,
                                .grid_size = (config.img_size + reduction - 1) / reduction,
                                .layer_scale_init_value = config.layer_scale_init_value,
                                .proj_drop = config.proj_drop_rate},
                               rates[i], i + 1 == dims.size() ? config.num_vit : 0);
    module->register_module("blocks", stage.blocks);
    stages->push_back(module);
    stages_.push_back(stage);
    info.push_back({"stages." + std::to_string(i), dims[i], reduction});
  }
  register_module("stages", stages);
  norm_ = register_module("norm", nn::layer_norm(dims.back(), 1e-5));
  finish(info, config.num_classes, config.drop_rate);
}

Tensor EfficientFormer::forward_features(const Tensor& x) {
  expect_img_size("efficientformer", x, config_.img_size);
  auto y = stem_->forward(x);
  for (auto& stage : stages_) {
    if (stage.downsample) y = runtime::maybe_checkpoint(checkpointing(), stage.downsample, y);
    y = stage.blocks->forward(y, checkpointing());
  }
  return norm_->forward(y);
}

void add_efficientformer(Registry& table) {
  table.add(make_entry<EfficientFormer>("efficientformer_l1", Family::kHybrid, Fusion::kInterleaved,
                                        imagenet_input(224, 0.95), EfficientFormerConfig{}));
}

}  // namespace braid::models
