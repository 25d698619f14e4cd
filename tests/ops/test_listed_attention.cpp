// Attention over listed keys against LibTorch's operators, in float64 where they compute the truth.
#include "braid/ops/listed_attention.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <vector>

#include "braid/ops/token_kernels_cpu.h"
#include "tests/ops/operator_checks.h"

namespace braid::ops {
namespace {

using torch::Tensor;

constexpr double kScale = 0.3;

struct ListedShapes {
  int64_t queries, lists, keys, rows, heads, d, e;
};
const std::vector<ListedShapes> kListedShapes = {
    {4, 4, 5, 20, 8, 64, 64},  {6, 2, 17, 40, 3, 20, 24}, {1, 1, 1, 1, 1, 1, 1},
    {8, 2, 33, 70, 2, 16, 80}, {3, 3, 16, 9, 4, 7, 3},
};
struct ListedInputs {
  Tensor q;
  ListedKeys listed;
  int64_t heads;
  ListedInputs as(at::ScalarType type) const {
    return {q.to(type),
            {listed.keys.to(type), listed.values.to(type), listed.places, listed.visible},
            heads};
  }
};
ListedInputs listed_inputs(const ListedShapes& s, bool masked) {
  torch::manual_seed(9);
  ListedInputs in{torch::randn({s.queries, s.heads * s.d}),
                  {torch::randn({s.rows, s.heads * s.d}), torch::randn({s.rows, s.heads * s.e}),
                   torch::randint(s.rows, {s.lists, s.keys})},
                  s.heads};
  if (masked) in.listed.visible = torch::rand({s.lists, s.keys}).gt(0.4);
  return in;
}
Tensor attention_of(const ListedInputs& in) {
  return listed_attention(in.q, in.listed, in.heads, kScale);
}
Tensor true_attention(const ListedInputs& in) {
  const auto wide = in.as(torch::kDouble);
  return composed_listed_attention(wide.q, wide.listed, in.heads, kScale);
}

TEST(ListedAttention, IsLibTorchsOperators) {
  const torch::NoGradGuard no_grad;
  for (const auto& shape : kListedShapes)
    for (const bool masked : {false, true})
      for (const auto type : {torch::kFloat, torch::kBFloat16}) {
        const auto in = listed_inputs(shape, masked).as(type);
        ASSERT_TRUE(is_listed_attention_fused(in.q, in.listed, in.heads));
        const auto y = attention_of(in), truth = true_attention(in);
        EXPECT_EQ(y.sizes(), truth.sizes());
        EXPECT_EQ(y.scalar_type(), type);
        EXPECT_LE(difference(y, truth), (type == torch::kFloat ? 1e-5 : 0.005) * 3)
            << shape.queries << " queries, " << shape.keys << " keys, masked " << masked;
      }
}

TEST(ListedAttention, AQueryThatSeesNothingGivesZeros) {
  const torch::NoGradGuard no_grad;
  auto in = listed_inputs({4, 2, 5, 20, 2, 16, 16}, false);
  in.listed.visible = torch::ones({2, 5}, torch::kBool);
  in.listed.visible[1].fill_(false);
  const auto y = attention_of(in);
  EXPECT_EQ(largest(y.narrow(0, 2, 2)), 0);
  EXPECT_LE(difference(y, true_attention(in)), 1e-5);
}

TEST(ListedAttention, WhatIsHiddenIsNotRead) {
  const torch::NoGradGuard no_grad;
  auto in = listed_inputs({2, 2, 3, 6, 2, 16, 16}, false);
  in.listed.places = torch::tensor({{0, 5, 1}, {5, 2, 3}}, torch::kLong);
  in.listed.visible = in.listed.places.ne(5);
  in.listed.keys[5].fill_(NAN);
  in.listed.values[5].fill_(NAN);
  EXPECT_TRUE(attention_of(in).isfinite().all().item<bool>());
}

TEST(ListedAttention, LargeScoresDoNotOverflow) {
  const torch::NoGradGuard no_grad;
  auto in = listed_inputs({4, 4, 20, 30, 2, 16, 16}, false);
  in.q = in.q * 200;
  EXPECT_LE(difference(attention_of(in), true_attention(in)), 2e-3);
}

TEST(ListedAttention, ListsMayHaveRoom) {
  const torch::NoGradGuard no_grad;
  auto in = listed_inputs({4, 4, 20, 30, 2, 16, 16}, true);
  const auto expected = attention_of(in);
  const auto with_room = [](const Tensor& t) {
    auto larger = torch::zeros({t.size(0), 2 * t.size(1)}, t.options());
    larger.narrow(1, 0, t.size(1)).copy_(t);
    return larger.narrow(1, 0, t.size(1));
  };
  in.listed.places = with_room(in.listed.places);
  in.listed.visible = with_room(in.listed.visible);
  ASSERT_TRUE(is_listed_attention_fused(in.q, in.listed, in.heads));
  EXPECT_TRUE(torch::equal(attention_of(in), expected));
}

TEST(ListedAttention, IsTheSameAtEachLevelOfInstructions) {
  const ListedShapes s{1, 1, 21, 40, 3, 20, 24};
  const auto in = listed_inputs(s, false);
  const auto run = [&](const TokenKernels& kernels) {
    const Tensor y = torch::empty({1, s.heads * s.e});
    const Tensor scratch = torch::empty({s.heads * padded_keys(s.keys)});
    kernels.listed_attention({s.heads, s.d, s.e, s.keys, 0.3F, false}, in.q.const_data_ptr(),
                             in.listed.keys.const_data_ptr(), in.listed.values.const_data_ptr(),
                             in.listed.places.const_data_ptr<int64_t>(), y.mutable_data_ptr(),
                             scratch.mutable_data_ptr<float>());
    return y;
  };
  const auto expected = run(*usable_token_kernels().back());
  for (const auto* kernels : usable_token_kernels())
    EXPECT_LE(difference(run(*kernels), expected), 1e-5) << kernels->name;
}

TEST(ListedAttention, TheNumberOfThreadsChangesNothing) {
  const torch::NoGradGuard no_grad;
  const auto in = listed_inputs({24, 24, 40, 200, 4, 32, 32}, true);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = attention_of(in);
  at::set_num_threads(3);
  const auto three = attention_of(in);
  at::set_num_threads(threads);
  EXPECT_TRUE(torch::equal(one, three));
}

TEST(ListedAttention, LeavesTheRestToLibTorch) {
  const auto in = listed_inputs(kListedShapes[0], false);
  EXPECT_FALSE(is_listed_attention_fused(in.q, in.listed, in.heads)) << "gradients are recorded";
  const torch::NoGradGuard no_grad;
  auto mixed = in;
  mixed.q = in.q.to(torch::kDouble);
  EXPECT_FALSE(is_listed_attention_fused(mixed.q, mixed.listed, mixed.heads));
  const auto wide = in.as(torch::kDouble);
  EXPECT_TRUE(torch::equal(attention_of(wide), true_attention(in)));
  // What does not fit is LibTorch's to refuse or to broadcast.
  const auto is_left = [&](const auto& change) {
    auto other = listed_inputs(kListedShapes[1], true);
    change(other);
    return !is_listed_attention_fused(other.q, other.listed, other.heads);
  };
  EXPECT_FALSE(is_left([](ListedInputs&) {}));
  EXPECT_TRUE(
      is_left([](ListedInputs& o) { o.listed.visible = o.listed.visible.narrow(0, 0, 1); }));
  EXPECT_TRUE(is_left([](ListedInputs& o) { o.q = o.q.narrow(0, 0, 5); })) << "5 queries, 2 lists";
  EXPECT_TRUE(is_left([](ListedInputs& o) { o.q = o.q.narrow(0, 0, 1); }));
  EXPECT_TRUE(is_left([](ListedInputs& o) { o.heads = 7; }));
  EXPECT_TRUE(is_left([](ListedInputs& o) { o.q = torch::randn({6, 63}); }));
  auto none = in;
  none.listed.places = torch::empty({4, 0}, torch::kLong);
  EXPECT_FALSE(is_listed_attention_fused(none.q, none.listed, none.heads));
}

}  // namespace
}  // namespace braid::ops
