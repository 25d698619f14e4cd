// Streaming metrics: the same to the bit however the examples come in batches, and in parts that
// are merged.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>

#include "braid/core/error.h"
#include "braid/tasks/loss.h"
#include "braid/tasks/metrics/classifier_report.h"

namespace braid::tasks {
namespace {

constexpr int64_t kExamples = 1037, kClasses = 7;

struct MetricCase {
  std::string name;
  std::function<std::unique_ptr<Metric>()> make;
};

class Streaming : public ::testing::TestWithParam<MetricCase> {
 protected:
  void SetUp() override {
    torch::manual_seed(3);
    outputs_ = (2 * torch::randn({kExamples, kClasses})).softmax(1);
    labels_ = torch::randint(kClasses, {kExamples}, torch::kInt64);
  }
  void feed(Metric& metric, int64_t begin, int64_t end, int64_t batch) const {
    for (int64_t i = begin; i < end; i += batch) {
      const auto some = torch::indexing::Slice(i, std::min(end, i + batch));
      metric.update(outputs_.index({some}), labels_.index({some}));
    }
  }
  torch::Tensor outputs_, labels_;
};

TEST_P(Streaming, BatchesDoNotMatter) {
  const auto whole = GetParam().make();
  feed(*whole, 0, kExamples, kExamples);
  for (const int64_t batch : {1, 10, 128}) {
    const auto streamed = GetParam().make();
    feed(*streamed, 0, kExamples, batch);
    EXPECT_EQ(streamed->scores()[0].value, whole->scores()[0].value) << "batches of " << batch;
  }
}

TEST_P(Streaming, PartsMerge) {
  const auto whole = GetParam().make(), first = GetParam().make(), second = GetParam().make();
  feed(*whole, 0, kExamples, 100);
  feed(*first, 0, 300, 100);
  feed(*second, 300, kExamples, 100);
  first->merge(second->state());
  EXPECT_NEAR(first->scores()[0].value, whole->scores()[0].value,
              1e-12 * std::abs(whole->scores()[0].value));
}

TEST_P(Streaming, NothingIsNaN) {
  const auto score = GetParam().make()->scores().at(0);
  EXPECT_TRUE(std::isnan(score.value));
  EXPECT_EQ(score.name, GetParam().name);
}

INSTANTIATE_TEST_SUITE_P(
    Metrics, Streaming,
    ::testing::Values(MetricCase{"top1", [] { return std::make_unique<TopAccuracy>(1); }},
                      MetricCase{"top5", [] { return std::make_unique<TopAccuracy>(5); }},
                      MetricCase{"loss", [] { return std::make_unique<CrossEntropy>(); }},
                      MetricCase{"nll", [] { return std::make_unique<Likelihood>(); }},
                      MetricCase{"ece", [] { return std::make_unique<Calibration>(); }},
                      MetricCase{"macro_f1", [] { return std::make_unique<Confusion>(kClasses); }}),
    [](const auto& info) { return info.param.name; });

TEST(MetricsTest, LossIsTheTrainersToTheBit) {
  torch::manual_seed(5);
  const auto logits = torch::randn({999, 10});
  const auto labels = torch::randint(10, {999}, torch::kInt64);
  CrossEntropy streamed;
  for (int64_t i = 0; i < 999; i += 37)
    streamed.update(logits.narrow(0, i, 37 < 999 - i ? 37 : 999 - i),
                    labels.narrow(0, i, 37 < 999 - i ? 37 : 999 - i));
  EXPECT_EQ(streamed.scores()[0].value, cross_entropy(logits, labels, 0).item<double>());
}

TEST(ClassifierMetricsTest, OfASmallTable) {
  // Three classes; predictions 0 1 1 2, labels 0 1 2 2.
  const auto p =
      torch::tensor({{0.8, 0.1, 0.1}, {0.2, 0.6, 0.2}, {0.1, 0.5, 0.4}, {0.0, 0.1, 0.9}});
  const auto m = measure_classifier(p, torch::tensor({0, 1, 2, 2}, torch::kInt64)).report();
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

TEST(ClassifierMetricsTest, TopFiveOfFiveClassesSaysNothing) {
  for (const int64_t classes : {5, 6}) {
    const auto p = torch::full({3, classes}, 1.0 / static_cast<double>(classes));
    const auto scores = measure_classifier(p, torch::zeros({3}, torch::kInt64)).scores();
    const bool told = std::any_of(scores.begin(), scores.end(),
                                  [](const Score& score) { return score.name == "top5"; });
    EXPECT_EQ(told, classes == 6);
  }
}

TEST(ClassifierMetricsTest, StreamMergeAndKnowWhenTheySawNothing) {
  torch::manual_seed(7);
  const auto p = (2 * torch::randn({kExamples, kClasses})).softmax(1);
  const auto labels = torch::randint(kClasses, {kExamples}, torch::kInt64);
  const auto whole = measure_classifier(p, labels);
  ClassifierMetrics streamed(kClasses), first(kClasses), second(kClasses);
  for (int64_t i = 0; i < kExamples; i += 61) {
    const int64_t count = std::min<int64_t>(61, kExamples - i);
    streamed.update(p.narrow(0, i, count), labels.narrow(0, i, count));
    (i < 300 ? first : second).update(p.narrow(0, i, count), labels.narrow(0, i, count));
  }
  first.merge(second.state());
  const auto expected = whole.scores();
  ASSERT_EQ(expected.size(), 5u);
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(streamed.scores()[i].name, expected[i].name);
    EXPECT_EQ(streamed.scores()[i].value, expected[i].value) << expected[i].name;
    EXPECT_NEAR(first.scores()[i].value, expected[i].value, 1e-11) << expected[i].name;
  }
  EXPECT_EQ(first.count(), kExamples);
  EXPECT_TRUE(first.report().confusion.equal(whole.report().confusion));
  EXPECT_THROW(ClassifierMetrics(kClasses).report(), DataError);
}

TEST(Metrics, OfProbabilitiesThatAreNotFiniteAreNaN) {
  const auto probabilities = torch::full({4, 3}, NAN);
  const auto labels = torch::tensor({0, 1, 2, 0}, torch::kInt64);
  Calibration calibration;
  calibration.update(probabilities, labels);
  EXPECT_TRUE(std::isnan(calibration.scores().front().value));
}

}  // namespace
}  // namespace braid::tasks
