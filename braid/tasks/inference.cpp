#include "braid/tasks/inference.h"

#include "braid/data/image/image_collate.h"
#include "braid/runtime/eval_scope.h"

namespace braid::tasks {

void run_batches(models::ImageModel& model, data::Loader& loader, const std::string& dtype,
                 const SeeLogits& see) {
  const runtime::EvalScope scope(model, dtype);
  loader.start_epoch(0);
  while (const auto batch = loader.next()) {
    const auto images = batch->at(data::kPixelValues).to(scope.device());
    see(model.forward(images).to(torch::kCPU, torch::kFloat), *batch);
  }
}

int64_t run_dataset(models::ImageModel& model, const data::DatasetPtr& dataset,
                    const data::InputConfig& input, const EvaluateOptions& options,
                    Progress& progress, const SeeLogits& see) {
  const auto loader = data::make_image_loader(dataset, {.batch_size = options.batch_size,
                                                        .workers = options.workers,
                                                        .on_bad_sample = options.on_bad_sample,
                                                        .input = input});
  int64_t done = 0;
  progress.begin("evaluate", dataset->size());
  run_batches(model, *loader, options.dtype,
              [&](const torch::Tensor& logits, const data::Batch& batch) {
                see(logits, batch);
                done += batch.size();
                progress.update(done, "");
              });
  progress.end();
  return loader->bad_samples();
}

Predictions run_model(models::ImageModel& model, const data::DatasetPtr& dataset,
                      const data::InputConfig& input, const EvaluateOptions& options,
                      Progress& progress) {
  Predictions out;
  std::vector<torch::Tensor> logits, labels;
  out.bad_samples = run_dataset(model, dataset, input, options, progress,
                                [&](const torch::Tensor& some, const data::Batch& batch) {
                                  logits.push_back(some);
                                  labels.push_back(batch.at(data::kLabels));
                                  out.indices.insert(out.indices.end(), batch.indices.begin(),
                                                     batch.indices.end());
                                });
  out.logits = logits.empty() ? torch::empty({0, static_cast<int64_t>(dataset->classes().size())})
                              : torch::cat(logits);
  out.labels = labels.empty() ? torch::empty({0}, torch::kInt64) : torch::cat(labels);
  return out;
}

}  // namespace braid::tasks
