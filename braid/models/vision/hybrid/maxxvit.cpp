#include "braid/models/vision/hybrid/maxxvit.h"

#include <cmath>

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/conv/downsample.h"
#include "braid/nn/position/relative_position.h"

namespace braid::models {

void MaxxVit::validate(const MaxxVitLayout& layout) {
  const Validator check(layout.model);
  check.input(layout.num_classes, layout.stem.in_chs, layout.img_size)
      .rate("drop_rate", layout.drop_rate)
      .rate("drop_path_rate", layout.drop_path_rate)
      .same_length("depths", layout.depths.size(), {{"embed_dim", layout.embed_dim.size()}})
      .stages("depths", layout.depths.size())
      .positive("stem_width", layout.stem.out_chs)
      .depth("depths", layout.depths)
      .positive("embed_dim", layout.embed_dim);
  if (layout.stem.out_chs.size() != 2) check.fail("expected two numbers in stem_width");
}

void MaxxVit::build(const MaxxVitLayout& layout, const MakeBlock& make_block) {
  layout_ = layout;
  stem_ = register_module("stem", ConvStem(layout.stem));
  const auto rates = nn::drop_path_rates(layout.drop_path_rate, layout.depths);
  int64_t chans = layout.stem.out_chs[1];
  int64_t feat_size = layout.stem.stride == 2 ? nn::halved(layout.img_size) : layout.img_size;
  torch::nn::ModuleList stages;
  for (size_t i = 0; i < layout.depths.size(); ++i) {
    nn::BlockList blocks;
    feat_size = nn::halved(feat_size);
    for (const double rate : rates[i]) {
      blocks->push_back(make_block({.stage = i,
                                    .in = chans,
                                    .out = layout.embed_dim[i],
                                    .stride = blocks->size() == 0 ? 2 : 1,
                                    .feat_size = feat_size,
                                    .drop_path = rate}));
      chans = layout.embed_dim[i];
    }
    auto stage = std::make_shared<torch::nn::Module>();
    stages_.push_back(stage->register_module("blocks", blocks));
    stages->push_back(stage);
  }
  register_module("stages", stages);
  nn::ClassifierHeadConfig head{.in_features = chans,
                                .num_classes = layout.num_classes,
                                .hidden_size = layout.head_hidden_size,
                                .drop_rate = layout.drop_rate,
                                .init_std = {}};
  if (layout.head_hidden_size > 0)
    head.norm_eps = layout.norm_eps;
  else
    norm_ = register_module("norm", nn::layer_norm(chans, layout.norm_eps));
  head_ = register_module("head", nn::ClassifierHead(head));
}

torch::Tensor MaxxVit::forward_features(const torch::Tensor& x) {
  expect_img_size(layout_.model.c_str(), x, layout_.img_size);
  auto y = stem_->forward(x);
  for (auto& stage : stages_) y = stage->forward(y, checkpointing());
  return norm_ ? nn::to_nchw(norm_->forward(nn::to_nhwc(y))) : y;
}

torch::Tensor MaxxVit::forward_head(const torch::Tensor& features, bool pre_logits) {
  return head_->forward(features, pre_logits);
}

std::vector<FeatureInfo> MaxxVit::feature_info() const {
  int64_t reduction = layout_.stem.stride;
  std::vector<FeatureInfo> info = {{"stem", layout_.stem.out_chs[1], reduction}};
  for (size_t i = 0; i < layout_.depths.size(); ++i)
    info.push_back({"stages." + std::to_string(i), layout_.embed_dim[i], reduction *= 2});
  return info;
}

void MaxxVit::replace_head(int64_t num_classes) { head_->reset(num_classes); }

std::vector<std::string> MaxxVit::no_weight_decay() const {
  std::vector<std::string> names;
  for (const auto& item : named_parameters())
    if (item.key().ends_with("relative_position_bias_table") ||
        item.key().find("rel_pos.mlp.") != std::string::npos)
      names.push_back(item.key());
  return names;
}

int64_t MaxxVit::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("stem.")) return 0;
  if (parameter.starts_with("norm.")) return layer_count() - 2;  // with the last stage, as in timm
  return block_index(parameter, "stages.", layer_count() - 2) + 1;
}

torch::Tensor MaxxVit::resample_weight(const std::string& name, const torch::Tensor& loaded) const {
  const auto parameters = named_parameters();
  const torch::Tensor* target = parameters.find(name);
  if (target == nullptr) return loaded;  // a buffer
  if (name.ends_with("relative_position_bias_table") && loaded.dim() == target->dim()) {
    const auto extent = target->dim() == 2
                            ? std::lround(std::sqrt(static_cast<double>(target->size(0))))
                            : target->size(1);  // 2 side - 1
    return nn::resize_relative_position_table(loaded, (extent + 1) / 2);
  }
  // [out,in] and [out,in,1,1] hold the same weights; timm's attention exists in both layouts.
  if (loaded.dim() != target->dim() && loaded.numel() == target->numel())
    return loaded.reshape(target->sizes());
  return loaded;
}

}  // namespace braid::models
