// Losses against PyTorch's and timm's.
#include "braid/tasks/loss.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <vector>

#include "braid/core/error.h"
#include "braid/runtime/tensor_file.h"
#include "braid/tasks/class_balance.h"

namespace braid::tasks {
namespace {

// Made by tests/train/generate_trajectories.py.
const runtime::TensorMap& fixture() {
  static const auto tensors = runtime::load_tensors(std::filesystem::path(BRAID_TEST_SOURCE_DIR) /
                                                    "tasks/fixtures/losses.safetensors");
  return tensors;
}

TEST(Loss, EqualsTheReferences) {
  const auto& f = fixture();
  const auto& logits = f.at("logits");
  const auto near = [&](const torch::Tensor& got, const std::string& name) {
    EXPECT_NEAR(got.item<double>(), f.at("loss." + name).item<double>(), 1e-6) << name;
  };
  near(cross_entropy(logits, f.at("labels"), 0.1), "smooth");
  near(cross_entropy(logits, f.at("labels"), 0), "plain");
  near(soft_cross_entropy(logits, f.at("targets")), "soft");
  near(distillation_loss(logits, f.at("teacher"), "hard", 1), "hard_distillation");
  near(distillation_loss(logits, f.at("teacher"), "soft", 3), "soft_distillation");
}

// Gradients by central differences in float64.
TEST(Loss, GradientsAreTheFiniteDifferences) {
  const auto labels = fixture().at("labels");
  const auto teacher = fixture().at("teacher").to(torch::kDouble);
  const auto targets = fixture().at("targets").to(torch::kDouble);
  const std::vector<std::function<torch::Tensor(const torch::Tensor&)>> losses = {
      [&](const auto& x) { return cross_entropy(x, labels, 0.1); },
      [&](const auto& x) { return soft_cross_entropy(x, targets); },
      [&](const auto& x) { return distillation_loss(x, teacher, "hard", 1); },
      [&](const auto& x) { return distillation_loss(x, teacher, "soft", 2); }};
  for (size_t k = 0; k < losses.size(); ++k) {
    auto x = fixture().at("logits").to(torch::kDouble).requires_grad_();
    losses[k](x).backward();
    const auto point = x.detach();
    for (int64_t i = 0; i < point.size(0); ++i)
      for (int64_t j = 0; j < point.size(1); ++j) {
        constexpr double kStep = 1e-5;
        auto up = point.clone(), down = point.clone();
        up[i][j] += kStep;
        down[i][j] -= kStep;
        const double slope = (losses[k](up) - losses[k](down)).item<double>() / (2 * kStep);
        EXPECT_NEAR(x.grad()[i][j].item<double>(), slope, 1e-8) << "loss " << k;
      }
  }
}

TEST(Losses, ClassWeightsMultiplyEachItemsLoss) {
  torch::manual_seed(3);
  const auto logits = torch::randn({4, 3});
  const auto labels = torch::tensor({0, 2, 2, 2}, torch::kInt64);
  // scikit-learn's compute_class_weight("balanced") of 1, 0 and 3 items: 4 / (2 * 1), 4 / (2 * 3).
  const auto weights = class_weights("balanced", {1, 0, 3});
  EXPECT_TRUE(weights.allclose(torch::tensor({2.0F, 0.0F, 2.0F / 3})));
  EXPECT_FALSE(class_weights("none", {1, 0, 3}).defined());
  EXPECT_NO_THROW(check_balance("balanced", "random", "train"));
  EXPECT_NO_THROW(check_balance("none", "balanced", "train"));
  EXPECT_THROW(check_balance("balanced", "balanced", "train"), ConfigError);
  const auto each = -logits.log_softmax(1).gather(1, labels.unsqueeze(1)).squeeze(1);
  const auto expected = (each * torch::tensor({2.0F, 2.0F / 3, 2.0F / 3, 2.0F / 3})).mean();
  EXPECT_NEAR(cross_entropy(logits, labels, 0, weights).item<double>(), expected.item<double>(),
              1e-6);
  const auto targets = torch::nn::functional::one_hot(labels, 3).to(torch::kFloat);
  EXPECT_NEAR(soft_cross_entropy(logits, targets, weights).item<double>(), expected.item<double>(),
              1e-6);
}

TEST(ClassBalance, IsSaidWhereOneClassHasTenTimesAnother) {
  EXPECT_FALSE(imbalance_text({90, 10}, {"a", "b"}));
  EXPECT_NE(imbalance_text({90}, {"a"}).value_or("").find("one class alone, 'a'"),
            std::string::npos);
  const auto line = imbalance_text({100, 10, 50}, {"a", "b", "c"});
  ASSERT_TRUE(line);
  EXPECT_NE(line->find("'b' has 10 training items, 'a' has 100"), std::string::npos) << *line;
  const auto single = imbalance_text({10, 1}, {"a", "b"});
  ASSERT_TRUE(single);
  EXPECT_NE(single->find("'b' has 1 training item, 'a' has 10"), std::string::npos) << *single;
  const auto alone = imbalance_text({10}, {"a"});
  ASSERT_TRUE(alone);
  EXPECT_NE(alone->find("one class alone, 'a'"), std::string::npos) << *alone;
}

}  // namespace
}  // namespace braid::tasks
