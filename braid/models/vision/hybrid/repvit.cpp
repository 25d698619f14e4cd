#include "braid/models/vision/hybrid/repvit.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/make_divisible.h"
#include "braid/nn/conv/reparameterize.h"
#include "braid/nn/conv/squeeze_excite.h"
#include "braid/runtime/grad_checkpoint.h"

namespace braid::models {
namespace {

using nn::ConvNorm;
using nn::ConvNormConfig;
using torch::Tensor;

// Two 1x1 convolutions; the second begins at zero, so that a residual branch does. Keys: conv1,
// conv2.
class RepVitMlpImpl : public torch::nn::Module {
 public:
  RepVitMlpImpl(const RepViTConfig& config, int64_t dim) {
    const int64_t hidden = dim * config.mlp_ratio;
    conv1_ = register_module(
        "conv1", ConvNorm(ConvNormConfig{
                     .in_chs = dim, .out_chs = hidden, .inference_mode = config.inference_mode}));
    conv2_ =
        register_module("conv2", ConvNorm(ConvNormConfig{.in_chs = hidden,
                                                         .out_chs = dim,
                                                         .bn_weight_init = 0,
                                                         .inference_mode = config.inference_mode}));
  }
  Tensor forward(const Tensor& x) { return conv2_->forward(at::gelu(conv1_->forward(x))); }

 private:
  ConvNorm conv1_{nullptr}, conv2_{nullptr};
};
TORCH_MODULE(RepVitMlp);

// Keys: token_mixer, (se), channel_mixer.
class RepVitBlockImpl : public torch::nn::Module {
 public:
  RepVitBlockImpl(const RepViTConfig& config, int64_t dim, bool use_se) {
    token_mixer_ = register_module(
        "token_mixer", nn::RepVggDw(nn::RepVggDwConfig{.chans = dim,
                                                       .kernel_size = config.kernel_size,
                                                       .legacy = config.legacy,
                                                       .inference_mode = config.inference_mode}));
    if (use_se) {
      const int64_t reduced = nn::make_divisible(static_cast<double>(dim) * 0.25, 8, 0.0);
      se_ = register_module(
          "se", nn::SqueezeExcite(nn::SqueezeExciteConfig{.chans = dim, .rd_chans = reduced}));
    }
    channel_mixer_ = register_module("channel_mixer", RepVitMlp(config, dim));
  }
  Tensor forward(const Tensor& x) {  // [B,C,H,W] -> [B,C,H,W]
    auto y = token_mixer_->forward(x);
    if (se_) y = se_->forward(y);
    return y + channel_mixer_->forward(y);
  }

 private:
  nn::RepVggDw token_mixer_{nullptr};
  nn::SqueezeExcite se_{nullptr};
  RepVitMlp channel_mixer_{nullptr};
};
TORCH_MODULE(RepVitBlock);

// Keys: pre_block, spatial_downsample, channel_downsample, ffn.
class RepVitDownsampleImpl : public torch::nn::Module {
 public:
  RepVitDownsampleImpl(const RepViTConfig& config, int64_t in, int64_t out) {
    pre_block_ = register_module("pre_block", RepVitBlock(config, in, /*use_se=*/false));
    spatial_ = register_module("spatial_downsample",
                               ConvNorm(ConvNormConfig{.in_chs = in,
                                                       .out_chs = in,
                                                       .kernel = config.kernel_size,
                                                       .stride = 2,
                                                       .groups = in,
                                                       .inference_mode = config.inference_mode}));
    channel_ = register_module(
        "channel_downsample",
        ConvNorm(
            ConvNormConfig{.in_chs = in, .out_chs = out, .inference_mode = config.inference_mode}));
    ffn_ = register_module("ffn", RepVitMlp(config, out));
  }
  Tensor forward(const Tensor& x) {  // [B,C,H,W] -> [B,C',H/2,W/2], rounded up
    const auto y = channel_->forward(spatial_->forward(pre_block_->forward(x)));
    return y + ffn_->forward(y);
  }

 private:
  RepVitBlock pre_block_{nullptr};
  ConvNorm spatial_{nullptr}, channel_{nullptr};
  RepVitMlp ffn_{nullptr};
};
TORCH_MODULE(RepVitDownsample);

void validate(const RepViTConfig& config) {
  const Validator check("repvit");
  check.input(config.num_classes, config.in_chans, config.img_size)
      .positive("mlp_ratio", config.mlp_ratio)
      .positive("kernel_size", config.kernel_size)
      .rate("drop_rate", config.drop_rate);
  const auto fail = [](const std::string& message) {
    throw ConfigError("models", message, "model repvit");
  };
  if (config.kernel_size % 2 == 0)
    fail(fmt::format("expected an odd kernel_size, got {}", config.kernel_size));
  if (config.depths.empty() || config.embed_dim.size() != config.depths.size())
    fail("expected as many embed_dim as depths, at least one");
  if (config.embed_dim[0] < 2)
    fail(fmt::format("expected embed_dim of at least 2, got {}", config.embed_dim[0]));
  for (size_t i = 0; i < config.depths.size(); ++i)
    check.positive("depths", config.depths[i]).positive("embed_dim", config.embed_dim[i]);
}

}  // namespace

void RepViTConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("embed_dim", embed_dim, "channels per stage");
  v.field("depths", depths, "blocks per stage");
  v.field("mlp_ratio", mlp_ratio, "hidden channels of the channel mixers per channel");
  v.field("kernel_size", kernel_size, "pixels along one side of the token mixers, odd");
  v.field("distillation", distillation, "with a distillation head");
  v.field("legacy", legacy, "norms inside the branches of the token mixers, not after them");
  v.field("inference_mode", inference_mode, "branches and norms folded into convolutions");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
}

