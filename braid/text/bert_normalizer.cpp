#include "braid/text/bert_normalizer.h"

#include <algorithm>
#include <array>

#include "braid/text/unicode.h"
#include "braid/text/utf8.h"

namespace braid::text {
namespace {

constexpr uint8_t kDrop = 0xFF;

using AsciiMap = std::array<uint8_t, 128>;

AsciiMap make_ascii_map(bool clean, bool lower) {
  AsciiMap map;
  for (uint8_t c = 0; c < 128; ++c) {
    const auto& point = code_point(c);
    map[c] = c;
    if (clean && point.flags & kRemoved) map[c] = kDrop;
    if (clean && point.flags & kSpace) map[c] = ' ';
    if (lower && map[c] == c) map[c] = static_cast<uint8_t>(c + point.lower);
  }
  return map;
}

// What becomes of an ASCII character; kDrop: nothing.
const AsciiMap& ascii_map(const BertNormalizerOptions& options) {
  static const AsciiMap kMaps[2][2] = {{make_ascii_map(false, false), make_ascii_map(false, true)},
                                       {make_ascii_map(true, false), make_ascii_map(true, true)}};
  return kMaps[options.clean_text][options.lowercase];
}

class BertPass {
 public:
  BertPass(const BertNormalizerOptions& options, std::string_view source, Range part,
           AlignedText& out)
      : options_(options),
        source_(source.substr(0, part.end)),
        part_(part),
        out_(out),
        map_(ascii_map(options)) {}

  void run() {
    out_.text_buffer.clear();
    out_.bytes.clear();
    out_.text_buffer.reserve(part_.end - part_.begin);
    uint32_t at = plain_ascii();
    while (at < part_.end) {
      const auto byte = static_cast<uint8_t>(source_[at]);
      if (byte < 0x80) {
        const uint8_t to = map_[byte];
        if (to == kDrop) {
          leave_identity(at);  // marks around it are neighbours
        } else {
          flush();
          put(static_cast<char>(to), {at, at + 1});
          last_ = {at, at + 1};
        }
        ++at;
      } else {
        leave_identity(at);
        const auto [code, bytes] = decode_utf8(source_.data() + at);
        clean(code, {at, at + bytes});
        at += bytes;
      }
    }
    flush();
    out_.finish(part_.begin);
  }

 private:
  // A mark that waits until all marks of its letter are there.
  struct Mark {
    char32_t code;
    uint8_t combining;
    bool inserted;  // a further part of a decomposed code point
  };

  // The beginning of ASCII characters that stay one byte each, which most texts are whole.
  uint32_t plain_ascii() {
    auto& text = out_.text_buffer;
    text.resize(part_.end - part_.begin);
    uint32_t at = part_.begin;
    for (; at < part_.end; ++at) {
      const auto byte = static_cast<uint8_t>(source_[at]);
      const uint8_t to = byte < 0x80 ? map_[byte] : kDrop;
      if (to == kDrop) break;
      text[at - part_.begin] = static_cast<char>(to);
    }
    text.resize(at - part_.begin);
    if (at > part_.begin) last_ = {at - 1, at};
    return at;
  }

  // Until something is dropped, added or longer than it was, bytes correspond one to one and are
  // not written down.
  void leave_identity(uint32_t at) {
    if (!identity_) return;
    identity_ = false;
    out_.bytes.reserve(part_.end - part_.begin);
    for (uint32_t i = part_.begin; i < at; ++i) out_.bytes.push_back({i, i + 1});
  }
  void put(char byte, Range from) {
    out_.text_buffer.push_back(byte);
    if (!identity_) out_.bytes.push_back(from);
  }

  void clean(char32_t code, Range from) {
    const auto& point = code_point(code);
    if (options_.clean_text && point.flags & kRemoved) return;
    if (options_.clean_text && point.flags & kSpace) {
      strip(' ', from);
    } else if (options_.handle_chinese_chars && point.flags & kCjk) {
      flush();
      put(' ', from);
      strip(code, from);
      put(' ', from);
      last_ = from;
    } else {
      strip(code, from);
    }
  }

  void strip(char32_t code, Range from) {
    if (!options_.strip_accents) return lower(code, from);
    if (is_hangul_syllable(code)) {
      const uint32_t index = code - kFirstHangul;
      part(0x1100 + index / 588, false, from);
      part(0x1161 + index % 588 / 28, true, from);
      if (index % 28 != 0) part(0x11A7 + index % 28, true, from);
      return;
    }
    const auto& point = code_point(code);
    if (point.length == 0) return part(code, false, from);
    for (int k = 0; k < point.length; ++k) part(decomposition(point)[k], k > 0, from);
  }

  void part(char32_t code, bool inserted, Range from) {
    const auto& point = code_point(code);
    if (point.combining != 0) {
      marks_.push_back({code, point.combining, inserted});
      if (!inserted) mark_sources_.push_back(from);
      return;
    }
    flush();
    if (!inserted) last_ = from;
    if (!(point.flags & kMn)) lower(code, last_);
  }

  // Marks in canonical order. The k-th that is not inserted stands where the k-th stood, an
  // inserted one where the one before it did: so the reference aligns them.
  void flush() {
    if (marks_.empty()) return;
    std::stable_sort(marks_.begin(), marks_.end(),
                     [](const Mark& a, const Mark& b) { return a.combining < b.combining; });
    size_t source = 0;
    for (const auto& mark : marks_) {
      if (!mark.inserted) last_ = mark_sources_[source++];
      if (!has_flag(mark.code, kMn)) lower(mark.code, last_);
    }
    marks_.clear();
    mark_sources_.clear();
  }

  void lower(char32_t code, Range from) {
    const auto& point = code_point(code);
    if (!options_.lowercase) return encode(code, from);
    encode(static_cast<char32_t>(static_cast<int32_t>(code) + point.lower), from);
    if (point.lower_second != 0) encode(point.lower_second, from);
  }

  void encode(char32_t code, Range from) {
    append_utf8(out_.text_buffer, code);
    out_.bytes.resize(out_.text_buffer.size(), from);
  }

  const BertNormalizerOptions& options_;
  std::string_view source_;
  Range part_;
  AlignedText& out_;
  const AsciiMap& map_;
  bool identity_ = true;
  Range last_ = {part_.begin, part_.begin};  // of the code point before
  std::vector<Mark> marks_;
  std::vector<Range> mark_sources_;
};

}  // namespace

void normalize_bert(const BertNormalizerOptions& options, std::string_view source, Range part,
                    AlignedText& out) {
  BertPass(options, source, part, out).run();
}

}  // namespace braid::text
