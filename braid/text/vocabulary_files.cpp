#include "braid/text/vocabulary_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "braid/core/error.h"
#include "braid/text/json_field.h"
#include "braid/text/unicode.h"
#include "braid/text/utf8.h"

namespace braid::text {
namespace {

// Calls with each line and its number, from 0 on; a last line break ends the last line.
template <class Take>
void for_each_line(const std::string& text, const std::string& file, const Take& take) {
  const size_t valid = valid_utf8(text);
  size_t number = 0;
  for (size_t at = 0; at < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (valid < end)
      throw DataError("tokenizer",
                      fmt::format("expected UTF-8, got other bytes in line {}", number + 1), file,
                      "give a vocabulary, which is text");
    take(std::string_view(text).substr(at, end - at), number);
    at = end + 1;
  }
}

std::string_view without_spaces_behind(std::string_view line) {
  while (!line.empty()) {
    const auto last = decode_utf8_before(line, line.size());
    if (!has_flag(last.code, kWhite)) break;
    line.remove_suffix(last.bytes);
  }
  return line;
}

// The name of a special token: a text, or an object with its content.
std::string special_name(const JsonField& config, const std::string& key,
                         const std::string& usual) {
  const auto field = config.find(key);
  if (!field) return usual;
  return field->json().is_object() ? field->at("content").text() : field->text();
}

}  // namespace

Json added_token(const std::string& content, int64_t id) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

Json bert_template(const std::string& cls, int64_t cls_id, const std::string& sep, int64_t sep_id) {
  const auto special = [](const std::string& id, int type) {
    return Json{{"SpecialToken", {{"id", id}, {"type_id", type}}}};
  };
  const auto sequence = [](const char* id, int type) {
    return Json{{"Sequence", {{"id", id}, {"type_id", type}}}};
  };
  const auto token = [](const std::string& name, int64_t id) {
    return Json{{"id", name}, {"ids", Json::array({id})}, {"tokens", Json::array({name})}};
  };
  Json json = {{"type", "TemplateProcessing"}};
  json["single"] = Json::array({special(cls, 0), sequence("A", 0), special(sep, 0)});
  json["pair"] = Json::array(
      {special(cls, 0), sequence("A", 0), special(sep, 0), sequence("B", 1), special(sep, 1)});
  json["special_tokens"] = Json::object();
  json["special_tokens"][cls] = token(cls, cls_id);
  json["special_tokens"][sep] = token(sep, sep_id);
  return json;
}

Json json_of_vocab_txt(const std::string& text, const std::string& file, const Json& config) {
  // The last of equal lines counts, so the numbers of the others are nobody's.
  std::unordered_map<std::string, size_t> ids;
  std::vector<std::string> tokens;
  for_each_line(text, file, [&](std::string_view line, size_t number) {
    if (line.size() > 10'000)
      throw DataError(
          "tokenizer",
          fmt::format("expected a token a line, got {} bytes in line {}", line.size(), number + 1),
          file, "give a vocabulary such as BERT's vocab.txt");
    tokens.emplace_back(without_spaces_behind(line));
    ids[tokens.back()] = number;
  });
  if (tokens.empty())
    throw DataError("tokenizer", "expected a token a line, got an empty file", file);
  const std::string config_file = file + "'s tokenizer_config.json";
  const Json none = Json::object();
  const JsonField settings(config.is_object() ? config : none, config_file);
  const auto name = [&](const char* key, const char* usual) {
    return special_name(settings, key, usual);
  };
  const std::string unk = name("unk_token", "[UNK]"), cls = name("cls_token", "[CLS]"),
                    sep = name("sep_token", "[SEP]");
  for (const auto& token : {cls, sep})
    if (!ids.contains(token))
      throw DataError(
          "tokenizer", fmt::format("expected the token '{}' in the vocabulary, found none", token),
          file, "add it as a line, or name another one in tokenizer_config.json beside it");

  Json json = {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}};
  json["added_tokens"] = Json::array();
  std::vector<std::pair<size_t, std::string>> special;
  for (const auto& token :
       {name("pad_token", "[PAD]"), unk, cls, sep, name("mask_token", "[MASK]")})
    if (ids.contains(token)) special.emplace_back(ids.at(token), token);
  std::sort(special.begin(), special.end());
  special.erase(std::unique(special.begin(), special.end()), special.end());
  for (const auto& [id, token] : special)
    json["added_tokens"].push_back(added_token(token, static_cast<int64_t>(id)));
  const bool lower = settings.boolean("do_lower_case", true);
  json["normalizer"] = {{"type", "BertNormalizer"},
                        {"clean_text", true},
                        {"handle_chinese_chars", settings.boolean("tokenize_chinese_chars", true)},
                        {"strip_accents", nullptr},
                        {"lowercase", lower}};
  if (const auto strip = settings.find("strip_accents"))
    json["normalizer"]["strip_accents"] = strip->boolean();
  json["pre_tokenizer"] = {{"type", "BertPreTokenizer"}};
  json["post_processor"] =
      bert_template(cls, static_cast<int64_t>(ids.at(cls)), sep, static_cast<int64_t>(ids.at(sep)));
  json["decoder"] = {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}};
  json["model"] = {{"type", "WordPiece"},
                   {"unk_token", unk},
                   {"continuing_subword_prefix", "##"},
                   {"max_input_chars_per_word", 100}};
  auto& vocab = json["model"]["vocab"] = Json::object();
  auto& entries =
      static_cast<Json::object_t::Container&>(vocab.get_ref<Json::object_t&>());  // no search
  entries.reserve(ids.size());
  for (size_t id = 0; id < tokens.size(); ++id)
    if (ids.at(tokens[id]) == id) entries.emplace_back(tokens[id], id);
  return json;
}

