// LeViT: a pyramid of attention behind a stem of four convolutions, with batch norm and hard-swish
// throughout.
//
// Paper: Graham et al., https://arxiv.org/abs/2104.01136
// Reference: timm's levit.py (Apache-2.0), its models of linear layers (`levit_*`, not
// `levit_conv_*`); same keys and shapes. Differences: image sizes that are no multiples of 16 are
// rounded up; attention biases of another image size are resized on loading, linearly.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/nn/basic/block_list.h"
#include "braid/nn/conv/conv_norm_act.h"

namespace braid::models {

struct LevitConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;                            // pixels; fixes the attention biases
  std::vector<int64_t> embed_dim = {128, 256, 384};  // channels per stage
  int64_t key_dim = 16;                              // channels of a head's queries and keys
  std::vector<int64_t> depths = {2, 3, 4};           // blocks per stage
  std::vector<int64_t> num_heads = {4, 6, 8};        // per stage
  double attn_ratio = 2.0;                           // channels of a head's values per key_dim
  double mlp_ratio = 2.0;
  bool distilled = true;  // a second head, learned from a teacher
  double drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

// Batch norm, dropout, linear layer. Keys: bn, linear.
class LevitHeadImpl : public torch::nn::Module {
 public:
  LevitHeadImpl(int64_t in_features, int64_t num_classes, double drop_rate);
  torch::Tensor forward(const torch::Tensor& x);  // [B,D] -> [B,num_classes]

  torch::nn::BatchNorm1d bn{nullptr};
  torch::nn::Linear linear{nullptr};

 private:
  double drop_rate_;
};
TORCH_MODULE(LevitHead);

class Levit : public ModelOf<LevitConfig> {
 public:
  explicit Levit(const LevitConfig& config);
  // x must have img_size pixels a side. [B,C,H,W] -> [B,N,D]
  torch::Tensor forward_features(const torch::Tensor& x) override;
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::pair<torch::Tensor, torch::Tensor> forward_distilled(const torch::Tensor& x) override;
  std::vector<FeatureInfo> feature_info() const override;
  std::vector<std::string> head_modules() const override;
  std::vector<std::string> no_weight_decay() const override;
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(config_.depths.size()) + 2; }
  torch::Tensor resample_weight(const std::string& name,
                                const torch::Tensor& loaded) const override;

  LevitHead head{nullptr}, head_dist{nullptr};

 private:
  void replace_head(int64_t num_classes) override;
  struct Stage {
    std::shared_ptr<nn::BlockImpl> downsample;  // none in the first stage
    nn::BlockList blocks;
  };
  std::vector<nn::ConvNormAct> stem_;
  std::vector<Stage> stages_;
};

void add_levit(Registry& table);

}  // namespace braid::models
