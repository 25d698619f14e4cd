#include "braid/text/pipeline.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"
#include "braid/text/unicode.h"
#include "braid/text/utf8.h"

namespace braid::text {
namespace {

constexpr size_t kMaxText = 1u << 30;  // bytes: positions within have 32 bits

// A span without `leading` code points in front and `trailing` behind.
Range trimmed(std::string_view text, Range span, size_t leading, size_t trailing) {
  for (; leading > 0 && span.begin < span.end; --leading)
    span.begin += decode_utf8(text.data() + span.begin).bytes;
  const auto end = span.end;
  uint32_t at = end;
  for (; trailing > 0 && at > 0; --trailing) at -= decode_utf8_before(text, at).bytes;
  if (trailing == 0) span.end = std::max(at, span.begin);
  return span;
}

class Pipeline final : public Tokenizer {
 public:
  explicit Pipeline(PipelineParts parts) : parts_(std::move(parts)) {
    vocab_size_ = parts_.model->vocabulary().id_end();
    for (const auto& token : parts_.added.all()) vocab_size_ = std::max(vocab_size_, token.id + 1);
  }

  Encoding encode(std::string_view text, const EncodeOptions& options) const override {
    std::vector<Encoding> texts;
    texts.push_back(encode_text(text, 0));
    return parts_.post.process(std::move(texts), options, parts_.file);
  }
  Encoding encode_pair(std::string_view text, std::string_view pair,
                       const EncodeOptions& options) const override {
    std::vector<Encoding> texts;
    texts.push_back(encode_text(text, 0));
    texts.push_back(encode_text(pair, 1));
    return parts_.post.process(std::move(texts), options, parts_.file);
  }

  std::string decode(const std::vector<int32_t>& ids, bool skip_special_tokens) const override {
    std::vector<std::string> tokens;
    for (const int32_t id : ids) {
      if (const auto* added = parts_.added.find(id)) {
        if (skip_special_tokens && added->special) continue;
        tokens.emplace_back(parts_.added.decoded(id));
      } else if (parts_.model->vocabulary().has(id)) {
        tokens.emplace_back(parts_.model->vocabulary().token(id));
      } else {
        throw DataError("tokenizer",
                        fmt::format("expected a token's number below {}, got {}", vocab_size_, id),
                        parts_.file, "decode with the tokenizer that the model was trained with");
      }
    }
    return parts_.decoder.decode(tokens);
  }

  int64_t vocab_size() const override { return vocab_size_; }
  std::optional<int32_t> token_to_id(std::string_view token) const override {
    if (const auto* added = parts_.added.find(token)) return added->id;
    const int32_t id = parts_.model->vocabulary().find(token);
    return id < 0 ? std::nullopt : std::optional(id);
  }
  std::string id_to_token(int32_t id) const override {
    if (const auto* added = parts_.added.find(id)) return added->content;
    return std::string(parts_.model->vocabulary().token(id));
  }
  const SpecialTokens& special() const override { return parts_.special; }
  std::vector<int32_t> special_ids() const override { return parts_.special_ids; }
  bool truncates_left() const override { return parts_.post.truncate_left; }
  std::string kind() const override { return parts_.model->kind(); }
  void save(const std::filesystem::path& folder) const override {
    std::error_code ignored;  // writing says what is wrong with the folder
    std::filesystem::create_directories(folder, ignored);
    io::write_file_atomic(folder / "tokenizer.json", parts_.tokenizer_json);
    if (!parts_.tokenizer_config.empty())
      io::write_file_atomic(folder / "tokenizer_config.json", parts_.tokenizer_config);
  }

 private:
  Encoding encode_text(std::string_view text, int32_t type_id) const {
    if (text.size() > kMaxText)
      throw DataError(
          "tokenizer",
          fmt::format("expected a text of at most {} bytes, got {}", kMaxText, text.size()), "",
          "cut it into lines or documents");
    if (valid_utf8(text) == text.size()) return encode_valid(text, type_id);
    const auto repaired = repair_utf8(text);
    auto encoding = encode_valid(repaired.text, type_id);
    for (auto& span : encoding.offsets)
      span = {repaired.original(span.begin), repaired.original(span.end)};
    return encoding;
  }

