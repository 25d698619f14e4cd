// Keys and values of positions that were seen before, for a decoder that writes word by word.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

// Grows by doubling, so that a step copies only what is new.
class KeyValueCache {
 public:
  // k: [B,h,N,d], v: [B,h,N,d'] of the positions that follow.
  void append(const torch::Tensor& k, const torch::Tensor& v);
  // Keeps these rows of the batch, in this order: [B'] int64.
  void select(const torch::Tensor& rows);
  torch::Tensor keys() const { return k_.narrow(2, 0, length_); }  // [B,h,M,d]
  torch::Tensor values() const { return v_.narrow(2, 0, length_); }
  int64_t length() const { return length_; }  // positions
  bool empty() const { return length_ == 0; }

 private:
  torch::Tensor k_, v_;  // with room for more positions
  int64_t length_ = 0;
};

}  // namespace braid::nn
