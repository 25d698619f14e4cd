#include "braid/models/vision/cnn/vgg.h"

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/max_pool.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_act.h"
#include "braid/nn/conv/conv.h"
#include "braid/runtime/grad_checkpoint.h"

namespace braid::models {
namespace {

constexpr int64_t kHeadChannels = 4096;
constexpr int64_t kHeadSide = 7;  // pixels that the head's first layer sees along one side

// Places in the sequence that a stage takes: convolution, norm and activation each, and pooling.
int64_t stage_length(int64_t depth) { return 3 * depth + 1; }

void validate(const VggConfig& config) {
  Validator("vgg")
      .input(config.num_classes, config.in_chans, config.img_size)
      .rate("drop_rate", config.drop_rate)
      .same_length("depths", config.depths.size(), {{"widths", config.widths.size()}})
      .stages("depths", config.depths.size())
      .depth("depths", config.depths)
      .positive("widths", config.widths)
      .between("mlp_ratio", config.mlp_ratio, 1.0 / kHeadChannels, 16.0);
}

}  // namespace

void VggConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("depths", depths, "convolutions per stage");
  v.field("widths", widths, "channels per stage");
  v.field("mlp_ratio", mlp_ratio, "channels between the head's hidden layers, per 4096");
  v.field("drop_rate", drop_rate, "dropout in the head, 0: none");
}

// ReLU and pooling are registered for timm's names of features alone; forward applies them.
VggStageImpl::VggStageImpl(torch::nn::Module& sequence, int64_t first, int64_t in, int64_t out,
                           int64_t depth) {
  for (int64_t i = 0; i < depth; ++i, first += 3, in = out) {
    convs_.push_back(sequence.register_module(
        std::to_string(first), nn::conv2d(in, out, {.kernel_size = 3, .bias = true})));
    norms_.push_back(sequence.register_module(std::to_string(first + 1), nn::batch_norm(out)));
    sequence.register_module(std::to_string(first + 2), torch::nn::ReLU());
  }
  sequence.register_module(std::to_string(first), torch::nn::MaxPool2d(2));
}

torch::Tensor VggStageImpl::forward(const torch::Tensor& x) {
  auto y = x;
  for (size_t i = 0; i < convs_.size(); ++i)
    y = nn::norm_act(norms_[i], nn::convolve(convs_[i], y), nn::Act::kRelu);
  return nn::max_halve(y);
}

Vgg::Vgg(const VggConfig& config) : ModelOf(config) {
  validate(config);
  auto features = register_module("features", std::make_shared<torch::nn::Module>());
  int64_t chans = config.in_chans, first = 0;
  for (size_t i = 0; i < config.depths.size(); ++i) {
    stages_.emplace_back(*features, first, chans, config.widths[i], config.depths[i]);
    first += stage_length(config.depths[i]);
    chans = config.widths[i];
  }
  const auto hidden = static_cast<int64_t>(static_cast<double>(kHeadChannels) * config.mlp_ratio);
  auto mlp = register_module("pre_logits", std::make_shared<torch::nn::Module>());
  fc1_ = mlp->register_module(
      "fc1", nn::conv2d(chans, hidden, {.kernel_size = kHeadSide, .bias = true, .padding = 0}));
  fc2_ = mlp->register_module("fc2", nn::conv2d(hidden, kHeadChannels, {.bias = true}));
  head_ = register_module(
      "head", nn::ClassifierHead(nn::ClassifierHeadConfig{.in_features = kHeadChannels,
                                                          .num_classes = config.num_classes,
                                                          .drop_rate = config.drop_rate,
                                                          .init_std = 0.01}));
}

torch::Tensor Vgg::forward_features(const torch::Tensor& x) {
  auto y = x;
  for (auto& stage : stages_) y = runtime::maybe_checkpoint(checkpointing(), stage, y);
  return y;
}

torch::Tensor Vgg::forward_head(const torch::Tensor& features, bool pre_logits) {
  auto x = features;
  if (x.size(2) < kHeadSide || x.size(3) < kHeadSide)  // pixels are repeated, not interpolated
    x = at::adaptive_avg_pool2d(x,
                                {std::max(kHeadSide, x.size(2)), std::max(kHeadSide, x.size(3))});
  x = nn::dropout(fc1_->forward(x).relu_(), config_.drop_rate, is_training());
  return head_->forward(fc2_->forward(x).relu_(), pre_logits);
}

std::vector<FeatureInfo> Vgg::feature_info() const {
  std::vector<FeatureInfo> info;
  int64_t end = 0, reduction = 1;  // end: the place behind a stage
  const auto module = [&end](int64_t before) { return "features." + std::to_string(end - before); };
  for (size_t i = 0; i < config_.depths.size(); ++i, reduction *= 2) {
    end += stage_length(config_.depths[i]);
    info.push_back({module(2), config_.widths[i], reduction});  // its last activation
  }
  info.push_back({module(1), config_.widths.back(), reduction});
  return info;
}

void Vgg::replace_head(int64_t num_classes) { head_->reset(num_classes); }

int64_t Vgg::layer_id(const std::string& parameter) const {
  const int64_t place = block_index(parameter, "features.", -1);
  if (place < 0) return layer_count() - 1;
  int64_t stage = 0;  // the first one is the stem
  for (int64_t end = stage_length(config_.depths[0]); place >= end; ++stage)
    end += stage_length(config_.depths[static_cast<size_t>(stage) + 1]);
  return stage;
}

void add_vgg(Registry& table) {
  table.add(make_entry<Vgg>("vgg16_bn", Family::kCnn, Fusion::kNone,
                            imagenet_input(224, 0.875, "bilinear"), VggConfig{}));
}

}  // namespace braid::models
