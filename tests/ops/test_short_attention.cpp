// Attention over few tokens against LibTorch's operators, in float64 where they compute the truth.
#include "braid/ops/short_attention.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "braid/core/error.h"
#include "braid/ops/token_kernels_cpu.h"
#include "tests/ops/gradient_check.h"
#include "tests/ops/operator_checks.h"

namespace braid::ops {
namespace {

using torch::Tensor;

// B batches of h heads, N queries, M keys of d channels, values of e.
struct AttentionShape {
  int64_t B, h, N, M, d, e;
};
const std::vector<AttentionShape> kAttentionShapes = {
    {3, 4, 16, 16, 32, 32}, {2, 3, 9, 9, 32, 32},    {2, 2, 49, 49, 32, 32}, {1, 1, 1, 1, 1, 1},
    {2, 3, 5, 7, 3, 6},     {4, 2, 64, 64, 64, 128}, {2, 5, 17, 33, 20, 24}, {7, 1, 1, 12, 16, 8}};

struct AttentionInputs {
  Tensor q, k, v, bias, dy;
  AttentionInputs as(at::ScalarType type) const {
    return {q.to(type), k.to(type), v.to(type), bias.defined() ? bias.to(type) : bias, dy.to(type)};
  }
};

enum class BiasShape { kNone, kOfHeads, kFull, kOfKeys, kOfScores };

AttentionInputs attention_inputs(const AttentionShape& s, BiasShape bias) {
  torch::manual_seed(11);
  AttentionInputs in{torch::randn({s.B, s.h, s.N, s.d}),
                     torch::randn({s.B, s.h, s.M, s.d}),
                     torch::randn({s.B, s.h, s.M, s.e}),
                     {},
                     torch::randn({s.B, s.h, s.N, s.e})};
  if (bias == BiasShape::kOfHeads) in.bias = torch::randn({1, s.h, s.N, s.M});
  if (bias == BiasShape::kFull) in.bias = torch::randn({s.B, s.h, s.N, s.M});
  if (bias == BiasShape::kOfKeys) in.bias = torch::randn({s.B, 1, 1, s.M});
  if (bias == BiasShape::kOfScores) in.bias = torch::randn({s.N, s.M});
  return in;
}

using AttentionOperator = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                                     double);

// y, dq, dk, dv, dbias.
std::vector<Tensor> attention_step(AttentionOperator op, const AttentionInputs& in) {
  const auto leaf = [](const Tensor& t) { return t.detach().clone().requires_grad_(); };
  std::vector<Tensor> leaves = {leaf(in.q), leaf(in.k), leaf(in.v)};
  if (in.bias.defined()) leaves.push_back(leaf(in.bias));
  const Tensor y =
      op(leaves[0], leaves[1], leaves[2], in.bias.defined() ? leaves[3] : Tensor(), 0.3);
  y.backward(in.dy);
  std::vector<Tensor> results = {y.detach()};
  for (const auto& t : leaves) results.push_back(t.grad());
  return results;
}

TEST(ShortAttention, IsLibTorchsOperatorsInFloat32) {
  for (const auto& shape : kAttentionShapes)
    for (const auto kind : {BiasShape::kNone, BiasShape::kOfHeads, BiasShape::kFull,
                            BiasShape::kOfKeys, BiasShape::kOfScores}) {
      const AttentionInputs in = attention_inputs(shape, kind);
      ASSERT_TRUE(is_short_attention_fused(in.q, in.k, in.v, in.bias));
      const auto found = attention_step(short_attention, in);
      const auto truth = attention_step(composed_short_attention, in.as(torch::kDouble));
      ASSERT_EQ(found.size(), truth.size());
      for (size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].sizes(), truth[i].sizes());
        EXPECT_LE(difference(found[i], truth[i]), 1e-5 * std::max(1.0, largest(truth[i])))
            << "of tensor " << i << ", " << shape.N << " queries, " << shape.M << " keys, bias "
            << static_cast<int>(kind);
      }
      EXPECT_TRUE(found[0].transpose(1, 2).is_contiguous()) << "heads merge without a copy";
    }
}

TEST(ShortAttention, KeepsBFloat16NearFloat32) {
  for (const auto& shape : kAttentionShapes)
    for (const auto kind : {BiasShape::kNone, BiasShape::kOfHeads}) {
      const AttentionInputs in = attention_inputs(shape, kind).as(torch::kBFloat16);
      const auto half = attention_step(short_attention, in);
      const auto truth = attention_step(composed_short_attention, in.as(torch::kDouble));
      EXPECT_LE(difference(half[0], truth[0]), 0.004 * largest(truth[0])) << "rounded once";
      for (size_t i = 0; i < half.size(); ++i) {
        EXPECT_EQ(half[i].scalar_type(), torch::kBFloat16);
        EXPECT_LE(difference(half[i], truth[i]), 0.01 * std::max(1.0, largest(truth[i])))
            << "of tensor " << i << ", " << shape.N << " queries, " << shape.M << " keys";
      }
    }
}

