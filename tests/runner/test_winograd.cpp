// Winograd's convolutions against sums in float64, with every set of kernels that this processor
// can run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "braid/runner/ops/winograd.h"
#include "braid/runner/session.h"
#include "reference_numbers.h"
#include "written_files.h"

namespace braid::runner {
namespace {

struct WinogradCase {
  int64_t images, C, M, height, width;
  int64_t top, left, bottom, right;  // padding
  bool has_bias = true, has_residual = false;
  Activation activation = {};
  Plane input() const { return {height, width}; }
  Plane output() const { return {height + top + bottom - 2, width + left + right - 2}; }
};

std::vector<double> expected_of(const WinogradCase& c, const std::vector<float>& x,
                                const std::vector<float>& weights, const std::vector<float>& bias,
                                const std::vector<float>& residual) {
  const Plane out = c.output();
  std::vector<double> y;
  for (int64_t image = 0; image < c.images; ++image)
    for (int64_t m = 0; m < c.M; ++m)
      for (int64_t row = 0; row < out.height; ++row)
        for (int64_t column = 0; column < out.width; ++column) {
          double sum = c.has_bias ? bias[static_cast<size_t>(m)] : 0;
          for (int64_t channel = 0; channel < c.C; ++channel)
            for (int64_t k = 0; k < 9; ++k) {
              const int64_t from_row = row + k / 3 - c.top, from_column = column + k % 3 - c.left;
              if (from_row < 0 || from_row >= c.height || from_column < 0 || from_column >= c.width)
                continue;
              const int64_t at =
                  ((image * c.C + channel) * c.height + from_row) * c.width + from_column;
              sum += double{x[static_cast<size_t>(at)]} *
                     double{weights[static_cast<size_t>((m * c.C + channel) * 9 + k)]};
            }
          if (c.has_residual) sum += double{residual[y.size()]};
          y.push_back(activated(c.activation, sum));
        }
  return y;
}

// The largest difference, of the largest output.
void expect_convolved(const WinogradCase& c) {
  SCOPED_TRACE(::testing::Message()
               << c.images << " of " << c.C << " x " << c.height << " x " << c.width << " to "
               << c.M << ", padding " << c.top << c.left << c.bottom << c.right);
  Numbers numbers;
  const Plane out = c.output();
  const auto x = numbers(c.images * c.C * c.input().size());
  const auto weights = numbers(c.M * c.C * 9, 1 / std::sqrt(9 * static_cast<float>(c.C)));
  const auto bias = numbers(c.M), residual = numbers(c.images * c.M * out.size());
  const auto expected = expected_of(c, x, weights, bias, residual);
  double largest = 0;
  for (const double y : expected) largest = std::max(largest, std::abs(y));
  for (const Kernels* kernels : usable_kernels())
    for (const int count : {1, 3}) {
      SCOPED_TRACE(kernels->name);
      ThreadPool threads(count);
      BufferPool pool(uint64_t{1} << 30, "a test");
      const RunContext context{threads, pool, *kernels};
      const auto made = WinogradWeights::make(context, weights.data(), c.M, c.C);
      ASSERT_NE(made, nullptr);
      constexpr float kUntouched = 12345;
      std::vector<float> y(expected.size() + 2, kUntouched);
      EXPECT_TRUE(made->convolve(context, {.x = x.data(),
                                           .images = c.images,
                                           .x_channels = c.C,
                                           .y_channels = c.M,
                                           .input = c.input(),
                                           .output = out,
                                           .begin = {c.top, c.left},
                                           .bias = c.has_bias ? bias.data() : nullptr,
                                           .residual = c.has_residual ? residual.data() : nullptr,
                                           .activation = c.activation,
                                           .y = y.data() + 1}));
      EXPECT_EQ(y.front(), kUntouched);
      EXPECT_EQ(y.back(), kUntouched);
      for (size_t i = 0; i < expected.size(); ++i)
        ASSERT_NEAR(y[i + 1], expected[i], 1e-5 * largest) << i;
    }
}

TEST(Winograd, ComputesEverySize) {
  for (const int64_t size : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 16, 28, 33})
    for (const int64_t padding : {0, 1, 2})
      if (size + 2 * padding > 2)
        expect_convolved(
            {1, 5, 7, size, size + size % 3, padding, padding, padding, padding, size % 2 == 0});
}

TEST(Winograd, ComputesBatchesAndPaddingOfOneSide) {
  for (const int64_t images : {1, 2, 7}) {
    expect_convolved({images, 3, 13, 7, 7, 1, 1, 1, 1});
    expect_convolved({images, 17, 25, 11, 6, 0, 2, 1, 0, true, true});
    expect_convolved({images, 4, 3, 1, 1, 1, 2, 2, 1, false, true});
    expect_convolved({images, 33, 12, 9, 18, 2, 0, 0, 1, false});
  }
}

TEST(Winograd, ComputesWideAndDeepImages) {
  expect_convolved({1, 8, 8, 6, 700, 1, 1, 1, 1});  // threads have their own tiles
  expect_convolved({1, 3, 5, 6, 700, 1, 1, 1, 1});
  expect_convolved({2, 2, 3, 9, 530, 0, 1, 0, 1, true, true});
  expect_convolved({1, 300, 20, 14, 14, 1, 1, 1, 1});
  expect_convolved({1, 70, 64, 20, 20, 1, 1, 1, 1});
}

TEST(Winograd, AppliesWhatFollows) {
  for (const Activation f :
       {Activation{Function::kRelu}, Activation{Function::kClip, -0.5f, 0.7f},
        Activation{Function::kElu, 0.7f}, Activation{Function::kGelu},
        Activation{Function::kHardSigmoid, 0.2f, 0.5f}, Activation{Function::kHardSwish},
        Activation{Function::kLeakyRelu, 0.1f}, Activation{Function::kMish},
        Activation{Function::kSigmoid}, Activation{Function::kSilu}, Activation{Function::kTanh}})
    for (const bool has_residual : {false, true})
      expect_convolved({2, 6, 9, 10, 13, 1, 1, 1, 1, true, has_residual, f});
}

// A file of one convolution with padding of 1: x [n,C,size,size] -> y.
std::vector<uint8_t> convolution_of(int64_t C, int64_t M, int64_t size,
                                    const std::vector<float>& weights) {
  return model_of([&](pbf_writer& graph) {
    {
      pbf_writer node(graph, 1);
      for (const char* name : {"x", "w"}) node.add_string(1, name);
      node.add_string(2, "y");
      node.add_string(4, "Conv");
      pbf_writer pads(node, 5);
      pads.add_string(1, "pads");
      for (int i = 0; i < 4; ++i) pads.add_int64(8, 1);
      pads.add_int32(20, 7);
    }
    const auto float_type = static_cast<int32_t>(DType::kFloat);
    add_tensor(graph, "w", float_type, {M, C, 3, 3},
               {reinterpret_cast<const char*>(weights.data()), weights.size() * sizeof(float)});
    add_value(graph, 11, "x", float_type, {-1, C, size, size});
    add_value(graph, 12, "y", float_type, {-1, M, size, size});
  });
}

class OneConvolution {
 public:
  OneConvolution(int64_t C, int64_t M, int64_t size)
      : C_(C), M_(M), size_(size), x(numbers_(C * size * size)), weights(numbers_(M * C * 9)) {}

