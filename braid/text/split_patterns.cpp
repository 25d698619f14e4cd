#include "braid/text/split_patterns.h"

#include <array>
#include <map>

#include "braid/text/unicode.h"
#include "braid/text/utf8.h"

namespace braid::text {
namespace {

constexpr int kNewline = 1 << 14;   // CR or LF: beside the flags of CodePointFlag
constexpr char32_t kLongS = 0x17F;  // an s where case is ignored

struct AsciiFlags {
  std::array<uint16_t, 128> flags;
  AsciiFlags() {
    for (char32_t c = 0; c < 128; ++c) {
      flags[c] = code_point(c).flags;
      if (c == '\r' || c == '\n') flags[c] |= kNewline;
    }
  }
};

// Reads a text by code points and their flags.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  struct Next {
    char32_t code = 0;
    int flags = 0;
    uint32_t bytes = 0;  // 0: the end
  };
  Next at(size_t place) const {
    static const AsciiFlags kAscii;
    if (place >= text_.size()) return {};
    const auto byte = static_cast<uint8_t>(text_[place]);
    if (byte < 0x80) return {byte, kAscii.flags[byte], 1};
    const auto [code, bytes] = decode_utf8(text_.data() + place);
    return {code, code_point(code).flags, bytes};
  }
  // Behind all code points from `place` on with one of the flags; at most `most` of them.
  size_t skip(size_t place, int flags, int most = -1) const {
    for (auto next = at(place); next.bytes != 0 && next.flags & flags && most != 0;
         next = at(place), --most)
      place += next.bytes;
    return place;
  }
  size_t skip_other(size_t place, int flags) const {
    for (auto next = at(place); next.bytes != 0 && !(next.flags & flags); next = at(place))
      place += next.bytes;
    return place;
  }
  size_t size() const { return text_.size(); }

 private:
  std::string_view text_;
};

constexpr int kVisibleOther = kBreak | kLetter | kNumber;  // [^\s\p{L}\p{N}] has none
constexpr int kBeforeWord = kNewline | kLetter | kNumber;  // [^\r\n\p{L}\p{N}] has none
constexpr int kCapitals = kUpper | kCaseless | kMark;      // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
constexpr int kSmalls = kLower | kCaseless | kMark;        // [\p{Ll}\p{Lm}\p{Lo}\p{M}]

// Behind 's 't 're 've 'm 'll 'd, or `place`.
size_t contraction(const Scanner& text, size_t place, bool any_case) {
  if (text.at(place).code != '\'') return place;
  const auto letter = [&](size_t at) {
    auto next = text.at(at);
    if (any_case && next.code == kLongS) next.code = 's';
    if (any_case && next.code >= 'A' && next.code <= 'Z') next.code += 'a' - 'A';
    return next;
  };
  const auto first = letter(place + 1);
  const size_t behind = place + 1 + first.bytes;
  if (first.code == 's' || first.code == 't' || first.code == 'm' || first.code == 'd')
    return behind;
  const auto second = letter(behind);
  if (((first.code == 'r' || first.code == 'v') && second.code == 'e') ||
      (first.code == 'l' && second.code == 'l'))
    return behind + second.bytes;
  return place;
}

// \s+(?!\S)|\s+ : all of it at the end, else all but the last, which belongs to the next word.
size_t white_space(const Scanner& text, size_t place) {
  size_t last = place, end = place;
  for (auto next = text.at(place); next.bytes != 0 && next.flags & kBreak; next = text.at(end)) {
    last = end;
    end += next.bytes;
  }
  return end == text.size() || last == place ? end : last;
}

// \s*[\r\n]+ : up to the last line break of the white space; `place`: there is none.
size_t line_breaks(const Scanner& text, size_t place) {
  size_t end = place, at = place;
  for (auto next = text.at(at); next.bytes != 0 && next.flags & kBreak; next = text.at(at)) {
    at += next.bytes;
    if (next.flags & kNewline) end = at;
  }
  return end;
}

size_t gpt2(const Scanner& text, size_t place) {
  if (const size_t end = contraction(text, place, false); end != place) return end;
  const auto first = text.at(place);
  const size_t start = first.code == ' ' ? place + 1 : place;
  const auto next = start == place ? first : text.at(start);
  if (next.flags & kLetter) return text.skip(start, kLetter);
  if (next.flags & kNumber) return text.skip(start, kNumber);
  if (next.bytes != 0 && !(next.flags & kBreak)) return text.skip_other(start, kVisibleOther);
  return white_space(text, place);
}

