// attend() against a naive float64 twin, for every combination of its arguments.
#include "braid/nn/attention/core.h"

#include <gtest/gtest.h>

#include "braid/core/error.h"
#include "braid/runtime/autocast.h"
#include "tests/nn/fixture.h"
#include "tests/ops/gradient_check.h"

namespace braid::nn {
namespace {

using torch::Tensor;

// Query by query and key by key; a query without keys gives zeros.
Tensor naive_attend(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionArgs& args) {
  const int64_t B = q.size(0), h = q.size(1), N = q.size(2), M = k.size(2);
  const double scale = args.scale.value_or(1 / std::sqrt(static_cast<double>(q.size(3))));
  const auto bias = args.bias.defined() ? args.bias.expand({B, h, N, M}) : Tensor();
  auto out = torch::zeros({B, h, N, v.size(3)}, torch::kDouble);
  for (int64_t b = 0; b < B; ++b)
    for (int64_t head = 0; head < h; ++head)
      for (int64_t n = 0; n < N; ++n) {
        std::vector<Tensor> weights, values;
        for (int64_t m = 0; m < M; ++m) {
          if (args.causal && m > n + M - N) continue;
          if (args.key_padding.defined() && !args.key_padding[b][m].item<bool>()) continue;
          auto product = q[b][head][n].dot(k[b][head][m]) * scale;
          if (bias.defined()) product = product + bias[b][head][n][m];
          weights.push_back(product.exp());
          values.push_back(v[b][head][m] * weights.back());
        }
        if (weights.empty()) continue;
        out[b][head][n] = torch::stack(values).sum(0) / torch::stack(weights).sum();
      }
  return out;
}

struct Case {
  std::string name;
  int64_t N, M;
  AttentionArgs args;
};

// 2 batches, 3 heads; the second batch's last keys are padding, and its first one.
std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const auto& [N, M] : {std::pair<int64_t, int64_t>{4, 4}, {2, 5}, {1, 4}})
    for (const bool causal : {false, true})
      for (const bool padded : {false, true})
        for (const char* bias : {"", "shared", "full"})
          for (const bool scaled : {false, true}) {
            Case one{"", N, M, {}};
            one.args.causal = causal;
            if (scaled) one.args.scale = 0.7;
            if (padded) {
              one.args.key_padding = torch::ones({2, M}, torch::kBool);
              one.args.key_padding[1][M - 1] = false;
              one.args.key_padding[1][0] = false;
            }
            const std::string kind = bias;
            if (kind == "shared") one.args.bias = torch::randn({1, 3, N, M}, torch::kDouble);
            if (kind == "full") one.args.bias = torch::randn({2, 3, N, M}, torch::kDouble);
            one.name = std::to_string(N) + "x" + std::to_string(M) + (causal ? " causal" : "") +
                       (padded ? " padded " : " ") + kind + (scaled ? " scaled" : "");
            cases.push_back(one);
          }
  return cases;
}

TEST(Attend, EqualsItsNaiveTwinInEveryCombination) {
  torch::manual_seed(1);
  for (const auto& [name, N, M, args] : all_cases()) {
    const auto q = torch::randn({2, 3, N, 4}, torch::kDouble);
    const auto k = torch::randn({2, 3, M, 4}, torch::kDouble);
    const auto v = torch::randn({2, 3, M, 5}, torch::kDouble);
    EXPECT_LT(largest_difference(attend(q, k, v, args), naive_attend(q, k, v, args)), 1e-12)
        << name;
  }
}

TEST(Attend, GradientsAreTheFiniteDifferences) {
  torch::manual_seed(2);
  for (const auto& [name, N, M, args] : all_cases()) {
    const auto q = torch::randn({2, 3, N, 2}, torch::kDouble);
    const auto k = torch::randn({2, 3, M, 2}, torch::kDouble);
    const auto v = torch::randn({2, 3, M, 2}, torch::kDouble);
    const auto& others = args;
    EXPECT_LT(ops::gradient_error([&](const auto& x) { return attend(x, k, v, others); }, q), 1e-7)
        << name;
    EXPECT_LT(ops::gradient_error([&](const auto& x) { return attend(q, x, v, others); }, k), 1e-7)
        << name;
    EXPECT_LT(ops::gradient_error([&](const auto& x) { return attend(q, k, x, others); }, v), 1e-7)
        << name;
    if (!args.bias.defined()) continue;
    const auto of_bias = [&](const auto& x) {
      auto with = others;
      with.bias = x;
      return attend(q, k, v, with);
    };
    EXPECT_LT(ops::gradient_error(of_bias, args.bias), 1e-7) << name;
  }
}

