#include "braid/compress/quality.h"

#include <algorithm>

#include "braid/core/error.h"
#include "braid/graph/replay.h"

namespace braid::compress {

using torch::Tensor;

int64_t Samples::count() const {
  int64_t count = 0;
  for (const auto& batch : images) count += batch.size(0);
  return count;
}

Tensor logits_of(const graph::Graph& graph, const std::vector<Tensor>& images) {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> logits;
  for (const auto& batch : images) logits.push_back(graph::replay(graph, {batch}).at(0));
  return torch::cat(logits).to(torch::kFloat);
}

Quality compare_logits(const Tensor& reference, const Tensor& logits, const Tensor& labels) {
  const auto p = reference.to(torch::kDouble).log_softmax(1);
  const auto q = logits.to(torch::kDouble).nan_to_num().log_softmax(1);
  Quality quality;
  quality.kl = (p.exp() * (p - q)).sum(1).mean().item<double>();
  const auto spread = reference - reference.mean(1, true);
  quality.error = (logits - reference).square().mean().item<double>() /
                  std::max(spread.square().mean().item<double>(), 1e-12);
  const auto first = logits.argmax(1);
  quality.agreement = 100 * (first == reference.argmax(1)).to(torch::kDouble).mean().item<double>();
  if (labels.defined())
    quality.top1 = 100 * (first == labels).to(torch::kDouble).mean().item<double>();
  return quality;
}

Tensor first_images(const std::vector<Tensor>& batches, int64_t count) {
  std::vector<Tensor> parts;
  for (const auto& batch : batches) {
    if (count <= 0) break;
    parts.push_back(batch.slice(0, 0, std::min(count, batch.size(0))));
    count -= batch.size(0);
  }
  return torch::cat(parts);
}

Judge::Judge(const graph::Graph& reference, Samples samples)
    : samples_(std::move(samples)), logits_(logits_of(reference, samples_.images)) {
  if (!logits_.isfinite().all().item<bool>())
    throw DataError("quantize", "expected a model with finite outputs, got NaN or infinity", "",
                    "its training diverged; take an earlier one of its checkpoints");
  if (!samples_.labels.empty()) labels_ = torch::cat(samples_.labels);
  reference_ = compare_logits(logits_, logits_, labels_);
}

Quality Judge::of(const graph::Graph& graph) const {
  return compare_logits(logits_, logits_of(graph, samples_.images), labels_);
}

double Judge::drop(const Quality& quality) const {
  if (quality.top1 && reference_.top1) return *reference_.top1 - *quality.top1;
  return 100 - quality.agreement;
}

Judge Judge::on_first(int64_t images) const {
  Judge part;
  part.samples_.images = {first_images(samples_.images, images)};
  const int64_t count = part.samples_.images[0].size(0);
  part.logits_ = logits_.slice(0, 0, count);
  if (labels_.defined()) {
    part.labels_ = labels_.slice(0, 0, count);
    part.samples_.labels = {part.labels_};
  }
  part.reference_ = compare_logits(part.logits_, part.logits_, part.labels_);
  return part;
}

}  // namespace braid::compress
