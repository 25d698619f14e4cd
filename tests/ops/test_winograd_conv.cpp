// 3x3 convolutions by Winograd's filtering against LibTorch's in float64.
#include "braid/ops/winograd_conv.h"

#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "braid/core/cpu.h"
#include "braid/core/error.h"
#include "braid/ops/conv3x3.h"
#include "braid/ops/kernel_levels.h"
#include "braid/ops/winograd_cpu.h"
#include "braid/ops/winograd_packed.h"
#include "tests/ops/operator_checks.h"

namespace braid::ops {
namespace {

using torch::Tensor;

struct FilteredMaps {
  int64_t images, in, out, height, width;
};
// Whole tiles and not, maps of one pixel and of one row, channels that fill no vector and no panel,
// more outputs than inputs and the reverse, several blocks.
const std::vector<FilteredMaps> kFilteredMaps = {
    {2, 16, 16, 8, 8},  {3, 3, 5, 7, 9},    {1, 17, 33, 1, 1},  {2, 20, 8, 1, 13},
    {70, 32, 16, 4, 5}, {1, 70, 40, 12, 3}, {3, 64, 48, 20, 18}};

Tensor map_of(const FilteredMaps& c, int64_t chans, at::ScalarType type) {
  return torch::randn({c.images, chans, c.height, c.width})
      .to(type)
      .contiguous(at::MemoryFormat::ChannelsLast);
}

struct FilteredStep {
  Tensor y, dx, dweight;
};
FilteredStep by_libtorch(const Tensor& x, const Tensor& weight, const Tensor& dy) {
  const auto leaf = x.to(torch::kDouble).requires_grad_();
  const auto filters = weight.to(torch::kDouble).requires_grad_();
  const auto y = composed_conv3x3(leaf, filters);
  y.backward(dy.to(torch::kDouble));
  return {y.detach(), leaf.grad(), filters.grad()};
}

FilteredStep by_level(const WinogradLevel& level, const Tensor& x, const Tensor& weight,
                      const Tensor& dy) {
  const int64_t in = x.size(1), out = dy.size(1);
  const WinogradPasses passes(level, {.images = x.size(0),
                                      .height = x.size(2),
                                      .width = x.size(3),
                                      .bfloat16 = x.scalar_type() == at::kBFloat16});
  const auto filters = weight.contiguous(at::MemoryFormat::ChannelsLast);
  const FilteredStep step{torch::empty_like(dy), torch::empty_like(x), torch::empty_like(filters)};
  const auto packed = passes.pack(filters.const_data_ptr<float>(), in, out);
  passes.convolve(x.const_data_ptr(), in, packed.const_data_ptr<float>(), step.y.mutable_data_ptr(),
                  out);
  const auto turned = passes.pack_turned(filters.const_data_ptr<float>(), in, out);
  passes.convolve(dy.const_data_ptr(), out, turned.const_data_ptr<float>(),
                  step.dx.mutable_data_ptr(), in);
  passes.weight_gradient(dy.const_data_ptr(), out, x.const_data_ptr(), in,
                         step.dweight.mutable_data_ptr<float>());
  return step;
}

TEST(Winograd, IsLibTorchsAtEveryLevel) {
  torch::manual_seed(5);
  for (const auto& c : kFilteredMaps)
    for (const auto type : {torch::kFloat, torch::kBFloat16}) {
      const auto x = map_of(c, c.in, type), dy = map_of(c, c.out, type);
      const auto weight = torch::randn({c.out, c.in, 3, 3});
      const auto truth = by_libtorch(x, weight, dy);
      const double rounding = type == torch::kFloat ? 1e-5 : 1.0 / 256;
      for (const auto& level : usable_winograd_levels()) {
        SCOPED_TRACE(std::string(level.transforms.name) + " " + level.products.name + " " +
                     std::to_string(c.in) + "x" + std::to_string(c.height) + "x" +
                     std::to_string(c.width) + " " + c10::toString(type));
        const auto found = by_level(level, x, weight, dy);
        EXPECT_LE(difference(found.y, truth.y), rounding * largest(truth.y));
        EXPECT_LE(difference(found.dx, truth.dx), rounding * largest(truth.dx));
        EXPECT_LE(difference(found.dweight, truth.dweight), 1e-5 * largest(truth.dweight));
      }
    }
}

TEST(Winograd, HasEachSetOfInstructions) {
  const auto usable = usable_winograd_levels();
  ASSERT_FALSE(usable.empty());
  EXPECT_STREQ(usable.back().transforms.name, "baseline");
  EXPECT_STREQ(usable.back().products.name, "baseline");
}

// avx512vnni, avx512 and avx512bf16 begin alike, and so might what is no relation.
TEST(Winograd, PairsLevelsByTheirInstructions) {
  for (const char* products : {"avx512vnni", "avx512"}) {
    EXPECT_TRUE(goes_with("avx512", products));
    EXPECT_TRUE(goes_with("avx512bf16", products));
    EXPECT_FALSE(goes_with("avx512fp16", products));
    EXPECT_FALSE(goes_with("avx2", products));
    EXPECT_FALSE(goes_with("", products));
  }
  EXPECT_TRUE(goes_with("avx2", "avx2"));
  EXPECT_FALSE(goes_with("avx512", "avx2"));
  EXPECT_FALSE(goes_with("", "avx2"));
  EXPECT_TRUE(goes_with("baseline", "baseline"));
  EXPECT_FALSE(goes_with("avx2", "baseline"));
  EXPECT_THROW(goes_with("avx2", "avx2x"), InternalError);
  for (const auto* products : runner::usable_kernels()) {  // a level that the table forgot throws
    EXPECT_FALSE(level_beside(products->name).empty());
  }
  for (const auto& level : usable_winograd_levels())
    EXPECT_TRUE(goes_with(level.transforms.name, level.products.name));
}

FilteredStep by_operator(const Tensor& x, const Tensor& weight, const Tensor& dy) {
  const auto leaf = x.detach().clone().requires_grad_();
  const auto filters = weight.detach().clone().requires_grad_();
  const auto y = conv3x3(leaf, filters);
  y.backward(dy);
  return {y.detach(), leaf.grad(), filters.grad()};
}

TEST(Winograd, AnyNumberOfThreadsGivesTheSameBits) {
  torch::manual_seed(5);
  const FilteredMaps c{9, 32, 48, 15, 17};
  const auto x = map_of(c, c.in, torch::kFloat), dy = map_of(c, c.out, torch::kFloat);
  const auto weight = torch::randn({c.out, c.in, 3, 3});
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const auto alone = by_operator(x, weight, dy);
  at::set_num_threads(3);
  const auto together = by_operator(x, weight, dy);
  at::set_num_threads(before);
  EXPECT_TRUE(torch::equal(alone.y, together.y));
  EXPECT_TRUE(torch::equal(alone.dx, together.dx));
  EXPECT_TRUE(torch::equal(alone.dweight, together.dweight));
}

TEST(Winograd, IsTakenInFloat32) {
  torch::manual_seed(5);
  const FilteredMaps c{4, 24, 32, 14, 14};
  const auto x = map_of(c, c.in, torch::kFloat), dy = map_of(c, c.out, torch::kFloat);
  const auto weight = torch::randn({c.out, c.in, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast);
  ASSERT_TRUE(suits_winograd(x, weight));
  NamesOfOperators watcher;
  FilteredStep found;
  {
    const runtime::OpObserver observer(watcher);
    found = by_operator(x, weight, dy);
  }
  for (const auto* name : {"braid::winograd_conv3x3", "braid::winograd_conv3x3_gradient",
                           "braid::winograd_conv3x3_weight_gradient"})
    EXPECT_NE(std::find(watcher.names.begin(), watcher.names.end(), name), watcher.names.end())
        << name;
  const auto truth = by_libtorch(x, weight, dy);
  EXPECT_LE(difference(found.y, truth.y), 1e-5 * largest(truth.y));
  EXPECT_LE(difference(found.dx, truth.dx), 1e-5 * largest(truth.dx));
  EXPECT_LE(difference(found.dweight, truth.dweight), 1e-5 * largest(truth.dweight));
}

TEST(Winograd, LeavesTheRestToOthers) {
  const FilteredMaps c{4, 32, 32, 16, 16};
  const auto x = map_of(c, c.in, torch::kFloat);
  const auto weight = torch::randn({c.out, c.in, 3, 3});
  ASSERT_TRUE(suits_winograd(x, weight));
  EXPECT_FALSE(suits_winograd(x.contiguous(), weight)) << "another layout";
  EXPECT_FALSE(suits_winograd(x.to(torch::kDouble), weight));
  EXPECT_FALSE(suits_winograd(x, weight.to(torch::kBFloat16)));
  EXPECT_FALSE(suits_winograd(x, torch::randn({32, 32, 1, 1})));
  EXPECT_FALSE(suits_winograd(x, torch::randn({16, 32, 3, 3}))) << "few channels";
  EXPECT_FALSE(suits_winograd(x.slice(0, 0, 1), weight)) << "few tiles";
  EXPECT_FALSE(suits_winograd_weight_gradient(x, weight)) << "float32 has more than that";
  const auto rounded = x.to(torch::kBFloat16);
  EXPECT_EQ(suits_winograd(rounded, weight), !cpu_has_bf16_tiles());
  EXPECT_EQ(suits_winograd_weight_gradient(rounded, weight), !cpu_has_bf16_tiles());
  // Of a tile on maps of five pixels, most is beside the map.
  const auto small = map_of({64, 32, 32, 5, 5}, 32, torch::kBFloat16);
  EXPECT_FALSE(suits_winograd(small, weight));
  EXPECT_EQ(suits_winograd_weight_gradient(small, weight), !cpu_has_bf16_tiles());
}

TEST(Winograd, PackedAddsWhatFollows) {
  torch::manual_seed(5);
  const FilteredMaps c{2, 20, 24, 14, 15};
  const auto x = map_of(c, c.in, torch::kFloat), other = map_of(c, c.out, torch::kFloat);
  const auto weight = torch::randn({c.out, c.in, 3, 3}), bias = torch::randn({c.out});
  const auto op = c10::Dispatcher::singleton()
                      .findSchemaOrThrow("braid::winograd_conv3x3_packed", "")
                      .typed<Tensor(const Tensor&, const Tensor&, const std::optional<Tensor>&,
                                    const std::optional<Tensor>&, int64_t, bool)>();
  const auto packed = pack_winograd_filters(weight);
  const auto plain = composed_conv3x3(x, weight);
  const auto shifted = plain + bias.view({1, -1, 1, 1});
  const auto expect_near = [](const Tensor& found, const Tensor& expected) {
    EXPECT_LE(difference(found, expected), 1e-5 * largest(expected));
  };
  expect_near(op.call(x, packed, std::nullopt, std::nullopt, c.out, false), plain);
  expect_near(op.call(x, packed, bias, std::nullopt, c.out, true), shifted.relu());
  expect_near(op.call(x.contiguous(), packed, bias, other.contiguous(), c.out, true),
              (shifted + other).relu());
  expect_near(op.call(x, packed, std::nullopt, other, c.out, false), plain + other);
  EXPECT_EQ(op.call(x.slice(0, 0, 0), packed, bias, std::nullopt, c.out, true).size(0), 0);
}

TEST(Winograd, WhatIsNoNumberStaysNone) {
  const FilteredMaps c{2, 24, 24, 24, 24};
  auto x = map_of(c, c.in, torch::kFloat);
  x[1][3][10][10] = std::numeric_limits<float>::quiet_NaN();
  const auto y = conv3x3(x, torch::ones({24, 24, 3, 3}));
  EXPECT_TRUE(y[1][0][10][10].isnan().item<bool>());
  EXPECT_FALSE(y[0].isnan().any().item<bool>()) << "of another image";
}

TEST(Winograd, HasNoSecondDerivative) {
  const FilteredMaps c{4, 24, 24, 16, 16};
  const auto weight = torch::randn({24, 24, 3, 3}).requires_grad_();
  const auto y = conv3x3(map_of(c, 24, torch::kFloat), weight);
  EXPECT_THROW(torch::autograd::grad({y}, {weight}, {torch::ones_like(y)}, /*retain_graph=*/true,
                                     /*create_graph=*/true),
               InternalError);
}

}  // namespace
}  // namespace braid::ops
