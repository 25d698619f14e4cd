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

std::vector<std::string> named_architectures() {
  std::vector<std::string> names;
  for (const auto& entry : registry().entries())
    if (entry.kind == ImageModel::kKind && entry.name != "braidnet")
      names.push_back(entry.name);  // composed: has no reference
  return names;
}

class Counts : public ::testing::TestWithParam<std::string> {};

TEST_P(Counts, ParametersAreTheReferencesAndMacsWithinOnePercent) {
  const Json counts =
      Json::parse(std::ifstream(BRAID_TEST_SOURCE_DIR "/models/fixtures/reference_counts.json"));
  ASSERT_TRUE(counts.contains(GetParam())) << "run generate_macs.py";
  const Json& reference = counts.at(GetParam());
  const auto input = image_input(find_model(GetParam()));
  const auto model = create_model<ImageModel>(GetParam());
  EXPECT_EQ(count_parameters(*model), reference.at("params").get<int64_t>());
  const auto macs =
      static_cast<double>(count_macs(*model, {1, input.channels, input.height, input.width}));
  EXPECT_NEAR(macs / reference.at("macs").get<double>(), 1, 0.01);
}

// `braid models` shows what was counted once. Where an architecture is new or has changed, the file
// as it must be is written beside the temporary files.
TEST(KnownCosts, AreThoseOfTheModels) {
  std::string lines;
  bool same = true;
  for (const auto& entry : registry().entries()) {
    if (own_input_size(entry).empty()) continue;
    const auto cost = count_own_cost(entry.name);
    const auto known = known_cost(entry.name);
    same = same && known && *known == cost;
    lines += "{\"" + entry.name + "\", {" + std::to_string(cost.params) + ", " +
             std::to_string(cost.macs) + "}},\n";
  }
  if (same) return;
  const auto file = std::filesystem::temp_directory_path() / "known_costs.inc";
  std::ofstream(file) << lines;
  ADD_FAILURE() << "copy " << file << " to braid/models/known_costs.inc";
}

TEST(KnownCosts, AnotherArchitectureHasNone) { EXPECT_FALSE(known_cost("resnet9000")); }

INSTANTIATE_TEST_SUITE_P(Registry, Counts, ::testing::ValuesIn(named_architectures()),
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
