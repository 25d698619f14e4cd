#include "braid/models/vision/cnn/densenet.h"

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_act.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/head/replace_head.h"
#include "braid/ops/global_avg_pool.h"
#include "braid/runtime/grad_checkpoint.h"

namespace braid::models {
namespace {

torch::nn::Conv2d conv(int64_t in, int64_t out, const nn::ConvOptions& options = {}) {
  auto layer = nn::conv2d(in, out, options);
  torch::nn::init::kaiming_normal_(layer->weight);  // by the fan-in
  return layer;
}

torch::Tensor norm_act(torch::nn::BatchNorm2d& norm, const torch::Tensor& x) {
  return nn::norm_act(norm, x, nn::Act::kRelu);
}

}  // namespace

void DenseNetConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("depths", depths, "layers per block");
  v.field("growth_rate", growth_rate, "channels that a layer adds");
  v.field("bn_size", bn_size, "channels of a layer's bottleneck per channel that it adds");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("proj_drop_rate", proj_drop_rate, "dropout after each layer, 0: none");
}

DenseBlockImpl::DenseBlockImpl(const DenseNetConfig& config, int64_t in, int64_t layers)
    : drop_(config.proj_drop_rate) {
  const int64_t growth = config.growth_rate, mid = config.bn_size * growth;
  for (int64_t i = 0; i < layers; ++i) {
    auto parent = register_module("denselayer" + std::to_string(i + 1),
                                  std::make_shared<torch::nn::Module>());
    Layer layer;
    layer.norm1 = parent->register_module("norm1", nn::batch_norm(in + i * growth));
    layer.conv1 = parent->register_module("conv1", conv(in + i * growth, mid));
    layer.norm2 = parent->register_module("norm2", nn::batch_norm(mid));
    layer.conv2 = parent->register_module("conv2", conv(mid, growth, {.kernel_size = 3}));
    layers_.push_back(layer);
  }
}

torch::Tensor DenseBlockImpl::forward(const torch::Tensor& x) {
  auto all = x;
  for (auto& layer : layers_) {
    auto y = layer.conv1->forward(norm_act(layer.norm1, all));
    y = layer.conv2->forward(norm_act(layer.norm2, y));
    all = torch::cat({all, nn::dropout(y, drop_, is_training())}, 1);
  }
  return all;
}

DenseTransitionImpl::DenseTransitionImpl(int64_t in, int64_t out) {
  norm_ = register_module("norm", nn::batch_norm(in));
  conv_ = register_module("conv", conv(in, out));
}

torch::Tensor DenseTransitionImpl::forward(const torch::Tensor& x) {
  const auto y = conv_->forward(norm_act(norm_, x));
  return at::avg_pool2d(y, {std::min<int64_t>(2, y.size(2)), std::min<int64_t>(2, y.size(3))});
}

DenseNet::DenseNet(const DenseNetConfig& config) : ModelOf(config) {
  Validator("densenet")
      .input(config.num_classes, config.in_chans, config.img_size)
      .positive("growth_rate", config.growth_rate)
      .positive("bn_size", config.bn_size)
      .rate("drop_rate", config.drop_rate)
      .rate("proj_drop_rate", config.proj_drop_rate)
      .same_length("depths", config.depths.size(), {})
      .stages("depths", config.depths.size())
      .depth("depths", config.depths);

  int64_t chans = 2 * config.growth_rate, reduction = 2;
  auto features = register_module("features", std::make_shared<torch::nn::Module>());
  conv0_ = features->register_module("conv0",
                                     conv(config.in_chans, chans, {.kernel_size = 7, .stride = 2}));
  norm0_ = features->register_module("norm0", nn::batch_norm(chans));
  info_.push_back({"features.norm0", chans, reduction});
  for (size_t i = 0; i < config.depths.size(); ++i) {
    const auto name = "denseblock" + std::to_string(i + 1);
    reduction *= 2;
    blocks_.push_back(features->register_module(name, DenseBlock(config, chans, config.depths[i])));
    chans += config.depths[i] * config.growth_rate;
    if (i + 1 == config.depths.size()) break;
    info_.push_back({"features." + name, chans, reduction});
    transitions_.push_back(features->register_module("transition" + std::to_string(i + 1),
                                                     DenseTransition(chans, chans / 2)));
    chans /= 2;
  }
  norm5_ = features->register_module("norm5", nn::batch_norm(chans));
  info_.push_back({"features.norm5", chans, reduction});
  replace_head(config.num_classes);
}

torch::Tensor DenseNet::forward_features(const torch::Tensor& x) {
  auto y = torch::max_pool2d(norm_act(norm0_, conv0_->forward(x)), 3, 2, 1);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    y = runtime::maybe_checkpoint(checkpointing(), blocks_[i], y);
    if (i < transitions_.size()) y = transitions_[i]->forward(y);
  }
  return norm_act(norm5_, y);
}

torch::Tensor DenseNet::forward_head(const torch::Tensor& features, bool pre_logits) {
  auto pooled = ops::global_avg_pool(features);  // [B,D,h,w] -> [B,D]
  if (pre_logits || !classifier_) return pooled;
  return classifier_->forward(nn::dropout(pooled, config_.drop_rate, is_training()));
}

void DenseNet::replace_head(int64_t num_classes) {
  auto fresh = nn::new_head(num_features(), num_classes);
  if (fresh) torch::nn::init::zeros_(fresh->bias);
  nn::replace_head(*this, "classifier", classifier_, fresh);
}

int64_t DenseNet::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("features.conv0.") || parameter.starts_with("features.norm0."))
    return 0;
  const int64_t block = block_index(parameter, "features.denseblock", layer_count() - 1);
  return block_index(parameter, "features.transition", block);
}

void add_densenet(Registry& table) {
  table.add(make_entry<DenseNet>("densenet121", Family::kCnn, Fusion::kNone,
                                 imagenet_input(224, 0.875), DenseNetConfig{}));
}

}  // namespace braid::models
