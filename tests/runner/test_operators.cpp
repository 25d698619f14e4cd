// Each operator against ONNX Runtime, with every set of kernels that this processor can run.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tests/runner/cases.h"

namespace braid::runner {
namespace {

// One level where numbers are rounded to bytes; 3e-5 of the largest number elsewhere.
void expect_close(const Tensor& got, const Tensor& expected) {
  ASSERT_EQ(to_string(got.dtype()), to_string(expected.dtype()));
  ASSERT_EQ(got.dims(), expected.dims());
  if (expected.dtype() == DType::kFloat) {
    float largest = 0;
    for (int64_t i = 0; i < expected.count(); ++i)
      largest = std::max(largest, std::abs(expected.as<float>()[i]));
    for (int64_t i = 0; i < expected.count(); ++i)
      ASSERT_NEAR(got.as<float>()[i], expected.as<float>()[i], 3e-5f * largest + 1e-7f) << i;
  } else if (expected.dtype() == DType::kDouble) {
    for (int64_t i = 0; i < expected.count(); ++i)
      ASSERT_DOUBLE_EQ(got.as<double>()[i], expected.as<double>()[i]) << i;
  } else if (expected.dtype() == DType::kUint8) {
    for (int64_t i = 0; i < expected.count(); ++i)
      ASSERT_LE(std::abs(got.as<uint8_t>()[i] - expected.as<uint8_t>()[i]), 1) << i;
  } else if (expected.dtype() == DType::kInt8) {
    for (int64_t i = 0; i < expected.count(); ++i)
      ASSERT_LE(std::abs(got.as<int8_t>()[i] - expected.as<int8_t>()[i]), 1) << i;
  } else {
    ASSERT_EQ(0, std::memcmp(got.raw(), expected.raw(), expected.byte_size()));
  }
}

class Operators : public ::testing::TestWithParam<std::string> {};

TEST_P(Operators, AreThoseOfOnnxRuntime) {
  const auto model = case_model(GetParam());
  for (const Kernels* kernels : usable_kernels())
    for (const int threads : {1, 2})
      for (const bool fuses : {true, false}) {
        SCOPED_TRACE(std::string(kernels->name) + (fuses ? " fused" : " as it is"));
        const auto session = Session::of_bytes(
            model, GetParam(), {.threads = threads, .fuses = fuses, .kernels = kernels});
        const auto inputs = case_tensors(*session, GetParam(), "in");
        const auto expected = case_tensors(*session, GetParam(), "out");
        for (int run = 0; run < 2; ++run) {  // the second with what the first one packed
          const auto outputs = session->run(inputs);
          ASSERT_EQ(outputs.size(), expected.size());
          for (size_t i = 0; i < outputs.size(); ++i)
            expect_close(outputs[i], expected.at(session->outputs()[i].name));
        }
      }
}

INSTANTIATE_TEST_SUITE_P(Cases, Operators, ::testing::ValuesIn(case_names()),
                         [](const auto& info) { return info.param; });

TEST(Fusions, JoinWhatFollowsAProduct) {
  for (const char* name : {"conv_relu_residual", "conv_silu", "linear", "linear_residual",
                           "conv_pad", "batch_norm_relu"}) {
    const auto model = case_model(name);
    EXPECT_EQ(Session::of_bytes(model, name)->steps(), 1u) << name;
    EXPECT_GT(Session::of_bytes(model, name, {.fuses = false})->steps(), 1u) << name;
  }
}

TEST(Fusions, ComputeQuantizedProductsInWholeNumbers) {
  // The input is quantized by one operator, the rest is one more.
  for (const char* name : {"quantized_conv", "quantized_matmul", "quantized_gemm"})
    EXPECT_EQ(Session::of_bytes(case_model(name), name)->steps(), 2u) << name;
}

TEST(Fusions, KeepBytesBetweenConvolutions) {
  // To bytes; padded, by channel, to bytes; 1x1, to bytes.
  for (const char* name : {"quantized_chain", "quantized_chain_signed"})
    EXPECT_EQ(Session::of_bytes(case_model(name), name)->steps(), 3u) << name;
}

TEST(Fusions, PadWithNothingButZeros) {
  EXPECT_EQ(Session::of_bytes(case_model("conv_pad_ones"), "conv_pad_ones")->steps(), 2u);
}

}  // namespace
}  // namespace braid::runner
