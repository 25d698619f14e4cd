#include "braid/evaluate/evaluate.h"

#include "braid/core/error.h"
#include "braid/evaluate/chosen_parts.h"
#include "braid/evaluate/image/evaluate_images.h"
#include "braid/evaluate/text/evaluate_answers.h"
#include "braid/evaluate/text/evaluate_tags.h"
#include "braid/evaluate/text/evaluate_texts.h"
#include "braid/evaluate/text/evaluate_translations.h"
#include "braid/evaluate/trained_split.h"
#include "braid/models/checkpoint.h"
#include "braid/models/text/encoder_decoder.h"
#include "braid/models/text/text_model.h"
#include "braid/models/vision/image_checkpoint.h"
#include "braid/runtime/device.h"

namespace braid::evaluate {
namespace {

// The head of a text encoder, by its config alone.
std::string head_of(const std::filesystem::path& checkpoint) {
  return models::read_hub_config(models::find_config(checkpoint)).model_args.value("head", "");
}

Evaluation evaluate_kind(const std::filesystem::path& checkpoint, const EvaluateRequest& asked,
                         Progress& progress) {
  auto request = asked;
  if (is_as_trained(request.split) && !request.val_fraction)
    request.val_fraction = val_fraction_of(checkpoint);
  const auto kind = models::kind_of_checkpoint(checkpoint);
  if (kind != models::ImageModel::kKind) tasks::expect_no_views(request.views, kind);
  if (kind == models::TextEncoder::kKind) {
    const auto head = head_of(checkpoint);
    if (head == to_string(models::TextHead::kTokenClassification))
      return evaluate_tags(checkpoint, request, progress);
    if (head == to_string(models::TextHead::kQuestionAnswering))
      return evaluate_answers(checkpoint, request, progress);
    return evaluate_texts(checkpoint, request, progress);
  }
  if (kind == models::EncoderDecoder::kKind)
    return evaluate_translations(checkpoint, request, progress);
  auto loaded = models::load_for_inference(checkpoint);
  loaded.model->to(runtime::resolve_device(request.device));
  return evaluate_images(loaded, request, progress);
}

}  // namespace

Evaluation evaluate_checkpoint(const std::filesystem::path& checkpoint,
                               const EvaluateRequest& request, Progress& progress) {
  auto evaluation = evaluate_kind(checkpoint, request, progress);
  if (request.split == "auto" && evaluation.split == "all" &&
      was_trained_on(checkpoint, request.data))
    progress.line(
        "The data has no test split: these scores are of all of it, with what the checkpoint was "
        "trained on. --split val takes what its training left out.");
  return evaluation;
}

}  // namespace braid::evaluate