TEST(ShortAttention, OfOneTensorIsThatOfItsParts) {
  torch::manual_seed(12);
  const int64_t B = 3, N = 9, h = 2, d = 20;
  for (const auto type : {torch::kFloat, torch::kBFloat16})
    for (const bool by_part : {true, false}) {
      const auto joint = torch::randn({B, N, 3 * h * d}).to(type).requires_grad_();
      const auto bias = torch::randn({1, h, N, N}).requires_grad_();
      const JointHeads how{h, by_part ? h * d : d, by_part ? d : 3 * d};
      const auto dy = torch::randn({B, h, N, d}).to(type);
      const auto y = short_self_attention(joint, how, bias, 0.2);
      const auto found = torch::autograd::grad({y}, {joint, bias}, {dy});
      const auto parts = by_part ? joint.view({B, N, 3, h, d}).permute({2, 0, 3, 1, 4}).unbind(0)
                                 : joint.view({B, N, h, 3, d}).permute({3, 0, 2, 1, 4}).unbind(0);
      const auto expected = short_attention(parts[0], parts[1], parts[2], bias, 0.2);
      EXPECT_TRUE(torch::equal(y, expected));
      const auto gradients = torch::autograd::grad({expected}, {joint, bias}, {dy});
      EXPECT_TRUE(torch::equal(found[0], gradients[0]));
      EXPECT_TRUE(torch::equal(found[1], gradients[1]));
    }
}

TEST(ShortAttention, ReadsTensorsAsTheyLie) {
  const AttentionInputs in = attention_inputs({3, 4, 6, 8, 12, 12}, BiasShape::kNone);
  const auto whole = attention_step(short_attention, in);
  const auto lying = [](const Tensor& t) { return t.transpose(1, 2).contiguous().transpose(1, 2); };
  EXPECT_TRUE(torch::equal(short_attention(lying(in.q), in.k, lying(in.v), {}, 0.3), whole[0]));
  const auto shared = in.k.narrow(1, 0, 1).expand({3, 4, 8, 12});  // keys of all heads
  EXPECT_TRUE(torch::equal(short_attention(in.q, shared, in.v, {}, 0.3),
                           short_attention(in.q, shared.contiguous(), in.v, {}, 0.3)));
  auto q = in.q.clone().requires_grad_();
  short_attention(q, in.k, in.v, {}, 0.3).sum().backward();  // whose gradient is one number
  auto again = in.q.clone().requires_grad_();
  composed_short_attention(again, in.k, in.v, {}, 0.3).sum().backward();
  EXPECT_LT(difference(q.grad(), again.grad()), 1e-5);
}

TEST(ShortAttention, AMaskedKeyHasNoWeight) {
  AttentionInputs in = attention_inputs({2, 2, 5, 7, 8, 8}, BiasShape::kOfScores);
  in.bias.select(1, 3).fill_(-INFINITY);
  in.v.select(2, 3).fill_(1e30);
  for (const auto type : {torch::kFloat, torch::kBFloat16}) {
    const AttentionInputs typed = in.as(type);
    const auto found = attention_step(short_attention, typed);
    EXPECT_LT(largest(found[0]), 10);
    EXPECT_EQ(largest(found[3].select(2, 3)), 0);
  }
}

TEST(ShortAttention, LargeScoresDoNotOverflow) {
  AttentionInputs in = attention_inputs({1, 2, 6, 6, 8, 8}, BiasShape::kNone);
  in.q = in.q * 200;
  const auto found = attention_step(short_attention, in);
  const auto truth = attention_step(composed_short_attention, in.as(torch::kDouble));
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_LE(difference(found[i], truth[i]), 1e-3 * std::max(1.0, largest(truth[i])));
}

