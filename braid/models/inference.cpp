#include "braid/models/inference.h"

#include "braid/data/loader.h"
#include "braid/data/run_fields.h"
#include "braid/nn/autocast.h"

namespace braid::models {

void InferenceOptions::visit(FieldVisitor& v) {
  v.field("batch_size", batch_size, "images per forward pass", {.least = 1, .most = 65536});
  v.field(data::workers_field(), workers);
  v.field(data::dtype_field(), dtype);
  v.field(data::device_field(), device);
  v.field(data::on_bad_sample_field(), on_bad_sample);
}

Predictions run_model(Model& model, const data::DatasetPtr& dataset, const data::InputConfig& input,
                      const InferenceOptions& options, Progress& progress) {
  const torch::InferenceMode no_grad;
  const bool was_training = model.is_training();
  model.eval();
  const torch::Device device(options.device);
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
    const nn::Autocast autocast(device.type(), options.dtype);
    logits.push_back(model.forward(batch->images.to(device)).to(torch::kCPU, torch::kFloat));
    labels.push_back(batch->labels);
    out.indices.insert(out.indices.end(), batch->indices.begin(), batch->indices.end());
    progress.update(static_cast<int64_t>(out.indices.size()), "");
  }
  progress.end();
  model.train(was_training);
  out.logits = logits.empty() ? torch::empty({0, static_cast<int64_t>(dataset->classes().size())})
                              : torch::cat(logits);
  out.labels = labels.empty() ? torch::empty({0}, torch::kInt64) : torch::cat(labels);
  out.bad_samples = loader.bad_samples();
  return out;
}

}  // namespace braid::models
