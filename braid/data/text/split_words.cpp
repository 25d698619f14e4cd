#include "braid/data/text/split_words.h"

#include <algorithm>
#include <optional>

#include "braid/text/utf8.h"

namespace braid::data {
namespace {

constexpr std::string_view kSpaces = " \t\r\n\v\f";

bool is_edge(char32_t code) {
  constexpr std::u32string_view kEdges =
      U"()[]{}\"'`,;:!?"
      U"\u00A1\u00AB\u00BB\u00BF\u2018\u2019\u201A\u201C\u201D\u201E\u2026\u2039\u203A";
  return kEdges.find(code) != std::u32string_view::npos;
}

// A code point of the text.
struct Place {
  size_t begin = 0, end = 0;
  char32_t code = 0;
};

std::optional<Place> first_of(std::string_view text, size_t begin, size_t end) {
  const auto part = text::next_subpart(text.substr(0, end), begin);
  if (!part.valid) return std::nullopt;
  return Place{begin, begin + part.bytes, text::decode_utf8(text.data() + begin).code};
}

std::optional<Place> last_of(std::string_view text, size_t begin, size_t end) {
  if (begin == end) return std::nullopt;
  size_t at = end - 1;
  while (at > begin && !starts_code_point(text[at])) --at;
  const auto place = first_of(text, at, end);
  if (!place || place->end != end) return std::nullopt;
  return place;
}

void split_edges(std::string_view text, size_t begin, size_t end, std::vector<text::Span>& words) {
  while (begin < end) {
    const auto first = first_of(text, begin, end);
    if (!first || !is_edge(first->code)) break;
    words.push_back({first->begin, first->end});
    begin = first->end;
  }
  const size_t behind = words.size();
  while (const auto last = last_of(text, begin, end)) {
    const auto before = last->code == '.' ? last_of(text, begin, last->begin) : std::nullopt;
    const bool ends_sentence = before && is_edge(before->code);  // "(in Rome)."
    if (!is_edge(last->code) && !ends_sentence) break;
    words.push_back({last->begin, last->end});
    end = last->begin;
  }
  if (begin < end) words.push_back({begin, end});
  std::reverse(words.begin() + static_cast<std::ptrdiff_t>(behind), words.end());
}

}  // namespace

std::vector<text::Span> split_words(std::string_view text) {
  std::vector<text::Span> words;
  for (size_t begin = text.find_first_not_of(kSpaces); begin != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(kSpaces, begin), text.size());
    split_edges(text, begin, end, words);
    begin = text.find_first_not_of(kSpaces, end);
  }
  return words;
}

}  // namespace braid::data
