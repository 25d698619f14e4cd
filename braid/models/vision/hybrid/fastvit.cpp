#include "braid/models/vision/hybrid/fastvit.h"

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/conv/reparameterize.h"

namespace braid::models {
namespace {

using torch::Tensor;

constexpr int64_t kHeadDim = 32;

int64_t scaled_chans(int64_t chans, double ratio) {
  return static_cast<int64_t>(static_cast<double>(chans) * ratio);
}

void validate(const FastViTConfig& config) {
  const Validator check("fastvit");
  const size_t stages = config.depths.size();
  check.input(config.num_classes, config.in_chans, config.img_size)
      .rate("drop_rate", config.drop_rate)
      .rate("proj_drop_rate", config.proj_drop_rate)
      .rate("drop_path_rate", config.drop_path_rate)
      .same_length("depths", stages,
                   {{"token_mixers", config.token_mixers.size()},
                    {"embed_dims", config.embed_dims.size()},
                    {"mlp_ratios", config.mlp_ratios.size()},
                    {"pos_embs", config.pos_embs.size()}})
      .stages("depths", stages)
      .odd("repmixer_kernel_size", config.repmixer_kernel_size, 255)
      .odd("down_patch_size", config.down_patch_size, 255)
      .between("down_patch_size", config.down_patch_size, 3, 255)
      .depth("depths", config.depths)
      .between("cls_ratio", config.cls_ratio, 1.0, 64.0);
  int64_t in = config.embed_dims[0];
  for (size_t i = 0; i < stages; ++i) {
    const int64_t out = config.embed_dims[i];
    check.positive("embed_dims", out)
        .divides("embed_dims", in, "the next embed_dims", out)  // depthwise between the stages
        .ratio("mlp_ratios", config.mlp_ratios[i], out)
        .one_of("token_mixers", config.token_mixers[i], {"repmixer", "attention"});
    if (config.pos_embs[i] != 0) check.odd("pos_embs", config.pos_embs[i], 255);
    if (config.token_mixers[i] == "attention")
      check.divides("head_dim", kHeadDim, "embed_dims", out);
    in = out;
  }
  check.divides("embed_dims", in, "cls_ratio * embed_dims", scaled_chans(in, config.cls_ratio));
}

// Three convolutions, a quarter of the image's side. Keys: 0, 1, 2.
nn::BlockList stem(const FastViTConfig& config) {
  MobileOneConfig block{.in_chs = config.in_chans,
                        .out_chs = config.embed_dims[0],
                        .stride = 2,
                        .inference_mode = config.inference_mode};
  nn::BlockList blocks;
  blocks->push_back(MobileOne(block));
  block.in_chs = block.out_chs;
  block.group_size = 1;
  blocks->push_back(MobileOne(block));
  block.kernel_size = 1;
  block.stride = 1;
  block.group_size = 0;
  blocks->push_back(MobileOne(block));
  return blocks;
}

}  // namespace

void FastViTConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("depths", depths, "blocks per stage");
  v.field("token_mixers", token_mixers, "per stage: repmixer or attention");
  v.field("embed_dims", embed_dims, "channels per stage");
  v.field("mlp_ratios", mlp_ratios, "hidden channels of the feed-forward part per channel");
  v.field("pos_embs", pos_embs, "kernel of each stage's position encoding, 0: none");
  v.field("repmixer_kernel_size", repmixer_kernel_size, "kernel of the token mixers, odd");
  v.field("down_patch_size", down_patch_size, "kernel of the convolutions between stages, odd");
  v.field("layer_scale_init_value", layer_scale_init_value, "initial factor on the branches");
  v.field("cls_ratio", cls_ratio, "channels of the last convolution per channel");
  v.field("inference_mode", inference_mode, "branches fused to single convolutions");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("proj_drop_rate", proj_drop_rate, "dropout in the feed-forward parts, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

FastViTDownsampleImpl::FastViTDownsampleImpl(const FastViTConfig& config, int64_t in, int64_t out) {
  proj_->push_back(LargeKernelConv(LargeKernelConvConfig{.in_chs = in,
                                                         .out_chs = out,
                                                         .kernel_size = config.down_patch_size,
                                                         .stride = 2,
                                                         .inference_mode = config.inference_mode}));
  proj_->push_back(MobileOne(MobileOneConfig{
      .in_chs = out, .out_chs = out, .kernel_size = 1, .inference_mode = config.inference_mode}));
  register_module("proj", proj_);
}

FastViT::FastViT(const FastViTConfig& config) : ModelOf(config) {
  validate(config);
  stem_ = register_module("stem", stem(config));
  const auto rates = nn::drop_path_rates(config.drop_path_rate, config.depths);
  torch::nn::ModuleList stages;
  for (size_t i = 0; i < config.depths.size(); ++i) {
    const int64_t dim = config.embed_dims[i];
    auto module = std::make_shared<torch::nn::Module>();
    Stage stage;
    if (i > 0)
      stage.downsample = module->register_module(
          "downsample", FastViTDownsample(config, config.embed_dims[i - 1], dim));
    if (config.pos_embs[i] > 0)
      stage.pos_emb = module->register_module(
          "pos_emb", nn::ConditionalPositionEncoding(nn::ConditionalPositionEncodingConfig{
                         .dim = dim,
                         .kernel_size = config.pos_embs[i],
                         .keys = nn::PositionKeys::kPosEnc,
                         .init = nn::ConvInit::kTorch,
                         .inference_mode = config.inference_mode}));
    for (const double rate : rates[i]) {
      const FastViTBlockConfig block{.dim = dim,
                                     .kernel_size = config.repmixer_kernel_size,
                                     .head_dim = kHeadDim,
                                     .mlp_ratio = config.mlp_ratios[i],
                                     .proj_drop = config.proj_drop_rate,
                                     .drop_path = rate,
                                     .layer_scale_init_value = config.layer_scale_init_value,
                                     .inference_mode = config.inference_mode};
      if (config.token_mixers[i] == "repmixer")
        stage.blocks->push_back(RepMixerBlock(block));
      else
        stage.blocks->push_back(FastViTAttentionBlock(block));
    }
    module->register_module("blocks", stage.blocks);
    stages->push_back(module);
    stages_.push_back(stage);
  }
  register_module("stages", stages);
  final_conv_ = register_module("final_conv",
                                MobileOne(MobileOneConfig{.in_chs = config.embed_dims.back(),
                                                          .out_chs = num_features(),
                                                          .group_size = 1,
                                                          .inference_mode = config.inference_mode,
                                                          .use_se = true}));
  head_ = register_module(
      "head", nn::ClassifierHead(nn::ClassifierHeadConfig{.in_features = num_features(),
                                                          .num_classes = config.num_classes,
                                                          .drop_rate = config.drop_rate}));
}

Tensor FastViT::forward_features(const Tensor& x) {
  auto y = stem_->forward(x);
  for (auto& stage : stages_) {
    if (stage.downsample) y = stage.downsample->forward(y);
    if (stage.pos_emb) y = stage.pos_emb->forward(y);
    y = stage.blocks->forward(y, checkpointing());
  }
  return final_conv_->forward(y);
}

Tensor FastViT::forward_head(const Tensor& features, bool pre_logits) {
  return head_->forward(features, pre_logits);
}

std::vector<FeatureInfo> FastViT::feature_info() const {
  std::vector<FeatureInfo> info;
  for (size_t i = 0; i < config_.depths.size(); ++i)
    info.push_back({"stages." + std::to_string(i), config_.embed_dims[i], int64_t{4} << i});
  return info;
}

int64_t FastViT::num_features() const {
  return scaled_chans(config_.embed_dims.back(), config_.cls_ratio);
}

void FastViT::replace_head(int64_t num_classes) { head_->reset(num_classes); }

int64_t FastViT::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("stem.")) return 0;
  return block_index(parameter, "stages.", layer_count() - 2) + 1;
}

void FastViT::reparameterize() {
  nn::reparameterize_modules(*this);
  config_.inference_mode = true;
}

void add_fastvit(Registry& table) {
  const auto add = [&table](const char* name, const FastViTConfig& config) {
    table.add(make_entry<FastViT>(name, Family::kHybrid, Fusion::kInterleaved,
                                  imagenet_input(256, 0.9), config));
  };
  add("fastvit_t8", {});
  add("fastvit_sa12", {.depths = {2, 2, 6, 2},
                       .token_mixers = {"repmixer", "repmixer", "repmixer", "attention"},
                       .embed_dims = {64, 128, 256, 512},
                       .mlp_ratios = {4, 4, 4, 4},
                       .pos_embs = {0, 0, 0, 7}});
}

}  // namespace braid::models
