// The images that quantization sees.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "braid/compress/quality.h"
#include "braid/data/dataset.h"
#include "braid/export/quantize_request.h"
#include "braid/models/vision/image_checkpoint.h"

namespace braid::onnx {

struct CalibrationData {
  std::vector<torch::Tensor> calibration;  // batches
  compress::Samples judged;  // others, where there are others; labels in the checkpoint's order
  // What the result is measured on, with the checkpoint's label of each of its classes; none for
  // images without labels.
  data::DatasetPtr test;
  torch::Tensor classes;
  std::string split;
  std::vector<std::string> remarks;
};

// Throws DataError for no images at all, and for classes that the checkpoint does not know.
CalibrationData open_calibration_data(const models::LoadedModel& loaded,
                                      const QuantizeRequest& request, Progress& progress);

// Of a data set that is open already. request.data: its name, for errors.
CalibrationData calibration_data_of(const data::Splits& splits, const models::LoadedModel& loaded,
                                    const QuantizeRequest& request, Progress& progress);

}  // namespace braid::onnx
