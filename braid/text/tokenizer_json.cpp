#include "braid/text/tokenizer_json.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/text/tokenizer_config.h"

namespace braid::text {
namespace {

constexpr const char* kOtherFormat =
    "give the SentencePiece model (.model or .spm) or the vocabulary that it was made from";

std::optional<BertNormalizerOptions> read_normalizer(const JsonField& field) {
  const auto type = field.type();
  if (type == "BertNormalizer") {
    BertNormalizerOptions options;
    options.clean_text = field.boolean("clean_text", true);
    options.handle_chinese_chars = field.boolean("handle_chinese_chars", true);
    options.lowercase = field.boolean("lowercase", true);
    options.strip_accents = field.boolean("strip_accents", options.lowercase);
    return options;
  }
  // Lower case alone is BERT's without its other parts.
  if (type == "Lowercase") return BertNormalizerOptions{false, false, false, true};
  if (type == "Sequence") {
    const auto list = field.at("normalizers").items();
    if (list.empty()) return std::nullopt;
    if (list.size() == 1) return read_normalizer(list[0]);
  }
  field.at("type").fail("BertNormalizer or Lowercase, which braid knows", kOtherFormat);
}

SplitPattern read_pattern(const JsonField& field) {
  const auto regex = field.at("pattern").find("Regex");
  SplitPattern pattern;
  if (!regex || !find_split_pattern(regex->text(), pattern))
    (regex ? *regex : field.at("pattern"))
        .fail("a regular expression that braid knows", known_split_patterns());
  const auto behavior = field.at("behavior").text();
  const bool inverted = field.boolean("invert", false);
  const bool whole = pattern != SplitPattern::kDigits1 && pattern != SplitPattern::kDigits3;
  if (!(behavior == "Isolated" && !inverted) && !(whole && behavior == "Removed" && inverted))
    field.at("behavior").fail("Isolated", known_split_patterns());
  return pattern;
}

void read_pre_tokenizer(const JsonField& field, PipelineParts& parts) {
  using Kind = PreTokenizer::Kind;
  auto& steps = parts.pre_tokenizers;
  const auto type = field.type();
  if (parts.byte_level) field.fail("the last one to be ByteLevel", "words are bytes behind it");
  if (type == "Sequence") {
    for (const auto& item : field.at("pretokenizers").items()) read_pre_tokenizer(item, parts);
  } else if (type == "BertPreTokenizer") {
    steps.push_back({.kind = Kind::kBert});
  } else if (type == "Whitespace") {
    steps.push_back({.kind = Kind::kWhitespace});
  } else if (type == "WhitespaceSplit") {
    steps.push_back({.kind = Kind::kWhiteSplit});
  } else if (type == "Digits") {
    steps.push_back(
        {.kind = Kind::kDigits, .individual_digits = field.boolean("individual_digits", false)});
  } else if (type == "Split") {
    steps.push_back({.kind = Kind::kPattern, .pattern = read_pattern(field)});
  } else if (type == "ByteLevel") {
    parts.byte_level = true;
    steps.push_back(
        {.kind = Kind::kByteLevel, .add_prefix_space = field.boolean("add_prefix_space", true)});
    if (field.boolean("use_regex", true))
      steps.push_back({.kind = Kind::kPattern, .pattern = SplitPattern::kGpt2});
  } else {
    field.at("type").fail(
        "BertPreTokenizer, ByteLevel, Split, Digits, Whitespace, WhitespaceSplit or Sequence, "
        "which "
        "braid knows",
        kOtherFormat);
  }
}

TokenDecoder read_decoder(const JsonField& field) {
  const auto type = field.type();
  if (type == "WordPiece")
    return {.kind = TokenDecoder::Kind::kWordPiece,
            .prefix = field.text("prefix", "##"),
            .cleanup = field.boolean("cleanup", true)};
  if (type == "ByteLevel") return {.kind = TokenDecoder::Kind::kByteLevel};
  if (type == "BPEDecoder")
    return {.kind = TokenDecoder::Kind::kBpe, .suffix = field.text("suffix", "</w>")};
  if (type == "Sequence") {
    const auto list = field.at("decoders").items();
    if (list.size() == 1) return read_decoder(list[0]);
  }
  field.at("type").fail("WordPiece, ByteLevel or BPEDecoder, which braid knows", kOtherFormat);
}

// The normalized spelling of an added token.
std::string normalized_content(const PipelineParts& parts, const std::string& content) {
  if (!parts.normalizer) return content;
  AlignedText aligned;
  normalize_bert(*parts.normalizer, content, {0, static_cast<uint32_t>(content.size())}, aligned);
  return std::string(aligned.text());
}

}  // namespace

AddedTokens read_added_tokens(const JsonField& file, const PipelineParts& parts) {
  std::vector<AddedToken> tokens;
  std::unordered_map<int32_t, std::string> contents;
  const auto list = file.find("added_tokens");
  const auto& vocabulary = parts.model->vocabulary();
  for (const auto& item : list ? list->items() : std::vector<JsonField>()) {
    AddedToken token{.content = item.at("content").text(),
                     .single_word = item.boolean("single_word", false),
                     .lstrip = item.boolean("lstrip", false),
                     .rstrip = item.boolean("rstrip", false),
                     .special = item.boolean("special", false)};
    token.normalized = item.boolean("normalized", !token.special);
    if (token.content.empty()) continue;
    if (token.content.size() > kMaxAddedToken)
      item.at("content").fail(fmt::format("at most {} bytes long", kMaxAddedToken));
    token.id = static_cast<int32_t>(item.at("id").integer(0, kMaxTokenId));
    if (const int32_t known = vocabulary.find(token.content); known >= 0) {
      token.id = known;  // the vocabulary wins, as in the reference
    } else if (vocabulary.has(token.id)) {
      item.at("id").fail(
          fmt::format("a number that is free, not that of '{}'", vocabulary.token(token.id)));
    }
    const auto [other, is_new] = contents.emplace(token.id, token.content);
    if (!is_new && other->second != token.content)
      item.at("id").fail(fmt::format("a number that is free, not that of '{}'", other->second));
    if (is_new) tokens.push_back(std::move(token));
  }
  return AddedTokens(
      std::move(tokens),
      [&](const std::string& content) { return normalized_content(parts, content); },
      parts.split_special_tokens);
}

PipelineParts read_tokenizer_json(const Json& json, const Json& config, const std::string& file) {
  PipelineParts parts;
  parts.file = file;
  const JsonField root(json, parts.file);
  if (!json.is_object()) root.fail("an object with a model", "give a tokenizer.json");
  const auto truncation = root.find("truncation");
  const auto settings = read_tokenizer_config(
      config, file,
      {.truncate_left = truncation && truncation->text("direction", "Right") == "Left"});
  parts.split_special_tokens = settings.split_special_tokens;
  const auto model = root.at("model");
  if (const auto field = root.find("normalizer")) parts.normalizer = read_normalizer(*field);
  if (const auto field = root.find("pre_tokenizer")) read_pre_tokenizer(*field, parts);
  parts.model = read_subword_model(model, parts.byte_level);
  parts.added = read_added_tokens(root, parts);
  if (const auto field = root.find("post_processor"))
    parts.post = read_post_processor(*field, parts);
  parts.post.truncate_left = settings.truncate_left;
  if (const auto field = root.find("decoder")) parts.decoder = read_decoder(*field);
  const auto padding = root.find("padding");
  parts.special = find_special_tokens(parts, config, model.text("unk_token", ""),
                                      padding ? padding->text("pad_token", "") : "");
  parts.special_ids = find_special_ids(parts, config);
  return parts;
}

}  // namespace braid::text
