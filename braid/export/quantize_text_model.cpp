#include "braid/export/quantize_text_model.h"

#include "braid/core/error.h"
#include "braid/export/calibration_texts.h"
#include "braid/export/quantize_model.h"
#include "braid/export/text_graph.h"
#include "braid/tasks/text/text_classifier.h"

namespace braid::onnx {

QuantizeReport quantize_text_model(const tasks::TokenizedModel& loaded,
                                   const std::filesystem::path& tokenizer,
                                   const std::filesystem::path& output,
                                   const QuantizeRequest& request, Progress& progress) {
  check_fields<UsageError>(request, "quantize");
  if (request.with_preprocessing)
    throw UsageError("quantize", "expected a model of images, got one of texts",
                     "--with-preprocessing",
                     "leave it out: the tokenizer's files are in the file's metadata");
  if (loaded.model->head() != models::TextHead::kTokenClassification)
    tasks::expect_text_classifier(loaded, tokenizer);
  return quantize_text_model(loaded, tokenizer, open_calibration_texts(loaded, request, progress),
                             output, request, progress);
}

QuantizeReport quantize_text_model(const tasks::TokenizedModel& loaded,
                                   const std::filesystem::path& tokenizer,
                                   const CalibrationData& data, const std::filesystem::path& output,
                                   const QuantizeRequest& request, Progress& progress) {
  models::LoadedTextEncoder encoder{loaded.model, loaded.hub};
  return quantize_model(make_text_graph(encoder).graph, data, onnx_options(encoder, tokenizer),
                        output, request, progress);
}

}  // namespace braid::onnx
