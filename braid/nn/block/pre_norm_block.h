// The residual block of Transformers: a token mixer, then a feed-forward part, each of them a
// residual branch behind a norm; timm's Block and its many relatives.
#pragma once

#include <string>

#include "braid/nn/basic/any_layer.h"
#include "braid/nn/basic/block.h"
#include "braid/nn/basic/pad.h"

namespace braid::nn {

struct PreNormBlockConfig {
  double drop_path = 0;
  // kNhwc: x is a map [B,C,H,W], of which the parts get [B,H,W,C]; kNchw: they get what comes.
  MapLayout parts_see = MapLayout::kNchw;
};

// A derived block names its parts in its constructor, in the order in which its reference registers
// and draws them:
//
//   add(mixer.norm, "norm1", layer_norm(dim));
//   add(mixer.layer, "attn", SelfAttention(...));
//   add(mlp.norm, "norm2", layer_norm(dim));
//   add(mlp.layer, "mlp", Mlp(...));
//
// x -> y = x + mixer(x) -> y + mlp(y).
class PreNormBlockImpl : public BlockImpl {
 public:
  torch::Tensor forward(const torch::Tensor& x) override;

 protected:
  // shortcut(x) + drop_path(scale(layer(norm(x)))). Without a layer: x; every other part that is
  // not there passes its input on.
  struct Branch {
    AnyLayer norm, layer, scale, shortcut;
  };

  explicit PreNormBlockImpl(const PreNormBlockConfig& config) : config_(config) {}
  // Registers `layer` under `key`; a dot in it stands for a plain module between: "norm1.norm".
  void add(AnyLayer& part, const std::string& key, AnyLayer layer);
  // Of a branch whose layer multiplies first (basic/norm_for_product.h).
  void add(AnyLayer& part, const std::string& key, const torch::nn::LayerNorm& norm);
  torch::Tensor forward_branches(const torch::Tensor& x);  // in the layout that the parts see

  Branch mixer, mlp;

 private:
  torch::Tensor add_branch(const Branch& branch, const torch::Tensor& x);
  PreNormBlockConfig config_;
};

}  // namespace braid::nn
