#include "braid/export/quantize_image_model.h"

#include "braid/core/error.h"
#include "braid/export/calibration_images.h"
#include "braid/export/image_graph.h"
#include "braid/export/quantize_model.h"
#include "braid/tasks/predictor.h"

namespace braid::onnx {

QuantizeReport quantize_image_model(models::LoadedModel& loaded,
                                    const std::filesystem::path& output,
                                    const QuantizeRequest& request, Progress& progress) {
  check_fields<UsageError>(request, "quantize");
  tasks::expect_classifier_of_images(loaded);
  return quantize_image_model(loaded, open_calibration_images(loaded, request, progress), output,
                              request, progress);
}

QuantizeReport quantize_image_model(models::LoadedModel& loaded, const CalibrationData& data,
                                    const std::filesystem::path& output,
                                    const QuantizeRequest& request, Progress& progress) {
  return quantize_model(make_image_graph(loaded).graph, data,
                        onnx_options(loaded.hub, request.with_preprocessing), output, request,
                        progress);
}

}  // namespace braid::onnx
