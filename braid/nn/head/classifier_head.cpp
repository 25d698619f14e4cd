#include "braid/nn/head/classifier_head.h"

#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/head/replace_head.h"
#include "braid/ops/global_avg_pool.h"

namespace braid::nn {

ClassifierHeadImpl::ClassifierHeadImpl(const ClassifierHeadConfig& config) : config_(config) {
  if (config.norm_eps)
    norm = register_module("norm", layer_norm(config.in_features, *config.norm_eps));
  if (config.hidden_size > 0) {
    hidden = torch::nn::Linear(config.in_features, config.hidden_size);
    register_module("pre_logits", std::make_shared<torch::nn::Module>())
        ->register_module("fc", hidden);
    if (config.init_std) init_linear_(hidden, *config.init_std);
  }
  reset(config.num_classes);
}

torch::Tensor ClassifierHeadImpl::forward(const torch::Tensor& features, bool pre_logits) {
  auto x = ops::global_avg_pool(features);  // [B,D,H,W] -> [B,D]
  if (norm) x = norm->forward(x);
  if (hidden) x = activate(hidden->forward(x), config_.act);
  if (pre_logits || !fc) return x;
  return fc->forward(nn::dropout(x, config_.drop_rate, is_training()));
}

void ClassifierHeadImpl::reset(int64_t num_classes) {
  const int64_t width = config_.hidden_size > 0 ? config_.hidden_size : config_.in_features;
  replace_head(*this, "fc", fc,
               config_.init_std ? new_head(width, num_classes, *config_.init_std)
                                : new_head(width, num_classes));
}

}  // namespace braid::nn
