// The shared layers against naive twins, and gradients against finite differences in float64.
#include <gtest/gtest.h>

#include <cmath>

#include "braid/core/cpu.h"
#include "braid/core/error.h"
#include "braid/nn/attention/self_attention.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/pad.h"
#include "braid/nn/mlp/mlp.h"
#include "braid/nn/position/position.h"
#include "braid/runtime/autocast.h"
#include "braid/runtime/grad_checkpoint.h"
#include "tests/ops/gradient_check.h"

namespace braid::nn {
namespace {

TEST(Checkpoint, MeetsEveryStepsWeightsUnderAutocast) {
  const auto run = [](bool enable) {
    torch::manual_seed(3);
    torch::nn::Linear layer(8, 8);
    const auto x = torch::randn({2, 8}).requires_grad_();
    torch::Tensor y;
    for (int step = 0; step < 2; ++step) {
      {
        const runtime::Autocast scope(torch::kCPU, "bfloat16");
        y = runtime::maybe_checkpoint(enable, layer, x);
      }
      y.to(torch::kFloat).square().sum().backward();
      const torch::NoGradGuard no_grad;
      layer->weight.add_(1.0);
    }
    return y.detach();
  };
  EXPECT_TRUE(run(false).equal(run(true)));
}

TEST(MlpTest, EqualsItsNaiveTwin) {
  Mlp layer(MlpConfig{.in_features = 6, .hidden_features = 10});
  layer->to(torch::kDouble);
  const auto x = torch::randn({2, 3, 6}, torch::kDouble);
  const auto hidden = x.matmul(layer->fc1->weight.t()) + layer->fc1->bias;
  const auto gelu = 0.5 * hidden * (1 + torch::erf(hidden / std::sqrt(2.0)));
  const auto expected = gelu.matmul(layer->fc2->weight.t()) + layer->fc2->bias;
  EXPECT_LT((layer->forward(x) - expected).abs().max().item<double>(), 1e-12);
  EXPECT_LT(ops::gradient_error([&](const auto& in) { return layer->forward(in); }, x), 1e-8);
}

TEST(DropPath, DropsWholeSamplesAndKeepsTheMean) {
  torch::manual_seed(2);
  const auto x = torch::ones({4000, 3});
  const auto out = drop_path(x, 0.25, true);
  const auto kept = out.select(1, 0) != 0;
  EXPECT_TRUE((out.select(1, 1) == out.select(1, 0)).all().item<bool>()) << "a sample is one";
  EXPECT_NEAR(kept.to(torch::kDouble).mean().item<double>(), 0.75, 0.03);
  EXPECT_NEAR(out.max().item<double>(), 1 / 0.75, 1e-6);
  EXPECT_TRUE(drop_path(x, 0.25, false).equal(x));
  EXPECT_TRUE(drop_path(x, 0, true).equal(x));
  const auto rates = drop_path_rates(0.3, 4);
  ASSERT_EQ(rates.size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(rates[i], 0.1 * static_cast<double>(i), 1e-12);
  const auto stages = drop_path_rates(0.3, std::vector<int64_t>{1, 3});
  ASSERT_EQ(stages.size(), 2u);
  EXPECT_EQ(stages[0], std::vector<double>{rates[0]});
  EXPECT_EQ(stages[1], std::vector<double>(rates.begin() + 1, rates.end()));
}

TEST(Checkpoint, GivesTheGradientsOfThePlainCall) {
  const auto run = [](bool enable) {
    torch::manual_seed(3);
    SelfAttention layer(
        SelfAttentionConfig{.dim = 8, .num_heads = 2, .attn_drop = 0.3, .proj_drop = 0.3});
    layer->to(torch::kDouble);
    auto x = torch::randn({2, 4, 8}, torch::kDouble).requires_grad_();
    const auto y = runtime::maybe_checkpoint(enable, layer, x);
    const auto next = torch::rand({3});  // what comes after draws the same numbers
    y.square().sum().backward();
    return std::vector<torch::Tensor>{y.detach(), x.grad(), layer->qkv->weight.grad(), next};
  };
  const auto plain = run(false), replayed = run(true);
  for (size_t i = 0; i < plain.size(); ++i)
    EXPECT_TRUE(plain[i].allclose(replayed[i], 1e-12, 1e-12)) << i;
}

TEST(Autocast, BfloatInsideFloatOutside) {
  const auto a = torch::randn({4, 4}), b = torch::randn({4, 4});
  {
    const runtime::Autocast scope(torch::kCPU, "bfloat16");
    EXPECT_EQ(a.mm(b).scalar_type(), torch::kBFloat16);
  }
  EXPECT_EQ(a.mm(b).scalar_type(), torch::kFloat);
  {
    const runtime::Autocast scope(torch::kCPU, "float32");
    EXPECT_EQ(a.mm(b).scalar_type(), torch::kFloat);
  }
  EXPECT_EQ(runtime::resolve_dtype("auto", torch::kCPU),
            cpu_has_bf16_matrix() ? "bfloat16" : "float32");
  EXPECT_THROW(runtime::resolve_dtype("float8", torch::kCPU), ConfigError);
}

TEST(Position, ResamplingKeepsConstantsAndPrefixes) {
  auto embedding = torch::full({1, 1 + 16, 3}, 0.5);
  embedding[0][0].fill_(9);  // the class token
  const auto larger = resample_position_embedding(embedding, 7, 1);
  EXPECT_EQ(larger.sizes(), (std::vector<int64_t>{1, 50, 3}));
  EXPECT_TRUE(larger[0][0].equal(embedding[0][0]));
  EXPECT_TRUE(larger.narrow(1, 1, 49).allclose(torch::full({1, 49, 3}, 0.5), 1e-5, 1e-6));
  EXPECT_TRUE(resample_position_embedding(embedding, 4, 1).equal(embedding));
}

TEST(Pad, IsZeroAtBottomAndRight) {
  const auto x = torch::ones({1, 2, 5, 7});
  const auto padded = pad_to_multiple(x, 4);
  EXPECT_EQ(padded.sizes(), (std::vector<int64_t>{1, 2, 8, 8}));
  EXPECT_EQ(padded.sum().item<double>(), 70);
  EXPECT_TRUE(padded.slice(2, 0, 5).slice(3, 0, 7).equal(x));
}

TEST(Init, TruncatedNormalAndFanOut) {
  torch::manual_seed(4);
  auto weights = torch::empty({20000});
  trunc_normal_(weights, 0.02);
  EXPECT_NEAR(weights.std().item<double>(), 0.02, 5e-4);
  EXPECT_NEAR(weights.mean().item<double>(), 0, 5e-4);
  trunc_normal_(weights, 2.0);
  EXPECT_LE(weights.abs().max().item<double>(), 2.0) << "bounds are absolute, as in PyTorch";
  torch::nn::Conv2d conv(torch::nn::Conv2dOptions(16, 32, 3));
  init_fan_out_(conv->weight);
  EXPECT_NEAR(conv->weight.std().item<double>(), std::sqrt(2.0 / (32 * 9)), 0.005);
}

}  // namespace
}  // namespace braid::nn