  std::vector<float> run(const SessionOptions& options = {}) const {
    const auto session = Session::of_bytes(convolution_of(C_, M_, size_, weights), "one", options);
    Tensor input = session->make(DType::kFloat, {1, C_, size_, size_});
    std::copy(x.begin(), x.end(), input.as<float>());
    std::vector<float> y;
    for (int i = 0; i < 2; ++i) {  // the second time with what the first one packed
      const Tensor made = session->run({{"x", input}}).at(0);
      y.assign(made.as<float>(), made.as<float>() + made.count());
    }
    return y;
  }
  std::vector<double> expected() const {
    return expected_of({1, C_, M_, size_, size_, 1, 1, 1, 1, false}, x, weights, {}, {});
  }

 private:
  int64_t C_, M_, size_;
  Numbers numbers_;

 public:
  std::vector<float> x, weights;
};

TEST(Winograd, IsForManyChannelsAndTiles) {
  const Kernels& kernels = *usable_kernels().back();
  EXPECT_TRUE(WinogradWeights::pays(kernels, {56, 56}, 64, 64));
  EXPECT_TRUE(WinogradWeights::pays(kernels, {14, 14}, 256, 256));
  EXPECT_FALSE(WinogradWeights::pays(kernels, {224, 224}, 64, 3));
  EXPECT_FALSE(WinogradWeights::pays(kernels, {224, 224}, 64, 1));
  EXPECT_FALSE(WinogradWeights::pays(kernels, {2, 2}, 64, 64));
  EXPECT_TRUE(WinogradWeights::pays(kernels, {5, 5}, 256, 256));
  EXPECT_FALSE(WinogradWeights::pays(kernels, {5, 5}, 512, 512));  // whose weights are far away
  EXPECT_TRUE(WinogradWeights::fits({{3, 3}, {1, 1}, {1, 1}, {0, 0}, {2, 2}}));
  EXPECT_FALSE(WinogradWeights::fits({{3, 3}, {2, 1}, {1, 1}, {0, 0}, {2, 2}}));
  EXPECT_FALSE(WinogradWeights::fits({{3, 3}, {1, 1}, {1, 2}, {0, 0}, {2, 2}}));
  EXPECT_FALSE(WinogradWeights::fits({{3, 5}, {1, 1}, {1, 1}, {0, 0}, {2, 2}}));
}

// Each number that is none, or beyond float32, is where it belongs and nowhere else.
TEST(Winograd, KeepsNumbersThatAreNoneInTheirWindows) {
  constexpr int64_t kSize = 20, kChannels = 32;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float odd : {kInfinity, std::numeric_limits<float>::quiet_NaN(), -2e38f})
    for (const int64_t at : {0, 7 * 20 + 9, 19 * 20 + 19}) {
      OneConvolution one(kChannels, kChannels, kSize);
      one.x[static_cast<size_t>(at)] = odd;
      const auto expected = one.expected();
      for (const Kernels* kernels : usable_kernels()) {
        const auto y = one.run({.kernels = kernels});
        ASSERT_EQ(y.size(), expected.size());
        for (size_t i = 0; i < y.size(); ++i) {
          const auto wanted = static_cast<float>(expected[i]);
          if (std::isfinite(wanted) && std::abs(wanted) < 1e30f)
            ASSERT_NEAR(y[i], wanted, 1e-3) << i;
          else if (std::isfinite(wanted))
            ASSERT_NEAR(y[i] / wanted, 1, 1e-5) << i;
          else
            ASSERT_FALSE(std::isfinite(y[i])) << i;
        }
      }
    }
  OneConvolution one(kChannels, kChannels, kSize);
  one.weights[0] = kInfinity;  // of the first of all outputs alone
  const auto y = one.run();
  EXPECT_FALSE(std::isfinite(y[5 * kSize + 5]));
  for (size_t i = kSize * kSize; i < y.size(); ++i) ASSERT_TRUE(std::isfinite(y[i])) << i;
}

// Where four times as many weights do not fit, the windows' products do.
TEST(Winograd, LeavesTheLimitOfMemoryToOthers) {
  const OneConvolution one(128, 128, 12);
  const auto expected = one.expected();
  const auto y = one.run({.most_bytes = 2 << 20});
  double largest = 0;
  for (const double number : expected) largest = std::max(largest, std::abs(number));
  for (size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], expected[i], 1e-5 * largest) << i;
}

}  // namespace
}  // namespace braid::runner
