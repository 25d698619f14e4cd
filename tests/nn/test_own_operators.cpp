// What networks compute by braid's operators in evaluation, against what they compute without.
#include "braid/nn/basic/own_operators.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/product.h"
#include "braid/ops/few_rows_linear.h"
#include "braid/runtime/autocast.h"

namespace braid::nn {
namespace {

using torch::Tensor;

template <class Work>
void expect_alike(const Work& work, double tolerance, const std::string& what) {
  const Tensor expected = work();
  const OwnOperators own;
  const Tensor found = work();
  EXPECT_EQ(found.scalar_type(), expected.scalar_type()) << what;
  EXPECT_TRUE(
      torch::allclose(found.to(torch::kDouble), expected.to(torch::kDouble), tolerance, tolerance))
      << what;
}

TEST(OwnOperators, AreThoseOfAScopeAlone) {
  EXPECT_FALSE(OwnOperators::in_scope());
  {
    const OwnOperators outer;
    { const OwnOperators inner; }
    EXPECT_TRUE(OwnOperators::in_scope());
  }
  EXPECT_FALSE(OwnOperators::in_scope());
}

TEST(OwnOperators, GiveTheProductsThatLibTorchGives) {
  torch::manual_seed(4);
  const torch::NoGradGuard no_grad;
  torch::nn::Linear layer(48, 40);
  layer->eval();
  for (const char* dtype : {"float32", "bfloat16"}) {
    const runtime::Autocast autocast(torch::kCPU, dtype);
    const double tolerance = std::string(dtype) == "float32" ? 1e-5 : 0.02;
    for (const int64_t rows : {1, 8, 32, 33, 100}) {
      const auto x = torch::randn({rows, 1, 48});
      expect_alike([&] { return product(layer, x); }, tolerance, dtype);
      expect_alike([&] { return product(x, layer->weight, {}, false); }, tolerance, dtype);
      expect_alike([&] { return product(layer, shared_by_products(x, false)); }, tolerance, dtype);
    }
  }
}

TEST(OwnOperators, GiveTheActivationsThatLibTorchGives) {
  const torch::NoGradGuard no_grad;
  for (const auto type : {torch::kFloat, torch::kBFloat16})
    for (const auto act : {Act::kSilu, Act::kGelu, Act::kRelu, Act::kGeluTanh}) {
      const auto x = torch::linspace(-6, 6, 101).to(type);
      expect_alike([&] { return activate(x, act); }, type == torch::kFloat ? 1e-5 : 0.02, "");
    }
}

}  // namespace
}  // namespace braid::nn
