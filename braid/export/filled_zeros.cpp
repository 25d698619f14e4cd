#include "braid/export/filled_zeros.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <string>

#include "braid/core/error.h"

namespace braid::onnx {
namespace {

// Of a matrix so that its products stay as large as what they are made of; of gains and biases
// small.
double noise_scale(const torch::Tensor& parameter) {
  constexpr double kOfVectors = 0.1;
  if (parameter.dim() < 2) return kOfVectors;
  const int64_t summed = parameter.numel() / parameter.size(0);
  return 1 / std::sqrt(static_cast<double>(summed));
}

}  // namespace

FilledZeros::FilledZeros(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(1);
  std::vector<torch::Tensor> noise;
  for (const auto& parameter : module.parameters()) {
    if (parameter.numel() == 0 || parameter.any().item<bool>()) continue;
    const auto drawn = torch::randn(parameter.sizes(), generator) * noise_scale(parameter);
    noise.push_back(drawn.to(parameter.options()));
    filled_.emplace_back(parameter, parameter.data());
  }
  for (size_t i = 0; i < noise.size(); ++i) filled_[i].first.set_data(noise[i]);
}

FilledZeros::~FilledZeros() {
  for (auto& [parameter, zeros] : filled_) parameter.set_data(zeros);
}

void prove_with_filled_zeros(torch::nn::Module& module, const std::function<void()>& prove) {
  const FilledZeros filled(module);
  if (filled.any()) try {
      prove();
    } catch (const Error& error) {
      throw InternalError("onnx", std::string("expected a file that says what the model does with "
                                              "random numbers in place of its zeros, got: ") +
                                      error.what());
    }
}

}  // namespace braid::onnx
