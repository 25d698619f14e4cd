#include "braid/export/quantize_model.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"

namespace braid::onnx {
namespace {

using torch::Tensor;

// Whether the output is one of each token of a text.
bool is_per_token(const graph::Graph& graph) {
  const auto& shape = graph.at(graph.outputs.at(0)).shape;
  return shape.size() == 3 && shape[1] == graph::Extent{.length = 1};
}

// Labels that are none are not asked for, nor is padding where no label is known.
compress::Samples samples_of(const graph::Graph& graph, const std::vector<data::Batch>& batches) {
  compress::Samples samples;
  for (const auto& batch : batches) {
    auto& inputs = samples.batches.emplace_back();
    for (const graph::ValueId id : graph.inputs) inputs.push_back(batch.at(graph.at(id).name));
    const bool labelled = batch.has(data::kLabels);
    if (labelled) samples.labels.push_back(batch.at(data::kLabels));
    if (is_per_token(graph))
      samples.asked.push_back(labelled ? batch.at(data::kLabels).ge(0)
                                       : batch.at(data::kAttentionMask).ne(0));
  }
  return samples;
}

// Both graphs on all items of the split.
void measure(const graph::Graph& in_float, const compress::Quantized& quantized,
             const CalibrationData& data, const QuantizeRequest& request, Progress& progress,
             QuantizeReport& report) {
  const auto loader = data.open_test();
  std::vector<Tensor> a, b, labels;
  int64_t done = 0;
  progress.begin("measure", data.test_size);
  loader->start_epoch(0);
  while (auto batch = loader->next()) {
    batch->tensors[data::kLabels] = mapped_labels(batch->at(data::kLabels), data.classes);
    const auto samples = samples_of(in_float, {*batch});
    a.push_back(compress::logits_of(in_float, samples).at(0));
    b.push_back(compress::logits_of(quantized.graph, samples).at(0));
    const auto& given = samples.labels.at(0);
    labels.push_back(samples.asked.empty() ? given : given.index({samples.asked[0]}));
    progress.update(done += batch->size(), "");
  }
  progress.end();
  if (a.empty()) throw DataError("quantize", "nothing of the split could be read", request.data);
  const auto logits = torch::cat(a), answers = torch::cat(labels);
  const auto before = compress::compare_logits(logits, logits, answers);
  const auto after = compress::compare_logits(logits, torch::cat(b), answers);
  report.count = answers.size(0);
  report.float_top1 = before.top1;
  report.top1 = after.top1;
  report.drop = *before.top1 - *after.top1;
  report.agreement = after.agreement;
}

}  // namespace

QuantizeReport quantize_model(const graph::Graph& in_float, const CalibrationData& data,
                              OnnxOptions options, const std::filesystem::path& output,
                              const QuantizeRequest& request, Progress& progress) {
  const torch::NoGradGuard no_grad;
  const compress::Judge judge(in_float, samples_of(in_float, data.judged));
  const auto quantized = compress::quantize(
      in_float, samples_of(in_float, data.calibration).batches, judge, request.options, progress);

  QuantizeReport report{.architecture = options.name,
                        .file = output.string(),
                        .mode = request.options.mode,
                        .split = data.split,
                        .count = judge.outputs(),
                        .agreement = quantized.quality.agreement,
                        .units = quantized.units,
                        .in_float = quantized.float_modules,
                        .remarks = data.remarks,
                        .steps = quantized.steps};
  for (const auto& batch : data.calibration) report.samples += batch.size();
  if (data.open_test) measure(in_float, quantized, data, request, progress, report);

  report.weight_bits = quantized.weight_bits;
  if (quantized.weight_bits < request.options.weight_bits) {
    report.remarks.push_back(
        fmt::format("Weights have {} bits: without VNNI, engines' sums of int8 products saturate. "
                    "--reduce-range off where the target has VNNI.",
                    quantized.weight_bits));
    progress.line(report.remarks.back());
  }
  report.float_bytes = static_cast<int64_t>(export_onnx(in_float, options).size());
  options.metadata["quantization"] = to_json(request.options).dump();
  const auto bytes = export_onnx(quantized.graph, options);
  report.bytes = static_cast<int64_t>(bytes.size());
  report.size_ratio = static_cast<double>(report.bytes) / static_cast<double>(report.float_bytes);
  io::write_file_atomic(output, bytes);
  return report;
}

}  // namespace braid::onnx
