#include "braid/export/export_image_model.h"

#include <fmt/format.h>

#include "braid/export/file_proof.h"
#include "braid/export/filled_zeros.h"
#include "braid/export/image_graph.h"
#include "braid/export/image_samples.h"
#include "braid/io/atomic_file.h"
#include "braid/tasks/predictor.h"

namespace braid::onnx {
namespace {

// A file of the same model with others in place of zeros is put to the proof too.
void prove_without_zeros(models::LoadedModel& loaded) {
  prove_with_filled_zeros(*loaded.model, [&] {
    const auto bytes = export_onnx(make_image_graph(loaded).graph, onnx_options(loaded.hub, false));
    prove_file(bytes, loaded.hub.architecture, image_samples(loaded, {}));
  });
}

}  // namespace

ExportReport export_image_model(models::LoadedModel& loaded, const std::filesystem::path& output,
                                const ExportOptions& options) {
  if (options.with_preprocessing) tasks::expect_classifier_of_images(loaded);
  prove_without_zeros(loaded);
  const auto& hub = loaded.hub;
  const auto [graph, deviation] = make_image_graph(loaded);
  const auto bytes = export_onnx(graph, onnx_options(hub, options.with_preprocessing));
  const auto proof = prove_file(bytes, hub.architecture, image_samples(loaded, options),
                                options.with_preprocessing ? kPreparedLimits : ProofLimits{});
  io::write_file_atomic(output, bytes);
  auto report = make_report(hub.architecture, output, graph, deviation, proof, bytes.size());
  if (!options.images.empty())
    report.samples =
        fmt::format("{} images", options.with_preprocessing ? size_t{1} : options.images.size());
  if (options.with_preprocessing) {
    report.input = fmt::format("image NxHxWx{}", hub.input.channels);
    report.output = fmt::format("probabilities Nx{}", loaded.model->num_classes());
  }
  return report;
}

}  // namespace braid::onnx
