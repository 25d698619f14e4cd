// Between the server's tensors and LibTorch's.
#pragma once
#include "braid/serve/tensor.h"
#include "braid/torch.h"

namespace braid::serve {

// Shares the bytes, which are aligned. FP32 or INT64.
torch::Tensor to_torch(const Tensor& tensor);
// Shares what is contiguous and on the CPU. float32 or int64.
Tensor from_torch(std::string name, const torch::Tensor& tensor);

}  // namespace braid::serve
