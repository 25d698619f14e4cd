// The images that quantization sees.
#pragma once
#include "braid/data/dataset.h"
#include "braid/export/calibration_data.h"
#include "braid/export/quantize_request.h"
#include "braid/models/vision/image_checkpoint.h"

namespace braid::onnx {

// Throws DataError for no images at all, and for classes that the checkpoint does not know. loaded:
// outlives the data.
CalibrationData open_calibration_images(const models::LoadedModel& loaded,
                                        const QuantizeRequest& request, Progress& progress);

// Of a data set that is open already. request.data: its name, for errors.
CalibrationData calibration_images_of(const data::Splits& splits, const models::LoadedModel& loaded,
                                      const QuantizeRequest& request, Progress& progress);

}  // namespace braid::onnx
