#include "braid/models/text/truncate_input.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "braid/text/post_processor.h"

namespace braid::models {
namespace {

using Positions = std::vector<int64_t>;

// The first tokens of a text, and its last one.
void keep(const Positions& text, size_t first, Positions& kept) {
  kept.insert(kept.end(), text.begin(), text.begin() + static_cast<std::ptrdiff_t>(first));
  kept.push_back(text.back());
}

// Of a row of more than `most` tokens; types: of each position, null: all alike.
Positions shortened(const Positions& tokens, const int64_t* types, size_t most) {
  constexpr size_t kAdded = 3;  // [CLS] A [SEP] B [SEP]
  Positions kept;
  if (types != nullptr && most > kAdded) {
    const auto other = [&](int64_t a, int64_t b) { return types[a] != types[b]; };
    const auto second = std::adjacent_find(tokens.begin(), tokens.end(), other);
    if (second != tokens.end() && second != tokens.begin() &&
        std::adjacent_find(second + 1, tokens.end(), other) == tokens.end()) {
      const Positions a(tokens.begin(), second + 1), b(second + 1, tokens.end());
      const auto [of_a, of_b] = text::longest_first(a.size() - 2, b.size() - 1, most - kAdded);
      keep(a, 1 + of_a, kept);
      keep(b, of_b, kept);
      return kept;
    }
  }
  keep(tokens, most - 1, kept);
  return kept;
}

}  // namespace

TruncatedInput truncate_input(const TextInput& input, int64_t most, LastToken last) {
  const auto& ids = input.input_ids;
  if (most <= 0 || !ids.defined() || ids.dim() != 2 || ids.size(1) <= most) return {input, 0};
  for (const auto& other : {input.attention_mask, input.token_type_ids})
    if (other.defined() && other.sizes() != ids.sizes()) return {input, 0};
  const auto on_cpu = [](const torch::Tensor& tensor) {
    return tensor.defined() ? tensor.to(torch::kCPU, torch::kLong).contiguous() : tensor;
  };
  const auto mask = on_cpu(input.attention_mask), types = on_cpu(input.token_type_ids);
  const int64_t B = ids.size(0), N = ids.size(1);
  auto places = torch::empty({B, most}, torch::kLong);
  TruncatedInput out;
  for (int64_t row = 0; row < B; ++row) {
    Positions tokens, padding;
    for (int64_t i = 0; i < N; ++i)
      (mask.defined() && mask.data_ptr<int64_t>()[row * N + i] == 0 ? padding : tokens)
          .push_back(i);
    if (static_cast<int64_t>(tokens.size()) > most) {
      ++out.rows;
      if (last == LastToken::kStays)
        tokens = shortened(tokens, types.defined() ? types.data_ptr<int64_t>() + row * N : nullptr,
                           static_cast<size_t>(most));
      else
        tokens.resize(static_cast<size_t>(most));
    }
    tokens.insert(tokens.end(), padding.begin(), padding.end());
    std::copy_n(tokens.begin(), most, places.data_ptr<int64_t>() + row * most);
  }
  const auto taken = [&](const torch::Tensor& tensor) {
    return tensor.defined() ? tensor.gather(1, places.to(tensor.device())) : tensor;
  };
  out.input = {.input_ids = taken(ids),
               .attention_mask = taken(input.attention_mask),
               .token_type_ids = taken(input.token_type_ids)};
  return out;
}

}  // namespace braid::models