TEST(Attend, BothImplementationsGiveTheSameAndItsGradients) {
  torch::manual_seed(7);
  for (const auto& [name, N, M, args] : all_cases()) {
    const auto q = torch::randn({2, 3, N, 4}, torch::kDouble);
    const auto k = torch::randn({2, 3, M, 4}, torch::kDouble);
    const auto v = torch::randn({2, 3, M, 5}, torch::kDouble);
    const auto run = [&](AttentionImplementation implementation) {
      std::vector<Tensor> leaves = {q, k, v};
      auto with = args;
      with.implementation = implementation;
      if (args.bias.defined()) leaves.push_back(args.bias);
      for (auto& leaf : leaves) leaf = leaf.detach().clone().requires_grad_();
      if (args.bias.defined()) with.bias = leaves[3];
      const auto y = attend(leaves[0], leaves[1], leaves[2], with);
      (y * torch::cos(torch::arange(y.numel(), torch::kDouble)).view_as(y)).sum().backward();
      std::vector<Tensor> results = {y.detach()};
      for (const auto& leaf : leaves) results.push_back(leaf.grad());
      return results;
    };
    const auto kernel = run(AttentionImplementation::kKernel);
    const auto composed = run(AttentionImplementation::kComposed);
    ASSERT_EQ(kernel.size(), composed.size());
    for (size_t i = 0; i < kernel.size(); ++i)
      EXPECT_LT(largest_difference(kernel[i], composed[i]), 1e-10) << name << ", result " << i;
  }
}

TEST(Attend, FewTokensInFloat32GiveWhatTheNaiveTwinGives) {
  torch::manual_seed(9);
  for (const auto& [name, N, M, args] : all_cases()) {
    const auto q = torch::randn({2, 3, N, 4}, torch::kDouble);
    const auto k = torch::randn({2, 3, M, 4}, torch::kDouble);
    const auto v = torch::randn({2, 3, M, 5}, torch::kDouble);
    auto with = args;
    if (args.bias.defined()) with.bias = args.bias.to(torch::kFloat);
    with.implementation = AttentionImplementation::kShort;
    const auto y = attend(q.to(torch::kFloat), k.to(torch::kFloat), v.to(torch::kFloat), with);
    EXPECT_LT(largest_difference(y.to(torch::kDouble), naive_attend(q, k, v, args)), 1e-5) << name;
  }
}

TEST(AttendJoint, IsAttentionOfItsPartsHoweverItIsComputed) {
  using enum AttentionImplementation;
  torch::manual_seed(10);
  for (const auto order : {QkvOrder::kPartsFirst, QkvOrder::kHeadsFirst})
    for (const bool with_bias : {false, true})
      for (const bool causal : {false, true}) {
        const auto x = torch::randn({2, 5, 3 * 2 * 4}).requires_grad_();
        const auto bias = with_bias ? torch::randn({1, 2, 5, 5}).requires_grad_() : Tensor();
        const auto run = [&](bool joint, AttentionImplementation implementation) {
          const AttentionArgs args{
              .bias = bias, .causal = causal, .implementation = implementation};
          const auto [q, k, v] = split_qkv(x, 2, order);
          const auto y =
              joint ? attend_joint(x, 2, args, order) : merge_heads(attend(q, k, v, args));
          std::vector<Tensor> leaves = {x};
          if (with_bias) leaves.push_back(bias);
          auto results = torch::autograd::grad({y.square().sum()}, leaves);
          results.push_back(y.detach());
          return results;
        };
        const auto expected = run(/*joint=*/false, kComposed);
        for (const auto implementation : {kShort, kComposed, kKernel}) {
          const auto found = run(/*joint=*/true, implementation);
          for (size_t i = 0; i < found.size(); ++i)
            EXPECT_LT(largest_difference(found[i], expected[i]), 1e-5) << i;
        }
      }
}

