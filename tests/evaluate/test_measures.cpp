// The parts of a comparison, each against values worked out by hand or by another formula.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "braid/core/error.h"
#include "braid/core/base64.h"
#include "braid/evaluate/budget.h"
#include "braid/evaluate/class_scores.h"
#include "braid/evaluate/image/corruption.h"

namespace braid::evaluate {
namespace {

using ::testing::HasSubstr;

std::vector<uint8_t> bytes(const std::string& text) { return {text.begin(), text.end()}; }

TEST(Base64, RfcVectors) {
  EXPECT_EQ(to_base64(bytes("")), "");
  EXPECT_EQ(to_base64(bytes("f")), "Zg==");
  EXPECT_EQ(to_base64(bytes("fo")), "Zm8=");
  EXPECT_EQ(to_base64(bytes("foo")), "Zm9v");
  EXPECT_EQ(to_base64(bytes("foobar")), "Zm9vYmFy");
}

TEST(Budget, ReadsEveryForm) {
  EXPECT_EQ(parse_budget("time=90").value, 90);
  EXPECT_EQ(parse_budget("time=2m").value, 120);
  EXPECT_EQ(parse_budget("time=1.5h").value, 5400);
  EXPECT_EQ(parse_budget("epochs=10").value, 10);
  EXPECT_EQ(parse_budget("flops=500T").value, 5e14);
  for (const char* bad : {"", "time", "time=", "time=-1", "time=0", "time=nan", "time=inf",
                          "time=2d", "epochs=1.5", "epochs=1e99", "flops=1e999", "steps=3"})
    EXPECT_THROW(parse_budget(bad), UsageError) << bad;
}

TEST(Budget, AShareOfTheDataGetsTheSharesBudget) {
  EXPECT_DOUBLE_EQ(limits_of(parse_budget("time=100"), 0.1, 32, 1).seconds, 10);
  EXPECT_EQ(limits_of(parse_budget("epochs=7"), 0.1, 32, 1).epochs, 7);
  // 1e12 FLOPs at 6e6 per item: 166,666 items, of which a tenth in batches of 32.
  EXPECT_EQ(limits_of(parse_budget("flops=1T"), 0.1, 32, training_flops(1'000'000)).steps, 520);
}

TEST(Fusion, OverlapAndLateFusion) {
  const auto a = torch::tensor({{0.9, 0.1}, {0.9, 0.1}, {0.2, 0.8}, {0.6, 0.4}});
  const auto b = torch::tensor({{0.6, 0.4}, {0.3, 0.7}, {0.9, 0.1}, {0.7, 0.3}});
  const auto labels = torch::tensor({0, 1, 1, 1}, torch::kInt64);
  const auto o = error_overlap(a, b, labels);
  EXPECT_DOUBLE_EQ(o.both_right, 25);
  EXPECT_DOUBLE_EQ(o.only_cnn_right, 25);
  EXPECT_DOUBLE_EQ(o.only_transformer_right, 25);
  EXPECT_DOUBLE_EQ(o.both_wrong, 25);
  EXPECT_DOUBLE_EQ(o.oracle(), 75);
  EXPECT_TRUE(late_fusion(a, b).allclose((a + b) * 0.5));
  EXPECT_THROW(late_fusion(a, b.narrow(0, 0, 2)), InternalError);
}

io::Image ramp() {
  io::Image image{.height = 28, .width = 28, .channels = 3, .pixels = {}};
  for (int64_t k = 0; k < 28 * 28 * 3; ++k)
    image.pixels.push_back(static_cast<uint8_t>(k * 7 % 251));
  return image;
}

double distance(const io::Image& a, const io::Image& b) {
  double sum = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
  return sum;
}

TEST(Corruption, IsDeterministicAndKeepsTheSize) {
  const auto image = ramp();
  ASSERT_EQ(corruptions().size(), 6u);
  for (const auto& name : corruptions())
    for (int64_t severity = 1; severity <= kSeverities; ++severity) {
      const auto corrupted = corrupt(image, name, severity, 3);
      EXPECT_EQ(corrupted.pixels.size(), image.pixels.size());
      EXPECT_EQ(corrupted.pixels, corrupt(image, name, severity, 3).pixels) << name;
      EXPECT_GT(distance(corrupted, image), 0) << name << severity;
    }
  EXPECT_LT(distance(corrupt(image, "noise", 1, 3), image),
            distance(corrupt(image, "noise", 5, 3), image));
  EXPECT_LT(distance(corrupt(image, "contrast", 1, 3), image),
            distance(corrupt(image, "contrast", 5, 3), image));
  EXPECT_THROW(corrupt(image, "rust", 1, 0), InternalError);
  EXPECT_THROW(corrupt(image, "noise", 6, 0), InternalError);
}

TEST(Corruption, ShufflingPermutesPatches) {
  const auto image = ramp();
  EXPECT_EQ(shuffle_patches(image, 1, 5).pixels, image.pixels);
  auto shuffled = shuffle_patches(image, 4, 5);
  EXPECT_NE(shuffled.pixels, image.pixels);
  auto before = image.pixels, after = shuffled.pixels;
  std::sort(before.begin(), before.end());
  std::sort(after.begin(), after.end());
  EXPECT_EQ(before, after);
  EXPECT_THROW(shuffle_patches(image, 29, 0), InternalError);
}

}  // namespace
}  // namespace braid::evaluate
