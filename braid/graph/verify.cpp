#include "braid/graph/verify.h"

#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "braid/core/error.h"
#include "braid/graph/capture.h"
#include "braid/graph/capture_encoder_decoder.h"
#include "braid/graph/replay.h"
#include "braid/runtime/eval_scope.h"
#include "braid/runtime/tensor_file.h"

namespace braid::graph {
namespace {

Deviation replayed(const Graph& graph, const Sample& sample, torch::Device device) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> inputs;
  for (const auto& input : sample.inputs) inputs.push_back(input.to(device));
  return deviation(sample, replay(graph, inputs));
}

at::Generator noise() { return at::make_generator<at::CPUGeneratorImpl>(1); }

}  // namespace

Sample sample(models::ImageModel& model, const torch::Tensor& images) {
  const runtime::EvalScope scope(model);
  return {.inputs = {images.cpu()},
          .expected = model.forward(images.to(scope.device())).cpu(),
          .asked = {}};
}

Sample sample(const Graph& graph, models::TextEncoder& model, const models::TextInput& texts) {
  const runtime::EvalScope scope(model);
  const auto ids = texts.input_ids.to(scope.device());
  const auto or_else = [&](const torch::Tensor& given, int64_t otherwise) {
    return given.defined() ? given.to(scope.device()) : torch::full_like(ids, otherwise);
  };
  const auto mask = or_else(texts.attention_mask, 1), types = or_else(texts.token_type_ids, 0);
  Sample made;
  for (const ValueId id : graph.inputs) {
    const auto& name = graph.at(id).name;
    made.inputs.push_back((name == "input_ids"        ? ids
                           : name == "attention_mask" ? mask
                                                      : types)
                              .cpu());
  }
  made.expected =
      model.forward({.input_ids = ids, .attention_mask = mask, .token_type_ids = types}).cpu();
  // Of outputs per token, what stands at padding means nothing.
  const bool per_token = made.expected.dim() >= 2 && made.expected.size(1) == ids.size(1) &&
                         graph.at(graph.outputs.at(0)).shape.at(1) == Extent{.length = 1};
  if (per_token) made.asked = mask.ne(0).cpu();
  return made;
}

Sample sample_of_noise(const Graph& graph, models::ImageModel& model, int64_t batch) {
  const auto shape = shape_at(graph.at(graph.inputs.at(0)).shape, batch);
  return sample(model, torch::randn(shape, noise()));
}

Sample sample_of_noise(const Graph& graph, models::TextEncoder& model, Sizes sizes) {
  const auto texts = example_texts(model, sizes, noise());
  return sample(
      graph, model,
      {.input_ids = texts.at(0), .attention_mask = texts.at(1), .token_type_ids = texts.at(2)});
}

Sample encoder_sample_of_noise(models::EncoderDecoder& model, Sizes sizes) {
  const runtime::EvalScope scope(model);
  const auto source = example_source(model, sizes.batch, sizes.length, noise());
  const auto ids = source.input_ids.to(scope.device());
  const auto mask = source.attention_mask.to(scope.device());
  return {.inputs = {ids.cpu(), mask.cpu()},
          .expected = model.encode({ids, mask, {}}).hidden.cpu(),
          .asked = mask.ne(0).cpu()};
}

Sample decoder_sample_of_noise(models::EncoderDecoder& model, Sizes sizes) {
  const runtime::EvalScope scope(model);
  const auto generator = noise();
  const auto source = example_source(model, sizes.batch, sizes.memory, generator);
  const auto mask = source.attention_mask.to(scope.device());
  const auto ids = example_target(model, sizes.batch, sizes.length, generator).to(scope.device());
  const auto encoded = model.encode({source.input_ids.to(scope.device()), mask, {}});
  Sample made{.inputs = {ids.cpu(), encoded.hidden.cpu(), mask.cpu()},
              .expected = model.logits(model.decode(ids, {}, encoded)).cpu(),
              .asked = {}};
  for (const auto& kept : decode_words(model, ids, encoded).kept)
    made.expected_more.push_back(kept.value.cpu());
  return made;
}

