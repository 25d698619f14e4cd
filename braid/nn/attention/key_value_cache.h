// Keys and values of positions that were seen before, for a decoder that writes word by word.
#pragma once
#include <memory>

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
  // What a mixer of two branches keeps for its second one, made by the first call; its rows are
  // selected with the others.
  KeyValueCache& beside();

 private:
  torch::Tensor k_, v_;  // with room for more positions
  int64_t length_ = 0;
  std::shared_ptr<KeyValueCache> beside_;
};

}  // namespace braid::nn
