// Depthwise convolutions: LibTorch's operator against the fused one, taking turns, and a plain copy
// of the same map in the same run, which says what memory gives.
//
// GB/s count what must be read and written: x and y forward, and dy twice, x and dx backward.
// Prints medians.
#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <vector>

#include "bench/operators.h"
#include "braid/ops/depthwise_conv.h"

namespace {

namespace ops = braid::ops;
using torch::Tensor;

struct Shape {
  int64_t images, chans, side, kernel, stride;
};

using Operator = Tensor (*)(const Tensor&, const Tensor&, const Tensor&,
                            const ops::DepthwiseConvOptions&);

void measure(const Shape& shape, at::ScalarType dtype, double seconds) {
  const ops::DepthwiseConvOptions options{.stride = shape.stride,
                                          .padding = (shape.kernel - 1) / 2};
  const auto map = [&](int64_t side) {
    return torch::randn({shape.images, shape.chans, side, side})
        .to(dtype)
        .contiguous(at::MemoryFormat::ChannelsLast);
  };
  const auto x = map(shape.side), dy = map((shape.side - 1) / shape.stride + 1);
  const auto leaf = x.detach().clone().requires_grad_();
  const auto weight = torch::randn({shape.chans, 1, shape.kernel, shape.kernel}).requires_grad_();
  // As autocast has it: LibTorch's operator gets a copy of the weights in bfloat16.
  const auto call = [&](Operator op, const Tensor& from) {
    return op == ops::depthwise_conv2d ? op(from, weight, {}, options)
                                       : op(from, weight.to(dtype), {}, options);
  };
  const auto t = braid::bench::times_of<Operator>(
      {leaf, weight}, dy, ops::composed_depthwise_conv2d, ops::depthwise_conv2d,
      [&](Operator op, const Tensor& from) { return call(op, from); }, seconds);
  const auto bytes_of_x = static_cast<double>(x.nbytes()),
             bytes_of_y = static_cast<double>(dy.nbytes());
  fmt::print(
      "{:<15} k{} s{}  {:<8} {:8.2f} {:7.2f} {:6.2f} {:9.2f} {:7.2f} {:6.2f} {:8.1f} {:5.1f} "
      "{:5.1f}\n",
      fmt::format("{}x{}x{}x{}", shape.images, shape.chans, shape.side, shape.side), shape.kernel,
      shape.stride, dtype == at::kFloat ? "float32" : "bfloat16", t[1] * 1e3, t[2] * 1e3,
      t[1] / t[2], t[3] * 1e3, t[4] * 1e3, t[3] / t[4], 2e-9 * bytes_of_x / t[0],
      1e-9 * (bytes_of_x + bytes_of_y) / t[2], 1e-9 * (3 * bytes_of_x + 3 * bytes_of_y) / t[4]);
  std::fflush(stdout);
}

}  // namespace

// Arguments: seconds for each line (0.5), float32 or bfloat16 (both), threads (all).
int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::stod(argv[1]) : 0.5;
  const std::string only = argc > 2 ? argv[2] : "";
  if (argc > 3) at::set_num_threads(std::stoi(argv[3]));
  fmt::print("{:<21}  {:<8} {:>23} {:>24} {:>21}\n", "", "", "forward ms", "and backward ms",
             "GB/s");
  fmt::print("{:<21}  {:<8} {:>8} {:>7} {:>6} {:>9} {:>7} {:>6} {:>8} {:>5} {:>5}\n", "shape",
             "dtype", "torch", "fused", "ratio", "torch", "fused", "ratio", "copy", "fwd", "both");
  const std::vector<Shape> shapes = {{16, 128, 112, 3, 2}, {16, 192, 56, 3, 1}, {16, 256, 56, 3, 1},
                                     {16, 96, 56, 7, 1},   {16, 384, 14, 5, 1}, {16, 96, 56, 5, 2},
                                     {256, 64, 14, 3, 1},  {256, 128, 7, 3, 1}, {1, 192, 56, 3, 1}};
  for (const auto dtype : {at::kFloat, at::kBFloat16})
    if (only.empty() || only == (dtype == at::kFloat ? "float32" : "bfloat16"))
      for (const auto& shape : shapes) measure(shape, dtype, seconds);
  return 0;
}
