#include "braid/export/quantize_image_model.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/data/image/image_collate.h"
#include "braid/export/calibration_data.h"
#include "braid/export/image_graph.h"
#include "braid/graph/replay.h"
#include "braid/io/atomic_file.h"
#include "braid/tasks/predictor.h"

namespace braid::onnx {
namespace {

using torch::Tensor;

struct Logits {
  Tensor in_float, quantized, labels;  // [N,K], [N,K], [N]
};

// Both graphs on all images of the split.
Logits run_both(const graph::Graph& in_float, const graph::Graph& quantized,
                const CalibrationData& data, const models::LoadedModel& loaded,
                const QuantizeRequest& request, Progress& progress) {
  constexpr int64_t kBatch = 128;
  const auto loader = data::make_image_loader(data.test, {.batch_size = kBatch,
                                                          .workers = request.workers,
                                                          .on_bad_sample = request.on_bad_sample,
                                                          .input = loaded.hub.input});
  std::vector<Tensor> a, b, labels;
  int64_t done = 0;
  progress.begin("measure", data.test->size());
  loader->start_epoch(0);
  while (const auto batch = loader->next()) {
    const auto& images = batch->at(data::kPixelValues);
    a.push_back(graph::replay(in_float, {images}).at(0));
    b.push_back(graph::replay(quantized, {images}).at(0));
    labels.push_back(data.classes.index_select(0, batch->at(data::kLabels)));
    progress.update(done += images.size(0), "");
  }
  progress.end();
  if (a.empty()) throw DataError("quantize", "no image of the split could be read", request.data);
  return {torch::cat(a), torch::cat(b), torch::cat(labels)};
}

void measure(const graph::Graph& in_float, const compress::Quantized& quantized,
             const CalibrationData& data, const models::LoadedModel& loaded,
             const QuantizeRequest& request, Progress& progress, QuantizeReport& report) {
  report.split = data.split;
  if (!data.test) {
    report.count = data.judged.count();
    report.agreement = quantized.quality.agreement;
    return;
  }
  const auto logits = run_both(in_float, quantized.graph, data, loaded, request, progress);
  const auto before = compress::compare_logits(logits.in_float, logits.in_float, logits.labels);
  const auto after = compress::compare_logits(logits.in_float, logits.quantized, logits.labels);
  report.count = logits.labels.size(0);
  report.float_top1 = before.top1;
  report.top1 = after.top1;
  report.drop = *before.top1 - *after.top1;
  report.agreement = after.agreement;
}

}  // namespace

void QuantizeReport::visit(FieldVisitor& v) {
  v.field("architecture", architecture, "name of the registry");
  v.field("file", file, "what was written");
  v.field("mode", mode, "best or naive");
  v.field("samples", samples, "images that calibrated");
  v.field("weight_bits", weight_bits, "of the weights, 7 where their range was reduced");
  v.field("bytes", bytes, "of the file");
  v.field("float_bytes", float_bytes, "of the same model exported in float32");
  v.field("size_ratio", size_ratio, "bytes over float_bytes");
  v.field("split", split, "what the result was measured on");
  v.field("count", count, "its images");
  v.field("float_top1", float_top1, "percent in float32; null without labels");
  v.field("top1", top1, "percent in int8; null without labels");
  v.field("drop", drop, "percentage points lost; null without labels");
  v.field("agreement", agreement, "percent of images with the float model's class");
  v.field("units", units, "operators that could be computed in 8 bits");
  v.field("in_float", in_float, "those of them that stay in float");
  v.field("remarks", remarks, "what a user should know");
  v.list("steps", steps);
}

QuantizeReport quantize_image_model(models::LoadedModel& loaded,
                                    const std::filesystem::path& output,
                                    const QuantizeRequest& request, Progress& progress) {
  check_fields<UsageError>(request, "quantize");
  tasks::expect_classifier_of_images(loaded);
  return quantize_image_model(loaded, open_calibration_data(loaded, request, progress), output,
                              request, progress);
}

QuantizeReport quantize_image_model(models::LoadedModel& loaded, const CalibrationData& data,
                                    const std::filesystem::path& output,
                                    const QuantizeRequest& request, Progress& progress) {
  const torch::NoGradGuard no_grad;
  const auto in_float = make_image_graph(loaded).graph;
  const compress::Judge judge(in_float, data.judged);
  const auto quantized =
      compress::quantize(in_float, data.calibration, judge, request.options, progress);

  QuantizeReport report{.architecture = loaded.hub.architecture,
                        .file = output.string(),
                        .mode = request.options.mode,
                        .split = "",
                        .units = quantized.units,
                        .in_float = quantized.float_modules,
                        .remarks = data.remarks,
                        .steps = quantized.steps};
  for (const auto& batch : data.calibration) report.samples += batch.size(0);
  measure(in_float, quantized, data, loaded, request, progress, report);

  report.weight_bits = quantized.weight_bits;
  if (quantized.weight_bits < request.options.weight_bits) {
    report.remarks.push_back(
        fmt::format("Weights have {} bits: without VNNI, engines' sums of int8 products saturate. "
                    "--reduce-range off where the target has VNNI.",
                    quantized.weight_bits));
    progress.line(report.remarks.back());
  }
  auto options = onnx_options(loaded.hub, request.with_preprocessing);
  report.float_bytes = static_cast<int64_t>(export_onnx(in_float, options).size());
  options.metadata["quantization"] = to_json(request.options).dump();
  const auto bytes = export_onnx(quantized.graph, options);
  report.bytes = static_cast<int64_t>(bytes.size());
  report.size_ratio = static_cast<double>(report.bytes) / static_cast<double>(report.float_bytes);
  io::write_file_atomic(output, bytes);
  return report;
}

}  // namespace braid::onnx
