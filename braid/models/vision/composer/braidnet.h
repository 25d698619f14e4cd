// braidnet: a hybrid that the user describes, see design.h. A stem, stages of blocks from a
// vocabulary that the named models share, average pooling and a linear classifier.
//
// The design is ours; every block has its own source, see the header that declares it in braid/nn.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/composer/blocks.h"
#include "braid/models/vision/image_model.h"
#include "braid/nn/basic/block_list.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv_norm_act.h"
#include "braid/nn/head/classifier_head.h"
#include "braid/text/design.h"

namespace braid::models {

struct BraidNetConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;  // pixels; fixes positions and windows
  std::string design = "stem=conv3x3s2*2,48|C2x64|C2x96|T4x192h6|T2x256h8";
  double drop_rate = 0;
  double attn_drop_rate = 0;
  double proj_drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

// Keys: stem.I.(conv, bn), stages.I.J.*, (head_conv.(conv, bn)), (norm), head.fc.
class BraidNet : public ModelOf<BraidNetConfig> {
 public:
  explicit BraidNet(const BraidNetConfig& config);
  // design: what config.design says, with the places that errors show.
  BraidNet(const BraidNetConfig& config, const text::Design& design);
  torch::Tensor forward_features(const torch::Tensor& x) override;  // [B,C,H,W] -> [B,D,h,w]
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::vector<FeatureInfo> feature_info() const override { return info_; }
  int64_t num_features() const override { return num_features_; }
  std::vector<std::string> head_modules() const override { return {"head.fc"}; }
  std::vector<std::string> no_weight_decay() const override;
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(stages_.size()) + 2; }
  torch::Tensor resample_weight(const std::string& name,
                                const torch::Tensor& loaded) const override;

  std::vector<Part> parts() override;  // stem, stages.0, ..., head; each runs by itself

 private:
  void replace_head(int64_t num_classes) override;
  // One of both, behind zeros at bottom and right.
  struct StemLayer {
    nn::ConvNormAct conv_norm{nullptr};
    torch::nn::Conv2d conv{nullptr};  // without a norm, then `act`
    nn::Act act = nn::Act::kIdentity;
    int64_t patch = 1;  // pixels: the padded sides are multiples of it
  };
  void build_stem();
  void build_stages();
  torch::Tensor run_stem(const torch::Tensor& x);
  torch::Tensor run_stage(size_t stage, const torch::Tensor& x);
  torch::Tensor finish(torch::Tensor x);  // head convolution or norm

  text::Design design_;
  std::vector<nn::BlockList> stages_;
  std::vector<FeatureInfo> info_;
  std::vector<StemLayer> stem_;
  nn::ConvNormAct head_conv_{nullptr};
  nn::LayerNorm2d norm_{nullptr};
  nn::ClassifierHead head_{nullptr};
  int64_t feat_size_ = 0, chans_ = 0, reduction_ = 1,
          num_features_ = 0;  // feat_size_: while building
};

// The entry of a design. Throws ConfigError that shows where the design is wrong.
ModelEntry braidnet_entry(const text::Design& design);

// The entry braidnet, and the names `braidnet:LINE`.
void add_braidnet(Registry& table);

}  // namespace braid::models
