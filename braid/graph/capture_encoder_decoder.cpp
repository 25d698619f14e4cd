#include "braid/graph/capture_encoder_decoder.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <utility>

#include "braid/graph/capture.h"
#include "braid/runtime/eval_scope.h"

namespace braid::graph {
namespace {

using Tensors = CaptureRequest::Tensors;

}  // namespace

ExampleSource example_source(const models::EncoderDecoder& model, int64_t batch, int64_t tokens,
                             at::Generator generator) {
  auto ids = torch::randint(model.source_vocab_size(), {batch, tokens}, std::move(generator),
                            torch::kLong);
  auto mask = torch::ones({batch, tokens}, torch::kLong);
  for (int64_t row = 0; row < batch; ++row)
    mask[row].slice(0, std::max<int64_t>(tokens - row - 1, 1), tokens).zero_();
  ids.masked_fill_(mask.eq(0), model.pad_token_id());
  return {ids, mask};
}

torch::Tensor example_target(const models::EncoderDecoder& model, int64_t batch, int64_t tokens,
                             at::Generator generator) {
  return torch::randint(model.vocab_size(), {batch, tokens}, std::move(generator), torch::kLong);
}

Graph capture_encoder(models::EncoderDecoder& model) {
  const runtime::EvalScope scope(model);
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(0);
  return capture({.run =
                      [&](const Tensors& x) {
                        return Tensors{model.encode({x.at(0), x.at(1), {}}).hidden};
                      },
                  .example =
                      [&](Sizes sizes) {
                        const auto source =
                            example_source(model, sizes.batch, sizes.length, generator);
                        return Tensors{source.input_ids.to(scope.device()),
                                       source.attention_mask.to(scope.device())};
                      },
                  .module = &model,
                  .input_names = {"input_ids", "attention_mask"},
                  .output_names = {"last_hidden_state"},
                  .max_length = model.max_positions()});
}

Graph capture_decoder(models::EncoderDecoder& model) {
  const runtime::EvalScope scope(model);
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(0);
  return capture(
      {.run =
           [&](const Tensors& x) {
             const models::EncodedText encoded{.hidden = x.at(1), .attention_mask = x.at(2).ne(0)};
             return Tensors{model.logits(model.decode(x.at(0), {}, encoded))};
           },
       .example =
           [&](Sizes sizes) {
             const auto source = example_source(model, sizes.batch, sizes.memory, generator);
             const auto target = example_target(model, sizes.batch, sizes.length, generator);
             const auto mask = source.attention_mask.to(scope.device());
             const auto encoded = model.encode({source.input_ids.to(scope.device()), mask, {}});
             return Tensors{target.to(scope.device()), encoded.hidden, mask};
           },
       .module = &model,
       .input_names = {"input_ids", "encoder_hidden_states", "encoder_attention_mask"},
       .output_names = {"logits"},
       .max_length = model.max_positions(),
       .max_memory = model.max_positions()});
}

}  // namespace braid::graph
