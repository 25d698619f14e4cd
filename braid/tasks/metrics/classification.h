// How good a classifier is.
#pragma once
#include <cstdint>
#include <vector>

#include "braid/tasks/metrics/metric.h"

namespace braid::tasks {

// "top1", "top5": percent of the examples whose label is among the k largest outputs, with its 95%
// Wilson interval. Outputs: logits or probabilities.
class TopAccuracy final : public Metric {
 public:
  explicit TopAccuracy(int64_t k = 1) : k_(k) {}
  void update(const torch::Tensor& outputs, const torch::Tensor& labels) override;
  runtime::TensorMap state() const override;
  void merge(const runtime::TensorMap& state) override;
  Scores scores() const override;
  int64_t count() const { return count_; }

 private:
  int64_t k_, hits_ = 0, count_ = 0;
};

// "loss": mean cross entropy in nats, as training computes it. Outputs: logits. Keeps a number per
// example, since a float32 mean depends on how it is added up.
class CrossEntropy final : public Metric {
 public:
  void update(const torch::Tensor& outputs, const torch::Tensor& labels) override;
  runtime::TensorMap state() const override;
  void merge(const runtime::TensorMap& state) override;
  Scores scores() const override;

 private:
  std::vector<torch::Tensor> log_probabilities_;  // [B] float32 each, of the label
};

// "nll": mean negative log-likelihood in nats, probabilities below 1e-12 as 1e-12. Outputs:
// probabilities. Keeps a number per example.
class Likelihood final : public Metric {
 public:
  void update(const torch::Tensor& outputs, const torch::Tensor& labels) override;
  runtime::TensorMap state() const override;
  void merge(const runtime::TensorMap& state) override;
  Scores scores() const override;

 private:
  std::vector<torch::Tensor> probabilities_;  // [B] float64 each, of the label
};

// "ece": expected calibration error in 15 equal-width bins, percent. Outputs: probabilities.
class Calibration final : public Metric {
 public:
  Calibration();
  void update(const torch::Tensor& outputs, const torch::Tensor& labels) override;
  runtime::TensorMap state() const override;
  void merge(const runtime::TensorMap& state) override;
  Scores scores() const override;

 private:
  torch::Tensor excess_;  // [bins] float64: sum of confidence - correct
  int64_t count_ = 0;
};

// "macro_f1": percent, mean over the classes that occur as label or prediction; and the confusion
// matrix. Outputs: logits or probabilities.
class Confusion final : public Metric {
 public:
  explicit Confusion(int64_t classes);
  void update(const torch::Tensor& outputs, const torch::Tensor& labels) override;
  runtime::TensorMap state() const override { return {{"matrix", matrix_}}; }
  void merge(const runtime::TensorMap& state) override { matrix_.add_(state.at("matrix")); }
  Scores scores() const override;
  const torch::Tensor& matrix() const { return matrix_; }  // [K,K] int64: true, predicted

 private:
  torch::Tensor matrix_;
};

}  // namespace braid::tasks
