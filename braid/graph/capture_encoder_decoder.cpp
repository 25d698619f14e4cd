#include "braid/graph/capture_encoder_decoder.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "braid/decoding/encoder_decoder_files.h"
#include "braid/graph/capture.h"
#include "braid/runtime/eval_scope.h"

namespace braid::graph {
namespace {

using torch::Tensor;
using Tensors = CaptureRequest::Tensors;
using Kept = DecodedWords::Kept;

models::DecoderCache empty_cache(const models::EncoderDecoder& model) {
  models::DecoderCache cache;
  const auto layers = static_cast<size_t>(model.decoder_layers());
  for (size_t i = 0; i < layers; ++i) {
    cache.self.push_back(nn::KeyValueCache::joined());
    cache.cross.push_back(nn::KeyValueCache::joined());
  }
  return cache;
}

// A convolution has no values: it keeps the words that it sees in place of keys.
bool is_of_convolution(const nn::KeyValueCache& cache) { return cache.values().size(3) == 0; }

std::vector<Kept> kept_in(models::DecoderCache& cache) {
  std::vector<Kept> all;
  const auto add = [&](const std::string& part, const nn::KeyValueCache& of, bool of_memory) {
    if (of.empty()) return;
    if (is_of_convolution(of)) return all.push_back({part + ".conv", of.keys(), of_memory});
    all.push_back({part + ".key", of.keys(), of_memory});
    all.push_back({part + ".value", of.values(), of_memory});
  };
  for (size_t i = 0; i < cache.self.size(); ++i) {
    const auto layer = std::to_string(i);
    add(layer + ".decoder", cache.self[i], false);
    if (cache.self[i].has_beside()) add(layer + ".decoder", cache.self[i].beside(), false);
    add(layer + ".encoder", cache.cross.at(i), true);
  }
  return all;
}

// layout: what kept_in() gives; values: the same of other words.
models::DecoderCache cache_of(const models::EncoderDecoder& model, const std::vector<Kept>& layout,
                              const Tensors& values) {
  auto cache = empty_cache(model);
  for (size_t k = 0; k < layout.size(); ++k) {
    const auto& name = layout[k].name;
    const size_t layer = std::stoul(name);
    auto& first = layout[k].of_memory ? cache.cross.at(layer) : cache.self.at(layer);
    auto& place = first.empty() ? first : first.beside();
    const bool convolution = name.ends_with(".conv");
    const auto& key = values.at(k);
    place = nn::KeyValueCache::joined(key, convolution ? key.narrow(3, 0, 0) : values.at(k + 1));
    if (!layout[k].of_memory) cache.length = key.size(2);
    if (!convolution) ++k;
  }
  return cache;
}

// What is kept of one word.
DecodedWords shortest_text(models::EncoderDecoder& model) {
  const runtime::EvalScope scope(model);
  const auto word = torch::zeros({1, 1}, torch::kLong).to(scope.device());
  return decode_words(model, word, model.encode({word, torch::ones_like(word), {}}));
}

// A decoder that computes all words that are written.
template <class Run>
Graph capture_whole(models::EncoderDecoder& model, const std::vector<std::string>& outputs,
                    const Run& run) {
  const runtime::EvalScope scope(model);
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(0);
  return capture(
      {.run =
           [&](const Tensors& x) {
             return run(x.at(0),
                        models::EncodedText{.hidden = x.at(1), .attention_mask = x.at(2).ne(0)});
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
       .output_names = outputs,
       .max_length = model.max_positions(),
       .max_memory = model.max_positions()});
}

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
  return capture_whole(model, {"logits"}, [&](const Tensor& ids, const auto& encoded) {
    return Tensors{model.logits(model.decode(ids, {}, encoded))};
  });
}

Graph capture_decoder_with_present(models::EncoderDecoder& model) {
  std::vector<std::string> names = {"logits"};
  for (const auto& kept : shortest_text(model).kept)
    names.push_back(decoding::kPresentPrefix + kept.name);
  return capture_whole(model, names, [&](const Tensor& ids, const auto& encoded) {
    const auto decoded = decode_words(model, ids, encoded);
    Tensors outputs = {decoded.logits};
    for (const auto& kept : decoded.kept) outputs.push_back(kept.value);
    return outputs;
  });
}

Graph capture_decoder_with_past(models::EncoderDecoder& model) {
  const runtime::EvalScope scope(model);
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(0);
  const auto layout = shortest_text(model).kept;
  std::vector<std::string> inputs = {"encoder_attention_mask", "input_ids"}, outputs = {"logits"};
  for (const auto& kept : layout) {
    inputs.push_back(decoding::kPastPrefix + kept.name);
    if (!kept.of_memory) outputs.push_back(decoding::kPresentPrefix + kept.name);
  }
  const int64_t most = model.max_positions();
  return capture(
      {.run =
           [&](const Tensors& x) {
             auto cache = cache_of(model, layout, {x.begin() + 2, x.end()});
             // Of the memory only the rows are asked for: what it says is in the cache.
             const auto rows = torch::zeros({x.at(0).size(0), 0, 0});
             const models::EncodedText encoded{.hidden = rows, .attention_mask = x.at(0).ne(0)};
             Tensors results = {model.logits(model.decode(x.at(1), {}, encoded, &cache))};
             for (const auto& kept : kept_in(cache))
               if (!kept.of_memory) results.push_back(kept.value);
             return results;
           },
       .example =
           [&](Sizes sizes) {
             const auto source = example_source(model, sizes.batch, sizes.memory, generator);
             const auto target =
                 example_target(model, sizes.batch, sizes.length + 1, generator).to(scope.device());
             const auto mask = source.attention_mask.to(scope.device());
             const auto encoded = model.encode({source.input_ids.to(scope.device()), mask, {}});
             Tensors x = {mask, target.narrow(1, sizes.length, 1).contiguous()};
             for (const auto& kept :
                  decode_words(model, target.narrow(1, 0, sizes.length), encoded).kept)
               x.push_back(kept.value.contiguous());
             return x;
           },
       .module = &model,
       .input_names = inputs,
       .output_names = outputs,
       .max_length = most == 0 ? 0 : most - 1,  // and one more
       .max_memory = most});
}

bool can_go_on(models::EncoderDecoder& model) {
  constexpr int64_t kLeastPositions = 7;  // as many as a capture runs, and one more
  const int64_t most = model.max_positions();
  const runtime::EvalScope scope(model);
  return (most == 0 || most >= kLeastPositions) && !shortest_text(model).kept.empty();
}

DecodedWords decode_words(models::EncoderDecoder& model, const Tensor& ids,
                          const models::EncodedText& encoded) {
  auto cache = empty_cache(model);
  auto logits = model.logits(model.decode(ids, {}, encoded, &cache));
  return {std::move(logits), kept_in(cache)};
}

}  // namespace braid::graph
