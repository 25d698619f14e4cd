// A text on its way to tokens: what normalization made of it, and where each byte comes from.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace braid::text {

// Half-open, in bytes.
struct Range {
  uint32_t begin = 0, end = 0;
};

class AlignedText {
 public:
  // Part of the source, as it is.
  void assign(std::string_view source, Range part) {
    outside_ = source.substr(part.begin, part.end - part.begin);
    owned_ = false;
    base_ = part.begin;
    source_.clear();
  }
  std::string_view text() const { return owned_ ? std::string_view(text_buffer) : outside_; }
  // Of bytes [begin, end) of text(), in the source. A code point that is cut in two is covered by
  // both halves.
  Range source_of(uint32_t begin, uint32_t end) const {
    if (begin >= end) return {base_, base_};
    if (!source_.empty()) return {source_[begin].begin, source_[end - 1].end};
    while (begin > 0 && is_continuation(begin)) --begin;
    while (end < text().size() && is_continuation(end)) ++end;
    return {base_ + begin, base_ + end};
  }

  // Both own what they show.
  AlignedText copy() const { return part({0, static_cast<uint32_t>(text().size())}); }
  AlignedText part(Range range) const {
    AlignedText out;
    out.text_buffer.assign(text().substr(range.begin, range.end - range.begin));
    if (source_.empty()) {
      out.finish(base_ + range.begin);
    } else {
      out.bytes.assign(source_.begin() + range.begin, source_.begin() + range.end);
      out.finish(base_);
    }
    return out;
  }

  // What a normalizer fills, then calls finish(). `bytes` may stay empty: byte i of `text` is then
  // byte i of the part.
  std::string text_buffer;
  std::vector<Range> bytes;
  void finish(uint32_t base) {
    base_ = base;
    source_.swap(bytes);
    bytes.clear();
    owned_ = true;
  }

 private:
  bool is_continuation(uint32_t at) const {
    return (static_cast<uint8_t>(text()[at]) & 0xC0) == 0x80;
  }
  std::string_view outside_;   // of the source
  bool owned_ = true;          // text_buffer is the text
  std::vector<Range> source_;  // per byte of the text
  uint32_t base_ = 0;
};

}  // namespace braid::text
