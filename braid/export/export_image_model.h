// An image model as an ONNX file, from its weights to the file on disk.
#pragma once
#include <filesystem>

#include "braid/export/export_report.h"
#include "braid/models/vision/image_checkpoint.h"

namespace braid::onnx {

// Captures, simplifies, proves the graph against the model, runs the file that it becomes and
// proves that too, then writes it whole or not at all. loaded: in eval mode and reparameterized, as
// models::load_for_inference gives it; its parameters are changed in between where they are all
// zeros. Throws DataError where the model cannot be captured or translated, IoError.
ExportReport export_image_model(models::LoadedModel& loaded, const std::filesystem::path& output,
                                const ExportOptions& options = {});

}  // namespace braid::onnx
