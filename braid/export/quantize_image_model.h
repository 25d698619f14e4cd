// An image model in 8 bits as an ONNX file, from its weights and some images to the file on disk.
#pragma once
#include <filesystem>

#include "braid/core/progress.h"
#include "braid/export/quantize_report.h"
#include "braid/export/quantize_request.h"
#include "braid/models/vision/image_checkpoint.h"

namespace braid::onnx {

struct CalibrationData;

// loaded: in eval mode and reparameterized, as models::load_for_inference gives it. Throws
// DataError for data of other classes, without images, or a model that cannot be captured; IoError.
QuantizeReport quantize_image_model(models::LoadedModel& loaded,
                                    const std::filesystem::path& output,
                                    const QuantizeRequest& request, Progress& progress);

// With images that are chosen already.
QuantizeReport quantize_image_model(models::LoadedModel& loaded, const CalibrationData& data,
                                    const std::filesystem::path& output,
                                    const QuantizeRequest& request, Progress& progress);

}  // namespace braid::onnx
