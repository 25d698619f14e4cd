#include "braid/text/pre_tokenizer.h"

#include <array>

#include "braid/text/unicode.h"
#include "braid/text/utf8.h"

namespace braid::text {
namespace {

struct AsciiKinds {
  std::array<uint16_t, 128> flags;
  AsciiKinds() {
    for (char32_t c = 0; c < 128; ++c) flags[c] = code_point(c).flags;
  }
};

struct FlaggedBytes {
  int flags;
  uint32_t bytes;
};

FlaggedBytes flags_at(std::string_view text, uint32_t at) {
  static const AsciiKinds kAscii;
  const auto byte = static_cast<uint8_t>(text[at]);
  if (byte < 0x80) return {kAscii.flags[byte], 1};
  const auto [code, bytes] = decode_utf8(text.data() + at);
  return {code_point(code).flags, bytes};
}

// Runs of code points that are of one class; class_of: 0 for what is dropped, negative for what
// stands alone.
template <class ClassOf>
void split_by_class(std::string_view text, Range part, const ClassOf& class_of,
                    std::vector<Range>& out) {
  uint32_t begin = part.begin;
  int current = 0;
  for (uint32_t at = part.begin; at < part.end;) {
    const auto [flags, bytes] = flags_at(text, at);
    const int next = class_of(flags);
    if (next != current || next < 0) {
      if (current != 0 && at > begin) out.push_back({begin, at});
      begin = at;
      current = next;
    }
    at += bytes;
  }
  if (current != 0 && part.end > begin) out.push_back({begin, part.end});
}

void split_part(const PreTokenizer& step, std::string_view text, Range part,
                std::vector<Range>& out) {
  switch (step.kind) {
    case PreTokenizer::Kind::kBert:
      return split_by_class(
          text, part, [](int flags) { return flags & kWhite   ? 0
                                             : flags & kPunct ? -1
                                                              : 1; }, out);
    case PreTokenizer::Kind::kWhitespace:
      return split_by_class(
          text, part, [](int flags) { return flags & kWord    ? 1
                                             : flags & kWhite ? 0
                                                              : 2; }, out);
    case PreTokenizer::Kind::kWhiteSplit:
      return split_by_class(
          text, part, [](int flags) { return flags & kWhite ? 0 : 1; }, out);
    case PreTokenizer::Kind::kDigits: {
      const int digit = step.individual_digits ? -1 : 2;
      return split_by_class(
          text, part, [digit](int flags) { return flags & kNumber ? digit : 1; }, out);
    }
    case PreTokenizer::Kind::kPattern: {
      const auto piece = text.substr(0, part.end);
      for (uint32_t at = part.begin; at < part.end;) {
        const auto length = static_cast<uint32_t>(piece_length(step.pattern, piece, at));
        out.push_back({at, at + length});
        at += length;
      }
      return;
    }
    case PreTokenizer::Kind::kByteLevel:
      out.push_back(part);
  }
}

// A space before each piece that does not begin with one, aligned with its first code point.
void prefix_spaces(AlignedText& text, std::vector<Range>& words) {
  const std::string before(text.text());
  bool changed = false;
  for (const auto& word : words) changed = changed || before[word.begin] != ' ';
  if (!changed) return;
  std::string after;
  std::vector<Range> bytes;
  for (auto& word : words) {
    const auto begin = static_cast<uint32_t>(after.size());
    if (before[word.begin] != ' ') {
      const auto first = decode_utf8(before.data() + word.begin).bytes;
      after.push_back(' ');
      bytes.push_back(text.source_of(word.begin, word.begin + first));
    }
    for (uint32_t at = word.begin; at < word.end; ++at) {
      after.push_back(before[at]);
      bytes.push_back(text.source_of(at, at + 1));
    }
    word = {begin, static_cast<uint32_t>(after.size())};
  }
  const uint32_t base = text.source_of(0, 0).begin;
  text.text_buffer = std::move(after);
  text.bytes = std::move(bytes);
  text.finish(base);
}

}  // namespace

void pre_tokenize(const std::vector<PreTokenizer>& steps, AlignedText& text,
                  std::vector<Range>& words) {
  words.clear();
  if (text.text().empty()) return;
  words.push_back({0, static_cast<uint32_t>(text.text().size())});
  std::vector<Range> next;
  for (const auto& step : steps) {
    if (step.kind == PreTokenizer::Kind::kByteLevel) {
      if (step.add_prefix_space) prefix_spaces(text, words);
      continue;
    }
    next.clear();
    for (const auto& word : words) split_part(step, text.text(), word, next);
    words.swap(next);
  }
}

}  // namespace braid::text
