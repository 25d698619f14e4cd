// Layers against what their reference implementation computed; see generate_blocks.py.
#pragma once
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "braid/runtime/tensor_file.h"
#include "braid/torch.h"

namespace braid::nn {

inline runtime::TensorMap load_fixture(const std::string& name) {
  return runtime::load_tensors(std::string(BRAID_TEST_SOURCE_DIR) + "/nn/fixtures/" + name +
                               ".safetensors");
}

inline double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.sizes() != b.sizes()) return INFINITY;
  return (a - b).abs().max().item<double>();
}

// Gives `module` the weights of a case, in float64 and eval mode, and holds the output and the
// gradient of its input against the case's.
inline void expect_reference(torch::nn::Module& module,
                             const std::function<torch::Tensor(const torch::Tensor&)>& call,
                             const runtime::TensorMap& file, const std::string& name,
                             double tolerance = 1e-12) {
  module.to(torch::kDouble);
  module.eval();
  size_t found = 0;
  {
    const torch::NoGradGuard no_grad;
    for (auto& [key, target] : runtime::named_state(module)) {
      const auto& source = file.at(name + "/weights/" + key);
      ASSERT_EQ(target.sizes(), source.sizes()) << key;
      target.copy_(source);
      ++found;
    }
  }
  for (const auto& [key, tensor] : file)
    if (key.starts_with(name + "/weights/")) --found;
  EXPECT_EQ(found, 0u) << "the reference has other parameters";
  const auto x = file.at(name + "/input").clone().requires_grad_();
  const auto y = call(x);
  EXPECT_LT(largest_difference(y, file.at(name + "/output")), tolerance) << name;
  (y.flatten() * torch::arange(y.numel(), torch::kDouble).cos()).sum().backward();
  EXPECT_LT(largest_difference(x.grad(), file.at(name + "/grad")), tolerance) << name;
}

// Weights, gains and statistics away from their initialization.
inline void randomize(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  for (auto& [key, tensor] : runtime::named_state(module)) {
    if (!tensor.is_floating_point()) continue;
    if (key.ends_with("running_var"))
      tensor.uniform_(0.5, 1.5);
    else
      tensor.add_(0.3 * torch::randn_like(tensor));
  }
}

}  // namespace braid::nn
