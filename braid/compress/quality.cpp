#include "braid/compress/quality.h"

#include <algorithm>
#include <utility>

#include "braid/core/error.h"
#include "braid/graph/replay.h"

namespace braid::compress {

using torch::Tensor;

std::vector<Tensor> logits_of(const graph::Graph& graph, const Samples& samples) {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> logits;
  for (size_t i = 0; i < samples.batches.size(); ++i) {
    auto of_batch = graph::replay(graph, samples.batches[i]).at(0).to(torch::kFloat);
    if (samples.reader) of_batch = samples.reader(of_batch, i);
    if (!samples.asked.empty()) of_batch = of_batch.index({samples.asked[i]});
    logits.push_back(of_batch);
  }
  return logits;
}

Tensor as_classes(const Tensor& logits) {
  return logits.size(1) == 1 ? torch::cat({torch::zeros_like(logits), logits}, 1) : logits;
}

Quality compare_logits(const Tensor& reference, const Tensor& logits, const Tensor& labels) {
  if (reference.size(1) == 1) {
    auto quality = compare_logits(as_classes(reference), as_classes(logits), {});
    const double spread = (reference - reference.mean()).square().mean().item<double>();
    quality.error = (logits - reference).square().mean().item<double>() / std::max(spread, 1e-12);
    if (labels.defined())  // there is one class, and it is right wherever it is the label
      quality.top1 = 100 * (labels == 0).to(torch::kDouble).mean().item<double>();
    return quality;
  }
  const auto p = reference.to(torch::kDouble).log_softmax(1);
  const auto q = logits.to(torch::kDouble).nan_to_num().log_softmax(1);
  Quality quality;
  quality.kl = (p.exp() * (p - q)).sum(1).mean().item<double>();
  const auto spread = reference - reference.mean(1, true);
  quality.error = (logits - reference).square().mean().item<double>() /
                  std::max(spread.square().mean().item<double>(), 1e-12);
  const auto first = logits.argmax(1);
  quality.agreement = 100 * (first == reference.argmax(1)).to(torch::kDouble).mean().item<double>();
  const auto sure = p.exp();
  quality.expected_drop =
      100 * (sure.amax(1) - sure.gather(1, first.unsqueeze(1)).squeeze(1)).mean().item<double>();
  if (labels.defined())
    quality.top1 = 100 * (first == labels).to(torch::kDouble).mean().item<double>();
  return quality;
}

Judge::Judge(const graph::Graph& reference, Samples samples)
    : samples_(std::move(samples)), logits_(logits_of(reference, samples_)) {
  for (const auto& logits : logits_)
    if (!logits.isfinite().all().item<bool>())
      throw DataError("quantize", "expected a model with finite outputs, got NaN or infinity", "",
                      "its training diverged; take an earlier one of its checkpoints");
  join_labels();
}

void Judge::join_labels() {
  std::vector<Tensor> labels;
  for (size_t i = 0; i < samples_.labels.size(); ++i)
    labels.push_back(samples_.asked.empty() ? samples_.labels[i]
                                            : samples_.labels[i].index({samples_.asked[i]}));
  if (!labels.empty()) labels_ = torch::cat(labels);
  const auto logits = torch::cat(logits_);
  reference_ = compare_logits(logits, logits, labels_);
}

Quality Judge::of(const graph::Graph& graph) const {
  return compare_logits(torch::cat(logits_), torch::cat(logits_of(graph, samples_)), labels_);
}

double Judge::drop(const Quality& quality) const {
  return labels_decide() ? *reference_.top1 - *quality.top1 : quality.expected_drop;
}

int64_t Judge::outputs() const {
  int64_t count = 0;
  for (const auto& logits : logits_) count += logits.size(0);
  return count;
}

Judge Judge::on_first(int64_t items) const {
  Judge part;
  part.samples_ = samples_.first(items);
  for (size_t i = 0; i < part.samples_.batches.size(); ++i) {
    const int64_t rows = part.samples_.asked.empty() ? part.samples_.batches[i].at(0).size(0)
                                                     : part.samples_.asked[i].sum().item<int64_t>();
    part.logits_.push_back(logits_[i].slice(0, 0, rows));
  }
  part.join_labels();
  return part;
}

}  // namespace braid::compress
