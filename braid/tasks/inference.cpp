#include "braid/tasks/inference.h"

#include "braid/data/loader.h"
#include "braid/runtime/eval_scope.h"

namespace braid::tasks {

Predictions run_model(models::Model& model, const data::DatasetPtr& dataset,
                      const data::InputConfig& input, const EvaluateOptions& options,
                      Progress& progress) {
  const runtime::EvalScope scope(model, options.dtype);
  data::Loader loader(dataset, {.batch_size = options.batch_size,
                                .workers = options.workers,
                                .on_bad_sample = options.on_bad_sample,
                                .input = input,
                                .augment = {}});
  Predictions out;
  std::vector<torch::Tensor> logits, labels;
  progress.begin("evaluate", dataset->size());
  loader.start_epoch(0);
  while (const auto batch = loader.next()) {
    const auto images = batch->at(data::kPixelValues).to(scope.device());
    logits.push_back(model.forward(images).to(torch::kCPU, torch::kFloat));
    labels.push_back(batch->at(data::kLabels));
    out.indices.insert(out.indices.end(), batch->indices.begin(), batch->indices.end());
    progress.update(static_cast<int64_t>(out.indices.size()), "");
  }
  progress.end();
  out.logits = logits.empty() ? torch::empty({0, static_cast<int64_t>(dataset->classes().size())})
                              : torch::cat(logits);
  out.labels = labels.empty() ? torch::empty({0}, torch::kInt64) : torch::cat(labels);
  out.bad_samples = loader.bad_samples();
  return out;
}

}  // namespace braid::tasks
