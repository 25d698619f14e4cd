#include "braid/evaluate/metrics.h"

#include <initializer_list>

#include "braid/core/error.h"
#include "braid/tasks/metrics/classification.h"

namespace braid::evaluate {

Metrics compute_metrics(const torch::Tensor& probabilities, const torch::Tensor& labels) {
  Metrics m;
  m.count = labels.size(0);
  if (m.count == 0) throw DataError("metrics", "expected at least one prediction, got none");
  tasks::TopAccuracy top1(1), top5(5);
  tasks::Confusion confusion(probabilities.size(1));
  tasks::Calibration calibration;
  tasks::Likelihood likelihood;
  for (tasks::Metric* metric :
       std::initializer_list<tasks::Metric*>{&top1, &top5, &confusion, &calibration, &likelihood})
    metric->update(probabilities, labels);
  const auto first = top1.scores().front();
  m.top1 = first.value;
  m.top1_low = first.low.value_or(first.value);
  m.top1_high = first.high.value_or(first.value);
  m.top5 = top5.scores().front().value;
  m.macro_f1 = confusion.scores().front().value;
  m.ece = calibration.scores().front().value;
  m.nll = likelihood.scores().front().value;
  m.confusion = confusion.matrix();
  return m;
}

}  // namespace braid::evaluate
