// CvT, the Convolutional vision Transformer: stages of overlapping patches and attention behind
// convolutional projections, without positional embeddings.
//
// Paper: Wu et al., https://arxiv.org/abs/2103.15808
// Reference: Hugging Face transformers' CvtForImageClassification (Apache-2.0); same keys and
// shapes. Differences: stochastic depth drops the branches alone and rises over the blocks of the
// last stage, as in the authors' code (the reference drops the shortcut of its second branch too
// and has one rate per stage); forward_features normalizes all tokens, of which the head reads the
// class token.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/hybrid/cvt_attention.h"
#include "braid/models/vision/image_model.h"
#include "braid/nn/conv/patch_embed.h"

namespace braid::models {

struct CvtConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 224;                          // pixels; the network itself takes any size
  std::vector<int64_t> patch_sizes = {7, 3, 3};    // kernel of the embedding, per stage
  std::vector<int64_t> patch_stride = {4, 2, 2};   // its stride
  std::vector<int64_t> patch_padding = {2, 1, 1};  // its padding
  std::vector<int64_t> embed_dim = {64, 192, 384};
  std::vector<int64_t> num_heads = {1, 3, 6};
  std::vector<int64_t> depths = {1, 2, 10};  // blocks
  double mlp_ratio = 4.0;
  int64_t kernel_qkv = 3;  // of the projections' convolutions
  int64_t stride_kv = 2;   // of keys and values
  bool qkv_bias = true;
  double drop_rate = 0;
  double attn_drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

// Keys: attention.*, intermediate.dense, output.dense, layernorm_before, layernorm_after.
class CvtLayerImpl : public torch::nn::Module {
 public:
  CvtLayerImpl(const CvtConfig& config, size_t stage, double drop_path_rate);
  // x: [B,N,D] -> [B,N,D], N: H*W, and a class token before them in the last stage.
  torch::Tensor forward(torch::Tensor x, int64_t H, int64_t W);

  ConvProjectionAttention attention{nullptr};
  torch::nn::Linear intermediate{nullptr}, output{nullptr};
  torch::nn::LayerNorm layernorm_before{nullptr}, layernorm_after{nullptr};

 private:
  double drop_rate_, drop_path_;
};
TORCH_MODULE(CvtLayer);

// Keys: (cls_token), embedding.convolution_embeddings.projection,
// embedding.convolution_embeddings.normalization, layers.I.
class CvtStageImpl : public torch::nn::Module {
 public:
  CvtStageImpl(const CvtConfig& config, size_t stage);
  // map: [B,C,H,W]; returns tokens [B,N,D] and the sides H' and W' of their grid.
  std::tuple<torch::Tensor, int64_t, int64_t> forward(const torch::Tensor& map, bool checkpointing);

  torch::Tensor cls_token;  // in the last stage
  nn::OverlapPatchEmbed embedding{nullptr};
  std::vector<CvtLayer> layers;

 private:
  double drop_rate_;
};
TORCH_MODULE(CvtStage);

class Cvt : public ModelOf<CvtConfig> {
 public:
  explicit Cvt(const CvtConfig& config);
  // [B,C,H,W] -> [B,1+N,D], the class token first.
  torch::Tensor forward_features(const torch::Tensor& x) override;
  torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits) override;
  std::vector<FeatureInfo> feature_info() const override;
  std::vector<std::string> head_modules() const override { return {"classifier"}; }
  std::vector<std::string> no_weight_decay() const override;
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(config_.depths.size()) + 2; }

  std::vector<CvtStage> stages;  // registered under cvt.encoder.stages
  torch::nn::LayerNorm layernorm{nullptr};
  torch::nn::Linear classifier_{nullptr};

 private:
  void replace_head(int64_t num_classes) override;
};

void add_cvt(Registry& table);

}  // namespace braid::models
