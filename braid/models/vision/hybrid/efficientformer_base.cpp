#include "braid/models/vision/hybrid/efficientformer_base.h"

#include <cmath>

#include "braid/models/layer_ids.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/head/replace_head.h"
#include "braid/nn/position/attention_bias_table.h"
#include "braid/ops/global_avg_pool.h"

namespace braid::models {

void EfficientFormerBase::finish(const std::vector<FeatureInfo>& info, int64_t num_classes,
                                 double drop_rate) {
  info_ = info;
  drop_rate_ = drop_rate;
  replace_head(num_classes);
}

torch::Tensor EfficientFormerBase::pool(const torch::Tensor& features) {
  const auto pooled = ops::global_avg_pool(features);
  return nn::dropout(pooled, drop_rate_, is_training());
}

torch::Tensor EfficientFormerBase::forward_head(const torch::Tensor& features, bool pre_logits) {
  auto pooled = pool(features);
  if (pre_logits || !head) return pooled;
  return (head->forward(pooled) + head_dist->forward(pooled)) / 2;
}

std::pair<torch::Tensor, torch::Tensor> EfficientFormerBase::forward_distilled(
    const torch::Tensor& x) {
  const auto pooled = pool(forward_features(x));
  if (!head) return {pooled, torch::Tensor()};
  return {head->forward(pooled), head_dist->forward(pooled)};
}

void EfficientFormerBase::replace_head(int64_t num_classes) {
  const auto fresh = [&] { return nn::new_head(info_.back().num_chs, num_classes, 0.02); };
  nn::replace_head(*this, "head", head, fresh());
  nn::replace_head(*this, "head_dist", head_dist, fresh());
}

std::vector<std::string> EfficientFormerBase::no_weight_decay() const {
  std::vector<std::string> names;
  for (const auto& item : named_parameters())
    if (item.key().ends_with("attention_biases")) names.push_back(item.key());
  return names;
}

int64_t EfficientFormerBase::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("stem.")) return 0;
  if (parameter.starts_with("norm.")) return layer_count() - 2;  // with the last stage
  return block_index(parameter, "stages.", layer_count() - 2) + 1;
}

torch::Tensor EfficientFormerBase::resample_weight(const std::string& name,
                                                   const torch::Tensor& loaded) const {
  // The index into the table follows from the grid, whatever a checkpoint says.
  if (name.ends_with("attention_bias_idxs")) return named_buffers()[name];
  if (!name.ends_with("attention_biases") || loaded.dim() != 2) return loaded;
  const auto size = static_cast<double>(named_parameters()[name].size(1));
  return nn::resize_attention_bias_table(loaded, std::lround(std::sqrt(size)));
}

}  // namespace braid::models
