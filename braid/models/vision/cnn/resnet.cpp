#include "braid/models/vision/cnn/resnet.h"

#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_act.h"
#include "braid/nn/block/resnet_block.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/head/replace_head.h"
#include "braid/ops/global_avg_pool.h"

namespace braid::models {

void ResNetConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("layers", layers, "blocks per stage");
  v.field("widths", widths, "channels per stage, before a bottleneck's expansion");
  v.field("bottleneck", bottleneck, "blocks of 1x1, 3x3, 1x1 with expansion 4");
  v.field("small_images", small_images,
          "stem without stride and pooling, shortcuts without weights");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

ResNet::ResNet(const ResNetConfig& config) : ModelOf(config) {
  Validator("resnet")
      .input(config.num_classes, config.in_chans, config.img_size)
      .rate("drop_rate", config.drop_rate)
      .rate("drop_path_rate", config.drop_path_rate)
      .same_length("layers", config.layers.size(), {{"widths", config.widths.size()}})
      .stages("layers", config.layers.size())
      .depth("layers", config.layers)
      .positive("widths", config.widths);

  int64_t chans = config.small_images ? config.widths[0] : 64;
  const auto stem = config.small_images ? nn::ConvOptions{.kernel_size = 3}
                                        : nn::ConvOptions{.kernel_size = 7, .stride = 2};
  conv1_ = register_module("conv1", nn::conv2d(config.in_chans, chans, stem));
  bn1_ = register_module("bn1", nn::batch_norm(chans));
  const auto rates = nn::drop_path_rates(config.drop_path_rate, config.layers);
  for (size_t stage = 0; stage < config.layers.size(); ++stage) {
    nn::BlockList layer;
    for (const double rate : rates[stage]) {
      const nn::ResNetBlockConfig options{.in_chs = chans,
                                          .width = config.widths[stage],
                                          .stride = layer->size() == 0 && stage > 0 ? 2 : 1,
                                          .bottleneck = config.bottleneck,
                                          .shortcut = config.small_images
                                                          ? nn::ResNetShortcut::kZeroPadding
                                                          : nn::ResNetShortcut::kProjection,
                                          .drop_path = rate};
      layer->push_back(nn::ResNetBlock(options));
      chans = options.out_chs();
    }
    layers_.push_back(register_module("layer" + std::to_string(stage + 1), layer));
  }
  replace_head(config.num_classes);
}

torch::Tensor ResNet::forward_features(const torch::Tensor& x) {
  auto y = nn::norm_act(bn1_, conv1_->forward(x), nn::Act::kRelu);
  if (!config_.small_images) y = torch::max_pool2d(y, 3, 2, 1);
  for (auto& layer : layers_) y = layer->forward(y, checkpointing());
  return y;
}

torch::Tensor ResNet::forward_head(const torch::Tensor& features, bool pre_logits) {
  auto pooled = ops::global_avg_pool(features);  // [B,D,h,w] -> [B,D]
  if (pre_logits || !fc_) return pooled;
  return fc_->forward(nn::dropout(pooled, config_.drop_rate, is_training()));
}

std::vector<FeatureInfo> ResNet::feature_info() const {
  std::vector<FeatureInfo> info;
  int64_t reduction = config_.small_images ? 1 : 2;
  info.push_back({"bn1", config_.small_images ? config_.widths[0] : 64, reduction});
  if (!config_.small_images) reduction *= 2;
  for (size_t stage = 0; stage < config_.layers.size(); ++stage) {
    if (stage > 0) reduction *= 2;
    info.push_back(
        {"layer" + std::to_string(stage + 1), config_.widths[stage] * expansion(), reduction});
  }
  return info;
}

void ResNet::replace_head(int64_t num_classes) {
  nn::replace_head(*this, "fc", fc_,
                   nn::new_head(config_.widths.back() * expansion(), num_classes));
}

int64_t ResNet::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("conv1.") || parameter.starts_with("bn1.")) return 0;
  if (parameter.starts_with("layer")) return std::stoll(parameter.substr(5));
  return layer_count() - 1;
}

void add_resnet(Registry& table) {
  const auto add = [&table](const char* name, const data::InputConfig& input,
                            const ResNetConfig& config) {
    table.add(make_entry<ResNet>(name, Family::kCnn, Fusion::kNone, input, config));
  };
  add("resnet18", imagenet_input(224, 0.95), {});
  add("resnet34", imagenet_input(224, 0.95), {.layers = {3, 4, 6, 3}});
  add("resnet50", imagenet_input(224, 0.95), {.layers = {3, 4, 6, 3}, .bottleneck = true});
  add("resnet101", imagenet_input(224, 0.95), {.layers = {3, 4, 23, 3}, .bottleneck = true});
  const auto small = [](int64_t blocks) {  // 6 * blocks + 2 layers
    return ResNetConfig{.img_size = 32,
                        .layers = {blocks, blocks, blocks},
                        .widths = {16, 32, 64},
                        .small_images = true};
  };
  add("resnet20", small_image_input(32), small(3));
  add("resnet56", small_image_input(32), small(9));
}

}  // namespace braid::models
