#include "braid/models/vision/cnn/resnet9.h"

#include <algorithm>

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/max_pool.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_act.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/head/replace_head.h"
#include "braid/runtime/grad_checkpoint.h"

namespace braid::models {
namespace {

constexpr const char* kLayer = "layer";  // the keys of the layers begin at 1

bool has_residual(const ResNet9Config& config, size_t layer) {
  const auto& with = config.res_layers;
  return std::find(with.begin(), with.end(), static_cast<int64_t>(layer)) != with.end();
}

std::vector<std::string> steps_of(const std::string& prefix, bool residual) {
  if (!residual) return {prefix};
  return {prefix, prefix + "_residual_res1", prefix + "_residual_res2"};
}

// Of the module whose output the layer's is.
std::string end_of(const std::string& prefix, bool residual) {
  return prefix + (residual ? "_residual_add" : "_pool");
}

torch::nn::Conv2d conv3x3(int64_t in_chs, int64_t out_chs) {
  return nn::conv2d(in_chs, out_chs, {.kernel_size = 3, .init = nn::ConvInit::kTorch});
}

}  // namespace

void ResNet9Config::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("prep_chs", prep_chs, "channels of the first convolution");
  v.field("widths", widths, "channels per layer; each halves the map");
  v.field("res_layers", res_layers, "layers with a residual block, counted from 1");
  v.field("logit_scale", logit_scale, "factor of the classifier's output");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
}

// The last one is registered for the reference's names of features alone; forward computes it.
ResNet9LayerImpl::ResNet9LayerImpl(torch::nn::Module& network, const std::string& prefix,
                                   int64_t in_chs, int64_t out_chs, bool residual) {
  for (const auto& step : steps_of(prefix, residual)) {
    convs_.push_back(network.register_module(step + "_conv", conv3x3(in_chs, out_chs)));
    norms_.push_back(network.register_module(step + "_bn", nn::batch_norm(out_chs)));
    in_chs = out_chs;
  }
  network.register_module(end_of(prefix, residual), torch::nn::Identity());
}

torch::Tensor ResNet9LayerImpl::forward(const torch::Tensor& x) {
  const auto step = [this](size_t i, const torch::Tensor& y) {
    return nn::norm_act(norms_[i], nn::convolve(convs_[i], y), nn::Act::kRelu);
  };
  const auto wide = step(0, x);
  const auto y = nn::max_halve(wide);
  return convs_.size() == 1 ? y : y + step(2, step(1, y));
}

ResNet9::ResNet9(const ResNet9Config& config) : ModelOf(config) {
  Validator("resnet9")
      .input(config.num_classes, config.in_chans, config.img_size)
      .positive("prep_chs", config.prep_chs)
      .stages("widths", config.widths.size())
      .positive("widths", config.widths)
      .rate("drop_rate", config.drop_rate);
  for (const int64_t layer : config.res_layers)
    Validator("resnet9").between("res_layers", layer, 1,
                                 static_cast<int64_t>(config.widths.size()));
  prep_conv_ = register_module("prep_conv", conv3x3(config.in_chans, config.prep_chs));
  prep_bn_ = register_module("prep_bn", nn::batch_norm(config.prep_chs));
  int64_t chans = config.prep_chs;
  for (size_t i = 1; i <= config.widths.size(); ++i) {
    layers_.emplace_back(*this, kLayer + std::to_string(i), chans, config.widths[i - 1],
                         has_residual(config, i));
    chans = config.widths[i - 1];
  }
  replace_head(config.num_classes);
}

torch::Tensor ResNet9::forward_features(const torch::Tensor& x) {
  auto y = nn::norm_act(prep_bn_, prep_conv_->forward(x), nn::Act::kRelu);
  for (auto& layer : layers_) y = runtime::maybe_checkpoint(checkpointing(), layer, y);
  return y;
}

torch::Tensor ResNet9::forward_head(const torch::Tensor& features, bool pre_logits) {
  auto pooled = features.amax({2, 3});  // [B,D]
  if (pre_logits || !linear) return pooled;
  return linear->forward(nn::dropout(pooled, config_.drop_rate, is_training())) *
         config_.logit_scale;
}

std::vector<FeatureInfo> ResNet9::feature_info() const {
  std::vector<FeatureInfo> info;
  int64_t reduction = 1;
  for (size_t i = 1; i <= config_.widths.size(); ++i)
    info.push_back({end_of(kLayer + std::to_string(i), has_residual(config_, i)),
                    config_.widths[i - 1], reduction *= 2});
  return info;
}

// The modules of a layer are the network's own, so that none of them has all of its parameters.
std::vector<Part> ResNet9::parts() {
  auto parts = ModelOf::parts();
  for (size_t i = 1; i <= parts.size(); ++i) {
    auto& part = parts[i - 1];
    part.name = kLayer + std::to_string(i);
    part.modules.clear();
    for (const auto& step : steps_of(part.name, has_residual(config_, i)))
      for (const char* module : {"_conv", "_bn"}) part.modules.push_back(step + module);
  }
  return parts;
}

void ResNet9::replace_head(int64_t num_classes) {
  using Options = torch::nn::LinearOptions;
  nn::replace_head(*this, "linear", linear,
                   num_classes == 0 ? torch::nn::Linear(nullptr)
                                    : torch::nn::Linear(
                                          Options(config_.widths.back(), num_classes).bias(false)));
}

int64_t ResNet9::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("linear.")) return layer_count() - 1;
  return block_index(parameter, kLayer, 0);
}

void add_resnet9(Registry& table) {
  table.add(make_entry<ResNet9>("resnet9", Family::kCnn, Fusion::kNone, small_image_input(32),
                                ResNet9Config{}));
}

}  // namespace braid::models
