// Products of few rows, shared among threads by their outputs.
#pragma once
#include <ATen/Parallel.h>

#include <algorithm>

#include "braid/torch.h"

namespace braid::ops {

inline bool is_few_rows_type(at::ScalarType type) {
  return type == at::kFloat || type == at::kBFloat16;
}

// Calls sum(result, first, last) for ranges of the outputs of a matrix [out,in], each from a
// multiple of `block` on, which writes those columns of a result [rows,out] of float32, and makes
// of that result + bias a tensor of these sizes and this type, float32 or bfloat16. bias [out] of
// float32 or none.
template <class Sum>
torch::Tensor few_rows_tasks(at::IntArrayRef sizes, int64_t in,
                             const std::optional<at::Tensor>& bias, at::ScalarType type,
                             int64_t block, Sum sum) {
  constexpr int64_t kTaskWeights = 16384;  // of a matrix; not worth a thread below
  const int64_t out = sizes.back();
  torch::Tensor y = at::empty(sizes, at::TensorOptions(type));
  const int64_t rows = y.numel() / out;
  const torch::Tensor sums = type == at::kFloat ? y : at::empty({rows, out}, at::kFloat);
  const auto* more = bias ? bias->const_data_ptr<float>() : nullptr;
  auto* from = sums.mutable_data_ptr<float>();
  const auto store = [&](auto* to, int64_t first, int64_t last) {
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t o = row * out + first; o < row * out + last; ++o)
        to[o] = more == nullptr ? from[o] : from[o] + more[o - row * out];
  };
  const int64_t blocks = (out + block - 1) / block;
  const int64_t least = std::max<int64_t>(1, kTaskWeights / (block * in));
  at::parallel_for(0, blocks, least, [&](int64_t begin, int64_t end) {
    const int64_t first = begin * block, last = std::min(out, end * block);
    sum(from, first, last);
    if (type == at::kBFloat16) store(y.mutable_data_ptr<at::BFloat16>(), first, last);
    if (type == at::kFloat && more != nullptr) store(from, first, last);
  });
  return y;
}

}  // namespace braid::ops
