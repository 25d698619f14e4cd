// Mobile-Former: MobileNet's blocks beside a handful of global tokens; every block reads the map
// into the tokens, lets the tokens attend to each other, sets its activations by the first token
// and reads the tokens back into the map.
//
// Paper: Chen et al., https://arxiv.org/abs/2108.05895
// Reference: https://github.com/AAboys/MobileFormer, which states no licence: keys, shapes and
// results are held against it, the code is our own.
// Differences: stochastic depth drops whole samples in the token branch too (there it drops a token
// of all samples); the features are the map with the first token behind its channels; repeats of a
// row of block_type are the field depths.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"

namespace braid::models {

struct MobileFormerConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;  // pixels
  int64_t stem_chs = 12;
  // One entry per row of blocks. DnaBlock3: two depthwise convolutions; DnaBlock: one.
  std::vector<std::string> block_type = {"DnaBlock3", "DnaBlock3", "DnaBlock3",
                                         "DnaBlock",  "DnaBlock3", "DnaBlock",
                                         "DnaBlock",  "DnaBlock3", "DnaBlock"};
  std::vector<int64_t> channels = {12, 16, 32, 32, 64, 64, 88, 128, 128};
  std::vector<int64_t> depths = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  std::vector<int64_t> strides = {1, 2, 2, 1, 2, 1, 1, 2, 1};
  std::vector<int64_t> expand_ratio = {2, 6, 6, 3, 6, 4, 6, 6, 6};
  // Of DnaBlock3's second depthwise convolution; 0: no tokens and no second convolution.
  std::vector<int64_t> expand_ratio2 = {0, 4, 4, 3, 4, 4, 4, 4, 4};
  int64_t token_num = 4;
  int64_t token_dim = 128;
  int64_t attn_num_heads = 2;   // between map and tokens
  int64_t last_exp = 6;         // channels before pooling per channel of the map
  int64_t num_features = 1280;  // channels before the classifier
  double drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

// What the kinds of block have in common.
class DnaBlockBaseImpl : public torch::nn::Module {
 public:
  // map: [B,C,H,W], tokens: [B,T,D] -> [B,C',H/stride,W/stride], [B,T,D].
  virtual std::pair<torch::Tensor, torch::Tensor> forward(const torch::Tensor& map,
                                                          const torch::Tensor& tokens) = 0;
};
TORCH_MODULE(DnaBlockBase);

// Attention from the tokens to the map, whose pixels are keys and values as they are. Keys:
// alpha.0, q, proj, layer_norm.
class LocalToGlobalImpl : public torch::nn::Module {
 public:
  LocalToGlobalImpl(const MobileFormerConfig& config, int64_t chans, double drop_path);
  torch::Tensor forward(const torch::Tensor& map, const torch::Tensor& tokens);  // -> [B,T,D]

  torch::nn::Linear alpha{nullptr}, q{nullptr}, proj{nullptr};
  torch::nn::LayerNorm layer_norm{nullptr};

 private:
  int64_t heads_;
  double drop_path_;
};
TORCH_MODULE(LocalToGlobal);

class MobileFormer : public ModelOf<MobileFormerConfig> {
 public:
  explicit MobileFormer(const MobileFormerConfig& config);
  // [B,C,H,W] -> [B,C'+D,h,w]: the map, and the first token at every pixel.
  torch::Tensor forward_features(const torch::Tensor& x) override;
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::vector<FeatureInfo> feature_info() const override;
  int64_t num_features() const override { return config_.channels.back() + config_.token_dim; }
  std::vector<std::string> head_modules() const override { return {"classifier.classifier.1"}; }
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(blocks_.size()) + 2; }

 private:
  void replace_head(int64_t num_classes) override;
  torch::nn::Embedding tokens_{nullptr};
  torch::nn::Conv2d stem_conv_{nullptr}, last_conv_{nullptr};
  torch::nn::BatchNorm2d stem_norm_{nullptr}, last_norm_{nullptr};
  std::vector<DnaBlockBase> blocks_;
  LocalToGlobal local_global_{nullptr};
  torch::nn::Linear merge_{nullptr}, fc_{nullptr};
  torch::nn::BatchNorm1d merge_norm_{nullptr};
  std::shared_ptr<torch::nn::Module> fc_parent_;
};

void add_mobile_former(Registry& table);

}  // namespace braid::models
