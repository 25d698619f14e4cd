#include "braid/tasks/metrics/unicode_words.h"

#include <algorithm>
#include <array>

#include "braid/text/utf8.h"

namespace braid::tasks {
namespace {

struct Range {
  uint32_t first, last;
};
// Every step-th code point from first to last has its lower case at so many behind it.
struct LowerRun {
  uint32_t first, last, step;
  int32_t added;
};

#include "braid/tasks/metrics/unicode_classes.inc"

template <class Table>
const typename Table::value_type* range_with(const Table& table, char32_t code) {
  const auto after =
      std::upper_bound(table.begin(), table.end(), code,
                       [](char32_t c, const auto& range) { return c < range.first; });
  if (after == table.begin() || code > std::prev(after)->last) return nullptr;
  return &*std::prev(after);
}

// Whether a capital sigma at `at` ends a word: behind a letter with case and before none, whatever
// may be ignored between.
bool is_final_sigma(std::u32string_view text, size_t at) {
  const auto ignored = [&](size_t i) { return range_with(kCaseIgnorable, text[i]) != nullptr; };
  const auto cased = [&](size_t i) { return range_with(kCased, text[i]) != nullptr; };
  size_t before = at;
  while (before > 0 && ignored(before - 1)) --before;
  if (before == 0 || !cased(before - 1)) return false;
  size_t after = at + 1;
  while (after < text.size() && ignored(after)) ++after;
  return after == text.size() || !cased(after);
}

}  // namespace

bool is_punctuation(char32_t code) { return range_with(kPunctuation, code) != nullptr; }
bool is_symbol(char32_t code) { return range_with(kSymbols, code) != nullptr; }
bool is_number(char32_t code) { return range_with(kNumbers, code) != nullptr; }
bool is_space(char32_t code) { return range_with(kSpaces, code) != nullptr; }
bool is_ascii_punctuation(char32_t code) {
  return (code >= U'!' && code <= U'/') || (code >= U':' && code <= U'@') ||
         (code >= U'[' && code <= U'`') || (code >= U'{' && code <= U'~');
}

std::u32string to_code_points(std::string_view text) {
  const std::string repaired = text::repair_utf8(text).text;
  std::u32string codes;
  codes.reserve(repaired.size());
  for (size_t at = 0; at < repaired.size();) {
    const auto [code, bytes] = text::decode_utf8(repaired.data() + at);
    codes.push_back(code);
    at += bytes;
  }
  return codes;
}

std::string to_utf8(std::u32string_view text) {
  std::string bytes;
  for (const char32_t code : text) text::append_utf8(bytes, code);
  return bytes;
}

std::u32string to_lower(std::u32string_view text) {
  constexpr char32_t kCapitalSigma = 0x3A3, kFinalSigma = 0x3C2, kDottedI = 0x130, kDot = 0x307;
  std::u32string lower;
  lower.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char32_t code = text[i];
    if (code == kCapitalSigma && is_final_sigma(text, i)) {
      lower.push_back(kFinalSigma);
    } else if (code == kDottedI) {
      lower.push_back(U'i');
      lower.push_back(kDot);
    } else {
      const auto* run = range_with(kLower, code);
      const bool changes = run && (code - run->first) % run->step == 0;
      lower.push_back(changes ? static_cast<char32_t>(static_cast<int64_t>(code) + run->added)
                              : code);
    }
  }
  return lower;
}

std::vector<std::u32string_view> split_words(std::u32string_view text) {
  std::vector<std::u32string_view> words;
  for (size_t at = 0; at < text.size();) {
    if (is_space(text[at])) {
      ++at;
      continue;
    }
    size_t end = at + 1;
    while (end < text.size() && !is_space(text[end])) ++end;
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

std::u32string join(const std::vector<std::u32string_view>& words, std::u32string_view between) {
  std::u32string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += between;
    text += words[i];
  }
  return text;
}

std::u32string_view strip_end(std::u32string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

NgramCounts character_ngrams(std::u32string_view text, size_t order) {
  NgramCounts counts;
  for (size_t i = 0; i + order <= text.size(); ++i) ++counts[text.substr(i, order)];
  return counts;
}

NgramCounts word_ngrams(std::u32string_view words, size_t order) {
  std::vector<size_t> begins, ends;
  for (size_t at = 0; at < words.size();) {
    const size_t end = std::min(words.find(U' ', at), words.size());
    begins.push_back(at);
    ends.push_back(end);
    at = end + 1;
  }
  NgramCounts counts;
  for (size_t i = 0; i + order <= begins.size(); ++i)
    ++counts[words.substr(begins[i], ends[i + order - 1] - begins[i])];
  return counts;
}

}  // namespace braid::tasks
