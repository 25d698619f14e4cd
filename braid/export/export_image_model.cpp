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
  auto report = make_report(hub.architecture, output, graph, deviation, bytes.size());
  if (options.with_preprocessing) {
    report.input = fmt::format("image NxHxWx{}", hub.input.channels);
    report.output = fmt::format("probabilities Nx{}", loaded.model->num_classes());
  }
  return report;
}

}  // namespace braid::onnx
