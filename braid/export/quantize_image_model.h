// An image model in 8 bits as an ONNX file, from its weights and some images to the file on disk.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "braid/compress/quantize.h"
#include "braid/core/progress.h"
#include "braid/export/quantize_request.h"
#include "braid/models/vision/image_checkpoint.h"

namespace braid::onnx {

struct CalibrationData;

struct QuantizeReport {
  std::string architecture, file, mode;
  int64_t samples = 0;  // that calibrated
  int64_t weight_bits = 0;
  int64_t bytes = 0, float_bytes = 0;
  double size_ratio = 0;
  std::string split;  // what follows is measured on; "calibration" where nothing else is there
  int64_t count = 0;  // its images
  std::optional<double> float_top1 = {}, top1 = {},
                        drop = {};       // percent, points; none without labels
  double agreement = 0;                  // percent
  int64_t units = 0;                     // operators that could be computed in 8 bits
  std::vector<std::string> in_float;     // of those, the ones that stay in float
  std::vector<std::string> remarks;      // what a user should know
  std::vector<compress::StepRow> steps;  // on images of the validation split
  void visit(FieldVisitor& v);
};

// loaded: in eval mode and reparameterized, as models::load_for_inference gives it. Throws
// DataError for data of other classes, without images, or a model that cannot be captured; IoError.
QuantizeReport quantize_image_model(models::LoadedModel& loaded,
                                    const std::filesystem::path& output,
                                    const QuantizeRequest& request, Progress& progress);

// With images that are chosen already. data.test: none, where the file is measured by others: the
// report then is of the images that decided on steps.
QuantizeReport quantize_image_model(models::LoadedModel& loaded, const CalibrationData& data,
                                    const std::filesystem::path& output,
                                    const QuantizeRequest& request, Progress& progress);

}  // namespace braid::onnx
