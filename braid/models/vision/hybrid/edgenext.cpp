#include "braid/models/vision/hybrid/edgenext.h"

#include <fmt/format.h>

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/hybrid/edgenext_blocks.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/init_layers.h"
#include "braid/nn/basic/pad.h"
#include "braid/nn/block/convnext_block.h"
#include "braid/nn/conv/conv.h"

namespace braid::models {
namespace {

using torch::Tensor;

void validate(const EdgeNeXtConfig& config) {
  const Validator check("edgenext");
  const size_t stages = config.depths.size();
  check.input(config.num_classes, config.in_chans, config.img_size)
      .rate("drop_rate", config.drop_rate)
      .rate("drop_path_rate", config.drop_path_rate)
      .same_length("depths", stages,
                   {{"dims", config.dims.size()},
                    {"global_block_counts", config.global_block_counts.size()},
                    {"kernel_sizes", config.kernel_sizes.size()},
                    {"heads", config.heads.size()},
                    {"d2_scales", config.d2_scales.size()},
                    {"use_pos_emb", config.use_pos_emb.size()}})
      .stages("depths", stages)
      .between("expand_ratio", config.expand_ratio, 1.0, 64.0)
      .depth("depths", config.depths)
      .positive("dims", config.dims);
  for (size_t i = 0; i < stages; ++i) {
    const int64_t dim = config.dims[i];
    check.between("global_block_counts", config.global_block_counts[i], 0, 1'000'000)
        .odd("kernel_sizes", config.kernel_sizes[i], 255)
        .between("use_pos_emb", config.use_pos_emb[i], 0, 1);
    if (config.global_block_counts[i] == 0) continue;
    check.divides("heads", config.heads[i], "dims", dim).positive("d2_scales", config.d2_scales[i]);
    const int64_t scales = config.d2_scales[i];
    if (scales < 2 || (dim + scales - 1) / scales * (scales - 1) >= dim)
      check.fail(fmt::format("expected d2_scales to be 2 or more parts of dims = {}, got {}", dim,
                             scales));
  }
}

}  // namespace

void EdgeNeXtConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("dims", dims, "channels per stage");
  v.field("depths", depths, "blocks per stage");
  v.field("global_block_counts", global_block_counts, "attention blocks at each stage's end");
  v.field("kernel_sizes", kernel_sizes, "of the convolution blocks per stage, odd");
  v.field("heads", heads, "attention heads per stage");
  v.field("d2_scales", d2_scales, "parts of the channels in each stage's attention blocks");
  v.field("use_pos_emb", use_pos_emb, "per stage, 1: attention blocks add positions, 0: not");
  v.field("ls_init_value", ls_init_value, "initial factor on the branches");
  v.field("expand_ratio", expand_ratio, "hidden channels of the feed-forward part per channel");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

EdgeNeXtDownsampleImpl::EdgeNeXtDownsampleImpl(int64_t in, int64_t out, int64_t stride, Order order)
    : stride_(stride), order_(order) {
  const bool norm_first = order == Order::kNormConv;
  conv_ = register_module(
      norm_first ? "1" : "0",
      nn::conv2d(in, out, {.kernel_size = stride, .stride = stride, .bias = true, .padding = 0}));
  norm_ = register_module(norm_first ? "0" : "1", nn::LayerNorm2d(norm_first ? in : out));
}

Tensor EdgeNeXtDownsampleImpl::forward(Tensor x) {
  if (order_ == Order::kNormConv) x = norm_->forward(x);
  if (x.size(2) < stride_ || x.size(3) < stride_) x = nn::pad_to_multiple(x, stride_);
  x = conv_->forward(x);
  return order_ == Order::kConvNorm ? norm_->forward(x) : x;
}

EdgeNeXt::EdgeNeXt(const EdgeNeXtConfig& config) : ModelOf(config) {
  validate(config);
  using Order = EdgeNeXtDownsampleImpl::Order;
  stem_ = register_module("stem",
                          EdgeNeXtDownsample(config.in_chans, config.dims[0], 4, Order::kConvNorm));
  const auto rates = nn::drop_path_rates(config.drop_path_rate, config.depths);
  torch::nn::ModuleList stages;
  for (size_t i = 0; i < config.depths.size(); ++i) {
    auto module = std::make_shared<torch::nn::Module>();
    Stage stage;
    if (i > 0)
      stage.downsample = module->register_module(
          "downsample",
          EdgeNeXtDownsample(config.dims[i - 1], config.dims[i], 2, Order::kNormConv));
    const int64_t convs = config.depths[i] - config.global_block_counts[i];
    for (const double rate : rates[i]) {
      if (static_cast<int64_t>(stage.blocks->size()) < convs)
        stage.blocks->push_back(
            nn::ConvNeXtBlock(nn::ConvNeXtBlockConfig{.in_chs = config.dims[i],
                                                      .kernel_size = config.kernel_sizes[i],
                                                      .mlp_ratio = config.expand_ratio,
                                                      .conv_init = nn::ConvInit::kEfficientNet,
                                                      .ls_init_value = config.ls_init_value,
                                                      .drop_path = rate}));
      else
        stage.blocks->push_back(SdtaBlock(SdtaBlockConfig{.dim = config.dims[i],
                                                          .num_scales = config.d2_scales[i],
                                                          .num_heads = config.heads[i],
                                                          .use_pos_emb = config.use_pos_emb[i] == 1,
                                                          .expand_ratio = config.expand_ratio,
                                                          .ls_init_value = config.ls_init_value,
                                                          .drop_path = rate}));
    }
    module->register_module("blocks", stage.blocks);
    stages->push_back(module);
    stages_.push_back(stage);
  }
  register_module("stages", stages);
  head_ = register_module(
      "head", nn::ClassifierHead(nn::ClassifierHeadConfig{.in_features = config.dims.back(),
                                                          .num_classes = config.num_classes,
                                                          .norm_eps = 1e-6,
                                                          .drop_rate = config.drop_rate}));
  nn::init_layers_(*this, nn::trunc_normal_tf_);
}

Tensor EdgeNeXt::forward_features(const Tensor& x) {
  auto y = stem_->forward(x);
  for (auto& stage : stages_) {
    if (stage.downsample) y = stage.downsample->forward(y);
    y = stage.blocks->forward(y, checkpointing());
  }
  return y;
}

Tensor EdgeNeXt::forward_head(const Tensor& features, bool pre_logits) {
  return head_->forward(features, pre_logits);
}

std::vector<FeatureInfo> EdgeNeXt::feature_info() const {
  std::vector<FeatureInfo> info;
  for (size_t i = 0; i < config_.depths.size(); ++i)
    info.push_back({"stages." + std::to_string(i), config_.dims[i], int64_t{4} << i});
  return info;
}

void EdgeNeXt::replace_head(int64_t num_classes) { head_->reset(num_classes); }

std::vector<std::string> EdgeNeXt::no_weight_decay() const {
  std::vector<std::string> names;
  for (const auto& item : named_parameters())
    if (item.key().ends_with(".temperature")) names.push_back(item.key());
  return names;
}

int64_t EdgeNeXt::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("stem.")) return 0;
  return block_index(parameter, "stages.", layer_count() - 2) + 1;
}

void add_edgenext(Registry& table) {
  table.add(make_entry<EdgeNeXt>("edgenext_small", Family::kHybrid, Fusion::kInterleaved,
                                 imagenet_input(256, 0.95), EdgeNeXtConfig{}));
}

}  // namespace braid::models
