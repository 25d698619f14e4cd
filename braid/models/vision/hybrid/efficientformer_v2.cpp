#include "braid/models/vision/hybrid/efficientformer_v2.h"

#include <cmath>

#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/attention/core.h"
#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/layer_scale.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/token_grid.h"
#include "braid/nn/block/pre_norm_block.h"
#include "braid/nn/conv/downsample.h"
#include "braid/nn/mlp/conv_norm_mlp.h"
#include "braid/nn/position/attention_bias_table.h"
#include "braid/runtime/grad_checkpoint.h"

namespace braid::models {
namespace {

using nn::ConvNormAct;
using torch::Tensor;

constexpr int64_t kNumHeads = 8, kAttnRatio = 4;  // channels of a value per channel of a key
constexpr size_t kFirstAttentionStage = 2;

struct ConvShape {
  int64_t kernel_size = 1;
  int64_t stride = 1;
  int64_t groups = 1;
};

// With bias and PyTorch's own initialization.
ConvNormAct conv_norm(int64_t in, int64_t out, const ConvShape& shape = {},
                      nn::Act act = nn::Act::kIdentity) {
  return ConvNormAct(nn::ConvNormActConfig{.in_chs = in,
                                           .out_chs = out,
                                           .kernel_size = shape.kernel_size,
                                           .stride = shape.stride,
                                           .groups = shape.groups,
                                           .bias = true,
                                           .init = nn::ConvInit::kTorch,
                                           .act = act});
}

// [B,h*d,H,W] -> [B,h,N,d]
Tensor split_map(const Tensor& x) { return nn::split_heads(nn::map_to_tokens(x), kNumHeads); }

// [B,h,N,d] -> [B,h*d,s,s], s = grid_size
Tensor merge_map(const Tensor& x, int64_t grid_size) {
  return nn::to_nchw(nn::merge_heads(x).view({x.size(0), grid_size, grid_size, -1}));
}

// Attention whose products are mixed across heads before and after the softmax, plus a depthwise
// convolution of the values. With stride 2 it works on half the resolution. Keys: (stride_conv), q,
// k, v, v_local, talking_head1, talking_head2, proj, attention_biases.
class Attention2dImpl : public torch::nn::Module {
 public:
  static constexpr int64_t kKeyDim = 32;

  Attention2dImpl(int64_t dim, int64_t grid_size, int64_t stride)
      : grid_size_(stride == 2 ? nn::halved(grid_size) : grid_size) {
    const int64_t values = kNumHeads * kAttnRatio * kKeyDim;
    if (stride == 2)
      stride_conv_ = register_module(
          "stride_conv", conv_norm(dim, dim, {.kernel_size = 3, .stride = 2, .groups = dim}));
    q_ = register_module("q", conv_norm(dim, kNumHeads * kKeyDim));
    k_ = register_module("k", conv_norm(dim, kNumHeads * kKeyDim));
    v_ = register_module("v", conv_norm(dim, values));
    v_local_ =
        register_module("v_local", conv_norm(values, values, {.kernel_size = 3, .groups = values}));
    talking_head1_ = register_module("talking_head1", torch::nn::Conv2d(kNumHeads, kNumHeads, 1));
    talking_head2_ = register_module("talking_head2", torch::nn::Conv2d(kNumHeads, kNumHeads, 1));
    proj_ = register_module("proj", conv_norm(values, dim));
    attention_biases_ =
        register_parameter("attention_biases", torch::zeros({kNumHeads, grid_size_ * grid_size_}));
  }

  Tensor forward(const Tensor& x) {  // [B,C,H,W] -> [B,C,H,W]
    const auto y = stride_conv_ ? stride_conv_->forward(x) : x;
    const auto v = v_->forward(y);
    const auto q = split_map(q_->forward(y)), k = split_map(k_->forward(y));
    auto attn = at::matmul(q, k.transpose(-2, -1)) * std::pow(kKeyDim, -0.5);  // [B,h,N,N]
    attn = talking_head1_->forward(attn + nn::attention_bias(attention_biases_, grid_size_));
    attn = talking_head2_->forward(attn.softmax(-1));
    auto z = merge_map(at::matmul(attn, split_map(v)), grid_size_) + v_local_->forward(v);
    if (stride_conv_)
      z = at::upsample_bilinear2d(z, {x.size(2), x.size(3)}, /*align_corners=*/false);
    return proj_->forward(nn::activate(z, nn::Act::kGelu));
  }

 private:
  int64_t grid_size_;  // of the grid of tokens
  ConvNormAct stride_conv_{nullptr}, q_{nullptr}, k_{nullptr}, v_{nullptr}, v_local_{nullptr},
      proj_{nullptr};
  torch::nn::Conv2d talking_head1_{nullptr}, talking_head2_{nullptr};
  Tensor attention_biases_;
};
TORCH_MODULE(Attention2d);

// Attention of every second pixel to all of them. Keys: q.local, q.proj, k, v, v_local, proj,
// attention_biases.
class Attention2dDownsampleImpl : public torch::nn::Module {
 public:
  static constexpr int64_t kKeyDim = 16;

