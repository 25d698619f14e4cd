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
  return list_mistakes(dataset, scores, indices, [&](Mistake& mistake, int64_t index) {
    mistake.text = beginning_of(dataset.get(index).text);
  });
}

}  // namespace braid::evaluate
