#include "braid/export/filled_zeros.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

namespace braid::onnx {
namespace {

// Of a matrix so that its products stay as large as what they are made of; of gains and biases
// small.
double noise_scale(const torch::Tensor& parameter) {
  constexpr double kOfVectors = 0.1;
  if (parameter.dim() < 2) return kOfVectors;
  return 1 / std::sqrt(static_cast<double>(parameter.numel() / parameter.size(0)));
}

}  // namespace

FilledZeros::FilledZeros(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(1);
  for (auto& parameter : module.parameters()) {
    if (parameter.numel() == 0 || parameter.any().item<bool>()) continue;
    const auto noise = torch::randn(parameter.sizes(), generator) * noise_scale(parameter);
    filled_.emplace_back(parameter, parameter.data());
    parameter.set_data(noise.to(parameter.options()));
  }
}

FilledZeros::~FilledZeros() {
  for (auto& [parameter, zeros] : filled_) parameter.set_data(zeros);
}

}  // namespace braid::onnx