RepViT::RepViT(const RepViTConfig& config) : ModelOf(config) {
  validate(config);
  const auto& dims = config.embed_dim;
  auto stem = register_module("stem", std::make_shared<torch::nn::Module>());
  const auto strided = [&](int64_t in, int64_t out) {
    return ConvNorm(ConvNormConfig{.in_chs = in,
                                   .out_chs = out,
                                   .kernel = 3,
                                   .stride = 2,
                                   .inference_mode = config.inference_mode});
  };
  stem_conv1_ = stem->register_module("conv1", strided(config.in_chans, dims[0] / 2));
  stem_conv2_ = stem->register_module("conv2", strided(dims[0] / 2, dims[0]));
  torch::nn::ModuleList stages;
  for (size_t i = 0; i < dims.size(); ++i) {
    auto stage = std::make_shared<torch::nn::Module>();
    torch::nn::Sequential layers, blocks;
    if (i > 0)
      layers->push_back(
          stage->register_module("downsample", RepVitDownsample(config, dims[i - 1], dims[i])));
    for (int64_t j = 0; j < config.depths[i]; ++j)
      blocks->push_back(RepVitBlock(config, dims[i], /*use_se=*/j % 2 == 0));
    stage->register_module("blocks", blocks);
    layers->extend(*blocks);
    stages->push_back(stage);
    stages_.push_back(layers);
  }
  register_module("stages", stages);
  replace_head(config.num_classes);
}

Tensor RepViT::forward_features(const Tensor& x) {
  auto y = stem_conv2_->forward(at::gelu(stem_conv1_->forward(x)));
  for (auto& stage : stages_) y = runtime::maybe_checkpoint_each(checkpointing(), stage, y);
  return y;
}

Tensor RepViT::pool(const Tensor& features) {
  return torch::dropout(features.mean({2, 3}), config_.drop_rate, is_training());
}

Tensor RepViT::forward_head(const Tensor& features, bool pre_logits) {
  const auto pooled = pool(features);
  if (pre_logits || config_.num_classes == 0) return pooled;
  if (folded_head_) return folded_head_->forward(pooled);
  if (!head_dist_) return head_->forward(pooled);
  return (head_->forward(pooled) + head_dist_->forward(pooled)) / 2;
}

std::pair<Tensor, Tensor> RepViT::forward_distilled(const Tensor& x) {
  const auto features = forward_features(x);
  if (!head_dist_) return {forward_head(features, false), Tensor()};
  const auto pooled = pool(features);
  return {head_->forward(pooled), head_dist_->forward(pooled)};
}

std::vector<FeatureInfo> RepViT::feature_info() const {
  std::vector<FeatureInfo> info;
  int64_t reduction = 4;
  for (size_t i = 0; i < config_.depths.size(); ++i) {
    info.push_back({"stages." + std::to_string(i), config_.embed_dim[i], reduction});
    reduction *= 2;
  }
  return info;
}

void RepViT::replace_head(int64_t num_classes) {
  if (named_children().contains("head")) unregister_module("head");
  head_ = head_dist_ = nullptr;
  folded_head_ = nullptr;
  if (num_classes == 0) return;
  const int64_t dim = config_.embed_dim.back();
  if (config_.inference_mode) {
    folded_head_ = register_module("head", torch::nn::Linear(dim, num_classes));
    return nn::init_linear_(folded_head_);
  }
  auto heads = register_module("head", std::make_shared<torch::nn::Module>());
  head_ = heads->register_module("head", nn::NormLinear(dim, num_classes));
  if (config_.distillation)
    head_dist_ = heads->register_module("head_dist", nn::NormLinear(dim, num_classes));
  heads->train(is_training());
}

std::vector<std::string> RepViT::head_modules() const {
  if (config_.inference_mode) return {"head"};
  if (!config_.distillation) return {"head.head.l"};
  return {"head.head.l", "head.head_dist.l"};
}

int64_t RepViT::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("stem.")) return 0;
  return block_index(parameter, "stages.", layer_count() - 2) + 1;
}

void RepViT::reparameterize() {
  nn::reparameterize_modules(*this);
  if (config_.inference_mode) return;
  config_.inference_mode = true;
  if (!head_) return;
  auto folded = head_->folded();
  if (head_dist_) {
    const torch::NoGradGuard no_grad;
    const auto other = head_dist_->folded();
    folded->weight.add_(other->weight).div_(2);
    folded->bias.add_(other->bias).div_(2);
  }
  unregister_module("head");
  head_ = head_dist_ = nullptr;
  folded_head_ = register_module("head", folded);
}

void add_repvit(Registry& table) {
  table.add(make_entry<RepViT>("repvit_m1", Family::kHybrid, Fusion::kInterleaved,
                               imagenet_input(224, 0.95), RepViTConfig{}));
}

}  // namespace braid::models
