#include "braid/nn/conv/whiten.h"

#include <gtest/gtest.h>

namespace braid::nn {
namespace {

// Images whose channels and neighbours hang together.
torch::Tensor correlated_images() {
  torch::manual_seed(0);
  const auto noise = torch::randn({64, 1, 12, 12});
  return 5 * torch::avg_pool2d(torch::cat({noise, 0.5 * noise + 0.1, noise.flip(3)}, 1) +
                                   0.3 * torch::randn({64, 3, 12, 12}),
                               2, 1);
}

TEST(WhitenStem, OutputsAreUncorrelatedAndOfVarianceOne) {
  const auto images = correlated_images();
  torch::nn::Conv2d conv(torch::nn::Conv2dOptions(3, 24, 2));
  whiten_stem_(conv, images);
  const torch::NoGradGuard no_grad;
  const auto out = conv->forward(images).to(torch::kDouble).transpose(0, 1).flatten(1);  // [24,P]
  const auto half = out.narrow(0, 0, 12);
  const auto second_moments = half.mm(half.t()) / half.size(1);
  // The weakest directions fall short of one by what keeps them from being blown up.
  EXPECT_LT((second_moments - torch::eye(12, torch::kDouble)).abs().max().item<double>(), 0.01);
  EXPECT_TRUE(out.narrow(0, 12, 12).allclose(-half, 1e-6, 1e-6));
  EXPECT_EQ(conv->bias.abs().max().item<double>(), 0);
}

TEST(WhitenStem, TakesTheStrongestDirectionsAndLeavesTheRest) {
  const auto images = correlated_images();
  torch::nn::Conv2d few(torch::nn::Conv2dOptions(3, 4, 2)),
      many(torch::nn::Conv2dOptions(3, 30, 2));
  const auto left_over = many->weight.detach().narrow(0, 24, 6).clone();
  whiten_stem_(few, images);
  whiten_stem_(many, images);
  EXPECT_TRUE(few->weight.narrow(0, 0, 2).equal(many->weight.narrow(0, 0, 2)));
  EXPECT_TRUE(many->weight.narrow(0, 24, 6).equal(left_over));
  // A kernel is longer the weaker its direction is.
  const auto lengths = many->weight.detach().narrow(0, 0, 12).flatten(1).norm(2, 1);
  EXPECT_TRUE(lengths.equal(std::get<0>(lengths.sort())));
}

TEST(WhitenStem, ImagesMayBeTakenBlockByBlock) {
  const auto images = correlated_images();
  torch::manual_seed(1);
  torch::nn::Conv2d whole(torch::nn::Conv2dOptions(3, 24, 2));
  torch::manual_seed(1);
  torch::nn::Conv2d blocks(torch::nn::Conv2dOptions(3, 24, 2));
  whiten_stem_(whole, images);
  whiten_stem_(blocks, images, /*most_numbers=*/10000);  // does not divide the images
  EXPECT_TRUE(blocks->weight.allclose(whole->weight, 1e-5, 1e-6));
  torch::nn::Conv2d single(torch::nn::Conv2dOptions(3, 24, 2));
  whiten_stem_(single, images, /*most_numbers=*/1);
  EXPECT_TRUE(single->weight.allclose(whole->weight, 1e-5, 1e-6));
}

TEST(WhitenStem, ImagesWithoutVarianceGiveFiniteKernels) {
  torch::nn::Conv2d conv(torch::nn::Conv2dOptions(1, 16, 2));
  whiten_stem_(conv, torch::zeros({4, 1, 8, 8}));
  EXPECT_TRUE(conv->weight.isfinite().all().item<bool>());
}

}  // namespace
}  // namespace braid::nn
