// All the scores of a classifier on a test split.
#pragma once
#include <cstdint>
#include <vector>

#include "braid/tasks/metrics/classification.h"

namespace braid::tasks {

struct ClassifierReport {
  int64_t count = 0;
  double top1 = 0;                     // percent
  double top1_low = 0, top1_high = 0;  // 95% Wilson interval, percent
  double top5 = 0;                     // percent
  double macro_f1 = 0;                 // percent
  double ece = 0;                      // expected calibration error, 15 equal-width bins, percent
  double nll = 0;                      // nats
  torch::Tensor confusion;             // [K,K] int64: rows true, columns predicted
};

// "top1" (with its interval), of more than five classes "top5", "macro_f1", "ece", "nll". Outputs:
// probabilities, whose rows sum to 1.
class ClassifierMetrics final : public Metric {
 public:
  explicit ClassifierMetrics(int64_t classes) : classes_(classes), confusion_(classes) {}
  void update(const torch::Tensor& outputs, const torch::Tensor& labels) override;
  runtime::TensorMap state() const override;
  void merge(const runtime::TensorMap& state) override;
  Scores scores() const override;
  int64_t count() const { return top1_.count(); }
  // Throws DataError before the first update.
  ClassifierReport report() const;

 private:
  std::vector<Metric*> parts() {
    return {&top1_, &top5_, &confusion_, &calibration_, &likelihood_};
  }
  std::vector<const Metric*> parts() const {
    return {&top1_, &top5_, &confusion_, &calibration_, &likelihood_};
  }

  int64_t classes_;
  TopAccuracy top1_{1}, top5_{5};
  Confusion confusion_;
  Calibration calibration_;
  Likelihood likelihood_;
};

// Of predictions that are all there. probabilities: [N,K] float; labels: [N] int64.
ClassifierMetrics measure_classifier(const torch::Tensor& probabilities,
                                     const torch::Tensor& labels);
// A [R,C] int64 matrix as lists.
std::vector<std::vector<int64_t>> rows_of(const torch::Tensor& matrix);

}  // namespace braid::tasks
