#include "braid/export/export_text_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/export/file_proof.h"
#include "braid/export/filled_zeros.h"
#include "braid/export/text_graph.h"
#include "braid/io/atomic_file.h"
#include "braid/tasks/text/tokenized_model.h"

namespace braid::onnx {
namespace {

// A short text, then two longer ones of which one ends in padding.
std::vector<graph::Sample> noise_samples(const graph::Graph& graph, models::TextEncoder& model) {
  const int64_t most = model.max_positions();
  const auto at_most = [most](int64_t tokens) {
    return most == 0 ? tokens : std::min(tokens, most);
  };
  return {graph::sample_of_noise(graph, model, {1, at_most(5)}),
          graph::sample_of_noise(graph, model, {2, at_most(17)})};
}

std::vector<graph::Sample> samples_for(const graph::Graph& graph, models::TextEncoder& model,
                                       const std::vector<data::Batch>& texts) {
  if (texts.empty()) return noise_samples(graph, model);
  auto all = tasks::text_input(texts.front());
  auto one = all;
  for (auto* tensor : {&one.input_ids, &one.attention_mask, &one.token_type_ids})
    if (tensor->defined()) *tensor = tensor->narrow(0, 0, 1);
  if (texts.front().size() == 1)  // alone, and beside itself
    for (auto* tensor : {&all.input_ids, &all.attention_mask, &all.token_type_ids})
      if (tensor->defined()) *tensor = torch::cat({*tensor, *tensor});
  return {graph::sample(graph, model, one), graph::sample(graph, model, all)};
}

// As of images.
void prove_without_zeros(models::LoadedTextEncoder& loaded) {
  prove_with_filled_zeros(*loaded.model, [&] {
    const auto graph = make_text_graph(loaded).graph;
    prove_file(export_onnx(graph, onnx_options(loaded, {})), loaded.hub.architecture,
               noise_samples(graph, *loaded.model));
  });
}

}  // namespace

ExportReport export_text_model(models::LoadedTextEncoder& loaded,
                               const std::filesystem::path& tokenizer,
                               const std::filesystem::path& output,
                               const std::vector<data::Batch>& texts) {
  prove_without_zeros(loaded);
  const auto [graph, deviation] = make_text_graph(loaded);
  const auto bytes = export_onnx(graph, onnx_options(loaded, tokenizer));
  const auto proof =
      prove_file(bytes, loaded.hub.architecture, samples_for(graph, *loaded.model, texts));
  io::write_file_atomic(output, bytes);
  auto report = make_report(loaded.hub.architecture, output, graph, deviation, proof, bytes.size());
  if (!texts.empty()) report.samples = fmt::format("{} texts", texts.front().size());
  return report;
}

}  // namespace braid::onnx
