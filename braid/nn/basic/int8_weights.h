// Weights in 8 bits for networks that are evaluated row by row: weight-only quantization.
#pragma once
#include <memory>
#include <unordered_map>

#include "braid/torch.h"

namespace braid::ops {
struct Int8Matrix;
}  // namespace braid::ops

namespace braid::nn {

// Matrices by which nn::product() multiplies few rows, beside the float weights that they are made
// of.
class Int8Weights {
 public:
  // Rounds the weight [out,in], float32, in place to what its 8 bits stand for, so that every way
  // to multiply by it multiplies by the same, and keeps the bits.
  void round(const torch::Tensor& weight);
  // None where it was not rounded.
  const ops::Int8Matrix* find(const torch::Tensor& weight) const;
  size_t size() const { return matrices_.size(); }

 private:
  struct Rounded;
  std::unordered_map<const void*, std::shared_ptr<const Rounded>> matrices_;
};

// While it lives, products of this thread's networks with nn::OwnOperators use those matrices.
class Int8Scope {
 public:
  explicit Int8Scope(const Int8Weights* weights);  // which must outlive it; null: none
  ~Int8Scope();
  Int8Scope(const Int8Scope&) = delete;
  Int8Scope& operator=(const Int8Scope&) = delete;
  // Of this weight in the innermost scope; null where there is none.
  static const ops::Int8Matrix* matrix_of(const torch::Tensor& weight);

 private:
  const Int8Weights* before_;
};

}  // namespace braid::nn
