// The parts of a comparison, each against values worked out by hand or by another formula.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "braid/core/error.h"
#include "braid/evaluate/base64.h"
#include "braid/evaluate/budget.h"
#include "braid/evaluate/image/corruption.h"
#include "braid/evaluate/image/fusion.h"
#include "braid/evaluate/latency.h"
#include "braid/evaluate/metrics.h"
#include "braid/evaluate/recommend.h"

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
  EXPECT_DOUBLE_EQ(allow(parse_budget("time=100"), 0.1, 32, 1).seconds, 10);
  EXPECT_EQ(allow(parse_budget("epochs=7"), 0.1, 32, 1).epochs, 7);
  // 1e12 FLOPs at 6e6 per image: 166,666 images, of which a tenth in batches of 32.
  EXPECT_EQ(allow(parse_budget("flops=1T"), 0.1, 32, training_flops_per_image(1'000'000)).steps,
            520);
}

TEST(Metrics, OfASmallTable) {
  // Three classes; predictions 0 1 1 2, labels 0 1 2 2.
  const auto p =
      torch::tensor({{0.8, 0.1, 0.1}, {0.2, 0.6, 0.2}, {0.1, 0.5, 0.4}, {0.0, 0.1, 0.9}});
  const auto m = compute_metrics(p, torch::tensor({0, 1, 2, 2}, torch::kInt64));
  EXPECT_DOUBLE_EQ(m.top1, 75);
  // F1: class 0: 1, class 1: 2/3, class 2: 2/3.
  EXPECT_NEAR(m.macro_f1, 100 * (1 + 2.0 / 3 + 2.0 / 3) / 3, 1e-9);
  // Wilson's interval of 3 of 4, from statsmodels' proportion_confint(3, 4, method="wilson").
  EXPECT_NEAR(m.top1_low, 30.0642, 1e-3);
  EXPECT_NEAR(m.top1_high, 95.4413, 1e-3);
  // Each in a bin of its own: |0.8-1| + |0.6-1| + |0.5-0| + |0.9-1|, over four.
  EXPECT_NEAR(m.ece, 100 * (0.2 + 0.4 + 0.5 + 0.1) / 4, 1e-5);
  EXPECT_NEAR(m.nll, -(std::log(.8) + std::log(.6) + std::log(.4) + std::log(.9)) / 4, 1e-6);
  EXPECT_EQ(m.confusion[2][1].item<int64_t>(), 1);
}

TEST(Fusion, OverlapAndLateFusion) {
  const auto a = torch::tensor({{0.9, 0.1}, {0.9, 0.1}, {0.2, 0.8}, {0.6, 0.4}});
  const auto b = torch::tensor({{0.6, 0.4}, {0.3, 0.7}, {0.9, 0.1}, {0.7, 0.3}});
  const auto labels = torch::tensor({0, 1, 1, 1}, torch::kInt64);
  const auto o = error_overlap(a, b, labels);
  EXPECT_DOUBLE_EQ(o.both_right, 25);
  EXPECT_DOUBLE_EQ(o.only_a_right, 25);
  EXPECT_DOUBLE_EQ(o.only_b_right, 25);
  EXPECT_DOUBLE_EQ(o.both_wrong, 25);
  EXPECT_DOUBLE_EQ(o.oracle(), 75);
  EXPECT_TRUE(late_fusion(a, b).allclose((a + b) * 0.5));
  EXPECT_THROW(late_fusion(a, b.narrow(0, 0, 2)), InternalError);
}

TEST(Latency, QuantileIsNumpys) {
  EXPECT_DOUBLE_EQ(quantile({3, 1, 2}, 0.5), 2);
  EXPECT_DOUBLE_EQ(quantile({1, 2, 3, 4}, 0.95), 3.85);
  EXPECT_DOUBLE_EQ(quantile({5}, 0.95), 5);
}

Candidate candidate(const std::string& name, double top1, double latency, int64_t params) {
  return {.name = name,
          .measured = true,
          .top1 = top1,
          .top1_low = top1 - 0.5,
          .top1_high = top1 + 0.5,
          .latency_ms = latency,
          .params = params};
}

TEST(Recommend, AccuracyTakesTheFastestOfThoseThatCannotBeToldApart) {
  const std::vector<Candidate> list = {candidate("slow", 92.3, 9, 10),
                                       candidate("fast", 92.0, 2, 20), candidate("weak", 80, 1, 5)};
  EXPECT_EQ(recommend(list, {}).model, "fast");
  EXPECT_EQ(recommend(list, {.prefer = "latency", .max_latency_ms = {}, .max_params = {}}).model,
            "weak");
  EXPECT_EQ(recommend(list, {.prefer = "size", .max_latency_ms = {}, .max_params = {}}).model,
            "weak");
  EXPECT_EQ(recommend(list, {.prefer = "accuracy", .max_latency_ms = 1.5, .max_params = {}}).model,
            "weak");
  const auto none =
      recommend(list, {.prefer = "accuracy", .max_latency_ms = 0.1, .max_params = {}});
  EXPECT_FALSE(none.model);
  EXPECT_THAT(none.reason, HasSubstr("0.1 ms"));
  EXPECT_EQ(rank(list, {}), (std::vector<size_t>{1, 0, 2}));
}

TEST(Recommend, FailedModelsAreNeverTaken) {
  Candidate failed = candidate("failed", 99, 1, 1);
  failed.measured = false;
  EXPECT_EQ(recommend({failed, candidate("ok", 50, 1, 1)}, {}).model, "ok");
  EXPECT_FALSE(recommend({failed}, {}).model);
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
      const auto harmed = corrupt(image, name, severity, 3);
      EXPECT_EQ(harmed.pixels.size(), image.pixels.size());
      EXPECT_EQ(harmed.pixels, corrupt(image, name, severity, 3).pixels) << name;
      EXPECT_GT(distance(harmed, image), 0) << name << severity;
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