TEST(Attend, ComposedKeepsTheTypeThatAutocastMultipliesIn) {
  torch::manual_seed(8);
  const auto q = torch::randn({2, 2, 6, 8}), k = torch::randn({2, 2, 6, 8});
  const auto v = torch::randn({2, 2, 6, 8}), bias = torch::randn({1, 2, 6, 6});
  const AttentionArgs args{.bias = bias,
                           .key_padding = torch::tensor({{1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 0, 0}}),
                           .implementation = AttentionImplementation::kComposed};
  const auto exact = attend(q, k, v, args);
  const runtime::Autocast autocast(torch::kCPU, "bfloat16");
  const auto y = attend(q, k, v, args);
  EXPECT_EQ(y.scalar_type(), torch::kBFloat16);
  EXPECT_LT(largest_difference(y.to(torch::kFloat), exact), 0.05);
  const auto twice = attend(q.to(torch::kDouble), k.to(torch::kDouble), v.to(torch::kDouble), args);
  EXPECT_EQ(twice.scalar_type(), torch::kDouble) << "autocast leaves float64 alone";
  EXPECT_LT(largest_difference(twice, exact.to(torch::kDouble)), 1e-5);
}

TEST(ChooseImplementation, IsComposedWhereBfloat16IsTrainedOnACpuThatHasIt) {
  using enum AttentionImplementation;
  const AttentionSituation trained{.device = torch::kCPU,
                                   .dtype = torch::kBFloat16,
                                   .gradient = true,
                                   .native_bf16 = true,
                                   .scores = 256 * 2 * 49 * 49};
  const auto choice = [&](const std::function<void(AttentionSituation&)>& change) {
    auto situation = trained;
    change(situation);
    return choose_implementation(situation);
  };
  EXPECT_EQ(choose_implementation(trained), kComposed);
  EXPECT_EQ(choice([](auto& s) { s.scores = 16 * 12 * 512 * 512; }), kComposed);
  EXPECT_EQ(choice([](auto& s) { s.scores = 64LL * 12 * 1024 * 1024; }), kKernel) << "memory";
  EXPECT_EQ(choice([](auto& s) { s.gradient = false; }), kKernel) << "inference";
  EXPECT_EQ(choice([](auto& s) { s.native_bf16 = false; }), kKernel) << "bfloat16 by emulation";
  EXPECT_EQ(choice([](auto& s) { s.dtype = torch::kFloat; }), kKernel);
  EXPECT_EQ(choice([](auto& s) { s.dtype = torch::kDouble; }), kKernel);
  EXPECT_EQ(choice([](auto& s) { s.device = torch::kCUDA; }), kKernel);
  EXPECT_EQ(choose_implementation({}), kKernel);
}

TEST(ChooseImplementation, IsShortWhereFewTokensAreTrainedOnACpu) {
  using enum AttentionImplementation;
  const AttentionSituation trained{.device = torch::kCPU,
                                   .dtype = torch::kFloat,
                                   .gradient = true,
                                   .scores = 256 * 4 * 16 * 16,
                                   .tokens = 16,
                                   .chans = 32,
                                   .plain = true};
  const auto choice = [&](const std::function<void(AttentionSituation&)>& change) {
    auto situation = trained;
    change(situation);
    return choose_implementation(situation);
  };
  EXPECT_EQ(choose_implementation(trained), kShort);
  EXPECT_EQ(choice([](auto& s) { s.dtype = torch::kBFloat16; }), kShort);
  EXPECT_EQ(choice([](auto& s) { s.gradient = false; }), kKernel) << "inference";
  EXPECT_EQ(choice([](auto& s) { s.dtype = torch::kDouble; }), kKernel);
  EXPECT_EQ(choice([](auto& s) { s.device = torch::kCUDA; }), kKernel);
  EXPECT_EQ(choice([](auto& s) { s.plain = false; }), kKernel) << "causal, or with dropout";
  EXPECT_EQ(choice([](auto& s) { s.tokens = 65; }), kKernel);
  EXPECT_EQ(choice([](auto& s) { s.chans = 256; }), kKernel);
}

TEST(Attend, PaddingDoesNotReachTheResult) {
  torch::manual_seed(3);
  const auto q = torch::randn({1, 2, 5, 4}), k = torch::randn({1, 2, 5, 4});
  const auto v = torch::randn({1, 2, 5, 4});
  const auto padding = torch::arange(7).lt(5).unsqueeze(0);  // two more keys, which are none
  const auto lengthen = [](const Tensor& x) {
    return torch::cat({x, 100 * torch::randn({1, 2, 2, 4})}, 2);
  };
  const auto bias = torch::randn({1, 2, 5, 7});
  for (const bool with_bias : {false, true}) {
    AttentionArgs shorter, longer;
    longer.key_padding = padding;
    if (with_bias) shorter.bias = bias.narrow(3, 0, 5).contiguous(), longer.bias = bias;
    const auto expected = attend(q, k, v, shorter);
    const auto padded = attend(q, lengthen(k), lengthen(v), longer);
    EXPECT_TRUE(padded.allclose(expected, 1e-6, 1e-6));
    EXPECT_TRUE(padded.equal(attend(q, lengthen(k), lengthen(v), longer))) << "whatever they hold";
  }
}

