#include "braid/decoding/token_rules.h"

#include <algorithm>
#include <cmath>

namespace braid::decoding {
namespace {

// Whether the last of what was written are the first `count` of a sequence.
bool ends_with(const TokenIds& written, const TokenIds& sequence, size_t count) {
  return written.size() >= count &&
         std::equal(written.end() - static_cast<int64_t>(count), written.end(), sequence.begin());
}

}  // namespace

TokenRules::TokenRules(const GenerationConfig& config, int64_t max_length)
    : repetition_penalty_(config.repetition_penalty),
      ngram_size_(static_cast<size_t>(config.no_repeat_ngram_size)),
      min_length_(shortest_text(config)),
      ends_(config.eos_token_id),
      first_(config.forced_bos_token_id),
      last_(config.forced_eos_token_id),
      max_length_(max_length) {
  for (const auto& word : config.bad_words_ids) {
    if (word.size() > 1)
      bad_sequences_.push_back(word);
    else if (std::find(ends_.begin(), ends_.end(), word[0]) == ends_.end())
      bad_tokens_.push_back(word[0]);  // what ends a text is none
  }
}

bool TokenRules::any() const {
  return repetition_penalty_ != 1 || ngram_size_ > 0 || !bad_tokens_.empty() ||
         !bad_sequences_.empty() || min_length_ > 0 || first_ || last_;
}

void TokenRules::forbid_repeated(const TokenIds& written, TokenIds& forbidden) const {
  if (ngram_size_ == 0 || written.size() < ngram_size_) return;
  const auto beginning = written.end() - static_cast<int64_t>(ngram_size_ - 1);
  for (size_t i = 0; i + ngram_size_ <= written.size(); ++i)
    if (std::equal(beginning, written.end(), written.begin() + static_cast<int64_t>(i)))
      forbidden.push_back(written[i + ngram_size_ - 1]);
}

TokenVerdict TokenRules::verdict(const TokenIds& written) const {
  TokenVerdict verdict;
  const auto length = static_cast<int64_t>(written.size());
  if (repetition_penalty_ != 1) {
    verdict.penalized = written;
    std::sort(verdict.penalized.begin(), verdict.penalized.end());
    verdict.penalized.erase(std::unique(verdict.penalized.begin(), verdict.penalized.end()),
                            verdict.penalized.end());
  }
  verdict.forbidden = bad_tokens_;
  forbid_repeated(written, verdict.forbidden);
  for (const auto& sequence : bad_sequences_)
    if (ends_with(written, sequence, sequence.size() - 1))
      verdict.forbidden.push_back(sequence.back());
  if (length < min_length_)
    verdict.forbidden.insert(verdict.forbidden.end(), ends_.begin(), ends_.end());
  if (first_ && length == 1) verdict.forced = first_;
  if (last_ && length == max_length_ - 1) verdict.forced = last_;
  return verdict;
}

void TokenRules::apply(const TokenIds& written, float* scores, int64_t words) const {
  if (!any()) return;
  const auto said = verdict(written);
  const auto penalty = static_cast<float>(repetition_penalty_);
  for (const int64_t token : said.penalized) {
    float& score = scores[token];
    score = score < 0 ? score * penalty : score / penalty;
  }
  for (const int64_t token : said.forbidden) scores[token] = -INFINITY;
  if (!said.forced) return;
  std::fill(scores, scores + words, -INFINITY);
  scores[*said.forced] = 0;
}

}  // namespace braid::decoding
