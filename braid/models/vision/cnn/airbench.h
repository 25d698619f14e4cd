// The airbench network: a few pooled convolutions for small images and short budgets.
//
// Paper: Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU",
// https://arxiv.org/abs/2404.00498
// Reference: https://github.com/KellerJordan/cifar10-airbench (MIT), airbench94_muon.py; same keys
// and shapes.
// Differences: narrower widths and a strided stem for larger images beside the reference's; the
// last pooling takes the whole map (the same at 28 and 32 pixels); see nn/block/conv_group.h for
// those of the blocks. The classifier has a bias and no factor of 1 / D, and the first convolution
// is trained, from a random start unless whiten_stem() sets it, so that any optimizer's rate fits.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/nn/block/conv_group.h"

namespace braid::models {

struct AirbenchConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 32;  // pixels; the network itself takes any size
  int64_t stem_chs = 24;
  int64_t stem_stride = 1;
  std::vector<int64_t> widths = {64, 256, 256};  // channels per group
  int64_t depth = 2;                             // convolutions per group
  double drop_rate = 0;
  void visit(FieldVisitor& v);
};

class Airbench : public ModelOf<AirbenchConfig> {
 public:
  static constexpr bool kWhiteningStem = true;

  explicit Airbench(const AirbenchConfig& config);
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  void whiten_stem(const torch::Tensor& images) override { groups_->whiten(images); }
  std::vector<FeatureInfo> feature_info() const override;
  std::vector<std::string> head_modules() const override { return {"head"}; }
  std::string global_pool() const override { return "max"; }
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(config_.widths.size()) + 2; }

  torch::nn::Linear head{nullptr};

 private:
  void replace_head(int64_t num_classes) override;
  nn::ConvGroups groups_{nullptr};
};

void add_airbench(Registry& table);

}  // namespace braid::models
