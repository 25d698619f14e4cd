#include "braid/export/quantize_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "braid/export/file_proof.h"
#include "braid/export/image_samples.h"
#include "braid/graph/replay.h"
#include "braid/io/atomic_file.h"

namespace braid::onnx {
namespace {

using torch::Tensor;

// Whether the output is one of each token of a text, or of one that follows it.
bool is_per_token(const graph::Graph& graph) {
  return graph.at(graph.outputs.at(0)).shape.size() == 3;
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
  // Of one logit any is right.
  report.drop = logits.size(1) > 1 ? *before.top1 - *after.top1 : after.expected_drop;
  report.agreement = after.agreement;
}

// The tokens of the first batch whose outputs are asked for; undefined: each item has one.
Tensor asked_of(const graph::Graph& graph, const compress::Samples& judged) {
  if (!judged.reader) return judged.asked.empty() ? Tensor() : judged.asked[0];
  // What the reader is asked for are its own tokens.
  for (size_t i = 0; i < graph.inputs.size(); ++i)
    if (graph.at(graph.inputs[i]).name == data::kAttentionMask)
      return judged.batches.at(0).at(i).ne(0);
  return {};
}

// Some of those that judge, alone and together, and what the quantized graph says to them.
std::vector<graph::Sample> judged_samples(const graph::Graph& quantized,
                                          const compress::Samples& judged) {
  constexpr int64_t kMost = 4;
  std::vector<graph::Sample> samples;
  const auto& first = judged.batches.at(0);
  const auto asked = asked_of(quantized, judged);
  for (const int64_t batch : {int64_t{1}, std::min(kMost, first.at(0).size(0))}) {
    graph::Sample sample;
    for (const auto& input : first) sample.inputs.push_back(input.narrow(0, 0, batch).cpu());
    auto outputs = graph::replay(quantized, sample.inputs);
    sample.expected = outputs.at(0);
    sample.expected_more.assign(outputs.begin() + 1, outputs.end());
    if (asked.defined()) {
      sample.asked = asked.narrow(0, 0, batch).cpu();
      if (!sample.asked.any().item<bool>()) continue;
    }
    samples.push_back(std::move(sample));
  }
  return samples;
}

// Of images that the file prepares itself.
std::vector<graph::Sample> raw_samples(const graph::Graph& quantized,
                                       const data::InputConfig& input) {
  const auto raw = raw_noise(input);
  std::vector<graph::Sample> samples;
  for (const int64_t batch : {int64_t{1}, raw.bytes.size(0)})
    samples.push_back(
        {.inputs = {raw.bytes.narrow(0, 0, batch)},
         .expected = graph::replay(quantized, {raw.prepared.narrow(0, 0, batch)}).at(0).softmax(1),
         .asked = {}});
  return samples;
}

FileProof prove_quantized(const std::string& bytes, const graph::Graph& quantized,
                          const OnnxOptions& options, const compress::Samples& judged) {
  if (!options.preprocessing)
    return prove_file(bytes, options.name, judged_samples(quantized, judged), kRoundedLimits);
  return prove_file(bytes, options.name, raw_samples(quantized, *options.preprocessing),
                    {.relative = kRoundedLimits.relative + kPreparedLimits.relative});
}

}  // namespace

QuantizeReport quantize_model(const graph::Graph& in_float, const CalibrationData& data,
                              OnnxOptions options, const std::filesystem::path& output,
                              const QuantizeRequest& request, Progress& progress) {
  const torch::NoGradGuard no_grad;
  auto judged = samples_of(in_float, data.judged);
  judged.reader = data.reader;
  const compress::Judge judge(in_float, judged);
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
  const auto remark = [&](std::string line) {
    progress.line(line);
    report.remarks.push_back(std::move(line));
  };
  if (quantized.weight_bits < request.options.weight_bits)
    remark(
        fmt::format("Weights have {} bits: without VNNI, engines' sums of int8 products saturate. "
                    "--reduce-range off where the target has VNNI.",
                    quantized.weight_bits));
  report.float_bytes = static_cast<int64_t>(export_onnx(in_float, options).size());
  options.metadata["quantization"] = to_json(request.options).dump();
  report.opset = opset_of(quantized.graph);
  const auto bytes = export_onnx(quantized.graph, options);
  report.bytes = static_cast<int64_t>(bytes.size());
  report.size_ratio = static_cast<double>(report.bytes) / static_cast<double>(report.float_bytes);
  const auto proof = prove_quantized(bytes, quantized.graph, options, judged);
  if (proof.deviation) report.file_relative_error = proof.deviation->relative;
  if (!proof.remark.empty()) remark(proof.remark);
  io::write_file_atomic(output, bytes);
  return report;
}

}  // namespace braid::onnx
