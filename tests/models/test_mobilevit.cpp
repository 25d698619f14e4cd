// MobileViT is no more than the blocks of braid/nn/ in a row.
#include <gtest/gtest.h>

#include "braid/models/registry.h"
#include "braid/models/vision/hybrid/mobilevit_bottleneck.h"
#include "braid/models/vision/image_model.h"
#include "braid/nn/block/mobilevit_block.h"
#include "braid/nn/head/classifier_head.h"
#include "braid/runtime/tensor_file.h"

namespace braid::models {
namespace {

using nn::Act;

BottleneckBlock residual(int64_t in, int64_t out, int64_t stride) {
  return BottleneckBlock(BottleneckBlockConfig{
      .in_chs = in, .out_chs = out, .stride = stride, .bottle_ratio = 4.0, .act = Act::kSilu});
}

// mobilevit_xs, written out.
struct ByHand : torch::nn::Module {
  ByHand() {
    stem = register_module(
        "stem", nn::ConvNormAct(nn::ConvNormActConfig{
                    .in_chs = 3, .out_chs = 16, .kernel_size = 3, .stride = 2, .act = Act::kSilu}));
    const auto attention = [](int64_t chans, int64_t dim, int64_t depth) {
      return nn::MobileViTBlock(nn::MobileViTBlockConfig{
          .in_chs = chans, .transformer_dim = dim, .transformer_depth = depth});
    };
    stages->push_back(torch::nn::Sequential(residual(16, 32, 1)));
    stages->push_back(
        torch::nn::Sequential(residual(32, 48, 2), residual(48, 48, 1), residual(48, 48, 1)));
    stages->push_back(torch::nn::Sequential(residual(48, 64, 2), attention(64, 96, 2)));
    stages->push_back(torch::nn::Sequential(residual(64, 80, 2), attention(80, 120, 4)));
    stages->push_back(torch::nn::Sequential(residual(80, 96, 2), attention(96, 144, 3)));
    register_module("stages", stages);
    final_conv = register_module(
        "final_conv",
        nn::ConvNormAct(nn::ConvNormActConfig{.in_chs = 96, .out_chs = 384, .act = Act::kSilu}));
    head = register_module(
        "head", nn::ClassifierHead(nn::ClassifierHeadConfig{.in_features = 384, .num_classes = 7}));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    auto y = stem->forward(x);
    for (const auto& stage : *stages) y = stage->as<torch::nn::Sequential>()->forward(y);
    return head->forward(final_conv->forward(y));
  }
  nn::ConvNormAct stem{nullptr}, final_conv{nullptr};
  torch::nn::ModuleList stages;
  nn::ClassifierHead head{nullptr};
};

TEST(MobileViT, IsItsBlocksInARow) {
  const torch::NoGradGuard no_grad;
  const auto model = create_model<ImageModel>("mobilevit_xs", {{"num_classes", 7}}, 1);
  const auto by_hand = std::make_shared<ByHand>();
  const auto ours = runtime::named_state(*model);
  auto theirs = runtime::named_state(*by_hand);
  ASSERT_EQ(ours.size(), theirs.size());
  for (auto& [name, tensor] : theirs) tensor.copy_(ours.at(name));
  model->eval();
  by_hand->eval();
  for (const int64_t side : {64, 37}) {  // the patches divide every map, and not
    const auto x = torch::randn({2, 3, side, side});
    EXPECT_TRUE(model->forward(x).equal(by_hand->forward(x))) << side;
  }
}

}  // namespace
}  // namespace braid::models
