// GELU and SiLU: LibTorch's operators against the fused one, taking turns, and a plain copy of
// the same tensor in the same run, which says what memory gives.
//
// GB/s count what must be read and written: x and y forward, and dy, x and dx backward. Prints
// medians.
#include <fmt/format.h>

#include <cstdio>
#include <vector>

#include "bench/operators.h"
#include "braid/ops/activation.h"

namespace {

namespace ops = braid::ops;
using torch::Tensor;

using Operator = Tensor (*)(const Tensor&, ops::Activation);

void measure(at::IntArrayRef shape, at::ScalarType dtype, ops::Activation activation,
             const char* name, double seconds) {
  const auto x = torch::randn(shape).to(dtype).contiguous(at::MemoryFormat::ChannelsLast);
  const auto leaf = x.detach().clone().requires_grad_();
  const Tensor dy = torch::randn_like(x);
  const auto t = braid::bench::times_of<Operator>(
      {leaf}, dy, ops::composed_activate, ops::activate,
      [&](Operator op, const Tensor& from) { return op(from, activation); }, seconds);
  const double bytes = static_cast<double>(x.nbytes());
  fmt::print(
      "{:<15} {:<8} {:<5} {:7.3f} {:7.3f} {:6.2f} {:8.3f} {:7.3f} {:6.2f} {:8.1f} {:5.1f} "
      "{:5.1f}\n",
      fmt::format("{}x{}x{}x{}", shape[0], shape[1], shape[2], shape[3]),
      dtype == at::kFloat ? "float32" : "bfloat16", name, t[1] * 1e3, t[2] * 1e3, t[1] / t[2],
      t[3] * 1e3, t[4] * 1e3, t[3] / t[4], 2e-9 * bytes / t[0], 1e-9 * bytes / t[2],
      2e-9 * bytes / t[4]);
  std::fflush(stdout);
}

}  // namespace

// Arguments: seconds for each line (0.5), threads (all).
int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::stod(argv[1]) : 0.5;
  if (argc > 2) at::set_num_threads(std::stoi(argv[2]));
  fmt::print("{:<15} {:<8} {:<5} {:>22} {:>23} {:>20}\n", "", "", "", "forward ms",
             "and backward ms", "GB/s");
  fmt::print("{:<15} {:<8} {:<5} {:>7} {:>7} {:>6} {:>8} {:>7} {:>6} {:>8} {:>5} {:>5}\n", "shape",
             "dtype", "act", "torch", "fused", "ratio", "torch", "fused", "ratio", "copy", "fwd",
             "both");
  const std::vector<std::pair<ops::Activation, const char*>> activations = {
      {ops::Activation::kGelu, "gelu"}, {ops::Activation::kSilu, "silu"}};
  const std::vector<std::vector<int64_t>> shapes = {
      {256, 16, 27, 27}, {256, 192, 3, 3}, {16, 512, 14, 14}, {8, 32, 8, 8}, {1, 64, 4, 4}};
  for (const auto dtype : {at::kFloat, at::kBFloat16})
    for (const auto& [activation, name] : activations)
      for (const auto& shape : shapes) measure(shape, dtype, activation, name, seconds);
  return 0;
}
