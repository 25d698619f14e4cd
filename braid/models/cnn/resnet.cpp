#include "braid/models/cnn/resnet.h"

#include <numeric>

#include "braid/core/error.h"
#include "braid/models/inputs.h"
#include "braid/models/validate.h"
#include "braid/nn/checkpoint.h"
#include "braid/nn/drop_path.h"
#include "braid/nn/init.h"

namespace braid::models {
namespace {

torch::nn::Conv2d conv(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  torch::nn::Conv2d layer(
      torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
  nn::init_conv_fan_out_(layer);
  return layer;
}

}  // namespace

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

ResNetBlockImpl::ResNetBlockImpl(const ResNetConfig& config, int64_t in_chans, int64_t width,
                                 int64_t stride, double drop_path_rate)
    : in_chans_(in_chans),
      out_chans_(config.bottleneck ? 4 * width : width),
      stride_(stride),
      drop_path_(drop_path_rate) {
  if (config.bottleneck) {
    conv1 = register_module("conv1", conv(in_chans, width, 1, 1));
    bn1 = register_module("bn1", torch::nn::BatchNorm2d(width));
    conv2 = register_module("conv2", conv(width, width, 3, stride));
    bn2 = register_module("bn2", torch::nn::BatchNorm2d(width));
    conv3 = register_module("conv3", conv(width, out_chans_, 1, 1));
    bn3 = register_module("bn3", torch::nn::BatchNorm2d(out_chans_));
    torch::nn::init::zeros_(bn3->weight);  // the block begins as its shortcut
  } else {
    conv1 = register_module("conv1", conv(in_chans, width, 3, stride));
    bn1 = register_module("bn1", torch::nn::BatchNorm2d(width));
    conv2 = register_module("conv2", conv(width, width, 3, 1));
    bn2 = register_module("bn2", torch::nn::BatchNorm2d(width));
    torch::nn::init::zeros_(bn2->weight);
  }
  if (!config.small_images && (stride != 1 || in_chans != out_chans_))
    downsample =
        register_module("downsample", torch::nn::Sequential(conv(in_chans, out_chans_, 1, stride),
                                                            torch::nn::BatchNorm2d(out_chans_)));
}

torch::Tensor ResNetBlockImpl::shortcut(const torch::Tensor& x) {
  if (downsample) return downsample->forward(x);
  if (stride_ == 1 && in_chans_ == out_chans_) return x;
  // Option A: every stride-th pixel, missing channels zero.
  const auto kept = x.slice(2, 0, x.size(2), stride_).slice(3, 0, x.size(3), stride_);
  const int64_t missing = out_chans_ - in_chans_;
  return torch::constant_pad_nd(kept, {0, 0, 0, 0, missing / 2, missing - missing / 2}, 0);
}

torch::Tensor ResNetBlockImpl::forward(const torch::Tensor& x) {
  auto y = bn1->forward(conv1->forward(x)).relu_();
  y = bn2->forward(conv2->forward(y));
  if (conv3) y = bn3->forward(conv3->forward(y.relu_()));
  y = nn::drop_path(y, drop_path_, is_training());
  return y.add_(shortcut(x)).relu_();
}

ResNet::ResNet(const ResNetConfig& config) : config_(config) {
  Validator("resnet")
      .input(config.num_classes, config.in_chans, config.img_size)
      .rate("drop_rate", config.drop_rate)
      .rate("drop_path_rate", config.drop_path_rate);
  if (config.layers.empty() || config.layers.size() != config.widths.size())
    throw ConfigError("models", "expected as many widths as layers, at least one", "model resnet");
  for (size_t i = 0; i < config.layers.size(); ++i)
    Validator("resnet").positive("layers", config.layers[i]).positive("widths", config.widths[i]);

  int64_t chans = config.small_images ? config.widths[0] : 64;
  conv1 = register_module("conv1", config.small_images ? conv(config.in_chans, chans, 3, 1)
                                                       : conv(config.in_chans, chans, 7, 2));
  bn1 = register_module("bn1", torch::nn::BatchNorm2d(chans));
  const int64_t blocks = std::accumulate(config.layers.begin(), config.layers.end(), int64_t{0});
  const auto rates = nn::drop_path_rates(config.drop_path_rate, blocks);
  size_t block = 0;
  for (size_t stage = 0; stage < config.layers.size(); ++stage) {
    torch::nn::Sequential layer;
    for (int64_t i = 0; i < config.layers[stage]; ++i, ++block) {
      const int64_t stride = i == 0 && stage > 0 ? 2 : 1;
      layer->push_back(ResNetBlock(config, chans, config.widths[stage], stride, rates[block]));
      chans = config.widths[stage] * expansion();
    }
    layers.push_back(register_module("layer" + std::to_string(stage + 1), layer));
  }
  reset_classifier(config.num_classes);
}

torch::Tensor ResNet::forward_features(const torch::Tensor& x) {
  auto y = bn1->forward(conv1->forward(x)).relu_();
  if (!config_.small_images) y = torch::max_pool2d(y, 3, 2, 1);
  for (const auto& layer : layers)
    for (const auto& module : *layer) {
      ResNetBlock block(std::dynamic_pointer_cast<ResNetBlockImpl>(module.ptr()));
      y = nn::maybe_checkpoint(checkpointing(), block, y);
    }
  return y;
}

torch::Tensor ResNet::forward_head(const torch::Tensor& features, bool pre_logits) {
  const auto pooled = features.mean({2, 3});  // [B,D,h,w] -> [B,D]
  if (pre_logits || !fc) return pooled;
  return fc->forward(torch::dropout(pooled, config_.drop_rate, is_training()));
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

void ResNet::reset_classifier(int64_t num_classes) {
  config_.num_classes = num_classes;
  if (fc) unregister_module("fc");
  fc = nullptr;
  if (num_classes > 0)
    fc = register_module("fc", torch::nn::Linear(config_.widths.back() * expansion(), num_classes));
}

int64_t ResNet::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("conv1.") || parameter.starts_with("bn1.")) return 0;
  if (parameter.starts_with("layer")) return std::stoll(parameter.substr(5));
  return layer_count() - 1;
}

void add_resnet(Registry& table) {
  const auto add = [&table](const char* name, const data::InputConfig& input,
                            const ResNetConfig& config) {
    table.push_back(make_entry<ResNet>(name, Family::kCnn, Fusion::kNone, input, config));
  };
  add("resnet18", imagenet_input(224, 0.95), {});
  add("resnet50", imagenet_input(224, 0.95), {.layers = {3, 4, 6, 3}, .bottleneck = true});
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
