#include "braid/evaluate/text/deploy_texts.h"

#include "braid/data/text/text_collate.h"
#include "braid/evaluate/deploy/measure_engine.h"
#include "braid/export/calibration_texts.h"
#include "braid/export/export_text_model.h"
#include "braid/export/quantize_text_model.h"
#include "braid/tasks/training_rate.h"

namespace braid::evaluate {

namespace {

void write_int8_texts(const tasks::TokenizedModel& classifier,
                      const std::filesystem::path& checkpoint, const TextDeployment& d,
                      const std::filesystem::path& file, Progress& progress, Deployed& deployed) {
  const onnx::QuantizeRequest request{.data = d.data,
                                      .split = "val",
                                      .seed = d.seed,
                                      .workers = d.options.workers,
                                      .on_bad_sample = d.options.on_bad_sample};
  auto splits = d.splits;
  if (splits.val == d.test) splits.val = nullptr;
  auto data = onnx::calibration_texts_of(splits, classifier, request, progress);
  data.open_test = nullptr;  // the engine is measured on texts, not the graph
  fill_quantized(onnx::quantize_text_model(classifier, checkpoint, data, file, request, progress),
                 deployed);
}

}  // namespace

Deployed deploy_texts(const tasks::TokenizedModel& classifier,
                      const std::filesystem::path& checkpoint, const DeployTarget& target,
                      const TextDeployment& d, const std::filesystem::path& file,
                      Progress& progress) {
  Deployed deployed;
  if (target.int8) {
    write_int8_texts(classifier, checkpoint, d, file, progress, deployed);
  } else {
    models::LoadedTextEncoder loaded{classifier.model, classifier.hub};
    deployed.float_bytes = onnx::export_text_model(loaded, checkpoint, file).bytes;
  }
  const auto loader = data::make_text_loader(d.test, classifier.tokenizer,
                                             {.batch_size = d.options.batch_size,
                                              .workers = d.options.workers,
                                              .on_bad_sample = d.options.on_bad_sample,
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
                  .count = d.test->size(),
                  .classes = classifier.model->num_labels(),
                  .make = make,
                  .latency_seconds = d.latency_seconds},
                 progress, deployed);
  return deployed;
}

}  // namespace braid::evaluate
