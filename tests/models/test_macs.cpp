// Multiply-accumulates against fvcore's counts of the reference implementations. See
// generate_macs.py.
#include "braid/models/macs.h"

#include <gtest/gtest.h>

#include "braid/models/registry.h"

namespace braid::models {
namespace {

const std::map<std::string, double> kPublished = {
    {"resnet18", 1814073344},
    {"resnet50", 4089184256},
    {"vit_tiny_patch16_224", 1253683200},
    {"deit_tiny_patch16_224", 1253683200},
    {"deit_tiny_distilled_patch16_224", 1261003776},
    {"coatnet_nano_rw_224", 2382715392},
    {"coatnet_0_rw_224", 4406300928},
    {"coatnet_pico_32", 105705472},
    {"vit_lite_2_4_32", 15463936},
    {"vit_lite_7_4_32", 254735872},
    {"cct_2_3x2_32", 35468288},
    {"cct_7_3x1_32", 1181870080},
    // By hand: 442,368 (first) + 14,155,776 + 2 x 12,976,128 (stages) + 64,000 (classifier).
    {"resnet20", 40614400},
};

TEST(Macs, AreFvcoresWithinOnePercent) {
  for (const auto& [name, expected] : kPublished) {
    const auto& entry = find_model(name);
    const auto model = create_model(name);
    const auto macs = static_cast<double>(
        count_macs(*model, {1, entry.input.channels, entry.input.height, entry.input.width}));
    EXPECT_NEAR(macs / expected, 1, 0.01) << name;
  }
}

TEST(Macs, ScaleWithTheBatchAndLeaveTheModeAlone) {
  const auto model = create_model("resnet20");
  model->train();
  EXPECT_EQ(count_macs(*model, {3, 3, 32, 32}), 3 * count_macs(*model, {1, 3, 32, 32}));
  EXPECT_TRUE(model->is_training());
}

}  // namespace
}  // namespace braid::models