  Attention2dDownsampleImpl(int64_t in, int64_t out, int64_t grid_size) : grid_size_(grid_size) {
    const int64_t values = kNumHeads * kAttnRatio * kKeyDim;
    auto q = register_module("q", std::make_shared<torch::nn::Module>());
    q_local_ = q->register_module("local", nn::conv2d(in, in,
                                                      {.kernel_size = 3,
                                                       .stride = 2,
                                                       .groups = in,
                                                       .bias = true,
                                                       .init = nn::ConvInit::kTorch}));
    q_proj_ = q->register_module("proj", conv_norm(in, kNumHeads * kKeyDim));
    k_ = register_module("k", conv_norm(in, kNumHeads * kKeyDim));
    v_ = register_module("v", conv_norm(in, values));
    v_local_ = register_module(
        "v_local", conv_norm(values, values, {.kernel_size = 3, .stride = 2, .groups = values}));
    proj_ = register_module("proj", conv_norm(values, out));
    attention_biases_ =
        register_parameter("attention_biases", torch::zeros({kNumHeads, grid_size * grid_size}));
  }

  Tensor forward(const Tensor& x) {  // [B,C,H,W] -> [B,C',H/2,W/2], rounded up
    const auto every_second = x.slice(2, 0, x.size(2), 2).slice(3, 0, x.size(3), 2);
    const auto q = split_map(q_proj_->forward(nn::convolve(q_local_, x) + every_second));
    const auto v = v_->forward(x);
    const auto bias = nn::attention_bias(attention_biases_, grid_size_, /*stride=*/2);
    const auto y =
        nn::attend(q, split_map(k_->forward(x)), split_map(v), {.bias = bias});  // [B,h,M,d]
    return proj_->forward(
        nn::activate(merge_map(y, nn::halved(grid_size_)) + v_local_->forward(v), nn::Act::kGelu));
  }

 private:
  int64_t grid_size_;  // of the grid of keys
  torch::nn::Conv2d q_local_{nullptr};
  ConvNormAct q_proj_{nullptr}, k_{nullptr}, v_{nullptr}, v_local_{nullptr}, proj_{nullptr};
  Tensor attention_biases_;
};
TORCH_MODULE(Attention2dDownsample);

// Keys: conv, (attn).
class DownsampleImpl : public nn::BlockImpl {
 public:
  DownsampleImpl(int64_t in, int64_t out, int64_t grid_size, bool use_attn) {
    conv_ = register_module("conv", conv_norm(in, out, {.kernel_size = 3, .stride = 2}));
    if (use_attn) attn_ = register_module("attn", Attention2dDownsample(in, out, grid_size));
  }
  Tensor forward(const Tensor& x) override {  // [B,C,H,W] -> [B,C',H/2,W/2], rounded up
    const auto y = conv_->forward(x);
    return attn_ ? attn_->forward(x) + y : y;
  }

