// Weights that are stored in 4 bits: what a file computes with them is what its twin computes that
// stores the same numbers in 8.
#include <gtest/gtest.h>

#include <cstring>
#include <stdexcept>

#include "tests/runner/narrow_weights.h"

namespace braid::runner {
namespace {

const StoredTensor& stored_tensor(const OnnxFile& file, const std::string& name) {
  for (const auto& tensor : file.tensors)
    if (tensor.name == name) return tensor;
  throw std::out_of_range(name);
}

TEST(Int4, IsReadAsTheNumbersThatWereStored) {
  for (const auto& name : quantized_case_names()) {
    const auto narrow = narrow_case_model(name, DType::kInt4),
               wide = narrow_case_model(name, DType::kInt8);
    EXPECT_LT(narrow.size(), wide.size());
    const auto a = parse_onnx(narrow, name), b = parse_onnx(wide, name);
    for (const char* tensor : {"w", "zw"}) {
      const auto &numbers = stored_tensor(a, tensor), &expected = stored_tensor(b, tensor);
      EXPECT_EQ(numbers.dtype, DType::kInt4);
      EXPECT_EQ(numbers.dims, expected.dims);
      ASSERT_EQ(numbers.bytes.size(), expected.bytes.size());
      EXPECT_EQ(0, std::memcmp(numbers.bytes.data(), expected.bytes.data(), expected.bytes.size()));
    }
  }
}

class Int4Cases : public ::testing::TestWithParam<std::string> {};

TEST_P(Int4Cases, ComputeWhatTheirTwinsIn8BitsCompute) {
  const auto narrow = narrow_case_model(GetParam(), DType::kInt4),
             wide = narrow_case_model(GetParam(), DType::kInt8);
  for (const Kernels* kernels : usable_kernels())
    for (const int threads : {1, 2})
      for (const bool fuses : {true, false}) {
        SCOPED_TRACE(std::string(kernels->name) + (fuses ? " fused" : " as it is"));
        const SessionOptions options{.threads = threads, .fuses = fuses, .kernels = kernels};
        const auto session = Session::of_bytes(narrow, GetParam(), options),
                   twin = Session::of_bytes(wide, GetParam(), options);
        EXPECT_EQ(session->steps(), twin->steps());
        const auto inputs = case_tensors(*session, GetParam(), "in");
        for (int run = 0; run < 2; ++run) {  // the second with what the first one packed
          const auto got = session->run(inputs), expected = twin->run(inputs);
          ASSERT_EQ(got.size(), expected.size());
          for (size_t i = 0; i < got.size(); ++i) {
            ASSERT_EQ(got[i].dims(), expected[i].dims());
            EXPECT_EQ(0, std::memcmp(got[i].raw(), expected[i].raw(), expected[i].byte_size()));
          }
        }
      }
}

INSTANTIATE_TEST_SUITE_P(Cases, Int4Cases, ::testing::ValuesIn(quantized_case_names()),
                         [](const auto& info) { return info.param; });

TEST(Int4, WeightsAreComputedWithAsBytes) {
  // The input is quantized by one operator, the rest is one more.
  for (const char* name : {"quantized_conv", "quantized_matmul", "quantized_gemm"})
    EXPECT_EQ(Session::of_bytes(narrow_case_model(name, DType::kInt4), name)->steps(), 2U) << name;
}

template <class T>
Tensor tensor_of(const RunContext& context, DType dtype, const Dims& dims,
                 const std::vector<T>& numbers) {
  Tensor tensor = context.make(dtype, dims);
  std::memcpy(tensor.raw(), numbers.data(), tensor.byte_size());
  return tensor;
}

TEST(Int4, WeightsLeaveWhenTheyArePacked) {
  ThreadPool threads(1);
  BufferPool pool(1 << 20, "test");
  const RunContext context{threads, pool, kernels()};
  const Tensor x = tensor_of<uint8_t>(context, DType::kUint8, {1, 3}, {3, 4, 6});
  const Tensor weight = tensor_of<int8_t>(context, DType::kInt4, {3, 2}, {1, -8, 7, 0, -1, 2});
  const Tensor scale = tensor_of<float>(context, DType::kFloat, {}, {0.5F});
  const Tensor zero = tensor_of<uint8_t>(context, DType::kUint8, {}, {4});
  const Tensor scales = tensor_of<float>(context, DType::kFloat, {2}, {1, 2});
  const FileNode node{.op_type = "braid.QuantizedLinear",
                      .name = "product",
                      .inputs = {"x", "weight", "", "", "scale", "zero", "scales"},
                      .outputs = {"y"},
                      .attributes = {}};
  const auto op = op_table().at(node.op_type)(NodeView(
      node, {nullptr, &weight, nullptr, nullptr, &scale, &zero, &scales}, 21, "the product"));
  EXPECT_TRUE(op->keeps(1));
  EXPECT_FALSE(op->keeps(0));
  EXPECT_FALSE(weight.is_sole());
  Inputs inputs;
  inputs.add(&x, false);
  for (int run = 0; run < 2; ++run) {
    const Tensor y = op->run(context, inputs).at(0);
    EXPECT_TRUE(weight.is_sole()) << "the operator needs its packed copy alone";
    ASSERT_EQ(y.dims(), (Dims{1, 2}));
    EXPECT_FLOAT_EQ(y.as<float>()[0], 0.5F * (-1 * 1 + 0 * 7 + 2 * -1));
    EXPECT_FLOAT_EQ(y.as<float>()[1], 0.5F * 2 * (-1 * -8 + 0 * 0 + 2 * 2));
  }
}

}  // namespace
}  // namespace braid::runner
