#include "braid/models/vision/transformer/swin.h"

#include <fmt/format.h>

#include <cmath>

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_for_product.h"
#include "braid/nn/basic/pad.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/position/relative_position.h"

namespace braid::models {
namespace {

void validate(const SwinConfig& config) {
  const Validator check("swin");
  check.input(config.num_classes, config.in_chans, config.img_size)
      .positive("patch_size", config.patch_size)
      .positive("embed_dim", config.embed_dim)
      .positive("window_size", config.window_size)
      .rate("drop_rate", config.drop_rate)
      .rate("proj_drop_rate", config.proj_drop_rate)
      .rate("attn_drop_rate", config.attn_drop_rate)
      .rate("drop_path_rate", config.drop_path_rate)
      .ratio("mlp_ratio", config.mlp_ratio, config.embed_dim)
      .same_length("depths", config.depths.size(), {{"num_heads", config.num_heads.size()}})
      .stages("depths", config.depths.size())
      .depth("depths", config.depths);
  if (config.img_size < config.patch_size)
    check.fail(fmt::format("expected img_size of at least patch_size = {}, got {}",
                           config.patch_size, config.img_size));
  for (size_t i = 0; i < config.depths.size(); ++i)
    check.divides("num_heads", config.num_heads[i], "channels", config.embed_dim << i);
}

}  // namespace

void SwinConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("patch_size", patch_size, "pixels along one side of a patch");
  v.field("embed_dim", embed_dim, "channels of the first stage");
  v.field("depths", depths, "blocks per stage");
  v.field("num_heads", num_heads, "attention heads per stage");
  v.field("window_size", window_size, "positions along one side of a window");
  v.field("mlp_ratio", mlp_ratio, "hidden channels of the feed-forward part per channel");
  v.field("qkv_bias", qkv_bias, "bias of query, key and value");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("proj_drop_rate", proj_drop_rate, "dropout of projections, 0: none");
  v.field("attn_drop_rate", attn_drop_rate, "dropout of attention weights, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

SwinPatchMergingImpl::SwinPatchMergingImpl(int64_t dim) {
  norm = register_module("norm", nn::layer_norm(4 * dim, kSwinNormEps));
  reduction = register_module(
      "reduction", torch::nn::Linear(torch::nn::LinearOptions(4 * dim, 2 * dim).bias(false)));
  nn::init_linear_(reduction);
}

torch::Tensor SwinPatchMergingImpl::forward(const torch::Tensor& x) {
  const auto y = nn::pad_to_multiple(nn::to_nhwc(x), 2, nn::MapLayout::kNhwc);
  const int64_t B = y.size(0), H = y.size(1), W = y.size(2), C = y.size(3);
  const auto patches = y.reshape({B, H / 2, 2, W / 2, 2, C})
                           .permute({0, 1, 3, 4, 2, 5})
                           .flatten(3);  // [B,H/2,W/2,4C], the column of a pixel before its row
  return nn::to_nchw(reduction->forward(nn::norm_for_product(norm, patches)));
}

Swin::Swin(const SwinConfig& config) : ModelOf(config) {
  validate(config);
  auto patch_embed = register_module("patch_embed", std::make_shared<torch::nn::Module>());
  proj = patch_embed->register_module(
      "proj", torch::nn::Conv2d(
                  torch::nn::Conv2dOptions(config.in_chans, config.embed_dim, config.patch_size)
                      .stride(config.patch_size)));
  patch_norm = patch_embed->register_module("norm", nn::layer_norm(config.embed_dim, kSwinNormEps));
  const auto rates = nn::drop_path_rates(config.drop_path_rate, config.depths);
  int64_t feat_size = config.img_size / config.patch_size, dim = config.embed_dim;
  torch::nn::ModuleList layers;
  for (size_t i = 0; i < config.depths.size(); ++i) {
    auto layer = std::make_shared<torch::nn::Module>();
    Stage stage;
    if (i > 0) {
      stage.downsample = layer->register_module("downsample", SwinPatchMerging(dim));
      dim *= 2;
      feat_size = (feat_size + 1) / 2;
    }
    for (const double rate : rates[i])
      stage.blocks->push_back(SwinBlock(
          SwinBlockConfig{.dim = dim,
                          .num_heads = config.num_heads[i],
                          .feat_size = feat_size,
                          .window_size = config.window_size,
                          .shift_size = stage.blocks->size() % 2 == 1 ? config.window_size / 2 : 0,
                          .mlp_ratio = config.mlp_ratio,
                          .qkv_bias = config.qkv_bias,
                          .attn_drop = config.attn_drop_rate,
                          .proj_drop = config.proj_drop_rate,
                          .drop_path = rate}));
    layer->register_module("blocks", stage.blocks);
    layers->push_back(layer);
    stages.push_back(stage);
  }
  register_module("layers", layers);
  norm = register_module("norm", nn::layer_norm(dim, kSwinNormEps));
  head = register_module(
      "head",
      nn::ClassifierHead(nn::ClassifierHeadConfig{
          .in_features = dim, .num_classes = config.num_classes, .drop_rate = config.drop_rate}));
}

torch::Tensor Swin::forward_features(const torch::Tensor& x) {
  expect_img_size("swin", x, config_.img_size);
  auto y = nn::to_nchw(nn::trained_norm(patch_norm, nn::to_nhwc(proj->forward(x))));
  for (auto& stage : stages) {
    if (stage.downsample) y = stage.downsample->forward(y);
    y = stage.blocks->forward(y, checkpointing());
  }
  return nn::to_nchw(nn::trained_norm(norm, nn::to_nhwc(y)));
}

torch::Tensor Swin::forward_head(const torch::Tensor& features, bool pre_logits) {
  return head->forward(features, pre_logits);
}

std::vector<FeatureInfo> Swin::feature_info() const {
  std::vector<FeatureInfo> info;
  for (size_t i = 0; i < config_.depths.size(); ++i)
    info.push_back(
        {"layers." + std::to_string(i), config_.embed_dim << i, config_.patch_size << i});
  return info;
}

void Swin::replace_head(int64_t num_classes) { head->reset(num_classes); }

std::vector<std::string> Swin::no_weight_decay() const {
  std::vector<std::string> names;
  for (const auto& item : named_parameters())
    if (item.key().ends_with("relative_position_bias_table")) names.push_back(item.key());
  return names;
}

int64_t Swin::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("patch_embed.")) return 0;
  if (parameter.starts_with("norm.")) return layer_count() - 2;  // with the last stage, as in timm
  return block_index(parameter, "layers.", layer_count() - 2) + 1;
}

torch::Tensor Swin::resample_weight(const std::string& name, const torch::Tensor& loaded) const {
  if (!name.ends_with("relative_position_bias_table") || loaded.dim() != 2) return loaded;
  const auto target = named_parameters()[name];
  const auto extent = std::lround(std::sqrt(static_cast<double>(target.size(0))));  // 2 side - 1
  return nn::resize_relative_position_table(loaded, (extent + 1) / 2);
}

void add_swin(Registry& table) {
  table.add(make_entry<Swin>("swin_tiny_patch4_window7_224", Family::kTransformer, Fusion::kNone,
                             imagenet_input(224, 0.9), SwinConfig{}));
}

}  // namespace braid::models
