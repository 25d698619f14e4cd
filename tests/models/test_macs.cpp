// Parameters and multiply-accumulates against the reference implementations, as fvcore counts them.
// See generate_macs.py.
#include "braid/models/macs.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "braid/models/own_cost.h"
#include "braid/models/registry.h"
#include "braid/models/vision/cost.h"
#include "braid/models/vision/inputs.h"

namespace braid::models {
namespace {

std::vector<std::string> names_with_a_cost(bool images) {
  std::vector<std::string> names;
  for (const auto& entry : registry().entries())
    if (!own_input_size(entry).empty() && (entry.kind == ImageModel::kKind) == images)
      names.push_back(entry.name);
  return names;
}

// `braid models` shows what was counted once. Where an architecture is new or has changed, the line
// is to be copied into known_costs.inc.
void expect_known(const std::string& name, const OwnCost& cost) {
  const auto known = known_cost(name);
  EXPECT_TRUE(known && *known == cost) << "expected in braid/models/known_costs.inc:\n{\"" << name
                                       << "\", {" << cost.params << ", " << cost.macs << "}},";
}

class Counts : public ::testing::TestWithParam<std::string> {};

TEST_P(Counts, ParametersAreTheReferencesAndMacsWithinOnePercent) {
  const auto cost = count_own_cost(GetParam());
  expect_known(GetParam(), cost);
  if (GetParam() == "braidnet") return;  // composed: has no reference
  const Json counts =
      Json::parse(std::ifstream(BRAID_TEST_SOURCE_DIR "/models/fixtures/reference_counts.json"));
  ASSERT_TRUE(counts.contains(GetParam())) << "run generate_macs.py";
  const Json& reference = counts.at(GetParam());
  EXPECT_EQ(cost.params, reference.at("params").get<int64_t>());
  EXPECT_NEAR(static_cast<double>(cost.macs) / reference.at("macs").get<double>(), 1, 0.01);
}

class CountsOfTexts : public ::testing::TestWithParam<std::string> {};

TEST_P(CountsOfTexts, AreThoseThatAreShown) {
  expect_known(GetParam(), count_own_cost(GetParam()));
}

TEST(KnownCosts, AnotherArchitectureHasNone) { EXPECT_FALSE(known_cost("resnet9000")); }

INSTANTIATE_TEST_SUITE_P(Registry, Counts, ::testing::ValuesIn(names_with_a_cost(true)),
                         [](const auto& info) { return info.param; });
INSTANTIATE_TEST_SUITE_P(Registry, CountsOfTexts, ::testing::ValuesIn(names_with_a_cost(false)),
                         [](const auto& info) { return info.param; });

TEST(Macs, AreThoseOfThePaperForASmallResNet) {
  // By hand: 442,368 (first) + 14,155,776 + 2 x 12,976,128 (stages) + 64,000 (classifier).
  EXPECT_EQ(count_macs(*create_model<ImageModel>("resnet20"), {1, 3, 32, 32}), 40614400);
}

TEST(Macs, ScaleWithTheBatchAndLeaveTheModeAlone) {
  const auto model = create_model<ImageModel>("resnet20");
  model->train();
  EXPECT_EQ(count_macs(*model, {3, 3, 32, 32}), 3 * count_macs(*model, {1, 3, 32, 32}));
  EXPECT_TRUE(model->is_training());
}

TEST(Macs, AreThoseOfTrainingToo) {
  const auto model = create_model<ImageModel>("mobilenetv3_small_100");
  const auto x = torch::randn({2, 3, 64, 64}).contiguous(at::MemoryFormat::ChannelsLast);
  model->train();
  EXPECT_EQ(count_macs([&] { model->forward(x); }), count_macs(*model, x.sizes().vec()));
}

// A comparison is of the networks that would be used: branches folded, as latency is measured.
TEST(Cost, IsOfTheFormForInference) {
  const std::vector<int64_t> shape = {1, 3, 224, 224};
  const auto trained = create_model<ImageModel>("repvit_m1");
  const int64_t params = count_parameters(*trained), macs = count_macs(*trained, shape);
  const auto cost = count_cost(*trained, shape);
  EXPECT_EQ(cost.train_macs, macs);
  EXPECT_LT(cost.macs, macs);
  EXPECT_LT(cost.params, params);
  EXPECT_EQ(cost.params, count_parameters(*trained));
  EXPECT_EQ(cost.macs, count_macs(*trained, shape));

  const auto plain = create_model<ImageModel>("resnet20");
  const auto same = count_cost(*plain, {1, 3, 32, 32});
  EXPECT_EQ(same.macs, same.train_macs);
  EXPECT_EQ(same.params, count_parameters(*plain));
}

}  // namespace
}  // namespace braid::models
