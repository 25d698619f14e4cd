// Batch norm with an activation: the module's own result, fused or not.
#include "braid/nn/basic/norm_act.h"

#include "braid/nn/basic/norm.h"
#include "tests/nn/fixture.h"

namespace braid::nn {
namespace {

// Output, gradients and buffers of two norms with the same parameters.
void expect_same(torch::nn::BatchNorm2d& one, torch::nn::BatchNorm2d& other, const torch::Tensor& x,
                 Act act) {
  for (auto& item : one->named_parameters())
    item.value().set_data(other->named_parameters()[item.key()].detach().clone());
  for (auto& item : one->named_buffers()) item.value().copy_(other->named_buffers()[item.key()]);
  const auto a = x.clone().requires_grad_(), b = x.clone().requires_grad_();
  const auto y = norm_act(one, a, act), expected = activate(other->forward(b), act);
  EXPECT_LT(largest_difference(y, expected), 1e-5);
  (y * x).sum().backward();
  (expected * x).sum().backward();
  EXPECT_LT(largest_difference(a.grad(), b.grad()), 1e-4);
  EXPECT_LT(largest_difference(one->weight.grad(), other->weight.grad()), 2e-3);
  EXPECT_LT(largest_difference(one->running_var, other->running_var), 1e-5);
  EXPECT_TRUE(torch::equal(one->num_batches_tracked, other->num_batches_tracked));
}

TEST(NormActTest, IsTheNormAndTheActivation) {
  torch::manual_seed(1);
  const auto x = torch::randn({6, 12, 9, 9}).contiguous(at::MemoryFormat::ChannelsLast);
  for (const auto& name : act_names())
    for (const bool training : {true, false})
      for (const bool has_momentum : {true, false}) {
        auto one = batch_norm(12), other = batch_norm(12);
        torch::nn::init::normal_(other->weight);
        torch::nn::init::normal_(other->bias);
        for (auto* norm : {&one, &other}) {
          (*norm)->options.momentum(has_momentum ? std::optional<double>(0.3) : std::nullopt);
          (*norm)->train(training);
        }
        for (int step = 0; step < 3; ++step) {
          SCOPED_TRACE(name);
          expect_same(one, other, x + step, parse_act(name));
          one->zero_grad();
          other->zero_grad();
        }
      }
}

TEST(NormActTest, IsFusedInTrainingAlone) {
  const auto x = torch::randn({2, 8, 4, 4}).contiguous(at::MemoryFormat::ChannelsLast);
  auto norm = batch_norm(8);
  EXPECT_EQ(norm_act(norm, x, Act::kRelu).grad_fn()->name().find("ReluBackward"),
            std::string::npos);
  norm->eval();
  EXPECT_NE(norm_act(norm, x, Act::kRelu).grad_fn()->name().find("ReluBackward"),
            std::string::npos);
}

}  // namespace
}  // namespace braid::nn
