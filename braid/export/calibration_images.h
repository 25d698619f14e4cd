// The images that quantization sees.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "braid/data/dataset.h"
#include "braid/export/calibration_data.h"
#include "braid/export/quantize_request.h"
#include "braid/io/image.h"
#include "braid/models/vision/image_checkpoint.h"

namespace braid::onnx {

// Throws DataError for no images or too few of them, and for classes that the checkpoint does not
// know. loaded: outlives the data.
CalibrationData open_calibration_images(const models::LoadedModel& loaded,
                                        const QuantizeRequest& request, Progress& progress);

// Of a data set that is open already. request.data: its name, for errors.
CalibrationData calibration_images_of(const data::Splits& splits, const models::LoadedModel& loaded,
                                      const QuantizeRequest& request, Progress& progress);

// A seeded choice of the images of a data set, of its test split where it has one, or of a folder
// without classes, as they are in their files. Throws DataError where there are none.
std::vector<io::Image> sample_images(const std::string& data, int64_t count,
                                     const io::DecodeLimits& limits = {});

}  // namespace braid::onnx
