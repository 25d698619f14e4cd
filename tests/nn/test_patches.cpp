// Convolutions over patches as products of matrices, against LibTorch's convolution.
#include "braid/nn/conv/patches.h"

#include <gtest/gtest.h>

#include <vector>

#include "braid/nn/conv/conv.h"
#include "braid/runtime/autocast.h"
#include "tests/nn/fixture.h"

namespace braid::nn {
namespace {

using torch::Tensor;

struct PatchCase {
  std::vector<int64_t> shape;
  int64_t kernel, out;
  bool bias;
};
const std::vector<PatchCase> kPatchCases = {{{2, 1, 28, 28}, 7, 16, true},
                                            {{2, 3, 9, 14}, 4, 8, true},
                                            {{1, 3, 5, 5}, 5, 3, false},
                                            {{3, 6, 8, 6}, 2, 4, false}};

torch::nn::Conv2d layer_of(const PatchCase& c) {
  torch::manual_seed(1);
  return conv2d(c.shape[1], c.out,
                {.kernel_size = c.kernel, .stride = c.kernel, .bias = c.bias, .padding = 0});
}

TEST(Patches, AreTheConvolution) {
  for (const auto& c : kPatchCases) {
    auto layer = layer_of(c);
    layer->to(torch::kDouble);
    const auto x = torch::randn(c.shape, torch::kDouble).requires_grad_();
    const auto input = x.contiguous(at::MemoryFormat::ChannelsLast);
    ASSERT_TRUE(suits_patch_product(*layer, input));
    const auto found = patch_product(layer, input), truth = layer->forward(input);
    EXPECT_LT(largest_difference(found, truth), 1e-12);
    EXPECT_TRUE(found.is_contiguous(at::MemoryFormat::ChannelsLast));
    std::vector<Tensor> leaves = {x, layer->weight};
    if (c.bias) leaves.push_back(layer->bias);
    const auto dy = torch::randn_like(truth);
    const auto of_found = torch::autograd::grad({found}, leaves, {dy});
    const auto of_truth = torch::autograd::grad({truth}, leaves, {dy});
    for (size_t i = 0; i < leaves.size(); ++i)
      EXPECT_LT(largest_difference(of_found[i], of_truth[i]), 1e-12) << i;
  }
}

TEST(Patches, AreTakenInBFloat16TrainingAlone) {
  auto layer = layer_of(kPatchCases[0]);
  const auto x = torch::randn(kPatchCases[0].shape);
  const auto exact = layer->forward(x);
  EXPECT_TRUE(convolve(layer, x).equal(exact));
  const runtime::Autocast autocast(torch::kCPU, "bfloat16");
  const auto found = convolve(layer, x);
  EXPECT_EQ(found.scalar_type(), torch::kBFloat16);
  EXPECT_LT(largest_difference(found.to(torch::kFloat), exact),
            0.02 * exact.abs().max().item<double>());
  EXPECT_TRUE(found.equal(patch_product(layer, x.to(torch::kBFloat16))));
  layer->eval();
  EXPECT_TRUE(convolve(layer, x).equal(layer->forward(x)));
}

TEST(Patches, OtherConvolutionsAreNone) {
  const auto x = torch::randn({2, 4, 8, 8});
  const auto suits = [&](const torch::nn::Conv2dOptions& options) {
    return suits_patch_product(*torch::nn::Conv2d(options), x);
  };
  const torch::nn::Conv2dOptions plain(4, 8, 2);
  EXPECT_TRUE(suits(torch::nn::Conv2dOptions(plain).stride(2)));
  EXPECT_FALSE(suits(plain)) << "they overlap";
  EXPECT_FALSE(suits(torch::nn::Conv2dOptions(plain).stride(2).padding(1)));
  EXPECT_FALSE(suits(torch::nn::Conv2dOptions(plain).stride(2).groups(4)));
  EXPECT_FALSE(suits(torch::nn::Conv2dOptions(plain).stride(2).dilation(2)));
  EXPECT_FALSE(suits(torch::nn::Conv2dOptions(4, 8, 1).stride(1)));
  EXPECT_FALSE(suits(torch::nn::Conv2dOptions(4, 8, 9).stride(9))) << "larger than the image";
}

}  // namespace
}  // namespace braid::nn
