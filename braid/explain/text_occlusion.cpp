#include "braid/explain/text_occlusion.h"

#include "braid/core/name_at.h"
#include "braid/explain/class_index.h"
#include "braid/text/token_places.h"

namespace braid::explain {

std::vector<TokenAttribution> tokens_of(const ReadText& read, const text::Tokenizer& tokenizer) {
  const auto places = text::token_places(read.encoding, read.text, read.pair.value_or(""));
  std::vector<TokenAttribution> tokens;
  for (size_t i = 0; i < read.encoding.ids.size(); ++i)
    tokens.push_back({.token = tokenizer.id_to_token(read.encoding.ids[i]),
                      .attribution = 0,
                      .sequence = places[i].sequence,
                      .start = places[i].start,
                      .end = places[i].end});
  return tokens;
}

TextExplanation explain_by_occlusion(const ReadText& read, const text::TokenOcclusion& occlusion,
                                     const text::Tokenizer& tokenizer,
                                     const std::vector<std::string>& classes,
                                     const std::optional<std::string>& target) {
  TextExplanation e;
  e.text = read.text;
  e.text_pair = read.pair;
  e.method = kOcclusion;
  const auto count = static_cast<int64_t>(occlusion.logits.size());
  const auto best = occlusion.likeliest();
  e.index = target ? class_index(*target, classes, count) : best;
  e.target = name_at(classes, e.index);
  e.predicted = name_at(classes, best);
  e.probability = occlusion.probability(e.index);
  e.truncated = read.encoding.truncated;
  e.total = occlusion.total(e.index);
  e.tokens = tokens_of(read, tokenizer);
  const auto attributions = occlusion.attributions(e.index);
  for (size_t i = 0; i < attributions.size(); ++i) {
    e.tokens[i].attribution = attributions[i];
    e.sum += attributions[i];
  }
  return e;
}

}  // namespace braid::explain