  // One text's way to tokens.
  struct Pass {
    std::string_view text;
    Encoding out;
    AlignedText aligned;
    std::vector<Range> words;
    std::vector<Subword> pieces;
    std::vector<AddedTokens::Part> raw, normalized;
    int32_t word = 0;
  };

  Encoding encode_valid(std::string_view text, int32_t type_id) const {
    Pass pass;
    pass.text = text;
    if (!text.empty()) parts_.added.split(text, false, pass.raw);
    for (const auto& part : pass.raw) {
      if (part.id >= 0)
        add_token(pass, part.id, part.range,
                  text.substr(part.range.begin, part.range.end - part.range.begin));
      else
        encode_part(pass, part.range);
    }
    auto& out = pass.out;
    out.type_ids.assign(out.ids.size(), type_id);
    out.special_tokens.assign(out.ids.size(), 0);
    return std::move(out);
  }

  void normalize(std::string_view text, Range range, AlignedText& aligned) const {
    if (parts_.normalizer)
      normalize_bert(*parts_.normalizer, text, range, aligned);
    else
      aligned.assign(text, range);
  }

  void encode_part(Pass& pass, Range range) const {
    normalize(pass.text, range, pass.aligned);
    if (!parts_.added.any(true)) return encode_words(pass, pass.aligned);
    const AlignedText whole = pass.aligned.copy();
    pass.normalized.clear();
    if (!whole.text().empty()) parts_.added.split(whole.text(), true, pass.normalized);
    for (const auto& part : pass.normalized) {
      if (part.id >= 0) {
        add_token(pass, part.id, whole.source_of(part.range.begin, part.range.end),
                  whole.text().substr(part.range.begin, part.range.end - part.range.begin));
      } else {
        AlignedText rest = whole.part(part.range);
        encode_words(pass, rest);
      }
    }
  }

  void encode_words(Pass& pass, AlignedText& aligned) const {
    pre_tokenize(parts_.pre_tokenizers, aligned, pass.words);
    const auto text = aligned.text();
    for (const auto& word : pass.words) {
      const auto bytes = text.substr(word.begin, word.end - word.begin);
      pass.pieces.clear();
      parts_.model->split(bytes, pass.pieces);
      for (const auto& piece : pass.pieces)
        push(pass, piece.id, aligned.source_of(word.begin + piece.begin, word.begin + piece.end),
             parts_.model->vocabulary().token(piece.id));
      ++pass.word;
    }
  }

  void add_token(Pass& pass, int32_t id, Range span, std::string_view spelled) const {
    push(pass, id, span, spelled);
    ++pass.word;
  }

  // spelled: how the token is written.
  void push(Pass& pass, int32_t id, Range span, std::string_view spelled) const {
    if (parts_.post.trim_offsets) span = trim(pass, span, spelled);
    pass.out.ids.push_back(id);
    pass.out.offsets.push_back({span.begin, span.end});
    pass.out.words.push_back(pass.word);
  }

  // By the token, not by what it stands for: an unknown one has no spaces.
  Range trim(const Pass& pass, Range span, std::string_view spelled) const {
    constexpr char32_t kSpaceOfBytes = 0x120;  // how a vocabulary of bytes writes a space
    const auto is_space = [](char32_t code) {
      return code == kSpaceOfBytes || has_flag(code, kWhite);
    };
    size_t leading = 0, trailing = 0;
    for (size_t at = 0; at < spelled.size(); ++leading) {
      const auto next = decode_utf8(spelled.data() + at);
      if (!is_space(next.code)) break;
      at += next.bytes;
    }
    for (size_t at = spelled.size(); at > 0; ++trailing) {
      const auto before = decode_utf8_before(spelled, at);
      if (!is_space(before.code)) break;
      at -= before.bytes;
    }
    // A space that was added stands for nothing that could be cut off.
    const bool is_first = pass.out.ids.empty() || span.begin == 0;
    if (is_first && parts_.post.add_prefix_space && leading == 1) leading = 0;
    return trimmed(pass.text, span, leading, trailing);
  }

  PipelineParts parts_;
  int32_t vocab_size_ = 0;
};

}  // namespace

TokenizerPtr make_pipeline(PipelineParts parts) {
  return std::make_shared<const Pipeline>(std::move(parts));
}

}  // namespace braid::text
