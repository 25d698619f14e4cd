#include "braid/graph/verify.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/graph/capture.h"
#include "braid/graph/capture_encoder_decoder.h"
#include "braid/graph/replay.h"
#include "braid/runtime/eval_scope.h"
#include "braid/runtime/tensor_file.h"

namespace braid::graph {
namespace {

Deviation between(const torch::Tensor& got, const torch::Tensor& expected) {
  if (!runtime::is_finite(expected))
    throw DataError("graph", "expected a model with finite outputs, got NaN or infinity", "",
                    "its training diverged; take an earlier one of its checkpoints");
  Deviation deviation;
  deviation.absolute = (got - expected).abs().max().item<double>();
  deviation.relative = deviation.absolute / std::max(expected.abs().max().item<double>(), 1e-12);
  return deviation;
}

}  // namespace

Deviation deviation(const Graph& graph, models::ImageModel& model, const torch::Tensor& images) {
  const runtime::EvalScope scope(model);
  return between(replay(graph, {images}).at(0), model.forward(images));
}

Deviation deviation_on_noise(const Graph& graph, models::ImageModel& model, int64_t batch) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(1);
  const auto shape = shape_at(graph.at(graph.inputs.at(0)).shape, batch);
  return deviation(graph, model, torch::randn(shape, generator).to(runtime::device_of(model)));
}

Deviation deviation_on_noise(const Graph& graph, models::TextEncoder& model, Sizes sizes) {
  const runtime::EvalScope scope(model);
  const auto texts = example_texts(model, sizes, at::make_generator<at::CPUGeneratorImpl>(1));
  const auto ids = texts.at(0).to(scope.device()), mask = texts.at(1).to(scope.device()),
             types = texts.at(2).to(scope.device());
  std::vector<torch::Tensor> inputs;
  for (const ValueId id : graph.inputs) {
    const auto& name = graph.at(id).name;
    inputs.push_back(name == "input_ids" ? ids : name == "attention_mask" ? mask : types);
  }
  const auto expected =
      model.forward({.input_ids = ids, .attention_mask = mask, .token_type_ids = types});
  auto got = replay(graph, inputs).at(0);
  // Of outputs per token, what stands at padding means nothing.
  const bool per_token = expected.dim() >= 2 && expected.size(1) == sizes.length &&
                         graph.at(graph.outputs.at(0)).shape.at(1) == Extent{.length = 1};
  if (!per_token) return between(got, expected);
  const auto real = mask.ne(0);
  return between(got.index({real}), expected.index({real}));
}

Deviation encoder_deviation_on_noise(const Graph& graph, models::EncoderDecoder& model,
                                     Sizes sizes) {
  const runtime::EvalScope scope(model);
  const auto source =
      example_source(model, sizes.batch, sizes.length, at::make_generator<at::CPUGeneratorImpl>(1));
  const auto ids = source.input_ids.to(scope.device());
  const auto mask = source.attention_mask.to(scope.device());
  const auto expected = model.encode({ids, mask, {}}).hidden;
  const auto real = mask.ne(0);
  return between(replay(graph, {ids, mask}).at(0).index({real}), expected.index({real}));
}

Deviation decoder_deviation_on_noise(const Graph& graph, models::EncoderDecoder& model,
                                     Sizes sizes) {
  const runtime::EvalScope scope(model);
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(1);
  const auto source = example_source(model, sizes.batch, sizes.memory, generator);
  const auto mask = source.attention_mask.to(scope.device());
  const auto ids = example_target(model, sizes.batch, sizes.length, generator).to(scope.device());
  const auto encoded = model.encode({source.input_ids.to(scope.device()), mask, {}});
  return between(replay(graph, {ids, encoded.hidden, mask}).at(0),
                 model.logits(model.decode(ids, {}, encoded)));
}

}  // namespace braid::graph
