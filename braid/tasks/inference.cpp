#include "braid/tasks/inference.h"

#include <algorithm>

#include "braid/data/image/image_collate.h"
#include "braid/runtime/eval_scope.h"

namespace braid::tasks {
namespace {

Forward forward_images(models::ImageModel& model) {
  return [&model](const data::Batch& batch) { return model.forward(batch.at(data::kPixelValues)); };
}

}  // namespace

void run_batches(torch::nn::Module& model, const Forward& forward, data::Loader& loader,
                 const std::string& dtype, const SeeLogits& see) {
  const runtime::EvalScope scope(model, dtype);
  loader.start_epoch(0);
  while (const auto batch = loader.next())
    see(forward(batch->to(scope.device())).to(torch::kCPU, torch::kFloat), *batch);
}

void run_batches(models::ImageModel& model, data::Loader& loader, const std::string& dtype,
                 const SeeLogits& see) {
  run_batches(model, forward_images(model), loader, dtype, see);
}

int64_t run_all(torch::nn::Module& model, const Forward& forward, data::Loader& loader,
                int64_t items, const std::string& dtype, Progress& progress, const SeeLogits& see) {
  int64_t done = 0;
  progress.begin("evaluate", items);
  run_batches(model, forward, loader, dtype,
              [&](const torch::Tensor& logits, const data::Batch& batch) {
                see(logits, batch);
                done += batch.size();
                progress.update(done, "");
              });
  progress.end();
  return loader.bad_samples();
}

int64_t run_dataset(models::ImageModel& model, const data::DatasetPtr& dataset,
                    const data::InputConfig& input, const EvaluateOptions& options,
                    Progress& progress, const SeeLogits& see) {
  const auto loader = data::make_image_loader(dataset, {.batch_size = options.batch_size,
                                                        .workers = options.workers,
                                                        .on_bad_sample = options.on_bad_sample,
                                                        .input = input});
  return run_all(model, forward_images(model), *loader, dataset->size(), options.dtype, progress,
                 see);
}

Predictions gather(const std::function<int64_t(const SeeLogits& see)>& run, int64_t classes) {
  Predictions out;
  std::vector<torch::Tensor> logits, labels;
  out.bad_samples = run([&](const torch::Tensor& some, const data::Batch& batch) {
    logits.push_back(some);
    labels.push_back(batch.at(data::kLabels));
    out.indices.insert(out.indices.end(), batch.indices.begin(), batch.indices.end());
  });
  out.logits = logits.empty() ? torch::empty({0, classes}) : torch::cat(logits);
  out.labels = labels.empty() ? torch::empty({0}, torch::kInt64) : torch::cat(labels);
  if (!std::is_sorted(out.indices.begin(), out.indices.end())) {
    const auto order = torch::tensor(out.indices, torch::kInt64).argsort();
    out.logits = out.logits.index_select(0, order);
    out.labels = out.labels.index_select(0, order);
    std::sort(out.indices.begin(), out.indices.end());
  }
  return out;
}

Predictions run_model(models::ImageModel& model, const data::DatasetPtr& dataset,
                      const data::InputConfig& input, const EvaluateOptions& options,
                      Progress& progress) {
  return gather(
      [&](const SeeLogits& see) {
        return run_dataset(model, dataset, input, options, progress, see);
      },
      static_cast<int64_t>(dataset->classes().size()));
}

}  // namespace braid::tasks
