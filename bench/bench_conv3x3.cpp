// 3x3 convolutions in training: LibTorch's against those of ops/conv3x3.h, taking turns.
//
// Forward and forward with both gradients. GFLOP/s are of the latter, six for each weight, output
// and image, whichever way they are computed. Prints medians; a dash is where braid takes
// LibTorch's.
#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <vector>

#include "bench/operators.h"
#include "braid/ops/conv3x3.h"

namespace {

namespace ops = braid::ops;
using torch::Tensor;

struct Shape {
  int64_t images, in, side, out;
};

void measure(const Shape& shape, at::ScalarType type, double seconds) {
  const auto map = [&](int64_t chans) {
    return torch::randn({shape.images, chans, shape.side, shape.side})
        .to(type)
        .contiguous(at::MemoryFormat::ChannelsLast);
  };
  const Tensor x = map(shape.in).requires_grad_(), dy = map(shape.out);
  const Tensor weight = (0.05 * torch::randn({shape.out, shape.in, 3, 3}))
                            .contiguous(at::MemoryFormat::ChannelsLast)
                            .requires_grad_();
  const auto name =
      fmt::format("{}x{}x{}x{}, {}", shape.images, shape.in, shape.side, shape.side, shape.out);
  const auto* dtype = type == at::kFloat ? "float32" : "bfloat16";
  if (!ops::is_fused_conv3x3(x, weight)) {
    fmt::print("{:<22} {:<9} -\n", name, dtype);
    return;
  }
  const auto composed = [&](const Tensor& maps, const Tensor& filters) {
    return ops::composed_conv3x3(maps, filters.to(type));
  };
  using Operator = std::function<Tensor(const Tensor&, const Tensor&)>;
  const auto t = braid::bench::times_of<Operator>(
      {x, weight}, dy, composed, ops::conv3x3,
      [&](const Operator& op, const Tensor& maps) { return op(maps, weight); }, seconds);
  const double gflop =
      54e-9 * static_cast<double>(shape.images * shape.in * shape.out * shape.side * shape.side);
  fmt::print("{:<22} {:<9} {:8.2f} {:7.2f} {:6.2f} {:9.2f} {:7.2f} {:6.2f} {:9.0f} {:7.0f}\n", name,
             dtype, t[1] * 1e3, t[2] * 1e3, t[1] / t[2], t[3] * 1e3, t[4] * 1e3, t[3] / t[4],
             gflop / t[3], gflop / t[4]);
  std::fflush(stdout);
}

}  // namespace

// Arguments: seconds for each line (0.5), threads (all).
int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::stod(argv[1]) : 0.5;
  if (argc > 2) at::set_num_threads(std::stoi(argv[2]));
  fmt::print("{:<22} {:<9} {:>8} {:>7} {:>6} {:>9} {:>7} {:>6} {:>9} {:>7}\n", "x, channels of y",
             "dtype", "torch ms", "braid", "ratio", "gradients", "braid", "ratio", "GFLOP/s",
             "braid");
  const std::vector<Shape> shapes = {
      {256, 24, 27, 64},  {256, 64, 13, 64},  {256, 64, 13, 128}, {256, 128, 6, 128},
      {256, 64, 6, 64},   {256, 128, 3, 128}, {256, 64, 15, 256}, {256, 256, 7, 256},
      {128, 16, 32, 16},  {128, 32, 16, 32},  {128, 64, 8, 64},   {16, 64, 56, 64},
      {16, 128, 28, 128}, {16, 256, 14, 256}, {16, 512, 7, 512},  {16, 96, 32, 96}};
  for (const auto type : {at::kFloat, at::kBFloat16})
    for (const auto& shape : shapes) measure(shape, type, seconds);
  return 0;
}
