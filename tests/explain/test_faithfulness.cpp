// The checks of explanations, on a detector of red and green patches whose truth is known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "braid/explain/check_methods.h"
#include "braid/explain/class_activation.h"
#include "braid/explain/faithfulness.h"
#include "braid/explain/heat_map.h"
#include "braid/graph/capture.h"
#include "tests/explain/small_models.h"

namespace braid::explain {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int64_t kSide = 32, kPatch = 8;

// Class 0: red somewhere, class 1: green somewhere.
struct Detector : torch::nn::Module {
  torch::nn::Conv2d conv{torch::nn::Conv2dOptions(3, 2, 4).stride(4)};
  torch::nn::Linear fc{2, 2};
  Detector() {
    register_module("conv", conv);
    register_module("fc", fc);
    const torch::NoGradGuard no_grad;
    conv->weight.copy_(torch::tensor({{1.0f, -1.0f, -1.0f}, {-1.0f, 1.0f, -1.0f}})
                           .view({2, 3, 1, 1})
                           .expand({2, 3, 4, 4}) /
                       16);
    conv->bias.fill_(-0.5);
    fc->weight.copy_(torch::eye(2) * 20);
    fc->bias.zero_();
  }
  torch::Tensor forward(const torch::Tensor& x) {
    return fc->forward(conv->forward(x).relu().mean({2, 3}));
  }
};

ExplainableGraph captured(Detector& detector) {
  using Tensors = graph::CaptureRequest::Tensors;
  return explainable_graph(
      graph::capture({.run = [&](const Tensors& x) { return Tensors{detector.forward(x.at(0))}; },
                      .example =
                          [](graph::Sizes sizes) {
                            return Tensors{torch::randn({sizes.batch, 3, kSide, kSide})};
                          },
                      .module = &detector,
                      .input_names = {"pixel_values"},
                      .output_names = {"logits"}}));
}

std::vector<Planted> planted_images(int64_t count) {
  std::vector<Planted> images;
  for (int64_t i = 0; i < count; ++i) {
    Planted one{.image = 0.3 * torch::randn({1, 3, kSide, kSide}),
                .target = i % 2,
                .top = torch::randint(kSide - kPatch, {1}).item<int64_t>(),
                .left = torch::randint(kSide - kPatch, {1}).item<int64_t>(),
                .height = kPatch,
                .width = kPatch};
    one.image.slice(2, one.top, one.top + kPatch)
        .slice(3, one.left, one.left + kPatch)
        .select(1, one.target) += 2;
    images.push_back(one);
  }
  return images;
}

class Detected : public ::testing::Test {
 protected:
  Detector detector;
  ExplainableGraph explained = captured(detector);
  Classify classify = [this](const torch::Tensor& x) { return logits(explained, x); };
};

TEST_F(Detected, PlantedPatchesAreFound) {
  const auto planted = planted_images(40);
  const auto cam = [&](ActivationWeights weights) {
    return [this, weights](const torch::Tensor& image, int64_t target) {
      const auto& layer = last_layer(explained, image, target);
      return to_pixels(class_activation(explained, layer, image, target, weights), kSide, kSide);
    };
  };
  const MapOf methods[] = {
      cam(ActivationWeights::kGradCam), cam(ActivationWeights::kGradCamPlusPlus),
      [this](const torch::Tensor& image, int64_t target) {
        return magnitudes(integrated_gradients(logit_of(classify, target), image,
                                               torch::zeros_like(image), 16, 16)
                              .values.sum(0));
      },
      [this](const torch::Tensor& image, int64_t target) {
        return min_max(occlusion(classify, image, target, {.window = 4, .stride = 2}).clamp_min(0));
      }};
  for (size_t i = 0; i < 4; ++i) {
    const auto game = pointing_game(methods[i], planted);
    EXPECT_EQ(game.planted, 40);
    EXPECT_GE(game.found, 36) << "method " << i;
    EXPECT_NEAR(game.chance, 1.0 / 16, 1e-9);
  }
}

TEST_F(Detected, TakingAwayWhatMattersIsWorseThanTakingAwayWhatDoesNot) {
  const auto one = planted_images(1)[0];
  auto truth = torch::zeros({kSide, kSide});
  truth.slice(0, one.top, one.top + kPatch).slice(1, one.left, one.left + kPatch).fill_(1);
  truth += 0.01 * torch::rand({kSide, kSide});
  const PixelOrder order{.target = one.target, .steps = 16, .batch = 5};
  EXPECT_LT(deletion_area(classify, one.image, truth, order),
            deletion_area(classify, one.image, 1 - truth, order) - 0.1);
  EXPECT_GT(insertion_area(classify, one.image, truth, order),
            insertion_area(classify, one.image, 1 - truth, order));
}

TEST_F(Detected, PatchesArePlantedWhereTheModelSeesThem) {
  auto red = torch::zeros({1, 3, kSide, kSide});
  red.select(1, 0).fill_(2);
  const auto nothing = 0.1 * torch::randn({1, 3, kSide, kSide});
  // Of nothing's class the model sees nothing on red, so that none is planted there.
  const auto planted = plant_patches(classify, {red, nothing}, {0, 1}, 3, 7);
  ASSERT_EQ(planted.size(), 3u);
  for (const auto& one : planted) {
    EXPECT_EQ(one.target, 0);
    EXPECT_EQ(one.height, kSide / 2);
    EXPECT_EQ(one.image[0][0][one.top + 8][one.left + 8].item<float>(), 2);
    EXPECT_LE(one.top + one.height, kSide);
  }
  const Classify blind = [](const torch::Tensor& x) {
    return torch::tensor({{0.0f, 9.0f}}).expand({x.size(0), 2});
  };
  EXPECT_TRUE(plant_patches(blind, {red, nothing}, {0, 1}, 3, 7).empty());
}

TEST_F(Detected, ACascadeRandomizesFromTheLastModuleDown) {
  const auto graphs = cascade(explained, {0.5, 1}, 3);
  ASSERT_EQ(graphs.size(), 2u);
  const auto same = [&](const ExplainableGraph& other, const std::string& name) {
    for (size_t i = 0; i < explained.graph.values.size(); ++i)
      if (explained.graph.values[i].name == name)
        return torch::equal(explained.graph.values[i].constant, other.graph.values[i].constant);
    ADD_FAILURE() << name;
    return false;
  };
  EXPECT_FALSE(same(graphs[0], "fc.weight"));
  EXPECT_TRUE(same(graphs[0], "conv.weight"));
  EXPECT_FALSE(same(graphs[1], "conv.weight"));
  EXPECT_TRUE(torch::equal(detector.fc->weight.detach(), torch::eye(2) * 20));
}

TEST(RankCorrelation, EqualsScipysSpearman) {
  const auto a = torch::tensor({1.0f, 2.0f, 2.0f, 3.0f}),
             b = torch::tensor({1.0f, 2.0f, 3.0f, 4.0f});
  EXPECT_NEAR(rank_correlation(a, b), 0.9486832980505138, 1e-12);
  EXPECT_NEAR(rank_correlation(a, -b), -0.9486832980505138, 1e-12);
  EXPECT_EQ(rank_correlation(torch::ones({4}), b), 0);
}

// Deep models of noise overflow. An order that is none would lead a sort out of its numbers.
TEST(RankCorrelation, TakesWhatIsNoNumber) {
  const auto a = torch::arange(1000, torch::kFloat);
  EXPECT_EQ(rank_correlation(a, torch::full({1000}, NAN)), 0);
  auto some = a.clone();
  some.slice(0, 500, 1000).fill_(NAN);  // after all others, of one rank
  auto largest = a.clone();
  largest.slice(0, 500, 1000).fill_(INFINITY);
  EXPECT_EQ(rank_correlation(a, some), rank_correlation(a, largest));
  EXPECT_EQ(rank_correlation(some, a.flip(0)), rank_correlation(largest, a.flip(0)));
}

TEST(Verdict, AMethodThatFailsIsSaidToFail) {
  CheckRow row;
  row.deletion = 0.2;
  row.random_deletion = 0.4;
  row.insertion = 0.7;
  row.random_insertion = 0.5;
  row.randomized = 0.1;
  EXPECT_EQ(verdict_of(row), "passes");
  row.randomized = 0.9;
  EXPECT_THAT(verdict_of(row), StartsWith("fails"));
  EXPECT_THAT(verdict_of(row), HasSubstr("0.90"));
  row.randomized = 0.1;
  row.deletion = 0.5;
  row.insertion = 0.4;
  EXPECT_THAT(verdict_of(row), HasSubstr("no better than chance"));
}

TEST(Verdict, AMethodThatMissesMostPatchesFails) {
  CheckRow row;
  row.pointing_chance = 0.25;
  row.pointing = 0.2;
  EXPECT_EQ(verdict_of(row), "fails: it finds planted patches no better than chance");
  row.pointing = 0.43;
  EXPECT_EQ(verdict_of(row), "fails: it finds 43% of the planted patches");
  row.pointing = 0.5;
  EXPECT_EQ(verdict_of(row), "passes");
}

}  // namespace
}  // namespace braid::explain