TEST(Attend, AQueryWithoutKeysGivesZerosAndNoGradient) {
  torch::manual_seed(4);
  for (const bool causal : {false, true})
    for (const bool with_bias : {false, true}) {
      const auto make = [] { return torch::randn({2, 2, 3, 4}, torch::kDouble).requires_grad_(); };
      const auto q = make(), k = make(), v = make();
      AttentionArgs args{.key_padding = torch::ones({2, 3}, torch::kBool), .causal = causal};
      if (with_bias) args.bias = torch::randn({1, 2, 3, 3}, torch::kDouble);
      // Causal: the second batch's first query sees the first key alone, which is padding.
      args.key_padding[1].fill_(causal);
      args.key_padding[1][0] = false;
      const auto y = attend(q, k, v, args);
      EXPECT_TRUE(y.isfinite().all().item<bool>());
      EXPECT_EQ(y[1].select(1, 0).abs().max().item<double>(), 0);
      EXPECT_GT(y[0].abs().min().item<double>(), 0);
      y.square().sum().backward();
      for (const auto& x : {q, k, v}) EXPECT_TRUE(x.grad().isfinite().all().item<bool>());
      EXPECT_EQ(q.grad()[1].select(1, 0).abs().max().item<double>(), 0);
      EXPECT_EQ(v.grad()[1].select(1, 0).abs().max().item<double>(), 0);
    }
}

TEST(Attend, CachedKeysGiveTheLastRowsOfTheWhole) {
  torch::manual_seed(5);
  const auto q = torch::randn({2, 2, 6, 4}), k = torch::randn({2, 2, 6, 4});
  const auto v = torch::randn({2, 2, 6, 4});
  const auto whole = attend(q, k, v, {.causal = true});
  for (const int64_t last : {1, 2, 5}) {
    const auto tail = attend(q.narrow(2, 6 - last, last), k, v, {.causal = true});
    EXPECT_TRUE(tail.allclose(whole.narrow(2, 6 - last, last), 1e-5, 1e-6)) << last;
  }
  EXPECT_THROW(attend(q, k.narrow(2, 0, 3), v.narrow(2, 0, 3), {.causal = true}), InternalError);
}

TEST(Attend, DropsWeightsAndKeepsTheirMean) {
  using enum AttentionImplementation;
  torch::manual_seed(6);
  const auto q = torch::zeros({1, 1, 2000, 4}), v = torch::ones({1, 1, 10, 1});
  const auto k = torch::zeros({1, 1, 10, 4});
  const double share = 0.25;
  for (const auto implementation : {kKernel, kComposed}) {
    const auto y = attend(q, k, v, {.dropout = share, .implementation = implementation});
    // Ten weights of 0.1, each 0 or 0.1 / (1 - share).
    EXPECT_NEAR(y.mean().item<double>(), 1, 0.03);
    EXPECT_NEAR(y.std().item<double>(), std::sqrt(0.1 * share / (1 - share)), 0.02);
  }
}

TEST(Heads, AreSplitAndMerged) {
  const auto x = torch::arange(2 * 3 * 24).view({2, 3, 24});
  const auto parts = split_qkv(x, 2);  // 3 parts of 2 heads of 4 channels
  const auto by_head = split_qkv(x, 2, QkvOrder::kHeadsFirst);
  for (int64_t part = 0; part < 3; ++part)
    for (int64_t head = 0; head < 2; ++head) {
      const auto index = static_cast<size_t>(part);
      EXPECT_TRUE(parts[index].select(1, head).equal(x.narrow(2, part * 8 + head * 4, 4)));
      EXPECT_TRUE(by_head[index].select(1, head).equal(x.narrow(2, head * 12 + part * 4, 4)));
    }
  const auto kv = split_kv(x, 3);  // 2 parts of 3 heads
  EXPECT_TRUE(kv[1].select(1, 2).equal(x.narrow(2, 20, 4)));
  EXPECT_TRUE(split_heads(x, 6).select(1, 5).equal(x.narrow(2, 20, 4)));
  EXPECT_TRUE(merge_heads(split_heads(x, 6)).equal(x));
}

}  // namespace
}  // namespace braid::nn
