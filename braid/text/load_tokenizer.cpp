// Which file is a tokenizer, and of what kind.
#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"
#include "braid/io/posix_file.h"
#include "braid/text/added_tokens_beside.h"
#include "braid/text/sentencepiece_tokenizer.h"
#include "braid/text/tokenizer_json.h"
#include "braid/text/vocabulary_files.h"

namespace braid::text {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWhatIsRead =
    "give a tokenizer.json, a vocab.txt, a vocab.json with merges.txt beside it, a SentencePiece "
    ".model or .spm, or a folder with one of them";

std::string text_of(const fs::path& file) {
  const auto bytes = io::read_file(file, kMaxJsonBytes);
  return {bytes.begin(), bytes.end()};
}

Json json_of(const std::string& text, const fs::path& file) {
  return parse_json(text, {.component = "tokenizer", .where = file.string()});
}

struct Config {
  std::string text;
  Json json;
};

Config config_beside(const fs::path& file) {
  const auto path = file.parent_path() / "tokenizer_config.json";
  if (!io::file_exists(path)) return {};
  Config config;
  config.text = text_of(path);
  config.json = json_of(config.text, path);
  const auto name = path.string();
  if (!config.json.is_object()) JsonField(config.json, name).fail("an object");
  return config;
}

TokenizerPtr from_tokenizer_json(const Json& json, std::string text, const fs::path& file,
                                 Config config) {
  auto parts = read_tokenizer_json(json, config.json, file.string());
  parts.tokenizer_json = std::move(text);
  parts.tokenizer_config = std::move(config.text);
  return make_pipeline(std::move(parts));
}

// A tokenizer that is not a tokenizer.json becomes one: there is one reader, and one file to save.
TokenizerPtr from_made_json(Json json, const fs::path& file, const Config& config) {
  add_tokens_beside(file.parent_path(), config.json, json);
  auto parts = read_tokenizer_json(json, config.json, file.string());
  parts.tokenizer_json = json.dump(2);
  parts.tokenizer_config = config.text.empty() ? default_config(json).dump(2) : config.text;
  return make_pipeline(std::move(parts));
}

fs::path first_of(const fs::path& folder, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (io::file_exists(folder / name)) return folder / name;
  return {};
}

TokenizerPtr from_vocab_json(const Json& vocab, const fs::path& file) {
  const auto merges = first_of(file.parent_path(), {"merges.txt", "vocab.bpe"});
  if (merges.empty())
    throw DataError("tokenizer",
                    "expected merges.txt beside the vocabulary, found none: a vocabulary without "
                    "its merges is no tokenizer",
                    file.string(),
                    "put merges.txt beside it (Marian: source.spm and target.spm), or give a "
                    "tokenizer.json");
  const auto config = config_beside(file);
  return from_made_json(
      json_of_bpe_files(vocab, file.string(), text_of(merges), merges.string(), config.json), file,
      config);
}

TokenizerPtr from_json_file(const fs::path& file) {
  auto text = text_of(file);
  const auto json = json_of(text, file);
  if (json.is_object() && json.contains("model") && json.at("model").is_object())
    return from_tokenizer_json(json, std::move(text), file, config_beside(file));
  const bool is_vocabulary =
      json.is_object() && !json.empty() && json.begin().value().is_number_integer();
  if (is_vocabulary) return from_vocab_json(json, file);
  throw DataError("tokenizer",
                  "expected a tokenizer.json with the field model, or a vocabulary of tokens and "
                  "numbers",
                  file.string(), kWhatIsRead);
}

bool is_sentencepiece(const fs::path& file) {
  const auto extension = file.extension();
  return extension == ".model" || extension == ".spm" || extension == ".spiece";
}

// The file of a folder that says what its tokenizer is; empty: none.
fs::path file_in(const fs::path& folder) {
  auto known = first_of(
      folder, {"tokenizer.json", "vocab.txt", "vocab.json", "encoder.json",
               "sentencepiece.bpe.model", "spiece.model", "tokenizer.model", "source.spm"});
  if (known.filename() == "vocab.json" && first_of(folder, {"merges.txt"}).empty()) {
    const auto spm = first_of(folder, {"source.spm"});  // Marian's
    if (!spm.empty()) return spm;
  }
  if (!known.empty()) return known;
  std::vector<fs::path> models;
  for (const auto& file : io::list_folder(folder))
    if (is_sentencepiece(file)) models.push_back(file);
  return models.size() == 1 ? models[0] : fs::path();
}

}  // namespace

bool has_tokenizer(const fs::path& folder) {
  return io::is_folder(folder) && !file_in(folder).empty();
}

TokenizerPtr load_tokenizer(const fs::path& path) {
  if (io::is_folder(path)) {
    const auto file = file_in(path);
    if (file.empty())
      throw DataError("tokenizer", "expected a tokenizer in the folder, found none", path.string(),
                      kWhatIsRead);
    return load_tokenizer(file);
  }
  if (!io::file_exists(path))
    throw IoError("tokenizer", "expected a file or folder, found none", path.string(), kWhatIsRead);
  if (is_sentencepiece(path)) return load_sentencepiece(path);
  if (path.extension() == ".json") return from_json_file(path);
  if (path.extension() == ".txt" && path.filename() != "merges.txt") {
    const auto config = config_beside(path);
    return from_made_json(json_of_vocab_txt(text_of(path), path.string(), config.json), path,
                          config);
  }
  throw DataError("tokenizer",
                  fmt::format("expected a tokenizer's file, got '{}'", path.filename().string()),
                  path.string(), kWhatIsRead);
}

}  // namespace braid::text