TEST(ShortAttention, IsTheSameAtEachLevelOfInstructions) {
  const int64_t N = 21, M = 18, d = 20, e = 24;
  const AttentionInputs in = attention_inputs({1, 1, N, M, d, e}, BiasShape::kOfScores);
  const HeadShape shape{N, M, d, e, 0.3F, false};
  const auto rows = [](const Tensor& t) { return HeadRows{t.const_data_ptr(), t.size(-1)}; };
  const auto out = [](const Tensor& t) { return HeadRowsOut{t.mutable_data_ptr(), t.size(-1)}; };
  const auto bias = in.bias.t().contiguous();
  const auto run = [&](const TokenKernels& kernels) {
    const Tensor scratch = torch::empty({scratch_of(shape)});
    const Tensor weights = torch::zeros({M, padded_queries(N)});
    const Tensor y = torch::empty({N, e}), dq = torch::empty({N, d}), dk = torch::empty({M, d}),
                 dv = torch::empty({M, e}), dbias = torch::zeros({M, N});
    kernels.attention(shape, rows(in.q), rows(in.k), rows(in.v), bias.const_data_ptr<float>(),
                      out(y), weights.mutable_data_ptr(), scratch.mutable_data_ptr<float>());
    kernels.attention_backward(shape, rows(in.dy), rows(in.q), rows(in.k), rows(in.v),
                               weights.const_data_ptr(), out(dq), out(dk), out(dv),
                               dbias.mutable_data_ptr<float>(), scratch.mutable_data_ptr<float>());
    return std::vector<Tensor>{y, weights.narrow(1, 0, N), dq, dk, dv, dbias};
  };
  const auto expected = run(*usable_token_kernels().back());
  for (const auto* kernels : usable_token_kernels()) {
    const auto found = run(*kernels);
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_LE(difference(found[i], expected[i]), 1e-5 * std::max(1.0, largest(expected[i])))
          << kernels->name << ", tensor " << i;
  }
}

TEST(ShortAttention, TheNumberOfThreadsChangesNoMoreThanRounding) {
  const AttentionInputs in = attention_inputs({5, 2, 16, 16, 8, 8}, BiasShape::kOfHeads);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = attention_step(short_attention, in);
  at::set_num_threads(3);
  const auto three = attention_step(short_attention, in);
  at::set_num_threads(threads);
  for (size_t i = 0; i < one.size(); ++i)
    EXPECT_LE(difference(one[i], three[i]), 1e-5 * largest(one[i])) << "tensor " << i;
}

TEST(ShortAttention, FallsBackToLibTorchsOperators) {
  const auto same = [](const AttentionInputs& in) {
    EXPECT_FALSE(is_short_attention_fused(in.q, in.k, in.v, in.bias));
    EXPECT_TRUE(torch::equal(short_attention(in.q, in.k, in.v, in.bias, 0.3),
                             composed_short_attention(in.q, in.k, in.v, in.bias, 0.3)));
  };
  same(attention_inputs({2, 2, 65, 4, 8, 8}, BiasShape::kNone));
  same(attention_inputs({2, 2, 4, 4, 129, 8}, BiasShape::kNone));
  same(attention_inputs({2, 2, 4, 4, 8, 8}, BiasShape::kOfHeads).as(torch::kDouble));
  AttentionInputs in = attention_inputs({2, 2, 4, 4, 8, 8}, BiasShape::kNone);
  in.q = in.q.transpose(2, 3).contiguous().transpose(2, 3);
  same(in);
}

TEST(ShortAttention, HasTheGradientOfFiniteDifferencesInFloat64) {
  const AttentionInputs in =
      attention_inputs({1, 2, 3, 4, 2, 3}, BiasShape::kOfHeads).as(torch::kDouble);
  const auto of_q = [&](const Tensor& q) { return short_attention(q, in.k, in.v, in.bias, 0.3); };
  const auto of_k = [&](const Tensor& k) { return short_attention(in.q, k, in.v, in.bias, 0.3); };
  const auto of_bias = [&](const Tensor& b) { return short_attention(in.q, in.k, in.v, b, 0.3); };
  EXPECT_LT(gradient_error(of_q, in.q), 1e-6);
  EXPECT_LT(gradient_error(of_k, in.k), 1e-6);
  EXPECT_LT(gradient_error(of_bias, in.bias), 1e-6);
}

TEST(ShortAttention, ASecondDerivativeIsRefused) {
  const AttentionInputs in = attention_inputs({1, 2, 3, 4, 2, 3}, BiasShape::kNone);
  const auto q = in.q.clone().requires_grad_();
  const auto y = short_attention(q, in.k, in.v, {}, 0.3);
  EXPECT_THROW(torch::autograd::grad({y}, {q}, {in.dy}, /*retain_graph=*/true,
                                     /*create_graph=*/true),
               InternalError);
}

TEST(ShortAttention, IsAnOperatorForWhoWatchesThem) {
  NamesOfOperators watcher;
  const runtime::OpObserver observer(watcher);
  attention_step(short_attention, attention_inputs({1, 1, 2, 2, 4, 4}, BiasShape::kNone));
  EXPECT_EQ(std::count(watcher.names.begin(), watcher.names.end(), "braid::short_attention"), 1);
  EXPECT_EQ(
      std::count(watcher.names.begin(), watcher.names.end(), "braid::short_attention_backward"), 1);
}

}  // namespace
}  // namespace braid::ops
