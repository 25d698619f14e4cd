// Convolution, norm and activation: names, the folded form, and lists of blocks.
#include "braid/nn/conv/conv_norm_act.h"

#include <functional>
#include <string>
#include <vector>

#include "braid/nn/basic/block_list.h"
#include "braid/nn/mlp/conv_norm_mlp.h"
#include "braid/runtime/autocast.h"
#include "tests/nn/fixture.h"

namespace braid::nn {
namespace {

std::vector<std::string> keys(const torch::nn::Module& module) {
  return module.named_parameters().keys();
}
using Keys = std::vector<std::string>;

TEST(ConvNormActTest, HasTheKeysThatItsConfigNames) {
  EXPECT_EQ(keys(*ConvNormAct(ConvNormActConfig{.in_chs = 2, .out_chs = 3})),
            (Keys{"conv.weight", "bn.weight", "bn.bias"}));
  EXPECT_EQ(keys(*ConvNormAct(ConvNormActConfig{
                .in_chs = 2, .out_chs = 3, .bias = true, .conv_key = "c", .norm_key = "1"})),
            (Keys{"c.weight", "c.bias", "1.weight", "1.bias"}));
}

TEST(ConvNormActTest, FoldsToOneConvolutionOfTheSameFunction) {
  torch::manual_seed(1);
  const torch::NoGradGuard no_grad;
  for (const bool bias : {false, true})
    for (const int64_t stride : {1, 2})
      for (const int64_t kernel : {1, 3}) {
        ConvNormActConfig config{.in_chs = 4,
                                 .out_chs = 6,
                                 .kernel_size = kernel,
                                 .stride = stride,
                                 .groups = 2,
                                 .bias = bias,
                                 .act = Act::kGelu,
                                 .foldable = true};
        ConvNormAct layer(config);
        layer->to(torch::kDouble);
        layer->eval();
        randomize(*layer);
        const auto x = torch::randn({2, 4, 7, 5}, torch::kDouble);
        const auto before = layer->forward(x);
        reparameterize_modules(*layer);
        EXPECT_LT(largest_difference(layer->forward(x), before), 1e-12);
        EXPECT_EQ(keys(*layer), (Keys{"weight", "bias"}));
        config.inference_mode = true;
        EXPECT_EQ(keys(*ConvNormAct(config)), keys(*layer));
      }
}

TEST(ConvNormActTest, StaysAsItIsUnlessItIsFoldable) {
  ConvNormAct layer(ConvNormActConfig{.in_chs = 2, .out_chs = 2});
  layer->eval();
  reparameterize_modules(*layer);
  EXPECT_EQ(keys(*layer), (Keys{"conv.weight", "bn.weight", "bn.bias"}));
}

TEST(Convolve, KeepsStridedDepthwiseTrainingInFloat32) {
  const ConvSituation slow{
      .cpu_bf16 = true, .gradient = true, .in_chs = 8, .groups = 8, .stride = 2};
  EXPECT_TRUE(stays_float32(slow));
  const auto choice = [&](const std::function<void(ConvSituation&)>& change) {
    auto situation = slow;
    change(situation);
    return stays_float32(situation);
  };
  EXPECT_FALSE(choice([](auto& s) { s.cpu_bf16 = false; }));
  EXPECT_FALSE(choice([](auto& s) { s.gradient = false; }));
  EXPECT_FALSE(choice([](auto& s) { s.stride = 1; }));
  EXPECT_FALSE(choice([](auto& s) { s.groups = 4; })) << "groups of two channels";
  EXPECT_FALSE(choice([](auto& s) { s.groups = s.in_chs = 1; })) << "a gray image";
}

TEST(Convolve, GivesTheTypeOfAutocast) {
  torch::manual_seed(3);
  auto layer = conv2d(8, 8, {.kernel_size = 3, .stride = 2, .groups = 8});
  const auto x = torch::randn({2, 8, 9, 9});
  const auto exact = layer->forward(x);
  EXPECT_TRUE(convolve(layer, x).equal(exact));
  const runtime::Autocast autocast(torch::kCPU, "bfloat16");
  const auto y = convolve(layer, x);
  EXPECT_EQ(y.scalar_type(), torch::kBFloat16);
  EXPECT_TRUE(y.equal(exact.to(torch::kBFloat16))) << "computed in float32";
  y.to(torch::kFloat).sum().backward();
  EXPECT_EQ(layer->weight.grad().scalar_type(), torch::kFloat);
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(convolve(layer, x).equal(layer->forward(x))) << "as autocast has it";
}

std::string how(const torch::Tensor& y) { return y.grad_fn()->name(); }

TEST(Convolve, HasDepthwiseConvolutionsOfItsOwnInTrainingAlone) {
  torch::manual_seed(3);
  const auto x = torch::randn({2, 24, 9, 8}).contiguous(at::MemoryFormat::ChannelsLast);
  for (const int64_t kernel : {3, 5, 7})
    for (const int64_t stride : {1, 2})
      for (const bool bias : {false, true}) {
        auto layer =
            conv2d(24, 24, {.kernel_size = kernel, .stride = stride, .groups = 24, .bias = bias});
        const auto expected = layer->forward(x);
        const auto y = convolve(layer, x);
        EXPECT_LT(largest_difference(y, expected), 1e-5);
        EXPECT_NE(how(y).find("FusedDepthwiseConv"), std::string::npos) << how(y);
        EXPECT_EQ(how(convolve(layer, x.contiguous())), how(expected)) << "another layout";
        {
          const torch::NoGradGuard no_grad;
          EXPECT_TRUE(convolve(layer, x).equal(expected));
        }
        layer->eval();
        EXPECT_TRUE(convolve(layer, x).equal(expected));
        EXPECT_EQ(how(convolve(layer, x)), how(expected)) << "what capture observes";
      }
}

TEST(Convolve, LeavesOtherConvolutionsToLibTorch) {
  const auto x = torch::randn({2, 8, 9, 9}).contiguous(at::MemoryFormat::ChannelsLast);
  const auto options = [] { return torch::nn::Conv2dOptions(8, 8, 3).groups(8); };
  for (const auto& other :
       {options().dilation(2), options().padding(1).padding_mode(torch::kReflect),
        options().padding(torch::kSame), options().stride({1, 2}), options().padding({0, 1}),
        options().groups(4), torch::nn::Conv2dOptions(8, 16, 3).groups(8),
        torch::nn::Conv2dOptions(8, 8, 9).groups(8).padding(4)}) {
    torch::nn::Conv2d layer(other);
    EXPECT_TRUE(convolve(layer, x).equal(layer->forward(x)));
    EXPECT_EQ(how(convolve(layer, x)), how(layer->forward(x)));
  }
}

TEST(Convolve, RoundsNoWeightsUnderAutocast) {
  torch::manual_seed(3);
  auto layer = conv2d(16, 16, {.kernel_size = 3, .stride = 2, .groups = 16});
  const auto x = torch::randn({2, 16, 9, 9}).contiguous(at::MemoryFormat::ChannelsLast);
  const auto exact = layer->forward(x.to(torch::kBFloat16).to(torch::kFloat));
  const runtime::Autocast autocast(torch::kCPU, "bfloat16");
  const auto y = convolve(layer, x);
  EXPECT_EQ(y.scalar_type(), torch::kBFloat16);
  EXPECT_LT(largest_difference(y.to(torch::kFloat), exact),
            4e-3 * exact.abs().max().item<double>());
  y.to(torch::kFloat).sum().backward();
  EXPECT_EQ(layer->weight.grad().scalar_type(), torch::kFloat);
}

TEST(ConvNormMlpTest, FoldsWithItsConvolutions) {
  torch::manual_seed(1);
  const torch::NoGradGuard no_grad;
  ConvNormMlp layer(
      ConvNormMlpConfig{.dim = 4, .hidden = 6, .depthwise = true, .bias = true, .foldable = true});
  layer->to(torch::kDouble);
  layer->eval();
  randomize(*layer);
  const auto x = torch::randn({2, 4, 5, 5}, torch::kDouble);
  const auto before = layer->forward(x);
  reparameterize_modules(*layer);
  EXPECT_LT(largest_difference(layer->forward(x), before), 1e-12);
  EXPECT_EQ(keys(*layer),
            (Keys{"fc1.weight", "fc1.bias", "mid.weight", "mid.bias", "fc2.weight", "fc2.bias"}));
}

TEST(BlockListTest, RunsItsBlocksUnderTheirNumbers) {
  torch::manual_seed(1);
  BlockList blocks("b", 1);
  ConvNormAct first(ConvNormActConfig{.in_chs = 2, .out_chs = 3}),
      second(ConvNormActConfig{.in_chs = 3, .out_chs = 2, .act = Act::kRelu});
  blocks->push_back(first);
  blocks->push_back(second);
  EXPECT_EQ(keys(*blocks), (Keys{"b1.conv.weight", "b1.bn.weight", "b1.bn.bias", "b2.conv.weight",
                                 "b2.bn.weight", "b2.bn.bias"}));
  EXPECT_EQ(blocks->size(), 2u);
  const auto gradients = [&](bool checkpointing) {
    blocks->zero_grad();
    const auto x = torch::ones({1, 2, 3, 3}).requires_grad_();
    const auto y = blocks->forward(x * torch::arange(3), checkpointing);
    EXPECT_TRUE(y.equal(second->forward(first->forward(x * torch::arange(3)))));
    y.square().sum().backward();
    return blocks->parameters()[0].grad().clone();
  };
  EXPECT_TRUE(gradients(false).equal(gradients(true)));
}

}  // namespace
}  // namespace braid::nn
