// What Transformer blocks are made of in training: LibTorch's operators against the fused ones,
// taking turns. Layer norm of float32 for a product in bfloat16, GELU behind a bias, attention over
// few tokens, dropout added to a float32 residual, the loss of a vocabulary. Prints medians in ms.
//
// Arguments: seconds for each line (0.5), threads (all).
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/operators.h"
#include "braid/nn/attention/core.h"
#include "braid/ops/bias_gelu.h"
#include "braid/ops/cross_entropy.h"
#include "braid/ops/dropout.h"
#include "braid/ops/layer_norm.h"

namespace {

using torch::Tensor;
using Work = std::function<Tensor()>;

void compare(const std::string& name, const Work& torchs, const Work& fused,
             const std::vector<Tensor>& leaves, const Tensor& dy, double seconds) {
  const auto forward = [](const Work& work) { return [&work] { work(); }; };
  const auto both = [&](const Work& work) {
    return [&] { torch::autograd::grad({work()}, leaves, {dy}); };
  };
  const auto t = braid::bench::alternate(
      {forward(torchs), forward(fused), both(torchs), both(fused)}, seconds);
  fmt::print("{:<44} {:8.3f} {:8.3f} {:6.2f} {:9.3f} {:8.3f} {:6.2f}\n", name, t[0] * 1e3,
             t[1] * 1e3, t[0] / t[1], t[2] * 1e3, t[3] * 1e3, t[2] / t[3]);
  std::fflush(stdout);
}

const char* type_name(at::ScalarType type) { return type == at::kFloat ? "float32" : "bfloat16"; }

void layer_norms(int64_t rows, int64_t width, at::ScalarType out, double seconds) {
  const auto x = torch::randn({rows, width}).requires_grad_();
  const auto weight = torch::ones({width}).requires_grad_();
  const auto bias = torch::zeros({width}).requires_grad_();
  compare(
      fmt::format("layer norm {}x{} float32 -> {}", rows, width, type_name(out)),
      [&] { return braid::ops::composed_layer_norm(x, weight, bias, 1e-6, out); },
      [&] { return braid::ops::layer_norm(x, weight, bias, 1e-6, out); }, {x, weight, bias},
      torch::randn({rows, width}).to(out), seconds);
}

void gelus(int64_t rows, int64_t width, at::ScalarType type, double seconds) {
  const auto x = torch::randn({rows, width}).to(type).requires_grad_();
  const auto bias = torch::randn({width}).requires_grad_();
  compare(
      fmt::format("bias and GELU {}x{} {}", rows, width, type_name(type)),
      [&] { return braid::ops::composed_bias_gelu(x, bias); },
      [&] { return braid::ops::bias_gelu(x, bias); }, {x, bias},
      torch::randn({rows, width}).to(type), seconds);
}

void attentions(int64_t B, int64_t h, int64_t N, int64_t d, bool biased, at::ScalarType type,
                double seconds) {
  using enum braid::nn::AttentionImplementation;
  const auto joint = torch::randn({B, N, 3 * h * d}).to(type).requires_grad_();
  const auto bias = biased ? torch::randn({1, h, N, N}).requires_grad_() : Tensor();
  std::vector<Tensor> leaves = {joint};
  if (biased) leaves.push_back(bias);
  const auto by = [&](braid::nn::AttentionImplementation implementation) {
    return [&, implementation] {
      return braid::nn::attend_joint(joint, h, {.bias = bias, .implementation = implementation});
    };
  };
  compare(
      fmt::format("attention {}x{}x{}x{}{} {}", B, h, N, d, biased ? " bias" : "", type_name(type)),
      by(type == at::kFloat ? kKernel : kComposed), by(kShort), leaves,
      torch::randn({B, N, h * d}).to(type), seconds);
}

void dropouts(int64_t rows, int64_t width, at::ScalarType type, double seconds) {
  constexpr double kRate = 0.1;
  const auto x = torch::randn({rows, width}).to(type).requires_grad_();
  const auto residual = torch::randn({rows, width}).requires_grad_();
  compare(
      fmt::format("dropout and sum {}x{} {}", rows, width, type_name(type)),
      [&] { return residual + at::dropout(x, kRate, true); },
      [&] { return braid::ops::dropout(x, braid::ops::draw_drop_rule(kRate), residual); },
      {x, residual}, torch::randn({rows, width}), seconds);
}

void losses(int64_t rows, int64_t classes, at::ScalarType type, double seconds) {
  const auto logits = torch::randn({rows, classes}).to(type).requires_grad_();
  const auto labels = torch::randint(classes, {rows}, torch::kLong);
  compare(
      fmt::format("cross entropy {}x{} {}", rows, classes, type_name(type)),
      [&] { return braid::ops::composed_cross_entropy(logits, labels, 0.1); },
      [&] { return braid::ops::cross_entropy(logits, labels, 0.1); }, {logits}, torch::tensor(1.0f),
      seconds);
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::stod(argv[1]) : 0.5;
  if (argc > 2) at::set_num_threads(std::stoi(argv[2]));
  fmt::print("{:<44} {:>24} {:>25}\n", "", "forward ms", "and backward ms");
  fmt::print("{:<44} {:>8} {:>8} {:>6} {:>9} {:>8} {:>6}\n", "", "torch", "fused", "ratio", "torch",
             "fused", "ratio");
  for (const auto type : {at::kBFloat16, at::kFloat}) {
    layer_norms(4096, 128, type, seconds);
    layer_norms(2304, 96, type, seconds);
    layer_norms(3152, 192, type, seconds);
    gelus(4096, 256, type, seconds);
    gelus(3152, 768, type, seconds);
    attentions(256, 4, 16, 32, false, type, seconds);
    attentions(256, 3, 9, 32, false, type, seconds);
    attentions(64, 3, 32, 64, false, type, seconds);
    attentions(256, 2, 49, 32, true, type, seconds);
    attentions(64, 4, 64, 32, false, type, seconds);
    attentions(64, 3, 64, 64, false, type, seconds);
    dropouts(2048, 512, type, seconds);
    losses(300, 30'522, type, seconds);
  }
  return 0;
}
