#include "braid/text/token_rows.h"

#include <algorithm>

#include "braid/text/utf8.h"

namespace braid::text {

std::vector<Span> code_point_spans(std::string_view text, const std::vector<Span>& spans) {
  std::vector<size_t> places;  // in bytes, ascending
  places.reserve(2 * spans.size());
  for (const auto& span : spans) {
    places.push_back(span.begin);
    places.push_back(span.end);
  }
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  std::vector<size_t> counts;
  counts.reserve(places.size());
  size_t at = 0, count = 0;
  for (const size_t place : places) {
    for (; at < std::min(place, text.size()); ++count) at += next_subpart(text, at).bytes;
    counts.push_back(count);
  }
  const auto count_at = [&](size_t place) {
    const auto found = std::lower_bound(places.begin(), places.end(), place);
    return counts[static_cast<size_t>(found - places.begin())];
  };
  std::vector<Span> out;
  out.reserve(spans.size());
  for (const auto& span : spans) out.push_back({count_at(span.begin), count_at(span.end)});
  return out;
}

Json token_row(const Tokenizer& tokenizer, std::string_view line, const TokenRowOptions& options) {
  const auto encoding = tokenizer.encode(line, options.encode);
  Json tokens = Json::array(), offsets = Json::array();
  for (const int32_t id : encoding.ids) tokens.push_back(tokenizer.id_to_token(id));
  for (const auto& span :
       options.offsets_in_bytes ? encoding.offsets : code_point_spans(line, encoding.offsets))
    offsets.push_back(Json::array({span.begin, span.end}));
  return {{"ids", encoding.ids},
          {"tokens", std::move(tokens)},
          {"offsets", std::move(offsets)},
          {"type_ids", encoding.type_ids},
          {"special_tokens", encoding.special_tokens},
          {"words", encoding.words},
          {"truncated", encoding.truncated}};
}

std::string token_line(const Tokenizer& tokenizer, std::string_view line,
                       const TokenRowOptions& options) {
  std::string text;
  for (const int32_t id : tokenizer.encode(line, options.encode).ids) {
    if (!text.empty()) text += ' ';
    text += tokenizer.id_to_token(id);
  }
  return text;
}

}  // namespace braid::text
