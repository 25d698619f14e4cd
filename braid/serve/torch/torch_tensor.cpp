#include "braid/serve/torch/torch_tensor.h"

#include "braid/core/error.h"

namespace braid::serve {

torch::Tensor to_torch(const Tensor& tensor) {
  const auto type = tensor.type == DataType::kInt64 ? torch::kLong : torch::kFloat;
  if (size_of(tensor.type) != torch::elementSize(type))
    throw InternalError("serve", "expected FP32 or INT64 for LibTorch", tensor.name);
  // LibTorch has no tensors of constant bytes; models write into none of their inputs.
  return torch::from_blob(
      const_cast<char*>(tensor.data.data()), tensor.shape, [owner = tensor.owner](void*) {}, type);
}

Tensor from_torch(std::string name, const torch::Tensor& tensor) {
  const auto kept = std::make_shared<const torch::Tensor>(tensor.cpu().contiguous());
  return {.name = std::move(name),
          .type = kept->scalar_type() == torch::kLong ? DataType::kInt64 : DataType::kFp32,
          .shape = kept->sizes().vec(),
          .owner = kept,
          .data = {static_cast<const char*>(kept->data_ptr()), kept->nbytes()}};
}

}  // namespace braid::serve
