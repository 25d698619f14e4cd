#include "braid/generate/decoder_state.h"

#include <numeric>
#include <utility>

namespace braid::generate {
namespace {

// Whether they are 0, 1, .. up to count - 1: then there is nothing to move.
bool are_all_in_order(const std::vector<int64_t>& numbers, int64_t count) {
  if (static_cast<int64_t>(numbers.size()) != count) return false;
  for (size_t i = 0; i < numbers.size(); ++i)
    if (numbers[i] != static_cast<int64_t>(i)) return false;
  return true;
}

torch::Tensor index_tensor(const std::vector<int64_t>& numbers, torch::Device device) {
  return torch::tensor(numbers, torch::kLong).to(device);
}

}  // namespace

DecoderState::DecoderState(models::EncoderDecoder& model, models::EncodedText encoded)
    : model_(model), encoded_(std::move(encoded)), rows_(encoded_.hidden.size(0)) {}

torch::Tensor DecoderState::step(const std::vector<int64_t>& tokens) {
  const auto ids = index_tensor(tokens, encoded_.hidden.device()).unsqueeze(1);  // [R,1]
  const auto hidden = model_.decode(ids, {}, encoded_, &cache_);
  return model_.logits(hidden.select(1, 0));
}

void DecoderState::select(const std::vector<int64_t>& rows, const std::vector<int64_t>& texts) {
  const auto device = encoded_.hidden.device();
  if (!are_all_in_order(rows, rows_)) {
    const auto chosen = index_tensor(rows, device);
    for (auto& layer : cache_.self) layer.select(chosen);
    rows_ = static_cast<int64_t>(rows.size());
  }
  if (are_all_in_order(texts, encoded_.hidden.size(0))) return;
  const auto chosen = index_tensor(texts, device);
  encoded_.hidden = encoded_.hidden.index_select(0, chosen);
  if (encoded_.attention_mask.defined())
    encoded_.attention_mask = encoded_.attention_mask.index_select(0, chosen);
  for (auto& layer : cache_.cross) layer.select(chosen);
}

}  // namespace braid::generate