Json json_of_bpe_files(const Json& vocab, const std::string& file, const std::string& merges,
                       const std::string& merges_file, const Json& config) {
  Json list = Json::array();
  for_each_line(merges, merges_file, [&](std::string_view line, size_t number) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.substr(0, 8) == "#version") return;
    const auto space = line.find(' ');
    if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos)
      throw DataError(
          "tokenizer",
          fmt::format("expected two tokens in line {}, got '{}'", number + 1, line.substr(0, 60)),
          merges_file, "give the merges.txt of a byte-level BPE");
    list.push_back(Json::array({line.substr(0, space), line.substr(space + 1)}));
  });
  const std::string config_file = file + "'s tokenizer_config.json";
  const Json none = Json::object();
  const JsonField settings(config.is_object() ? config : none, config_file);
  const bool prefix = settings.boolean("add_prefix_space", false);
  const auto id_of = [&](const std::string& token) -> int64_t {
    const auto found = vocab.find(token);
    return found == vocab.end() || !found->is_number_integer() ? -1 : found->get<int64_t>();
  };
  const auto name = [&](const char* key, const char* usual) {
    return special_name(settings, key, usual);
  };
  // RoBERTa and its kin surround a text, GPT-2 does not.
  const auto cls = name("cls_token", "<s>"), sep = name("sep_token", "</s>");
  const bool roberta = id_of(cls) >= 0 && id_of(sep) >= 0;

  Json json = {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}};
  json["added_tokens"] = Json::array();
  std::vector<std::pair<int64_t, std::string>> special;
  for (const auto& token : {name("bos_token", "<|endoftext|>"), name("eos_token", "<|endoftext|>"),
                            name("unk_token", "<unk>"), name("pad_token", "<pad>"), cls, sep,
                            name("mask_token", "<mask>")})
    if (id_of(token) >= 0) special.emplace_back(id_of(token), token);
  std::sort(special.begin(), special.end());
  special.erase(std::unique(special.begin(), special.end()), special.end());
  for (const auto& [id, token] : special) {
    json["added_tokens"].push_back(added_token(token, id));
    if (token == name("mask_token", "<mask>")) json["added_tokens"].back()["lstrip"] = true;
  }
  json["normalizer"] = nullptr;
  json["pre_tokenizer"] = {{"type", "ByteLevel"},
                           {"add_prefix_space", prefix},
                           {"trim_offsets", true},
                           {"use_regex", true}};
  if (roberta)
    json["post_processor"] = {{"type", "RobertaProcessing"},
                              {"sep", Json::array({sep, id_of(sep)})},
                              {"cls", Json::array({cls, id_of(cls)})},
                              {"trim_offsets", true},
                              {"add_prefix_space", prefix}};
  else
    json["post_processor"] = {{"type", "ByteLevel"},
                              {"add_prefix_space", true},
                              {"trim_offsets", false},
                              {"use_regex", true}};
  json["decoder"] = {{"type", "ByteLevel"},
                     {"add_prefix_space", true},
                     {"trim_offsets", true},
                     {"use_regex", true}};
  json["model"] = {{"type", "BPE"},
                   {"dropout", nullptr},
                   {"unk_token", nullptr},
                   {"continuing_subword_prefix", nullptr},
                   {"end_of_word_suffix", nullptr},
                   {"fuse_unk", false},
                   {"byte_fallback", false},
                   {"ignore_merges", false}};
  json["model"]["vocab"] = vocab;
  json["model"]["merges"] = std::move(list);
  return json;
}

Json default_config(const Json& json) {
  Json config = {{"tokenizer_class", "PreTrainedTokenizerFast"}};
  if (json.at("model").at("type") == "WordPiece") {
    config["tokenizer_class"] = "BertTokenizer";
    config["do_lower_case"] = json.at("normalizer").at("lowercase");
  }
  return config;
}

}  // namespace braid::text
