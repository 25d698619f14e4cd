#include "braid/models/vision/cnn/regnet.h"

#include <cmath>

#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/drop_path.h"

namespace braid::models {
namespace {

void validate(const RegNetConfig& config) {
  const Validator check("regnet");
  check.input(config.num_classes, config.in_chans, config.img_size)
      .positive("stem_width", config.stem_width)
      .rate("se_ratio", config.se_ratio)
      .rate("drop_rate", config.drop_rate)
      .rate("drop_path_rate", config.drop_path_rate)
      .same_length("depths", config.depths.size(), {{"widths", config.widths.size()}})
      .stages("depths", config.depths.size())
      .depth("depths", config.depths);
  for (const int64_t width : config.widths)
    check.divides("group_size", config.group_size, "widths", width);
}

}  // namespace

void RegNetConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("depths", depths, "blocks per stage");
  v.field("widths", widths, "channels per stage");
  v.field("group_size", group_size, "channels per group of the 3x3 convolutions");
  v.field("se_ratio", se_ratio, "squeezed channels per channel of a block's input, 0: none");
  v.field("stem_width", stem_width, "channels of the stem");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

RegNetBlockImpl::RegNetBlockImpl(const RegNetConfig& config, int64_t in, int64_t out,
                                 int64_t stride, double drop_path_rate)
    : drop_path_(drop_path_rate) {
  nn::ConvNormActConfig conv{.in_chs = in, .out_chs = out, .act = nn::Act::kRelu};
  conv1_ = register_module("conv1", nn::ConvNormAct(conv));
  conv.in_chs = out;
  conv.kernel_size = 3;
  conv.stride = stride;
  conv.groups = out / config.group_size;
  conv2_ = register_module("conv2", nn::ConvNormAct(conv));
  if (config.se_ratio > 0) {
    const auto squeezed = std::llrint(static_cast<double>(in) * config.se_ratio);
    se_ = register_module("se", nn::SqueezeExcite(nn::SqueezeExciteConfig{
                                    .in_chs = out, .rd_channels = std::max<int64_t>(1, squeezed)}));
  }
  conv3_ = register_module(
      "conv3", nn::ConvNormAct(nn::ConvNormActConfig{
                   .in_chs = out, .out_chs = out, .norm_weight = 0}));  // begins as its shortcut
  if (stride != 1 || in != out)
    downsample_ = register_module(
        "downsample",
        nn::ConvNormAct(nn::ConvNormActConfig{.in_chs = in, .out_chs = out, .stride = stride}));
}

torch::Tensor RegNetBlockImpl::forward(const torch::Tensor& x) {
  auto y = conv2_->forward(conv1_->forward(x));
  if (se_) y = se_->forward(y);
  y = nn::drop_path(conv3_->forward(y), drop_path_, is_training());
  return y.add_(downsample_ ? downsample_->forward(x) : x).relu_();
}

RegNet::RegNet(const RegNetConfig& config) : ModelOf(config) {
  validate(config);
  int64_t chans = config.stem_width;
  stem_ = register_module("stem", nn::ConvNormAct(nn::ConvNormActConfig{.in_chs = config.in_chans,
                                                                        .out_chs = chans,
                                                                        .kernel_size = 3,
                                                                        .stride = 2,
                                                                        .act = nn::Act::kRelu}));
  const auto rates = nn::drop_path_rates(config.drop_path_rate, config.depths);
  for (size_t i = 0; i < config.depths.size(); ++i) {
    nn::BlockList stage("b", 1);
    for (const double rate : rates[i]) {
      stage->push_back(
          RegNetBlock(config, chans, config.widths[i], stage->size() == 0 ? 2 : 1, rate));
      chans = config.widths[i];
    }
    stages_.push_back(register_module("s" + std::to_string(i + 1), stage));
  }
  head_ = register_module(
      "head", nn::ClassifierHead(nn::ClassifierHeadConfig{.in_features = chans,
                                                          .num_classes = config.num_classes,
                                                          .drop_rate = config.drop_rate,
                                                          .init_std = 0.01}));
}

torch::Tensor RegNet::forward_features(const torch::Tensor& x) {
  auto y = stem_->forward(x);
  for (auto& stage : stages_) y = stage->forward(y, checkpointing());
  return y;
}

torch::Tensor RegNet::forward_head(const torch::Tensor& features, bool pre_logits) {
  return head_->forward(features, pre_logits);
}

std::vector<FeatureInfo> RegNet::feature_info() const {
  int64_t reduction = 2;
  std::vector<FeatureInfo> info = {{"stem", config_.stem_width, reduction}};
  for (size_t i = 0; i < config_.widths.size(); ++i)
    info.push_back({"s" + std::to_string(i + 1), config_.widths[i], reduction *= 2});
  return info;
}

void RegNet::replace_head(int64_t num_classes) { head_->reset(num_classes); }

int64_t RegNet::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("stem.")) return 0;
  if (parameter.starts_with("head.")) return layer_count() - 1;
  return std::stoll(parameter.substr(1));  // of the stage, such as s2.b1.conv1.bn.weight
}

void add_regnet(Registry& table) {
  table.add(make_entry<RegNet>("regnety_008", Family::kCnn, Fusion::kNone,
                               imagenet_input(224, 0.875), RegNetConfig{}));
}

}  // namespace braid::models
