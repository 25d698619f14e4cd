#include "braid/models/vision/hybrid/repvit.h"

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/make_divisible.h"
#include "braid/nn/conv/reparameterize.h"
#include "braid/nn/conv/squeeze_excite.h"
#include "braid/nn/head/replace_head.h"
#include "braid/nn/mlp/conv_norm_mlp.h"
#include "braid/ops/global_avg_pool.h"
#include "braid/runtime/grad_checkpoint.h"

namespace braid::models {
namespace {

using torch::Tensor;

// PyTorch's own initialization; folds. Keys: c, bn, or weight, bias.
nn::ConvNormAct folding_conv(const RepViTConfig& config, nn::ConvNormActConfig conv) {
  conv.init = nn::ConvInit::kTorch;
  conv.foldable = true;
  conv.inference_mode = config.inference_mode;
  conv.conv_key = "c";
  return nn::ConvNormAct(conv);
}

// The second convolution begins at zero, so that a residual branch does. Keys: conv1, conv2.
nn::ConvNormMlp channel_mixer(const RepViTConfig& config, int64_t dim) {
  return nn::ConvNormMlp(nn::ConvNormMlpConfig{.dim = dim,
                                               .hidden = dim * config.mlp_ratio,
                                               .norm_weight = 0,
                                               .foldable = true,
                                               .inference_mode = config.inference_mode,
                                               .fc1_key = "conv1",
                                               .fc2_key = "conv2",
                                               .conv_key = "c"});
}

// Keys: token_mixer, (se), channel_mixer.
class RepVitBlockImpl : public nn::BlockImpl {
 public:
  RepVitBlockImpl(const RepViTConfig& config, int64_t dim, bool use_se) {
    token_mixer_ = register_module(
        "token_mixer", RepVggDw(RepVggDwConfig{.in_chs = dim,
                                               .kernel_size = config.kernel_size,
                                               .legacy = config.legacy,
                                               .inference_mode = config.inference_mode}));
    if (use_se) {
      const int64_t reduced = nn::make_divisible(static_cast<double>(dim) * 0.25, 8, 0.0);
      se_ = register_module(
          "se", nn::SqueezeExcite(nn::SqueezeExciteConfig{.in_chs = dim, .rd_channels = reduced}));
    }
    channel_mixer_ = register_module("channel_mixer", channel_mixer(config, dim));
  }
  Tensor forward(const Tensor& x) override {  // [B,C,H,W] -> [B,C,H,W]
    auto y = token_mixer_->forward(x);
    if (se_) y = se_->forward(y);
    return y + channel_mixer_->forward(y);
  }

 private:
  RepVggDw token_mixer_{nullptr};
  nn::SqueezeExcite se_{nullptr};
  nn::ConvNormMlp channel_mixer_{nullptr};
};
TORCH_MODULE(RepVitBlock);

// Keys: pre_block, spatial_downsample, channel_downsample, ffn.
class RepVitDownsampleImpl : public nn::BlockImpl {
 public:
  RepVitDownsampleImpl(const RepViTConfig& config, int64_t in, int64_t out) {
    pre_block_ = register_module("pre_block", RepVitBlock(config, in, /*use_se=*/false));
    spatial_ = register_module("spatial_downsample",
                               folding_conv(config, {.in_chs = in,
                                                     .out_chs = in,
                                                     .kernel_size = config.kernel_size,
                                                     .stride = 2,
                                                     .groups = in}));
    channel_ =
        register_module("channel_downsample", folding_conv(config, {.in_chs = in, .out_chs = out}));
    ffn_ = register_module("ffn", channel_mixer(config, out));
  }
  Tensor forward(const Tensor& x) override {  // [B,C,H,W] -> [B,C',H/2,W/2], rounded up
    const auto y = channel_->forward(spatial_->forward(pre_block_->forward(x)));
    return y + ffn_->forward(y);
  }

 private:
  RepVitBlock pre_block_{nullptr};
  nn::ConvNormAct spatial_{nullptr}, channel_{nullptr};
  nn::ConvNormMlp ffn_{nullptr};
};

void validate(const RepViTConfig& config) {
  Validator("repvit")
      .input(config.num_classes, config.in_chans, config.img_size)
      .positive("mlp_ratio", config.mlp_ratio)
      .odd("kernel_size", config.kernel_size)
      .rate("drop_rate", config.drop_rate)
      .same_length("depths", config.depths.size(), {{"embed_dim", config.embed_dim.size()}})
      .stages("depths", config.depths.size())
      .between("embed_dim", config.embed_dim[0], 2, 1'000'000)
      .depth("depths", config.depths)
      .positive("embed_dim", config.embed_dim);
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
    return folding_conv(config, {.in_chs = in, .out_chs = out, .kernel_size = 3, .stride = 2});
  };
  stem_conv1_ = stem->register_module("conv1", strided(config.in_chans, dims[0] / 2));
  stem_conv2_ = stem->register_module("conv2", strided(dims[0] / 2, dims[0]));
  torch::nn::ModuleList stages;
  for (size_t i = 0; i < dims.size(); ++i) {
    auto module = std::make_shared<torch::nn::Module>();
    Stage stage;
    if (i > 0) {
      stage.downsample = std::make_shared<RepVitDownsampleImpl>(config, dims[i - 1], dims[i]);
      module->register_module("downsample", stage.downsample);
    }
    for (int64_t j = 0; j < config.depths[i]; ++j)
      stage.blocks->push_back(RepVitBlock(config, dims[i], /*use_se=*/j % 2 == 0));
    module->register_module("blocks", stage.blocks);
    stages->push_back(module);
    stages_.push_back(stage);
  }
  register_module("stages", stages);
  replace_head(config.num_classes);
}

Tensor RepViT::forward_features(const Tensor& x) {
  auto y = stem_conv2_->forward(nn::activate(stem_conv1_->forward(x), nn::Act::kGelu));
  for (auto& stage : stages_) {
    if (stage.downsample) y = runtime::maybe_checkpoint(checkpointing(), stage.downsample, y);
    y = stage.blocks->forward(y, checkpointing());
  }
  return y;
}

Tensor RepViT::pool(const Tensor& features) {
  return nn::dropout(ops::global_avg_pool(features), config_.drop_rate, is_training());
}

Tensor RepViT::forward_head(const Tensor& features, bool pre_logits) {
  auto pooled = pool(features);
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
  head_ = head_dist_ = nullptr;
  folded_head_ = nullptr;
  const int64_t dim = config_.embed_dim.back();
  std::shared_ptr<torch::nn::Module> fresh;
  if (num_classes > 0 && config_.inference_mode) {
    folded_head_ = nn::new_head(dim, num_classes, 0.02);
    fresh = folded_head_.ptr();
  } else if (num_classes > 0) {
    fresh = std::make_shared<torch::nn::Module>();
    head_ = fresh->register_module("head", NormLinear(dim, num_classes));
    if (config_.distillation)
      head_dist_ = fresh->register_module("head_dist", NormLinear(dim, num_classes));
  }
  nn::replace_head(*this, "head", heads_, fresh);
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
  head_ = head_dist_ = nullptr;
  folded_head_ = folded;
  nn::replace_head(*this, "head", heads_, std::shared_ptr<torch::nn::Module>(folded.ptr()));
}

void add_repvit(Registry& table) {
  table.add(make_entry<RepViT>("repvit_m1", Family::kHybrid, Fusion::kInterleaved,
                               imagenet_input(224, 0.95), RepViTConfig{}));
}

}  // namespace braid::models
