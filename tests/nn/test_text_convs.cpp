// Convolutions over the tokens of a text.
#include <gtest/gtest.h>

#include "braid/nn/conv/text_convs.h"
#include "tests/ops/gradient_check.h"

namespace braid::nn {
namespace {

// Window by window: what a convolution of size K gives at token i.
torch::Tensor naive_text_convs(TextConvs& convs, const std::vector<int64_t>& sizes,
                               const torch::Tensor& x) {
  std::vector<torch::Tensor> maps;
  for (size_t s = 0; s < sizes.size(); ++s) {
    const auto weight = convs->named_parameters()[std::to_string(s) + ".weight"];
    const auto bias = convs->named_parameters()[std::to_string(s) + ".bias"];
    auto y = bias.expand({x.size(0), x.size(1), -1}).clone();
    for (int64_t i = 0; i < x.size(1); ++i)
      for (int64_t k = 0; k < sizes[s]; ++k)
        if (const int64_t j = i + k - (sizes[s] - 1) / 2; j >= 0 && j < x.size(1))
          y.select(1, i) += x.select(1, j).matmul(weight.select(2, k).t());
    maps.push_back(y.relu());
  }
  return torch::cat(maps, 2);
}

TEST(TextConvs, AreTheSumOverTheirWindows) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  const std::vector<int64_t> sizes = {1, 2, 3, 4, 5};
  TextConvs convs(TextConvsConfig{.in_features = 6, .num_filters = 4, .kernel_sizes = sizes});
  convs->to(torch::kDouble);
  for (const int64_t tokens : {1, 3, 9}) {
    const auto x = torch::randn({2, tokens, 6}, torch::kDouble);
    EXPECT_TRUE(convs->forward(x).allclose(naive_text_convs(convs, sizes, x), 0, 1e-12)) << tokens;
  }
}

TEST(TextConvs, PaddingIsWhatLiesBeyondTheText) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  TextConvs convs(TextConvsConfig{.in_features = 6, .num_filters = 4});
  convs->to(torch::kDouble);
  const auto x = torch::randn({1, 9, 6}, torch::kDouble);
  for (const int64_t first : {0, 4}) {  // padding behind the text, and on both sides
    auto mask = torch::zeros({1, 9}, torch::kBool);
    mask.narrow(1, first, 3).fill_(true);
    const auto alone = convs->forward(x.narrow(1, first, 3));
    EXPECT_TRUE(convs->forward(x, mask).narrow(1, first, 3).equal(alone));
    EXPECT_TRUE(max_over_tokens(convs->forward(x, mask), mask).equal(max_over_tokens(alone)));
  }
}

TEST(TextConvs, GradientIsThatOfFiniteDifferences) {
  torch::manual_seed(1);
  TextConvs convs(TextConvsConfig{.in_features = 3, .num_filters = 2, .kernel_sizes = {2, 3}});
  convs->to(torch::kDouble);
  const auto mask = torch::tensor({1, 1, 1, 0, 1, 0, 0, 0}).view({2, 4}).to(torch::kBool);
  const auto call = [&](const torch::Tensor& x) {
    return max_over_tokens(convs->forward(x, mask), mask);
  };
  EXPECT_LT(ops::gradient_error(call, torch::randn({2, 4, 3}, torch::kDouble)), 1e-8);
}

}  // namespace
}  // namespace braid::nn
