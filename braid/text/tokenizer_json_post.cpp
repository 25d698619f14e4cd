// The parts of a tokenizer.json that say what surrounds a text, and which tokens have a meaning.
#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "braid/text/tokenizer_json.h"

namespace braid::text {
namespace {

constexpr size_t kMaxTemplate = 256;  // pieces, and tokens of one

int32_t id_in(const PipelineParts& parts, const std::string& token) {
  if (const auto* added = parts.added.find(std::string_view(token))) return added->id;
  return parts.model->vocabulary().find(token);
}

// An id that a file gives is one of the tokenizer's.
int32_t read_id(const JsonField& field, const PipelineParts& parts) {
  const auto id = static_cast<int32_t>(field.integer(0, kMaxTokenId));
  if (!parts.model->vocabulary().has(id) && !parts.added.find(id))
    field.fail("the number of a token", "add the token to the vocabulary or to added_tokens");
  return id;
}

// ["[SEP]", 102]
TemplatePiece read_pair(const JsonField& field, const PipelineParts& parts) {
  const auto items = field.items();
  if (items.size() != 2) field.fail("a token and its number");
  return {.ids = {read_id(items[1], parts)}};
}

std::vector<TemplatePiece> read_template(const JsonField& field, const JsonField& tokens,
                                         const PipelineParts& parts) {
  std::vector<TemplatePiece> pieces;
  const auto items = field.items();
  if (items.size() > kMaxTemplate) field.fail(fmt::format("at most {} pieces", kMaxTemplate));
  for (const auto& item : items) {
    TemplatePiece piece;
    if (const auto sequence = item.find("Sequence")) {
      const auto id = sequence->at("id").text();
      if (id != "A" && id != "B") sequence->at("id").fail("A or B");
      piece.sequence = id == "A" ? 0 : 1;
      piece.type_id = static_cast<int32_t>(sequence->at("type_id").integer(0, INT32_MAX));
    } else {
      const auto special = item.at("SpecialToken");
      piece.type_id = static_cast<int32_t>(special.at("type_id").integer(0, INT32_MAX));
      const auto token = tokens.find(special.at("id").text());
      if (!token) special.at("id").fail("one of " + tokens.path(), "add it there, with its number");
      const auto ids = token->at("ids").items();
      if (ids.size() > kMaxTemplate)
        token->at("ids").fail(fmt::format("at most {} tokens", kMaxTemplate));
      for (const auto& id : ids) piece.ids.push_back(read_id(id, parts));
    }
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

void check_sequences(const JsonField& field, const std::vector<TemplatePiece>& pieces,
                     bool is_pair) {
  int count[2] = {0, 0};
  for (const auto& piece : pieces)
    if (piece.sequence >= 0) ++count[piece.sequence];
  if (count[0] != 1 || count[1] != (is_pair ? 1 : 0))
    field.fail(is_pair ? "one with the sequences A and B, each once"
                       : "one with the sequence A, once");
}

void read_post(const JsonField& field, const PipelineParts& parts, PostProcessor& post) {
  const auto type = field.type();
  if (type == "Sequence") {
    for (const auto& item : field.at("processors").items()) read_post(item, parts, post);
  } else if (type == "ByteLevel") {
    post.trim_offsets = field.boolean("trim_offsets", true);
    post.add_prefix_space = field.boolean("add_prefix_space", true);
  } else if (type == "TemplateProcessing") {
    const auto tokens = field.at("special_tokens");
    post.single = read_template(field.at("single"), tokens, parts);
    check_sequences(field.at("single"), post.single, false);
    post.pair = read_template(field.at("pair"), tokens, parts);
    check_sequences(field.at("pair"), post.pair, true);
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    const bool roberta = type == "RobertaProcessing";
    const auto sep = read_pair(field.at("sep"), parts), cls = read_pair(field.at("cls"), parts);
    post.single = {cls, {.sequence = 0}, sep};
    post.pair = post.single;
    if (roberta) {
      post.trim_offsets = field.boolean("trim_offsets", true);
      post.add_prefix_space = field.boolean("add_prefix_space", true);
      post.pair.push_back(sep);
    }
    auto last = sep;
    last.type_id = roberta ? 0 : 1;
    post.pair.push_back({.sequence = 1, .type_id = last.type_id});
    post.pair.push_back(last);
  } else {
    field.at("type").fail(
        "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel or Sequence, which braid "
        "knows");
  }
}

// "[SEP]" or {"content": "[SEP]", ...}; empty: neither.
std::string name_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() && value.contains("content") && value.at("content").is_string())
    return value.at("content").get<std::string>();
  return "";
}

std::string configured(const Json& config, const std::string& key) {
  return config.is_object() && config.contains(key) ? name_of(config.at(key)) : "";
}

}  // namespace

PostProcessor read_post_processor(const JsonField& field, const PipelineParts& parts) {
  PostProcessor post;
  read_post(field, parts, post);
  return post;
}

SpecialTokens find_special_tokens(const PipelineParts& parts, const Json& config,
                                  const std::string& unk_token, const std::string& pad_token) {
  const auto pick = [&](const std::string& key,
                        std::initializer_list<std::string> usual) -> std::optional<int32_t> {
    const auto named = configured(config, key);
    if (!named.empty()) {
      const int32_t id = id_in(parts, named);
      if (id >= 0) return id;
    }
    for (const auto& token : usual)
      if (!token.empty())
        if (const int32_t id = id_in(parts, token); id >= 0) return id;
    return std::nullopt;
  };
  SpecialTokens special;
  special.unk = pick("unk_token", {unk_token, "[UNK]", "<unk>"});
  special.pad = pick("pad_token", {pad_token, "[PAD]", "<pad>", "<|pad|>"});
  special.mask = pick("mask_token", {"[MASK]", "<mask>"});
  special.cls = pick("cls_token", {"[CLS]", "<s>"});
  special.sep = pick("sep_token", {"[SEP]", "</s>"});
  special.bos = pick("bos_token", {"<s>", "<|begin_of_text|>", "<|endoftext|>", "[BOS]"});
  special.eos = pick("eos_token", {"</s>", "<|end_of_text|>", "<|endoftext|>", "[EOS]"});
  return special;
}

std::vector<int32_t> find_special_ids(const PipelineParts& parts, const Json& config) {
  auto ids = ids_of(parts.special);
  for (const auto& token : parts.added.all())
    if (token.special) ids.push_back(token.id);
  const auto add = [&](const std::string& name) {
    if (name.empty()) return;
    if (const int32_t id = id_in(parts, name); id >= 0) ids.push_back(id);
  };
  for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
    if (!config.is_object() || !config.contains(key)) continue;
    const auto& list = config.at(key);  // of names, or an object with a name for each purpose
    if (!list.is_array() && !list.is_object()) continue;
    for (const auto& item : list.items()) add(name_of(item.value()));
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace braid::text
