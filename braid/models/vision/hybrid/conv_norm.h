// Convolution and batch norm, and batch norm and linear layer, that fold into one layer.
//
// Reference: timm's ConvNorm, NormLinear and RepVggDw (repvit.py, Apache-2.0, after
// https://github.com/jameslahm/RepViT); same keys and shapes, in the training form and in the
// folded one.
#pragma once

#include "braid/nn/conv/reparameterize.h"
#include "braid/torch.h"

namespace braid::nn {

struct ConvNormConfig {
  int64_t in_chs = 0;
  int64_t out_chs = 0;
  int64_t kernel = 1;  // pixels along one side, odd
  int64_t stride = 1;
  int64_t groups = 1;
  double bn_weight_init = 1;
  bool inference_mode = false;  // built as the one convolution
};

// A module that becomes one convolution with bias: [B,C,H,W] -> [B,C',H/stride,W/stride]. Keys of
// that form: weight, bias.
class FoldableConvImpl : public torch::nn::Module, public Reparameterizable {
 public:
  torch::Tensor weight, bias;  // undefined before

 protected:
  explicit FoldableConvImpl(const ConvNormConfig& config) : config_(config) {}
  bool is_single() const { return weight.defined(); }
  void make_single();  // freshly initialized
  void make_single(const FoldedConv& folded, const torch::Tensor& like);
  torch::Tensor single(const torch::Tensor& x) const;

 private:
  ConvNormConfig config_;
};

// Keys: c, bn.
class ConvNormImpl : public FoldableConvImpl {
 public:
  explicit ConvNormImpl(const ConvNormConfig& config);
  torch::Tensor forward(const torch::Tensor& x);
  void reparameterize() override;
  FoldedConv folded() const { return fold_batch_norm(c->weight, bn); }  // only before that

  torch::nn::Conv2d c{nullptr};
  torch::nn::BatchNorm2d bn{nullptr};
};
TORCH_MODULE(ConvNorm);

struct RepVggDwConfig {
  int64_t chans = 0;
  int64_t kernel_size = 3;      // pixels along one side, odd
  bool legacy = false;          // a norm per branch; else none in the 1x1 branch, one after the sum
  bool inference_mode = false;  // built as the one convolution
};

// The sum of a depthwise convolution, a depthwise 1x1 and the identity. Keys: conv, conv1, (bn).
class RepVggDwImpl : public FoldableConvImpl {
 public:
  explicit RepVggDwImpl(const RepVggDwConfig& config);
  torch::Tensor forward(const torch::Tensor& x);  // [B,C,H,W] -> [B,C,H,W]
  void reparameterize() override;

  ConvNorm conv{nullptr}, legacy_conv1{nullptr};
  torch::nn::Conv2d conv1{nullptr};
  torch::nn::BatchNorm2d bn{nullptr};

 private:
  FoldedConv folded() const;
  RepVggDwConfig config_;
};
TORCH_MODULE(RepVggDw);

// [B,D] -> [B,K]. Keys: bn, l.
class NormLinearImpl : public torch::nn::Module {
 public:
  NormLinearImpl(int64_t in_features, int64_t out_features);
  torch::Tensor forward(const torch::Tensor& x) { return l->forward(bn->forward(x)); }
  torch::nn::Linear folded() const;  // one layer, the same function in eval mode

  torch::nn::BatchNorm1d bn{nullptr};
  torch::nn::Linear l{nullptr};
};
TORCH_MODULE(NormLinear);

}  // namespace braid::nn
