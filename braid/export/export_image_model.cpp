#include "braid/export/export_image_model.h"

#include <fmt/format.h>

#include "braid/export/image_graph.h"
#include "braid/io/atomic_file.h"
#include "braid/tasks/predictor.h"

namespace braid::onnx {

ExportReport export_image_model(models::LoadedModel& loaded, const std::filesystem::path& output,
                                const ExportOptions& options) {
  if (options.with_preprocessing) tasks::expect_classifier_of_images(loaded);
  const auto& hub = loaded.hub;
  const auto [graph, deviation] = make_image_graph(loaded);
  const auto bytes = export_onnx(graph, onnx_options(hub, options.with_preprocessing));
  io::write_file_atomic(output, bytes);
  return {.architecture = hub.architecture,
          .file = output.string(),
          .input = options.with_preprocessing ? fmt::format("image NxHxWx{}", hub.input.channels)
                                              : described(graph, graph.inputs),
          .output = options.with_preprocessing
                        ? fmt::format("probabilities Nx{}", loaded.model->num_classes())
                        : described(graph, graph.outputs),
          .opset = kOpset,
          .operators = static_cast<int64_t>(graph.nodes.size()),
          .bytes = static_cast<int64_t>(bytes.size()),
          .max_error = deviation.absolute,
          .relative_error = deviation.relative};
}

}  // namespace braid::onnx
