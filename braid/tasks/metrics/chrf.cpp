#include "braid/tasks/metrics/chrf.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "braid/core/error.h"
#include "braid/core/version.h"
#include "braid/tasks/metrics/unicode_words.h"

namespace braid::tasks {
namespace {

// A mark at a word's end, else one at its beginning, becomes a word: chrF++'s own rule.
std::u32string split_marks(std::u32string_view text) {
  std::vector<std::u32string_view> words;
  for (const auto word : split_words(text)) {
    if (word.size() > 1 && is_ascii_punctuation(word.back())) {
      words.push_back(word.substr(0, word.size() - 1));
      words.push_back(word.substr(word.size() - 1));
    } else if (word.size() > 1 && is_ascii_punctuation(word.front())) {
      words.push_back(word.substr(0, 1));
      words.push_back(word.substr(1));
    } else {
      words.push_back(word);
    }
  }
  return join(words, U" ");
}

// A text as n-grams are taken from it.
struct ChrfText {
  std::u32string characters, words;
};

ChrfText prepare_chrf(std::string_view text, const ChrfOptions& options) {
  auto codes = to_code_points(text);
  if (options.lowercase) codes = to_lower(codes);
  ChrfText prepared;
  if (options.word_order > 0) prepared.words = split_marks(codes);
  prepared.characters = options.whitespace ? codes : join(split_words(codes), U"");
  return prepared;
}

std::vector<NgramCounts> ngrams_of(const ChrfText& text, const ChrfOptions& options) {
  std::vector<NgramCounts> all;
  for (int64_t n = 1; n <= options.char_order; ++n)
    all.push_back(character_ngrams(text.characters, static_cast<size_t>(n)));
  for (int64_t n = 1; n <= options.word_order; ++n)
    all.push_back(word_ngrams(text.words, static_cast<size_t>(n)));
  return all;
}

Chrf::Counts compare(const NgramCounts& text, const NgramCounts& reference) {
  Chrf::Counts counts;
  for (const auto& [ngram, count] : text) {
    counts.text += count;
    const auto found = reference.find(ngram);
    if (found != reference.end()) counts.matched += std::min(count, found->second);
  }
  for (const auto& [ngram, count] : reference) counts.reference += count;
  if (reference.empty()) counts.text = 0;  // nothing to be found is no miss
  return counts;
}

}  // namespace

void ChrfOptions::visit(FieldVisitor& v) {
  v.field("char_order", char_order, "longest n-grams, in characters", {.least = 1, .most = 100});
  v.field("word_order", word_order, "longest n-grams, in words; 2: chrF++",
          {.least = 0, .most = 100});
  v.field("beta", beta, "how many times as much recall counts as precision",
          {.least = 1, .most = 100});
  v.field("lowercase", lowercase, "compare without case");
  v.field("whitespace", whitespace, "spaces are characters too");
  v.field("eps_smoothing", eps_smoothing, "orders without n-grams count too, as in chrF++.py");
}

Chrf::Chrf(ChrfOptions options) : options_(options) {
  check_fields(options_, "chrf");
  counts_.resize(static_cast<size_t>(options_.char_order + options_.word_order));
}

double Chrf::f_score(const std::vector<Counts>& counts) const {
  constexpr double kEps = 1e-16;
  const double factor = static_cast<double>(options_.beta * options_.beta);
  double smoothed = 0, precisions = 0, recalls = 0;
  int64_t orders = 0;
  for (const auto& [text, reference, matched] : counts) {
    const auto share = [matched = matched](int64_t of) {
      return of > 0 ? static_cast<double>(matched) / static_cast<double>(of) : kEps;
    };
    const double precision = share(text), recall = share(reference);
    const double below = factor * precision + recall;
    smoothed += below > 0 ? (1 + factor) * precision * recall / below : kEps;
    if (text > 0 && reference > 0) {
      precisions += precision;
      recalls += recall;
      ++orders;
    }
  }
  if (options_.eps_smoothing) return 100 * smoothed / static_cast<double>(counts.size());
  if (orders == 0) return 0;
  const double precision = precisions / static_cast<double>(orders);
  const double recall = recalls / static_cast<double>(orders);
  if (precision + recall == 0) return 0;
  return 100 * ((1 + factor) * precision * recall / (factor * precision + recall));
}

void Chrf::update(std::string_view text, const std::vector<std::string>& references) {
  if (references.empty()) throw UsageError("chrf", "expected at least one reference, got none");
  const auto own = prepare_chrf(text, options_);
  const auto ngrams = ngrams_of(own, options_);
  std::vector<Counts> closest;
  double best = -1;
  for (const auto& reference : references) {
    const auto other = prepare_chrf(reference, options_);
    const auto others = ngrams_of(other, options_);
    std::vector<Counts> counts;
    for (size_t i = 0; i < others.size(); ++i) counts.push_back(compare(ngrams[i], others[i]));
    const double score = f_score(counts);
    if (score > best) {
      best = score;
      closest = std::move(counts);
    }
  }
  for (size_t i = 0; i < counts_.size(); ++i) {
    counts_[i].text += closest[i].text;
    counts_[i].reference += closest[i].reference;
    counts_[i].matched += closest[i].matched;
  }
  const auto given = static_cast<int64_t>(references.size());
  fewest_references_ = texts_ == 0 ? given : std::min(fewest_references_, given);
  most_references_ = std::max(most_references_, given);
  ++texts_;
}

void Chrf::merge(const Chrf& other) {
  if (other.texts_ == 0) return;
  fewest_references_ = texts_ == 0 ? other.fewest_references_
                                   : std::min(fewest_references_, other.fewest_references_);
  most_references_ = std::max(most_references_, other.most_references_);
  texts_ += other.texts_;
  for (size_t i = 0; i < counts_.size(); ++i) {
    counts_[i].text += other.counts_.at(i).text;
    counts_[i].reference += other.counts_.at(i).reference;
    counts_[i].matched += other.counts_.at(i).matched;
  }
}

double Chrf::score() const {
  return texts_ == 0 ? std::numeric_limits<double>::quiet_NaN() : f_score(counts_);
}

std::string Chrf::name() const {
  return fmt::format("chrF{}{}", options_.beta,
                     std::string(static_cast<size_t>(options_.word_order), '+'));
}

std::string Chrf::signature() const {
  return fmt::format(
      "nrefs:{}|case:{}|eff:{}|nc:{}|nw:{}|space:{}|version:braid-{}",
      fewest_references_ == most_references_ ? std::to_string(most_references_) : "var",
      options_.lowercase ? "lc" : "mixed", options_.eps_smoothing ? "no" : "yes",
      options_.char_order, options_.word_order, options_.whitespace ? "yes" : "no", version());
}

}  // namespace braid::tasks