 private:
  ConvNormAct conv_{nullptr};
  Attention2dDownsample attn_{nullptr};
};

struct BlockConfig {
  int64_t dim = 0;
  int64_t grid_size = 7;  // of the map: positions along one side
  int64_t stride = 1;     // of the attention
  bool use_attn = false;
  double mlp_ratio = 4.0;
  double layer_scale_init_value = 1e-5;
  double proj_drop = 0;
  double drop_path = 0;
};

// [B,C,H,W] -> [B,C,H,W], without norms of its own. Keys: (token_mixer, ls1), mlp, ls2.
class MixerBlockImpl : public nn::PreNormBlockImpl {
 public:
  explicit MixerBlockImpl(const BlockConfig& config)
      : PreNormBlockImpl({.drop_path = config.drop_path}) {
    const auto hidden = static_cast<int64_t>(static_cast<double>(config.dim) * config.mlp_ratio);
    if (config.use_attn) {
      add(mixer.layer, "token_mixer", Attention2d(config.dim, config.grid_size, config.stride));
      add(mixer.scale, "ls1", nn::LayerScale2d(config.dim, config.layer_scale_init_value));
    }
    add(mlp.layer, "mlp",
        nn::ConvNormMlp(nn::ConvNormMlpConfig{.dim = config.dim,
                                              .hidden = hidden,
                                              .depthwise = true,
                                              .bias = true,
                                              .drop = config.proj_drop}));
    add(mlp.scale, "ls2", nn::LayerScale2d(config.dim, config.layer_scale_init_value));
  }
};
TORCH_MODULE(MixerBlock);

void validate(const EfficientFormerV2Config& config) {
  const Validator check("efficientformer_v2");
  check.input(config.num_classes, config.in_chans, config.img_size)
      .rate("drop_rate", config.drop_rate)
      .rate("proj_drop_rate", config.proj_drop_rate)
      .rate("drop_path_rate", config.drop_path_rate);
  check
      .same_length("depths", config.depths.size(),
                   {{"embed_dims", config.embed_dims.size()},
                    {"mlp_ratios", config.mlp_ratios.size()},
                    {"wide_first", config.wide_first.size()},
                    {"wide_last", config.wide_last.size()}})
      .stages("depths", config.depths.size())
      .between("embed_dims", config.embed_dims[0], 2, 1'000'000)
      .between("num_vit", config.num_vit, 0, 1'000'000)
      .between("wide_mlp_ratio", config.wide_mlp_ratio, 1.0, 64.0)
      .depth("depths", config.depths)
      .positive("embed_dims", config.embed_dims);
  for (const double ratio : config.mlp_ratios) check.between("mlp_ratios", ratio, 1.0, 64.0);
}

}  // namespace

void EfficientFormerV2Config::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("depths", depths, "blocks per stage");
  v.field("embed_dims", embed_dims, "channels per stage");
  v.field("num_vit", num_vit, "attention blocks at the end of the third and every later stage");
  v.field("mlp_ratios", mlp_ratios,
          "hidden channels of the feed-forward parts per channel, per stage");
  v.field("wide_mlp_ratio", wide_mlp_ratio, "the same at a stage's ends");
  v.field("wide_first", wide_first, "blocks with wide_mlp_ratio at each stage's beginning");
  v.field("wide_last", wide_last, "blocks with wide_mlp_ratio at each stage's end");
  v.field("layer_scale_init_value", layer_scale_init_value, "where the layer scales start");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("proj_drop_rate", proj_drop_rate, "dropout in the feed-forward parts, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

double EfficientFormerV2::mlp_ratio(size_t stage, int64_t block) const {
  const bool wide = block < config_.wide_first[stage] ||
                    block >= config_.depths[stage] - config_.wide_last[stage];
  return wide ? config_.wide_mlp_ratio : config_.mlp_ratios[stage];
}

EfficientFormerV2::EfficientFormerV2(const EfficientFormerV2Config& config) : ModelOf(config) {
  validate(config);
  const auto& dims = config.embed_dims;
  auto stem = register_module("stem", std::make_shared<torch::nn::Module>());
  const ConvShape strided{.kernel_size = 3, .stride = 2};
  stem_conv1_ = stem->register_module(
      "conv1", conv_norm(config.in_chans, dims[0] / 2, strided, nn::Act::kGelu));
  stem_conv2_ =
      stem->register_module("conv2", conv_norm(dims[0] / 2, dims[0], strided, nn::Act::kGelu));

  const auto rates = nn::drop_path_rates(config.drop_path_rate, config.depths);
  int64_t grid_size = nn::halved(nn::halved(config.img_size)), reduction = 4;
  std::vector<FeatureInfo> info;
  torch::nn::ModuleList stages;
  for (size_t i = 0; i < dims.size(); ++i) {
    auto module = std::make_shared<torch::nn::Module>();
    Stage stage;
    if (i > 0) {
      stage.downsample = std::make_shared<DownsampleImpl>(dims[i - 1], dims[i], grid_size,
                                                          /*use_attn=*/i > kFirstAttentionStage);
      module->register_module("downsample", stage.downsample);
      grid_size = nn::halved(grid_size);
      reduction *= 2;
    }
    for (int64_t j = 0; j < config.depths[i]; ++j)
      stage.blocks->push_back(MixerBlock(BlockConfig{
          .dim = dims[i],
          .grid_size = grid_size,
          .stride = i == kFirstAttentionStage ? 2 : 1,
          .use_attn = i >= kFirstAttentionStage && j >= config.depths[i] - config.num_vit,
          .mlp_ratio = mlp_ratio(i, j),
          .layer_scale_init_value = config.layer_scale_init_value,
          .proj_drop = config.proj_drop_rate,
          .drop_path = rates[i][static_cast<size_t>(j)]}));
    module->register_module("blocks", stage.blocks);
    stages->push_back(module);
    stages_.push_back(stage);
    info.push_back({"stages." + std::to_string(i), dims[i], reduction});
  }
  register_module("stages", stages);
  norm_ = register_module("norm", nn::batch_norm(dims.back()));
  finish(info, config.num_classes, config.drop_rate);
}

Tensor EfficientFormerV2::forward_features(const Tensor& x) {
  expect_img_size("efficientformer_v2", x, config_.img_size);
  auto y = stem_conv2_->forward(stem_conv1_->forward(x));
  for (auto& stage : stages_) {
    if (stage.downsample) y = runtime::maybe_checkpoint(checkpointing(), stage.downsample, y);
    y = stage.blocks->forward(y, checkpointing());
  }
  return norm_->forward(y);
}

void add_efficientformer_v2(Registry& table) {
  table.add(make_entry<EfficientFormerV2>("efficientformerv2_s0", Family::kHybrid,
                                          Fusion::kInterleaved, imagenet_input(224, 0.95),
                                          EfficientFormerV2Config{}));
}

}  // namespace braid::models
