#include "braid/models/vision/cnn/efficientnet.h"

#include <cmath>

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_act.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/head/replace_head.h"
#include "braid/ops/global_avg_pool.h"

namespace braid::models {
namespace {

constexpr int64_t kStemKernel = 3, kStemStride = 2;

}  // namespace

void EfficientNetBase::build(int64_t in_chans, const EfficientNetStagesConfig& stages) {
  depth_ = static_cast<int64_t>(stages.depths.size());
  act_ = stages.act;
  padding_ = stages.padding;
  nn::ConvOptions stem{.kernel_size = kStemKernel, .stride = kStemStride};
  if (padding_ == nn::Padding::kSame) stem.padding = 0;
  conv_stem_ = register_module("conv_stem", nn::conv2d(in_chans, stages.in_chs, stem));
  bn1_ = register_module("bn1", nn::batch_norm(stages.in_chs, stages.norm_eps));
  blocks_ = register_module("blocks", EfficientNetStages(stages));
}

torch::Tensor EfficientNetBase::trunk(const torch::Tensor& x) {
  const auto padded =
      padding_ == nn::Padding::kSame ? nn::pad_same(x, kStemKernel, kStemStride) : x;
  const auto stem = nn::norm_act(bn1_, conv_stem_->forward(padded), act_);
  return blocks_->forward(stem, checkpointing());
}

std::vector<FeatureInfo> EfficientNetBase::feature_info() const {
  std::vector<FeatureInfo> info;
  for (const auto& level : blocks_->levels())
    info.push_back({level.stage < 0 ? "bn1" : "blocks." + std::to_string(level.stage),
                    level.num_chs, 2 * level.reduction});
  return info;
}

int64_t EfficientNetBase::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("conv_stem.") || parameter.starts_with("bn1.")) return 0;
  return block_index(parameter, "blocks.", depth_) + 1;
}

void EfficientNetBase::replace_classifier(int64_t in_features, int64_t num_classes) {
  auto fresh = nn::new_head(in_features, num_classes);
  if (fresh) {
    const double range = 1 / std::sqrt(static_cast<double>(num_classes));  // of the fan-out
    torch::nn::init::uniform_(fresh->weight, -range, range);
    torch::nn::init::zeros_(fresh->bias);
  }
  nn::replace_head(*this, "classifier", classifier_, fresh);
}

torch::Tensor EfficientNetBase::classify(const torch::Tensor& x, double drop_rate,
                                         bool pre_logits) {
  if (pre_logits || !classifier_) return x;
  return classifier_->forward(nn::dropout(x, drop_rate, is_training()));
}

void EfficientNetConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("arch_def", arch_def, "blocks of each stage, such as ir_k3_s2_e6_c24_se0.25");
  v.field("depths", depths, "blocks per stage, the last of arch_def repeated");
  v.field("stem_size", stem_size, "channels of the stem");
  v.field("num_features", num_features, "channels before pooling");
  v.field("act_layer", act_layer, "activation: silu, relu, hard_swish, ...");
  v.field("pad_type", pad_type, "of strided convolutions; same: TensorFlow's",
          {.choices = {"", "same"}});
  v.field("bn_eps", bn_eps, "epsilon of the batch norms");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

EfficientNet::EfficientNet(const EfficientNetConfig& config)
    : ModelOf(config), act_(nn::parse_act(config.act_layer)) {
  Validator("efficientnet")
      .input(config.num_classes, config.in_chans, config.img_size)
      .positive("stem_size", config.stem_size)
      .positive("num_features", config.num_features)
      .one_of("pad_type", config.pad_type, {"", "same"})
      .between("bn_eps", config.bn_eps, 0.0, 1.0)
      .rate("drop_rate", config.drop_rate)
      .rate("drop_path_rate", config.drop_path_rate);
  build(config.in_chans,
        {.arch_def = config.arch_def,
         .depths = config.depths,
         .in_chs = config.stem_size,
         .act = act_,
         .se_from_exp = false,
         .padding = config.pad_type == "same" ? nn::Padding::kSame : nn::Padding::kSymmetric,
         .norm_eps = config.bn_eps,
         .drop_path_rate = config.drop_path_rate});
  conv_head_ = register_module("conv_head", nn::conv2d(trunk_chs(), config.num_features));
  bn2_ = register_module("bn2", nn::batch_norm(config.num_features, config.bn_eps));
  replace_head(config.num_classes);
}

torch::Tensor EfficientNet::forward_features(const torch::Tensor& x) {
  return nn::norm_act(bn2_, conv_head_->forward(trunk(x)), act_);
}

torch::Tensor EfficientNet::forward_head(const torch::Tensor& features, bool pre_logits) {
  return classify(ops::global_avg_pool(features), config_.drop_rate, pre_logits);
}

void EfficientNet::replace_head(int64_t num_classes) {
  replace_classifier(config_.num_features, num_classes);
}

int64_t EfficientNet::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("conv_head.") || parameter.starts_with("bn2."))
    return layer_count() - 2;  // with the last stage, as in timm
  return EfficientNetBase::layer_id(parameter);
}

void add_efficientnet(Registry& table) {
  table.add(make_entry<EfficientNet>("efficientnet_b0", Family::kCnn, Fusion::kNone,
                                     imagenet_input(224, 0.875), EfficientNetConfig{}));
  table.add(make_entry<EfficientNet>(
      "tf_efficientnet_lite0", Family::kCnn, Fusion::kNone, inception_input(224, 0.875),
      EfficientNetConfig{
          .arch_def = {"ds_k3_s1_c16", "ir_k3_s2_e6_c24", "ir_k5_s2_e6_c40", "ir_k3_s2_e6_c80",
                       "ir_k5_s1_e6_c112", "ir_k5_s2_e6_c192", "ir_k3_s1_e6_c320"},
          .act_layer = "relu6",
          .pad_type = "same",
          .bn_eps = 1e-3}));
}

}  // namespace braid::models
