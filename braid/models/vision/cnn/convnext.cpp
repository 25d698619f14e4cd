#include "braid/models/vision/cnn/convnext.h"

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/pad.h"
#include "braid/nn/conv/conv.h"

namespace braid::models {
namespace {

// A convolution without overlap: windows of `kernel` pixels, one output each.
torch::nn::Conv2d patch_conv(int64_t in, int64_t out, int64_t kernel) {
  return nn::conv2d(in, out,
                    {.kernel_size = kernel,
                     .stride = kernel,
                     .bias = true,
                     .padding = 0,
                     .init = nn::ConvInit::kTruncNormal});
}

// Room for one window where the map has none; else x itself, whose last pixels may fall away.
torch::Tensor at_least(const torch::Tensor& x, int64_t kernel) {
  return x.size(2) < kernel || x.size(3) < kernel ? nn::pad_to_multiple(x, kernel) : x;
}

void validate(const ConvNeXtConfig& config) {
  Validator("convnext")
      .input(config.num_classes, config.in_chans, config.img_size)
      .positive("patch_size", config.patch_size)
      .odd("kernel_size", config.kernel_size)
      .rate("drop_rate", config.drop_rate)
      .rate("drop_path_rate", config.drop_path_rate)
      .same_length("depths", config.depths.size(), {{"dims", config.dims.size()}})
      .stages("depths", config.depths.size())
      .depth("depths", config.depths)
      .positive("dims", config.dims);
}

}  // namespace

void ConvNeXtConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("depths", depths, "blocks per stage");
  v.field("dims", dims, "channels per stage");
  v.field("patch_size", patch_size, "pixels along one side of the stem's windows");
  v.field("kernel_size", kernel_size, "of the depthwise convolutions, odd");
  v.field("conv_mlp", conv_mlp, "weights of the feed-forward parts are 1x1 convolutions");
  v.field("ls_init_value", ls_init_value, "first value of the layer scales, unset: none");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

ConvNeXtStageImpl::ConvNeXtStageImpl(const ConvNeXtConfig& config, int64_t in, int64_t out,
                                     int64_t stride, const std::vector<double>& rates) {
  if (stride > 1 || in != out) {
    norm_ = nn::LayerNorm2d(in);
    conv_ = patch_conv(in, out, stride);
    auto downsample = register_module("downsample", std::make_shared<torch::nn::Module>());
    downsample->register_module("0", norm_);
    downsample->register_module("1", conv_);
  }
  for (const double rate : rates)
    blocks_->push_back(
        nn::ConvNeXtBlock(nn::ConvNeXtBlockConfig{.in_chs = out,
                                                  .kernel_size = config.kernel_size,
                                                  .conv_mlp = config.conv_mlp,
                                                  .ls_init_value = config.ls_init_value,
                                                  .drop_path = rate}));
  register_module("blocks", blocks_);
}

torch::Tensor ConvNeXtStageImpl::forward(torch::Tensor x, bool checkpointing) {
  if (conv_) {
    x = norm_->forward(x);
    x = conv_->forward(at_least(x, conv_->options.stride()->at(0)));
  }
  return blocks_->forward(x, checkpointing);
}

ConvNeXt::ConvNeXt(const ConvNeXtConfig& config) : ModelOf(config) {
  validate(config);
  int64_t chans = config.dims[0];
  auto stem = register_module("stem", std::make_shared<torch::nn::Module>());
  stem_conv_ = stem->register_module("0", patch_conv(config.in_chans, chans, config.patch_size));
  stem_norm_ = stem->register_module("1", nn::LayerNorm2d(chans));
  const auto rates = nn::drop_path_rates(config.drop_path_rate, config.depths);
  torch::nn::ModuleList stages;
  for (size_t i = 0; i < config.depths.size(); ++i) {
    stages_.emplace_back(config, chans, config.dims[i], stride(i), rates[i]);
    stages->push_back(stages_.back());
    chans = config.dims[i];
  }
  register_module("stages", stages);
  head_ = register_module(
      "head", nn::ClassifierHead(nn::ClassifierHeadConfig{.in_features = chans,
                                                          .num_classes = config.num_classes,
                                                          .norm_eps = 1e-6,
                                                          .drop_rate = config.drop_rate}));
}

torch::Tensor ConvNeXt::forward_features(const torch::Tensor& x) {
  auto y = stem_norm_->forward(stem_conv_->forward(at_least(x, config_.patch_size)));
  for (auto& stage : stages_) y = stage->forward(y, checkpointing());
  return y;
}

torch::Tensor ConvNeXt::forward_head(const torch::Tensor& features, bool pre_logits) {
  return head_->forward(features, pre_logits);
}

std::vector<FeatureInfo> ConvNeXt::feature_info() const {
  std::vector<FeatureInfo> info;
  int64_t reduction = config_.patch_size;
  for (size_t i = 0; i < config_.dims.size(); ++i)
    info.push_back({"stages." + std::to_string(i), config_.dims[i], reduction *= stride(i)});
  return info;
}

void ConvNeXt::replace_head(int64_t num_classes) { head_->reset(num_classes); }

int64_t ConvNeXt::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("stem.")) return 0;
  return block_index(parameter, "stages.", layer_count() - 2) + 1;
}

void add_convnext(Registry& table) {
  const auto add = [&table](const char* name, const data::InputConfig& input,
                            const ConvNeXtConfig& config) {
    table.add(make_entry<ConvNeXt>(name, Family::kCnn, Fusion::kNone, input, config));
  };
  add("convnext_atto", imagenet_input(224, 0.875),
      {.depths = {2, 2, 6, 2}, .dims = {40, 80, 160, 320}, .conv_mlp = true});
  add("convnext_tiny", imagenet_input(224, 0.95), {});
}

}  // namespace braid::models
