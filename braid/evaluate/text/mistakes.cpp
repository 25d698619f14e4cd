#include "braid/evaluate/text/mistakes.h"

namespace braid::evaluate {
namespace {

// Whole characters of UTF-8.
std::string beginning_of(const std::string& text) {
  constexpr size_t kMost = 300;  // bytes
  if (text.size() <= kMost) return text;
  size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

}  // namespace

std::vector<Mistake> quote_mistakes(const data::TextDataset& dataset, const ClassScores& scores,
                                    const std::vector<int64_t>& indices) {
  const auto [confidence, predicted] = scores.probabilities.max(1);
  std::vector<Mistake> list;
  for (const int64_t i : surest_mistakes(scores)) {
    const int64_t index = indices.at(static_cast<size_t>(i));
    const auto name = [&](const torch::Tensor& of) {
      return dataset.classes().at(static_cast<size_t>(of[i].item<int64_t>()));
    };
    list.push_back({.file = dataset.describe(index),
                    .label = name(scores.labels),
                    .prediction = name(predicted),
                    .confidence = confidence[i].item<double>(),
                    .image_png = std::nullopt,
                    .text = beginning_of(dataset.get(index).text)});
  }
  return list;
}

}  // namespace braid::evaluate