Sample decoder_with_past_sample_of_noise(models::EncoderDecoder& model, Sizes sizes) {
  const runtime::EvalScope scope(model);
  const auto generator = noise();
  const auto source = example_source(model, sizes.batch, sizes.memory, generator);
  const auto mask = source.attention_mask.to(scope.device());
  const auto ids =
      example_target(model, sizes.batch, sizes.length + 1, generator).to(scope.device());
  const auto encoded = model.encode({source.input_ids.to(scope.device()), mask, {}});
  const auto last = [&](const torch::Tensor& x) { return x.narrow(1, sizes.length, 1).cpu(); };
  Sample made{.inputs = {mask.cpu(), last(ids)},
              .expected = last(model.logits(model.decode(ids, {}, encoded))),
              .asked = {}};
  for (const auto& kept : decode_words(model, ids.narrow(1, 0, sizes.length), encoded).kept)
    made.inputs.push_back(kept.value.cpu());
  for (const auto& kept : decode_words(model, ids, encoded).kept)
    if (!kept.of_memory) made.expected_more.push_back(kept.value.cpu());
  return made;
}

Deviation deviation(const Sample& sample, const torch::Tensor& output) {
  auto expected = sample.expected, got = output.cpu();
  if (got.sizes() != expected.sizes())
    throw InternalError("graph",
                        fmt::format("expected an output of the model's shape, [{}], got [{}]",
                                    fmt::join(expected.sizes(), ","), fmt::join(got.sizes(), ",")));
  if (sample.asked.defined()) {
    expected = expected.index({sample.asked});
    got = got.index({sample.asked});
  }
  if (!runtime::is_finite(expected))
    throw DataError("graph", "expected a model with finite outputs, got NaN or infinity", "",
                    "its training diverged; take an earlier one of its checkpoints");
  Deviation deviation;
  deviation.absolute = (got - expected).abs().max().item<double>();
  deviation.relative = deviation.absolute / std::max(expected.abs().max().item<double>(), 1e-12);
  return deviation;
}

Deviation deviation(const Sample& sample, const std::vector<torch::Tensor>& outputs) {
  if (outputs.empty() || outputs.size() > 1 + sample.expected_more.size())
    throw InternalError("graph", fmt::format("expected 1 to {} outputs, got {}",
                                             1 + sample.expected_more.size(), outputs.size()));
  auto largest = deviation(sample, outputs[0]);
  for (size_t i = 1; i < outputs.size(); ++i) {
    const Sample one{.inputs = {}, .expected = sample.expected_more[i - 1], .asked = {}};
    largest = larger(largest, deviation(one, outputs[i]));
  }
  return largest;
}

Deviation larger(const Deviation& a, const Deviation& b) {
  // Not a number is the largest of all.
  const auto most = [](double x, double y) { return x > y || std::isnan(x) ? x : y; };
  return {.absolute = most(a.absolute, b.absolute), .relative = most(a.relative, b.relative)};
}

Deviation deviation(const Graph& graph, models::ImageModel& model, const torch::Tensor& images) {
  return replayed(graph, sample(model, images), runtime::device_of(model));
}

Deviation deviation_on_noise(const Graph& graph, models::ImageModel& model, int64_t batch) {
  return replayed(graph, sample_of_noise(graph, model, batch), runtime::device_of(model));
}

Deviation deviation_on_noise(const Graph& graph, models::TextEncoder& model, Sizes sizes) {
  return replayed(graph, sample_of_noise(graph, model, sizes), runtime::device_of(model));
}

Deviation encoder_deviation_on_noise(const Graph& graph, models::EncoderDecoder& model,
                                     Sizes sizes) {
  return replayed(graph, encoder_sample_of_noise(model, sizes), runtime::device_of(model));
}

Deviation decoder_deviation_on_noise(const Graph& graph, models::EncoderDecoder& model,
                                     Sizes sizes) {
  return replayed(graph, decoder_sample_of_noise(model, sizes), runtime::device_of(model));
}

Deviation decoder_with_past_deviation_on_noise(const Graph& graph, models::EncoderDecoder& model,
                                               Sizes sizes) {
  return replayed(graph, decoder_with_past_sample_of_noise(model, sizes),
                  runtime::device_of(model));
}

}  // namespace braid::graph
