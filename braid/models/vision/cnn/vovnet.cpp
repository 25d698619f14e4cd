#include "braid/models/vision/cnn/vovnet.h"

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv_norm_act.h"
#include "braid/ops/global_avg_pool.h"

namespace braid::models {
namespace {

using torch::Tensor;

constexpr int64_t kStemReduction = 4;

// 3x3, or depthwise and 1x1; norm; ReLU. Keys: conv or conv_dw and conv_pw, bn.
class VovConvImpl : public nn::BlockImpl {
 public:
  VovConvImpl(int64_t in, int64_t out, int64_t stride, bool depthwise) {
    const auto add = [this](const char* name, int64_t from, int64_t to, nn::ConvOptions options) {
      options.init = nn::ConvInit::kFanOut;
      convs_.push_back(register_module(name, nn::conv2d(from, to, options)));
    };
    if (depthwise) {
      add("conv_dw", in, in, {.kernel_size = 3, .stride = stride, .groups = in});
      add("conv_pw", in, out, {});
    } else {
      add("conv", in, out, {.kernel_size = 3, .stride = stride});
    }
    bn_ = register_module("bn", nn::batch_norm(out));
  }
  Tensor forward(const Tensor& x) override {
    auto y = x;
    for (auto& conv : convs_) y = nn::convolve(conv, y);
    return bn_->forward(y).relu_();
  }

 private:
  std::vector<torch::nn::Conv2d> convs_;
  torch::nn::BatchNorm2d bn_{nullptr};
};
TORCH_MODULE(VovConv);

struct OsaBlockConfig {
  int64_t in_chs = 0, mid_chs = 0, out_chs = 0;
  int64_t layers = 3;
  bool residual = false;
  bool depthwise = false;
  bool attn = false;  // effective squeeze-and-excitation: one layer, without a bottleneck
  double drop_path = 0;
};

// One-shot aggregation. Keys: (conv_reduction), conv_mid, conv_concat, (attn.fc).
class OsaBlockImpl : public nn::BlockImpl {
 public:
  explicit OsaBlockImpl(const OsaBlockConfig& config) : config_(config) {
    int64_t chans = config.in_chs;
    if (config.depthwise && chans != config.mid_chs) {
      conv_reduction_ = register_module("conv_reduction", pointwise(chans, config.mid_chs));
      chans = config.mid_chs;
    }
    torch::nn::ModuleList mid;  // not one after the other alone: all their outputs are joined
    for (int64_t i = 0; i < config.layers; ++i, chans = config.mid_chs) {
      conv_mid_.emplace_back(chans, config.mid_chs, 1, config.depthwise);
      mid->push_back(conv_mid_.back());
    }
    register_module("conv_mid", mid);
    conv_concat_ = register_module(
        "conv_concat", pointwise(config.in_chs + config.layers * config.mid_chs, config.out_chs));
    if (!config.attn) return;
    auto attn = register_module("attn", std::make_shared<torch::nn::Module>());
    fc_ = attn->register_module("fc", nn::conv2d(config.out_chs, config.out_chs,
                                                 {.bias = true, .init = nn::ConvInit::kFanOut}));
  }

  Tensor forward(const Tensor& x) override {
    std::vector<Tensor> parts = {x};
    auto y = conv_reduction_ ? conv_reduction_->forward(x) : x;
    for (auto& conv : conv_mid_) parts.push_back(y = conv->forward(y));
    y = conv_concat_->forward(torch::cat(parts, 1));
    if (fc_) y = y * at::hardsigmoid(fc_->forward(ops::global_avg_pool(y, /*keepdim=*/true)));
    y = nn::drop_path(y, config_.drop_path, is_training());
    return config_.residual ? y + x : y;
  }

 private:
  static nn::ConvNormAct pointwise(int64_t in, int64_t out) {
    return nn::ConvNormAct(nn::ConvNormActConfig{
        .in_chs = in, .out_chs = out, .init = nn::ConvInit::kFanOut, .act = nn::Act::kRelu});
  }

  OsaBlockConfig config_;
  nn::ConvNormAct conv_reduction_{nullptr}, conv_concat_{nullptr};
  std::vector<VovConv> conv_mid_;
  torch::nn::Conv2d fc_{nullptr};
};
TORCH_MODULE(OsaBlock);

// Pooling by two, except in the first stage, and blocks. Keys: blocks.
class OsaStageImpl : public nn::BlockImpl {
 public:
  OsaStageImpl(bool downsample, const std::vector<OsaBlockConfig>& blocks)
      : downsample_(downsample) {
    for (const auto& block : blocks) blocks_->push_back(OsaBlock(block));
    register_module("blocks", blocks_);
  }
  Tensor forward(const Tensor& x) override {
    auto y = x;
    if (downsample_) {
      const auto kernel = [](int64_t side) -> int64_t { return side == 1 ? 1 : 3; };
      const int64_t h = kernel(x.size(2)), w = kernel(x.size(3));
      y = at::max_pool2d(x, {h, w}, {(h + 1) / 2, (w + 1) / 2}, 0, 1, /*ceil_mode=*/true);
    }
    return blocks_->forward(y);
  }

