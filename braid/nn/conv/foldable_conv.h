// A module that is several layers in training and one convolution in inference.
#pragma once

#include "braid/nn/basic/block.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/conv/reparameterize.h"

namespace braid::nn {

// [B,C,H,W] -> [B,C',H/stride,W/stride]. Keys of the one convolution: weight, bias.
class FoldableConvImpl : public BlockImpl, public Reparameterizable {
 protected:
  FoldableConvImpl(int64_t in_chs, int64_t out_chs, const ConvOptions& options)
      : in_chs_(in_chs), out_chs_(out_chs), options_(options) {}
  bool is_single() const { return weight_.defined(); }
  void make_single();  // freshly initialized
  void make_single(const FoldedConv& folded, const torch::Tensor& like);
  torch::Tensor single(const torch::Tensor& x) const;  // once it was made

 private:
  int64_t in_chs_, out_chs_;
  ConvOptions options_;
  torch::Tensor weight_, bias_;
};

}  // namespace braid::nn
