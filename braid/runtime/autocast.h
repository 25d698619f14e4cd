// Mixed precision for a scope.
#pragma once

#include <string>

#include "braid/torch.h"

namespace braid::runtime {

// "float32" or "bfloat16" for "auto": bfloat16 where the processor multiplies it natively (AMX,
// AVX512-BF16) or on CUDA. Throws ConfigError for any other name.
std::string resolve_dtype(const std::string& dtype, torch::DeviceType device);

// What a resolved dtype is of products.
at::ScalarType product_type(const std::string& resolved);
// What autocast makes of a tensor that is multiplied; its own type where there is none.
at::ScalarType type_of_products(const torch::Tensor& x);
// What a layer norm gives: on the CPU autocast has it compute and give float32; else x's type.
at::ScalarType type_of_norms(const torch::Tensor& x);

// Runs the scope's matrix products and convolutions in bfloat16, with PyTorch's autocast rules.
// float32: does nothing.
class Autocast {
 public:
  Autocast(torch::DeviceType device, const std::string& dtype);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  torch::DeviceType device_;
  bool active_;
  bool was_enabled_ = false;
  at::ScalarType old_dtype_ = at::kFloat;
};

}  // namespace braid::runtime