 private:
  bool downsample_;
  nn::BlockList blocks_;
};
TORCH_MODULE(OsaStage);

void validate(const VovNetConfig& config) {
  const Validator check("vovnet");
  check.input(config.num_classes, config.in_chans, config.img_size)
      .depth("layer_per_block", config.layer_per_block)
      .same_length("depths", config.depths.size(),
                   {{"stage_conv_chs", config.stage_conv_chs.size()},
                    {"stage_out_chs", config.stage_out_chs.size()}})
      .stages("depths", config.depths.size())
      .positive("stem_chs", config.stem_chs)
      .depth("depths", config.depths)
      .positive("stage_conv_chs", config.stage_conv_chs)
      .positive("stage_out_chs", config.stage_out_chs)
      .rate("drop_rate", config.drop_rate)
      .rate("drop_path_rate", config.drop_path_rate);
  if (config.stem_chs.size() != 3) check.fail("expected three numbers in stem_chs");
  if (config.depthwise)
    for (const int64_t depth : config.depths)
      if (depth > 1) check.fail("expected depths of 1 with depthwise");
}

}  // namespace

void VovNetConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("stem_chs", stem_chs, "channels of the stem's convolutions");
  v.field("depths", depths, "blocks per stage");
  v.field("stage_conv_chs", stage_conv_chs, "channels of a block's inner convolutions, per stage");
  v.field("stage_out_chs", stage_out_chs, "channels per stage");
  v.field("layer_per_block", layer_per_block, "inner convolutions per block");
  v.field("depthwise", depthwise, "depthwise and 1x1 convolutions in the place of 3x3");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

VovNet::VovNet(const VovNetConfig& config) : ModelOf(config) {
  validate(config);
  int64_t chans = config.in_chans;
  for (size_t i = 0; i < config.stem_chs.size(); ++i) {
    stem_->push_back(VovConv(chans, config.stem_chs[i], i == 1 ? 1 : 2, config.depthwise && i > 0));
    chans = config.stem_chs[i];
  }
  register_module("stem", stem_);
  const auto rates = nn::drop_path_rates(config.drop_path_rate, config.depths);
  for (size_t i = 0; i < config.depths.size(); ++i) {
    std::vector<OsaBlockConfig> stage;
    for (const double rate : rates[i]) {
      stage.push_back({.in_chs = chans,
                       .mid_chs = config.stage_conv_chs[i],
                       .out_chs = config.stage_out_chs[i],
                       .layers = config.layer_per_block,
                       .residual = !stage.empty(),
                       .depthwise = config.depthwise,
                       .attn = stage.size() + 1 == rates[i].size(),
                       .drop_path = rate});
      chans = config.stage_out_chs[i];
    }
    stages_->push_back(OsaStage(i > 0, stage));
  }
  register_module("stages", stages_);
  head_ = register_module(
      "head", nn::ClassifierHead(nn::ClassifierHeadConfig{.in_features = chans,
                                                          .num_classes = config.num_classes,
                                                          .drop_rate = config.drop_rate,
                                                          .init_std = std::nullopt}));
  if (head_->fc) torch::nn::init::zeros_(head_->fc->bias);
}

Tensor VovNet::forward_features(const Tensor& x) {
  return stages_->forward(stem_->forward(x), checkpointing());
}

Tensor VovNet::forward_head(const Tensor& features, bool pre_logits) {
  return head_->forward(features, pre_logits);
}

std::vector<FeatureInfo> VovNet::feature_info() const {
  std::vector<FeatureInfo> info = {{"stem.1", config_.stem_chs[1], kStemReduction / 2}};
  int64_t reduction = kStemReduction;
  for (size_t i = 0; i < config_.depths.size(); ++i, reduction *= 2)
    info.push_back({"stages." + std::to_string(i), config_.stage_out_chs[i], reduction});
  return info;
}

void VovNet::replace_head(int64_t num_classes) { head_->reset(num_classes); }

int64_t VovNet::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("stem.")) return 0;
  return block_index(parameter, "stages.", layer_count() - 2) + 1;
}

void add_vovnet(Registry& table) {
  const auto add = [&table](const char* name, const VovNetConfig& config) {
    table.add(
        make_entry<VovNet>(name, Family::kCnn, Fusion::kNone, imagenet_input(224, 0.875), config));
  };
  add("ese_vovnet19b_dw", {.depthwise = true});
  add("ese_vovnet39b", {.stem_chs = {64, 64, 128}, .depths = {1, 1, 2, 2}, .layer_per_block = 5});
}

}  // namespace braid::models
