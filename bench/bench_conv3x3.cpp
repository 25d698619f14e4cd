// The gradient of the weights of 3x3 convolutions in bfloat16: LibTorch's against that of
// ops/conv3x3.h, taking turns.
//
// GFLOP/s count two for each weight, output and image. Prints medians. Needs a processor with
// AMX-BF16.
#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <vector>

#include "bench/operators.h"
#include "braid/ops/conv3x3.h"
#include "braid/ops/conv3x3_gradient_cpu.h"

namespace {

namespace ops = braid::ops;
using torch::Tensor;

struct Shape {
  int64_t images, in, side, out;
};

void measure(const Shape& shape, double seconds) {
  const auto map = [&](int64_t chans) {
    return torch::randn({shape.images, chans, shape.side, shape.side})
        .to(torch::kBFloat16)
        .contiguous(at::MemoryFormat::ChannelsLast);
  };
  const Tensor x = map(shape.in), dy = map(shape.out);
  const Tensor weight = torch::randn({shape.out, shape.in, 3, 3})
                            .to(torch::kBFloat16)
                            .contiguous(at::MemoryFormat::ChannelsLast);
  Tensor dw = at::empty({shape.out, shape.in, 3, 3},
                        torch::TensorOptions().memory_format(at::MemoryFormat::ChannelsLast));
  const auto by_torch = [&] {
    at::convolution_backward(dy, x, weight, at::OptionalIntArrayRef(), {1, 1}, {1, 1}, {1, 1},
                             false, {0, 0}, 1, {false, true, false});
  };
  const auto fused = [&] {
    ops::conv3x3_weight_gradient_cpu(dy.const_data_ptr<at::BFloat16>(),
                                     x.const_data_ptr<at::BFloat16>(), dw.mutable_data_ptr<float>(),
                                     {shape.images, shape.side, shape.side, shape.in, shape.out});
  };
  const auto t = braid::bench::alternate({by_torch, fused}, seconds);
  const double gflop =
      18e-9 * static_cast<double>(shape.images * shape.in * shape.out * shape.side * shape.side);
  fmt::print(
      "{:<22} {:8.2f} {:7.2f} {:6.2f} {:9.0f} {:7.0f}\n",
      fmt::format("{}x{}x{}x{}, {}", shape.images, shape.in, shape.side, shape.side, shape.out),
      t[0] * 1e3, t[1] * 1e3, t[0] / t[1], gflop / t[0], gflop / t[1]);
  std::fflush(stdout);
}

}  // namespace

// Arguments: seconds for each line (0.5), threads (all).
int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::stod(argv[1]) : 0.5;
  if (argc > 2) at::set_num_threads(std::stoi(argv[2]));
  if (!ops::conv3x3_weight_gradient_is_usable()) {
    fmt::print("This processor has no matrix units for bfloat16 (AMX-BF16): nothing to compare.\n");
    return 0;
  }
  fmt::print("{:<22} {:>8} {:>7} {:>6} {:>9} {:>7}\n", "x, channels of y", "torch ms", "fused",
             "ratio", "GFLOP/s", "fused");
  const std::vector<Shape> shapes = {{256, 16, 27, 16},  {256, 16, 27, 32},  {256, 24, 31, 64},
                                     {256, 16, 13, 16},  {256, 32, 13, 32},  {256, 32, 13, 64},
                                     {256, 64, 15, 64},  {256, 64, 15, 256}, {256, 64, 6, 64},
                                     {256, 64, 6, 128},  {256, 256, 7, 256}, {256, 64, 3, 64},
                                     {256, 128, 3, 128}, {256, 256, 3, 256}, {128, 16, 32, 16},
                                     {128, 32, 16, 32},  {128, 64, 8, 64},   {16, 64, 56, 64},
                                     {16, 128, 28, 128}, {16, 256, 14, 256}, {16, 512, 7, 512}};
  for (const auto& shape : shapes) measure(shape, seconds);
  return 0;
}
