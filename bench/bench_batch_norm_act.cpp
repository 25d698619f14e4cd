// Batch norm and activation in training: LibTorch's pair of operators against the fused one, taking
// turns, and a plain copy of the same tensor in the same run, which says what memory gives.
//
// GB/s are of the passes that the fused operator makes: 3 forward, 8 forward and backward. Prints
// medians.
#include <fmt/format.h>

#include <cstdio>
#include <vector>

#include "bench/operators.h"
#include "braid/ops/batch_norm_act.h"

namespace {

namespace ops = braid::ops;
using torch::Tensor;

using Operator = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, const ops::BatchNormStats&,
                            ops::Activation);

void measure(at::IntArrayRef shape, at::ScalarType dtype, ops::Activation activation,
             const char* name, double seconds) {
  const auto x = torch::randn(shape).to(dtype).contiguous(at::MemoryFormat::ChannelsLast);
  const auto dy = torch::randn(shape).to(dtype).contiguous(at::MemoryFormat::ChannelsLast);
  const auto leaf = x.detach().clone().requires_grad_();
  const auto weight = torch::ones({shape[1]}).requires_grad_();
  const auto bias = torch::zeros({shape[1]}).requires_grad_();
  const ops::BatchNormStats stats{.running_mean = torch::zeros({shape[1]}),
                                  .running_var = torch::ones({shape[1]}),
                                  .training = true};
  const auto t = braid::bench::times_of<Operator>(
      {leaf, weight, bias}, dy, ops::composed_batch_norm_act, ops::batch_norm_act,
      [&](Operator op, const Tensor& from) { return op(from, weight, bias, stats, activation); },
      seconds);
  const double gigabytes = static_cast<double>(x.nbytes()) * 1e-9;
  fmt::print(
      "{:<14} {:<8} {:<8} {:7.2f} {:7.2f} {:6.2f} {:8.2f} {:7.2f} {:6.2f} {:8.1f} {:5.1f} "
      "{:5.1f}\n",
      fmt::format("{}x{}x{}x{}", shape[0], shape[1], shape[2], shape[3]),
      dtype == at::kFloat ? "float32" : "bfloat16", name, t[1] * 1e3, t[2] * 1e3, t[1] / t[2],
      t[3] * 1e3, t[4] * 1e3, t[3] / t[4], 2 * gigabytes / t[0], 3 * gigabytes / t[2],
      8 * gigabytes / t[4]);
  std::fflush(stdout);
}

}  // namespace

// Arguments: seconds for each line (0.5), threads (all).
int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::stod(argv[1]) : 0.5;
  if (argc > 2) at::set_num_threads(std::stoi(argv[2]));
  fmt::print("{:<14} {:<8} {:<8} {:>23} {:>25} {:>20}\n", "", "", "", "forward ms",
             "and backward ms", "GB/s");
  fmt::print("{:<14} {:<8} {:<8} {:>7} {:>7} {:>6} {:>8} {:>7} {:>6} {:>8} {:>5} {:>5}\n", "shape",
             "dtype", "act", "torch", "fused", "ratio", "torch", "fused", "ratio", "copy", "fwd",
             "both");
  const std::vector<std::pair<ops::Activation, const char*>> activations = {
      {ops::Activation::kRelu, "relu"},
      {ops::Activation::kGelu, "gelu"},
      {ops::Activation::kSilu, "silu"}};
  const std::vector<std::vector<int64_t>> shapes = {
      {256, 32, 28, 28}, {256, 64, 14, 14}, {256, 128, 7, 7}, {16, 64, 56, 56}, {32, 32, 14, 14}};
  for (const auto dtype : {at::kFloat, at::kBFloat16})
    for (const auto& [activation, name] : activations)
      for (const auto& shape : shapes) measure(shape, dtype, activation, name, seconds);
  return 0;
}
