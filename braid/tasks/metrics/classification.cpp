#include "braid/tasks/metrics/classification.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace braid::tasks {
namespace {

constexpr int64_t kBins = 15;
constexpr double kZ = 1.959963984540054;  // of the normal's 97.5% quantile
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

Score percent(const std::string& name, double share, bool higher_is_better = true) {
  return {.name = name,
          .unit = "%",
          .value = 100 * share,
          .low = {},
          .high = {},
          .higher_is_better = higher_is_better};
}

Score nats(const std::string& name, double value) {
  return {.name = name,
          .unit = "nats",
          .value = value,
          .low = {},
          .high = {},
          .higher_is_better = false};
}

void add_wilson_interval(Score& score, double hits, double n) {
  const double p = hits / n, z2 = kZ * kZ;
  const double center = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kZ / (1 + z2 / n) * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  score.low = 100 * std::max(0.0, center - half);
  score.high = 100 * std::min(1.0, center + half);
}

runtime::TensorMap values_state(const std::vector<torch::Tensor>& values) {
  return {{"values", values.empty() ? torch::empty({0}) : torch::cat(values)}};
}

}  // namespace

void TopAccuracy::update(const torch::Tensor& outputs, const torch::Tensor& labels) {
  const auto hits = k_ == 1 ? outputs.argmax(1).eq(labels)
                            : std::get<1>(outputs.topk(std::min(k_, outputs.size(1)), 1))
                                  .eq(labels.unsqueeze(1))
                                  .any(1);
  hits_ += hits.sum().item<int64_t>();
  count_ += labels.size(0);
}

runtime::TensorMap TopAccuracy::state() const {
  return {{"hits_and_count", torch::tensor({hits_, count_}, torch::kInt64)}};
}

void TopAccuracy::merge(const runtime::TensorMap& state) {
  const auto& both = state.at("hits_and_count");
  hits_ += both[0].item<int64_t>();
  count_ += both[1].item<int64_t>();
}

Scores TopAccuracy::scores() const {
  const auto hits = static_cast<double>(hits_), count = static_cast<double>(count_);
  Score score = percent(fmt::format("top{}", k_), count_ > 0 ? hits / count : kNone);
  if (count_ > 0) add_wilson_interval(score, hits, count);
  return {score};
}

void CrossEntropy::update(const torch::Tensor& outputs, const torch::Tensor& labels) {
  log_probabilities_.push_back(
      torch::log_softmax(outputs, 1).gather(1, labels.unsqueeze(1)).squeeze(1));
}

runtime::TensorMap CrossEntropy::state() const { return values_state(log_probabilities_); }

void CrossEntropy::merge(const runtime::TensorMap& state) {
  log_probabilities_.push_back(state.at("values"));
}

Scores CrossEntropy::scores() const {
  const auto all = state().at("values");
  if (all.numel() == 0) return {nats("loss", kNone)};
  const auto first = torch::zeros({all.size(0)}, torch::kInt64);  // each row's only column
  return {nats("loss", torch::nll_loss(all.unsqueeze(1), first).item<double>())};
}

void Likelihood::update(const torch::Tensor& outputs, const torch::Tensor& labels) {
  probabilities_.push_back(outputs.gather(1, labels.unsqueeze(1)).squeeze(1).to(torch::kDouble));
}

runtime::TensorMap Likelihood::state() const { return values_state(probabilities_); }

void Likelihood::merge(const runtime::TensorMap& state) {
  probabilities_.push_back(state.at("values"));
}

Scores Likelihood::scores() const {
  const auto all = state().at("values");
  constexpr double kLeast = 1e-12;
  return {
      nats("nll", all.numel() == 0 ? kNone : -all.clamp_min(kLeast).log().mean().item<double>())};
}

Calibration::Calibration() : excess_(torch::zeros({kBins}, torch::kDouble)) {}

void Calibration::update(const torch::Tensor& outputs, const torch::Tensor& labels) {
  const auto [confidence, predicted] = outputs.to(torch::kDouble).max(1);
  const auto correct = predicted.eq(labels).to(torch::kDouble);
  const auto bins =
      (confidence * kBins).floor().nan_to_num(0).clamp(0, kBins - 1).to(torch::kInt64);
  excess_.index_add_(0, bins, confidence - correct);
  count_ += labels.size(0);
}

runtime::TensorMap Calibration::state() const {
  return {{"excess", excess_}, {"count", torch::tensor(count_, torch::kInt64)}};
}

void Calibration::merge(const runtime::TensorMap& state) {
  excess_.add_(state.at("excess"));
  count_ += state.at("count").item<int64_t>();
}

Scores Calibration::scores() const {
  const double sum = excess_.abs().sum().item<double>();
  return {percent("ece", count_ > 0 ? sum / static_cast<double>(count_) : kNone,
                  /*higher_is_better=*/false)};
}

Confusion::Confusion(int64_t classes) : matrix_(torch::zeros({classes, classes}, torch::kInt64)) {}

void Confusion::update(const torch::Tensor& outputs, const torch::Tensor& labels) {
  const int64_t K = matrix_.size(0);
  matrix_.view(-1).index_add_(0, labels * K + outputs.argmax(1), torch::ones_like(labels));
}

Scores Confusion::scores() const {
  const auto c = matrix_.to(torch::kDouble);
  const auto hits = c.diagonal(), both = c.sum(0) + c.sum(1);
  const auto f1 = (2 * hits / both.clamp_min(1)).masked_select(both > 0);
  return {percent("macro_f1", f1.numel() == 0 ? kNone : f1.mean().item<double>())};
}

}  // namespace braid::tasks
