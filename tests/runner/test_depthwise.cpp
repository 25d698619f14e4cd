// Convolutions of a filter for each channel against sums in float64, each way of computing them,
// with every set of kernels that this processor can run.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "braid/runner/ops/depthwise.h"
#include "reference_numbers.h"

namespace braid::runner {
namespace {

using Way = DepthwiseConvolution::Way;

struct DepthwiseCase {
  int64_t images, channels, multiplier, height, width;
  Window window;
  bool has_bias = true, has_residual = false;
  Activation activation = {};
  Plane input() const { return {height, width}; }
  Plane output() const { return output_of(input(), window); }
  int64_t taps() const { return window.kernel[0] * window.kernel[1]; }
};

Window square(int64_t size, int64_t stride, int64_t padding, int64_t dilation = 1) {
  return {
      {size, size}, {stride, stride}, {dilation, dilation}, {padding, padding}, {padding, padding}};
}

// Sums and what follows, in float64: [images, channels * multiplier, output].
std::vector<double> sums_of(const DepthwiseCase& c, const std::vector<float>& x,
                            const std::vector<float>& weights, const std::vector<float>& bias,
                            const std::vector<float>& residual) {
  const Plane out = c.output();
  const Window& w = c.window;
  const int64_t outputs = c.channels * c.multiplier;
  std::vector<double> y;
  for (int64_t i = 0; i < c.images * outputs; ++i) {
    const int64_t plane = i / outputs * c.channels + i % outputs / c.multiplier;
    for (int64_t at = 0; at < out.size(); ++at) {
      double sum = c.has_bias ? bias[static_cast<size_t>(i % outputs)] : 0;
      for (int64_t tap = 0; tap < c.taps(); ++tap) {
        const int64_t row =
            at / out.width * w.stride[0] - w.begin[0] + tap / w.kernel[1] * w.dilation[0];
        const int64_t column =
            at % out.width * w.stride[1] - w.begin[1] + tap % w.kernel[1] * w.dilation[1];
        if (row < 0 || row >= c.height || column < 0 || column >= c.width) continue;
        const int64_t from = plane * c.input().size() + row * c.width + column;
        sum += double{x[static_cast<size_t>(from)]} *
               double{weights[static_cast<size_t>(i % outputs * c.taps() + tap)]};
      }
      if (c.has_residual) sum += double{residual[y.size()]};
      y.push_back(activated(c.activation, sum));
    }
  }
  return y;
}

Tensor tensor_of(BufferPool& pool, const Dims& dims, const std::vector<float>& numbers) {
  Tensor tensor(DType::kFloat, dims, pool.allocate(numbers.size() * sizeof(float)));
  std::copy(numbers.begin(), numbers.end(), tensor.as<float>());
  return tensor;
}

void expect_filtered(const DepthwiseCase& c) {
  SCOPED_TRACE(::testing::Message()
               << c.images << " of " << c.channels << " x " << c.height << " x " << c.width
               << ", window " << c.window.kernel[0] << "x" << c.window.kernel[1] << ", stride "
               << c.window.stride[0] << ", padding " << c.window.begin[0]);
  Numbers numbers;
  const Plane out = c.output();
  const int64_t outputs = c.channels * c.multiplier;
  const auto x = numbers(c.images * c.channels * c.input().size());
  const auto weights = numbers(outputs * c.taps()), bias = numbers(outputs),
             residual = numbers(c.images * outputs * out.size());
  const auto expected = sums_of(c, x, weights, bias, residual);
  double largest = 0;
  for (const double y : expected) largest = std::max(largest, std::abs(y));
  for (const Kernels* kernels : usable_kernels())
    for (const Way way : {Way::kAny, Way::kPlanes, Way::kChannels, Way::kTaps})
      for (const int count : {1, 3}) {
        SCOPED_TRACE(::testing::Message() << kernels->name << ", way " << static_cast<int>(way));
        ThreadPool threads(count);
        BufferPool pool(uint64_t{1} << 30, "a test");
        const RunContext context{threads, pool, *kernels};
        const Tensor image = tensor_of(pool, {c.images, c.channels, c.height, c.width}, x);
        const Tensor filters =
            tensor_of(pool, {outputs, 1, c.window.kernel[0], c.window.kernel[1]}, weights);
        DepthwiseConvolution convolution(c.window, filters, c.multiplier, {}, {}, way);
        Tensor y = tensor_of(pool, {c.images, outputs, out.height, out.width},
                             std::vector<float>(expected.size(), 0));
        for (int run = 0; run < 2; ++run)  // the second with what the first one packed
          convolution.convolve(context,
                               {image,
                                c.input(),
                                out,
                                {.bias = c.has_bias ? bias.data() : nullptr,
                                 .residual = c.has_residual ? residual.data() : nullptr,
                                 .activation = c.activation}},
                               y);
        for (size_t i = 0; i < expected.size(); ++i)
          ASSERT_NEAR(y.as<float>()[i], expected[i], 1e-5 * largest) << i;
      }
}

TEST(Depthwise, ComputesEverySize) {
  for (const int64_t size : {1, 2, 3, 5, 7, 8, 9, 14, 16, 17, 31})
    for (const int64_t kernel : {3, 5, 7})
      for (const int64_t stride : {1, 2}) {
        const int64_t padding = std::max<int64_t>(kernel / 2, kernel - size);
        expect_filtered(
            {1, 5, 1, size, size + size % 3, square(kernel, stride, padding), size % 2 == 0});
      }
}

TEST(Depthwise, ComputesChannelsThatFillNoVector) {
  for (const int64_t channels : {1, 3, 4, 15, 16, 17, 33}) {
    expect_filtered({2, channels, 1, 7, 7, square(3, 1, 1)});
    expect_filtered({1, channels, 1, 14, 13, square(5, 2, 2)});
    expect_filtered({2, channels, 1, 20, 35, square(3, 2, 0)});
  }
}

TEST(Depthwise, ComputesOddWindows) {
  expect_filtered({1, 6, 1, 9, 11, {{3, 3}, {1, 1}, {1, 1}, {0, 2}, {1, 0}}});
  expect_filtered({1, 6, 1, 12, 12, {{3, 3}, {2, 2}, {1, 1}, {0, 0}, {1, 1}}});
  expect_filtered({1, 6, 1, 9, 11, {{1, 7}, {1, 1}, {1, 1}, {0, 3}, {0, 3}}});
  expect_filtered({1, 6, 1, 15, 9, {{5, 3}, {3, 2}, {1, 1}, {2, 1}, {2, 1}}});
  expect_filtered({1, 6, 1, 15, 17, square(3, 1, 2, 2)});
  expect_filtered({1, 6, 1, 5, 6, square(3, 3, 4, 2)});  // windows beside the image
  expect_filtered({1, 6, 1, 30, 30, square(9, 2, 4)});
  expect_filtered({1, 6, 2, 8, 9, square(3, 1, 1)});
  expect_filtered({2, 3, 3, 14, 15, square(5, 2, 2)});
}

TEST(Depthwise, AppliesWhatFollows) {
  for (const Activation f : {Activation{Function::kRelu}, Activation{Function::kClip, -0.5f, 0.7f},
                             Activation{Function::kHardSwish}})
    for (const bool has_residual : {false, true})
      for (const int64_t size : {6, 18})
        expect_filtered({1, 17, 1, size, size, square(3, 1, 1), true, has_residual, f});
}

// Bytes in and out are those of the numbers, dequantized and rounded.
TEST(Depthwise, ReadsAndWritesBytes) {
  const FusedBytes in{{.scale = 0.03f, .zero_point = 119}, DType::kUint8};
  const FusedBytes out{{.scale = 0.05f, .zero_point = -7}, DType::kInt8};
  constexpr int64_t kChannels = 19, kSize = 13;
  const Window window = square(3, 2, 1);
  const Plane input{kSize, kSize}, output = output_of(input, window);
  Numbers numbers;
  const auto weights = numbers(kChannels * 9, 0.4f), bias = numbers(kChannels);
  for (const Kernels* kernels : usable_kernels())
    for (const Way way : {Way::kPlanes, Way::kChannels, Way::kTaps}) {
      SCOPED_TRACE(::testing::Message() << kernels->name << ", way " << static_cast<int>(way));
      ThreadPool threads(2);
      BufferPool pool(uint64_t{1} << 30, "a test");
      const RunContext context{threads, pool, *kernels};
      Tensor bytes = context.make(DType::kUint8, {2, kChannels, kSize, kSize});
      for (int64_t i = 0; i < bytes.count(); ++i)
        bytes.as<uint8_t>()[i] = static_cast<uint8_t>(i * 37 % 251);
      Tensor image = context.make(DType::kFloat, bytes.dims());
      kernels->dequantize(bytes.as<uint8_t>(), image.as<float>(), bytes.count(), in.quantization,
                          in.is_signed());
      const Tensor filters = tensor_of(pool, {kChannels, 1, 3, 3}, weights);
      const ConvolutionEnding ending{.bias = bias.data(), .activation = {Function::kRelu}};
      Tensor plain = context.make(DType::kFloat, {2, kChannels, output.height, output.width});
      DepthwiseConvolution(window, filters, 1, {}, {}, way)
          .convolve(context, {image, input, output, ending}, plain);
      Tensor rounded = context.make(DType::kInt8, plain.dims());
      DepthwiseConvolution(window, filters, 1, in, out, way)
          .convolve(context, {bytes, input, output, ending}, rounded);
      const Tensor expected = quantize_tensor(context, plain, out);
      EXPECT_EQ(0, std::memcmp(rounded.raw(), expected.raw(), expected.byte_size()));
    }
}

}  // namespace
}  // namespace braid::runner
