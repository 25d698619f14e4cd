// A text encoder in 8 bits as an ONNX file, from its weights and some texts to the file on disk.
#pragma once
#include <filesystem>

#include "braid/core/progress.h"
#include "braid/export/quantize_report.h"
#include "braid/export/quantize_request.h"
#include "braid/tasks/text/tokenized_model.h"

namespace braid::onnx {

struct CalibrationData;

// loaded: in eval mode, a classifier of texts or of their words. tokenizer: the folder whose
// tokenizer's files go into the file. Throws DataError for a model with another head or that cannot
// be captured, for data of other classes or without texts; UsageError for what only images have;
// IoError.
QuantizeReport quantize_text_model(const tasks::TokenizedModel& loaded,
                                   const std::filesystem::path& tokenizer,
                                   const std::filesystem::path& output,
                                   const QuantizeRequest& request, Progress& progress);

// With texts that are chosen already.
QuantizeReport quantize_text_model(const tasks::TokenizedModel& loaded,
                                   const std::filesystem::path& tokenizer,
                                   const CalibrationData& data, const std::filesystem::path& output,
                                   const QuantizeRequest& request, Progress& progress);

}  // namespace braid::onnx
