// Fused convolutions against the branches they replace.
#include <gtest/gtest.h>

#include "braid/core/error.h"
#include "braid/models/vision/hybrid/fastvit_blocks.h"
#include "braid/models/vision/hybrid/mobile_one.h"
#include "braid/nn/conv/reparameterize.h"

namespace braid::models {
namespace {

// Weights, gains and statistics far from their initial values, where an error would hide.
void scramble(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  module.to(torch::kDouble);
  for (auto& p : module.parameters()) p.normal_(0.3, 1.0);
  for (auto& item : module.named_buffers()) {
    if (item.key().ends_with("running_mean")) item.value().normal_();
    if (item.key().ends_with("running_var")) item.value().uniform_(0.5, 2.0);
  }
  module.eval();
}

std::vector<std::string> keys(const torch::nn::Module& module) {
  std::vector<std::string> names = module.named_parameters().keys();
  for (const auto& name : module.named_buffers().keys()) names.push_back(name);
  return names;
}

template <class Block, class Config>
void expect_fuses(Config config, int64_t chans) {
  torch::manual_seed(2);
  Block block(config);
  scramble(*block);
  const auto x = torch::randn({2, chans, 9, 8}, torch::kDouble);
  const auto expected = block->forward(x);
  block->reparameterize();
  EXPECT_TRUE(block->forward(x).allclose(expected, 1e-10, 1e-10));
  const auto fused = keys(*block);
  block->reparameterize();  // nothing more
  EXPECT_EQ(keys(*block), fused);
  config.inference_mode = true;
  EXPECT_EQ(keys(*Block(config)), fused) << "what a fused checkpoint is loaded into";
}

TEST(Reparameterize, MobileOneOfEveryShape) {
  for (const int64_t kernel : {1, 3, 5})
    for (const int64_t stride : {1, 2})
      for (const int64_t group_size : {0, 1, 2})
        for (const int64_t out : {4, 8}) {
          SCOPED_TRACE(testing::Message() << "kernel " << kernel << " stride " << stride
                                          << " group " << group_size << " out " << out);
          expect_fuses<MobileOne>(MobileOneConfig{.in_chs = 4,
                                                  .out_chs = out,
                                                  .kernel_size = kernel,
                                                  .stride = stride,
                                                  .group_size = group_size,
                                                  .num_conv_branches = 2},
                                  4);
        }
}

TEST(Reparameterize, MobileOneKeepsSqueezeAndExcitation) {
  expect_fuses<MobileOne>(MobileOneConfig{.in_chs = 8, .out_chs = 32, .use_se = true}, 8);
}

TEST(Reparameterize, LargeKernelConv) {
  expect_fuses<LargeKernelConv>(
      LargeKernelConvConfig{.in_chs = 4, .out_chs = 8, .kernel_size = 7, .stride = 2}, 4);
}

TEST(Reparameterize, RepMixer) {
  expect_fuses<RepMixer>(RepMixerConfig{.dim = 6, .kernel_size = 5}, 6);
}

TEST(Reparameterize, RefusesTrainingMode) {
  torch::nn::Sequential model(MobileOne(MobileOneConfig{.in_chs = 2, .out_chs = 2}));
  EXPECT_THROW(nn::reparameterize_modules(*model), UsageError);
  const auto before = keys(*model);
  model->eval();
  nn::reparameterize_modules(*model);
  EXPECT_NE(keys(*model), before);
}

}  // namespace
}  // namespace braid::models
