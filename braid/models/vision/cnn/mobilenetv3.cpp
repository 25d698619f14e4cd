#include "braid/models/vision/cnn/mobilenetv3.h"

#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv.h"
#include "braid/ops/global_avg_pool.h"

namespace braid::models {

void MobileNetV3Config::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("arch_def", arch_def, "blocks of each stage, such as ir_k3_s2_e6_c24_se0.25");
  v.field("depths", depths, "blocks per stage, the last of arch_def repeated");
  v.field("stem_size", stem_size, "channels of the stem");
  v.field("num_features", num_features, "channels after pooling");
  v.field("head_norm", head_norm, "a norm instead of a bias after the head's convolution");
  v.field("act_layer", act_layer, "activation: hard_swish, relu, ...");
  v.field("layer_scale_init_value", layer_scale_init_value,
          "first value of the layer scales of uir and mqa blocks, unset: none");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

MobileNetV3::MobileNetV3(const MobileNetV3Config& config)
    : ModelOf(config), act_(nn::parse_act(config.act_layer)) {
  Validator("mobilenetv3")
      .input(config.num_classes, config.in_chans, config.img_size)
      .positive("stem_size", config.stem_size)
      .positive("num_features", config.num_features)
      .rate("drop_rate", config.drop_rate)
      .rate("drop_path_rate", config.drop_path_rate);
  build(config.in_chans, {.arch_def = config.arch_def,
                          .depths = config.depths,
                          .in_chs = config.stem_size,
                          .act = act_,
                          .se = {.act = nn::Act::kRelu,
                                 .gate = nn::Act::kHardSigmoid,
                                 .rounding = nn::SqueezeRounding::kDivisibleBy8},
                          .layer_scale_init_value = config.layer_scale_init_value,
                          .drop_path_rate = config.drop_path_rate});
  conv_head_ = register_module(
      "conv_head", nn::conv2d(trunk_chs(), config.num_features, {.bias = !config.head_norm}));
  if (config.head_norm)
    norm_head_ = register_module("norm_head", nn::batch_norm(config.num_features));
  replace_head(config.num_classes);
}

torch::Tensor MobileNetV3::forward_features(const torch::Tensor& x) { return trunk(x); }

torch::Tensor MobileNetV3::forward_head(const torch::Tensor& features, bool pre_logits) {
  auto x = conv_head_->forward(ops::global_avg_pool(features, /*keepdim=*/true));  // [B,D',1,1]
  if (norm_head_) x = norm_head_->forward(x);
  return classify(nn::activate(x, act_).flatten(1), config_.drop_rate, pre_logits);
}

void MobileNetV3::replace_head(int64_t num_classes) {
  replace_classifier(config_.num_features, num_classes);
}

void add_mobilenetv3(Registry& table) {
  const auto add = [&table](const char* name, const MobileNetV3Config& config) {
    table.add(make_entry<MobileNetV3>(name, Family::kCnn, Fusion::kNone, imagenet_input(224, 0.875),
                                      config));
  };
  add("mobilenetv3_large_100", {});
  add("mobilenetv3_small_100",
      {.arch_def = {"ds_k3_s2_c16_se0.25_nre", "ir_k3_s2_e4.5_c24_nre ir_k3_s1_e3.67_c24_nre",
                    "ir_k5_s2_e4_c40_se0.25 ir_k5_s1_e6_c40_se0.25", "ir_k5_s1_e3_c48_se0.25",
                    "ir_k5_s2_e6_c96_se0.25", "cn_k1_s1_c576"},
       .depths = {1, 2, 3, 2, 3, 1},
       .num_features = 1024});
}

}  // namespace braid::models