// The alternatives that all newer patterns end with. slash: a / may follow signs like a line break.
size_t numbers_signs_spaces(const Scanner& text, size_t place, int digits, bool slash) {
  const auto first = text.at(place);
  if (first.flags & kNumber) return text.skip(place, kNumber, digits);
  const size_t start = first.code == ' ' ? place + 1 : place;
  const auto next = start == place ? first : text.at(start);
  if (next.bytes != 0 && !(next.flags & kVisibleOther)) {
    size_t end = text.skip_other(start, kVisibleOther);
    for (auto more = text.at(end); more.flags & kNewline || (slash && more.code == '/');
         more = text.at(end))
      end += more.bytes;
    return end;
  }
  if (const size_t end = line_breaks(text, place); end != place) return end;
  return white_space(text, place);
}

size_t cl100k(const Scanner& text, size_t place, int digits) {
  if (const size_t end = contraction(text, place, true); end != place) return end;
  const auto first = text.at(place);
  if (first.flags & kLetter) return text.skip(place, kLetter);
  if (!(first.flags & kBeforeWord)) {
    const size_t start = place + first.bytes;
    if (text.at(start).flags & kLetter) return text.skip(start, kLetter);
  }
  return numbers_signs_spaces(text, place, digits, false);
}

// [capitals]*[smalls]+ from `start` on, with the regular expression's backtracking; `start`: none.
size_t word_of_smalls(const Scanner& text, size_t start) {
  size_t capitals_end = start, last_both = start;  // behind the last that is of both kinds
  for (auto next = text.at(start); next.bytes != 0 && next.flags & kCapitals;
       next = text.at(capitals_end)) {
    capitals_end += next.bytes;
    if (next.flags & kSmalls) last_both = capitals_end;
  }
  const size_t end = text.skip(capitals_end, kSmalls);
  return end != capitals_end ? end : last_both;
}

size_t o200k(const Scanner& text, size_t place, int digits, bool contractions) {
  const auto first = text.at(place);
  const size_t behind = first.flags & kBeforeWord ? place : place + first.bytes;
  const auto finish = [&](size_t end) { return contractions ? contraction(text, end, true) : end; };
  for (const size_t start : {behind, place}) {
    if (const size_t end = word_of_smalls(text, start); end != start) return finish(end);
    if (behind == place) break;
  }
  for (const size_t start : {behind, place}) {
    if (const size_t end = text.skip(start, kCapitals); end != start)
      return finish(text.skip(end, kSmalls));
    if (behind == place) break;
  }
  return numbers_signs_spaces(text, place, digits, true);
}

size_t digits_or_rest(const Scanner& text, size_t place, int digits) {
  const size_t end = text.skip(place, kNumber, digits);
  return end != place ? end : text.skip_other(place, kNumber);
}

const std::map<std::string, SplitPattern>& patterns() {
  static const std::map<std::string, SplitPattern> kPatterns = {
      {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
       SplitPattern::kGpt2},
      {R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
       SplitPattern::kGpt2},
      {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
       SplitPattern::kCl100k},
      {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
       SplitPattern::kQwen2},
      {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
       SplitPattern::kO200k},
      {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
       SplitPattern::kTekken},
      {R"(\p{N}{1,3})", SplitPattern::kDigits3},
      {R"(\p{N})", SplitPattern::kDigits1}};
  return kPatterns;
}

}  // namespace

bool find_split_pattern(const std::string& regex, SplitPattern& pattern) {
  const auto found = patterns().find(regex);
  if (found == patterns().end()) return false;
  pattern = found->second;
  return true;
}

std::string known_split_patterns() {
  return "those of GPT-2, GPT-4 (cl100k), Llama 3, Qwen 2, GPT-4o (o200k) and Mistral (tekken) are "
         "known";
}

size_t piece_length(SplitPattern pattern, std::string_view text, size_t at) {
  const Scanner scanner(text);
  switch (pattern) {
    case SplitPattern::kGpt2:
      return gpt2(scanner, at) - at;
    case SplitPattern::kCl100k:
      return cl100k(scanner, at, 3) - at;
    case SplitPattern::kQwen2:
      return cl100k(scanner, at, 1) - at;
    case SplitPattern::kO200k:
      return o200k(scanner, at, 3, true) - at;
    case SplitPattern::kTekken:
      return o200k(scanner, at, 1, false) - at;
    case SplitPattern::kDigits3:
      return digits_or_rest(scanner, at, 3) - at;
    case SplitPattern::kDigits1:
      return digits_or_rest(scanner, at, 1) - at;
  }
  return 0;
}

}  // namespace braid::text
