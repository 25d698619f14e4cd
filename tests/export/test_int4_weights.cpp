// Weights of 4 bits: what is written is what is read, and computes what 8 bits of the same numbers
// compute.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <protozero/pbf_reader.hpp>
#include <span>
#include <string>
#include <vector>

#include "braid/compress/quantize.h"
#include "braid/export/file_proof.h"
#include "braid/export/onnx/emitter.h"
#include "braid/export/onnx/export_onnx.h"
#include "braid/export/onnx/proto.h"
#include "braid/graph/replay.h"
#include "braid/io/int4.h"
#include "braid/runner/session.h"
#include "tests/compress/graphs.h"

namespace braid::onnx {
namespace {

using torch::Tensor;

std::span<const uint8_t> span_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

int64_t ir_version_in(const std::string& bytes) {
  protozero::pbf_reader model(bytes);
  return model.next(1) ? model.get_int64() : 0;
}

TEST(Int4Weights, OddAndEvenCountsAreReadAsTheyWereWritten) {
  ModelProto model{.opset = kOpsetOfInt4, .producer_version = "", .name = "x"};
  std::map<std::string, std::vector<int8_t>> written;
  for (const int64_t rows : {1, 2, 3, 7, 8}) {
    std::vector<int8_t> numbers;
    for (int64_t i = 0; i < rows * 3; ++i)
      numbers.push_back(static_cast<int8_t>(i * 5 % 16 - 8));  // -8 to 7
    const auto name = "rows" + std::to_string(rows);
    model.initializers.push_back({.name = name,
                                  .type = DataType::kInt4,
                                  .dims = {rows, 3},
                                  .bytes = io::pack_int4(numbers)});
    written[name] = numbers;
  }
  const auto bytes = serialize(model);
  EXPECT_EQ(ir_version_in(bytes), 10);
  const auto file = runner::parse_onnx(span_of(bytes), "x");
  EXPECT_EQ(file.opset, 21);
  ASSERT_EQ(file.tensors.size(), written.size());
  for (const auto& tensor : file.tensors) {
    const auto& numbers = written.at(tensor.name);
    EXPECT_EQ(tensor.dtype, runner::DType::kInt4);
    EXPECT_EQ(runner::product(tensor.dims), static_cast<int64_t>(numbers.size()));
    ASSERT_EQ(tensor.bytes.size(), numbers.size());
    EXPECT_EQ(0, std::memcmp(tensor.bytes.data(), numbers.data(), numbers.size())) << tensor.name;
  }
}

// Convolutions, one of them in groups, a layer of tokens and one of vectors between a first and a
// last layer, which keep 8 bits.
graph::Graph many_layers() {
  torch::manual_seed(3);
  const auto stem = torch::randn({16, 3, 3, 3}) / 5, body = torch::randn({30, 16, 3, 3}) / 12,
             grouped = torch::randn({30, 15, 1, 1}) / 4, tokens = torch::randn({25, 30}) / 5,
             vectors = torch::randn({27, 25}) / 5, shift = torch::randn({27}),
             head = torch::randn({6, 27}) / 5;
  return compress::graph_of(
      [=](const Tensor& x) {
        auto y = at::conv2d(at::conv2d(x, stem, {}, 2, 1).relu(), body, {}, 1, 1).relu();
        y = at::conv2d(y, grouped, {}, at::IntArrayRef({1, 1}), at::IntArrayRef({0, 0}),
                       at::IntArrayRef({1, 1}), 2)
                .flatten(2)
                .transpose(1, 2);
        y = at::gelu(at::linear(y, tokens)).mean(1);
        return at::linear(at::linear(y, vectors, shift).relu(), head);
      },
      {3, 8, 8});
}

compress::Quantized quantized_layers(const compress::QuantizeOptions& options) {
  const auto graph = many_layers();
  compress::Samples samples;
  samples.batches.push_back({torch::randn({24, 3, 8, 8})});
  Progress silent;
  return compress::quantize(graph, samples.batches, compress::Judge(graph, samples), options,
                            silent);
}

// The same numbers, a byte each.
graph::Graph stored_in_bytes(graph::Graph graph) {
  for (auto& node : graph.nodes) {
    if (!is_stored_as_int4(graph, node)) continue;
    auto& constant = graph.at(node.value("self")).constant;
    const auto& scales = graph.at(node.value("scale")).constant;
    const auto zeros = torch::zeros({scales.numel()}, torch::kInt);
    constant =
        at::fake_quantize_per_channel_affine(constant.detach(), scales, zeros, node.integer("axis"),
                                             node.integer("quant_min"), node.integer("quant_max"));
    node.argument("quant_min") = graph::int_argument(-127);
    node.argument("quant_max") = graph::int_argument(127);
  }
  return graph;
}

std::vector<float> outputs_of(const std::string& bytes, const Tensor& x) {
  const auto session = runner::Session::of_bytes(span_of(bytes), "x");
  auto input = session->make(runner::DType::kFloat, x.sizes().vec());
  std::memcpy(input.raw(), x.const_data_ptr(), x.nbytes());
  const auto y = session->run({{"x", input}}).at(0);
  return {y.as<float>(), y.as<float>() + y.count()};
}

TEST(Int4Weights, AreAsLargeAsTheyLookAndComputeWhatTheirTwinsInBytesCompute) {
  const auto quantized = quantized_layers({.max_drop = 100, .weight_bits = 4});
  const auto twin = stored_in_bytes(quantized.graph);
  EXPECT_EQ(opset_of(quantized.graph), 21);
  EXPECT_EQ(opset_of(twin), 20);
  const auto narrow = export_onnx(quantized.graph, {}), wide = export_onnx(twin, {});
  EXPECT_EQ(ir_version_in(narrow), 10);
  EXPECT_EQ(ir_version_in(wide), 9);

  const auto file = runner::parse_onnx(span_of(narrow), "narrow");
  EXPECT_EQ(file.opset, 21);
  std::vector<size_t> in_four, in_eight;  // how many numbers the weights have
  size_t spared = 0;
  for (const auto& tensor : file.tensors) {
    const bool four = tensor.dtype == runner::DType::kInt4;
    if (four) spared += tensor.bytes.size() / 2;
    if (tensor.dims.size() < 2) continue;
    if (four) in_four.push_back(tensor.bytes.size());
    if (tensor.dtype == runner::DType::kInt8) in_eight.push_back(tensor.bytes.size());
  }
  std::sort(in_four.begin(), in_four.end());
  std::sort(in_eight.begin(), in_eight.end());
  EXPECT_EQ(in_four, (std::vector<size_t>{30 * 15, 27 * 25, 25 * 30, 30 * 16 * 9}));
  EXPECT_EQ(in_eight, (std::vector<size_t>{6 * 27, 16 * 27})) << "the last and the first layer";
  EXPECT_NEAR(static_cast<double>(wide.size() - narrow.size()), static_cast<double>(spared), 64);

  const auto x = torch::randn({5, 3, 8, 8});
  EXPECT_EQ(outputs_of(narrow, x), outputs_of(wide, x)) << "to the bit";
  const auto proof = prove_file(
      narrow, "narrow",
      {{.inputs = {x}, .expected = graph::replay(quantized.graph, {x}).at(0), .asked = {}}},
      kRoundedLimits);
  ASSERT_TRUE(proof.deviation) << proof.remark;
  EXPECT_GT(graph::replay(quantized.graph, {x}).at(0).abs().max().item<float>(), 0);
}

TEST(Int4Weights, OfOneScaleAndOfFiveBits) {
  const auto naive = quantized_layers({.mode = "naive", .weight_bits = 4});
  EXPECT_EQ(opset_of(naive.graph), 21);
  const auto x = torch::randn({2, 3, 8, 8});
  const auto proof =
      prove_file(export_onnx(naive.graph, {}), "naive",
                 {{.inputs = {x}, .expected = graph::replay(naive.graph, {x}).at(0), .asked = {}}},
                 kRoundedLimits);
  EXPECT_TRUE(proof.deviation) << proof.remark;
  EXPECT_EQ(opset_of(quantized_layers({.mode = "naive", .weight_bits = 5}).graph), 20)
      << "what 4 bits do not hold is a byte each";
}

}  // namespace
}  // namespace braid::onnx
