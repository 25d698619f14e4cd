#include "braid/text/added_tokens_beside.h"

#include <charconv>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "braid/io/posix_file.h"
#include "braid/text/json_field.h"
#include "braid/text/vocabulary.h"

namespace braid::text {
namespace {

namespace fs = std::filesystem;

using Names = std::unordered_set<std::string>;

// Null: there is no such file.
Json read_beside(const fs::path& file) { return io::file_exists(file) ? read_json(file) : Json(); }

// A name, an object with it as content, or a list of them.
void collect_names(const Json& value, Names& names) {
  if (value.is_string())
    names.insert(value.get<std::string>());
  else if (value.is_object() && value.contains("content"))
    collect_names(value.at("content"), names);
  else if (value.is_array())
    for (const auto& item : value) collect_names(item, names);
}

void collect_special_names(const Json& json, Names& names) {
  if (!json.is_object()) return;
  for (const char* key :
       {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
        "additional_special_tokens", "extra_special_tokens"})
    if (const auto it = json.find(key); it != json.end()) collect_names(*it, names);
}

Json added_token_of(const JsonField& field, int64_t id) {
  const bool special = field.boolean("special", false);
  return {{"id", id},
          {"content", field.at("content").text()},
          {"single_word", field.boolean("single_word", false)},
          {"lstrip", field.boolean("lstrip", false)},
          {"rstrip", field.boolean("rstrip", false)},
          {"normalized", field.boolean("normalized", !special)},
          {"special", special}};
}

int64_t number_of(const std::string& key, const JsonField& field) {
  int64_t number = -1;
  const auto read = std::from_chars(key.data(), key.data() + key.size(), number);
  if (read.ec != std::errc() || read.ptr != key.data() + key.size() || number < 0 ||
      number > kMaxTokenId)
    field.fail("the token of a number, which is its key");
  return number;
}

// The list `added_tokens`, of which a token's last entry counts.
class AddedList {
 public:
  explicit AddedList(Json& list) : list_(list) {
    for (size_t i = 0; i < list.size(); ++i) places_[list[i].at("content").get<std::string>()] = i;
  }
  void put(Json token) {
    const auto content = token.at("content").get<std::string>();
    const auto [place, is_new] = places_.emplace(content, list_.size());
    if (is_new)
      list_.push_back(std::move(token));
    else
      list_[place->second] = std::move(token);
  }

 private:
  Json& list_;
  std::unordered_map<std::string, size_t> places_;
};

}  // namespace

void add_tokens_beside(const fs::path& folder, const Json& config, Json& tokenizer_json) {
  AddedList added(tokenizer_json["added_tokens"]);
  const auto config_file = (folder / "tokenizer_config.json").string();
  if (config.is_object()) {
    if (const auto decoder = JsonField(config, config_file).find("added_tokens_decoder")) {
      for (const auto& [key, field] : decoder->members())
        added.put(added_token_of(field, number_of(key, field)));
      return;
    }
  }
  const auto file = (folder / "added_tokens.json").string();
  const Json numbers = read_beside(file);
  if (numbers.is_null()) return;
  Names special;
  for (const auto& token : tokenizer_json.at("added_tokens"))
    collect_names(token.at("content"), special);
  collect_special_names(config, special);
  collect_special_names(read_beside(folder / "special_tokens_map.json"), special);
  for (const auto& [content, field] : JsonField(numbers, file).members()) {
    const bool is_special = special.contains(content);
    added.put({{"id", field.integer(0, kMaxTokenId)},
               {"content", content},
               {"single_word", false},
               {"lstrip", false},
               {"rstrip", false},
               {"normalized", !is_special},
               {"special", is_special}});
  }
}

}  // namespace braid::text
