#include "braid/text/token_places.h"

#include "braid/text/token_rows.h"

namespace braid::text {
namespace {

// Those of one of both texts: the tokens from begin to end.
void place_tokens(const Encoding& encoding, std::string_view text, size_t begin, size_t end,
                  int64_t sequence, std::vector<TokenPlace>& places) {
  std::vector<size_t> numbers;
  std::vector<Span> spans;  // bytes
  for (size_t i = begin; i < end; ++i) {
    if (encoding.special_tokens[i] != 0) continue;
    numbers.push_back(i);
    spans.push_back(encoding.offsets[i]);
  }
  const auto in_text = code_point_spans(text, spans);
  for (size_t k = 0; k < numbers.size(); ++k)
    places[numbers[k]] = {.sequence = sequence,
                          .start = static_cast<int64_t>(in_text[k].begin),
                          .end = static_cast<int64_t>(in_text[k].end)};
}

}  // namespace

std::vector<TokenPlace> token_places(const Encoding& encoding, std::string_view text,
                                     std::string_view pair) {
  std::vector<TokenPlace> places(encoding.ids.size());
  const size_t second = encoding.pair_begin.value_or(encoding.ids.size());
  place_tokens(encoding, text, 0, second, 0, places);
  if (encoding.pair_begin) place_tokens(encoding, pair, second, encoding.ids.size(), 1, places);
  return places;
}

}  // namespace braid::text
