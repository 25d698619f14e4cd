// Max pooling by two: LibTorch's operator against the fused one, taking turns, and a plain copy of
// the same map in the same run, which says what memory gives.
//
// GB/s count what must be read and written: x and y forward, dy and dx backward. Prints medians.
#include <fmt/format.h>

#include <cstdio>
#include <vector>

#include "bench/operators.h"
#include "braid/ops/max_pool2d.h"

namespace {

namespace ops = braid::ops;
using torch::Tensor;

using Operator = Tensor (*)(const Tensor&);

void measure(at::IntArrayRef shape, at::ScalarType dtype, double seconds) {
  const auto x = torch::randn(shape).to(dtype).contiguous(at::MemoryFormat::ChannelsLast);
  const auto leaf = x.detach().clone().requires_grad_();
  const Tensor dy = torch::randn_like(ops::composed_max_pool2x2(x));
  const auto t = braid::bench::times_of<Operator>(
      {leaf}, dy, ops::composed_max_pool2x2, ops::max_pool2x2,
      [&](Operator op, const Tensor& from) { return op(from); }, seconds);
  const double bytes = static_cast<double>(x.nbytes() + dy.nbytes());
  fmt::print(
      "{:<15} {:<8} {:7.3f} {:7.3f} {:6.2f} {:8.3f} {:7.3f} {:6.2f} {:8.1f} {:5.1f} {:5.1f}\n",
      fmt::format("{}x{}x{}x{}", shape[0], shape[1], shape[2], shape[3]),
      dtype == at::kFloat ? "float32" : "bfloat16", t[1] * 1e3, t[2] * 1e3, t[1] / t[2], t[3] * 1e3,
      t[4] * 1e3, t[3] / t[4], 2e-9 * static_cast<double>(x.nbytes()) / t[0], 1e-9 * bytes / t[2],
      2e-9 * bytes / t[4]);
  std::fflush(stdout);
}

}  // namespace

// Arguments: seconds for each line (0.5), threads (all).
int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::stod(argv[1]) : 0.5;
  if (argc > 2) at::set_num_threads(std::stoi(argv[2]));
  fmt::print("{:<15} {:<8} {:>22} {:>23} {:>20}\n", "", "", "forward ms", "and backward ms",
             "GB/s");
  fmt::print("{:<15} {:<8} {:>7} {:>7} {:>6} {:>8} {:>7} {:>6} {:>8} {:>5} {:>5}\n", "shape",
             "dtype", "torch", "fused", "ratio", "torch", "fused", "ratio", "copy", "fwd", "both");
  const std::vector<std::vector<int64_t>> shapes = {{256, 16, 27, 27},  {256, 32, 27, 27},
                                                    {256, 32, 13, 13},  {256, 96, 13, 13},
                                                    {16, 64, 112, 112}, {2, 16, 6, 6}};
  for (const auto dtype : {at::kFloat, at::kBFloat16})
    for (const auto& shape : shapes) measure(shape, dtype, seconds);
  return 0;
}
