#include "braid/evaluate/image/deploy_images.h"

#include "braid/data/image/image_collate.h"
#include "braid/evaluate/deploy/measure_engine.h"
#include "braid/export/calibration_images.h"
#include "braid/export/export_image_model.h"
#include "braid/export/quantize_image_model.h"

namespace braid::evaluate {
namespace {

void write_int8(models::LoadedModel& loaded, const ImageDeployment& d,
                const std::filesystem::path& file, Progress& progress, Deployed& deployed) {
  const onnx::QuantizeRequest request{.data = d.data,
                                      .split = "val",
                                      .seed = d.seed,
                                      .workers = d.options.workers,
                                      .on_bad_sample = d.options.on_bad_sample};
  auto splits = d.splits;
  if (splits.val == d.test) splits.val = nullptr;
  auto data = onnx::calibration_images_of(splits, loaded, request, progress);
  data.open_test = nullptr;  // the engine is measured on images, not the graph
  fill_quantized(onnx::quantize_image_model(loaded, data, file, request, progress), deployed);
}

}  // namespace

Deployed deploy_images(models::LoadedModel& loaded, const DeployTarget& target,
                       const ImageDeployment& d, const std::filesystem::path& file,
                       Progress& progress) {
  Deployed deployed;
  if (target.int8)
    write_int8(loaded, d, file, progress, deployed);
  else
    deployed.float_bytes = onnx::export_image_model(loaded, file).bytes;
  const auto& input = loaded.hub.input;
  const auto test = data::make_image_loader(d.test, {.batch_size = d.options.batch_size,
                                                     .workers = d.options.workers,
                                                     .on_bad_sample = d.options.on_bad_sample,
                                                     .input = input});
  const auto make = [&](int64_t items) {
    return data::Batch{.tensors = {{data::kPixelValues, torch::randn({items, input.channels,
                                                                      input.height, input.width})}},
                       .indices = std::vector<int64_t>(static_cast<size_t>(items))};
  };
  measure_engine(target, file,
                 {.test = *test,
                  .count = d.test->size(),
                  .classes = loaded.model->num_classes(),
                  .make = make,
                  .latency_seconds = d.latency_seconds},
                 progress, deployed);
  return deployed;
}

}  // namespace braid::evaluate
