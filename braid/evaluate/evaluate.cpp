#include "braid/evaluate/evaluate.h"

#include "braid/core/error.h"
#include "braid/evaluate/image/evaluate_images.h"
#include "braid/evaluate/text/evaluate_texts.h"
#include "braid/evaluate/text/evaluate_translations.h"
#include "braid/models/checkpoint.h"
#include "braid/models/text/encoder_decoder.h"
#include "braid/models/text/text_model.h"
#include "braid/models/vision/image_checkpoint.h"
#include "braid/runtime/device.h"

namespace braid::evaluate {

Evaluation evaluate_checkpoint(const std::filesystem::path& checkpoint,
                               const EvaluateRequest& request, Progress& progress) {
  const auto kind = models::kind_of_checkpoint(checkpoint);
  if (kind == models::TextEncoder::kKind) return evaluate_texts(checkpoint, request, progress);
  if (kind == models::EncoderDecoder::kKind)
    return evaluate_translations(checkpoint, request, progress);
  auto loaded = models::load_for_inference(checkpoint);
  loaded.model->to(runtime::resolve_device(request.device));
  return evaluate_images(loaded, request, progress);
}

Json to_json(const Evaluation& e) {
  Json json = {{"split", e.split}, {"count", e.count}};
  if (e.classifier) {
    const auto& m = *e.classifier;
    json.update({{"top1", m.top1},
                 {"top1_interval", {m.top1_low, m.top1_high}},
                 {"top5", m.top5},
                 {"macro_f1", m.macro_f1},
                 {"ece", m.ece},
                 {"loss", m.nll}});
  } else {
    for (const auto& score : e.scores) json[score.name] = score.value;
    if (!e.signatures.empty()) json["signatures"] = e.signatures;
  }
  json[e.items + "_per_s"] = e.items_per_s;
  json["bad_samples"] = e.bad_samples;
  if (!e.classifier) return json;
  json["classes"] = e.classes;
  json["confusion"] = tasks::rows_of(e.classifier->confusion);
  return json;
}

}  // namespace braid::evaluate
