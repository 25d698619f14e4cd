// Products by 8-bit weights are those of the float weights that stand for them.
#include "braid/nn/basic/int8_weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "braid/nn/basic/own_operators.h"
#include "braid/nn/basic/product.h"
#include "braid/ops/int8_linear.h"
#include "braid/runtime/autocast.h"
#include "tests/ops/operator_checks.h"

namespace braid::nn {
namespace {

using torch::Tensor;

TEST(Int8Weights, RoundTheFloatWeightsInPlace) {
  torch::nn::Linear layer(48, 40);
  const auto before = layer->weight.detach().clone();
  Int8Weights weights;
  weights.round(layer->weight);
  weights.round(layer->weight);
  EXPECT_EQ(weights.size(), 1U);
  const auto* matrix = weights.find(layer->weight);
  ASSERT_NE(matrix, nullptr);
  EXPECT_TRUE(layer->weight.equal(ops::to_float(*matrix)));
  EXPECT_FALSE(layer->weight.equal(before));
  EXPECT_TRUE(layer->weight.allclose(before, 0, 0.5 / 127 / 6));
  EXPECT_EQ(weights.find(layer->bias), nullptr);
}

TEST(Int8Weights, MultiplyWithinTheirScope) {
  const torch::NoGradGuard no_grad;
  torch::nn::Linear layer(48, 40), other(48, 40);
  layer->eval();
  other->eval();
  Int8Weights weights;
  weights.round(layer->weight);
  const auto names_of = [&](torch::nn::Linear& asked, int64_t rows) {
    ops::NamesOfOperators names;
    const runtime::OpObserver observer(names);
    product(asked, torch::randn({rows, 48}));
    return names.names;
  };
  const auto has = [](const std::vector<std::string>& names, const char* name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  {
    const Int8Scope scope(&weights);
    EXPECT_FALSE(has(names_of(layer, 4), "braid::int8_linear")) << "without nn::OwnOperators";
    const OwnOperators own;
    EXPECT_TRUE(has(names_of(layer, 4), "braid::int8_linear"));
    EXPECT_FALSE(has(names_of(other, 4), "braid::int8_linear"));
    EXPECT_FALSE(has(names_of(layer, ops::kMostInt8Rows + 1), "braid::int8_linear"));
    {
      const Int8Scope none(nullptr);
      EXPECT_FALSE(has(names_of(layer, 4), "braid::int8_linear"));
    }
    for (const char* dtype : {"float32", "bfloat16"}) {
      const runtime::Autocast autocast(torch::kCPU, dtype);
      const auto x = torch::randn({4, 48});
      const auto y = product(layer, x);
      EXPECT_EQ(y.scalar_type(), runtime::type_of_products(x));
      const auto truth = at::linear(x.to(torch::kDouble), layer->weight.to(torch::kDouble),
                                    layer->bias.to(torch::kDouble));
      EXPECT_LE(ops::difference(y, truth),
                (y.scalar_type() == torch::kFloat ? 1e-4 : 0.01) * ops::largest(truth));
    }
  }
  const OwnOperators own;
  EXPECT_FALSE(has(names_of(layer, 4), "braid::int8_linear"));
}

}  // namespace
}  // namespace braid::nn
