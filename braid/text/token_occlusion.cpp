#include "braid/text/token_occlusion.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "braid/core/error.h"

namespace braid::text {
namespace {

int32_t hiding_token(const SpecialTokens& special) {
  for (const auto& token : {special.mask, special.pad, special.unk})
    if (token) return *token;
  throw DataError(
      "explain", "expected a tokenizer with a mask, a padding or an unknown token, got one without",
      "", "occlusion puts it in the place of what is hidden");
}

void expect_finite(const std::vector<std::vector<float>>& logits) {
  for (const auto& row : logits)
    if (!std::all_of(row.begin(), row.end(), [](float x) { return std::isfinite(x); }))
      throw DataError("explain", "expected a model with finite outputs, got NaN or infinity");
}

}  // namespace

std::vector<double> TokenOcclusion::attributions(int64_t class_index) const {
  const auto k = static_cast<size_t>(class_index);
  std::vector<double> found;
  for (const auto& without : hidden)
    found.push_back(static_cast<double>(logits.at(k)) - static_cast<double>(without.at(k)));
  return found;
}

double TokenOcclusion::total(int64_t class_index) const {
  const auto k = static_cast<size_t>(class_index);
  return static_cast<double>(logits.at(k)) - static_cast<double>(all_hidden.at(k));
}

int64_t TokenOcclusion::likeliest() const {
  return std::max_element(logits.begin(), logits.end()) - logits.begin();
}

double TokenOcclusion::probability(int64_t class_index) const {
  const double most = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0;
  for (const float x : logits) sum += std::exp(static_cast<double>(x) - most);
  return std::exp(static_cast<double>(logits.at(static_cast<size_t>(class_index))) - most) / sum;
}

TokenOcclusion occlude_tokens(const Encoding& encoding, const SpecialTokens& special, int64_t batch,
                              const LogitsOfTokens& logits_of) {
  const int32_t stand_in = hiding_token(special);
  std::vector<size_t> places;  // of tokens that are hidden
  for (size_t i = 0; i < encoding.ids.size(); ++i)
    if (encoding.special_tokens[i] == 0) places.push_back(i);
  if (places.empty()) throw DataError("explain", "expected a text of one token or more, got none");
  auto none = encoding.ids;
  for (const size_t place : places) none[place] = stand_in;
  const auto row = [&](size_t number) {
    if (number == 0) return encoding.ids;
    if (number == 1) return none;
    auto ids = encoding.ids;
    ids[places[number - 2]] = stand_in;
    return ids;
  };
  std::vector<std::vector<float>> logits;
  const size_t count = places.size() + 2, most = static_cast<size_t>(std::max<int64_t>(batch, 1));
  while (logits.size() < count) {
    TokenIds rows;
    while (rows.size() < most && logits.size() + rows.size() < count)
      rows.push_back(row(logits.size() + rows.size()));
    auto answers = logits_of(rows);
    if (answers.size() != rows.size() || answers[0].empty())
      throw InternalError("explain", "expected logits of each text, got others");
    expect_finite(answers);
    std::move(answers.begin(), answers.end(), std::back_inserter(logits));
  }
  TokenOcclusion found{.logits = logits[0],
                       .hidden = std::vector(encoding.ids.size(), logits[0]),
                       .all_hidden = logits[1]};
  for (size_t k = 0; k < places.size(); ++k) found.hidden[places[k]] = logits[k + 2];
  return found;
}

}  // namespace braid::text
