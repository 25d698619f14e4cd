// A text encoder as an ONNX file, from its weights to the file on disk.
#pragma once
#include <filesystem>
#include <vector>

#include "braid/data/batch.h"
#include "braid/export/export_report.h"
#include "braid/models/text/text_checkpoint.h"

namespace braid::onnx {

// The same as export_image_model, for texts of any length that the model takes. tokenizer: the
// folder whose tokenizer's files go into the metadata; may be empty. texts: the first batch of them
// is what the file is proven on; none: noise. Throws DataError where the model cannot be captured
// or translated, IoError.
ExportReport export_text_model(models::LoadedTextEncoder& loaded,
                               const std::filesystem::path& tokenizer,
                               const std::filesystem::path& output,
                               const std::vector<data::Batch>& texts = {});

}  // namespace braid::onnx
