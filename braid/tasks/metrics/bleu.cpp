#include "braid/tasks/metrics/bleu.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <limits>

#include "braid/core/error.h"
#include "braid/core/version.h"
#include "braid/data/random.h"
#include "braid/tasks/metrics/unicode_words.h"

namespace braid::tasks {
namespace {

void replace_all(std::u32string& text, std::u32string_view from, std::u32string_view to) {
  for (size_t at = text.find(from); at != std::u32string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
}

// As re.sub with a pattern of two code points: where both match, they become what `put` appends.
template <class First, class Second, class Put>
std::u32string replace_pairs(std::u32string_view text, const First& first, const Second& second,
                             const Put& put) {
  std::u32string out;
  out.reserve(text.size() + text.size() / 4);
  for (size_t i = 0; i < text.size(); ++i) {
    if (i + 1 < text.size() && first(text[i]) && second(text[i + 1])) {
      put(out, text[i], text[i + 1]);
      ++i;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

template <class Test>
std::u32string surround(std::u32string_view text, const Test& test) {
  std::u32string out;
  out.reserve(2 * text.size());
  for (const char32_t code : text) {
    const bool chosen = test(code);
    if (chosen) out.push_back(U' ');
    out.push_back(code);
    if (chosen) out.push_back(U' ');
  }
  return out;
}

bool is_ascii_digit(char32_t code) { return code >= U'0' && code <= U'9'; }
bool is_not_ascii_digit(char32_t code) { return !is_ascii_digit(code); }
bool is_not_number(char32_t code) { return !is_number(code); }
bool is_period_or_comma(char32_t code) { return code == U'.' || code == U','; }
bool is_dash(char32_t code) { return code == U'-'; }
// ASCII punctuation, but for the apostrophe, the comma, the dash and the period; and the space.
bool is_separated(char32_t code) {
  return (code >= U'{' && code <= U'~') || (code >= U'[' && code <= U'`') ||
         (code >= U' ' && code <= U'&') || (code >= U'(' && code <= U'+') ||
         (code >= U':' && code <= U'@') || code == U'/';
}

void split_second(std::u32string& out, char32_t first, char32_t second) {
  out += {first, U' ', second, U' '};
}
void split_first(std::u32string& out, char32_t first, char32_t second) {
  out += {U' ', first, U' ', second};
}

// mteval-v13a.pl's, of the World Machine Translation conferences.
std::u32string tokenize_13a(std::u32string text) {
  replace_all(text, U"<skipped>", U"");
  replace_all(text, U"-\n", U"");
  replace_all(text, U"\n", U" ");
  replace_all(text, U"&quot;", U"\"");
  replace_all(text, U"&amp;", U"&");
  replace_all(text, U"&lt;", U"<");
  replace_all(text, U"&gt;", U">");
  text = surround(U" " + text + U" ", is_separated);
  text = replace_pairs(text, is_not_ascii_digit, is_period_or_comma, split_second);
  text = replace_pairs(text, is_period_or_comma, is_not_ascii_digit, split_first);
  return replace_pairs(text, is_ascii_digit, is_dash, split_second);
}

// mteval-v14.pl's with --international-tokenization.
std::u32string tokenize_intl(std::u32string_view text) {
  const auto first = replace_pairs(text, is_not_number, is_punctuation, split_second);
  return surround(replace_pairs(first, is_punctuation, is_not_number, split_first), is_symbol);
}

// A text whose words are those of the tokenizer, between spaces of any kind and number.
std::u32string tokenized(const std::string& tokenizer, std::u32string text) {
  if (tokenizer == "13a") return tokenize_13a(std::move(text));
  if (tokenizer == "intl") return tokenize_intl(text);
  if (tokenizer == "char") return surround(text, [](char32_t) { return true; });
  return text;
}

int64_t words_in(std::u32string_view words) {
  return words.empty() ? 0 : 1 + std::count(words.begin(), words.end(), U' ');
}

double smooth_value_of(const BleuOptions& options) {
  return options.smooth_value.value_or(options.smooth_method == "floor" ? 0.1 : 1.0);
}

}  // namespace

void BleuOptions::visit(FieldVisitor& v) {
  v.field("tokenize", tokenize, "how texts are cut into words",
          {.choices = {"13a", "none", "char", "intl"}});
  v.field("lowercase", lowercase, "compare without case");
  v.field("smooth_method", smooth_method, "what becomes of orders without a match",
          {.choices = {"exp", "floor", "add-k", "none"}});
  v.field("smooth_value", smooth_value, "of floor (by default 0.1) and add-k (1)", {.least = 0});
  v.field("max_ngram_order", max_ngram_order, "longest n-grams, in words",
          {.least = 1, .most = 100});
  v.field("effective_order", effective_order, "only orders that the texts have");
}

std::string to_text(const BleuScore& score) {
  std::string precisions;
  for (const double p : score.precisions)
    precisions += fmt::format("{}{:.1f}", precisions.empty() ? "" : "/", p);
  const double ratio =
      score.reference_length == 0
          ? 0
          : static_cast<double>(score.length) / static_cast<double>(score.reference_length);
  return fmt::format("{} (BP = {:.3f} ratio = {:.3f} hyp_len = {} ref_len = {})", precisions,
                     score.brevity_penalty, ratio, score.length, score.reference_length);
}

std::string tokenize_for_bleu(const std::string& tokenizer, std::string_view text) {
  [[maybe_unused]] const Bleu known({.tokenize = tokenizer});  // refuses a name that is none
  return to_utf8(join(split_words(tokenized(tokenizer, to_code_points(text))), U" "));
}

Bleu::Bleu(BleuOptions options) : options_(std::move(options)) {
  check_fields(options_, "bleu");
  matched_.resize(static_cast<size_t>(options_.max_ngram_order));
  all_.resize(matched_.size());
}

std::u32string Bleu::words_of(std::string_view text) const {
  auto codes = to_code_points(text);
  if (options_.lowercase) codes = to_lower(codes);
  return join(split_words(tokenized(options_.tokenize, std::u32string(strip_end(codes)))), U" ");
}

void Bleu::update(std::string_view text, const std::vector<std::string>& references) {
  if (references.empty()) throw UsageError("bleu", "expected at least one reference, got none");
  const auto words = words_of(text);
  std::vector<std::u32string> others;
  for (const auto& reference : references) others.push_back(words_of(reference));

  const int64_t length = words_in(words);
  int64_t closest = words_in(others.front());
  for (const auto& other : others) {
    const int64_t candidate = words_in(other);
    const int64_t gap = std::abs(candidate - length), least = std::abs(closest - length);
    if (gap < least || (gap == least && candidate < closest)) closest = candidate;
  }
  for (size_t n = 0; n < matched_.size(); ++n) {
    NgramCounts most;  // of an n-gram in any one reference
    for (const auto& other : others)
      for (const auto& [ngram, count] : word_ngrams(other, n + 1))
        most[ngram] = std::max(most[ngram], count);
    for (const auto& [ngram, count] : word_ngrams(words, n + 1)) {
      all_[n] += count;
      const auto found = most.find(ngram);
      if (found != most.end()) matched_[n] += std::min(count, found->second);
    }
  }
  const auto given = static_cast<int64_t>(references.size());
  fewest_references_ = texts_ == 0 ? given : std::min(fewest_references_, given);
  most_references_ = std::max(most_references_, given);
  length_ += length;
  reference_length_ += closest;
  ++texts_;
}

void Bleu::merge(const Bleu& other) {
  if (other.texts_ == 0) return;
  fewest_references_ = texts_ == 0 ? other.fewest_references_
                                   : std::min(fewest_references_, other.fewest_references_);
  most_references_ = std::max(most_references_, other.most_references_);
  texts_ += other.texts_;
  length_ += other.length_;
  reference_length_ += other.reference_length_;
  for (size_t n = 0; n < matched_.size(); ++n) {
    matched_[n] += other.matched_.at(n);
    all_[n] += other.all_.at(n);
  }
}

BleuScore Bleu::score() const {
  const size_t orders = matched_.size();
  BleuScore result{.precisions = std::vector<double>(orders),
                   .matched = {matched_.begin(), matched_.end()},
                   .all = {all_.begin(), all_.end()},
                   .length = length_,
                   .reference_length = reference_length_};
  if (texts_ == 0) {
    result.score = std::numeric_limits<double>::quiet_NaN();
    return result;
  }
  if (length_ < reference_length_)
    result.brevity_penalty =
        length_ == 0
            ? 0
            : std::exp(1 - static_cast<double>(reference_length_) / static_cast<double>(length_));
  if (std::all_of(matched_.begin(), matched_.end(), [](int64_t count) { return count == 0; }))
    return result;

  const double value = smooth_value_of(options_);
  double halved = 1;
  size_t used = orders;
  for (size_t n = 0; n < orders; ++n) {
    double& matched = result.matched[n];
    double& all = result.all[n];
    if (options_.smooth_method == "add-k" && n > 0) {
      matched += value;
      all += value;
    }
    if (all == 0) break;
    if (options_.effective_order) used = n + 1;
    if (matched != 0) {
      result.precisions[n] = 100 * matched / all;
    } else if (options_.smooth_method == "exp") {
      halved *= 2;
      result.precisions[n] = 100 / (halved * all);
    } else if (options_.smooth_method == "floor") {
      result.precisions[n] = 100 * value / all;
    }
  }
  double sum = 0;
  for (size_t n = 0; n < used; ++n) {
    constexpr double kLogOfZero = -9999999999;  // sacreBLEU's
    sum += result.precisions[n] == 0 ? kLogOfZero : std::log(result.precisions[n]);
  }
  result.score = result.brevity_penalty * std::exp(sum / static_cast<double>(used));
  return result;
}

std::string Bleu::signature() const {
  std::string smooth = options_.smooth_method;
  if (smooth == "floor" || smooth == "add-k")
    smooth += fmt::format("[{:.2f}]", smooth_value_of(options_));
  return fmt::format(
      "nrefs:{}|case:{}|eff:{}|tok:{}|smooth:{}|version:braid-{}",
      fewest_references_ == most_references_ ? std::to_string(most_references_) : "var",
      options_.lowercase ? "lc" : "mixed", options_.effective_order ? "yes" : "no",
      options_.tokenize, smooth, version());
}

BleuInterval bleu_interval(const std::vector<Bleu>& of_texts) {
  constexpr size_t kResamples = 1000, kOutside = kResamples / 40;  // at either end
  data::Random random(0);
  std::vector<double> scores;
  for (size_t k = 0; k < kResamples; ++k) {
    Bleu corpus = of_texts.at(0);
    for (size_t i = 0; i < of_texts.size(); ++i) {
      const Bleu& text = of_texts[static_cast<size_t>(random.below(std::ssize(of_texts)))];
      if (i == 0)
        corpus = text;
      else
        corpus.merge(text);
    }
    scores.push_back(corpus.score().score);
  }
  std::sort(scores.begin(), scores.end());
  return {scores[kOutside], scores[kResamples - kOutside - 1]};
}

}  // namespace braid::tasks
