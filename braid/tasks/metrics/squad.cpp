#include "braid/tasks/metrics/squad.h"

#include <algorithm>
#include <map>

#include "braid/tasks/metrics/unicode_words.h"
#include "braid/text/unicode.h"

namespace braid::tasks {
namespace {

// \w of Python's regular expressions.
bool is_word_character(char32_t code) {
  return code == '_' || text::has_flag(code, text::kLetter) || is_number(code);
}

bool is_article(std::u32string_view word) {
  return word == U"a" || word == U"an" || word == U"the";
}

// The text with a space in place of each article that stands between borders of words.
std::u32string without_articles(std::u32string_view text) {
  std::u32string out;
  size_t at = 0;
  while (at < text.size()) {
    size_t end = at;
    while (end < text.size() && is_word_character(text[end])) ++end;
    const auto word = text.substr(at, end - at);
    if (is_article(word))
      out += U' ';
    else
      out += word;
    if (end < text.size()) out += text[end];
    at = end + 1;
  }
  return out;
}

double f1_of_words(std::u32string_view answer, std::u32string_view reference, bool version_2) {
  const auto got = split_words(answer), wanted = split_words(reference);
  if (version_2 && (got.empty() || wanted.empty())) return got.empty() && wanted.empty() ? 1 : 0;
  std::map<std::u32string_view, int64_t> left;
  for (const auto& word : wanted) ++left[word];
  double same = 0;
  for (const auto& word : got)
    if (left[word]-- > 0) ++same;
  if (same == 0) return 0;
  const double precision = same / static_cast<double>(got.size());
  const double recall = same / static_cast<double>(wanted.size());
  return 2 * precision * recall / (precision + recall);
}

}  // namespace

std::u32string normalize_answer(std::string_view text) {
  auto lower = to_lower(to_code_points(text));
  lower.erase(std::remove_if(lower.begin(), lower.end(), is_ascii_punctuation), lower.end());
  const auto words = without_articles(lower);
  return join(split_words(words), U" ");
}

AnswerScore score_answer(std::string_view answer, const std::vector<std::string>& references,
                         bool version_2) {
  const auto got = normalize_answer(answer);
  std::vector<std::u32string> wanted;
  for (const auto& reference : references) {
    auto one = normalize_answer(reference);
    if (!version_2 || !one.empty()) wanted.push_back(std::move(one));
  }
  if (wanted.empty()) wanted.emplace_back();
  AnswerScore best;
  for (const auto& one : wanted) {
    best.exact = best.exact || one == got;
    best.f1 = std::max(best.f1, f1_of_words(got, one, version_2));
  }
  return best;
}

void AnswerScores::update(std::string_view answer, const std::vector<std::string>& references) {
  const auto score = score_answer(answer, references, version_2_);
  auto& sums = references.empty() ? unanswerable_ : answered_;
  ++sums.count;
  sums.exact += score.exact ? 1 : 0;
  sums.f1 += score.f1;
}

Scores AnswerScores::scores() const {
  const auto percent = [](const char* name, double sum, int64_t count) {
    return Score{name,         "%",          100 * sum / static_cast<double>(count),
                 std::nullopt, std::nullopt, true};
  };
  Scores scores = {percent("f1", answered_.f1 + unanswerable_.f1, count()),
                   percent("exact_match", answered_.exact + unanswerable_.exact, count())};
  if (!version_2_) return scores;
  if (answered_.count > 0) {
    scores.push_back(percent("has_ans_f1", answered_.f1, answered_.count));
    scores.push_back(percent("has_ans_exact", answered_.exact, answered_.count));
  }
  if (unanswerable_.count > 0)
    scores.push_back(percent("no_ans_exact", unanswerable_.exact, unanswerable_.count));
  return scores;
}

}  // namespace braid::tasks
