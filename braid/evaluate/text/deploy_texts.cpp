#include "braid/evaluate/text/deploy_texts.h"

#include "braid/core/error.h"
#include "braid/data/text/text_collate.h"
#include "braid/evaluate/deploy/measure_engine.h"
#include "braid/export/export_text_model.h"
#include "braid/tasks/training_rate.h"

namespace braid::evaluate {

void check_deploy_texts(const DeployTarget& target) {
  if (target.int8)
    throw UsageError("compare",
                     "expected models of images, got texts, whose models are not quantized yet",
                     "--deploy " + target.name, "--deploy braid-run runs them in float32");
}

Deployed deploy_texts(const tasks::TokenizedModel& classifier,
                      const std::filesystem::path& checkpoint, const DeployTarget& target,
                      const data::TextDatasetPtr& test, const tasks::EvaluateOptions& options,
                      double latency_seconds, const std::filesystem::path& file,
                      Progress& progress) {
  check_deploy_texts(target);
  models::LoadedTextEncoder loaded{classifier.model, classifier.hub};
  Deployed deployed;
  deployed.float_bytes = onnx::export_text_model(loaded, checkpoint, file).bytes;
  const auto loader = data::make_text_loader(test, classifier.tokenizer,
                                             {.batch_size = options.batch_size,
                                              .workers = options.workers,
                                              .on_bad_sample = options.on_bad_sample,
                                              .max_length = classifier.max_length});
  const auto make = [&](int64_t items) {
    const auto texts = tasks::random_texts(*classifier.model, items, classifier.max_length);
    return data::Batch{.tensors = {{data::kInputIds, texts.input_ids},
                                   {data::kAttentionMask, texts.attention_mask},
                                   {data::kTokenTypeIds, texts.token_type_ids}},
                       .indices = std::vector<int64_t>(static_cast<size_t>(items))};
  };
  measure_engine(target, file,
                 {.test = *loader,
                  .count = test->size(),
                  .classes = classifier.model->num_labels(),
                  .make = make,
                  .latency_seconds = latency_seconds},
                 progress, deployed);
  return deployed;
}

}  // namespace braid::evaluate
