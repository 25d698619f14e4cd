#include "braid/export/one_word_batches.h"

#include <algorithm>
#include <set>
#include <utility>

#include "braid/decoding/encoder_decoder_files.h"
#include "braid/graph/replay.h"

namespace braid::onnx {
namespace {

using torch::Tensor;
using Tensors = std::map<std::string, Tensor>;

// By which the next word's graph reads what the decoder keeps, whose name that is.
std::string past_name(const graph::Graph& graph, graph::ValueId kept) {
  const std::string present = decoding::kPresentPrefix;
  return decoding::kPastPrefix + graph.at(kept).name.substr(present.size());
}

// What a decoder keeps of whole texts.
Tensors kept_of(const graph::Graph& decoder, const Tensors& values) {
  const auto outputs = outputs_of(decoder, values);
  Tensors kept;
  for (size_t i = 1; i < outputs.size(); ++i)
    kept[past_name(decoder, decoder.outputs[i])] = outputs[i];
  return kept;
}

// Of what is kept, what belongs to the words: `next` gives it back with one word more.
std::set<std::string> growing(const graph::Graph& next) {
  std::set<std::string> names;
  for (size_t i = 1; i < next.outputs.size(); ++i) names.insert(past_name(next, next.outputs[i]));
  return names;
}

int64_t bytes_of(const Tensors& tensors) {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += static_cast<int64_t>(tensor.nbytes());
  return bytes;
}

}  // namespace

std::vector<Tensor> outputs_of(const graph::Graph& graph, const Tensors& values) {
  std::vector<Tensor> inputs;
  for (const graph::ValueId id : graph.inputs) inputs.push_back(values.at(graph.at(id).name));
  return graph::replay(graph, inputs);
}

OneWordBatches one_word_batches(const graph::Graph& decoder, const graph::Graph& next,
                                const std::vector<data::Batch>& batches) {
  constexpr int64_t kMostPlaces = 4, kWordsOfKept = 2;
  constexpr int64_t kMostBytes = int64_t{512} << 20;
  const torch::NoGradGuard no_grad;
  const auto grows = growing(next);
  OneWordBatches read;
  int64_t bytes = 0;
  for (const auto& batch : batches) {
    if (bytes > kMostBytes) break;
    const int64_t later = batch.at(data::kInputIds).size(1) - 1;  // words behind the first
    const int64_t places = std::min(kMostPlaces, later);
    if (places == 0) continue;
    const auto kept = kept_of(decoder, batch.tensors);
    bytes += bytes_of(kept);
    read.items += batch.size();
    for (int64_t k = 0; k < places; ++k) {
      const int64_t place = 1 + (2 * k + 1) * later / (2 * places);
      Tensors inputs = {{kEncoderMask, batch.at(kEncoderMask)},
                        {data::kInputIds, batch.at(data::kInputIds).narrow(1, place, 1)},
                        {data::kLabels, batch.at(data::kLabels).narrow(1, place, 1)}};
      // What is kept of all words begins with that of the first ones.
      for (const auto& [name, value] : kept)
        inputs[name] = grows.contains(name) ? value.narrow(kWordsOfKept, 0, place) : value;
      read.batches.push_back({.tensors = std::move(inputs), .indices = batch.indices});
    }
  }
  return read;
}

}  // namespace braid::onnx
